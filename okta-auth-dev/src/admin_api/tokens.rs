//! Token creation in the test API: tokens without a request, valid or invalid.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::json::{body, created, invalid};
use crate::keys::Algorithm;
use crate::org_state::OrgState;
use crate::reply::Reply;
use crate::request_log::Recorded;
use crate::token_builder::TokenBuilder;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[serde(default)]
    kind: Kind,
    /// The authorization server: `default` if it is missing, `org` for the org's own.
    server: Option<String>,
    /// The first client by default.
    client: Option<String>,
    /// The user of ID tokens and access tokens; the first user by default.
    login: Option<String>,
    /// For an ID token.
    nonce: Option<String>,
    /// The acting agent, for an agent token.
    agent: Option<String>,
    /// The issuer of the resource's authorization server, for an ID-JAG.
    audience: Option<String>,
    /// For an access token or an ID-JAG.
    #[serde(default)]
    scopes: Vec<String>,
    /// Claims to change; null removes a claim.
    #[serde(default)]
    claims: Map<String, Value>,
    /// Members of the JOSE header to change; null removes a member.
    #[serde(default)]
    header: Map<String, Value>,
    #[serde(default)]
    signature: Signature,
    /// Signs with this algorithm and a key generated for it.
    algorithm: Option<String>,
    /// Signs with HS256 and this secret.
    secret: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    IdToken,
    #[default]
    AccessToken,
    ServiceToken,
    AgentToken,
    IdJag,
    Empty,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Signature {
    #[default]
    Good,
    Bad,
    None,
    /// Signed with a key that is published but not yet used for signing.
    NextKey,
    /// Signed with a key that is never published.
    UnpublishedKey,
    /// Signed with a key that is published for encryption.
    EncryptionKey,
}

pub(super) fn create(org: &Arc<OrgState>, request: &Recorded) -> Result<Reply, Reply> {
    let order: Order = body(request)?;
    let builder = order.builder(org)?;
    let token = builder.sign();
    if token.is_empty() {
        return Err(invalid("server"));
    }
    Ok(created(&json!({"token": token})))
}

impl Order {
    fn builder(self, org: &Arc<OrgState>) -> Result<TokenBuilder, Reply> {
        let login = match self.login {
            Some(login) => org.user(&login).ok_or_else(|| invalid("login"))?.login,
            None => crate::sync::lock(&org.users).first().map(|user| user.login.clone()).unwrap_or_default(),
        };
        let builder = TokenBuilder::new(Arc::clone(org));
        let builder = self.server.into_iter().fold(builder, TokenBuilder::server);
        let builder = self.client.into_iter().fold(builder, TokenBuilder::client);
        let builder = match self.kind {
            Kind::IdToken => builder.id_token(&login, self.nonce.as_deref()),
            Kind::AccessToken => builder.access_token(&login, &self.scopes),
            Kind::ServiceToken => builder.service_token(&self.scopes),
            Kind::AgentToken => {
                let agent = self.agent.ok_or_else(|| invalid("agent"))?;
                builder.agent_token(&login, &agent, &self.scopes)
            }
            Kind::IdJag => {
                let audience = self.audience.ok_or_else(|| invalid("audience"))?;
                builder.id_jag(&login, &audience, &self.scopes)
            }
            Kind::Empty => builder,
        };
        let builder = match self.signature {
            Signature::Good => builder,
            Signature::Bad => builder.bad_signature(),
            Signature::None => builder.unsigned(),
            Signature::NextKey => builder.signed_by_next(),
            Signature::UnpublishedKey => builder.signed_by_unpublished(),
            Signature::EncryptionKey => builder.signed_by_encryption_key(),
        };
        let builder = match self.algorithm {
            Some(name) => builder.alg(Algorithm::named(&name).ok_or_else(|| invalid("algorithm"))?),
            None => builder,
        };
        let builder = self.secret.into_iter().fold(builder, TokenBuilder::signed_by_secret);
        let builder = self.claims.into_iter().fold(builder, |builder, (name, value)| builder.claim(name, value));
        Ok(self.header.into_iter().fold(builder, |builder, (name, value)| builder.header(name, value)))
    }
}
