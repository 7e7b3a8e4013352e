//! Universal Logout: Global Token Revocation, as Okta sends it to apps.
//!
//! The message is a POST with a subject identifier (RFC 9493) in the body and a JWT, valid for five minutes, in the
//! `Authorization` header. The JWT is signed with the org's ID token key, even if the app uses a custom server.

use std::sync::Arc;

use serde_json::{Value, json};

use super::notice::{Delivery, Notice};
use crate::client::SubjectFormat;
use crate::error::Error;
use crate::keys::Algorithm;
use crate::org_state::OrgState;
use crate::random;
use crate::server::ORG_SERVER;
use crate::sync::lock;
use crate::token::{Changes, Draft};
use crate::user::User;

const TYPE: &str = "global-token-revocation+jwt";

/// A fault of a revocation. An app must reject each of them and change nothing.
///
/// A wrong value is the correct one with `1` appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RevocationFault {
    /// No `Authorization` header.
    NoToken,
    /// Signed with a key that is never published.
    WrongKey,
    /// Signed with the key of the custom server `default`, not the org's.
    CustomServerKey,
    /// Every byte of the signature is XORed with `0x5A`.
    BadSignature,
    /// `alg` is `none` and the signature empty.
    AlgNone,
    /// HS256, keyed with the PEM of the published RSA key.
    HmacWithPublicKey,
    /// `typ` is `JWT`.
    WrongType,
    /// No `typ`.
    NoType,
    /// `iss` is another issuer.
    WrongIssuer,
    /// `aud` is another endpoint.
    WrongAudience,
    /// `sub` is another client.
    WrongSubject,
    /// `exp` was six minutes ago.
    Expired,
    /// No `exp`.
    NoExpiry,
    /// `nbf` is an hour ahead.
    NotYetValid,
    /// `iat` is an hour ahead.
    IssuedInFuture,
    /// `jti` is that of the last valid revocation for the endpoint. Without such a revocation the `jti` is fresh, and
    /// the revocation is valid.
    ReplayedJti,
    /// No `jti`.
    NoJti,
    /// The body is truncated.
    MalformedBody,
    /// The body has no `sub_id`.
    NoSubject,
    /// The `format` of the subject is one that an app need not support.
    UnknownFormat,
}

impl RevocationFault {
    /// All faults.
    pub const ALL: [Self; 20] = [
        Self::NoToken,
        Self::WrongKey,
        Self::CustomServerKey,
        Self::BadSignature,
        Self::AlgNone,
        Self::HmacWithPublicKey,
        Self::WrongType,
        Self::NoType,
        Self::WrongIssuer,
        Self::WrongAudience,
        Self::WrongSubject,
        Self::Expired,
        Self::NoExpiry,
        Self::NotYetValid,
        Self::IssuedInFuture,
        Self::ReplayedJti,
        Self::NoJti,
        Self::MalformedBody,
        Self::NoSubject,
        Self::UnknownFormat,
    ];
}

/// A revocation before it is sent, valid or with a fault.
///
/// [`crate::Org::universal_logout`] sends valid ones to every app; this type is for tests of one app.
///
/// ```
/// # async fn example() -> Result<(), okta_auth_dev::Error> {
/// use okta_auth_dev::{ADA, Org, RevocationFault};
///
/// let org = Org::start().await?;
/// // ... Ada signs in to the app ...
/// assert_eq!(org.global_revocation(ADA).send().await.status, Some(204));
/// // ... and again; from now on the same `jti` is a replay ...
/// for fault in RevocationFault::ALL {
///     let refused = org.global_revocation(ADA).fault(fault).send().await;
///     assert!(refused.status.is_some_and(|status| status >= 400), "{fault:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a revocation does nothing until it is sent"]
pub struct GlobalRevocation {
    org: Arc<OrgState>,
    /// The app, `sub` of the JWT.
    client_id: String,
    /// The endpoint, `aud` of the JWT.
    uri: String,
    body: Value,
    /// Changes to the JWT by name, applied last.
    changes: Changes,
    fault: Option<RevocationFault>,
}

impl GlobalRevocation {
    /// For this user and app, with the settings of the app.
    pub(crate) fn new(org: Arc<OrgState>, client_id: &str, login: &str) -> Self {
        let client = org.client(client_id);
        let format = client.as_ref().map(|client| client.universal_logout_subject).unwrap_or_default();
        let uri = client.and_then(|client| client.universal_logout_uri).unwrap_or_default();
        let sub_id = subject(&org, login, format);
        let (client_id, body) = (client_id.to_owned(), json!({"sub_id": sub_id}));
        Self { org, client_id, uri, body, changes: Changes::default(), fault: None }
    }

    /// Selects another client and its settings. The subject format of an earlier [`GlobalRevocation::subject`] is kept.
    pub fn client(mut self, client_id: &str) -> Self {
        self.uri = self.org.client(client_id).and_then(|client| client.universal_logout_uri).unwrap_or_default();
        self.client_id = client_id.to_owned();
        self
    }

    /// Sends to this endpoint instead of the registered one.
    ///
    /// The endpoint without query and fragment is also the `aud` of the JWT.
    pub fn to(mut self, uri: impl Into<String>) -> Self {
        self.uri = uri.into();
        self
    }

    /// Sets the user and the format of the subject identifier, independent of the app's setting.
    pub fn subject(self, login: &str, format: SubjectFormat) -> Self {
        let sub_id = subject(&self.org, login, format);
        self.sub_id(sub_id)
    }

