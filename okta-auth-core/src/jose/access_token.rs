//! Access tokens: permission for a user or a machine to call an API.
//!
//! A `VerifiedAccessToken` comes from one of two sources. Both check the kind of the token before its issuer and
//! audience:
//!
//! - A signed token, after its signature: kind, issuer, subject, audience, times, client (RFC 9068 §4).
//! - An introspection response: active, kind, issuer, subject, client, times (RFC 7662 §2.2).
//!
//! The kind matters because an issuer may sign ID tokens, logout tokens and access tokens with the same keys. An ID
//! token informs a client about a sign-in and must not give access to an API (RFC 8725 §3.12).

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Map, Value};

use super::access_payload::{AccessPayload, Binding};
use super::actor::Actor;
use super::claims::{Audience, Times, check_identifier, check_issuer, check_subject};
use super::introspected_kind;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::json;
#[cfg(feature = "client")]
use crate::secret::{Secret, sha256};

#[derive(Debug)]
pub(crate) struct AccessTokenRules<'a> {
    /// The issuer, as its metadata writes it.
    pub(crate) issuer: &'a str,
    /// The audiences of this API; the token must name one of them.
    pub(crate) audiences: &'a [String],
}

#[derive(Debug)]
pub(crate) struct IntrospectionRules<'a> {
    /// The issuer as its metadata writes it, if the response names one.
    pub(crate) issuer: &'a str,
    /// The clients whose tokens are accepted. Every token of an org server has the same audience, so only the client
    /// shows whether the token was issued for this application.
    pub(crate) clients: &'a [String],
    /// The audiences of this API. A token whose audience is its own client is accepted only if this names the client.
    pub(crate) audiences: &'a [String],
    /// The token. If it is a JWT, it names its key even if the response does not (RFC 9449 §6).
    pub(crate) token: &'a str,
}

/// The claims of a verified access token (RFC 9068 §2.2, in Okta's form).
#[derive(Debug)]
pub struct AccessTokenClaims {
    issuer: String,
    subject: String,
    client_id: String,
    user_id: Option<String>,
    scopes: Vec<String>,
    actor: Option<Actor>,
    /// Whether nothing says that the subject is a service or an agent.
    subject_is_user: bool,
    /// The thumbprint of the key that the token is bound to.
    key_thumbprint: Option<[u8; 32]>,
    expires_at: Timestamp,
    json: Vec<u8>,
    /// Parsed from the payload on first use.
    all: OnceLock<Map<String, Value>>,
    /// The token itself.
    #[cfg(feature = "client")]
    text: Secret,
    /// The SHA-256 of the token, computed on first use.
    #[cfg(feature = "client")]
    hash: OnceLock<[u8; 32]>,
}

impl AccessTokenClaims {
    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The subject: at Okta the user's login, or the client id of a machine.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The client that the token was issued to: `cid` at Okta, `client_id` in RFC 9068. Empty if the token names none;
    /// such a token is accepted only with an [`actor`](Self::actor).
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The user's id at Okta, the `sub` of the user's ID tokens; `None` for a machine, and for some tokens with an
    /// [`actor`](Self::actor).
    pub fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    /// Whether the token belongs to a machine and not to a user. A token with an actor never does: it belongs to the
    /// party that the actor acts for.
    pub fn is_machine(&self) -> bool {
        self.user_id.is_none() && self.actor.is_none()
    }

    /// Whether the token belongs to a user, who may have an [`actor`](Self::actor) use it. A token that an actor uses
    /// for a service belongs neither to a user nor to a machine.
    pub fn is_user(&self) -> bool {
        self.user_id.is_some() || (self.actor.is_some() && self.subject_is_user)
    }

    /// The party that uses the token for its user, such as an AI agent (`act`, RFC 8693 §4.1).
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// The granted scopes, from `scp` and `scope`.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// When the token expires.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Whether the token is bound to a key of its client (`cnf.jkt`, RFC 9449 §6.1). A request with such a token is
    /// accepted only with a proof of that key.
    pub fn is_bound(&self) -> bool {
        self.key_thumbprint.is_some()
    }

    /// The SHA-256 thumbprint of the key that the token is bound to.
    pub(crate) fn key_thumbprint(&self) -> Option<&[u8; 32]> {
        self.key_thumbprint.as_ref()
    }

