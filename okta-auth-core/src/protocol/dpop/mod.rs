//! Proofs of possession (DPoP, RFC 9449).
//!
//! 1. Each proof is for one attempt: a new `jti`, the method, the URL without query and fragment, the time. A proof for
//!    a resource also has the hash of the access token. A request that is sent again has a new proof, because Okta uses
//!    a `jti` up even if it answers 429.
//! 2. A nonce is sent only to the server that issued it: the token endpoint or the origin of the resource (RFC 9449 §8
//!    and §9). The last one counts, whatever response it came with.
//! 3. Each session has a key of its own, which is sealed with its tokens. The tokens of the application itself share
//!    one key. Tenants share neither keys nor nonces.
//! 4. A token that was requested with a proof must be bound to the key of the proof.

mod key;
mod nonces;
mod proofs;

pub(crate) use key::DpopKey;
pub(super) use key::TokenKey;
pub(crate) use proofs::{DPOP, Dpop, ProofTarget};
