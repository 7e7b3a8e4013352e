//! How a client proves who it is (token, introspect, revoke).
//!
//! A client uses the one method that it is registered with. Everything else fails with
//! `invalid_client` and status 401, with Okta's description of what is wrong; ambiguous
//! requests fail with `invalid_request`.
//!
//! The checks go from the request to the client: credentials in the query, more
//! than one kind of credentials, their form, the client, its method, and last the
//! secret or the signature. So a good secret in the query is refused for being
//! there.
//!
//! Credentials in the query are refused because queries end up in logs (RFC 6749
//! §2.3.1), and two kinds of them because a request must use one method (RFC 6749
//! §2.3), even if both are right.

use aws_lc_rs::hmac;
use serde_json::Value;
use url::form_urlencoded;

use super::{Exchange, Params};
use crate::client::{AuthMethod, Client};
use crate::keys::{Algorithm, verify_with_jwk};
use crate::oauth_error::OAuthError;
use crate::random;
use crate::sync::lock;

/// The one value of `client_assertion_type` (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion may be valid at Okta, in seconds.
const ASSERTION_LIFETIME: i64 = 3600;

/// What a request carries to prove who sent it.
enum Credentials {
    Secret {
        id: String,
        secret: String,
        method: AuthMethod,
    },
    /// A JWT that the client signed (RFC 7523).
    Assertion(String),
    /// A client id alone.
    Public(String),
}

/// Finds out which client sent the request.
///
/// An unknown client and a wrong secret have different descriptions, as at Okta. A
/// secret in the body of a client that is registered for HTTP Basic fails even if
/// it is the right one: the method is compared before the secret.
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

/// The client with this id.
fn known(exchange: &Exchange<'_>, id: &str) -> Result<Client, OAuthError> {
    exchange.tenant.client(id).ok_or_else(|| OAuthError::invalid_client("Invalid value for 'client_id' parameter."))
}

/// Okta's words when the method is not that of the client.
fn failed() -> OAuthError {
    OAuthError::invalid_client("Client authentication failed. Either the client or the client credentials are invalid.")
}

/// Reads the credentials: one kind, and none in the query.
///
/// Any `Authorization` header counts as a kind of credentials, also one with
/// another scheme than Basic, and then it is the only one that is looked at. A
/// `client_id` beside it is no second kind, because many clients send it always.
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

/// HTTP Basic; both halves are form-encoded first (RFC 6749 §2.3.1).
///
/// Where `public` is set, a client id without a colon is a public client: Okta's
/// JavaScript SDK sends it that way when it revokes or introspects.
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

/// An assertion, taken apart.
struct Assertion<'a> {
    /// Header and claims as they were sent, which is what the signature is about.
    message: &'a str,
    signature: Vec<u8>,
    header: Value,
    /// Untrusted until the signature was checked.
    claims: Value,
}

impl<'a> Assertion<'a> {
    /// Nothing if it is not made of three parts of base64url with JSON in the first
    /// two.
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

    /// A claim that is text; empty if it is missing.
    fn text(&self, name: &str) -> &str {
        self.claims.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A claim that is a whole number.
    fn number(&self, name: &str) -> Option<i64> {
        self.claims.get(name).and_then(Value::as_i64)
    }
}

/// `private_key_jwt` and `client_secret_jwt`.
///
/// `iss` and `sub` are both the client id (RFC 7523 §3). The `jti` comes last, so
/// that an assertion that is refused for something else is not used up. It is
/// optional: without one, an assertion works until it expires.
fn by_assertion(exchange: &Exchange<'_>, assertion: &str) -> Result<Client, OAuthError> {
    let bad = OAuthError::invalid_client;
    let assertion = Assertion::parse(assertion).ok_or_else(|| bad("The parsing of the client_assertion failed."))?;
    let client = exchange.tenant.client(assertion.text("iss"));
    let client = client.ok_or_else(|| bad("The issuer claim for client_assertion is not a valid client_id."))?;
    if assertion.text("sub") != client.client_id {
        return Err(bad("The subject claim for client_assertion is not a valid client_id."));
    }
    check_signature(&assertion, &client)?;
    check_claims(exchange, &assertion)?;
    let jti = assertion.text("jti");
    if !jti.is_empty() && !lock(&exchange.tenant.store).use_assertion(format!("{} {jti}", client.client_id)) {
        return Err(bad("The client_assertion token has already been used."));
    }
    Ok(client)
}

/// The audience is the endpoint that is called: Okta insists, although the FAPI
/// profiles want the issuer.
///
/// `exp` is required and at most an hour ahead; `iat` is optional. An `aud` that is
/// an array is refused even if the endpoint is in it. All times are seconds of the
/// virtual clock.
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
    // A minute for clocks that differ.
    if assertion.number("iat").is_some_and(|issued_at| issued_at > now + 60) {
        return Err(bad("The client_assertion token must be issued before the current time."));
    }
    Ok(())
}

/// With the client's registered keys, or its secret, as it is registered.
///
/// With a `kid` only the keys of that name are tried, without one all of them. A
/// client that is registered for another method cannot use an assertion at all.
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

/// Whether the assertion is signed with the client secret, which must have 32
/// characters or more.
///
/// The key is the text of the secret, not something decoded from it. RFC 7518 §3.2
/// asks for a key as long as the hash; Okta's limit is the same for all three
/// algorithms.
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
