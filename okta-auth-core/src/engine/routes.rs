//! The library's own paths: start of sign-in, callback, sign-out from here and from
//! outside.
//!
//! | path | method | who sends it | what proves that |
//! |---|---|---|---|
//! | `/login` | GET | a link of the application | nothing: a sign-in harms nobody |
//! | `/login/initiate` | GET, POST | Okta's dashboard, or anybody | nothing: it only begins one |
//! | `/authorization-code/callback` | GET, POST | Okta, through the browser | state, in this browser's cookie |
//! | `/logout` | POST | a page of the application | `Origin` and `Sec-Fetch-Site` |
//! | `/logout?continue` | GET | a script of the application, by navigating | a cookie of its sign-out |
//! | `/frontchannel-logout` | GET, POST | Okta's sign-out page, in a frame | a `sid` |
//! | `/backchannel-logout` | POST | a provider | a logout token |
//! | `/global-token-revocation` | POST | Okta | a revocation token |
//! | `/.well-known/oauth-protected-resource` | GET | clients of the API | nothing: it is public |
//!
//! Each of them can be renamed or left out. None of them renews the tokens of a
//! session: signing out has to work while Okta is away.
//!
//! # What a callback costs
//!
//! Up to the check of the state nothing is asked of anybody, so a stranger's callback
//! costs the opening of one cookie. After that one request for the code is made, at
//! most one for keys that are new, and at most one for userinfo. The attempt is used up
//! before the first of them.
//!
//! # Which session ends at a sign-in
//!
//! The new session is written first and its cookie set; then the one that this browser
//! had ends, with its refresh token. In that order a store that fails in between leaves
//! two sessions and not none. A session that somebody planted in the browser ends with
//! it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, USER_AGENT};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use url::form_urlencoded;

use super::page::Page;
use super::reply::{self, Reply};
use super::visit::{Lobby, Visit};
use super::{Refusal, SignIn};
use crate::bearer::resource_metadata;
use crate::callback::{AuthorizationResponse, Exchange, ValidatedCallback, VerifiedIdentity};
use crate::clock::Timestamp;
use crate::config::Routes;
use crate::error::{Code, Error, Result};
use crate::events::{About, EndReason, Happening};
use crate::login::{LoginOptions, PendingLogin};
use crate::session::{NewSession, Session, device};

/// One of the library's paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// Start of sign-in; GET, and POST where there are tenants to choose from.
    Login,
    /// Start of sign-in by a third party (OIDC Core §4); GET and POST.
    InitiateLogin,
    /// Where Okta sends the browser back; GET and POST.
    Callback,
    /// Sign-out; POST.
    Logout,
    /// Front-channel logout; GET and POST.
    FrontChannelLogout,
    /// Back-channel logout; POST.
    BackChannelLogout,
    /// Universal Logout; POST.
    GlobalTokenRevocation,
    /// The metadata of this application as an API; GET.
    ResourceMetadata,
}

impl Endpoint {
    /// Every path that the library serves for this configuration, relative to the mount
    /// path.
    pub fn all(routes: &Routes) -> impl Iterator<Item = (Self, &str)> {
        let all = [
            (Self::Login, routes.login()),
            (Self::InitiateLogin, routes.initiate_login()),
            (Self::Callback, routes.callback()),
            (Self::Logout, routes.logout()),
            (Self::FrontChannelLogout, routes.front_channel_logout()),
            (Self::BackChannelLogout, routes.back_channel_logout()),
            (Self::GlobalTokenRevocation, routes.global_token_revocation()),
            (Self::ResourceMetadata, routes.resource_metadata()),
        ];
        // Inside a nest the prefix has been taken away before the router sees the path.
        all.into_iter().filter_map(|(endpoint, path)| Some((endpoint, path?.strip_prefix(routes.mount())?)))
    }

    /// The largest body that a request to this path may have, in bytes. Only a form
    /// post has one.
    pub const MAX_BODY: usize = 64 * 1024;
}

// Each path answers the methods that its specification has, and 405 with `Allow` to the others.
// Nothing here trusts a request for what it says about itself but the path that the router chose.

impl Visit {
    /// Answers a request to one of the library's paths. `body` is empty except for a
    /// form post.
    pub async fn serve(&self, endpoint: Endpoint, parts: &Parts, body: Bytes) -> Reply {
        let reply = self.serve_method(endpoint, parts, body).await;
        self.mark_answered();
        reply
    }

