//! Logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.4), for the conformance of
//! apps.
//!
//! Okta sends none: neither its metadata nor the settings of its apps know them. An app
//! that takes them from other providers can be tested with these all the same.

use std::sync::Arc;

use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::{Changes, Delivery, Notice, shift, suffixed};
use crate::error::Error;
use crate::keys::{Algorithm, Special};
use crate::random;
use crate::sync::lock;
use crate::tenant::{Server, Tenant};
use crate::token::Draft;

/// The one event that a logout token is about.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Something that is wrong with a logout token. An app must answer each of them with
/// 400 and keep the session (Back-Channel Logout §2.6 and §2.8).
///
/// Where a value is merely wrong, it is the right one with `1` appended. What is
/// unusual but right is no fault: `.header("typ", Value::Null)` and `.header("typ",
/// "JWT")`, an unknown claim, and a token with `sub` or `sid` alone
/// ([`LogoutToken::session`] or [`LogoutToken::subject`] with `None`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogoutTokenFault {
    /// The body has no `logout_token`.
    NoToken,
    /// An ID token takes the place of the logout token. Each kind of token has rules of
    /// its own (RFC 8725 §3.12).
    IdTokenInstead,
    /// `alg` is `none` and the signature empty.
    AlgNone,
    /// Properly signed with ES256 and a published key, where an app expects RS256.
    WrongAlg,
    /// HS256, keyed with the PEM of the published RSA key.
    HmacWithPublicKey,
    /// Signed with a key that is never published.
    WrongKey,
    /// Every byte of the signature is XORed with `0x5A`.
    BadSignature,
    /// `typ` is `at+jwt`.
    OtherType,
    /// `iss` is another one.
    WrongIssuer,
    /// No `iss`.
    NoIssuer,
    /// `aud` is another client.
    WrongAudience,
    /// No `aud`.
    NoAudience,
    /// `events` has `http://schemas.openid.net/event/foobar` instead.
    WrongEvent,
    /// No `events`.
    NoEvent,
    /// `events` is a string instead of an object.
    EventsNoObject,
    /// There is a `nonce`, which would make it look like an ID token.
    WithNonce,
    /// No `jti`.
    NoJti,
    /// `jti` is that of the last good token that was made for the endpoint; fresh, and
    /// then not wrong, if there was none.
    ReplayedJti,
    /// `exp` was six minutes ago.
    Expired,
    /// No `exp`.
    NoExpiry,
    /// No `iat`.
    NoIat,
    /// `iat` is an hour ahead.
    IssuedInFuture,
    /// Neither `sub` nor `sid`.
    NeitherSubNorSid,
}

impl LogoutTokenFault {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::NoToken,
        Self::IdTokenInstead,
        Self::AlgNone,
        Self::WrongAlg,
        Self::HmacWithPublicKey,
        Self::WrongKey,
        Self::BadSignature,
        Self::OtherType,
        Self::WrongIssuer,
        Self::NoIssuer,
        Self::WrongAudience,
        Self::NoAudience,
        Self::WrongEvent,
        Self::NoEvent,
        Self::EventsNoObject,
        Self::WithNonce,
        Self::NoJti,
        Self::ReplayedJti,
        Self::Expired,
        Self::NoExpiry,
        Self::NoIat,
        Self::IssuedInFuture,
        Self::NeitherSubNorSid,
    ];
}

/// A logout token before it is sent, good or bad.
///
/// ```
/// # async fn example() -> Result<(), okta_auth_dev::Error> {
/// use okta_auth_dev::{ADA, LogoutTokenFault, Org};
///
/// let org = Org::start().await?;
/// let endpoint = "http://127.0.0.1:3000/backchannel-logout";
/// assert!(org.logout_token(ADA).send_to(endpoint).await.is_success());
/// // ... Ada signs in again; from now on the `jti` of above is a replay ...
/// for fault in LogoutTokenFault::ALL {
///     assert_eq!(org.logout_token(ADA).fault(fault).send_to(endpoint).await.status, Some(400), "{fault:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a logout token does nothing until it is sent"]
pub struct LogoutToken {
    /// Who sends it.
    tenant: Arc<Tenant>,
    /// The id of the authorization server, which is the issuer.
    server: String,
    /// `aud`.
    client_id: String,
    /// Whom it is about; also for the ID token that takes its place.
    login: String,
    /// The Okta user id.
    sub: Option<String>,
    /// The name of the session.
    sid: Option<String>,
    /// What is changed by name, last of all.
    changes: Changes,
    /// What is wrong with it.
    fault: Option<LogoutTokenFault>,
}

