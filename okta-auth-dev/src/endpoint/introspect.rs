//! `/introspect` (RFC 7662).
//!
//! An API asks here about tokens that it cannot check itself: those of the org's own
//! server, and those that may have been revoked. The token must be one of the server
//! that is asked.

use serde_json::{Map, Value, json};

use super::{Exchange, Params, client_auth};
use crate::clock::seconds;
use crate::fault::Fault;
use crate::oauth_error::OAuthError;
use crate::reply::Reply;
use crate::store::Grant;
use crate::sync::lock;
use crate::token::verify_own;

/// Says whether a token of this server is active, and if so what is in it.
pub(super) fn introspect(exchange: &Exchange<'_>) -> Reply {
    let board = &exchange.tenant.board;
    let status = board.find(|fault| if let Fault::IntrospectStatus(status) = fault { Some(*status) } else { None });
    if let Some(status) = status {
        return OAuthError { status, ..OAuthError::server_error() }.reply();
    }
    let delay = board.find(|fault| if let Fault::IntrospectSlow(delay) = fault { Some(*delay) } else { None });
    let reply = process(exchange).unwrap_or_else(|error| error.reply());
    reply.delayed(delay)
}

/// Any client of the org may ask about any token.
fn process(exchange: &Exchange<'_>) -> Result<Reply, OAuthError> {
    let params = Params::new(exchange.request.form());
    params.check_duplicates()?;
    client_auth::authenticate(exchange, &params)?;
    let token = params.find("token");
    let token = token.ok_or_else(|| OAuthError::invalid_request("The 'token' parameter is required."))?;
    let mut members = signed(exchange, token).or_else(|| refresh(exchange, token)).unwrap_or_default();
    let always = exchange.tenant.board.hit(&Fault::IntrospectAlwaysActive);
    // An inactive token gets exactly this, and no reason.
    let active = always || !members.is_empty();
    members.insert("active".into(), json!(active));
    exchange.tenant.board.change_members(&mut members, |fault| match fault {
        Fault::IntrospectMember(name, value) => Some((name, value)),
        _ => None,
    });
    Ok(Reply::json(200, &members).no_store())
}

/// What is in an access token or an ID token. Here `scope` is a string, unlike `scp` in
/// the token.
///
/// `username` and `uid` are about the person, whichever of the two is the `sub` of the
/// token; a token of `client_credentials` has neither.
fn signed(exchange: &Exchange<'_>, token: &str) -> Option<Map<String, Value>> {
    let claims = verify_own(exchange.tenant, exchange.server, token)?;
    let mut members = Map::new();
    members.insert("token_type".into(), json!("Bearer"));
    for name in ["exp", "iat", "sub", "aud", "iss", "jti", "uid", "auth_time", "acr"] {
        members.extend(claims.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    if let Some(scopes) = claims.get("scp").and_then(Value::as_array) {
        let scopes: Vec<&str> = scopes.iter().filter_map(Value::as_str).collect();
        members.insert("scope".into(), json!(scopes.join(" ")));
    }
    let client_id = claims.get("cid").or_else(|| claims.get("aud")).cloned();
    members.insert("client_id".into(), client_id.unwrap_or_default());
    // Only an access token has `cid`; without it this is an ID token, whose `sub` is the user id.
    let person = if claims.contains_key("cid") { claims.get("uid") } else { claims.get("sub") };
    if let Some(id) = person.and_then(Value::as_str) {
        // Tokens of an account that is gone are dead.
        let user = exchange.tenant.user_by_id(id)?;
        members.insert("uid".into(), json!(user.id));
        members.insert("username".into(), json!(user.login));
    }
    Some(members)
}

/// What a refresh token stands for. One that was replaced is dead after the leeway.
fn refresh(exchange: &Exchange<'_>, token: &str) -> Option<Map<String, Value>> {
    let (tenant, now) = (exchange.tenant, exchange.now());
    let token = lock(&tenant.store).refresh_token(token, now)?;
    let leeway = seconds(tenant.client(&token.grant.client_id)?.rotation_leeway);
    if token.is_reused(now, Some(leeway)) || token.grant.server != exchange.server.settings.id {
        return None;
    }
    let user = tenant.user(token.grant.login.as_deref().unwrap_or_default())?;
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

/// Okta names the device that somebody signed in from. Here every sign-in has one of
/// its own, which stays the same while its refresh token is rotated.
fn device(grant: &Grant) -> String {
    let letters = grant.id.chars().filter(char::is_ascii_alphanumeric).take(17);
    format!("guo{}", letters.collect::<String>())
}
