//! Tokens: one way to verify a signature, and rules of its own for each kind of token.
//!
//! The order is fixed: shape, header, algorithm, key, signature, and only then claims.
//! Nothing in a token chooses how it is verified but its key id, and that only among
//! the keys that the issuer publishes.

mod access_token;
mod algorithm;
mod claims;
mod compact;
mod id_token;
mod jwk;
mod jwks;
mod verifier;

pub(crate) use access_token::AccessTokenRules;
pub use access_token::{AccessTokenClaims, VerifiedAccessToken};
pub use algorithm::Algorithm;
pub use claims::Audience;
pub(crate) use id_token::IdTokenRules;
pub use id_token::{IdTokenClaims, VerifiedIdToken};
pub(crate) use jwks::{Keys, KeysSettings, Trust};
pub(crate) use verifier::Verifier;
