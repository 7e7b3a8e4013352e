//! Revocation of sessions in cookies from the server side.
//!
//! The server cannot delete a browser's cookie, so it records revocations. A revocation is a mark: under the index key
//! of a session, a session at Okta, a user or an address, it stores the moment up to which those sessions have ended.
//! Each request checks the marks.
//!
//! A mark stores a moment and not a list of sessions. So "everything of this user up to now" is one entry for any
//! number of sessions, and later sign-ins are unaffected. Marks expire after the absolute limit, when no session that
//! they cover can be alive.
//!
//! A front-channel logout is unauthenticated: any page can request the end of any session at Okta. So the store also
//! records which sessions at Okta have a session here, as records beside the marks. A shared store has recorded each
//! session since sign-in and ignores other keys. A single process may have been restarted, so it keeps marks for
//! unknown keys in a separate bounded table that evicts the oldest. Made-up keys therefore never evict the mark of a
//! session that has really ended.

use std::sync::Arc;
use std::time::Duration;

use super::index_keys::{IndexKeys, SessionKeys};
use super::limits::SKEW;
use super::memory::MemoryStore;
use super::probe::{Probe, ProbeFuture, Probed};
use super::record::Session;
use super::store::{SessionStore, StoreKey, StoredRecord};
use super::store_timeout::with_store_timeout;
use crate::clock::Timestamp;
use crate::error::Result;

/// How long the latest start is stored: much longer than the tolerated clock difference.
const REMEMBERED: Duration = Duration::from_secs(3600);

#[derive(Clone)]
pub(crate) enum Revocations {
    /// In this process: other replicas still accept sessions that it has ended. Lookups do not wait.
    Memory(Arc<MemoryStore>),
    Shared(Arc<dyn SessionStore>),
}

impl Revocations {
    /// Whether a session has been ended; `None` if the store has to be asked with [`is_ended`](Self::is_ended).
    ///
    /// Index keys are computed only when needed: each is a hash, and needs the parsed claims.
    ///
    /// As soon as there are unproven marks, each session that comes is recorded for `lifetime`, so that a later
    /// front-channel logout of it counts as proven. An unproven mark that covers the session becomes a proven one.
    pub(crate) fn is_ended_now(&self, session: &Session, index_keys: &IndexKeys, lifetime: Duration) -> Option<bool> {
        let Self::Memory(memory) = self else { return None };
        // The usual case: there are no marks, so no keys are computed.
        if memory.has_no_marks() {
            return Some(false);
        }
        let names = session.names(index_keys);
        if let Some(name) = names.okta_session.as_ref().filter(|_| memory.has_unproven_marks()) {
            memory.note(name, lifetime);
            memory.prove(std::slice::from_ref(name));
        }
        Some(memory.marks_now(&names.all()).into_iter().any(|mark| covers(mark, session.created_at())))
    }

    pub(crate) async fn is_ended(&self, names: &[StoreKey], created_at: Timestamp) -> Result<bool> {
        let marks = with_store_timeout(self.store().watermarks(names)).await?;
        Ok(marks.into_iter().any(|mark| covers(mark, created_at)))
    }

    /// Ends every session of this key that began at or before `until`. The mark lasts as long as such a session could
    /// live.
    ///
    /// Marks are only raised, so of two messages the later moment counts, in any order of arrival.
    pub(crate) async fn end(&self, name: &StoreKey, until: Timestamp, lifetime: Duration) -> Result<()> {
        let until = u64::try_from(until.seconds()).unwrap_or(0);
        with_store_timeout(self.store().raise_watermark(name, until, lifetime)).await
    }

    /// Records that a session at Okta has a session here.
    pub(crate) async fn remember(&self, okta_session: Option<&StoreKey>, lifetime: Duration) -> Result<()> {
        let Some(name) = okta_session else { return Ok(()) };
        let record = |version| StoredRecord { version, sealed: Vec::new() };
        if with_store_timeout(self.store().create(name, &record(0), lifetime)).await? {
            return Ok(());
        }
        // Another session of it is recorded already; extend the record, because that session ends earlier.
        let Some(known) = with_store_timeout(self.store().load(name)).await? else { return Ok(()) };
        let next = record(known.version.saturating_add(1));
        // A concurrent writer has stored the same, so losing the race is fine.
        with_store_timeout(self.store().save(name, &next, lifetime)).await.map(drop)
    }

