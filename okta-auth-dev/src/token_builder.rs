//! Tokens created without a request.
//!
//! For tests of an API, which never takes part in a sign-in, and for tests that no [`crate::Fault`] covers.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::Error;
use crate::grant_type::GrantType;
use crate::keys::{Algorithm, Special};
use crate::org_state::{OrgState, Server};
use crate::server::ORG_SERVER;
use crate::store::{Delegation, Grant};
use crate::token::{Changes, Draft, IdJag, Issuing};
use crate::user::User;

/// Creates a token with the keys of an org.
///
/// It starts from an ID token, an access token or no claims, applies the changes, and signs. It validates nothing,
/// because rejecting invalid tokens is the job of the app under test.
///
/// ```
/// # async fn example() -> Result<(), okta_auth_dev::Error> {
/// let org = okta_auth_dev::Org::start().await?;
/// let token = org.token().access_token(okta_auth_dev::ADA, ["openid"]).claim("aud", "api://other").sign();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it signs"]
pub struct TokenBuilder {
    org: Arc<OrgState>,
    server: String,
    /// `aud` of an ID token, `cid` of an access token.
    client_id: String,
    base: Base,
    /// Applied last.
    changes: Changes,
    key: Key,
    damaged: bool,
}

#[derive(Clone, Debug)]
enum Base {
    Nothing,
    /// As after a sign-in with the scopes `openid profile email`.
    IdToken {
        login: String,
        nonce: Option<String>,
    },
    /// As after a sign-in with these scopes.
    AccessToken {
        login: String,
        scopes: Vec<String>,
    },
    /// As with `client_credentials`.
    ServiceToken {
        scopes: Vec<String>,
    },
    /// As after the exchange of an ID-JAG of an agent.
    AgentToken {
        login: String,
        agent: String,
        scopes: Vec<String>,
    },
    /// As after a token exchange at the org's own server.
    IdJag {
        login: String,
        audience: String,
        scopes: Vec<String>,
    },
}

#[derive(Clone, Debug)]
enum Key {
    /// The key that the server would use.
    Default,
    /// The key that signs the access tokens of the org's own server.
    Unpublished,
    /// The key that signs after the next rotation. It is published, so its signatures are valid.
    Next,
    /// A key generated for this purpose, and published.
    Special(Special, Algorithm),
    Secret(Vec<u8>),
    None,
}

impl TokenBuilder {
    /// Starts with the server `default` and the first client.
    pub(crate) fn new(org: Arc<OrgState>) -> Self {
        let client_id = org.first_client().map(|client| client.client_id).unwrap_or_default();
        Self {
            org,
            server: "default".to_owned(),
            client_id,
            base: Base::Nothing,
            changes: Changes::default(),
            key: Key::Default,
            damaged: false,
        }
    }

    /// Sets the authorization server, `default` by default; [`crate::ORG_SERVER`] is the org's own.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// use okta_auth_dev::{ADA, ORG_SERVER, Org};
    ///
    /// let org = Org::start().await?;
    /// // Only the org can verify this token.
    /// let opaque = org.token().server(ORG_SERVER).access_token(ADA, ["openid"]).sign();
    /// # Ok(())
    /// # }
    /// ```
    pub fn server(mut self, id: impl Into<String>) -> Self {
        self.server = id.into();
        self
    }

    /// Sets the client, by default the first one.
    pub fn client(mut self, id: impl Into<String>) -> Self {
        self.client_id = id.into();
        self
    }

