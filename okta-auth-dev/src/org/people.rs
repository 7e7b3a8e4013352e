//! Who is in a running org: the apps, and the people.
//!
//! Both can be changed while the org runs. What is changed shows in the next tokens.

use super::Org;
use crate::client::Client;
use crate::sync::lock;
use crate::user::User;

impl Org {
    /// `OKTA_ISSUER_URI`, `OKTA_CLIENT_ID` and `OKTA_CLIENT_SECRET` (if there is one)
    /// for an app that signs in as the first client at the server `default`.
    ///
    /// An app that reads more variables (its own address, for instance) has to be told
    /// separately: the org does not know them.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        self.tenant.variables(&self.client())
    }

    /// How to connect to the org, as JSON: URL, issuers, variables, clients with their
    /// secrets, and people with their passwords. The test API answers it at `GET /dev`.
    pub fn description(&self) -> serde_json::Value {
        self.tenant.description()
    }

    /// The first client: the default web app, or the first that was configured.
    ///
    /// The value is a copy; [`Org::put_client`] changes the org.
    pub fn client(&self) -> Client {
        self.tenant.first_client().unwrap_or_else(|| Client::public(crate::CLIENT_ID))
    }

    /// All clients. [`crate::PUBLIC_CLIENT_ID`] and [`crate::SERVICE_CLIENT_ID`] are
    /// always among them.
    pub fn clients(&self) -> Vec<Client> {
        lock(&self.tenant.clients).clone()
    }

    /// The client with this id.
    pub fn client_with_id(&self, id: &str) -> Option<Client> {
        self.tenant.client(id)
    }

    /// Adds a client to the running org, or replaces the one with the same id where it
    /// is.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// use okta_auth_dev::{Org, Rotation};
    ///
    /// let org = Org::start().await?;
    /// org.put_client(org.client().rotation(Rotation::Rotate));
    /// # Ok(())
    /// # }
    /// ```
    pub fn put_client(&self, client: Client) {
        self.tenant.put_client(client);
    }

    /// Registers `{origin}/authorization-code/callback` for sign-in and `{origin}/` for
    /// sign-out, for the first client: for an app whose port is known only once it
    /// runs.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::start().await?;
    /// org.allow_redirect("http://127.0.0.1:45678");
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_redirect(&self, origin: &str) {
        if let Some(client) = lock(&self.tenant.clients).first_mut() {
            client.allow_origin(origin);
        }
    }

    /// Every user who can sign in.
    pub fn users(&self) -> Vec<User> {
        lock(&self.tenant.users).clone()
    }

    /// The person with this login.
    pub fn user(&self, login: &str) -> Option<User> {
        self.tenant.user(login)
    }

    /// Adds a person, or replaces the one with the same login: changed groups appear in
    /// the next tokens.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// use okta_auth_dev::{Org, User};
    ///
    /// let org = Org::start().await?;
    /// // Ada is no longer an administrator: the next refresh shows it.
    /// org.put_user(User::ada().groups(["Everyone"]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn put_user(&self, user: User) {
        self.tenant.put_user(user);
    }

    /// Removes a person, as deactivating an account does: sessions end, refresh tokens
    /// die.
    ///
    /// Access tokens that are checked locally stay good until they expire, as at Okta;
    /// userinfo and introspection know better.
    pub fn remove_user(&self, login: &str) {
        self.tenant.remove_user(login);
        self.tenant.end_sessions(login);
    }

    /// Takes an app from a person: no sign-in any more, and what they allowed it is
    /// revoked.
    ///
    /// A sign-in ends at the app with `access_denied`, a refresh with `invalid_grant`.
    /// Access tokens are no longer active at introspection; the Okta session goes on.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// use okta_auth_dev::{ADA, Org};
    ///
    /// let org = Org::start().await?;
    /// org.unassign(ADA, &org.client().client_id);
    /// // ... the app's next refresh fails ...
    /// org.assign(ADA, &org.client().client_id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn unassign(&self, login: &str, client_id: &str) {
        self.tenant.unassign(login, client_id);
    }

    /// Gives an app back that [`Org::unassign`] took. What was revoked stays revoked.
    pub fn assign(&self, login: &str, client_id: &str) {
        self.tenant.assign(login, client_id);
    }

    /// Ends all Okta sessions of a person and revokes what they led to.
    ///
    /// What an administrator does with *Clear sessions* and *Revoke tokens*: the
    /// browser has to sign in again, refresh tokens are dead, and access tokens are no
    /// longer active at introspection.
    pub fn end_sessions(&self, login: &str) {
        self.tenant.end_sessions(login);
    }
}
