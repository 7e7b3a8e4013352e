//! ID-JAGs: an org asserts the identity of a user to the authorization server of another app (Identity Assertion JWT
//! Authorization Grant, at Okta "Cross App Access").
//!
//! A grant is neither an access token nor an ID token: its `typ` is required, and its only audience is an authorization
//! server, which exchanges it for an access token of its own (RFC 7523 §2.1).

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeSeed;
use serde_json::{Map, Value};

use super::actor::{Actor, Chain, MAX_ACTORS};
use super::claims::{Audience, Payload, Times, check_identifier, check_issuer, check_subject};
use super::compact::{Compact, Headers, Typ};
use super::single_use::{TokenId, text};
use super::verified_claims::VerifiedClaims;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};

/// The `typ` of a grant. Nothing else distinguishes it from other tokens with the same key.
pub(super) const ID_JAG: Typ<'_> = Typ { names: &["oauth-id-jag+jwt"], required: true };

/// The maximum time from `iat` to `exp`, as at Okta. A stolen grant is useless after that, and the stored `jti`s stay
/// few.
const MAX_LIFETIME: Duration = Duration::from_secs(300);

/// The maximum number of scopes and of resources in one grant. A connection at Okta has at most 100 scopes.
const MAX_ENTRIES: usize = 100;

#[derive(Debug)]
pub(crate) struct IdJagRules<'a> {
    /// The issuer of a registered connection, whose keys verify the grant.
    pub(crate) issuer: &'a str,
    /// The issuer of this authorization server: the only audience.
    pub(crate) audience: &'a str,
    /// The client that has authenticated itself for this request.
    pub(crate) client_id: &'a str,
    /// The scopes that this server issues.
    pub(crate) scopes: &'a [String],
    /// The resources that this server issues tokens for.
    pub(crate) resources: &'a [String],
}

/// An ID-JAG that passed every check, and was used once. It cannot be constructed in any other way.
#[derive(Clone, Debug)]
pub struct VerifiedIdJag {
    issuer: String,
    subject: String,
    client_id: String,
    scopes: Vec<String>,
    resources: Vec<String>,
    actor: Option<Actor>,
    expires_at: Timestamp,
    all: Map<String, Value>,
    once: TokenId,
}

impl VerifiedIdJag {
    /// The org that asserts the user's identity: one of the registered connections.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The user, or the service that the actor acts for. It is unique only for its issuer: look the account up by both
    /// together, and never by an e-mail address alone, which another org may assert as well.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The client that presented the grant, by its id at this server. It has authenticated itself.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The granted scopes that this server knows; at least one. The access token must not have others.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// The resources that the access token is for (RFC 8707); empty if the grant leaves that to this server.
    pub fn resources(&self) -> &[String] {
        &self.resources
    }

    /// The party that uses the grant for its user, such as an AI agent (`act`). Copy it into the access token, so that
    /// the API can distinguish the agent from its user.
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// When the grant expires. It does not limit the access token, which should be short-lived itself, because its
    /// client gets another grant without the user.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Every claim of the grant.
    pub fn all(&self) -> &Map<String, Value> {
        &self.all
    }

    pub(crate) fn once(&self) -> &TokenId {
        &self.once
    }

    /// Applies the rules. `typ`, which is required, has been checked before.
    pub(super) fn check(verified: VerifiedClaims, rules: &IdJagRules<'_>) -> Result<Self> {
        let payload = &verified.payload;
        check_issuer(text(payload, "iss")?, rules.issuer)?;
        let subject = text(payload, "sub")?;
        check_subject(subject)?;
        // A list is an error even if it has only this server: the draft knows one audience.
        if text(payload, "aud")? != Some(rules.audience) {
            return Err(Error::invalid_claim("aud", "is not the issuer of this authorization server"));
        }
        if text(payload, "client_id")? != Some(rules.client_id) {
            return Err(Error::invalid_claim("client_id", "is not the client that has authenticated itself"));
        }
        check_not_bound(payload)?;
        let times = payload.times()?;
        times.check(verified.now, verified.leeway)?;
        let expires_at = check_lifetime(&times)?;
        Ok(Self {
            issuer: rules.issuer.to_owned(),
            subject: subject.unwrap_or_default().to_owned(),
            client_id: rules.client_id.to_owned(),
            scopes: scopes(payload, rules.scopes)?,
            resources: resources(payload, rules.resources)?,
            actor: actor(payload)?,
            expires_at,
            once: TokenId::new(&verified, expires_at.plus(verified.leeway))?,
            all: verified.payload.0,
        })
    }
}

