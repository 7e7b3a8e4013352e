//! Ends sessions from the server side, and lists sessions.
//!
//! A session ends immediately on every replica that shares the store: its record is removed
//! first, so the next request finds none. Its refresh token is revoked at Okta afterwards,
//! in a separate task, because Okta may be slow and the session has already ended.
//!
//! Sessions in cookies cannot be removed. Instead a watermark is stored for an index key:
//! all its sessions created before that time have ended, and every request checks it. Their
//! refresh tokens exist only in browsers, so only a logout from that browser can revoke
//! them.

use std::sync::Arc;

use super::OktaAuth;
use super::signed_in::SignedIn;
use crate::error::Result;
use crate::events::{CorrelationId, EndReason, EventSubject};
use crate::logout;
use crate::session::{Kind, Session, SessionId, Sessions, StoreKey};

impl OktaAuth {
    /// Returns the live sessions of a user of the configured issuer, by subject, in no
    /// particular order.
    ///
    /// # Errors
    /// [`Code::StoreUnsupported`](crate::error::Code::StoreUnsupported) for sessions in
    /// cookies, [`Code::StoreUnavailable`](crate::error::Code::StoreUnavailable).
    pub async fn sessions_of(&self, subject: &str) -> Result<Vec<Arc<Session>>> {
        self.0.sessions.of_subject(subject, self.0.clock.now()).await
    }

    /// Ends a session on every replica and revokes its refresh token. Returns `false` if
    /// the store has no such session. For sessions in cookies this is unknown, and the
    /// result is `true`.
    ///
    /// This method does not check whose session it is. For a page on which users end their
    /// own sessions, see [`SignedIn::end_session`].
    ///
    /// # Errors
    /// [`Code::StoreUnsupported`](crate::error::Code::StoreUnsupported) for sessions in
    /// cookies without a revocation list,
    /// [`Code::StoreUnavailable`](crate::error::Code::StoreUnavailable).
    pub async fn end_session(&self, id: SessionId) -> Result<bool> {
        self.end_one(id, CorrelationId::random()).await
    }

    async fn end_one(&self, id: SessionId, reference: CorrelationId) -> Result<bool> {
        let (now, why) = (self.0.clock.now(), EndReason::EndedByApplication);
        let Sessions::Stored(stored) = &*self.0.sessions else {
            let name = self.0.sessions.index_keys().name(Kind::Session, id.0.as_bytes());
            self.0.sessions.end_named(&name, now, drop).await?;
            self.tell_ended(EventSubject::session_id(id), why, reference);
            return Ok(true);
        };
        let Some(entry) = stored.load(&id.0, now).await? else { return Ok(false) };
        let ended = stored.end(&entry.session).await?;
        if ended {
            self.tell_ended(EventSubject::session(&entry.session), why, reference);
        }
        self.revoke_later(entry.session);
        Ok(ended)
    }

    /// Ends every session of a user on every replica and revokes their refresh tokens, for
    /// an administrator's "sign out everywhere". Returns their number; `None` for sessions
    /// in cookies, where it is unknown.
    ///
    /// # Errors
    /// As for [`end_session`](Self::end_session).
    pub async fn end_sessions_of(&self, subject: &str) -> Result<Option<usize>> {
        let name = self.0.sessions.index_keys().name(Kind::Subject, subject.as_bytes());
        let (why, reference) = (EndReason::EndedByApplication, CorrelationId::random());
        let ended = self.end_named(&name, why, reference).await?;
        if ended.is_none() {
            // The individual sessions are unknown, so the event names only the user.
            self.tell_ended(EventSubject::user(self.config().issuer().as_str(), subject), why, reference);
        }
        Ok(ended)
    }

    pub(super) async fn end_all_sessions(&self) -> Result<()> {
        let name = self.0.sessions.index_keys().all_of_tenant();
        self.end_named(&name, EndReason::EndedByApplication, CorrelationId::random()).await.map(drop)
    }

    pub(super) async fn end_named(
        &self,
        name: &StoreKey,
        why: EndReason,
        reference: CorrelationId,
    ) -> Result<Option<usize>> {
        self.0.sessions.end_named(name, self.0.clock.now(), self.tells_ended(why, reference)).await
    }

    /// Ends the local sessions of an Okta session that a front-channel logout names.
    pub(super) async fn end_reported(
        &self,
        okta_session: &StoreKey,
        why: EndReason,
        reference: CorrelationId,
    ) -> Result<Option<usize>> {
        self.0.sessions.end_reported(okta_session, self.0.clock.now(), self.tells_ended(why, reference)).await
    }

    /// Returns the callback for each ended session.
    fn tells_ended(&self, why: EndReason, reference: CorrelationId) -> impl Fn(Arc<Session>) {
        move |session| {
            self.tell_ended(EventSubject::session(&session), why, reference);
            self.revoke_later(session);
        }
    }

    /// Revokes the refresh token of an ended session in a separate task, because Okta may
    /// be slow.
    pub(super) fn revoke_later(&self, session: Arc<Session>) {
        let auth = self.clone();
        tokio::spawn(async move {
            match auth.metadata().await {
                Ok(metadata) => logout::revoke(&auth.0.protocol, &metadata, &session).await,
                Err(error) => {
                    tracing::warn!(target: "okta_auth", code = %error.code(), "a refresh token was not revoked: {error:?}");
                }
            }
        });
    }
}

impl<C> SignedIn<C> {
    /// Returns all sessions of this user, including the present one, for a page that lists
    /// them. The most recently used session is first.
    ///
    /// # Errors
    /// As for [`OktaAuth::sessions_of`].
    pub async fn sessions(&self) -> Result<Vec<Arc<Session>>> {
        let mut sessions = self.auth().sessions_of(self.subject()).await?;
        sessions.sort_by_key(|session| std::cmp::Reverse(session.last_seen_at()));
        Ok(sessions)
    }

    /// Ends a session of this user. Returns `false` if this user has no session with that
    /// id.
    ///
    /// # Errors
    /// As for [`OktaAuth::sessions_of`].
    pub async fn end_session(&self, id: SessionId) -> Result<bool> {
        let own = self.auth().sessions_of(self.subject()).await?;
        if !own.iter().any(|session| session.id() == id) {
            return Ok(false);
        }
        self.auth().end_one(id, self.reference()).await
    }
}
