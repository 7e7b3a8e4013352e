//! Tokens: one way to verify a signature, and rules of its own for each kind of token.
//!
//! The order is fixed: shape, header, algorithm, key, signature, and only then claims.
//! Nothing in a token chooses how it is verified but its key id, and that only among
//! the keys that the issuer publishes.
//!
//! # Rules for every token
//!
//! 1. At most 32 KiB, exactly three parts, each in strict base64url (RFC 7515 §7.1).
//!    Five parts are an encrypted token, which is told apart and refused.
//! 2. The header is a JSON object with each name once. `crit` and `b64` are refused,
//!    since no extension is understood (RFC 7515 §4.1.11). `jku`, `jwk`, `x5u` and
//!    `x5c` are not even read (RFC 8725 §3.10).
//! 3. `typ`, where there is one, is that of the expected kind (RFC 8725 §3.11). Okta
//!    sends none.
//! 4. `alg` is on the configured allow-list: RS256 alone by default. `none` and HMAC
//!    cannot be put on it (RFC 8725 §3.1, §3.2).
//! 5. The key is chosen by `kid`, `kty`, `use` and `alg`. Without a `kid` exactly one
//!    key must fit.
//! 6. The signature verifies. The payload is not looked at before that.
//! 7. The payload is a JSON object with each name once, and each claim with a meaning
//!    here is of its type. Times are numbers, with or without a fraction (RFC 7519 §2).
//! 8. `iss`, `sub`, `aud`, `exp` and `iat` are there and right, and `nbf` where it is
//!    there.
//! 9. Identifiers (`sub`, `sid`, `jti`, clients) have 1 to 255 characters and no control
//!    characters.
//! 10. A refusal names its claim ([`Error::claim`](crate::error::Error::claim)).
//!
//! # Rules for ID tokens (OIDC Core §3.1.3.7)
//!
//! The audience is this client and nobody else, `azp` is this client where it is there,
//! the nonce is the one of the attempt, `at_hash` belongs to the access token where it
//! is there, `auth_time` satisfies the `max_age` that was asked for, and `acr` is one
//! of the `acr_values` that were asked for. `iat` is at most a day old. `session_expiry`
//! is a time. `amr` is a list; a single string counts as a list of one. Optional claims
//! that are `null` count as absent.
//!
//! # Rules for access tokens (RFC 9068 §4, in Okta's form)
//!
//! The audience is this API, a client is named (`cid` or `client_id`), and nothing of
//! an ID token or a logout token is there. A token that is bound to a key (`cnf`) is
//! refused as a bearer token (RFC 9449 §7.2).
//!
//! # Rules for logout tokens (OIDC Back-Channel Logout §2.6)
//!
//! `typ` is absent, `JWT` or `logout+jwt`. The audience is this client and nobody else,
//! `events` has the one event, `jti` is there, and so is `sub` or `sid` or both.
//! Nothing of another kind is there: no `nonce`, no `scp`. `iat` is at most five
//! minutes old.
//!
//! # Rules for revocation tokens (Global Token Revocation, Okta's Universal Logout)
//!
//! `typ` is `global-token-revocation+jwt`. `sub` is this client, the audience is the
//! URL of the endpoint and nothing else, `jti` is there, and `exp` is at most 15
//! minutes after `iat`.
//!
//! Tokens of both kinds are used once. The caller remembers their `jti`, which says for
//! how long.

mod access_payload;
mod access_token;
mod algorithm;
mod claims;
mod compact;
mod id_token;
mod jwk;
mod jwks;
mod logout_token;
mod message;
mod revocation_token;
mod verifier;

pub use access_token::{AccessTokenClaims, VerifiedAccessToken};
pub(crate) use access_token::{AccessTokenRules, IntrospectionRules};
pub use algorithm::Algorithm;
pub use claims::Audience;
pub(crate) use claims::{check_email, is_identifier};
pub(crate) use id_token::IdTokenRules;
pub use id_token::{IdTokenClaims, VerifiedIdToken};
pub(crate) use jwks::{Keys, KeysSettings, Trust};
pub(crate) use logout_token::{Ends, LogoutTokenRules};
pub(crate) use message::Once;
pub(crate) use revocation_token::RevocationTokenRules;
pub(crate) use verifier::{KeysVersion, Verifier};

#[cfg(test)]
pub(crate) mod issuer_for_tests;
#[cfg(test)]
mod message_tests;
#[cfg(test)]
mod vector_tests;
