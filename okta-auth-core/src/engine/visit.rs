//! One request, seen by the engine: who makes it, and what its answer must carry.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use http::header::{ALLOW, CACHE_CONTROL, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::json;

use super::OktaAuth;
use super::client_kind::{is_navigation, may_redirect};
use super::error_reply::error_reply;
use super::reply::{self, Reply};
use crate::bearer::Credentials;
use crate::clock::Timestamp;
use crate::cookie::RequestCookies;
use crate::error::{Code, Error, Result};
use crate::jose::VerifiedAccessToken;
use crate::login::{LoginOptions, ReturnTo};
use crate::logout::same_origin;
use crate::session::{Loaded, Session};

/// The engine's view of one request. An adapter makes it before the handler runs, keeps
/// it with the request, and lets it [finish](Self::finish) the response.
#[derive(Clone)]
pub struct Visit(Arc<Inner>);

/// What the clones of a visit share.
struct Inner {
    /// The application's Okta.
    auth: OktaAuth,
    /// The request's method.
    method: Method,
    /// The path and query that were asked for, as they came.
    target: Box<str>,
    /// Whether a browser wants to show the answer as a page.
    navigation: bool,
    /// The request's cookies.
    cookies: RequestCookies,
    /// Its session, if there is a live one.
    session: Option<Arc<Session>>,
    /// What the session's cookie needs.
    upkeep: Upkeep,
    /// What is presented in place of a session.
    credentials: Credentials,
    /// The outcome of verifying that, once somebody has asked.
    token: OnceLock<Result<VerifiedAccessToken, Arc<Error>>>,
    /// Whether the request may act for its session: it changes nothing, or comes from the
    /// application's own pages.
    own: bool,
    /// When the request came: one moment for all that happens with it.
    now: Timestamp,
    /// Whether anybody asked who the user is: the answer is then personal.
    consulted: AtomicBool,
    /// Whether a policy has let the holder of a token in.
    by_token: AtomicBool,
}

/// What the session's cookie needs, apart from what the handler does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Upkeep {
    Nothing,
    /// It has been idle for a while, or is sealed with an old key: write it again.
    Rewrite,
    /// It is there but no session any more: take it away.
    Clear,
}

impl OktaAuth {
    /// Looks at a request: reads its session and remembers where it wants to go.
    /// `target` is the path and query as the client sent them, before any router took a
    /// prefix away.
    pub fn visit(&self, parts: &Parts, target: &str) -> Visit {
        let now = self.0.clock.now();
        let (cookies, (session, upkeep)) = if self.config().is_api_only() {
            (RequestCookies::default(), (None, Upkeep::Nothing))
        } else {
            let cookies = RequestCookies::new(&parts.headers);
            let loaded = self.load(&cookies, now);
            (cookies, loaded)
        };
        Visit(Arc::new(Inner {
            auth: self.clone(),
            method: parts.method.clone(),
            target: target.into(),
            navigation: is_navigation(&parts.headers),
            cookies,
            own: session.is_none() || self.is_own_request(parts),
            session,
            upkeep,
            credentials: Credentials::parse(&parts.headers, parts.uri.query()),
            token: OnceLock::new(),
            now,
            consulted: AtomicBool::new(false),
            by_token: AtomicBool::new(false),
        }))
    }

    /// Whether [`visit`](Self::visit) looks at a header, whose name is in lower case. An adapter
    /// for a framework that has another type for headers need not translate the others.
    pub fn looks_at(&self, header: &str) -> bool {
        let known =
            ["cookie", "authorization", "accept", "origin", "sec-purpose", "x-requested-with"].contains(&header);
        let marker = self.config().options.csrf_header.as_deref();
        known || header.starts_with("sec-fetch-") || marker.is_some_and(|marker| marker.eq_ignore_ascii_case(header))
    }

    /// Whether a request may act for its session. GET and its like change nothing; anything
    /// else has to come from the application's own pages, with the header that is configured.
    fn is_own_request(&self, parts: &Parts) -> bool {
        let config = self.config();
        let marked = config.options.csrf_header.as_deref().is_none_or(|name| parts.headers.contains_key(name));
        parts.method.is_safe() || (marked && same_origin(&parts.headers, &config.origin()))
    }

    /// The session of the request, and what its cookie needs.
    fn load(&self, cookies: &RequestCookies, now: Timestamp) -> (Option<Arc<Session>>, Upkeep) {
        match self.0.sessions.load(cookies, now) {
            Loaded::None => (None, Upkeep::Nothing),
            Loaded::Invalid => (None, Upkeep::Clear),
            Loaded::Session { session, rewrite } => {
                (Some(session), if rewrite { Upkeep::Rewrite } else { Upkeep::Nothing })
            }
        }
    }

    /// A target on our own origin that is none of the library's paths: coming back to
    /// `/login` would loop.
    pub(super) fn return_to(&self, target: &str) -> ReturnTo {
        let config = self.config();
        let target = ReturnTo::parse(target, &config.base_url);
        let routes = config.routes();
        let own = [routes.callback(), routes.login(), routes.logout()];
        if own.contains(&Some(target.path())) { ReturnTo::root() } else { target }
    }
}

impl Visit {
    /// The application's Okta.
    pub fn auth(&self) -> &OktaAuth {
        &self.0.auth
    }

    /// The answer for an error, page or JSON.
    pub fn error(&self, error: &Error) -> Reply {
        let routes = self.0.auth.config().routes();
        error_reply(error, self.0.navigation, routes, &self.target())
    }

