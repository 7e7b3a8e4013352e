//! The keys that proofs are signed with.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsBigEndian as _, EcPrivateKeyBin};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use crate::base64url;
#[cfg(feature = "client")]
use crate::config::PrivateKey;
use crate::config::Signer;
use crate::error::{Code, Error, Result};
use crate::secret::{SecretBytes, sha256};

/// A private key in DER is this, the secret number, and [`DER_END`] (RFC 5915 §3).
const DER_START: [u8; 7] = [0x30, 0x31, 2, 1, 1, 4, 0x20];
/// The name of the curve.
const DER_END: [u8; 12] = [0xa0, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

/// The key that the requested tokens are bound to, if DPoP is on.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) enum TokenKey<'a> {
    /// A new one: no key serves two sessions.
    New,
    /// That of the refresh token. A request with it always has a proof.
    Of(&'a DpopKey),
    /// That of the application itself.
    #[cfg(feature = "client")]
    Own,
}

/// A P-256 key. aws-lc wipes the private part with the last clone.
#[derive(Clone)]
pub(crate) struct DpopKey(Arc<Material>);

struct Material {
    signer: Arc<Signer>,
    /// The header of every proof, encoded.
    header: String,
    /// The thumbprint (RFC 7638): the value of `cnf.jkt`.
    thumbprint: String,
}

impl DpopKey {
    /// The length of a stored key in bytes: the secret number of a P-256 key.
    pub(crate) const LENGTH: usize = 32;

    pub(crate) fn generate() -> Result<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| Error::new(Code::Internal, "a key for DPoP proofs cannot be generated"))?;
        Self::of(Arc::new(Signer::Es256(pair)))
    }

    #[cfg(feature = "client")]
    pub(super) fn configured(key: &PrivateKey) -> Result<Self> {
        Self::of(Arc::clone(&key.signer))
    }

    /// Reads the output of [`to_bytes`](Self::to_bytes).
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != Self::LENGTH {
            return None;
        }
        let mut der =
            SecretBytes::with_capacity(DER_START.len().saturating_add(Self::LENGTH).saturating_add(DER_END.len()));
        [&DER_START, bytes, &DER_END].into_iter().for_each(|part| der.append(part));
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der.expose()).ok()?;
        Self::of(Arc::new(Signer::Es256(pair))).ok()
    }

    /// Returns the secret number, from which the whole key follows: sessions in cookies have little space.
    pub(crate) fn to_bytes(&self) -> Result<SecretBytes> {
        let failed = |_| Error::new(Code::Internal, "a key for DPoP proofs cannot be stored");
        let number: EcPrivateKeyBin<'_> = pair(&self.0.signer)?.private_key().as_be_bytes().map_err(failed)?;
        Ok(SecretBytes::new(number.as_ref().to_vec()))
    }

    fn of(signer: Arc<Signer>) -> Result<Self> {
        let jwk = jwk(pair(&signer)?.public_key().as_ref());
        let jwk = jwk.ok_or_else(|| Error::new(Code::Internal, "the key for DPoP proofs has no public point"))?;
        let thumbprint = base64url::encode(sha256(jwk.as_bytes()));
        let header = base64url::encode(format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{jwk}}}"#));
        Ok(Self(Arc::new(Material { signer, header, thumbprint })))
    }

    pub(crate) fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    pub(super) fn header(&self) -> &str {
        &self.0.header
    }

    /// Returns the two numbers of the signature in 64 bytes (RFC 7518 §3.4).
    pub(super) fn sign(&self, input: &[u8]) -> Result<impl AsRef<[u8]> + use<>> {
        let failed = |_| Error::new(Code::Internal, "a DPoP proof could not be signed");
        pair(&self.0.signer)?.sign(&SystemRandom::new(), input).map_err(failed)
    }
}

fn pair(signer: &Signer) -> Result<&EcdsaKeyPair> {
    match signer {
        Signer::Es256(pair) => Ok(pair),
        Signer::Rs256(_) => Err(Error::new(Code::ConfigInvalid, "DPoP proofs are signed with a P-256 key")),
    }
}

/// The public key in the form that the thumbprint is made of: the required members in alphabetical order, without
/// spaces (RFC 7638 §3.2).
fn jwk(point: &[u8]) -> Option<String> {
    // 4, and two numbers of 32 bytes (SEC 1 §2.3.3).
    let (x, y) = point.strip_prefix(&[4])?.split_at_checked(DpopKey::LENGTH)?;
    let (x, y) = (base64url::encode(x), base64url::encode(y));
    Some(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#))
}

opaque_debug!(DpopKey, |it| thumbprint: it.0.thumbprint);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_the_specification() {
        // The key of RFC 9449 §4.1, and its thumbprint of §6.1.
        let (x, y) = ("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA");
        let point = [vec![4], base64url::decode(x).unwrap(), base64url::decode(y).unwrap()].concat();
        let jwk = jwk(&point).unwrap();
        assert_eq!(base64url::encode(sha256(jwk.as_bytes())), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }

    #[test]
    fn a_stored_key_is_the_same_key() {
        let key = DpopKey::generate().unwrap();
        let bytes = key.to_bytes().unwrap();
        let again = DpopKey::from_bytes(&bytes).unwrap();
        assert_eq!((bytes.len(), again.thumbprint()), (DpopKey::LENGTH, key.thumbprint()));
        assert_ne!(DpopKey::generate().unwrap().thumbprint(), key.thumbprint());
        for bad in [&bytes[1..], &[0; DpopKey::LENGTH], &[0xff; DpopKey::LENGTH], &[]] {
            assert!(DpopKey::from_bytes(bad).is_none());
        }
    }
}
