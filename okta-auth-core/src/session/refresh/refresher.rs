//! The refresh of one session, and the coordination of concurrent callers.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;

use super::lease::under_lease;
use super::pending_writes::PendingWrites;
use super::token_request::{UnverifiedTokens, ends_session, is_unexplained_refusal};
use crate::clock::{SharedClock, Timestamp};
use crate::error::{Code, Error, Result};
use crate::events::{CorrelationId, EndReason, EventKind, Events, Measure};
use crate::http::SingleFlight;
use crate::protocol::Provider;
use crate::retry::pauses;
use crate::session::limits::Activity;
use crate::session::lookup::{LoadedSession, PendingLookup};
use crate::session::record::Session;
use crate::session::refresh_schedule::RefreshDue;
use crate::session::sessions::Sessions;
use crate::session::store::StoreKey;
use crate::session::stored::{SessionEntry, StoredSessions};
use crate::session::token_revocation::TokenRevoker;
use crate::tokens::refresh::RefreshedTokens;

/// The interval in which a waiting process reads the session.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// The number of such reads.
const LOOKS: usize = 400;
/// The pause after a temporary failure, if Okta sends no `Retry-After`.
const PAUSE: Duration = Duration::from_secs(5);
/// The capacity of each cache of the state.
const REMEMBERED: usize = 16_384;
/// The number of attempts to write a session that other writers keep changing.
const WRITES: usize = 8;
/// The pause between two rounds of pending writes.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// The number of rounds: for a quarter of an hour, which exceeds a session's grace period without new tokens.
const FLUSH_ROUNDS: usize = 900;

/// The result of one refresh, for all callers that wait for it: the present session, or `None` if it has ended.
///
/// The session has the old tokens if those are still valid and another process refreshes it.
type SharedResult = Result<Option<SessionEntry>, Arc<Error>>;

/// A session after a possible refresh.
#[derive(Debug)]
pub(crate) enum RefreshResult {
    /// The session is valid; `renewed` means that its tokens were replaced.
    Usable {
        entry: SessionEntry,
        renewed: bool,
    },
    Ended,
    /// The session is temporarily unusable.
    Unavailable(Arc<Error>),
}

/// The state of refreshes beyond the sessions themselves. Tenants share it, and all of its keys contain the tenant. It
/// outlives the engines, which are created again when settings change.
pub(crate) struct RefreshState {
    flights: SingleFlight<StoreKey, SharedResult>,
    /// The successors of sessions in cookies, with the end of the grace period for old cookies.
    successors: Cache<StoreKey, (SessionEntry, Timestamp)>,
    /// Refreshed sessions that could not be persisted.
    pending_writes: PendingWrites<Refresher>,
    unverified: UnverifiedTokens,
    /// When the next attempt is allowed.
    pauses: Cache<StoreKey, Timestamp>,
}

impl Default for RefreshState {
    fn default() -> Self {
        Self {
            flights: SingleFlight::default(),
            successors: Cache::new(REMEMBERED),
            pending_writes: PendingWrites::new(REMEMBERED),
            unverified: UnverifiedTokens::new(REMEMBERED),
            pauses: Cache::new(REMEMBERED),
        }
    }
}

impl RefreshState {
    /// Returns the successor of a session in a cookie.
    fn successor(&self, session: &Session, now: Timestamp) -> Option<SessionEntry> {
        let (entry, until) = self.successors.get(&session.key())?;
        (now < until && !entry.session.has_tokens_of(session)).then_some(entry)
    }

    /// Persists the pending writes until none is left. A store failure ends the round, so that it is not repeated for
    /// each of thousands of entries.
    async fn flush(self: Arc<Self>) {
        for pause in pauses(FLUSH_INTERVAL, FLUSH_INTERVAL).take(FLUSH_ROUNDS) {
            tokio::time::sleep(pause).await;
            for (key, refresher) in self.pending_writes.writers() {
                // If a request is already processing the session, its result is awaited instead.
                let work = || async move { refresher.write(key).await.map_err(Arc::new) };
                match self.flights.join(key, work).await {
                    Some(Err(error)) if error.code() == Code::StoreUnavailable => break,
                    _ => {}
                }
            }
            if self.pending_writes.end_flush_if_empty() {
                return;
            }
        }
        self.pending_writes.end_flush();
    }
}

/// Refreshes the sessions of one issuer and client. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Refresher(Arc<Inner>);

struct Inner {
    provider: Arc<Provider>,
    sessions: Arc<Sessions>,
    revoker: Arc<TokenRevoker>,
    events: Arc<Events>,
    clock: SharedClock,
    state: Arc<RefreshState>,
}

impl Refresher {
    pub(crate) fn new(
        provider: Arc<Provider>,
        (sessions, revoker): (Arc<Sessions>, Arc<TokenRevoker>),
        events: Arc<Events>,
        clock: SharedClock,
        state: Arc<RefreshState>,
    ) -> Self {
        Self(Arc::new(Inner { provider, sessions, revoker, events, clock, state }))
    }

