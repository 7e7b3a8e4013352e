//! The data of one request: what its headers say, its session, and what its response depends on.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::Method;

use super::super::OktaAuth;
use super::tenancy::NoTenant;
use crate::bearer::Credentials;
use crate::clock::Timestamp;
use crate::cookie::RequestCookies;
use crate::error::{Code, Error, Result};
use crate::events::{CorrelationId, EventKind, EventSubject};
use crate::headers::HeaderText;
use crate::jose::VerifiedAccessToken;
use crate::login::ReturnTo;
use crate::logout::LogoutReturn;
use crate::request::{RequestKind, configured_address, may_redirect};
use crate::secret::Secret;
use crate::session::{Activity, Entry, RefreshResult, Session, Sessions};

pub(crate) struct RequestState {
    pub(in crate::engine) auth: OktaAuth,
    pub(in crate::engine) method: Method,
    pub(in crate::engine) target: Box<str>,
    pub(in crate::engine) kind: RequestKind,
    /// Whether htmx sent the request. It is a script that can be told where to navigate.
    pub(in crate::engine) htmx: bool,
    /// The page that sent the request, according to the browser or htmx.
    pub(in crate::engine) page: Option<HeaderText>,
    /// Whether the request used another loopback name than the configured one.
    pub(in crate::engine) alias: bool,
    /// The reason not to start a sign-in: the new session would end as the last one did.
    pub(in crate::engine) dead_end: Option<Arc<Error>>,
    pub(in crate::engine) cookies: RequestCookies,
    pub(in crate::engine) without_tenant: Option<NoTenant>,
    pub(in crate::engine) session_state: SessionState,
    /// The change to the session cookie: a [`CookieUpdate`].
    pub(in crate::engine) cookie_update: AtomicU8,
    /// The session after a refresh that a handler caused.
    pub(in crate::engine) latest: Mutex<Option<Entry>>,
    pub(in crate::engine) credentials: Credentials,
    pub(in crate::engine) token: OnceLock<Result<VerifiedAccessToken, Arc<Error>>>,
    /// Whether the request may act for its session: it is safe, or comes from the
    /// application's own pages.
    pub(in crate::engine) own: bool,
    /// When the request arrived: one timestamp for the whole request.
    pub(in crate::engine) now: Timestamp,
    /// Whether the request counts as activity of its session.
    pub(in crate::engine) activity: Activity,
    /// Whether the user was read, so that the response is personal.
    pub(in crate::engine) consulted: AtomicBool,
    /// Whether the response depends on the access token of the request.
    pub(in crate::engine) token_consulted: AtomicBool,
    /// Whether the user was read while the authentication state was unknown.
    pub(in crate::engine) unanswered: AtomicBool,
    /// Whether a policy allowed the request because of its token.
    pub(in crate::engine) by_token: AtomicBool,
    /// The state of a logout that precedes the request.
    pub(in crate::engine) logout_return: Option<LogoutReturn>,
    /// Whether a handler has read that state, so that its cookie can be deleted.
    pub(in crate::engine) landing_shown: AtomicBool,
    pub(in crate::engine) reference: OnceLock<CorrelationId>,
}

#[derive(Debug)]
pub(in crate::engine) enum SessionState {
    Anonymous,
    User(Entry),
    /// The state is unknown: the store or Okta does not respond.
    Unavailable(Arc<Error>),
}

/// The change to the session cookie, apart from the handler's own changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum CookieUpdate {
    None,
    /// The session was idle for a while, or is sealed with an old key: write the cookie
    /// again.
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

impl RequestState {
    pub(in crate::engine) fn keep(&self, cookie_update: CookieUpdate) {
        self.cookie_update.store(cookie_update.into(), Ordering::Relaxed);
    }

    pub(in crate::engine) fn cookie_update(&self) -> CookieUpdate {
        match self.cookie_update.load(Ordering::Relaxed) {
            1 => CookieUpdate::Reseal,
            2 => CookieUpdate::Clear,
            3 => CookieUpdate::Replace,
            _ => CookieUpdate::None,
        }
    }

    /// Returns the present session, after a possible refresh.
    pub(in crate::engine) fn entry(&self) -> Option<Entry> {
        let SessionState::User(entry) = &self.session_state else { return None };
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        Some(latest.as_ref().unwrap_or(entry).clone())
    }

    pub(in crate::engine) fn known_session(&self) -> Option<&Arc<Session>> {
        if let SessionState::User(entry) = &self.session_state { Some(&entry.session) } else { None }
    }

