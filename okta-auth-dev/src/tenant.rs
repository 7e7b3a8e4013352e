//! One org: its settings, its people, and everything that happens in it.
//!
//! A [`Tenant`] is one org as Okta knows it. Its settings do not change after the
//! start, except for people and clients; what changes is behind locks, each held for a
//! few statements and never across a wait.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::builder::Options;
use crate::client::Client;
use crate::clock::Clock;
use crate::fault::Board;
use crate::journal::Journal;
use crate::keys::KeyRing;
use crate::outage::Switchboard;
use crate::rate_limit::RateLimiter;
use crate::server::AuthorizationServer;
use crate::store::Store;
use crate::sync::lock;
use crate::user::User;

/// An authorization server with its keys.
#[derive(Debug)]
pub(crate) struct Server {
    /// Issuer, audience, scopes, lifetimes, claims.
    pub(crate) settings: AuthorizationServer,
    /// Every server has keys of its own.
    pub(crate) ring: KeyRing,
    /// Other paths the keys were announced at, see [`crate::Fault::DiscoveryJwksPath`].
    pub(crate) key_paths: Mutex<Vec<String>>,
}

impl Server {
    /// A server without keys; they are made when they are first needed.
    pub(crate) fn new(settings: AuthorizationServer) -> Self {
        Self { settings, ring: KeyRing::default(), key_paths: Mutex::default() }
    }
}

/// An org. Two orgs on one listener share nothing.
#[derive(Debug)]
pub(crate) struct Tenant {
    /// The name on the sign-in page.
    pub(crate) name: String,
    /// The label in front of `.localhost`; none for the org at the bare address.
    pub(crate) subdomain: Option<String>,
    /// Where the org lives, without a slash at the end.
    pub(crate) url: String,
    /// The org's id, `00o…`: the claim `idp` of people who sign in here.
    pub(crate) id: String,
    /// Where every time comes from.
    pub(crate) clock: Clock,
    /// Which faults are on.
    pub(crate) board: Board,
    /// The `jti` of the last good notice that was made for an endpoint.
    pub(crate) last_jti: Mutex<HashMap<String, String>>,
    /// Which endpoints have an outage.
    pub(crate) outages: Switchboard,
    /// What was requested.
    pub(crate) journal: Journal,
    /// The registered apps; the first one is the one that tests configure their app
    /// with.
    pub(crate) clients: Mutex<Vec<Client>>,
    /// Who can sign in.
    pub(crate) users: Mutex<Vec<User>>,
    /// Who may not use which app: pairs of a login in lower case and a client id.
    pub(crate) unassigned: Mutex<BTreeSet<(String, String)>>,
    /// The org's own authorization server and the custom ones.
    pub(crate) servers: Vec<Server>,
    /// Sessions, codes, tokens.
    pub(crate) store: Mutex<Store>,
    /// How many requests are left.
    pub(crate) limiter: RateLimiter,
    /// Which of two behaviours it has.
    pub(crate) options: Options,
}

impl Tenant {
    /// The authorization server with this id; [`crate::ORG_SERVER`] for the org's own.
    pub(crate) fn server(&self, id: &str) -> Option<&Server> {
        self.servers.iter().find(|server| server.settings.id == id)
    }

    /// The client with this id.
    pub(crate) fn client(&self, id: &str) -> Option<Client> {
        lock(&self.clients).iter().find(|client| client.client_id == id).cloned()
    }

    /// The first client: the one that the ready-made settings are for.
    pub(crate) fn first_client(&self) -> Option<Client> {
        lock(&self.clients).first().cloned()
    }

    /// What an app that reads environment variables needs in order to sign in as this
    /// client, at the server `default` or else at the first one.
    pub(crate) fn variables(&self, client: &Client) -> Vec<(&'static str, String)> {
        let server = self.server("default").or_else(|| self.servers.first());
        let issuer = server.map(|server| server.settings.issuer(&self.url)).unwrap_or_default();
        let mut variables = vec![("OKTA_ISSUER_URI", issuer), ("OKTA_CLIENT_ID", client.client_id.clone())];
        variables.extend(client.client_secret.clone().map(|secret| ("OKTA_CLIENT_SECRET", secret)));
        variables
    }

    /// How to connect to the org, for programs.
    pub(crate) fn description(&self) -> Value {
        let issuers = self.servers.iter().map(|server| server.settings.issuer(&self.url));
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
            "test_api": format!("{}/dev", self.url),
            "variables": clients.first().map(variables),
            "clients": clients.iter().map(client).collect::<Vec<_>>(),
            "people": users.iter().map(person).collect::<Vec<_>>(),
        })
    }

    /// The person with this login, in any case.
    pub(crate) fn user(&self, login: &str) -> Option<User> {
        lock(&self.users).iter().find(|user| user.login.eq_ignore_ascii_case(login)).cloned()
    }

    /// The person with this Okta user id.
    pub(crate) fn user_by_id(&self, id: &str) -> Option<User> {
        lock(&self.users).iter().find(|user| user.id == id).cloned()
    }

    /// Whether the person may use the app: everybody may, unless it was taken from
    /// them.
    pub(crate) fn is_assigned(&self, login: &str, client_id: &str) -> bool {
        !lock(&self.unassigned).contains(&(login.to_ascii_lowercase(), client_id.to_owned()))
    }

    /// Adds a person, or replaces the one with the same login.
    pub(crate) fn put_user(&self, user: User) {
        let mut users = lock(&self.users);
        match users.iter_mut().find(|known| known.login.eq_ignore_ascii_case(&user.login)) {
            Some(known) => *known = user,
            None => users.push(user),
        }
    }

    /// Switches all faults off.
    pub(crate) fn clear_faults(&self) {
        self.board.clear();
        self.servers.iter().for_each(|server| lock(&server.key_paths).clear());
    }

    /// Adds a client, or replaces the one with the same id where it is.
    pub(crate) fn put_client(&self, client: Client) {
        let mut clients = lock(&self.clients);
        match clients.iter_mut().find(|known| known.client_id == client.client_id) {
            Some(known) => *known = client,
            None => clients.push(client),
        }
    }

    /// Takes an app from a person, and revokes what they allowed it.
    pub(crate) fn unassign(&self, login: &str, client_id: &str) {
        lock(&self.unassigned).insert((login.to_ascii_lowercase(), client_id.to_owned()));
        lock(&self.store).revoke_grants(|grant| grant.is_of(login) && grant.client_id == client_id);
    }

    /// Gives an app back.
    pub(crate) fn assign(&self, login: &str, client_id: &str) {
        lock(&self.unassigned).remove(&(login.to_ascii_lowercase(), client_id.to_owned()));
    }

    /// Ends all sessions of a person and revokes what they led to.
    pub(crate) fn end_sessions(&self, login: &str) {
        let mut store = lock(&self.store);
        store.close_sessions_of(login);
        store.revoke_grants(|grant| grant.is_of(login));
    }

    /// Removes a person, as deactivating an account does: nothing can be issued for
    /// them any more.
    pub(crate) fn remove_user(&self, login: &str) {
        lock(&self.users).retain(|user| !user.login.eq_ignore_ascii_case(login));
    }
}
