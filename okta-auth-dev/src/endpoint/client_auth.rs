//! Client authentication for token, introspect and revoke.
//!
//! A client must use the one method that it is registered with. Other requests fail with
//! `invalid_client` and status 401, with Okta's description of the problem; ambiguous
//! requests fail with `invalid_request`.
//!
//! The checks run in this order: credentials in the query, more than one kind of
//! credentials, their form, the client, its method, and last the secret or the signature.
//! So a correct secret in the query is still rejected.
//!
//! Credentials in the query are rejected because queries end up in logs (RFC 6749
//! §2.3.1). Two kinds of credentials are rejected, even if both are correct, because a
//! request must use one method (RFC 6749 §2.3).

use aws_lc_rs::hmac;
use serde_json::Value;
use url::form_urlencoded;

use super::exchange::Exchange;
use super::params::Params;
use crate::client::{AuthMethod, Client};
use crate::keys::{Algorithm, verify_with_jwk};
use crate::oauth_error::OAuthError;
use crate::random;
use crate::sync::lock;

/// The only value of `client_assertion_type` (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The maximum lifetime of an assertion at Okta, in seconds.
const ASSERTION_LIFETIME: i64 = 3600;

enum Credentials {
    Secret {
        id: String,
        secret: String,
        method: AuthMethod,
    },
    /// A JWT that the client signed (RFC 7523).
    Assertion(String),
    Public(String),
}

/// Returns the client that sent the request.
///
/// An unknown client and a wrong secret have different descriptions, as at Okta. The
/// method is compared before the secret, so a correct secret in the body fails for a
/// client that is registered for HTTP Basic.
pub(super) fn authenticate(exchange: &Exchange<'_>, params: &Params) -> Result<Client, OAuthError> {
    match credentials(exchange, params)? {
        Credentials::Secret { id, secret, method } => {
            let client = known(exchange, &id)?;
            if client.auth_method != method {
                return Err(failed());
            }
            if client.client_secret.as_deref() != Some(&secret) {
                return Err(OAuthError::invalid_client(
                    "The client secret supplied for a confidential client is invalid.",
                ));
            }
            Ok(client)
        }
        Credentials::Assertion(assertion) => by_assertion(exchange, &assertion),
        Credentials::Public(id) => {
            let client = known(exchange, &id)?;
            if client.auth_method == AuthMethod::None { Ok(client) } else { Err(failed()) }
        }
    }
}

fn known(exchange: &Exchange<'_>, id: &str) -> Result<Client, OAuthError> {
    exchange.org.client(id).ok_or_else(|| OAuthError::invalid_client("Invalid value for 'client_id' parameter."))
}

/// Okta's error for a client that uses another method than its own.
fn failed() -> OAuthError {
    OAuthError::invalid_client("Client authentication failed. Either the client or the client credentials are invalid.")
}

/// Reads the credentials: exactly one kind, and not in the query.
///
/// Any `Authorization` header counts as credentials, even with another scheme than Basic,
/// and then only the header is read. A `client_id` in addition is not a second kind,
/// because many clients always send it.
fn credentials(exchange: &Exchange<'_>, params: &Params) -> Result<Credentials, OAuthError> {
    let query = Params::new(exchange.request.query_pairs());
    if query.has("client_secret") || query.has("client_assertion") {
        return Err(OAuthError::invalid_request("Client credentials cannot be supplied via query parameters."));
    }
    let header = exchange.request.header("authorization");
    let kinds = [header.is_some(), params.has("client_secret"), params.has("client_assertion")];
    if kinds.into_iter().filter(|present| *present).count() > 1 {
        return Err(OAuthError::invalid_request(
            "Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization \
             header, credentials in the post body, or a client_assertion in the post body.",
        ));
    }
    if let Some(header) = header {
        let public = ["/introspect", "/revoke"].iter().any(|end| exchange.request.path.ends_with(end));
        return basic(header, public).ok_or_else(|| {
            OAuthError::invalid_client("Found Authentication header but was not valid client credentials.")
        });
    }
    if let Some(assertion) = params.find("client_assertion") {
        if params.find("client_assertion_type") != Some(JWT_BEARER) {
            return Err(OAuthError::invalid_request("The client_assertion_type is invalid."));
        }
        return Ok(Credentials::Assertion(assertion.to_owned()));
    }
    let id = params.find("client_id").map(str::to_owned);
    let id = id.ok_or_else(|| OAuthError::invalid_client("No client credentials found."))?;
    Ok(match params.find("client_secret") {
        Some(secret) => Credentials::Secret { id, secret: secret.to_owned(), method: AuthMethod::ClientSecretPost },
        None => Credentials::Public(id),
    })
}

