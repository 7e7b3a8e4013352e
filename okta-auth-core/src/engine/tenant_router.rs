//! The tenant router: shared state, and the assignment of requests to tenants.
//!
//! # Separation of tenants
//!
//! | per tenant | shared |
//! |---|---|
//! | issuer, metadata, keys, verified tokens | connections and their TLS settings |
//! | limits and failures of requests to Okta | the egress policy |
//! | the seal of cookies, and their names | the cookie secrets |
//! | the keys of sessions, index entries and watermarks | the store, and the revocation list |
//! | policies | the application's hooks |
//!
//! Shared state has the tenant in every key or in the associated data of every seal.
//! Therefore a value of one tenant is not found, or does not open, at another.
//!
//! # Lifecycle
//!
//! The engine of a tenant is created at its first request, and again when its settings have
//! changed. Creating it needs no network.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use http::Method;
use quick_cache::sync::Cache;
use tokio::sync::oneshot;
use url::Url;

use super::authenticate::{Authentication, PendingAuthentication};
use super::builder::OktaAuthBuilder;
use super::chooser::{Choices, Chooser};
use super::context::NoTenant;
use super::realm_discovery::DiscoveryOptions;
use super::removal;
use super::route_table::RouteTable;
use super::routes::Endpoint;
use super::tenant_base_url;
use super::{OktaAuth, RouteOptions};
use crate::config::ConfigBuilder;
use crate::cookie::CookieSettings;
use crate::error::{Code, Error, Result};
use crate::headers::{Head, Headers};
use crate::policy::{MatchedRoute, RouteAccess};
use crate::tenant::{
    AppCredentials, Directory, Lookup, Resolution, Resolver, TenantId, TenantKey, TenantSettings, UniquenessIndex,
    host, named, resolve,
};

/// Capacity of the engine cache; evicted engines are created again on demand.
const READY: usize = 4096;

pub(super) struct TenantRouter {
    template: OktaAuthBuilder,
    resolvers: Vec<Resolver>,
    directory: Directory,
    ready: Cache<TenantId, Ready>,
    /// Engines are created one at a time, because two engines of a tenant would fetch its
    /// keys twice. The lock also protects the uniqueness index for tenants of a source.
    making: Mutex<UniquenessIndex>,
    /// The engine without an issuer, for requests without a tenant.
    pub(super) without_tenant: OktaAuth,
    /// The full name of the session cookie at the application's own address; each tenant
    /// appends its id.
    session_cookie: String,
    chooser: Chooser,
    policies: HashMap<String, Arc<RouteAccess>>,
    routes: RouteTable,
    discovery: DiscoveryOptions,
    /// A weak reference to itself, for engines of exclusive tenants.
    this: Weak<Self>,
}

#[derive(Clone)]
struct Ready {
    settings: Arc<TenantSettings>,
    auth: OktaAuth,
}

impl TenantRouter {
    pub(super) fn new(
        template: OktaAuthBuilder,
        resolvers: Vec<Resolver>,
        directory: Directory,
        without_tenant: OktaAuth,
        policies: HashMap<String, Arc<RouteAccess>>,
    ) -> Self {
        let (base, name) = template.config().shared();
        let secure = Url::parse(base).is_ok_and(|base| base.scheme() == "https");
        let session_cookie = CookieSettings::new(secure).name(name);
        let sets = std::iter::once(&without_tenant.0.access).chain(policies.values()).cloned().collect();
        let own = without_tenant.config().routes().own().map(str::to_owned);
        let below = endpoints_below(&without_tenant, &resolvers).into_iter().map(|(_, path)| path);
        let routes = RouteTable::new(sets, own.chain(below).collect(), template.route_options());
        Self {
            session_cookie,
            chooser: Chooser::default(),
            template,
            resolvers,
            directory,
            ready: Cache::new(READY),
            making: Mutex::default(),
            without_tenant,
            policies,
            routes,
            discovery: DiscoveryOptions::default(),
            this: Weak::new(),
        }
    }

    /// Wraps the router in an `Arc` with a weak reference to itself.
    pub(super) fn shared(self) -> Arc<Self> {
        Arc::new_cyclic(|this| Self { this: Weak::clone(this), ..self })
    }

    pub(super) fn with(mut self, discovery: DiscoveryOptions) -> Self {
        self.discovery = discovery;
        self
    }

