//! Settings of an org before it starts.
//!
//! An [`OrgBuilder`] collects users, clients, authorization servers and limits. [`OrgBuilder::start`] checks the
//! settings and binds the port, so settings can be made in any order. Settings for all clients or servers (lifetimes,
//! rotation) are applied last.

mod assemble;
#[cfg(feature = "cli")]
mod file;
mod listener;
mod listener_settings;
mod multi_org;
mod options;
mod overrides;
mod servers;
mod variables;

use std::time::Duration;

use crate::client::{Client, Rotation, push_new};
use crate::org_options::OrgOptions;
use crate::server::AuthorizationServer;
use crate::user::User;
use listener_settings::ListenerSettings;
use overrides::Overrides;

/// Settings of an org before it starts. Everything has a default, so `OrgBuilder::default()` starts.
///
/// ```
/// # async fn example() -> Result<(), okta_auth_dev::Error> {
/// use okta_auth_dev::{Org, User};
/// use std::time::Duration;
///
/// let org = Org::builder()
///     .user(User::new("eve@example.test", "correct-horse-3").groups(["Everyone", "Auditors"]))
///     .access_token_lifetime(Duration::from_secs(300))
///     .start()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OrgBuilder {
    pub(crate) name: String,
    listener: ListenerSettings,
    /// Ada, Ben, and added users. Logins are unique.
    users: Vec<User>,
    /// Added clients. The web app, the public client and the service are created at startup if they are missing.
    clients: Vec<Client>,
    /// The org's own server and custom servers. Ids are unique.
    servers: Vec<AuthorizationServer>,
    overrides: Overrides,
    /// Requests per minute for each endpoint.
    rate_limit: Option<u32>,
    options: OrgOptions,
    /// Other orgs on the same listener, each with its subdomain.
    orgs: Vec<(String, OrgBuilder)>,
    /// Subdomains of [`OrgBuilder::customers`], whose orgs are created at startup.
    customers: Vec<String>,
}

impl Default for OrgBuilder {
    /// Two users, two servers, the three default clients, and a free port of 127.0.0.1.
    fn default() -> Self {
        Self {
            name: "Okta Dev".to_owned(),
            listener: ListenerSettings::default(),
            users: vec![User::ada(), User::ben()],
            clients: Vec::new(),
            servers: vec![AuthorizationServer::org(), AuthorizationServer::default_custom()],
            overrides: Overrides::default(),
            rate_limit: None,
            options: OrgOptions::default(),
            orgs: Vec::new(),
            customers: Vec::new(),
        }
    }
}

impl OrgBuilder {
    /// Sets the name on the sign-in page.
    ///
    /// ```
    /// use okta_auth_dev::OrgBuilder;
    ///
    /// let builder = OrgBuilder::default().name("Acme Corporation");
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds a user, or replaces the one with the same login.
    pub fn user(mut self, user: User) -> Self {
        self.users.retain(|known| known.login != user.login);
        self.users.push(user);
        self
    }

    /// Adds a user who exists in the settings to another group.
    ///
    /// Groups need no declaration: a group exists as soon as it has a member.
    ///
    /// ```
    /// use okta_auth_dev::{ADA, OrgBuilder};
    ///
    /// let builder = OrgBuilder::default().group("App_Auditors", ADA);
    /// ```
    pub fn group(mut self, group: impl Into<String>, login: &str) -> Self {
        let group = group.into();
        let members = self.users.iter_mut().filter(|user| user.login == login && !user.groups.contains(&group));
        members.for_each(|user| user.groups.push(group.clone()));
        self
    }

    /// Removes Ada, Ben, and all users added so far.
    ///
    /// For a sign-in page that lists only your own users.
    pub fn without_users(mut self) -> Self {
        self.users.clear();
        self
    }

    /// Adds a client. The first one replaces the default web app. The public client and the service stay, unless a
    /// client with the same id is added.
    ///
    /// ```
    /// use okta_auth_dev::{AuthMethod, Client, OrgBuilder};
    ///
    /// let builder = OrgBuilder::default().client(
    ///     Client::web("0oamyapp", "a-secret")
    ///         .auth_method(AuthMethod::ClientSecretPost)
    ///         .origin("http://localhost:3000"),
    /// );
    /// ```
    pub fn client(mut self, client: Client) -> Self {
        self.clients.retain(|known| known.client_id != client.client_id);
        self.clients.push(client);
        self
    }

