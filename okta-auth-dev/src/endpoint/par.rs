//! `/par`: pushed authorization requests (RFC 9126).
//!
//! The request is validated as at `/authorize`, with errors in JSON. `/authorize` accepts the request URI once, from
//! the same client, at the same server. Okta does not say whether a request URI works twice.

use serde::Serialize;
use serde_json::{Map, Value};

use super::authorize::check_pushed;
use super::exchange::Exchange;
use super::params::Params;
use super::{client_assertion, client_auth, dpop, request_object};
use crate::client::{AuthMethod, Client};
use crate::fault::{Fault, ParFault};
use crate::oauth_error::OAuthError;
use crate::rate_limit::Allowance;
use crate::reply::Reply;
use crate::store::PushedRequest;
use crate::sync::lock;

/// How long a request URI works, in seconds.
const LIFETIME: i64 = 3600;

/// Parameters of the client's authentication, which are not part of the request.
const CREDENTIALS: [&str; 4] = ["client_secret", "client_assertion", "client_assertion_type", "request"];

/// The response, in Okta's order.
#[derive(Serialize)]
struct Body {
    request_uri: String,
    expires_in: i64,
}

pub(super) fn par(exchange: &Exchange<'_>) -> Reply {
    let unused = dpop::use_up(exchange);
    if let Some(reply) = instead(exchange) {
        client_assertion::use_up(exchange);
        return reply;
    }
    let faults = &exchange.org.faults;
    let reply = dpop::label(exchange, process(exchange, unused).unwrap_or_else(|error| error.reply()));
    let slow = |fault: &Fault| if let Fault::Par(ParFault::Slow(delay)) = fault { Some(*delay) } else { None };
    let reply = reply.delayed(faults.find(slow));
    if faults.hit(&Fault::Par(ParFault::Huge)) { reply.huge() } else { reply }
}

/// The faults that replace the response.
fn instead(exchange: &Exchange<'_>) -> Option<Reply> {
    let (moved, now) = (exchange.moved, exchange.now());
    exchange.org.faults.find(|fault| {
        let Fault::Par(fault) = fault else { return None };
        match fault {
            ParFault::Error { status, error, description } => {
                Some(OAuthError::new(*status, error.clone(), description.clone()).reply())
            }
            ParFault::RateLimited => Some(Allowance::refused(now)),
            ParFault::Html => Some(Reply::html_surprise()),
            ParFault::Redirect if !moved => Some(exchange.moved_reply(307)),
            _ => None,
        }
    })
}

/// Authenticates the client, which must not be a public one, and stores the request.
fn process(exchange: &Exchange<'_>, unused: bool) -> Result<Reply, OAuthError> {
    let params = Params::new(exchange.request.form());
    params.check_duplicates()?;
    let client = client_auth::authenticate(exchange, &params)?;
    if client.auth_method == AuthMethod::None {
        let advice =
            format!("{} is a public client, and only clients with credentials push requests.", client.client_id);
        return Err(OAuthError::client_authentication_failed().with_advice(advice));
    }
    if params.has("request_uri") {
        return Err(OAuthError::invalid_request("The 'request_uri' parameter must not be present in the request."));
    }
    let params = request_object::resolve(exchange, &params, &client)?.with("client_id", &client.client_id);
    let params = bound(exchange, &client, params, unused)?;
    check_pushed(exchange, &params, &client)?;
    if !params.words("scope").iter().any(|scope| scope == "openid") {
        return Err(OAuthError::new(403, "access_denied", "A pushed authorization request needs the 'openid' scope."));
    }
    Ok(respond(exchange, &client, params))
}

/// The parameters with the key of the request's proof (RFC 9449 §10.1). Okta ignores the proof.
fn bound(exchange: &Exchange<'_>, client: &Client, params: Params, unused: bool) -> Result<Params, OAuthError> {
    if !exchange.org.options.rfc_extensions || exchange.request.header("dpop").is_none() {
        return Ok(params);
    }
    let Some(binding) = dpop::bind(exchange, client, unused)? else { return Ok(params) };
    if params.find("dpop_jkt").is_some_and(|jkt| jkt != binding.jkt) {
        return Err(OAuthError::invalid_dpop_proof("The DPoP proof does not match 'dpop_jkt'."));
    }
    Ok(params.with("dpop_jkt", &binding.jkt))
}

fn respond(exchange: &Exchange<'_>, client: &Client, params: Params) -> Reply {
    let (faults, now) = (&exchange.org.faults, exchange.now());
    let lifetime = if faults.hit(&Fault::Par(ParFault::Expired)) { 0 } else { LIFETIME };
    let request = PushedRequest {
        client_id: client.client_id.clone(),
        server: exchange.server.settings.id.clone(),
        parameters: params.without(&CREDENTIALS),
        expires_at: now + lifetime,
    };
    let body = Body { request_uri: lock(&exchange.org.store).pushed.add(request, now), expires_in: LIFETIME };
    let status = if faults.hit(&Fault::Par(ParFault::Created)) { 201 } else { 200 };
    let reply = changed(exchange, &body).map_or_else(|| Reply::json(status, &body), |all| Reply::json(status, &all));
    reply.no_store()
}

/// The members, if faults change any. Changed responses lose Okta's order.
fn changed(exchange: &Exchange<'_>, body: &Body) -> Option<Map<String, Value>> {
    let Ok(Value::Object(before)) = serde_json::to_value(body) else { return None };
    let mut members = before.clone();
    exchange.org.faults.change_members(&mut members, |fault| match fault {
        Fault::Par(ParFault::Member(name, value)) => Some((name, value)),
        _ => None,
    });
    (members != before).then_some(members)
}
