//! The signature of a token that a client made: with one of its registered keys, or with its secret.
//!
//! The callers have their own words for each problem, as at Okta.

use aws_lc_rs::hmac;
use serde_json::Value;

use crate::client::Client;
use crate::jws::Jws;
use crate::keys::{Algorithm, verify_with_jwk};

/// Why a signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    Algorithm,
    /// The client has no registered keys.
    NoKeys,
    /// No registered key has the `kid`.
    KeyId,
    /// A registered key is not a key.
    KeySet,
    /// The registered key is for encryption.
    EncryptionKey,
    /// `use` of the registered key is neither `sig` nor `enc`.
    KeyUse,
    NoSecret,
    /// The secret has less than 32 characters.
    ShortSecret,
    Signature,
}

/// Verifies with the registered keys. A `kid` selects the keys of that name; without one, all keys for signatures are
/// tried.
pub(super) fn verify_with_keys(jws: &Jws<'_>, client: &Client) -> Result<(), Problem> {
    let algorithm = Algorithm::named(jws.algorithm()).filter(|algorithm| algorithm.signs_assertions());
    let algorithm = algorithm.ok_or(Problem::Algorithm)?;
    if client.jwks.is_empty() {
        return Err(Problem::NoKeys);
    }
    let kid = jws.header.get("kid");
    let keys: Vec<&Value> = client.jwks.iter().filter(|key| is_candidate(key, kid, client)).collect();
    if keys.is_empty() {
        return Err(Problem::KeyId);
    }
    keys.iter().try_for_each(|key| check_use(key))?;
    let verifies = |key: &Value| verify_with_jwk(key, algorithm, jws.message.as_bytes(), &jws.signature);
    keys.into_iter().any(verifies).then_some(()).ok_or(Problem::Signature)
}

/// Whether a key is tried. The key for encrypted ID tokens is not, unless the `kid` names it.
fn is_candidate(key: &Value, kid: Option<&Value>, client: &Client) -> bool {
    let encrypts =
        client.id_token_encrypted_response_alg.is_some() && key.get("use").is_some_and(|usage| usage == "enc");
    if kid.is_some() { key.get("kid") == kid } else { !encrypts }
}

/// A registered key must be a key, and one for signatures.
fn check_use(key: &Value) -> Result<(), Problem> {
    if !key.get("kty").is_some_and(Value::is_string) {
        return Err(Problem::KeySet);
    }
    match key.get("use").map(|value| value.as_str().unwrap_or_default()) {
        None | Some("sig") => Ok(()),
        Some("enc") => Err(Problem::EncryptionKey),
        Some(_) => Err(Problem::KeyUse),
    }
}

/// Verifies with the client secret, which must have at least 32 characters.
///
/// The key is the text of the secret without any decoding. RFC 7518 §3.2 requires a key as long as the hash; Okta's
/// limit is the same for all three algorithms.
pub(super) fn verify_with_secret(jws: &Jws<'_>, client: &Client) -> Result<(), Problem> {
    let algorithm = match jws.algorithm() {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => return Err(Problem::Algorithm),
    };
    let secret = client.client_secret.as_deref().ok_or(Problem::NoSecret)?;
    if secret.len() < 32 {
        return Err(Problem::ShortSecret);
    }
    let key = hmac::Key::new(algorithm, secret.as_bytes());
    hmac::verify(&key, jws.message.as_bytes(), &jws.signature).map_err(|_| Problem::Signature)
}
