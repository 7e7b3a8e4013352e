//! Access tokens at an API (RFC 6750, RFC 9449): from the `Authorization` header to a verified token, and from a
//! rejection to a challenge.
//!
//! # What counts as a credential
//!
//! 1. One `Authorization` header with the scheme `Bearer`, in any case, followed by one token; or with the scheme
//!    `DPoP`, together with a `DPoP` header. Other schemes, and `DPoP` without a proof, are ignored: the request counts
//!    as one without credentials.
//! 2. Two such headers, or a header and a token in the query, are 400 (RFC 6750 §2).
//! 3. A token in the query alone is rejected without being verified, because URLs end up in logs (RFC 9700 §4.3.2).
//!    Bodies are not read.
//!
//! # How a token is verified
//!
//! Tokens of custom authorization servers are verified locally, by the rules of [`jose`](crate::jose). Only Okta can
//! verify tokens of the org server, so they are introspected (RFC 7662). The response is cached for a short time, never
//! past the token's expiry.
//!
//! A token that is bound to a key is accepted only after `DPoP` and with a proof of that key, and a token without a key
//! only after `Bearer` (RFC 9449 §7.2). The proof is verified after the token, so that a request without a valid token
//! costs no second signature.
//!
//! With several issuers, the token's own `iss` selects one of the configured issuers. It is only compared; no URL is
//! built from it.
//!
//! # What the client receives
//!
//! | request | status | challenge |
//! |---|---|---|
//! | no token, or another scheme | 401 | `Bearer`, with `resource_metadata` and without an error |
//! | two tokens, a token in the query, no token after `Bearer` | 400 | `invalid_request` |
//! | a token that does not verify, has expired, or is for another API | 401 | `invalid_token` |
//! | a token of another kind: an ID token, a logout token, a DPoP proof | 401 | `invalid_token` |
//! | a bound token after `Bearer` | 401 | `Bearer` with `invalid_token`, and `DPoP` |
//! | a token without a key after `DPoP`, or where a key is required | 401 | `DPoP` with `invalid_token` |
//! | a proof that does not fit, or was used before | 401 | `DPoP` with `invalid_dpop_proof` |
//! | a proof without a valid nonce, where the API requires one | 401 | `DPoP` with `use_dpop_nonce`, and a nonce in `DPoP-Nonce` |
//! | a proof whose first use cannot be established | 503 | none, but `Retry-After` |
//! | a valid token without the scope | 403 | `insufficient_scope`, with `scope` |
//! | a valid token from a sign-in that is too weak or too old | 401 | `insufficient_user_authentication`, with `acr_values` and `max_age` (RFC 9470) |
//! | a valid token, and a policy that denies | 403 | none: no other token would help |
//! | any token, and an issuer that is unreachable | 503 | none, but `Retry-After` |
//!
//! The challenge for a request with a proof has the scheme `DPoP` and names the accepted algorithms (`algs`).
//!
//! The description in a challenge says only whether a new token would help. The log has the reason, under its stable
//! code. Neither contains the token.
//!
//! # What is cached
//!
//! A verified token is cached under its SHA-256, in a cache of bounded size, until it expires or the issuer's keys
//! change, whichever comes first. Rejected tokens are not cached, except after introspection: every response of Okta is
//! cached for 30 s, positive or negative, so that junk causes few requests.

mod bearer_token;
mod cache;
mod challenge;
mod credentials;
mod dpop;
mod dpop_nonce;
mod introspection;
mod used_proofs;
mod verifier;

pub use bearer_token::BearerToken;
pub(crate) use challenge::{Scheme, WwwAuthenticate};
pub(crate) use credentials::{Credentials, Presented};
pub(crate) use dpop::{DpopVerifier, RequestTarget};
pub(crate) use used_proofs::ProofMemories;
pub(crate) use verifier::BearerVerifier;