    /// Refreshes the tokens of a session if they are due, or waits for a refresh in progress.
    pub(crate) async fn refresh(&self, entry: SessionEntry, now: Timestamp) -> RefreshResult {
        let due = entry.session.due(now);
        let state = &self.0.state;
        let key = entry.session.key();
        if due == RefreshDue::NotYet {
            return RefreshResult::Usable { entry, renewed: false };
        }
        if let Some(entry) = state.successor(&entry.session, now) {
            return RefreshResult::Usable { entry, renewed: true };
        }
        let paused = state.pauses.get(&key).is_some_and(|until| now < until);
        // A request with valid tokens does not wait for a refresh in progress.
        if paused || (due == RefreshDue::Soon && state.flights.is_under_way(&key)) {
            return self.within_grace(entry, now, None);
        }
        let (refresher, before) = (self.clone(), entry.clone());
        match state.flights.join(key, || async move { refresher.run(before).await }).await {
            Some(Ok(Some(next))) => {
                let renewed = !next.session.has_tokens_of(&entry.session);
                RefreshResult::Usable { entry: next, renewed }
            }
            Some(Ok(None)) => RefreshResult::Ended,
            Some(Err(error)) => self.within_grace(entry, now, Some(error)),
            None => self.within_grace(entry, now, None),
        }
    }

    /// Returns a session that could not be refreshed. It is usable until the expiry of its access token plus the grace
    /// period.
    fn within_grace(&self, entry: SessionEntry, now: Timestamp, error: Option<Arc<Error>>) -> RefreshResult {
        if !self.is_past_grace(&entry.session, now) {
            return RefreshResult::Usable { entry, renewed: false };
        }
        let message = "the session's tokens expired and could not be refreshed";
        let error = error.unwrap_or_else(|| Arc::new(Error::new(Code::RenewalUnavailable, message)));
        RefreshResult::Unavailable(error)
    }

    fn is_past_grace(&self, session: &Session, now: Timestamp) -> bool {
        let grace = self.0.provider.config.app.options.outage_grace;
        session.tokens_expire_at().is_some_and(|end| now >= end.plus(grace))
    }

    /// Whether a failed refresh ends the session.
    fn ends(&self, session: &Session, error: &Error) -> bool {
        ends_session(error) || (is_unexplained_refusal(error) && self.is_past_grace(session, self.now()))
    }

    async fn run(self, entry: SessionEntry) -> SharedResult {
        let (session, key) = (Arc::clone(&entry.session), entry.session.key());
        let measure = Measure::renewal();
        let result = match &*self.0.sessions {
            Sessions::Cookie { .. } => self.refresh_in_cookie(entry).await,
            Sessions::Stored(stored) => self.refresh_in_store(stored, entry).await,
        };
        measure.end(label(&result));
        result.map_err(|error| {
            self.emit(EventKind::RenewalFailed { code: error.code() }, &session, Some(&error));
            let pause = error.retry_after().unwrap_or(PAUSE);
            self.0.state.pauses.insert(key, self.now().plus(pause));
            self.schedule_flush();
            Arc::new(error)
        })
    }

