//! Clients that act for a user at another app: Cross App Access and AI agents.

use serde_json::Value;

use super::{Client, ResourceConnection};
use crate::grant_type::GrantType;

impl Client {
    /// Creates an AI agent: it signs users in, signs assertions with a private key, and exchanges tokens for those of
    /// its connections. `jwk` is the public key.
    ///
    /// The grants and the access tokens of an agent name it in the claim `act`.
    ///
    /// ```
    /// use okta_auth_dev::{Client, ClientKey, ResourceConnection};
    ///
    /// let key = ClientKey::generate()?;
    /// let agent = Client::agent("0oaagent", key.public_jwk())
    ///     .origin("http://localhost:3000")
    ///     .connection(ResourceConnection::to_server("orders").scope("orders:read"));
    /// assert!(agent.is_agent);
    /// # Ok::<(), okta_auth_dev::Error>(())
    /// ```
    pub fn agent(id: impl Into<String>, jwk: Value) -> Self {
        let client = Self::web(id, "").private_key_jwt(jwk).label("Dev Agent");
        let client = Self { is_agent: true, ..client };
        client.grant_type(GrantType::TokenExchange).grant_type(GrantType::JwtBearer)
    }

    /// Adds a resource connection, and the two grants that it needs: token exchange at the org's own server, and JWT
    /// bearer at a custom server.
    pub fn connection(mut self, connection: ResourceConnection) -> Self {
        self.connections.push(connection);
        self.grant_type(GrantType::TokenExchange).grant_type(GrantType::JwtBearer)
    }

    /// Accepts access tokens of another client as subject tokens of this agent, if they were issued for its
    /// [`resource`](Client::resource) (Okta's delegation link).
    pub fn delegated_by(mut self, client_id: impl Into<String>) -> Self {
        self.delegators.push(client_id.into());
        self
    }

    /// Sets the URL under which other clients call this agent: the required `aud` of access tokens that are delegated
    /// to it.
    pub fn resource(mut self, url: impl Into<String>) -> Self {
        self.resource_url = Some(url.into());
        self
    }
}
