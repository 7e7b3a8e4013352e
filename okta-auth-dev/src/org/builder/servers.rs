//! Settings of authorization servers: scopes, claims, policies and lifetimes.
//!
//! A lifetime set here applies to all custom servers. For a server with its own lifetime, use [`AuthorizationServer`].

use std::time::Duration;

use super::OrgBuilder;
use crate::server::{AccessPolicy, AuthorizationServer, CustomClaim, GroupsClaim};

impl OrgBuilder {
    /// Adds a custom authorization server, or replaces the one with the same id (`default`, for instance).
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

    /// Adds a groups claim to an existing server, or replaces the claim of this name. [`crate::ORG_SERVER`] names the
    /// org's own server. No server has a groups claim by default.
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

    /// Adds a custom scope to an existing server.
    ///
    /// ```
    /// use okta_auth_dev::OrgBuilder;
    ///
    /// let builder = OrgBuilder::default().scope("default", "orders:cancel");
    /// ```
    pub fn scope(self, server: &str, scope: impl Into<String>) -> Self {
        self.with_server(server, |known| known.scope(scope))
    }

    /// Adds a custom claim to an existing server, or replaces the claim of this name.
    ///
    /// ```
    /// use okta_auth_dev::{CustomClaim, OrgBuilder};
    ///
    /// let builder = OrgBuilder::default().claim("default", CustomClaim::new("department", "user.department"));
    /// ```
    pub fn claim(self, server: &str, claim: CustomClaim) -> Self {
        self.with_server(server, |known| known.claim(claim))
    }

    /// Adds an access policy to an existing server. A server with at least one policy denies every request that no
    /// policy allows.
    ///
    /// ```
    /// use okta_auth_dev::{AccessPolicy, OrgBuilder};
    ///
    /// let builder = OrgBuilder::default().access_policy("default", AccessPolicy::new("Admins").group("Admins"));
    /// ```
    pub fn access_policy(self, server: &str, policy: AccessPolicy) -> Self {
        self.with_server(server, |known| known.access_policy(policy))
    }

    /// Sets the lifetime of access tokens of custom servers; 1 hour by default.
    ///
    /// Okta allows 5 minutes to 24 hours, by policy rule. This org allows any lifetime, so that a test can use one
    /// second.
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.overrides.access_token_lifetime = Some(lifetime);
        self
    }

    /// Sets the lifetime of ID tokens; 1 hour by default.
    ///
    /// At Okta it is always 1 hour.
    pub fn id_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.overrides.id_token_lifetime = Some(lifetime);
        self
    }

    /// Sets how long a refresh token may stay unused; 7 days by default.
    ///
    /// Each use restarts the period. Okta allows 10 minutes to 5 years.
    pub fn refresh_token_idle(mut self, idle: Duration) -> Self {
        self.overrides.refresh_token_idle = Some(idle);
        self
    }

    /// Sets the absolute lifetime of refresh tokens, counted from the sign-in. By default it is unlimited, and 90 days
    /// at the org's own server.
    ///
    /// A rotated refresh token inherits the expiry of the first one.
    pub fn refresh_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.overrides.refresh_token_lifetime = Some(lifetime);
        self
    }

    /// Sets the lifetime of authorization codes; 300 s by default.
    ///
    /// At Okta it is always 300 s.
    pub fn code_lifetime(mut self, lifetime: Duration) -> Self {
        self.overrides.code_lifetime = Some(lifetime);
        self
    }

    /// Adds all groups of a user to ID tokens in the claim of this name. Applies to every server without a groups
    /// claim, of this org and of [`OrgBuilder::customers`]. At the org's own server, an app needs the scope `groups`.
    ///
    /// ```
    /// use okta_auth_dev::OrgBuilder;
    ///
    /// let builder = OrgBuilder::default().groups_claim_everywhere("groups").customers(["acme"]);
    /// ```
    pub fn groups_claim_everywhere(mut self, name: impl Into<String>) -> Self {
        self.overrides.groups_claim = Some(name.into());
        self
    }

    /// Sets whether ID tokens of custom servers are thin: `email`, `name` and `preferred_username` only, the rest at
    /// userinfo. True by default. ID tokens of the org's own server are always thin.
    ///
    /// An app must not depend on profile claims in an ID token; it should request missing claims from userinfo. With
    /// `false` the ID tokens carry the full profile, so that you can compare.
    pub fn thin_id_token(mut self, thin: bool) -> Self {
        self.overrides.thin_id_token = Some(thin);
        self
    }

    fn with_server(mut self, id: &str, change: impl FnOnce(AuthorizationServer) -> AuthorizationServer) -> Self {
        if let Some(known) = self.servers.iter_mut().find(|server| server.id == id) {
            *known = change(known.clone());
        }
        self
    }
}
