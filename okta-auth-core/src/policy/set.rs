//! Policies by name, and by route.

use std::collections::{BTreeMap, HashMap};

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
/// no spelling of a path gets around it. The other way round, a pattern that no route
/// has protects nothing; where that would hurt, use a name in code, which is checked at
/// start.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    names: BTreeMap<String, Policy>,
    routes: HashMap<String, Policy>,
}

impl PolicySet {
    /// Adds a policy under a name, or replaces the one of that name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, policy: Policy) -> Self {
        let name = name.into();
        self.names.insert(name.clone(), policy.named(name));
        self
    }

    /// Protects a route by a policy. A route that has one already gets both.
    ///
    /// The policy is asked about users and about holders of tokens. For a route that
    /// takes tokens alone, attach the policy in code, with `require_token`: there
    /// nobody is sent to sign in.
    #[must_use]
    pub fn protect(mut self, route: impl Into<String>, policy: Policy) -> Self {
        let route = route.into();
        let policy = match self.routes.remove(&route) {
            Some(earlier) => both(earlier, policy),
            None => policy,
        };
        self.routes.insert(route, policy);
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
        self.routes.get(pattern)
    }

    /// The routes that have a policy, by pattern, in no order.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &Policy)> {
        self.routes.iter().map(|(pattern, policy)| (pattern.as_str(), policy))
    }

    /// The names that there are, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
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
