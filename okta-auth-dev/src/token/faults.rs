//! What faults do to an ID token.

use serde_json::{Value, json};

use super::draft::{Draft, Shape};
use super::{Issuing, at_hash};
use crate::error::Error;
use crate::fault::Fault;
use crate::keys::{Algorithm, Special};
use crate::random;

/// An hour, in seconds.
const HOUR: i64 = 3600;

/// Whether a fault changes an ID token. Those of a refresh leave the ID token of a sign-in alone.
pub(crate) fn concerns_id_token(fault: &Fault, refresh: bool) -> bool {
    match fault {
        Fault::RefreshIdTokenIssuer
        | Fault::RefreshIdTokenSub
        | Fault::RefreshIdTokenNonce
        | Fault::RefreshIdTokenAuthTime => refresh,
        // These two are about the response, not about the token.
        Fault::IdTokenMissing | Fault::IdTokenIsAccessToken => false,
        other => is_about_shape(other) || is_about_signature(other) || is_about_claims(other),
    }
}

fn is_about_shape(fault: &Fault) -> bool {
    matches!(fault, Fault::IdTokenFourParts | Fault::IdTokenTwoParts | Fault::IdTokenJwe)
}

fn is_about_signature(fault: &Fault) -> bool {
    use Fault as F;
    matches!(
        fault,
        F::IdTokenHeader(..)
            | F::IdTokenAlgNone
            | F::IdTokenAlgHs256WithRsaPublicKey
            | F::IdTokenAlgHs256WithSecret
            | F::IdTokenAlgEs256
            | F::IdTokenAlgEs384
            | F::IdTokenAlgPs256
            | F::IdTokenAlgRs384
            | F::IdTokenAlgRs512
            | F::IdTokenAlgEdDsa
            | F::IdTokenBadSignature
            | F::IdTokenNoKid
            | F::IdTokenEncKey
            | F::IdTokenUnpublishedKey
    )
}

fn is_about_claims(fault: &Fault) -> bool {
    use Fault as F;
    let audience = matches!(
        fault,
        F::IdTokenIssuer
            | F::IdTokenNoSub
            | F::IdTokenSubEmpty
            | F::IdTokenSubTooLong
            | F::IdTokenAudience
            | F::IdTokenNoAudience
            | F::IdTokenAudienceArray
            | F::IdTokenExtraAudience
            | F::IdTokenExtraAudienceWithAzp
            | F::IdTokenAzp
            | F::IdTokenClaim(..)
            | F::IdTokenDuplicateClaim
    );
    audience || is_about_time(fault) || is_about_binding(fault)
}

fn is_about_time(fault: &Fault) -> bool {
    use Fault as F;
    matches!(
        fault,
        F::IdTokenNoIat
            | F::IdTokenIatString
            | F::IdTokenIssuedInFuture
            | F::IdTokenNoExp
            | F::IdTokenExpired
            | F::IdTokenExpFloat
            | F::IdTokenExpString
            | F::IdTokenNotBefore
            | F::IdTokenNoAuthTime
            | F::IdTokenOldAuthTime
    )
}

fn is_about_binding(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::IdTokenNonce | Fault::IdTokenNoNonce | Fault::IdTokenAtHash | Fault::IdTokenNoAtHash
    )
}

/// Changes the token the way the fault says.
pub(crate) fn apply(
    fault: &Fault,
    draft: &mut Draft,
    issuing: &Issuing<'_>,
    access_token: &str,
) -> Result<(), Error> {
    identity(fault, draft, &issuing.grant.client_id);
    times(fault, draft, issuing.tenant.clock.seconds());
    bindings(fault, draft);
    match fault {
        Fault::IdTokenFourParts => draft.shape = Shape::FourParts,
        Fault::IdTokenTwoParts => draft.shape = Shape::TwoParts,
        Fault::IdTokenJwe => draft.shape = Shape::Encrypted,
        Fault::IdTokenBadSignature => draft.damaged = true,
        Fault::IdTokenNoKid => draft.header("kid", Value::Null),
        Fault::IdTokenHeader(name, value) => draft.header(name, value.clone()),
        Fault::IdTokenClaim(name, value) => draft.claim(name, value.clone()),
        _ => {}
    }
    signature(fault, draft, issuing)?;
    algorithm(fault, draft, issuing, access_token)
}

