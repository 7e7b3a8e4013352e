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

use super::context::{NoTenant, RequestContext};
use super::endpoint::Endpoint;
use super::reply::{self, Reply, method_not_allowed};
use super::{OktaAuth, callback, login, logout_pages};
use crate::bearer::resource_metadata;
use crate::logout::Channel;

// Each endpoint accepts the methods of its specification and answers others with 405 and
// `Allow`. It identifies a request only by the path that the router matched.

/// Serves a request to one of the library's paths.
pub(super) async fn serve(context: &RequestContext, endpoint: Endpoint, parts: &Parts, body: Bytes) -> Reply {
    match context.without_tenant().cloned() {
        None => {}
        Some(NoTenant::Discover(realms)) => return realms.serve(context, endpoint, parts, &body).await,
        Some(NoTenant::Rejected(error) | NoTenant::Public(error)) => return context.error(&error),
    }
    let logout = &context.auth().0.logout;
    match (endpoint, &parts.method) {
        (Endpoint::Login, &Method::GET | &Method::HEAD) => login::from_link(context, parts).await,
        (Endpoint::Login, _) => method_not_allowed("GET"),
        (Endpoint::InitiateLogin, &Method::GET | &Method::POST) => login::from_third_party(context, parts, &body).await,
        (Endpoint::InitiateLogin, _) => method_not_allowed("GET, POST"),
        (Endpoint::Callback, &Method::GET) => {
            callback::callback(context, parts, parts.uri.query().unwrap_or_default().as_bytes()).await
        }
        (Endpoint::Callback, &Method::POST) => callback::callback(context, parts, &body).await,
        (Endpoint::Callback, _) => method_not_allowed("GET, POST"),
        (Endpoint::Logout, &Method::POST) => logout_pages::sign_out(context, parts).await,
        (Endpoint::Logout, &Method::GET) if logout_pages::is_continuation(context, parts) => {
            logout_pages::continue_sign_out(context).await
        }
        (Endpoint::Logout, &Method::GET) => logout_pages::confirm_sign_out(context),
        (Endpoint::Logout, _) => method_not_allowed("POST"),
        (Endpoint::FrontChannelLogout, &Method::GET | &Method::POST) => {
            logout_pages::front_channel(context, parts, &body).await
        }
        (Endpoint::FrontChannelLogout, _) => method_not_allowed("GET, POST"),
        (Endpoint::BackChannelLogout, &Method::POST) => {
            let outcome = logout.back_channel(&parts.headers, &body, context.reference()).await;
            logout_pages::to_sender(Channel::Back, &outcome, context.reference())
        }
        (Endpoint::GlobalTokenRevocation, &Method::POST) => {
            let outcome = logout.universal(parts, &body, context.reference()).await;
            logout_pages::to_sender(Channel::Universal, &outcome, context.reference())
        }
        (Endpoint::BackChannelLogout | Endpoint::GlobalTokenRevocation, _) => method_not_allowed("POST"),
        (Endpoint::ResourceMetadata, &Method::GET | &Method::HEAD) => metadata_of_api(context.auth()),
        (Endpoint::ResourceMetadata, &Method::OPTIONS) => resource_metadata_preflight(),
        (Endpoint::ResourceMetadata, _) => method_not_allowed("GET"),
    }
}

/// Serves the protected resource metadata (RFC 9728 §3.2). It is public, and scripts of any
/// origin may read it. With several tenants the response may depend on more than the URL,
/// so shared caches must not store it.
fn metadata_of_api(auth: &OktaAuth) -> Reply {
    let mut reply = reply::json(StatusCode::OK, &resource_metadata(auth.config()));
    let headers = reply.headers_mut();
    let caching = if auth.tenant().is_some() { "private, max-age=3600" } else { "public, max-age=3600" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    reply
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
