//! Another API, and what may be sent to it.

use std::sync::Arc;

use super::authorization::{Authorization, Source};
#[cfg(feature = "id-jag")]
use super::id_jag_tokens::IdJagTokens;
use super::machine_tokens::MachineTokens;
use super::origin::Origin;
use super::token_exchange::TokenExchange;
use super::token_request::TokenRequest;
use super::user_token::UserToken;
use crate::clock::SharedClock;
use crate::error::Result;
use crate::jose::VerifiedAccessToken;
use crate::protocol::Dpop;

/// An API that this application calls, by its origins. A token is attached only to requests to these origins. Create a
/// target once and reuse it; clones are cheap.
///
/// Whose token is attached:
///
/// | method | token | for |
/// |---|---|---|
/// | [`for_machine`](Self::for_machine) | of the application itself | workers, scheduled jobs, lookups without a user |
/// | [`for_user`](Self::for_user) | of the user's session | a web app in front of an API with the audience of its own issuer |
/// | [`on_behalf_of`](Self::on_behalf_of) | exchanged for the token that this API received | an API that calls the next one for its user |
#[derive(Clone)]
pub struct Target {
    origins: Arc<[Origin]>,
    machine_tokens: MachineTokens,
    token_exchange: TokenExchange,
    clock: SharedClock,
    dpop: Arc<Dpop>,
}

impl Target {
    pub(super) fn new(
        origin: &str,
        (machine_tokens, token_exchange): (MachineTokens, TokenExchange),
        (clock, dpop): (SharedClock, Arc<Dpop>),
    ) -> Result<Self> {
        Ok(Self { origins: Arc::new([Origin::parse(origin)?]), machine_tokens, token_exchange, clock, dpop })
    }

    /// Names another origin of the same API.
    ///
    /// # Errors
    /// As for [`Outgoing::target`](super::Outgoing::target).
    pub fn origin(mut self, origin: &str) -> Result<Self> {
        let origin = Origin::parse(origin)?;
        self.origins = self.origins.iter().cloned().chain([origin]).collect();
        Ok(self)
    }

    /// Attaches tokens of the application itself, with these scopes.
    pub fn for_machine<S: AsRef<str>>(&self, scopes: impl IntoIterator<Item = S>) -> Authorization {
        self.with_request(&TokenRequest::new(scopes))
    }

    /// Attaches tokens of the application itself for this request.
    pub fn with_request(&self, request: &TokenRequest) -> Authorization {
        self.authorization(Source::Machine(self.machine_tokens.clone(), request.clone()))
    }

    /// Attaches the access token of a user's session, such as that of the `User` of a handler.
    ///
    /// The API must accept the audience of the application's own authorization server.
    pub fn for_user(&self, user: &(impl UserToken + Clone + 'static)) -> Authorization {
        self.authorization(Source::User(Arc::new(user.clone())))
    }

    /// Attaches a token for the audience of the next API, in exchange for the token that this API received (RFC 8693),
    /// such as the `AccessToken` of a handler. `request` names the scopes and the audience.
    ///
    /// ```no_run
    /// # use okta_auth_core as okta_auth;
    /// use okta_auth::jose::VerifiedAccessToken;
    /// use okta_auth::outgoing::{Target, TokenRequest};
    ///
    /// // In a handler, `token` is the extractor `AccessToken`.
    /// async fn stock(token: impl AsRef<VerifiedAccessToken>, warehouse: Target) -> Result<(), okta_auth::Error> {
    ///     let stock = TokenRequest::new(["stock:read"]).audience("api://warehouse");
    ///     let mut request = http::Request::get("https://warehouse.example.com/stock").body(()).unwrap();
    ///     warehouse.on_behalf_of(&token, &stock).authorize(&mut request).await?;
    ///     Ok(())
    /// }
    /// ```
    pub fn on_behalf_of(&self, token: &impl AsRef<VerifiedAccessToken>, request: &TokenRequest) -> Authorization {
        let (exchange, subject) = (self.token_exchange.clone(), token.as_ref().clone());
        self.authorization(Source::Exchange(exchange, subject, request.clone()))
    }

    /// Attaches a token of another app's authorization server for a user's session (Cross App Access); see
    /// [`IdJagTokens`]. `request` names the scopes, and the resource if that server has several.
    #[cfg(feature = "id-jag")]
    pub fn for_user_at(
        &self,
        user: &(impl UserToken + Clone + 'static),
        tokens: &IdJagTokens,
        request: &TokenRequest,
    ) -> Authorization {
        self.authorization(Source::IdJag(tokens.clone(), Arc::new(user.clone()), request.clone()))
    }

    fn authorization(&self, source: Source) -> Authorization {
        Authorization::new(Arc::clone(&self.origins), source, self.clock.clone(), Arc::clone(&self.dpop))
    }
}

opaque_debug!(Target, |it| origins: it.origins);
