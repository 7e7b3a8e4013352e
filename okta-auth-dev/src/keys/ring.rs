//! The keys of one authorization server: published (NEXT), signing (ACTIVE), dropped (EXPIRED).
//!
//! A key is generated while the ring is locked on purpose, so that two concurrent requests do not generate two active
//! keys.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};

use super::signing_key::{Algorithm, KeyUse, SigningKey};
use crate::error::Error;
use crate::sync::lock;

/// A key that a fault or a token builder requested. It stays published, so that the algorithm is the only thing wrong
/// with such a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Special {
    /// Published for signatures with this algorithm.
    Signs(Algorithm),
    /// Published with `use=enc`.
    Encrypts,
}

/// The keys of one authorization server, generated on first use because that takes about 100 ms.
#[derive(Debug, Default)]
pub(crate) struct KeyRing {
    keys: Mutex<Keys>,
}

#[derive(Debug, Default)]
struct Keys {
    /// Signs. Published.
    active: Option<Arc<SigningKey>>,
    /// Signs after the next rotation. Published.
    next: Option<Arc<SigningKey>>,
    /// No longer published. Still verifies an `id_token_hint`, which may be old.
    expired: Vec<Arc<SigningKey>>,
    /// Signs the access tokens of the org's own server. Never published.
    unpublished: Option<Arc<SigningKey>>,
    /// Signs for an app that is pinned to it. Published only for that app.
    pinned: Option<Arc<SigningKey>>,
    /// Generated for faults. Published.
    special: BTreeMap<Special, Arc<SigningKey>>,
}

impl KeyRing {
    pub(crate) fn active(&self) -> Result<Arc<SigningKey>, Error> {
        made(&mut lock(&self.keys).active)
    }

    pub(crate) fn next(&self) -> Result<Arc<SigningKey>, Error> {
        made(&mut lock(&self.keys).next)
    }

    pub(crate) fn unpublished(&self) -> Result<Arc<SigningKey>, Error> {
        made(&mut lock(&self.keys).unpublished)
    }

    pub(crate) fn pinned(&self) -> Result<Arc<SigningKey>, Error> {
        made(&mut lock(&self.keys).pinned)
    }

    pub(crate) fn special(&self, special: Special) -> Result<Arc<SigningKey>, Error> {
        let active = self.active()?;
        let mut keys = lock(&self.keys);
        if let Some(key) = keys.special.get(&special) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(match special {
            Special::Encrypts => active.alias(Algorithm::Rs256, KeyUse::Encryption),
            Special::Signs(rsa @ (Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 | Algorithm::Ps256)) => {
                active.alias(rsa, KeyUse::Signature)
            }
            Special::Signs(other) => SigningKey::generate(other)?,
        });
        keys.special.insert(special, Arc::clone(&key));
        Ok(key)
    }

    /// NEXT becomes ACTIVE, ACTIVE is dropped, and a new NEXT is generated on demand. Keys of faults are dropped as
    /// well.
    pub(crate) fn rotate(&self) {
        let mut keys = lock(&self.keys);
        let dropped = keys.active.take();
        keys.expired.extend(dropped);
        keys.active = keys.next.take();
        keys.special.clear();
    }

    /// The keys that `/keys` lists: ACTIVE, NEXT, and those of faults.
    pub(crate) fn published(&self) -> Result<Vec<Map<String, Value>>, Error> {
        let (active, next) = (self.active()?, self.next()?);
        let keys = lock(&self.keys);
        Ok([&active, &next].into_iter().chain(keys.special.values()).map(|key| key.jwk()).collect())
    }

    /// Every key that may have signed for this server, including dropped ones.
    pub(crate) fn all(&self) -> Vec<Arc<SigningKey>> {
        let keys = lock(&self.keys);
        let current = [&keys.active, &keys.next, &keys.unpublished, &keys.pinned].into_iter().flatten();
        current.chain(&keys.expired).chain(keys.special.values()).cloned().collect()
    }
}

/// Returns the key in the slot, and generates it if the slot is empty.
fn made(slot: &mut Option<Arc<SigningKey>>) -> Result<Arc<SigningKey>, Error> {
    match slot {
        Some(key) => Ok(Arc::clone(key)),
        None => Ok(Arc::clone(slot.insert(Arc::new(SigningKey::generate(Algorithm::Rs256)?)))),
    }
}
