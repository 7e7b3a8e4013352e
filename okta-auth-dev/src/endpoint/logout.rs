//! `/logout` (OpenID Connect RP-Initiated Logout).
//!
//! The app redirects the browser here after it has ended its own session. Okta requires the ID token as a hint,
//! compares the post-logout redirect URI exactly, and shows every error on its own page, because there is no trusted
//! target for it.

use serde_json::Value;

use super::exchange::Exchange;
use super::params::Params;
use super::session_cookie::{SESSION_COOKIE, ended_cookie};
use super::{authorize, front_channel, page, paths, sign_in};
use crate::fault::Fault;
use crate::oauth_error::OAuthError;
use crate::reply::Reply;
use crate::store::Session;
use crate::sync::lock;
use crate::token::verify_signature;

pub(super) fn logout(exchange: &Exchange<'_>) -> Reply {
    let request = exchange.request;
    let params = Params::new(if exchange.is("POST") { request.form() } else { request.query_pairs() });
    match process(exchange, &params) {
        Ok(reply) => reply.cookie(ended_cookie(exchange.org)),
        Err(error) => page::error(exchange.org, &error),
    }
}

/// Validates all parameters before the session ends, so that an invalid link cannot sign a user out.
fn process(exchange: &Exchange<'_>, params: &Params) -> Result<Reply, OAuthError> {
    params.check_duplicates()?;
    let (client_id, subject) = hint(exchange, params)?;
    let target = match params.find("post_logout_redirect_uri") {
        None => None,
        Some(uri) => {
            let client = exchange.org.client(&client_id);
            let registered = client.is_some_and(|client| client.post_logout_redirect_uris.iter().any(|u| u == uri));
            Some(registered.then_some(uri).ok_or_else(|| {
                OAuthError::invalid_request(format!(
                    "The 'post_logout_redirect_uri' parameter must be a Logout redirect URI in the client app \
                     settings: {uri}"
                ))
            })?)
        }
    };
    let org = exchange.org;
    let ended = end_session(exchange, &subject)?;
    let next = target.map(|target| {
        let state = params.find("state").and_then(|state| returned_state(exchange, state));
        let fields: Vec<(String, String)> = state.into_iter().map(|state| ("state".to_owned(), state)).collect();
        authorize::with_query(target, &fields)
    });
    let others = ended.map(|session| front_channel::uris(org, &session, Some(&client_id))).unwrap_or_default();
    Ok(match next {
        next if !others.is_empty() => {
            let own = || format!("{}/{}", org.url, paths::SIGN_IN);
            front_channel::reply(org, &others, Some(&next.unwrap_or_else(own)))
        }
        Some(next) => Reply::redirect(next),
        // As at Okta: without a post-logout redirect URI, the org shows its own page.
        None => sign_in::own_page(org, "/"),
    })
}

/// Returns client and user of the `id_token_hint`, which Okta requires. It may be expired, but this org must have
/// issued it.
fn hint(exchange: &Exchange<'_>, params: &Params) -> Result<(String, String), OAuthError> {
    let hint = params
        .find("id_token_hint")
        .ok_or_else(|| OAuthError::invalid_request("The required parameter 'id_token_hint' is missing."))?;
    let claims = verify_signature(exchange.org, exchange.server, hint);
    let invalid = || OAuthError::new(400, "invalid_token", "The id token is invalid.");
    let claims = claims.ok_or_else(invalid)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    // An access token also has a valid signature, but is not a valid hint.
    if claims.contains_key("scp") {
        return Err(invalid());
    }
    let audience = match claims.get("aud") {
        Some(Value::Array(several)) => several.first().and_then(Value::as_str).map(str::to_owned),
        _ => text("aud"),
    };
    Ok((audience.ok_or_else(invalid)?, text("sub").ok_or_else(invalid)?))
}

/// Ends and returns the session, unless it belongs to another user. Without a session this is a no-op.
fn end_session(exchange: &Exchange<'_>, subject: &str) -> Result<Option<Session>, OAuthError> {
    let Some(id) = exchange.request.cookie(SESSION_COOKIE) else { return Ok(None) };
    let session = lock(&exchange.org.store).sessions.find(id, exchange.now());
    let user = session.as_ref().and_then(|session| exchange.org.user(&session.login));
    if user.is_some_and(|user| user.id != subject) {
        return Err(OAuthError::bad(
            "id_token_does_not_match_session",
            "The 'id_token_hint' does not match the current session.",
        ));
    }
    lock(&exchange.org.store).sessions.close(id);
    Ok(session)
}

/// The state as sent, unless a fault changes it.
fn returned_state(exchange: &Exchange<'_>, state: &str) -> Option<String> {
    let faults = &exchange.org.faults;
    if faults.hit(&Fault::LogoutNoState) {
        return None;
    }
    Some(if faults.hit(&Fault::LogoutState) { format!("{state}1") } else { state.to_owned() })
}
