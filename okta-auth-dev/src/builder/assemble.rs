//! Turns settings into an org: adds the missing defaults, then applies the settings for
//! all clients and servers.
//!
//! The address must be known at this point, because the issuers contain it and the system
//! may have chosen the port. The settings for all clients and servers are applied last,
//! so the order in which servers and clients were added does not matter.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

use super::OrgBuilder;
use crate::client::{Client, PUBLIC_CLIENT_ID, Rotation, SERVICE_CLIENT_ID};
use crate::clock::Clock;
use crate::error::Error;
use crate::fault::Board;
use crate::journal::Journal;
use crate::outage::Switchboard;
use crate::random;
use crate::rate_limit::RateLimiter;
use crate::server::{AuthorizationServer, GroupsClaim};
use crate::store::Store;
use crate::tenant::{Server, Tenant};
use crate::user::User;

/// Settings for all clients and servers, independent of the order in which they were
/// added.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    /// Custom servers only: Okta fixes the lifetime at the org's own server.
    pub(super) access_token_lifetime: Option<Duration>,
    /// All servers. Okta fixes this lifetime; tests need tokens that expire soon.
    pub(super) id_token_lifetime: Option<Duration>,
    /// All servers: how long a refresh token may stay unused.
    pub(super) refresh_token_idle: Option<Duration>,
    /// All servers: the absolute lifetime of refresh tokens.
    pub(super) refresh_token_lifetime: Option<Duration>,
    pub(super) code_lifetime: Option<Duration>,
    /// Custom servers only: ID tokens of the org's own server are always thin.
    pub(super) thin_id_token: Option<bool>,
    /// Servers without a groups claim: the name of a claim that carries all groups.
    pub(super) groups_claim: Option<String>,
    pub(super) rotation: Option<Rotation>,
    pub(super) leeway: Option<Duration>,
}

impl OrgBuilder {
    /// Builds the org for this address.
    ///
    /// An org with a subdomain is at `{name}.localhost`, which browsers resolve to this
    /// machine; without a subdomain it is at the plain address. Mistakes in the settings
    /// of a server are reported here, before the org serves requests.
    pub(crate) fn tenant(
        mut self,
        subdomain: Option<String>,
        scheme: &str,
        address: SocketAddr,
    ) -> Result<Tenant, Error> {
        let url = match &subdomain {
            Some(name) => format!("{scheme}://{}.localhost:{}", check_subdomain(name)?, address.port()),
            None => self.listening.url(scheme, address)?,
        };
        self.with_first_client(|_| ());
        self.complete();
        self.servers.iter().try_for_each(AuthorizationServer::check)?;
        let clock = Clock::default();
        Ok(Tenant {
            // Derived from the org's name, so that the id is stable across runs.
            id: User::new(subdomain.as_deref().unwrap_or("okta-dev"), "").id.replacen("00u", "00o", 1),
            name: self.name,
            subdomain,
            url,
            clock,
            board: Board::default(),
            last_jti: Mutex::default(),
            outages: Switchboard::default(),
            journal: Journal::default(),
            clients: Mutex::new(self.clients),
            users: Mutex::new(self.users),
            servers: self.servers.into_iter().map(Server::new).collect(),
            store: Mutex::new(Store::default()),
            unassigned: Mutex::default(),
            limiter: RateLimiter::new(self.rate_limit),
            options: self.options,
        })
    }

    /// Adds the default clients and applies the settings for all clients and servers.
    ///
    /// The default clients are a public client and a service, unless clients with their
    /// ids exist. The public client copies the URIs of the first client, so that an app
    /// can switch between the two. Empty secrets are replaced by generated ones.
    fn complete(&mut self) {
        let service = Client::service(SERVICE_CLIENT_ID, "");
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
        let stable = self.options.stable_secrets;
        for client in self.clients.iter_mut().filter(|client| client.client_secret.as_deref() == Some("")) {
            client.client_secret = Some(generated_secret(stable, &client.client_id));
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

    /// Applies lifetimes, as far as Okta allows for this kind of server.
    fn apply_to_server(&self, server: &mut AuthorizationServer) {
        server.id_token_lifetime = self.id_token_lifetime.unwrap_or(server.id_token_lifetime);
        server.refresh_token_idle = self.refresh_token_idle.unwrap_or(server.refresh_token_idle);
        server.refresh_token_lifetime = self.refresh_token_lifetime.or(server.refresh_token_lifetime);
        server.code_lifetime = self.code_lifetime.unwrap_or(server.code_lifetime);
        if let Some(name) = self.groups_claim.as_ref().filter(|_| server.groups_claims.is_empty()) {
            let claim = GroupsClaim::all(name);
            server.groups_claims.push(if server.is_org() { claim.with_scope("groups") } else { claim });
        }
        if !server.is_org() {
            server.access_token_lifetime = self.access_token_lifetime.unwrap_or(server.access_token_lifetime);
            server.thin_id_token = self.thin_id_token.unwrap_or(server.thin_id_token);
        }
    }
}

fn generated_secret(stable: bool, client_id: &str) -> String {
    if !stable {
        return random::token();
    }
    random::base64url(digest(&SHA256, format!("the secret of {client_id} at okta-dev").as_bytes()))
}

fn check_subdomain(name: &str) -> Result<&str, Error> {
    let good = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    good.then_some(name).ok_or_else(|| {
        Error::config(format_args!("`{name}` is not a subdomain: use lower-case letters, digits and `-`"))
    })
}
