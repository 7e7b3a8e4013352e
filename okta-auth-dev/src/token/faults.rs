//! What faults do to an ID token.
//!
//! Each fault changes one thing and leaves the rest as it was, signature included: an
//! app that refuses the token must have looked at that one thing.
//!
//! The functions below sort the faults by what a relying party has to check (OpenID
//! Connect Core §3.1.3.7): issuer and subject, audience, times, nonce and
//! `at_hash`, key, algorithm.

use serde_json::{Value, json};

use super::draft::{Draft, Shape};
use super::{Issuing, at_hash};
use crate::error::Error;
use crate::fault::Fault;
use crate::keys::{Algorithm, Special};
use crate::random;

/// An hour, in seconds.
const HOUR: i64 = 3600;

/// Where a fault is to be applied.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    /// For whom the token is made.
    pub(crate) issuing: Issuing<'a>,
    /// The access token of the same response, which `at_hash` is about.
    pub(crate) access_token: &'a str,
    /// Whether the ID token is one of a refresh.
    pub(crate) refresh: bool,
}

/// Changes the token the way the fault says; false if the fault is about something else
/// than this ID token.
///
/// A fault that goes off after it was met once must not go off for a token that it does
/// not change, so every step says whether the fault was its own.
///
/// Faults of a refresh are offered only to the ID token of a refresh, and stay on
/// until there is one. Only faults that need a key can fail.
pub(crate) fn apply(fault: &Fault, draft: &mut Draft, target: &Target<'_>) -> Result<bool, Error> {
    let client_id = &target.issuing.grant.client_id;
    let now = target.issuing.tenant.clock.seconds();
    let plain = identity(fault, draft, client_id)
        || audience(fault, draft, client_id)
        || times(fault, draft, now)
        || bindings(fault, draft)
        || shape(fault, draft)
        || (target.refresh && refreshed(fault, draft, target));
    Ok(plain || signature(fault, draft, &target.issuing)? || algorithm(fault, draft, target)?)
}

/// How many parts it has, and single members.
fn shape(fault: &Fault, draft: &mut Draft) -> bool {
    match fault {
        Fault::IdTokenFourParts => draft.shape = Shape::FourParts,
        Fault::IdTokenTwoParts => draft.shape = Shape::TwoParts,
        Fault::IdTokenJwe => draft.shape = Shape::Encrypted,
        Fault::IdTokenBadSignature => draft.damaged = true,
        Fault::IdTokenNoKid => draft.header("kid", Value::Null),
        Fault::IdTokenHeader(name, value) => draft.header(name, value.clone()),
        Fault::IdTokenClaim(name, value) => draft.claim(name, value.clone()),
        _ => return false,
    }
    true
}

/// What must be the same as at the sign-in (OpenID Connect Core §12.2).
///
/// A refreshed ID token need not have a nonce; one that it has must be the first
/// one. `auth_time` is still that of the sign-in, so another value means that
/// somebody else is meant.
fn refreshed(fault: &Fault, draft: &mut Draft, target: &Target<'_>) -> bool {
    let nonce = target.issuing.grant.nonce.as_deref().unwrap_or_default();
    match fault {
        Fault::RefreshIdTokenIssuer => draft.claim("iss", suffixed(draft, "iss", "1")),
        Fault::RefreshIdTokenSub => draft.claim("sub", suffixed(draft, "sub", "1")),
        Fault::RefreshIdTokenNonce => draft.claim("nonce", json!(format!("{nonce}1"))),
        Fault::RefreshIdTokenSameNonce => draft.claim("nonce", json!(nonce)),
        Fault::RefreshIdTokenAudience => draft.claim("aud", suffixed(draft, "aud", "1")),
        Fault::RefreshIdTokenNoAuthTime => draft.claim("auth_time", Value::Null),
        Fault::RefreshIdTokenAuthTime => {
            let original = draft.claims.get("auth_time").and_then(Value::as_i64).unwrap_or_default();
            draft.claim("auth_time", json!(original + 1));
        }
        _ => return false,
    }
    true
}

/// Who issued it, and about whom.
///
/// `sub` has 255 characters at most (OpenID Connect Core §2), hence 256. A claim
/// that appears twice is valid JSON to many parsers, which then take the last one;
/// RFC 7519 §4 lets a client refuse it.
fn identity(fault: &Fault, draft: &mut Draft, client_id: &str) -> bool {
    match fault {
        Fault::IdTokenIssuer => draft.claim("iss", suffixed(draft, "iss", "1")),
        Fault::IdTokenNoSub => draft.claim("sub", Value::Null),
        Fault::IdTokenSubEmpty => draft.claim("sub", json!("")),
        Fault::IdTokenSubTooLong => draft.claim("sub", json!("a".repeat(256))),
        Fault::IdTokenAzp => draft.claim("azp", json!(format!("{client_id}1"))),
        Fault::IdTokenDuplicateClaim => draft.duplicate = Some(("sub".into(), suffixed(draft, "sub", "1"))),
        _ => return false,
    }
    true
}