    /// Returns the library's paths for tenants that are identified without a path.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = (Endpoint, &str)> {
        Endpoint::all(self.without_tenant.config().routes())
    }

    /// Returns the library's paths below the prefixes of tenants, and the callbacks of
    /// tenants that share an address, as patterns of the router.
    pub(super) fn endpoints_below(&self) -> Vec<(Endpoint, String)> {
        endpoints_below(&self.without_tenant, &self.resolvers)
    }

    pub(super) fn routes(&self) -> &RouteTable {
        &self.routes
    }

    /// Whether a tenant's own policies restrict this route.
    pub(super) fn has_guard_of_tenant(&self, route: MatchedRoute<'_>) -> bool {
        self.routes.has_guard_of_tenant(route)
    }

    pub(super) fn forget(&self) {
        self.directory.forget();
    }

    /// Ends every session of a tenant that was removed from the source or is about to be.
    pub(super) async fn end_tenant(self: &Arc<Self>, id: &TenantId) -> Result<()> {
        let key = TenantKey::Id(id.clone());
        let ready = self.ready.get(id).map(|ready| ready.auth);
        let auth = match (ready, self.directory.last(&key)) {
            (Some(auth), _) => auth,
            (None, Some(settings)) => self.engine(&settings)?,
            (None, None) => self.find(&key).await?.ok_or_else(unknown)?,
        };
        self.directory.forget();
        // Later requests get a new engine, or none.
        self.ready.remove(id);
        auth.remove_tenant().await
    }

    /// Finds the tenant of a request, without waiting where possible.
    ///
    /// A request that discovers removed tenants waits until their sessions have ended,
    /// because a removed tenant may be added again at any time.
    pub(super) fn authenticate<H: Headers>(
        self: &Arc<Self>,
        head: Head<'_, H>,
        options: RouteOptions,
    ) -> Authentication {
        let authenticate = self.seek(head, options);
        let Some(ending) = self.end_removed() else { return authenticate };
        Authentication::Pending(PendingAuthentication::on(async move {
            // The task continues if this request is cancelled.
            ending.await.ok();
            authenticate.context().await
        }))
    }

    /// Finds the tenant from cached data, or else by querying the source.
    fn seek<H: Headers>(self: &Arc<Self>, head: Head<'_, H>, options: RouteOptions) -> Authentication {
        let hints = self.hints(head);
        for hint in &hints {
            match self.consider(hint) {
                Considered::Tenant(Ok(auth)) => return self.enter(&auth, head, options),
                Considered::Tenant(Err(error)) => return self.refused(head, error),
                Considered::NoMatch => {}
                Considered::Refused => return self.refused(head, unknown()),
                Considered::Ask => return self.ask(hints, head, options),
            }
        }
        self.discover_or_reject(head)
    }

    /// Returns the hints of the resolvers. For a callback at a shared address the tenant id
    /// in its path is used instead.
    fn hints<H: Headers>(&self, head: Head<'_, H>) -> Vec<Resolution> {
        match self.shared_callback(head.path()) {
            Some(rest) if !rest.is_empty() => vec![named(rest.strip_prefix('/').unwrap_or_default())],
            _ => {
                let says = self.says_where_to(head);
                let asked = self.resolvers.iter().filter(|resolver| !says || !matches!(resolver, Resolver::Session));
                resolve(asked, head, &self.session_cookie)
            }
        }
    }

    /// Whether a request to the application's own address names the tenant itself. Existing
    /// sessions are then ignored.
    fn says_where_to<H: Headers>(&self, head: Head<'_, H>) -> bool {
        let (routes, path) = (self.without_tenant.config().routes(), Some(head.path()));
        (*head.method == Method::POST && path == routes.login()) || path == routes.initiate_login()
    }

    /// Returns the rest of the path, for a request to the application's own callback or
    /// below it.
    fn shared_callback<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(self.without_tenant.config().routes().callback()?)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }

    /// Passes the request to its tenant.
    ///
    /// A response at the callback of another tenant, or at the callback without a tenant,
    /// is rejected. Okta sends no issuer in the response (RFC 9207), so distinct redirect
    /// URIs are the defence against mix-up attacks (RFC 9700 §4.4.2). With one redirect URI
    /// for all tenants, a malicious org could send its users to sign in at another org and
    /// receive their codes.
    fn enter<H: Headers>(
        self: &Arc<Self>,
        auth: &OktaAuth,
        head: Head<'_, H>,
        options: RouteOptions,
    ) -> Authentication {
        let own = auth.config().routes().callback();
        if self.shared_callback(head.path()).is_some() && own != Some(head.path()) {
            return self.refused(head, unknown());
        }
        auth.authenticate_head(head, options)
    }

    fn ask<H: Headers>(
        self: &Arc<Self>,
        hints: Vec<Resolution>,
        head: Head<'_, H>,
        options: RouteOptions,
    ) -> Authentication {
        let (router, owned) = (Arc::clone(self), head.to_owned());
        Authentication::Pending(PendingAuthentication::on(async move {
            let head = owned.head();
            for hint in &hints {
                let (key, required) = match hint {
                    Resolution::Required(key) => (key, true),
                    Resolution::Optional(key) => (key, false),
                    Resolution::Invalid => return router.refused(head, unknown()).context().await,
                };
                match router.find(key).await {
                    Ok(Some(auth)) => return router.enter(&auth, head, options).context().await,
                    Ok(None) if required => return router.refused(head, unknown()).context().await,
                    Ok(None) => {}
                    Err(error) => return router.refused(head, error).context().await,
                }
            }
            router.discover_or_reject(head).context().await
        }))
    }

    fn consider(&self, hint: &Resolution) -> Considered {
        let (key, required) = match hint {
            Resolution::Required(key) => (key, true),
            Resolution::Optional(key) => (key, false),
            Resolution::Invalid => return Considered::Refused,
        };
        match self.directory.look(key) {
            Lookup::Known(Some(settings)) => Considered::Tenant(self.engine(&settings)),
            Lookup::Known(None) if required => Considered::Refused,
            Lookup::Known(None) => Considered::NoMatch,
            Lookup::Ask => Considered::Ask,
        }
    }

    pub(super) async fn find(&self, key: &TenantKey) -> Result<Option<OktaAuth>> {
        self.directory.find(key).await?.map(|settings| self.engine(&settings)).transpose()
    }

    /// Returns the engine for the `iss` of third-party-initiated login.
    pub(super) async fn named_by(&self, iss: &str) -> Result<Option<OktaAuth>> {
        self.directory.named_by(iss).await?.map(|settings| self.engine(&settings)).transpose()
    }

    /// Returns the engine of a tenant: the cached one, or a new one if the settings have
    /// changed. Requests that already have the old engine keep it.
    fn engine(&self, settings: &Arc<TenantSettings>) -> Result<OktaAuth> {
        if let Some(auth) = self.ready_engine(settings) {
            return Ok(auth);
        }
        // No network access happens under this lock.
        let mut taken = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(auth) = self.ready_engine(settings) {
            return Ok(auth);
        }
        let auth = match self.directory.is_source() {
            true => self.make_one_of_source(settings, &mut taken)?,
            false => self.make(settings)?,
        };
        self.ready.insert(settings.id.clone(), Ready { settings: Arc::clone(settings), auth: auth.clone() });
        Ok(auth)
    }

    /// Creates the engine of a tenant that was not checked as a part of a table. Its claims
    /// are recorded only after the engine was created.
    fn make_one_of_source(&self, settings: &Arc<TenantSettings>, taken: &mut UniquenessIndex) -> Result<OktaAuth> {
        let current = |id: &TenantId| match self.directory.look(&TenantKey::Id(id.clone())) {
            Lookup::Known(settings) => settings,
            Lookup::Ask => self.ready.get(id).map(|ready| ready.settings),
        };
        let default = self.template.config().default_audiences();
        let younger = taken.check(settings, default, current)?;
        let auth = self.make(settings)?;
        taken.take(settings, default, current);
        for id in younger {
            tracing::warn!(
                target: "okta_auth",
                "the tenant {id} is no longer served: {} has the same client or audience, and is older", settings.id
            );
            self.ready.remove(&id);
        }
        Ok(auth)
    }

    fn make(&self, settings: &Arc<TenantSettings>) -> Result<OktaAuth> {
        AppCredentials::of(self.template.config()).check(settings)?;
        let named = settings.policies.as_ref().map(|name| {
            self.policies.get(name).cloned().ok_or_else(|| {
                let message = format!("the policy set of the tenant {} is not defined", settings.id);
                Error::new(Code::ConfigInvalid, message)
            })
        });
        let access = named.transpose()?.unwrap_or_else(|| Arc::clone(&self.without_tenant.0.access));
        let exclusive = self.discovery.exclusive.then(|| Weak::clone(&self.this));
        let template = self.template.clone().with_config(self.settings_of(settings));
        template.for_tenant(Arc::clone(settings), access, exclusive).build()
    }

    /// Returns the cached engine, if it was created for exactly these settings.
    fn ready_engine(&self, settings: &Arc<TenantSettings>) -> Option<OktaAuth> {
        let ready = self.ready.get(&settings.id)?;
        (Arc::ptr_eq(&ready.settings, settings) || ready.settings == *settings).then_some(ready.auth)
    }

    fn settings_of(&self, settings: &TenantSettings) -> ConfigBuilder {
        tenant_base_url::settings_of(
            self.template.config(),
            &self.resolvers,
            self.without_tenant.config().redirect_uri().as_str(),
            settings,
        )
    }

    /// Handles a request without a tenant: to the application's own address, or to an
    /// unknown one.
    fn discover_or_reject<H: Headers>(self: &Arc<Self>, head: Head<'_, H>) -> Authentication {
        let by_host = self.resolvers.iter().any(|one| matches!(one, Resolver::Host | Resolver::Subdomain(_)));
        let own = Url::parse(self.template.config().shared().0).ok();
        let own = own.as_ref().and_then(Url::host_str);
        if by_host && host(head).as_deref() != own {
            return self.refused(head, unknown());
        }
        Authentication::Ready(self.without_tenant.context_without_tenant(head, NoTenant::Discover(Arc::clone(self))))
    }

    /// Rejects a request with an error. The health path is still served, because it reports
    /// whether the application runs. So are the routes that the application lists as public,
    /// if the tenant does not exist.
    fn refused<H: Headers>(self: &Arc<Self>, head: Head<'_, H>, error: Error) -> Authentication {
        let error = Arc::new(error);
        let is_health_path = self.without_tenant.config().health_path.as_deref() == Some(head.path());
        if is_health_path || (error.code() == Code::TenantUnknown && self.routes.is_open(head.path())) {
            return Authentication::Ready(self.without_tenant.context_without_tenant(head, NoTenant::Public(error)));
        }
        let context = self.without_tenant.context_without_tenant(head, NoTenant::Rejected(error));
        // Adapters check only waiting requests for a response of the engine's own.
        Authentication::Pending(PendingAuthentication::on(async move { context }))
    }

    /// Ends the sessions of tenants that were removed from the file. The request continues
    /// after the first attempt.
    ///
    /// The engine is created from the settings that the tenant had when it was removed,
    /// because the cached engine may already belong to a new tenant with the same id and
    /// another client.
    fn end_removed(&self) -> Option<oneshot::Receiver<()>> {
        let end = |settings: Arc<TenantSettings>| {
            let auth = self.ready_engine(&settings).or_else(|| self.make(&settings).ok());
            self.ready.remove_if(&settings.id, |ready| ready.settings == settings);
            auth
        };
        let gone: Vec<OktaAuth> = self.directory.removed().into_iter().filter_map(end).collect();
        (!gone.is_empty()).then(|| removal::end_sessions(gone))
    }

    pub(super) fn email_first(&self) -> bool {
        self.discovery.email_first
    }

    /// Returns the tenants for the chooser, by name with their sign-in; empty if the
    /// chooser is disabled. They are built once for each table, without creating engines.
    pub(super) fn choices(&self) -> Choices {
        let table = if self.discovery.chooser { self.directory.all() } else { None };
        let build = |tenant: &TenantSettings| self.settings_of(tenant).build().ok();
        table.map_or_else(Choices::default, |table| self.chooser.choices(table, build))
    }
}