    /// Every claim of the token.
    pub fn all(&self) -> &Map<String, Value> {
        self.all.get_or_init(|| serde_json::from_slice(&self.json).unwrap_or_default())
    }
}

/// An access token that passed every check. It cannot be constructed in any other way. Cheap to clone.
#[derive(Clone, Debug)]
pub struct VerifiedAccessToken(Arc<AccessTokenClaims>);

impl VerifiedAccessToken {
    /// The claims.
    pub fn claims(&self) -> &AccessTokenClaims {
        &self.0
    }

    /// Keeps the token itself, so that it can be exchanged (RFC 8693).
    #[must_use]
    #[cfg(feature = "client")]
    pub(crate) fn with_text(mut self, text: &str) -> Self {
        // The claims were created for this token, so there is no other reference to them.
        if let Some(claims) = Arc::get_mut(&mut self.0) {
            claims.text = Secret::new(text);
        }
        self
    }

    /// Without token exchange, the token itself is not kept.
    #[must_use]
    #[cfg(not(feature = "client"))]
    pub(crate) fn with_text(self, _: &str) -> Self {
        self
    }

    /// The token itself.
    #[cfg(feature = "client")]
    pub(crate) fn text(&self) -> &Secret {
        &self.0.text
    }

    /// The SHA-256 of the token.
    #[cfg(feature = "client")]
    pub(crate) fn hash(&self) -> &[u8; 32] {
        self.0.hash.get_or_init(|| sha256(self.0.text.expose().as_bytes()))
    }

    /// Applies the rules, kind of token first, so that a token of another kind gets the right error instead of a wrong
    /// audience.
    ///
    /// `json` is the payload of a token whose signature has been verified.
    pub(super) fn check(json: Vec<u8>, rules: &AccessTokenRules<'_>, now: Timestamp, leeway: Duration) -> Result<Self> {
        let payload = match AccessPayload::parse(&json) {
            Err(error) if error.code() == Code::TokenMalformed => {
                // What comes back is not changed again.
                return Self::check(json::saturated(&json).ok_or(error)?, rules, now, leeway);
            }
            outcome => outcome?,
        };
        check_kind(&payload)?;
        check_issuer(payload.iss.as_deref(), rules.issuer)?;
        check_subject(payload.sub.as_deref())?;
        check_names(&payload)?;
        check_audience(payload.aud.as_ref(), rules.audiences)?;
        payload.times.check(now, leeway)?;
        if !payload.names_its_holder() {
            return Err(Error::new(Code::TokenKind, "the token names no client, so it is not an access token"));
        }
        let claims = claims(payload, rules.issuer)?;
        Ok(Self(Arc::new(AccessTokenClaims { json, ..claims })))
    }

    /// Applies the rules to the response of an introspection endpoint (RFC 7662 §2.2). The kind is checked first,
    /// because Okta introspects ID tokens and refresh tokens as well.
    ///
    /// `active` must be true. All inactive tokens get the same code, because the response does not distinguish expired,
    /// revoked and unknown tokens.
    ///
    /// `iss` is optional in a response and is compared if present, because the response itself came from the issuer's
    /// endpoint. `iat` is not required.
    pub(crate) fn from_introspection(
        answer: &Map<String, Value>,
        rules: &IntrospectionRules<'_>,
        now: Timestamp,
        leeway: Duration,
    ) -> Result<Self> {
        let json = serde_json::to_vec(answer)
            .map_err(|error| Error::new(Code::Internal, "an introspection cannot be serialized").with_cause(error))?;
        let mut payload = AccessPayload::parse(&json)?;
        payload.binding = payload.binding.and(Binding::unverified(rules.token));
        if payload.active != Some(true) {
            return Err(Error::new(Code::TokenExpired, "the issuer says that the token is not active"));
        }
        check_kind(&payload)?;
        introspected_kind::check(&payload, rules.audiences, rules.token)?;
        if payload.iss.is_some() {
            check_issuer(payload.iss.as_deref(), rules.issuer)?;
        }
        check_subject(payload.sub.as_deref())?;
        check_names(&payload)?;
        let client_id = payload.client_id.as_deref().unwrap_or_default();
        if !rules.clients.iter().any(|client| client == client_id) {
            let message = "is not this application; if the client should have access, allow it with `accept_client`";
            return Err(Error::invalid_claim("client_id", message));
        }
        let Times { exp, nbf, .. } = payload.times;
        if exp.is_none_or(|exp| now >= exp.plus(leeway)) || nbf.is_some_and(|nbf| nbf > now.plus(leeway)) {
            return Err(Error::new(Code::TokenExpired, "the token has expired or is not valid yet"));
        }
        let claims = claims(payload, rules.issuer)?;
        Ok(Self(Arc::new(AccessTokenClaims { json, ..claims })))
    }
}

