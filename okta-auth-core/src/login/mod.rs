//! The start of a sign-in: a `PendingLogin` goes into a sealed cookie of its own, the
//! browser goes to Okta.
//!
//! Each attempt has a cookie of its own, so that parallel tabs do not overwrite each
//! other, and costs the server nothing until its callback. Only a pending login that
//! this browser holds can be completed.

mod attempts;
mod consumed;
mod options;
mod pending;
mod return_to;

pub(crate) use attempts::Attempts;
pub(crate) use consumed::Consumed;
pub use options::LoginOptions;
pub(crate) use pending::PendingLogin;
pub use return_to::ReturnTo;
