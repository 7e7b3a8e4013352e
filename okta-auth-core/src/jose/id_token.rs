//! ID tokens: proof of a sign-in, for this application and this pending login.

use std::time::Duration;

use aws_lc_rs::digest;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::claims::{Audience, Payload, check_email, check_issuer, check_sid, check_subject};
use super::jwks::RefetchPolicy;
use super::verified_claims::VerifiedClaims;
use crate::base64url;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::secret::constant_time_eq;

/// An ID token that was issued longer ago does not belong to a current sign-in, regardless of its `exp`.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
pub(crate) struct IdTokenRules<'a> {
    /// The issuer, as its metadata writes it.
    pub(crate) issuer: &'a str,
    /// The audience that is required.
    pub(crate) client_id: &'a str,
    /// The other audiences that are allowed.
    pub(crate) trusted_audiences: &'a [String],
    pub(crate) nonce: Option<&'a str>,
    /// The access token from the same response, for `at_hash`.
    pub(crate) access_token: Option<&'a str>,
    pub(crate) max_age: Option<Duration>,
    pub(crate) acr_values: &'a [String],
    pub(crate) trust: RefetchPolicy,
}

/// An ID token that passed every check, with its claims (OIDC Core §2). It cannot be constructed in any other way.
#[derive(Clone, Debug)]
pub struct VerifiedIdToken {
    registered: Registered,
    all: Map<String, Value>,
}

#[derive(Clone, Debug)]
struct Registered {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    /// The client that the token was issued to.
    azp: Option<String>,
    nonce: Option<String>,
    at_hash: Option<String>,
    auth_time: Option<Timestamp>,
    acr: Option<String>,
    amr: Vec<String>,
    /// The session at Okta.
    sid: Option<String>,
}

impl VerifiedIdToken {
    /// The issuer.
    pub fn issuer(&self) -> &str {
        self.registered.iss.as_deref().unwrap_or_default()
    }

    /// The user's identifier at the issuer.
    pub fn subject(&self) -> &str {
        self.registered.sub.as_deref().unwrap_or_default()
    }

    /// When the user last authenticated, if the token has `auth_time`.
    pub fn auth_time(&self) -> Option<Timestamp> {
        self.registered.auth_time
    }

    /// The authentication context of the sign-in, if the token has `acr`.
    pub fn acr(&self) -> Option<&str> {
        self.registered.acr.as_deref()
    }

    /// The authentication methods, for example `pwd` and `mfa`.
    pub fn amr(&self) -> &[String] {
        &self.registered.amr
    }

    /// The session at Okta, if the token has `sid`.
    pub fn sid(&self) -> Option<&str> {
        self.registered.sid.as_deref()
    }

    /// Every claim of the token.
    pub fn all(&self) -> &Map<String, Value> {
        &self.all
    }

    /// Applies the rules in the order of OIDC Core §3.1.3.7, kind of token first.
    pub(super) fn check(authentic: VerifiedClaims, rules: &IdTokenRules<'_>) -> Result<Self> {
        let payload = &authentic.payload;
        // Logout tokens have `events`. Okta's access tokens have `scp` and `cid`, and no nonce (RFC 8725 §3.12).
        if payload.has("events") || (payload.has("scp") && payload.has("cid")) {
            return Err(Error::new(Code::TokenKind, "the token is not an ID token"));
        }
        let registered = Registered::read(payload)?;
        let times = payload.times()?;
        check_issuer(registered.iss.as_deref(), rules.issuer)?;
        check_subject(registered.sub.as_deref())?;
        registered.check_audience(rules.client_id, rules.trusted_audiences)?;
        times.check(authentic.now, authentic.leeway)?;
        if times.iat.is_some_and(|iat| authentic.now.since(iat) > MAX_AGE) {
            return Err(Error::invalid_claim("iat", "is more than a day old"));
        }
        registered.check_nonce(rules.nonce)?;
        registered.check_access_token(rules.access_token, authentic.algorithm)?;
        registered.check_authentication(rules, authentic.now, authentic.leeway)?;
        Ok(Self { registered, all: authentic.payload.0 })
    }
}

/// Returns the strings of a list, or a string as a list of one. Elements of other types are ignored.
fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(only) => Some(vec![only.clone()]),
        Value::Array(list) => Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        _ => None,
    }
}

