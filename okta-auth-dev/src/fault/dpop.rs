//! Faults of DPoP (RFC 9449).

use serde::{Deserialize, Serialize};

/// An error or unusual behaviour of the org towards a client with DPoP, see [`Fault::Dpop`](crate::Fault::Dpop).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DpopFault {
    // -- nonces of the token endpoint ------------------------------------------------------------------------------
    /// The token endpoint requires no nonce: unusual for Okta, but correct (RFC 9449 §8). A client must accept it.
    NonceOptional,
    /// The nonce is replaced before the request is read, so that the client's nonce is rejected. A client retries once,
    /// with the new nonce, a new proof, and a new client assertion.
    NonceReplaced,
    /// Every request is answered with `use_dpop_nonce` and a new nonce. A client must stop after one retry.
    NonceLoop,
    /// `use_dpop_nonce` without the header `DPoP-Nonce`. A client must not retry.
    NonceMissing,
    /// `use_dpop_nonce` with two headers `DPoP-Nonce`; only one is allowed (RFC 9449 §8.1).
    NonceTwice,
    /// `use_dpop_nonce` with this nonce, which the org does not accept. A nonce consists of certain visible characters
    /// (RFC 9449 §8.1); a client must not send others, and needs a limit.
    NonceValue(String),
    /// A successful response has a new nonce, and older ones are no longer accepted. A client must use the last nonce
    /// that it saw (RFC 9449 §8.2).
    NonceOnSuccess,
    /// This status, such as 429 or 503, with a new nonce, and older ones are no longer accepted. A client must use the
    /// last nonce that it saw, whatever the status (RFC 9449 §8.2).
    NonceOnStatus(u16),
    // -- the token -------------------------------------------------------------------------------------------------
    /// The proof is ignored: `token_type` is `Bearer`, and the access token has no `cnf`. A client that requires a
    /// bound token must reject it (RFC 9449 §5).
    Ignored,
    /// `token_type` is `Bearer`, although the access token is bound.
    TokenTypeBearer,
    /// `token_type` is `dPoP`: unusual, but correct, because the comparison is case-insensitive (RFC 6749 §5.1).
    TokenTypeCase,
    /// The access token is bound to a key that the client does not have.
    OtherKey,
    /// `token_type` is `DPoP`, but the access token has no `cnf`.
    NoConfirmation,
    // -- refusals --------------------------------------------------------------------------------------------------
    /// 400 `invalid_dpop_proof` of the token endpoint with this description, although the proof is valid.
    Refused(String),
    // -- userinfo and Okta's API -----------------------------------------------------------------------------------
    /// Resources require a nonce: 401 with the challenge `use_dpop_nonce` (RFC 9449 §9). Okta does not require one
    /// today; a client must be ready for it.
    ResourceNonce,
    /// Every request to a resource is answered with `use_dpop_nonce` and a new nonce. A client must stop after one
    /// retry.
    ResourceNonceLoop,
    /// The response of a resource has a new nonce, which later proofs for resources should have.
    ResourceNonceOnSuccess,
    /// 400 `invalid_dpop_proof` of a resource with this description, although the proof is valid.
    ResourceRefused(String),
    /// The scheme of a resource's challenge is `dPoP`: unusual, but correct, because schemes are case-insensitive (RFC
    /// 9110 §11.1).
    ChallengeCase,
}
