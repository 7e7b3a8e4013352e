//! Client authentication for token, introspect and revoke.
//!
//! A client must use the one method that it is registered with. Other requests fail with `invalid_client` and status
//! 401, with Okta's description of the problem; ambiguous requests fail with `invalid_request`.
//!
//! The checks run in this order: credentials in the query, more than one kind of credentials, their form, the client,
//! its method, and last the secret or the signature. So a correct secret in the query is still rejected.
//!
//! Credentials in the query are rejected because queries end up in logs (RFC 6749 §2.3.1). Two kinds of credentials are
//! rejected, even if both are correct, because a request must use one method (RFC 6749 §2.3).

use url::form_urlencoded;

use super::client_assertion;
use super::exchange::Exchange;
use super::method_mismatch::other_method;
use super::params::Params;
use crate::client::{AuthMethod, Client};
use crate::oauth_error::OAuthError;
use crate::random;

/// The only value of `client_assertion_type` (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

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
/// An unknown client and a wrong secret have different descriptions, as at Okta. The method is compared before the
/// secret, so a correct secret in the body fails for a client that is registered for HTTP Basic.
pub(super) fn authenticate(exchange: &Exchange<'_>, params: &Params) -> Result<Client, OAuthError> {
    match credentials(exchange, params)? {
        Credentials::Secret { id, secret, method } => {
            let client = known(exchange, &id)?;
            if client.auth_method != method {
                return Err(other_method(&client, method));
            }
            if client.client_secret.as_deref() != Some(&secret) {
                return Err(OAuthError::invalid_client(
                    "The client secret supplied for a confidential client is invalid.",
                ));
            }
            Ok(client)
        }
        Credentials::Assertion(assertion) => client_assertion::authenticate(exchange, &assertion),
        Credentials::Public(id) => {
            let client = known(exchange, &id)?;
            if client.auth_method == AuthMethod::None {
                Ok(client)
            } else {
                Err(other_method(&client, AuthMethod::None))
            }
        }
    }
}

fn known(exchange: &Exchange<'_>, id: &str) -> Result<Client, OAuthError> {
    exchange.org.usable_client(id, exchange.server).unwrap_or_else(|| Err(OAuthError::unknown_client(id)))
}

/// Reads the credentials: exactly one kind, and not in the query.
///
/// Any `Authorization` header counts as credentials, even with another scheme than Basic, and then only the header is
/// read. A `client_id` in addition is not a second kind, because many clients always send it.
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
/// If `public` is set, a client id without a colon identifies a public client: Okta's JavaScript SDK sends it in this
/// form to revoke and introspect.
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
