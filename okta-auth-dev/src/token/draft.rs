//! A token before it is signed, when everything about it can still be changed.
//!
//! The parts can contradict each other on purpose: the header may name another
//! algorithm than the one that signs.

use std::sync::Arc;

use aws_lc_rs::hmac;
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::keys::{Algorithm, SigningKey};
use crate::random;

/// How a token is signed.
#[derive(Clone, Debug)]
pub(crate) enum Signing {
    /// With a private key.
    Key(Arc<SigningKey>, Algorithm),
    /// HS256 with these bytes.
    Hmac(Vec<u8>),
    /// Not at all: an empty third part.
    None,
}

/// How many parts a token has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Three, as it should be.
    #[default]
    Compact,
    /// Without the signature.
    TwoParts,
    /// With something after the signature.
    FourParts,
    /// Encrypted: five.
    Encrypted,
}

/// A token before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// The JOSE header.
    pub(crate) header: Map<String, Value>,
    /// The payload.
    pub(crate) claims: Map<String, Value>,
    /// A member that the JSON of the claims has a second time.
    pub(crate) duplicate: Option<(String, Value)>,
    /// What makes the third part.
    pub(crate) signing: Signing,
    /// Whether the signature is damaged.
    pub(crate) damaged: bool,
    /// How many parts there are.
    pub(crate) shape: Shape,
}

impl Draft {
    /// A token with Okta's header: `kid` and `alg`, nothing else.
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

    /// Signs with another key, and says so in the header.
    pub(crate) fn sign_with(&mut self, key: Arc<SigningKey>, algorithm: Algorithm) {
        self.header.insert("kid".into(), json!(key.kid));
        self.header.insert("alg".into(), json!(algorithm.as_str()));
        self.signing = Signing::Key(key, algorithm);
    }

    /// Signs with HS256, and says so in the header.
    pub(crate) fn sign_with_secret(&mut self, secret: Vec<u8>) {
        self.header.insert("alg".into(), json!("HS256"));
        self.signing = Signing::Hmac(secret);
    }

    /// Does not sign, and says so in the header.
    pub(crate) fn unsigned(&mut self) {
        self.header.insert("alg".into(), json!("none"));
        self.header.remove("kid");
        self.signing = Signing::None;
    }

    /// Sets a claim, or removes it when the value is null.
    pub(crate) fn claim(&mut self, name: &str, value: Value) {
        put(&mut self.claims, name, value);
    }

    /// Sets a member of the header, or removes it when the value is null.
    pub(crate) fn header(&mut self, name: &str, value: Value) {
        put(&mut self.header, name, value);
    }

    /// A claim that is text.
    pub(crate) fn text(&self, name: &str) -> String {
        self.claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
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

/// Sets a member, or removes it when the value is null.
fn put(members: &mut Map<String, Value>, name: &str, value: Value) {
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
}

/// Something that looks like an encrypted token (RFC 7516 §7.1). Nobody has the key, so
/// the parts are random.
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
