//! The endpoints: functions from a request to a reply.
//!
//! Paths are Okta's. `{base}` is `/oauth2/v1` for the org's own server and
//! `/oauth2/{id}/v1` for a custom one.
//!
//! | path | module |
//! |---|---|
//! | `{base}/authorize` | `authorize` |
//! | `{base}/token` | `token`, `client_auth` |
//! | `{base}/keys` | `keys` |
//! | `{base}/userinfo` | `userinfo` |
//! | `{base}/introspect` | `introspect` |
//! | `{base}/revoke` | `revoke` |
//! | `{base}/logout` | `logout` |
//! | `{issuer}/.well-known/openid-configuration` | `metadata` |
//! | `{issuer}/.well-known/oauth-authorization-server`, and the form of RFC 8414 | `metadata` |
//! | `/signin`, `/signin/identify` (specific to this org; Okta's are undocumented) | `sign_in` |
//! | `/signin/verify` | `second_factor` |

mod authorize;
mod client_auth;
mod front_channel;
mod introspect;
mod keys;
mod logout;
mod metadata;
mod page;
mod revoke;
mod second_factor;
mod sign_in;
mod token;
mod userinfo;

pub(crate) use authorize::AuthorizeRequest;
pub(crate) use front_channel::uris as front_channel_uris;
#[cfg(test)]
pub(crate) use page::escape;
pub(crate) use page::{ADMIN_PATH, Admin};

use std::collections::HashSet;

use crate::journal::Recorded;
use crate::oauth_error::{OAuthError, management, no_such_path, not_found, rate_limited, wrong_method};
use crate::reply::Reply;
use crate::tenant::{Server, Tenant};

/// The path prefix of redirects that faults send. A client that follows such a redirect
/// gets the normal response, so following it is its only mistake.
pub(crate) const MOVED: &str = "/moved";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) server: &'a Server,
    pub(crate) request: &'a Recorded,
    /// Whether the client has followed the redirect of a fault.
    pub(crate) moved: bool,
}

impl Exchange<'_> {
    pub(crate) fn now(&self) -> i64 {
        self.tenant.clock.seconds()
    }

    pub(crate) fn is(&self, method: &str) -> bool {
        self.request.method == method
    }

    pub(crate) fn issuer(&self) -> String {
        self.server.settings.issuer(&self.tenant.url)
    }

    /// The URL of the called endpoint, the required audience of a client assertion.
    pub(crate) fn endpoint_url(&self) -> String {
        format!("{}{}", self.tenant.url, self.request.path)
    }

    /// A redirect to the same endpoint under [`MOVED`].
    pub(crate) fn moved_reply(&self, status: u16) -> Reply {
        let query = if self.request.query.is_empty() { String::new() } else { format!("?{}", self.request.query) };
        let location = format!("{}{MOVED}{}{query}", self.tenant.url, self.request.path);
        Reply { status, ..Reply::redirect(location) }
    }
}

/// Request parameters, each of which may appear once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Self {
        Self { pairs }
    }

    /// Returns the value if it is not empty (RFC 6749 §3.1 treats an empty value as
    /// omitted).
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let value = self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }

    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        self.find(name).unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect()
    }

    /// Returns Okta's error if a parameter appears twice.
    pub(crate) fn check_duplicates(&self) -> Result<(), OAuthError> {
        let mut seen = HashSet::new();
        let unique = self.pairs.iter().all(|(name, _)| seen.insert(name));
        unique.then_some(()).ok_or_else(OAuthError::duplicate_parameter)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }
}

/// 421 for metadata under another loopback name than the issuer's. With that metadata, a
/// client would fail with a mismatch of the issuer.
pub(crate) fn misnamed(tenant: &Tenant, request: &Recorded, name: &str) -> Reply {
    let summary = format!(
        "This org is {url}, so its issuers do not begin with `{name}`. Configure the client with {url}, or \
         start okta-dev with --issuer to give the org another name",
        url = tenant.url
    );
    if request.header("accept").is_some_and(|accept| accept.contains("text/html")) {
        return Reply { status: 421, ..page::error(tenant, &OAuthError::new(421, "invalid_request", summary)) };
    }
    management(421, "E0000008", &summary)
}

