//! New tokens that could not be written down, until they are.
//!
//! The refresh token that they were asked for with is used up, and nobody else has the
//! new one. So they are kept in memory, and written as soon as the store works again:
//! by the next request that comes here, or by a task that tries for all of them in
//! turn, since the next request may come to another replica. That one would present
//! the old refresh token. Okta's leeway bears it for a while; later it is taken for
//! theft.
//!
//! What cannot be prevented: a replica that is asked between the return of the store
//! and the next try, after the leeway; and a process that ends while the store is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache;

use super::OktaAuth;
use super::lease::under_lease;
use super::renewal::{Outcome, REMEMBERED};
use crate::error::{Code, Error, Result};
use crate::session::{Session, Sessions, StoreKey, StoredSessions};

/// How long the task waits between two tries.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How often it tries: for a quarter of an hour, which is longer than the grace that a
/// session has without new tokens.
const TRIES: usize = 900;

/// A session as it was, and what is to be written in its place.
type Change = (Arc<Session>, Arc<Session>);

/// What has been renewed and could not be written down.
pub(super) struct Unsaved {
    /// By the name of the session.
    changes: Cache<StoreKey, Change>,
    /// Whether the task is running.
    is_tried: AtomicBool,
}

impl Default for Unsaved {
    fn default() -> Self {
        Self { changes: Cache::new(REMEMBERED), is_tried: AtomicBool::new(false) }
    }
}

impl Unsaved {
    /// Keeps what is to be written in the place of a session.
    pub(super) fn keep(&self, before: &Arc<Session>, next: &Arc<Session>) {
        self.changes.insert(next.id().0, (Arc::clone(before), Arc::clone(next)));
    }

    /// What is to be written in the place of a session. If that has other tokens by now
    /// than those that were renewed, somebody else was faster, and what is kept here is
    /// out of date.
    pub(super) fn instead_of(&self, session: &Session) -> Option<Arc<Session>> {
        let (before, next) = self.changes.get(&session.id().0)?;
        before.has_tokens_of(session).then_some(next)
    }

    /// Forgets what has been written, or never needs to be.
    pub(super) fn remove(&self, key: &StoreKey) {
        self.changes.remove(key);
    }
}

impl OktaAuth {
    /// Starts the task, if there is something to write and it is not running.
    pub(super) fn write_later(&self) {
        let unsaved = &self.0.renewals.unsaved;
        if !unsaved.changes.is_empty() && !unsaved.is_tried.swap(true, Ordering::SeqCst) {
            tokio::spawn(self.clone().write_all());
        }
    }

    /// Writes what there is until nothing is left. A store that does not answer ends the
    /// round: it is not asked thousands of times.
    async fn write_all(self) {
        let unsaved = &self.0.renewals.unsaved;
        for _ in 0..TRIES {
            tokio::time::sleep(TRY_AGAIN).await;
            let keys: Vec<StoreKey> = unsaved.changes.iter().map(|(key, _)| key).collect();
            for key in keys {
                let auth = self.clone();
                // What a request is at already is waited for, and not done twice.
                let work = || async move { auth.write_one(key).await.unwrap_or_else(Outcome::failed) };
                match self.0.renewals.flights.join(key, work).await {
                    Some(Outcome::Failed(error)) if error.code() == Code::StoreUnavailable => break,
                    _ => {}
                }
            }
            if unsaved.changes.is_empty() {
                unsaved.is_tried.store(false, Ordering::SeqCst);
                // What was kept in this moment found the task running.
                if unsaved.changes.is_empty() || unsaved.is_tried.swap(true, Ordering::SeqCst) {
                    return;
                }
            }
        }
        unsaved.is_tried.store(false, Ordering::SeqCst);
    }

    /// Writes one of them, under the lease of its renewal. Requests may wait for the
    /// outcome, which is why it is one of theirs.
    async fn write_one(&self, key: StoreKey) -> Result<Outcome> {
        let Sessions::Stored(stored) = &self.0.sessions else { return Err(not_now()) };
        under_lease(stored, &key, self.write_alone(stored, key)).await?.unwrap_or_else(|| Err(not_now()))
    }

    /// The same, by whoever holds the lease.
    async fn write_alone(&self, stored: &StoredSessions, key: StoreKey) -> Result<Outcome> {
        let unsaved = &self.0.renewals.unsaved;
        let (_, next) = unsaved.changes.get(&key).ok_or_else(not_now)?;
        let Some(current) = stored.load(&key, self.0.clock.now()).await? else {
            // It has been ended: its new refresh token is good for nothing but harm.
            unsaved.remove(&key);
            self.revoke_later(next);
            return Ok(Outcome::Ended);
        };
        if unsaved.instead_of(&current.session).is_none() {
            unsaved.remove(&key);
            return Ok(Outcome::Renewed(current));
        }
        self.write_down(stored, current, next).await
    }
}

/// Somebody else is at it.
fn not_now() -> Error {
    Error::new(Code::RenewalUnavailable, "the session is being renewed by another request or process")
}
