//! The start of a sign-in: a `PendingLogin` is stored in its own sealed cookie, and the browser is redirected to Okta.
//!
//! 1. State, nonce and PKCE verifier are generated for each attempt, with 256 bits each.
//! 2. They are sealed together with the return target, for this issuer, this client and this cookie's name, which
//!    contains a hash of the state.
//! 3. The browser is redirected with 303 to the authorization endpoint.
//!
//! Each attempt has its own cookie, so that parallel tabs do not overwrite each other. The server stores nothing until
//! the callback. The number of attempts in a browser is limited, and the oldest is evicted first. A pending login can
//! be completed only by the browser that holds it, once, and within its lifetime.

mod consumed;
mod options;
mod pending;
mod pending_logins;
mod return_to;
mod used_states;

pub(crate) use consumed::ConsumedLogin;
pub use options::LoginOptions;
pub(crate) use pending::PendingLogin;
pub(crate) use pending_logins::PendingLogins;
pub use return_to::ReturnTo;
pub(crate) use used_states::UsedStates;
