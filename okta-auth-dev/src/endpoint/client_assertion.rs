//! Client assertions: `private_key_jwt` and `client_secret_jwt` (RFC 7523 §3).
//!
//! A `jti` works once. Okta rejects a repetition even if it answered the first request with 429, so a client must sign
//! a new assertion for every attempt.

use super::client_signature::{Problem, verify_with_keys, verify_with_secret};
use super::exchange::Exchange;
use super::method_mismatch::{method_advice, other_method};
use crate::client::{AuthMethod, Client};
use crate::jws::Jws;
use crate::oauth_error::OAuthError;
use crate::request_log::Recorded;
use crate::sync::lock;

/// The maximum lifetime of an assertion at Okta, in seconds.
const LIFETIME: i64 = 3600;

/// Authenticates by `private_key_jwt` or `client_secret_jwt`.
///
/// `iss` and `sub` must both be the client id (RFC 7523 §3). The `jti` is checked last, so that an assertion that fails
/// another check is not consumed. It is optional: without one, an assertion works until it expires.
pub(super) fn authenticate(exchange: &Exchange<'_>, assertion: &str) -> Result<Client, OAuthError> {
    let bad = OAuthError::invalid_client;
    let assertion = Jws::parse(assertion).ok_or_else(|| bad("The parsing of the client_assertion failed."))?;
    let client = exchange.org.usable_client(assertion.text("iss"), exchange.server);
    let client = client.ok_or_else(|| bad("The issuer claim for client_assertion is not a valid client_id."))??;
    if assertion.text("sub") != client.client_id {
        return Err(bad("The subject claim for client_assertion is not a valid client_id."));
    }
    check_signature(&assertion, &client)?;
    check_claims(exchange, &assertion)?;
    if !use_jti(exchange, &assertion) {
        return Err(bad("The client_assertion token has already been used."));
    }
    Ok(client)
}

/// The client id in the assertion of a request, before its signature is verified.
pub(super) fn named_client(request: &Recorded) -> Option<String> {
    request.asserted_client_id()
}

/// Records the `jti` of an assertion whose request is rejected before it is read. The signature is not verified, so
/// that a fault costs no time.
pub(super) fn use_up(exchange: &Exchange<'_>) {
    let assertion = exchange.request.form_field("client_assertion");
    if let Some(assertion) = assertion.as_deref().and_then(Jws::parse) {
        use_jti(exchange, &assertion);
    }
}

/// Returns false if the `jti` was used before. Without a `jti`, an assertion is not recorded.
fn use_jti(exchange: &Exchange<'_>, assertion: &Jws<'_>) -> bool {
    let jti = assertion.text("jti");
    jti.is_empty() || lock(&exchange.org.store).use_assertion(format!("{} {jti}", assertion.text("iss")))
}

/// Checks audience and times. The audience must be the called endpoint: Okta insists on it, although the FAPI profiles
/// require the issuer, which only the extensions accept.
///
/// `exp` is required and at most an hour ahead; `iat` is optional. An `aud` array is rejected even if it contains the
/// endpoint. Times are seconds of the virtual clock.
fn check_claims(exchange: &Exchange<'_>, assertion: &Jws<'_>) -> Result<(), OAuthError> {
    let (bad, now) = (OAuthError::invalid_client, exchange.now());
    let audience = assertion.text("aud");
    let is_issuer = exchange.org.options.rfc_extensions && audience == exchange.issuer();
    if audience != exchange.endpoint_url() && !is_issuer {
        return Err(bad("The audience claim for client_assertion must be the endpoint invoked for the request."));
    }
    let expires_at = assertion
        .number("exp")
        .ok_or_else(|| bad("The client_assertion must contain the 'exp' claim as seconds since epoch."))?;
    if expires_at <= now {
        return Err(bad("The client_assertion token is expired."));
    }
    if expires_at > now + LIFETIME {
        return Err(bad("The client_assertion token has an expiration too far into the future."));
    }
    // Allows a minute of clock skew.
    if assertion.number("iat").is_some_and(|issued_at| issued_at > now + 60) {
        return Err(bad("The client_assertion token must be issued before the current time."));
    }
    Ok(())
}

/// Verifies the signature with the client's registered keys or with its secret. A client that is registered for another
/// method cannot use an assertion.
fn check_signature(assertion: &Jws<'_>, client: &Client) -> Result<(), OAuthError> {
    let used = match assertion.algorithm() {
        "HS256" | "HS384" | "HS512" => AuthMethod::ClientSecretJwt,
        _ => AuthMethod::PrivateKeyJwt,
    };
    let verified = match client.auth_method {
        AuthMethod::ClientSecretJwt => verify_with_secret(assertion, client),
        AuthMethod::PrivateKeyJwt => verify_with_keys(assertion, client),
        _ => return Err(other_method(client, used)),
    };
    verified.map_err(|problem| {
        let error = OAuthError::invalid_client(description(problem));
        if used == client.auth_method { error } else { error.with_advice(method_advice(client, used)) }
    })
}

/// Okta's description of a problem.
fn description(problem: Problem) -> &'static str {
    match problem {
        Problem::Algorithm => "The client_assertion JWT signature algorithm is invalid.",
        Problem::NoKeys => "The client does not have a JWKSet configured, but the client_assertion requires one.",
        Problem::KeyId => "The client_assertion JWT kid is invalid.",
        Problem::KeySet => "The client JWKSet is invalid.",
        Problem::EncryptionKey => "The client_assertion JWT needs to be signed using a signing key.",
        Problem::KeyUse => {
            "The public key being used for client assertion has an invalid 'use' parameter. Valid values for the \
             'use' parameter are [sig, enc]."
        }
        Problem::NoSecret => {
            "The issuer and subject claim for client_assertion is invalid because the client does not have a client \
             secret."
        }
        Problem::ShortSecret => "The client secret is too short to verify a JWT HMAC.",
        Problem::Signature => "The client_assertion signature is invalid.",
    }
}
