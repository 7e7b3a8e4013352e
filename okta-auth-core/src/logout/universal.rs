//! The request of Universal Logout (Global Token Revocation §3). A token in the header authenticates the sender. A
//! subject identifier in the body (RFC 9493) names the user whose sessions end.
//!
//! The token is read and verified before the body is parsed. So unauthenticated senders get 401 and learn nothing about
//! formats or users. The user is searched only among the users of the issuer whose key signed the token.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::form::{is_media_type, malformed};
use crate::bearer::Credentials;
use crate::config::Issuer;
use crate::error::{Code, Error, Result};
use crate::jose::{is_identifier, unverified_issuer};
use crate::json::{self, Unique};
use crate::session::Email;

/// The largest accepted body, in bytes. A subject identifier has less than 600.
const MAX_BODY: usize = 8 * 1024;

/// Identifies the user whose sessions end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SubjectIdentifier {
    /// By an e-mail address (RFC 9493 §3.2.2), Okta's default.
    Email(Email),
    /// By issuer and subject (RFC 9493 §3.2.3). The issuer is one of those accepted.
    IssuerSubject { iss: String, sub: String },
    /// By an identifier that both sides share (RFC 9493 §3.2.4): at Okta the user's id.
    Opaque { id: String },
}

/// The issuers that may send the request, and whose users it may name: the configured issuer, and the org that it
/// belongs to. In Okta's token, `iss` is either the org's URL or the issuer of the ID tokens.
#[derive(Clone, Debug)]
pub(crate) struct AcceptedIssuers {
    configured: Issuer,
    org: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signer {
    /// The configured issuer, which may be the org itself.
    Configured,
    /// The org server, if the configured issuer is a custom server.
    Org,
}

impl AcceptedIssuers {
    /// Both issuers of an application, only from the configuration.
    ///
    /// Only a custom server is known to belong to the org at its origin. An issuer with any other path may share its
    /// host with unrelated issuers, so only the issuer itself is accepted.
    pub(crate) fn of(issuer: &Issuer) -> Self {
        let org = issuer.org().unwrap_or_else(|| issuer.as_str().to_owned());
        Self { configured: issuer.clone(), org }
    }

    pub(crate) fn issuer(&self, signer: Signer) -> &str {
        match signer {
            Signer::Configured => self.configured.as_str(),
            Signer::Org => &self.org,
        }
    }

    /// Chooses the keys that verify a token. The token's own `iss` is only a hint for the choice: it is checked again,
    /// against the issuer whose keys were used.
    ///
    /// # Errors
    /// [`Code::TokenMalformed`] if the token has no issuer, [`Code::TokenClaim`] if it has another one.
    pub(crate) fn signer(&self, token: &str) -> Result<Signer> {
        match unverified_issuer(token)? {
            issuer if self.configured.is_spelled(&issuer) => Ok(Signer::Configured),
            issuer if issuer == self.org => Ok(Signer::Org),
            _ => Err(Error::invalid_claim("iss", "is neither the configured issuer nor its org")),
        }
    }
}

/// Reads the token. The request must have exactly one `Authorization` header, with the scheme `Bearer` and one token,
/// and no token in the query.
///
/// # Errors
/// [`Code::LogoutRefused`] if the request does not have exactly one token there.
pub(crate) fn revocation_token(parts: &Parts) -> Result<String> {
    let one = parts.headers.get_all(AUTHORIZATION).iter().count() == 1;
    let token = Credentials::parse(&parts.headers, parts.uri.query()).bearer().map(str::to_owned);
    token.filter(|_| one).ok_or_else(|| {
        Error::new(Code::LogoutRefused, "the request to end sessions does not have exactly one token, after `Bearer`")
    })
}

/// Reads the subject identifier. The token must have been verified before.
///
/// # Errors
/// [`Code::LogoutMalformed`] if the body is not JSON, or its `sub_id` does not have a supported format of RFC 9493;
/// [`Code::LogoutForbidden`] for a user of another issuer.
pub(crate) fn subject(headers: &HeaderMap, body: &[u8], accepted: &AcceptedIssuers) -> Result<SubjectIdentifier> {
    if !is_media_type(headers, "application/json") {
        return Err(malformed("a request to end sessions must be JSON (application/json)"));
    }
    if body.len() > MAX_BODY {
        return Err(malformed("the request to end sessions is larger than 8 KiB"));
    }
    let message: Message = json::object(body).map_err(|_| {
        malformed("the request to end sessions is not a JSON object with one `sub_id`, whose members are unique")
    })?;
    let subject = identifier(message.sub_id.0)?;
    match &subject {
        SubjectIdentifier::IssuerSubject { iss, .. }
            if !accepted.configured.is_spelled(iss) && *iss != accepted.org =>
        {
            Err(Error::new(Code::LogoutForbidden, "the user to sign out belongs to another issuer"))
        }
        _ => Ok(subject),
    }
}

/// A subject identifier must have exactly the members of its format (RFC 9493 §3). One with an `email` beside its `id`
/// could be read in two ways.
fn identifier(mut members: Map<String, Value>) -> Result<SubjectIdentifier> {
    let mut text = |name: &str| members.remove(name).and_then(|value| value.as_str().map(str::to_owned));
    let format = text("format").ok_or_else(|| malformed("the `sub_id` has no `format`"))?;
    let mut member = |name: &str| {
        text(name)
            .filter(|value| is_identifier(value))
            .ok_or_else(|| malformed("a member of the `sub_id` is missing, empty or too large"))
    };
    let subject = match format.as_str() {
        "email" => SubjectIdentifier::Email(
            Email::parse(&member("email")?)
                .ok_or_else(|| malformed("the `email` of the `sub_id` is not a valid address"))?,
        ),
        "iss_sub" => SubjectIdentifier::IssuerSubject { iss: member("iss")?, sub: member("sub")? },
        "opaque" => SubjectIdentifier::Opaque { id: member("id")? },
        _ => return Err(malformed("the `format` of the `sub_id` is not one of email, iss_sub and opaque")),
    };
    if members.is_empty() {
        Ok(subject)
    } else {
        Err(malformed("the `sub_id` has a member that its format does not allow"))
    }
}

/// The body: an object with one subject identifier. Members besides `sub_id` are ignored, so that the protocol can
/// grow.
#[derive(Deserialize)]
struct Message {
    sub_id: Unique,
}
