//! Pending writes: new tokens that could not be persisted yet.
//!
//! The old refresh token is used up, and only this process has the new one. Therefore the
//! new tokens are kept in memory and persisted as soon as the store works again: by the
//! next request to this process, or by a task that retries all of them in turn, because the
//! next request may reach another replica. That replica would present the old refresh
//! token. Okta accepts it during its grace period and treats later use as token theft.
//!
//! Two cases cannot be prevented: a request at another replica between the recovery of the
//! store and the next retry, after the grace period; and the end of this process while the
//! store is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache;

use super::OktaAuth;
use super::lease::under_lease;
use super::refresher::{Outcome, REMEMBERED};
use crate::error::{Code, Error, Result};
use crate::session::{Session, Sessions, StoreKey, StoredSessions};

const TRY_AGAIN: Duration = Duration::from_secs(1);
/// The number of attempts: for a quarter of an hour, which exceeds a session's grace period
/// without new tokens.
const TRIES: usize = 900;

type Change = (Arc<Session>, Arc<Session>);

pub(super) struct PendingWrites {
    changes: Cache<StoreKey, Change>,
    is_tried: AtomicBool,
}

impl Default for PendingWrites {
    fn default() -> Self {
        Self { changes: Cache::new(REMEMBERED), is_tried: AtomicBool::new(false) }
    }
}

impl PendingWrites {
    pub(super) fn keep(&self, before: &Arc<Session>, next: &Arc<Session>) {
        self.changes.insert(next.id().0, (Arc::clone(before), Arc::clone(next)));
    }

    /// Returns the pending write for a session. If the session's tokens have changed in the
    /// meantime, another process has persisted newer ones and the pending write is
    /// obsolete.
    pub(super) fn instead_of(&self, session: &Session) -> Option<Arc<Session>> {
        let (before, next) = self.changes.get(&session.id().0)?;
        before.has_tokens_of(session).then_some(next)
    }

    pub(super) fn remove(&self, key: &StoreKey) {
        self.changes.remove(key);
    }
}

impl OktaAuth {
    pub(super) fn schedule_flush(&self) {
        let unsaved = &self.0.refreshes.unsaved;
        if !unsaved.changes.is_empty() && !unsaved.is_tried.swap(true, Ordering::SeqCst) {
            tokio::spawn(self.clone().write_all());
        }
    }

    /// Persists the pending writes until none is left. A store failure ends the round, so
    /// that it is not repeated for each of thousands of entries.
    async fn write_all(self) {
        let unsaved = &self.0.refreshes.unsaved;
        for _ in 0..TRIES {
            tokio::time::sleep(TRY_AGAIN).await;
            let keys: Vec<StoreKey> = unsaved.changes.iter().map(|(key, _)| key).collect();
            for key in keys {
                let auth = self.clone();
                // If a request is already processing the session, its result is awaited
                // instead.
                let work = || async move { auth.write_one(key).await.unwrap_or_else(Outcome::failed) };
                match self.0.refreshes.flights.join(key, work).await {
                    Some(Outcome::Failed(error)) if error.code() == Code::StoreUnavailable => break,
                    _ => {}
                }
            }
            if unsaved.changes.is_empty() {
                unsaved.is_tried.store(false, Ordering::SeqCst);
                // An entry that was added at this moment found the task running.
                if unsaved.changes.is_empty() || unsaved.is_tried.swap(true, Ordering::SeqCst) {
                    return;
                }
            }
        }
        unsaved.is_tried.store(false, Ordering::SeqCst);
    }

    /// Persists one pending write under the session's lease. Requests may await the result,
    /// so it is an [`Outcome`].
    async fn write_one(&self, key: StoreKey) -> Result<Outcome> {
        let Sessions::Stored(stored) = &*self.0.sessions else { return Err(not_now()) };
        under_lease(stored, &key, self.flush_under_lease(stored, key)).await?.unwrap_or_else(|| Err(not_now()))
    }

    /// Persists one pending write; the caller holds the lease.
    async fn flush_under_lease(&self, stored: &StoredSessions, key: StoreKey) -> Result<Outcome> {
        let unsaved = &self.0.refreshes.unsaved;
        let (_, next) = unsaved.changes.get(&key).ok_or_else(not_now)?;
        let Some(current) = stored.load(&key, self.0.clock.now()).await? else {
            // The session has ended, so its new refresh token must be revoked.
            unsaved.remove(&key);
            self.revoke_later(next);
            return Ok(Outcome::Ended);
        };
        if unsaved.instead_of(&current.session).is_none() {
            unsaved.remove(&key);
            return Ok(Outcome::Renewed(current));
        }
        self.persist(stored, current, next).await
    }
}

fn not_now() -> Error {
    Error::new(Code::RenewalUnavailable, "the session is being refreshed by another request or process")
}
