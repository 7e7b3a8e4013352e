//! What a request may do by the route that the router matched.
//!
//! A route is classified at its first request and remembered, because the patterns of a
//! router are few. The classification is where a misspelled route is noticed.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use super::route_pattern::{differs_by_prefix, shape};
use super::set::{DefaultAccess, PolicySet, RoutePolicy};
use crate::error::Result;

/// The most patterns that are remembered. No router has as many; an adapter that passes
/// paths in their place fills no memory.
const MAX_REMEMBERED: usize = 4096;

/// The route of a request, as the router has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MatchedRoute<'a> {
    /// The router has chosen this route, in its own spelling.
    Chosen(&'a str),
    /// The first route whose pattern fits the path. The router has not chosen yet: in
    /// actix-web a guard can make it choose a later one. Only a route without parameters
    /// can be public then, because a pattern with parameters may fit the paths of other
    /// routes.
    Candidate(&'a str),
    /// No route matched: the request goes to a fallback or a nested service, or the
    /// router has not been asked.
    None,
}

/// How a request is treated by its route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RouteClass {
    /// It is allowed.
    Open,
    /// A session is required.
    SignedIn,
    /// The policy of the route decides.
    Policy,
    /// It is denied.
    Denied(Denial),
}

/// Why a request is denied by its route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// The router matched no route while routes have policies.
    Unmatched,
    /// The route differs only in spelling from one that has a policy.
    Misspelled,
    /// No policy names the route, and the default is `deny`.
    Unnamed,
}

impl Denial {
    /// A stable code for logs and events.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Unmatched => "route_unmatched",
            Self::Misspelled => "route_misspelled",
            Self::Unnamed => "route_unnamed",
        }
    }
}

/// The classes of routes that have had a request.
type Remembered = RwLock<HashMap<Box<str>, RouteClass>>;

/// The policies of an application, or of a tenant, as they apply to routes.
pub(crate) struct RouteAccess {
    set: PolicySet,
    /// The routes with a policy, with their shapes.
    shapes: Vec<(String, String)>,
    chosen: Remembered,
    candidates: Remembered,
    /// The named routes that no request has matched so far.
    unmatched: Mutex<BTreeSet<String>>,
    /// Whether the log has the error about requests without a route.
    reported: AtomicBool,
}

impl RouteAccess {
    /// Checks the policies.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`](crate::error::Code::PolicyInvalid) if settings of a route
    /// contradict each other.
    pub(crate) fn new(set: PolicySet) -> Result<Self> {
        set.check()?;
        let shapes = set.routes().map(|(route, _)| (route.to_owned(), shape(route))).collect();
        let named = set.routes().map(|(route, _)| route).chain(set.public_routes());
        let unmatched = Mutex::new(named.map(str::to_owned).collect());
        let (chosen, candidates, reported) = (Remembered::default(), Remembered::default(), AtomicBool::new(false));
        Ok(Self { set, shapes, chosen, candidates, unmatched, reported })
    }

    /// The policies.
    pub(crate) fn policies(&self) -> &PolicySet {
        &self.set
    }

    /// Whether any request can be treated in another way than being allowed, or any
    /// route is named.
    pub(crate) fn is_active(&self) -> bool {
        let default = self.set.default_for_others();
        !self.shapes.is_empty()
            || self.set.public_routes().next().is_some()
            || matches!(default, Some(DefaultAccess::Deny | DefaultAccess::SignedIn))
    }

    /// The policy of a route.
    pub(crate) fn route_policy(&self, route: &str) -> Option<&RoutePolicy> {
        self.set.route_policy(route)
    }

    /// Whether the application names the route public.
    pub(crate) fn is_public(&self, route: &str) -> bool {
        self.set.is_public(route)
    }

    /// How a request to this route is treated.
    pub(crate) fn class(&self, route: MatchedRoute<'_>) -> RouteClass {
        if !self.is_active() {
            return RouteClass::Open;
        }
        let (pattern, remembered) = match route {
            MatchedRoute::Chosen(pattern) => (pattern, &self.chosen),
            MatchedRoute::Candidate(pattern) => (pattern, &self.candidates),
            MatchedRoute::None => return self.class_without_route(),
        };
        if let Some(class) = remembered.read().unwrap_or_else(PoisonError::into_inner).get(pattern) {
            return *class;
        }
        // Held while the route is classified, so that the log has one line for each route.
        let mut remembered = remembered.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(class) = remembered.get(pattern) {
            return *class;
        }
        let class = self.classify(route, pattern);
        if remembered.len() < MAX_REMEMBERED {
            remembered.insert(pattern.into(), class);
        }
        class
    }

