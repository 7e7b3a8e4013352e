//! Universal Logout: Global Token Revocation, as Okta sends it to apps.
//!
//! The message is a POST with a subject identifier (RFC 9493) in the body and a JWT,
//! valid for five minutes, in the `Authorization` header. The JWT is signed with the
//! org's ID token key, even if the app uses a custom server.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Changes, Delivery, Notice, shift, suffixed};
use crate::error::Error;
use crate::keys::Algorithm;
use crate::random;
use crate::server::ORG_SERVER;
use crate::sync::lock;
use crate::tenant::Tenant;
use crate::token::Draft;

const TYPE: &str = "global-token-revocation+jwt";

/// How the body identifies the user, configured per app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SubjectFormat {
    /// By e-mail address: Okta's default.
    #[default]
    Email,
    /// By the org's URL and the Okta user id.
    IssSub,
    /// By the Okta user id only.
    Opaque,
}

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
    /// `jti` is that of the last valid revocation for the endpoint. Without such a
    /// revocation the `jti` is fresh, and the revocation is valid.
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
/// [`crate::Org::universal_logout`] sends valid ones to every app; this type is for tests
/// of one app.
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
    tenant: Arc<Tenant>,
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
    pub(crate) fn new(tenant: Arc<Tenant>, client_id: &str, login: &str) -> Self {
        let client = tenant.client(client_id);
        let format = client.as_ref().map(|client| client.universal_logout_subject).unwrap_or_default();
        let uri = client.and_then(|client| client.universal_logout_uri).unwrap_or_default();
        let sub_id = subject(&tenant, login, format);
        let (client_id, body) = (client_id.to_owned(), json!({"sub_id": sub_id}));
        Self { tenant, client_id, uri, body, changes: Changes::default(), fault: None }
    }

    /// Selects another client and its settings. The subject format of an earlier
    /// [`GlobalRevocation::subject`] is kept.
    pub fn client(mut self, client_id: &str) -> Self {
        self.uri = self.tenant.client(client_id).and_then(|client| client.universal_logout_uri).unwrap_or_default();
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

    /// Sets the user and the format of the subject identifier, independent of the app's
    /// setting.
    pub fn subject(self, login: &str, format: SubjectFormat) -> Self {
        let sub_id = subject(&self.tenant, login, format);
        self.sub_id(sub_id)
    }

    /// Replaces the subject identifier, for instance by one without a matching user.
    pub fn sub_id(mut self, sub_id: Value) -> Self {
        self.body = json!({"sub_id": sub_id});
        self
    }

    /// Sets a claim of the JWT, or removes it if the value is null.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.changes.claims.push((name.into(), value.into()));
        self
    }

    /// Sets a member of the JWT's header, or removes it if the value is null.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.changes.header.push((name.into(), value.into()));
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
            lock(&self.tenant.last_jti).insert(self.uri.clone(), jti);
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
        let server = self.tenant.server(ORG_SERVER).ok_or_else(|| Error::config("the org has no server of its own"))?;
        let now = self.tenant.clock.seconds();
        // Without query and fragment, as at Okta.
        let audience = self.uri.split(['?', '#']).next().unwrap_or_default();
        let claims = json!({
            "jti": random::token(),
            "iss": self.tenant.url,
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
            RevocationFault::WrongIssuer => draft.claim("iss", suffixed(draft, "iss")),
            RevocationFault::WrongAudience => draft.claim("aud", suffixed(draft, "aud")),
            RevocationFault::WrongSubject => draft.claim("sub", suffixed(draft, "sub")),
            RevocationFault::Expired => shift(draft, now, &[("iat", -660), ("nbf", -960), ("exp", -360)]),
            RevocationFault::NoExpiry => draft.claim("exp", Value::Null),
            RevocationFault::NotYetValid => shift(draft, now, &[("nbf", 3600), ("exp", 3900)]),
            RevocationFault::IssuedInFuture => shift(draft, now, &[("iat", 3600), ("exp", 3900)]),
            RevocationFault::ReplayedJti => {
                let last = lock(&self.tenant.last_jti).get(&self.uri).cloned();
                draft.claim("jti", json!(last.unwrap_or_else(random::token)));
            }
            RevocationFault::NoJti => draft.claim("jti", Value::Null),
            _ => {}
        }
    }

    fn sign_wrongly(&self, draft: &mut Draft, fault: RevocationFault) -> Result<(), Error> {
        let ring = |id: &str| self.tenant.server(id).map(|server| &server.ring);
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
fn subject(tenant: &Tenant, login: &str, format: SubjectFormat) -> Value {
    let user = tenant.user(login).unwrap_or_else(|| crate::User::new(login, ""));
    match format {
        SubjectFormat::Email => json!({"format": "email", "email": user.email}),
        SubjectFormat::IssSub => json!({"format": "iss_sub", "iss": tenant.url, "sub": user.id}),
        SubjectFormat::Opaque => json!({"format": "opaque", "id": user.id}),
    }
}
