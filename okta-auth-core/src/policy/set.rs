//! Policies by name, and by route.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::credentials::Accepts;
use super::rule::Policy;
use crate::error::{Code, Error, Result};

/// The policies of an application: some have names that code uses, some protect routes.
///
/// ```
/// use okta_auth_core::policy::{PolicySet, group};
///
/// # fn main() -> Result<(), okta_auth_core::error::Error> {
/// let policies = PolicySet::default()
///     .with("admin", group("Admins"))
///     .protect("/admin/{page}", group("Admins"));
/// let admin = policies.policy("admin")?;
/// assert!(policies.policy("admn").is_err(), "the error names those that there are");
/// # let _ = admin; Ok(())
/// # }
/// ```
///
/// A route is the router's own pattern, in the router's own spelling. The policy is
/// asked about requests that the router matched to it: no path is ever parsed again, so
/// no spelling of a path gets around it.
///
/// # What no policy names
///
/// | request | is |
/// |---|---|
/// | to a route that is named [`public`](Self::public) | allowed |
/// | to a route that differs from one with a policy only by a trailing slash or by the names of its parameters | denied, with an error in the log: one of the two is misspelled |
/// | to any other route | treated as [`default_access`](Self::default_access) says; without it, allowed |
/// | that matched no route, while routes have policies | denied, with an error in the log, unless `default_access` is [`Open`](DefaultAccess::Open) |
///
/// A request matches no route if it goes to a router's fallback or to a nested service,
/// or if the layer is outside of the router. Serve a front end by a route such as
/// `/{*path}` instead of a fallback, and its requests have a route.
///
/// A pattern that no route has protects nothing. Patterns that no request has matched
/// are listed by
/// [`Tenants::unmatched_routes`](super::super::engine::Tenants::unmatched_routes), and
/// by the log after 1,000 requests.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    names: BTreeMap<String, Policy>,
    routes: HashMap<String, RoutePolicy>,
    public: BTreeSet<String>,
    default: Option<DefaultAccess>,
    /// Routes whose settings contradict each other.
    conflicts: Vec<String>,
}

/// What a request may do whose route no policy names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DefaultAccess {
    /// Every request is denied.
    Deny,
    /// A session is required, or in an `api_only` application an access token.
    SignedIn,
    /// Every request is allowed, those without a matched route included.
    Open,
}

/// The policy of a route.
#[derive(Clone, Debug)]
pub(crate) struct RoutePolicy {
    pub(crate) policy: Policy,
    pub(crate) accepts: Accepts,
}

