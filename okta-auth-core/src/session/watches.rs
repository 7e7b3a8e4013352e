//! The registry of futures that wait for the end of a session, for WebSockets and event streams.
//!
//! # What ends a wait
//!
//! | the session ends | the futures complete |
//! |---|---|
//! | by anything in this process | at once |
//! | by a limit | within a second |
//! | by another replica, with a shared store or revocation list | with the next probe, every 10 s |
//!
//! # What it costs
//!
//! One entry for each session, however many futures wait for it, and one task for all entries, which ends with the last
//! one. While the registry is empty a request costs one atomic load.
//!
//! # Where the task runs
//!
//! The task runs on the runtime of the future that was polled first. If that runtime ends (one of several workers) the
//! futures on other runtimes are woken, and one of them starts the task again.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::index_keys::SessionKeys;
use super::probe::Probe;
use super::record::Session;
use super::store::StoreKey;
use crate::clock::{SharedClock, Timestamp};

/// The watched sessions of all tenants of an application. Clones share them.
#[derive(Clone)]
pub(crate) struct Watches(Arc<Shared>);

struct Shared {
    clock: SharedClock,
    /// The number of sessions, readable without the lock.
    number: AtomicUsize,
    state: Mutex<State>,
}

/// The state under the lock, which is never held across an await.
#[derive(Default)]
struct State {
    sessions: BTreeMap<StoreKey, Watched>,
    /// When each session ends unless it is used.
    ends: BTreeSet<(Timestamp, StoreKey)>,
    /// Pairs of index key and id, to find the sessions of a user.
    names: BTreeSet<(StoreKey, StoreKey)>,
    /// Sessions that may have ended just before they were watched.
    unchecked: BTreeSet<StoreKey>,
    driven: bool,
}

struct Watched {
    session: Arc<Session>,
    probe: Arc<dyn Probe>,
    names: Vec<StoreKey>,
    until: Timestamp,
    signal: Arc<Signal>,
    waiters: usize,
}

/// Shared by the futures of one session.
#[derive(Default)]
struct Signal {
    ended: AtomicBool,
    changed: Notify,
}

/// A session to be probed.
pub(super) struct Question {
    pub(super) session: Arc<Session>,
    pub(super) probe: Arc<dyn Probe>,
}

/// One future's registration. Dropping it removes it.
pub(crate) struct Watch {
    watches: Watches,
    id: StoreKey,
    signal: Arc<Signal>,
}

impl Watches {
    pub(crate) fn new(clock: SharedClock) -> Self {
        Self(Arc::new(Shared { clock, number: AtomicUsize::new(0), state: Mutex::default() }))
    }

    /// Whether no session is watched, which is the usual case.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.number.load(Ordering::Relaxed) == 0
    }

    /// Registers a future for the end of a session. The session ends at `until` unless it is used.
    pub(super) fn watch(
        &self,
        session: &Arc<Session>,
        names: &SessionKeys,
        until: Timestamp,
        probe: Arc<dyn Probe>,
    ) -> Watch {
        let id = session.key();
        let mut state = self.lock();
        let signal = match state.sessions.get_mut(&id) {
            Some(watched) => {
                watched.waiters = watched.waiters.saturating_add(1);
                Arc::clone(&watched.signal)
            }
            None => {
                let signal = Arc::<Signal>::default();
                let watched = Watched {
                    session: Arc::clone(session),
                    probe,
                    names: names.all(),
                    until,
                    signal: Arc::clone(&signal),
                    waiters: 1,
                };
                state.insert(id, watched);
                self.0.number.store(state.sessions.len(), Ordering::Relaxed);
                signal
            }
        };
        state.unchecked.insert(id);
        drop(state);
        Watch { watches: self.clone(), id, signal }
    }

    /// Moves the end of a session that has been used or refreshed.
    pub(super) fn update(&self, session: &Arc<Session>, names: impl FnOnce() -> Vec<StoreKey>, until: Timestamp) {
        let id = session.key();
        let mut state = self.lock();
        let Some(mut watched) = state.sessions.remove(&id) else { return };
        state.forget(&id, &watched);
        if !Arc::ptr_eq(&watched.session, session) {
            (watched.session, watched.names) = (Arc::clone(session), names());
        }
        watched.until = until;
        state.insert(id, watched);
    }

    /// Completes the futures of a session that has ended.
    pub(super) fn end(&self, id: &StoreKey) {
        if !self.is_empty() {
            self.end_where(std::slice::from_ref(id), |_| true);
        }
    }

    /// Completes the futures of the sessions of an index key that began by `until`.
    pub(super) fn end_named(&self, name: &StoreKey, until: Timestamp) {
        if !self.is_empty() {
            let named = self.lock().named(name);
            self.end_where(&named, |watched| watched.session.created_at() <= until);
        }
    }

    /// Removes those of the sessions that satisfy `fits`, and completes their futures.
    fn end_where(&self, ids: &[StoreKey], fits: impl Fn(&Watched) -> bool) {
        let mut state = self.lock();
        let fitting = ids.iter().filter(|id| state.sessions.get(id).is_some_and(&fits)).copied().collect::<Vec<_>>();
        let ended: Vec<_> = fitting.iter().filter_map(|id| state.remove(id)).collect();
        self.0.number.store(state.sessions.len(), Ordering::Relaxed);
        // A woken future may be dropped at once, which takes the lock.
        drop(state);
        for watched in ended {
            watched.signal.ended.store(true, Ordering::Release);
            watched.signal.changed.notify_waiters();
        }
    }

    /// The sessions whose known end has passed.
    pub(super) fn due(&self, now: Timestamp) -> Vec<Question> {
        let state = self.lock();
        let due = state.ends.iter().take_while(|(end, _)| *end <= now).map(|(_, id)| id);
        due.filter_map(|id| state.question(id)).collect()
    }

    /// Takes the sessions that have not been probed since a future registered.
    pub(super) fn unchecked(&self) -> Vec<Question> {
        let mut state = self.lock();
        let ids = std::mem::take(&mut state.unchecked);
        ids.iter().filter_map(|id| state.question(id)).collect()
    }

    /// Up to `number` sessions after `last`, in the order of their ids.
    pub(super) fn after(&self, last: Option<StoreKey>, number: usize) -> Vec<Question> {
        let state = self.lock();
        let start = last.map_or(Bound::Unbounded, Bound::Excluded);
        let ids = state.sessions.range((start, Bound::Unbounded)).take(number).map(|(id, _)| id);
        ids.filter_map(|id| state.question(id)).collect()
    }

    pub(super) fn clock(&self) -> &SharedClock {
        &self.0.clock
    }

    /// Ends those of the sessions whose end has come and has not been moved meanwhile.
    pub(super) fn end_due(&self, ids: &[StoreKey], now: Timestamp) {
        self.end_where(ids, |watched| watched.until <= now);
    }

    /// The right to run the task; `None` while it runs.
    pub(super) fn driver(&self) -> Option<Driver> {
        let was_driven = std::mem::replace(&mut self.lock().driven, true);
        (!was_driven).then(|| Driver { watches: self.clone(), is_done: false })
    }

    /// A poisoned lock is still consistent: no code panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn sizes(&self) -> [usize; 4] {
        let state = self.lock();
        [state.sessions.len(), state.ends.len(), state.names.len(), self.0.number.load(Ordering::Relaxed)]
    }
}