    async fn refresh_in_cookie(&self, entry: SessionEntry) -> Result<Option<SessionEntry>> {
        let now = self.now();
        let (state, sessions) = (&self.0.state, &self.0.sessions);
        if let Some(next) = state.successor(&entry.session, now) {
            return Ok(Some(next));
        }
        match self.new_tokens(&entry.session).await {
            Ok(refreshed) => {
                let now = self.now();
                let session = Arc::new(entry.session.renewed(&refreshed, now)?);
                let next = SessionEntry { session, version: 0, needs_reseal: false };
                let until = now.plus(self.0.provider.config.app.options.refresh_grace);
                state.successors.insert(next.session.key(), (next.clone(), until));
                // The session may have been ended during the refresh.
                let lookup = PendingLookup::Cookie { entry: next.clone(), needs_rewrite: false };
                if let LoadedSession::Ended = sessions.find(lookup, now, Activity::Passive).await? {
                    self.0.revoker.revoke_in_background(next.session);
                    return Ok(None);
                }
                self.emit(EventKind::SessionRenewed, &next.session, None);
                Ok(Some(next))
            }
            Err(error) if self.ends(&entry.session, &error) => {
                if sessions.end(&entry.session, now).await? {
                    self.emit_refused(&entry.session, &error);
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Refreshes a session in a store, or waits for the process that holds the lease.
    async fn refresh_in_store(&self, stored: &StoredSessions, entry: SessionEntry) -> Result<Option<SessionEntry>> {
        let key = entry.session.key();
        for _ in 0..LOOKS {
            if let Some(result) = under_lease(stored, &key, self.refresh_under_lease(stored, &entry)).await? {
                return result;
            }
            // Another process refreshes the session, and the present tokens are still valid.
            if entry.session.due(self.now()) == RefreshDue::Soon {
                return Ok(Some(entry));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            match stored.load(&key, self.now()).await? {
                None => return Ok(None),
                Some(now) if !now.session.has_tokens_of(&entry.session) => return Ok(Some(now)),
                Some(_) => {}
            }
        }
        let message = "another process has been refreshing the session for too long";
        Err(Error::new(Code::RenewalUnavailable, message))
    }

    /// Refreshes a session in a store; the caller holds the lease.
    async fn refresh_under_lease(&self, stored: &StoredSessions, entry: &SessionEntry) -> Result<Option<SessionEntry>> {
        let key = entry.session.key();
        let Some(current) = stored.load(&key, self.now()).await? else { return Ok(None) };
        if !current.session.has_tokens_of(&entry.session) {
            return Ok(Some(current));
        }
        let pending = &self.0.state.pending_writes;
        if let Some(next) = pending.successor(&current.session) {
            return self.persist(stored, current, next).await;
        }
        match self.new_tokens(&current.session).await {
            Ok(refreshed) => {
                let next = Arc::new(current.session.renewed(&refreshed, self.now())?);
                pending.keep(&current.session, &next, self.clone());
                self.persist(stored, current, next).await
            }
            Err(error) if self.ends(&current.session, &error) => match stored.load(&key, self.now()).await? {
                Some(now) if !now.session.has_tokens_of(&current.session) => Ok(Some(now)),
                _ => {
                    if stored.end(&current.session).await? {
                        self.emit_refused(&current.session, &error);
                    }
                    Ok(None)
                }
            },
            Err(error) => Err(error),
        }
    }

    async fn new_tokens(&self, session: &Arc<Session>) -> Result<RefreshedTokens> {
        self.0.state.unverified.refresh(&self.0.provider, &self.0.clock, session).await
    }

    /// Persists new tokens, and keeps the activity that was recorded in the meantime. If the session was ended in the
    /// meantime it stays ended, and the new tokens are revoked.
    async fn persist(
        &self,
        stored: &StoredSessions,
        current: SessionEntry,
        next: Arc<Session>,
    ) -> Result<Option<SessionEntry>> {
        let (key, mut current) = (next.key(), current);
        let pending = &self.0.state.pending_writes;
        for _ in 0..WRITES {
            let now = self.now();
            if let Some(entry) = stored.save(&current, Session::clone(&next).used_like(&current.session), now).await? {
                pending.remove(&key);
                self.emit(EventKind::SessionRenewed, &entry.session, None);
                return Ok(Some(entry));
            }
            match stored.load(&key, now).await? {
                None => {
                    pending.remove(&key);
                    self.0.revoker.revoke_in_background(next);
                    return Ok(None);
                }
                Some(entry) if entry.session.has_tokens_of(&current.session) => current = entry,
                Some(entry) => {
                    pending.remove(&key);
                    return Ok(Some(entry));
                }
            }
        }
        Err(Error::new(
            Code::StoreUnavailable,
            "a refreshed session could not be saved because of repeated concurrent changes",
        ))
    }

    /// Starts the task that retries the pending writes, unless it runs.
    fn schedule_flush(&self) {
        if self.0.state.pending_writes.start_flush() {
            tokio::spawn(Arc::clone(&self.0.state).flush());
        }
    }

    /// Persists one pending write under the session's lease.
    async fn write(&self, key: StoreKey) -> Result<Option<SessionEntry>> {
        let Sessions::Stored(stored) = &*self.0.sessions else { return Err(not_now()) };
        under_lease(stored, &key, self.write_under_lease(stored, key)).await?.unwrap_or_else(|| Err(not_now()))
    }

    /// Persists one pending write; the caller holds the lease.
    async fn write_under_lease(&self, stored: &StoredSessions, key: StoreKey) -> Result<Option<SessionEntry>> {
        let pending = &self.0.state.pending_writes;
        let next = pending.get(&key).ok_or_else(not_now)?;
        let Some(current) = stored.load(&key, self.now()).await? else {
            // The session has ended, so its new refresh token must be revoked.
            pending.remove(&key);
            self.0.revoker.revoke_in_background(next);
            return Ok(None);
        };
        if pending.successor(&current.session).is_none() {
            pending.remove(&key);
            return Ok(Some(current));
        }
        self.persist(stored, current, next).await
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn emit_refused(&self, session: &Session, error: &Error) {
        self.emit(EventKind::SessionEnded { why: EndReason::RenewalRefused }, session, Some(error));
    }

    /// Emits an event with a random correlation id, because many requests may share a refresh.
    fn emit(&self, kind: EventKind, session: &Session, error: Option<&Error>) {
        self.0.events.emit(kind, CorrelationId::random(), session.event_subject(), error);
    }
}

fn not_now() -> Error {
    Error::new(Code::RenewalUnavailable, "the session is being refreshed by another request or process")
}

/// The outcome in metrics.
fn label(result: &Result<Option<SessionEntry>>) -> &'static str {
    match result {
        Ok(Some(_)) => "renewed",
        Ok(None) => "ended",
        Err(error) => error.code().as_str(),
    }
}

opaque_debug!(Refresher, |it| issuer: it.0.provider.config.issuer);

opaque_debug!(RefreshState);

#[cfg(test)]
#[path = "refresher_tests.rs"]
mod tests;
