//! The handle of a running org.
//!
//! A test holds an [`Org`] to get the connection settings, move the clock, enable faults, and read the received
//! requests.

mod builder;
mod handle;
mod outages;
mod people;
mod service;
mod sibling_orgs;
mod sign_out;
mod start;

pub use builder::OrgBuilder;
pub use handle::Org;