impl LogoutToken {
    /// About a person and their newest session, if there is one.
    pub(crate) fn new(tenant: Arc<Tenant>, client_id: &str, login: &str) -> Self {
        let now = tenant.clock.seconds();
        let sessions = lock(&tenant.store).live_sessions(now);
        let theirs = sessions.into_iter().rfind(|session| session.login.eq_ignore_ascii_case(login));
        Self {
            sub: tenant.user(login).map(|user| user.id),
            sid: theirs.map(|session| session.sid),
            tenant,
            server: "default".to_owned(),
            client_id: client_id.to_owned(),
            login: login.to_owned(),
            changes: Changes::default(),
            fault: None,
        }
    }

    /// The authorization server, `default` unless it is set; [`crate::ORG_SERVER`] for
    /// the org's own.
    pub fn server(mut self, id: impl Into<String>) -> Self {
        self.server = id.into();
        self
    }

    /// The client, the first one unless it is set.
    pub fn client(mut self, id: impl Into<String>) -> Self {
        self.client_id = id.into();
        self
    }

    /// Replaces the person: the Okta user id, or none for a session alone.
    ///
    /// A token without `sub` says nothing about who was in the session, so an app needs
    /// an index by `sid` to act on it.
    pub fn subject<'a>(mut self, sub: impl Into<Option<&'a str>>) -> Self {
        self.sub = sub.into().map(str::to_owned);
        self
    }

    /// Replaces the session, or none for all sessions of the person.
    ///
    /// A token without `sid` ends every session that the app has of the person with
    /// this issuer (Back-Channel Logout §2.4).
    pub fn session<'a>(mut self, sid: impl Into<Option<&'a str>>) -> Self {
        self.sid = sid.into().map(str::to_owned);
        self
    }

    /// Sets a claim, or removes it when the value is null. It comes last, so it wins
    /// over a fault.
    ///
    /// An app must ignore claims that it does not know (Back-Channel Logout §2.4).
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.changes.claims.push((name.into(), value.into()));
        self
    }

    /// Sets a member of the header, or removes it when the value is null.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.changes.header.push((name.into(), value.into()));
        self
    }

    /// Makes it wrong. A later fault takes the place of an earlier one.
    pub fn fault(mut self, fault: LogoutTokenFault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Signs it for an endpoint. Sent twice, it is a replay.
    pub fn notice(self, uri: impl Into<String>) -> Notice {
        let uri = uri.into();
        let (token, jti) = self.token(&uri).unwrap_or_default();
        // An app that refused a token may take its `jti` again, so only good ones are remembered.
        if self.fault.is_none() && !jti.is_empty() {
            lock(&self.tenant.last_jti).insert(uri.clone(), jti);
        }
        let name = if self.fault == Some(LogoutTokenFault::NoToken) { "token" } else { "logout_token" };
        let body = Serializer::new(String::new()).append_pair(name, &token).finish();
        let content_type = "application/x-www-form-urlencoded";
        Notice { client_id: self.client_id, uri, token, method: "POST", content_type, authorization: None, body }
    }

    /// Signs it and sends it.
    pub async fn send_to(self, uri: impl Into<String>) -> Delivery {
        self.notice(uri).send().await
    }

    /// The token and its `jti`.
    fn token(&self, uri: &str) -> Result<(String, String), Error> {
        if self.fault == Some(LogoutTokenFault::IdTokenInstead) {
            let minter = crate::Minter::new(Arc::clone(&self.tenant)).server(&self.server).client(&self.client_id);
            return Ok((minter.id_token(&self.login, None).sign(), String::new()));
        }
        let server = self.tenant.server(&self.server);
        let server = server.ok_or_else(|| Error::config(format_args!("there is no server `{}`", self.server)))?;
        let mut draft = self.draft(server)?;
        if let Some(fault) = self.fault {
            let now = self.tenant.clock.seconds();
            identity(&mut draft, fault);
            content(&mut draft, fault, now);
            signature(&mut draft, fault, server)?;
        }
        if self.fault == Some(LogoutTokenFault::ReplayedJti) {
            let last = lock(&self.tenant.last_jti).get(uri).cloned();
            draft.claim("jti", json!(last.unwrap_or_else(random::token)));
        }
        self.changes.apply(&mut draft);
        let jti = draft.text("jti");
        Ok((draft.finish()?, jti))
    }

    /// The token as it should be: valid for two minutes, as the specification
    /// recommends.
    fn draft(&self, server: &Server) -> Result<Draft, Error> {
        let now = self.tenant.clock.seconds();
        let claims = json!({
            "iss": server.settings.issuer(&self.tenant.url),
            "aud": self.client_id,
            "iat": now,
            "exp": now + 120,
            "jti": random::token(),
            "events": {EVENT: {}},
        });
        let mut draft = Draft::new(server.ring.active()?, claims.as_object().cloned().unwrap_or_default());
        draft.header("typ", json!("logout+jwt"));
        draft.claim("sub", json!(self.sub));
        draft.claim("sid", json!(self.sid));
        Ok(draft)
    }
}

