//! Attaches tokens to requests.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, StatusCode};

use super::binding::TokenBinding;
#[cfg(feature = "id-jag")]
use super::id_jag_tokens::IdJagTokens;
use super::issued_token::{IssuedToken, TokenTimes};
use super::machine_tokens::MachineTokens;
use super::origin::{Origin, RequestOrigin};
use super::request::OutgoingRequest;
use super::token_exchange::TokenExchange;
use super::token_request::TokenRequest;
use super::user_token::{UserAccessToken, UserToken};
use crate::clock::SharedClock;
use crate::error::{Code, Error, Result};
use crate::jose::VerifiedAccessToken;
use crate::protocol::{Dpop, asks_for_nonce, rejects_token};

/// Attaches an access token to requests to one [`Target`](super::Target). Clones are cheap.
///
/// ```no_run
/// # use okta_auth_core as okta_auth;
/// use okta_auth::outgoing::Outgoing;
///
/// # async fn run() -> Result<(), okta_auth::Error> {
/// let outgoing = Outgoing::from_env()?;
/// let orders = outgoing.target("https://orders.example.com")?.for_machine(["orders:read"]);
///
/// let mut request = http::Request::get("https://orders.example.com/orders").body(()).unwrap();
/// orders.authorize(&mut request).await?;
/// assert!(request.headers().contains_key("authorization"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Authorization {
    origins: Arc<[Origin]>,
    source: Source,
    clock: SharedClock,
    dpop: Arc<Dpop>,
}

#[derive(Clone)]
pub(super) enum Source {
    Machine(MachineTokens, TokenRequest),
    Exchange(TokenExchange, VerifiedAccessToken, TokenRequest),
    User(Arc<dyn UserToken>),
    #[cfg(feature = "id-jag")]
    IdJag(IdJagTokens, Arc<dyn UserToken>, TokenRequest),
}

impl Authorization {
    pub(super) fn new(origins: Arc<[Origin]>, source: Source, clock: SharedClock, dpop: Arc<Dpop>) -> Self {
        Self { origins, source, clock, dpop }
    }

    /// Attaches the tokens of a user to requests to one origin.
    #[cfg(feature = "device")]
    pub(crate) fn for_user(
        origin: &str,
        user: &(impl UserToken + Clone + 'static),
        (clock, dpop): (&SharedClock, &Arc<Dpop>),
    ) -> Result<Self> {
        let source = Source::User(Arc::new(user.clone()));
        Ok(Self::new(Arc::new([Origin::parse(origin)?]), source, clock.clone(), Arc::clone(dpop)))
    }

    /// Attaches the token to a request, in place of any other credentials in `Authorization`. If the token is bound to
    /// a key, attaches a proof as well (RFC 9449 §7.1). Returns the token, for [`renew_after`](Self::renew_after).
    ///
    /// A proof is valid for one attempt, so authorize the request again before each retry.
    ///
    /// # Errors
    /// [`Code::TargetMismatch`] if the request is addressed to an origin that the target does not name; the request is
    /// then unchanged. Otherwise the error of obtaining the token, for example [`Code::ProviderUnavailable`] if Okta
    /// does not respond.
    pub async fn authorize(&self, request: &mut impl OutgoingRequest) -> Result<IssuedToken> {
        if !request.origin().is_some_and(|origin| self.names(&origin)) {
            let message = "a call to another API was addressed to an origin that its target does not name, so no \
                           token was attached; check the address, or name the origin with `Target::origin`";
            return Err(Error::new(Code::TargetMismatch, message));
        }
        self.token().await?.attach(request)
    }

    /// Renews the token if a response rejected it (401 with `error="invalid_token"`, RFC 6750 §3.1), and keeps the
    /// nonce of the response for the next proof. Returns whether to authorize and send the request again: `true` after
    /// a renewal, and if the response asks for a nonce (RFC 9449 §9). Send a request again only once.
    ///
    /// Concurrent callers share one renewal. A token that was issued less than 10 s ago is not renewed, because the
    /// next one would be rejected too. A user's token is renewed only if it has expired since.
    ///
    /// # Errors
    /// The error of obtaining the new token, for example [`Code::ProviderUnavailable`] if Okta does not respond.
    pub async fn renew_after(&self, rejected: &IssuedToken, status: StatusCode, headers: &HeaderMap) -> Result<bool> {
        if rejected.learn_nonce(headers) && asks_for_nonce(status, headers) {
            return Ok(true);
        }
        if !rejects_token(status, headers, rejected.scheme()) {
            return Ok(false);
        }
        match &self.source {
            Source::Machine(tokens, request) => Ok(tokens.token_after(rejected, request).await?.is_some()),
            Source::Exchange(tokens, subject, request) => {
                Ok(tokens.token_after(rejected, subject, request).await?.is_some())
            }
            Source::User(user) => Ok(user.access_token().await?.expose() != rejected.expose()),
            #[cfg(feature = "id-jag")]
            Source::IdJag(tokens, user, request) => Ok(tokens.token_after(rejected, &**user, request).await?.is_some()),
        }
    }

    pub(super) fn names(&self, origin: &RequestOrigin<'_>) -> bool {
        self.origins.iter().any(|named| named.is_of(origin))
    }

    async fn token(&self) -> Result<IssuedToken> {
        match &self.source {
            Source::Machine(tokens, request) => tokens.token(request).await,
            Source::Exchange(tokens, subject, request) => tokens.token(subject, request).await,
            Source::User(user) => {
                let times = TokenTimes::new(self.clock.now(), None, None)?;
                let UserAccessToken { token, key } = user.access_token_with_key().await?;
                let binding = key.map(|key| TokenBinding::new(Arc::clone(&self.dpop), key, &token));
                IssuedToken::with_binding(&token, Vec::new(), times, binding)
            }
            #[cfg(feature = "id-jag")]
            Source::IdJag(tokens, user, request) => tokens.token_of(&**user, request).await,
        }
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            Source::Machine(..) => "machine",
            Source::Exchange(..) => "exchange",
            Source::User(_) => "user",
            #[cfg(feature = "id-jag")]
            Source::IdJag(..) => "id-jag",
        };
        f.debug_struct("Authorization").field("origins", &self.origins).field("source", &source).finish()
    }
}
