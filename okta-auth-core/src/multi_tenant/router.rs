//! The tenant router: it finds the tenant of each request.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use http::Method;
use tokio::sync::oneshot;
use url::Url;

use super::chooser::{Choices, Chooser};
use super::directory::{Directory, Lookup};
use super::engines::{EngineCache, TenantEngines};
use super::removal;
use super::resolver::{Resolution, Resolver, host, named, resolve};
use super::source::TenantKey;
use crate::config::{ConfigBuilder, Routes};
use crate::cookie::CookieSettings;
use crate::engine::{
    App, Authentication, ExclusiveSessions, NoTenant, OktaAuth, PendingAuthentication, RequestContext, without_tenant,
};
use crate::error::{Code, Error, Result};
use crate::headers::{Head, Headers};
use crate::policy::RouteAccess;
use crate::routing::{Endpoint, RouteOptions, RouteTable};
use crate::site::Site;
use crate::tenant::{TenantId, TenantSettings};

pub(super) struct TenantRouter {
    resolvers: Arc<[Resolver]>,
    directory: Directory,
    engines: TenantEngines,
    /// What requests without a tenant have instead of an engine.
    pub(super) site: Arc<Site>,
    /// The host of the application's own address.
    own_host: Option<String>,
    /// The full name of the session cookie at the application's own address; each tenant appends its id.
    session_cookie: String,
    chooser: Chooser,
    routes: RouteTable,
    options: RouterOptions,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RouterOptions {
    /// Whether `/login` without a tenant asks for an e-mail address.
    pub(super) email_first: bool,
    /// Whether `/login` without a tenant lists the tenants.
    pub(super) chooser: bool,
    /// Whether a sign-in at one tenant ends the same browser's sessions at the others.
    pub(super) exclusive: bool,
}

impl TenantRouter {
    pub(super) fn new(
        (app, settings): (Arc<App>, ConfigBuilder),
        resolvers: Vec<Resolver>,
        directory: Directory,
        site: Arc<Site>,
        policies: HashMap<String, Arc<RouteAccess>>,
        options: RouterOptions,
    ) -> Arc<Self> {
        let (base, name) = settings.shared();
        let base = Url::parse(base).ok();
        let secure = base.as_ref().is_some_and(|base| base.scheme() == "https");
        let session_cookie = CookieSettings::new(secure).name(name);
        let own_host = base.as_ref().and_then(Url::host_str).map(str::to_owned);
        let (access, own_routes) = (&site.access, &site.config.routes);
        let sets = std::iter::once(access).chain(policies.values()).cloned().collect();
        let own = own_routes.own().map(str::to_owned);
        let below = endpoints_below(own_routes, &resolvers);
        let kit = below.iter().filter(|(endpoint, _)| endpoint.is_of_browser_kit()).map(|(_, path)| path.as_str());
        let special = app.special.clone().with_passive_reads(own_routes.browser_kit());
        let special = special.with_passive_reads(kit);
        let routes = RouteTable::new(sets, own.chain(below.into_iter().map(|(_, path)| path)).collect(), special);
        let resolvers: Arc<[Resolver]> = resolvers.into();
        Arc::new_cyclic(|this: &Weak<Self>| Self {
            engines: TenantEngines {
                app,
                settings,
                resolvers: Arc::clone(&resolvers),
                callback: site.config.redirect_uri.as_str().to_owned(),
                access: Arc::clone(access),
                policies,
                exclusive: options.exclusive.then(|| Weak::<Self>::clone(this) as Weak<dyn ExclusiveSessions>),
                cache: EngineCache::default(),
            },
            resolvers,
            directory,
            site: Arc::clone(&site),
            own_host,
            session_cookie,
            chooser: Chooser::default(),
            routes,
            options,
        })
    }

    /// Returns the library's paths below the prefixes of tenants, and the callbacks of tenants that share an address,
    /// as patterns of the router.
    pub(super) fn endpoints_below(&self) -> Vec<(Endpoint, String)> {
        endpoints_below(&self.site.config.routes, &self.resolvers)
    }

    pub(super) fn routes(&self) -> &RouteTable {
        &self.routes
    }

    pub(super) fn forget(&self) {
        self.directory.forget();
    }

    /// Ends every session of a tenant that was removed from the source or is about to be.
    pub(super) async fn end_tenant(self: &Arc<Self>, id: &TenantId) -> Result<()> {
        let key = TenantKey::Id(id.clone());
        let auth = match (self.engines.cached(id), self.directory.last(&key)) {
            (Some(auth), _) => auth,
            (None, Some(settings)) => self.engine(&settings)?,
            (None, None) => self.find(&key).await?.ok_or_else(unknown)?,
        };
        self.directory.forget();
        self.engines.evict(id);
        removal::remove(&auth).await
    }

    /// Finds the tenant of a request, without waiting where possible.
    ///
    /// A request that discovers removed tenants waits until their sessions have ended, because a removed tenant may be
    /// added again at any time.
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
        for hint in self.hints(head) {
            match self.consider(&hint) {
                Considered::Tenant(Ok(auth)) => return self.enter(&auth, head, options),
                Considered::Tenant(Err(error)) => return self.refused(head, error),
                Considered::NoMatch => {}
                Considered::Refused => return self.refused(head, unknown()),
                Considered::Ask => return self.ask(self.hints(head).collect(), head, options),
            }
        }
        self.discover_or_reject(head)
    }

