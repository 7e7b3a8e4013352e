//! The sessions of an application, in cookies or in a store.
//!
//! A request is served in two steps. `look` answers from the cookies alone, which is enough for nearly all sessions in
//! cookies. Otherwise it returns a `PendingLookup`, and `find` queries the store with it. So a request that does not
//! wait needs no future.
//!
//! Unreadable cookies count as no session; an unreachable store is an error. The two are never mixed up, because the
//! first signs a browser out and the second must not.

use std::sync::Arc;

use http::HeaderValue;

use super::cookie_store::CookieStore;
use super::index_keys::{IndexKeys, IndexKind};
use super::limits::{Activity, SKEW, SessionLimits};
use super::lookup::{LoadedSession, PendingLookup, SessionLookup};
use super::probe::Probe;
use super::record::Session;
use super::refresh_schedule::RefreshDue;
use super::revocations::{RevocationProbe, Revocations};
use super::store::{SessionStore, StoreKey};
use super::stored::{PresentedKey, StoredSessions};
use super::watches::{Watch, Watches};
use crate::clock::Timestamp;
use crate::cookie::{Chunks, RequestCookies};
use crate::error::{Code, Error, Result};
use crate::events::SessionId;

#[derive(Debug)]
pub(crate) enum Sessions {
    /// Sealed in cookies. Without revocations only the limits end a session.
    Cookie {
        cookies: Box<CookieStore>,
        revocations: Option<Revocations>,
        index_keys: IndexKeys,
        limits: SessionLimits,
        watches: Watches,
    },
    Stored(StoredSessions),
}

impl Sessions {
    /// Reads the cookies of a request, without waiting.
    ///
    /// A revoked session is `Ended`, like one that has reached a limit.
    pub(crate) fn look(&self, request: &RequestCookies, now: Timestamp, activity: Activity) -> SessionLookup {
        if request.is_empty() {
            return SessionLookup::Known(LoadedSession::None);
        }
        let (cookies, revocations, index_keys, limits) = match self {
            Self::Stored(stored) => {
                let keys = stored.keys(request);
                return if keys.is_empty() {
                    SessionLookup::Known(LoadedSession::None)
                } else {
                    SessionLookup::Pending(PendingLookup::Stored(keys))
                };
            }
            Self::Cookie { cookies, revocations, index_keys, limits, .. } => (cookies, revocations, index_keys, limits),
        };
        let (entry, needs_rewrite) = match cookies.load(request, now, activity) {
            LoadedSession::Live { entry, needs_rewrite } => (entry, needs_rewrite),
            other => return SessionLookup::Known(other),
        };
        let ended = revocations.as_ref().map_or(Some(false), |revocations| {
            revocations.is_ended_now(&entry.session, index_keys, limits.memory_of_ended())
        });
        let due = entry.session.due(now) != RefreshDue::NotYet;
        match ended {
            Some(true) => SessionLookup::Known(LoadedSession::Ended),
            Some(false) if !due => SessionLookup::Known(LoadedSession::Live { entry, needs_rewrite }),
            _ => SessionLookup::Pending(PendingLookup::Cookie { entry, needs_rewrite }),
        }
    }

    /// Completes a lookup.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`]: the store did not answer, so it is unknown whether there is a session.
    pub(crate) async fn find(
        &self,
        lookup: PendingLookup,
        now: Timestamp,
        activity: Activity,
    ) -> Result<LoadedSession> {
        match (self, lookup) {
            (
                Self::Cookie { revocations: Some(revocations), index_keys, .. },
                PendingLookup::Cookie { entry, needs_rewrite },
            ) => {
                let names = entry.session.names(index_keys).all();
                let ended = revocations.is_ended(&names, entry.session.created_at()).await?;
                Ok(if ended { LoadedSession::Ended } else { LoadedSession::Live { entry, needs_rewrite } })
            }
            (_, PendingLookup::Cookie { entry, needs_rewrite }) => Ok(LoadedSession::Live { entry, needs_rewrite }),
            (Self::Stored(stored), PendingLookup::Stored(keys)) => {
                let mut found = LoadedSession::None;
                for PresentedKey { key, .. } in keys {
                    match stored.load_any(&key, now).await? {
                        Some(entry) if stored.is_live(&entry, now) => {
                            let touched = stored.touch(&entry, now, activity).await;
                            let needs_rewrite = touched.is_some();
                            return Ok(LoadedSession::Live { entry: touched.unwrap_or(entry), needs_rewrite });
                        }
                        Some(entry) if entry.session.is_early(now) => found = LoadedSession::Early(entry.session),
                        _ => {}
                    }
                }
                Ok(found)
            }
            (Self::Cookie { .. }, PendingLookup::Stored { .. }) => Ok(LoadedSession::None),
        }
    }

