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

use super::RequestContext;
use crate::error::Error;
use crate::login::ReturnTo;
use crate::policy::MatchedRoute;
use crate::response::Reply;
use crate::routing::Endpoint;

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
    /// Ends this browser's sessions at other tenants and returns the deletions of their cookies. A failure does not
    /// affect the new session.
    fn end_at_other_tenants<'a>(&'a self, context: &'a RequestContext) -> BoxFuture<'a, Vec<HeaderValue>>;
}

#[derive(Clone, Debug)]
pub(crate) enum NoTenant {
    /// Home-realm discovery is possible.
    Discover(Arc<dyn RealmDiscovery>),
    /// Every response is this error.
    Rejected(Arc<Error>),
    /// The request reaches the application, and gets this error if a handler extracts the caller.
    Public(Arc<Error>),
}
