//! Determines access to a request from the route that the router matched.
//!
//! A route is classified at its first request and the result is cached, because a router has few patterns. The
//! classification detects misspelled routes.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use super::route_pattern::{differs_by_prefix, shape};
use super::set::{DefaultAccess, PolicySet, RoutePolicy};
use crate::error::Result;

/// The capacity of the cache. It is larger than any router needs, and bounds memory if an adapter passes paths instead
/// of patterns.
const MAX_REMEMBERED: usize = 4096;

/// The route of a request in the router's own spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MatchedRoute<'a> {
    /// The router has chosen this route.
    Chosen(&'a str),
    /// The first route whose pattern matches the path. The router has not chosen yet: in actix-web a guard can make it
    /// choose a later one. In this case only a route without parameters can be public, because a pattern with
    /// parameters may match the paths of other routes.
    Candidate(&'a str),
    /// No route matched: the request goes to a fallback or a nested service, or the router has not run yet.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RouteClass {
    Open,
    SignedIn,
    Policy,
    Denied(Denial),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// The router matched no route, while some routes have policies.
    Unmatched,
    /// The route has the same shape as one with a policy, but another spelling.
    Misspelled,
    /// The route has no policy, and the default is `deny`.
    Unnamed,
}

impl Denial {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Unmatched => "route_unmatched",
            Self::Misspelled => "route_misspelled",
            Self::Unnamed => "route_unnamed",
        }
    }
}

type Remembered = RwLock<HashMap<Box<str>, RouteClass>>;

pub(crate) struct RouteAccess {
    set: PolicySet,
    shapes: Vec<(String, String)>,
    chosen: Remembered,
    candidates: Remembered,
    unmatched: Mutex<BTreeSet<String>>,
    reported: AtomicBool,
}

impl RouteAccess {
    /// Checks the policies.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`](crate::error::Code::PolicyInvalid) if settings of a route contradict each other.
    pub(crate) fn new(set: PolicySet) -> Result<Self> {
        set.check()?;
        let shapes = set.routes().map(|(route, _)| (route.to_owned(), shape(route))).collect();
        let named = set.routes().map(|(route, _)| route).chain(set.public_routes());
        let unmatched = Mutex::new(named.map(str::to_owned).collect());
        let (chosen, candidates, reported) = (Remembered::default(), Remembered::default(), AtomicBool::new(false));
        Ok(Self { set, shapes, chosen, candidates, unmatched, reported })
    }

    pub(crate) fn policies(&self) -> &PolicySet {
        &self.set
    }

    /// Whether the policies name any route or deny any request.
    pub(crate) fn is_active(&self) -> bool {
        let default = self.set.default_for_others();
        !self.shapes.is_empty()
            || self.set.public_routes().next().is_some()
            || matches!(default, Some(DefaultAccess::Deny | DefaultAccess::SignedIn))
    }

    pub(crate) fn route_policy(&self, route: &str) -> Option<&RoutePolicy> {
        self.set.route_policy(route)
    }

    pub(crate) fn is_public(&self, route: &str) -> bool {
        self.set.is_public(route)
    }

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
        // The lock is held during classification, so that each route is logged once.
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

    pub(crate) fn unmatched(&self) -> BTreeSet<String> {
        self.unmatched.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

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

    fn class_of_others(&self, route: &str) -> RouteClass {
        match self.set.default_for_others() {
            None | Some(DefaultAccess::Open) => RouteClass::Open,
            Some(DefaultAccess::SignedIn) => RouteClass::SignedIn,
            Some(DefaultAccess::Deny) => {
                tracing::warn!(
                    target: "okta_auth::policy", route,
                    "requests to the route `{route}` are denied: it has no policy, and the default is `deny`"
                );
                RouteClass::Denied(Denial::Unnamed)
            }
        }
    }

    /// Classifies a request without a route. Its policy is unknown, so no policy may be skipped.
    fn class_without_route(&self) -> RouteClass {
        match self.set.default_for_others() {
            Some(DefaultAccess::Open) => RouteClass::Open,
            None if self.shapes.is_empty() => RouteClass::Open,
            Some(DefaultAccess::SignedIn) if self.shapes.is_empty() => RouteClass::SignedIn,
            _ => RouteClass::Denied(Denial::Unmatched),
        }
    }

    /// Logs the reason for such denials once.
    pub(crate) fn report_unmatched(&self) {
        if self.reported.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::error!(
            target: "okta_auth::policy",
            "a request without a matched route was denied, because its policy cannot be determined. \
             Either the layer is outside of the router (in axum add it by `Router::okta_auth` or `Router::layer`), or \
             the request went to a fallback, a nested service or an unknown path. Serve a front end by a route such as \
             `/{{*path}}`, or set `default = \"open\"` in the policies to allow requests without a route. This is \
             logged once"
        );
    }
}

fn log_ambiguous(route: &str) {
    tracing::error!(
        target: "okta_auth::policy", route,
        "the route `{route}` is listed as public but is not public: a guard can make actix-web serve a request to it \
         by another route, and a pattern with parameters matches the paths of other routes. List paths without \
         parameters, or serve it by a scope outside of the layer"
    );
}

fn log_misspelled(route: &str, policy_route: &str) {
    tracing::error!(
        target: "okta_auth::policy", route, policy_route,
        "requests to the route `{route}` are denied: a policy names `{policy_route}`, which differs only by a trailing \
         slash or by the names of its parameters; use the same spelling in both places, or give `{route}` \
         a policy of its own"
    );
}

fn log_prefix(route: &str, policy_route: &str) {
    tracing::warn!(
        target: "okta_auth::policy", route, policy_route,
        "the policy of `{policy_route}` is not applied to requests to `{route}`, which differs by a prefix; if it is \
         the same route, write `{route}` in the policy: the prefix of a `nest` or a scope is part of the route"
    );
}

opaque_debug!(RouteAccess, |it| policies: it.set);
