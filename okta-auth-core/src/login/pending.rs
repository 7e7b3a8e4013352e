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
    /// Ties the response to this attempt (RFC 6749 §10.12).
    pub(crate) state: Secret,
    /// Ties the ID token to this attempt (OIDC Core §15.5.2).
    pub(crate) nonce: Secret,
    /// Ties the code to this attempt (RFC 7636 §4.1).
    pub(crate) pkce_verifier: Secret,
    /// Where the browser goes afterwards.
    pub(crate) return_to: ReturnTo,
    /// The lifetime counts from here.
    pub(crate) created_at: Timestamp,
    /// The `max_age` that was asked for, in seconds.
    max_age_seconds: Option<u64>,
    /// The `acr_values` that were asked for.
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
