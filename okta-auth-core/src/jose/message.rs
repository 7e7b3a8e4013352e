//! What the tokens that are messages have in common: they tell this application to do
//! something, come from the issuer itself, and count once.
//!
//! Their claims are read more strictly than those of other tokens. A claim that is
//! there and is no text is an error and not an absent one: a logout token whose `sid`
//! were passed over would end all sessions of a user instead of one.

use std::time::Duration;

use serde::Deserialize;

use super::claims::{Audience, Payload, check_identifier};
use super::verifier::Authentic;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// One use of one message: what the caller remembers, so that it does not count twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Once {
    id: String,
    remember_until: Timestamp,
}

impl Once {
    /// Reads the `jti`. `refused_from` is the first moment at which the token is
    /// refused anyway, by this machine's clock.
    pub(super) fn new(authentic: &Authentic, refused_from: Timestamp) -> Result<Self> {
        let id = text(&authentic.payload, "jti")?.ok_or_else(|| Error::invalid_claim("jti", "is missing"))?;
        check_identifier("jti", id)?;
        Ok(Self { id: id.to_owned(), remember_until: refused_from.plus(authentic.leeway) })
    }

    /// The `jti`: unique for its issuer, and for nobody else.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Until when the `jti` has to be remembered; from then on the token has expired.
    ///
    /// The leeway is in it twice: once for the issuer's clock, and once for those of
    /// the replicas of this application, which share what is remembered.
    #[cfg(test)]
    pub(crate) fn remember_until(&self) -> Timestamp {
        self.remember_until
    }

    /// For how long the `jti` has to be remembered, counted from `now`; never zero.
    pub(crate) fn remember_for(&self, now: Timestamp) -> Duration {
        self.remember_until.since(now).max(Duration::from_secs(1))
    }
}

/// A claim that is a text, where it is there.
///
/// # Errors
/// [`Code::TokenClaim`](crate::error::Code::TokenClaim) if it is anything else, `null`
/// too.
pub(super) fn text<'a>(payload: &'a Payload, name: &'static str) -> Result<Option<&'a str>> {
    let Some(value) = payload.0.get(name) else { return Ok(None) };
    value.as_str().map(Some).ok_or_else(|| Error::invalid_claim(name, "is not a text"))
}

/// The audience is `expected` and nobody else: what is meant for several could be
/// passed on by one of them to another.
pub(super) fn check_only_audience(payload: &Payload, expected: &str) -> Result<()> {
    let audience = payload.0.get("aud").ok_or_else(|| Error::invalid_claim("aud", "is missing"))?;
    let audience = Audience::deserialize(audience).map_err(|_| Error::invalid_claim("aud", "is no list of texts"))?;
    let others = audience.as_slice().iter().any(|other| other != expected);
    if others || !audience.contains(expected) {
        return Err(Error::invalid_claim("aud", "is not this application alone"));
    }
    Ok(())
}
