//! Token creation in the test API: tokens without a request, valid or invalid.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{body, created, invalid};
use crate::journal::Recorded;
use crate::keys::Algorithm;
use crate::minter::Minter;
use crate::reply::Reply;
use crate::tenant::Tenant;

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
    /// For an access token.
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

pub(super) fn mint(tenant: &Arc<Tenant>, request: &Recorded) -> Result<Reply, Reply> {
    let order: Order = body(request)?;
    let minter = order.minter(tenant)?;
    let token = minter.sign();
    if token.is_empty() {
        return Err(invalid("server"));
    }
    Ok(created(&json!({"token": token})))
}

impl Order {
    fn minter(self, tenant: &Arc<Tenant>) -> Result<Minter, Reply> {
        let login = match self.login {
            Some(login) => tenant.user(&login).ok_or_else(|| invalid("login"))?.login,
            None => crate::sync::lock(&tenant.users).first().map(|user| user.login.clone()).unwrap_or_default(),
        };
        let minter = Minter::new(Arc::clone(tenant));
        let minter = self.server.into_iter().fold(minter, Minter::server);
        let minter = self.client.into_iter().fold(minter, Minter::client);
        let minter = match self.kind {
            Kind::IdToken => minter.id_token(&login, self.nonce.as_deref()),
            Kind::AccessToken => minter.access_token(&login, &self.scopes),
            Kind::ServiceToken => minter.service_token(&self.scopes),
            Kind::Empty => minter,
        };
        let minter = match self.signature {
            Signature::Good => minter,
            Signature::Bad => minter.bad_signature(),
            Signature::None => minter.unsigned(),
            Signature::NextKey => minter.signed_by_next(),
            Signature::UnpublishedKey => minter.signed_by_unpublished(),
            Signature::EncryptionKey => minter.signed_by_encryption_key(),
        };
        let minter = match self.algorithm {
            Some(name) => minter.alg(Algorithm::named(&name).ok_or_else(|| invalid("algorithm"))?),
            None => minter,
        };
        let minter = self.secret.into_iter().fold(minter, Minter::signed_by_secret);
        let minter = self.claims.into_iter().fold(minter, |minter, (name, value)| minter.claim(name, value));
        Ok(self.header.into_iter().fold(minter, |minter, (name, value)| minter.header(name, value)))
    }
}