    /// Starts from an ID token with the scopes `openid profile email`, for a user who has just signed in.
    ///
    /// `None` omits the nonce. The token has no `at_hash`, because there is no access token.
    pub fn id_token<'a>(mut self, username: &str, nonce: impl Into<Option<&'a str>>) -> Self {
        self.base = Base::IdToken { login: username.to_owned(), nonce: nonce.into().map(str::to_owned) };
        self
    }

    /// Starts from an access token of a user.
    ///
    /// The scopes need not exist at the server.
    pub fn access_token<S: AsRef<str>>(mut self, username: &str, scopes: impl IntoIterator<Item = S>) -> Self {
        self.base = Base::AccessToken { login: username.to_owned(), scopes: owned(scopes) };
        self
    }

    /// Starts from an access token of the client itself (`client_credentials`).
    ///
    /// `sub` and `cid` are the client, and there is no `uid`, so an API can distinguish services from users.
    pub fn service_token<S: AsRef<str>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.base = Base::ServiceToken { scopes: owned(scopes) };
        self
    }

    /// Starts from an access token of a user in the hands of an AI agent, as a custom server issues it for an ID-JAG:
    /// `act` names the agent, `scope` is a string, and there is no `cid` and no `uid`.
    pub fn agent_token<S: AsRef<str>>(
        mut self,
        username: &str,
        agent: &str,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.base = Base::AgentToken { login: username.to_owned(), agent: agent.to_owned(), scopes: owned(scopes) };
        self
    }

    /// Starts from an ID-JAG of the org for the authorization server with this issuer (Cross App Access). The client is
    /// the one that the server must authenticate, see [`TokenBuilder::client`].
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::start().await?;
    /// let token = org.token().client("agent-at-chat");
    /// let grant = token.id_jag(okta_auth_dev::ADA, "https://auth.chat.example/", ["chat.read"]).sign();
    /// # Ok(())
    /// # }
    /// ```
    pub fn id_jag<S: AsRef<str>>(
        mut self,
        username: &str,
        audience: &str,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.server = ORG_SERVER.to_owned();
        self.base = Base::IdJag { login: username.to_owned(), audience: audience.to_owned(), scopes: owned(scopes) };
        self
    }

    /// Sets a claim.
    ///
    /// A later value for the same name wins. `null` removes the claim, like [`TokenBuilder::remove`].
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.changes.claim(name, value);
        self
    }

    /// Removes a claim.
    pub fn remove(self, name: impl Into<String>) -> Self {
        self.claim(name, Value::Null)
    }

    /// Sets a member of the JOSE header, or removes it if the value is null.
    ///
    /// The signature is not adapted: with `.header("alg", "ES256")` the header says ES256, but the token is signed with
    /// the same key and algorithm as before.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.changes.header(name, value);
        self
    }

    /// Signs with this algorithm and a key that is published from now on.
    ///
    /// RSA algorithms reuse the active key with another `kid`; other algorithms get their own key, generated on demand.
    pub fn alg(mut self, algorithm: Algorithm) -> Self {
        self.key = match algorithm {
            Algorithm::Rs256 => Key::Default,
            other => Key::Special(Special::Signs(other), other),
        };
        self
    }

    /// Signs with the key that is published but does not sign yet.
    pub fn signed_by_next(mut self) -> Self {
        self.key = Key::Next;
        self
    }

    /// Signs with a key that is never published.
    ///
    /// A verifier finds an unknown `kid`, fetches the keys again, and still does not find it.
    pub fn signed_by_unpublished(mut self) -> Self {
        self.key = Key::Unpublished;
        self
    }

    /// Signs with a key that is published with `use=enc`.
    pub fn signed_by_encryption_key(mut self) -> Self {
        self.key = Key::Special(Special::Encrypts, Algorithm::Rs256);
        self
    }

    /// Signs with HS256 and these bytes; the `kid` is that of the active key.
    ///
    /// With `org.public_key_pem()` as the secret this is the classic algorithm confusion attack.
    pub fn signed_by_secret(mut self, secret: impl Into<Vec<u8>>) -> Self {
        self.key = Key::Secret(secret.into());
        self
    }

    /// Sets `alg` to `none` and leaves the signature empty.
    pub fn unsigned(mut self) -> Self {
        self.key = Key::None;
        self
    }

    /// XORs every byte of the signature with `0x5A`.
    pub fn bad_signature(mut self) -> Self {
        self.damaged = true;
        self
    }

    /// Returns the token; empty if the server does not exist or the machine cannot generate keys.
    pub fn sign(self) -> String {
        self.try_sign().unwrap_or_default()
    }

    fn try_sign(self) -> Result<String, Error> {
        let mut draft = self.draft()?;
        self.choose_key(&mut draft)?;
        self.changes.apply(&mut draft);
        draft.damaged = self.damaged;
        draft.finish()
    }

    /// The token before the changes.
    fn draft(&self) -> Result<Draft, Error> {
        let org = &*self.org;
        let server = org.server(&self.server);
        let server = server.ok_or_else(|| Error::config(format_args!("unknown server `{}`", self.server)))?;
        let (login, scopes, nonce) = match &self.base {
            Base::Nothing => return Ok(Draft::new(server.ring.active()?, serde_json::Map::new())),
            Base::IdToken { login, nonce } => {
                (Some(login.clone()), owned(["openid", "profile", "email"]), nonce.clone())
            }
            Base::AccessToken { login, scopes } => (Some(login.clone()), scopes.clone(), None),
            Base::ServiceToken { scopes } => (None, scopes.clone(), None),
            Base::AgentToken { login, scopes, .. } => (Some(login.clone()), scopes.clone(), None),
            Base::IdJag { login, audience, scopes } => return self.id_jag_draft(server, login, audience, scopes),
        };
        let user = login.as_deref().and_then(|login| org.user(login));
        let grant_type = if login.is_some() { GrantType::AuthorizationCode } else { GrantType::ClientCredentials };
        let delegation = match (&self.base, &user) {
            (Base::AgentToken { agent, .. }, Some(user)) => Some(Box::new(Delegation {
                subject: user.id.clone(),
                act: Some(json!({"sub": agent, "sub_profile": "ai_agent"})),
                sub_profile: None,
            })),
            _ => None,
        };
        let grant = Grant {
            login,
            nonce,
            amr: user.map_or_else(|| owned(["pwd"]), |user| user.amr),
            delegation,
            ..Grant::new(&self.server, &self.client_id, grant_type, scopes, org.clock.seconds())
        };
        let issuing = Issuing { org, server, grant: &grant };
        match self.base {
            Base::IdToken { .. } => issuing.id_token_draft(None),
            _ => issuing.access_token_draft(),
        }
    }

    fn id_jag_draft(&self, server: &Server, login: &str, audience: &str, scopes: &[String]) -> Result<Draft, Error> {
        let user = self.org.user(login).unwrap_or_else(|| User::new(login, ""));
        let delegation = Delegation { subject: user.id, act: None, sub_profile: None };
        let grant = IdJag {
            org: &self.org,
            server,
            delegation,
            audience: audience.to_owned(),
            client_id: self.client_id.clone(),
            scopes: scopes.to_vec(),
            resource: None,
            email: None,
        };
        grant.draft()
    }

    /// Selects the key, and adapts the header to it.
    fn choose_key(&self, draft: &mut Draft) -> Result<(), Error> {
        let Some(server) = self.org.server(&self.server) else { return Ok(()) };
        match &self.key {
            Key::Default => {}
            Key::Unpublished => draft.sign_with(server.ring.unpublished()?, Algorithm::Rs256),
            Key::Next => draft.sign_with(server.ring.next()?, Algorithm::Rs256),
            Key::Special(special, algorithm) => draft.sign_with(server.ring.special(*special)?, *algorithm),
            Key::Secret(secret) => draft.sign_with_secret(secret.clone()),
            Key::None => draft.unsigned(),
        }
        Ok(())
    }
}

fn owned<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> Vec<String> {
    words.into_iter().map(|word| word.as_ref().to_owned()).collect()
}
