//! Logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.4), for conformance tests of apps.
//!
//! Okta sends none: neither its metadata nor its app settings mention them. These tokens test an app that accepts them
//! from other providers.

use std::sync::Arc;

use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::notice::{Delivery, Notice};
use crate::error::Error;
use crate::keys::{Algorithm, Special};
use crate::org_state::{OrgState, Server};
use crate::random;
use crate::sync::lock;
use crate::token::{Changes, Draft};
use crate::token_builder::TokenBuilder;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A fault of a logout token. An app must answer each of them with 400 and keep the session (Back-Channel Logout §2.6
/// and §2.8).
///
/// A wrong value is the correct one with `1` appended. Unusual but correct tokens are not faults: `.header("typ",
/// Value::Null)` and `.header("typ", "JWT")`, an unknown claim, and a token with only `sub` or only `sid`
/// ([`LogoutToken::session`] or [`LogoutToken::subject`] with `None`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogoutTokenFault {
    /// The body has no `logout_token`.
    NoToken,
    /// An ID token replaces the logout token. Each kind of token has its own rules (RFC 8725 §3.12).
    IdTokenInstead,
    /// `alg` is `none` and the signature empty.
    AlgNone,
    /// Correctly signed with ES256 and a published key, where an app expects RS256.
    WrongAlg,
    /// HS256, keyed with the PEM of the published RSA key.
    HmacWithPublicKey,
    /// Signed with a key that is never published.
    WrongKey,
    /// Every byte of the signature is XORed with `0x5A`.
    BadSignature,
    /// `typ` is `at+jwt`.
    OtherType,
    /// `iss` is another issuer.
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
    /// The token has a `nonce`, so it could be confused with an ID token.
    WithNonce,
    /// No `jti`.
    NoJti,
    /// `jti` is that of the last valid token for the endpoint. Without such a token the `jti` is fresh, and the token
    /// is valid.
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
    /// All faults.
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

/// A logout token before it is sent, valid or with a fault.
///
/// ```
/// # async fn example() -> Result<(), okta_auth_dev::Error> {
/// use okta_auth_dev::{ADA, LogoutTokenFault, Org};
///
/// let org = Org::start().await?;
/// let endpoint = "http://127.0.0.1:3000/backchannel-logout";
/// assert!(org.logout_token(ADA).send_to(endpoint).await.is_success());
/// // ... Ada signs in again; from now on the same `jti` is a replay ...
/// for fault in LogoutTokenFault::ALL {
///     assert_eq!(org.logout_token(ADA).fault(fault).send_to(endpoint).await.status, Some(400), "{fault:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a logout token does nothing until it is sent"]
pub struct LogoutToken {
    org: Arc<OrgState>,
    server: String,
    client_id: String,
    /// The user, also for an ID token that replaces the logout token.
    login: String,
    sub: Option<String>,
    sid: Option<String>,
    /// Changes by name, applied last.
    changes: Changes,
    fault: Option<LogoutTokenFault>,
}

impl LogoutToken {
    /// For a user and their newest session, if there is one.
    pub(crate) fn new(org: Arc<OrgState>, client_id: &str, login: &str) -> Self {
        let now = org.clock.seconds();
        let sessions = lock(&org.store).sessions.live(now);
        let theirs = sessions.into_iter().rfind(|session| session.login.eq_ignore_ascii_case(login));
        Self {
            sub: org.user(login).map(|user| user.id),
            sid: theirs.map(|session| session.sid),
            org,
            server: "default".to_owned(),
            client_id: client_id.to_owned(),
            login: login.to_owned(),
            changes: Changes::default(),
            fault: None,
        }
    }

    /// Sets the authorization server, `default` by default; [`crate::ORG_SERVER`] is the org's own.
    pub fn server(mut self, id: impl Into<String>) -> Self {
        self.server = id.into();
        self
    }

    /// Sets the client, by default the first one.
    pub fn client(mut self, id: impl Into<String>) -> Self {
        self.client_id = id.into();
        self
    }

    /// Replaces the Okta user id; `None` makes a token for a session only.
    ///
    /// A token without `sub` does not identify the user, so an app needs an index by `sid` to process it.
    pub fn subject<'a>(mut self, sub: impl Into<Option<&'a str>>) -> Self {
        self.sub = sub.into().map(str::to_owned);
        self
    }

    /// Replaces the session; `None` makes a token for all sessions of the user.
    ///
    /// A token without `sid` ends all of the app's sessions of the user with this issuer (Back-Channel Logout §2.4).
    pub fn session<'a>(mut self, sid: impl Into<Option<&'a str>>) -> Self {
        self.sid = sid.into().map(str::to_owned);
        self
    }

    /// Sets a claim, or removes it if the value is null. It is applied last, so it overrides a fault.
    ///
    /// An app must ignore unknown claims (Back-Channel Logout §2.4).
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.changes.claim(name, value);
        self
    }

    /// Sets a member of the header, or removes it if the value is null.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.changes.header(name, value);
        self
    }

    /// Applies a fault. A later fault replaces an earlier one.
    pub fn fault(mut self, fault: LogoutTokenFault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Signs the token for an endpoint. Sending the notice twice is a replay.
    pub fn notice(self, uri: impl Into<String>) -> Notice {
        let uri = uri.into();
        let (token, jti) = self.token(&uri).unwrap_or_default();
        // An app may accept the `jti` of a rejected token later, so only valid ones are
        // recorded.
        if self.fault.is_none() && !jti.is_empty() {
            lock(&self.org.last_jti).insert(uri.clone(), jti);
        }
        let name = if self.fault == Some(LogoutTokenFault::NoToken) { "token" } else { "logout_token" };
        let body = Serializer::new(String::new()).append_pair(name, &token).finish();
        let content_type = "application/x-www-form-urlencoded";
        Notice { client_id: self.client_id, uri, token, method: "POST", content_type, authorization: None, body }
    }

    /// Signs and sends the token.
    pub async fn send_to(self, uri: impl Into<String>) -> Delivery {
        self.notice(uri).send().await
    }

    /// The token and its `jti`.
    fn token(&self, uri: &str) -> Result<(String, String), Error> {
        if self.fault == Some(LogoutTokenFault::IdTokenInstead) {
            let builder = TokenBuilder::new(Arc::clone(&self.org)).server(&self.server).client(&self.client_id);
            return Ok((builder.id_token(&self.login, None).sign(), String::new()));
        }
        let server = self.org.server(&self.server);
        let server = server.ok_or_else(|| Error::config(format_args!("unknown server `{}`", self.server)))?;
        let mut draft = self.draft(server)?;
        if let Some(fault) = self.fault {
            let now = self.org.clock.seconds();
            identity(&mut draft, fault);
            content(&mut draft, fault, now);
            signature(&mut draft, fault, server)?;
        }
        if self.fault == Some(LogoutTokenFault::ReplayedJti) {
            let last = lock(&self.org.last_jti).get(uri).cloned();
            draft.claim("jti", json!(last.unwrap_or_else(random::token)));
        }
        self.changes.apply(&mut draft);
        let jti = draft.text("jti");
        Ok((draft.finish()?, jti))
    }

    /// The valid token. It expires after two minutes, as the specification recommends.
    fn draft(&self, server: &Server) -> Result<Draft, Error> {
        let now = self.org.clock.seconds();
        let claims = json!({
            "iss": server.settings.issuer(&self.org.url),
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

/// Faults of issuer, audience, subject and type.
fn identity(draft: &mut Draft, fault: LogoutTokenFault) {
    match fault {
        LogoutTokenFault::OtherType => draft.header("typ", json!("at+jwt")),
        LogoutTokenFault::WrongIssuer => draft.claim("iss", draft.suffixed("iss")),
        LogoutTokenFault::NoIssuer => draft.claim("iss", Value::Null),
        LogoutTokenFault::WrongAudience => draft.claim("aud", draft.suffixed("aud")),
        LogoutTokenFault::NoAudience => draft.claim("aud", Value::Null),
        LogoutTokenFault::NeitherSubNorSid => ["sub", "sid"].iter().for_each(|name| draft.claim(name, Value::Null)),
        _ => {}
    }
}

/// Faults of the content and the times.
fn content(draft: &mut Draft, fault: LogoutTokenFault, now: i64) {
    match fault {
        LogoutTokenFault::WrongEvent => {
            draft.claim("events", json!({"http://schemas.openid.net/event/foobar": {}}));
        }
        LogoutTokenFault::NoEvent => draft.claim("events", Value::Null),
        LogoutTokenFault::EventsNoObject => draft.claim("events", json!(EVENT)),
        LogoutTokenFault::WithNonce => draft.claim("nonce", json!(random::token())),
        LogoutTokenFault::NoJti => draft.claim("jti", Value::Null),
        LogoutTokenFault::Expired => draft.shift(now, &[("iat", -480), ("exp", -360)]),
        LogoutTokenFault::NoExpiry => draft.claim("exp", Value::Null),
        LogoutTokenFault::NoIat => draft.claim("iat", Value::Null),
        LogoutTokenFault::IssuedInFuture => draft.shift(now, &[("iat", 3600), ("exp", 3720)]),
        _ => {}
    }
}

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
