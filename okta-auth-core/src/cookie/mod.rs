//! Sealed values and the mechanics of cookies, for pending sign-ins and for sessions.
//!
//! # What a sealed value is
//!
//! ```text
//! base64url( version:1 | key id:4 | nonce:12 | ciphertext | tag:16 )
//! ```
//!
//! The cipher is AES-256-GCM-SIV: with random nonces it stays safe at any number of
//! values and across replicas, which AES-GCM does not (RFC 8452 §1). Keys are derived
//! from the cookie secrets by HKDF-SHA-256, one for each purpose. The key id in front
//! finds the key again after a rotation; it is derived too and tells nothing about the
//! key.
//!
//! # What it is bound to
//!
//! Version, purpose, tenant (issuer and client) and the name of the cookie are
//! associated data, each with its length in front. A session is no pending sign-in, one
//! tenant's cookie is none of another's, and a value moved to another name does not
//! open.
//!
//! # What a browser can do to it
//!
//! Nothing but lose it. A bit that is changed, a part that is missing, swapped,
//! repeated or older than the others, another spelling of the same bytes: each is no
//! value at all, and never an error.

mod chunks;
mod keys;
mod request;
mod seal;
mod session_id;
mod settings;

pub(crate) use chunks::Chunks;
pub(crate) use keys::{CookieKeys, Purpose};
pub(crate) use request::RequestCookies;
pub(crate) use seal::Sealer;
pub(crate) use session_id::{PresentedId, SessionIds};
pub(crate) use settings::CookieSettings;
