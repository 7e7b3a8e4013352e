//! The sign-in hook: the application enriches the session or rejects the user.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::callback::VerifiedIdentity;
use crate::error::{Code, Error, Result};
use crate::tenant::TenantSettings;

/// An authenticated user, before the session is created.
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::engine::{Refusal, SignIn};
///
/// async fn on_sign_in(mut sign_in: SignIn) -> Result<SignIn, Refusal> {
///     let identity = sign_in.identity();
///     // Your own record is keyed by issuer and subject; e-mail addresses change hands.
///     let key = (identity.issuer().to_owned(), identity.subject().to_owned());
///     if identity.id_token().amr().is_empty() {
///         return Err(Refusal::new("Please sign in with your company account."));
///     }
///     sign_in
///         .insert("account", key)
///         .map_err(|_| Refusal::new("Your account could not be set up."))?;
///     Ok(sign_in)
/// }
/// # use okta_auth::OktaAuth;
/// # fn main() -> Result<(), okta_auth::error::Error> {
/// let auth = OktaAuth::builder()
///     .from_env()
/// #   .issuer("https://acme.okta.com").client_id("0oa1")
///     .on_sign_in(on_sign_in)
///     .build()?;
/// # drop(auth); Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SignIn {
    identity: Arc<VerifiedIdentity>,
    tenant: Option<Arc<TenantSettings>>,
    /// Separate from the claims, so that the application's data is never mistaken for a claim.
    app_data: Map<String, Value>,
}

impl SignIn {
    pub(super) fn new(identity: Arc<VerifiedIdentity>, tenant: Option<Arc<TenantSettings>>) -> Self {
        Self { identity, tenant, app_data: Map::new() }
    }

    /// Returns the tenant of the sign-in; `None` in an application with a single Okta.
    pub fn tenant(&self) -> Option<&TenantSettings> {
        self.tenant.as_deref()
    }

    /// Returns the verified identity. Look up your own record by issuer and subject, never by e-mail.
    pub fn identity(&self) -> &VerifiedIdentity {
        &self.identity
    }

    /// Adds a value of the application's own to the session. It is separate from the claims, so that it is never
    /// mistaken for one. Handlers read it with `app_data` of the signed-in user.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`] if the value cannot be serialized as JSON.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Serialize) -> Result<()> {
        let value = serde_json::to_value(value).map_err(|error| {
            Error::new(Code::ClaimsMismatch, "the value cannot be serialized as JSON").with_cause(error)
        })?;
        self.app_data.insert(name.into(), value);
        Ok(())
    }

    pub(super) fn into_app_data(self) -> Map<String, Value> {
        self.app_data
    }
}

/// The result of a hook that does not let a sign-in proceed: it rejects the user, or it failed.
///
/// | created by | status | the user sees |
/// |---|---|---|
/// | [`new`](Self::new) | 403 | the reason, and a link to use another account |
/// | [`unavailable`](Self::unavailable), or `?` on an error | 503 with `Retry-After` | that sign-in is not available, and a link to try again |
///
/// In both cases no session is created, and the page links back to the requested page. The reason is shown to the user.
/// The error of a failed hook is only logged.
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::engine::{Refusal, SignIn};
///
/// # async fn find_account(subject: &str) -> Result<Option<u64>, std::io::Error> { Ok(Some(7)) }
/// async fn on_sign_in(mut sign_in: SignIn) -> Result<SignIn, Refusal> {
///     // If the database is down, the response is 503, and the user can try again.
///     let account = find_account(sign_in.identity().subject()).await?;
///     let account = account.ok_or_else(|| Refusal::new("You have no account here."))?;
///     sign_in.insert("account", account)?;
///     Ok(sign_in)
/// }
/// # use okta_auth::OktaAuth;
/// # fn main() -> Result<(), okta_auth::error::Error> {
/// let auth = OktaAuth::builder()
///     .from_env()
/// #   .issuer("https://acme.okta.com").client_id("0oa1")
///     .on_sign_in(on_sign_in)
///     .build()?;
/// # drop(auth); Ok(())
/// # }
/// ```
// It does not implement `Error`, so that `From` can accept every type that does.
#[derive(Clone, Debug)]
pub struct Refusal {
    reason: String,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Refusal {
    /// Rejects the user, with a reason that is shown to them. The page escapes it.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), cause: None }
    }

    /// Reports that the hook could not decide, for example because its database is down.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { reason: "Sign-in is not available right now.".to_owned(), cause: Some(Arc::from(cause.into())) }
    }

    /// Returns the reason for the user.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns the error of a failed hook, or the rejection itself.
    pub(super) fn into_cause(self) -> Result<Arc<dyn std::error::Error + Send + Sync>, Self> {
        match self.cause {
            Some(cause) => Ok(cause),
            None => Err(self),
        }
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::unavailable(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// A hook of the application for each sign-in.
///
/// It runs after all verification and before the session is created. Every `async fn(SignIn) -> Result<SignIn,
/// Refusal>` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a sign-in hook",
    label = "not an `async fn(SignIn) -> Result<SignIn, Refusal>`",
    note = "the future must be `Send + 'static`: take what it needs by value or in an `Arc`"
)]
pub trait SignInHook: Send + Sync + 'static {
    /// Returns the sign-in, enriched or unchanged, or rejects it.
    fn on_sign_in(&self, sign_in: SignIn) -> Pin<Box<dyn Future<Output = Result<SignIn, Refusal>> + Send>>;
}

impl<F, Fut> SignInHook for F
where
    F: Fn(SignIn) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<SignIn, Refusal>> + Send + 'static,
{
    fn on_sign_in(&self, sign_in: SignIn) -> Pin<Box<dyn Future<Output = Result<SignIn, Refusal>> + Send>> {
        Box::pin(self(sign_in))
    }
}
