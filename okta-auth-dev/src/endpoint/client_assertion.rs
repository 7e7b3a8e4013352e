//! Client assertions: `private_key_jwt` and `client_secret_jwt` (RFC 7523 §3).
//!
//! A `jti` works once. Okta rejects a repetition even if it answered the first request
//! with 429, so a client must sign a new assertion for every attempt.

use aws_lc_rs::hmac;
use serde_json::Value;

use super::exchange::Exchange;
use crate::client::{AuthMethod, Client};
use crate::keys::{Algorithm, verify_with_jwk};
use crate::oauth_error::OAuthError;
use crate::random;
use crate::request_log::Recorded;
use crate::sync::lock;

/// The maximum lifetime of an assertion at Okta, in seconds.
const LIFETIME: i64 = 3600;

const INVALID_ALGORITHM: &str = "The client_assertion JWT signature algorithm is invalid.";

struct Assertion<'a> {
    /// Header and claims as sent, the input of the signature.
    message: &'a str,
    signature: Vec<u8>,
    header: Value,
    /// Untrusted until the signature is verified.
    claims: Value,
}

impl<'a> Assertion<'a> {
    /// Parses three parts of base64url with JSON in the first two.
    fn parse(assertion: &'a str) -> Option<Self> {
        let (message, signature) = assertion.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        Some(Self {
            message,
            signature: random::from_base64url(signature)?,
            header: serde_json::from_slice(&random::from_base64url(header)?).ok()?,
            claims: serde_json::from_slice(&random::from_base64url(claims)?).ok()?,
        })
    }

    /// Returns a text claim; empty if it is missing.
    fn text(&self, name: &str) -> &str {
        self.claims.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns `alg` of the header; empty if it is missing.
    fn algorithm(&self) -> &str {
        self.header.get("alg").and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.claims.get(name).and_then(Value::as_i64)
    }
}

/// Authenticates by `private_key_jwt` or `client_secret_jwt`.
///
/// `iss` and `sub` must both be the client id (RFC 7523 §3). The `jti` is checked last,
/// so that an assertion that fails another check is not consumed. It is optional: without
/// one, an assertion works until it expires.
pub(super) fn authenticate(exchange: &Exchange<'_>, assertion: &str) -> Result<Client, OAuthError> {
    let bad = OAuthError::invalid_client;
    let assertion = Assertion::parse(assertion).ok_or_else(|| bad("The parsing of the client_assertion failed."))?;
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
    let assertion = request.form_field("client_assertion")?;
    Assertion::parse(&assertion).map(|assertion| assertion.text("iss").to_owned())
}

/// Records the `jti` of an assertion whose request is rejected before it is read. The
/// signature is not verified, so that a fault costs no time.
pub(super) fn use_up(exchange: &Exchange<'_>) {
    let assertion = exchange.request.form_field("client_assertion");
    if let Some(assertion) = assertion.as_deref().and_then(Assertion::parse) {
        use_jti(exchange, &assertion);
    }
}

/// Returns false if the `jti` was used before. Without a `jti`, an assertion is not
/// recorded.
fn use_jti(exchange: &Exchange<'_>, assertion: &Assertion<'_>) -> bool {
    let jti = assertion.text("jti");
    jti.is_empty() || lock(&exchange.org.store).use_assertion(format!("{} {jti}", assertion.text("iss")))
}

/// Checks audience and times. The audience must be the called endpoint: Okta insists on
/// it, although the FAPI profiles require the issuer.
///
/// `exp` is required and at most an hour ahead; `iat` is optional. An `aud` array is
/// rejected even if it contains the endpoint. Times are seconds of the virtual clock.
fn check_claims(exchange: &Exchange<'_>, assertion: &Assertion<'_>) -> Result<(), OAuthError> {
    let (bad, now) = (OAuthError::invalid_client, exchange.now());
    if assertion.text("aud") != exchange.endpoint_url() {
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

/// Verifies the signature with the client's registered keys or with its secret. A client
/// that is registered for another method cannot use an assertion.
fn check_signature(assertion: &Assertion<'_>, client: &Client) -> Result<(), OAuthError> {
    let good = match client.auth_method {
        AuthMethod::ClientSecretJwt => hmac_verifies(assertion, client)?,
        AuthMethod::PrivateKeyJwt => key_verifies(assertion, client)?,
        _ => return Err(OAuthError::client_authentication_failed()),
    };
    good.then_some(()).ok_or_else(|| OAuthError::invalid_client("The client_assertion signature is invalid."))
}

/// Whether a registered key verifies the assertion. A `kid` selects the keys of that name;
/// without one, all keys are tried.
fn key_verifies(assertion: &Assertion<'_>, client: &Client) -> Result<bool, OAuthError> {
    let bad = OAuthError::invalid_client;
    let algorithm = Algorithm::named(assertion.algorithm()).filter(|algorithm| algorithm.signs_assertions());
    let algorithm = algorithm.ok_or_else(|| bad(INVALID_ALGORITHM))?;
    if client.jwks.is_empty() {
        return Err(bad("The client does not have a JWKSet configured, but the client_assertion requires one."));
    }
    let kid = assertion.header.get("kid");
    let keys: Vec<&Value> = client.jwks.iter().filter(|key| kid.is_none() || key.get("kid") == kid).collect();
    if keys.is_empty() {
        return Err(bad("The client_assertion JWT kid is invalid."));
    }
    keys.iter().try_for_each(|key| check_use(key))?;
    Ok(keys.into_iter().any(|key| verify_with_jwk(key, algorithm, assertion.message.as_bytes(), &assertion.signature)))
}

/// A registered key must be a key, and one for signatures.
fn check_use(key: &Value) -> Result<(), OAuthError> {
    let bad = OAuthError::invalid_client;
    if !key.get("kty").is_some_and(Value::is_string) {
        return Err(bad("The client JWKSet is invalid."));
    }
    match key.get("use").map(|value| value.as_str().unwrap_or_default()) {
        None | Some("sig") => Ok(()),
        Some("enc") => Err(bad("The client_assertion JWT needs to be signed using a signing key.")),
        Some(_) => Err(bad(
            "The public key being used for client assertion has an invalid 'use' parameter. Valid values for the \
             'use' parameter are [sig, enc].",
        )),
    }
}

/// Whether the assertion is signed with the client secret, which must have at least 32
/// characters.
///
/// The key is the text of the secret without any decoding. RFC 7518 §3.2 requires a key
/// as long as the hash; Okta's limit is the same for all three algorithms.
fn hmac_verifies(assertion: &Assertion<'_>, client: &Client) -> Result<bool, OAuthError> {
    let algorithm = match assertion.algorithm() {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => return Err(OAuthError::invalid_client(INVALID_ALGORITHM)),
    };
    let secret = client.client_secret.as_deref().ok_or_else(|| {
        OAuthError::invalid_client(
            "The issuer and subject claim for client_assertion is invalid because the client does not have a client \
             secret.",
        )
    })?;
    if secret.len() < 32 {
        return Err(OAuthError::invalid_client("The client secret is too short to verify a JWT HMAC."));
    }
    let key = hmac::Key::new(algorithm, secret.as_bytes());
    Ok(hmac::verify(&key, assertion.message.as_bytes(), &assertion.signature).is_ok())
}
