//! The grants of a sign-in: the code, and the refresh token.
//!
//! The error descriptions are Okta's. A failed exchange consumes the code, so that a stolen code cannot be tried twice.
//!
//! Every grant is bound to its client and its server: another server of the org rejects the same code or refresh token.

use aws_lc_rs::digest::{SHA256, digest};

use super::response::{Kind, respond};
use crate::client::{Client, Rotation};
use crate::clock::seconds;
use crate::endpoint::exchange::Exchange;
use crate::endpoint::params::Params;
use crate::fault::Fault;
use crate::oauth_error::OAuthError;
use crate::random;
use crate::reply::Reply;
use crate::store::Grant;
use crate::sync::lock;

/// Exchanges a code. It works once, for the client it was issued to, with the same redirect URI and the PKCE verifier.
///
/// The code is removed before all other checks, so a second use fails. Unlike RFC 6749 §4.1.2 recommends, a second use
/// does not revoke the tokens of the first one.
///
/// The redirect URI is always required, because every authorization request has one.
pub(super) fn authorization_code(
    exchange: &Exchange<'_>,
    params: &Params,
    client: &Client,
) -> Result<Reply, OAuthError> {
    let value = params.required("code")?;
    let code = lock(&exchange.org.store).take_code(value, exchange.now());
    let code = code.ok_or_else(|| OAuthError::invalid_grant("The authorization code is invalid or has expired."))?;
    if code.grant.client_id != client.client_id {
        return Err(OAuthError::issued_to_another_client());
    }
    check_server(exchange, &code.grant.server)?;
    if params.find("redirect_uri") != Some(&code.redirect_uri) {
        return Err(OAuthError::invalid_grant(
            "The 'redirect_uri' does not match the redirection URI used in the authorization request.",
        ));
    }
    if code.dpop_jkt.is_some() && code.dpop_jkt.as_deref() != exchange.jkt {
        return Err(OAuthError::invalid_grant(
            "The DPoP proof does not match 'dpop_jkt' of the authorization request.",
        ));
    }
    check_pkce(code.challenge.as_deref(), params.find("code_verifier"))?;
    respond(exchange, client, &code.grant, Kind::SignIn)
}

/// Compares verifier and challenge (RFC 7636 §4.6). A verifier without a challenge is rejected as well, because an
/// attacker may have removed the challenge.
///
/// A verifier has 43 to 128 characters (RFC 7636 §4.1). The challenge passed through the browser and is not secret, so
/// a constant-time comparison is unnecessary.
fn check_pkce(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), OAuthError> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(OAuthError::invalid_request(
            "PKCE code challenge should be specified in the authorize request for code verification.",
        )),
        (Some(_), None) => Err(OAuthError::invalid_request("PKCE code verifier is required by the application.")),
        (Some(challenge), Some(verifier)) => {
            let computed = random::base64url(digest(&SHA256, verifier.as_bytes()));
            let good = (43..=128).contains(&verifier.len()) && computed == challenge;
            good.then_some(()).ok_or_else(|| OAuthError::invalid_grant("PKCE verification failed."))
        }
    }
}

/// Exchanges a refresh token. With rotation, the old token stays valid for the grace period; a later use revokes the
/// whole grant.
///
/// The scopes are checked before the token is replaced, so a request that fails this check can be repeated with other
/// scopes. Requested scopes limit only this response; the refresh token keeps all of them (RFC 6749 §6).
pub(super) fn refresh_token(exchange: &Exchange<'_>, params: &Params, client: &Client) -> Result<Reply, OAuthError> {
    let (org, value, now) = (exchange.org, params.required("refresh_token")?, exchange.now());
    let token = lock(&org.store).refresh_token(value, now).ok_or_else(invalid_refresh_token)?;
    if token.grant.client_id != client.client_id {
        return Err(invalid_refresh_token());
    }
    check_server(exchange, &token.grant.server)?;
    check_key(exchange, token.grant.jkt.as_deref())?;
    // The user may have been deleted, or the app unassigned.
    let login = token.grant.login.as_deref().unwrap_or_default();
    if org.user(login).is_none() || !org.is_assigned(login, &client.client_id) {
        return Err(invalid_refresh_token());
    }
    let grant = Grant { scopes: narrowed(&token.grant, params)?, ..token.grant };
    let value = renew(exchange, client, value)?;
    let reply = respond(exchange, client, &grant, Kind::Refresh { refresh_token: value })?;
    org.request_log.note(|refreshes| refreshes.granted += 1);
    Ok(reply)
}

