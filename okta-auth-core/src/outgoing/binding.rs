//! The proofs with which a bound token is sent (RFC 9449 §7).

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use super::origin::RequestOrigin;
use super::request::OutgoingRequest;
use crate::base64url;
use crate::error::{Code, Error, Result};
use crate::protocol::{Dpop, DpopKey, ProofTarget};
use crate::secret::{Secret, sha256};

/// Makes the proofs for one token.
pub(super) struct TokenBinding {
    dpop: Arc<Dpop>,
    key: DpopKey,
    /// The hash of the token (`ath`).
    token_hash: String,
}

impl TokenBinding {
    pub(super) fn new(dpop: Arc<Dpop>, key: DpopKey, token: &Secret) -> Self {
        Self { dpop, key, token_hash: base64url::encode(sha256(token.expose().as_bytes())) }
    }

    /// Signs a proof for a request. Returns it with the server that the request is sent to.
    pub(super) fn proof(&self, request: &impl OutgoingRequest) -> Result<(HeaderValue, Arc<str>)> {
        let no_address = || Error::new(Code::TargetMismatch, "a call to another API has no address");
        let (url, server) =
            request.target_uri().zip(request.origin().map(|origin| server(&origin))).ok_or_else(no_address)?;
        let target = ProofTarget {
            method: request.method().as_str(),
            url: &url,
            server: &server,
            token_hash: Some(&self.token_hash),
        };
        Ok((self.dpop.proof(&self.key, target)?, server.into()))
    }

    /// Keeps the nonce of a response of this server; returns whether it has one.
    pub(super) fn learn_nonce(&self, server: &str, headers: &HeaderMap) -> bool {
        self.dpop.learn_nonce(server, headers)
    }
}

/// Scheme, host and port. The token endpoint has nonces of its own (RFC 9449 §9), and its name has a path.
fn server(origin: &RequestOrigin<'_>) -> String {
    let port = origin.port.map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}", origin.scheme, origin.host.to_ascii_lowercase())
}