    /// Returns the hints of the resolvers. For a callback at a shared address the tenant id in its path is used
    /// instead.
    fn hints<'a, H: Headers>(&'a self, head: Head<'a, H>) -> impl Iterator<Item = Resolution> {
        let path = head.path();
        let id = self.shared_callback(path).and_then(|rest| rest.strip_prefix('/'));
        let (says, has_id) = (self.says_where_to(head.method, path), id.is_some());
        let fits = move |one: &&Resolver| !has_id && (!says || !matches!(one, Resolver::Session));
        let asked = self.resolvers.iter().filter(fits);
        id.map(named).into_iter().chain(resolve(asked, head, &self.session_cookie))
    }

    /// Whether a request to the application's own address names the tenant itself. Existing sessions are then ignored.
    fn says_where_to(&self, method: &Method, path: &str) -> bool {
        let (routes, path) = (&self.site.config.routes, Some(path));
        (*method == Method::POST && path == routes.login()) || path == routes.initiate_login()
    }

    /// Returns the rest of the path, for a request to the application's own callback or below it.
    fn shared_callback<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(self.site.config.routes.callback()?)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }

    /// Passes the request to its tenant.
    ///
    /// A response at the callback of another tenant, or at the callback without a tenant, is rejected. Okta sends no
    /// issuer in the response (RFC 9207), so distinct redirect URIs are the defence against mix-up attacks (RFC 9700
    /// §4.4.2). With one redirect URI for all tenants, a malicious org could send its users to sign in at another org
    /// and receive their codes.
    fn enter<H: Headers>(
        self: &Arc<Self>,
        auth: &OktaAuth,
        head: Head<'_, H>,
        options: RouteOptions,
    ) -> Authentication {
        let (own, path) = (auth.config().routes().callback(), head.path());
        if self.shared_callback(path).is_some() && own != Some(path) {
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

    fn engine(&self, settings: &Arc<TenantSettings>) -> Result<OktaAuth> {
        self.engines.engine(settings, &self.directory)
    }

    pub(super) async fn find(&self, key: &TenantKey) -> Result<Option<OktaAuth>> {
        self.directory.find(key).await?.map(|settings| self.engine(&settings)).transpose()
    }

    /// Returns the engine for the `iss` of third-party-initiated login.
    pub(super) async fn named_by(&self, iss: &str) -> Result<Option<OktaAuth>> {
        self.directory.named_by(iss).await?.map(|settings| self.engine(&settings)).transpose()
    }

    /// Handles a request without a tenant: to the application's own address, or to an unknown one.
    fn discover_or_reject<H: Headers>(self: &Arc<Self>, head: Head<'_, H>) -> Authentication {
        let by_host = self.resolvers.iter().any(|one| matches!(one, Resolver::Host | Resolver::Subdomain(_)));
        if by_host && host(head) != self.own_host {
            return self.refused(head, unknown());
        }
        let discover = NoTenant::Discover(Arc::<Self>::clone(self));
        Authentication::Ready(self.without_tenant(head, discover))
    }

    /// Rejects a request with an error. The health path is still served, because it reports whether the application
    /// runs. So are the routes that the application lists as public, if the tenant does not exist.
    fn refused<H: Headers>(self: &Arc<Self>, head: Head<'_, H>, error: Error) -> Authentication {
        let error = Arc::new(error);
        let is_health_path = self.site.config.health_path.as_deref() == Some(head.path());
        if is_health_path || (error.code() == Code::TenantUnknown && self.routes.is_open(head.path())) {
            return Authentication::Ready(self.without_tenant(head, NoTenant::Public(error)));
        }
        let context = self.without_tenant(head, NoTenant::Rejected(error));
        // Adapters check only waiting requests for a response of the engine's own.
        Authentication::Pending(PendingAuthentication::on(async move { context }))
    }

    fn without_tenant<H: Headers>(&self, head: Head<'_, H>, answer: NoTenant) -> RequestContext {
        without_tenant(&self.site, head, self.engines.app.clock.now(), answer)
    }

    /// Ends the sessions of tenants that were removed from the file. The request continues after the first attempt.
    fn end_removed(&self) -> Option<oneshot::Receiver<()>> {
        let removed = self.directory.removed()?;
        let removed: Vec<_> = removed.iter().filter_map(|settings| self.engines.engine_of_removed(settings)).collect();
        (!removed.is_empty()).then(|| removal::end_sessions(removed))
    }

    pub(super) fn email_first(&self) -> bool {
        self.options.email_first
    }

    /// Returns the tenants for the chooser, by name with their sign-in; empty if the chooser is disabled. They are
    /// built once for each table, without creating engines.
    pub(super) fn choices(&self) -> Choices {
        let table = if self.options.chooser { self.directory.all() } else { None };
        let build = |tenant: &TenantSettings| Some(self.engines.tenant_config(tenant).build().ok()?.app);
        table.map_or_else(Choices::default, |table| self.chooser.choices(table, build))
    }
}

/// See [`TenantRouter::endpoints_below`].
fn endpoints_below(routes: &Routes, resolvers: &[Resolver]) -> Vec<(Endpoint, String)> {
    let endpoints = || Endpoint::all(routes);
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

opaque_debug!(TenantRouter);
