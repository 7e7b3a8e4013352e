//! Session ids with a MAC, so that a made-up id is recognized without the store.
//!
//! | cookie | bytes | proven |
//! |---|---|---|
//! | current format | `id (32) \| MAC (16)` | yes: the MAC is checked, and with a wrong one the id is rejected |
//! | written before ids had a MAC | `id (32)` | no: only the store can tell |
//!
//! The MAC is HMAC-SHA-256 (RFC 2104), truncated to 128 bits as RFC 2104 §5 allows. Its message is the key of the
//! session's record. That key is a SHA-256 hash of the tenant and the id, so the MAC is bound to both, and the key that
//! a request needs anyway is hashed only once. A copy of the store has the hash, and neither the id nor the MAC. Like
//! sealed values, MACs are made with the first cookie secret and checked with all of them.

use std::sync::Arc;

use aws_lc_rs::hmac;

use crate::error::{Code, Error, Result};
use crate::secret::constant_time_eq;

const ID: usize = 32;
const MAC: usize = 16;

pub(crate) struct SessionIds {
    keys: Arc<[hmac::Key]>,
}

/// The bytes of a cookie, which may be forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PresentedId<'a> {
    /// The random bytes that identify the record.
    pub(crate) id: &'a [u8; ID],
    /// `None` in the format without a MAC.
    mac: Option<&'a [u8; MAC]>,
}

impl<'a> PresentedId<'a> {
    /// Splits the bytes of a cookie. Returns `None` if they have another length than an id.
    pub(crate) fn split(bytes: &'a [u8]) -> Option<Self> {
        let (id, mac) = bytes.split_first_chunk()?;
        let mac = if mac.is_empty() { None } else { Some(mac.try_into().ok()?) };
        Some(Self { id, mac })
    }
}

impl SessionIds {
    pub(super) fn new(keys: Arc<[hmac::Key]>) -> Self {
        Self { keys }
    }

    /// Returns the id with its MAC, as the cookie stores it. `hash` is the key of its record.
    pub(crate) fn sign(&self, id: &[u8; ID], hash: &[u8; 32]) -> Result<[u8; ID + MAC]> {
        let failed = || Error::new(Code::Internal, "the MAC of a session id cannot be computed");
        let mac = self.keys.first().and_then(|key| mac(key, hash)).ok_or_else(failed)?;
        let mut signed = [0; ID + MAC];
        let (head, tail) = signed.split_at_mut(ID);
        head.copy_from_slice(id);
        tail.copy_from_slice(&mac);
        Ok(signed)
    }

    /// Whether the MAC shows that this application issued the id; `Some(false)` for an id without one, and `None` for a
    /// wrong MAC. `hash` is the key of its record.
    pub(crate) fn prove(&self, presented: PresentedId<'_>, hash: &[u8; 32]) -> Option<bool> {
        let Some(presented) = presented.mac else { return Some(false) };
        let is_genuine = |key| mac(key, hash).is_some_and(|mac| constant_time_eq(&mac, presented));
        self.keys.iter().any(is_genuine).then_some(true)
    }
}

fn mac(key: &hmac::Key, hash: &[u8; 32]) -> Option<[u8; MAC]> {
    let mut tag = [0; 32];
    hmac::sign_to_buffer(key, hash, &mut tag).ok()?;
    tag.first_chunk().copied()
}

opaque_debug!(SessionIds, |it| keys: it.keys.len());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::CookieKeys;
    use crate::secret::Secret;

    fn ids(secrets: &[&str]) -> SessionIds {
        let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        CookieKeys::new(&secrets).session_ids().unwrap()
    }

    fn prove(ids: &SessionIds, bytes: &[u8], hash: &[u8; 32]) -> Option<bool> {
        ids.prove(PresentedId::split(bytes)?, hash)
    }

    const SECRET: &str = "a secret for tests, 32 bytes or more";
    const OTHER: &str = "another secret for tests, long enough";

    #[test]
    fn an_id_is_proven_only_by_its_own_mac() {
        let (ours, id, hash) = (ids(&[SECRET]), [7; ID], [8; 32]);
        let signed = ours.sign(&id, &hash).unwrap();
        assert_eq!(PresentedId::split(&signed).unwrap().id, &id);
        assert_eq!(prove(&ours, &signed, &hash), Some(true));
        for bit in 0..8 {
            for at in ID..signed.len() {
                let mut changed = signed;
                changed[at] ^= 1 << bit;
                assert_eq!(prove(&ours, &changed, &hash), None, "byte {at} bit {bit}");
            }
            for at in 0..hash.len() {
                let mut other = hash;
                other[at] ^= 1 << bit;
                assert_eq!(prove(&ours, &signed, &other), None, "another id or tenant");
            }
        }
        assert_eq!(prove(&ids(&[OTHER]), &signed, &hash), None, "another secret");
        assert_eq!(prove(&ids(&[OTHER, SECRET]), &signed, &hash), Some(true), "an old secret");
    }

    #[test]
    fn an_id_of_the_previous_format_is_accepted_as_unproven() {
        assert_eq!(prove(&ids(&[SECRET]), &[7; ID], &[8; 32]), Some(false));
        for length in (0..ID).chain(ID + 1..ID + MAC).chain([ID + MAC + 1]) {
            assert_eq!(PresentedId::split(&vec![7; length]), None, "{length} bytes");
        }
    }
}
