//! Attaches tokens to requests.

use std::fmt;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};

#[cfg(feature = "id-jag")]
use super::id_jag_tokens::IdJagTokens;
use super::issued_token::{IssuedToken, TokenTimes};
use super::machine_tokens::MachineTokens;
use super::origin::{Origin, RequestOrigin};
use super::request::OutgoingRequest;
use super::token_exchange::TokenExchange;
use super::token_request::TokenRequest;
use super::user_token::UserToken;
use crate::clock::SharedClock;
use crate::error::{Code, Error, Result};
use crate::jose::VerifiedAccessToken;
use crate::protocol::rejects_token;

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
    pub(super) fn new(origins: Arc<[Origin]>, source: Source, clock: SharedClock) -> Self {
        Self { origins, source, clock }
    }

    /// Attaches the tokens of a user to requests to one origin.
    #[cfg(feature = "device")]
    pub(crate) fn for_user(
        origin: &str,
        user: &(impl UserToken + Clone + 'static),
        clock: &SharedClock,
    ) -> Result<Self> {
        let source = Source::User(Arc::new(user.clone()));
        Ok(Self::new(Arc::new([Origin::parse(origin)?]), source, clock.clone()))
    }

    /// Attaches the token, in place of any other credentials in `Authorization`. Returns it for
    /// [`renew_after`](Self::renew_after).
    ///
    /// # Errors
    /// [`Code::TargetMismatch`] if the request is addressed to an origin that the target does not
    /// name; the request is then unchanged. Otherwise the error of requesting the token.
    pub async fn authorize(&self, request: &mut impl OutgoingRequest) -> Result<IssuedToken> {
        if !request.origin().is_some_and(|origin| self.names(&origin)) {
            let message = "a call to another API was addressed to an origin that its target does not name, so no \
                           token was attached; check the address, or name the origin with `Target::origin`";
            return Err(Error::new(Code::TargetMismatch, message));
        }
        let token = self.token().await?;
        request.headers_mut().insert(AUTHORIZATION, token.header());
        Ok(token)
    }

    /// Renews the token if a response rejected it (401 with `error="invalid_token"`, RFC 6750
    /// §3.1). Returns whether to authorize the request again and to repeat it, which is worth it
    /// once.
    ///
    /// Concurrent callers share one renewal. A token that was issued less than 10 s ago is not
    /// renewed, because the next one would be rejected too. A user's token is renewed only if it
    /// has expired since.
    ///
    /// # Errors
    /// The error of requesting the token.
    pub async fn renew_after(&self, rejected: &IssuedToken, status: StatusCode, headers: &HeaderMap) -> Result<bool> {
        if !rejects_token(status, headers, "Bearer") {
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
                IssuedToken::new(&user.access_token().await?, Vec::new(), times)
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
