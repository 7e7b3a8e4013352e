//! Settings of an org before it starts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::client::{Client, PUBLIC_CLIENT_ID, SERVICE_CLIENT_ID};
use crate::clock::Clock;
use crate::config;
use crate::error::Error;
use crate::fault::Board;
use crate::journal::Journal;
use crate::org::Org;
use crate::random;
use crate::rate_limit::RateLimiter;
use crate::serve::Host;
use crate::server::{AuthorizationServer, GroupsClaim};
use crate::store::Store;
use crate::tenant::{Server, Tenant};
use crate::user::User;

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
    host: IpAddr,
    port: u16,
    users: Vec<User>,
    clients: Vec<Client>,
    servers: Vec<AuthorizationServer>,
    changes: Changes,
    rate_limit: Option<u32>,
    orgs: Vec<(String, OrgBuilder)>,
}

/// What applies to every custom server, whenever it was added.
#[derive(Clone, Debug, Default)]
struct Changes {
    access_token_lifetime: Option<Duration>,
    id_token_lifetime: Option<Duration>,
    refresh_token_idle: Option<Duration>,
    code_lifetime: Option<Duration>,
    thin_id_token: Option<bool>,
    rotation: Option<crate::Rotation>,
    leeway: Option<Duration>,
}

impl Default for OrgBuilder {
    fn default() -> Self {
        Self {
            name: "Okta Dev".to_owned(),
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            users: vec![User::ada(), User::ben()],
            clients: Vec::new(),
            servers: vec![AuthorizationServer::org(), AuthorizationServer::default_custom()],
            changes: Changes::default(),
            rate_limit: None,
            orgs: Vec::new(),
        }
    }
}

impl OrgBuilder {
    /// The name on the sign-in page.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The port; 0, the default, for a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The address, 127.0.0.1 by default. [`OrgBuilder::start`] refuses one that is not loopback.
    pub fn host(mut self, host: IpAddr) -> Self {
        self.host = host;
        self
    }

    /// Adds a person, or replaces the one with the same login.
    pub fn user(mut self, user: User) -> Self {
        self.users.retain(|known| known.login != user.login);
        self.users.push(user);
        self
    }

    /// Puts a person who was added (or is there by default) in one more group.
    pub fn group(mut self, group: impl Into<String>, login: &str) -> Self {
        let group = group.into();
        let members = self.users.iter_mut().filter(|user| user.login == login && !user.groups.contains(&group));
        members.for_each(|user| user.groups.push(group.clone()));
        self
    }

    /// Removes Ada, Ben, and everybody else who was added before.
    pub fn without_users(mut self) -> Self {
        self.users.clear();
        self
    }

    /// Adds a client. The first one takes the place of the default web app; the public client and the service client
    /// stay, unless one with the same id is added.
    pub fn client(mut self, client: Client) -> Self {
        self.clients.retain(|known| known.client_id != client.client_id);
        self.clients.push(client);
        self
    }

    /// Registers sign-in and sign-out redirect URIs of an origin for the first client.
    pub fn redirect_origin(mut self, origin: &str) -> Self {
        self.with_first_client(|client| client.allow_origin(origin));
        self
    }

