//! The cache of issued tokens.
//!
//! 1. The key has every parameter that makes a different token: the scopes, the audience, the resource, the issuer, and
//!    the token that is exchanged or the session. The client is that of the cache itself.
//! 2. Concurrent callers share one request, which continues if they disconnect.
//! 3. A token is renewed in the background before it expires. Until then callers get the present token.
//! 4. A failure is cached for a short time, so that callers in a loop do not cause a request each. It replaces no token
//!    that is still usable, except a rejected one.
//! 5. The number of entries is bounded; beyond it the least used ones are evicted.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, UnitWeighter};

use super::issued_token::IssuedToken;
use super::token_request::TokenRequest;
use crate::clock::{SharedClock, Timestamp};
use crate::error::{Code, Error, Result};
use crate::http::SingleFlight;

/// How long a refusal is cached. Only an administrator can change the outcome.
const REFUSED: Duration = Duration::from_secs(10);
/// How long another failure is cached, unless Okta states a time.
const FAILED: Duration = Duration::from_secs(1);
/// A token that is rejected within this time after its issue is not renewed, because the next one would be rejected
/// too.
const YOUNGEST_REJECTED: Duration = Duration::from_secs(10);

/// What a token is cached by.
#[derive(Clone, Copy, Hash)]
pub(super) struct TokenKey<'a> {
    /// The hash of the token that is exchanged, or of the session's id.
    pub(super) subject: Option<&'a [u8; 32]>,
    pub(super) request: &'a TokenRequest,
}

/// As [`TokenKey`], in the cache. Both have the same hash.
#[derive(Clone, PartialEq, Eq, Hash)]
struct OwnedKey {
    subject: Option<[u8; 32]>,
    request: TokenRequest,
}

/// Clones share the entries.
#[derive(Clone)]
pub(super) struct TokenCache(Arc<Inner>);

struct Inner {
    entries: Cache<OwnedKey, Entry, UnitWeighter, RandomState>,
    requests: SingleFlight<OwnedKey, Result<IssuedToken>>,
    clock: SharedClock,
}

#[derive(Clone)]
enum Entry {
    Token(IssuedToken),
    Failed { error: Error, since: Timestamp, until: Timestamp },
}

/// The cached token that a new one replaces.
enum Replaced {
    Nothing,
    /// It is due for renewal.
    Due(IssuedToken),
    /// An API rejected it.
    Rejected(IssuedToken),
}

impl Replaced {
    fn is(&self, token: &IssuedToken) -> bool {
        matches!(self, Self::Due(present) | Self::Rejected(present) if present.is_same(token))
    }
}

impl TokenCache {
    pub(super) fn new(capacity: usize, clock: SharedClock) -> Self {
        let weight = u64::try_from(capacity).unwrap_or(u64::MAX);
        let (state, lifecycle) = (RandomState::default(), DefaultLifecycle::default());
        let entries = Cache::with(capacity, weight, UnitWeighter, state, lifecycle);
        Self(Arc::new(Inner { entries, requests: SingleFlight::default(), clock }))
    }

    /// The number of entries, tokens and failures.
    pub(super) fn len(&self) -> usize {
        self.0.entries.len()
    }

