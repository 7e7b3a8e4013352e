//! Deferred logout: retries when the session store fails.
//!
//! The session cookie is deleted even if the store is down, so that a shared computer is not left signed in. The
//! browser can therefore not retry, and a copy of the cookie would stay valid until the session's limits. The logout
//! waits in a list and is retried until the store responds.
//!
//! 1. The list holds sessions, not tasks. One worker processes it; the pause between two rounds doubles from one second
//!    to one minute.
//! 2. Each session is listed once, however often its cookie is sent.
//! 3. While the store is down, the MAC of a session id proves that the session is real. A forged id with a MAC is
//!    invalid and gets no entry. Ids from before the MAC was introduced share a small part of the list, so that forged
//!    ones cannot displace a proven session.
//! 4. If the list is full, the response is [`Code::SignOutLocalOnly`](crate::error::Code::SignOutLocalOnly), because
//!    the logout will not be retried.
//!
//! A deferred logout is lost if the process ends while the store is down.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::events::{CorrelationId, EndReason};
use crate::retry::pauses;
use crate::session::{PendingLookup, SessionAdmin, StoreKey};

/// Capacity for sessions with a valid MAC.
const PROVEN: usize = 1024;
/// Capacity for sessions without a MAC. Such an id is easily forged, and valid ones disappear with the sessions from
/// before the MAC was introduced.
const UNPROVEN: usize = 128;
/// The pause before the first round; it doubles with each round.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The number of rounds for each logout: about an hour.
const ROUNDS: u32 = 65;
/// A round ends after this number of failures, because each may take as long as the store's timeout.
const FAILURES: usize = 4;

/// The deferred logouts of all tenants.
#[derive(Default)]
pub(crate) struct DeferredLogouts(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    entries: VecDeque<DeferredLogout>,
    /// The keys of the entries, and of the entry that the worker processes.
    keys: HashSet<StoreKey>,
    unproven: usize,
    has_worker: bool,
    round: u32,
}

struct DeferredLogout {
    admin: Arc<SessionAdmin>,
    lookup: PendingLookup,
    reference: CorrelationId,
    /// The round in which the entry was added.
    since: u32,
}

/// Allows another worker to start if this one is dropped early, for example when its runtime shuts down.
struct Worker {
    logouts: Arc<DeferredLogouts>,
    done: bool,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.done {
            self.logouts.lock().has_worker = false;
        }
    }
}

impl Worker {
    async fn run(mut self) {
        for pause in pauses(FIRST_PAUSE, LONGEST_PAUSE) {
            if !self.logouts.lock().begin_round() {
                break;
            }
            tokio::time::sleep(pause).await;
            self.logouts.retry_all().await;
        }
        self.done = true;
    }
}

impl DeferredLogouts {
    /// Adds the logout of a session; returns `false` if the list is full.
    pub(super) fn add(
        self: &Arc<Self>,
        admin: &Arc<SessionAdmin>,
        lookup: PendingLookup,
        reference: CorrelationId,
    ) -> bool {
        let mut queue = self.lock();
        if lookup.key().is_some_and(|key| queue.keys.contains(&key)) {
            return true;
        }
        if queue.is_full(lookup.is_proven()) {
            return false;
        }
        let since = queue.round;
        queue.push(DeferredLogout { admin: Arc::clone(admin), lookup, reference, since });
        if !std::mem::replace(&mut queue.has_worker, true) {
            tokio::spawn(Worker { logouts: Arc::clone(self), done: false }.run());
        }
        true
    }

    /// Tries each logout once, or until the store has failed a few times. A failed logout moves to the end, so that the
    /// next round begins with the others.
    async fn retry_all(&self) {
        let (mut left, mut failures) = (self.lock().entries.len(), 0);
        while left > 0 && failures < FAILURES {
            let Some(logout) = self.lock().entries.pop_front() else { return };
            left -= 1;
            let outcome = logout.admin.end_found(logout.lookup.clone(), EndReason::SignedOut, logout.reference).await;
            match outcome {
                Err(error) if error.is_temporary() => {
                    failures += 1;
                    self.lock().put_back(logout);
                }
                _ => self.lock().forget(&logout.lookup),
            }
        }
    }

    /// No code under the lock panics, so a poisoned lock has a consistent list.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn is_full(&self, proven: bool) -> bool {
        if proven { self.keys.len().saturating_sub(self.unproven) >= PROVEN } else { self.unproven >= UNPROVEN }
    }

    fn push(&mut self, logout: DeferredLogout) {
        self.keys.extend(logout.lookup.key());
        self.unproven += usize::from(!logout.lookup.is_proven());
        self.entries.push_back(logout);
    }

    /// Begins a round if the list has entries. The worker stops under the lock, so that no entry is added to a list
    /// without a worker.
    fn begin_round(&mut self) -> bool {
        self.round = self.round.wrapping_add(1);
        self.has_worker = !self.entries.is_empty();
        self.has_worker
    }

    /// Returns a failed logout to the queue, unless it was retried for long enough.
    fn put_back(&mut self, logout: DeferredLogout) {
        if self.round.wrapping_sub(logout.since) < ROUNDS {
            self.entries.push_back(logout);
            return;
        }
        self.forget(&logout.lookup);
        let reference = logout.reference;
        tracing::error!(
            target: "okta_auth", %reference,
            "the store failed for an hour, so a deferred sign-out was dropped; end the user's sessions"
        );
    }

    fn forget(&mut self, lookup: &PendingLookup) {
        if let Some(key) = lookup.key() {
            self.keys.remove(&key);
        }
        self.unproven = self.unproven.saturating_sub(usize::from(!lookup.is_proven()));
    }
}
