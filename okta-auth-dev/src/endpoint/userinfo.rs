//! `/userinfo`.
//!
//! `sub` is the Okta user id, as in the ID token. In the access token, `sub` is the login.

use serde_json::{Map, Value, json};

use super::dpop;
use super::exchange::Exchange;
use crate::fault::Fault;
use crate::oauth_error::OAuthError;
use crate::reply::Reply;
use crate::token::{userinfo_claims, verify_own};

/// Okta's challenge for an invalid token.
const INVALID: &str = "Bearer error=\"invalid_token\", error_description=\"The access token is invalid\"";

/// Okta's challenge for a valid token with insufficient scopes.
const INSUFFICIENT: &str = "Bearer error=\"insufficient_scope\", error_description=\"The access token must provide \
                            access to at least one of these scopes - profile, email, address or phone\"";

/// Returns the claims of the granted scopes, or a challenge without a body.
pub(super) fn userinfo(exchange: &Exchange<'_>) -> Reply {
    if let Some(reply) = instead(exchange) {
        dpop::use_up(exchange);
        return reply;
    }
    let reply = claims(exchange);
    let faults = &exchange.org.faults;
    let delay = faults.find(|fault| if let Fault::UserinfoSlow(delay) = fault { Some(*delay) } else { None });
    let reply = reply.delayed(delay);
    if faults.hit(&Fault::UserinfoHuge) { reply.huge() } else { reply }
}

/// The faults that replace the response.
fn instead(exchange: &Exchange<'_>) -> Option<Reply> {
    let moved = exchange.moved;
    exchange.org.faults.find(|fault| match fault {
        Fault::UserinfoStatus401 => Some(challenge(401, INVALID)),
        Fault::UserinfoStatus403 => Some(challenge(403, INSUFFICIENT)),
        Fault::UserinfoStatus(status) => Some(OAuthError { status: *status, ..OAuthError::server_error() }.reply()),
        Fault::UserinfoHtml => Some(Reply::html_surprise()),
        Fault::UserinfoRedirect if !moved => Some(exchange.moved_reply(307)),
        _ => None,
    })
}

fn challenge(status: u16, value: &str) -> Reply {
    Reply::empty(status).header("www-authenticate", value).no_store().refused("userinfo", value)
}

/// Reads the token only from the `Authorization` header.
fn claims(exchange: &Exchange<'_>) -> Reply {
    let header = exchange.request.header("authorization").unwrap_or_default();
    let (scheme, token) = header.split_once(' ').unwrap_or_default();
    let bound = scheme.eq_ignore_ascii_case("dpop");
    if !bound && !scheme.eq_ignore_ascii_case("bearer") {
        return challenge(401, INVALID);
    }
    let verified = verify_own(exchange.org, exchange.server, token.trim());
    // An ID token has no `scp`, so it is rejected here.
    let granted = verified.as_ref().and_then(|claims| claims.get("scp")).and_then(Value::as_array);
    let Some(granted) = granted else { return challenge(401, INVALID) };
    if let Err(error) = dpop::check_resource(exchange, token.trim(), verified.as_ref().unwrap_or(&Map::new()), bound) {
        return dpop_challenge(exchange, &error);
    }
    let scopes: Vec<String> = granted.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if !scopes.iter().any(|scope| scope == "openid") {
        return challenge(403, INSUFFICIENT);
    }
    let uid = verified.as_ref().and_then(|claims| claims.get("uid")).and_then(Value::as_str).unwrap_or_default();
    let Some(user) = exchange.org.user_by_id(uid) else { return challenge(401, INVALID) };
    let mut claims = userinfo_claims(&exchange.server.settings, &user, &scopes);
    if exchange.org.faults.hit(&Fault::UserinfoSub) {
        claims.insert("sub".into(), json!(format!("{}invalid", user.id)));
    }
    exchange.org.faults.change_members(&mut claims, |fault| match fault {
        Fault::UserinfoMember(name, value) => Some((name, value)),
        _ => None,
    });
    dpop::label_resource(exchange, Reply::json(200, &claims).no_store())
}

/// The challenge of RFC 9449 §7.1.
fn dpop_challenge(exchange: &Exchange<'_>, error: &OAuthError) -> Reply {
    let (scheme, algorithms) = (dpop::challenge_scheme(exchange), dpop::ALGORITHMS);
    let (code, description) = (&error.error, &error.description);
    let value = format!("{scheme} algs=\"{algorithms}\", error=\"{code}\", error_description=\"{description}\"");
    let reply = challenge(error.status, &value);
    match &error.dpop_nonce {
        Some(nonce) => reply.header("dpop-nonce", nonce.clone()),
        None => reply,
    }
}
