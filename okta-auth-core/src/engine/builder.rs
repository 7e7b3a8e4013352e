//! Builds the engine.

use std::fmt;
use std::sync::Arc;

use super::OktaAuth;
use super::app::{App, AppAccess, SharedState};
use crate::clock::{Clock, SharedClock};
use crate::config::{ConfigBuilder, EgressPolicy, Variables};
use crate::cookie::CookieKeys;
use crate::error::Result;
use crate::events::{Event, EventHook};
use crate::http::{HttpClient, HttpSettings};
use crate::policy::{DefaultAccess, PolicySet};
use crate::routing::SpecialRoutes;
use crate::session::{SessionBackend, SessionStore};
use crate::sign_in::SignInHook;

/// Builds an [`OktaAuth`] from settings, policies, hooks, and optionally a store and a test clock.
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
    access: AppAccess,
    store: Option<Arc<dyn SessionStore>>,
    special: SpecialRoutes,
    event_hooks: Vec<EventHook>,
}

impl From<ConfigBuilder> for OktaAuthBuilder {
    /// Starts from settings that were made elsewhere.
    fn from(config: ConfigBuilder) -> Self {
        Self { config, ..Self::default() }
    }
}

impl OktaAuthBuilder {
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

    /// Keeps sessions in this store, and ignores `OKTA_SESSION_STORE`. Several applications can share one store,
    /// because each sees only its own sessions.
    pub fn session_store(mut self, store: impl SessionStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Refreshes tokens only on demand for this route: not before the handler, but when the handler asks for the access
    /// token. This suits routes that need no fresh claims, such as images. `route` is the router's pattern.
    pub fn refresh_on_demand(mut self, route: impl Into<String>) -> Self {
        self.special.on_demand.push(route.into());
        self
    }

    /// Does not count requests to this route as activity of the session. This suits polling, which would otherwise keep
    /// the session alive without a user. The requests are answered as usual. `route` is the router's pattern.
    ///
    /// A script can mark a single request with the header `X-Session-Activity: none`.
    pub fn passive_route(mut self, route: impl Into<String>) -> Self {
        self.special.passive.push(route.into());
        self
    }

    /// Signs anonymous users in at this route if they have a session at Okta, without a prompt: the browser goes to
    /// Okta and back (`prompt=none`, OIDC Core §3.1.2.1), once until it is closed. Users without a session at Okta, and
    /// users who have signed out, see the page as it is. This suits public pages that take an `Option<User>`. `route`
    /// is the router's pattern.
    ///
    /// Clients that accept no cookies, such as crawlers, get an error page when they return from Okta.
    pub fn silent_login(mut self, route: impl Into<String>) -> Self {
        self.special.silent_login.push(route.into());
        self
    }

    /// Sets the hook that runs at each sign-in before the session is created. It can create the user's record, add data
    /// to the session, or reject the sign-in.
    pub fn on_sign_in(mut self, hook: impl SignInHook) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Adds a hook for [events](crate::events). It runs in the request that causes the event, after the event is
    /// logged. Several hooks run in the order in which they were added.
    ///
    /// A hook must be fast, because it delays the request, and during a refresh all requests that wait for the new
    /// tokens. Send slow work to a channel. A panic of a hook is logged and has no other effect: no request fails and
    /// no token is lost.
    pub fn on_event(mut self, hook: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.event_hooks.push(Arc::new(hook));
        self
    }

    /// Sets the policies by name and by route. The policy of a route is evaluated for every request that the router
    /// matches to the route.
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
    /// A route is written as the router has it, with the prefix of every `nest` or scope. Requests without a route,
    /// such as those to a fallback, require a user too. The library's own paths are public. List a route for access
    /// tokens here as well, and protect it by `require_token`. In an `api_only` application an access token replaces
    /// the session.
    ///
    /// The setting applies to every tenant and in addition to every policy: a default in a file cannot open routes that
    /// are closed here.
    ///
    /// The layer checks before the handler and before inner layers. A CORS layer has to be outside of it, so that it
    /// answers preflight requests.
    ///
    /// In actix-web a public route must be a path without parameters, because guards can make actix-web serve a request
    /// by another route whose pattern matches too.
    pub fn protect_all_except<R: Into<String>>(mut self, public: impl IntoIterator<Item = R>) -> Self {
        self.access.default = Some(DefaultAccess::SignedIn);
        self.public_routes(public)
    }

    /// Lists routes as public: requests to them are always allowed, regardless of [`PolicySet::default_access`]. A
    /// handler that extracts a `User` still requires one.
    ///
    /// With many tenants, public routes without parameters also answer requests for hosts that belong to no tenant.
    /// Their handlers get no tenant there, and one that asks for a user answers 404.
    pub fn public_routes<R: Into<String>>(mut self, routes: impl IntoIterator<Item = R>) -> Self {
        self.access.public.extend(routes.into_iter().map(Into::into));
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
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid), listing every problem with its fix.
    /// [`Code::PolicyInvalid`](crate::error::Code::PolicyInvalid) if settings of a route contradict each other.
    pub fn build(self) -> Result<OktaAuth> {
        let access = self.access.of(self.policies)?;
        let (config, clock) = (self.config.build()?, self.clock);
        let backend = SessionBackend::new(&config.session_place, &config.revocation_place, self.store, &clock)?;
        let http = HttpClient::operator(
            &HttpSettings::with_timeout(config.app.options.http_timeout),
            config.ways.clone(),
            clock.clone(),
        )?;
        let app = App {
            clock,
            hook: self.hook,
            event_hooks: self.event_hooks.into(),
            special: self.special,
            access: self.access,
            backend,
            http,
            keys: Arc::new(CookieKeys::of_secrets(&config.cookie_secrets)?),
            shared: SharedState::default(),
        };
        app.only_engine(config, access)
    }

    pub(crate) fn config(&self) -> &ConfigBuilder {
        &self.config
    }

    /// Separates the application of several tenants from the settings and the policies that tenants inherit.
    pub(crate) fn into_app(self, egress: &EgressPolicy) -> Result<(Arc<App>, ConfigBuilder, PolicySet)> {
        // Requests for tenants must not use the operator's own network routes.
        let config = self.config.ensure_cookie_secret()?.without_operator_routes()?;
        let ((sessions, revocations), clock) = (config.backend()?, self.clock);
        let app = App {
            backend: SessionBackend::new(&sessions, &revocations, self.store, &clock)?,
            http: HttpClient::new(&HttpSettings::default(), egress.clone(), clock.clone())?,
            clock,
            hook: self.hook,
            event_hooks: self.event_hooks.into(),
            special: self.special,
            access: self.access,
            keys: Arc::new(CookieKeys::of_secrets(&config.secrets())?),
            shared: SharedState::default(),
        };
        Ok((Arc::new(app), config, self.policies))
    }
}

impl fmt::Debug for OktaAuthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaAuthBuilder").field("hook", &self.hook.is_some()).finish_non_exhaustive()
    }
}
