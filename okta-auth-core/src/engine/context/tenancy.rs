//! What the engine asks of the tenants of an application.
//!
//! The tenant router is above the engine. The engine reaches it only by these traits.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::request::Parts;

use super::super::OktaAuth;
use super::RequestContext;
use crate::error::Error;
use crate::login::ReturnTo;
use crate::policy::MatchedRoute;
use crate::response::Reply;
use crate::routing::Endpoint;
use crate::session::Sessions;
use crate::site::Site;

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Home-realm discovery, which serves requests that match no tenant.
pub(crate) trait RealmDiscovery: fmt::Debug + Send + Sync {
    /// Serves a request to one of the library's paths.
    fn serve<'a>(
        &'a self,
        context: &'a RequestContext,
        endpoint: Endpoint,
        parts: &'a Parts,
        body: &'a Bytes,
    ) -> BoxFuture<'a, Reply>;

    /// Creates the page that asks for the tenant, for a sign-in that returns to `return_to`.
    fn page(&self, context: &RequestContext, return_to: &ReturnTo) -> Reply;

    /// Whether the policies of any tenant restrict this route.
    fn has_guard_of_tenant(&self, route: MatchedRoute<'_>) -> bool;
}

/// Exclusive tenants: a sign-in at one of them ends the same browser's sessions at the others.
pub(crate) trait ExclusiveSessions: Send + Sync {
    /// Ends this browser's sessions at other tenants than that of `sessions`, and returns the deletions of their
    /// cookies. A failure does not affect the new session.
    fn end_at_other_tenants<'a>(
        &'a self,
        context: &'a RequestContext,
        sessions: &'a Sessions,
    ) -> BoxFuture<'a, Vec<HeaderValue>>;
}

/// Whose request it is.
#[derive(Debug)]
pub(crate) enum Tenancy {
    /// It belongs to the only provider of the application, or to one tenant.
    Engine(OktaAuth),
    /// It belongs to no tenant.
    NoTenant(NoTenant, Arc<Site>),
}

impl Tenancy {
    /// Returns the engine; `None` if the request belongs to no tenant.
    #[inline]
    pub(crate) fn engine(&self) -> Option<&OktaAuth> {
        match self {
            Self::Engine(auth) => Some(auth),
            Self::NoTenant(..) => None,
        }
    }

    #[inline]
    pub(crate) fn site(&self) -> &Site {
        match self {
            Self::Engine(auth) => auth.site(),
            Self::NoTenant(_, site) => site,
        }
    }
}

/// How to answer a request that belongs to no tenant.
#[derive(Clone, Debug)]
pub(crate) enum NoTenant {
    /// Home-realm discovery is possible.
    Discover(Arc<dyn RealmDiscovery>),
    /// Every response is this error.
    Rejected(Arc<Error>),
    /// The request reaches the application, and gets this error if a handler extracts the caller.
    Public(Arc<Error>),
}
