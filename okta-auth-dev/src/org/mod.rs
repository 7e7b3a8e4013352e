//! The handle of a running org.
//!
//! An [`Org`] is what a test holds: it says where the org is and what to configure,
//! moves its clock, switches faults on, and reads what the org saw.

mod others;
mod outages;
mod people;
mod service;
mod sign_out;

pub use sign_out::OktaSession;
pub(crate) use sign_out::{end_session, sessions, universal_logout};

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::browser::{Browser, Response};
use crate::builder::OrgBuilder;
use crate::clock::Clock;
use crate::error::Error;
use crate::fault::Fault;
use crate::journal::{Recorded, Refreshes};
use crate::minter::Minter;
use crate::serve::Host;
use crate::tenant::Tenant;

/// A running org.
///
/// Clones are handles of the same org. The server stops with the last handle (of any
/// org on its listener), or with [`Org::stop`].
///
/// The server runs on threads of its own, so a test may block, and may use any runtime
/// or none once the org has started.
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
        let tenant = Arc::clone(host.tenants().first()?);
        Some(Self { host, tenant })
    }

    // -- where it is -----------------------------------------------------------------------------------------------

    /// Where the org lives, such as `http://127.0.0.1:40123`; no slash at the end.
    pub fn url(&self) -> &str {
        &self.tenant.url
    }

    /// The address that the org listens on, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.host.address
    }

    /// The certificate of an org that serves HTTPS, in PEM, for clients that have to trust
    /// it.
    #[cfg(feature = "cli")]
    pub fn certificate(&self) -> Option<String> {
        self.host.certificate()
    }

    /// The issuer of the custom server `default`.
    pub fn issuer(&self) -> String {
        self.custom_issuer("default")
    }

    /// The issuer of the org's own server. Its access tokens are signed with a key that
    /// is not published.
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
    /// The app under test has a clock of its own. Move both, or the app will see tokens
    /// from the future.
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
    /// A fault of the ID token waits for the next ID token, one of userinfo for the
    /// next request to userinfo, and so on. Requests that it does not concern leave it
    /// on.
    pub fn fault_once(&self, fault: Fault) {
        self.tenant.board.arm(fault, true);
    }

    /// Switches all faults off.
    ///
    /// Keys that a fault made stay published until the keys rotate: a token that was
    /// signed with one of them must keep failing for its algorithm, not for an unknown
    /// key.
    pub fn clear_faults(&self) {
        self.tenant.clear_faults();
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
    /// Good for what must *not* happen: no second fetch of the keys, no call to
    /// userinfo after a bad ID token.
    pub fn count(&self, path_suffix: &str) -> usize {
        self.tenant.journal.count(path_suffix)
    }

    /// What became of the requests to refresh: how many came, how many were carried
    /// out, and how many had a refresh token that was replaced before.
    pub fn refreshes(&self) -> Refreshes {
        self.tenant.journal.refreshes()
    }

    /// Forgets the requests seen so far.
    pub fn clear_journal(&self) {
        self.tenant.journal.clear();
    }

    // -- keys and tokens -------------------------------------------------------------------------------------------

    /// Rotates the keys of every server: NEXT becomes ACTIVE, ACTIVE is no longer
    /// published, a new NEXT is made.
    ///
    /// After one rotation a client that cached the keys knows the new signing key
    /// already, because NEXT was published before. After two it does not, and has to
    /// fetch again.
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

    /// The active public key of the server `default` in PEM; empty if the machine
    /// cannot make keys.
    ///
    /// `SubjectPublicKeyInfo`, as `openssl rsa -pubin` reads it. These bytes are what a
    /// confused verifier would take for an HMAC key, see
    /// [`Fault::IdTokenAlgHs256WithRsaPublicKey`].
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

    /// Signs somebody in, in a fresh browser: opens the URL that an app redirects to,
    /// fills in the form, and returns where the browser is sent next. The password is
    /// looked up; for an unknown username the page with the error comes back. A second
    /// factor is given where one is asked for; see [`Browser::refuse_second_factor`].
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
}