impl AsRef<Self> for VerifiedAccessToken {
    fn as_ref(&self) -> &Self {
        self
    }
}

fn claims(mut payload: AccessPayload<'_>, issuer: &str) -> Result<AccessTokenClaims> {
    let expires_at = payload.times.exp.ok_or_else(|| Error::invalid_claim("exp", "is missing"))?;
    let scopes = payload.scopes();
    Ok(AccessTokenClaims {
        issuer: issuer.to_owned(),
        subject: payload.sub.unwrap_or_default().into_owned(),
        client_id: payload.cid.or(payload.client_id).unwrap_or_default().into_owned(),
        user_id: payload.uid.map(Cow::into_owned),
        key_thumbprint: match payload.binding {
            Binding::DpopKey(thumbprint) => Some(thumbprint),
            Binding::None | Binding::Unsupported => None,
        },
        subject_is_user: payload.sub_profile.is_none_or(|profile| profile == "user"),
        scopes,
        actor: payload.act,
        expires_at,
        json: Vec::new(),
        all: OnceLock::new(),
        #[cfg(feature = "client")]
        text: Secret::new(""),
        #[cfg(feature = "client")]
        hash: OnceLock::new(),
    })
}

/// Checks the identifiers besides the subject, if present.
fn check_names(payload: &AccessPayload<'_>) -> Result<()> {
    let names = [("cid", &payload.cid), ("client_id", &payload.client_id), ("uid", &payload.uid)];
    names
        .into_iter()
        .filter_map(|(name, text)| Some((name, text.as_deref()?)))
        .try_for_each(|(n, t)| check_identifier(n, t))
}

/// Rejects claims of other kinds of token, and tokens that are bound in a way that is not supported.
///
/// A binding must not be ignored. Otherwise an attacker could use a stolen bound token here as a plain bearer token,
/// which the binding is meant to prevent.
fn check_kind(payload: &AccessPayload<'_>) -> Result<()> {
    if payload.of_another_kind {
        return Err(Error::new(Code::TokenKind, "the token is not an access token"));
    }
    if payload.binding == Binding::Unsupported {
        let message = "the token is bound (`cnf`) in another way than to one DPoP key, so it cannot be proven";
        return Err(Error::new(Code::TokenKind, message));
    }
    Ok(())
}

/// Checks that the token names one of our audiences. It may name others, because an access token may be for several
/// APIs.
///
/// Without this check the operator of another API could forward a token to this one (RFC 9068 §4, RFC 8725 §3.9).
fn check_audience(audience: Option<&Audience>, ours: &[String]) -> Result<()> {
    let audience = audience.ok_or_else(|| Error::invalid_claim("aud", "is missing"))?;
    if ours.iter().any(|ours| audience.contains(ours)) {
        return Ok(());
    }
    Err(Error::invalid_claim("aud", "does not name this API; compare it with OKTA_AUDIENCE"))
}

#[cfg(test)]
mod tests {
    use crate::base64url;
    use serde_json::json;

    use super::*;

    const LEEWAY: Duration = Duration::from_secs(60);

    /// Parses an introspection with one member changed, or removed if the value is null.
    fn introspected(name: &str, value: Value) -> Result<VerifiedAccessToken, Code> {
        introspected_token("opaque", name, value)
    }

    fn introspected_token(token: &str, name: &str, value: Value) -> Result<VerifiedAccessToken, Code> {
        introspect(token, &["api://default"], &[(name, value)]).map_err(|error| error.code())
    }