/// For whom it is.
fn audience(fault: &Fault, draft: &mut Draft, client_id: &str) -> bool {
    match fault {
        Fault::IdTokenAudience => draft.claim("aud", json!(format!("{client_id}1"))),
        Fault::IdTokenNoAudience => draft.claim("aud", Value::Null),
        Fault::IdTokenAudienceArray => draft.claim("aud", json!([client_id])),
        Fault::IdTokenExtraAudience => draft.claim("aud", json!([client_id, "0oasomebodyelse0001"])),
        Fault::IdTokenExtraAudienceWithAzp => {
            draft.claim("aud", json!([client_id, "0oasomebodyelse0001"]));
            draft.claim("azp", json!(client_id));
        }
        _ => return false,
    }
    true
}

/// From when, until when.
///
/// Expired means six minutes ago, so that a tolerance of five for clocks that
/// differ does not hide it. The other offsets are whole hours for the same reason.
fn times(fault: &Fault, draft: &mut Draft, now: i64) -> bool {
    match fault {
        Fault::IdTokenNoIat => draft.claim("iat", Value::Null),
        Fault::IdTokenIatString => draft.claim("iat", json!(now.to_string())),
        Fault::IdTokenIssuedInFuture => {
            draft.claim("iat", json!(now + HOUR));
            draft.claim("exp", json!(now + 2 * HOUR));
        }
        Fault::IdTokenNoExp => draft.claim("exp", Value::Null),
        Fault::IdTokenExpired => {
            draft.claim("iat", json!(now - 360 - HOUR));
            draft.claim("exp", json!(now - 360));
        }
        // Halves are exact in a floating-point number of this size. The cast loses nothing before
        // the year 285 million.
        Fault::IdTokenExpFloat => draft.claim("exp", json!((now + HOUR) as f64 + 0.5)),
        Fault::IdTokenExpString => draft.claim("exp", json!((now + HOUR).to_string())),
        Fault::IdTokenNotBefore => draft.claim("nbf", json!(now + HOUR)),
        Fault::IdTokenNoAuthTime => draft.claim("auth_time", Value::Null),
        Fault::IdTokenOldAuthTime => draft.claim("auth_time", json!(now - 24 * HOUR)),
        _ => return false,
    }
    true
}

/// What ties it to the request and to the access token.
fn bindings(fault: &Fault, draft: &mut Draft) -> bool {
    match fault {
        Fault::IdTokenNonce => draft.claim("nonce", suffixed(draft, "nonce", "1")),
        Fault::IdTokenNoNonce => draft.claim("nonce", Value::Null),
        Fault::IdTokenAtHash => draft.claim("at_hash", json!(at_hash(&random::token(), Algorithm::Rs256))),
        Fault::IdTokenNoAtHash => draft.claim("at_hash", Value::Null),
        _ => return false,
    }
    true
}

/// Which key it is signed with.
///
/// The HS256 ones are keyed with the public key, which everybody has (RFC 8725
/// §2.1), and with the client secret, which OpenID Connect allows and Okta does not
/// use. The last two are signed with RS256 and a key that must not be taken: one
/// for encryption, and one that is not published.
fn signature(fault: &Fault, draft: &mut Draft, issuing: &Issuing<'_>) -> Result<bool, Error> {
    let ring = &issuing.server.ring;
    match fault {
        Fault::IdTokenAlgNone => draft.unsigned(),
        Fault::IdTokenAlgHs256WithRsaPublicKey => draft.sign_with_secret(ring.active()?.public_pem()?.into_bytes()),
        Fault::IdTokenAlgHs256WithSecret => {
            let client = issuing.tenant.client(&issuing.grant.client_id);
            let secret = client.and_then(|client| client.client_secret).unwrap_or_default();
            draft.sign_with_secret(secret.into_bytes());
        }
        Fault::IdTokenEncKey => draft.sign_with(ring.special(Special::Encrypts)?, Algorithm::Rs256),
        Fault::OrgPinnedKey if issuing.server.settings.is_org() => draft.sign_with(ring.pinned()?, Algorithm::Rs256),
        Fault::IdTokenUnpublishedKey => draft.sign_with(ring.unpublished()?, Algorithm::Rs256),
        _ => return Ok(false),
    }
    Ok(true)
}

/// Which algorithm it is signed with. `at_hash` follows, so that nothing else is wrong.
///
/// The key is published for the algorithm, and the signature is right. A client has
/// to refuse it for being set to RS256, as Okta signs (RFC 8725 §3.1).
fn algorithm(fault: &Fault, draft: &mut Draft, target: &Target<'_>) -> Result<bool, Error> {
    let algorithm = match fault {
        Fault::IdTokenAlgEs256 => Algorithm::Es256,
        Fault::IdTokenAlgEs384 => Algorithm::Es384,
        Fault::IdTokenAlgPs256 => Algorithm::Ps256,
        Fault::IdTokenAlgRs384 => Algorithm::Rs384,
        Fault::IdTokenAlgRs512 => Algorithm::Rs512,
        Fault::IdTokenAlgEdDsa => Algorithm::EdDsa,
        _ => return Ok(false),
    };
    draft.sign_with(target.issuing.server.ring.special(Special::Signs(algorithm))?, algorithm);
    draft.claim("at_hash", json!(at_hash(target.access_token, algorithm)));
    Ok(true)
}

/// A claim with something appended.
fn suffixed(draft: &Draft, name: &str, suffix: &str) -> Value {
    json!(format!("{}{suffix}", draft.text(name)))
}
