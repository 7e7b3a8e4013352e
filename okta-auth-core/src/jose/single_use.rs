//! Shared rules for tokens that are single-use messages: they request an action of this application, come directly from
//! the issuer, and count once.
//!
//! Their claims are parsed more strictly than those of other tokens. A claim with a wrong type is an error instead of
//! absent: if an invalid `sid` of a logout token were ignored, the token would end all sessions of a user instead of
//! one.

use std::time::Duration;

use serde::Deserialize;

use super::claims::{Audience, Payload, check_identifier};
use super::verified_claims::VerifiedClaims;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// The `jti` of a message, which the caller stores to reject replays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenId {
    id: String,
    remember_until: Timestamp,
}

impl TokenId {
    /// Reads the `jti`. `refused_from` is the first moment at which the token itself is rejected, by this machine's
    /// clock.
    pub(super) fn new(authentic: &VerifiedClaims, refused_from: Timestamp) -> Result<Self> {
        let id = text(&authentic.payload, "jti")?.ok_or_else(|| Error::invalid_claim("jti", "is missing"))?;
        check_identifier("jti", id)?;
        Ok(Self { id: id.to_owned(), remember_until: refused_from.plus(authentic.leeway) })
    }

    /// The `jti`, which is unique only for its issuer.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The moment until which the `jti` must be stored. From then on the token has expired.
    ///
    /// It includes the leeway twice: once for the issuer's clock, and once for the clocks of this application's
    /// replicas, which share the stored value.
    #[cfg(test)]
    pub(crate) fn remember_until(&self) -> Timestamp {
        self.remember_until
    }

    /// How long the `jti` must be stored, counted from `now`; never zero.
    pub(crate) fn remember_for(&self, now: Timestamp) -> Duration {
        self.remember_until.since(now).max(Duration::from_secs(1))
    }
}

/// Returns a string claim, if present.
pub(super) fn text<'a>(payload: &'a Payload, name: &'static str) -> Result<Option<&'a str>> {
    let Some(value) = payload.0.get(name) else { return Ok(None) };
    value.as_str().map(Some).ok_or_else(|| Error::invalid_claim(name, "is not a string"))
}

/// Checks that `expected` is the only audience. With several audiences, one of them could forward the token to another.
pub(super) fn check_only_audience(payload: &Payload, expected: &str) -> Result<()> {
    let audience = payload.0.get("aud").ok_or_else(|| Error::invalid_claim("aud", "is missing"))?;
    let audience =
        Audience::deserialize(audience).map_err(|_| Error::invalid_claim("aud", "is not a list of strings"))?;
    let others = audience.as_slice().iter().any(|other| other != expected);
    if others || !audience.contains(expected) {
        return Err(Error::invalid_claim("aud", "must contain only this application"));
    }
    Ok(())
}