impl State {
    fn insert(&mut self, id: StoreKey, watched: Watched) {
        self.ends.insert((watched.until, id));
        self.names.extend(watched.names.iter().map(|name| (*name, id)));
        self.sessions.insert(id, watched);
    }

    fn remove(&mut self, id: &StoreKey) -> Option<Watched> {
        let watched = self.sessions.remove(id)?;
        self.forget(id, &watched);
        self.unchecked.remove(id);
        Some(watched)
    }

    /// Removes a session from the tables that refer to it.
    fn forget(&mut self, id: &StoreKey, watched: &Watched) {
        self.ends.remove(&(watched.until, *id));
        for name in &watched.names {
            self.names.remove(&(*name, *id));
        }
    }

    fn named(&self, name: &StoreKey) -> Vec<StoreKey> {
        let (first, last) = (StoreKey::from_bytes([0; 32]), StoreKey::from_bytes([0xff; 32]));
        self.names.range((*name, first)..=(*name, last)).map(|(_, id)| *id).collect()
    }

    fn question(&self, id: &StoreKey) -> Option<Question> {
        let watched = self.sessions.get(id)?;
        Some(Question { session: Arc::clone(&watched.session), probe: Arc::clone(&watched.probe) })
    }
}

/// The right to run the single task. It is dropped with the task, also when a runtime shuts down.
pub(super) struct Driver {
    watches: Watches,
    is_done: bool,
}

impl Driver {
    pub(super) fn watches(&self) -> &Watches {
        &self.watches
    }

    /// Whether the registry is empty. The next registration then starts another task.
    pub(super) fn is_done(&mut self) -> bool {
        let mut state = self.watches.lock();
        if state.sessions.is_empty() {
            (state.driven, self.is_done) = (false, true);
        }
        self.is_done
    }
}

// A runtime that shuts down drops its tasks. Futures on other runtimes then start another one.
impl Drop for Driver {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let mut state = self.watches.lock();
        state.driven = false;
        let signals: Vec<_> = state.sessions.values().map(|watched| Arc::clone(&watched.signal)).collect();
        drop(state);
        signals.iter().for_each(|signal| signal.changed.notify_waiters());
    }
}

impl Watch {
    pub(super) fn watches(&self) -> &Watches {
        &self.watches
    }

    pub(super) fn is_over(&self) -> bool {
        self.signal.ended.load(Ordering::Acquire)
    }

    /// Completes when the session has ended or the task has to be started again.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.signal.changed.notified()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut state = self.watches.lock();
        let Some(watched) = state.sessions.get_mut(&self.id) else { return };
        // The session may have ended and be watched again, under another signal.
        if !Arc::ptr_eq(&watched.signal, &self.signal) {
            return;
        }
        watched.waiters = watched.waiters.saturating_sub(1);
        if watched.waiters == 0 {
            state.remove(&self.id);
            self.watches.0.number.store(state.sessions.len(), Ordering::Relaxed);
        }
    }
}

opaque_debug!(Watches, |it| sessions: it.0.number);

#[cfg(test)]
#[path = "watches_tests.rs"]
mod tests;
