//! How the application authenticates itself at Okta's endpoints.

use std::fmt;
use std::sync::Arc;

use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// Client authentication (OIDC Core §9). The method must be the one set at Okta for the
/// application.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientAuth {
    /// `client_secret_basic`: the secret in the `Authorization` header. Okta's default
    /// for web applications.
    SecretBasic(Secret),
    /// `client_secret_post`: the secret in the request body.
    SecretPost(Secret),
    /// `private_key_jwt`: a short-lived assertion signed with the application's own key
    /// (RFC 7523 §2.2).
    PrivateKeyJwt(PrivateKey),
    /// `none`: a public client that relies on PKCE alone.
    None,
}

/// The private key of `private_key_jwt`, with the key id under which Okta knows its
/// public half.
#[derive(Clone)]
pub struct PrivateKey {
    pub(crate) key_id: Option<String>,
    pub(crate) signer: Arc<Signer>,
}

/// The key pair, parsed once. RSA signs RS256; P-256 signs ES256.
pub(crate) enum Signer {
    Rs256(aws_lc_rs::rsa::KeyPair),
    Es256(aws_lc_rs::signature::EcdsaKeyPair),
}

impl PrivateKey {
    /// Reads a private key in PEM: PKCS#8, PKCS#1 (RSA) or SEC 1 (EC).
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if it is not a private key, or neither RSA (2048 bits or
    /// more) nor P-256.
    pub fn from_pem(pem: &str, key_id: Option<String>) -> Result<Self> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| unusable("it is not a private key in PEM (`-----BEGIN PRIVATE KEY-----`)"))?;
        let signer = rsa(&der).or_else(|| p256(&der));
        let signer = signer.ok_or_else(|| unusable("it is neither an RSA key of 2048 bits or more nor a P-256 key"))?;
        Ok(Self { key_id, signer: Arc::new(signer) })
    }
}

/// An RSA key pair in PKCS#8 or PKCS#1; aws-lc takes 2048 bits and more.
fn rsa(der: &PrivateKeyDer<'_>) -> Option<Signer> {
    let pair = match der {
        PrivateKeyDer::Pkcs8(der) => aws_lc_rs::rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => aws_lc_rs::rsa::KeyPair::from_der(der.secret_pkcs1_der()),
        _ => return None,
    };
    pair.ok().map(Signer::Rs256)
}

/// A P-256 key pair in PKCS#8 or SEC 1.
fn p256(der: &PrivateKeyDer<'_>) -> Option<Signer> {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING as ALGORITHM, EcdsaKeyPair};
    let pair = match der {
        PrivateKeyDer::Pkcs8(der) => EcdsaKeyPair::from_pkcs8(&ALGORITHM, der.secret_pkcs8_der()),
        PrivateKeyDer::Sec1(der) => EcdsaKeyPair::from_private_key_der(&ALGORITHM, der.secret_sec1_der()),
        _ => return None,
    };
    pair.ok().map(Signer::Es256)
}

/// Says why, and never what was in the key.
fn unusable(why: &str) -> Error {
    Error::new(Code::ConfigInvalid, format!("the private key cannot be used: {why}"))
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}
