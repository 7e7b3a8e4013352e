//! The claims of a token whose signature has been verified.

use std::time::Duration;

use super::algorithm::Algorithm;
use super::claims::Payload;
use crate::clock::Timestamp;

/// The input of the rules for each kind of token.
#[derive(Debug)]
pub(super) struct VerifiedClaims {
    pub(super) payload: Payload,
    /// The algorithm of the signature, which `at_hash` depends on.
    pub(super) algorithm: Algorithm,
    /// When the token was verified: one moment for all checks of times.
    pub(super) now: Timestamp,
    pub(super) leeway: Duration,
}
