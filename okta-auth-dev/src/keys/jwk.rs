//! Public keys as JSON (RFC 7517), and signature verification with such a key.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{self, RsaParameters, UnparsedPublicKey};
use serde_json::{Map, Value, json};

use super::signing_key::{Algorithm, KeyUse, Material, SigningKey};
use crate::random;

impl SigningKey {
    /// The public key with the members that Okta publishes: `kty`, `alg`, `kid`, `use`, and the key material.
    pub(crate) fn jwk(&self) -> Map<String, Value> {
        let mut jwk = self.public_members();
        jwk.insert("kid".into(), json!(self.kid));
        match self.key_use {
            KeyUse::Signature => {
                jwk.insert("alg".into(), json!(self.algorithm.as_str()));
                jwk.insert("use".into(), json!("sig"));
            }
            // An encryption key has an encryption algorithm.
            KeyUse::Encryption => {
                jwk.insert("alg".into(), json!("RSA-OAEP-256"));
                jwk.insert("use".into(), json!("enc"));
            }
        }
        jwk
    }

    /// `kty` and the key material: base64url of big-endian bytes without leading zeros (RFC 7518 §6).
    fn public_members(&self) -> Map<String, Value> {
        let bytes = self.public_bytes();
        let members = match &*self.material {
            Material::Rsa(_) => {
                let (modulus, exponent) = rsa_numbers(bytes).unwrap_or_default();
                json!({"kty": "RSA", "n": random::base64url(modulus), "e": random::base64url(exponent)})
            }
            Material::Ec(_) => {
                let curve = curve(self.algorithm);
                let (x, y) = coordinates(bytes);
                json!({"kty": "EC", "crv": curve, "x": random::base64url(x), "y": random::base64url(y)})
            }
            Material::Ed25519(_) => json!({"kty": "OKP", "crv": "Ed25519", "x": random::base64url(bytes)}),
        };
        members.as_object().cloned().unwrap_or_default()
    }
}

/// The curve of an ECDSA algorithm (RFC 7518 §3.4).
fn curve(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Es384 => "P-384",
        Algorithm::Es512 => "P-521",
        _ => "P-256",
    }
}

/// The thumbprint of a public key (RFC 7638): the SHA-256 of its required members in alphabetical order. `None` for a
/// key of another type.
pub(crate) fn thumbprint(jwk: &Value) -> Option<String> {
    let member = |name: &str| Some(json!(jwk.get(name)?.as_str()?).to_string());
    let canonical = match jwk.get("kty").and_then(Value::as_str)? {
        "EC" => format!(r#"{{"crv":{},"kty":"EC","x":{},"y":{}}}"#, member("crv")?, member("x")?, member("y")?),
        "RSA" => format!(r#"{{"e":{},"kty":"RSA","n":{}}}"#, member("e")?, member("n")?),
        _ => return None,
    };
    Some(random::base64url(digest(&SHA256, canonical.as_bytes())))
}

/// The coordinates of an uncompressed point, without its prefix byte (SEC 1 §2.3.3).
fn coordinates(point: &[u8]) -> (&[u8], &[u8]) {
    let point = point.strip_prefix(&[4]).unwrap_or(point);
    point.split_at_checked(point.len() / 2).unwrap_or_default()
}

/// Parses modulus and exponent from an `RSAPublicKey`: a DER sequence of two integers.
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = der_value(der, 0x30)?;
    let (modulus, rest) = der_value(sequence, 0x02)?;
    let (exponent, _) = der_value(rest, 0x02)?;
    Some((without_sign(modulus), without_sign(exponent)))
}

/// Splits a DER value with the expected tag from the remaining bytes.
fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *first != tag {
        return None;
    }
    if *length < 0x80 {
        return rest.split_at_checked(usize::from(*length));
    }
    // Long form: the low bits are the number of length bytes.
    let (length, rest) = rest.split_at_checked(usize::from(*length & 0x7f))?;
    let length = length.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
    rest.split_at_checked(length)
}

/// Removes the leading zero of a positive DER integer whose top bit is set; a JWK has none.
fn without_sign(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}

/// Verifies a signature with the public key in a JWK: of client assertions, request objects and DPoP proofs.
///
/// Supports Okta's algorithms: RS256, RS384, RS512, ES256, ES384, ES512.
pub(crate) fn verify_with_jwk(jwk: &Value, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    let member = |name: &str| jwk.get(name).and_then(Value::as_str).and_then(random::from_base64url);
    match (jwk.get("kty").and_then(Value::as_str), algorithm) {
        (Some("RSA"), Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512) => {
            let (Some(n), Some(e)) = (member("n"), member("e")) else { return false };
            let parameters: &'static RsaParameters = match algorithm {
                Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                _ => &signature::RSA_PKCS1_2048_8192_SHA256,
            };
            PublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
        }
        (Some("EC"), Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512) => {
            if jwk.get("crv").and_then(Value::as_str) != Some(curve(algorithm)) {
                return false;
            }
            let (Some(x), Some(y)) = (member("x"), member("y")) else { return false };
            let point = [vec![4], x, y].concat();
            UnparsedPublicKey::new(algorithm.verification(), point).verify(message, signature).is_ok()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_key_verifies_signatures_of_its_private_key() {
        for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512] {
            let key = SigningKey::generate(algorithm).unwrap();
            let signature = key.sign(algorithm, b"message").unwrap();
            let jwk = Value::Object(key.jwk());
            assert!(verify_with_jwk(&jwk, algorithm, b"message", &signature), "{jwk}");
            assert!(!verify_with_jwk(&jwk, algorithm, b"another", &signature), "{jwk}");
            assert!(key.verifies(algorithm, b"message", &signature));
        }
    }

    #[test]
    fn a_thumbprint_ignores_optional_members_and_their_order() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap().jwk();
        let bare = json!({"y": key["y"], "x": key["x"], "crv": key["crv"], "kty": "EC"});
        assert_eq!(thumbprint(&Value::Object(key)), thumbprint(&bare));
        assert_eq!(thumbprint(&json!({"kty": "oct", "k": "AA"})), None);
    }
}
