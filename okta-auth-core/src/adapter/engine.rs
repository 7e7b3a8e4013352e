//! The engine, as an adapter sees it.

use http::request::Parts;

use crate::engine::Authentication;
use crate::headers::{Head, Headers};
use crate::multi_tenant::Tenants;
use crate::routing::{Endpoint, RouteOptions};

/// An application as its adapter sees it: the engine of one Okta, or those of its tenants.
#[derive(Clone, Debug)]
pub struct Engine(Tenants);

impl Engine {
    /// Creates it from what the application passes: an `OktaAuth` or `Tenants`, by value or by reference.
    pub fn new(auth: impl Into<Tenants>) -> Self {
        Self(auth.into())
    }

    /// Begins to authenticate a request at its tenant. `target` is the original path and query, before a router removed
    /// a prefix, and `options` are the settings of the route.
    pub fn authenticate(&self, parts: &Parts, target: &str, options: impl Into<RouteOptions>) -> Authentication {
        self.authenticate_head(Head::of(parts, target), options)
    }

    /// Begins to authenticate a request in the types of another framework.
    pub fn authenticate_head<H: Headers>(&self, head: Head<'_, H>, options: impl Into<RouteOptions>) -> Authentication {
        self.0.authenticate_head(head, options)
    }

    /// Returns the library's endpoints with their paths, as patterns of the router.
    pub fn endpoints(&self) -> Vec<(Endpoint, String)> {
        self.0.endpoints()
    }
}
