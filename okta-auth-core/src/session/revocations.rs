//! Sessions in cookies that have been ended from the server side.
//!
//! A cookie cannot be taken back, so what has been ended is written down: under the
//! name of a session, a session at Okta, a user or an address, the moment up to which
//! their sessions have ended. Each request looks there.
//!
//! A moment and not a list of sessions: "everything of this user up to now" is one
//! entry, however many sessions there are, and a later sign-in is not touched by it.
//! Entries go by themselves after the absolute limit, when no session that they are
//! about can be alive.
//!
//! A front-channel logout proves nothing: any page can ask for the end of any session at
//! Okta. So it is noted which of those are sessions here too, as records beside the
//! marks. A shared store has noted each session since its beginning and ignores other
//! names. A process may have been restarted, so it keeps marks for names that it does not
//! know in a bounded table of their own, where the oldest makes room. Made-up names never
//! push out the mark of a session that has really ended.

use std::sync::Arc;
use std::time::Duration;

use super::limits::SKEW;
use super::memory::MemoryStore;
use super::names::{Names, Naming};
use super::record::Session;
use super::store::{SessionStore, StoreKey, StoredRecord};
use super::stored::bounded;
use crate::clock::Timestamp;
use crate::error::Result;

/// How long the latest start is remembered: much longer than clocks may differ.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Where it is written down.
#[derive(Clone)]
pub(crate) enum Revocations {
    /// In this process: what it has ended, other replicas still accept.
    /// It is cheap enough to be asked at each request without waiting.
    Memory(Arc<MemoryStore>),
    /// In a store that all replicas share.
    Shared(Arc<dyn SessionStore>),
}

impl Revocations {
    /// Whether a session has been ended; `None` if that takes waiting.
    ///
    /// The names are made only if they are needed: each is a hash, and the claims have
    /// to be read for them.
    ///
    /// Once there are unproven marks, each session that comes is noted for `lifetime`: a
    /// later front-channel logout of it is proven then. An unproven mark that is about it
    /// becomes a proven one.
    pub(crate) fn is_ended_now(&self, session: &Session, naming: &Naming, lifetime: Duration) -> Option<bool> {
        let Self::Memory(memory) = self else { return None };
        // Nearly always nothing has been ended, and no name has to be made.
        if memory.has_no_marks() {
            return Some(false);
        }
        let names = session.names(naming);
        if let Some(name) = names.okta_session.as_ref().filter(|_| memory.has_unproven_marks()) {
            memory.note(name, lifetime);
            memory.prove(std::slice::from_ref(name));
        }
        Some(memory.marks_now(&names.all()).into_iter().any(|mark| covers(mark, session.created_at())))
    }

    /// The same, waiting.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`](crate::error::Code::StoreUnavailable): whether it has
    /// been ended is then not known.
    pub(crate) async fn is_ended(&self, names: &[StoreKey], created_at: Timestamp) -> Result<bool> {
        let marks = bounded(self.store().marks(names)).await?;
        Ok(marks.into_iter().any(|mark| covers(mark, created_at)))
    }

    /// Ends every session of this name that has begun. It is remembered as long as such
    /// a session could live.
    ///
    /// The mark is raised and never lowered, so of two messages the later moment
    /// counts, in whatever order they come.
    pub(crate) async fn end(&self, name: &StoreKey, until: Timestamp, lifetime: Duration) -> Result<()> {
        let until = u64::try_from(until.seconds()).unwrap_or(0);
        bounded(self.store().raise(name, until, lifetime)).await
    }

    /// Remembers that a session at Okta is one here.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`](crate::error::Code::StoreUnavailable).
    pub(crate) async fn remember(&self, okta_session: Option<&StoreKey>, lifetime: Duration) -> Result<()> {
        let Some(name) = okta_session else { return Ok(()) };
        let record = |version| StoredRecord { version, sealed: Vec::new() };
        if bounded(self.store().create(name, &record(0), lifetime)).await? {
            return Ok(());
        }
        // It has another session here already, which ends before this one.
        let Some(known) = bounded(self.store().load(name)).await? else { return Ok(()) };
        let next = record(known.version.saturating_add(1));
        // Whoever is faster has done the same.
        bounded(self.store().save(name, &next, lifetime)).await.map(drop)
    }

    /// Ends the sessions of a session at Okta of which only a stranger speaks. `false` if
    /// there is none here, as far as that can be told.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`](crate::error::Code::StoreUnavailable).
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

    /// Whether a session at Okta is known to be one here.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`](crate::error::Code::StoreUnavailable).
    pub(crate) async fn knows(&self, okta_session: &StoreKey) -> Result<bool> {
        Ok(bounded(self.store().load(okta_session)).await?.is_some())
    }

    /// The moment up to which sessions can have begun by `now`.
    ///
    /// That is later than `now` if one began late, or by a clock that is ahead of this
    /// one. What is further away than clocks may differ is no session at the time.
    pub(crate) async fn latest_start(&self, latest: &StoreKey, now: Timestamp) -> Result<Timestamp> {
        let marks = bounded(self.store().marks(&[*latest])).await?;
        let mark = marks.first().and_then(|mark| i64::try_from(*mark).ok()).unwrap_or(0);
        Ok(Timestamp::from_seconds(mark).min(now.plus(SKEW)).max(now))
    }

    /// The first moment at or after `now` at which a session of these names can begin,
    /// which is noted as `latest`. Moments are whole seconds, and somebody may sign in
    /// again within the one in which a session was ended.
    pub(crate) async fn start(&self, names: &Names, latest: &StoreKey, now: Timestamp) -> Result<Timestamp> {
        let marks = bounded(self.store().marks(&names.others)).await?;
        let mark = marks.into_iter().max().and_then(|mark| i64::try_from(mark).ok()).unwrap_or(0);
        let start = if mark >= now.seconds() { Timestamp::from_seconds(mark.saturating_add(1)) } else { now };
        // In one process there is one clock, and nothing has to be noted for most sessions.
        if start > now || matches!(self, Self::Shared(_)) {
            let value = u64::try_from(start.seconds()).unwrap_or(0);
            bounded(self.store().raise(latest, value, REMEMBERED)).await?;
        }
        Ok(start)
    }

    /// The store.
    pub(crate) fn store(&self) -> &dyn SessionStore {
        match self {
            Self::Memory(memory) => &**memory,
            Self::Shared(store) => &**store,
        }
    }
}

/// Whether a mark ends what began at `created_at`.
///
/// The second itself is included: whoever signed in within it, before the message, is
/// signed out. 0 is the value of a mark that is not there.
fn covers(mark: u64, created_at: Timestamp) -> bool {
    u64::try_from(created_at.seconds()).is_ok_and(|created_at| mark > 0 && created_at <= mark)
}

impl std::fmt::Debug for Revocations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revocations").field("shared", &matches!(self, Self::Shared(_))).finish()
    }
}