    /// Registers sign-in and sign-out redirect URIs of an origin for the first client.
    ///
    /// The origin is scheme, host and port, without a path. The sign-in URI is `{origin}/authorization-code/callback`,
    /// Okta's convention for samples. The sign-out URIs are `{origin}/` and `{origin}`. The default public client has
    /// the same URIs and `{origin}/login/callback`, the convention for browser apps.
    pub fn redirect_origin(mut self, origin: &str) -> Self {
        self.with_first_client(|client| client.allow_origin(origin));
        self
    }

    /// Registers a sign-in redirect URI for the first client.
    ///
    /// The org compares redirect URIs character by character, as Okta does.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        let uri = uri.into();
        self.with_first_client(|client| push_new(&mut client.redirect_uris, uri));
        self
    }

    /// Registers a sign-out redirect URI for the first client.
    ///
    /// The comparison is exact: `http://localhost:8080/` and `http://localhost:8080` are different URIs.
    pub fn post_logout_redirect_uri(mut self, uri: impl Into<String>) -> Self {
        let uri = uri.into();
        self.with_first_client(|client| push_new(&mut client.post_logout_redirect_uris, uri));
        self
    }

    /// Replaces the secret of the first client.
    ///
    /// ```
    /// use okta_auth_dev::OrgBuilder;
    ///
    /// let builder = OrgBuilder::default().client_secret("shared-with-the-tests");
    /// ```
    pub fn client_secret(mut self, secret: impl Into<String>) -> Self {
        let secret = secret.into();
        self.with_first_client(|client| client.client_secret = Some(secret));
        self
    }

    /// Registers a sign-in redirect URI for the first client, and its origin for sign-out. A URI that does not parse has
    /// no origin, and neither has a private-use scheme.
    pub(crate) fn redirect_uri_and_home(mut self, uri: &str) -> Self {
        if let Some(origin) = url::Url::parse(uri).ok().map(|url| url.origin()).filter(url::Origin::is_tuple) {
            self.with_first_client(|client| client.allow_home(&origin.ascii_serialization()));
        }
        self.redirect_uri(uri)
    }

    /// Sets for every client whether refresh tokens rotate.
    ///
    /// By default web apps have static refresh tokens and the public client has rotating ones, as at Okta.
    pub fn rotation(mut self, rotation: Rotation) -> Self {
        self.overrides.rotation = Some(rotation);
        self
    }

    /// Sets for every client how long a rotated refresh token stays valid; 30 s by default.
    ///
    /// Okta allows 0 to 60 s. This grace period allows a client to retry a refresh whose response was lost.
    pub fn refresh_leeway(mut self, leeway: Duration) -> Self {
        self.overrides.leeway = Some(leeway);
        self
    }

    /// Limits the requests per minute for each endpoint; further requests get status 429. By default there is no limit.
    ///
    /// Keys and metadata are not limited, as at Okta. A window lasts one minute of the virtual clock and begins with
    /// its first request.
    pub fn rate_limit(mut self, per_minute: u32) -> Self {
        self.rate_limit = Some(per_minute);
        self
    }

    /// Adds another org on the same listener, at `http://{subdomain}.localhost:{port}`; [`Org::org`](crate::Org::org)
    /// finds it. The address, port and nested orgs of its settings are ignored.
    ///
    /// The orgs share only the listener: each has its own users, clients, keys, clock, faults and request log.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// use okta_auth_dev::OrgBuilder;
    ///
    /// let first = OrgBuilder::default().org("acme", OrgBuilder::default().name("Acme")).start().await?;
    /// let acme = first.org("acme").expect("it was added above");
    /// assert!(acme.issuer().starts_with("http://acme.localhost:"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Names under `localhost` are loopback by definition (RFC 6761 §6.3). Browsers resolve them locally; some system
    /// resolvers do not.
    pub fn org(mut self, subdomain: impl Into<String>, org: OrgBuilder) -> Self {
        self.orgs.push((subdomain.into(), org));
        self
    }

    /// Changes the first client, and creates the default one if there is none yet.
    fn with_first_client(&mut self, change: impl FnOnce(&mut Client)) {
        if self.clients.is_empty() {
            self.clients.push(Client::default_web());
        }
        if let Some(client) = self.clients.first_mut() {
            change(client);
        }
    }
}
