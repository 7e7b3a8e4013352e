//! Authenticated encryption of cookie values: AES-256-GCM-SIV, whose random nonces stay safe at any volume and across
//! replicas (RFC 8452 §9).
//!
//! A sealed value is `version (1) | key id (4) | nonce (12) | ciphertext | tag (16)`, in base64url without padding.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use aws_lc_rs::aead::{Aad, Nonce, RandomizedNonceKey};

use crate::base64url;
use crate::error::{Code, Error, Result};
use crate::secret::SecretBytes;

/// The format. A value of another version does not open.
const VERSION: u8 = 1;
/// The format of values that are also bound to a version number.
const NUMBERED: u8 = 2;
const ID: usize = 4;
/// The bytes of a nonce (RFC 8452 §4).
const NONCE: usize = 12;
const HEADER: usize = 1 + ID + NONCE;
/// The bytes of a tag (RFC 8452 §4).
const TAG: usize = 16;

/// The longest accepted text. Our cookies are shorter; the limit bounds the work for an attacker's value.
const MAX_TEXT: usize = 32 * 1024;

/// The purpose of a sealed value. A value that was sealed for one purpose does not open for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Session,
    PendingLogin,
    StoredSession,
    SignOut,
    DpopNonce,
}

impl Purpose {
    /// The text that keys and associated data are bound to.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::PendingLogin => "pending login",
            Self::StoredSession => "stored session",
            Self::SignOut => "sign-out",
            Self::DpopNonce => "DPoP nonce",
        }
    }
}

pub(super) struct SealKey {
    pub(super) id: [u8; ID],
    pub(super) key: RandomizedNonceKey,
}

pub(crate) struct Sealer {
    keys: Arc<[SealKey]>,
    /// Purpose and tenant, each prefixed with its length, so that two contexts never encode to the same bytes. The
    /// format byte comes before them.
    context: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Opened {
    /// The sealed value, decrypted in place.
    bytes: SecretBytes,
    /// The position of the plain text in `bytes`.
    range: Range<usize>,
    pub(crate) needs_reseal: bool,
}

impl Opened {
    /// The plain text. It is wiped when this is dropped.
    pub(crate) fn plain(&self) -> &[u8] {
        self.bytes.get(self.range.clone()).unwrap_or_default()
    }

    pub(crate) fn into_parts(self) -> (SecretBytes, Range<usize>) {
        (self.bytes, self.range)
    }
}

impl Sealer {
    pub(super) fn new(keys: Arc<[SealKey]>, purpose: Purpose, tenant: &str) -> Self {
        let mut context = Vec::new();
        append(&mut context, purpose.label());
        append(&mut context, tenant);
        Self { keys, context }
    }

    pub(crate) fn seal(&self, name: &str, plain: &[u8]) -> Result<String> {
        Ok(base64url::encode(&*self.seal_bytes(name, plain)?))
    }

    /// Seals `plain` for the cookie or key `name`, as bytes.
    pub(crate) fn seal_bytes(&self, name: &str, plain: &[u8]) -> Result<SecretBytes> {
        self.seal_as(VERSION, self.associated_data(VERSION, name), plain)
    }

    /// Seals `plain` for a key and a version number. It opens only with the same key and number. The name that it is
    /// bound to is the key in base64url.
    pub(crate) fn seal_version(&self, key: &[u8], number: u64, plain: &[u8]) -> Result<SecretBytes> {
        self.seal_as(NUMBERED, self.numbered_data(key, number), plain)
    }

    fn seal_as(&self, format: u8, data: Vec<u8>, plain: &[u8]) -> Result<SecretBytes> {
        let failed = || Error::new(Code::Internal, "a cookie could not be sealed");
        let first = self.keys.first().ok_or_else(|| Error::new(Code::Internal, "there is no cookie key"))?;
        // Sealed in place in one buffer: if anything fails, the plain text is wiped.
        let mut sealed = Vec::with_capacity(HEADER.saturating_add(plain.len()).saturating_add(TAG));
        sealed.push(format);
        sealed.extend_from_slice(&first.id);
        sealed.extend_from_slice(&[0; NONCE]);
        sealed.extend_from_slice(plain);
        sealed.extend_from_slice(&[0; TAG]);
        let mut sealed = SecretBytes::new(sealed);
        let (header, rest) = sealed.expose_mut().split_at_mut_checked(HEADER).ok_or_else(failed)?;
        let (body, end) = rest.split_last_chunk_mut::<TAG>().ok_or_else(failed)?;
        let (nonce, tag) = first.key.seal_in_place_separate_tag(Aad::from(data), body).map_err(|_| failed())?;
        end.copy_from_slice(tag.as_ref());
        if let Some(place) = header.last_chunk_mut::<NONCE>() {
            place.copy_from_slice(nonce.as_ref());
        }
        Ok(sealed)
    }

