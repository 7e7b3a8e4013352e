//! Encryption of the content key for a public key (RFC 7518 §4).

use aws_lc_rs::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap as _};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm,
    OaepPublicEncryptingKey, Pkcs1PublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use serde_json::{Value, json};

use crate::client::JweAlgorithm;
use crate::error::Error;
use crate::random;

/// How the content key is encrypted: an algorithm of a client, or one for a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyEncryption {
    Registered(JweAlgorithm),
    Rsa15,
    RsaOaepSha1,
}

impl KeyEncryption {
    /// The value of the header member `alg`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Registered(algorithm) => algorithm.as_str(),
            Self::Rsa15 => "RSA1_5",
            Self::RsaOaepSha1 => "RSA-OAEP",
        }
    }

    /// The OAEP parameters; `None` for the other algorithms.
    fn oaep(self) -> Option<&'static OaepAlgorithm> {
        match self {
            Self::Registered(JweAlgorithm::RsaOaep256) => Some(&OAEP_SHA256_MGF1SHA256),
            Self::Registered(JweAlgorithm::RsaOaep384) => Some(&OAEP_SHA384_MGF1SHA384),
            Self::Registered(JweAlgorithm::RsaOaep512) => Some(&OAEP_SHA512_MGF1SHA512),
            Self::RsaOaepSha1 => Some(&OAEP_SHA1_MGF1SHA1),
            _ => None,
        }
    }
}

/// Encrypts a content key with RSA. Returns nothing for a key of another type.
pub(super) fn with_rsa(algorithm: KeyEncryption, jwk: &Value, content_key: &[u8]) -> Result<Vec<u8>, Error> {
    let (n, e) = (member(jwk, "n")?, member(jwk, "e")?);
    let key: PublicEncryptingKey = PublicKeyComponents { n, e }.try_into().map_err(|_| unusable())?;
    let mut encrypted = vec![0; key.key_size_bytes()];
    let length = match algorithm.oaep() {
        Some(oaep) => {
            let key = OaepPublicEncryptingKey::new(key).map_err(|_| unusable())?;
            key.encrypt(oaep, content_key, &mut encrypted, None).map_err(|_| unusable())?.len()
        }
        None => {
            let key = Pkcs1PublicEncryptingKey::new(key).map_err(|_| unusable())?;
            key.encrypt(content_key, &mut encrypted).map_err(|_| unusable())?.len()
        }
    };
    encrypted.truncate(length);
    Ok(encrypted)
}

/// Encrypts a content key with ECDH-ES+A256KW, and returns the ephemeral public key for the header.
pub(super) fn with_ecdh(jwk: &Value, content_key: &[u8]) -> Result<(Vec<u8>, Value), Error> {
    let peer = [vec![4], member(jwk, "x")?, member(jwk, "y")?].concat();
    let private = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).map_err(|_| unusable())?;
    let public = private.compute_public_key().map_err(|_| unusable())?;
    let point = public.as_ref().strip_prefix(&[4]).unwrap_or_default();
    let (x, y) = point.split_at_checked(point.len() / 2).unwrap_or_default();
    let epk = json!({"kty": "EC", "crv": "P-256", "x": random::base64url(x), "y": random::base64url(y)});
    let peer = UnparsedPublicKey::new(&ECDH_P256, peer);
    let wrapping = agree_ephemeral(private, &peer, unusable(), |secret| Ok(concat_kdf(secret)))?;
    let key = AesKek::new(&AES_256, &wrapping).map_err(|_| unusable())?;
    let mut encrypted = vec![0; content_key.len() + 8];
    let length = key.wrap(content_key, &mut encrypted).map_err(|_| unusable())?.len();
    encrypted.truncate(length);
    Ok((encrypted, epk))
}

/// The wrapping key of ECDH-ES+A256KW, without `apu` and `apv` (RFC 7518 §4.6.2).
fn concat_kdf(secret: &[u8]) -> Vec<u8> {
    let name = JweAlgorithm::EcdhEsA256Kw.as_str().as_bytes();
    let length = u32::try_from(name.len()).unwrap_or_default().to_be_bytes();
    let (round, empty, bits) = (1_u32.to_be_bytes(), 0_u32.to_be_bytes(), 256_u32.to_be_bytes());
    let input = [&round, secret, &length, name, &empty, &empty, &bits].concat();
    digest(&SHA256, &input).as_ref().to_vec()
}

fn member(jwk: &Value, name: &str) -> Result<Vec<u8>, Error> {
    jwk.get(name).and_then(Value::as_str).and_then(random::from_base64url).ok_or_else(unusable)
}

fn unusable() -> Error {
    Error::crypto("the client's key cannot encrypt ID tokens")
}
