//! Sessions that have been opened a moment ago.
//!
//! Opening a cookie is most of what a signed-in request costs. The same cookie comes
//! with every request until it is written again, so the outcome is remembered under the
//! whole of its text.
//!
//! Nobody who does not have the cookie finds a session here: it is looked for by its
//! end, where the tag is that depends on every bit of it, and then compared as a whole.
//! Nobody knows the end who does not have the cookie, so the time of the comparison
//! tells nothing. What ends a session is judged with each request and is not
//! remembered, and what is remembered holds no token: those stay sealed.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use foldhash::fast::RandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, UnitWeighter};

use super::record::Session;

/// What opening a cookie came to.
#[derive(Clone)]
pub(super) struct Opened {
    /// The session, whose tokens are sealed.
    pub(super) session: Arc<Session>,
    /// Whether it was sealed with a key that is on its way out.
    pub(super) old_key: bool,
    /// The name of the cookie that it was sealed for.
    pub(super) name: Arc<str>,
}

/// A cache of bounded size. Only what opens gets in, so strangers cannot fill it;
/// beyond its size the sessions that are used least make room.
pub(super) struct OpenedSessions(Cache<Text, Opened, UnitWeighter, RandomState>);

/// So many characters at the end of a cookie have its tag of 16 bytes, and as many bytes
/// of what it seals.
const END: usize = 43;

/// The text of a cookie.
struct Text(Arc<[u8]>);

/// The same, not yet kept.
struct Sent<'a>(&'a [u8]);

/// Two cookies of kilobytes differ at their ends: reading all of both for a hash would
/// cost as much as comparing them.
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

impl OpenedSessions {
    /// For so many sessions.
    pub(super) fn new(capacity: usize) -> Self {
        let weight = u64::try_from(capacity).unwrap_or(u64::MAX);
        let (state, lifecycle) = (RandomState::default(), DefaultLifecycle::default());
        Self(Cache::with(capacity, weight, UnitWeighter, state, lifecycle))
    }

    /// What is known of a cookie of this name. All of it is compared, not the hash alone.
    pub(super) fn find(&self, text: &[u8], name: &str) -> Option<Opened> {
        self.0.get(&Sent(text)).filter(|opened| *opened.name == *name)
    }

    /// Remembers a cookie.
    pub(super) fn insert(&self, text: Arc<[u8]>, opened: Opened) {
        self.0.insert(Text(text), opened);
    }
}

impl fmt::Debug for OpenedSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedSessions").field("len", &self.0.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_cookie_is_known_as_a_whole() {
        let sessions = OpenedSessions::new(8);
        let session = Arc::new(Session::sample(3, Timestamp::from_seconds(1_700_000_000)));
        for text in [vec![b'a'; 200], vec![b'a'; END], b"short".to_vec()] {
            let opened = Opened { session: Arc::clone(&session), old_key: false, name: "name".into() };
            sessions.insert(text.clone().into(), opened);
            assert!(sessions.find(&text, "name").is_some());
            assert!(sessions.find(&text, "another").is_none());
            for at in 0..text.len() {
                let mut other = text.clone();
                other[at] ^= 1;
                assert!(sessions.find(&other, "name").is_none(), "{at} of {}", text.len());
            }
        }
        assert!(sessions.find(&[b'a'; 199], "name").is_none() && sessions.find(&[b'a'; 201], "name").is_none());
        assert!(sessions.find(b"", "name").is_none());
    }
}
