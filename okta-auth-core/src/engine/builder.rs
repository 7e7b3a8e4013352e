//! Builds the engine.

use std::fmt;
use std::sync::{Arc, Weak};

use super::context::ExclusiveSessions;
use super::{Inner, OktaAuth};
use crate::bearer::BearerVerifier;
use crate::clock::{Clock, SharedClock};
use crate::config::{Config, ConfigBuilder, EgressPolicy, Variables};
use crate::cookie::{CookieKeys, CookieSettings};
use crate::error::{Code, Error, Result};
use crate::events::{Event, EventHook, Events};
use crate::http::{HttpClient, HttpSettings};
use crate::login::{PendingLogins, UsedStates};
use crate::logout::{DeferredLogouts, Logout};
use crate::policy::{DefaultAccess, PolicySet, RouteAccess};
use crate::protocol::Provider;
use crate::routing::{Mounting, RouteTable, SpecialRoutes};
use crate::session::{RefreshState, Refresher, SessionAdmin, SessionBackend, SessionStore, TokenRevoker};
use crate::sign_in::{LoginFlow, SignInHook};
use crate::tenant::TenantSettings;

/// Builds an [`OktaAuth`] from settings, policies, hooks, and optionally a store and a test
/// clock.
///
/// A setting in code takes precedence over its variable, and a variable over the default.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::OktaAuth;
/// use okta_auth::policy::{PolicySet, group};
/// use okta_auth::session::MemoryStore;
///
/// # fn main() -> Result<(), okta_auth::error::Error> {
/// let auth = OktaAuth::builder()
///     .from_env()
/// #   .issuer("https://acme.okta.com").client_id("0oa1")
///     .mount_path("/portal")
///     .session_store(MemoryStore::new(10_000))
///     .policies(PolicySet::default().protect("/portal/admin", group("Admins")))
///     .build()?;
/// assert!(auth.policies().route("/portal/admin").is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct OktaAuthBuilder {
    pub(super) config: ConfigBuilder,
    clock: SharedClock,
    hook: Option<Arc<dyn SignInHook>>,
    policies: PolicySet,
    /// The public routes, and the access to routes without a policy; both apply to every
    /// tenant.
    public: Vec<String>,
    default_access: Option<DefaultAccess>,
    access: Option<Arc<RouteAccess>>,
    store: Option<Arc<dyn SessionStore>>,
    special: SpecialRoutes,
    /// The state that engines of several tenants share.
    common: Option<Common>,
    tenant: Option<Arc<TenantSettings>>,
    exclusive: Option<Weak<dyn ExclusiveSessions>>,
    event_hooks: Vec<EventHook>,
}

/// The state that engines of several tenants share: one store and one set of caches, whose
/// keys all contain the tenant, and one connection pool, with limits and failures per
/// tenant.
#[derive(Clone)]
struct Common {
    place: SessionBackend,
    refreshes: Arc<RefreshState>,
    used_states: Arc<UsedStates>,
    deferred_logouts: Arc<DeferredLogouts>,
    mounting: Arc<Mounting>,
    http: HttpClient,
}

impl Common {
    /// Creates the state of a single engine, whose issuer the operator configured.
    fn of_one(config: &Config, store: Option<Arc<dyn SessionStore>>, clock: &SharedClock) -> Result<Self> {
        let place = SessionBackend::new(&config.session_place, &config.revocation_place, store, clock)?;
        let http = HttpClient::operator(&http_settings(config), config.ways.clone(), clock.clone())?;
        let (refreshes, used_states, deferred_logouts, mounting) = Default::default();
        Ok(Self { place, refreshes, used_states, deferred_logouts, mounting, http })
    }

    /// Adapts the shared state to a tenant. Its issuers are not the operator's, so the
    /// egress policy applies.
    fn of_tenant(self, config: &Config, tenant: Option<&TenantSettings>) -> Result<Self> {
        if let Some(tenant) = tenant {
            for issuer in config.issuers().chain(&config.former_issuers) {
                self.http.policy().check_issuer(issuer).map_err(|error| {
                    Error::new(Code::ConfigInvalid, format!("the tenant {} cannot be used: {error}", tenant.id))
                })?;
            }
        }
        Ok(Self { http: self.http.for_tenant(&http_settings(config)), ..self })
    }
}

fn http_settings(config: &Config) -> HttpSettings {
    HttpSettings { timeout: config.options.http_timeout, ..HttpSettings::default() }
}

impl From<ConfigBuilder> for OktaAuthBuilder {
    /// Starts from settings that were made elsewhere.
    fn from(config: ConfigBuilder) -> Self {
        Self { config, ..Self::default() }
    }
}

