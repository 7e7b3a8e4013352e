//! The session of one request, and the cookies that its response writes for it.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderValue;

use super::limits::Activity;
use super::lookup::LoadedSession;
use super::record::Session;
use super::refresh::{RefreshResult, Refresher};
use super::sessions::Sessions;
use super::stored::SessionEntry;
use crate::clock::Timestamp;
use crate::cookie::RequestCookies;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

pub(crate) struct RequestSession {
    pub(crate) cookies: RequestCookies,
    /// When the request arrived: one timestamp for the whole request.
    pub(crate) now: Timestamp,
    /// Whether the request counts as activity of its session.
    pub(crate) activity: Activity,
    pub(crate) state: SessionState,
    /// A [`CookieUpdate`].
    cookie_update: AtomicU8,
    /// The session after a refresh that a handler caused.
    latest: Mutex<Option<SessionEntry>>,
}

#[derive(Debug)]
pub(crate) enum SessionState {
    Anonymous,
    User(SessionEntry),
    /// The state is unknown: the store or Okta does not respond.
    Unavailable(Arc<Error>),
}

/// The change to the session cookie, apart from the handler's own changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieUpdate {
    None,
    /// The session was idle for a while, or is sealed with an old key: write the cookie again.
    Reseal,
    /// The cookie has no live session: delete it.
    Clear,
    /// The session has new tokens, which must reach the browser.
    Replace,
}

impl From<CookieUpdate> for u8 {
    fn from(cookie_update: CookieUpdate) -> Self {
        match cookie_update {
            CookieUpdate::None => 0,
            CookieUpdate::Reseal => 1,
            CookieUpdate::Clear => 2,
            CookieUpdate::Replace => 3,
        }
    }
}

impl RequestSession {
    /// Begins without a session.
    #[inline]
    pub(crate) fn new(cookies: RequestCookies, now: Timestamp, activity: Activity) -> Self {
        let (cookie_update, latest) = (AtomicU8::new(CookieUpdate::None.into()), Mutex::new(None));
        Self { cookies, now, activity, state: SessionState::Anonymous, cookie_update, latest }
    }

    /// Records the outcome of a lookup. Returns a session that begins in the future and cannot be used yet.
    pub(crate) fn settle(&mut self, loaded: LoadedSession, sessions: &Sessions) -> Option<Arc<Session>> {
        match loaded {
            LoadedSession::None => {}
            LoadedSession::Ended => self.set_cookie_update(CookieUpdate::Clear),
            LoadedSession::Early(session) => return Some(session),
            LoadedSession::Live { entry, needs_rewrite } => self.set_live(entry, (needs_rewrite, false), sessions),
        }
        None
    }

    /// Records a session, whether its cookie is due to be written again, and whether its tokens were refreshed.
    pub(crate) fn set_live(
        &mut self,
        entry: SessionEntry,
        (needs_rewrite, renewed): (bool, bool),
        sessions: &Sessions,
    ) {
        self.set_cookie_update(match (renewed, needs_rewrite) {
            (true, _) => CookieUpdate::Replace,
            (false, true) => CookieUpdate::Reseal,
            (false, false) => CookieUpdate::None,
        });
        if !sessions.watches().is_empty() {
            sessions.note_use(&self.as_written(&entry, sessions));
        }
        self.state = SessionState::User(entry);
    }

    pub(crate) fn set_cookie_update(&self, cookie_update: CookieUpdate) {
        self.cookie_update.store(cookie_update.into(), Ordering::Relaxed);
    }

    pub(crate) fn cookie_update(&self) -> CookieUpdate {
        match self.cookie_update.load(Ordering::Relaxed) {
            1 => CookieUpdate::Reseal,
            2 => CookieUpdate::Clear,
            3 => CookieUpdate::Replace,
            _ => CookieUpdate::None,
        }
    }

    /// Returns the session as it was when the request arrived.
    pub(crate) fn known(&self) -> Option<&Arc<Session>> {
        if let SessionState::User(entry) = &self.state { Some(&entry.session) } else { None }
    }

    /// Returns the present session, after a possible refresh.
    fn entry(&self) -> Option<SessionEntry> {
        let SessionState::User(entry) = &self.state else { return None };
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        Some(latest.as_ref().unwrap_or(entry).clone())
    }

    /// Returns the session as this response writes it: with updated activity, unless the store has that already or
    /// nothing is written.
    fn as_written(&self, entry: &SessionEntry, sessions: &Sessions) -> Arc<Session> {
        let in_cookie = matches!(sessions, Sessions::Cookie { .. });
        let written = matches!(self.cookie_update(), CookieUpdate::Reseal | CookieUpdate::Replace);
        if in_cookie && written && self.activity == Activity::Active {
            Arc::new(entry.session.touched(self.now))
        } else {
            Arc::clone(&entry.session)
        }
    }

    /// Returns when the session ends without further activity; `None` without a session.
    pub(crate) fn ends_at(&self, sessions: &Sessions) -> Option<Timestamp> {
        self.entry().map(|entry| sessions.ends_at(&self.as_written(&entry, sessions)))
    }

    /// Returns the session as this response leaves it, with its two ends: the absolute limit and the idle limit.
    pub(crate) fn with_ends(&self, sessions: &Sessions) -> Option<(Arc<Session>, Timestamp, Timestamp)> {
        let session = self.as_written(&self.entry()?, sessions);
        let (limits, times) = (sessions.limits(), session.lifeline());
        Some((session, limits.absolute_end(times), limits.idle_end(times)))
    }

    /// Returns the access token, refreshed if it has expired or soon will.
    ///
    /// Tokens that are due are normally refreshed before the handler runs. This serves handlers that outlive them, and
    /// routes with refresh on demand. New tokens reach the browser with the response, even if the handler fails.
    ///
    /// # Errors
    /// `session_ended` if Okta no longer refreshes the session; `token_expired` if there is no refresh token;
    /// `renewal_unavailable`, or the error of reaching Okta or the store.
    pub(crate) async fn fresh_access_token(&self, refresher: &Refresher, now: Timestamp) -> Result<Secret> {
        self.fresh_session(refresher, now).await?.unexpired_access_token(now)
    }

    /// Returns the session, refreshed if its tokens have expired or soon will.
    ///
    /// # Errors
    /// As for [`fresh_access_token`](Self::fresh_access_token), except `token_expired`.
    pub(crate) async fn fresh_session(&self, refresher: &Refresher, now: Timestamp) -> Result<Arc<Session>> {
        let ended = || Error::new(Code::SessionEnded, "the session has ended; the user has to sign in again");
        match refresher.refresh(self.entry().ok_or_else(ended)?, now).await {
            RefreshResult::Usable { entry, renewed } => {
                let session = Arc::clone(&entry.session);
                if renewed {
                    *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(entry);
                    self.set_cookie_update(CookieUpdate::Replace);
                }
                Ok(session)
            }
            RefreshResult::Ended => {
                self.set_cookie_update(CookieUpdate::Clear);
                Err(ended())
            }
            RefreshResult::Unavailable(error) => Err(Error::clone(&error)),
        }
    }

    /// Returns the `Set-Cookie` values of the update.
    pub(crate) fn set_cookies(&self, sessions: &Sessions) -> Vec<HeaderValue> {
        match self.cookie_update() {
            CookieUpdate::None => Vec::new(),
            CookieUpdate::Clear => sessions.clear(&self.cookies, None),
            CookieUpdate::Reseal | CookieUpdate::Replace => self.entry().map_or_else(Vec::new, |entry| {
                sessions.rewrite(&self.cookies, &entry.session, self.now, self.activity)
            }),
        }
    }
}
