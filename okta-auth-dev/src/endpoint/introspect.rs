//! `/introspect` (RFC 7662).
//!
//! An API calls it for tokens that it cannot verify itself: tokens of the org's own server, and tokens that may have
//! been revoked. The token must belong to the called server.

use serde_json::{Map, Value, json};

use super::client_auth;
use super::exchange::Exchange;
use super::params::Params;
use crate::clock::seconds;
use crate::fault::Fault;
use crate::oauth_error::OAuthError;
use crate::reply::Reply;
use crate::store::Grant;
use crate::sync::lock;
use crate::token::verify_own;

pub(super) fn introspect(exchange: &Exchange<'_>) -> Reply {
    let faults = &exchange.org.faults;
    let status = faults.find(|fault| if let Fault::IntrospectStatus(status) = fault { Some(*status) } else { None });
    if let Some(status) = status {
        return OAuthError { status, ..OAuthError::server_error() }.reply();
    }
    let delay = faults.find(|fault| if let Fault::IntrospectSlow(delay) = fault { Some(*delay) } else { None });
    let reply = process(exchange).unwrap_or_else(|error| error.reply());
    reply.delayed(delay)
}

/// Any client of the org may introspect any token.
fn process(exchange: &Exchange<'_>) -> Result<Reply, OAuthError> {
    let params = Params::new(exchange.request.form());
    params.check_duplicates()?;
    client_auth::authenticate(exchange, &params)?;
    let token = params.find("token");
    let token = token.ok_or_else(|| OAuthError::invalid_request("The 'token' parameter is required."))?;
    let mut members = signed(exchange, token).or_else(|| refresh(exchange, token)).unwrap_or_default();
    let always = exchange.org.faults.hit(&Fault::IntrospectAlwaysActive);
    // The response for an inactive token has only this member, without a reason.
    let active = always || !members.is_empty();
    members.insert("active".into(), json!(active));
    exchange.org.faults.change_members(&mut members, |fault| match fault {
        Fault::IntrospectMember(name, value) => Some((name, value)),
        _ => None,
    });
    Ok(Reply::json(200, &members).no_store())
}

/// The members of an access token or an ID token. Here `scope` is a string, unlike `scp` in the token.
///
/// `username` and `uid` identify the user, independent of the token's `sub`; a token of `client_credentials` has
/// neither.
fn signed(exchange: &Exchange<'_>, token: &str) -> Option<Map<String, Value>> {
    let claims = verify_own(exchange.org, exchange.server, token)?;
    let mut members = Map::new();
    let kind = if claims.contains_key("cnf") { "DPoP" } else { "Bearer" };
    members.insert("token_type".into(), json!(kind));
    for name in ["exp", "iat", "sub", "aud", "iss", "jti", "uid", "auth_time", "acr", "cnf"] {
        members.extend(claims.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    if let Some(scopes) = claims.get("scp").and_then(Value::as_array) {
        let scopes: Vec<&str> = scopes.iter().filter_map(Value::as_str).collect();
        members.insert("scope".into(), json!(scopes.join(" ")));
    }
    // A token that an ID-JAG was exchanged for has `scope` and `act`, and no `cid`.
    let acting = claims.get("act").and_then(|act| act.get("sub"));
    for name in ["scope", "act"] {
        members.extend(claims.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    let client_id = claims.get("cid").or(acting).or_else(|| claims.get("aud")).cloned();
    members.insert("client_id".into(), client_id.unwrap_or_default());
    // Only an access token has `cid`. Without it this is an ID token, whose `sub` is the
    // user id.
    let person = if claims.contains_key("cid") { claims.get("uid") } else { claims.get("sub") };
    let service = claims.get("sub_profile").is_some_and(|profile| profile == "service");
    if let Some(id) = person.and_then(Value::as_str).filter(|_| !service) {
        // Tokens of deleted users are inactive.
        let user = exchange.org.user_by_id(id)?;
        members.insert("uid".into(), json!(user.id));
        members.insert("username".into(), json!(user.login));
    }
    Some(members)
}

/// The members of a refresh token. A rotated one is inactive after the grace period.
fn refresh(exchange: &Exchange<'_>, token: &str) -> Option<Map<String, Value>> {
    let (org, now) = (exchange.org, exchange.now());
    let token = lock(&org.store).refresh_token(token, now)?;
    let leeway = seconds(org.client(&token.grant.client_id)?.rotation_leeway);
    if token.is_reused(now, Some(leeway)) || token.grant.server != exchange.server.settings.id {
        return None;
    }
    let user = org.user(token.grant.login.as_deref().unwrap_or_default())?;
    let members = json!({
        "scope": token.grant.scopes.join(" "),
        "client_id": token.grant.client_id,
        "username": user.login,
        "sub": user.login,
        "exp": token.expires_at,
        "device_id": device(&token.grant),
    });
    members.as_object().cloned()
}

/// The device id. Okta identifies the device of the sign-in; here every sign-in has its own id, which survives the
/// rotation of its refresh token.
fn device(grant: &Grant) -> String {
    let letters = grant.id.chars().filter(char::is_ascii_alphanumeric).take(17);
    format!("guo{}", letters.collect::<String>())
}