/// Who says it, to whom, about whom.
fn identity(draft: &mut Draft, fault: LogoutTokenFault) {
    match fault {
        LogoutTokenFault::OtherType => draft.header("typ", json!("at+jwt")),
        LogoutTokenFault::WrongIssuer => draft.claim("iss", suffixed(draft, "iss")),
        LogoutTokenFault::NoIssuer => draft.claim("iss", Value::Null),
        LogoutTokenFault::WrongAudience => draft.claim("aud", suffixed(draft, "aud")),
        LogoutTokenFault::NoAudience => draft.claim("aud", Value::Null),
        LogoutTokenFault::NeitherSubNorSid => ["sub", "sid"].iter().for_each(|name| draft.claim(name, Value::Null)),
        _ => {}
    }
}

/// What it says, and when.
fn content(draft: &mut Draft, fault: LogoutTokenFault, now: i64) {
    match fault {
        LogoutTokenFault::WrongEvent => {
            draft.claim("events", json!({"http://schemas.openid.net/event/foobar": {}}));
        }
        LogoutTokenFault::NoEvent => draft.claim("events", Value::Null),
        LogoutTokenFault::EventsNoObject => draft.claim("events", json!(EVENT)),
        LogoutTokenFault::WithNonce => draft.claim("nonce", json!(random::token())),
        LogoutTokenFault::NoJti => draft.claim("jti", Value::Null),
        LogoutTokenFault::Expired => shift(draft, now, &[("iat", -480), ("exp", -360)]),
        LogoutTokenFault::NoExpiry => draft.claim("exp", Value::Null),
        LogoutTokenFault::NoIat => draft.claim("iat", Value::Null),
        LogoutTokenFault::IssuedInFuture => shift(draft, now, &[("iat", 3600), ("exp", 3720)]),
        _ => {}
    }
}

/// What signs it.
fn signature(draft: &mut Draft, fault: LogoutTokenFault, server: &Server) -> Result<(), Error> {
    let ring = &server.ring;
    match fault {
        LogoutTokenFault::AlgNone => draft.unsigned(),
        LogoutTokenFault::WrongAlg => {
            draft.sign_with(ring.special(Special::Signs(Algorithm::Es256))?, Algorithm::Es256);
        }
        LogoutTokenFault::HmacWithPublicKey => draft.sign_with_secret(ring.active()?.public_pem()?.into_bytes()),
        LogoutTokenFault::WrongKey => draft.sign_with(ring.unpublished()?, Algorithm::Rs256),
        LogoutTokenFault::BadSignature => draft.damaged = true,
        _ => {}
    }
    Ok(())
}
