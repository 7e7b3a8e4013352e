//! Puts the parts together.

use std::fmt;
use std::sync::Arc;

use super::hook::SignInHook;
use super::messages::Senders;
use super::renewal::Renewals;
use super::{Inner, OktaAuth};
use crate::bearer::{AccessTokens, Authority, Introspection};
use crate::clock::{Clock, SharedClock};
use crate::config::{Config, ConfigBuilder, EgressPolicy, Issuer};
use crate::cookie::{CookieKeys, CookieSettings};
use crate::discovery::Discovery;
use crate::error::Result;
use crate::http::{HttpClient, HttpSettings};
use crate::jose::{Algorithm, Keys, KeysSettings, Verifier};
use crate::login::{Attempts, Consumed};
use crate::policy::PolicySet;
use crate::protocol::Protocol;
use crate::session::SessionStore;

/// Builds an [`OktaAuth`]: settings, policies, the application's hook, and a clock for tests.
///
/// ```
/// use okta_auth_core::OktaAuth;
/// use okta_auth_core::config::ConfigBuilder;
/// use okta_auth_core::policy::{PolicySet, group};
///
/// # fn main() -> Result<(), okta_auth_core::error::Error> {
/// let config = ConfigBuilder::default()
///     .issuer("https://dev-12345678.okta.com/oauth2/default")
///     .client_id("0oa1abcdXYZ2efGhI5d7");
/// let auth = OktaAuth::builder(config)
///     .policies(PolicySet::default().protect("/admin", group("Admins")))
///     .build()?;
/// assert!(auth.policies().route("/admin").is_some());
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct OktaAuthBuilder {
    config: ConfigBuilder,
    clock: SharedClock,
    hook: Option<Arc<dyn SignInHook>>,
    policies: PolicySet,
    store: Option<Arc<dyn SessionStore>>,
    on_demand: Vec<String>,
}

impl OktaAuthBuilder {
    /// Starts with the system clock and without a hook.
    pub(super) fn new(config: ConfigBuilder) -> Self {
        let (hook, policies, store, on_demand) = Default::default();
        Self { config, clock: SharedClock::default(), hook, policies, store, on_demand }
    }

    /// Keeps sessions in a store of the application's own, whatever `OKTA_SESSION_STORE` says. To
    /// use one store for several applications is fine: they do not see each other's sessions.
    pub fn session_store(mut self, store: impl SessionStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Does not renew tokens when a request to this route arrives, only when its handler asks for
    /// the access token: for routes that need no fresh claims, such as pictures. `route` is the
    /// pattern as the router has it.
    pub fn renew_on_demand(mut self, route: impl Into<String>) -> Self {
        self.on_demand.push(route.into());
        self
    }

    /// Called at each sign-in before the session is made: to create the user's record,
    /// to add to the session, or to refuse.
    pub fn on_sign_in(mut self, hook: impl SignInHook) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Policies by name, and for routes. Those for routes are asked about every request
    /// that the router matches to the route.
    pub fn policies(mut self, policies: PolicySet) -> Self {
        self.policies = policies;
        self
    }

    /// Another clock than the system's, for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Checks the settings and builds. Touches no network.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid), listing every
    /// problem with its fix.
    pub fn build(self) -> Result<OktaAuth> {
        let config = Arc::new(self.config.build()?);
        let clock = self.clock;
        let settings = HttpSettings { timeout: config.options.http_timeout, ..HttpSettings::default() };
        let http = HttpClient::new(&settings, EgressPolicy::operator(), clock.clone())?;
        let verifier = Arc::new(verifier(&config, &http, &clock));
        let discovery = Discovery::new(config.issuer.clone(), http.clone(), clock.clone());
        let access_tokens = access_tokens(&config, &http, &clock, (&discovery, &verifier));
        let keys = match config.cookie_secrets.as_slice() {
            [] => CookieKeys::random()?,
            secrets => CookieKeys::new(secrets),
        };
        let attempts = Attempts::new(&keys, CookieSettings::new(config.is_secure()), &config)?;
        let senders = Senders::new(&config.issuer, |issuer| authority(issuer, &config, &http, &clock));
        // Signing out needs no fresh claims, least of all while Okta is away.
        let own = config.routes.own().map(str::to_owned);
        let on_demand = self.on_demand.into_iter().chain(own).collect();
        let sessions = super::places::sessions(&config, &keys, self.store, &clock)?;
        Ok(OktaAuth(Arc::new(Inner {
            discovery,
            protocol: Protocol::new(Arc::clone(&config), http, clock.clone()),
            verifier,
            access_tokens,
            policies: self.policies,
            attempts,
            consumed: Consumed::default(),
            sessions,
            renewals: Renewals::default(),
            on_demand,
            senders,
            hook: self.hook,
            config,
            clock,
        })))
    }
}

/// The verifier with its keys; the names of the algorithms have been checked.
fn verifier(config: &Config, http: &HttpClient, clock: &SharedClock) -> Verifier {
    let settings = KeysSettings { floor: config.options.jwks_refetch_floor, ..KeysSettings::default() };
    let keys = Keys::new(http.clone(), clock.clone(), settings);
    let allowed = config.options.algorithms.iter().filter_map(|name| Algorithm::parse(name)).collect();
    Verifier::new(keys, allowed, config.options.leeway, clock.clone())
}

/// The access tokens of every issuer that is accepted. The first issuer shares its metadata and
/// keys with sign-in; each other one has its own.
fn access_tokens(
    config: &Arc<Config>,
    http: &HttpClient,
    clock: &SharedClock,
    (discovery, own): (&Discovery, &Arc<Verifier>),
) -> AccessTokens {
    let first = Authority { issuer: config.issuer.clone(), discovery: discovery.clone(), verifier: Arc::clone(own) };
    let others = config.accepted_issuers.iter().map(|issuer| authority(issuer.clone(), config, http, clock));
    let authorities = std::iter::once(first).chain(others).collect();
    let options = &config.options;
    let introspection = (!config.client_id.is_empty()).then(|| {
        let clients = std::iter::once(&config.client_id).chain(&options.accepted_clients).cloned().collect();
        let protocol = Protocol::new(Arc::clone(config), http.clone(), clock.clone());
        Introspection::new(protocol, clients, options.introspection_lifetime, options.leeway)
    });
    AccessTokens::new(authorities, config.audiences.clone(), options.token_cache_size, introspection, clock.clone())
}

/// Metadata and keys of an issuer besides that of sign-in.
fn authority(issuer: Issuer, config: &Config, http: &HttpClient, clock: &SharedClock) -> Authority {
    let discovery = Discovery::new(issuer.clone(), http.clone(), clock.clone());
    Authority { issuer, discovery, verifier: Arc::new(verifier(config, http, clock)) }
}

impl fmt::Debug for OktaAuthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaAuthBuilder").field("hook", &self.hook.is_some()).finish_non_exhaustive()
    }
}
