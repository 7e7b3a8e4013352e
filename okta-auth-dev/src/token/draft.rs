//! A token before it is signed, which can still be changed completely.
//!
//! The parts may contradict each other on purpose: the header may name another algorithm than the signature uses.

use std::sync::Arc;

use aws_lc_rs::hmac;
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::keys::{Algorithm, SigningKey};
use crate::random;

#[derive(Clone, Debug)]
pub(crate) enum Signing {
    Key(Arc<SigningKey>, Algorithm),
    Hmac(Vec<u8>),
    /// Unsigned: the third part is empty.
    None,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Three, the correct number.
    #[default]
    Compact,
    TwoParts,
    /// With an extra part after the signature.
    FourParts,
    /// Five, as in an encrypted token.
    Encrypted,
}

#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) header: Map<String, Value>,
    pub(crate) claims: Map<String, Value>,
    /// A member that is repeated in the JSON of the claims.
    pub(crate) duplicate: Option<(String, Value)>,
    pub(crate) signing: Signing,
    pub(crate) damaged: bool,
    pub(crate) shape: Shape,
}

impl Draft {
    /// Creates a token with Okta's header: only `kid` and `alg`.
    pub(crate) fn new(key: Arc<SigningKey>, claims: Map<String, Value>) -> Self {
        let mut draft = Self {
            header: Map::new(),
            claims,
            duplicate: None,
            signing: Signing::None,
            damaged: false,
            shape: Shape::default(),
        };
        let algorithm = key.algorithm;
        draft.sign_with(key, algorithm);
        draft
    }

    /// Signs with another key and adapts the header.
    pub(crate) fn sign_with(&mut self, key: Arc<SigningKey>, algorithm: Algorithm) {
        self.header.insert("kid".into(), json!(key.kid));
        self.header.insert("alg".into(), json!(algorithm.as_str()));
        self.signing = Signing::Key(key, algorithm);
    }

    pub(crate) fn sign_with_secret(&mut self, secret: Vec<u8>) {
        self.header.insert("alg".into(), json!("HS256"));
        self.signing = Signing::Hmac(secret);
    }

    /// Removes the signature and adapts the header.
    pub(crate) fn unsigned(&mut self) {
        self.header.insert("alg".into(), json!("none"));
        self.header.remove("kid");
        self.signing = Signing::None;
    }

    /// Sets a claim, or removes it if the value is null.
    pub(crate) fn claim(&mut self, name: &str, value: Value) {
        put(&mut self.claims, name, value);
    }

    /// Sets a member of the header, or removes it if the value is null.
    pub(crate) fn header(&mut self, name: &str, value: Value) {
        put(&mut self.header, name, value);
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Returns a claim with `1` appended, so that prefix comparisons fail.
    pub(crate) fn suffixed(&self, name: &str) -> Value {
        format!("{}1", self.text(name)).into()
    }

    /// Sets times to offsets from now, in seconds.
    pub(crate) fn shift(&mut self, now: i64, times: &[(&str, i64)]) {
        times.iter().for_each(|(name, offset)| self.claim(name, (now + offset).into()));
    }

    /// Signs and serializes (RFC 7515 §7.1).
    pub(crate) fn finish(self) -> Result<String, Error> {
        if self.shape == Shape::Encrypted {
            return Ok(encrypted());
        }
        let header = random::base64url(Value::Object(self.header).to_string());
        let mut payload = Value::Object(self.claims).to_string();
        if let Some((name, value)) = self.duplicate {
            payload.pop();
            payload.push_str(&format!(",{}:{value}}}", json!(name)));
        }
        let message = format!("{header}.{}", random::base64url(payload));
        let mut signature = match &self.signing {
            Signing::Key(key, algorithm) => key.sign(*algorithm, message.as_bytes())?,
            Signing::Hmac(secret) => hmac_sha256(secret, message.as_bytes()),
            Signing::None => Vec::new(),
        };
        if self.damaged {
            signature.iter_mut().for_each(|byte| *byte ^= 0x5A);
        }
        let signature = random::base64url(signature);
        Ok(match self.shape {
            Shape::TwoParts => message,
            Shape::FourParts => format!("{message}.{signature}.{signature}"),
            _ => format!("{message}.{signature}"),
        })
    }
}

/// HS256 (RFC 7518 §3.2).
fn hmac_sha256(secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec()
}

fn put(members: &mut Map<String, Value>, name: &str, value: Value) {
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
}

/// A string with the form of an encrypted token (RFC 7516 §7.1). The parts are random, because no key could decrypt it.
fn encrypted() -> String {
    let header = json!({"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT", "kid": random::token()});
    let parts = [
        random::base64url(header.to_string()),
        random::base64url(random::bytes::<256>()),
        random::base64url(random::bytes::<12>()),
        random::base64url(random::bytes::<400>()),
        random::base64url(random::bytes::<16>()),
    ];
    parts.join(".")
}