    /// Registers a sign-in redirect URI for the first client.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        let uri = uri.into();
        self.with_first_client(|client| client.redirect_uris.push(uri));
        self
    }

    /// Registers a sign-out redirect URI for the first client.
    pub fn post_logout_redirect_uri(mut self, uri: impl Into<String>) -> Self {
        let uri = uri.into();
        self.with_first_client(|client| client.post_logout_redirect_uris.push(uri));
        self
    }

    /// Adds a custom authorization server, or replaces the one with the same id (`default`, for instance).
    pub fn authorization_server(mut self, server: AuthorizationServer) -> Self {
        self.servers.retain(|known| known.id != server.id);
        self.servers.push(server);
        self
    }

    /// Replaces the groups claim of this name at a server that exists; [`crate::ORG_SERVER`] for the org's own.
    pub fn groups_claim(mut self, server: &str, claim: GroupsClaim) -> Self {
        self.servers = self.servers.into_iter().map(|known| {
            if known.id == server { known.groups_claim(claim.clone()) } else { known }
        }).collect();
        self
    }

    /// How long access tokens of custom servers are valid; 1 hour by default.
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.changes.access_token_lifetime = Some(lifetime);
        self
    }

    /// How long ID tokens are valid; 1 hour by default.
    pub fn id_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.changes.id_token_lifetime = Some(lifetime);
        self
    }

    /// How long a refresh token may lie unused; 7 days by default.
    pub fn refresh_token_idle(mut self, idle: Duration) -> Self {
        self.changes.refresh_token_idle = Some(idle);
        self
    }

    /// How long an authorization code is valid; 300 s by default.
    pub fn code_lifetime(mut self, lifetime: Duration) -> Self {
        self.changes.code_lifetime = Some(lifetime);
        self
    }

    /// Whether ID tokens of custom servers are thin (`email`, `name` and `preferred_username` only, the rest at
    /// userinfo). They are not by default; those of the org's own server always are.
    pub fn thin_id_token(mut self, thin: bool) -> Self {
        self.changes.thin_id_token = Some(thin);
        self
    }

    /// What becomes of a used refresh token, for every client.
    pub fn rotation(mut self, rotation: crate::Rotation) -> Self {
        self.changes.rotation = Some(rotation);
        self
    }

    /// How long a rotated refresh token works on, for every client; 30 s by default.
    pub fn refresh_leeway(mut self, leeway: Duration) -> Self {
        self.changes.leeway = Some(leeway);
        self
    }

    /// Requests a minute for each endpoint; beyond that the answer is 429. Off by default.
    pub fn rate_limit(mut self, per_minute: u32) -> Self {
        self.rate_limit = Some(per_minute);
        self
    }

    /// Adds another org on the same listener, at `http://{subdomain}.localhost:{port}`; [`Org::org`] finds it. Its own
    /// address, port and orgs are ignored.
    pub fn org(mut self, subdomain: impl Into<String>, org: OrgBuilder) -> Self {
        self.orgs.push((subdomain.into(), org));
        self
    }

    /// Reads the settings from TOML; [`crate::config`] describes the format.
    ///
    /// # Errors
    ///
    /// With the line, if the text is no TOML or has a key that does not exist.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        config::parse(text)
    }

    /// Reads the settings from a TOML file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or as [`OrgBuilder::from_toml`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::config(format_args!("cannot read {}", path.display())).because(error))?;
        Self::from_toml(&text)
    }

    /// Starts the org.
    ///
    /// # Errors
    ///
    /// If a setting is wrong, the address is not loopback, or the port is taken.
    #[allow(clippy::unused_async, reason = "starting may have to wait in a later version")]
    pub async fn start(self) -> Result<Org, Error> {
        let listener = Host::bind(self.host, self.port)?;
        let address =
            listener.local_addr().map_err(|error| Error::bind("the listener has no address").because(error))?;
        let mut tenants = vec![Arc::new(self.clone().tenant(None, address)?)];
        for (subdomain, org) in self.orgs {
            tenants.push(Arc::new(org.tenant(Some(subdomain), address)?));
        }
        let host = Arc::new(Host::start(listener, tenants)?);
        Org::first(host).ok_or_else(|| Error::config("there is no org to start"))
    }

    /// Changes the first client, which is made now if there is none yet.
    fn with_first_client(&mut self, change: impl FnOnce(&mut Client)) {
        if self.clients.is_empty() {
            self.clients.push(Client::default_web(random::token()));
        }
        if let Some(client) = self.clients.first_mut() {
            change(client);
        }
    }

    fn tenant(mut self, subdomain: Option<String>, address: SocketAddr) -> Result<Tenant, Error> {
        let url = match &subdomain {
            Some(name) => format!("http://{}.localhost:{}", check_subdomain(name)?, address.port()),
            None => format!("http://{address}"),
        };
        self.with_first_client(|_| ());
        self.complete();
        self.servers.iter().try_for_each(AuthorizationServer::check)?;
        let clock = Clock::default();
        Ok(Tenant {
            // Derived from the name of the org, so that it is the same in every run.
            id: User::new(subdomain.as_deref().unwrap_or("okta-dev"), "").id.replacen("00u", "00o", 1),
            name: self.name,
            subdomain,
            url,
            clock,
            board: Board::default(),
            journal: Journal::default(),
            clients: Mutex::new(self.clients),
            users: Mutex::new(self.users),
            servers: self.servers.into_iter().map(Server::new).collect(),
            store: Mutex::new(Store::default()),
            limiter: RateLimiter::new(self.rate_limit),
        })
    }

    /// Adds the clients that are always there, and applies what applies to everything.
    fn complete(&mut self) {
        let service = Client::service(SERVICE_CLIENT_ID, random::token());
        let web = self.clients.first().cloned();
        let mut public = Client::public(PUBLIC_CLIENT_ID);
        if let Some(web) = web {
            public.redirect_uris = web.redirect_uris;
            public.post_logout_redirect_uris = web.post_logout_redirect_uris;
        }
        for client in [public, service] {
            if !self.clients.iter().any(|known| known.client_id == client.client_id) {
                self.clients.push(client);
            }
        }
        let changes = self.changes.clone();
        self.clients.iter_mut().for_each(|client| changes.apply_to_client(client));
        self.servers.iter_mut().for_each(|server| changes.apply_to_server(server));
    }
}

impl Changes {
    fn apply_to_client(&self, client: &mut Client) {
        client.rotation = self.rotation.unwrap_or(client.rotation);
        client.rotation_leeway = self.leeway.unwrap_or(client.rotation_leeway);
    }

    fn apply_to_server(&self, server: &mut AuthorizationServer) {
        server.id_token_lifetime = self.id_token_lifetime.unwrap_or(server.id_token_lifetime);
        server.refresh_token_idle = self.refresh_token_idle.unwrap_or(server.refresh_token_idle);
        server.code_lifetime = self.code_lifetime.unwrap_or(server.code_lifetime);
        if !server.is_org() {
            server.access_token_lifetime = self.access_token_lifetime.unwrap_or(server.access_token_lifetime);
            server.thin_id_token = self.thin_id_token.unwrap_or(server.thin_id_token);
        }
    }
}

/// A label of a host name.
fn check_subdomain(name: &str) -> Result<&str, Error> {
    let good = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    good.then_some(name).ok_or_else(|| {
        Error::config(format_args!("`{name}` is no subdomain: use lower-case letters, digits and `-`"))
    })
}
