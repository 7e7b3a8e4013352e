//! The effects of faults on an ID token.
//!
//! Each fault changes one thing and keeps the rest valid, including the signature, so an app that rejects the token
//! must have checked that one thing.
//!
//! The functions group the faults by the checks of a relying party (OpenID Connect Core §3.1.3.7): issuer and subject,
//! audience, times, nonce and `at_hash`, key, algorithm.

use serde_json::{Value, json};

use super::claims::at_hash;
use super::draft::{Draft, Shape};
use super::issuing::Issuing;
use crate::error::Error;
use crate::fault::Fault;
use crate::keys::{Algorithm, Special};
use crate::random;

const HOUR: i64 = 3600;

#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) issuing: Issuing<'a>,
    /// The access token of the same response, for `at_hash`.
    pub(crate) access_token: &'a str,
    pub(crate) refresh: bool,
}

/// Applies a fault to the token; returns false if the fault does not concern this ID token.
///
/// A one-time fault must not be consumed by a token that it does not change, so every step returns whether it applied
/// the fault.
///
/// Faults of a refresh apply only to the ID token of a refresh, and stay active until there is one. Only faults that
/// need a key can fail.
pub(crate) fn apply(fault: &Fault, draft: &mut Draft, target: &Target<'_>) -> Result<bool, Error> {
    let client_id = &target.issuing.grant.client_id;
    let now = target.issuing.org.clock.seconds();
    let plain = identity(fault, draft, client_id)
        || audience(fault, draft, client_id)
        || times(fault, draft, now)
        || bindings(fault, draft)
        || shape(fault, draft)
        || (target.refresh && refreshed(fault, draft, target));
    Ok(plain || signature(fault, draft, &target.issuing)? || algorithm(fault, draft, target)?)
}

/// Faults of the parts, the signature bytes, and single members.
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

/// Faults of values that must equal those of the sign-in (OpenID Connect Core §12.2).
///
/// A refreshed ID token need not have a nonce, but a present nonce must be the original one. `auth_time` must stay that
/// of the sign-in, because another value means another authentication.
fn refreshed(fault: &Fault, draft: &mut Draft, target: &Target<'_>) -> bool {
    let nonce = target.issuing.grant.nonce.as_deref().unwrap_or_default();
    match fault {
        Fault::RefreshIdTokenIssuer => draft.claim("iss", draft.suffixed("iss")),
        Fault::RefreshIdTokenSub => draft.claim("sub", draft.suffixed("sub")),
        Fault::RefreshIdTokenNonce => draft.claim("nonce", json!(format!("{nonce}1"))),
        Fault::RefreshIdTokenSameNonce => draft.claim("nonce", json!(nonce)),
        Fault::RefreshIdTokenAudience => draft.claim("aud", draft.suffixed("aud")),
        Fault::RefreshIdTokenNoAuthTime => draft.claim("auth_time", Value::Null),
        Fault::RefreshIdTokenAuthTime => {
            let original = draft.claims.get("auth_time").and_then(Value::as_i64).unwrap_or_default();
            draft.claim("auth_time", json!(original + 1));
        }
        _ => return false,
    }
    true
}

/// Faults of issuer and subject.
///
/// `sub` has at most 255 characters (OpenID Connect Core §2), so the fault uses 256. Many parsers accept a repeated
/// claim and use the last one; RFC 7519 §4 allows a client to reject it.
fn identity(fault: &Fault, draft: &mut Draft, client_id: &str) -> bool {
    match fault {
        Fault::IdTokenIssuer => draft.claim("iss", draft.suffixed("iss")),
        Fault::IdTokenNoSub => draft.claim("sub", Value::Null),
        Fault::IdTokenSubEmpty => draft.claim("sub", json!("")),
        Fault::IdTokenSubTooLong => draft.claim("sub", json!("a".repeat(256))),
        Fault::IdTokenAzp => draft.claim("azp", json!(format!("{client_id}1"))),
        Fault::IdTokenDuplicateClaim => draft.duplicate = Some(("sub".into(), draft.suffixed("sub"))),
        _ => return false,
    }
    true
}

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

/// Faults of the times.
///
/// An expired token expired six minutes ago, so that a clock tolerance of five minutes does not hide the fault. The
/// other offsets are whole hours for the same reason.
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
        // Halves are exact in a floating-point number of this size. The cast is lossless
        // until the year 285 million.
        Fault::IdTokenExpFloat => draft.claim("exp", json!((now + HOUR) as f64 + 0.5)),
        Fault::IdTokenExpString => draft.claim("exp", json!((now + HOUR).to_string())),
        Fault::IdTokenNotBefore => draft.claim("nbf", json!(now + HOUR)),
        Fault::IdTokenNoAuthTime => draft.claim("auth_time", Value::Null),
        Fault::IdTokenOldAuthTime => draft.claim("auth_time", json!(now - 24 * HOUR)),
        _ => return false,
    }
    true
}

/// Faults of the values that bind the token to the request and to the access token.
fn bindings(fault: &Fault, draft: &mut Draft) -> bool {
    match fault {
        Fault::IdTokenNonce => draft.claim("nonce", draft.suffixed("nonce")),
        Fault::IdTokenNoNonce => draft.claim("nonce", Value::Null),
        Fault::IdTokenAtHash => draft.claim("at_hash", json!(at_hash(&random::token(), Algorithm::Rs256))),
        Fault::IdTokenNoAtHash => draft.claim("at_hash", Value::Null),
        _ => return false,
    }
    true
}

/// Faults of the key.
///
/// The HS256 faults use the public key, which attackers have (RFC 8725 §2.1), and the client secret, which OpenID
/// Connect allows and Okta does not use. The last faults sign with RS256 and a key that an app must not accept: one for
/// encryption, and one that is not published.
fn signature(fault: &Fault, draft: &mut Draft, issuing: &Issuing<'_>) -> Result<bool, Error> {
    let ring = &issuing.server.ring;
    match fault {
        Fault::IdTokenAlgNone => draft.unsigned(),
        Fault::IdTokenAlgHs256WithRsaPublicKey => draft.sign_with_secret(ring.active()?.public_pem()?.into_bytes()),
        Fault::IdTokenAlgHs256WithSecret => {
            let client = issuing.org.client(&issuing.grant.client_id);
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

/// Faults of the algorithm. `at_hash` uses the same algorithm, so that only the algorithm is wrong.
///
/// The key is published for the algorithm, and the signature is valid. A client must reject the token because it
/// expects RS256, Okta's algorithm (RFC 8725 §3.1).
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
