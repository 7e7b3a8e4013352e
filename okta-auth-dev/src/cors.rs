//! Cross-origin requests from scripts (CORS).
//!
//! 1. The org trusts the origins of registered redirect URIs, and the configured origins (Okta's *Trusted Origins*).
//! 2. Metadata, keys, token, userinfo, introspect and revoke echo a trusted origin and vary by it. They never send `*`.
//! 3. `/authorize` and `/logout` are for navigation, and Okta's API is for servers, so they have no CORS headers.
//! 4. `/api/v1/sessions/me` is for scripts with the browser's cookie, so it allows credentials.
//! 5. So do the endpoints of embedded sign-in, which the org does not serve, so that scripts can read the error.

use url::Url;

use crate::endpoint;
use crate::oauth_error::{no_such_path, wrong_method};
use crate::org_state::OrgState;
use crate::outage::Endpoint;
use crate::reply::Reply;
use crate::request_log::Recorded;
use crate::sync::lock;

/// Request headers that scripts may send. Okta's JavaScript SDK sends `X-Okta-User-Agent-Extended` with every request.
const ALLOWED_HEADERS: &str = "accept, authorization, content-type, dpop, x-okta-user-agent-extended, x-requested-with";

const OWN_SESSION: &str = "/api/v1/sessions/me";

/// Handles `OPTIONS`. Only trusted origins get the allowed methods and headers.
pub(crate) fn preflight(org: &OrgState, request: &Recorded) -> Reply {
    if !is_shared(&request.path) {
        return if Endpoint::at(&request.path).is_some() { wrong_method() } else { no_such_path() };
    }
    if trusted_origin(org, request).is_none() {
        return Reply::empty(204);
    }
    let methods = match request.path.as_str() {
        OWN_SESSION => "GET, DELETE",
        path if path.ends_with("/token") || path.ends_with("/par") => "POST",
        _ => "GET, POST",
    };
    Reply::empty(204)
        .header("access-control-allow-methods", methods)
        .header("access-control-allow-headers", ALLOWED_HEADERS)
        .header("access-control-max-age", "3600")
}

pub(crate) fn label(org: &OrgState, request: &Recorded, reply: Reply) -> Reply {
    if !is_shared(&request.path) {
        return reply;
    }
    let reply = reply.header("vary", "Origin");
    let Some(origin) = trusted_origin(org, request) else { return reply };
    let reply = reply
        .header("access-control-allow-origin", origin)
        .header("access-control-expose-headers", "DPoP-Nonce, WWW-Authenticate");
    if takes_cookies(&request.path) { reply.header("access-control-allow-credentials", "true") } else { reply }
}

/// Whether Okta's JavaScript SDK calls the endpoint with the browser's cookies.
fn takes_cookies(path: &str) -> bool {
    path == OWN_SESSION || endpoint::is_not_served(path)
}

fn is_shared(path: &str) -> bool {
    if takes_cookies(path) {
        return true;
    }
    match Endpoint::at(path) {
        Some(Endpoint::Authorize | Endpoint::Logout | Endpoint::Api) => false,
        Some(_) => true,
        None => false,
    }
}

fn trusted_origin<'a>(org: &OrgState, request: &'a Recorded) -> Option<&'a str> {
    let origin = request.header("origin")?;
    let configured = org.options.trusted_origins.iter().any(|known| known == origin);
    let registered = || {
        let clients = lock(&org.clients);
        let mut uris = clients.iter().flat_map(|client| &client.redirect_uris);
        uris.any(|uri| origin_of(uri).as_deref() == Some(origin))
    };
    (configured || registered()).then_some(origin)
}

/// The origin of a URI with a scheme that pages can have.
pub(crate) fn origin_of(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok().filter(|url| ["http", "https"].contains(&url.scheme()))?;
    Some(url.origin().ascii_serialization())
}
