//! Sign-in of command-line tools and other devices without a browser: the device flow (RFC 8628).
//!
//! The tool shows an address and a code. Its user opens the address on any device, signs in at Okta and confirms the
//! code, while the tool polls for the tokens. It needs no web framework, no sessions and no redirect URI.
//!
//! ```no_run
//! # use okta_auth_core as okta_auth;
//! use okta_auth::device::DeviceFlow;
//!
//! # async fn run() -> Result<(), okta_auth::Error> {
//! let flow = DeviceFlow::from_env("Orders CLI")?; // OKTA_ISSUER_URI, OKTA_CLIENT_ID
//! let authorization = flow.start().await?;
//! println!("{authorization}");
//! let session = authorization.wait_for_user().await?;
//! println!("Signed in as {}", session.subject());
//! let token = session.access_token().await?; // refreshed if necessary
//! # drop(token); Ok(())
//! # }
//! ```
//!
//! # Protections
//!
//! 1. The address that the user is sent to is https and at the issuer's own origin, unless the application names
//!    another origin. http is accepted only for an issuer on this machine.
//! 2. The address and the code are untrusted text until they are checked: they have a bounded length, and no control
//!    character that a terminal would interpret.
//! 3. The text to show names the application and the host of the address, and warns of codes that another person sent,
//!    because such a code signs that person's device in (RFC 8628 §5.4).
//! 4. Polls are never sent before the interval has passed, however many callers poll. `slow_down` adds 5 s, and each
//!    failed request doubles the pause (RFC 8628 §3.5).
//! 5. The ID token is verified as in every other sign-in. The response has no nonce, because the tool never receives
//!    data through a browser.
//! 6. Tokens are wiped from memory when dropped, and do not appear in `Debug` output. A [`TokenStore`] keeps them
//!    between runs; with the feature `keyring`, the keyring of the operating system does.
//! 7. A refresh token is sent once, by one caller at a time. Its successor is stored before it is used, and a refresh
//!    by another process is detected.

mod authorization;
mod client;
mod flow;
#[cfg(feature = "keyring")]
mod keyring;
mod polling;
mod session;
mod store;
mod tokens;
mod verification;

pub use authorization::DeviceAuthorization;
pub use flow::{DeviceFlow, DeviceFlowBuilder};
pub use session::DeviceSession;
pub use store::TokenStore;
