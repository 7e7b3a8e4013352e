//! The assertion that authenticates an application (RFC 7523 §2.2 and §3), for `private_key_jwt` and
//! `client_secret_jwt`.

use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use serde_json::{Value, json};

use crate::base64url;
use crate::clock::Timestamp;
use crate::config::{PrivateKey, Signer};
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

pub(crate) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Long enough for a slow network and skewed clocks; Okta accepts up to one hour.
const LIFETIME: Duration = Duration::from_secs(300);

/// What signs an assertion.
#[derive(Clone, Copy)]
pub(super) enum AssertionKey<'a> {
    Private(&'a PrivateKey),
    Secret(&'a Secret),
}

/// Signs a new assertion for one request. Okta requires the full URL of the endpoint as audience, and accepts each
/// `jti` once.
pub(super) fn client_assertion(
    key: AssertionKey<'_>,
    client_id: &str,
    audience: &str,
    now: Timestamp,
) -> Result<Secret> {
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": now.seconds(),
        "exp": now.plus(LIFETIME).seconds(),
        "jti": Secret::random()?.expose(),
    });
    sign_jwt(key, "JWT", &claims)
}

/// Signs claims with the client's key (RFC 7515 §7.1). `typ` tells the kinds of token apart (RFC 8725 §3.11).
pub(super) fn sign_jwt(key: AssertionKey<'_>, typ: &str, claims: &Value) -> Result<Secret> {
    let (algorithm, key_id) = match key {
        AssertionKey::Private(key) => (algorithm(key), key.key_id.as_ref()),
        AssertionKey::Secret(_) => ("HS256", None),
    };
    let mut header = json!({ "alg": algorithm, "typ": typ });
    if let (Some(header), Some(kid)) = (header.as_object_mut(), key_id) {
        header.insert("kid".to_owned(), kid.as_str().into());
    }
    let encode = |value: &Value| base64url::encode(value.to_string());
    let input = format!("{}.{}", encode(&header), encode(claims));
    let signature = match key {
        AssertionKey::Private(key) => sign(key, input.as_bytes())?,
        AssertionKey::Secret(secret) => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
            hmac::sign(&key, input.as_bytes()).as_ref().to_vec()
        }
    };
    let signature = base64url::encode(signature);
    Ok(Secret::new(format!("{input}.{signature}")))
}

fn algorithm(key: &PrivateKey) -> &'static str {
    match *key.signer {
        Signer::Rs256(_) if key.uses_pss() => "PS256",
        Signer::Rs256(_) => "RS256",
        Signer::Es256(_) => "ES256",
    }
}

fn sign(key: &PrivateKey, input: &[u8]) -> Result<Vec<u8>> {
    let random = SystemRandom::new();
    let failed = |_| Error::new(Code::Internal, "the client's assertion or request object could not be signed");
    match &*key.signer {
        Signer::Rs256(pair) => {
            let padding: &dyn RsaEncoding = if key.uses_pss() { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &random, input, &mut signature).map_err(failed)?;
            Ok(signature)
        }
        Signer::Es256(pair) => Ok(pair.sign(&random, input).map_err(failed)?.as_ref().to_vec()),
    }
}
