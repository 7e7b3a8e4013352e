//! One request, seen by the engine: who makes it, and what its answer must carry.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::header::ALLOW;
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use super::client_kind::{RequestKind, may_redirect};
use super::error_reply;
use super::many::Many;
use super::reply::{self, Reply};
use super::{Challenge, OktaAuth};
use crate::bearer::Credentials;
use crate::clock::Timestamp;
use crate::cookie::RequestCookies;
use crate::error::{Code, Error, Result};
use crate::events::Reference;
use crate::headers::HeaderText;
use crate::jose::VerifiedAccessToken;
use crate::login::ReturnTo;
use crate::logout::Landing;
use crate::session::{Activity, Entry, Session};

/// The engine's view of one request. An adapter makes it before the handler runs, keeps
/// it with the request, and lets it [finish](Self::finish) the response.
#[derive(Clone)]
pub struct Visit(Arc<Inner>);

/// What the clones of a visit share.
pub(super) struct Inner {
    /// The application's Okta.
    pub(super) auth: OktaAuth,
    /// The request's method.
    pub(super) method: Method,
    /// The path and query that were asked for, as they came.
    pub(super) target: Box<str>,
    /// Whether a browser wants to show the answer as a page.
    pub(super) kind: RequestKind,
    /// Whether htmx sends it: a script that can be told where to navigate.
    pub(super) htmx: bool,
    /// The page that it was made from, as the browser or htmx says.
    pub(super) page: Option<HeaderText>,
    /// Whether it came to another loopback name than the configured one.
    pub(super) alias: bool,
    /// Why no sign-in is started for it: the new session would end as the last one did.
    pub(super) dead_end: Option<Arc<Error>>,
    /// The request's cookies.
    pub(super) cookies: RequestCookies,
    /// Whether it is for none of the tenants that there are.
    pub(super) lobby: Option<Lobby>,
    /// Its session, if there is a live one.
    pub(super) presence: Presence,
    /// What the session's cookie needs: an [`Upkeep`].
    pub(super) upkeep: AtomicU8,
    /// The session as it is now, if a handler has had its tokens renewed.
    pub(super) latest: Mutex<Option<Entry>>,
    /// What is presented in place of a session.
    pub(super) credentials: Credentials,
    /// The outcome of verifying that, once somebody has asked.
    pub(super) token: OnceLock<Result<VerifiedAccessToken, Arc<Error>>>,
    /// Whether the request may act for its session: it changes nothing, or comes from
    /// the application's own pages.
    pub(super) own: bool,
    /// When the request came: one moment for all that happens with it.
    pub(super) now: Timestamp,
    /// Whether it counts as a use of its session.
    pub(super) activity: Activity,
    /// Whether anybody asked who the user is: the answer is then personal.
    pub(super) consulted: AtomicBool,
    /// Whether the answer depends on the access token of the request.
    pub(super) token_consulted: AtomicBool,
    /// Whether anybody asked who the user is while that could not be told.
    pub(super) unanswered: AtomicBool,
    /// Whether a policy has let the holder of a token in.
    pub(super) by_token: AtomicBool,
    /// What the request is to a sign-out before it.
    pub(super) landing: Option<Landing>,
    /// Whether a handler has asked for that, so it need not be remembered any longer.
    pub(super) landing_shown: AtomicBool,
    /// What the request is called, once somebody wants to know.
    pub(super) reference: OnceLock<Reference>,
}

/// A request that is for no tenant.
#[derive(Clone, Debug)]
pub(super) enum Lobby {
    /// Whoever makes it can say where they belong.
    Open(Arc<Many>),
    /// It is answered with this, whatever it is for.
    Closed(Arc<Error>),
    /// It reaches the application, and is answered with this if that asks who makes it.
    Public(Arc<Error>),
}

/// What a request has of a session.
#[derive(Debug)]
pub(super) enum Presence {
    /// None.
    Nobody,
    /// A live one.
    User(Entry),
    /// It cannot be told: the store or Okta does not answer.
    Unavailable(Arc<Error>),
}

/// What the session's cookie needs, apart from what the handler does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upkeep {
    Nothing,
    /// It has been idle for a while, or is sealed with an old key: write it again.
    Rewrite,
    /// It is there but no session any more: take it away.
    Clear,
    /// It has other tokens: the browser must learn of it.
    Renewed,
}

