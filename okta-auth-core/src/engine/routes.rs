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
//! | `/.well-known/oauth-protected-resource` | GET, OPTIONS | clients of the API | nothing: it is public |
//!
//! Each of them can be renamed or left out. None of them renews the tokens of a
//! session: signing out has to work while Okta is away.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    CACHE_CONTROL, CONTENT_TYPE,
};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use url::form_urlencoded;

use super::reply::{self, Reply};
use super::visit::{Lobby, Visit};
use crate::bearer::resource_metadata;
use crate::config::Routes;
use crate::login::LoginOptions;

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
    /// The metadata of this application as an API; GET, and OPTIONS for preflight requests.
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
            (Self::ResourceMetadata, routes.resource_metadata_at_root()),
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
            Some(Lobby::Closed(error) | Lobby::Public(error)) => return self.error(&error),
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
            (Endpoint::ResourceMetadata, &Method::OPTIONS) => resource_metadata_preflight(),
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

    /// Whether `/login` passes a parameter on to Okta.
    fn passes_on(&self, name: &str, value: &str) -> bool {
        let allowed = &self.auth().config().options.login_parameters;
        (name, value) == ("prompt", "select_account") || allowed.iter().any(|known| known == name)
    }
}

/// The answer to a preflight request for the metadata of the API (Fetch §3.3.3). Clients
/// send headers of their own, such as `MCP-Protocol-Version`, and no credentials.
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
