//! Secrets and randomness.
//!
//! A [`Secret`] is redacted in `Debug`, wiped from memory when dropped, and compared in constant time. It is serialized
//! only into sealed records.
//!
//! ```
//! # use okta_auth_core as okta_auth;
//! use okta_auth::secret::Secret;
//!
//! let secret = Secret::new("hunter2");
//! assert_eq!(format!("{secret:?}"), "Secret([redacted])");
//! assert_eq!(secret.expose(), "hunter2");
//! ```

use std::fmt;
use std::ops::Deref;

use aws_lc_rs::{constant_time, digest, rand};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroize as _;

use crate::base64url;
use crate::error::{Code, Error, Result};

/// A secret string: a client secret, a token, a PKCE verifier.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes ownership of the text.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.capacity() == text.len() {
            return Self(SecretString::from(text));
        }
        // Shrinking the buffer could move the text and leave a copy behind.
        let secret = SecretString::from(text.as_str());
        text.zeroize();
        Self(secret)
    }

    /// Returns the text. The caller is responsible for keeping it secret.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Generates a secret of 256 random bits, in the URL-safe alphabet: 43 characters.
    ///
    /// # Errors
    /// [`Code::Internal`] if the operating system provides no randomness.
    pub(crate) fn random() -> Result<Self> {
        let bytes: [u8; 32] = random_bytes()?;
        Ok(Self::new(base64url::encode(bytes)))
    }

    /// Compares with untrusted text, in constant time.
    pub(crate) fn matches(&self, other: &str) -> bool {
        constant_time_eq(self.expose().as_bytes(), other.as_bytes())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.expose())
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

/// Bytes that are wiped when dropped: decrypted data, or data to be encrypted.
///
/// A growing `Vec` reallocates and leaves a copy behind, so `append` allocates a new buffer and wipes the old one.
pub(crate) struct SecretBytes(Vec<u8>);

impl SecretBytes {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn append(&mut self, more: &[u8]) {
        if self.0.capacity().saturating_sub(self.0.len()) < more.len() {
            let double = self.0.capacity().saturating_mul(2);
            let mut larger = Vec::with_capacity(self.0.len().saturating_add(more.len()).max(double));
            larger.extend_from_slice(&self.0);
            *self = Self(larger);
        }
        self.0.extend_from_slice(more);
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl AsRef<[u8]> for SecretBytes {
    fn as_ref(&self) -> &[u8] {
        self.expose()
    }
}

impl Deref for SecretBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.expose()
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        // As a slice, because wiping byte by byte takes longer than decrypting.
        self.0.as_mut_slice().zeroize();
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes([redacted])")
    }
}

// Serialized only into sealed records, so secrets leave the process only encrypted.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::new(Code::Internal, "the operating system provides no random bytes"))?;
    Ok(bytes)
}

/// Compares in constant time, so that timing does not reveal where the first difference is. The lengths are not secret.
pub(crate) fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_secret() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret([redacted])");
    }

    #[test]
    fn append_keeps_all_bytes() {
        let mut bytes = SecretBytes::with_capacity(1);
        for part in [b"a".as_slice(), b"", b"bcd", b"e"] {
            bytes.append(part);
        }
        assert_eq!(bytes.expose(), b"abcde");
        let mut roomy = String::with_capacity(100);
        roomy.push_str("secret");
        assert_eq!(Secret::new(roomy).expose(), "secret");
    }

    #[test]
    fn random_secrets_are_256_bits_and_differ() {
        let (a, b) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_eq!(base64url::decode(a.expose()).unwrap().len(), 32);
        assert_ne!(a, b);
    }

    #[test]
    fn sha256_of_the_empty_string() {
        assert_eq!(sha256(b"")[..4], [0xe3, 0xb0, 0xc4, 0x42]);
    }
}
