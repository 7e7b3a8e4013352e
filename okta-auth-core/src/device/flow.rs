//! The service of the device flow, and its builder.

use std::sync::Arc;

use url::{Origin, Url};

use super::authorization::DeviceAuthorization;
use super::client::DeviceClient;
#[cfg(feature = "keyring")]
use super::keyring::KeyringStore;
use super::session::DeviceSession;
use super::store::{SharedStore, TokenStore};
use super::verification::Verification;
use crate::clock::{Clock, SharedClock};
use crate::config::ConfigBuilder;
use crate::error::{Code, Error, Result};
use crate::http::{HttpClient, HttpSettings};
use crate::protocol::Provider;

/// The device flow of one client at one issuer. Clones are cheap and share connections, metadata and keys.
///
/// The client is public, without a secret, if users get the program. See the [module](super) for the protections.
#[derive(Clone)]
pub struct DeviceFlow {
    client: DeviceClient,
    verification_origins: Arc<[Origin]>,
}

impl DeviceFlow {
    /// Reads the `OKTA_*` variables of the process. It needs `OKTA_ISSUER_URI` and `OKTA_CLIENT_ID`.
    ///
    /// `name` is the application's name, as users know it and as Okta's page shows it.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`], listing every problem with its fix.
    pub fn from_env(name: impl Into<String>) -> Result<Self> {
        Self::builder(name, ConfigBuilder::from_env()).build()
    }

    /// Starts to build the service from settings in code.
    pub fn builder(name: impl Into<String>, config: ConfigBuilder) -> DeviceFlowBuilder {
        DeviceFlowBuilder {
            name: name.into(),
            config,
            store: SharedStore::default(),
            #[cfg(feature = "keyring")]
            keyring: false,
            clock: SharedClock::default(),
            verification_origins: Vec::new(),
        }
    }

    /// Starts a sign-in with the configured scopes (RFC 8628 §3.1). Include `offline_access` for a refresh token,
    /// because it cannot be requested later.
    ///
    /// # Errors
    /// [`Code::MetadataInvalid`] if the issuer does not support the device flow, [`Code::TokenRefused`] if Okta rejects
    /// the request, [`Code::ProviderRateLimited`] if too many codes were requested, [`Code::ProviderResponse`] if the
    /// response must not be shown to a user, and the errors of reaching Okta.
    pub async fn start(&self) -> Result<DeviceAuthorization> {
        let provider = self.client.provider();
        let (metadata, scopes) = (provider.discovery.metadata().await?, &provider.config.scopes);
        let response = provider.protocol.authorize_device(&metadata, scopes).await?;
        let verification = Verification::new(&response, &provider.config.issuer, &self.verification_origins)?;
        Ok(DeviceAuthorization::new(self.client.clone(), response, verification, scopes.clone()))
    }

    /// Returns the session of the saved tokens, or `None` if there are none. It sends no request: the tokens may be
    /// expired or revoked, which the first use shows.
    ///
    /// # Errors
    /// [`Code::SessionEnded`] if the saved tokens cannot be used, so that the user has to sign in again, and
    /// [`Code::StoreUnavailable`] if the store does not work.
    pub async fn session(&self) -> Result<Option<DeviceSession>> {
        let saved = self.client.saved().await?;
        Ok(saved.map(|tokens| DeviceSession::new(self.client.clone(), tokens)))
    }
}

/// Builds a [`DeviceFlow`].
#[derive(Clone)]
#[must_use]
pub struct DeviceFlowBuilder {
    name: String,
    config: ConfigBuilder,
    store: SharedStore,
    #[cfg(feature = "keyring")]
    keyring: bool,
    clock: SharedClock,
    verification_origins: Vec<String>,
}

impl DeviceFlowBuilder {
    /// Keeps the tokens in this store between two runs.
    pub fn token_store(mut self, store: impl TokenStore) -> Self {
        self.store = SharedStore::new(store);
        self
    }

    /// Keeps the tokens in the keyring of the operating system, in an entry of the service `okta-auth` for each issuer
    /// and client. It takes the place of [`token_store`](Self::token_store).
    ///
    /// The application chooses the keyring, because keyrings have different system requirements: either with the crate
    /// `keyring`, whose `Entry::store_status()` selects the one of the system and needs no C library on Linux, or with
    /// `keyring_core::set_default_store` for any other.
    ///
    /// ```no_run
    /// # use okta_auth_core as okta_auth;
    /// use okta_auth::config::ConfigBuilder;
    /// use okta_auth::device::DeviceFlow;
    ///
    /// # async fn run() -> Result<(), okta_auth::Error> {
    /// // `keyring::Entry::store_status()` has been called.
    /// let flow = DeviceFlow::builder("Orders CLI", ConfigBuilder::from_env()).keyring().build()?;
    /// let session = flow.session().await?; // of an earlier run
    /// # drop(session); Ok(())
    /// # }
    /// ```
    #[cfg(feature = "keyring")]
    pub fn keyring(mut self) -> Self {
        self.keyring = true;
        self
    }

    /// Also accepts an address for the user at this origin, such as `https://www.example.com`, for providers whose page
    /// is not at the issuer's origin. At Okta it is.
    pub fn verification_origin(mut self, origin: impl Into<String>) -> Self {
        self.verification_origins.push(origin.into());
        self
    }

    /// Replaces the system clock, for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Validates the settings, without network access. Settings of sessions, cookies and redirects are not needed and
    /// have no effect.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`], listing every problem with its fix; also if no keyring has been chosen.
    pub fn build(self) -> Result<DeviceFlow> {
        let (config, clock) = (self.config.api_only().build()?, self.clock);
        if config.client_id.is_empty() {
            let message = "OKTA_CLIENT_ID: it is not set; create a native application at Okta, enable its grant type \
                           `Device Authorization`, and use its client id";
            return Err(Error::new(Code::ConfigInvalid, message));
        }
        let origins = self.verification_origins.iter().map(|text| checked_origin(text)).collect::<Result<_>>()?;
        let settings = HttpSettings::with_timeout(config.app.options.http_timeout);
        let http = HttpClient::operator(&settings, config.ways.clone(), clock.clone())?;
        let provider = Provider::new(Arc::new(config), http, clock.clone());
        #[cfg(feature = "keyring")]
        let store = if self.keyring { SharedStore::new(KeyringStore::new(&provider.config)?) } else { self.store };
        #[cfg(not(feature = "keyring"))]
        let store = self.store;
        let client = DeviceClient::new(self.name, provider, store, clock);
        Ok(DeviceFlow { client, verification_origins: origins })
    }
}

fn checked_origin(text: &str) -> Result<Origin> {
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" && url.path() == "/" && url.query().is_none());
    url.map(|url| url.origin()).ok_or_else(|| {
        let message = format!("the verification origin `{}` is not an https origin", text.escape_default());
        Error::new(Code::ConfigInvalid, message)
    })
}

opaque_debug!(DeviceFlow, |it| client: it.client);

opaque_debug!(DeviceFlowBuilder, |it| name: it.name, config: it.config);
