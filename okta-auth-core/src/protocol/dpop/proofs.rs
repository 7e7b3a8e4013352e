//! Makes proofs (RFC 9449 §4.2).

#[cfg(feature = "client")]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use super::key::DpopKey;
use super::nonces::Nonces;
use crate::base64url;
use crate::clock::SharedClock;
use crate::config::{Config, DpopMode};
use crate::error::{Code, Error, Result};
use crate::secret::random_bytes;

/// The header of a proof (RFC 9449 §4.1).
pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The state of DPoP for one client: whether its requests have proofs, and the nonces of the servers that it talks to.
pub(crate) struct Dpop {
    mode: DpopMode,
    /// Whether token requests have proofs. It never becomes false again.
    is_active: AtomicBool,
    nonces: Nonces,
    clock: SharedClock,
    #[cfg(feature = "client")]
    configured_key: Option<crate::config::PrivateKey>,
    /// The key for the tokens of the application itself.
    #[cfg(feature = "client")]
    own_key: OnceLock<DpopKey>,
}

/// The request that a proof is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProofTarget<'a> {
    pub(crate) method: &'a str,
    /// Without query and fragment.
    pub(crate) url: &'a str,
    /// Whose nonces are sent.
    pub(crate) server: &'a str,
    /// The hash of the access token that the request carries (`ath`).
    pub(crate) token_hash: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: &'a str,
    htm: &'a str,
    htu: &'a str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

impl Dpop {
    pub(crate) fn new(config: &Config, clock: SharedClock) -> Self {
        let mode = config.app.options.dpop.unwrap_or_default();
        Self {
            mode,
            is_active: AtomicBool::new(mode == DpopMode::On),
            nonces: Nonces::default(),
            clock,
            #[cfg(feature = "client")]
            configured_key: config.app.options.dpop_key.clone(),
            #[cfg(feature = "client")]
            own_key: OnceLock::new(),
        }
    }

    /// Whether token requests have proofs.
    pub(crate) fn is_active(&self) -> bool {
        self.is_active.load(Ordering::Relaxed)
    }

    /// Whether a bearer token is refused.
    pub(crate) fn is_required(&self) -> bool {
        self.mode == DpopMode::On
    }

    /// Turns proofs on if this is the error for a request without one, and the setting is automatic. Returns whether
    /// they are on, so that the request is worth repeating.
    pub(crate) fn turn_on_after(&self, error: &Error) -> bool {
        let refused = self.mode == DpopMode::Auto && error.provider_error() == Some("invalid_dpop_proof");
        if refused && !self.is_active.swap(true, Ordering::Relaxed) {
            tracing::info!(target: "okta_auth", "Okta requires DPoP for this client: from now on its token requests have proofs");
        }
        refused
    }

    /// Keeps the nonce of a response; returns whether it has one.
    pub(crate) fn learn_nonce(&self, server: &str, headers: &HeaderMap) -> bool {
        self.nonces.learn_nonce(server, headers)
    }

    /// Signs a new proof, as the value of the header `DPoP`.
    pub(crate) fn proof(&self, key: &DpopKey, target: ProofTarget<'_>) -> Result<HeaderValue> {
        let nonce = self.nonces.of(target.server);
        let id: [u8; 16] = random_bytes()?;
        let claims = Claims {
            jti: &base64url::encode(id),
            htm: target.method,
            htu: target.url,
            iat: self.clock.now().seconds(),
            ath: target.token_hash,
            nonce: nonce.as_deref(),
        };
        let failed = |error| Error::new(Code::Internal, "a DPoP proof cannot be serialized").with_cause(error);
        let claims = base64url::encode(serde_json::to_vec(&claims).map_err(failed)?);
        let input = format!("{}.{claims}", key.header());
        let signature = base64url::encode(key.sign(input.as_bytes())?);
        let proof = HeaderValue::from_maybe_shared(Bytes::from(format!("{input}.{signature}")));
        let failed = |error| Error::new(Code::Internal, "a DPoP proof is not a header value").with_cause(error);
        let mut proof = proof.map_err(failed)?;
        proof.set_sensitive(true);
        Ok(proof)
    }

    /// Returns the key for the tokens of the application itself: the configured one, or one of this process.
    #[cfg(feature = "client")]
    pub(crate) fn own_key(&self) -> Result<DpopKey> {
        if let Some(key) = self.own_key.get() {
            return Ok(key.clone());
        }
        let key = self.configured_key.as_ref().map_or_else(DpopKey::generate, DpopKey::configured)?;
        // Of two concurrent callers both use the key of the first.
        Ok(self.own_key.get_or_init(|| key).clone())
    }
}

opaque_debug!(Dpop, |it| mode: it.mode, is_active: it.is_active());