    /// Returns the access token of the session, refreshed if it has expired or soon will, for
    /// calls to other APIs on behalf of the user.
    ///
    /// Tokens that are due are normally refreshed before the handler runs. This serves handlers
    /// that outlive them, and routes with refresh on demand. New tokens reach the browser with
    /// the response, even if the handler fails.
    ///
    /// # Errors
    /// `session_ended` if Okta no longer refreshes the session; `token_expired` if there is
    /// no refresh token; `renewal_unavailable`, or the error of reaching Okta or the store.
    pub(in crate::engine) async fn fresh_access_token(&self) -> Result<Secret> {
        let ended = || Error::new(Code::SessionEnded, "the session has ended; the user has to sign in again");
        let entry = self.entry().ok_or_else(ended)?;
        let auth = &self.auth.0;
        let now = auth.clock.now();
        match auth.refresher.refresh(entry, now).await {
            RefreshResult::Usable { entry, renewed } => {
                let session = Arc::clone(&entry.session);
                if renewed {
                    *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(entry);
                    self.keep(CookieUpdate::Replace);
                }
                session.unexpired_access_token(now)
            }
            RefreshResult::Ended => {
                self.keep(CookieUpdate::Clear);
                Err(ended())
            }
            RefreshResult::Unavailable(error) => Err(Error::clone(&error)),
        }
    }

    /// Returns the session as this response writes it: with updated activity, unless the
    /// store has that already or nothing is written.
    pub(in crate::engine) fn as_written(&self, entry: &Entry) -> Arc<Session> {
        let in_cookie = matches!(*self.auth.0.sessions, Sessions::Cookie { .. });
        let written = matches!(self.cookie_update(), CookieUpdate::Reseal | CookieUpdate::Replace);
        if in_cookie && written && self.activity == Activity::Active {
            Arc::new(entry.session.touched(self.now))
        } else {
            Arc::clone(&entry.session)
        }
    }

    pub(in crate::engine) fn known_token(&self) -> Option<&VerifiedAccessToken> {
        self.token.get()?.as_ref().ok()
    }

    /// Returns the page that sent the request, if it belongs to the application.
    pub(in crate::engine) fn came_from(&self) -> Option<ReturnTo> {
        let page = std::str::from_utf8(self.page.as_ref()?.as_bytes()).ok()?;
        let rest = page.strip_prefix(&self.auth.config().origin())?;
        rest.starts_with('/').then(|| ReturnTo::within(rest, self.auth.config()))
    }

    pub(in crate::engine) fn is_navigation(&self) -> bool {
        self.kind == RequestKind::Navigation
    }

    pub(in crate::engine) fn may_redirect(&self) -> bool {
        self.is_navigation() && may_redirect(&self.method) && !self.auth.config().is_api_only()
    }

    /// Returns the same page at the configured address, if a navigation used another name of
    /// the loopback address.
    pub(crate) fn configured_address(&self) -> Option<String> {
        let is_redirected = self.alias && self.may_redirect();
        if is_redirected { configured_address(&self.target, self.auth.config()) } else { None }
    }

    /// Whether a request to one of the library's paths may start a sign-in: a navigation,
    /// or a form without contrary headers. An image, a frame or a prefetch must not fill
    /// the browser with pending logins.
    pub(crate) fn may_start_login(&self) -> bool {
        self.is_navigation() || (self.method == Method::POST && self.kind == RequestKind::Unknown)
    }

    /// Records that the response itself reports an unknown authentication state, as those
    /// of the library's own paths do. A logout must delete the cookie in any case.
    pub(in crate::engine) fn mark_answered(&self) {
        self.unanswered.store(false, Ordering::Relaxed);
    }

    pub(in crate::engine) fn mark_depends_on_token(&self) {
        self.token_consulted.store(true, Ordering::Relaxed);
    }

    pub(in crate::engine) fn mark_decided_by_token(&self) {
        self.by_token.store(true, Ordering::Relaxed);
    }

    pub(in crate::engine) fn is_decided_by_token(&self) -> bool {
        self.by_token.load(Ordering::Relaxed)
    }

    pub(in crate::engine) fn mark_personal(&self) {
        self.consulted.store(true, Ordering::Relaxed);
    }

    pub(in crate::engine) fn mark_sign_out_shown(&self) {
        self.landing_shown.store(true, Ordering::Relaxed);
    }

    /// Whether the application has read the state of a logout, so that its cookie can be
    /// deleted.
    pub(in crate::engine) fn is_sign_out_shown(&self) -> bool {
        self.landing_shown.load(Ordering::Relaxed)
    }

    /// Whether the engine responds to this request itself, after a logout.
    pub(in crate::engine) fn is_return_from_sign_out(&self) -> bool {
        match &self.logout_return {
            Some(LogoutReturn::Returns(_)) => true,
            Some(LogoutReturn::Arrived) => {
                self.auth.0.logout.has_page_at(&self.target) && self.has_returned_from_sign_out()
            }
            None => false,
        }
    }

    /// Whether the browser has returned from a logout and has no session.
    pub(in crate::engine) fn has_returned_from_sign_out(&self) -> bool {
        let is_anonymous = matches!(self.session_state, SessionState::Anonymous);
        is_anonymous && self.logout_return == Some(LogoutReturn::Arrived)
    }

    /// The correlation id of this request in events and on error pages, created on first
    /// use.
    pub(in crate::engine) fn reference(&self) -> CorrelationId {
        *self.reference.get_or_init(CorrelationId::random)
    }

    pub(in crate::engine) fn emit(&self, kind: EventKind, about: EventSubject, error: Option<&Error>) {
        self.auth.0.events.emit(kind, self.reference(), about, error);
    }
}
