//! Access policies of a custom authorization server.
//!
//! Okta's policies belong to clients and have rules about people, grants and scopes.
//! Here a policy is one rule: the clients, the people and the scopes that it allows,
//! each of them all if nothing is said. The policies are tried one after the other, and
//! one that allows the whole request is enough; scopes of two policies do not add up.

use std::time::Duration;

use crate::user::User;

/// Who may ask for what.
///
/// A policy that names groups or people does not cover `client_credentials`, where
/// there is no person: services need a policy of their own, as they need a rule with
/// *No user* at Okta.
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
    /// For the person who reads the settings.
    pub name: String,
    /// The ids of the clients; empty for all.
    pub clients: Vec<String>,
    /// The groups of which a person must be in one, unless named in `users`.
    pub groups: Vec<String>,
    /// The logins of people. With neither groups nor people everybody is meant, and
    /// nobody too.
    pub users: Vec<String>,
    /// The scopes, those of OpenID Connect included; empty for all. All that are asked
    /// for must be among them.
    pub scopes: Vec<String>,
    /// How long access tokens are valid that it allows; what the server says if it is
    /// left out. Of the policies that allow a request the first one decides.
    pub access_token_lifetime: Option<Duration>,
}

impl AccessPolicy {
    /// A policy that allows everything, until it is narrowed.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Allows this client, and no others than those that were added.
    pub fn client(mut self, id: impl Into<String>) -> Self {
        self.clients.push(id.into());
        self
    }

    /// Allows the people of this group, and no others than those that were added.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.groups.push(name.into());
        self
    }

    /// Allows the person with this login, and no others than those that were added.
    pub fn user(mut self, login: impl Into<String>) -> Self {
        self.users.push(login.into());
        self
    }

    /// Allows this scope, and no others than those that were added.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Replaces how long access tokens are valid that the policy allows; 5 minutes to
    /// 24 hours at Okta, any length here.
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

    /// Whether a request is allowed.
    pub(super) fn allows(&self, client_id: &str, user: Option<&User>, scopes: &[String]) -> bool {
        let client = self.clients.is_empty() || self.clients.iter().any(|known| known == client_id);
        let asked = self.scopes.is_empty() || scopes.iter().all(|scope| self.scopes.contains(scope));
        client && asked && self.covers(user)
    }

    /// Whether the policy is about this person, or about nobody.
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
    fn every_part_must_fit() {
        let (ada, ben) = (User::ada(), User::ben());
        let scopes = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        let policy = AccessPolicy::new("p").client("c").group("Staff").user("ADA@example.test").scope("openid");
        assert!(policy.allows("c", Some(&ben), &scopes("openid")), "by group");
        assert!(policy.allows("c", Some(&ada), &scopes("openid")), "by login");
        assert!(!policy.allows("c", Some(&User::new("eve@example.test", "")), &scopes("openid")));
        assert!(!policy.allows("d", Some(&ada), &scopes("openid")));
        assert!(!policy.allows("c", Some(&ada), &scopes("openid email")));
        assert!(!policy.allows("c", None, &scopes("openid")));
        assert!(AccessPolicy::new("all").allows("c", None, &scopes("openid")));
    }
}
