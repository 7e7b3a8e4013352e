//! The service for calls to other APIs, and its builder.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "id-jag")]
use super::id_jag_tokens::IdJagTokens;
use super::machine_tokens::MachineTokens;
use super::target::Target;
use super::token_endpoint::TokenEndpoint;
use super::token_exchange::TokenExchange;
use crate::clock::{Clock, SharedClock};
use crate::config::{Config, ConfigBuilder, PrivateKey, Variables};
use crate::error::Result;
use crate::http::{HttpClient, HttpSettings};
use crate::protocol::Provider;

/// Calls to other APIs: their tokens, and the origins that may receive them. Clones are cheap and share the caches.
///
/// `OktaAuth::outgoing` returns the service of a web app. A worker without a web framework, sessions and redirect URIs
/// creates its own:
///
/// ```no_run
/// # use okta_auth_core as okta_auth;
/// use okta_auth::outgoing::Outgoing;
///
/// # fn main() -> Result<(), okta_auth::Error> {
/// let outgoing = Outgoing::from_env()?; // OKTA_ISSUER_URI, OKTA_CLIENT_ID, OKTA_CLIENT_SECRET
/// let orders = outgoing.target("https://orders.example.com")?.for_machine(["orders:read"]);
/// # drop(orders); Ok(())
/// # }
/// ```
///
/// Building needs no network, so a worker starts during an outage of Okta.
#[derive(Clone)]
pub struct Outgoing {
    machine_tokens: MachineTokens,
    token_exchange: TokenExchange,
    #[cfg(feature = "id-jag")]
    endpoint: Arc<TokenEndpoint>,
    clock: SharedClock,
}

impl Outgoing {
    /// Reads the `OKTA_*` variables of the process. It needs `OKTA_ISSUER_URI`, `OKTA_CLIENT_ID`, and a client secret
    /// or a private key.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid) if a setting is missing or invalid; the message lists
    /// every problem with its fix.
    pub fn from_env() -> Result<Self> {
        Self::builder().from_env().build()
    }

    /// Builds the service from settings in code, in addition to the variables or instead of them.
    pub fn builder() -> OutgoingBuilder {
        OutgoingBuilder::default()
    }

    /// Creates the service of an application with a provider.
    pub(crate) fn new(provider: &Arc<Provider>, clock: SharedClock) -> Self {
        Self::of(TokenEndpoint::new(Arc::clone(provider), clock.clone()), clock)
    }

    fn of(endpoint: TokenEndpoint, clock: SharedClock) -> Self {
        let endpoint = Arc::new(endpoint);
        let machine_tokens = MachineTokens::new(Arc::clone(&endpoint));
        let token_exchange = TokenExchange::new(Arc::clone(&endpoint));
        Self {
            machine_tokens,
            token_exchange,
            #[cfg(feature = "id-jag")]
            endpoint,
            clock,
        }
    }

    #[cfg(feature = "okta-api")]
    pub(crate) fn provider(&self) -> &Arc<Provider> {
        self.machine_tokens.provider()
    }

    /// Returns the access tokens for the application itself.
    pub fn machine_tokens(&self) -> &MachineTokens {
        &self.machine_tokens
    }

    /// Returns the access tokens for other APIs in exchange for those that this application received.
    pub fn token_exchange(&self) -> &TokenExchange {
        &self.token_exchange
    }

    /// Returns the tokens of another app's authorization server for the users of this application (Cross App Access).
    /// `server` contains the issuer of that server, and the client id and the credential that the server gave to this
    /// application. Create the returned value once and reuse it; clones share its cache. See [`IdJagTokens`].
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid), listing every problem with its fix, if the settings
    /// of `server` are invalid or this application has no credential of its own.
    #[cfg(feature = "id-jag")]
    pub fn id_jag(&self, server: ConfigBuilder) -> Result<IdJagTokens> {
        IdJagTokens::new(Arc::clone(&self.endpoint), server)
    }

    /// Names an API by its origin, such as `https://orders.example.com`. Tokens are sent to no other origin.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid) if the text is not an origin, or if it is http for
    /// another machine.
    pub fn target(&self, origin: &str) -> Result<Target> {
        let tokens = (self.machine_tokens.clone(), self.token_exchange.clone());
        let dpop = Arc::clone(&self.machine_tokens.provider().protocol.dpop);
        Target::new(origin, tokens, (self.clock.clone(), dpop))
    }
}