    fn introspect(token: &str, audiences: &[&str], changes: &[(&str, Value)]) -> Result<VerifiedAccessToken> {
        let mut answer = json!({
            "active": true, "token_type": "Bearer", "client_id": "c", "sub": "s", "exp": 2_000, "scope": "a b",
            "iss": "https://x.okta.com", "username": "u",
        });
        for (name, value) in changes {
            match value {
                Value::Null => drop(answer.as_object_mut().unwrap().remove(*name)),
                value => answer[*name] = value.clone(),
            }
        }
        let audiences: Vec<String> = audiences.iter().map(|audience| (*audience).to_owned()).collect();
        let clients = ["c".to_owned()];
        let rules =
            IntrospectionRules { issuer: "https://x.okta.com", clients: &clients, audiences: &audiences, token };
        let now = Timestamp::from_seconds(1_000);
        VerifiedAccessToken::from_introspection(answer.as_object().unwrap(), &rules, now, LEEWAY)
    }

    /// A JWT whose signature only its issuer checks.
    fn jwt(header: Value, claims: Value) -> String {
        format!("{}.{}.c2ln", base64url::encode(header.to_string()), base64url::encode(claims.to_string()))
    }

    #[test]
    fn an_introspection_is_accepted_only_if_every_member_is_valid() {
        let token = introspected("username", json!("other")).unwrap();
        assert_eq!((token.claims().scopes().len(), token.claims().subject()), (2, "s"));
        for (name, value, code) in [
            ("active", json!(false), Code::TokenExpired),
            ("active", Value::Null, Code::TokenExpired),
            ("active", json!("true"), Code::TokenClaim),
            ("token_type", Value::Null, Code::TokenKind),
            ("token_type", json!("DPoP"), Code::TokenKind),
            ("aud", json!("c"), Code::TokenKind),
            ("aud", json!(["https://x.okta.com", "c"]), Code::TokenKind),
            ("token_use", json!("refresh_token"), Code::TokenKind),
            ("token_class", json!("id_token"), Code::TokenKind),
            ("client_id", json!("other"), Code::TokenClaim),
            ("client_id", Value::Null, Code::TokenClaim),
            ("sub", Value::Null, Code::TokenClaim),
            ("exp", json!(900), Code::TokenExpired),
            ("exp", Value::Null, Code::TokenExpired),
            ("nbf", json!(1_100), Code::TokenExpired),
            ("iss", json!("https://y.okta.com"), Code::TokenClaim),
            ("cnf", json!({"jkt": "x"}), Code::TokenKind),
            ("nonce", json!("n"), Code::TokenKind),
        ] {
            assert_eq!(introspected(name, value.clone()).unwrap_err(), code, "{name} {value}");
        }
        introspected("iss", Value::Null).expect("Okta may leave the issuer out");
        for (name, value) in
            [("token_use", json!("access_token")), ("token_class", json!("access")), ("token_use", json!(1))]
        {
            introspected(name, value).unwrap();
        }
    }

