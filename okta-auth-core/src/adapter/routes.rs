//! The route of a request, and the policies to evaluate for it.

use std::sync::Arc;

use crate::engine::RequestContext;
use crate::multi_tenant::Tenants;
use crate::policy::MatchedRoute;
use crate::response::Challenge;
use crate::routing::RouteOptions;

/// What the router says about the route of a request.
#[derive(Clone, Debug)]
pub enum RequestRoute<'a> {
    /// The pattern that the router has chosen; `None` without a router, or if no route matched.
    Matched(Option<&'a str>),
    /// The router chooses after the layer.
    Candidates(Candidates),
}

/// The routes that the router may choose for a request.
///
/// Because of guards, the router may choose another route than the first that matches, so the policies of all named
/// routes that match are evaluated.
#[derive(Clone, Debug)]
pub struct Candidates {
    /// The first route that matches the path. Unknown as long as no route is guarded.
    first: Option<String>,
    /// Whether it is one of the library's own routes, which are always open.
    is_own: bool,
    /// Every named route that matches.
    named: Vec<Arc<str>>,
}

/// How the layer treats a request.
pub(super) struct Treatment<'a> {
    pub(super) options: RouteOptions,
    /// The routes whose policies are evaluated, in this order.
    first: Option<MatchedRoute<'a>>,
    others: Vec<Arc<str>>,
}

/// The policies of a [`Treatment`], for a request that waits.
pub(super) struct Guards {
    first: Option<OwnedRoute>,
    others: Vec<Arc<str>>,
}

enum OwnedRoute {
    Chosen(String),
    Candidate(String),
    None,
}

impl<'a> RequestRoute<'a> {
    #[inline]
    pub(super) fn treatment(&'a self, tenants: &Tenants) -> Treatment<'a> {
        match self {
            Self::Matched(pattern) => {
                let route = pattern.map_or(MatchedRoute::None, MatchedRoute::Chosen);
                let settings = tenants.route(route);
                Treatment { options: settings.options, first: settings.is_guarded.then_some(route), others: Vec::new() }
            }
            Self::Candidates(candidates) => candidates.treatment(tenants),
        }
    }
}

impl Candidates {
    pub(super) fn new(tenants: &Tenants, named: Vec<Arc<str>>, first: impl FnOnce() -> (Option<String>, bool)) -> Self {
        let (first, is_own) = if tenants.has_route_policies() { first() } else { (None, false) };
        Self { first, is_own, named }
    }

    fn treatment(&self, tenants: &Tenants) -> Treatment<'_> {
        let options = self.named.iter().map(|route| tenants.options_of(route));
        let options = options.fold(RouteOptions::default(), RouteOptions::or);
        if !tenants.has_route_policies() {
            return Treatment { options, first: None, others: Vec::new() };
        }
        let first = self.first.as_deref();
        let route = first.map_or(MatchedRoute::None, MatchedRoute::Candidate);
        let settings = tenants.route(route);
        let options = options.or(settings.options);
        if self.is_own {
            return Treatment { options, first: None, others: Vec::new() };
        }
        // A path that is listed as public is public, even if other routes match it.
        let is_public = first.is_some_and(|path| !path.contains('{') && tenants.is_public_route(path));
        let is_guard = |route: &&Arc<str>| !is_public && first != Some(&***route) && tenants.has_policy(route);
        let others = self.named.iter().filter(is_guard);
        Treatment { options, first: settings.is_guarded.then_some(route), others: others.cloned().collect() }
    }
}

impl Treatment<'_> {
    /// Removes all policies, for the library's own routes.
    pub(super) fn open(self) -> Self {
        Self { first: None, others: Vec::new(), ..self }
    }

    /// Whether the request is allowed without evaluating a policy that may wait.
    pub(super) fn allows(&self, context: &RequestContext) -> bool {
        let is_allowed = |route| matches!(context.try_require_route(route), Some(Ok(())));
        self.others.is_empty() && self.first.is_none_or(is_allowed)
    }

    pub(super) fn into_guards(self) -> Guards {
        Guards {
            first: self.first.map(|route| match route {
                MatchedRoute::Chosen(pattern) => OwnedRoute::Chosen(pattern.to_owned()),
                MatchedRoute::Candidate(pattern) => OwnedRoute::Candidate(pattern.to_owned()),
                MatchedRoute::None => OwnedRoute::None,
            }),
            others: self.others,
        }
    }
}

impl Guards {
    /// Evaluates the policies.
    ///
    /// # Errors
    /// The challenge of the first that denies the request.
    pub(super) async fn require(&self, context: &RequestContext) -> Result<(), Challenge> {
        if let Some(first) = &self.first {
            context.require_route(first.as_route()).await?;
        }
        for other in &self.others {
            context.require_route(MatchedRoute::Candidate(other)).await?;
        }
        Ok(())
    }
}

impl OwnedRoute {
    fn as_route(&self) -> MatchedRoute<'_> {
        match self {
            Self::Chosen(pattern) => MatchedRoute::Chosen(pattern),
            Self::Candidate(pattern) => MatchedRoute::Candidate(pattern),
            Self::None => MatchedRoute::None,
        }
    }
}
