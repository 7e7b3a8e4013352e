//! Who may call the API: a client with a token of the org's own server, a scope, and a role.
//!
//! The scope is in the token; the role belongs to the client, so the same token works as soon as an administrator
//! assigns one.

use serde_json::Value;

use crate::endpoint::dpop;
use crate::endpoint::exchange::Exchange;
use crate::oauth_error::{OAuthError, management};
use crate::reply::Reply;
use crate::token::{unverified_issuer, verify_own};

/// Checks token, scope and role, in this order.
pub(super) fn check(exchange: &Exchange<'_>, scope: &str) -> Result<(), Reply> {
    let header = exchange.request.header("authorization").unwrap_or_default();
    let (scheme, token) = header.split_once(' ').unwrap_or_default();
    let bound = scheme.eq_ignore_ascii_case("dpop");
    if !bound && !scheme.eq_ignore_ascii_case("bearer") {
        return Err(invalid_token(exchange, "The access token is missing."));
    }
    let claims = verify_own(exchange.org, exchange.server, token.trim()).ok_or_else(|| {
        let elsewhere = unverified_issuer(token).is_some_and(|issuer| issuer != exchange.issuer());
        let why = if elsewhere {
            "The access token provided is not intended for Okta."
        } else {
            "The access token is invalid."
        };
        invalid_token(exchange, why)
    })?;
    dpop::check_resource(exchange, token.trim(), &claims, bound).map_err(|error| misused(exchange, scope, &error))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let client = exchange.org.client(text("cid"));
    let client = client.ok_or_else(|| invalid_token(exchange, "The access token is invalid."))?;
    let granted = claims.get("scp").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    if !granted.into_iter().any(|granted| granted == scope || Some(granted) == manage_scope(scope).as_deref()) {
        let error = "insufficient_scope";
        let description = "The access token provided does not contain the required scopes.";
        return Err(forbidden().header("www-authenticate", challenge(exchange, scope, error, description)));
    }
    if client.admin_roles.is_empty() { Err(forbidden()) } else { Ok(()) }
}

/// A DPoP token without its key. Okta's challenge has the scheme `DPoP` and the algorithms.
fn misused(exchange: &Exchange<'_>, scope: &str, error: &OAuthError) -> Reply {
    let algorithms = format!("{} algs=\"{}\",", dpop::challenge_scheme(exchange), dpop::ALGORITHMS);
    let challenge = challenge(exchange, scope, &error.error, &error.description).replacen("Bearer", &algorithms, 1);
    let reply = management(error.status, &error.error, &error.description).header("www-authenticate", challenge);
    match &error.dpop_nonce {
        Some(nonce) => reply.header("dpop-nonce", nonce.clone()),
        None => reply,
    }
}

/// The scope that includes a read scope: `okta.users.manage` for `okta.users.read`.
fn manage_scope(scope: &str) -> Option<String> {
    Some(format!("{}.manage", scope.strip_suffix(".read")?))
}

/// 401 with the challenge of Okta's API.
pub(super) fn invalid_token(exchange: &Exchange<'_>, description: &str) -> Reply {
    management(401, "E0000011", "Invalid token provided")
        .header("www-authenticate", challenge(exchange, "", "invalid_token", description))
}

fn forbidden() -> Reply {
    management(403, "E0000006", "You do not have permission to perform the requested action")
}

fn challenge(exchange: &Exchange<'_>, scope: &str, error: &str, description: &str) -> String {
    let (url, path) = (&exchange.org.url, &exchange.request.path);
    format!(
        "Bearer authorization_uri=\"{url}/oauth2/v1/authorize\", realm=\"{url}\", scope=\"{scope}\", error=\"{error}\", \
         error_description=\"{description}\", resource=\"{path}\""
    )
}