    /// The header of a token of RFC 9068, of other tokens, and claims of an access token, an ID token and more.
    fn tokens() -> (String, Vec<(&'static str, String)>) {
        let claims = json!({"iss": "https://x.okta.com", "sub": "s", "aud": "c", "exp": 2_000});
        let with = |name: &str, value: Value| {
            let mut claims = claims.clone();
            claims[name] = value;
            claims
        };
        let header = json!({"alg": "RS256", "kid": "k"});
        let typed = |typ: &str| json!({"alg": "RS256", "kid": "k", "typ": typ});
        let good = jwt(typed("at+jwt"), with("client_id", json!("c")));
        let mut named = with("client_id", json!("c"));
        named["nonce"] = json!("n");
        let bad = vec![
            ("an ID token", jwt(header.clone(), with("nonce", json!("n")))),
            ("an ID token that has no nonce", jwt(header.clone(), claims.clone())),
            ("an ID token with a type", jwt(typed("JWT"), claims.clone())),
            ("an ID token with at_hash", jwt(header.clone(), with("at_hash", json!("h")))),
            ("an ID token that names its client", jwt(header.clone(), named)),
            ("a logout token", jwt(typed("logout+jwt"), with("events", json!({})))),
            ("an access token's type alone", jwt(typed("at+jwt"), claims.clone())),
            ("claims with a wrong type", jwt(header.clone(), with("client_id", json!(["c"])))),
            ("an encrypted ID token", format!("{}.a.b.c.d", base64url::encode(header.to_string()))),
            ("an ID token with one part more", format!("{}.", jwt(header.clone(), with("client_id", json!("c"))))),
            ("parts that are no JSON", "a.b.c".to_owned()),
        ];
        (good, bad)
    }

    #[test]
    fn a_client_that_is_its_own_audience_is_accepted_if_the_application_names_it() {
        let audience = ("aud", json!(["c"]));
        let own = |token: &str, audiences: &[&str], more: &[(&str, Value)]| {
            introspect(token, audiences, &[std::slice::from_ref(&audience), more].concat())
        };
        for audiences in [["api://default", "other"].as_slice(), &[], &["https://x.okta.com"], &["C"], &[""]] {
            let error = own("opaque", audiences, &[]).unwrap_err();
            assert_eq!(error.code(), Code::TokenKind);
            assert!(error.to_string().contains("`aud`") && error.to_string().contains("OKTA_AUDIENCE"), "{error}");
        }
        let (good, bad) = tokens();
        own("opaque", &["c"], &[]).unwrap();
        own(&good, &["api://default", "c"], &[]).unwrap();
        own(&jwt(json!({"alg": "RS256"}), json!({"cid": "c"})), &["c"], &[]).unwrap();
        for (what, token) in bad {
            assert_eq!(own(&token, &["c"], &[]).unwrap_err().code(), Code::TokenKind, "{what}");
            introspect(&token, &["c"], &[("aud", json!("api://a"))]).expect("an audience of an API decides");
        }
        // The response for an ID token, a refresh token and others, whatever the form of the token.
        for (name, value) in [
            ("nonce", json!("n")),
            ("at_hash", json!("h")),
            ("events", json!({})),
            ("token_use", json!("id")),
            ("token_class", json!("refresh_token")),
            ("token_type", Value::Null),
            ("token_type", json!("ID")),
            ("token_type", json!("Refresh")),
            ("token_type", json!("urn:x-oath:params:oauth:token-type:device-secret")),
            ("token_type", json!("N_A")),
            ("client_id", json!("other")),
        ] {
            let error = own("opaque", &["c", "other"], &[(name, value)]).unwrap_err();
            assert!(matches!(error.code(), Code::TokenKind | Code::TokenClaim), "{name}: {error}");
        }
        assert_eq!(own("opaque", &["c"], &[("client_id", Value::Null)]).unwrap_err().claim(), Some("client_id"));
    }

    #[test]
    fn a_response_without_a_scope_grants_none_and_may_not_be_about_an_id_token() {
        let (good, bad) = tokens();
        for scope in [Value::Null, json!(""), json!(" ")] {
            for token in ["opaque", "one.dot", &good] {
                let verified = introspect(token, &["api://default"], &[("scope", scope.clone())]).unwrap();
                assert!(verified.claims().scopes().is_empty());
            }
            for (what, token) in &bad {
                for audience in [Value::Null, json!("api://a"), json!("c")] {
                    let changes = [("scope", scope.clone()), ("aud", audience)];
                    let error = introspect(token, &["api://default", "c"], &changes).unwrap_err();
                    assert_eq!(error.code(), Code::TokenKind, "{what}");
                }
            }
        }
        let (_, id_token) = &bad[1];
        let error = introspect(id_token, &["c"], &[("scope", Value::Null)]).unwrap_err().to_string();
        assert!(error.contains("`scope`") && error.contains("ID token"), "{error}");
    }

    #[test]
    fn without_a_token_type_only_a_token_that_states_its_type_is_accepted() {
        let (good, bad) = tokens();
        let untyped = |token: &str| introspect(token, &["c"], &[("token_type", Value::Null)]);
        untyped(&good).unwrap();
        let refresh = ["opaque".to_owned(), jwt(json!({"alg": "RS256"}), json!({"client_id": "c"}))];
        for token in bad.iter().map(|(_, token)| token).chain(&refresh) {
            let error = untyped(token).unwrap_err();
            assert_eq!(error.code(), Code::TokenKind);
            assert!(error.to_string().contains("no `token_type`"), "{error}");
        }
        for (value, told) in [("access_token", "neither `Bearer` nor `DPoP`"), ("DPoP", "`cnf`")] {
            let error = introspect("opaque", &["c"], &[("token_type", json!(value))]).unwrap_err().to_string();
            assert!(error.contains(told) && !error.contains("access_token"), "{error}");
        }
    }

    #[test]
    fn an_introspected_token_is_bound_to_the_key_of_the_response_or_of_the_token() {
        let (key, other) = (json!({"jkt": base64url::encode([1; 32])}), json!({"jkt": base64url::encode([2; 32])}));
        let token = |claims: Value| format!("e30.{}.c2ln", base64url::encode(claims.to_string()));
        let (bound, plain) = (token(json!({"cnf": key})), token(json!({"sub": "s"})));
        let bound_to = |token: &str, name, value| {
            introspected_token(token, name, value).map(|token| token.claims().key_thumbprint().copied())
        };
        assert_eq!(bound_to("opaque", "cnf", key.clone()), Ok(Some([1; 32])));
        assert_eq!(bound_to(&bound, "token_type", json!("DPoP")), Ok(Some([1; 32])));
        assert_eq!(bound_to(&bound, "token_type", json!("Bearer")), Ok(Some([1; 32])), "the type alone proves nothing");
        assert_eq!(bound_to(&bound, "cnf", key.clone()), Ok(Some([1; 32])));
        assert_eq!(bound_to(&plain, "cnf", key.clone()), Ok(Some([1; 32])));
        assert_eq!(bound_to(&plain, "username", json!("u")), Ok(None));
        assert_eq!(bound_to(&bound, "cnf", other), Err(Code::TokenKind));
        assert_eq!(bound_to(&plain, "token_type", json!("DPoP")), Err(Code::TokenKind));
        let mtls = json!({"x5t#S256": base64url::encode([1; 32])});
        let mixed = json!({"jkt": base64url::encode([1; 32]), "x5t#S256": base64url::encode([1; 32])});
        for unsupported in [mtls, mixed, json!({}), json!(null), json!("x"), json!({"jkt": "AAAA"}), json!({"jkt": 1})]
        {
            assert_eq!(bound_to(&token(json!({"cnf": unsupported})), "sub", json!("s")), Err(Code::TokenKind));
        }
    }

    #[test]
    fn duplicate_claims_and_claims_with_a_wrong_type_are_refused() {
        let code = |json: &str| AccessPayload::parse(json.as_bytes()).unwrap_err().code();
        for twice in [r#"{"aud":"a","aud":"b"}"#, r#"{"x":1,"x":1}"#, r#"{"sub":"a","\u0073ub":"b"}"#] {
            assert_eq!(code(twice), Code::TokenClaim, "{twice}");
        }
        for (name, wrong) in [
            ("iss", "1"),
            ("sub", "1"),
            ("aud", "[1]"),
            ("cid", "[\"c\"]"),
            ("client_id", "true"),
            ("uid", "{}"),
            ("scp", "\"a\""),
            ("scope", "[\"a\"]"),
            ("exp", "\"1\""),
            ("nbf", "[1]"),
            ("iat", "null"),
            ("token_type", "1"),
            ("active", "\"true\""),
        ] {
            let error = AccessPayload::parse(format!("{{\"x\":1,\"{name}\":{wrong}}}").as_bytes()).unwrap_err();
            assert_eq!((error.code(), error.claim()), (Code::TokenClaim, Some(name)), "{name} {wrong}");
        }
        assert_eq!(AccessPayload::parse(br#"{"sub":"a","sub":"b"}"#).unwrap_err().claim(), Some("sub"));
        let dates = AccessPayload::parse(br#"{"exp":1.9,"iat":-0.5,"nbf":1e300}"#).unwrap().times;
        let seconds = [dates.exp, dates.iat, dates.nbf].map(|time| time.map(Timestamp::seconds));
        assert_eq!(seconds, [Some(1), Some(-1), Some(i64::MAX)]);
        for no_object in ["", "[]", "1", "null", "{", "{}x", "\u{feff}{}"] {
            AccessPayload::parse(no_object.as_bytes()).unwrap_err();
        }
        AccessPayload::parse(br#"{"sub":"a","x":{"y":[1,null]}}"#).unwrap();
    }
}