    /// Opens the output of [`seal`](Self::seal) for the same name. Anything else is `None`, without a reason, so that
    /// an attacker learns nothing.
    pub(crate) fn open(&self, name: &str, text: impl AsRef<[u8]>) -> Option<Opened> {
        let text = text.as_ref();
        if text.len() > MAX_TEXT {
            return None;
        }
        // Decoding is strict: another encoding of the same bytes, with stray trailing bits, is
        // rejected too.
        self.open_bytes(name, SecretBytes::new(base64url::decode(text).ok()?))
    }

    /// Opens the output of [`seal_bytes`](Self::seal_bytes) for the same name.
    pub(crate) fn open_bytes(&self, name: &str, sealed: SecretBytes) -> Option<Opened> {
        self.open_as(sealed, |format| (format == VERSION).then(|| self.associated_data(VERSION, name)))
    }

    /// Opens the output of [`seal_version`](Self::seal_version) for the same key and number. It also opens records that
    /// version 0.1 made with [`seal_bytes`](Self::seal_bytes), which are bound to no number.
    pub(crate) fn open_version(&self, key: &[u8], number: u64, sealed: SecretBytes) -> Option<Opened> {
        self.open_as(sealed, |format| match format {
            NUMBERED => Some(self.numbered_data(key, number)),
            VERSION => Some(self.associated_data(VERSION, &base64url::encode(key))),
            _ => None,
        })
    }

    fn open_as(&self, mut sealed: SecretBytes, data: impl FnOnce(u8) -> Option<Vec<u8>>) -> Option<Opened> {
        let (header, body) = sealed.expose_mut().split_at_mut_checked(HEADER)?;
        let (version, rest) = header.split_first()?;
        let (id, nonce) = rest.split_at_checked(ID)?;
        let data = data(*version)?;
        let (position, key) = self.keys.iter().enumerate().find(|(_, key)| key.id == id)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = key.key.open_in_place(nonce, Aad::from(data), body).ok()?.len();
        let range = HEADER..HEADER.checked_add(length)?;
        Some(Opened { bytes: sealed, range, needs_reseal: position > 0 })
    }

    /// The associated data: format, purpose, tenant, and the name of the cookie.
    fn associated_data(&self, format: u8, name: &str) -> Vec<u8> {
        let mut data = self.context_data(format, name.len());
        data.extend_from_slice(name.as_bytes());
        data
    }

    fn numbered_data(&self, key: &[u8], number: u64) -> Vec<u8> {
        let mut data = self.context_data(NUMBERED, base64url::encoded_len(key));
        base64url::append_bytes(key, &mut data);
        data.extend_from_slice(&number.to_be_bytes());
        data
    }

