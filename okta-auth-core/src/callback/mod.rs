//! The callback: `PendingLogin` + response -> `ValidatedCallback` ->
//! [`VerifiedIdentity`].
//!
//! 1. The response is read: each parameter at most once, a `state`, and either a `code`
//!    or an `error` (RFC 6749 §4.1.2). Tokens in it are refused: nobody asked for any.
//! 2. The pending sign-in with that state is looked for in this browser's cookies, and
//!    its cookie is deleted whatever comes of it.
//! 3. The state is compared, and the issuer where the response names one (RFC 9207).
//! 4. The code is exchanged together with the PKCE verifier of the attempt (RFC 7636
//!    §4.5), exactly once.
//! 5. The ID token is verified against the attempt: nonce, `max_age`, `acr_values`.
//! 6. Where the ID token is thin, userinfo completes it, and has to speak of the same
//!    subject.
//!
//! The types make a wrong order impossible: only a validated callback can be exchanged,
//! and only a verified identity becomes a session.

mod identity;
mod refusal;
mod response;
mod validated;

pub use identity::VerifiedIdentity;
pub(crate) use response::AuthorizationResponse;
pub(crate) use validated::{Exchange, ValidatedCallback};
