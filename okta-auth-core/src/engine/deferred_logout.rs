//! Deferred logout: retries when the session store fails.
//!
//! The session cookie is deleted even if the store is down, so that a shared computer is
//! not left signed in. The browser can therefore not retry, and a copy of the cookie would
//! stay valid until the session's limits. The logout waits in a list and is retried until
//! the store responds.
//!
//! 1. The list holds sessions, not tasks. One worker processes it; the pause between two
//!    rounds doubles from one second to one minute.
//! 2. Each session is listed once, however often its cookie is sent.
//! 3. While the store is down, the MAC of a session id proves that the session is real. A
//!    forged id with a MAC is invalid and gets no entry. Ids from before the MAC was
//!    introduced share a small part of the list, so that forged ones cannot displace a
//!    proven session.
//! 4. If the list is full, the response is [`Code::SignOutLocalOnly`], because the logout
//!    will not be retried.
//!
//! A deferred logout is lost if the process ends while the store is down.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::OktaAuth;
use super::context::RequestContext;
use super::reply::Reply;
use crate::error::{Code, Error, Result};
use crate::events::{CorrelationId, EndReason, EventSubject};
use crate::session::{Activity, LoadedSession, PendingLookup, SessionLookup, StoreKey};

/// Capacity for sessions with a valid MAC.
const PROVEN: usize = 1024;
/// Capacity for sessions without a MAC. Such an id is easily forged, and valid ones
/// disappear with the sessions from before the MAC was introduced.
const UNPROVEN: usize = 128;
/// The pause before the first round; it doubles with each round.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// The number of rounds for each logout: about an hour.
const ROUNDS: u32 = 65;
/// A round ends after this number of failures, because each may take as long as the store's
/// timeout.
const FAILURES: usize = 4;

#[derive(Default)]
pub(super) struct DeferredLogouts(Mutex<PendingAuthentication>);

#[derive(Default)]
struct PendingAuthentication {
    queue: VecDeque<DeferredLogout>,
    /// The keys of the queue, and of the entry that the worker processes.
    keys: HashSet<StoreKey>,
    unproven: usize,
    worked_on: bool,
    round: u32,
}

struct DeferredLogout {
    auth: OktaAuth,
    ticket: PendingLookup,
    reference: CorrelationId,
    /// The round in which the entry was added.
    since: u32,
}

/// Allows another worker to start if this one is dropped early, for example when its
/// runtime shuts down.
struct Worker {
    list: Arc<DeferredLogouts>,
    done: bool,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.done {
            self.list.lock().worked_on = false;
        }
    }
}

impl RequestContext {
    pub(super) fn defer_logout(&self, error: Error) -> Reply {
        let waits = match self.auth().0.sessions.look(self.cookies(), self.now(), Activity::Passive) {
            SessionLookup::Pending(ticket) => self.auth().wait_for_store(ticket, self.reference()),
            _ => false,
        };
        if waits {
            let message = "the browser is signed out, and the session store did not end the session; this is retried";
            return self.error_told(&Error::new(Code::SignOutPending, message).with_cause(error));
        }
        let message = "the browser is signed out, but the session was not ended on the server: the store does not \
                       respond, and too many sign-outs wait for it; end the user's sessions when the store works again";
        self.error(&Error::new(Code::SignOutLocalOnly, message).with_cause(error))
    }
}

impl OktaAuth {
    /// Adds a logout to the list; `false` if the list is full.
    fn wait_for_store(&self, ticket: PendingLookup, reference: CorrelationId) -> bool {
        let list = &self.0.deferred_logouts;
        let mut waiting = list.lock();
        let (since, proven) = (waiting.round, ticket.is_proven());
        if ticket.key().is_some_and(|key| waiting.keys.contains(&key)) {
            return true;
        }
        let full = if proven {
            waiting.keys.len().saturating_sub(waiting.unproven) >= PROVEN
        } else {
            waiting.unproven >= UNPROVEN
        };
        if full {
            return false;
        }
        waiting.add(DeferredLogout { auth: self.clone(), ticket, reference, since });
        if !std::mem::replace(&mut waiting.worked_on, true) {
            tokio::spawn(work(Worker { list: Arc::clone(list), done: false }));
        }
        true
    }

    async fn sign_out(&self, ticket: &PendingLookup, reference: CorrelationId) -> Result<()> {
        let (sessions, now) = (&self.0.sessions, self.0.clock.now());
        let LoadedSession::Live { entry, .. } = sessions.find(ticket.clone(), now, Activity::Passive).await? else {
            return Ok(());
        };
        if sessions.end(&entry.session, now).await? {
            self.tell_ended(EventSubject::session(&entry.session), EndReason::SignedOut, reference);
            self.revoke_later(entry.session);
        }
        Ok(())
    }
}

async fn work(mut worker: Worker) {
    let mut pause = FIRST;
    while worker.list.lock().goes_on() {
        tokio::time::sleep(pause).await;
        pause = LONGEST.min(pause * 2);
        worker.list.round().await;
    }
    worker.done = true;
}

impl DeferredLogouts {
    /// Tries each logout once, or until the store has failed a few times. A failed logout
    /// moves to the end, so that the next round begins with the others.
    async fn round(&self) {
        let (mut left, mut failures) = (self.lock().queue.len(), 0);
        while left > 0 && failures < FAILURES {
            let Some(deferred_logouts) = self.lock().queue.pop_front() else { return };
            left -= 1;
            match deferred_logouts.auth.sign_out(&deferred_logouts.ticket, deferred_logouts.reference).await {
                Err(error) if error.is_temporary() => {
                    failures += 1;
                    self.lock().put_back(deferred_logouts);
                }
                _ => self.lock().forget(&deferred_logouts.ticket),
            }
        }
    }

    /// No code under the lock panics, so a poisoned lock has a consistent list.
    fn lock(&self) -> MutexGuard<'_, PendingAuthentication> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingAuthentication {
    fn add(&mut self, deferred_logouts: DeferredLogout) {
        self.keys.extend(deferred_logouts.ticket.key());
        self.unproven += usize::from(!deferred_logouts.ticket.is_proven());
        self.queue.push_back(deferred_logouts);
    }

    /// Begins a round if the list has entries. The worker stops under the lock, so that no
    /// entry is added to a list without a worker.
    fn goes_on(&mut self) -> bool {
        self.round = self.round.wrapping_add(1);
        self.worked_on = !self.queue.is_empty();
        self.worked_on
    }

    /// Returns a failed logout to the queue, unless it was retried for long enough.
    fn put_back(&mut self, deferred_logouts: DeferredLogout) {
        if self.round.wrapping_sub(deferred_logouts.since) < ROUNDS {
            self.queue.push_back(deferred_logouts);
            return;
        }
        self.forget(&deferred_logouts.ticket);
        let reference = deferred_logouts.reference;
        tracing::error!(
            target: "okta_auth", %reference,
            "the store failed for an hour, so a deferred sign-out was dropped; end the user's sessions"
        );
    }

    fn forget(&mut self, ticket: &PendingLookup) {
        if let Some(key) = ticket.key() {
            self.keys.remove(&key);
        }
        self.unproven = self.unproven.saturating_sub(usize::from(!ticket.is_proven()));
    }
}
