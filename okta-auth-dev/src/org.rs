//! The handle of a running org.
//!
//! An [`Org`] is what a test holds: it says where the org is and what to configure, moves its
//! clock, switches faults on, and reads what the org saw.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::browser::{Browser, Response};
use crate::builder::OrgBuilder;
use crate::client::Client;
use crate::clock::Clock;
use crate::error::Error;
use crate::fault::Fault;
use crate::journal::Recorded;
use crate::minter::Minter;
use crate::serve::Host;
use crate::sync::lock;
use crate::tenant::Tenant;
use crate::user::User;

/// A running org.
///
/// Clones are handles of the same org. The server stops with the last handle (of any org on its
/// listener), or with [`Org::stop`].
///
/// The server runs on threads of its own, so a test may block, and may use any runtime or none once
/// the org has started.
///
/// ```
/// # async fn example() -> Result<(), okta_auth_dev::Error> {
/// use okta_auth_dev::{ADA, Org};
///
/// let org = Org::start().await?;
/// let same = org.clone();
/// assert_eq!(org.url(), same.url());
///
/// for (name, value) in org.env() {
///     println!("export {name}={value}");
/// }
/// println!("sign in as {ADA} at {}", org.issuer());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Org {
    /// The listener, shared by all orgs on it.
    host: Arc<Host>,
    /// The org itself.
    tenant: Arc<Tenant>,
}

impl Org {
    /// Starts an org with default settings on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// If no port can be bound.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Settings of an org before it starts.
    pub fn builder() -> OrgBuilder {
        OrgBuilder::default()
    }

    /// The handle of the org at the bare address.
    pub(crate) fn first(host: Arc<Host>) -> Option<Self> {
        let tenant = Arc::clone(host.tenants.first()?);
        Some(Self { host, tenant })
    }

    /// Another org on the same listener, see [`OrgBuilder::org`].
    pub fn org(&self, subdomain: &str) -> Option<Self> {
        let mut tenants = self.host.tenants.iter();
        let tenant = tenants.find(|tenant| tenant.subdomain.as_deref() == Some(subdomain))?;
        Some(Self { host: Arc::clone(&self.host), tenant: Arc::clone(tenant) })
    }

    // -- where it is -----------------------------------------------------------------------------------------------

    /// Where the org lives, such as `http://127.0.0.1:40123`; no slash at the end.
    pub fn url(&self) -> &str {
        &self.tenant.url
    }

    /// The issuer of the custom server `default`.
    pub fn issuer(&self) -> String {
        self.custom_issuer("default")
    }

    /// The issuer of the org's own server. Its access tokens are signed with a key that is not
    /// published.
    pub fn org_issuer(&self) -> String {
        self.tenant.url.clone()
    }

    /// The issuer of a custom server, whether it exists or not.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::start().await?;
    /// assert_eq!(org.custom_issuer("default"), org.issuer());
    /// # Ok(())
    /// # }
    /// ```
    pub fn custom_issuer(&self, id: &str) -> String {
        format!("{}/oauth2/{id}", self.tenant.url)
    }

