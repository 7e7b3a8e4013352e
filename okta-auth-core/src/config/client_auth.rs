//! How the application authenticates at Okta's endpoints.

use std::fmt;
use std::sync::Arc;

use rustls_pki_types::PrivateKeyDer;

use crate::error::{Code, Error};
use crate::secret::Secret;

/// Client authentication (OIDC Core §9). The method must be the one set at Okta for the application.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientAuth {
    /// `client_secret_basic`: the secret in the `Authorization` header. Okta's default for web applications.
    SecretBasic(Secret),
    /// `client_secret_post`: the secret in the request body.
    SecretPost(Secret),
    /// `client_secret_jwt`: a short-lived assertion with an HMAC by the secret (HS256), so that the secret itself is
    /// never sent (RFC 7523 §2.2).
    SecretJwt(Secret),
    /// `private_key_jwt`: a short-lived assertion signed with the application's own key (RFC 7523 §2.2).
    PrivateKeyJwt(PrivateKey),
    /// `none`: a public client that relies on PKCE alone.
    None,
}

impl ClientAuth {
    /// Returns the client secret, for every method that has one.
    pub(crate) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::SecretBasic(secret) | Self::SecretPost(secret) | Self::SecretJwt(secret) => Some(secret),
            Self::PrivateKeyJwt(_) | Self::None => None,
        }
    }
}

/// How the application proves that it has its client secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SecretMethod {
    #[default]
    Basic,
    Post,
    Jwt,
}

impl SecretMethod {
    /// Parses the name that the method has in the metadata (OIDC Core §9).
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "client_secret_basic" => Some(Self::Basic),
            "client_secret_post" => Some(Self::Post),
            "client_secret_jwt" => Some(Self::Jwt),
            _ => None,
        }
    }

    pub(super) fn with(self, secret: Secret) -> ClientAuth {
        match self {
            Self::Basic => ClientAuth::SecretBasic(secret),
            Self::Post => ClientAuth::SecretPost(secret),
            Self::Jwt => ClientAuth::SecretJwt(secret),
        }
    }
}

/// The private key of `private_key_jwt`, with the `kid` of the public key that is registered at Okta.
#[derive(Clone)]
pub struct PrivateKey {
    pub(crate) key_id: Option<String>,
    pub(crate) signer: Arc<Signer>,
    /// The padding of signatures by an RSA key, if its JWK names an algorithm.
    pub(super) rsa_padding: Option<RsaPadding>,
}

/// The padding of RSA signatures (RFC 7518 §3.3, §3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RsaPadding {
    /// RS256, which Okta accepts.
    Pkcs1,
    /// PS256, which FAPI 2.0 requires.
    Pss,
}

/// A parsed key pair. RSA signs RS256 or PS256; P-256 signs ES256.
pub(crate) enum Signer {
    Rs256(aws_lc_rs::rsa::KeyPair),
    Es256(aws_lc_rs::signature::EcdsaKeyPair),
}

impl RsaPadding {
    /// The padding of an algorithm.
    pub(super) fn of(algorithm: &str) -> Option<Self> {
        match algorithm {
            "RS256" => Some(Self::Pkcs1),
            "PS256" => Some(Self::Pss),
            _ => None,
        }
    }
}

impl PrivateKey {
    pub(super) fn new(signer: Signer, key_id: Option<String>) -> Self {
        Self { key_id, signer: Arc::new(signer), rsa_padding: None }
    }

    pub(super) fn with_rsa_padding(self, padding: RsaPadding) -> Self {
        Self { rsa_padding: Some(padding), ..self }
    }

    /// Whether signatures by an RSA key are PS256.
    pub(crate) fn uses_pss(&self) -> bool {
        self.rsa_padding == Some(RsaPadding::Pss)
    }
}

/// Returns the key pair of a private key, or `None` if it is neither RSA with at least 2048 bits nor P-256.
pub(super) fn from_der(der: &PrivateKeyDer<'_>) -> Option<Signer> {
    rsa(der).or_else(|| p256(der))
}

/// Parses an RSA key pair in PKCS#8 or PKCS#1. aws-lc requires at least 2048 bits.
fn rsa(der: &PrivateKeyDer<'_>) -> Option<Signer> {
    let pair = match der {
        PrivateKeyDer::Pkcs8(der) => aws_lc_rs::rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => aws_lc_rs::rsa::KeyPair::from_der(der.secret_pkcs1_der()),
        _ => return None,
    };
    pair.ok().map(Signer::Rs256)
}

fn p256(der: &PrivateKeyDer<'_>) -> Option<Signer> {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING as ALGORITHM, EcdsaKeyPair};
    let pair = match der {
        PrivateKeyDer::Pkcs8(der) => EcdsaKeyPair::from_pkcs8(&ALGORITHM, der.secret_pkcs8_der()),
        PrivateKeyDer::Sec1(der) => EcdsaKeyPair::from_private_key_der(&ALGORITHM, der.secret_sec1_der()),
        _ => return None,
    };
    pair.ok().map(Signer::Es256)
}

/// The message says why the key is unusable, and never contains any part of it.
pub(super) fn unusable(why: impl fmt::Display) -> Error {
    Error::new(Code::ConfigInvalid, format!("the private key cannot be used: {why}"))
}

opaque_debug!(PrivateKey, |it| key_id: it.key_id);
