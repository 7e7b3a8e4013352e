//! The engine's view of one request: its caller, and the requirements for its response.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::header::ALLOW;
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use super::error_reply;
use super::navigation::{RequestKind, may_redirect};
use super::reply::{self, Reply};
use super::tenant_router::TenantRouter;
use super::{Challenge, OktaAuth};
use crate::bearer::Credentials;
use crate::clock::Timestamp;
use crate::cookie::RequestCookies;
use crate::error::{Code, Error, Result};
use crate::events::CorrelationId;
use crate::headers::HeaderText;
use crate::jose::VerifiedAccessToken;
use crate::login::ReturnTo;
use crate::logout::LogoutReturn;
use crate::session::{Activity, Entry, Session};

/// The engine's view of one request. An adapter creates it before the handler runs, keeps
/// it with the request, and lets it [finish](Self::finish) the response.
#[derive(Clone)]
pub struct RequestContext(Arc<Inner>);

pub(super) struct Inner {
    pub(super) auth: OktaAuth,
    pub(super) method: Method,
    pub(super) target: Box<str>,
    pub(super) kind: RequestKind,
    /// Whether htmx sent the request. It is a script that can be told where to navigate.
    pub(super) htmx: bool,
    /// The page that sent the request, according to the browser or htmx.
    pub(super) page: Option<HeaderText>,
    /// Whether the request used another loopback name than the configured one.
    pub(super) alias: bool,
    /// The reason not to start a sign-in: the new session would end as the last one did.
    pub(super) dead_end: Option<Arc<Error>>,
    pub(super) cookies: RequestCookies,
    pub(super) without_tenant: Option<NoTenant>,
    pub(super) session_state: SessionState,
    /// The change to the session cookie: an [`CookieUpdate`].
    pub(super) cookie_update: AtomicU8,
    /// The session after a refresh that a handler caused.
    pub(super) latest: Mutex<Option<Entry>>,
    pub(super) credentials: Credentials,
    pub(super) token: OnceLock<Result<VerifiedAccessToken, Arc<Error>>>,
    /// Whether the request may act for its session: it is safe, or comes from the
    /// application's own pages.
    pub(super) own: bool,
    /// When the request arrived: one timestamp for the whole request.
    pub(super) now: Timestamp,
    /// Whether the request counts as activity of its session.
    pub(super) activity: Activity,
    /// Whether the user was read, so that the response is personal.
    pub(super) consulted: AtomicBool,
    /// Whether the response depends on the access token of the request.
    pub(super) token_consulted: AtomicBool,
    /// Whether the user was read while the authentication state was unknown.
    pub(super) unanswered: AtomicBool,
    /// Whether a policy allowed the request because of its token.
    pub(super) by_token: AtomicBool,
    /// The state of a logout that precedes the request.
    pub(super) logout_return: Option<LogoutReturn>,
    /// Whether a handler has read that state, so that its cookie can be deleted.
    pub(super) landing_shown: AtomicBool,
    pub(super) reference: OnceLock<CorrelationId>,
}

#[derive(Clone, Debug)]
pub(super) enum NoTenant {
    /// Home-realm discovery is possible.
    Discover(Arc<TenantRouter>),
    /// Every response is this error.
    Rejected(Arc<Error>),
    /// The request reaches the application, and gets this error if a handler extracts the
    /// caller.
    Public(Arc<Error>),
}

#[derive(Debug)]
pub(super) enum SessionState {
    Anonymous,
    User(Entry),
    /// The state is unknown: the store or Okta does not respond.
    Unavailable(Arc<Error>),
}

/// The change to the session cookie, apart from the handler's own changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CookieUpdate {
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

impl Inner {
    pub(super) fn keep(&self, cookie_update: CookieUpdate) {
        self.cookie_update.store(cookie_update.into(), Ordering::Relaxed);
    }

    pub(super) fn cookie_update(&self) -> CookieUpdate {
        match self.cookie_update.load(Ordering::Relaxed) {
            1 => CookieUpdate::Reseal,
            2 => CookieUpdate::Clear,
            3 => CookieUpdate::Replace,
            _ => CookieUpdate::None,
        }
    }

    /// Returns the present session, after a possible refresh.
    pub(super) fn entry(&self) -> Option<Entry> {
        let SessionState::User(entry) = &self.session_state else { return None };
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        Some(latest.as_ref().unwrap_or(entry).clone())
    }
}

