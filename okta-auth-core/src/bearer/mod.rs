//! Access tokens at an API (RFC 6750): from the `Authorization` header to a verified
//! token, and from a refusal to a challenge.
//!
//! # What counts as a credential
//!
//! 1. One `Authorization` header with the scheme `Bearer`, in any case, and one token
//!    after it. Another scheme is not ours to judge: for us nothing was sent.
//! 2. Two such headers, or a header and a token in the query, are 400 (RFC 6750 §2).
//! 3. A token in the query alone is refused as well, and never looked at: URLs end in
//!    logs (RFC 9700 §4.3.2). Bodies are not read.
//!
//! # How a token is verified
//!
//! Tokens of custom authorization servers are verified here, by the rules of
//! [`jose`](crate::jose). Those of the org server can be verified by Okta alone, so
//! Okta is asked (RFC 7662), and the answer is kept for a short time, never past the
//! token's expiry.
//!
//! With several issuers, the token's own `iss` chooses among those that are configured;
//! it is compared and never fetched from.
//!
//! # What a client is told
//!
//! | what came | status | challenge |
//! |---|---|---|
//! | nothing, or a scheme that is not ours | 401 | `Bearer`, with `resource_metadata` and without an error |
//! | two tokens, a token in the query, no token after `Bearer` | 400 | `invalid_request` |
//! | a token that does not verify, has expired, or is for another API | 401 | `invalid_token` |
//! | a token of another kind: an ID token, a logout token, a DPoP proof | 401 | `invalid_token` |
//! | a good token without the scope | 403 | `insufficient_scope`, with `scope` |
//! | a good token from a sign-in that is too weak or too old | 401 | `insufficient_user_authentication`, with `acr_values` and `max_age` (RFC 9470) |
//! | a good token, and a policy that says no | 403 | none: no other token would help |
//! | any token, and an issuer that cannot be reached | 503 | none, but `Retry-After` |
//!
//! The description in a challenge tells whether a new token would help and nothing
//! more. The log has the reason, by its stable code; neither has the token.
//!
//! # What is remembered
//!
//! A token that has been verified is remembered under its SHA-256, in a cache of
//! bounded size, until it expires or the issuer's keys change, whichever comes first. A
//! token that was refused is not remembered, but for those that Okta was asked about:
//! its answer is remembered for 30 s, good or bad, so that junk costs it few questions.

mod access_tokens;
mod cache;
mod challenge;
mod credentials;
mod introspection;
mod resource;

pub(crate) use access_tokens::{AccessTokens, Authority, claimed_issuer};
pub use challenge::WwwAuthenticate;
pub(crate) use credentials::{Credentials, Presented};
pub(crate) use introspection::Introspection;
pub(crate) use resource::resource_metadata;
