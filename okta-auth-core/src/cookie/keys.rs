//! Keys that are derived from the cookie secrets, one for each purpose.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM_SIV, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::seal::{Purpose, SealKey, Sealer};
use super::session_id::SessionIds;
use crate::error::{Code, Error, Result};
use crate::secret::{Secret, random_bytes};

/// The cookie secrets: the first one seals, all of them open.
///
/// Keys are derived once, and all tenants share them, because deriving them takes most of the time of making a tenant
/// ready. Sealed values are bound to their tenant by associated data.
pub(crate) struct CookieKeys {
    secrets: Vec<Zeroizing<Vec<u8>>>,
    seal_keys: Derived<Purpose, SealKey>,
    mac_keys: Derived<&'static str, hmac::Key>,
}

/// Keys by their purpose, each with one key for each secret.
type Derived<P, K> = Mutex<Vec<(P, Arc<[K]>)>>;

impl CookieKeys {
    pub(crate) fn new(secrets: &[Secret]) -> Self {
        Self::of(secrets.iter().map(|secret| Zeroizing::new(secret.expose().as_bytes().to_vec())).collect())
    }

    /// Creates the keys of an application. Without a secret they are random.
    pub(crate) fn of_secrets(secrets: &[Secret]) -> Result<Self> {
        if secrets.is_empty() { Self::random() } else { Ok(Self::new(secrets)) }
    }

    /// Creates a random secret: values sealed with it become unreadable when the process ends.
    pub(crate) fn random() -> Result<Self> {
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(random_bytes()?);
        Ok(Self::of(vec![Zeroizing::new(bytes.to_vec())]))
    }

    fn of(secrets: Vec<Zeroizing<Vec<u8>>>) -> Self {
        Self { secrets, seal_keys: Derived::default(), mac_keys: Derived::default() }
    }

    /// Returns the sealer for a purpose and a tenant.
    pub(crate) fn sealer(&self, purpose: Purpose, tenant: &str) -> Result<Sealer> {
        let keys = self.derived(&self.seal_keys, purpose, |secret| derive(secret, purpose))?;
        Ok(Sealer::new(keys, purpose, tenant))
    }

    pub(crate) fn session_ids(&self) -> Result<SessionIds> {
        Ok(SessionIds::new(self.mac_keys("session id")?))
    }

    /// Returns the key of a MAC for one purpose, derived from the first secret.
    pub(crate) fn mac_key(&self, purpose: &'static str) -> Result<hmac::Key> {
        let key = self.mac_keys(purpose)?.first().cloned();
        key.ok_or_else(|| Error::new(Code::Internal, "the key of a MAC cannot be derived"))
    }

    fn mac_keys(&self, purpose: &'static str) -> Result<Arc<[hmac::Key]>> {
        self.derived(&self.mac_keys, purpose, |secret| derive_mac_key(secret, purpose))
    }

    fn derived<P: Copy + PartialEq, K>(
        &self,
        known: &Derived<P, K>,
        purpose: P,
        derive: impl Fn(&[u8]) -> Option<K>,
    ) -> Result<Arc<[K]>> {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, keys)) = known.iter().find(|(of, _)| *of == purpose) {
            return Ok(Arc::clone(keys));
        }
        let keys: Option<Arc<[K]>> = self.secrets.iter().map(|secret| derive(secret)).collect();
        let keys = keys.ok_or_else(|| Error::new(Code::Internal, "the cookie keys cannot be derived"))?;
        known.push((purpose, Arc::clone(&keys)));
        Ok(keys)
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
        write!(f, "CookieKeys([redacted]; {})", self.secrets.len())
    }
}
