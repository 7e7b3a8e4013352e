//! Messages that the org sends to apps: a user was signed out.
//!
//! Okta's server-to-server message is Universal Logout. Back-channel logout is available for apps that also serve other
//! providers; Okta does not offer it, so the metadata does not mention it.

mod deliver;
mod logout_token;
mod notice;
mod revocation;

pub(crate) use deliver::send_all;
pub use logout_token::{LogoutToken, LogoutTokenFault};
pub use notice::{Delivery, Notice};
pub use revocation::{GlobalRevocation, RevocationFault};