impl RequestContext {
    pub(super) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Returns the engine.
    pub fn auth(&self) -> &OktaAuth {
        &self.0.auth
    }

    /// Creates the response for an error, page or JSON, and logs the error.
    pub fn error(&self, error: &Error) -> Reply {
        // A store failure was already reported when the request arrived.
        let told = matches!(&self.0.session_state, SessionState::Unavailable(known) if known.code() == error.code());
        if !told || error.code() != Code::StoreUnavailable {
            let anonymous = matches!(self.0.session_state, SessionState::Anonymous);
            self.auth().0.events.log(error, self.reference(), anonymous);
        }
        self.error_told(error)
    }

    /// Creates the response for an error that an event has already reported.
    pub(super) fn error_told(&self, error: &Error) -> Reply {
        self.error_leading_to(error, &self.target())
    }

    /// Creates the response for an error, with a link to a sign-in that returns to
    /// `target`.
    pub(super) fn error_leading_to(&self, error: &Error, target: &ReturnTo) -> Reply {
        let config = self.0.auth.config();
        error_reply::error_reply(error, self.is_navigation(), config, target, self.reference())
    }

    pub(super) fn login_url(&self, parameters: &[(&str, &str)]) -> Option<String> {
        let routes = self.0.auth.config().routes();
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        Some(routes.public(&format!("{}?{query}", routes.login()?)))
    }

    /// Whether the request may reach the application: not if it names an unknown tenant, or
    /// returns from a logout.
    ///
    /// # Errors
    /// The challenge to respond with.
    pub fn admit(&self) -> Result<(), Challenge> {
        match self.without_tenant() {
            Some(NoTenant::Rejected(error)) => Err(Challenge::error(error.duplicate())),
            _ if self.is_return_from_sign_out() => Err(Challenge::signed_out()),
            _ => Ok(()),
        }
    }

    /// Whether this browser has just returned from a logout. It is `true` for one page
    /// navigation, and only until a user signs in again.
    pub fn has_just_signed_out(&self) -> bool {
        self.mark_personal();
        let has_returned = self.has_returned_from_sign_out();
        if has_returned {
            self.0.landing_shown.store(true, Ordering::Relaxed);
        }
        has_returned
    }

    /// Whether the application has read that state, so that the cookie can be deleted.
    pub(super) fn is_sign_out_shown(&self) -> bool {
        self.0.landing_shown.load(Ordering::Relaxed)
    }

    /// Whether the engine responds to this request itself, after a logout.
    pub(super) fn is_return_from_sign_out(&self) -> bool {
        match &self.0.logout_return {
            Some(LogoutReturn::Returns(_)) => true,
            Some(LogoutReturn::Arrived) => {
                self.0.auth.0.logout.has_page_at(&self.0.target) && self.has_returned_from_sign_out()
            }
            None => false,
        }
    }

    /// Whether the browser has returned from a logout and has no session.
    fn has_returned_from_sign_out(&self) -> bool {
        let is_anonymous = matches!(self.0.session_state, SessionState::Anonymous);
        is_anonymous && self.0.logout_return == Some(LogoutReturn::Arrived)
    }

    /// Returns the response if a request without a tenant needs a user or a token; `None`
    /// for other requests.
    pub(super) fn rejection_without_tenant(&self) -> Option<Reply> {
        match self.without_tenant() {
            Some(NoTenant::Rejected(error) | NoTenant::Public(error)) => Some(self.error(error)),
            _ => None,
        }
    }

    pub(super) fn without_tenant(&self) -> Option<&NoTenant> {
        self.0.without_tenant.as_ref()
    }

    /// Returns the challenge to respond with if a handler read the user while the
    /// authentication state was unknown. The handler's response is then discarded, because
    /// it treats the caller as anonymous.
    pub fn unanswered(&self) -> Option<Challenge> {
        match &self.0.session_state {
            SessionState::Unavailable(error) if self.0.unanswered.load(Ordering::Relaxed) => {
                Some(Challenge::error(error.duplicate()))
            }
            _ => None,
        }
    }

    pub(super) fn cookies(&self) -> &RequestCookies {
        &self.0.cookies
    }

