//! A key, and the algorithms it signs with.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::error::Error;
use crate::random;

/// A signature algorithm (RFC 7518 §3). Okta signs only with [`Algorithm::Rs256`]; the others exist for faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// ECDSA with P-521 and SHA-512.
    Es512,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Returns the value of the header member `alg`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        use Algorithm::{EdDsa, Es256, Es384, Es512, Ps256, Rs256, Rs384, Rs512};
        let all = [Rs256, Rs384, Rs512, Ps256, Es256, Es384, Es512, EdDsa];
        all.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    /// Whether clients may sign with it: Okta's algorithms for assertions and grants.
    pub(crate) fn signs_assertions(self) -> bool {
        !matches!(self, Self::Ps256 | Self::EdDsa)
    }

    /// The verification algorithm.
    ///
    /// ECDSA signatures are the concatenation of the two numbers (RFC 7518 §3.4), not ASN.1. RSA keys have at least
    /// 2048 bits (RFC 7518 §3.3).
    pub(super) fn verification(self) -> &'static dyn signature::VerificationAlgorithm {
        match self {
            Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
            Self::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
            Self::EdDsa => &signature::ED25519,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeyUse {
    Signature,
    Encryption,
}

/// The key material. Several published keys may share it, because generating an RSA key takes about 100 ms.
#[derive(Debug)]
pub(super) enum Material {
    Rsa(rsa::KeyPair),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

#[derive(Clone, Debug)]
pub(crate) struct SigningKey {
    /// The key id, 43 characters of base64url as at Okta.
    pub(crate) kid: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) key_use: KeyUse,
    pub(super) material: Arc<Material>,
}

impl SigningKey {
    pub(crate) fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        let failed = |_| Error::crypto("cannot generate a signing key");
        let material = match algorithm {
            Algorithm::Es256 => {
                Material::Ec(EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?)
            }
            Algorithm::Es384 => {
                Material::Ec(EcdsaKeyPair::generate(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).map_err(failed)?)
            }
            Algorithm::Es512 => {
                Material::Ec(EcdsaKeyPair::generate(&signature::ECDSA_P521_SHA512_FIXED_SIGNING).map_err(failed)?)
            }
            Algorithm::EdDsa => Material::Ed25519(Ed25519KeyPair::generate().map_err(failed)?),
            _ => Material::Rsa(rsa::KeyPair::generate(KeySize::Rsa2048).map_err(failed)?),
        };
        let material = Arc::new(material);
        Ok(Self { kid: random::token(), algorithm, key_use: KeyUse::Signature, material })
    }

    /// The same key material with another `kid`, for another purpose.
    ///
    /// This saves the time to generate an RSA key. The separate `kid` lets a token name the purpose that its key has.
    pub(crate) fn alias(&self, algorithm: Algorithm, key_use: KeyUse) -> Self {
        Self { kid: random::token(), algorithm, key_use, material: Arc::clone(&self.material) }
    }

    /// Signs with any algorithm that the key supports.
    ///
    /// RSA keys use the requested algorithm even if they are published for another one, because faults need this. Other
    /// keys support only their own algorithm and use it.
    pub(crate) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, Error> {
        let failed = |_| Error::crypto(format_args!("the key cannot sign with {}", algorithm.as_str()));
        let random = SystemRandom::new();
        match &*self.material {
            Material::Rsa(pair) => {
                let padding: &'static dyn signature::RsaEncoding = match algorithm {
                    Algorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
                    Algorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
                    Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Material::Ec(pair) => Ok(pair.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
            Material::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }

    pub(crate) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let fits = matches!(
            (&*self.material, algorithm),
            (Material::Rsa(_), Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 | Algorithm::Ps256)
                | (Material::Ec(_), Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512)
                | (Material::Ed25519(_), Algorithm::EdDsa)
        );
        fits && UnparsedPublicKey::new(algorithm.verification(), self.public_bytes()).verify(message, signature).is_ok()
    }

    /// The public key as `SubjectPublicKeyInfo` in PEM (RFC 7468 §13).
    pub(crate) fn public_pem(&self) -> Result<String, Error> {
        let der: Result<PublicKeyX509Der<'_>, _> = match &*self.material {
            Material::Rsa(pair) => pair.public_key().as_der(),
            Material::Ec(pair) => pair.public_key().as_der(),
            Material::Ed25519(pair) => pair.public_key().as_der(),
        };
        let der = der.map_err(|_| Error::crypto("the public key has no DER form"))?;
        Ok(random::pem("PUBLIC KEY", der.as_ref()))
    }

    /// RSA: `RSAPublicKey` in DER (RFC 8017 A.1.1). EC: the uncompressed point. Ed25519: the 32 bytes.
    pub(super) fn public_bytes(&self) -> &[u8] {
        match &*self.material {
            Material::Rsa(pair) => pair.public_key().as_ref(),
            Material::Ec(pair) => pair.public_key().as_ref(),
            Material::Ed25519(pair) => pair.public_key().as_ref(),
        }
    }
}
