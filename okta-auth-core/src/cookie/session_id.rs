//! Session ids with a MAC, so that a made-up id is recognized without the store.
//!
//! | cookie | bytes | proven |
//! |---|---|---|
//! | current format | `id (32) \| MAC (16)` | yes: the MAC is checked, and with a wrong one the id is rejected |
//! | written before ids had a MAC | `id (32)` | no: only the store can tell |
//!
//! The MAC is HMAC-SHA-256 (RFC 2104), truncated to 128 bits as RFC 2104 §5 allows. It is bound to the tenant. Like
//! sealed values, it is made with the first cookie secret and checked with all of them.

use std::sync::Arc;

use aws_lc_rs::hmac;

use crate::error::{Code, Error, Result};
use crate::secret::constant_time_eq;

const ID: usize = 32;
const MAC: usize = 16;

pub(crate) struct SessionIds {
    keys: Arc<[hmac::Key]>,
    tenant: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PresentedId {
    /// The random bytes that identify the record.
    pub(crate) id: [u8; ID],
    /// Whether its MAC shows that this application issued it.
    pub(crate) proven: bool,
}

impl SessionIds {
    pub(super) fn new(keys: Arc<[hmac::Key]>, tenant: &str) -> Self {
        Self { keys, tenant: tenant.as_bytes().to_vec() }
    }

    /// The id with its MAC, as the cookie stores it.
    pub(crate) fn sign(&self, id: &[u8; ID]) -> Result<[u8; ID + MAC]> {
        let key = self.keys.first().ok_or_else(|| Error::new(Code::Internal, "there is no key for session ids"))?;
        let mut signed = [0; ID + MAC];
        let (head, tail) = signed.split_at_mut(ID);
        head.copy_from_slice(id);
        tail.copy_from_slice(&self.mac(key, id));
        Ok(signed)
    }

    /// Reads the bytes of a cookie. Returns `None` for another length or a wrong MAC.
    pub(crate) fn read(&self, bytes: &[u8]) -> Option<PresentedId> {
        let (id, mac) = bytes.split_first_chunk::<ID>()?;
        let proven = !mac.is_empty();
        let genuine = !proven || self.keys.iter().any(|key| constant_time_eq(&self.mac(key, id), mac));
        genuine.then_some(PresentedId { id: *id, proven })
    }

    /// The MAC of an id. The id has a fixed length, so the tenant needs no length prefix.
    fn mac(&self, key: &hmac::Key, id: &[u8; ID]) -> [u8; MAC] {
        let mut context = hmac::Context::with_key(key);
        context.update(id);
        context.update(&self.tenant);
        let tag = context.sign();
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }
}

opaque_debug!(SessionIds, |it| keys: it.keys.len());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::CookieKeys;
    use crate::secret::Secret;

    fn ids(secrets: &[&str], tenant: &str) -> SessionIds {
        let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        CookieKeys::new(&secrets).session_ids(tenant).unwrap()
    }

    const SECRET: &str = "a secret for tests, 32 bytes or more";
    const OTHER: &str = "another secret for tests, long enough";

    #[test]
    fn an_id_is_proven_only_by_its_own_mac() {
        let (ours, id) = (ids(&[SECRET], "acme"), [7; ID]);
        let signed = ours.sign(&id).unwrap();
        assert_eq!(ours.read(&signed), Some(PresentedId { id, proven: true }));
        for at in 0..signed.len() {
            for bit in 0..8 {
                let mut changed = signed;
                changed[at] ^= 1 << bit;
                assert_eq!(ours.read(&changed), None, "byte {at} bit {bit}");
            }
        }
        assert_eq!(ids(&[SECRET], "globex").read(&signed), None, "another tenant");
        assert_eq!(ids(&[OTHER], "acme").read(&signed), None, "another secret");
        assert_eq!(
            ids(&[OTHER, SECRET], "acme").read(&signed),
            Some(PresentedId { id, proven: true }),
            "an old secret"
        );
    }

    #[test]
    fn an_id_of_the_previous_format_is_accepted_as_unproven() {
        assert_eq!(ids(&[SECRET], "acme").read(&[7; ID]), Some(PresentedId { id: [7; ID], proven: false }));
        for length in (0..ID).chain(ID + 1..ID + MAC).chain([ID + MAC + 1]) {
            assert_eq!(ids(&[SECRET], "acme").read(&vec![7; length]), None, "{length} bytes");
        }
    }
}
