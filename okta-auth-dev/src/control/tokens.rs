//! Minting, over HTTP: tokens without a request, good or bad.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{body, created, invalid};
use crate::journal::Recorded;
use crate::keys::Algorithm;
use crate::minter::Minter;
use crate::reply::Reply;
use crate::tenant::Tenant;

/// What to make.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[serde(default)]
    kind: Kind,
    /// `default` if it is left out; `org` for the org's own server.
    server: Option<String>,
    /// The first client if it is left out.
    client: Option<String>,
    /// The person, for ID tokens and access tokens; the first one if it is left out.
    login: Option<String>,
    /// Of an ID token.
    nonce: Option<String>,
    /// Of an access token.
    #[serde(default)]
    scopes: Vec<String>,
    /// Claims to change; null removes one.
    #[serde(default)]
    claims: Map<String, Value>,
    /// Members of the JOSE header to change; null removes one.
    #[serde(default)]
    header: Map<String, Value>,
    #[serde(default)]
    signature: Signature,
    /// Signs with this algorithm and a key made for it.
    algorithm: Option<String>,
    /// Signs with HS256 and this text.
    secret: Option<String>,
}

/// What the token starts from.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    IdToken,
    #[default]
    AccessToken,
    ServiceToken,
    Empty,
}

/// What becomes of the signature.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Signature {
    #[default]
    Good,
    /// Damaged.
    Bad,
    /// `alg` is `none`.
    None,
    /// With a key that is announced and does not sign yet.
    NextKey,
    /// With a key that is never published.
    UnpublishedKey,
    /// With a key that is published for encryption.
    EncryptionKey,
}

/// Answers `POST /dev/tokens`.
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
