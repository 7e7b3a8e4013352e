//! Ends sessions from the server side, and lists sessions.
//!
//! A session ends immediately on every replica that shares the store: its record is removed first, so the next request
//! finds none. Its refresh token is revoked at Okta afterwards, in a separate task, because Okta may be slow and the
//! session has already ended.
//!
//! Sessions in cookies cannot be removed. Instead a watermark is stored for an index key: all its sessions created
//! before that time have ended, and every request checks it. Their refresh tokens exist only in browsers, so only a
//! logout from that browser can revoke them.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderValue;

use super::index_keys::{IndexKeys, IndexKind};
use super::limits::Activity;
use super::lookup::{LoadedSession, PendingLookup, SessionLookup};
use super::record::Session;
use super::sessions::Sessions;
use super::store::StoreKey;
use super::token_revocation::TokenRevoker;
use crate::clock::{SharedClock, Timestamp};
use crate::config::Config;
use crate::cookie::RequestCookies;
use crate::error::{Code, Error, Result};
use crate::events::{CorrelationId, EndReason, EventKind, EventSubject, Events, SessionId};

/// Session administration of one issuer and client.
pub(crate) struct SessionAdmin {
    config: Arc<Config>,
    sessions: Arc<Sessions>,
    revoker: Arc<TokenRevoker>,
    events: Arc<Events>,
    clock: SharedClock,
    /// Whether the tenant was removed.
    removed: AtomicBool,
}

impl SessionAdmin {
    pub(crate) fn new(
        (config, sessions): (&Arc<Config>, &Arc<Sessions>),
        revoker: TokenRevoker,
        events: &Arc<Events>,
        clock: SharedClock,
    ) -> Self {
        let (config, sessions, events) = (Arc::clone(config), Arc::clone(sessions), Arc::clone(events));
        let (revoker, removed) = (Arc::new(revoker), AtomicBool::new(false));
        Self { config, sessions, revoker, events, clock, removed }
    }

    pub(crate) fn revoker(&self) -> &Arc<TokenRevoker> {
        &self.revoker
    }

    pub(crate) fn config(&self) -> &Arc<Config> {
        &self.config
    }

