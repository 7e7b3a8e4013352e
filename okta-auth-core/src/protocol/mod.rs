//! The OAuth 2.0 and OpenID Connect messages, and the only module that names
//! `openidconnect`.
//!
//! That crate writes the authorization request. Everything else is written and read
//! here: the buffers of token requests and responses hold secrets and are wiped, a
//! member of a response that is wrong is named, and Okta's error bodies come in two
//! forms (`error` and `errorCode`) at any endpoint. Tokens are verified by our own
//! [`jose`](crate::jose).

mod assertion;
mod client;
mod token_response;
mod transport;

pub(crate) use client::{AuthorizationParameters, Protocol};
pub(crate) use token_response::TokenSet;
