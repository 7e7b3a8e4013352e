//! Turns settings into an org: adds the missing defaults, then applies the settings for all clients and servers.
//!
//! The address must be known at this point, because the issuers contain it and the system may have chosen the port. The
//! settings for all clients and servers are applied last, so the order in which servers and clients were added does not
//! matter.

use std::net::SocketAddr;
use std::sync::Mutex;

use aws_lc_rs::digest::{SHA256, digest};

use super::OrgBuilder;
use crate::client::{Client, PUBLIC_CLIENT_ID, SERVICE_CLIENT_ID};
use crate::client_document::ClientDocuments;
use crate::clock::Clock;
use crate::error::Error;
use crate::fault::ActiveFaults;
use crate::org_state::{OrgState, Server};
use crate::outage::ActiveOutages;
use crate::random;
use crate::rate_limit::RateLimiter;
use crate::request_log::RequestLog;
use crate::server::AuthorizationServer;
use crate::store::Store;
use crate::user::User;

impl OrgBuilder {
    /// Builds the org for this address.
    ///
    /// An org with a subdomain is at `{name}.localhost`, which browsers resolve to this machine; without a subdomain it
    /// is at the plain address. Mistakes in the settings of a server are reported here, before the org serves requests.
    pub(crate) fn state(
        mut self,
        subdomain: Option<String>,
        scheme: &str,
        address: SocketAddr,
    ) -> Result<OrgState, Error> {
        let url = match &subdomain {
            Some(name) => format!("{scheme}://{}.localhost:{}", check_subdomain(name)?, address.port()),
            None => self.listener.url(scheme, address)?,
        };
        self.with_first_client(|_| ());
        self.complete();
        self.servers.iter().try_for_each(AuthorizationServer::check)?;
        self.clients.iter().try_for_each(|client| client.check(self.options.rfc_extensions))?;
        let clock = Clock::default();
        Ok(OrgState {
            // Derived from the org's name, so that the id is stable across runs.
            id: User::new(subdomain.as_deref().unwrap_or("okta-dev"), "").id.replacen("00u", "00o", 1),
            name: self.name,
            subdomain,
            url,
            clock,
            faults: ActiveFaults::default(),
            last_jti: Mutex::default(),
            outages: ActiveOutages::default(),
            request_log: RequestLog::default(),
            clients: Mutex::new(self.clients),
            documents: ClientDocuments::default(),
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
    /// The default clients are a public client and a service, unless clients with their ids exist. The public client
    /// copies the URIs of the first client, so that an app can switch between the two, and adds `/login/callback` for
    /// origins. Empty secrets are replaced by generated ones.
    fn complete(&mut self) {
        let service = Client::service(SERVICE_CLIENT_ID, "");
        let web = self.clients.first().cloned();
        let mut public = Client::public(PUBLIC_CLIENT_ID);
        if let Some(web) = web {
            public = public.with_uris_of(web);
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
        let overrides = self.overrides.clone();
        self.clients.iter_mut().for_each(|client| overrides.apply_to_client(client));
        self.servers.iter_mut().for_each(|server| overrides.apply_to_server(server));
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