    /// The associated data up to the length of the name, with room for the name and a version number.
    fn context_data(&self, format: u8, name_len: usize) -> Vec<u8> {
        let room = [1, self.context.len(), size_of::<u64>(), name_len, size_of::<u64>()];
        let mut data = Vec::with_capacity(room.into_iter().fold(0, usize::saturating_add));
        data.push(format);
        data.extend_from_slice(&self.context);
        append_len(&mut data, name_len);
        data
    }
}

fn append(data: &mut Vec<u8>, text: &str) {
    append_len(data, text.len());
    data.extend_from_slice(text.as_bytes());
}

fn append_len(data: &mut Vec<u8>, length: usize) {
    data.extend_from_slice(&u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::CookieKeys;
    use super::*;
    use crate::secret::Secret;

    fn keys(texts: &[&str]) -> CookieKeys {
        CookieKeys::new(&texts.iter().map(|text| Secret::new(*text)).collect::<Vec<_>>())
    }

    fn sealer(purpose: Purpose, tenant: &str) -> Sealer {
        keys(&["one secret that is long enough...."]).sealer(purpose, tenant).unwrap()
    }

    #[test]
    fn a_value_opens_only_for_its_own_name_purpose_tenant_and_key() {
        let sealed = sealer(Purpose::Session, "a").seal("n", b"plain").unwrap();
        assert_eq!(sealer(Purpose::Session, "a").open("n", &sealed).unwrap().plain(), b"plain");
        assert!(sealer(Purpose::Session, "b").open("n", &sealed).is_none());
        assert!(sealer(Purpose::PendingLogin, "a").open("n", &sealed).is_none());
        assert!(sealer(Purpose::Session, "a").open("m", &sealed).is_none());
        let other = keys(&["another secret that is long enough."]).sealer(Purpose::Session, "a").unwrap();
        assert!(other.open("n", &sealed).is_none());
    }

    #[test]
    fn purposes_differ_in_the_key_and_in_the_context() {
        let keys = |purpose| sealer(purpose, "a").keys;
        let context = Sealer::new(keys(Purpose::Session), Purpose::PendingLogin, "a");
        let key = Sealer::new(keys(Purpose::PendingLogin), Purpose::Session, "a");
        let sealed = sealer(Purpose::Session, "a").seal("n", b"plain").unwrap();
        assert!(context.open("n", &sealed).is_none(), "the same key, another context");
        assert_ne!(key.keys[0].id, sealer(Purpose::Session, "a").keys[0].id, "another key");
    }

    #[test]
    fn contexts_cannot_be_shifted_into_each_other() {
        let sealed = sealer(Purpose::Session, "ab").seal("c", b"plain").unwrap();
        assert!(sealer(Purpose::Session, "a").open("bc", &sealed).is_none());
    }

    #[test]
    fn a_versioned_value_opens_only_with_its_own_number() {
        let sealer = sealer(Purpose::StoredSession, "a");
        let name = base64url::encode(b"n");
        let sealed = || SecretBytes::new(sealer.seal_version(b"n", 7, b"plain").unwrap().to_vec());
        assert_eq!(sealer.open_version(b"n", 7, sealed()).unwrap().plain(), b"plain");
        assert!(sealer.open_version(b"n", 8, sealed()).is_none() && sealer.open_version(b"m", 7, sealed()).is_none());
        assert!(sealer.open_bytes(&name, sealed()).is_none(), "it does not open without a number");
        let data = [sealer.associated_data(NUMBERED, &name), 7_u64.to_be_bytes().to_vec()].concat();
        assert_eq!(sealer.numbered_data(b"n", 7), data);
        // It does not open either if its format byte is changed to the format without a number.
        let mut relabelled = sealed().to_vec();
        relabelled[0] = VERSION;
        assert!(sealer.open_version(b"n", 7, SecretBytes::new(relabelled)).is_none());
        // A record of version 0.1.
        let old = || SecretBytes::new(sealer.seal_bytes(&name, b"plain").unwrap().to_vec());
        assert!(sealer.open_version(b"n", 7, old()).is_some() && sealer.open_version(b"n", 8, old()).is_some());
        let mut relabelled = old().to_vec();
        relabelled[0] = NUMBERED;
        assert!(sealer.open_version(b"n", 7, SecretBytes::new(relabelled)).is_none());
    }

    #[test]
    fn equal_values_seal_differently() {
        let sealer = sealer(Purpose::Session, "a");
        assert_ne!(sealer.seal("n", b"plain").unwrap(), sealer.seal("n", b"plain").unwrap());
    }

    #[test]
    fn every_single_bit_flip_and_every_truncation_is_rejected() {
        let sealer = sealer(Purpose::Session, "a");
        let sealed = sealer.seal("n", b"some plain text of a session").unwrap();
        assert!(sealer.open("n", &sealed).is_some());
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut bytes = sealed.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                if let Ok(text) = String::from_utf8(bytes) {
                    assert!(sealer.open("n", &text).is_none(), "byte {at} bit {bit}");
                }
            }
            assert!(sealer.open("n", sealed.get(..at).unwrap()).is_none(), "cut at {at}");
        }
        assert!(sealer.open("n", format!("{sealed}A")).is_none());
        assert!(sealer.open("n", "A".repeat(MAX_TEXT + 1)).is_none());
    }

    #[test]
    fn old_keys_open_and_are_reported_and_removed_keys_do_not_open() {
        let (old, new) = ("the old secret, long enough too....", "the new secret, long enough too....");
        let sealed = keys(&[old]).sealer(Purpose::Session, "a").unwrap().seal("n", b"plain").unwrap();
        let rotating = keys(&[new, old]).sealer(Purpose::Session, "a").unwrap();
        assert!(rotating.open("n", &sealed).unwrap().needs_reseal);
        let again = rotating.seal("n", b"plain").unwrap();
        assert!(!rotating.open("n", &again).unwrap().needs_reseal);
        let rotated = keys(&[new]).sealer(Purpose::Session, "a").unwrap();
        assert!(rotated.open("n", &sealed).is_none() && rotated.open("n", &again).is_some());
    }
}
