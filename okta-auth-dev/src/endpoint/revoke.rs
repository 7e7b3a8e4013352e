//! `/revoke` (RFC 7009).
//!
//! A client revokes tokens that it was issued. A refresh token is revoked together with all access tokens of its
//! sign-in; an access token is revoked alone.

use serde_json::Value;

use super::client_auth;
use super::exchange::Exchange;
use super::params::Params;
use crate::fault::Fault;
use crate::oauth_error::OAuthError;
use crate::reply::Reply;
use crate::sync::lock;
use crate::token::verify_own;

/// Revokes a token. An invalid token also gets status 200, so that the response reveals nothing.
pub(super) fn revoke(exchange: &Exchange<'_>) -> Reply {
    let faults = &exchange.org.faults;
    let status = faults.find(|fault| if let Fault::RevokeStatus(status) = fault { Some(*status) } else { None });
    if let Some(status) = status {
        return OAuthError { status, ..OAuthError::server_error() }.reply();
    }
    let delay = faults.find(|fault| if let Fault::RevokeSlow(delay) = fault { Some(*delay) } else { None });
    let reply = match process(exchange) {
        Ok(()) => Reply::empty(200).no_store(),
        Err(error) => error.reply(),
    };
    reply.delayed(delay)
}

/// Tokens of other clients are silently ignored.
fn process(exchange: &Exchange<'_>) -> Result<(), OAuthError> {
    let params = Params::new(exchange.request.form());
    params.check_duplicates()?;
    let client = client_auth::authenticate(exchange, &params)?;
    let token = params.find("token");
    let token = token.ok_or_else(|| OAuthError::invalid_request("The 'token' parameter is required."))?;
    let (org, now) = (exchange.org, exchange.now());
    let found = lock(&org.store).refresh_token(token, now);
    if let Some(refresh) = found {
        // Revoking a refresh token also revokes its access tokens.
        if refresh.grant.client_id == client.client_id {
            lock(&org.store).revoke_grant(&refresh.grant);
        }
        return Ok(());
    }
    let claims = verify_own(org, exchange.server, token).unwrap_or_default();
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("cid") == Some(&client.client_id)
        && let Some(jti) = text("jti")
    {
        // The refresh token stays valid.
        lock(&org.store).revoke_token(jti.to_owned());
    }
    Ok(())
}
