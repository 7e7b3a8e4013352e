//! Access tokens: permission to call an API, for a user or a machine.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::claims::{Payload, check_issuer, check_subject};
use super::verifier::Authentic;
use crate::clock::Timestamp;
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

/// What an introspected access token must satisfy.
#[derive(Debug)]
pub(crate) struct IntrospectionRules<'a> {
    /// The issuer, where the answer names one.
    pub(crate) issuer: &'a Issuer,
    /// The clients whose tokens count. Every token of an org server has the same audience,
    /// so the client is what tells tokens for this application from those for others.
    pub(crate) clients: &'a [String],
}

/// The claims of a verified access token (RFC 9068 §2.2, in Okta's form).
#[derive(Clone, Debug)]
pub struct AccessTokenClaims {
    /// As `scp` or `scope` have them.
    scopes: Vec<String>,
    /// No good from this moment on.
    expires_at: Timestamp,
    /// Everything, with the types of what has a meaning here checked.
    all: Map<String, Value>,
}

impl AccessTokenClaims {
    /// The issuer.
    pub fn issuer(&self) -> &str {
        self.text("iss").unwrap_or_default()
    }

    /// The subject: at Okta the user's login, or the client id of a machine.
    pub fn subject(&self) -> &str {
        self.text("sub").unwrap_or_default()
    }

    /// The client that the token was issued to: `cid` at Okta, `client_id` in RFC 9068.
    pub fn client_id(&self) -> &str {
        self.text("cid").or_else(|| self.text("client_id")).unwrap_or_default()
    }

    /// The user's id at Okta, the `sub` of the user's ID tokens; `None` for a machine.
    pub fn user_id(&self) -> Option<&str> {
        self.text("uid")
    }

    /// Whether the token belongs to a machine and not to a user.
    pub fn is_machine(&self) -> bool {
        self.user_id().is_none()
    }

    /// The granted scopes.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// When the token expires.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Every claim of the token.
    pub fn all(&self) -> &Map<String, Value> {
        &self.all
    }

    /// A claim that is a text.
    fn text(&self, name: &str) -> Option<&str> {
        self.all.get(name).and_then(Value::as_str)
    }
}

/// An access token that passed every check. There is no other way to get one. Cheap to
/// clone.
#[derive(Clone, Debug)]
pub struct VerifiedAccessToken(Arc<AccessTokenClaims>);

impl VerifiedAccessToken {
    /// The claims.
    pub fn claims(&self) -> &AccessTokenClaims {
        &self.0
    }

    /// The rules, kind of token first: a token of another kind should be told so, and not that
    /// its audience is wrong.
    pub(super) fn check(authentic: Authentic, rules: &AccessTokenRules<'_>) -> Result<Self> {
        let payload = authentic.payload;
        check_kind(&payload)?;
        check_issuer(payload.text("iss")?, rules.issuer.as_str())?;
        check_subject(payload.text("sub")?)?;
        check_audience(&payload, rules.audiences)?;
        payload.times()?.check(authentic.now, authentic.leeway)?;
        let (cid, client_id) = (payload.text("cid")?, payload.text("client_id")?);
        if cid.or(client_id).is_none() {
            return Err(Error::new(Code::TokenKind, "the token names no client, so it is no access token"));
        }
        Self::from_payload(payload)
    }

    /// The rules for the answer of an introspection endpoint (RFC 7662 §2.2). What makes it
    /// an access token is its `token_type`: Okta introspects ID tokens and refresh tokens as
    /// well, and says so by leaving it out.
    pub(crate) fn from_introspection(
        answer: Map<String, Value>,
        rules: &IntrospectionRules<'_>,
        now: Timestamp,
        leeway: Duration,
    ) -> Result<Self> {
        let payload = Payload(answer);
        if !matches!(payload.0.get("active"), Some(Value::Bool(true))) {
            return Err(Error::new(Code::TokenExpired, "the issuer says that the token is not active"));
        }
        if !payload.text("token_type")?.is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
            return Err(Error::new(Code::TokenKind, "the issuer does not call the token a bearer access token"));
        }
        check_kind(&payload)?;
        if let issuer @ Some(_) = payload.text("iss")? {
            check_issuer(issuer, rules.issuer.as_str())?;
        }
        check_subject(payload.text("sub")?)?;
        let client_id = payload.text("client_id")?.unwrap_or_default();
        if !rules.clients.iter().any(|client| client == client_id) {
            let message = "is another client than this application; let it in with `accept_client` if that is meant";
            return Err(Error::invalid_claim("client_id", message));
        }
        let times = payload.times()?;
        if times.exp.is_none_or(|exp| now >= exp.plus(leeway)) || times.nbf.is_some_and(|nbf| nbf > now.plus(leeway)) {
            return Err(Error::new(Code::TokenExpired, "the token has expired, or is not valid yet"));
        }
        Self::from_payload(payload)
    }

    /// The claims, once everything has been checked.
    fn from_payload(payload: Payload) -> Result<Self> {
        let scopes = scopes(&payload)?;
        payload.text("uid")?;
        let expires_at = payload.times()?.exp.ok_or_else(|| Error::invalid_claim("exp", "is missing"))?;
        Ok(Self(Arc::new(AccessTokenClaims { scopes, expires_at, all: payload.0 })))
    }
}

/// What no access token has, and a binding to a key that a bearer cannot prove.
fn check_kind(payload: &Payload) -> Result<()> {
    let of_others = ["nonce", "at_hash", "c_hash", "events", "htm", "htu"];
    if of_others.iter().any(|claim| payload.has(claim)) {
        return Err(Error::new(Code::TokenKind, "the token is of another kind than an access token"));
    }
    // A token bound to a key must come with proof of that key (RFC 9449 §7.2).
    if payload.has("cnf") {
        return Err(Error::new(Code::TokenKind, "the token is bound to a key and was sent without its proof"));
    }
    Ok(())
}

/// One of our audiences must be named. Others may be: an access token may be for several APIs.
fn check_audience(payload: &Payload, audiences: &[String]) -> Result<()> {
    let ours = |name: &str| audiences.iter().any(|audience| audience == name);
    let named = match payload.0.get("aud") {
        None => return Err(Error::invalid_claim("aud", "is missing")),
        Some(Value::String(name)) => ours(name),
        Some(Value::Array(names)) if names.iter().all(Value::is_string) => {
            names.iter().filter_map(Value::as_str).any(ours)
        }
        Some(_) => return Err(Error::invalid_claim("aud", "is neither a text nor a list of texts")),
    };
    if named {
        return Ok(());
    }
    Err(Error::invalid_claim("aud", "does not name this API; compare it with OKTA_AUDIENCE"))
}

/// `scp` as a list is Okta's; `scope` as a text is that of RFC 9068, of introspection and of
/// Okta's newer tokens.
fn scopes(payload: &Payload) -> Result<Vec<String>> {
    let listed = match payload.0.get("scp") {
        None => &[],
        Some(Value::Array(scopes)) if scopes.iter().all(Value::is_string) => scopes.as_slice(),
        Some(_) => return Err(Error::invalid_claim("scp", "is not a list of texts")),
    };
    let written = payload.text("scope")?.unwrap_or_default().split(' ').filter(|scope| !scope.is_empty());
    Ok(listed.iter().filter_map(Value::as_str).chain(written).map(str::to_owned).collect())
}
