//! Resource connections: what a client may request at other apps.

use serde::{Deserialize, Serialize};

/// What a client may request at the authorization server of another app (Okta's *resource connection*): which scopes,
/// for which resources, and under which client id.
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
    /// The issuer of the resource's authorization server, or the id of a custom server of this org.
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
