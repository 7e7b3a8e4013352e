//! Access tokens at an API (RFC 6750): from the `Authorization` header to a verified token, and
//! from a refusal to a challenge.
//!
//! # What counts as a credential
//!
//! 1. One `Authorization` header with the scheme `Bearer`, in any case, and one token after
//!    it. Another scheme is not ours to judge: for us nothing was sent.
//! 2. Two such headers, or a header and a token in the query, are 400 (RFC 6750 §2).
//! 3. A token in the query alone is refused as well, and never looked at: URLs end in logs
//!    (RFC 9700 §4.3.2). Bodies are not read.
//!
//! # How a token is verified
//!
//! Tokens of custom authorization servers are verified here, by the rules of
//! [`jose`](crate::jose). Those of the org server can be verified by Okta alone, so Okta is
//! asked (RFC 7662), and the answer is kept for a short time, never past the token's expiry.
//!
//! With several issuers, the token's own `iss` chooses among those that are configured; it is
//! compared and never fetched from.
//!
//! # What is remembered
//!
//! A token that has been verified is remembered under its SHA-256, in a cache of bounded size,
//! until it expires or the issuer's keys change, whichever comes first. A token that was refused
//! is not remembered.

mod access_tokens;
mod cache;
mod challenge;
mod credentials;
mod resource;

pub(crate) use access_tokens::{AccessTokens, Authority, Introspection};
pub use challenge::WwwAuthenticate;
pub(crate) use credentials::Credentials;
pub(crate) use resource::resource_metadata;
