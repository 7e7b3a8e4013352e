//! Apps and users of a running org.
//!
//! Both can change while the org runs. Changes appear in the next tokens.

use super::handle::Org;
use crate::client::{CLIENT_ID, Client};
use crate::endpoint;
use crate::error::Error;
use crate::sync::lock;
use crate::user::User;

impl Org {
    /// Returns `OKTA_ISSUER_URI`, `OKTA_CLIENT_ID` and, if there is one, `OKTA_CLIENT_SECRET` for an app that uses the
    /// first client at the server `default`.
    ///
    /// Other variables of an app, for instance its own base URL, are not included because the org does not know them.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        self.state.variables(&self.client())
    }

    /// Returns the connection settings as JSON: URL, issuers, variables, clients with their secrets, and users with
    /// their passwords. The test API serves it at `GET /dev`.
    pub fn description(&self) -> serde_json::Value {
        self.state.description()
    }

    /// Returns the first client: the default web app, or the first configured client.
    ///
    /// The value is a copy; [`Org::put_client`] changes the org.
    pub fn client(&self) -> Client {
        self.state.first_client().unwrap_or_else(|| Client::public(CLIENT_ID))
    }

    /// Returns all clients. [`crate::PUBLIC_CLIENT_ID`] and [`crate::SERVICE_CLIENT_ID`] are always included.
    pub fn clients(&self) -> Vec<Client> {
        lock(&self.state.clients).clone()
    }

    /// Returns the client with this id.
    pub fn client_with_id(&self, id: &str) -> Option<Client> {
        self.state.client(id)
    }

    /// Adds a client to the running org, or replaces the one with the same id at its position.
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
        self.state.put_client(client);
    }

    /// Registers the URIs of [`Client::origin`] for the first client, for an app whose port is known only after it
    /// started: `{origin}/authorization-code/callback` for sign-in, `{origin}/` and `{origin}` for sign-out.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::start().await?;
    /// org.allow_redirect("http://127.0.0.1:45678");
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_redirect(&self, origin: &str) {
        if let Some(client) = lock(&self.state.clients).first_mut() {
            client.allow_origin(origin);
        }
    }

    /// Returns all users.
    pub fn users(&self) -> Vec<User> {
        lock(&self.state.users).clone()
    }

    /// Returns the user with this login.
    pub fn user(&self, login: &str) -> Option<User> {
        self.state.user(login)
    }

    /// Adds a user, or replaces the one with the same login. Changed groups appear in the next tokens.
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
        self.state.put_user(user);
    }

    /// Deletes a user, like deactivating an account: sessions end, and refresh tokens become invalid.
    ///
    /// Access tokens that are verified locally stay valid until they expire, as at Okta; userinfo and introspection
    /// reject them.
    pub fn remove_user(&self, login: &str) {
        self.state.remove_user(login);
        self.state.end_sessions(login);
    }

    /// Unassigns an app from a user: sign-in fails, and the tokens of the app for this user are revoked.
    ///
    /// A sign-in ends at the app with `access_denied`, a refresh with `invalid_grant`. Introspection reports access
    /// tokens as inactive; the Okta session continues.
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
        self.state.unassign(login, client_id);
    }

    /// Assigns an app again after [`Org::unassign`]. Revoked tokens stay revoked.
    pub fn assign(&self, login: &str, client_id: &str) {
        self.state.assign(login, client_id);
    }

    /// Connects a device (RFC 8628) without a browser, as if this user had agreed on the activation page.
    ///
    /// # Errors
    ///
    /// If no device waits with this user code, if the user does not exist, or if a policy denies the request.
    ///
    /// ```
    /// # async fn example(user_code: &str) -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::start().await?;
    /// // ... a command-line program prints the code ...
    /// org.connect_device(user_code, okta_auth_dev::ADA)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect_device(&self, user_code: &str, login: &str) -> Result<(), Error> {
        let user = self.user(login).ok_or_else(|| Error::browser(format_args!("there is no user `{login}`")))?;
        self.decide_device(user_code, Some(&user))
    }

    /// Refuses to connect a device, as if a user had done so on the activation page.
    ///
    /// # Errors
    ///
    /// If no device waits with this user code.
    pub fn refuse_device(&self, user_code: &str) -> Result<(), Error> {
        self.decide_device(user_code, None)
    }

    fn decide_device(&self, user_code: &str, user: Option<&User>) -> Result<(), Error> {
        endpoint::decide_device(&self.state, user_code, user)
            .map_err(|error| Error::browser(format_args!("{user_code}: {}", error.description)))
    }

    /// Ends all Okta sessions of a user and revokes their tokens.
    ///
    /// This corresponds to *Clear sessions* and *Revoke tokens* of an administrator: the browser has to sign in again,
    /// refresh tokens are invalid, and introspection reports access tokens as inactive.
    pub fn end_sessions(&self, login: &str) {
        self.state.end_sessions(login);
    }
}
