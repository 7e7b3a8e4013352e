//! Settings of authorization servers: which there are, what they know, how long their
//! tokens live.
//!
//! A lifetime here is one for all custom servers; a server with another one is made
//! with [`AuthorizationServer`] itself.

use std::time::Duration;

use super::OrgBuilder;
use crate::server::{AccessPolicy, AuthorizationServer, CustomClaim, GroupsClaim};

impl OrgBuilder {
    /// Adds a custom authorization server, or replaces the one with the same id
    /// (`default`, for instance).
    ///
    /// ```
    /// use okta_auth_dev::{AuthorizationServer, OrgBuilder};
    ///
    /// let orders = AuthorizationServer::custom("orders", "api://orders").scope("orders:read");
    /// let builder = OrgBuilder::default().authorization_server(orders);
    /// ```
    pub fn authorization_server(mut self, server: AuthorizationServer) -> Self {
        self.servers.retain(|known| known.id != server.id);
        self.servers.push(server);
        self
    }

    /// Adds a groups claim to a server that exists, or replaces the one of this name;
    /// [`crate::ORG_SERVER`] for the org's own. No server has one by default.
    ///
    /// ```
    /// use okta_auth_dev::{GroupsClaim, GroupsFilter, OrgBuilder};
    ///
    /// // The groups that start with `App_`, in access tokens too.
    /// let claim = GroupsClaim::new("groups", GroupsFilter::StartsWith("App_".into()));
    /// let builder = OrgBuilder::default().groups_claim("default", claim.in_access_token(true));
    /// ```
    pub fn groups_claim(self, server: &str, claim: GroupsClaim) -> Self {
        self.with_server(server, |known| known.groups_claim(claim))
    }

    /// Adds a custom scope to a server that exists.
    ///
    /// ```
    /// use okta_auth_dev::OrgBuilder;
    ///
    /// let builder = OrgBuilder::default().scope("default", "orders:cancel");
    /// ```
    pub fn scope(self, server: &str, scope: impl Into<String>) -> Self {
        self.with_server(server, |known| known.scope(scope))
    }

    /// Adds a custom claim to a server that exists, or replaces the one of the same
    /// name.
    ///
    /// ```
    /// use okta_auth_dev::{CustomClaim, OrgBuilder};
    ///
    /// let builder = OrgBuilder::default().claim("default", CustomClaim::new("department", "user.department"));
    /// ```
    pub fn claim(self, server: &str, claim: CustomClaim) -> Self {
        self.with_server(server, |known| known.claim(claim))
    }

    /// Adds an access policy to a server that exists. With the first one everything is
    /// forbidden that no policy allows.
    ///
    /// ```
    /// use okta_auth_dev::{AccessPolicy, OrgBuilder};
    ///
    /// let builder = OrgBuilder::default().access_policy("default", AccessPolicy::new("Admins").group("Admins"));
    /// ```
    pub fn access_policy(self, server: &str, policy: AccessPolicy) -> Self {
        self.with_server(server, |known| known.access_policy(policy))
    }

    /// How long access tokens of custom servers are valid; 1 hour by default.
    ///
    /// Okta allows 5 minutes to 24 hours, by policy rule; here any length does, so that
    /// a test can use a second.
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.changes.access_token_lifetime = Some(lifetime);
        self
    }

    /// How long ID tokens are valid; 1 hour by default.
    ///
    /// At Okta it is always 1 hour.
    pub fn id_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.changes.id_token_lifetime = Some(lifetime);
        self
    }

    /// How long a refresh token may lie unused; 7 days by default.
    ///
    /// Each use starts the period again. Okta allows 10 minutes to 5 years.
    pub fn refresh_token_idle(mut self, idle: Duration) -> Self {
        self.changes.refresh_token_idle = Some(idle);
        self
    }

    /// How long after the sign-in refresh tokens work at all; without an end by
    /// default, 90 days at the org's own server.
    ///
    /// A rotated refresh token inherits the end of the first one.
    pub fn refresh_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.changes.refresh_token_lifetime = Some(lifetime);
        self
    }

    /// How long an authorization code is valid; 300 s by default.
    ///
    /// At Okta it is always 300 s.
    pub fn code_lifetime(mut self, lifetime: Duration) -> Self {
        self.changes.code_lifetime = Some(lifetime);
        self
    }

    /// Carries all groups of a person in the claim of this name: in ID tokens of every
    /// server that has no groups claim of its own, of this org and of
    /// [`OrgBuilder::customers`]. At the org's own server an app needs the scope `groups`.
    ///
    /// ```
    /// use okta_auth_dev::OrgBuilder;
    ///
    /// let builder = OrgBuilder::default().groups_claim_everywhere("groups").customers(["acme"]);
    /// ```
    pub fn groups_claim_everywhere(mut self, name: impl Into<String>) -> Self {
        self.changes.groups_claim = Some(name.into());
        self
    }

    /// Whether ID tokens of custom servers are thin (`email`, `name` and
    /// `preferred_username` only, the rest at userinfo). They are by default; those of
    /// the org's own server always are.
    ///
    /// An app must not depend on profile claims in an ID token, but ask userinfo for
    /// what is missing. With `false` an app gets the full ones, to see the difference.
    pub fn thin_id_token(mut self, thin: bool) -> Self {
        self.changes.thin_id_token = Some(thin);
        self
    }

    /// Changes the server with this id, if there is one.
    fn with_server(mut self, id: &str, change: impl FnOnce(AuthorizationServer) -> AuthorizationServer) -> Self {
        if let Some(known) = self.servers.iter_mut().find(|server| server.id == id) {
            *known = change(known.clone());
        }
        self
    }
}
