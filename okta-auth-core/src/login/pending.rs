//! What must be remembered between the redirect to Okta and the callback.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::options::LoginOptions;
use super::return_to::ReturnTo;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::secret::Secret;

/// One attempt to sign in. State, nonce and PKCE verifier are fresh and have 256 bits
/// each; all of it is sealed for this browser, this tenant and this purpose.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PendingLogin {
    pub(crate) state: Secret,
    pub(crate) nonce: Secret,
    pub(crate) pkce_verifier: Secret,
    pub(crate) return_to: ReturnTo,
    pub(crate) created_at: Timestamp,
    max_age_seconds: Option<u64>,
    pub(crate) acr_values: Vec<String>,
}

impl PendingLogin {
    /// A new attempt with fresh randomness.
    pub(crate) fn new(options: &LoginOptions, now: Timestamp) -> Result<Self> {
        Ok(Self {
            state: Secret::random()?,
            nonce: Secret::random()?,
            pkce_verifier: Secret::random()?,
            return_to: options.return_to.clone(),
            created_at: now,
            max_age_seconds: options.max_age.map(|age| age.as_secs()),
            acr_values: options.acr_values.clone(),
        })
    }

    /// The longest time since the user last proved who they are, if one was asked for.
    pub(crate) fn max_age(&self) -> Option<Duration> {
        self.max_age_seconds.map(Duration::from_secs)
    }

    /// Whether the attempt may still be completed. One from the future is as dead as
    /// one that is too old.
    pub(crate) fn is_live(&self, lifetime: Duration, now: Timestamp) -> bool {
        let skew = Duration::from_secs(60);
        now < self.created_at.plus(lifetime) && self.created_at <= now.plus(skew)
    }
}
