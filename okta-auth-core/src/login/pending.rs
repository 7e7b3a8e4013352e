//! The data of an attempt that the browser keeps between the redirect to Okta and the callback.

use std::time::Duration;

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use super::options::LoginOptions;
use super::return_to::ReturnTo;
use crate::base64url;
use crate::clock::{Moment, REPLICA_SKEW, Timestamp};
use crate::error::{Code, Error, Result};
use crate::secret::{Secret, SecretBytes, random_bytes};

/// The first byte of a sealed attempt. Version 1 had no such byte and began with the length of its state, 43.
const FORMAT: u8 = 2;
/// The first byte of a sealed attempt that is silent.
const SILENT: u8 = 3;

/// One attempt to sign in.
///
/// State, nonce and PKCE verifier have 256 bits each and are new for each attempt. They are derived from one random
/// seed to save space in cookies.
#[derive(Debug)]
pub(crate) struct PendingLogin {
    /// Binds the response to this attempt (RFC 6749 §10.12).
    pub(crate) state: Secret,
    /// Binds the ID token to this attempt (OIDC Core §15.5.2).
    pub(crate) nonce: Secret,
    /// Binds the code to this attempt (RFC 7636 §4.1).
    pub(crate) pkce_verifier: Secret,
    /// Whether the sign-in is silent, so that a failure leads to the target instead of an error page.
    pub(crate) silent: bool,
    record: Record,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    seed: Seed,
    created_at: Moment,
    return_to: ReturnTo,
    came_from: Option<ReturnTo>,
    /// The requested `max_age`, in seconds.
    max_age_seconds: Option<u64>,
    acr_values: Vec<String>,
}

/// 256 random bits, wiped when dropped.
#[derive(Serialize, Deserialize)]
struct Seed([u8; 32]);

impl Drop for Seed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Seed {
    /// Derives a pseudorandom value for one purpose: the first block of HKDF-Expand with SHA-256 (RFC 5869 §2.3).
    fn derive(&self, purpose: &str) -> Secret {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let tag = hmac::sign(&key, &[purpose.as_bytes(), &[1]].concat());
        Secret::new(base64url::encode(tag.as_ref()))
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed([redacted])")
    }
}

impl PendingLogin {
    pub(crate) fn new(options: &LoginOptions, created_at: Moment) -> Result<Self> {
        let record = Record {
            seed: Seed(random_bytes()?),
            created_at,
            return_to: options.return_to.clone(),
            came_from: options.came_from.clone(),
            max_age_seconds: options.max_age.map(|age| age.as_secs()),
            acr_values: options.acr_values.clone(),
        };
        Ok(Self::of(record, options.silent))
    }

    fn of(record: Record, silent: bool) -> Self {
        let (state, nonce) = (record.seed.derive("state"), record.seed.derive("nonce"));
        Self { state, nonce, pkce_verifier: record.seed.derive("pkce verifier"), silent, record }
    }

    pub(super) fn encode(&self) -> Result<SecretBytes> {
        // A buffer that grows leaves copies of secrets behind.
        let mut bytes = Vec::with_capacity(4_096);
        bytes.push(if self.silent { SILENT } else { FORMAT });
        postcard::to_extend(&self.record, bytes)
            .map(SecretBytes::new)
            .map_err(|error| Error::new(Code::Internal, "a pending sign-in cannot be encoded").with_cause(error))
    }

    /// Decodes the output of [`encode`](Self::encode). Returns `None` for another format.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (format, record) = bytes.split_first()?;
        let silent = *format == SILENT;
        let record = (silent || *format == FORMAT).then(|| postcard::from_bytes(record).ok())?;
        record.map(|record| Self::of(record, silent))
    }

    pub(super) fn returning_to(mut self, target: ReturnTo) -> Self {
        self.record.return_to = target;
        self
    }

    /// Returns the options for another attempt in place of this one. What the user entered is not part of them.
    pub(crate) fn options(&self) -> LoginOptions {
        let mut options = LoginOptions::new(self.return_to().clone()).with_acr_values(self.acr_values());
        options.max_age = self.max_age();
        options.came_from = self.came_from().cloned();
        options.silent = self.silent;
        options
    }

    pub(crate) fn return_to(&self) -> &ReturnTo {
        &self.record.return_to
    }

    /// The page of the application that a step-up was started from, if the browser sent it.
    pub(crate) fn came_from(&self) -> Option<&ReturnTo> {
        self.record.came_from.as_ref()
    }

    /// When it began. This orders the attempts of a browser.
    pub(super) fn created_at(&self) -> Moment {
        self.record.created_at
    }

    pub(crate) fn max_age(&self) -> Option<Duration> {
        self.record.max_age_seconds.map(Duration::from_secs)
    }

    pub(crate) fn acr_values(&self) -> &[String] {
        &self.record.acr_values
    }

    /// Whether the attempt requested more than a plain sign-in.
    pub(crate) fn is_step_up(&self) -> bool {
        self.record.max_age_seconds.is_some() || !self.record.acr_values.is_empty()
    }

    /// Whether the attempt may still be completed. Attempts from the future are rejected like those that are too old.
    pub(crate) fn is_live(&self, lifetime: Duration, now: Timestamp) -> bool {
        let began = self.record.created_at.timestamp();
        now < began.plus(lifetime) && began <= now.plus(REPLICA_SKEW)
    }
}