impl OktaAuthBuilder {
    /// Reads the `OKTA_*` variables of the process; see [`config`](crate::config). A setting
    /// in code takes precedence, before and after this call.
    #[allow(clippy::wrong_self_convention, reason = "it reads the environment, like `from_env` of other builders")]
    pub fn from_env(mut self) -> Self {
        self.config = self.config.with_variables(Variables::from_process());
        self
    }

    /// Reads these variables instead of those of the process, for tests and for other
    /// sources.
    #[allow(clippy::wrong_self_convention, reason = "as for `from_env`")]
    pub fn from_variables<K: Into<String>, V: Into<String>>(self, variables: impl IntoIterator<Item = (K, V)>) -> Self {
        let config = self.config.clone().with_variables(Variables::from_pairs(variables));
        self.with_config(config)
    }

    /// Whether the variables or the settings name an Okta org, a client or its credentials;
    /// see [`ConfigBuilder::names_an_org`].
    pub fn names_an_org(&self) -> bool {
        self.config.names_an_org()
    }

    /// Creates the state that all engines of this builder share: cookie keys, store,
    /// connections and refresh coordination.
    pub(crate) fn shared(mut self, egress: &EgressPolicy) -> Result<Self> {
        // Requests for tenants must not use the operator's own network routes.
        self.config = self.config.ensure_cookie_secret()?.without_operator_routes()?;
        let (sessions, revocations) = self.config.backend()?;
        let place = SessionBackend::new(&sessions, &revocations, self.store.take(), &self.clock)?;
        let http = HttpClient::new(&HttpSettings::default(), egress.clone(), self.clock.clone())?;
        let (refreshes, used_states, deferred_logouts, mounting) = Default::default();
        self.common = Some(Common { place, refreshes, used_states, deferred_logouts, mounting, http });
        Ok(self)
    }

    pub(crate) fn config(&self) -> &ConfigBuilder {
        &self.config
    }

    pub(crate) fn shared_clock(&self) -> SharedClock {
        self.clock.clone()
    }

    pub(crate) fn with_config(mut self, config: ConfigBuilder) -> Self {
        self.config = config;
        self
    }

    pub(crate) fn for_tenant(
        mut self,
        tenant: Arc<TenantSettings>,
        access: Arc<RouteAccess>,
        exclusive: Option<Weak<dyn ExclusiveSessions>>,
    ) -> Self {
        self.tenant = Some(tenant);
        self.exclusive = exclusive;
        self.access = Some(access);
        self
    }

    /// Combines a set of policies with the application's settings for all routes.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] if settings of a route contradict each other.
    pub(crate) fn access_of(&self, policies: PolicySet) -> Result<Arc<RouteAccess>> {
        let policies = policies.with_application(&self.public, self.default_access);
        Ok(Arc::new(RouteAccess::new(policies)?))
    }

    pub(crate) fn route_options(&self) -> SpecialRoutes {
        self.special.clone()
    }