    /// `OKTA_ISSUER_URI`, `OKTA_CLIENT_ID` and `OKTA_CLIENT_SECRET` (if there is one) for an app
    /// that signs in as the first client at the server `default`.
    ///
    /// An app that reads more variables (its own address, for instance) has to be told separately:
    /// the org does not know them.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        let client = self.client();
        let mut env = vec![("OKTA_ISSUER_URI", self.issuer()), ("OKTA_CLIENT_ID", client.client_id)];
        env.extend(client.client_secret.map(|secret| ("OKTA_CLIENT_SECRET", secret)));
        env
    }

    // -- who is in it ----------------------------------------------------------------------------------------------

    /// The first client: the default web app, or the first that was configured.
    ///
    /// The value is a copy; [`Org::put_client`] changes the org.
    pub fn client(&self) -> Client {
        self.tenant.first_client().unwrap_or_else(|| Client::public(crate::CLIENT_ID))
    }

    /// All clients. [`crate::PUBLIC_CLIENT_ID`] and [`crate::SERVICE_CLIENT_ID`] are always among
    /// them.
    pub fn clients(&self) -> Vec<Client> {
        lock(&self.tenant.clients).clone()
    }

    /// The client with this id.
    pub fn client_with_id(&self, id: &str) -> Option<Client> {
        self.tenant.client(id)
    }

    /// Adds a client to the running org, or replaces the one with the same id where it is.
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
        let mut clients = lock(&self.tenant.clients);
        match clients.iter_mut().find(|known| known.client_id == client.client_id) {
            Some(known) => *known = client,
            None => clients.push(client),
        }
    }

    /// Registers `{origin}/authorization-code/callback` for sign-in and `{origin}/` for sign-out,
    /// for the first client: for an app whose port is known only once it runs.
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

    /// Everybody who can sign in.
    pub fn users(&self) -> Vec<User> {
        lock(&self.tenant.users).clone()
    }

    /// The person with this login.
    pub fn user(&self, login: &str) -> Option<User> {
        self.tenant.user(login)
    }

    /// Adds a person, or replaces the one with the same login: changed groups appear in the next
    /// tokens.
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

    /// Removes a person, as deactivating an account does: sessions end, refresh tokens die.
    ///
    /// Access tokens that are checked locally stay good until they expire, as at Okta; userinfo and
    /// introspection know better.
    pub fn remove_user(&self, login: &str) {
        self.tenant.remove_user(login);
        self.end_sessions(login);
    }

    /// Ends all Okta sessions of a person and revokes what they led to.
    ///
    /// What an administrator does with *Clear sessions* and *Revoke tokens*: the browser has to
    /// sign in again, refresh tokens are dead, and access tokens are no longer active at
    /// introspection.
    pub fn end_sessions(&self, login: &str) {
        let mut store = lock(&self.tenant.store);
        store.close_sessions_of(login);
        store.revoke_grants_of(login);
    }

    // -- time, faults, journal -------------------------------------------------------------------------------------

    /// The virtual clock. Orgs on one listener have one each.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// use std::time::Duration;
    ///
    /// let org = okta_auth_dev::Org::start().await?;
    /// // Tokens issued before this line have expired.
    /// org.clock().advance(Duration::from_secs(3601));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The app under test has a clock of its own. Move both, or the app will see tokens from the
    /// future.
    pub fn clock(&self) -> Clock {
        self.tenant.clock.clone()
    }

    /// Switches a fault on until [`Org::clear_faults`].
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// use okta_auth_dev::{Fault, Org};
    ///
    /// let org = Org::start().await?;
    /// org.fault(Fault::KeysStatus(503));
    /// // ... the app cannot load the keys ...
    /// org.clear_faults();
    /// // ... and now it can.
    /// # Ok(())
    /// # }
    /// ```
    pub fn fault(&self, fault: Fault) {
        self.tenant.board.arm(fault, false);
    }

    /// Switches a fault on for the next request it applies to.
    ///
    /// A fault of the ID token waits for the next ID token, one of userinfo for the next request to
    /// userinfo, and so on. Requests that it does not concern leave it on.
    pub fn fault_once(&self, fault: Fault) {
        self.tenant.board.arm(fault, true);
    }

    /// Switches all faults off.
    ///
    /// Keys that a fault made stay published until the keys rotate: a token that was signed with
    /// one of them must keep failing for its algorithm, not for an unknown key.
    pub fn clear_faults(&self) {
        self.tenant.board.clear();
        for server in &self.tenant.servers {
            lock(&server.key_paths).clear();
        }
    }

    /// Every request the org saw, oldest first.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::start().await?;
    /// // ... the app signs somebody in ...
    /// let exchange = org.journal().into_iter().find(|request| request.path.ends_with("/v1/token"));
    /// if let Some(request) = exchange {
    ///     assert!(request.form_field("code_verifier").is_some(), "the app uses PKCE");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn journal(&self) -> Vec<Recorded> {
        self.tenant.journal.all()
    }

    /// How many requests the org saw whose path ends with this, such as `/v1/token`.
    ///
    /// Good for what must *not* happen: no second fetch of the keys, no call to userinfo after a
    /// bad ID token.
    pub fn count(&self, path_suffix: &str) -> usize {
        self.tenant.journal.count(path_suffix)
    }

    /// Forgets the requests seen so far.
    pub fn clear_journal(&self) {
        self.tenant.journal.clear();
    }

    // -- keys and tokens -------------------------------------------------------------------------------------------

    /// Rotates the keys of every server: NEXT becomes ACTIVE, ACTIVE is no longer published, a new
    /// NEXT is made.
    ///
    /// After one rotation a client that cached the keys knows the new signing key already, because
    /// NEXT was published before. After two it does not, and has to fetch again.
    pub fn rotate_keys(&self) {
        self.tenant.servers.iter().for_each(|server| server.ring.rotate());
    }

    /// Makes tokens without a request, good or bad.
    ///
    /// See [`Minter`].
    pub fn mint(&self) -> Minter {
        Minter::new(Arc::clone(&self.tenant))
    }

    /// What the server `default` publishes at `/keys` while no fault is on.
    ///
    /// The two RSA keys, and those that faults or minted tokens asked for.
    pub fn public_jwks(&self) -> Value {
        let keys = self.tenant.server("default").and_then(|server| server.ring.published().ok());
        json!({"keys": keys.unwrap_or_default()})
    }

    /// The active public key of the server `default` in PEM; empty if the machine cannot make keys.
    ///
    /// `SubjectPublicKeyInfo`, as `openssl rsa -pubin` reads it. These bytes are what a confused
    /// verifier would take for an HMAC key, see [`Fault::IdTokenAlgHs256WithRsaPublicKey`].
    pub fn public_key_pem(&self) -> String {
        let key = self.tenant.server("default").and_then(|server| server.ring.active().ok());
        key.and_then(|key| key.public_pem().ok()).unwrap_or_default()
    }

    // -- browsers --------------------------------------------------------------------------------------------------

    /// A browser without cookies.
    ///
    /// See [`Browser`].
    pub fn browser(&self) -> Browser {
        Browser::new(Arc::clone(&self.tenant), self.host.address)
    }

    /// Signs somebody in, in a fresh browser: opens the URL that an app redirects to, fills in the
    /// form, and returns where the browser is sent next. The password is looked up; for an unknown
    /// username the page with the error comes back.
    ///
    /// # Errors
    ///
    /// If the server does not answer.
    ///
    /// ```
    /// # async fn example(login_redirect: &str) -> Result<(), okta_auth_dev::Error> {
    /// use okta_auth_dev::{BEN, Org, Response};
    ///
    /// let org = Org::start().await?;
    /// match org.sign_in(login_redirect, BEN).await? {
    ///     Response::Redirect(url) => println!("GET {url}"),
    ///     Response::FormPost { action, fields } => println!("POST {action} {fields:?}"),
    ///     Response::Page { status, .. } => println!("the org answers {status} itself"),
    ///     _ => {}
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn sign_in(&self, authorize_url: &str, username: &str) -> Result<Response, Error> {
        self.browser().sign_in(authorize_url, username).await
    }

    // -- outages ---------------------------------------------------------------------------------------------------

    /// Closes the listener and all connections. What happened in the org is kept. With several orgs
    /// on the listener all of them stop.
    ///
    /// Returns when the port is free. Requests that were waiting for an answer get none.
    pub fn stop(&self) {
        self.host.stop();
    }

    /// Listens again, on the same port.
    ///
    /// # Errors
    ///
    /// If somebody else took the port meanwhile.
    ///
    /// People, sessions, codes, tokens and keys are those of before: to a client it was an outage.
    #[allow(clippy::unused_async, reason = "starting may have to wait in a later version")]
    pub async fn restart(&self) -> Result<(), Error> {
        self.host.restart()
    }
}