    /// Answers by path and method.
    async fn serve_method(&self, endpoint: Endpoint, parts: &Parts, body: Bytes) -> Reply {
        match self.lobby().cloned() {
            None => {}
            Some(Lobby::Open(many)) => return self.serve_lobby(&many, endpoint, parts, &body).await,
            Some(Lobby::Closed(error)) => return self.error(&error),
        }
        match (endpoint, &parts.method) {
            (Endpoint::Login, &Method::GET | &Method::HEAD) => self.login(parts).await,
            (Endpoint::Login, _) => Self::method_not_allowed("GET"),
            (Endpoint::InitiateLogin, &Method::GET | &Method::POST) => self.initiate_login(parts, &body).await,
            (Endpoint::InitiateLogin, _) => Self::method_not_allowed("GET, POST"),
            (Endpoint::Callback, &Method::GET) => {
                self.callback(parts, parts.uri.query().unwrap_or_default().as_bytes()).await
            }
            (Endpoint::Callback, &Method::POST) => self.callback(parts, &body).await,
            (Endpoint::Callback, _) => Self::method_not_allowed("GET, POST"),
            (Endpoint::Logout, &Method::POST) => self.logout(parts).await,
            (Endpoint::Logout, &Method::GET) if self.continues_sign_out(parts) => self.continue_sign_out().await,
            (Endpoint::Logout, &Method::GET) => self.sign_out_by_link(),
            (Endpoint::Logout, _) => Self::method_not_allowed("POST"),
            (Endpoint::FrontChannelLogout, &Method::GET | &Method::POST) => {
                self.front_channel_logout(parts, &body).await
            }
            (Endpoint::FrontChannelLogout, _) => Self::method_not_allowed("GET, POST"),
            (Endpoint::BackChannelLogout, &Method::POST) => self.back_channel_logout(parts, &body).await,
            (Endpoint::GlobalTokenRevocation, &Method::POST) => self.global_token_revocation(parts, &body).await,
            (Endpoint::BackChannelLogout | Endpoint::GlobalTokenRevocation, _) => Self::method_not_allowed("POST"),
            (Endpoint::ResourceMetadata, &Method::GET | &Method::HEAD) => self.resource_metadata(),
            (Endpoint::ResourceMetadata, _) => Self::method_not_allowed("GET"),
        }
    }

    /// The metadata of this application as an API (RFC 9728 §3.2). It is the same for
    /// everybody, and scripts of any origin may read it. That of one of many tenants may
    /// be told by more than its URL, so shared caches do not keep it.
    fn resource_metadata(&self) -> Reply {
        let mut reply = reply::json(StatusCode::OK, &resource_metadata(self.auth().config()));
        let headers = reply.headers_mut();
        let many = self.auth().tenant().is_some();
        let caching = if many { "private, max-age=3600" } else { "public, max-age=3600" };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        reply
    }

