//! The application: what the engines of all its providers share.

use std::sync::{Arc, OnceLock, Weak};

use super::context::ExclusiveSessions;
use super::{Inner, OktaAuth};
use crate::bearer::{BearerVerifier, DpopVerifier, ProofMemories};
use crate::browser_kit::BrowserKit;
use crate::clock::SharedClock;
use crate::config::{AppConfig, Config};
use crate::cookie::{CookieKeys, CookieSettings};
use crate::error::{Code, Error, Result};
use crate::events::{EventHook, Events};
use crate::http::{HttpClient, HttpSettings};
use crate::login::{PendingLogins, UsedStates};
use crate::logout::{DeferredLogouts, Logout};
use crate::policy::{DefaultAccess, PolicySet, RouteAccess};
use crate::protocol::Provider;
use crate::routing::{Mounting, RouteTable, SpecialRoutes};
use crate::session::{RefreshState, Refresher, SessionAdmin, SessionBackend, TokenRevoker};
use crate::sign_in::{LoginFlow, SignInHook};
use crate::site::Site;
use crate::tenant::TenantSettings;

/// An application, whatever provider signs its users in. It has one store and one set of caches, whose keys all contain
/// the tenant, and one connection pool, with limits and failures for each tenant.
pub(crate) struct App {
    pub(crate) clock: SharedClock,
    pub(super) hook: Option<Arc<dyn SignInHook>>,
    pub(super) event_hooks: Arc<[EventHook]>,
    pub(crate) special: SpecialRoutes,
    pub(super) access: AppAccess,
    pub(super) backend: SessionBackend,
    pub(super) http: HttpClient,
    pub(super) keys: Arc<CookieKeys>,
    pub(super) shared: SharedState,
}

/// The public routes, and the access to routes without a policy. Both apply to every tenant.
#[derive(Clone, Default)]
pub(super) struct AppAccess {
    pub(super) public: Vec<String>,
    pub(super) default: Option<DefaultAccess>,
}

#[derive(Clone, Default)]
pub(super) struct SharedState {
    refreshes: Arc<RefreshState>,
    used_states: Arc<UsedStates>,
    deferred_logouts: Arc<DeferredLogouts>,
    mounting: Arc<Mounting>,
    used_proofs: ProofMemories,
}

impl AppAccess {
    /// Combines a set of policies with the application's settings for all routes.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] if settings of a route contradict each other.
    pub(super) fn of(&self, policies: PolicySet) -> Result<Arc<RouteAccess>> {
        Ok(Arc::new(RouteAccess::new(policies.with_application(&self.public, self.default))?))
    }
}

impl App {
    pub(super) fn route_table(&self, site: &Site) -> RouteTable {
        let (access, routes) = (Arc::clone(&site.access), &site.config.routes);
        let special = self.special.clone().with_passive_reads(routes.browser_kit());
        RouteTable::new(vec![access], routes.own().map(str::to_owned).collect(), special)
    }

    /// The site of requests that belong to no tenant.
    pub(crate) fn site_without_tenant(&self, config: AppConfig, access: Arc<RouteAccess>) -> Arc<Site> {
        let events = Events::new(None, self.clock.clone(), Arc::clone(&self.event_hooks));
        Arc::new(self.site(Arc::new(config), access, events))
    }

    fn site(&self, config: Arc<AppConfig>, access: Arc<RouteAccess>, events: Events) -> Site {
        Site { config, access, events: Arc::new(events), mounting: Arc::clone(&self.shared.mounting) }
    }

    /// Combines a set of policies with the application's settings for all routes.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] if settings of a route contradict each other.
    pub(crate) fn access_of(&self, policies: PolicySet) -> Result<Arc<RouteAccess>> {
        self.access.of(policies)
    }

    /// Creates the engine of a tenant. Its issuers are not the operator's, so the egress policy applies.
    pub(crate) fn engine_of_tenant(
        self: &Arc<Self>,
        config: Config,
        access: Arc<RouteAccess>,
        tenant: Arc<TenantSettings>,
        exclusive: Option<Weak<dyn ExclusiveSessions>>,
    ) -> Result<OktaAuth> {
        for issuer in config.issuers().chain(&config.former_issuers) {
            self.http.policy().check_issuer(issuer).map_err(|error| {
                Error::new(Code::ConfigInvalid, format!("the tenant {} cannot be used: {error}", tenant.id))
            })?;
        }
        let http = self.http.with_settings(&HttpSettings::with_timeout(config.app.options.http_timeout));
        self.engine(config, access, http, (Some(tenant), exclusive))
    }

    /// Creates the engine of an application with a single provider.
    pub(super) fn only_engine(self, config: Config, access: Arc<RouteAccess>) -> Result<OktaAuth> {
        let http = self.http.clone();
        Arc::new(self).engine(config, access, http, (None, None))
    }

    fn engine(
        self: &Arc<Self>,
        mut config: Config,
        access: Arc<RouteAccess>,
        http: HttpClient,
        (tenant, exclusive): (Option<Arc<TenantSettings>>, Option<Weak<dyn ExclusiveSessions>>),
    ) -> Result<OktaAuth> {
        if access.policies().has_route_for_both() {
            config.check_tokens_on_pages();
        }
        // The application has the keys that are derived from them.
        config.cookie_secrets = Vec::new();
        let (config, clock, keys) = (Arc::new(config), self.clock.clone(), &self.keys);
        let SharedState { refreshes, used_states, deferred_logouts, used_proofs, .. } = self.shared.clone();
        let provider = Provider::new(Arc::clone(&config), http, clock.clone());
        let cookies = CookieSettings::new(config.app.is_secure());
        let pending_logins = PendingLogins::new(keys, cookies.clone(), &config)?;
        let sessions = Arc::new(self.backend.clone().sessions(&config, keys)?);
        let hooks = Arc::clone(&self.event_hooks);
        let events = Events::new(Some((config.issuer.as_str(), &config.client_id)), clock.clone(), hooks);
        let site = self.site(Arc::clone(&config.app), access, events);
        let revoker = TokenRevoker::new(Arc::clone(&provider));
        let session_admin = Arc::new(SessionAdmin::new((&config, &sessions), revoker, &site.events, clock.clone()));
        let ended = (Arc::clone(&sessions), Arc::clone(session_admin.revoker()));
        let refresher =
            Refresher::new(Arc::clone(&provider), ended, Arc::clone(&site.events), clock.clone(), refreshes);
        let states = Arc::clone(&used_states);
        let (for_login, hook) = (Arc::clone(&provider), self.hook.clone());
        let login = LoginFlow::new(for_login, clock.clone(), pending_logins, states, tenant.clone(), hook);
        let shared = (deferred_logouts, used_states);
        let logout = Logout::new(Arc::clone(&session_admin), Arc::clone(&provider), shared, (keys, cookies))?;
        let dpop = DpopVerifier::new(&config, keys, &used_proofs, self.backend.shared_store())?;
        Ok(OktaAuth(Arc::new(Inner {
            bearer: BearerVerifier::new(&provider, dpop, clock.clone(), site.access.policies().has_route_for_both()),
            provider,
            app: Arc::clone(self),
            site,
            routes: OnceLock::new(),
            login,
            sessions,
            session_admin,
            refresher,
            logout,
            #[cfg(feature = "client")]
            outgoing: OnceLock::new(),
            tenant,
            exclusive,
            browser_kit: BrowserKit::new(keys, &config, !self.special.silent_login.is_empty())?,
            config,
            clock,
        })))
    }
}