impl From<Upkeep> for u8 {
    fn from(upkeep: Upkeep) -> Self {
        match upkeep {
            Upkeep::Nothing => 0,
            Upkeep::Rewrite => 1,
            Upkeep::Clear => 2,
            Upkeep::Renewed => 3,
        }
    }
}

impl Inner {
    /// Sets what the cookie needs.
    pub(super) fn keep(&self, upkeep: Upkeep) {
        self.upkeep.store(upkeep.into(), Ordering::Relaxed);
    }

    /// What the cookie needs.
    pub(super) fn upkeep(&self) -> Upkeep {
        match self.upkeep.load(Ordering::Relaxed) {
            1 => Upkeep::Rewrite,
            2 => Upkeep::Clear,
            3 => Upkeep::Renewed,
            _ => Upkeep::Nothing,
        }
    }

    /// The session as it is now.
    pub(super) fn entry(&self) -> Option<Entry> {
        let Presence::User(entry) = &self.presence else { return None };
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        Some(latest.as_ref().unwrap_or(entry).clone())
    }
}

impl Visit {
    /// What has been found out about a request.
    pub(super) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The application's Okta.
    pub fn auth(&self) -> &OktaAuth {
        &self.0.auth
    }

    /// The answer for an error, page or JSON.
    pub fn error(&self, error: &Error) -> Reply {
        // A store that does not answer has been told of when the request came.
        let told = matches!(&self.0.presence, Presence::Unavailable(known) if known.code() == error.code());
        if !told || error.code() != Code::StoreUnavailable {
            let anonymous = matches!(self.0.presence, Presence::Nobody);
            self.auth().0.events.log(error, self.reference(), anonymous);
        }
        self.error_told(error)
    }

    /// The same for an error of which an event has told already.
    pub(super) fn error_told(&self, error: &Error) -> Reply {
        self.error_leading_to(error, &self.target())
    }

    /// The same with a link to a sign-in that leads to `target`.
    pub(super) fn error_leading_to(&self, error: &Error, target: &ReturnTo) -> Reply {
        let config = self.0.auth.config();
        error_reply::error_reply(error, self.is_navigation(), config, target, self.reference())
    }

    /// The address that starts a sign-in, with these parameters.
    pub(super) fn login_url(&self, parameters: &[(&str, &str)]) -> Option<String> {
        let routes = self.0.auth.config().routes();
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        Some(routes.public(&format!("{}?{query}", routes.login()?)))
    }

    /// Whether the request may reach the application at all: not if it names a tenant
    /// that does not exist, or comes back from a sign-out.
    ///
    /// # Errors
    /// The challenge to answer with.
    pub fn admit(&self) -> Result<(), Challenge> {
        match self.lobby() {
            Some(Lobby::Closed(error)) => Err(Challenge::error(error.duplicate())),
            _ if self.is_return_from_sign_out() => Err(Challenge::signed_out()),
            _ => Ok(()),
        }
    }

    /// The answer to a request for no tenant that asks for a user or a token; `None` for
    /// other requests.
    pub(super) fn no_tenant(&self) -> Option<Reply> {
        match self.lobby() {
            Some(Lobby::Closed(error) | Lobby::Public(error)) => Some(self.error(error)),
            _ => None,
        }
    }

    /// What is known of a request for no tenant.
    pub(super) fn lobby(&self) -> Option<&Lobby> {
        self.0.lobby.as_ref()
    }

    /// What stands in the way of an answer if somebody asked who the user is and that
    /// could not be told: the response of a handler that took that for nobody is not
    /// sent.
    pub fn unanswered(&self) -> Option<Challenge> {
        match &self.0.presence {
            Presence::Unavailable(error) if self.0.unanswered.load(Ordering::Relaxed) => {
                Some(Challenge::error(error.duplicate()))
            }
            _ => None,
        }
    }

    /// The request's cookies.
    pub(super) fn cookies(&self) -> &RequestCookies {
        &self.0.cookies
    }

    /// The request's session.
    ///
    /// # Errors
    /// The store's or Okta's, if it cannot be told whether there is one. The answer
    /// then says so, whatever the handler makes of it.
    pub(super) fn session(&self) -> Result<Option<&Arc<Session>>> {
        match &self.0.presence {
            Presence::Nobody => Ok(None),
            Presence::User(entry) => Ok(Some(&entry.session)),
            Presence::Unavailable(error) => {
                self.0.unanswered.store(true, Ordering::Relaxed);
                Err(error.duplicate())
            }
        }
    }

