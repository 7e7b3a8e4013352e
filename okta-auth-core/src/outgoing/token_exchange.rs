//! Tokens for the next API, in exchange for one that this API received (RFC 8693).

use std::future::Future;
use std::sync::Arc;

use super::cache::{TokenCache, TokenKey};
use super::issued_token::IssuedToken;
use super::token_endpoint::TokenEndpoint;
use super::token_request::TokenRequest;
use crate::error::{Code, Error, Result};
use crate::jose::VerifiedAccessToken;

/// The number of cached tokens, as many as verified tokens are cached by default.
const CAPACITY: usize = 4_096;

/// Access tokens with which an API calls another API on behalf of a user (RFC 8693, at Okta "on-behalf-of token
/// exchange"). Clones are cheap and share the cache.
///
/// Only a token that passed every check of this API is exchanged, and only at its own org. The new token is cached for
/// this token, this audience and these scopes, and expires no later than either token. At Okta the exchange also ends
/// with the user's session there.
#[derive(Clone, Debug)]
pub struct TokenExchange {
    endpoint: Arc<TokenEndpoint>,
    cache: TokenCache,
}

impl TokenExchange {
    pub(super) fn new(endpoint: Arc<TokenEndpoint>) -> Self {
        let cache = TokenCache::new(CAPACITY, endpoint.clock.clone());
        Self { endpoint, cache }
    }

    /// Returns a token for another API, from the cache where possible. `subject` is the token that this API received.
    /// The request needs an audience; Okta rejects one without.
    ///
    /// # Errors
    /// [`Code::TokenExpired`] if the token has expired, [`Code::TokenClaim`] if it belongs to another org,
    /// [`Code::TokenRefused`] if Okta rejects the exchange, and otherwise as for
    /// [`MachineTokens::token`](super::MachineTokens::token).
    pub async fn token(
        &self,
        subject: &impl AsRef<VerifiedAccessToken>,
        request: &TokenRequest,
    ) -> Result<IssuedToken> {
        let subject = subject.as_ref();
        self.check(subject)?;
        self.cache.token(key(subject, request), || self.request(subject, request)).await
    }

    pub(super) async fn token_after(
        &self,
        rejected: &IssuedToken,
        subject: &VerifiedAccessToken,
        request: &TokenRequest,
    ) -> Result<Option<IssuedToken>> {
        self.check(subject)?;
        self.cache.token_after(rejected, key(subject, request), || self.request(subject, request)).await
    }

    /// The number of cached tokens and failures, for metrics. It is bounded.
    pub fn cached(&self) -> usize {
        self.cache.len()
    }

    /// Checks at each use that the token has not expired, without the leeway of its verification.
    fn check(&self, subject: &VerifiedAccessToken) -> Result<()> {
        if subject.claims().expires_at() > self.endpoint.clock.now() {
            return Ok(());
        }
        Err(Error::new(Code::TokenExpired, "the access token has expired, so it cannot be exchanged"))
    }

    fn request(
        &self,
        subject: &VerifiedAccessToken,
        request: &TokenRequest,
    ) -> impl Future<Output = Result<IssuedToken>> + Send + use<> {
        let (endpoint, subject, request) = (Arc::clone(&self.endpoint), subject.clone(), request.clone());
        async move { endpoint.for_subject(&subject, &request).await }
    }
}

fn key<'a>(subject: &'a VerifiedAccessToken, request: &'a TokenRequest) -> TokenKey<'a> {
    TokenKey { subject: Some(subject.hash()), request }
}
