//! The interface for tenants that are stored elsewhere.
//!
//! A source is queried for one key at a time and never for a list, because there may be thousands of tenants.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::error::{Code, Error};
use crate::tenant::{TenantId, TenantSettings};

/// The future that a source returns.
pub type TenantFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, TenantError>> + Send + 'a>>;

/// The key of a tenant lookup. It comes from an untrusted request: use it only for the lookup.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TenantKey {
    /// The tenant id.
    Id(TenantId),
    /// The requested host name, in lower case and without port.
    Host(String),
    /// The exact issuer of an access token or of a third-party-initiated login.
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

/// A source of tenants, for example a database.
///
/// Answers are cached for a while, including negative ones, and concurrent requests for a key share one query. A source
/// must be deterministic: a key has one tenant or none.
///
/// At most 32 queries run concurrently, 8 of them reserved for tenants that the source has confirmed before, so that
/// made-up host names neither exhaust your database connections nor delay known tenants. A query that waits longer than
/// 2 s is answered with 503.
///
/// Set [`TenantSettings::created_at`] if independent customers can add tenants: of two rows that claim the same client
/// or audience the older one is served.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::tenant::TenantSettings;
/// use okta_auth::multi_tenant::{TenantFuture, TenantKey, TenantSource};
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
    /// Looks a tenant up.
    ///
    /// Return `None` if there is no such tenant; this answer is cached. Return an error if the lookup failed. A query
    /// that takes more than 5 s counts as failed.
    fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>>;
}

/// The source failed. The request is answered with 503, unless an earlier answer for the same key is cached, which is
/// then served.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TenantError(Box<dyn StdError + Send + Sync + 'static>);

impl TenantError {
    /// Wraps the source's own error, for the log.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync + 'static>>) -> Self {
        Self(cause.into())
    }
}

impl From<TenantError> for Error {
    fn from(error: TenantError) -> Self {
        Self::new(Code::TenantUnavailable, "the tenant source does not respond; check its own log").with_cause(error)
    }
}