    /// Keeps sessions in this store, and ignores `OKTA_SESSION_STORE`. Several applications can share one store, because each sees
    /// only its own sessions.
    pub fn session_store(mut self, store: impl SessionStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Refreshes tokens only on demand for this route: not before the handler, but when the
    /// handler asks for the access token. This suits routes that need no fresh claims, such
    /// as images. `route` is the router's pattern.
    pub fn refresh_on_demand(mut self, route: impl Into<String>) -> Self {
        self.special.on_demand.push(route.into());
        self
    }

    /// Does not count requests to this route as activity of the session. This suits
    /// polling, which would otherwise keep the session alive without a user. The requests
    /// are answered as usual. `route` is the router's pattern.
    ///
    /// A script can mark a single request with the header `X-Session-Activity: none`.
    pub fn passive_route(mut self, route: impl Into<String>) -> Self {
        self.special.passive.push(route.into());
        self
    }

    /// Sets the hook that runs at each sign-in before the session is created. It can create
    /// the user's record, add data to the session, or reject the sign-in.
    pub fn on_sign_in(mut self, hook: impl SignInHook) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Adds a hook for [events](crate::events). It runs in the request that causes the
    /// event, after the event is logged. Several hooks run in the order in which they were
    /// added.
    ///
    /// A hook must be fast, because it delays the request, and during a refresh all
    /// requests that wait for the new tokens. Send slow work to a channel. A panic of a
    /// hook is logged and has no other effect: no request fails and no token is lost.
    pub fn on_event(mut self, hook: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.event_hooks.push(Arc::new(hook));
        self
    }

    /// Sets the policies by name and by route. The policy of a route is evaluated for every
    /// request that the router matches to the route.
    pub fn policies(mut self, policies: PolicySet) -> Self {
        self.policies = policies;
        self
    }

    /// Requires a signed-in user for every request, except for requests to these routes.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// # use okta_auth::OktaAuth;
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// let auth = OktaAuth::builder()
    ///     .from_env()
    /// #   .issuer("https://acme.okta.com").client_id("0oa1")
    ///     .protect_all_except(["/", "/health"])
    ///     .build()?;
    /// # drop(auth); Ok(())
    /// # }
    /// ```
    ///
    /// A route is written as the router has it, with the prefix of every `nest` or scope.
    /// Requests without a route, such as those to a fallback, require a user too. The
    /// library's own paths are public. List a route for access tokens here as well, and
    /// protect it by `require_token`. In an `api_only` application an access token replaces
    /// the session.
    ///
    /// The setting applies to every tenant and in addition to every policy: a default in a
    /// file cannot open routes that are closed here.
    ///
    /// The layer checks before the handler and before inner layers. A CORS layer has to be
    /// outside of it, so that it answers preflight requests.
    ///
    /// In actix-web a public route must be a path without parameters, because guards can
    /// make actix-web serve a request by another route whose pattern matches too.
    pub fn protect_all_except<R: Into<String>>(mut self, public: impl IntoIterator<Item = R>) -> Self {
        self.default_access = Some(DefaultAccess::SignedIn);
        self.public_routes(public)
    }

    /// Lists routes as public: requests to them are always allowed, regardless of
    /// [`PolicySet::default_access`]. A handler that extracts a `User` still requires one.
    ///
    /// With many tenants, public routes without parameters also answer requests for hosts
    /// that belong to no tenant. Their handlers get no tenant there, and one that asks for
    /// a user is 404.
    pub fn public_routes<R: Into<String>>(mut self, routes: impl IntoIterator<Item = R>) -> Self {
        self.public.extend(routes.into_iter().map(Into::into));
        self
    }

    /// Replaces the system clock, for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Validates the settings and builds the engine, without network access.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid), listing every problem
    /// with its fix. [`Code::PolicyInvalid`](crate::error::Code::PolicyInvalid) if settings
    /// of a route contradict each other.
    pub fn build(self) -> Result<OktaAuth> {
        let access = self.access.clone().map_or_else(|| self.access_of(self.policies.clone()), Ok)?;
        let mut config = self.config.build()?;
        if access.policies().has_route_for_both() {
            config.check_tokens_on_pages();
        }
        let config = Arc::new(config);
        let clock = self.clock;
        let Common { place, refreshes, used_states, deferred_logouts, mounting, http } = match self.common {
            Some(common) => common.of_tenant(&config, self.tenant.as_deref())?,
            None => Common::of_one(&config, self.store, &clock)?,
        };
        let provider = Provider::new(Arc::clone(&config), http, clock.clone());
        let keys = cookie_keys(&config)?;
        let cookies = CookieSettings::new(config.is_secure());
        let pending_logins = PendingLogins::new(&keys, cookies.clone(), &config)?;
        let own = config.routes.own().map(str::to_owned).collect();
        let routes = RouteTable::new(vec![Arc::clone(&access)], own, self.special);
        let sessions = Arc::new(place.sessions(&config, &keys)?);
        let events = Arc::new(Events::new(config.issuer.as_str(), &config.client_id, clock.clone(), self.event_hooks));
        let revoker = TokenRevoker::new(provider.clone());
        let session_admin = Arc::new(SessionAdmin::new((&config, &sessions), revoker, &events, clock.clone()));
        let ended = (Arc::clone(&sessions), Arc::clone(session_admin.revoker()));
        let refresher = Refresher::new(provider.clone(), ended, Arc::clone(&events), clock.clone(), refreshes);
        let states = Arc::clone(&used_states);
        let (for_login, tenant) = (provider.clone(), self.tenant.clone());
        let login = LoginFlow::new(for_login, clock.clone(), pending_logins, states, tenant, self.hook);
        let logout = Logout::new(
            Arc::clone(&session_admin),
            provider.clone(),
            (deferred_logouts, used_states),
            (&keys, cookies),
        )?;
        Ok(OktaAuth(Arc::new(Inner {
            bearer: BearerVerifier::new(&provider, clock.clone(), access.policies().has_route_for_both()),
            provider,
            access,
            routes,
            login,
            sessions,
            session_admin,
            refresher,
            logout,
            tenant: self.tenant,
            exclusive: self.exclusive,
            events,
            mounting,
            config,
            clock,
        })))
    }
}

fn cookie_keys(config: &Config) -> Result<CookieKeys> {
    match config.cookie_secrets.as_slice() {
        [] => CookieKeys::random(),
        secrets => Ok(CookieKeys::new(secrets)),
    }
}

impl fmt::Debug for OktaAuthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaAuthBuilder").field("hook", &self.hook.is_some()).finish_non_exhaustive()
    }
}