impl PolicySet {
    /// Adds a policy under a name, or replaces the one of that name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, policy: Policy) -> Self {
        let name = name.into();
        self.names.insert(name.clone(), policy.named(name));
        self
    }

    /// Protects a route by a policy about the user of the session. A route that has a
    /// policy already gets both.
    ///
    /// Access tokens are ignored, also beside a session; see [`Accepts`].
    #[must_use]
    pub fn protect(self, route: impl Into<String>, policy: Policy) -> Self {
        self.protect_for(route, Accepts::Session, policy)
    }

    /// Protects a route by a policy about the caller that these credentials show.
    ///
    /// ```
    /// use okta_auth_core::policy::{Accepts, PolicySet, scope, signed_in};
    ///
    /// let policies = PolicySet::default()
    ///     .protect_for("/api/orders", Accepts::Token, scope("orders:read"))
    ///     .protect_for("/api/me", Accepts::SessionOrToken, signed_in());
    /// # let _ = policies;
    /// ```
    ///
    /// Of a route that has a policy already both policies and both kinds of credentials
    /// count: `SessionOrToken` and `Token` are `Token`. With `Session` and `Token`
    /// nothing is left, which is an error when the application is built.
    #[must_use]
    pub fn protect_for(mut self, route: impl Into<String>, accepts: Accepts, policy: Policy) -> Self {
        let route = route.into();
        let added = match self.routes.remove(&route) {
            None => RoutePolicy { policy, accepts },
            Some(earlier) => {
                let common = earlier.accepts.and(accepts);
                if common.is_none() {
                    self.conflicts
                        .push(format!("`{route}` accepts sessions alone in one policy and tokens alone in another"));
                }
                RoutePolicy { policy: both(earlier.policy, policy), accepts: common.unwrap_or(accepts) }
            }
        };
        self.routes.insert(route, added);
        self
    }

    /// Names a route public: requests to it are allowed whatever
    /// [`default_access`](Self::default_access) says. A handler that asks for a `User`
    /// or an `AccessToken`, or that has a policy in code, still needs one.
    #[must_use]
    pub fn public(mut self, route: impl Into<String>) -> Self {
        self.public.insert(route.into());
        self
    }

    /// Sets what a request may do whose route no policy names.
    #[must_use]
    pub fn default_access(mut self, access: DefaultAccess) -> Self {
        self.default = Some(access);
        self
    }

    /// The policy of a name.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] if there is none, naming those that there are.
    pub fn policy(&self, name: &str) -> Result<Policy> {
        self.names.get(name).cloned().ok_or_else(|| {
            let known: Vec<&str> = self.names.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Error::new(Code::PolicyInvalid, format!("there is no policy `{name}`; there are: {known}"))
        })
    }

    /// The policy of a route, by the pattern that the router matched.
    pub fn route(&self, pattern: &str) -> Option<&Policy> {
        self.route_policy(pattern).map(|route| &route.policy)
    }

    /// The routes that have a policy, by pattern, in no order.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &Policy)> {
        self.routes.iter().map(|(pattern, route)| (pattern.as_str(), &route.policy))
    }

    /// The routes that are named public, in order.
    pub fn public_routes(&self) -> impl Iterator<Item = &str> {
        self.public.iter().map(String::as_str)
    }

    /// The policy of a route with the credentials that it accepts.
    pub(crate) fn route_policy(&self, pattern: &str) -> Option<&RoutePolicy> {
        self.routes.get(pattern)
    }

    /// Whether the route is named public.
    pub(crate) fn is_public(&self, pattern: &str) -> bool {
        self.public.contains(pattern)
    }

    /// What a request may do whose route no policy names, if that is set.
    pub(crate) fn default_for_others(&self) -> Option<DefaultAccess> {
        self.default
    }

    /// Whether a route accepts sessions and access tokens.
    pub(crate) fn has_route_for_both(&self) -> bool {
        self.routes.values().any(|route| route.accepts == Accepts::SessionOrToken)
    }

    /// Adds public routes and a default of the application. Of two defaults the stricter
    /// one counts, so that a file cannot open what the code has closed.
    pub(crate) fn with_application(mut self, public: &[String], default: Option<DefaultAccess>) -> Self {
        self.public.extend(public.iter().cloned());
        self.default = match (self.default, default) {
            (Some(own), Some(other)) => Some(own.stricter(other)),
            (own, other) => own.or(other),
        };
        self
    }

    /// Checks that no route is both public and protected.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`], naming each route.
    pub(crate) fn check(&self) -> Result<()> {
        let both = self.public.iter().filter(|route| self.routes.contains_key(*route));
        let both = both.map(|route| format!("`{route}` is public and has a policy; remove one of the two"));
        let problems: Vec<String> = self.conflicts.iter().cloned().chain(both).collect();
        if problems.is_empty() { Ok(()) } else { Err(Error::new(Code::PolicyInvalid, problems.join("; "))) }
    }

    /// The names that there are, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }
}

impl DefaultAccess {
    /// The stricter one of two.
    fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Deny, _) | (_, Self::Deny) => Self::Deny,
            (Self::SignedIn, _) | (_, Self::SignedIn) => Self::SignedIn,
            (Self::Open, Self::Open) => Self::Open,
        }
    }
}

/// Both of two policies, under the names of both.
fn both(first: Policy, second: Policy) -> Policy {
    let name = match (&first.name, &second.name) {
        (Some(a), Some(b)) => Some(format!("{a} & {b}").into()),
        (a, b) => a.clone().or_else(|| b.clone()),
    };
    Policy { name, ..first & second }
}
