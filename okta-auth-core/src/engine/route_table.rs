//! How the layer treats requests by the route that the router matched.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Activity, Renewal, RouteOptions};
use crate::policy::{MatchedRoute, RouteAccess, RouteClass};

/// After so many requests the log lists the named routes that none of them matched.
const REQUESTS_UNTIL_REPORT: u64 = 1000;

/// How a layer treats requests to a route.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct RouteSettings {
    /// When its requests renew tokens, and whether they are a use of the session.
    pub options: RouteOptions,
    /// Whether [`Visit::require_route`](super::Visit::require_route) has to be asked
    /// before the handler runs.
    pub is_guarded: bool,
}

impl RouteSettings {
    /// Settings that an adapter has put together, where several routes may be that of a
    /// request.
    pub fn new(options: RouteOptions, is_guarded: bool) -> Self {
        Self { options, is_guarded }
    }
}

/// The routes of which more is set than a policy.
#[derive(Clone, Debug, Default)]
pub(super) struct SpecialRoutes {
    /// Those whose requests do not renew tokens.
    pub(super) on_demand: Vec<String>,
    /// Those whose requests are no use of the session.
    pub(super) passive: Vec<String>,
}

/// The routes of an application: its policies, and what else is set for routes.
#[derive(Debug)]
pub(super) struct RouteTable {
    /// Of the application, and those that tenants name.
    sets: Vec<Arc<RouteAccess>>,
    /// The library's own paths, which no policy is asked about.
    own: Vec<String>,
    /// The routes whose requests do not renew tokens besides `own`, and those whose
    /// requests are no use of the session.
    special: SpecialRoutes,
    /// Whether any set can treat a request in another way than letting it through.
    active: bool,
    /// Requests so far, until they have been reported.
    requests: AtomicU64,
}

impl RouteTable {
    /// The routes of an application.
    pub(super) fn new(sets: Vec<Arc<RouteAccess>>, own: Vec<String>, special: SpecialRoutes) -> Self {
        let active = sets.iter().any(|set| set.is_active());
        Self { sets, own, special, active, requests: AtomicU64::new(0) }
    }

    /// How a request to a route is treated.
    pub(super) fn settings(&self, route: MatchedRoute<'_>) -> RouteSettings {
        let (is_own, options) = match route {
            MatchedRoute::Chosen(pattern) | MatchedRoute::Candidate(pattern) => self.find(pattern),
            MatchedRoute::None => (false, RouteOptions::default()),
        };
        if is_own || !self.active {
            return RouteSettings { options, is_guarded: false };
        }
        self.count();
        let mut is_guarded = false;
        for set in &self.sets {
            is_guarded |= set.class(route) != RouteClass::Open;
        }
        RouteSettings { options, is_guarded }
    }

    /// Whether the route is one of the library's own, and its options. Signing out needs
    /// no fresh claims, least of all while Okta is away.
    fn find(&self, pattern: &str) -> (bool, RouteOptions) {
        let has = |routes: &[String]| routes.iter().any(|route| route == pattern);
        let is_own = has(&self.own);
        let on_demand = is_own || has(&self.special.on_demand);
        let renewal = if on_demand { Renewal::OnDemand } else { Renewal::OnArrival };
        let activity = if has(&self.special.passive) { Activity::Passive } else { Activity::Active };
        (is_own, RouteOptions::new(renewal, activity))
    }

    /// The options of a route.
    pub(super) fn options_of(&self, pattern: &str) -> RouteOptions {
        self.find(pattern).1
    }

    /// Whether a route has a policy in some set.
    pub(super) fn has_policy(&self, pattern: &str) -> bool {
        self.sets.iter().any(|set| set.route_policy(pattern).is_some())
    }

    /// Whether the application itself names the route public.
    pub(super) fn is_public(&self, pattern: &str) -> bool {
        self.sets.first().is_some_and(|application| application.is_public(pattern))
    }

    /// Whether the layer has to know the route of each request.
    pub(super) fn is_active(&self) -> bool {
        self.active
    }

    /// How the strictest set treats a request, except for the application's own set.
    pub(super) fn has_guard_of_tenant(&self, route: MatchedRoute<'_>) -> bool {
        self.sets.iter().skip(1).any(|set| set.class(route) != RouteClass::Open)
    }

    /// The routes of which something is set: a policy, or an option.
    pub(super) fn named(&self) -> BTreeSet<String> {
        let policies = self.sets.iter().flat_map(|set| set.policies().routes());
        let policies = policies.map(|(route, _)| route.to_owned());
        let special = self.own.iter().chain(&self.special.on_demand).chain(&self.special.passive);
        policies.chain(special.cloned()).collect()
    }

    /// The named routes that no request has matched so far.
    pub(super) fn unmatched(&self) -> Vec<String> {
        let all: BTreeSet<String> = self.sets.iter().flat_map(|set| set.unmatched()).collect();
        all.into_iter().collect()
    }

    /// Counts requests until it is time to say which routes none has matched.
    fn count(&self) {
        if self.requests.load(Ordering::Relaxed) >= REQUESTS_UNTIL_REPORT {
            return;
        }
        if self.requests.fetch_add(1, Ordering::Relaxed).saturating_add(1) != REQUESTS_UNTIL_REPORT {
            return;
        }
        let unmatched = self.unmatched();
        if !unmatched.is_empty() {
            tracing::warn!(
                target: "okta_auth::policy", routes = ?unmatched,
                "none of the first {REQUESTS_UNTIL_REPORT} requests matched these routes that the policies name; a \
                 policy protects a route only if it is written as the router has it, with the prefix of every `nest` \
                 or scope"
            );
        }
    }
}
