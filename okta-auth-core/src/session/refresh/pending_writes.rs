//! Pending writes: new tokens that could not be persisted yet.
//!
//! The old refresh token is used up, and only this process has the new one. Therefore the new tokens are kept in memory
//! and persisted as soon as the store works again: by the next request to this process, or by a task that retries all
//! of them in turn, because the next request may reach another replica. That replica would present the old refresh
//! token. Okta accepts it during its grace period and treats later use as token theft.
//!
//! Two cases cannot be prevented: a request at another replica between the recovery of the store and the next retry,
//! after the grace period; and the end of this process while the store is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quick_cache::sync::Cache;

use crate::session::record::Session;
use crate::session::store::StoreKey;

/// The pending writes of all tenants. Each has its own writer `W`, because a session is sealed and leased with the keys
/// of its tenant.
pub(super) struct PendingWrites<W> {
    writes: Cache<StoreKey, PendingWrite<W>>,
    /// Whether a task retries them.
    is_flushing: AtomicBool,
}

#[derive(Clone)]
struct PendingWrite<W> {
    before: Arc<Session>,
    next: Arc<Session>,
    writer: W,
}

impl<W: Clone> PendingWrites<W> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { writes: Cache::new(capacity), is_flushing: AtomicBool::new(false) }
    }

    /// Keeps `next` until it is written, for the session that has the tokens of `before`.
    pub(super) fn keep(&self, before: &Arc<Session>, next: &Arc<Session>, writer: W) {
        let (before, next) = (Arc::clone(before), Arc::clone(next));
        self.writes.insert(next.key(), PendingWrite { before, next, writer });
    }

    pub(super) fn get(&self, key: &StoreKey) -> Option<Arc<Session>> {
        self.writes.get(key).map(|write| write.next)
    }

    /// Returns the pending write for a session. If the session's tokens have changed in the meantime, another process
    /// has persisted newer ones and the pending write is obsolete.
    pub(super) fn successor(&self, session: &Session) -> Option<Arc<Session>> {
        let write = self.writes.get(&session.key())?;
        write.before.has_tokens_of(session).then_some(write.next)
    }

    pub(super) fn remove(&self, key: &StoreKey) {
        self.writes.remove(key);
    }

    pub(super) fn writers(&self) -> Vec<(StoreKey, W)> {
        self.writes.iter().map(|(key, write)| (key, write.writer)).collect()
    }

    /// Whether the caller has to start the task that retries the writes.
    pub(super) fn start_flush(&self) -> bool {
        !self.writes.is_empty() && !self.is_flushing.swap(true, Ordering::SeqCst)
    }

    pub(super) fn end_flush(&self) {
        self.is_flushing.store(false, Ordering::SeqCst);
    }

    /// Ends the task if no write is left. Returns `false` if the task has to continue, because a write that was added
    /// at this moment found it running.
    pub(super) fn end_flush_if_empty(&self) -> bool {
        if !self.writes.is_empty() {
            return false;
        }
        self.end_flush();
        !self.start_flush()
    }
}