    /// Returns the session.
    ///
    /// # Errors
    /// The store's or Okta's, if the session state is unknown. The response then reports
    /// this, regardless of the handler.
    pub(super) fn session(&self) -> Result<Option<&Arc<Session>>> {
        match &self.0.session_state {
            SessionState::Anonymous => Ok(None),
            SessionState::User(entry) => Ok(Some(&entry.session)),
            SessionState::Unavailable(error) => {
                self.0.unanswered.store(true, Ordering::Relaxed);
                Err(error.duplicate())
            }
        }
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(super) fn known_session(&self) -> Option<&Arc<Session>> {
        if let SessionState::User(entry) = &self.0.session_state { Some(&entry.session) } else { None }
    }

    pub(super) fn known_token(&self) -> Option<&VerifiedAccessToken> {
        self.0.token.get()?.as_ref().ok()
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }

    /// Returns the verified token. It is verified once, and the first result counts for the
    /// whole request.
    pub(super) async fn verified_token(&self) -> Result<VerifiedAccessToken, Arc<Error>> {
        if let Some(known) = self.0.token.get() {
            return known.clone();
        }
        let outcome = self.verify_token().await.map_err(Arc::new);
        self.0.token.get_or_init(|| outcome).clone()
    }

    async fn verify_token(&self) -> Result<VerifiedAccessToken> {
        match &self.0.credentials {
            // Without a tenant there is no issuer to verify the token with.
            Credentials::Token(sent) if self.0.without_tenant.is_some() => {
                sent.text().and_then(|_| Err(Error::invalid_claim("iss", "is not the issuer of any tenant")))
            }
            Credentials::Token(sent) => {
                let tokens = &self.0.auth.0.access_tokens;
                tokens.verify_sent(sent.bytes(), || sent.text(), self.0.now).await
            }
            other => other.token().and(Err(Error::new(Code::Internal, "there is no token to verify"))),
        }
    }

    pub(super) fn is_own_request(&self) -> bool {
        self.0.own
    }

    pub(super) fn target(&self) -> ReturnTo {
        let auth = &self.0.auth;
        auth.return_to(&auth.config().routes().public(&self.0.target))
    }

    /// Returns the page that sent the request, if it belongs to the application.
    pub(super) fn came_from(&self) -> Option<ReturnTo> {
        let page = std::str::from_utf8(self.0.page.as_ref()?.as_bytes()).ok()?;
        let rest = page.strip_prefix(&self.0.auth.config().origin())?;
        rest.starts_with('/').then(|| self.0.auth.return_to(rest))
    }

    pub(super) fn may_redirect(&self) -> bool {
        self.is_navigation() && may_redirect(&self.0.method) && !self.0.auth.config().is_api_only()
    }

    /// Records that the response itself reports an unknown authentication state, as those
    /// of the library's own paths do. A logout must delete the cookie in any case.
    pub(super) fn mark_answered(&self) {
        self.0.unanswered.store(false, Ordering::Relaxed);
    }

    pub(super) fn mark_personal(&self) {
        self.0.consulted.store(true, Ordering::Relaxed);
    }

    pub(super) fn mark_depends_on_token(&self) {
        self.0.token_consulted.store(true, Ordering::Relaxed);
    }

    pub(super) fn mark_decided_by_token(&self) {
        self.0.by_token.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_decided_by_token(&self) -> bool {
        self.0.by_token.load(Ordering::Relaxed)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.now
    }

    pub(super) fn is_navigation(&self) -> bool {
        self.0.kind == RequestKind::Navigation
    }

    /// Whether a request to one of the library's paths may start a sign-in: a navigation,
    /// or a form without contrary headers. An image, a frame or a prefetch must not fill
    /// the browser with pending logins.
    pub(super) fn may_start_login(&self) -> bool {
        self.is_navigation() || (self.0.method == Method::POST && self.0.kind == RequestKind::Unknown)
    }

    /// Responds with 405 and the allowed methods (RFC 9110 §15.5.6).
    pub(super) fn method_not_allowed(allow: &'static str) -> Reply {
        let body = json!({ "error": "method_not_allowed", "message": format!("Use {allow}.") });
        let mut reply = reply::json(StatusCode::METHOD_NOT_ALLOWED, &body);
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        reply
    }
}

impl fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestContext").field("session_state", &self.0.session_state).finish_non_exhaustive()
    }
}