    /// Replaces the subject identifier, for instance by one without a matching user.
    pub fn sub_id(mut self, sub_id: Value) -> Self {
        self.body = json!({"sub_id": sub_id});
        self
    }

    /// Sets a claim of the JWT, or removes it if the value is null.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.changes.claim(name, value);
        self
    }

    /// Sets a member of the JWT's header, or removes it if the value is null.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.changes.header(name, value);
        self
    }

    /// Applies a fault. A later fault replaces an earlier one.
    pub fn fault(mut self, fault: RevocationFault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Signs the revocation. Sending the notice twice is a replay.
    pub fn notice(self) -> Notice {
        let (token, jti) = self.token().unwrap_or_default();
        // An app may accept the `jti` of a rejected token later, so only valid ones are
        // recorded.
        if self.fault.is_none() && !jti.is_empty() {
            lock(&self.org.last_jti).insert(self.uri.clone(), jti);
        }
        let authorization = (self.fault != Some(RevocationFault::NoToken)).then(|| format!("Bearer {token}"));
        let (client_id, body) = (self.client_id.clone(), self.body_text());
        let content_type = "application/json";
        Notice { client_id, uri: self.uri, token, method: "POST", content_type, authorization, body }
    }

    /// Signs and sends the revocation.
    pub async fn send(self) -> Delivery {
        self.notice().send().await
    }

    fn body_text(&self) -> String {
        match self.fault {
            Some(RevocationFault::MalformedBody) => self.body.to_string().chars().take(10).collect(),
            Some(RevocationFault::NoSubject) => json!({}).to_string(),
            Some(RevocationFault::UnknownFormat) => {
                json!({"sub_id": {"format": "account", "uri": "acct:ada@example.test"}}).to_string()
            }
            _ => self.body.to_string(),
        }
    }

    /// The JWT and its `jti`.
    fn token(&self) -> Result<(String, String), Error> {
        let server = self.org.server(ORG_SERVER).ok_or_else(|| Error::config("the org has no server of its own"))?;
        let now = self.org.clock.seconds();
        // Without query and fragment, as at Okta.
        let audience = self.uri.split(['?', '#']).next().unwrap_or_default();
        let claims = json!({
            "jti": random::token(),
            "iss": self.org.url,
            "sub": self.client_id,
            "aud": audience,
            "iat": now,
            "nbf": now - 300,
            "exp": now + 300,
        });
        let mut draft = Draft::new(server.ring.active()?, claims.as_object().cloned().unwrap_or_default());
        draft.header("typ", json!(TYPE));
        if let Some(fault) = self.fault {
            self.distort(&mut draft, fault, now);
            self.sign_wrongly(&mut draft, fault)?;
        }
        self.changes.apply(&mut draft);
        let jti = draft.text("jti");
        Ok((draft.finish()?, jti))
    }

    /// Faults of the claims and the type.
    fn distort(&self, draft: &mut Draft, fault: RevocationFault, now: i64) {
        match fault {
            RevocationFault::WrongType => draft.header("typ", json!("JWT")),
            RevocationFault::NoType => draft.header("typ", Value::Null),
            RevocationFault::WrongIssuer => draft.claim("iss", draft.suffixed("iss")),
            RevocationFault::WrongAudience => draft.claim("aud", draft.suffixed("aud")),
            RevocationFault::WrongSubject => draft.claim("sub", draft.suffixed("sub")),
            RevocationFault::Expired => draft.shift(now, &[("iat", -660), ("nbf", -960), ("exp", -360)]),
            RevocationFault::NoExpiry => draft.claim("exp", Value::Null),
            RevocationFault::NotYetValid => draft.shift(now, &[("nbf", 3600), ("exp", 3900)]),
            RevocationFault::IssuedInFuture => draft.shift(now, &[("iat", 3600), ("exp", 3900)]),
            RevocationFault::ReplayedJti => {
                let last = lock(&self.org.last_jti).get(&self.uri).cloned();
                draft.claim("jti", json!(last.unwrap_or_else(random::token)));
            }
            RevocationFault::NoJti => draft.claim("jti", Value::Null),
            _ => {}
        }
    }

    fn sign_wrongly(&self, draft: &mut Draft, fault: RevocationFault) -> Result<(), Error> {
        let ring = |id: &str| self.org.server(id).map(|server| &server.ring);
        let Some(own) = ring(ORG_SERVER) else { return Ok(()) };
        match fault {
            RevocationFault::WrongKey => draft.sign_with(own.unpublished()?, Algorithm::Rs256),
            RevocationFault::CustomServerKey => {
                draft.sign_with(ring("default").unwrap_or(own).active()?, Algorithm::Rs256);
            }
            RevocationFault::BadSignature => draft.damaged = true,
            RevocationFault::AlgNone => draft.unsigned(),
            RevocationFault::HmacWithPublicKey => draft.sign_with_secret(own.active()?.public_pem()?.into_bytes()),
            _ => {}
        }
        Ok(())
    }
}

/// The subject identifier of a user, also for an unknown login.
fn subject(org: &OrgState, login: &str, format: SubjectFormat) -> Value {
    let user = org.user(login).unwrap_or_else(|| User::new(login, ""));
    match format {
        SubjectFormat::Email => json!({"format": "email", "email": user.email}),
        SubjectFormat::IssSub => json!({"format": "iss_sub", "iss": org.url, "sub": user.id}),
        SubjectFormat::Opaque => json!({"format": "opaque", "id": user.id}),
    }
}