    pub(crate) fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    pub(crate) fn events(&self) -> &Arc<Events> {
        &self.events
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    fn index_keys(&self) -> &IndexKeys {
        self.sessions.index_keys()
    }

    /// Returns the live sessions of a user, in no particular order.
    pub(crate) async fn of_subject(&self, subject: &str) -> Result<Vec<Arc<Session>>> {
        self.sessions.of_subject(subject, self.clock.now()).await
    }

    /// Returns the live sessions of a user, the most recently used first.
    pub(crate) async fn of_subject_by_last_use(&self, subject: &str) -> Result<Vec<Arc<Session>>> {
        let mut sessions = self.of_subject(subject).await?;
        sessions.sort_by_key(|session| Reverse(session.last_seen_at()));
        Ok(sessions)
    }

    /// Ends a session and revokes its refresh token. Returns `false` if the store has no such session. For sessions in
    /// cookies this is unknown, and the result is `true`.
    pub(crate) async fn end(&self, id: SessionId, reference: CorrelationId) -> Result<bool> {
        let (now, why) = (self.clock.now(), EndReason::EndedByApplication);
        let Sessions::Stored(stored) = &*self.sessions else {
            let name = self.index_keys().name(IndexKind::Session, &id.0);
            self.sessions.end_named(&name, now, drop).await?;
            self.emit_ended(id.into(), why, reference);
            return Ok(true);
        };
        let Some(entry) = stored.load(&id.into(), now).await? else { return Ok(false) };
        let ended = stored.end(&entry.session).await?;
        if ended {
            self.emit_ended(entry.session.event_subject(), why, reference);
        }
        self.revoker.revoke_in_background(entry.session);
        Ok(ended)
    }

    /// Ends a session of this user. Returns `false` if the user has no session with that id.
    pub(crate) async fn end_own(&self, subject: &str, id: SessionId, reference: CorrelationId) -> Result<bool> {
        let own = self.of_subject(subject).await?;
        if own.iter().any(|session| session.id() == id) { self.end(id, reference).await } else { Ok(false) }
    }

    /// Ends every session of a user. Returns their number; `None` for sessions in cookies, where it is unknown.
    pub(crate) async fn end_of_subject(&self, subject: &str) -> Result<Option<usize>> {
        let name = self.index_keys().name(IndexKind::Subject, subject.as_bytes());
        let (why, reference) = (EndReason::EndedByApplication, CorrelationId::random());
        let ended = self.end_named(&name, why, reference).await?;
        if ended.is_none() {
            // The individual sessions are unknown, so the event names only the user.
            self.emit_ended(EventSubject::user(self.config.issuer.as_str(), subject), why, reference);
        }
        Ok(ended)
    }

    /// Ends all sessions of this issuer and client.
    pub(crate) async fn end_all(&self) -> Result<()> {
        let name = self.index_keys().all_of_tenant();
        self.end_named(&name, EndReason::EndedByApplication, CorrelationId::random()).await.map(drop)
    }

    /// Ends every session of an index key and revokes their refresh tokens. Returns their number; `None` for sessions
    /// in cookies, where it is unknown.
    pub(crate) async fn end_named(
        &self,
        name: &StoreKey,
        why: EndReason,
        reference: CorrelationId,
    ) -> Result<Option<usize>> {
        self.sessions.end_named(name, self.clock.now(), self.on_ended(why, reference)).await
    }

    /// Ends the local sessions of an Okta session that a front-channel logout names.
    pub(crate) async fn end_reported(
        &self,
        okta_session: &StoreKey,
        why: EndReason,
        reference: CorrelationId,
    ) -> Result<Option<usize>> {
        self.sessions.end_reported(okta_session, self.clock.now(), self.on_ended(why, reference)).await
    }

    /// Ends the session that a lookup finds, and revokes its refresh token. Without such a session this is a no-op.
    pub(crate) async fn end_found(
        &self,
        lookup: PendingLookup,
        why: EndReason,
        reference: CorrelationId,
    ) -> Result<()> {
        let now = self.clock.now();
        let found = self.sessions.find(lookup, now, Activity::Passive).await?;
        let LoadedSession::Live { entry, .. } = found else { return Ok(()) };
        if self.sessions.end(&entry.session, now).await? {
            self.emit_ended(entry.session.event_subject(), why, reference);
            self.revoker.revoke_in_background(entry.session);
        }
        Ok(())
    }

    /// Ends a session that another sign-in replaces, and revokes its refresh token.
    pub(crate) async fn end_replaced(
        &self,
        session: &Arc<Session>,
        now: Timestamp,
        reference: CorrelationId,
    ) -> Result<()> {
        if self.sessions.end(session, now).await? {
            self.emit_ended(session.event_subject(), EndReason::Replaced, reference);
        }
        self.revoker.revoke_in_background(Arc::clone(session));
        Ok(())
    }

    /// Ends the session that these cookies name, because a session of another tenant replaces it. Returns the deletions
    /// of the cookies.
    pub(crate) async fn end_presented(
        &self,
        cookies: &RequestCookies,
        now: Timestamp,
        reference: CorrelationId,
    ) -> Result<Vec<HeaderValue>> {
        let found = match self.sessions.look(cookies, now, Activity::Passive) {
            SessionLookup::Known(loaded) => loaded,
            SessionLookup::Pending(lookup) => self.sessions.find(lookup, now, Activity::Passive).await?,
        };
        let LoadedSession::Live { entry, .. } = found else { return Ok(self.sessions.clear(cookies, None)) };
        let removed = self.sessions.clear(cookies, Some(&entry.session));
        self.end_replaced(&entry.session, now, reference).await?;
        Ok(removed)
    }

    /// Marks the tenant of these sessions as removed, so that no new session is valid.
    pub(crate) fn mark_removed(&self) {
        self.removed.store(true, Ordering::Release);
    }

    /// Checks after creating a session that its tenant still exists. If the tenant was removed during the sign-in,
    /// either the removal found this session, or this check ends it.
    ///
    /// # Errors
    /// [`Code::TenantUnknown`] after the session was ended.
    pub(crate) async fn ensure_tenant_exists(&self, id: SessionId) -> Result<()> {
        if !self.removed.load(Ordering::Acquire) {
            return Ok(());
        }
        self.end(id, CorrelationId::random()).await?;
        Err(Error::new(Code::TenantUnknown, "the tenant was removed during the sign-in"))
    }

    pub(crate) fn emit_ended(&self, subject: EventSubject, why: EndReason, reference: CorrelationId) {
        self.events.emit(EventKind::SessionEnded { why }, reference, subject, None);
    }

    /// Returns the callback for each ended session.
    fn on_ended(&self, why: EndReason, reference: CorrelationId) -> impl Fn(Arc<Session>) {
        move |session| {
            self.emit_ended(session.event_subject(), why, reference);
            self.revoker.revoke_in_background(session);
        }
    }
}

opaque_debug!(SessionAdmin, |it| sessions: it.sessions);
