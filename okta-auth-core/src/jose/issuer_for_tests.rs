//! An issuer for unit tests. It signs any token, publishes its keys on a local socket, and controls the clock.

use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

use super::{Algorithm, Keys, KeysSettings, Verifier};
use crate::clock::TestClock;
use crate::config::{EgressPolicy, Issuer};
use crate::http::{HttpClient, HttpSettings};

/// The current time, until a test sets the clock.
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const LEEWAY: Duration = Duration::from_secs(60);
pub(crate) const ISSUER: &str = "https://acme.okta.com/oauth2/default";
pub(crate) const CLIENT: &str = "0oaclient";

/// Generated once, because RSA key generation is slow. The second key is never published.
static RSA: LazyLock<[RsaKeyPair; 2]> =
    LazyLock::new(|| [0; 2].map(|_| RsaKeyPair::generate(KeySize::Rsa2048).unwrap()));
static EC: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());

pub(crate) struct TestIssuer {
    /// The URL of its keys.
    pub(crate) keys: Url,
    pub(crate) clock: TestClock,
}

impl TestIssuer {
    /// Publishes an RSA key and a P-256 key until the test's runtime ends.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let keys = format!("http://{}/keys", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let _ = connection.read(&mut [0; 4096]).await;
                let (body, kind) = (published().to_string(), "content-type: application/json\r\nconnection: close");
                let answer = format!("HTTP/1.1 200 OK\r\n{kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                let _ = connection.write_all(answer.as_bytes()).await;
            }
        });
        Self { keys, clock: TestClock::at(NOW) }
    }

    /// A verifier with the default configuration, which allows only RS256.
    pub(crate) fn verifier(&self) -> Verifier {
        let clock = self.clock.shared();
        let http = HttpClient::new(&HttpSettings::default(), EgressPolicy::operator(), clock.clone()).unwrap();
        let keys = Keys::new(http, clock.clone(), KeysSettings::default());
        Verifier::new(keys, vec![Algorithm::Rs256], LEEWAY, clock)
    }
}

pub(crate) fn issuer() -> Issuer {
    Issuer::new(ISSUER, ISSUER.parse().unwrap())
}

/// Reads modulus and exponent from PKCS#1: a sequence of the modulus, with a leading zero, and the exponent.
fn rsa_numbers() -> (&'static [u8], &'static [u8]) {
    let der = RSA[0].public_key().as_ref();
    (&der[9..265], &der[267..])
}

fn published() -> Value {
    let ((n, e), point) = (rsa_numbers(), EC.public_key().as_ref());
    json!({ "keys": [
        { "kty": "RSA", "use": "sig", "kid": "rsa", "n": encode(n), "e": encode(e) },
        { "kty": "EC", "use": "sig", "kid": "ec", "crv": "P-256",
          "x": encode(&point[1..33]), "y": encode(&point[33..]) },
    ]})
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs according to the header: RS256, ES256, or HS256 with the public modulus as the secret. The `kid` `stolen`
/// signs with an unpublished key; `none` does not sign.
pub(crate) fn sign(header: &Value, payload: &Value) -> String {
    sign_text(header, &payload.to_string())
}

/// Signs a payload that a `Value` cannot represent.
pub(crate) fn sign_text(header: &Value, payload: &str) -> String {
    let input = format!("{}.{}", encode(header.to_string()), encode(payload));
    let random = SystemRandom::new();
    let signature = match header["alg"].as_str().unwrap() {
        "RS256" => {
            let key = &RSA[usize::from(header["kid"] == "stolen")];
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(&signature::RSA_PKCS1_SHA256, &random, input.as_bytes(), &mut signature).unwrap();
            signature
        }
        "ES256" => EC.sign(&random, input.as_bytes()).unwrap().as_ref().to_vec(),
        "HS256" => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, rsa_numbers().0);
            hmac::sign(&key, input.as_bytes()).as_ref().to_vec()
        }
        _ => b"none".to_vec(),
    };
    format!("{input}.{}", encode(signature))
}
