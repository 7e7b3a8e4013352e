//! The start of a sign-in: a `PendingLogin` goes into a sealed cookie of its own, the
//! browser goes to Okta.
//!
//! 1. State, nonce and PKCE verifier are made fresh, with 256 bits each.
//! 2. They are sealed together with the target, for this issuer, this client and this
//!    cookie's name, which is made from a hash of the state.
//! 3. The browser is redirected with 303 to the authorization endpoint.
//!
//! Each attempt has a cookie of its own, so that parallel tabs do not overwrite each
//! other. It costs the server nothing until its callback, and a browser holds only so
//! many: the oldest goes first. Only a pending login that this browser holds can be
//! completed, once, and within its lifetime.

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
