//! Revocation tokens: the issuer authenticates its request to end the sessions of a user (Global Token Revocation §3,
//! which Okta calls Universal Logout).
//!
//! The token identifies the sender and the receiver. The user is in the request body, which the token does not cover.
//! An attacker with a stolen token could therefore name another user. The only protections are that the token counts
//! once, at one endpoint, and for minutes.

use std::time::Duration;

use super::claims::{Times, check_issuer};
use super::single_use::{TokenId, check_only_audience, text};
use super::verified_claims::VerifiedClaims;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// The maximum time from `iat` to `exp`. Okta's tokens live for five minutes. With a longer lifetime a stolen token
/// could be used later, and its `jti` would have to be stored as long.
const MAX_LIFETIME: Duration = Duration::from_secs(15 * 60);

#[derive(Debug)]
pub(crate) struct RevocationTokenRules<'a> {
    /// The exact issuer, whose keys verify the token.
    pub(crate) issuer: &'a str,
    /// This application's client id, which must be the subject.
    pub(crate) client_id: &'a str,
    /// The URL of the endpoint as registered at Okta, without query and fragment: the only allowed audience.
    pub(crate) endpoint: &'a str,
}

/// A revocation token that passed every check. It cannot be constructed in any other way.
#[derive(Clone, Debug)]
pub(crate) struct VerifiedRevocationToken {
    issuer: String,
    once: TokenId,
}

impl VerifiedRevocationToken {
    /// The issuer of the token. It may only end the sessions of its own users.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn once(&self) -> &TokenId {
        &self.once
    }

    /// Applies the rules. `typ`, which is required, has been checked before.
    pub(super) fn check(authentic: &VerifiedClaims, rules: &RevocationTokenRules<'_>) -> Result<Self> {
        let payload = &authentic.payload;
        check_issuer(text(payload, "iss")?, rules.issuer)?;
        if text(payload, "sub")? != Some(rules.client_id) {
            return Err(Error::invalid_claim("sub", "is not this application's client id"));
        }
        check_only_audience(payload, rules.endpoint)?;
        let times = payload.times()?;
        times.check(authentic.now, authentic.leeway)?;
        let expires_at = check_lifetime(&times)?;
        Ok(Self { issuer: rules.issuer.to_owned(), once: TokenId::new(authentic, expires_at.plus(authentic.leeway))? })
    }
}

fn check_lifetime(times: &Times) -> Result<Timestamp> {
    let (Some(exp), Some(iat)) = (times.exp, times.iat) else {
        return Err(Error::invalid_claim("exp", "is missing"));
    };
    if exp.since(iat) > MAX_LIFETIME {
        return Err(Error::invalid_claim("exp", "is more than 15 minutes after `iat`"));
    }
    Ok(exp)
}
