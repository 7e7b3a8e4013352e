//! The layer's treatment of requests by matched route.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;

use super::route_options::{RefreshTiming, RouteOptions};
use crate::policy::{MatchedRoute, RouteAccess, RouteClass};
use crate::session::Activity;

/// After this number of requests the log lists the routes without a request.
const REQUESTS_UNTIL_REPORT: u64 = 1000;

/// The layer's treatment of requests to a route.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RouteSettings {
    /// When requests refresh tokens, and whether they count as activity of the session.
    pub(crate) options: RouteOptions,
    /// Whether [`RequestContext::require_route`](super::super::engine::RequestContext::require_route) has to run before
    /// the handler.
    pub(crate) is_guarded: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct SpecialRoutes {
    /// The routes that refresh tokens only on demand.
    pub(crate) on_demand: Vec<String>,
    /// The routes whose requests do not count as activity.
    pub(crate) passive: Vec<String>,
    /// The routes whose requests with a safe method do not count as activity.
    pub(crate) passive_reads: Vec<String>,
    /// The routes that begin a silent sign-in in browsers without a session.
    pub(crate) silent_login: Vec<String>,
}

impl SpecialRoutes {
    /// Adds routes whose requests with a safe method do not count as activity.
    pub(crate) fn with_passive_reads<'a>(mut self, routes: impl IntoIterator<Item = &'a str>) -> Self {
        self.passive_reads.extend(routes.into_iter().map(str::to_owned));
        self
    }
}

/// A route that the layer treats in its own way.
#[derive(Clone, Copy, Debug, Default)]
struct SpecialRoute {
    /// Whether it belongs to the library. Such routes are not subject to policies and refresh no tokens, so that logout
    /// works while Okta is down.
    is_own: bool,
    options: RouteOptions,
}

/// A bit for the length of a pattern.
fn length_bit(pattern: &str) -> u64 {
    1 << (pattern.len() % 64)
}

#[derive(Debug)]
pub(crate) struct RouteTable {
    /// The application's policy set, followed by those of tenants.
    sets: Vec<Arc<RouteAccess>>,
    /// The library's own paths, and the routes with options.
    special: HashMap<String, SpecialRoute, RandomState>,
    /// A filter for them, because every request asks and few patterns are special: the [`length_bit`] of each.
    lengths: u64,
    /// Whether any set can deny a request.
    active: bool,
    requests: AtomicU64,
}

impl RouteTable {
    pub(crate) fn new(sets: Vec<Arc<RouteAccess>>, own: Vec<String>, special: SpecialRoutes) -> Self {
        let active = sets.iter().any(|set| set.is_active());
        let mut routes: HashMap<String, SpecialRoute, RandomState> = HashMap::default();
        for path in own {
            let route = routes.entry(path).or_default();
            (route.is_own, route.options.renewal) = (true, RefreshTiming::OnDemand);
        }
        for route in special.on_demand {
            routes.entry(route).or_default().options.renewal = RefreshTiming::OnDemand;
        }
        for route in special.passive {
            routes.entry(route).or_default().options.activity = Activity::Passive;
        }
        for route in special.passive_reads {
            routes.entry(route).or_default().options.passive_reads = true;
        }
        for route in special.silent_login {
            routes.entry(route).or_default().options.silent_login = true;
        }
        let lengths = routes.keys().fold(0, |all, pattern| all | length_bit(pattern));
        Self { sets, special: routes, lengths, active, requests: AtomicU64::new(0) }
    }

    #[inline]
    pub(crate) fn settings(&self, route: MatchedRoute<'_>) -> RouteSettings {
        let SpecialRoute { is_own, options } = match route {
            MatchedRoute::Chosen(pattern) | MatchedRoute::Candidate(pattern) => self.find(pattern),
            MatchedRoute::None => SpecialRoute::default(),
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

    fn find(&self, pattern: &str) -> SpecialRoute {
        if self.lengths & length_bit(pattern) == 0 {
            return SpecialRoute::default();
        }
        self.special.get(pattern).copied().unwrap_or_default()
    }

    pub(crate) fn options_of(&self, pattern: &str) -> RouteOptions {
        self.find(pattern).options
    }

    pub(crate) fn has_policy(&self, pattern: &str) -> bool {
        self.sets.iter().any(|set| set.route_policy(pattern).is_some())
    }

    pub(crate) fn is_public(&self, pattern: &str) -> bool {
        self.sets.first().is_some_and(|application| application.is_public(pattern))
    }

    /// Whether a path is that of a route without parameters that the application names public and that no tenant
    /// guards.
    pub(crate) fn is_open(&self, path: &str) -> bool {
        let route = MatchedRoute::Chosen(path);
        !path.contains('{') && self.is_public(path) && !self.has_guard_of_tenant(route)
    }

    /// Whether the layer needs the route of each request.
    pub(crate) fn is_active(&self) -> bool {
        self.active
    }

    /// Whether a tenant's own set restricts the route.
    pub(crate) fn has_guard_of_tenant(&self, route: MatchedRoute<'_>) -> bool {
        self.sets.iter().skip(1).any(|set| set.class(route) != RouteClass::Open)
    }

    /// Returns the routes with a policy or an option.
    pub(crate) fn named(&self) -> BTreeSet<String> {
        let policies = self.sets.iter().flat_map(|set| set.policies().routes());
        let policies = policies.map(|(route, _)| route.to_owned());
        policies.chain(self.special.keys().cloned()).collect()
    }

    pub(crate) fn unmatched(&self) -> Vec<String> {
        let all: BTreeSet<String> = self.sets.iter().flat_map(|set| set.unmatched()).collect();
        all.into_iter().collect()
    }

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
                "none of the first {REQUESTS_UNTIL_REPORT} requests matched these routes of the policies; a \
                 policy protects a route only if it is written as the router has it, with the prefix of every `nest` \
                 or scope"
            );
        }
    }
}