    /// Creates a session. Returns its id and the `Set-Cookie` values that replace the browser's sessions.
    ///
    /// With revocations a session may begin a second late. A mark ends all sessions that began up to its second, and
    /// must not end the session of a user who signs out and in again within that second.
    pub(crate) async fn create(
        &self,
        request: &RequestCookies,
        session: Session,
        now: Timestamp,
    ) -> Result<(SessionId, Vec<HeaderValue>)> {
        match self {
            Self::Stored(stored) => stored.create(request, session, now).await,
            Self::Cookie { cookies, revocations, index_keys, limits, .. } => {
                let session = match revocations {
                    Some(revocations) => {
                        let (names, latest) = (session.names(index_keys), index_keys.name(IndexKind::LatestStart, b""));
                        revocations.remember(names.okta_session.as_ref(), limits.memory_of_ended()).await?;
                        let start = revocations.start(names, &latest, now).await?;
                        session.starting_at(start)
                    }
                    None => session,
                };
                check_clock(&session, limits, now)?;
                Ok((session.id(), cookies.save(request, &session, now)?))
            }
        }
    }

    /// Returns the `Set-Cookie` values that keep a session alive.
    ///
    /// For sessions in cookies this records the use. In a store `find` has recorded it already.
    pub(crate) fn rewrite(
        &self,
        request: &RequestCookies,
        session: &Session,
        now: Timestamp,
        activity: Activity,
    ) -> Vec<HeaderValue> {
        // If writing fails, the readable cookie stays as it is.
        match (self, activity) {
            (Self::Stored(stored), _) => stored.rewrite(request, session, now),
            (Self::Cookie { cookies, .. }, Activity::Active) => {
                cookies.save(request, &session.touched(now), now).unwrap_or_default()
            }
            (Self::Cookie { cookies, .. }, Activity::Passive) => {
                cookies.save(request, session, now).unwrap_or_default()
            }
        }
    }

    pub(crate) fn ends_at(&self, session: &Session) -> Timestamp {
        self.limits().end(session.lifeline())
    }

    pub(crate) fn limits(&self) -> &SessionLimits {
        match self {
            Self::Stored(stored) => stored.limits(),
            Self::Cookie { limits, .. } => limits,
        }
    }

    /// Registers a future for the end of a session: see [`SessionEnded`](super::SessionEnded).
    pub(crate) fn watch(&self, session: &Arc<Session>) -> Watch {
        let probe: Arc<dyn Probe> = match self {
            Self::Stored(stored) => Arc::new(stored.clone()),
            Self::Cookie { revocations, index_keys, .. } => {
                Arc::new(RevocationProbe { revocations: revocations.clone(), index_keys: index_keys.clone() })
            }
        };
        self.watches().watch(session, session.names(self.index_keys()), self.ends_at(session), probe)
    }

    /// Moves the known end of a watched session that has been used.
    pub(crate) fn note_use(&self, session: &Arc<Session>) {
        let names = || session.names(self.index_keys()).all();
        self.watches().update(session, names, self.ends_at(session));
    }

    pub(crate) fn watches(&self) -> &Watches {
        match self {
            Self::Stored(stored) => stored.watches(),
            Self::Cookie { watches, .. } => watches,
        }
    }

    /// Returns the `Set-Cookie` values that delete the session's cookies. `session` is passed if known. Cookies that
    /// are recognizably of another application stay.
    pub(crate) fn clear(&self, request: &RequestCookies, session: Option<&Session>) -> Vec<HeaderValue> {
        match self {
            Self::Stored(stored) => stored.clear(request, session),
            Self::Cookie { cookies, .. } => cookies.clear(request),
        }
    }

    /// Returns the `Set-Cookie` values that delete every cookie that may be a session, for a logout while the store is
    /// down.
    pub(crate) fn forget(&self, request: &RequestCookies) -> Vec<HeaderValue> {
        match self {
            Self::Stored(stored) => stored.forget(request),
            Self::Cookie { cookies, .. } => cookies.clear(request),
        }
    }

    /// Returns the `Set-Cookie` values that delete a session under the previous cookie name after a new one has
    /// replaced it. For sessions in cookies `create` has done this.
    pub(crate) fn clear_previous(&self, request: &RequestCookies, session: &Session) -> Vec<HeaderValue> {
        match self {
            Self::Stored(stored) => stored.clear_previous(request, session),
            Self::Cookie { .. } => Vec::new(),
        }
    }

    pub(crate) fn chunks(&self) -> &Chunks {
        match self {
            Self::Stored(stored) => stored.chunks(),
            Self::Cookie { cookies, .. } => cookies.chunks(),
        }
    }

    pub(crate) fn cookie_name(&self) -> &str {
        match self {
            Self::Stored(stored) => stored.cookie_name(),
            Self::Cookie { cookies, .. } => cookies.cookie_name(),
        }
    }

    pub(crate) fn index_keys(&self) -> &IndexKeys {
        match self {
            Self::Stored(stored) => stored.index_keys(),
            Self::Cookie { index_keys, .. } => index_keys,
        }
    }

