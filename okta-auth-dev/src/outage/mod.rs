//! Outages: failures of a whole endpoint, started and ended while the org runs.
//!
//! A [`crate::Fault`] changes the content of a response. An outage affects whether and when the endpoint responds: with
//! an error, late, never, or only after a release. Hanging requests wait for a release and not for a time, so a test
//! controls the order of events without a clock.

mod active;
mod endpoint;

pub(crate) use active::ActiveOutages;
pub use endpoint::{Endpoint, Outage};
