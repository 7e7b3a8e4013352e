//! Signed request objects (RFC 9101), by value, at `/authorize` and at `/par`.
//!
//! The parameters of the object take precedence over those of the request. A `jti` works once.

use serde_json::Value;

use super::client_signature::{Problem, verify_with_keys, verify_with_secret};
use super::exchange::Exchange;
use super::params::Params;
use crate::client::Client;
use crate::jws::Jws;
use crate::oauth_error::OAuthError;
use crate::sync::lock;

/// The maximum lifetime at Okta, in seconds.
const LIFETIME: i64 = 3600;

/// Claims of the token itself, which are not parameters.
const OWN: [&str; 8] = ["iss", "aud", "exp", "iat", "nbf", "jti", "request", "request_uri"];

/// Returns the parameters with those of the request object, if there is one.
pub(super) fn resolve(exchange: &Exchange<'_>, params: &Params, client: &Client) -> Result<Params, OAuthError> {
    match params.find("request") {
        Some(object) => Ok(params.overridden(&read(exchange, object, client)?)),
        None if client.require_signed_request_object => {
            Err(OAuthError::invalid_request("A signed request object is required by the application."))
        }
        None => Ok(params.clone()),
    }
}

/// Verifies a request object, and returns its parameters.
fn read(exchange: &Exchange<'_>, object: &str, client: &Client) -> Result<Vec<(String, String)>, OAuthError> {
    let jws = Jws::parse(object).ok_or_else(|| invalid("The request object cannot be parsed."))?;
    if jws.text("iss") != client.client_id {
        return Err(OAuthError::invalid_client("The issuer of the request object is invalid."));
    }
    check_signature(&jws, client)?;
    check_claims(exchange, &jws)?;
    let jti = jws.text("jti");
    if !jti.is_empty() && !lock(&exchange.org.store).use_assertion(format!("request {} {jti}", client.client_id)) {
        return Err(invalid("The request object has already been used."));
    }
    let claims = jws.claims.as_object().into_iter().flatten().filter(|(name, _)| !OWN.contains(&name.as_str()));
    Ok(claims.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect())
}

/// A parameter: a text, or a number such as `max_age`. Others are ignored.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Verifies the signature with the client's secret or with a registered key. The client may be registered for one
/// algorithm; `none` is never accepted.
fn check_signature(jws: &Jws<'_>, client: &Client) -> Result<(), OAuthError> {
    let algorithm = jws.algorithm();
    if client.request_object_signing_alg.as_ref().is_some_and(|required| required != algorithm) {
        return Err(invalid("The signing algorithm used is not supported by this client."));
    }
    let verified =
        if algorithm.starts_with("HS") { verify_with_secret(jws, client) } else { verify_with_keys(jws, client) };
    verified.map_err(refused)
}

fn refused(problem: Problem) -> OAuthError {
    match problem {
        Problem::Algorithm => invalid("The signature algorithm of the request object is invalid."),
        Problem::NoKeys => OAuthError::invalid_client(
            "The client does not have a JWKSet configured, but the request object requires one.",
        ),
        Problem::KeyId => invalid("The JWT kid of the request object is invalid."),
        Problem::KeySet => invalid("The client JWKSet is invalid."),
        Problem::EncryptionKey => invalid("The request object needs to be signed using a signing key."),
        Problem::KeyUse => invalid(
            "The public key being used for the request object has an invalid 'use' parameter. Valid values for the \
             'use' parameter are [sig, enc].",
        ),
        Problem::NoSecret => {
            OAuthError::bad("request_not_supported", "The client does not have a client secret for the request object.")
        }
        Problem::ShortSecret => invalid("The JWT signature secret length is too short."),
        Problem::Signature => invalid("The signature of the request object is invalid."),
    }
}

/// Checks audience, times and client. The audience is the issuer, unlike that of a client assertion. `exp` is required
/// and at most an hour ahead.
fn check_claims(exchange: &Exchange<'_>, jws: &Jws<'_>) -> Result<(), OAuthError> {
    let now = exchange.now();
    if jws.text("aud") != exchange.issuer() {
        return Err(invalid("The audience of the request object is invalid."));
    }
    let expires_at = jws.number("exp").ok_or_else(|| invalid("The request object is expired."))?;
    if expires_at <= now {
        return Err(invalid("The request object is expired."));
    }
    if expires_at > now + LIFETIME {
        return Err(invalid("The request object expires too far in the future."));
    }
    // Allows a minute of clock skew.
    if jws.number("iat").is_some_and(|issued_at| issued_at > now + 60) {
        return Err(invalid("The request object is issued in the future."));
    }
    if jws.number("nbf").is_some_and(|not_before| not_before > now + 60) {
        return Err(invalid("The request object is issued too early."));
    }
    let client_id = jws.claims.get("client_id").is_none_or(|id| id == jws.text("iss"));
    client_id.then_some(()).ok_or_else(|| invalid("The authorize request object is invalid."))
}

fn invalid(description: &'static str) -> OAuthError {
    OAuthError::bad("invalid_request_object", description)
}
