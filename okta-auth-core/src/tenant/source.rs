//! Tenants that are kept somewhere else.
//!
//! A source is asked about one key at a time and never for a list: there may be many
//! thousands.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::id::TenantId;
use super::settings::TenantSettings;
use crate::error::{Code, Error};

/// What a source does.
pub type TenantFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, TenantError>> + Send + 'a>>;

/// By what a tenant is looked for. All of it comes from strangers: look it up, and do
/// nothing else with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TenantKey {
    /// The short name.
    Id(TenantId),
    /// The host name that a browser asked for, in lower case and without port.
    Host(String),
    /// The issuer of an access token or of a third-party-initiated sign-in, exactly.
    Issuer(String),
    /// The domain of an e-mail address, in lower case.
    EmailDomain(String),
}

impl fmt::Display for TenantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "the id `{id}`"),
            Self::Host(host) => write!(f, "the host `{host}`"),
            Self::Issuer(issuer) => write!(f, "the issuer `{issuer}`"),
            Self::EmailDomain(domain) => write!(f, "the domain `{domain}`"),
        }
    }
}

/// A place for tenants, for example a database.
///
/// What it says is remembered for a while, that there is no such tenant too, and any
/// number of requests at once ask once. It must be deterministic: a key leads to one
/// tenant or to none.
///
/// At most 32 questions are asked at a time, 8 of them only about tenants that the
/// source has confirmed before: made-up host names neither take all connections to your
/// database nor keep known tenants waiting. A question that has no turn within 2 s is
/// answered with 503.
///
/// Set [`TenantSettings::created_at`] if tenants can be added by people who do not know
/// each other: of two rows that claim the same client or audience the elder counts.
///
/// ```
/// use okta_auth_core::tenant::{TenantFuture, TenantKey, TenantSettings, TenantSource};
///
/// struct Customers; // a pool of connections to your database
///
/// impl TenantSource for Customers {
///     fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>> {
///         Box::pin(async move {
///             let TenantKey::Id(id) = key else { return Ok(None) };
///             // SELECT issuer, client_id, client_secret FROM customers WHERE id = $1
///             Ok(Some(TenantSettings::new(id.clone(), "https://acme.okta.com", "0oa1")))
///         })
///     }
/// }
/// ```
pub trait TenantSource: Send + Sync + 'static {
    /// The tenant that a key leads to.
    ///
    /// `None` is an answer as good as any and is remembered like one; what could not be
    /// found out is an error. An answer that takes more than 5 s counts as one.
    fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>>;
}

/// The source did not answer. The request is answered with 503, unless there is an
/// earlier answer about the same key: that one goes on to serve.
pub struct TenantError(Box<dyn StdError + Send + Sync + 'static>);

impl TenantError {
    /// Wraps the source's own error, for the log.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync + 'static>>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for TenantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for TenantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TenantError").field(&self.0).finish()
    }
}

impl StdError for TenantError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl From<TenantError> for Error {
    fn from(error: TenantError) -> Self {
        Self::new(Code::TenantUnavailable, "the source of tenants does not answer; look at its own log")
            .with_cause(error)
    }
}