/// Parses HTTP Basic credentials, whose halves are form-encoded (RFC 6749 §2.3.1).
///
/// If `public` is set, a client id without a colon identifies a public client: Okta's
/// JavaScript SDK sends it in this form to revoke and introspect.
fn basic(header: &str, public: bool) -> Option<Credentials> {
    let (scheme, value) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(random::from_base64(value.trim())?).ok()?;
    let decode = |text: &str| form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned());
    let Some((id, secret)) = text.split_once(':') else {
        return decode(&text).filter(|_| public).map(Credentials::Public);
    };
    let (id, secret) = (decode(id)?, decode(secret).unwrap_or_default());
    Some(Credentials::Secret { id, secret, method: AuthMethod::ClientSecretBasic })
}

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

    fn number(&self, name: &str) -> Option<i64> {
        self.claims.get(name).and_then(Value::as_i64)
    }
}

/// Authenticates by `private_key_jwt` or `client_secret_jwt`.
///
/// `iss` and `sub` must both be the client id (RFC 7523 §3). The `jti` is checked last,
/// so that an assertion that fails another check is not consumed. It is optional: without
/// one, an assertion works until it expires.
fn by_assertion(exchange: &Exchange<'_>, assertion: &str) -> Result<Client, OAuthError> {
    let bad = OAuthError::invalid_client;
    let assertion = Assertion::parse(assertion).ok_or_else(|| bad("The parsing of the client_assertion failed."))?;
    let client = exchange.org.client(assertion.text("iss"));
    let client = client.ok_or_else(|| bad("The issuer claim for client_assertion is not a valid client_id."))?;
    if assertion.text("sub") != client.client_id {
        return Err(bad("The subject claim for client_assertion is not a valid client_id."));
    }
    check_signature(&assertion, &client)?;
    check_claims(exchange, &assertion)?;
    let jti = assertion.text("jti");
    if !jti.is_empty() && !lock(&exchange.org.store).use_assertion(format!("{} {jti}", client.client_id)) {
        return Err(bad("The client_assertion token has already been used."));
    }
    Ok(client)
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
    if expires_at > now + ASSERTION_LIFETIME {
        return Err(bad("The client_assertion token has an expiration too far into the future."));
    }
    // Allows a minute of clock skew.
    if assertion.number("iat").is_some_and(|issued_at| issued_at > now + 60) {
        return Err(bad("The client_assertion token must be issued before the current time."));
    }
    Ok(())
}

/// Verifies the signature with the client's registered keys or with its secret.
///
/// A `kid` selects the keys of that name; without one, all keys are tried. A client that
/// is registered for another method cannot use an assertion.
fn check_signature(assertion: &Assertion<'_>, client: &Client) -> Result<(), OAuthError> {
    let bad = OAuthError::invalid_client;
    let name = assertion.header.get("alg").and_then(Value::as_str).unwrap_or_default();
    let good = match client.auth_method {
        AuthMethod::ClientSecretJwt => hmac_verifies(name, assertion, client)?,
        AuthMethod::PrivateKeyJwt => {
            let algorithm = Algorithm::named(name);
            let algorithm = algorithm.ok_or_else(|| bad("The client_assertion JWT signature algorithm is invalid."))?;
            let kid = assertion.header.get("kid");
            let mut keys = client.jwks.iter().filter(|key| kid.is_none() || key.get("kid") == kid).peekable();
            if keys.peek().is_none() {
                return Err(bad("The client_assertion JWT kid is invalid."));
            }
            keys.any(|key| verify_with_jwk(key, algorithm, assertion.message.as_bytes(), &assertion.signature))
        }
        _ => return Err(failed()),
    };
    good.then_some(()).ok_or_else(|| bad("The client_assertion signature is invalid."))
}

/// Whether the assertion is signed with the client secret, which must have at least 32
/// characters.
///
/// The key is the text of the secret without any decoding. RFC 7518 §3.2 requires a key
/// as long as the hash; Okta's limit is the same for all three algorithms.
fn hmac_verifies(name: &str, assertion: &Assertion<'_>, client: &Client) -> Result<bool, OAuthError> {
    let algorithm = match name {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => {
            return Err(OAuthError::invalid_client("The client_assertion JWT signature algorithm is invalid."));
        }
    };
    let secret = client.client_secret.as_deref().unwrap_or_default();
    if secret.len() < 32 {
        return Err(OAuthError::invalid_client("The client secret is too short to verify a JWT HMAC."));
    }
    let key = hmac::Key::new(algorithm, secret.as_bytes());
    Ok(hmac::verify(&key, assertion.message.as_bytes(), &assertion.signature).is_ok())
}
