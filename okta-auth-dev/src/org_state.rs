//! An org with its settings and its state.
//!
//! The settings do not change after the start, except for users and clients. Mutable state is behind locks, each held
//! for a few statements and never across an await.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::client::Client;
use crate::client_document::ClientDocuments;
use crate::clock::Clock;
use crate::dpop::Nonces;
use crate::fault::ActiveFaults;
use crate::keys::KeyRing;
use crate::oauth_error::OAuthError;
use crate::org_options::OrgOptions;
use crate::outage::ActiveOutages;
use crate::rate_limit::RateLimiter;
use crate::request_log::RequestLog;
use crate::server::AuthorizationServer;
use crate::store::Store;
use crate::sync::lock;
use crate::user::User;

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) settings: AuthorizationServer,
    pub(crate) ring: KeyRing,
    /// Other published paths of the keys, see [`crate::Fault::DiscoveryJwksPath`].
    pub(crate) key_paths: Mutex<Vec<String>>,
    /// The nonces for DPoP proofs.
    pub(crate) nonces: Mutex<Nonces>,
    /// The nonces of resources, see [`crate::DpopFault::ResourceNonce`].
    pub(crate) resource_nonces: Mutex<Nonces>,
}

impl Server {
    pub(crate) fn new(settings: AuthorizationServer) -> Self {
        Self {
            settings,
            ring: KeyRing::default(),
            key_paths: Mutex::default(),
            nonces: Mutex::default(),
            resource_nonces: Mutex::default(),
        }
    }
}

/// An org. Orgs on one listener share no state.
#[derive(Debug)]
pub(crate) struct OrgState {
    pub(crate) name: String,
    /// The label before `.localhost`; `None` for the org without a subdomain.
    pub(crate) subdomain: Option<String>,
    /// The URL of the org, without a trailing slash.
    pub(crate) url: String,
    /// The org's id, `00o…`: the claim `idp` of users who sign in here.
    pub(crate) id: String,
    pub(crate) clock: Clock,
    pub(crate) faults: ActiveFaults,
    /// The `jti` of the last valid notice for each endpoint.
    pub(crate) last_jti: Mutex<HashMap<String, String>>,
    pub(crate) outages: ActiveOutages,
    pub(crate) request_log: RequestLog,
    /// The registered apps; tests usually use the first one.
    pub(crate) clients: Mutex<Vec<Client>>,
    /// What clients published at URLs.
    pub(crate) documents: ClientDocuments,
    pub(crate) users: Mutex<Vec<User>>,
    /// Unassigned apps: pairs of a login in lower case and a client id.
    pub(crate) unassigned: Mutex<BTreeSet<(String, String)>>,
    pub(crate) servers: Vec<Server>,
    pub(crate) store: Mutex<Store>,
    pub(crate) limiter: RateLimiter,
    pub(crate) options: OrgOptions,
}

impl OrgState {
    /// Returns the authorization server with this id; [`crate::ORG_SERVER`] is the org's own.
    pub(crate) fn server(&self, id: &str) -> Option<&Server> {
        self.servers.iter().find(|server| server.settings.id == id)
    }

    /// Returns the client with this id, with what it published if the org has fetched it.
    pub(crate) fn client(&self, id: &str) -> Option<Client> {
        let client = self.registered_client(id)?;
        match self.documents.result(id) {
            Some(Ok(details)) if client.publishes_details() => Some(client.with_details(details)),
            _ => Some(client),
        }
    }

    /// Returns the client as it is registered.
    pub(crate) fn registered_client(&self, id: &str) -> Option<Client> {
        lock(&self.clients).iter().find(|client| client.client_id == id).cloned()
    }

    /// Returns the client for a request at this server, or the error of its metadata document, which only custom
    /// servers accept. `None` if there is no such client.
    pub(crate) fn usable_client(&self, id: &str, server: &Server) -> Option<Result<Client, OAuthError>> {
        let client = self.client(id)?;
        if client.is_metadata_document && server.settings.is_org() {
            return None;
        }
        match self.documents.result(id).filter(|_| client.publishes_details()) {
            Some(Err(error)) => Some(Err(error)),
            _ => Some(Ok(client)),
        }
    }

    /// The first client, which the generated settings are for.
    pub(crate) fn first_client(&self) -> Option<Client> {
        lock(&self.clients).first().cloned()
    }

    /// The server of the generated settings: `default`, or otherwise the first one.
    pub(crate) fn variables_server(&self) -> Option<&Server> {
        self.server("default").or_else(|| self.servers.first())
    }