/// A refresh token is bound to the key of its first proof. Okta binds it for confidential clients as well, unlike RFC
/// 9449 §5.
fn check_key(exchange: &Exchange<'_>, jkt: Option<&str>) -> Result<(), OAuthError> {
    let good = jkt.is_none() || exchange.jkt == jkt;
    good.then_some(()).ok_or_else(|| match exchange.jkt {
        Some(_) => OAuthError::invalid_dpop_proof("Invalid DPoP Public Key binding in refresh token"),
        None => OAuthError::invalid_dpop_proof("The DPoP proof JWT header is missing."),
    })
}

/// Okta's error for every invalid refresh token.
fn invalid_refresh_token() -> OAuthError {
    OAuthError::invalid_grant("The refresh token is invalid or expired.")
}

/// Returns the refresh token for the response: the same one, or its replacement.
///
/// The token is looked up again, because only one of several concurrent requests with the same token may be the first.
///
/// The lock is held from the lookup to the replacement. A static token gets a new idle period. With rotation, each use
/// within the grace period gets its own successor, and all successors inherit the expiry of the first token.
fn renew(exchange: &Exchange<'_>, client: &Client, value: &str) -> Result<String, OAuthError> {
    let (org, settings, now) = (exchange.org, &exchange.server.settings, exchange.now());
    let strict = org.faults.hit(&Fault::RefreshNoLeeway);
    let leeway = (!strict).then(|| seconds(client.rotation_leeway));
    let mut store = lock(&org.store);
    let token = store.refresh_token(value, now).ok_or_else(invalid_refresh_token)?;
    if token.is_reused(now, leeway) {
        store.revoke_grant(&token.grant);
        org.request_log.note(|refreshes| refreshes.reused += 1);
        return Err(invalid_refresh_token());
    }
    let expires_at = settings.refresh_token_expiry(now, token.ends_at);
    Ok(match client.rotation {
        Rotation::Static => {
            store.extend_refresh_token(value, expires_at);
            value.to_owned()
        }
        Rotation::Rotate => {
            org.request_log.note(|refreshes| refreshes.repeated += usize::from(token.replaced_at.is_some()));
            store.replace_refresh_token(value, now);
            store.issue_refresh_token(token.grant, expires_at, token.ends_at)
        }
    })
}

/// The scopes of a refresh: those of the sign-in, or a subset.
fn narrowed(grant: &Grant, params: &Params) -> Result<Vec<String>, OAuthError> {
    let asked = params.words("scope");
    let denied: Vec<&str> = asked.iter().map(String::as_str).filter(|scope| !grant.has_scope(scope)).collect();
    if !denied.is_empty() {
        return Err(OAuthError::bad(
            "access_denied",
            format!(
                "Some of the scopes requested for the refresh request were not granted in the original authorize \
                 request. Denied scopes: {}.",
                denied.join(", ")
            ),
        ));
    }
    Ok(if asked.is_empty() { grant.scopes.clone() } else { asked })
}

/// A grant is valid only at the server that issued it.
pub(super) fn check_server(exchange: &Exchange<'_>, server: &str) -> Result<(), OAuthError> {
    let same = server == exchange.server.settings.id;
    same.then_some(())
        .ok_or_else(|| OAuthError::invalid_request("The grant was issued for another authorization server."))
}
