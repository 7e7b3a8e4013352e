//! Logout tokens: the issuer reports that a user has signed out (OIDC Back-Channel Logout §2.4).

use std::time::Duration;

use super::claims::{Payload, check_issuer, check_sid, check_subject};
use super::single_use::{TokenId, check_only_audience, text};
use super::verified_claims::VerifiedClaims;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};

/// The event that a logout token must contain.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A logout token that was issued longer ago is rejected, regardless of its `exp`.
///
/// A provider sends it immediately and should let it expire within two minutes (§2.4), so five minutes allow a retry. A
/// captured token is useless after that, and the stored `jti`s stay few even if a provider sets an `exp` of years.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// Claims that never occur in a logout token. `nonce` is forbidden by §2.4, so that a logout token cannot pass as an ID
/// token. The others belong to ID tokens, access tokens and DPoP proofs. Unknown claims are ignored, as §2.4 requires.
const OF_OTHERS: [&str; 6] = ["nonce", "at_hash", "c_hash", "scp", "htm", "htu"];

#[derive(Debug)]
pub(crate) struct LogoutTokenRules<'a> {
    pub(crate) issuer: &'a str,
    /// The only allowed audience.
    pub(crate) client_id: &'a str,
}

/// The sessions that a logout token ends, only at the issuer that it was verified for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogoutSubject<'a> {
    /// One session at the issuer, and the sessions here that came from it.
    Session {
        sid: &'a str,
        /// Its user, if the token names one; a session of another user is not ended.
        subject: Option<&'a str>,
    },
    User {
        subject: &'a str,
    },
}

/// A logout token that passed every check. It cannot be constructed in any other way.
#[derive(Clone, Debug)]
pub(crate) struct VerifiedLogoutToken {
    issuer: String,
    target: Target,
    once: TokenId,
}

/// The target; the type guarantees at least one of `sub` and `sid`.
#[derive(Clone, Debug)]
enum Target {
    Session { sid: String, subject: Option<String> },
    User { subject: String },
}

impl VerifiedLogoutToken {
    /// The issuer. Only its sessions are affected.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn ends(&self) -> LogoutSubject<'_> {
        match &self.target {
            Target::Session { sid, subject } => LogoutSubject::Session { sid, subject: subject.as_deref() },
            Target::User { subject } => LogoutSubject::User { subject },
        }
    }

    /// The `jti`, which the caller stores to reject replays.
    pub(crate) fn once(&self) -> &TokenId {
        &self.once
    }

    /// Applies the rules of §2.6, kind of token first.
    pub(super) fn check(authentic: &VerifiedClaims, rules: &LogoutTokenRules<'_>) -> Result<Self> {
        let payload = &authentic.payload;
        check_kind(payload)?;
        check_issuer(text(payload, "iss")?, rules.issuer)?;
        check_only_audience(payload, rules.client_id)?;
        let once = TokenId::new(authentic, check_times(authentic)?)?;
        Ok(Self { issuer: rules.issuer.to_owned(), target: target(payload)?, once })
    }
}

/// Checks that the event is an object (empty today, but it may get members), and that no claim of another kind of token
/// is present (RFC 8725 §3.12).
fn check_kind(payload: &Payload) -> Result<()> {
    let event = payload.0.get("events").and_then(|events| events.as_object()?.get(EVENT));
    if !event.is_some_and(serde_json::Value::is_object) || OF_OTHERS.iter().any(|claim| payload.has(claim)) {
        return Err(Error::new(Code::TokenKind, "the token is not a logout token"));
    }
    Ok(())
}

/// Checks that the token is issued, not expired, and fresh. Returns the first moment at which one of these no longer
/// holds.
fn check_times(authentic: &VerifiedClaims) -> Result<Timestamp> {
    let (now, leeway, times) = (authentic.now, authentic.leeway, authentic.payload.times()?);
    times.check(now, leeway)?;
    let (Some(exp), Some(iat)) = (times.exp, times.iat) else {
        return Err(Error::invalid_claim("exp", "is missing"));
    };
    let last = iat.plus(MAX_AGE).plus(leeway);
    if now > last {
        return Err(Error::invalid_claim("iat", "is more than five minutes old"));
    }
    Ok(exp.plus(leeway).min(last.plus(Duration::from_secs(1))))
}

/// Returns the target: `sub`, `sid` or both (§2.4). Each claim that is present must be valid, even if the other would
/// be enough.
fn target(payload: &Payload) -> Result<Target> {
    let (subject, sid) = (text(payload, "sub")?, text(payload, "sid")?);
    if subject.is_some() {
        check_subject(subject)?;
    }
    let subject = subject.map(str::to_owned);
    match (sid, subject) {
        (Some(sid), subject) => {
            check_sid(sid)?;
            Ok(Target::Session { sid: sid.to_owned(), subject })
        }
        (None, Some(subject)) => Ok(Target::User { subject }),
        (None, None) => Err(Error::invalid_claim("sub", "is missing, and so is `sid`")),
    }
}
