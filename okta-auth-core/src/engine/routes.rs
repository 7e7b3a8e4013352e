//! The library's own endpoints: sign-in, callback, and logout.
//!
//! | path | method | sender | authentication |
//! |---|---|---|---|
//! | `/login` | GET | a link of the application | none: a sign-in is harmless |
//! | `/login/initiate` | GET, POST | Okta's dashboard, or any site | none: it only starts a sign-in |
//! | `/authorization-code/callback` | GET, POST | Okta, through the browser | state, in this browser's cookie |
//! | `/logout` | POST | a page of the application | `Origin` and `Sec-Fetch-Site` |
//! | `/logout?continue` | GET | a script of the application, by navigating | a cookie of its logout |
//! | `/frontchannel-logout` | GET, POST | Okta's sign-out page, in a frame | a `sid` |
//! | `/backchannel-logout` | POST | a provider | a logout token |
//! | `/global-token-revocation` | POST | Okta | a revocation token |
//! | `/.well-known/oauth-protected-resource` | GET, OPTIONS | clients of the API | none: it is public |
//!
//! Each of them can be renamed or disabled. None of them refreshes the tokens of a session,
//! so that logout works while Okta is down.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    CACHE_CONTROL, CONTENT_TYPE,
};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use url::form_urlencoded;

use super::context::{NoTenant, RequestContext};
use super::logout_pages;
use super::reply::{self, Reply};
use crate::bearer::resource_metadata;
use crate::config::Routes;
use crate::login::LoginOptions;
use crate::logout::Channel;

/// An endpoint of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// Starts a sign-in; GET, and POST for home-realm discovery.
    Login,
    /// Starts third-party-initiated login (OIDC Core §4); GET and POST.
    InitiateLogin,
    /// The redirect URI; GET and POST.
    Callback,
    /// Logout by the user; POST.
    Logout,
    /// Front-channel logout; GET and POST.
    FrontChannelLogout,
    /// Back-channel logout; POST.
    BackChannelLogout,
    /// Universal Logout; POST.
    GlobalTokenRevocation,
    /// The protected resource metadata; GET, and OPTIONS for preflight requests.
    ResourceMetadata,
}

impl Endpoint {
    /// Returns every path that the library serves for this configuration, relative to the
    /// mount path.
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
            (Self::ResourceMetadata, routes.resource_metadata_at_root()),
        ];
        // A nested router sees the path without its prefix.
        all.into_iter().filter_map(|(endpoint, path)| Some((endpoint, path?.strip_prefix(routes.mount())?)))
    }

    /// The largest accepted request body, in bytes. Only form posts have a body.
    pub const MAX_BODY: usize = 64 * 1024;
}

// Each endpoint accepts the methods of its specification and answers others with 405 and
// `Allow`. It identifies a request only by the path that the router matched.

impl RequestContext {
    /// Serves a request to one of the library's paths. `body` is empty except for a form
    /// post.
    pub async fn serve(&self, endpoint: Endpoint, parts: &Parts, body: Bytes) -> Reply {
        let reply = self.serve_method(endpoint, parts, body).await;
        self.mark_answered();
        reply
    }

    async fn serve_method(&self, endpoint: Endpoint, parts: &Parts, body: Bytes) -> Reply {
        match self.without_tenant().cloned() {
            None => {}
            Some(NoTenant::Discover(router)) => {
                return self.serve_without_tenant(&router, endpoint, parts, &body).await;
            }
            Some(NoTenant::Rejected(error) | NoTenant::Public(error)) => return self.error(&error),
        }
        let logout = &self.auth().0.logout;
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
            (Endpoint::Logout, &Method::POST) => logout_pages::sign_out(self, parts).await,
            (Endpoint::Logout, &Method::GET) if logout_pages::is_continuation(self, parts) => {
                logout_pages::continue_sign_out(self).await
            }
            (Endpoint::Logout, &Method::GET) => logout_pages::confirm_sign_out(self),
            (Endpoint::Logout, _) => Self::method_not_allowed("POST"),
            (Endpoint::FrontChannelLogout, &Method::GET | &Method::POST) => {
                logout_pages::front_channel(self, parts, &body).await
            }
            (Endpoint::FrontChannelLogout, _) => Self::method_not_allowed("GET, POST"),
            (Endpoint::BackChannelLogout, &Method::POST) => {
                let outcome = logout.back_channel(&parts.headers, &body, self.reference()).await;
                logout_pages::to_sender(Channel::Back, &outcome, self.reference())
            }
            (Endpoint::GlobalTokenRevocation, &Method::POST) => {
                let outcome = logout.universal(parts, &body, self.reference()).await;
                logout_pages::to_sender(Channel::Universal, &outcome, self.reference())
            }
            (Endpoint::BackChannelLogout | Endpoint::GlobalTokenRevocation, _) => Self::method_not_allowed("POST"),
            (Endpoint::ResourceMetadata, &Method::GET | &Method::HEAD) => self.resource_metadata(),
            (Endpoint::ResourceMetadata, &Method::OPTIONS) => resource_metadata_preflight(),
            (Endpoint::ResourceMetadata, _) => Self::method_not_allowed("GET"),
        }
    }

    /// Serves the protected resource metadata (RFC 9728 §3.2). It is public, and scripts of
    /// any origin may read it. With several tenants the response may depend on more than
    /// the URL, so shared caches must not store it.
    fn resource_metadata(&self) -> Reply {
        let mut reply = reply::json(StatusCode::OK, &resource_metadata(self.auth().config()));
        let headers = reply.headers_mut();
        let router = self.auth().tenant().is_some();
        let caching = if router { "private, max-age=3600" } else { "public, max-age=3600" };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        reply
    }

    /// Starts a sign-in, only for navigations. `return_to` is the target afterwards,
    /// `prompt=login` requests fresh credentials, and `login_hint` prefills the user name.
    /// Other parameters are passed on only if the application allows them.
    async fn login(&self, parts: &Parts) -> Reply {
        if !self.may_start_login() {
            return self.unauthorized();
        }
        let query = parts.uri.query().unwrap_or_default();
        let mut options = LoginOptions::new(self.auth().start_page());
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

    fn passes_on(&self, name: &str, value: &str) -> bool {
        let allowed = &self.auth().config().options.login_parameters;
        (name, value) == ("prompt", "select_account") || allowed.iter().any(|known| known == name)
    }
}

/// Responds to a CORS preflight request for the metadata (Fetch §3.3.3). Clients send
/// headers of their own, such as `MCP-Protocol-Version`, and no credentials.
fn resource_metadata_preflight() -> Reply {
    let mut reply = reply::with_body(StatusCode::NO_CONTENT, "text/plain; charset=utf-8", Bytes::new());
    let headers = reply.headers_mut();
    headers.remove(CONTENT_TYPE);
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "*"),
        (ACCESS_CONTROL_MAX_AGE, "3600"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}
