//! The OAuth 2.0 and OpenID Connect messages, and the only module that names
//! `openidconnect`.
//!
//! That crate builds and parses the messages; the bytes travel through our own bounded
//! [`HttpClient`](crate::http::HttpClient), and tokens are verified by our own
//! [`jose`](crate::jose). Its client type with 17 parameters stays in here.

mod assertion;
mod bridge;
mod client;
mod token_response;

pub(crate) use client::{AuthorizationParameters, Protocol};
pub(crate) use token_response::TokenSet;
