//! Signed tokens of clients before their verification: assertions, request objects, DPoP proofs.

use serde_json::Value;

use crate::random;

/// A JWS in compact form (RFC 7515 §7.1) with a JSON payload.
pub(crate) struct Jws<'a> {
    /// Header and claims as sent, the input of the signature.
    pub(crate) message: &'a str,
    pub(crate) signature: Vec<u8>,
    pub(crate) header: Value,
    /// Untrusted until the signature is verified.
    pub(crate) claims: Value,
}

impl<'a> Jws<'a> {
    /// Parses three parts of base64url with JSON objects in the first two.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let object = |part: &str| -> Option<Value> {
            let value: Value = serde_json::from_slice(&random::from_base64url(part)?).ok()?;
            value.is_object().then_some(value)
        };
        let signature = random::from_base64url(signature)?;
        Some(Self { message, signature, header: object(header)?, claims: object(claims)? })
    }

    /// Returns a text claim; empty if it is missing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.claims.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.claims.get(name).and_then(Value::as_i64)
    }

    /// Returns `alg` of the header; empty if it is missing.
    pub(crate) fn algorithm(&self) -> &str {
        self.header.get("alg").and_then(Value::as_str).unwrap_or_default()
    }
}
