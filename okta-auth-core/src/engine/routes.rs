//! The library's own paths: start of sign-in, callback, sign-out from here and from
//! outside.
//!
//! | path | method | who sends it | what proves that |
//! |---|---|---|---|
//! | `/login` | GET | a link of the application | nothing: a sign-in harms nobody |
//! | `/login/initiate` | GET, POST | Okta's dashboard, or anybody | nothing: it only begins one |
//! | `/authorization-code/callback` | GET, POST | Okta, through the browser | state, in this browser's cookie |
//! | `/logout` | POST | a page of the application | `Origin` and `Sec-Fetch-Site` |
//! | `/frontchannel-logout` | GET, POST | Okta's sign-out page, in a frame | nothing, or a `sid` |
//! | `/backchannel-logout` | POST | a provider | a logout token |
//! | `/global-token-revocation` | POST | Okta | a revocation token |
//! | `/.well-known/oauth-protected-resource` | GET | clients of the API | nothing: it is public |
//!
//! Each of them can be renamed or left out. None of them renews the tokens of a
//! session: signing out has to work while Okta is away.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use url::form_urlencoded;

use super::reply::{self, Reply};
use super::visit::{Lobby, Upkeep, Visit};
use crate::bearer::resource_metadata;
use crate::config::Routes;
use crate::error::{Code, Error, Result};
use crate::events::EndReason;
use crate::login::{LoginOptions, ReturnTo};
use crate::logout;
use crate::session::Session;

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

    /// Starts a sign-in, for navigations alone. `return_to` is where the browser goes afterwards;
    /// `prompt=login` asks Okta for fresh credentials, and `login_hint` is the user
    /// name to prefill. Of the rest of the query only what the application allows is passed
    /// on.
    async fn login(&self, parts: &Parts) -> Reply {
        if !self.may_start_login() {
            return self.unauthorized();
        }
        let query = parts.uri.query().unwrap_or_default();
        let mut options = LoginOptions::new(ReturnTo::root());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, &*value) {
                ("return_to", target) => options.return_to = self.auth().return_to(target),
                ("prompt", "login") => options.force_login = true,
                ("login_hint", hint) if hint.len() <= 254 => options.login_hint = Some(hint.to_owned()),
                (name, value) if self.passes_on(name, value) => {
                    options = options.clone().with_parameter(name, value).unwrap_or(options);
                }
                _ => {}
            }
        }
        self.start_login(&options).await
    }

    /// Whether `/login` passes a parameter on to Okta.
    fn passes_on(&self, name: &str, value: &str) -> bool {
        let allowed = &self.auth().config().options.login_parameters;
        (name, value) == ("prompt", "select_account") || allowed.iter().any(|known| known == name)
    }

    /// Ends the session here and then at Okta.
    async fn logout(&self, parts: &Parts) -> Reply {
        let config = self.auth().config();
        if !logout::same_origin(&parts.headers, &config.origin()) {
            let message = "a sign-out came from another origin than OKTA_BASE_URL and was not carried out";
            return self.error(&Error::new(Code::CrossOrigin, message));
        }
        let landing = config.post_logout_redirect_uri().as_str();
        let mut reply = match self.session() {
            Ok(None) => reply::see_other(landing),
            Ok(Some(session)) => match self.try_logout(session).await {
                Ok(target) => reply::see_other(target.as_deref().unwrap_or(landing)),
                Err(error) => self.sign_out_later(error),
            },
            Err(error) if error.code() == Code::StoreUnavailable => self.sign_out_later(error),
            Err(error) => self.error(&error),
        };
        // The browser forgets the session whatever the store and Okta said.
        let sessions = &self.auth().0.sessions;
        let removed = match self.session() {
            Ok(session) => sessions.clear(self.cookies(), session.map(Arc::as_ref)),
            Err(_) => sessions.forget(self.cookies()),
        };
        self.inner().keep(Upkeep::Nothing);
        reply::add_cookies(reply.headers_mut(), removed);
        reply
    }

    /// Ends the session here first, and tells where the browser ends it at Okta.
    ///
    /// # Errors
    /// The store's: a session that it still has could be used with a copy of the
    /// cookie.
    async fn try_logout(&self, session: &Session) -> Result<Option<String>> {
        match self.auth().0.sessions.end(session, self.now()).await {
            Ok(true) => self.tell_ended(session, EndReason::SignedOut),
            Ok(false) => {}
            Err(error) => {
                self.tell_not_ended(session, &error);
                return Err(error);
            }
        }
        Ok(self.end_at_okta(session).await)
    }

    /// Revokes what can be revoked and tells where the browser ends its session at
    /// Okta. With Okta away there is no such place, and the sign-out is local.
    async fn end_at_okta(&self, session: &Session) -> Option<String> {
        let auth = &self.auth().0;
        let metadata = match self.auth().metadata().await {
            Ok(metadata) => metadata,
            Err(error) => {
                tracing::warn!(target: "okta_auth", code = %error.code(), "signed out here, but not at Okta: {error}");
                return None;
            }
        };
        logout::revoke(&auth.protocol, &metadata, session).await;
        let url = logout::end_session_url(&auth.config, &metadata, session).ok().flatten();
        url.map(String::from)
    }
}
