//! Keys that are derived from the cookie secrets, one for each purpose.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::seal::{Purpose, SealKey, Sealer};
use super::session_id::SessionIds;
use crate::error::{Code, Error, Result};
use crate::secret::{Secret, random_bytes};

/// The cookie secrets: the first one seals, all of them open.
pub(crate) struct CookieKeys(Vec<Zeroizing<Vec<u8>>>);

impl CookieKeys {
    pub(crate) fn new(secrets: &[Secret]) -> Self {
        Self(secrets.iter().map(|secret| Zeroizing::new(secret.expose().as_bytes().to_vec())).collect())
    }

    /// Creates a random secret: values sealed with it become unreadable when the process ends.
    pub(crate) fn random() -> Result<Self> {
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(random_bytes()?);
        Ok(Self(vec![Zeroizing::new(bytes.to_vec())]))
    }

    /// Returns the sealer for a purpose and a tenant. Keys are derived here once, and not for each request.
    pub(crate) fn sealer(&self, purpose: Purpose, tenant: &str) -> Result<Sealer> {
        let keys: Option<Vec<SealKey>> = self.0.iter().map(|secret| derive(secret, purpose)).collect();
        let keys = keys.ok_or_else(|| Error::new(Code::Internal, "the cookie keys cannot be derived"))?;
        Ok(Sealer::new(keys, purpose, tenant))
    }

    pub(crate) fn session_ids(&self, tenant: &str) -> Result<SessionIds> {
        let keys: Option<Vec<hmac::Key>> = self.0.iter().map(|secret| derive_mac_key(secret, "session id")).collect();
        let keys = keys.ok_or_else(|| Error::new(Code::Internal, "the keys of session ids cannot be derived"))?;
        Ok(SessionIds::new(keys, tenant))
    }

    /// Returns the key of a MAC for one purpose, derived from the first secret.
    pub(crate) fn mac_key(&self, purpose: &str) -> Result<hmac::Key> {
        let key = self.0.first().and_then(|secret| derive_mac_key(secret, purpose));
        key.ok_or_else(|| Error::new(Code::Internal, "the key of a MAC cannot be derived"))
    }
}

/// Derives the key of a purpose and its id. The id reveals nothing about the key.
fn derive(secret: &[u8], purpose: Purpose) -> Option<SealKey> {
    let mut key = Zeroizing::new([0; 32]);
    let mut id = [0; 4];
    expand(secret, "key", purpose.label(), key.as_mut_slice())?;
    expand(secret, "id", purpose.label(), &mut id)?;
    Some(SealKey { id, key: RandomizedNonceKey::new(&AES_256_GCM_SIV, key.as_slice()).ok()? })
}

fn derive_mac_key(secret: &[u8], label: &str) -> Option<hmac::Key> {
    let mut key = Zeroizing::new([0; 32]);
    expand(secret, "mac", label, key.as_mut_slice())?;
    Some(hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()))
}

/// HKDF (RFC 5869) with the purpose in `info`.
fn expand(secret: &[u8], part: &str, label: &str, out: &mut [u8]) -> Option<()> {
    let extracted = Salt::new(HKDF_SHA256, b"okta-auth cookie v1").extract(secret);
    let info = [part.as_bytes(), b"\0", label.as_bytes()];
    extracted.expand(&info, Length(out.len())).and_then(|okm| okm.fill(out)).ok()
}

/// A length, in the form that HKDF of aws-lc-rs requires.
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