    /// Adds to a response what the session needs: a rewritten or deleted cookie, and
    /// cache headers. Call it once for each response, the engine's own answers
    /// included.
    pub fn finish(&self, headers: &mut HeaderMap) {
        if self.0.upkeep != Upkeep::Nothing && !writes_session(headers, &self.0.auth) && !is_shared(headers) {
            reply::add_cookies(headers, self.upkeep());
        }
        if self.0.consulted.load(Ordering::Relaxed) {
            headers.append(VARY, HeaderValue::from_static("Cookie"));
            if !headers.contains_key(CACHE_CONTROL) {
                reply::forbid_caching(headers);
            }
        }
    }

    /// Whether [`finish`](Self::finish) has anything to add.
    pub fn has_to_finish(&self) -> bool {
        self.0.upkeep != Upkeep::Nothing || self.0.consulted.load(Ordering::Relaxed)
    }

    /// The cookies that keep the session alive, or take the remains of one away. A session
    /// that cannot be written again stays as it is: it was good enough to be read.
    fn upkeep(&self) -> Vec<HeaderValue> {
        let sessions = &self.0.auth.0.sessions;
        match (self.0.upkeep, &self.0.session) {
            (Upkeep::Clear, _) => sessions.clear(&self.0.cookies),
            (Upkeep::Rewrite, Some(session)) => {
                let session = session.touched(self.0.now);
                sessions.save(&self.0.cookies, &session, self.0.now).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// Sends the browser to Okta with a new pending login, for a handler that wants more
    /// than the `User` extractor asks for: a recent sign-in, a second factor, a user name
    /// to prefill.
    ///
    /// The answer is a redirect with a cookie, or an error page if Okta is away. What was
    /// asked for is checked when the browser comes back.
    ///
    /// ```
    /// use std::time::Duration;
    /// use okta_auth_core::engine::{Reply, Visit};
    /// use okta_auth_core::login::{LoginOptions, ReturnTo};
    ///
    /// async fn step_up(visit: &Visit) -> Reply {
    ///     let mut options = LoginOptions::new(ReturnTo::root());
    ///     options.max_age = Some(Duration::from_secs(300));
    ///     options.acr_values = vec!["urn:okta:loa:2fa:any".to_owned()];
    ///     visit.start_login(&options).await
    /// }
    /// ```
    pub async fn start_login(&self, options: &LoginOptions) -> Reply {
        match self.try_start_login(options).await {
            Ok(reply) => reply,
            Err(error) => self.error(&error),
        }
    }

    /// The redirect with the cookie of the attempt.
    async fn try_start_login(&self, options: &LoginOptions) -> Result<Reply> {
        let auth = &self.0.auth.0;
        let metadata = self.0.auth.metadata().await?;
        let (pending, cookies) = auth.attempts.begin(options, &self.0.cookies, self.0.now)?;
        let url = auth.protocol.authorization_url(&metadata, &pending.parameters(options))?;
        let mut reply = reply::see_other(url.as_str());
        reply::add_cookies(reply.headers_mut(), cookies);
        Ok(reply)
    }

    /// The request's cookies.
    pub(super) fn cookies(&self) -> &RequestCookies {
        &self.0.cookies
    }

    /// The request's session.
    pub(super) fn session(&self) -> Option<&Arc<Session>> {
        self.0.session.as_ref()
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
        match self.0.credentials.token()? {
            Some(token) => self.0.auth.verify_access_token(token).await,
            None => Err(Error::new(Code::Internal, "there is no token to verify")),
        }
    }

    /// Whether the request may act for its session.
    pub(super) fn is_own_request(&self) -> bool {
        self.0.own
    }

    /// Where the browser comes back to after a sign-in.
    pub(super) fn target(&self) -> ReturnTo {
        self.0.auth.return_to(&self.0.target)
    }

    /// Whether the answer may be a redirect to sign-in.
    pub(super) fn may_redirect(&self) -> bool {
        self.0.navigation && may_redirect(&self.0.method) && !self.0.auth.config().is_api_only()
    }

    /// Remembers that the answer depends on who asks.
    pub(super) fn mark_personal(&self) {
        self.0.consulted.store(true, Ordering::Relaxed);
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
        self.0.navigation
    }

    /// 405, with the methods that there are (RFC 9110 §15.5.6).
    pub(super) fn method_not_allowed(allow: &'static str) -> Reply {
        let body = json!({ "error": "method_not_allowed", "message": format!("Use {allow}.") });
        let mut reply = reply::json(StatusCode::METHOD_NOT_ALLOWED, &body);
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        reply
    }
}

/// Whether the answer sets the session cookie itself (a sign-in or sign-out): upkeep
/// would undo that.
fn writes_session(headers: &HeaderMap, auth: &OktaAuth) -> bool {
    let name = auth.0.sessions.cookie_name();
    let set = headers.get_all(http::header::SET_COOKIE).iter();
    let mut names = set.filter_map(|value| value.to_str().ok()?.split_once('=').map(|(name, _)| name));
    names.any(|set| set == name)
}

/// A response that its handler gives to shared caches, such as a stylesheet, is left
/// alone: upkeep can wait for the next request, and a cookie in a shared cache would be
/// somebody else's session.
fn is_shared(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|directive| {
        let directive = directive.trim().to_ascii_lowercase();
        directive == "public" || directive.starts_with("s-maxage")
    })
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit").field("signed_in", &self.0.session.is_some()).finish_non_exhaustive()
    }
}
