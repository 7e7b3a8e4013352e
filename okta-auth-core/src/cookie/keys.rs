//! Keys, derived from the cookie secrets for one purpose each.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

use super::seal::{SealKey, Sealer};
use crate::error::{Code, Error, Result};
use crate::secret::{Secret, random_bytes};

/// What a value is sealed for. A value sealed for one purpose does not open for
/// another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Session,
    PendingLogin,
    StoredSession,
}

impl Purpose {
    /// The text that keys and associated data are bound to.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::PendingLogin => "pending login",
            Self::StoredSession => "stored session",
        }
    }
}

/// The cookie secrets: the first one seals, all of them open.
pub(crate) struct CookieKeys(Vec<Zeroizing<Vec<u8>>>);

impl CookieKeys {
    /// Takes the secrets, which the configuration has checked for length.
    pub(crate) fn new(secrets: &[Secret]) -> Self {
        Self(secrets.iter().map(|secret| Zeroizing::new(secret.expose().as_bytes().to_vec())).collect())
    }

    /// A random secret: values sealed with it die with the process.
    pub(crate) fn random() -> Result<Self> {
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(random_bytes()?);
        Ok(Self(vec![Zeroizing::new(bytes.to_vec())]))
    }

    /// The sealer for a purpose and a tenant. Keys are derived here, once, not for each
    /// request.
    pub(crate) fn sealer(&self, purpose: Purpose, tenant: &str) -> Result<Sealer> {
        let keys: Option<Vec<SealKey>> = self.0.iter().map(|secret| derive(secret, purpose)).collect();
        let keys = keys.ok_or_else(|| Error::new(Code::Internal, "the cookie keys cannot be derived"))?;
        Ok(Sealer::new(keys, purpose, tenant))
    }
}

/// HKDF (RFC 5869) with the purpose in `info`; the key id is derived beside the key and
/// tells nothing about it.
fn derive(secret: &[u8], purpose: Purpose) -> Option<SealKey> {
    let extracted = Salt::new(HKDF_SHA256, b"okta-auth cookie v1").extract(secret);
    let expand = |part: &str, out: &mut [u8]| {
        let info = [part.as_bytes(), b"\0", purpose.label().as_bytes()];
        let length = Length(out.len());
        extracted.expand(&info, length).and_then(|okm| okm.fill(out)).ok()
    };
    let mut key = Zeroizing::new([0; 32]);
    let mut id = [0; 4];
    expand("key", key.as_mut_slice())?;
    expand("id", &mut id)?;
    Some(SealKey { id, key: RandomizedNonceKey::new(&AES_256_GCM_SIV, key.as_slice()).ok()? })
}

/// A length, as HKDF of aws-lc-rs wants it.
#[derive(Clone, Copy)]
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl fmt::Debug for CookieKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CookieKeys([redacted]; {})", self.0.len())
    }
}
