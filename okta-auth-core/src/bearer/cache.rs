//! Tokens that have been verified before.

use std::fmt;

use foldhash::fast::RandomState;
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use crate::clock::Timestamp;
use crate::jose::{KeysVersion, VerifiedAccessToken};
use crate::secret::sha256;

/// The hash of a whole token.
pub(super) type TokenKey = [u8; 32];

/// A token that has been verified, and for how long that holds.
#[derive(Clone)]
pub(super) struct Verified {
    pub(super) token: VerifiedAccessToken,
    /// Never later than the token's expiry.
    pub(super) until: Timestamp,
    /// The keys that it was verified with, and whose they are; `None` for a token that
    /// its issuer was asked about.
    pub(super) keys: Option<(usize, KeysVersion)>,
}

/// A cache of bounded size. Only verified tokens get in, so strangers cannot fill it;
/// beyond its size the tokens that are used least make room.
///
/// Its keys are hashes of whole tokens, signature included, so a token is found by
/// nobody who does not have it, and tokens are not kept in memory.
pub(super) struct TokenCache(Cache<TokenKey, Verified, UnitWeighter, RandomState>);

impl TokenCache {
    /// For so many tokens.
    pub(super) fn new(capacity: usize) -> Self {
        let weight = u64::try_from(capacity).unwrap_or(u64::MAX);
        // The keys are hashes already, so finding their place may be cheap; all of a key is compared.
        let (state, lifecycle) = (RandomState::default(), DefaultLifecycle::default());
        Self(Cache::with(capacity, weight, UnitWeighter, state, lifecycle))
    }

    /// The key of a token.
    pub(super) fn key(token: &[u8]) -> TokenKey {
        sha256(token)
    }

    /// What is known of a token at `now`. A token that has to be asked about again, and
    /// has not expired, is kept: that it was good gives it precedence.
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

    /// Whether a token was good before.
    pub(super) fn knows(&self, key: &TokenKey) -> bool {
        self.0.peek(key).is_some()
    }

    /// Remembers a token.
    pub(super) fn insert(&self, key: TokenKey, verified: Verified) {
        self.0.insert(key, verified);
    }

    /// Forgets a token.
    pub(super) fn remove(&self, key: &TokenKey) {
        self.0.remove(key);
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("len", &self.0.len()).finish_non_exhaustive()
    }
}
