//! Access tokens: permission to call an API, for a user or a machine.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::claims::{Audience, Times, check_issuer, check_subject};
use super::verifier::Authentic;
use crate::config::Issuer;
use crate::error::{Code, Error, Result};

/// What one access token must satisfy.
#[derive(Debug)]
pub(crate) struct AccessTokenRules<'a> {
    /// The issuer, exactly.
    pub(crate) issuer: &'a Issuer,
    /// The audiences of this API; the token must name one of them.
    pub(crate) audiences: &'a [String],
}

/// The claims of a verified access token (RFC 9068 §2.2, in Okta's form).
#[derive(Clone, Debug)]
pub struct AccessTokenClaims {
    registered: Registered,
    scopes: Vec<String>,
    all: Map<String, Value>,
}

/// The claims with a meaning here, each with its type.
#[derive(Clone, Debug, Deserialize)]
struct Registered {
    /// Who issued it.
    iss: Option<String>,
    /// Whom it speaks of.
    sub: Option<String>,
    /// Whom it is for.
    aud: Option<Audience>,
    /// The client, in Okta's form.
    cid: Option<String>,
    /// The client, in the form of RFC 9068.
    client_id: Option<String>,
    /// The user's id; absent for a machine.
    uid: Option<String>,
    /// The scopes, in Okta's form.
    scp: Option<Vec<String>>,
    /// The scopes, in the form of RFC 9068.
    scope: Option<String>,
}

impl AccessTokenClaims {
    /// The subject: at Okta the user's login, or the client id of a machine.
    pub fn subject(&self) -> &str {
        self.registered.sub.as_deref().unwrap_or_default()
    }

    /// The client that the token was issued to.
    pub fn client_id(&self) -> &str {
        self.registered.client_id().unwrap_or_default()
    }

    /// The user's id at Okta, the `sub` of the user's ID tokens; `None` for a machine.
    pub fn user_id(&self) -> Option<&str> {
        self.registered.uid.as_deref()
    }

    /// Whether the token belongs to a machine and not to a user.
    pub fn is_machine(&self) -> bool {
        self.registered.uid.is_none()
    }

    /// The granted scopes.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Every claim of the token.
    pub fn all(&self) -> &Map<String, Value> {
        &self.all
    }
}

/// An access token that passed every check. There is no other way to get one.
#[derive(Clone, Debug)]
pub struct VerifiedAccessToken(AccessTokenClaims);

impl VerifiedAccessToken {
    /// The claims.
    pub fn claims(&self) -> &AccessTokenClaims {
        &self.0
    }

    /// The rules, kind of token first: a token of another kind should be told so, and not that
    /// its audience is wrong.
    pub(super) fn check(authentic: Authentic, rules: &AccessTokenRules<'_>) -> Result<Self> {
        let payload = &authentic.payload;
        let of_id_tokens = ["nonce", "at_hash", "c_hash", "events"];
        if of_id_tokens.iter().any(|claim| payload.has(claim)) {
            return Err(Error::new(Code::TokenKind, "the token is of another kind than an access token"));
        }
        // A token bound to a key must come with proof of that key (RFC 9449 §7.2).
        if payload.has("cnf") {
            return Err(Error::new(Code::TokenKind, "the token is bound to a key and was sent without its proof"));
        }
        let registered: Registered = payload.read()?;
        let times: Times = payload.read()?;
        check_issuer(registered.iss.as_deref(), rules.issuer.as_str())?;
        check_subject(registered.sub.as_deref())?;
        registered.check_audience(rules.audiences)?;
        times.check(authentic.now, authentic.leeway)?;
        if registered.client_id().is_none() {
            return Err(Error::new(Code::TokenKind, "the token names no client, so it is no access token"));
        }
        let scopes = registered.scopes();
        Ok(Self(AccessTokenClaims { registered, scopes, all: authentic.payload.0 }))
    }
}

impl Registered {
    /// One of our audiences must be named. Others may be: an access token may be for several APIs.
    fn check_audience(&self, audiences: &[String]) -> Result<()> {
        let audience = self.aud.as_ref().ok_or_else(|| Error::invalid_claim("aud", "is missing"))?;
        if audiences.iter().any(|ours| audience.contains(ours)) {
            return Ok(());
        }
        Err(Error::invalid_claim("aud", "does not name this API; compare it with OKTA_AUDIENCE"))
    }

    /// `cid` at Okta, `client_id` in RFC 9068.
    fn client_id(&self) -> Option<&str> {
        self.cid.as_deref().or(self.client_id.as_deref())
    }

    /// `scp` as a list is Okta's; `scope` as a text is that of RFC 9068 and of Okta's
    /// newer tokens.
    fn scopes(&self) -> Vec<String> {
        let texts = self.scope.iter().flat_map(|scope| scope.split(' ')).filter(|scope| !scope.is_empty());
        self.scp.iter().flatten().cloned().chain(texts.map(str::to_owned)).collect()
    }
}
