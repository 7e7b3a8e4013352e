//! What the adapters for web frameworks need, and applications do not. The facade does not
//! re-export it, and it may change with every release.
//!
//! # What an adapter does
//!
//! 1. Before the handler: [`Engine::authenticate_head`] authenticates the request, at once or
//!    [after waiting](Authentication::context). The [`RequestContext`] goes into the request's extensions. If
//!    [`Engine::route`] reports a guarded route, [`RequestContext::require_route`] decides whether the handler
//!    runs.
//! 2. Extractors ask the context for its [user](RequestContext::user). Without one, the response gets
//!    the marker [`Challenge::sign_in`].
//! 3. [`RequestContext::serve`] serves the library's own paths.
//! 4. After the handler: [`RequestContext::answer_in_place_of`] replaces a response with a marker,
//!    or one that depends on an [unknown authentication state](RequestContext::unanswered). Every
//!    response is [finished](RequestContext::finish), including those of failed handlers.
//!
//! For a framework whose header types are not those of `http` 1, [`Engine::authenticate_head`]
//! reads the headers in place, and [`RequestContext::header_changes_for`] returns a list of header changes.
//!
//! Step 2 does not create the response itself, because starting a sign-in may need the
//! network, and a handler that takes `Result<User, _>` must not pay for that.

use http::request::Parts;

pub use crate::bearer::BearerToken;
pub use crate::engine::authenticate::{Authentication, PendingAuthentication};
pub use crate::engine::{RequestContext, SignedIn};
pub use crate::headers::{Head, HeaderText, Headers};
pub use crate::policy::route_access::MatchedRoute;
pub use crate::response::{Challenge, Reply, ResponseHeaderChanges};
pub use crate::routing::{
    Endpoint, RefreshTiming, RouteOptions, RouteOwner, RouteSettings, missing_layer, report_missing_layer,
    route_conflict,
};
pub use crate::session::limits::Activity;

use crate::multi_tenant::Tenants;

/// An application as its adapter sees it: the engine of one Okta, or those of its tenants.
#[derive(Clone, Debug)]
pub struct Engine(Tenants);

impl Engine {
    /// Creates it from what the application passes: an `OktaAuth` or `Tenants`, by value or
    /// by reference.
    pub fn new(auth: impl Into<Tenants>) -> Self {
        Self(auth.into())
    }

    /// Begins to authenticate a request at its tenant. `target` is the original path and
    /// query, before a router removed a prefix, and `options` are the settings of the route.
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

    /// Returns the layer's treatment of requests to a route, as the router matched it.
    pub fn route(&self, route: MatchedRoute<'_>) -> RouteSettings {
        self.0.route(route)
    }

    /// Whether the application lists a route as public, as the router matched it.
    pub fn is_public_route(&self, pattern: &str) -> bool {
        self.0.is_public_route(pattern)
    }

    /// Returns the options of a route.
    pub fn options_of(&self, pattern: &str) -> RouteOptions {
        self.0.options_of(pattern)
    }

    /// Whether a route has a policy in the set of any tenant.
    pub fn has_policy(&self, pattern: &str) -> bool {
        self.0.has_policy(pattern)
    }

    /// Whether the treatment of requests depends on their route, so that a layer has to
    /// determine it.
    pub fn has_route_policies(&self) -> bool {
        self.0.has_route_policies()
    }

    /// Returns the routes with settings, as patterns of the router: a policy in the set of
    /// any tenant, or an option such as refresh on demand.
    pub fn named_routes(&self) -> Vec<String> {
        self.0.named_routes()
    }

    /// Compares the path at which a router is nested with the configured mount path.
    /// `original` is the path that the client sent, and `routed` the path in the router
    /// with the library's routes.
    pub fn observe_nesting(&self, original: &str, routed: &str) {
        self.0.observe_nesting(original, routed);
    }

    /// Reads the router's route table once. It checks that the library's routes exist and
    /// that no route of the application precedes them. `fix` is the call that adds them.
    pub fn observe_routes(&self, fix: &str, owner: impl Fn(&str) -> RouteOwner) {
        self.0.observe_routes(fix, owner);
    }

    /// Whether an outer layer of the same application has already processed the request, as
    /// `outer`. A second layer passes the request through.
    pub fn has_seen(&self, outer: Option<&RequestContext>, path: &str) -> bool {
        self.0.has_seen(outer, path)
    }
}