    /// Starts a sign-in. `return_to` is where the browser goes afterwards;
    /// `prompt=login` asks Okta for fresh credentials, and `login_hint` is the user
    /// name to prefill. Whatever else is in the query is ignored.
    async fn login(&self, parts: &Parts) -> Reply {
        let query = parts.uri.query().unwrap_or_default();
        let mut options = LoginOptions::new(self.auth().start_page());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, &*value) {
                ("return_to", target) => options.return_to = self.auth().return_to(target),
                ("prompt", "login") => options.force_login = true,
                ("login_hint", hint) if hint.len() <= 254 => options.login_hint = Some(hint.to_owned()),
                _ => {}
            }
        }
        self.start_login(&options).await
    }

    /// Completes a sign-in, or tells why it could not be completed.
    async fn callback(&self, parts: &Parts, response: &[u8]) -> Reply {
        let (mut cookies, mut about) = (Vec::new(), About::default());
        let mut reply = match self.try_callback(parts, response, &mut cookies, &mut about).await {
            Ok(reply) => reply,
            Err(error) => {
                self.tell_failed(about, &error);
                self.error_told(&error)
            }
        };
        reply::add_cookies(reply.headers_mut(), cookies);
        reply
    }

    /// `cookies` gets the deletion of the attempt's cookie as soon as the attempt is
    /// known: it is used up whatever comes of it. `about` gets the user, who is known
    /// before there is a session.
    async fn try_callback(
        &self,
        parts: &Parts,
        response: &[u8],
        cookies: &mut Vec<HeaderValue>,
        about: &mut About,
    ) -> Result<Reply> {
        let auth = &self.auth().0;
        let response = AuthorizationResponse::parse(response)?;
        let pending = auth.attempts.find(self.cookies(), &response.state, self.now())?;
        cookies.push(auth.attempts.clear(&pending.state));
        if !auth.consumed.consume(&pending.state, auth.config.attempt_lifetime(), self.now()) {
            return Err(Error::new(Code::AttemptUnknown, "this sign-in has been completed before"));
        }
        let metadata = self.auth().metadata().await?;
        let callback = ValidatedCallback::new(pending, response, &metadata)?;
        let exchange =
            Exchange { config: &auth.config, metadata: &metadata, protocol: &auth.protocol, verifier: &auth.verifier };
        let (identity, pending) = callback.exchange(&exchange).await?;
        *about = About::subject(identity.subject());
        self.establish(parts, identity, &pending, cookies).await
    }

    /// Makes a new session from a verified identity. Nothing of an earlier session is
    /// carried over, and the one that this browser had ends.
    async fn establish(
        &self,
        parts: &Parts,
        identity: VerifiedIdentity,
        pending: &PendingLogin,
        cookies: &mut Vec<HeaderValue>,
    ) -> Result<Reply> {
        let auth = &self.auth().0;
        let identity = Arc::new(identity);
        let sign_in = SignIn::new(Arc::clone(&identity), auth.tenant.clone());
        let sign_in = match &auth.hook {
            None => sign_in,
            Some(hook) => match hook.on_sign_in(sign_in).await {
                Ok(sign_in) => sign_in,
                Err(refusal) => {
                    self.tell(Happening::SignInRefused, About::subject(identity.subject()), None);
                    return Ok(self.refused(&refusal));
                }
            },
        };
        let now = auth.clock.now();
        let device = parts.headers.get(USER_AGENT).and_then(|agent| device(agent.to_str().ok()?));
        let app_data = sign_in.into_app_data();
        let with =
            NewSession { client_id: &auth.config.client_id, app_data: &app_data, device: device.as_deref(), now };
        let session = Session::new(&identity, &with)?;
        if session.lifeline().ceiling.is_some_and(|end| end <= now) {
            // It would have ended before the next request, which would sign in again, without end.
            return Err(Error::invalid_claim("session_expiry", "is past, so nobody can be signed in"));
        }
        let (id, session_cookies) = auth.sessions.create(self.cookies(), session, now).await?;
        self.auth().still_there(id).await?;
        cookies.extend(session_cookies);
        if let Some(many) = &auth.exclusive {
            cookies.extend(auth.sessions.clear_others(self.cookies()));
            if let Some(many) = many.upgrade() {
                // Nobody's sign-in needs the room for what this may have to ask.
                Box::pin(self.end_others(&many)).await;
            }
        }
        self.end_replaced(now).await;
        let about = About { session: About::session_id(id).session, ..About::subject(identity.subject()) };
        self.tell(Happening::SignInSucceeded, about, None);
        Ok(reply::see_other(pending.return_to.as_str()))
    }

    /// Ends the session that this browser had before. The browser has forgotten it
    /// already, so a failure is no reason to refuse the new one.
    async fn end_replaced(&self, now: Timestamp) {
        let Ok(Some(session)) = self.session() else { return };
        match self.auth().0.sessions.end(session, now).await {
            Ok(ended) => {
                if ended {
                    self.tell_ended(session, EndReason::Replaced);
                }
                self.auth().revoke_later(Arc::clone(session));
            }
            Err(error) => self.tell_not_ended(session, &error),
        }
    }

    /// The application's hook said no. The way on is another account: without
    /// `prompt=login` Okta would sign the same one in again.
    fn refused(&self, refusal: &Refusal) -> Reply {
        let routes = self.auth().config().routes();
        let other = routes.login().map(|login| routes.public(&format!("{login}?prompt=login")));
        let home = routes.home();
        let mut links: Vec<(&str, &str)> = Vec::new();
        if let Some(other) = &other {
            links.push(("Use another account", other));
        }
        links.push(("Home", &home));
        let code = Code::SignInRefused.as_str();
        let reference = self.reference();
        if !self.is_navigation() {
            let reference = reference.to_string();
            let body = serde_json::json!({ "error": code, "message": refusal.reason(), "reference": reference });
            return reply::json(StatusCode::FORBIDDEN, &body);
        }
        let page = Page {
            title: "You cannot sign in here",
            sentences: vec![refusal.reason()],
            links,
            code: Some(code),
            reference,
        };
        reply::html(StatusCode::FORBIDDEN, page.render())
    }
}
