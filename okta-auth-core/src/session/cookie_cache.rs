//! Caches opened session cookies.
//!
//! Opening a cookie is most of the cost of a signed-in request. The browser sends the same cookie until it is
//! rewritten, so the outcome is cached under the whole text of the cookie.
//!
//! The lookup key is the end of the cookie, which contains the authentication tag. The tag depends on every bit of the
//! cookie. An attacker cannot guess it, so comparison timing reveals nothing. The whole text is compared after the
//! lookup. Every request checks the session's limits again; the cache does not store that result. Cached sessions hold
//! no tokens: those stay sealed.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, UnitWeighter};

use super::record::Session;

#[derive(Clone)]
pub(super) struct Opened {
    /// The session, whose tokens are sealed.
    pub(super) session: Arc<Session>,
    /// Whether it was sealed with a previous key.
    pub(super) needs_reseal: bool,
    /// Whether it is a cookie of the previous default name.
    pub(super) previous: bool,
}

/// A bounded cache. Only cookies that open are inserted, so attackers cannot fill it. When it is full, the least used
/// sessions are evicted.
pub(super) struct CookieCache {
    capacity: usize,
    /// Allocated with the first session, because an application of many tenants has one for each.
    cookies: OnceLock<Cache<Text, Opened, UnitWeighter, RandomState>>,
}

/// The number of characters at the end of a cookie that encode its tag of 16 bytes and 16 bytes of ciphertext.
const END: usize = 43;

struct Text(Arc<[u8]>);

struct Sent<'a>(&'a [u8]);

/// Hashes only the end: two cookies differ there, and hashing kilobytes would cost as much as comparing them.
fn hash_end(text: &[u8], state: &mut impl Hasher) {
    state.write(text.last_chunk::<END>().map_or(text, |end| end));
}

impl Hash for Text {
    fn hash<S: Hasher>(&self, state: &mut S) {
        hash_end(&self.0, state);
    }
}

impl Hash for Sent<'_> {
    fn hash<S: Hasher>(&self, state: &mut S) {
        hash_end(self.0, state);
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Text {}

impl Equivalent<Text> for Sent<'_> {
    fn equivalent(&self, known: &Text) -> bool {
        *self.0 == *known.0
    }
}

impl CookieCache {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, cookies: OnceLock::new() }
    }

    /// Returns the cached result for a cookie of the current or the previous name. The whole text is compared, not only
    /// the hash.
    pub(super) fn find(&self, text: &[u8], previous: bool) -> Option<Opened> {
        self.cookies.get()?.get(&Sent(text)).filter(|opened| opened.previous == previous)
    }

    pub(super) fn insert(&self, text: Arc<[u8]>, opened: Opened) {
        let cookies = self.cookies.get_or_init(|| {
            let weight = u64::try_from(self.capacity).unwrap_or(u64::MAX);
            let (state, lifecycle) = (RandomState::default(), DefaultLifecycle::default());
            Cache::with(self.capacity, weight, UnitWeighter, state, lifecycle)
        });
        cookies.insert(Text(text), opened);
    }
}

impl fmt::Debug for CookieCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieCache").field("len", &self.cookies.get().map_or(0, Cache::len)).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_cached_cookie_must_match_in_every_byte() {
        let sessions = CookieCache::new(8);
        let session = Arc::new(Session::sample(3, Timestamp::from_seconds(1_700_000_000)));
        for text in [vec![b'a'; 200], vec![b'a'; END], b"short".to_vec()] {
            let opened = Opened { session: Arc::clone(&session), needs_reseal: false, previous: false };
            sessions.insert(text.clone().into(), opened);
            assert!(sessions.find(&text, false).is_some());
            assert!(sessions.find(&text, true).is_none());
            for at in 0..text.len() {
                let mut other = text.clone();
                other[at] ^= 1;
                assert!(sessions.find(&other, false).is_none(), "{at} of {}", text.len());
            }
        }
        assert!(sessions.find(&[b'a'; 199], false).is_none() && sessions.find(&[b'a'; 201], false).is_none());
        assert!(sessions.find(b"", false).is_none());
    }
}