    /// The store for marks; `None` for sessions in cookies without revocations.
    ///
    /// Message ids are recorded there, so that each logout message counts once.
    pub(crate) fn marks(&self) -> Option<&dyn SessionStore> {
        match self {
            Self::Stored(stored) => Some(&**stored.store()),
            Self::Cookie { revocations, .. } => revocations.as_ref().map(Revocations::store),
        }
    }

    /// Ends one session and every copy of its cookie. Without revocations a copied cookie lives until its limits.
    /// Returns `false` if a store reports that the session had already ended.
    ///
    /// The mark is never earlier than the session's start, which may be ahead of this clock. It lasts for the absolute
    /// limit and at least until the end in the session's record, so it outlives every copy.
    pub(crate) async fn end(&self, session: &Session, now: Timestamp) -> Result<bool> {
        match self {
            Self::Stored(stored) => stored.end(session).await,
            Self::Cookie { revocations: None, watches, .. } => {
                watches.end(&session.key());
                Ok(true)
            }
            Self::Cookie { revocations: Some(revocations), index_keys, limits, watches, .. } => {
                // Connections close even if the store does not answer.
                watches.end(&session.key());
                let name = &session.names(index_keys).session;
                let lifetime = limits.memory_of(session.lifeline(), now);
                revocations.end(name, now.max(session.created_at()), lifetime).await.map(|()| true)
            }
        }
    }

    /// Ends every session of a session at Okta because of a front-channel logout, which any page can send.
    ///
    /// In a store, linked sessions end and nothing else is written. For sessions in cookies each end is recorded, so
    /// [`Revocations::end_reported`] stores unproven keys separately.
    pub(crate) async fn end_reported(
        &self,
        okta_session: &StoreKey,
        now: Timestamp,
        on_ended: impl Fn(Arc<Session>),
    ) -> Result<Option<usize>> {
        let Self::Cookie { revocations: Some(revocations), index_keys, limits, watches, .. } = self else {
            return self.end_named(okta_session, now, on_ended).await;
        };
        let until = revocations.latest_start(&index_keys.name(IndexKind::LatestStart, b""), now).await?;
        if revocations.end_reported(okta_session, until, limits.memory_of_ended()).await? {
            watches.end_named(okta_session, until);
        }
        Ok(None)
    }

    /// Ends every session of an index key. Returns how many there were, or `None` for sessions in cookies, which cannot
    /// be counted.
    ///
    /// `on_ended` is called for each session as it ends, so also for those that ended before a failure.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`], or [`Code::StoreUnsupported`] if sessions cannot be ended from the server side.
    pub(crate) async fn end_named(
        &self,
        name: &StoreKey,
        now: Timestamp,
        on_ended: impl Fn(Arc<Session>),
    ) -> Result<Option<usize>> {
        match self {
            Self::Stored(stored) => {
                let mut number = 0;
                for entry in stored.named(name, now).await? {
                    if stored.end(&entry.session).await? {
                        number += 1;
                        on_ended(entry.session);
                    }
                }
                Ok(Some(number))
            }
            Self::Cookie { revocations: Some(revocations), index_keys, limits, watches, .. } => {
                let until = revocations.latest_start(&index_keys.name(IndexKind::LatestStart, b""), now).await?;
                revocations.end(name, until, limits.memory_of_ended()).await?;
                watches.end_named(name, until);
                Ok(None)
            }
            Self::Cookie { revocations: None, .. } => Err(unsupported("ended from the server side")),
        }
    }

    /// Returns the live sessions of a user.
    ///
    /// A session in a cookie exists only in the browser, so it cannot be listed.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`], or [`Code::StoreUnsupported`] for sessions in cookies.
    pub(crate) async fn of_subject(&self, subject: &str, now: Timestamp) -> Result<Vec<Arc<Session>>> {
        let Self::Stored(stored) = self else { return Err(unsupported("listed")) };
        let name = stored.index_keys().name(IndexKind::Subject, subject.as_bytes());
        Ok(stored.named(&name, now).await?.into_iter().map(|entry| entry.session).collect())
    }
}

/// Rejects a session that begins too far in the future. The next request would not accept it and would start another
/// sign-in, in an endless loop.
fn check_clock(session: &Session, limits: &SessionLimits, now: Timestamp) -> Result<()> {
    if limits.is_live(session.lifeline(), now) {
        return Ok(());
    }
    let ahead = session.created_at().since(now);
    tracing::error!(
        target: "okta_auth",
        "a logout was recorded by a clock that is {} s ahead of this one, so its user cannot start a new session; \
         synchronize the clocks of all replicas",
        ahead.as_secs()
    );
    let message =
        "the clocks of replicas differ by more than a minute, so the new session would not be valid; synchronize them";
    Err(Error::new(Code::ClockSkew, message).with_retry_after(ahead.saturating_sub(SKEW)))
}

fn unsupported(what: &str) -> Error {
    let message = format!("sessions in cookies cannot be {what}; set OKTA_SESSION_STORE to `memory` or `redis://..`");
    Error::new(Code::StoreUnsupported, message)
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
