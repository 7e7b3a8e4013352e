//! The keys of one authorization server, from announced (NEXT) over signing (ACTIVE) to
//! dropped (EXPIRED).
//!
//! Making a key while the ring is locked is intended: two requests at the same time
//! must not make two active keys.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};

use super::{Algorithm, KeyUse, SigningKey};
use crate::error::Error;
use crate::sync::lock;

/// A key that exists only because a fault or a minted token asked for it. Once made it
/// stays published, so that the one thing wrong with such a token is its algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Special {
    /// Published for signatures with this algorithm.
    Signs(Algorithm),
    /// Published with `use=enc`.
    Encrypts,
}

/// The keys of one authorization server. They are made when they are first needed,
/// because that takes about 100 ms.
#[derive(Debug, Default)]
pub(crate) struct KeyRing {
    keys: Mutex<Keys>,
}

/// What the lock guards.
#[derive(Debug, Default)]
struct Keys {
    /// Signs. Published.
    active: Option<Arc<SigningKey>>,
    /// Waits. Published.
    next: Option<Arc<SigningKey>>,
    /// No longer published. Still good for an `id_token_hint`, which may be old.
    expired: Vec<Arc<SigningKey>>,
    /// Signs the access tokens of the org's own server. Never published.
    unpublished: Option<Arc<SigningKey>>,
    /// Signs for an app that is pinned to it. Published for that app alone.
    pinned: Option<Arc<SigningKey>>,
    /// Made for faults. Published.
    special: BTreeMap<Special, Arc<SigningKey>>,
}

impl KeyRing {
    /// The key that signs.
    pub(crate) fn active(&self) -> Result<Arc<SigningKey>, Error> {
        made(&mut lock(&self.keys).active)
    }

    /// The key that is published and will sign after the next rotation.
    pub(crate) fn next(&self) -> Result<Arc<SigningKey>, Error> {
        made(&mut lock(&self.keys).next)
    }

    /// The key that is never published.
    pub(crate) fn unpublished(&self) -> Result<Arc<SigningKey>, Error> {
        made(&mut lock(&self.keys).unpublished)
    }

    /// The key that is published for one app alone.
    pub(crate) fn pinned(&self) -> Result<Arc<SigningKey>, Error> {
        made(&mut lock(&self.keys).pinned)
    }

    /// A key for a fault.
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

    /// NEXT becomes ACTIVE, ACTIVE is dropped, and a new NEXT will be made. Keys that
    /// faults made go too.
    pub(crate) fn rotate(&self) {
        let mut keys = lock(&self.keys);
        let dropped = keys.active.take();
        keys.expired.extend(dropped);
        keys.active = keys.next.take();
        keys.special.clear();
    }

    /// What `/keys` lists: ACTIVE, NEXT, and what faults asked for.
    pub(crate) fn published(&self) -> Result<Vec<Map<String, Value>>, Error> {
        let (active, next) = (self.active()?, self.next()?);
        let keys = lock(&self.keys);
        Ok([&active, &next].into_iter().chain(keys.special.values()).map(|key| key.jwk()).collect())
    }

    /// Every key this server may have signed with, dropped ones included.
    pub(crate) fn all(&self) -> Vec<Arc<SigningKey>> {
        let keys = lock(&self.keys);
        let current = [&keys.active, &keys.next, &keys.unpublished, &keys.pinned].into_iter().flatten();
        current.chain(&keys.expired).chain(keys.special.values()).cloned().collect()
    }
}

/// The key in the slot, made now if the slot is empty.
fn made(slot: &mut Option<Arc<SigningKey>>) -> Result<Arc<SigningKey>, Error> {
    match slot {
        Some(key) => Ok(Arc::clone(key)),
        None => Ok(Arc::clone(slot.insert(Arc::new(SigningKey::generate(Algorithm::Rs256)?)))),
    }
}
