//! Tokens for the application itself (RFC 6749 §4.4).

use std::future::Future;
use std::sync::Arc;

use super::cache::{TokenCache, TokenKey};
use super::issued_token::IssuedToken;
use super::token_endpoint::TokenEndpoint;
use super::token_request::TokenRequest;
use crate::error::Result;

/// The number of cached tokens. A machine calls few APIs; more entries would come from user input.
const CAPACITY: usize = 1_000;

/// Access tokens for the application itself, by the client credentials grant. Clones are cheap and share the cache.
///
/// A token is requested once, however many tasks ask for it, and renewed in the background before it expires.
///
/// ```no_run
/// # use okta_auth_core as okta_auth;
/// use okta_auth::outgoing::{Outgoing, TokenRequest};
///
/// # async fn run() -> Result<(), okta_auth::Error> {
/// let outgoing = Outgoing::from_env()?;
/// let orders = TokenRequest::new(["orders:read"]);
/// let token = outgoing.machine_tokens().token(&orders).await?;
/// assert_eq!(token.scopes(), ["orders:read"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MachineTokens {
    endpoint: Arc<TokenEndpoint>,
    cache: TokenCache,
}

impl MachineTokens {
    pub(super) fn new(endpoint: Arc<TokenEndpoint>) -> Self {
        let cache = TokenCache::new(CAPACITY, endpoint.clock.clone());
        Self { endpoint, cache }
    }

    /// Returns a token, from the cache where possible.
    ///
    /// Failures are cached too: a refusal by Okta for 10 s, a 429 until the time in `X-Rate-Limit-Reset`, and any other
    /// failure for 1 s.
    ///
    /// # Errors
    /// [`Code::TokenRefused`](crate::error::Code::TokenRefused) if Okta rejects the request;
    /// [`provider_error`](crate::error::Error::provider_error) returns Okta's error code.
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid) if the application has no client id, or neither a
    /// client secret nor a private key. [`Code::ProviderUnavailable`](crate::error::Code::ProviderUnavailable) if Okta
    /// does not respond, [`Code::ProviderRateLimited`](crate::error::Code::ProviderRateLimited) if it limits the rate,
    /// and [`Code::ProviderResponse`](crate::error::Code::ProviderResponse) if its response violates the protocol.
    pub async fn token(&self, request: &TokenRequest) -> Result<IssuedToken> {
        self.cache.token(key(request), || self.request(request)).await
    }

    pub(super) fn provider(&self) -> &Arc<crate::protocol::Provider> {
        &self.endpoint.provider
    }

    pub(super) async fn token_after(
        &self,
        rejected: &IssuedToken,
        request: &TokenRequest,
    ) -> Result<Option<IssuedToken>> {
        self.cache.token_after(rejected, key(request), || self.request(request)).await
    }

    /// The number of cached tokens and failures, for metrics. It is bounded.
    pub fn cached(&self) -> usize {
        self.cache.len()
    }

    fn request(&self, request: &TokenRequest) -> impl Future<Output = Result<IssuedToken>> + Send + use<> {
        let (endpoint, request) = (Arc::clone(&self.endpoint), request.clone());
        async move { endpoint.for_client(&request).await }
    }
}

fn key(request: &TokenRequest) -> TokenKey<'_> {
    TokenKey { subject: None, request }
}
