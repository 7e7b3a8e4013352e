//! Services: clients that act for themselves, without a browser and without a page.

use serde_json::Value;

use super::Client;
use crate::grant_type::GrantType;

impl Client {
    /// Creates a service: `client_credentials` only, no users.
    ///
    /// It may request custom scopes of a custom server. At the org's own server, which issues tokens for Okta's API,
    /// use [`Client::api_service`].
    pub fn service(id: impl Into<String>, secret: impl Into<String>) -> Self {
        let grant_types = vec![GrantType::ClientCredentials];
        Self { grant_types, name: "Dev Service".to_owned(), ..Self::web(id, secret) }
    }

    /// Creates a service for Okta's API: it signs assertions with a private key, and `jwk` is the public key.
    ///
    /// As at Okta, three grants are independent of each other. The scope must be granted ([`Client::okta_scopes`]),
    /// otherwise the token request fails with `invalid_scope`. The service must have a role ([`Client::admin_role`]),
    /// otherwise the API answers
    /// 403. And the org's own server accepts no secret.
    ///
    /// ```
    /// use okta_auth_dev::{Client, ClientKey};
    ///
    /// let key = ClientKey::generate()?;
    /// let client = Client::api_service("0oaexample", key.public_jwk())
    ///     .okta_scopes(["okta.users.read", "okta.groups.read"])
    ///     .admin_role("READ_ONLY_ADMIN");
    /// assert!(client.client_secret.is_none());
    /// # Ok::<(), okta_auth_dev::Error>(())
    /// ```
    pub fn api_service(id: impl Into<String>, jwk: Value) -> Self {
        let service = Self::service(id, "").private_key_jwt(jwk);
        Self { name: "Dev API Service".to_owned(), ..service }
    }

    /// Adds a grant to those that the client may use.
    ///
    /// ```
    /// use okta_auth_dev::{Client, GrantType};
    ///
    /// let api = Client::service("0oaorders", "a-secret").grant_type(GrantType::TokenExchange);
    /// assert_eq!(api.grant_types, [GrantType::ClientCredentials, GrantType::TokenExchange]);
    /// ```
    pub fn grant_type(mut self, grant: GrantType) -> Self {
        if !self.may_use(grant) {
            self.grant_types.push(grant);
        }
        self
    }

    /// Replaces the scopes of Okta's API that an administrator granted to the service.
    pub fn okta_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.okta_scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Adds an administrator role, by Okta's name such as `READ_ONLY_ADMIN`. The org does not distinguish roles: any
    /// role may read users and groups.
    pub fn admin_role(mut self, role: impl Into<String>) -> Self {
        self.admin_roles.push(role.into());
        self
    }

    /// Sets whether the service is a published API integration. At the org's own server it may also authenticate with
    /// `client_secret_basic`.
    pub fn api_integration(mut self, published: bool) -> Self {
        self.api_integration = published;
        self
    }

    /// Whether the client has no users: Okta's `application_type` of `service`.
    pub(crate) fn is_service(&self) -> bool {
        let interactive = [GrantType::AuthorizationCode, GrantType::DeviceCode];
        let service = [GrantType::ClientCredentials, GrantType::TokenExchange];
        service.into_iter().any(|grant| self.may_use(grant))
            && !interactive.into_iter().any(|grant| self.may_use(grant))
    }
}
