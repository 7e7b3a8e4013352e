//! Tells access tokens from other tokens in introspection responses (RFC 7662 §2.2).
//!
//! An issuer may introspect ID tokens and refresh tokens too, and none of them may open an API. These are the facts
//! that distinguish them:
//!
//! | response | access token | ID token | refresh token |
//! |---|---|---|---|
//! | `token_type` | `Bearer` or `DPoP` | any, or none | none |
//! | `scope` | usual | none | as of the access token |
//! | `aud` | usually an API | its client | any, or none |
//! | `nonce`, `at_hash` and others | none | often | none |
//! | `token_use`, `token_class` | `access_token` or `access` | another value | another value |
//!
//! `scope` and `aud` are optional, and some providers write the client into `aud`. Where they say nothing, the token
//! itself decides: an ID token is always a JWT, and a JWT that is an access token names its client or has the type of
//! RFC 9068. The issuer has verified the token, so its content is authentic.

use super::access_payload::{AccessPayload, Binding};
use super::compact::{Compact, Headers, Typ};
use crate::error::{Code, Error, Result};

/// The type of a token of RFC 9068 §2.1.
const ACCESS_TOKEN: Typ<'_> = Typ { names: &["at+jwt"], required: true };
/// The type that any token may have.
const ANY_TOKEN: Typ<'_> = Typ { names: &["jwt"], required: false };

/// What an introspected token itself says about its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenForm {
    /// It is not a JWT, so it is no ID token.
    Opaque,
    /// A JWT that names its client.
    NamesClient,
    /// A JWT that names its client and has the type of an access token.
    HasType,
    /// Any other JWT, such as an ID token, and any that cannot be read.
    Other,
}

impl TokenForm {
    fn of(token: &str) -> Self {
        // Signed tokens have three parts and encrypted ones five (RFC 7516 §9).
        if token.split('.').count() < 3 {
            return Self::Opaque;
        }
        let Ok(compact) = Compact::parse(token, &Headers::default()) else { return Self::Other };
        let payload = compact.payload().unwrap_or_default();
        let is_access_token =
            AccessPayload::parse(&payload).is_ok_and(|claims| !claims.of_another_kind && claims.names_its_holder());
        let has_type = |typ| is_access_token && compact.header.check_type(typ).is_ok();
        if has_type(ACCESS_TOKEN) {
            Self::HasType
        } else if has_type(ANY_TOKEN) {
            Self::NamesClient
        } else {
            Self::Other
        }
    }
}

/// Checks that the response describes an access token. `audiences` are those of this API, and `token` is the token.
pub(super) fn check(payload: &AccessPayload<'_>, audiences: &[String], token: &str) -> Result<()> {
    if payload.has_another_use {
        return Err(refused("the introspection response describes another kind of token (`token_use`, `token_class`)"));
    }
    check_type(payload, token)?;
    let client_id = payload.client_id.as_deref().unwrap_or_default();
    let is_for_its_client = payload.aud.as_ref().is_some_and(|audience| audience.contains(client_id));
    if is_for_its_client && !audiences.iter().any(|audience| audience == client_id) {
        return Err(refused(
            "the `aud` of the introspection response is the client of the token, as of an ID token; if the provider \
             issues access tokens with this audience, add the client id to OKTA_AUDIENCE",
        ));
    }
    let has_no_scope = payload.scope.as_deref().is_none_or(|scope| scope.trim().is_empty());
    if (is_for_its_client || has_no_scope) && TokenForm::of(token) == TokenForm::Other {
        return Err(refused(
            "the token may be an ID token: the introspection response has no `scope` or has the client as `aud`, and \
             the token is a JWT that does not name its client (`client_id`, `cid`); send the access token, or let the \
             provider add `client_id` to access tokens",
        ));
    }
    Ok(())
}

/// Checks the type. Without one, only a token that states its own type is accepted, because refresh tokens have none in
/// the responses of Okta and others.
fn check_type(payload: &AccessPayload<'_>, token: &str) -> Result<()> {
    let message = match payload.token_type.as_deref() {
        Some(kind) if kind.eq_ignore_ascii_case("bearer") => return Ok(()),
        // A token of the type `DPoP` without a key could be used by anyone who has it (RFC 9449 §6.2).
        Some(kind) if kind.eq_ignore_ascii_case("dpop") && payload.binding != Binding::None => return Ok(()),
        Some(kind) if kind.eq_ignore_ascii_case("dpop") => {
            "the token has the type `DPoP`, but neither the introspection response nor the token names its key (`cnf`); \
             let the provider add `cnf` to the response"
        }
        Some(_) => {
            "the `token_type` of the introspection response is neither `Bearer` nor `DPoP`, as of another kind of token; \
             send the access token, or let the provider write one of these for it (RFC 7662 §2.2)"
        }
        None if TokenForm::of(token) == TokenForm::HasType => return Ok(()),
        None => {
            "the introspection response has no `token_type`, as of a refresh token; send the access token, or let the \
             provider add `token_type` (`Bearer`) to the response"
        }
    };
    Err(refused(message))
}

fn refused(message: &'static str) -> Error {
    Error::new(Code::TokenKind, message)
}
