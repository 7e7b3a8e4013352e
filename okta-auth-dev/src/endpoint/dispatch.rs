//! From a path to its endpoint.

use super::exchange::{Exchange, MOVED};
use super::{
    activate, authorize, client_assertion, device_authorize, dpop, introspect, keys, logout, metadata, okta_api,
    own_session, page, par, paths, revoke, second_factor, sign_in, token, userinfo,
};
use crate::client::Client;
use crate::oauth_error::{OAuthError, management, no_such_path, not_found, rate_limited, wrong_method};
use crate::org_state::OrgState;
use crate::outage::Endpoint;
use crate::reply::Reply;
use crate::request_log::Recorded;
use crate::server::ORG_SERVER;

/// 421 for metadata under another loopback name than the issuer's. With that metadata, a client would fail with a
/// mismatch of the issuer.
pub(crate) fn misnamed(org: &OrgState, request: &Recorded, name: &str) -> Reply {
    let summary = format!(
        "This org is {url}, so its issuers do not begin with `{name}`. Configure the client with {url}, or \
         start okta-dev with --issuer to give the org another name",
        url = org.url
    );
    if request.header("accept").is_some_and(|accept| accept.contains("text/html")) {
        return Reply { status: 421, ..page::error(org, &OAuthError::new(421, "invalid_request", summary)) };
    }
    management(421, "E0000008", &summary)
}

/// Fetches what the client of a request published, before the request is handled.
pub(crate) async fn refresh_client(org: &OrgState, request: &Recorded) {
    if !matches!(Endpoint::at(&request.path), Some(endpoint) if endpoint.has_clients()) {
        return;
    }
    let id = client_assertion::named_client(request).or_else(|| request.client_id());
    let client = id.and_then(|id| org.registered_client(&id)).filter(Client::publishes_details);
    if let Some(client) = client {
        org.documents.refresh(&client, org.clock.seconds()).await;
    }
}

pub(crate) fn answer(org: &OrgState, request: &Recorded) -> Reply {
    let (moved, path) = match request.path.strip_prefix(MOVED) {
        Some(path) => (true, path),
        None => (false, request.path.as_str()),
    };
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let at = |id: &str, then: fn(&Exchange<'_>) -> Reply| match org.server(id) {
        Some(server) => then(&Exchange { org, server, request, moved, jkt: None }),
        None => not_found(&format!("{id} (AuthorizationServer)")),
    };
    match segments.as_slice() {
        [""] => page::home(org, request),
        [".well-known", "openid-configuration"] => at("org", metadata::openid),
        [".well-known", "oauth-authorization-server"] => at("org", metadata::oauth),
        // RFC 8414 puts the well-known part in front of the issuer's path; Okta supports
        // both forms.
        [".well-known", "oauth-authorization-server", "oauth2", id]
        | ["oauth2", id, ".well-known", "oauth-authorization-server"] => at(id, metadata::oauth),
        ["oauth2", id, ".well-known", "openid-configuration"] => at(id, metadata::openid),
        ["oauth2", "v1", "clients", ..] => management(401, "E0000011", "Invalid token provided"),
        ["oauth2", "v1", endpoint @ ..] => endpoint_at(org, request, moved, "org", &endpoint.join("/")),
        ["oauth2", id, "v1", endpoint @ ..] => endpoint_at(org, request, moved, id, &endpoint.join("/")),
        ["api", "v1", "sessions", "me"] => own_session::answer(org, request),
        ["api", "v1", path @ ..] => match org.server(ORG_SERVER) {
            Some(server) => okta_api::answer(&Exchange { org, server, request, moved, jkt: None }, path),
            None => no_such_path(),
        },
        [paths::SIGN_IN] => sign_in::answer(org, request),
        [paths::SIGN_IN, "identify"] => sign_in::identify(org, request),
        [paths::ACTIVATE] => activate::answer(org, request),
        [paths::ACTIVATE, "decide"] => activate::decide(org, request),
        [paths::SIGN_IN, "verify"] => second_factor::submit(org, request),
        _ => no_such_path(),
    }
}

/// Calls an endpoint of an authorization server, within the rate limit.
fn endpoint_at(org: &OrgState, request: &Recorded, moved: bool, id: &str, endpoint: &str) -> Reply {
    let Some(server) = org.server(id) else {
        return not_found(&format!("{id} (AuthorizationServer)"));
    };
    let exchange = Exchange { org, server, request, moved, jkt: None };
    if endpoint.starts_with("keys") {
        return keys::keys(&exchange, endpoint);
    }
    let Some((methods, handler)) = handler(endpoint) else { return no_such_path() };
    if !methods.contains(&request.method.as_str()) {
        return wrong_method();
    }
    let allowance = org.limiter.count(endpoint, org.clock.seconds());
    match allowance {
        Some(allowance) if allowance.exceeded => {
            client_assertion::use_up(&exchange);
            dpop::use_up(&exchange);
            allowance.label(rate_limited())
        }
        Some(allowance) => allowance.label(handler(&exchange)),
        None => handler(&exchange),
    }
}

/// Okta's endpoints that the org does not serve. The metadata lists some of them.
const NOT_SERVED: [&str; 5] = ["bc/authorize", "interact", "primary-authenticate", "oob-authenticate", "challenge"];

/// Whether the path is that of an authorization server's endpoint, or of the authentication API, which the org does not
/// serve.
pub(crate) fn is_not_served(path: &str) -> bool {
    let endpoint = path.strip_prefix("/oauth2/").and_then(|path| path.split_once("v1/")).map(|(_, endpoint)| endpoint);
    endpoint.is_some_and(|endpoint| NOT_SERVED.contains(&endpoint))
        || path.strip_prefix("/api/v1/authn").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

type Handler = fn(&Exchange<'_>) -> Reply;

fn handler(endpoint: &str) -> Option<(&'static [&'static str], Handler)> {
    Some(match endpoint {
        "authorize" => (&["GET", "POST"], authorize::authorize),
        "token" => (&["POST"], token::token),
        "userinfo" => (&["GET", "POST"], userinfo::userinfo),
        "introspect" => (&["POST"], introspect::introspect),
        "revoke" => (&["POST"], revoke::revoke),
        "logout" => (&["GET", "POST"], logout::logout),
        "par" => (&["POST"], par::par),
        "device/authorize" => (&["POST"], device_authorize::device_authorize),
        "interact" => (&["POST"], |_| OAuthError::interaction_code_not_enabled().reply()),
        _ if NOT_SERVED.contains(&endpoint) => (&["POST"], |_| OAuthError::feature_not_enabled().reply()),
        _ => return None,
    })
}
