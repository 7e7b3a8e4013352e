//! DPoP (RFC 9449): proofs, and the nonces that the org issues for them.

mod nonce;
mod proof;

pub(crate) use nonce::Nonces;
pub(crate) use proof::{Proof, identity_of};
