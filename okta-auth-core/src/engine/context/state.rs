//! The data of one request: what its headers say, its session, and what its response depends on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use http::Method;

use super::tenancy::Tenancy;
use crate::bearer::Credentials;
use crate::config::AppConfig;
use crate::error::{Error, Result};
use crate::events::{CorrelationId, EventKind, EventSubject};
use crate::headers::HeaderText;
use crate::jose::VerifiedAccessToken;
use crate::login::ReturnTo;
use crate::logout::LogoutReturn;
use crate::request::{RequestKind, configured_address, may_redirect};
use crate::response::Dependence;
use crate::session::{RequestSession, SessionState};

pub(crate) struct RequestState {
    pub(in crate::engine) tenancy: Tenancy,
    pub(in crate::engine) method: Method,
    pub(in crate::engine) target: Box<str>,
    pub(in crate::engine) kind: RequestKind,
    /// Whether htmx sent the request. It is a script that can be told where to navigate.
    pub(in crate::engine) htmx: bool,
    /// The page that sent the request, according to the browser or htmx.
    pub(in crate::engine) page: Option<HeaderText>,
    /// The languages that the browser accepts, for the library's own pages.
    pub(in crate::engine) accept_language: Option<HeaderText>,
    /// Whether the route begins a silent sign-in for anonymous users.
    pub(in crate::engine) silent: bool,
    /// Whether the request used another loopback name than the configured one.
    pub(in crate::engine) alias: bool,
    /// The reason not to start a sign-in: the new session would end as the last one did.
    pub(in crate::engine) dead_end: Option<Arc<Error>>,
    pub(in crate::engine) session: RequestSession,
    pub(in crate::engine) credentials: Credentials,
    pub(in crate::engine) token: OnceLock<Result<VerifiedAccessToken, Arc<Error>>>,
    /// Whether the request may act for its session: it is safe, or comes from the application's own pages.
    pub(in crate::engine) own: bool,
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

impl RequestState {
    #[inline]
    fn config(&self) -> &AppConfig {
        &self.tenancy.site().config
    }

    pub(in crate::engine) fn known_token(&self) -> Option<&VerifiedAccessToken> {
        self.token.get()?.as_ref().ok()
    }

    /// Returns the page that sent the request, if it belongs to the application.
    pub(in crate::engine) fn came_from(&self) -> Option<ReturnTo> {
        let page = std::str::from_utf8(self.page.as_ref()?.as_bytes()).ok()?;
        let rest = page.strip_prefix(&self.config().origin())?;
        rest.starts_with('/').then(|| ReturnTo::within(rest, self.config()))
    }

    pub(in crate::engine) fn is_navigation(&self) -> bool {
        self.kind == RequestKind::Navigation
    }

    pub(in crate::engine) fn may_redirect(&self) -> bool {
        self.is_navigation() && may_redirect(&self.method) && !self.config().api_only
    }

    /// Returns the same page at the configured address, if a navigation used another name of the loopback address.
    pub(crate) fn configured_address(&self) -> Option<String> {
        let is_redirected = self.alias && self.may_redirect();
        if is_redirected { configured_address(&self.target, self.config()) } else { None }
    }

    /// Whether a request to one of the library's paths may start a sign-in: a navigation, or a form without contrary
    /// headers. An image, a frame or a prefetch must not fill the browser with pending logins.
    pub(crate) fn may_start_login(&self) -> bool {
        self.is_navigation() || (self.method == Method::POST && self.kind == RequestKind::Unknown)
    }

    /// Records that the response itself reports an unknown authentication state, as those of the library's own paths
    /// do. A logout must delete the cookie in any case.
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

    pub(in crate::engine) fn dependence(&self) -> Dependence {
        let (on_cookie, on_token) = (&self.consulted, &self.token_consulted);
        Dependence { on_cookie: on_cookie.load(Ordering::Relaxed), on_token: on_token.load(Ordering::Relaxed) }
    }

    pub(in crate::engine) fn mark_sign_out_shown(&self) {
        self.landing_shown.store(true, Ordering::Relaxed);
    }

    /// Whether the application has read the state of a logout, so that its cookie can be deleted.
    pub(in crate::engine) fn is_sign_out_shown(&self) -> bool {
        self.landing_shown.load(Ordering::Relaxed)
    }

    /// Whether the engine responds to this request itself, after a logout.
    #[inline]
    pub(in crate::engine) fn is_return_from_sign_out(&self) -> bool {
        match &self.logout_return {
            Some(LogoutReturn::Returns(_)) => true,
            Some(LogoutReturn::Arrived) => {
                self.tenancy.engine().is_some_and(|auth| auth.0.logout.has_page_at(&self.target))
                    && self.has_returned_from_sign_out()
            }
            None => false,
        }
    }

    /// Whether the response is the start of a silent sign-in.
    #[inline]
    pub(in crate::engine) fn is_silent_login_due(&self) -> bool {
        self.silent && self.may_begin_silent_login()
    }

    fn may_begin_silent_login(&self) -> bool {
        let is_stranger = || matches!(self.session.state, SessionState::Anonymous) && self.dead_end.is_none();
        let (cookies, now) = (&self.session.cookies, self.session.now);
        let is_due = || self.tenancy.engine().is_some_and(|auth| auth.0.browser_kit.silent.is_due(cookies, now));
        let path = self.target.split('?').next();
        let is_page = || self.config().routes.own().all(|own| Some(own) != path);
        is_page() && self.may_redirect() && self.logout_return.is_none() && is_stranger() && is_due()
    }

    /// Whether the browser has returned from a logout and has no session.
    pub(in crate::engine) fn has_returned_from_sign_out(&self) -> bool {
        let is_anonymous = matches!(self.session.state, SessionState::Anonymous);
        is_anonymous && self.logout_return == Some(LogoutReturn::Arrived)
    }

    /// The correlation id of this request in events and on error pages, created on first use.
    pub(in crate::engine) fn reference(&self) -> CorrelationId {
        *self.reference.get_or_init(CorrelationId::random)
    }

    pub(in crate::engine) fn emit(&self, kind: EventKind, about: EventSubject, error: Option<&Error>) {
        self.tenancy.site().events.emit(kind, self.reference(), about, error);
    }
}
