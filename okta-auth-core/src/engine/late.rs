//! Sign-outs that the store did not take.
//!
//! The browser has forgotten its session by then: a shared machine must not stay signed
//! in. So the browser cannot try again, and a copy of the cookie would be good until its
//! limits. The sign-out waits here and is tried until the store works.
//!
//! 1. The list holds sessions, not tasks. One worker goes through it; the pause between
//!    two rounds doubles from a second to a minute.
//! 2. A session waits once, however often its cookie is sent.
//! 3. While the store is away, the MAC of the id tells which sessions are real. A made-up
//!    id with a MAC is no id and takes no place. Ids written before they had a MAC have a
//!    small part of the list to themselves, so made-up ones cannot take the place of a
//!    proven session.
//! 4. A sign-out that finds the list full is answered with
//!    [`Code::SignOutLocalOnly`]: nothing promises what will not happen.
//!
//! What cannot be prevented: a process that ends while the store is away.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::OktaAuth;
use super::reply::Reply;
use super::visit::Visit;
use crate::error::{Code, Error, Result};
use crate::events::{About, EndReason, Reference};
use crate::session::{Activity, Found, Look, StoreKey, Ticket};

/// How many proven sessions may wait.
const PROVEN: usize = 1024;
/// How many sessions may wait whose ids have no MAC. Such an id is easily made up, and
/// real ones end with the sessions that began before ids had a MAC.
const UNPROVEN: usize = 128;
/// The pause before the first round; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);
/// In how many rounds a sign-out is tried: about an hour.
const ROUNDS: u32 = 65;
/// A round ends after so many failures: each may take as long as the store's time limit.
const FAILURES: usize = 4;

/// The sign-outs that wait, of one application or of many tenants.
#[derive(Default)]
pub(super) struct LateSignOuts(Mutex<Waiting>);

/// What the worker and the requests share.
#[derive(Default)]
struct Waiting {
    queue: VecDeque<Late>,
    /// The keys of the queue, and of what the worker is at.
    keys: HashSet<StoreKey>,
    /// How many of them are not proven.
    unproven: usize,
    /// Whether there is a worker.
    worked_on: bool,
    /// The current round.
    round: u32,
}

/// One sign-out that waits.
struct Late {
    auth: OktaAuth,
    ticket: Ticket,
    reference: Reference,
    /// The round in which it came.
    since: u32,
}

/// Lets another worker begin if this one is dropped before its work is done, as when its
/// runtime is shut down.
struct Worker {
    list: Arc<LateSignOuts>,
    done: bool,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.done {
            self.list.lock().worked_on = false;
        }
    }
}

impl Visit {
    /// Ends the session of this request as soon as the store works, and says so.
    pub(super) fn sign_out_later(&self, error: Error) -> Reply {
        let waits = match self.auth().0.sessions.look(self.cookies(), self.now(), Activity::Passive) {
            Look::Wait(ticket) => self.auth().wait_for_store(ticket, self.reference()),
            _ => false,
        };
        if waits {
            let message = "the browser is signed out, and the session store did not end the session; it is tried again";
            return self.error_told(&Error::new(Code::SignOutPending, message).with_cause(error));
        }
        let message = "the browser is signed out, but the session was not ended on the server: the store does not \
                       answer, and too many sign-outs wait for it; end the user's sessions when it is back";
        self.error(&Error::new(Code::SignOutLocalOnly, message).with_cause(error))
    }
}

impl OktaAuth {
    /// Puts a sign-out on the list. `false` if the list is full.
    fn wait_for_store(&self, ticket: Ticket, reference: Reference) -> bool {
        let list = &self.0.late;
        let mut waiting = list.lock();
        let (since, proven) = (waiting.round, ticket.is_proven());
        if waiting.keys.contains(&ticket.key()) {
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
        waiting.add(Late { auth: self.clone(), ticket, reference, since });
        if !std::mem::replace(&mut waiting.worked_on, true) {
            tokio::spawn(work(Worker { list: Arc::clone(list), done: false }));
        }
        true
    }

    /// Ends the session that a cookie leads to, if it is still there.
    async fn sign_out(&self, ticket: &Ticket, reference: Reference) -> Result<()> {
        let (sessions, now) = (&self.0.sessions, self.0.clock.now());
        let Found::Here { entry, .. } = sessions.find(ticket.clone(), now, Activity::Passive).await? else {
            return Ok(());
        };
        if sessions.end(&entry.session, now).await? {
            self.tell_ended(About::session(&entry.session), EndReason::SignedOut, reference);
            self.revoke_later(entry.session);
        }
        Ok(())
    }
}

/// Goes through the list until it is empty.
async fn work(mut worker: Worker) {
    let mut pause = FIRST;
    while worker.list.lock().goes_on() {
        tokio::time::sleep(pause).await;
        pause = LONGEST.min(pause * 2);
        worker.list.round().await;
    }
    worker.done = true;
}

impl LateSignOuts {
    /// Tries each sign-out once, or until the store has failed a few times. What failed
    /// goes to the end, so that the next round begins with others.
    async fn round(&self) {
        let (mut left, mut failures) = (self.lock().queue.len(), 0);
        while left > 0 && failures < FAILURES {
            let Some(late) = self.lock().queue.pop_front() else { return };
            left -= 1;
            match late.auth.sign_out(&late.ticket, late.reference).await {
                Err(error) if error.is_temporary() => {
                    failures += 1;
                    self.lock().put_back(late);
                }
                _ => self.lock().forget(&late.ticket),
            }
        }
    }

    /// The list. A panic cannot leave it half-written: no code under the lock panics.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Adds a sign-out that is not there yet.
    fn add(&mut self, late: Late) {
        self.keys.insert(late.ticket.key());
        self.unproven += usize::from(!late.ticket.is_proven());
        self.queue.push_back(late);
    }

    /// Begins a round if there is anything to do. The worker ends with the last sign-out,
    /// under the lock, so that none is added to a list without a worker.
    fn goes_on(&mut self) -> bool {
        self.round = self.round.wrapping_add(1);
        self.worked_on = !self.queue.is_empty();
        self.worked_on
    }

    /// Keeps a sign-out that failed for the next round, unless it has been tried for long
    /// enough.
    fn put_back(&mut self, late: Late) {
        if self.round.wrapping_sub(late.since) < ROUNDS {
            self.queue.push_back(late);
            return;
        }
        self.forget(&late.ticket);
        let reference = late.reference;
        tracing::error!(target: "okta_auth", %reference, "the store did not work for an hour: a sign-out is given up");
    }

    /// Frees the place of a sign-out.
    fn forget(&mut self, ticket: &Ticket) {
        self.keys.remove(&ticket.key());
        self.unproven = self.unproven.saturating_sub(usize::from(!ticket.is_proven()));
    }
}
