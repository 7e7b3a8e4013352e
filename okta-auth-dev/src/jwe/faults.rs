//! The effects of faults on an encrypted token.

use serde_json::{Value, json};

use super::draft::JweDraft;
use super::key_encryption::KeyEncryption;
use crate::client::JweAlgorithm;
use crate::error::Error;
use crate::fault::JweFault;
use crate::keys::{Algorithm, SigningKey};
use crate::random;

/// Applies a fault to the token; returns false if the fault does not concern the encryption.
pub(crate) fn apply(fault: &JweFault, draft: &mut JweDraft) -> Result<bool, Error> {
    let mut change = |name: &str, value: Value| drop(draft.changes.insert(name.to_owned(), value));
    match fault {
        JweFault::Header(name, value) => change(name, value.clone()),
        JweFault::AlgSwap => {
            let swapped = match draft.key_encryption {
                KeyEncryption::Registered(JweAlgorithm::RsaOaep512) => JweAlgorithm::RsaOaep256,
                _ => JweAlgorithm::RsaOaep512,
            };
            change("alg", json!(swapped.as_str()));
        }
        JweFault::UnknownKid => change("kid", json!(random::token())),
        JweFault::NoKid => change("kid", Value::Null),
        JweFault::Critical => {
            change("crit", json!(["https://okta.example/unknown"]));
            change("https://okta.example/unknown", json!(true));
        }
        JweFault::HeaderNotAuthenticated => drop(draft.late_changes.insert("typ".to_owned(), json!("JWT"))),
        JweFault::Zip => {
            change("zip", json!("DEF"));
            draft.payload = stored(&draft.payload);
        }
        JweFault::NestedClaims => {
            change("cty", Value::Null);
            draft.payload = claims_of(&draft.payload);
        }
        fault => return encrypted_otherwise(fault, draft),
    }
    Ok(true)
}

/// Faults of the encryption itself.
fn encrypted_otherwise(fault: &JweFault, draft: &mut JweDraft) -> Result<bool, Error> {
    match fault {
        JweFault::Rsa15 => draft.key_encryption = KeyEncryption::Rsa15,
        JweFault::RsaOaepSha1 => draft.key_encryption = KeyEncryption::RsaOaepSha1,
        JweFault::A128Gcm => draft.short_key = true,
        JweFault::WrongKey => draft.jwk = other_key(&draft.jwk)?,
        JweFault::BadTag => draft.damaged = true,
        JweFault::ShortIv => draft.iv_length = 8,
        JweFault::ShortTag => draft.tag_length = 8,
        JweFault::SixParts => draft.sixth_part = true,
        JweFault::PointNotOnCurve => draft.wrong_point = true,
        JweFault::NestedTwice => draft.payload = draft.clone().finish()?.into_bytes(),
        _ => return Ok(false),
    }
    Ok(true)
}

/// A new key of the same type with the same `kid`.
fn other_key(jwk: &Value) -> Result<Value, Error> {
    let elliptic = jwk.get("kty").is_some_and(|kind| kind == "EC");
    let mut other = SigningKey::generate(if elliptic { Algorithm::Es256 } else { Algorithm::Rs256 })?.jwk();
    other.insert("kid".into(), jwk.get("kid").cloned().unwrap_or_default());
    Ok(Value::Object(other))
}

/// The payload of a signed token.
fn claims_of(nested: &[u8]) -> Vec<u8> {
    let claims = std::str::from_utf8(nested).ok().and_then(|text| text.split('.').nth(1));
    claims.and_then(random::from_base64url).unwrap_or_default()
}

/// DEFLATE with stored blocks (RFC 1951 §3.2.4), so that no compressor is needed.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let blocks: Vec<&[u8]> = bytes.chunks(usize::from(u16::MAX)).collect();
    let mut out = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(index + 1 == blocks.len()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(*block);
    }
    out
}