/// Rejects a grant that is bound to a key, because the proof of that key is not checked here.
fn check_not_bound(payload: &Payload) -> Result<()> {
    if payload.has("cnf") {
        return Err(Error::new(Code::TokenKind, "the grant is bound to a key, and proofs are not supported"));
    }
    Ok(())
}

fn check_lifetime(times: &Times) -> Result<Timestamp> {
    let (Some(exp), Some(iat)) = (times.exp, times.iat) else {
        return Err(Error::invalid_claim("exp", "is missing"));
    };
    if exp.since(iat) > MAX_LIFETIME {
        return Err(Error::invalid_claim("exp", "is more than five minutes after `iat`"));
    }
    Ok(exp)
}

/// Reduces the granted scopes to those that this server issues.
fn scopes(payload: &Payload, known: &[String]) -> Result<Vec<String>> {
    let granted = text(payload, "scope")?.unwrap_or_default();
    let granted: Vec<&str> = granted.split(' ').filter(|scope| !scope.is_empty()).collect();
    let scopes: Vec<String> = known.iter().filter(|scope| granted.contains(&scope.as_str())).cloned().collect();
    if scopes.is_empty() || granted.len() > MAX_ENTRIES {
        return Err(Error::invalid_claim("scope", "has no scope of this authorization server, or too many"));
    }
    Ok(scopes)
}

fn resources(payload: &Payload, known: &[String]) -> Result<Vec<String>> {
    let wrong = |why| Error::invalid_claim("resource", why);
    let Some(value) = payload.0.get("resource") else { return Ok(Vec::new()) };
    let resources = Audience::deserialize(value).map_err(|_| wrong("is neither a string nor a list of strings"))?;
    let resources = resources.as_slice();
    if resources.is_empty() || resources.len() > MAX_ENTRIES || !resources.iter().all(|one| known.contains(one)) {
        return Err(wrong("is not a resource of this authorization server"));
    }
    Ok(resources.to_vec())
}

fn actor(payload: &Payload) -> Result<Option<Actor>> {
    let wrong = |error| Error::invalid_claim("act", "is not a chain of at most eight actors").with_cause(error);
    payload.0.get("act").map(|act| Chain(MAX_ACTORS).deserialize(act).map_err(wrong)).transpose()
}

/// What the requester of a grant expects of it.
#[derive(Debug)]
pub(crate) struct ExpectedIdJag<'a> {
    /// The issuer of the org.
    pub(crate) issuer: &'a str,
    /// The issuer of the resource's authorization server.
    pub(crate) audience: &'a str,
    /// The requester's client id at that server.
    pub(crate) client_id: &'a str,
    /// The user's id at the org.
    pub(crate) subject: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) leeway: Duration,
}

impl ExpectedIdJag<'_> {
    /// Checks a grant before it is sent on, as far as its requester can read it. Whether it is valid is for its
    /// audience to decide, which verifies the signature.
    ///
    /// `sub` may be another identifier than the user's id, such as an e-mail address. Two ids of Okta's form must be
    /// the same.
    ///
    /// # Errors
    /// [`Code::TokenMalformed`], [`Code::TokenHeader`], [`Code::TokenExpired`] or [`Code::TokenClaim`].
    pub(crate) fn check(&self, grant: &str) -> Result<()> {
        let compact = Compact::parse(grant, &Headers::default())?;
        compact.header.check_type(ID_JAG)?;
        let payload = Payload::parse(&compact.payload()?)?;
        check_issuer(text(&payload, "iss")?, self.issuer)?;
        let subject = text(&payload, "sub")?;
        check_subject(subject)?;
        if is_user_id(self.subject) && subject.is_some_and(|subject| is_user_id(subject) && subject != self.subject) {
            return Err(Error::invalid_claim("sub", "is another user"));
        }
        if text(&payload, "aud")? != Some(self.audience) {
            return Err(Error::invalid_claim("aud", "is not the authorization server that the grant is for"));
        }
        let client_id = text(&payload, "client_id")?.unwrap_or_default();
        check_identifier("client_id", client_id)?;
        if client_id != self.client_id {
            return Err(Error::invalid_claim("client_id", "is not the client id at that authorization server"));
        }
        payload.times()?.check(self.now, self.leeway)
    }
}

/// Whether a subject has the form of Okta's user ids, which begin with `00u`.
fn is_user_id(subject: &str) -> bool {
    subject.starts_with("00u") && subject.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
