//! Revocation tokens: the issuer proves that it is who asks to end the sessions of a
//! user (Global Token Revocation §3, which Okta calls Universal Logout).
//!
//! The token says who asks and to whom; whose sessions are to end is in the body of the
//! request, which the token does not cover. So whoever gets hold of one could name
//! another user, and that it counts once, at one endpoint and for minutes, is all that
//! stands against it.

use std::time::Duration;

use super::claims::{Times, check_issuer};
use super::message::{Once, check_only_audience, text};
use super::verifier::Authentic;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// The longest time from `iat` to `exp`. Okta's tokens live for five minutes. A longer
/// life would let a captured token wait for its moment, and would have to be remembered
/// as long.
const MAX_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// What one revocation token must satisfy.
#[derive(Debug)]
pub(crate) struct RevocationTokenRules<'a> {
    /// The issuer, exactly: the one whose keys the token is verified with.
    pub(crate) issuer: &'a str,
    /// This application's client id, which is the subject.
    pub(crate) client_id: &'a str,
    /// The URL of the endpoint as it is registered at Okta, without query and fragment:
    /// the one audience.
    pub(crate) endpoint: &'a str,
}

/// A revocation token that passed every check. There is no other way to get one.
#[derive(Clone, Debug)]
pub(crate) struct VerifiedRevocationToken {
    issuer: String,
    once: Once,
}

impl VerifiedRevocationToken {
    /// The issuer that asks. It may end the sessions of its own users and of nobody
    /// else.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What has to be remembered, so that the token does not count twice.
    pub(crate) fn once(&self) -> &Once {
        &self.once
    }

    /// The rules. The kind has been told by `typ`, which must be there.
    pub(super) fn check(authentic: &Authentic, rules: &RevocationTokenRules<'_>) -> Result<Self> {
        let payload = &authentic.payload;
        check_issuer(text(payload, "iss")?, rules.issuer)?;
        if text(payload, "sub")? != Some(rules.client_id) {
            return Err(Error::invalid_claim("sub", "is not this application's client id"));
        }
        check_only_audience(payload, rules.endpoint)?;
        let times = payload.times()?;
        times.check(authentic.now, authentic.leeway)?;
        let expires_at = check_lifetime(&times)?;
        Ok(Self { issuer: rules.issuer.to_owned(), once: Once::new(authentic, expires_at.plus(authentic.leeway))? })
    }
}

/// A short life. What comes back is its end.
fn check_lifetime(times: &Times) -> Result<Timestamp> {
    let (Some(exp), Some(iat)) = (times.exp, times.iat) else {
        return Err(Error::invalid_claim("exp", "is missing"));
    };
    if exp.since(iat) > MAX_LIFETIME {
        return Err(Error::invalid_claim("exp", "is more than 15 minutes after `iat`"));
    }
    Ok(exp)
}