/// See [`TenantRouter::endpoints_below`].
fn endpoints_below(without_tenant: &OktaAuth, resolvers: &[Resolver]) -> Vec<(Endpoint, String)> {
    let endpoints = || Endpoint::all(without_tenant.config().routes());
    let prefixes = resolvers.iter().filter_map(|resolver| match resolver {
        Resolver::Path(prefix) => Some(prefix),
        _ => None,
    });
    let own = |prefix: &str| {
        let own = endpoints().filter(|(endpoint, _)| *endpoint != Endpoint::ResourceMetadata);
        own.map(|(endpoint, path)| (endpoint, format!("{prefix}/{{tenant}}{path}"))).collect::<Vec<_>>()
    };
    let callbacks = endpoints().filter(|(endpoint, _)| *endpoint == Endpoint::Callback);
    let callbacks = callbacks.map(|(endpoint, path)| (endpoint, format!("{path}/{{tenant}}")));
    prefixes.flat_map(|prefix| own(prefix)).chain(callbacks).collect()
}

enum Considered {
    Tenant(Result<OktaAuth>),
    /// No tenant matches, and the next hint may be used.
    NoMatch,
    /// No tenant matches a binding hint.
    Refused,
    Ask,
}

/// 404 without details, so that the existence of other tenants is not revealed.
fn unknown() -> Error {
    Error::new(Code::TenantUnknown, "no tenant matches this request")
}

impl fmt::Debug for TenantRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Many").finish_non_exhaustive()
    }
}
