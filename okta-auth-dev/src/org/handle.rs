//! The handle: where the org is, its clock, faults, request log and keys.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::browser::{Browser, Response};
use crate::clock::Clock;
use crate::error::Error;
use crate::fault::Fault;
use crate::org_state::OrgState;
use crate::request_log::{Recorded, Refreshes};
use crate::serve::Host;
use crate::server::AuthorizationServer;
use crate::token_builder::TokenBuilder;

/// A running org.
///
/// Clones are handles of the same org. The server stops when the last handle of any org on its listener is dropped, or
/// with [`Org::stop`].
///
/// The server runs on its own threads, so a test may block. After the start, a test may use any runtime, or none.
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
    /// The listener, shared by all its orgs.
    pub(super) host: Arc<Host>,
    pub(super) state: Arc<OrgState>,
}

impl Org {
    pub(super) fn first(host: Arc<Host>) -> Option<Self> {
        let state = Arc::clone(host.orgs().first()?);
        Some(Self { host, state })
    }

    // -- where it is -----------------------------------------------------------------------------------------------

    /// Returns the URL of the org, such as `http://127.0.0.1:40123`, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// Returns the listening address, with the actual port.
    pub fn address(&self) -> SocketAddr {
        self.host.address
    }

    /// Returns the certificate of an org that serves HTTPS, in PEM, for clients that have to trust it.
    #[cfg(feature = "cli")]
    pub fn certificate(&self) -> Option<String> {
        self.host.certificate()
    }

    /// Returns the issuer of the custom server `default`.
    pub fn issuer(&self) -> String {
        self.custom_issuer("default")
    }

    /// Returns the issuer of the org's own server. Its access tokens are signed with an unpublished key.
    pub fn org_issuer(&self) -> String {
        self.state.url.clone()
    }

    /// Returns the issuer of a custom server, whether or not the server exists.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::start().await?;
    /// assert_eq!(org.custom_issuer("default"), org.issuer());
    /// # Ok(())
    /// # }
    /// ```
    pub fn custom_issuer(&self, id: &str) -> String {
        format!("{}/oauth2/{id}", self.state.url)
    }

    /// Returns the settings of all authorization servers, first the org's own.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::start().await?;
    /// let servers = org.authorization_servers();
    /// let default = servers.iter().find(|server| server.id == "default").expect("it exists by default");
    /// assert_eq!(default.scopes, ["orders:read", "orders:write"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn authorization_servers(&self) -> Vec<AuthorizationServer> {
        self.state.servers.iter().map(|server| server.settings.clone()).collect()
    }

    // -- time, faults, request log ---------------------------------------------------------------------------------

    /// Returns the virtual clock. Each org on a listener has its own clock.
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
    /// The app under test has its own clock. Move both, because otherwise the app sees tokens issued in the future.
    pub fn clock(&self) -> Clock {
        self.state.clock.clone()
    }

    /// Enables a fault until [`Org::clear_faults`].
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
        self.state.faults.arm(fault, false);
    }

    /// Enables a fault for the next request it applies to.
    ///
    /// A fault of the ID token waits for the next ID token, a fault of userinfo for the next userinfo request, and so
    /// on. Other requests do not consume it.
    pub fn fault_once(&self, fault: Fault) {
        self.state.faults.arm(fault, true);
    }

    /// Clears all faults.
    ///
    /// Keys of faults stay published until the keys rotate, so that a token signed with one of them still fails for its
    /// algorithm and not for an unknown key.
    pub fn clear_faults(&self) {
        self.state.clear_faults();
    }

    /// Returns every request that the org received, oldest first.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::start().await?;
    /// // ... a user signs in to the app ...
    /// let exchange = org.request_log().into_iter().find(|request| request.path.ends_with("/v1/token"));
    /// if let Some(request) = exchange {
    ///     assert!(request.form_field("code_verifier").is_some(), "the app uses PKCE");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn request_log(&self) -> Vec<Recorded> {
        self.state.request_log.all()
    }

    /// Counts the received requests whose path ends with this, such as `/v1/token`.
    ///
    /// Useful for requests that must *not* happen: a second fetch of the keys, or a userinfo request after an invalid
    /// ID token.
    pub fn count(&self, path_suffix: &str) -> usize {
        self.state.request_log.count(path_suffix)
    }

    /// Returns the counts of refresh requests: received, successful, repeated and reused.
    pub fn refreshes(&self) -> Refreshes {
        self.state.request_log.refreshes()
    }

    /// Clears the request log.
    pub fn clear_request_log(&self) {
        self.state.request_log.clear();
    }

    // -- keys and tokens -------------------------------------------------------------------------------------------

    /// Rotates the keys of every server: NEXT becomes ACTIVE, ACTIVE is no longer published, and a new NEXT is
    /// generated.
    ///
    /// After one rotation, a client with cached keys already has the new signing key, because NEXT was published
    /// before. After two rotations it does not, and has to fetch the keys again.
    pub fn rotate_keys(&self) {
        self.state.servers.iter().for_each(|server| server.ring.rotate());
    }

    /// Creates tokens without a request, valid or invalid; see [`TokenBuilder`].
    pub fn token(&self) -> TokenBuilder {
        TokenBuilder::new(Arc::clone(&self.state))
    }

    /// Returns the keys that the server `default` publishes at `/keys` without faults.
    ///
    /// These are the two RSA keys, and keys that faults or a [`TokenBuilder`] requested.
    pub fn public_jwks(&self) -> Value {
        let keys = self.state.server("default").and_then(|server| server.ring.published().ok());
        json!({"keys": keys.unwrap_or_default()})
    }

    /// Returns the active public key of the server `default` in PEM; empty if the machine cannot generate keys.
    ///
    /// The format is `SubjectPublicKeyInfo`, as `openssl rsa -pubin` reads it. A verifier with algorithm confusion
    /// would use these bytes as an HMAC key, see [`Fault::IdTokenAlgHs256WithRsaPublicKey`].
    pub fn public_key_pem(&self) -> String {
        let key = self.state.server("default").and_then(|server| server.ring.active().ok());
        key.and_then(|key| key.public_pem().ok()).unwrap_or_default()
    }

    // -- browsers --------------------------------------------------------------------------------------------------

    /// Returns a browser without cookies; see [`Browser`].
    pub fn browser(&self) -> Browser {
        Browser::new(Arc::clone(&self.state), self.host.address)
    }

    /// Signs a user in with a new browser: opens the URL that an app redirects to, submits the form, and returns where
    /// the browser goes next. The password is looked up; an unknown username returns the page with the error. If the
    /// org requires a second factor, the browser submits it; see [`Browser::refuse_second_factor`].
    ///
    /// # Errors
    ///
    /// If the server does not respond.
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
