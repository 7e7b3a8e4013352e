//! The callback: `PendingLogin` + response -> `ValidatedCallback` -> [`VerifiedIdentity`].
//!
//! 1. The response is parsed: each parameter at most once, a `state`, and either a `code` or an `error` (RFC 6749
//!    §4.1.2). A response with tokens is rejected, because the code flow requests none.
//! 2. The pending login with that state is read from this browser's cookies and consumed. Its cookie is deleted
//!    regardless of the outcome.
//! 3. The state is compared, and also the issuer if the response contains one (RFC 9207).
//! 4. The code is exchanged together with the PKCE verifier of the attempt (RFC 7636 §4.5), exactly once.
//! 5. The ID token is verified against the attempt: nonce, `max_age`, `acr_values`.
//! 6. If the ID token lacks claims, userinfo completes them. Userinfo must have the same subject.
//!
//! The types enforce the order: only a consumed login can be validated, only a validated callback can be exchanged, and
//! only a verified identity becomes a session.

mod identity;
mod refusal;
mod response;
mod validated;

pub use identity::VerifiedIdentity;
pub(crate) use response::AuthorizationResponse;
pub(crate) use validated::ValidatedCallback;
