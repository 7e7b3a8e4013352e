//! The layer of every framework: what happens to a request before its handler, and to the response after it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::rejection::Rejection;
use super::routes::{Candidates, Guards, RequestRoute};
use crate::engine::{Authentication, RequestContext};
use crate::headers::{Head, Headers};
use crate::multi_tenant::Tenants;
use crate::response::Challenge;
use crate::routing::{Endpoint, RouteOwner};

/// The layer of an application, independent of its framework.
#[derive(Clone, Debug)]
pub struct Layer {
    tenants: Tenants,
    role: Role,
}

/// What a layer wraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Routes of the application.
    Application,
    /// A router with routes of the application and of the library.
    Router,
    /// A route of the library. Such routes are open at every nesting level, because a callback that requires a user
    /// would redirect to Okta forever.
    OwnRoute,
}

/// A request before its handler.
pub struct Incoming<'a, H> {
    /// The head, with the path as the client sent it.
    pub head: Head<'a, H>,
    /// The path that the router of this layer matches: inside a nested router it lacks the prefix.
    pub routed_path: &'a str,
    /// The route.
    pub route: RequestRoute<'a>,
    /// The context of an outer layer, if there is one.
    pub outer: Option<&'a RequestContext>,
}

/// Whether a request reaches its handler.
#[derive(Debug)]
pub enum Admission {
    /// The handler runs with this context, and nothing is awaited: nearly all requests.
    Allowed(RequestContext),
    /// The decision needs the store, Okta or a policy.
    Pending(PendingAdmission<RequestContext>),
    /// An outer layer has authenticated the request and finishes its response. Only this layer may know the route, so
    /// it still evaluates the route's policies.
    Nested(PendingAdmission<()>),
}

/// A request that waits. It becomes the context for the handler, and the rejection if the handler must not run.
pub struct PendingAdmission<T>(Pin<Box<dyn Future<Output = Decided<T>> + Send>>);

type Decided<T> = (T, Result<(), Rejection>);

impl Layer {
    /// Creates a layer for routes of the application.
    pub fn new(auth: impl Into<Tenants>) -> Self {
        Self { tenants: auth.into(), role: Role::Application }
    }

    /// Changes it to the layer of a router that contains the library's routes too.
    #[must_use]
    pub fn around_router(self) -> Self {
        Self { role: Role::Router, ..self }
    }

    /// Changes it to the layer of a single route of the library.
    #[must_use]
    pub fn around_own_route(self) -> Self {
        Self { role: Role::OwnRoute, ..self }
    }

    /// Returns the library's endpoints with their paths, as patterns of the router.
    pub fn endpoints(&self) -> Vec<(Endpoint, String)> {
        self.tenants.endpoints()
    }

    /// Returns the routes with settings, as patterns of the router.
    pub fn named_routes(&self) -> Vec<Arc<str>> {
        self.tenants.named_routes().into_iter().map(Arc::from).collect()
    }

    /// Reads the router's route table once. It checks that the library's routes exist and that no route of the
    /// application precedes them. `fix` is the call that adds them.
    pub fn observe_routes(&self, fix: &str, owner: impl Fn(&str) -> RouteOwner) {
        self.tenants.observe_routes(fix, owner);
    }

    /// Collects the routes that the router may choose. `first` returns the first route that matches the path and
    /// whether it is a route of the library. It is called only if the application has policies for routes.
    pub fn candidates(&self, named: Vec<Arc<str>>, first: impl FnOnce() -> (Option<String>, bool)) -> Candidates {
        Candidates::new(&self.tenants, named, first)
    }

    /// Decides whether a request reaches its handler.
    pub fn admit<H: Headers>(&self, incoming: Incoming<'_, H>) -> Admission {
        let Incoming { head, routed_path, route, outer } = incoming;
        let mut treatment = route.treatment(&self.tenants);
        if self.role == Role::OwnRoute {
            treatment = treatment.open();
        }
        let outer = outer.filter(|outer| self.tenants.has_seen(outer));
        let observes_nesting = match self.role {
            Role::Application => false,
            Role::Router => outer.is_none(),
            Role::OwnRoute => true,
        };
        if observes_nesting {
            self.tenants.observe_nesting(head, routed_path);
        }
        if let Some(context) = outer {
            // A route of the library has a layer of its own, and may be in a router with a layer.
            if self.role != Role::OwnRoute {
                self.tenants.report_second_layer(routed_path);
            }
            return Admission::Nested(PendingAdmission::nested(context.clone(), treatment.into_guards()));
        }
        match self.tenants.authenticate_head(head, treatment.options) {
            Authentication::Ready(context) if treatment.allows(&context) => Admission::Allowed(context),
            other => Admission::Pending(PendingAdmission::of(other, treatment.into_guards())),
        }
    }
}

/// Returns the challenge to answer in place of the handler's response: the one that the handler's response carries, or
/// the reason why the caller is unknown, if the handler treated the caller as anonymous.
pub fn challenge_in_place_of(context: &RequestContext, carried: Option<Challenge>) -> Option<Challenge> {
    carried.or_else(|| context.unanswered())
}

impl PendingAdmission<RequestContext> {
    fn of(authentication: Authentication, guards: Guards) -> Self {
        Self(Box::pin(async move {
            let context = authentication.context().await;
            let outcome = match context.admit() {
                Ok(()) => guards.require(&context).await,
                refused => refused,
            };
            (context, outcome.map_err(Rejection::Challenge))
        }))
    }
}

impl PendingAdmission<()> {
    fn nested(context: RequestContext, guards: Guards) -> Self {
        Self(Box::pin(async move { ((), guards.require(&context).await.map_err(Rejection::Challenge)) }))
    }
}

impl<T> PendingAdmission<T> {
    /// Waits for the decision.
    pub async fn decided(self) -> (T, Result<(), Rejection>) {
        self.0.await
    }
}

impl<T> fmt::Debug for PendingAdmission<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAdmission").finish_non_exhaustive()
    }
}

impl<H> fmt::Debug for Incoming<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("route", &self.route).finish_non_exhaustive()
    }
}
