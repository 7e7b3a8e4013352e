//! Access policies of a custom authorization server.
//!
//! Okta's policies belong to clients and have rules for users, grants and scopes. Here a policy is one rule with all
//! four; a missing part allows all. The policies are evaluated in order, and one of them must allow the whole request;
//! scopes of several policies do not add up.

use std::time::Duration;

use crate::grant_type::GrantType;
use crate::user::User;

/// An access policy: which clients and users may request which scopes.
///
/// A policy with groups or users does not apply to `client_credentials`, which has no user. Services need their own
/// policy, like a rule with *No user* at Okta.
///
/// ```
/// use okta_auth_dev::{AccessPolicy, AuthorizationServer, SERVICE_CLIENT_ID};
///
/// let orders = AuthorizationServer::custom("orders", "api://orders")
///     .scope("orders:read")
///     .access_policy(AccessPolicy::new("Staff").group("Staff"))
///     .access_policy(AccessPolicy::new("Nightly job").client(SERVICE_CLIENT_ID).scope("orders:read"));
/// assert_eq!(orders.access_policies.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessPolicy {
    /// A description for the reader of the settings.
    pub name: String,
    /// The ids of the clients; empty for all.
    pub clients: Vec<String>,
    /// The user must be in one of these groups or listed in `users`.
    pub groups: Vec<String>,
    /// The logins of users. If groups and users are empty, the policy applies to all users and to services.
    pub users: Vec<String>,
    /// The allowed scopes, including OpenID Connect scopes; empty for all. All requested scopes must be allowed.
    pub scopes: Vec<String>,
    /// The grants; empty for all.
    pub grant_types: Vec<GrantType>,
    /// The lifetime of access tokens; by default that of the server. The first policy that allows the request decides.
    pub access_token_lifetime: Option<Duration>,
}

/// What a policy is asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PolicyRequest<'a> {
    pub(crate) client_id: &'a str,
    /// `None` for a service without a user.
    pub(crate) user: Option<&'a User>,
    pub(crate) scopes: &'a [String],
    pub(crate) grant_type: GrantType,
}

impl AccessPolicy {
    /// Creates a policy that allows everything until it is restricted.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Restricts the policy to the added clients.
    pub fn client(mut self, id: impl Into<String>) -> Self {
        self.clients.push(id.into());
        self
    }

    /// Restricts the policy to members of the added groups and to added users.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.groups.push(name.into());
        self
    }

    /// Restricts the policy to the added users and to members of added groups.
    pub fn user(mut self, login: impl Into<String>) -> Self {
        self.users.push(login.into());
        self
    }

    /// Restricts the policy to the added scopes.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Restricts the policy to the added grants.
    ///
    /// ```
    /// use okta_auth_dev::{AccessPolicy, GrantType};
    ///
    /// let policy = AccessPolicy::new("API to API").client("0oaorders").grant_type(GrantType::TokenExchange);
    /// assert_eq!(policy.grant_types.len(), 1);
    /// ```
    pub fn grant_type(mut self, grant: GrantType) -> Self {
        self.grant_types.push(grant);
        self
    }

    /// Sets the lifetime of access tokens; 5 minutes to 24 hours at Okta, unrestricted here.
    ///
    /// ```
    /// use okta_auth_dev::{AccessPolicy, AuthorizationServer};
    /// use std::time::Duration;
    ///
    /// let brief = AccessPolicy::new("Admins, briefly").group("Admins").access_token_lifetime(Duration::from_secs(5));
    /// let server = AuthorizationServer::custom("orders", "api://orders").access_policy(brief);
    /// ```
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_token_lifetime = Some(lifetime);
        self
    }

    pub(super) fn allows(&self, request: &PolicyRequest<'_>) -> bool {
        let client = self.clients.is_empty() || self.clients.iter().any(|known| known == request.client_id);
        let asked = self.scopes.is_empty() || request.scopes.iter().all(|scope| self.scopes.contains(scope));
        let grant = self.grant_types.is_empty() || self.grant_types.contains(&request.grant_type);
        client && asked && grant && self.covers(request.user)
    }

    /// Whether the policy applies to this user, or to a service if there is none.
    fn covers(&self, user: Option<&User>) -> bool {
        if self.groups.is_empty() && self.users.is_empty() {
            return true;
        }
        user.is_some_and(|user| {
            self.users.iter().any(|login| login.eq_ignore_ascii_case(&user.login))
                || user.groups.iter().any(|group| self.groups.contains(group))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_policy_must_match() {
        let (ada, ben) = (User::ada(), User::ben());
        let scopes = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        let allows = |policy: &AccessPolicy, client_id: &str, user: Option<&User>, words: &str| {
            let grant_type = GrantType::AuthorizationCode;
            policy.allows(&PolicyRequest { client_id, user, scopes: &scopes(words), grant_type })
        };
        let policy = AccessPolicy::new("p").client("c").group("Staff").user("ADA@example.test").scope("openid");
        assert!(allows(&policy, "c", Some(&ben), "openid"), "by group");
        assert!(allows(&policy, "c", Some(&ada), "openid"), "by login");
        assert!(!allows(&policy, "c", Some(&User::new("eve@example.test", "")), "openid"));
        assert!(!allows(&policy, "d", Some(&ada), "openid"));
        assert!(!allows(&policy, "c", Some(&ada), "openid email"));
        assert!(!allows(&policy, "c", None, "openid"));
        assert!(!allows(&policy.clone().grant_type(GrantType::TokenExchange), "c", Some(&ada), "openid"));
        assert!(allows(&policy.grant_type(GrantType::AuthorizationCode), "c", Some(&ada), "openid"));
        assert!(allows(&AccessPolicy::new("all"), "c", None, "openid"));
    }
}
