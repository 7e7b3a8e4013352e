//! Tokens: claims, signatures, faults, and verification of the org's own tokens.
//!
//! Okta's ID tokens and access tokens have the same header and the same issuer. They differ in their claims: an ID
//! token has `nonce`, `amr`, `idp` and the client as `aud`; an access token has `cid`, `scp`, and an API as `aud`.
//! Neither has a `typ` in its header, so clients cannot rely on RFC 9068's `at+jwt`.

mod agent_claims;
mod changes;
mod claims;
mod draft;
mod encrypt;
mod faults;
mod id_jag;
mod issuing;
mod sign;
mod verify;

pub(crate) use changes::Changes;
pub(crate) use claims::userinfo_claims;
pub(crate) use draft::Draft;
pub(crate) use id_jag::{IdJag, LIFETIME as ID_JAG_LIFETIME, TYPE as ID_JAG_TYPE};
pub(crate) use issuing::Issuing;
pub(crate) use verify::{unverified_header, unverified_issuer, verify_own, verify_signature};