/// Who issued it, about whom, for whom.
fn identity(fault: &Fault, draft: &mut Draft, client_id: &str) {
    match fault {
        Fault::IdTokenIssuer | Fault::RefreshIdTokenIssuer => draft.claim("iss", suffixed(draft, "iss", "1")),
        Fault::IdTokenNoSub => draft.claim("sub", Value::Null),
        Fault::IdTokenSubEmpty => draft.claim("sub", json!("")),
        Fault::IdTokenSubTooLong => draft.claim("sub", json!("a".repeat(256))),
        Fault::RefreshIdTokenSub => draft.claim("sub", suffixed(draft, "sub", "1")),
        Fault::IdTokenAudience => draft.claim("aud", json!(format!("{client_id}1"))),
        Fault::IdTokenNoAudience => draft.claim("aud", Value::Null),
        Fault::IdTokenAudienceArray => draft.claim("aud", json!([client_id])),
        Fault::IdTokenExtraAudience => draft.claim("aud", json!([client_id, "0oasomebodyelse0001"])),
        Fault::IdTokenExtraAudienceWithAzp => {
            draft.claim("aud", json!([client_id, "0oasomebodyelse0001"]));
            draft.claim("azp", json!(client_id));
        }
        Fault::IdTokenAzp => draft.claim("azp", json!(format!("{client_id}1"))),
        Fault::IdTokenDuplicateClaim => draft.duplicate = Some(("sub".into(), suffixed(draft, "sub", "1"))),
        _ => {}
    }
}

/// From when, until when.
fn times(fault: &Fault, draft: &mut Draft, now: i64) {
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
        // Halves are exact in a floating-point number of this size. The cast loses nothing before the year 285 million.
        Fault::IdTokenExpFloat => draft.claim("exp", json!((now + HOUR) as f64 + 0.5)),
        Fault::IdTokenExpString => draft.claim("exp", json!((now + HOUR).to_string())),
        Fault::IdTokenNotBefore => draft.claim("nbf", json!(now + HOUR)),
        Fault::IdTokenNoAuthTime => draft.claim("auth_time", Value::Null),
        Fault::IdTokenOldAuthTime => draft.claim("auth_time", json!(now - 24 * HOUR)),
        Fault::RefreshIdTokenAuthTime => {
            let original = draft.claims.get("auth_time").and_then(Value::as_i64).unwrap_or(now);
            draft.claim("auth_time", json!(original + 1));
        }
        _ => {}
    }
}

/// What ties it to the request and to the access token.
fn bindings(fault: &Fault, draft: &mut Draft) {
    match fault {
        Fault::IdTokenNonce | Fault::RefreshIdTokenNonce => draft.claim("nonce", suffixed(draft, "nonce", "1")),
        Fault::IdTokenNoNonce => draft.claim("nonce", Value::Null),
        Fault::IdTokenAtHash => draft.claim("at_hash", json!(at_hash(&random::token(), Algorithm::Rs256))),
        Fault::IdTokenNoAtHash => draft.claim("at_hash", Value::Null),
        _ => {}
    }
}

/// Which key it is signed with.
fn signature(fault: &Fault, draft: &mut Draft, issuing: &Issuing<'_>) -> Result<(), Error> {
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
        Fault::IdTokenUnpublishedKey => draft.sign_with(ring.unpublished()?, Algorithm::Rs256),
        _ => {}
    }
    Ok(())
}

/// Which algorithm it is signed with. `at_hash` follows, so that nothing else is wrong.
fn algorithm(
    fault: &Fault,
    draft: &mut Draft,
    issuing: &Issuing<'_>,
    access_token: &str,
) -> Result<(), Error> {
    let algorithm = match fault {
        Fault::IdTokenAlgEs256 => Algorithm::Es256,
        Fault::IdTokenAlgEs384 => Algorithm::Es384,
        Fault::IdTokenAlgPs256 => Algorithm::Ps256,
        Fault::IdTokenAlgRs384 => Algorithm::Rs384,
        Fault::IdTokenAlgRs512 => Algorithm::Rs512,
        Fault::IdTokenAlgEdDsa => Algorithm::EdDsa,
        _ => return Ok(()),
    };
    draft.sign_with(issuing.server.ring.special(Special::Signs(algorithm))?, algorithm);
    draft.claim("at_hash", json!(at_hash(access_token, algorithm)));
    Ok(())
}

/// A claim with something appended.
fn suffixed(draft: &Draft, name: &str, suffix: &str) -> Value {
    json!(format!("{}{suffix}", draft.text(name)))
}
