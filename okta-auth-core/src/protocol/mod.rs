//! The OAuth 2.0 and OpenID Connect messages, and the only module that names
//! `openidconnect`.
//!
//! That crate builds the authorization request and the code exchange and reads the
//! token response. The bytes travel through our own bounded
//! [`HttpClient`](crate::http::HttpClient), and tokens are verified by our own
//! [`jose`](crate::jose). Its client type with 17 parameters stays in here.
//!
//! Three things are done here by hand. Revocation, because the crate refuses an http
//! endpoint even on this machine. `private_key_jwt`, which it does not have. And Okta's
//! error bodies, which come in two forms (`error` and `errorCode`) at any endpoint.

mod assertion;
mod bridge;
mod client;
mod token_response;

pub(crate) use client::{AuthorizationParameters, Protocol};
pub(crate) use token_response::TokenSet;