    /// Ends the sessions of a session at Okta because of an unauthenticated message. Returns `false` if the store has
    /// no such session.
    pub(crate) async fn end_reported(
        &self,
        okta_session: &StoreKey,
        until: Timestamp,
        lifetime: Duration,
    ) -> Result<bool> {
        if self.knows(okta_session).await? {
            return self.end(okta_session, until, lifetime).await.map(|()| true);
        }
        let Self::Memory(memory) = self else { return Ok(false) };
        memory.raise_unproven(okta_session, u64::try_from(until.seconds()).unwrap_or(0), lifetime);
        Ok(true)
    }

    /// Whether a session at Okta is recorded as having a session here.
    pub(crate) async fn knows(&self, okta_session: &StoreKey) -> Result<bool> {
        Ok(with_store_timeout(self.store().load(okta_session)).await?.is_some())
    }

    /// The latest start that an existing session can have by `now`.
    ///
    /// It is later than `now` if a session began late, or by a clock that is ahead of this one. Starts beyond the
    /// tolerated clock difference are ignored, because such sessions are not live.
    pub(crate) async fn latest_start(&self, latest: &StoreKey, now: Timestamp) -> Result<Timestamp> {
        let marks = with_store_timeout(self.store().watermarks(&[*latest])).await?;
        let mark = marks.first().and_then(|mark| i64::try_from(*mark).ok()).unwrap_or(0);
        Ok(Timestamp::from_seconds(mark).min(now.plus(SKEW)).max(now))
    }

    /// Returns the first moment at or after `now` at which a session of these keys may begin, and records it as
    /// `latest`. Moments are whole seconds, and a user may sign in again within the second in which a session was
    /// ended.
    pub(crate) async fn start(&self, names: &SessionKeys, latest: &StoreKey, now: Timestamp) -> Result<Timestamp> {
        let marks = with_store_timeout(self.store().watermarks(&names.others)).await?;
        let mark = marks.into_iter().max().and_then(|mark| i64::try_from(mark).ok()).unwrap_or(0);
        let start = if mark >= now.seconds() { Timestamp::from_seconds(mark.saturating_add(1)) } else { now };
        // A single process has a single clock, so most starts need no record.
        if start > now || matches!(self, Self::Shared(_)) {
            let value = u64::try_from(start.seconds()).unwrap_or(0);
            with_store_timeout(self.store().raise_watermark(latest, value, REMEMBERED)).await?;
        }
        Ok(start)
    }

    pub(crate) fn store(&self) -> &dyn SessionStore {
        match self {
            Self::Memory(memory) => &**memory,
            Self::Shared(store) => &**store,
        }
    }
}

/// Finds the end of a watched session in a cookie. Later uses of such a session are recorded only in the browser.
pub(super) struct RevocationProbe {
    pub(super) revocations: Option<Revocations>,
    pub(super) index_keys: IndexKeys,
}

impl Probe for RevocationProbe {
    fn probe(&self, session: Arc<Session>, _: Timestamp) -> ProbeFuture<'_> {
        Box::pin(async move {
            let Some(revocations) = &self.revocations else { return Ok(Probed::NotEnded) };
            let ended = revocations.is_ended(&self.names(&session), session.created_at()).await?;
            Ok(if ended { Probed::Ended } else { Probed::NotEnded })
        })
    }

    fn names(&self, session: &Session) -> Vec<StoreKey> {
        session.names(&self.index_keys).all()
    }
}

/// Whether a mark ends a session that began at `created_at`.
///
/// The second itself is included: a user who signed in within it, before the message, is signed out. 0 stands for a
/// missing mark.
fn covers(mark: u64, created_at: Timestamp) -> bool {
    u64::try_from(created_at.seconds()).is_ok_and(|created_at| mark > 0 && created_at <= mark)
}

impl std::fmt::Debug for Revocations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revocations").field("shared", &matches!(self, Self::Shared(_))).finish()
    }
}