    /// What the clones share.
    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// The request's session, if it is known that there is one.
    pub(super) fn known_session(&self) -> Option<&Arc<Session>> {
        if let Presence::User(entry) = &self.0.presence { Some(&entry.session) } else { None }
    }

    /// The request's token, if it has been verified.
    pub(super) fn known_token(&self) -> Option<&VerifiedAccessToken> {
        self.0.token.get()?.as_ref().ok()
    }

    /// What the request presents in place of a session.
    pub(super) fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }

    /// The token of the request. The outcome of the first who asks counts for all.
    pub(super) async fn verified_token(&self) -> Result<VerifiedAccessToken, Arc<Error>> {
        if let Some(known) = self.0.token.get() {
            return known.clone();
        }
        let outcome = self.verify_token().await.map_err(Arc::new);
        self.0.token.get_or_init(|| outcome).clone()
    }

    /// Verifies the token of the request.
    async fn verify_token(&self) -> Result<VerifiedAccessToken> {
        match &self.0.credentials {
            // Nobody is asked about a token for no tenant.
            Credentials::Token(sent) if self.0.lobby.is_some() => {
                sent.text().and_then(|_| Err(Error::invalid_claim("iss", "is the issuer of no tenant")))
            }
            Credentials::Token(sent) => {
                let tokens = &self.0.auth.0.access_tokens;
                tokens.verify_sent(sent.bytes(), || sent.text(), self.0.now).await
            }
            other => other.token().and(Err(Error::new(Code::Internal, "there is no token to verify"))),
        }
    }

    /// Whether the request may act for its session.
    pub(super) fn is_own_request(&self) -> bool {
        self.0.own
    }

    /// Where the browser comes back to after a sign-in.
    pub(super) fn target(&self) -> ReturnTo {
        let auth = &self.0.auth;
        auth.return_to(&auth.config().routes().public(&self.0.target))
    }

    /// The page of the application that the request was made from, if it was one.
    pub(super) fn came_from(&self) -> Option<ReturnTo> {
        let page = std::str::from_utf8(self.0.page.as_ref()?.as_bytes()).ok()?;
        let rest = page.strip_prefix(&self.0.auth.config().origin())?;
        rest.starts_with('/').then(|| self.0.auth.return_to(rest))
    }

    /// Whether the answer may be a redirect to sign-in.
    pub(super) fn may_redirect(&self) -> bool {
        self.is_navigation() && may_redirect(&self.0.method) && !self.0.auth.config().is_api_only()
    }

    /// Remembers that the answer says itself if it could not be told who asks, as those
    /// of the library's own paths do: a sign-out must take the cookie away all the
    /// same.
    pub(super) fn mark_answered(&self) {
        self.0.unanswered.store(false, Ordering::Relaxed);
    }

    /// Remembers that the answer depends on who asks.
    pub(super) fn mark_personal(&self) {
        self.0.consulted.store(true, Ordering::Relaxed);
    }

    /// Remembers that the answer depends on the access token.
    pub(super) fn mark_depends_on_token(&self) {
        self.0.token_consulted.store(true, Ordering::Relaxed);
    }

    /// Remembers that a policy has let the holder of a token in.
    pub(super) fn mark_decided_by_token(&self) {
        self.0.by_token.store(true, Ordering::Relaxed);
    }

    /// Whether a policy has let the holder of a token in.
    pub(super) fn is_decided_by_token(&self) -> bool {
        self.0.by_token.load(Ordering::Relaxed)
    }

    /// When the request came.
    pub(super) fn now(&self) -> Timestamp {
        self.0.now
    }

    /// Whether a browser wants to show the answer as a page.
    pub(super) fn is_navigation(&self) -> bool {
        self.0.kind == RequestKind::Navigation
    }

    /// Whether a request to one of the library's paths may start a sign-in: a navigation,
    /// or a form of which nothing says that it is not one. An image, a frame or a prefetch
    /// must not fill the browser with attempts.
    pub(super) fn may_start_login(&self) -> bool {
        self.is_navigation() || (self.0.method == Method::POST && self.0.kind == RequestKind::Unknown)
    }

    /// 405, with the methods that there are (RFC 9110 §15.5.6).
    pub(super) fn method_not_allowed(allow: &'static str) -> Reply {
        let body = json!({ "error": "method_not_allowed", "message": format!("Use {allow}.") });
        let mut reply = reply::json(StatusCode::METHOD_NOT_ALLOWED, &body);
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        reply
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit").field("presence", &self.0.presence).finish_non_exhaustive()
    }
}
