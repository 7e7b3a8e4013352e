//! A client with a DPoP key (RFC 9449). It makes proofs without any code of the library.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding,
};
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
        proof_claims(org, method, url, token)
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

/// A client whose proofs have another algorithm than ES256.
pub(crate) struct OtherProver {
    alg: &'static str,
    jwk: Value,
    /// The required members of the JWK in lexical order, for the thumbprint (RFC 7638).
    members: String,
    sign: Sign,
}

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

impl OtherProver {
    /// A client for each of the algorithms EdDSA, PS256, RS256, RS384, RS512 and ES384.
    pub(crate) fn all() -> Vec<Self> {
        let rsa: [(_, &'static dyn RsaEncoding); 4] = [
            ("PS256", &RSA_PSS_SHA256),
            ("RS256", &RSA_PKCS1_SHA256),
            ("RS384", &RSA_PKCS1_SHA384),
            ("RS512", &RSA_PKCS1_SHA512),
        ];
        let rsa = rsa.into_iter().map(|(alg, encoding)| Self::rsa(alg, encoding));
        [Self::ed25519(), Self::es384()].into_iter().chain(rsa).collect()
    }

    fn ed25519() -> Self {
        let key = Ed25519KeyPair::generate().unwrap();
        let x = URL_SAFE_NO_PAD.encode(key.public_key());
        Self {
            alg: "EdDSA",
            jwk: json!({"kty": "OKP", "crv": "Ed25519", "x": x}),
            members: format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
            sign: Box::new(move |message| key.sign(message).as_ref().to_vec()),
        }
    }

    fn es384() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let point = key.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..49]), URL_SAFE_NO_PAD.encode(&point[49..]));
        Self {
            alg: "ES384",
            jwk: json!({"kty": "EC", "crv": "P-384", "x": x, "y": y}),
            members: format!(r#"{{"crv":"P-384","kty":"EC","x":"{x}","y":"{y}"}}"#),
            sign: Box::new(move |message| key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()),
        }
    }

    fn rsa(alg: &'static str, encoding: &'static dyn RsaEncoding) -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let n = part(key.public_key().modulus().big_endian_without_leading_zero());
        let e = part(key.public_key().exponent().big_endian_without_leading_zero());
        Self {
            alg,
            jwk: json!({"kty": "RSA", "n": n, "e": e}),
            members: format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            sign: Box::new(move |message| {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }),
        }
    }

    pub(crate) fn alg(&self) -> &'static str {
        self.alg
    }

    pub(crate) fn jkt(&self) -> String {
        hash(&self.members)
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({"typ": "dpop+jwt", "alg": self.alg, "jwk": self.jwk});
        let message = format!("{}.{}", part(&header), part(claims));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode((self.sign)(message.as_bytes())))
    }
}

/// The claims of a fresh proof for a request with a token.
pub(crate) fn proof_claims(org: &Org, method: &str, url: &str, token: &str) -> Value {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let jti = format!("proof-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let now = org.clock().now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    json!({"htm": method, "htu": url, "iat": now, "jti": jti, "ath": hash(token)})
}

/// The SHA-256 of a text in base64url.
pub(crate) fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}