pub(crate) fn answer(tenant: &Tenant, request: &Recorded) -> Reply {
    let (moved, path) = match request.path.strip_prefix(MOVED) {
        Some(path) => (true, path),
        None => (false, request.path.as_str()),
    };
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let at = |id: &str, then: fn(&Exchange<'_>) -> Reply| match tenant.server(id) {
        Some(server) => then(&Exchange { tenant, server, request, moved }),
        None => not_found(&format!("{id} (AuthorizationServer)")),
    };
    match segments.as_slice() {
        [""] => page::home(tenant, request),
        [".well-known", "openid-configuration"] => at("org", metadata::openid),
        [".well-known", "oauth-authorization-server"] => at("org", metadata::oauth),
        // RFC 8414 puts the well-known part in front of the issuer's path; Okta supports
        // both forms.
        [".well-known", "oauth-authorization-server", "oauth2", id]
        | ["oauth2", id, ".well-known", "oauth-authorization-server"] => at(id, metadata::oauth),
        ["oauth2", id, ".well-known", "openid-configuration"] => at(id, metadata::openid),
        ["oauth2", "v1", "clients", ..] => management(401, "E0000011", "Invalid token provided"),
        ["oauth2", "v1", endpoint @ ..] => endpoint_at(tenant, request, moved, "org", &endpoint.join("/")),
        ["oauth2", id, "v1", endpoint @ ..] => endpoint_at(tenant, request, moved, id, &endpoint.join("/")),
        [sign_in::PATH] => sign_in::answer(tenant, request),
        [sign_in::PATH, "identify"] => sign_in::identify(tenant, request),
        [sign_in::PATH, "verify"] => second_factor::submit(tenant, request),
        _ => no_such_path(),
    }
}

/// Calls an endpoint of an authorization server, within the rate limit.
fn endpoint_at(tenant: &Tenant, request: &Recorded, moved: bool, id: &str, endpoint: &str) -> Reply {
    let Some(server) = tenant.server(id) else {
        return not_found(&format!("{id} (AuthorizationServer)"));
    };
    let exchange = Exchange { tenant, server, request, moved };
    if endpoint.starts_with("keys") {
        return keys::keys(&exchange, endpoint);
    }
    let Some((methods, handler)) = handler(endpoint) else { return no_such_path() };
    if !methods.contains(&request.method.as_str()) {
        return wrong_method();
    }
    let allowance = tenant.limiter.count(endpoint, tenant.clock.seconds());
    match allowance {
        Some(allowance) if allowance.exceeded => allowance.label(rate_limited()),
        Some(allowance) => allowance.label(handler(&exchange)),
        None => handler(&exchange),
    }
}

/// Okta's endpoints that the org does not serve. The metadata lists some of them.
const NOT_SERVED: [&str; 7] =
    ["par", "device/authorize", "bc/authorize", "interact", "primary-authenticate", "oob-authenticate", "challenge"];

type Handler = fn(&Exchange<'_>) -> Reply;

fn handler(endpoint: &str) -> Option<(&'static [&'static str], Handler)> {
    Some(match endpoint {
        "authorize" => (&["GET", "POST"], authorize::authorize),
        "token" => (&["POST"], token::token),
        "userinfo" => (&["GET", "POST"], userinfo::userinfo),
        "introspect" => (&["POST"], introspect::introspect),
        "revoke" => (&["POST"], revoke::revoke),
        "logout" => (&["GET", "POST"], logout::logout),
        _ if NOT_SERVED.contains(&endpoint) => (&["POST"], |_| OAuthError::feature_not_enabled().reply()),
        _ => return None,
    })
}