    /// The environment variables of an app that uses this client.
    pub(crate) fn variables(&self, client: &Client) -> Vec<(&'static str, String)> {
        let issuer = self.variables_server().map(|server| server.settings.issuer(&self.url)).unwrap_or_default();
        let mut variables = vec![("OKTA_ISSUER_URI", issuer), ("OKTA_CLIENT_ID", client.client_id.clone())];
        variables.extend(client.client_secret.clone().map(|secret| ("OKTA_CLIENT_SECRET", secret)));
        variables
    }

    pub(crate) fn description(&self) -> Value {
        let issuers = self.servers.iter().map(|server| server.settings.issuer(&self.url));
        let server = |server: &Server| {
            let settings = &server.settings;
            json!({
                "id": settings.id,
                "issuer": settings.issuer(&self.url),
                "audience": if settings.is_org() { &self.url } else { &settings.audience },
                "scopes": settings.scopes,
            })
        };
        let variables = |client: &Client| self.variables(client).into_iter().collect::<BTreeMap<_, _>>();
        let clients = lock(&self.clients).clone();
        let client = |client: &Client| {
            json!({
                "client_id": client.client_id,
                "client_secret": client.client_secret,
                "name": client.name,
                "grant_types": client.grant_types,
                "redirect_uris": client.redirect_uris,
                "variables": variables(client),
            })
        };
        let users = lock(&self.users).clone();
        let person = |user: &User| json!({"login": user.login, "password": user.password, "groups": user.groups});
        json!({
            "name": self.name,
            "url": self.url,
            "issuers": issuers.collect::<Vec<_>>(),
            "servers": self.servers.iter().map(server).collect::<Vec<_>>(),
            "test_api": format!("{}/dev", self.url),
            "variables": clients.first().map(variables),
            "clients": clients.iter().map(client).collect::<Vec<_>>(),
            "people": users.iter().map(person).collect::<Vec<_>>(),
        })
    }

    /// Returns the user with this login, case-insensitively.
    pub(crate) fn user(&self, login: &str) -> Option<User> {
        lock(&self.users).iter().find(|user| user.login.eq_ignore_ascii_case(login)).cloned()
    }

    pub(crate) fn user_by_id(&self, id: &str) -> Option<User> {
        lock(&self.users).iter().find(|user| user.id == id).cloned()
    }

    /// Returns the user with this e-mail address, case-insensitively.
    pub(crate) fn user_by_email(&self, email: &str) -> Option<User> {
        lock(&self.users).iter().find(|user| user.email.eq_ignore_ascii_case(email)).cloned()
    }

    /// Whether the user may use the app: true unless the app was unassigned.
    pub(crate) fn is_assigned(&self, login: &str, client_id: &str) -> bool {
        !lock(&self.unassigned).contains(&(login.to_ascii_lowercase(), client_id.to_owned()))
    }

    pub(crate) fn put_user(&self, user: User) {
        let mut users = lock(&self.users);
        match users.iter_mut().find(|known| known.login.eq_ignore_ascii_case(&user.login)) {
            Some(known) => *known = user,
            None => users.push(user),
        }
    }

    pub(crate) fn clear_faults(&self) {
        self.faults.clear();
        self.servers.iter().for_each(|server| lock(&server.key_paths).clear());
    }

    /// Adds a client, or replaces the one with the same id at its position.
    pub(crate) fn put_client(&self, client: Client) {
        let mut clients = lock(&self.clients);
        match clients.iter_mut().find(|known| known.client_id == client.client_id) {
            Some(known) => *known = client,
            None => clients.push(client),
        }
    }

    /// Unassigns an app from a user, and revokes its grants.
    pub(crate) fn unassign(&self, login: &str, client_id: &str) {
        lock(&self.unassigned).insert((login.to_ascii_lowercase(), client_id.to_owned()));
        lock(&self.store).revoke_grants(|grant| grant.is_of(login) && grant.client_id == client_id);
    }

    pub(crate) fn assign(&self, login: &str, client_id: &str) {
        lock(&self.unassigned).remove(&(login.to_ascii_lowercase(), client_id.to_owned()));
    }

    pub(crate) fn end_sessions(&self, login: &str) {
        let mut store = lock(&self.store);
        store.sessions.close_all_of(login);
        store.revoke_grants(|grant| grant.is_of(login));
    }

    /// Deletes a user, like deactivating an account: no further tokens are issued.
    pub(crate) fn remove_user(&self, login: &str) {
        lock(&self.users).retain(|user| !user.login.eq_ignore_ascii_case(login));
    }
}
