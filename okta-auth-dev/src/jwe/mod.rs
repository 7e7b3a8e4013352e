//! Encrypted tokens (RFC 7516) for a client's public key.

mod draft;
mod faults;
mod key_encryption;

pub(crate) use draft::JweDraft;
pub(crate) use faults::apply;