impl Registered {
    /// Parses each claim by its type.
    ///
    /// An empty `sid` counts as absent. `session_expiry` is used when a session is created. Its type is checked here,
    /// so that an invalid value cannot lengthen a session.
    fn read(payload: &Payload) -> Result<Self> {
        let string = |name: &'static str| payload.string(name).map(|text| text.map(str::to_owned));
        let sid = payload.string("sid")?.filter(|sid| !sid.is_empty());
        sid.map_or(Ok(()), check_sid)?;
        payload.date("session_expiry")?;
        check_email(&payload.0)?;
        Ok(Self {
            iss: string("iss")?,
            sub: string("sub")?,
            aud: payload.audience()?,
            azp: string("azp")?,
            nonce: string("nonce")?,
            at_hash: string("at_hash")?,
            auth_time: payload.date("auth_time")?,
            acr: string("acr")?,
            amr: payload.read("amr", "is neither a string nor a list of strings", strings)?.unwrap_or_default(),
            sid: sid.map(str::to_owned),
        })
    }

    /// Checks that this client is the only audience, except for trusted ones. Another audience could replay the token
    /// here. With several audiences, `azp` has to be this client, because each of them may be a client.
    fn check_audience(&self, client_id: &str, trusted: &[String]) -> Result<()> {
        let audience = self.aud.as_ref().ok_or_else(|| Error::invalid_claim("aud", "is missing"))?;
        if !audience.contains(client_id) {
            return Err(Error::invalid_claim("aud", "does not name this application's client id"));
        }
        let mut others = audience.as_slice().iter().filter(|other| *other != client_id).peekable();
        let has_others = others.peek().is_some();
        if others.any(|other| !trusted.contains(other)) {
            return Err(Error::invalid_claim("aud", "names other audiences besides this application"));
        }
        match &self.azp {
            None if has_others => Err(Error::invalid_claim("azp", "is missing beside several audiences")),
            Some(azp) if azp != client_id => Err(Error::invalid_claim("azp", "is not this application's client id")),
            _ => Ok(()),
        }
    }

    /// Checks the nonce, which binds the token to one pending login. A token without it could be replayed.
    fn check_nonce(&self, expected: Option<&str>) -> Result<()> {
        let Some(expected) = expected else { return Ok(()) };
        let nonce = self.nonce.as_deref().ok_or_else(|| Error::invalid_claim("nonce", "is missing"))?;
        if constant_time_eq(nonce.as_bytes(), expected.as_bytes()) {
            return Ok(());
        }
        Err(Error::invalid_claim("nonce", "is not that of this sign-in"))
    }

    /// Checks `at_hash`, if present: the left half of the access token's hash (OIDC Core §3.1.3.8).
    fn check_access_token(&self, access_token: Option<&str>, algorithm: Algorithm) -> Result<()> {
        let (Some(at_hash), Some(token)) = (&self.at_hash, access_token) else { return Ok(()) };
        let hash = digest::digest(algorithm.digest(), token.as_bytes());
        let (left, _) = hash.as_ref().split_at_checked(hash.as_ref().len() / 2).unwrap_or_default();
        if constant_time_eq(base64url::encode(left).as_bytes(), at_hash.as_bytes()) {
            return Ok(());
        }
        Err(Error::invalid_claim("at_hash", "does not match the access token"))
    }

    /// Checks that the requested authentication took place: `auth_time` for `max_age` (OIDC Core §3.1.2.1), and `acr`
    /// for `acr_values`, because Okta silently ignores values that it does not support.
    fn check_authentication(&self, rules: &IdTokenRules<'_>, now: Timestamp, leeway: Duration) -> Result<()> {
        if let Some(max_age) = rules.max_age {
            let auth_time = self.auth_time.ok_or_else(|| Error::invalid_claim("auth_time", "is missing"))?;
            if now > auth_time.plus(max_age).plus(leeway) {
                return Err(Error::invalid_claim("auth_time", "is older than the requested `max_age` allows"));
            }
        }
        if self.auth_time.is_some_and(|auth_time| auth_time > now.plus(leeway)) {
            return Err(Error::invalid_claim("auth_time", "is in the future; check the clocks"));
        }
        let why = match &self.acr {
            _ if rules.acr_values.is_empty() => return Ok(()),
            Some(acr) if rules.acr_values.contains(acr) => return Ok(()),
            Some(_) => "is not one of the requested `acr_values`",
            None => "is missing, although `acr_values` were requested; the provider may not support them",
        };
        Err(Error::invalid_claim("acr", why))
    }
}
