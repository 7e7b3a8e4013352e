//! Logout tokens: the issuer says that somebody has signed out (OIDC Back-Channel
//! Logout §2.4).

use std::time::Duration;

use super::claims::{Payload, check_identifier, check_issuer, check_subject};
use super::message::{Once, check_only_audience, text};
use super::verifier::Authentic;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};

/// The one event of a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A logout token that was issued longer ago than this is not acted upon, whatever its
/// `exp`.
///
/// A provider sends it at once, and should let it expire within two minutes (§2.4), so
/// five leave room for a second try. A captured token is worth nothing after that, and
/// what has to be remembered against replays stays small even if a provider sets an
/// `exp` of years.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// Claims that no logout token has. `nonce` is forbidden by §2.4, so that a logout
/// token cannot be taken for an ID token; the others are those of ID tokens, access
/// tokens and DPoP proofs. Claims that nobody knows are ignored, as §2.4 wants it.
const OF_OTHERS: [&str; 6] = ["nonce", "at_hash", "c_hash", "scp", "htm", "htu"];

/// What one logout token must satisfy.
#[derive(Debug)]
pub(crate) struct LogoutTokenRules<'a> {
    /// The issuer, exactly.
    pub(crate) issuer: &'a str,
    /// The one audience.
    pub(crate) client_id: &'a str,
}

/// What a logout token ends, at the issuer that it was verified for and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends<'a> {
    /// One session at the issuer, and what it led to here.
    Session {
        /// The session.
        sid: &'a str,
        /// Whose it is, if the token tells; a session of somebody else is not meant.
        subject: Option<&'a str>,
    },
    /// All sessions of a user.
    User {
        /// The user.
        subject: &'a str,
    },
}

/// A logout token that passed every check. There is no other way to get one.
#[derive(Clone, Debug)]
pub(crate) struct VerifiedLogoutToken {
    issuer: String,
    target: Target,
    once: Once,
}

/// What it ends; at least one of `sub` and `sid`, by its shape.
#[derive(Clone, Debug)]
enum Target {
    Session { sid: String, subject: Option<String> },
    User { subject: String },
}

impl VerifiedLogoutToken {
    /// The issuer, whose sessions alone are meant.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What it ends.
    pub(crate) fn ends(&self) -> Ends<'_> {
        match &self.target {
            Target::Session { sid, subject } => Ends::Session { sid, subject: subject.as_deref() },
            Target::User { subject } => Ends::User { subject },
        }
    }

    /// What has to be remembered, so that the token does not count twice.
    pub(crate) fn once(&self) -> &Once {
        &self.once
    }

    /// The rules of §2.6, kind of token first.
    pub(super) fn check(authentic: &Authentic, rules: &LogoutTokenRules<'_>) -> Result<Self> {
        let payload = &authentic.payload;
        check_kind(payload)?;
        check_issuer(text(payload, "iss")?, rules.issuer)?;
        check_only_audience(payload, rules.client_id)?;
        let once = Once::new(authentic, check_times(authentic)?)?;
        Ok(Self { issuer: rules.issuer.to_owned(), target: target(payload)?, once })
    }
}

/// The event, as an object (it is empty, and may have members some day), and no claim
/// of another kind of token (RFC 8725 §3.12).
fn check_kind(payload: &Payload) -> Result<()> {
    let event = payload.0.get("events").and_then(|events| events.as_object()?.get(EVENT));
    if !event.is_some_and(serde_json::Value::is_object) || OF_OTHERS.iter().any(|claim| payload.has(claim)) {
        return Err(Error::new(Code::TokenKind, "the token is of another kind than a logout token"));
    }
    Ok(())
}

/// Issued, not expired, and fresh. What comes back is the first moment at which one of
/// this is no longer so.
fn check_times(authentic: &Authentic) -> Result<Timestamp> {
    let (now, leeway, times) = (authentic.now, authentic.leeway, authentic.payload.times()?);
    times.check(now, leeway)?;
    let (Some(exp), Some(iat)) = (times.exp, times.iat) else {
        return Err(Error::invalid_claim("exp", "is missing"));
    };
    let last = iat.plus(MAX_AGE).plus(leeway);
    if now > last {
        return Err(Error::invalid_claim("iat", "is more than five minutes ago"));
    }
    Ok(exp.plus(leeway).min(last.plus(Duration::from_secs(1))))
}

/// `sub`, `sid` or both (§2.4). What is there must be right even if the other one would
/// do.
fn target(payload: &Payload) -> Result<Target> {
    let (subject, sid) = (text(payload, "sub")?, text(payload, "sid")?);
    if subject.is_some() {
        check_subject(subject)?;
    }
    let subject = subject.map(str::to_owned);
    match (sid, subject) {
        (Some(sid), subject) => {
            check_identifier("sid", sid)?;
            Ok(Target::Session { sid: sid.to_owned(), subject })
        }
        (None, Some(subject)) => Ok(Target::User { subject }),
        (None, None) => Err(Error::invalid_claim("sub", "is missing, and so is `sid`")),
    }
}