/// Builds an [`Outgoing`] without sessions and a web framework. A setting in code takes precedence over its variable.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::outgoing::Outgoing;
///
/// # fn vault(_: &str) -> &'static str { "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa" }
/// # fn main() -> Result<(), okta_auth::Error> {
/// let outgoing = Outgoing::builder()
///     .from_env()
///     .issuer("https://acme.okta.com/oauth2/default")
///     .client_id("0oa1abcdXYZ2efGhI5d7")
///     .client_secret(vault("client-secret"))
///     .build()?;
/// # drop(outgoing); Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct OutgoingBuilder {
    config: ConfigBuilder,
    clock: SharedClock,
}

impl From<ConfigBuilder> for OutgoingBuilder {
    /// Starts from settings that were made elsewhere.
    fn from(config: ConfigBuilder) -> Self {
        Self { config, ..Self::default() }
    }
}

macro_rules! settings {
    ($($name:ident($($value:ident: $type:ty)?);)*) => {
        /// The settings of [`ConfigBuilder`](crate::config::ConfigBuilder) that the service needs.
        impl OutgoingBuilder {
            $(
                #[doc = concat!("See [`ConfigBuilder::", stringify!($name), "`](crate::config::ConfigBuilder::", stringify!($name), ").")]
                pub fn $name(mut self $(, $value: $type)?) -> Self {
                    self.config = self.config.$name($($value)?);
                    self
                }
            )*
        }
    };
}

settings! {
    issuer(url: impl Into<String>);
    client_id(id: impl Into<String>);
    client_secret(secret: impl Into<String>);
    client_secret_in_body();
    client_secret_jwt();
    private_key(key: PrivateKey);
    dpop(required: bool);
    dpop_auto();
    dpop_key(key: PrivateKey);
    http_timeout(time: Duration);
    http_proxy(url: impl Into<String>);
}

impl OutgoingBuilder {
    /// Reads the `OKTA_*` variables of the process; see [`config`](crate::config). Settings in code take precedence,
    /// whether they come before or after this call.
    #[allow(clippy::wrong_self_convention, reason = "it reads the environment, like `from_env` of other builders")]
    pub fn from_env(mut self) -> Self {
        self.config = self.config.with_variables(Variables::from_process());
        self
    }

    /// Reads these variables instead of those of the process, for tests and for other sources.
    #[allow(clippy::wrong_self_convention, reason = "as for `from_env`")]
    pub fn from_variables<K: Into<String>, V: Into<String>>(self, variables: impl IntoIterator<Item = (K, V)>) -> Self {
        Self { config: self.config.with_variables(Variables::from_pairs(variables)), ..self }
    }

    /// Whether the variables or the settings name an Okta org, a client or its credentials; see
    /// [`ConfigBuilder::names_an_org`].
    pub fn names_an_org(&self) -> bool {
        self.config.names_an_org()
    }

    /// Replaces the system clock, for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Validates the settings, without network access. Settings of sign-in, sessions and cookies are not needed and
    /// have no effect.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid) if a setting is missing or invalid; the message lists
    /// every problem with its fix.
    pub fn build(self) -> Result<Outgoing> {
        let (config, clock): (Config, _) = (self.config.api_only().build()?, self.clock);
        let settings = HttpSettings::with_timeout(config.app.options.http_timeout);
        let http = HttpClient::operator(&settings, config.ways.clone(), clock.clone())?;
        let provider = Provider::new(Arc::new(config), http, clock.clone());
        let endpoint = TokenEndpoint::new(provider, clock.clone());
        endpoint.check_client()?;
        Ok(Outgoing::of(endpoint, clock))
    }
}

opaque_debug!(Outgoing, |it| machine_tokens: it.machine_tokens);

opaque_debug!(OutgoingBuilder, |it| config: it.config);