    /// Returns the cached token, or requests one.
    ///
    /// # Errors
    /// That of the request, which may be cached.
    pub(super) async fn token<F, Fut>(&self, key: TokenKey<'_>, request: F) -> Result<IssuedToken>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<IssuedToken>> + Send + 'static,
    {
        let now = self.0.clock.now();
        match self.cached(key, now) {
            Some(Ok(token)) => {
                if token.claim_renewal(now) {
                    self.renew_in_background(key.to_owned(), token.clone(), request());
                }
                Ok(token)
            }
            Some(Err(error)) => Err(error),
            // Boxed, so that the future for a cached token stays small.
            None => Box::pin(self.fetch(key, Replaced::Nothing, request)).await,
        }
    }

    /// Returns a token other than the rejected one; `None` if the rejected one was issued only a moment ago.
    ///
    /// # Errors
    /// That of the request.
    pub(super) async fn token_after<F, Fut>(
        &self,
        rejected: &IssuedToken,
        key: TokenKey<'_>,
        request: F,
    ) -> Result<Option<IssuedToken>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<IssuedToken>> + Send + 'static,
    {
        let now = self.0.clock.now();
        match self.cached(key, now) {
            Some(Ok(token)) if !token.is_same(rejected) => Ok(Some(token)),
            _ if rejected.age(now) < YOUNGEST_REJECTED => Ok(None),
            _ => Box::pin(self.fetch(key, Replaced::Rejected(rejected.clone()), request)).await.map(Some),
        }
    }

    fn cached(&self, key: TokenKey<'_>, now: Timestamp) -> Option<Result<IssuedToken>> {
        match self.0.entries.get(&key)? {
            Entry::Token(token) => token.is_usable(now).then_some(Ok(token)),
            Entry::Failed { error, since, until } => (since <= now && now < until).then_some(Err(error)),
        }
    }

    fn renew_in_background(
        &self,
        key: OwnedKey,
        present: IssuedToken,
        request: impl Future<Output = Result<IssuedToken>> + Send + 'static,
    ) {
        let cache = self.clone();
        tokio::spawn(async move {
            if let Err(error) = cache.fetch(key.borrowed(), Replaced::Due(present), || request).await {
                tracing::warn!(target: "okta_auth", code = %error.code(), "an access token was not renewed, the present one stays in use: {error:?}");
            }
        });
    }

    /// Requests a token, or joins the running request.
    async fn fetch<F, Fut>(&self, key: TokenKey<'_>, replaced: Replaced, request: F) -> Result<IssuedToken>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<IssuedToken>> + Send + 'static,
    {
        let work = || {
            let (cache, key, request) = (self.clone(), key.to_owned(), request());
            async move {
                // Another request may have ended since the caller looked.
                match cache.cached(key.borrowed(), cache.0.clock.now()) {
                    Some(Ok(token)) if !replaced.is(&token) => return Ok(token),
                    Some(Err(error)) => return Err(error),
                    _ => {}
                }
                let outcome = request.await;
                cache.keep(key, &outcome, matches!(replaced, Replaced::Rejected(_)));
                outcome
            }
        };
        let outcome = self.0.requests.join(key.to_owned(), work).await;
        outcome.ok_or_else(|| Error::new(Code::Internal, "a token request ended without an outcome"))?
    }

    fn keep(&self, key: OwnedKey, outcome: &Result<IssuedToken>, was_rejected: bool) {
        let now = self.0.clock.now();
        match outcome {
            Ok(token) => self.0.entries.insert(key, Entry::Token(token.clone())),
            Err(error) => {
                // A rejected token may still be good elsewhere.
                let keeps_token = error.is_temporary() || !was_rejected;
                if keeps_token && matches!(self.cached(key.borrowed(), now), Some(Ok(_))) {
                    return;
                }
                let usual = if error.is_temporary() { FAILED } else { REFUSED };
                let until = now.plus(error.retry_after().unwrap_or(usual));
                self.0.entries.insert(key, Entry::Failed { error: error.clone(), since: now, until });
            }
        }
    }
}

impl TokenKey<'_> {
    fn to_owned(self) -> OwnedKey {
        OwnedKey { subject: self.subject.copied(), request: self.request.clone() }
    }
}

impl OwnedKey {
    fn borrowed(&self) -> TokenKey<'_> {
        TokenKey { subject: self.subject.as_ref(), request: &self.request }
    }
}

impl Equivalent<OwnedKey> for TokenKey<'_> {
    fn equivalent(&self, key: &OwnedKey) -> bool {
        self.subject == key.subject.as_ref() && *self.request == key.request
    }
}

opaque_debug!(TokenCache, |it| len: it.len());

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
