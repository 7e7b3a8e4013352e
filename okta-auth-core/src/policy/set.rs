//! Policies by name and by route.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::credentials::AcceptedCredentials;
use super::rule::Policy;
use crate::error::{Code, Error, Result};

/// The policies of an application: named policies for code, and policies of routes.
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::policy::{PolicySet, group};
///
/// # fn main() -> Result<(), okta_auth::error::Error> {
/// let policies = PolicySet::default()
///     .with("admin", group("Admins"))
///     .protect("/admin/{page}", group("Admins"));
/// let admin = policies.policy("admin")?;
/// assert!(policies.policy("admn").is_err(), "the error lists the defined policies");
/// # let _ = admin; Ok(())
/// # }
/// ```
///
/// A route is the router's own pattern, in the router's own spelling. Its policy applies to requests that the router
/// matched to it. The library never parses the path again, so another spelling of a path cannot bypass the policy.
///
/// # Routes without a policy
///
/// | request | result |
/// |---|---|
/// | to a route that is listed as [`public`](Self::public) | allowed |
/// | to a route that differs from one with a policy only by a trailing slash or by the names of its parameters | denied, with an error in the log: one of the two is misspelled |
/// | to any other route | treated by [`default_access`](Self::default_access); without it, allowed |
/// | that matched no route, while routes have policies | denied, with an error in the log, unless `default_access` is [`Open`](DefaultAccess::Open) |
///
/// A request matches no route if it goes to a router's fallback or to a nested service, or if the layer is outside of
/// the router. Serve a front end by a route such as `/{*path}` instead of a fallback, so that its requests match a
/// route.
///
/// A pattern that matches no route of the router protects nothing. Patterns without any request so far are listed by
/// [`Tenants::unmatched_routes`](super::super::multi_tenant::Tenants::unmatched_routes), and by the log after 1,000
/// requests.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    names: BTreeMap<String, Policy>,
    routes: HashMap<String, RoutePolicy>,
    public: BTreeSet<String>,
    default: Option<DefaultAccess>,
    conflicts: Vec<String>,
}

/// The access to routes without a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DefaultAccess {
    /// Every request is denied.
    Deny,
    /// A session is required, or in an `api_only` application an access token.
    SignedIn,
    /// Every request is allowed, including those without a matched route.
    Open,
}

#[derive(Clone, Debug)]
pub(crate) struct RoutePolicy {
    pub(crate) policy: Policy,
    pub(crate) accepts: AcceptedCredentials,
}

impl PolicySet {
    /// Adds a policy under a name, or replaces the policy with that name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, policy: Policy) -> Self {
        let name = name.into();
        self.names.insert(name.clone(), policy.named(name));
        self
    }

    /// Protects a route by a policy about the user of the session. If the route already has a policy, both apply.
    ///
    /// Access tokens are ignored, even in a request with a session; see [`AcceptedCredentials`].
    #[must_use]
    pub fn protect(self, route: impl Into<String>, policy: Policy) -> Self {
        self.protect_for(route, AcceptedCredentials::Session, policy)
    }

    /// Protects a route by a policy about the caller that these credentials identify.
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// use okta_auth::policy::{AcceptedCredentials, PolicySet, scope, signed_in};
    ///
    /// let policies = PolicySet::default()
    ///     .protect_for("/api/orders", AcceptedCredentials::BearerOnly, scope("orders:read"))
    ///     .protect_for("/api/me", AcceptedCredentials::SessionOrBearer, signed_in());
    /// # let _ = policies;
    /// ```
    ///
    /// If the route already has a policy, both policies apply, with the credentials that both accept: `SessionOrBearer`
    /// and `BearerOnly` result in `BearerOnly`. `Session` and `BearerOnly` have none in common, which is an error when
    /// the application is built.
    #[must_use]
    pub fn protect_for(mut self, route: impl Into<String>, accepts: AcceptedCredentials, policy: Policy) -> Self {
        let route = route.into();
        let added = match self.routes.remove(&route) {
            None => RoutePolicy { policy, accepts },
            Some(earlier) => {
                let common = earlier.accepts.and(accepts);
                if common.is_none() {
                    self.conflicts
                        .push(format!("`{route}` accepts only sessions in one policy and only tokens in another"));
                }
                RoutePolicy { policy: both(earlier.policy, policy), accepts: common.unwrap_or(accepts) }
            }
        };
        self.routes.insert(route, added);
        self
    }

    /// Lists a route as public: requests to it are always allowed, regardless of
    /// [`default_access`](Self::default_access). A handler that extracts a `User` or an `AccessToken` still requires a
    /// user or a token, and a policy in code still applies.
    #[must_use]
    pub fn public(mut self, route: impl Into<String>) -> Self {
        self.public.insert(route.into());
        self
    }

    /// Sets the access to routes without a policy.
    #[must_use]
    pub fn default_access(mut self, access: DefaultAccess) -> Self {
        self.default = Some(access);
        self
    }

    /// Returns the policy with this name.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] if no policy has this name; the message lists the existing names.
    pub fn policy(&self, name: &str) -> Result<Policy> {
        self.names.get(name).cloned().ok_or_else(|| {
            let known: Vec<&str> = self.names.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Error::new(Code::PolicyInvalid, format!("the policy `{name}` is not defined; defined policies: {known}"))
        })
    }

    /// Returns the policy of a route, by the pattern that the router matched.
    pub fn route(&self, pattern: &str) -> Option<&Policy> {
        self.route_policy(pattern).map(|route| &route.policy)
    }

    /// Returns the routes that have a policy, by pattern, in no particular order.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &Policy)> {
        self.routes.iter().map(|(pattern, route)| (pattern.as_str(), &route.policy))
    }

    /// Returns the public routes, in alphabetical order.
    pub fn public_routes(&self) -> impl Iterator<Item = &str> {
        self.public.iter().map(String::as_str)
    }

    pub(crate) fn route_policy(&self, pattern: &str) -> Option<&RoutePolicy> {
        self.routes.get(pattern)
    }

    pub(crate) fn is_public(&self, pattern: &str) -> bool {
        self.public.contains(pattern)
    }

    pub(crate) fn default_for_others(&self) -> Option<DefaultAccess> {
        self.default
    }

    pub(crate) fn has_route_for_both(&self) -> bool {
        self.routes.values().any(|route| route.accepts == AcceptedCredentials::SessionOrBearer)
    }

    /// Adds the application's public routes and default. The stricter default applies, so that a file cannot open
    /// routes that the code has closed.
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

    /// Returns the names of the policies, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }
}

impl DefaultAccess {
    fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Deny, _) | (_, Self::Deny) => Self::Deny,
            (Self::SignedIn, _) | (_, Self::SignedIn) => Self::SignedIn,
            (Self::Open, Self::Open) => Self::Open,
        }
    }
}

fn both(first: Policy, second: Policy) -> Policy {
    let name = match (&first.name, &second.name) {
        (Some(a), Some(b)) => Some(format!("{a} & {b}").into()),
        (a, b) => a.clone().or_else(|| b.clone()),
    };
    Policy { name, ..first & second }
}
