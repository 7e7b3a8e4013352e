//! DPoP proofs: a client shows with each request that it has the private key that its access token is bound to (RFC
//! 9449 §4).
//!
//! A proof brings its own key along, so its signature alone proves nothing. The thumbprint of the key has to be the one
//! in the access token (`cnf.jkt`), and the claims have to describe the request. The caller compares both.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::claims::check_identifier;
use super::compact::{Compact, Headers, Typ};
use super::jwk::{EmbeddedKey, verify};
use crate::base64url;
use crate::clock::NumericDate;
use crate::config::AppConfig;
use crate::error::{Code, Error, Result};
use crate::json;

/// A proof with an RSA key of 8192 bits has less than 6 KB.
const MAX_BYTES: usize = 8 * 1024;

/// The algorithms that a proof may be signed with (`algs`, RFC 9449 §7.1), the shortest signatures first.
const PROOF_ALGORITHMS: [Algorithm; 7] = [
    Algorithm::Es256,
    Algorithm::EdDsa,
    Algorithm::Es384,
    Algorithm::Ps256,
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
];

/// Those of the FAPI 2.0 Security Profile (§5.4.1).
const FAPI2_ALGORITHMS: [Algorithm; 3] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Ps256];

/// Returns the algorithms that an API accepts in proofs, in the order of its challenges.
pub(crate) fn proof_algorithms(config: &AppConfig) -> &'static [Algorithm] {
    if config.options.fapi2 { &FAPI2_ALGORITHMS } else { &PROOF_ALGORITHMS }
}

/// Returns the names of these algorithms.
pub(crate) fn proof_algorithm_names(config: &AppConfig) -> Vec<&'static str> {
    proof_algorithms(config).iter().map(|algorithm| algorithm.as_str()).collect()
}

/// A proof whose signature is valid for the key in its header.
#[derive(Debug)]
pub(crate) struct DpopProof {
    /// The SHA-256 thumbprint of the key (RFC 7638).
    pub(crate) thumbprint: [u8; 32],
    pub(crate) claims: ProofClaims,
}

/// The claims of a proof for a request with an access token (RFC 9449 §4.2).
#[derive(Debug, Deserialize)]
pub(crate) struct ProofClaims {
    pub(crate) htm: String,
    pub(crate) htu: String,
    pub(crate) ath: String,
    pub(crate) jti: String,
    pub(crate) iat: NumericDate,
    #[serde(default)]
    pub(crate) exp: Option<NumericDate>,
    #[serde(default)]
    pub(crate) nbf: Option<NumericDate>,
    #[serde(default)]
    pub(crate) nonce: Option<String>,
}

#[derive(Deserialize)]
struct KeyOfHeader {
    jwk: Map<String, Value>,
}

impl DpopProof {
    /// Verifies the form, the header and the signature of a proof.
    ///
    /// # Errors
    /// [`Code::DpopProof`].
    pub(crate) fn verify(proof: &str, allowed: &[Algorithm]) -> Result<Self> {
        if proof.len() > MAX_BYTES {
            return Err(refused("it is larger than 8 KiB"));
        }
        let because = |why| move |error: Error| refused(why).with_cause(error);
        let compact = Compact::parse(proof, &Headers::default()).map_err(because("it is not a signed token"))?;
        let typ = Typ { names: &["dpop+jwt"], required: true };
        compact.header.check_type(typ).map_err(because("its `typ` is not `dpop+jwt`"))?;
        let algorithm = Algorithm::parse(&compact.header.alg).filter(|algorithm| allowed.contains(algorithm));
        let algorithm = algorithm.ok_or_else(|| refused("its algorithm is not one of those in `algs`"))?;
        let EmbeddedKey { key, thumbprint } = EmbeddedKey::new(jwk(proof)?, algorithm).map_err(refused)?;
        verify(&[&key], compact.signed, &compact.signature).map_err(because("its signature is not valid"))?;
        let payload = compact.payload().map_err(because("its claims are not base64url"))?;
        let claims: ProofClaims = json::object(&payload)
            .map_err(|error| refused("its claims are incomplete or have a wrong type").with_cause(error))?;
        check_identifier("jti", &claims.jti).map_err(because("its `jti` is not an identifier"))?;
        Ok(Self { thumbprint, claims })
    }
}

/// Reads the public key in the header.
fn jwk(proof: &str) -> Result<Map<String, Value>> {
    let header = base64url::decode(proof.split('.').next().unwrap_or_default());
    let header = header.map_err(|error| refused("its header is not base64url").with_cause(error))?;
    let header: KeyOfHeader =
        json::object(&header).map_err(|error| refused("its header has no `jwk`").with_cause(error))?;
    Ok(header.jwk)
}

/// The message contains no part of the proof.
fn refused(why: &str) -> Error {
    Error::new(Code::DpopProof, format!("the DPoP proof was refused: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_proof_is_refused_before_it_is_read() {
        let message = |bytes: usize| DpopProof::verify(&"A".repeat(bytes), &PROOF_ALGORITHMS).unwrap_err().to_string();
        assert!(message(MAX_BYTES + 1).contains("larger than 8 KiB"));
        assert!(message(MAX_BYTES).contains("not a signed token"));
    }
}
