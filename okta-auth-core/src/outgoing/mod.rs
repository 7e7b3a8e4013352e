//! Calls to other APIs: as the application itself, for a user, or on behalf of the user whose token this API received.
//!
//! # Who calls
//!
//! | caller | grant | token |
//! |---|---|---|
//! | a machine | client credentials (RFC 6749 §4.4) | [`MachineTokens`] |
//! | a web app, for its user | the user's own sign-in | the session's access token |
//! | an API, for the user of its caller | token exchange (RFC 8693) | [`TokenExchange`] |
//! | an app or an agent, for its user at another app | ID-JAG, and the JWT bearer grant (RFC 7523) | `IdJagTokens`, with the feature `id-jag` |
//!
//! # Protections
//!
//! - A [`Target`] names the origins that may receive a token. Scheme, host and port of each request are compared before
//!   a token is attached, and a client of this module follows no redirect.
//! - The cache returns a token only for a request with the same parameters, and for the same token or session that it
//!   was exchanged for.
//! - Every attempt at the token endpoint carries an assertion of its own, because Okta accepts each `jti` once.
//! - Tokens are wiped from memory when dropped, and do not appear in `Debug` output. Headers with a token are marked as
//!   sensitive.
//! - A bound token (DPoP, RFC 9449) is sent only with a proof for this one request. A nonce is sent only to the server
//!   that issued it.
//! - Only a token that passed every check of this API is exchanged, and only at its own org.
//!
//! # Load
//!
//! Concurrent callers share one request. Tokens are renewed in the background before they expire, with jitter. Caches
//! are bounded. Failures are cached for a short time, and a 429 until the time that Okta states.

mod authorization;
mod binding;
mod cache;
#[cfg(feature = "id-jag")]
mod id_jag_tokens;
mod issued_token;
mod machine_tokens;
mod middleware;
mod origin;
mod request;
mod service;
mod target;
mod token_endpoint;
mod token_exchange;
mod token_request;
mod user_token;

pub use authorization::Authorization;
#[cfg(feature = "id-jag")]
pub use id_jag_tokens::IdJagTokens;
pub use issued_token::IssuedToken;
pub use machine_tokens::MachineTokens;
pub use origin::RequestOrigin;
pub use request::OutgoingRequest;
pub use service::{Outgoing, OutgoingBuilder};
pub use target::Target;
pub use token_exchange::TokenExchange;
pub use token_request::TokenRequest;
pub use user_token::{UserAccessToken, UserToken, UserTokenFuture};
