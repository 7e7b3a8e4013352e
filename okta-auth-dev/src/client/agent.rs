//! Clients that act for a user at another app: Cross App Access and AI agents.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Client;
use crate::grant_type::GrantType;

/// What a client may request at the authorization server of another app (Okta's *resource
/// connection*): which scopes, for which resources, and under which client id.
///
/// ```
/// use okta_auth_dev::{Client, ResourceConnection};
///
/// let chat = ResourceConnection::to_issuer("https://auth.chat.example/")
///     .client_id("agent-at-chat")
///     .resource("https://api.chat.example/")
///     .scope("chat.read");
/// let app = Client::web("0oaexample", "a-secret").connection(chat);
/// assert_eq!(app.connections.len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ResourceConnection {
    /// The issuer of the resource's authorization server, or the id of a custom server of
    /// this org.
    pub audience: String,
    /// The client id that the resource knows the client by; its own id by default.
    pub client_id: Option<String>,
    /// The resource URLs that the client may name, compared exactly.
    #[serde(default)]
    pub resources: Vec<String>,
    /// The scopes that the client may request; empty for all.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whether `sub` of the grant is the user's e-mail address instead of the Okta user id.
    #[serde(default)]
    pub email_subject: bool,
}

impl ResourceConnection {
    /// Connects to an authorization server outside of the org, by its issuer.
    pub fn to_issuer(issuer: impl Into<String>) -> Self {
        Self {
            audience: issuer.into(),
            client_id: None,
            resources: Vec::new(),
            scopes: Vec::new(),
            email_subject: false,
        }
    }

    /// Connects to a custom authorization server of the org, by its id.
    pub fn to_server(id: impl Into<String>) -> Self {
        Self::to_issuer(id)
    }

    /// Sets the client id that the resource knows the client by.
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.client_id = Some(id.into());
        self
    }

    /// Allows a resource URL.
    pub fn resource(mut self, url: impl Into<String>) -> Self {
        self.resources.push(url.into());
        self
    }

    /// Restricts the connection to the added scopes.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Sets whether `sub` of the grant is the user's e-mail address.
    pub fn email_subject(mut self, email: bool) -> Self {
        self.email_subject = email;
        self
    }

    /// The issuer, for an org at this URL.
    pub(crate) fn issuer(&self, url: &str) -> String {
        if self.audience.contains("://") { self.audience.clone() } else { format!("{url}/oauth2/{}", self.audience) }
    }
}

impl Client {
    /// Creates an AI agent: it signs users in, signs assertions with a private key, and
    /// exchanges tokens for those of its connections. `jwk` is the public key.
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

    /// Adds a resource connection, and the two grants that it needs: token exchange at the
    /// org's own server, and JWT bearer at a custom server.
    pub fn connection(mut self, connection: ResourceConnection) -> Self {
        self.connections.push(connection);
        self.grant_type(GrantType::TokenExchange).grant_type(GrantType::JwtBearer)
    }

    /// Accepts access tokens of another client as subject tokens of this agent, if they
    /// were issued for its [`resource`](Client::resource) (Okta's delegation link).
    pub fn delegated_by(mut self, client_id: impl Into<String>) -> Self {
        self.delegators.push(client_id.into());
        self
    }

    /// Sets the URL under which other clients call this agent: the required `aud` of access
    /// tokens that are delegated to it.
    pub fn resource(mut self, url: impl Into<String>) -> Self {
        self.resource_url = Some(url.into());
        self
    }
}
