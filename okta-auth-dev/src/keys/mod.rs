//! Signing keys: generation, publication, rotation and use.
//!
//! Okta publishes two or three RSA keys, any of which may sign, and rotates them about four times a year without
//! notice. A key has three states: NEXT is published but does not sign yet, ACTIVE signs, EXPIRED is no longer
//! published.
//!
//! Each authorization server has its own keys. They are generated on first use and kept in memory only.

mod client_key;
mod jwk;
mod ring;
mod signing_key;

pub use client_key::ClientKey;
pub(crate) use jwk::{thumbprint, verify_with_jwk};
pub(crate) use ring::{KeyRing, Special};
pub use signing_key::Algorithm;
pub(crate) use signing_key::SigningKey;
