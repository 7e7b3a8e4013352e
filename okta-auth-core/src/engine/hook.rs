//! The application's say at sign-in: enrich the session, or refuse the user.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::callback::VerifiedIdentity;
use crate::error::{Code, Error, Result};
use crate::tenant::TenantSettings;

/// A user who has just proved who they are, before a session exists.
///
/// ```
/// use okta_auth_core::engine::{Refusal, SignIn};
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
/// # use okta_auth_core::{OktaAuth, config::ConfigBuilder};
/// # fn main() -> Result<(), okta_auth_core::error::Error> {
/// # let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1");
/// let auth = OktaAuth::builder(config).on_sign_in(on_sign_in).build()?;
/// # drop(auth); Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SignIn {
    identity: Arc<VerifiedIdentity>,
    /// Where it was.
    tenant: Option<Arc<TenantSettings>>,
    /// Apart from the claims, so that it can never be taken for one.
    app_data: Map<String, Value>,
}

impl SignIn {
    /// A sign-in to which the application has added nothing yet.
    pub(super) fn new(identity: Arc<VerifiedIdentity>, tenant: Option<Arc<TenantSettings>>) -> Self {
        Self { identity, tenant, app_data: Map::new() }
    }

    /// The tenant that the user signs in at; `None` where there is only one.
    pub fn tenant(&self) -> Option<&TenantSettings> {
        self.tenant.as_deref()
    }

    /// Who it is. Look your own record up by issuer and subject, never by e-mail.
    pub fn identity(&self) -> &VerifiedIdentity {
        &self.identity
    }

    /// Puts a value of the application's own into the session, apart from the claims,
    /// so that it can never be taken for one. Handlers read it with
    /// [`SignedIn::app_data`](super::SignedIn::app_data).
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`] if the value cannot be written as JSON.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Serialize) -> Result<()> {
        let value = serde_json::to_value(value).map_err(|error| {
            Error::new(Code::ClaimsMismatch, "the value cannot be written as JSON").with_cause(error)
        })?;
        self.app_data.insert(name.into(), value);
        Ok(())
    }

    /// What the application put in, for the session's record.
    pub(super) fn into_app_data(self) -> Map<String, Value> {
        self.app_data
    }
}

/// Why a hook did not let a sign-in through: it refuses the user, or it failed itself.
///
/// | made by | status | what the user sees |
/// |---|---|---|
/// | [`new`](Self::new) | 403 | the reason, and a link to use another account |
/// | [`unavailable`](Self::unavailable), or `?` on an error | 503 with `Retry-After` | that sign-in is not available, and a link to try again |
///
/// Neither makes a session, and both pages lead back to the page that was wanted. A reason
/// is yours, so write it for the person who reads it. The error of a hook that failed is
/// in the log and not on the page.
///
/// ```
/// use okta_auth_core::engine::{Refusal, SignIn};
///
/// # async fn find_account(subject: &str) -> Result<Option<u64>, std::io::Error> { Ok(Some(7)) }
/// async fn on_sign_in(mut sign_in: SignIn) -> Result<SignIn, Refusal> {
///     // A database that is away is 503: the user may try again.
///     let account = find_account(sign_in.identity().subject()).await?;
///     let account = account.ok_or_else(|| Refusal::new("You have no account here."))?;
///     sign_in.insert("account", account)?;
///     Ok(sign_in)
/// }
/// # use okta_auth_core::{OktaAuth, config::ConfigBuilder};
/// # fn main() -> Result<(), okta_auth_core::error::Error> {
/// # let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1");
/// let auth = OktaAuth::builder(config).on_sign_in(on_sign_in).build()?;
/// # drop(auth); Ok(())
/// # }
/// ```
// No `Error` itself, so that `From` can take every type that is one.
#[derive(Clone, Debug)]
pub struct Refusal {
    reason: String,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Refusal {
    /// Refuses the user with a reason for their eyes. It is escaped where it is shown.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), cause: None }
    }

    /// The hook could not decide: its database is away, for example.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { reason: "Sign-in is not available right now.".to_owned(), cause: Some(Arc::from(cause.into())) }
    }

    /// The reason for the user's eyes.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Why the hook could not decide, or the refusal of the user.
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

/// What [`SignInHook::on_sign_in`] returns.
pub type HookFuture = Pin<Box<dyn Future<Output = Result<SignIn, Refusal>> + Send>>;

/// The application's say at sign-in.
///
/// Called at each sign-in, after everything has been verified and before the session is
/// made. Any `async fn(SignIn) -> Result<SignIn, Refusal>` is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a sign-in hook",
    label = "not an `async fn(SignIn) -> Result<SignIn, Refusal>`",
    note = "the future must be `Send + 'static`: take what it needs by value or in an `Arc`"
)]
pub trait SignInHook: Send + Sync + 'static {
    /// Returns the sign-in, enriched or as it came, or refuses it.
    fn on_sign_in(&self, sign_in: SignIn) -> HookFuture;
}

impl<F, Fut> SignInHook for F
where
    F: Fn(SignIn) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<SignIn, Refusal>> + Send + 'static,
{
    fn on_sign_in(&self, sign_in: SignIn) -> HookFuture {
        Box::pin(self(sign_in))
    }
}
