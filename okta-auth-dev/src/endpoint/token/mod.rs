//! `/token`: issues tokens for a code, a refresh token, client credentials, a device code, or another token.
//!
//! Faults apply at three points: in place of the response, before anything is consumed; to the tokens while they are
//! created; and to the finished response.
//!
//! Parameters are read only from the form. Responses must not be cached (RFC 6749 §5.1). The errors are those of RFC
//! 6749 §5.2 with Okta's descriptions.

mod client_credentials;
mod device_code;
mod grants;
mod id_jag;
mod jwt_bearer;
mod response;
mod subject;
mod token_exchange;

use std::time::Duration;

use serde_json::Value;

use super::exchange::Exchange;
use super::params::Params;
use super::{client_assertion, client_auth, dpop};
use crate::client::Client;
use crate::fault::Fault;
use crate::grant_type::GrantType;
use crate::oauth_error::{OAuthError, management};
use crate::random;
use crate::rate_limit::Allowance;
use crate::reply::Reply;

/// Handles a token request with the active faults.
///
/// A wrong content type, a huge body and a missing response are applied to the real response. By then the code is
/// consumed, and a refresh token may be replaced, as when the network fails after the server processed the request.
pub(super) fn token(exchange: &Exchange<'_>) -> Reply {
    let unused = dpop::use_up(exchange);
    if let Some(reply) = instead(exchange) {
        client_assertion::use_up(exchange);
        return reply;
    }
    let faults = &exchange.org.faults;
    let reply = process(exchange, unused).unwrap_or_else(|error| error.reply());
    let mut reply = labelled(dpop::label(exchange, reply));
    if faults.hit(&Fault::TokenWrongContentType) {
        reply = reply.header("content-type", "text/plain;charset=UTF-8");
    }
    if faults.hit(&Fault::TokenTrailing) {
        reply.body.push_str("trailing");
    }
    if faults.hit(&Fault::TokenArray) {
        reply.body = in_array(&reply.body);
    }
    if faults.hit(&Fault::TokenHuge) {
        reply = reply.huge();
    }
    reply.hang = faults.hit(&Fault::TokenHang);
    reply.delayed(faults.find(slow))
}

/// Adds Okta's headers and cookies of token responses. Clients must ignore the cookies.
fn labelled(reply: Reply) -> Reply {
    reply
        .header("x-robots-tag", "noindex,nofollow")
        .cookie("sid=\"\"; Expires=Thu, 01-Jan-1970 00:00:10 GMT; Path=/".to_owned())
        .cookie(format!("JSESSIONID={}; Path=/; Secure; HttpOnly", random::hex().to_uppercase()))
}

fn in_array(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let names = ["access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token"];
    Value::from(names.map(|name| body.get(name).cloned().unwrap_or_default()).to_vec()).to_string()
}

fn slow(fault: &Fault) -> Option<Duration> {
    if let Fault::TokenSlow(delay) = fault { Some(*delay) } else { None }
}

/// The faults that replace the response before anything is consumed.
///
/// The app may retry with the same code and must succeed, but with a new client assertion and a new DPoP proof. The
/// redirect is a 307, so that a client that follows it sends its secret and the code again; the redirected request
/// succeeds.
fn instead(exchange: &Exchange<'_>) -> Option<Reply> {
    let (moved, now) = (exchange.moved, exchange.now());
    exchange.org.faults.find(|fault| match fault {
        Fault::TokenError { status, error, description } => {
            Some(OAuthError::new(*status, error.clone(), description.clone()).reply())
        }
        Fault::TokenErrorOkta { status, code, summary } => Some(management(*status, code, summary)),
        Fault::TokenRateLimited => Some(Allowance::refused(now)),
        Fault::TokenHtml => Some(Reply::html_surprise()),
        Fault::TokenOkWithError => Some(OAuthError::new(200, "invalid_grant", "Invalid grant").reply()),
        Fault::TokenRedirect if !moved => Some(exchange.moved_reply(307)),
        _ => None,
    })
}

/// Authenticates the client, checks the grant type and the DPoP proof, and runs the grant. `unused` is whether the
/// proof is new.
///
/// The client is authenticated first, so an unauthenticated caller does not learn which grants a client may use. Three
/// errors are distinct: an unknown grant type, a grant that the client does not have, and a grant that the org does not
/// serve.
fn process(exchange: &Exchange<'_>, unused: bool) -> Result<Reply, OAuthError> {
    let params = Params::new(exchange.request.form());
    params.check_duplicates()?;
    let client = client_auth::authenticate(exchange, &params)?;
    let grant_type = params.find("grant_type").ok_or_else(|| {
        OAuthError::invalid_request(
            "The token request must specify a 'grant_type'. Valid values: [authorization_code, refresh_token, \
             client_credentials]",
        )
    })?;
    let grant_type = GrantType::named(grant_type).filter(|known| *known != GrantType::Implicit).ok_or_else(|| {
        OAuthError::bad(
            "unsupported_grant_type",
            "The authorization grant type is not supported by the authorization server. Configured grant types: \
             [authorization_code, refresh_token, client_credentials].",
        )
    })?;
    if !client.may_use(grant_type) {
        return Err(OAuthError::unauthorized_grant(&client));
    }
    let binding = dpop::bind(exchange, &client, unused)?;
    let bound = Exchange { jkt: binding.as_ref().map(|binding| binding.jkt.as_str()), ..*exchange };
    let reply = run(&bound, &params, &client, grant_type)?;
    Ok(match &binding {
        Some(binding) => binding.label(reply),
        None => reply,
    })
}

fn run(exchange: &Exchange<'_>, params: &Params, client: &Client, grant_type: GrantType) -> Result<Reply, OAuthError> {
    match grant_type {
        GrantType::AuthorizationCode => grants::authorization_code(exchange, params, client),
        GrantType::RefreshToken => grants::refresh_token(exchange, params, client),
        GrantType::ClientCredentials => client_credentials::client_credentials(exchange, params, client),
        GrantType::DeviceCode => device_code::device_code(exchange, params, client),
        GrantType::JwtBearer => jwt_bearer::jwt_bearer(exchange, params, client),
        GrantType::TokenExchange => token_exchange::token_exchange(exchange, params, client),
        _ => Err(OAuthError::feature_not_enabled()),
    }
}
