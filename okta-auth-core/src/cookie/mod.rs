//! Sealed values and cookies, for pending logins and for sessions.
//!
//! # The format of a sealed value
//!
//! ```text
//! base64url( version:1 | key id:4 | nonce:12 | ciphertext | tag:16 )
//! ```
//!
//! The cipher is AES-256-GCM-SIV: unlike AES-GCM, it stays safe with random nonces at any number of values and across
//! replicas (RFC 8452 §1). Keys are derived from the cookie secrets by HKDF-SHA-256, one for each purpose. The key id
//! finds the key after a rotation; it is derived too and reveals nothing about the key.
//!
//! # Binding
//!
//! Version, purpose, tenant (issuer and client) and the name of the cookie are associated data, each prefixed with its
//! length. So a session does not open as a pending login, a cookie of one tenant does not open for another, and a value
//! does not open under another cookie name.
//!
//! # Manipulation
//!
//! A browser can only delete a value. A changed bit, a part that is missing, swapped, repeated or older than the
//! others, another encoding of the same bytes: each makes the value count as missing, and never causes an error.

mod chunks;
#[cfg(test)]
pub(crate) mod jar_for_tests;
mod keys;
mod request;
mod seal;
mod session_id;
mod settings;

pub(crate) use chunks::Chunks;
pub(crate) use keys::CookieKeys;
pub(crate) use request::RequestCookies;
pub(crate) use seal::{Purpose, Sealer};
pub(crate) use session_id::{PresentedId, SessionIds};
pub(crate) use settings::CookieSettings;