    /// Named routes that no request has matched so far, in order.
    pub(crate) fn unmatched(&self) -> BTreeSet<String> {
        self.unmatched.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Classifies a route at its first request.
    fn classify(&self, route: MatchedRoute<'_>, pattern: &str) -> RouteClass {
        self.unmatched.lock().unwrap_or_else(PoisonError::into_inner).remove(pattern);
        if self.set.route_policy(pattern).is_some() {
            return RouteClass::Policy;
        }
        if self.set.is_public(pattern) {
            if matches!(route, MatchedRoute::Chosen(_)) || !pattern.contains('{') {
                return RouteClass::Open;
            }
            log_ambiguous(pattern);
        }
        let own = shape(pattern);
        if let Some((named, _)) = self.shapes.iter().find(|(_, known)| *known == own) {
            log_misspelled(pattern, named);
            return RouteClass::Denied(Denial::Misspelled);
        }
        if let Some((named, _)) = self.shapes.iter().find(|(_, known)| differs_by_prefix(known, &own)) {
            log_prefix(pattern, named);
        }
        self.class_of_others(pattern)
    }

    /// A route that no policy names.
    fn class_of_others(&self, route: &str) -> RouteClass {
        match self.set.default_for_others() {
            None | Some(DefaultAccess::Open) => RouteClass::Open,
            Some(DefaultAccess::SignedIn) => RouteClass::SignedIn,
            Some(DefaultAccess::Deny) => {
                tracing::warn!(
                    target: "okta_auth::policy", route,
                    "requests to the route `{route}` are denied: no policy names it, and the default is `deny`"
                );
                RouteClass::Denied(Denial::Unnamed)
            }
        }
    }

    /// A request that matched no route. Which policy would be its own cannot be told, so
    /// none may be skipped.
    fn class_without_route(&self) -> RouteClass {
        match self.set.default_for_others() {
            Some(DefaultAccess::Open) => RouteClass::Open,
            None if self.shapes.is_empty() => RouteClass::Open,
            Some(DefaultAccess::SignedIn) if self.shapes.is_empty() => RouteClass::SignedIn,
            _ => RouteClass::Denied(Denial::Unmatched),
        }
    }

    /// Logs once why requests without a route are denied.
    pub(crate) fn report_unmatched(&self) {
        if self.reported.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::error!(
            target: "okta_auth::policy",
            "a request without a matched route was denied, because no policy of a route can be asked about it. \
             The layer is outside of the router (in axum add it by `Router::okta_auth` or `Router::layer`), or the \
             request went to a fallback, a nested service or an unknown path. Serve a front end by a route such as \
             `/{{*path}}`, or set `default = \"open\"` in the policies to allow requests without a route. This is \
             logged once"
        );
    }
}

/// A public route of actix-web that cannot be public.
fn log_ambiguous(route: &str) {
    tracing::error!(
        target: "okta_auth::policy", route,
        "the route `{route}` is named public and is not treated so: a guard can make actix-web serve a request to it by \
         another route, and a pattern with parameters fits the paths of other routes. Name paths without parameters, or \
         serve it by a scope outside of the layer"
    );
}

/// A route whose policy is for another spelling.
fn log_misspelled(route: &str, policy_route: &str) {
    tracing::error!(
        target: "okta_auth::policy", route, policy_route,
        "requests to the route `{route}` are denied: a policy names `{policy_route}`, which differs only by a trailing \
         slash or by the names of its parameters; write the route in both places in the same way, or name `{route}` in \
         a policy of its own"
    );
}

/// A route whose policy may be meant for it.
fn log_prefix(route: &str, policy_route: &str) {
    tracing::warn!(
        target: "okta_auth::policy", route, policy_route,
        "the policy of `{policy_route}` is not asked about requests to `{route}`, which differs by a prefix; if it is the \
         same route, write `{route}` in the policy: the prefix of a `nest` or a scope is part of the route"
    );
}

impl fmt::Debug for RouteAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteAccess").field("policies", &self.set).finish_non_exhaustive()
    }
}
