//! Sessions that have been opened a moment ago.
//!
//! Opening a cookie is most of what a signed-in request costs. The same cookie comes
//! with every request until it is written again, so the outcome is remembered under the
//! whole of its text.
//!
//! Nobody who does not have the cookie finds a session here. What ends a session is
//! judged with each request and is not remembered, and what is remembered holds no
//! token: those stay sealed.

use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use super::record::Session;

/// What opening a cookie came to.
#[derive(Clone)]
pub(super) struct Opened {
    /// The session, whose tokens are sealed.
    pub(super) session: Arc<Session>,
    /// Whether it was sealed with a key that is on its way out.
    pub(super) old_key: bool,
}

/// A cache of bounded size. Only what opens gets in, so strangers cannot fill it;
/// beyond its size the sessions that are used least make room.
pub(super) struct OpenedSessions(Cache<Arc<[u8]>, Opened, UnitWeighter, RandomState>);

impl OpenedSessions {
    /// For so many sessions.
    pub(super) fn new(capacity: usize) -> Self {
        let weight = u64::try_from(capacity).unwrap_or(u64::MAX);
        let (state, lifecycle) = (RandomState::default(), DefaultLifecycle::default());
        Self(Cache::with(capacity, weight, UnitWeighter, state, lifecycle))
    }

    /// What is known of a cookie. All of it is compared, not the hash alone.
    pub(super) fn find(&self, text: &[u8]) -> Option<Opened> {
        self.0.get(text)
    }

    /// Remembers a cookie.
    pub(super) fn insert(&self, text: Arc<[u8]>, opened: Opened) {
        self.0.insert(text, opened);
    }
}

impl fmt::Debug for OpenedSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedSessions").field("len", &self.0.len()).finish_non_exhaustive()
    }
}
