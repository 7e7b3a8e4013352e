//! Token verification: one procedure for signatures, and separate rules for each kind of token.
//!
//! The order is fixed: structure, header, algorithm, key, signature, and only then claims. A token influences its
//! verification only by its key id, which selects among the keys that the issuer publishes.
//!
//! # Rules for every token
//!
//! 1. A token has at most 32 KiB and exactly three parts, each in strict base64url (RFC 7515 §7.1). A token with five
//!    parts is encrypted and is rejected with its own error.
//! 2. The header is a JSON object without duplicate names. `crit` and `b64` are rejected, because no extension is
//!    supported (RFC 7515 §4.1.11). `jku`, `jwk`, `x5u` and `x5c` are never read (RFC 8725 §3.10), except the `jwk` of
//!    a DPoP proof.
//! 3. `typ`, if present, is that of the expected kind (RFC 8725 §3.11). Okta sends none.
//! 4. `alg` is on the configured allow-list, which by default contains only RS256. `none` and HMAC cannot be added to
//!    it (RFC 8725 §3.1, §3.2).
//! 5. The key is selected by `kid`, `kty`, `use` and `alg`. Without a `kid` exactly one key must match.
//! 6. The signature is valid. The payload is not parsed before that.
//! 7. The payload is a JSON object without duplicate names, and each claim with a meaning here has its type. Times are
//!    numbers, with or without a fraction (RFC 7519 §2).
//! 8. `iss`, `sub`, `aud`, `exp` and `iat` are present and valid, and so is `nbf` if present.
//! 9. Identifiers (`sub`, `jti`, clients) have 1 to 255 characters, `sid` up to 2,048, and none a control character.
//! 10. The error for an invalid claim names the claim ([`Error::claim`](crate::error::Error::claim)).
//!
//! # Rules for ID tokens (OIDC Core §3.1.3.7)
//!
//! This client is the only audience. `azp`, if present, is this client. The nonce is that of the pending login.
//! `at_hash`, if present, matches the access token. `auth_time` satisfies the requested `max_age`, and `acr` is one of
//! the requested `acr_values`. `iat` is at most a day old. `session_expiry` is a time. `amr` is a list; a single string
//! counts as a list of one. Optional claims that are `null` count as absent.
//!
//! An encrypted ID token (RFC 7516) is opened first, if a key is configured, and the signed token inside is verified.
//!
//! # Rules for access tokens (RFC 9068 §4, in Okta's form)
//!
//! The audience contains this API. The token names a client (`cid` or `client_id`), or else an actor (`act`) and scopes
//! (`scope`). It has no claim of an ID token or a logout token. A token that is bound to a key (`cnf`) has exactly one
//! confirmation method, the thumbprint of a DPoP key (`jkt`, RFC 9449 §6.1); the caller accepts it only with a proof,
//! never as a bearer token (RFC 9449 §7.2).
//!
//! An introspected token (RFC 7662) has the same kind of claims in its response. `token_type` is `Bearer` or `DPoP`, and
//! neither the response nor the token is that of an ID token or a refresh token (`introspected_kind`).
//!
//! # Rules for DPoP proofs (RFC 9449 §4.3)
//!
//! A proof has at most 8 KiB, `typ` is `dpop+jwt`, `alg` is asymmetric, and `jwk` is a public key of its type, without
//! private members. The signature is valid for this key. `htm`, `htu`, `ath`, `jti` and `iat` are present. The caller
//! compares them with the request.
//!
//! # Rules for logout tokens (OIDC Back-Channel Logout §2.6)
//!
//! `typ` is absent, `JWT` or `logout+jwt`. This client is the only audience, `events` contains the logout event, `jti`
//! is present, and so is at least one of `sub` and `sid`. Claims of other kinds are absent: no `nonce`, no `scp`. `iat`
//! is at most five minutes old.
//!
//! # Rules for revocation tokens (Global Token Revocation, Okta's Universal Logout)
//!
//! `typ` is `global-token-revocation+jwt`. `sub` is this client, the URL of the endpoint is the only audience, `jti` is
//! present, and `exp` is at most 15 minutes after `iat`.
//!
//! # Rules for ID-JAGs (Identity Assertion JWT Authorization Grant)
//!
//! `typ` is `oauth-id-jag+jwt`. `aud` is one string, the issuer of this authorization server, and `client_id` is the
//! client that has authenticated itself. `jti` is present, and `exp` is at most five minutes after `iat`. A scope and
//! the resources are known here, and `act` is well-formed. A grant that is bound to a key (`cnf`) is rejected.
//!
//! Logout tokens, revocation tokens and ID-JAGs are used once. The caller stores their `jti` for the duration that the
//! token states.

mod access_payload;
mod access_token;
mod actor;
mod algorithm;
mod claims;
mod compact;
mod dpop_proof;
mod encrypted;
#[cfg(feature = "id-jag")]
mod id_jag;
mod id_token;
mod introspected_kind;
mod jwk;
mod jwks;
mod logout_token;
mod revocation_token;
mod single_use;
mod unverified;
mod verified_claims;
mod verifier;

pub use access_token::{AccessTokenClaims, VerifiedAccessToken};
pub(crate) use access_token::{AccessTokenRules, IntrospectionRules};
pub use actor::Actor;
pub(crate) use algorithm::Algorithm;
pub(crate) use claims::{check_email, is_identifier, is_sid};
pub(crate) use dpop_proof::{DpopProof, ProofClaims, proof_algorithm_names, proof_algorithms};
pub(crate) use encrypted::open_id_token;
#[cfg(feature = "id-jag")]
pub use id_jag::VerifiedIdJag;
#[cfg(feature = "id-jag")]
pub(crate) use id_jag::{ExpectedIdJag, IdJagRules};
pub(crate) use id_token::IdTokenRules;
pub use id_token::VerifiedIdToken;
pub(crate) use jwks::{Keys, KeysSettings, RefetchPolicy};
pub(crate) use logout_token::{LogoutSubject, LogoutTokenRules};
pub(crate) use revocation_token::RevocationTokenRules;
pub(crate) use single_use::TokenId;
pub(crate) use unverified::{unverified_claims, unverified_issuer};
pub(crate) use verifier::{KeysVersion, Verifier};

#[cfg(test)]
pub(crate) mod issuer_for_tests;
#[cfg(test)]
mod message_tests;
#[cfg(test)]
mod vector_tests;
