//! A client with a DPoP key (RFC 9449). It makes proofs without any code of the library.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_auth_dev::{ADA, Org};
use serde_json::{Value, json};

pub(crate) struct Prover {
    key: EcdsaKeyPair,
}

impl Prover {
    pub(crate) fn new() -> Self {
        Self { key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() }
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})
    }

    /// The point of the public key, uncompressed.
    pub(crate) fn public_key(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }

    /// The thumbprint of the key (RFC 7638).
    pub(crate) fn jkt(&self) -> String {
        let jwk = self.jwk();
        hash(&format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]))
    }

    /// An access token of the org that is bound to the key.
    pub(crate) fn token(&self, org: &Org, scopes: &[&str]) -> String {
        org.token().access_token(ADA, scopes.to_vec()).claim("cnf", json!({"jkt": self.jkt()})).sign()
    }

    pub(crate) fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()})
    }

    /// The claims of a fresh proof for a request with a token.
    pub(crate) fn claims(&self, org: &Org, method: &str, url: &str, token: &str) -> Value {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let jti = format!("proof-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let now = org.clock().now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        json!({"htm": method, "htu": url, "iat": now, "jti": jti, "ath": hash(token)})
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self.key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    /// A fresh proof for a request with a token.
    pub(crate) fn proof(&self, org: &Org, method: &str, url: &str, token: &str) -> String {
        self.sign(&self.header(), &self.claims(org, method, url, token))
    }
}

/// The SHA-256 of a text in base64url.
pub(crate) fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}
