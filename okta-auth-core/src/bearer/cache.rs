//! The cache of verified tokens.

use std::fmt;

use foldhash::fast::RandomState;
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use crate::clock::Timestamp;
use crate::jose::{KeysVersion, VerifiedAccessToken};
use crate::secret::sha256;

pub(super) type TokenKey = [u8; 32];

/// A verified token and the end of its validity in the cache.
#[derive(Clone)]
pub(super) struct Verified {
    pub(super) token: VerifiedAccessToken,
    /// Never later than the token's expiry.
    pub(super) until: Timestamp,
    /// The index of the issuer and the version of its keys; `None` for an introspected token.
    pub(super) keys: Option<(usize, KeysVersion)>,
}

/// A cache of bounded size. It holds only verified tokens, so junk cannot fill it; beyond its size the least used
/// tokens are evicted.
///
/// Its keys are hashes of whole tokens, signature included, so a lookup needs the token itself. The tokens are kept
/// only for token exchange, and are wiped when they leave the cache.
pub(super) struct TokenCache(Cache<TokenKey, Verified, UnitWeighter, RandomState>);

impl TokenCache {
    pub(super) fn new(capacity: usize) -> Self {
        let weight = u64::try_from(capacity).unwrap_or(u64::MAX);
        // The keys are hashes already, so a fast hasher is enough; a lookup compares whole keys.
        let (state, lifecycle) = (RandomState::default(), DefaultLifecycle::default());
        Self(Cache::with(capacity, weight, UnitWeighter, state, lifecycle))
    }

    pub(super) fn key(token: &[u8]) -> TokenKey {
        sha256(token)
    }

    /// Returns a cached token. An introspected token that has not expired itself stays in the cache after `until`, so
    /// that its next introspection has precedence (see [`Self::knows`]).
    pub(super) fn find(&self, key: &TokenKey, now: Timestamp) -> Option<Verified> {
        let verified = self.0.get(key)?;
        if now < verified.until {
            return Some(verified);
        }
        if now >= verified.token.claims().expires_at() {
            self.0.remove(key);
        }
        None
    }

    /// Whether a token was valid at an earlier request.
    pub(super) fn knows(&self, key: &TokenKey) -> bool {
        self.0.peek(key).is_some()
    }

    pub(super) fn insert(&self, key: TokenKey, verified: Verified) {
        self.0.insert(key, verified);
    }

    pub(super) fn remove(&self, key: &TokenKey) {
        self.0.remove(key);
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("len", &self.0.len()).finish_non_exhaustive()
    }
}
