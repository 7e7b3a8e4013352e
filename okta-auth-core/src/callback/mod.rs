//! The callback: `PendingLogin` + response ->
//! `ValidatedCallback` -> [`VerifiedIdentity`].
//!
//! The types make a wrong order impossible: only a validated callback can be exchanged,
//! and only a verified identity becomes a session.

mod identity;
mod response;
mod validated;

pub use identity::VerifiedIdentity;
pub(crate) use response::AuthorizationResponse;
pub(crate) use validated::{Exchange, ValidatedCallback};
