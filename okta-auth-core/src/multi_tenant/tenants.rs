//! The tenants of an application.

use std::fmt;
use std::sync::Arc;

use super::router::TenantRouter;
use super::source::TenantKey;
use crate::engine::{Authentication, OktaAuth, RequestContext};
use crate::error::{Code, Error, Result};
use crate::headers::{Head, Headers};
use crate::policy::MatchedRoute;
use crate::routing::{Endpoint, RouteOptions, RouteOwner, RouteSettings, RouteTable};
use crate::site::Site;
use crate::tenant::TenantId;

/// The tenants of an application, shared by all workers. An application with a single Okta has one tenant: a function
/// that takes `Tenants` also takes an [`OktaAuth`].
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::OktaAuth;
/// use okta_auth::multi_tenant::{Resolver, TenantTable, Tenants};
/// use okta_auth::tenant::{TenantId, TenantSettings};
///
/// # fn main() -> Result<(), okta_auth::error::Error> {
/// let acme = TenantSettings::new(TenantId::parse("acme").unwrap(), "https://acme.okta.com", "0oa1");
/// let globex = TenantSettings::new(TenantId::parse("globex").unwrap(), "https://globex.okta.com", "0oa2");
/// // What all of them share: cookie secret, session store, limits, hooks.
/// let shared = OktaAuth::builder().from_env().base_url("http://localhost:8080");
/// let tenants = Tenants::builder(shared)
///     .table(TenantTable::new([acme, globex])?)
///     .resolve(Resolver::Subdomain("localhost".to_owned())) // acme.localhost, globex.localhost
///     .build()?;
/// # drop(tenants); Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tenants(EngineSource);

/// Where the engine of a request comes from.
#[derive(Clone)]
enum EngineSource {
    /// Each request has the engine of the application's only provider.
    Only(OktaAuth),
    /// The engine depends on the request.
    Router(Arc<TenantRouter>),
}

impl From<&OktaAuth> for Tenants {
    fn from(auth: &OktaAuth) -> Self {
        Self::from(auth.clone())
    }
}

impl From<OktaAuth> for Tenants {
    fn from(auth: OktaAuth) -> Self {
        Self(EngineSource::Only(auth))
    }
}

impl From<&Self> for Tenants {
    fn from(tenants: &Self) -> Self {
        tenants.clone()
    }
}

impl Tenants {
    pub(super) const fn of_router(router: Arc<TenantRouter>) -> Self {
        Self(EngineSource::Router(router))
    }

    fn router(&self) -> Option<&Arc<TenantRouter>> {
        match &self.0 {
            EngineSource::Only(_) => None,
            EngineSource::Router(router) => Some(router),
        }
    }

    #[inline]
    fn site(&self) -> &Site {
        match &self.0 {
            EngineSource::Only(auth) => auth.site(),
            EngineSource::Router(router) => &router.site,
        }
    }

    /// Begins to authenticate a request at its tenant, in the types of any framework.
    pub(crate) fn authenticate_head<H: Headers>(
        &self,
        head: Head<'_, H>,
        options: impl Into<RouteOptions>,
    ) -> Authentication {
        match &self.0 {
            EngineSource::Only(auth) => auth.authenticate_head(head, options),
            EngineSource::Router(router) => router.authenticate(head, options.into()),
        }
    }

    /// Returns the library's endpoints with their paths, as patterns of the router.
    pub(crate) fn endpoints(&self) -> Vec<(Endpoint, String)> {
        let own = Endpoint::all(&self.site().config.routes).map(|(endpoint, path)| (endpoint, path.to_owned()));
        let below = self.router().into_iter().flat_map(|router| router.endpoints_below());
        own.chain(below).collect()
    }

    /// Returns the layer's treatment of requests to a route, as the router matched it.
    #[inline]
    pub(crate) fn route(&self, route: MatchedRoute<'_>) -> RouteSettings {
        self.routes().settings(route)
    }

    /// Whether the application lists a route as public, as the router matched it: by
    /// [`protect_all_except`](crate::engine::OktaAuthBuilder::protect_all_except),
    /// [`public_routes`](crate::engine::OktaAuthBuilder::public_routes) or its policies.
    pub(crate) fn is_public_route(&self, pattern: &str) -> bool {
        self.routes().is_public(pattern)
    }

    /// Returns the options of a route.
    pub(crate) fn options_of(&self, pattern: &str) -> RouteOptions {
        self.routes().options_of(pattern)
    }

    /// Whether a route has a policy in the set of any tenant.
    pub(crate) fn has_policy(&self, pattern: &str) -> bool {
        self.routes().has_policy(pattern)
    }

    /// Whether the treatment of requests depends on their route, so that a layer has to determine it.
    pub(crate) fn has_route_policies(&self) -> bool {
        self.routes().is_active()
    }

    /// Returns the routes with settings, as patterns of the router: a policy in the set of any tenant, or an option
    /// such as refresh on demand.
    pub(crate) fn named_routes(&self) -> Vec<String> {
        self.routes().named().into_iter().collect()
    }

    /// Returns the routes of the policies that no request has matched so far, in order.
    ///
    /// A pattern that matches no route of the router protects nothing. A test can request each route of the application
    /// and then assert that this list is empty.
    pub fn unmatched_routes(&self) -> Vec<String> {
        self.routes().unmatched()
    }

    fn routes(&self) -> &RouteTable {
        match &self.0 {
            EngineSource::Only(auth) => auth.route_table(),
            EngineSource::Router(router) => router.routes(),
        }
    }

    /// Compares the path at which a router is nested with the configured mount path. `routed` is the path in the router
    /// with the library's routes.
    pub(crate) fn observe_nesting<H: Headers>(&self, head: Head<'_, H>, routed: &str) {
        let mount = self.site().config.routes.mount();
        // Nearly all requests, without looking for a query.
        if mount.is_empty() && head.target.len() == routed.len() {
            return;
        }
        self.site().mounting.observe_nesting(mount, head.path(), routed);
    }

    /// Reads the router's route table once. It checks that the library's routes exist and that no route of the
    /// application precedes them. `fix` is the call that adds them.
    pub(crate) fn observe_routes(&self, fix: &str, owner: impl Fn(&str) -> RouteOwner) {
        let site = self.site();
        site.mounting.observe_routes(&site.config.routes, fix, owner);
    }

    /// Whether an outer layer of the same application has already processed the request, as `outer`. A second layer
    /// passes the request through.
    pub(crate) fn has_seen(&self, outer: &RequestContext) -> bool {
        Arc::ptr_eq(&outer.site().mounting, &self.site().mounting)
    }

    /// Reports once that a second layer of the same application wraps this path.
    pub(crate) fn report_second_layer(&self, path: &str) {
        self.site().mounting.report_second_layer(path);
    }

    /// Returns the engine of a tenant; `None` if there is no such tenant. It serves work outside of requests, such as
    /// ending sessions or verifying a token.
    ///
    /// # Errors
    /// [`Code::TenantUnavailable`] if the source does not respond, [`Code::ConfigInvalid`] if the tenant's settings are
    /// invalid.
    pub async fn tenant(&self, id: &TenantId) -> Result<Option<OktaAuth>> {
        let Some(router) = self.router() else { return Ok(None) };
        router.find(&TenantKey::Id(id.clone())).await
    }

    /// Clears the cache of the source, so that changes take effect with the next request.
    pub fn forget(&self) {
        if let Some(router) = self.router() {
            router.forget();
        }
    }

    /// Ends every session of a tenant that is being removed, on every replica. The sessions stay invalid if the tenant
    /// is added again.
    ///
    /// Remove the tenant from the source first, so that no session is created afterwards. A process that has served the
    /// tenant still has its settings for a while. A process that has not cannot identify the sessions and returns an
    /// error. In that case, call this method both before and after the removal.
    ///
    /// If the session store does not respond, the call is retried in the background for at most an hour, as long as the
    /// process runs.
    ///
    /// # Errors
    /// [`Code::TenantUnknown`] if this process does not have the tenant's settings, or no longer has them.
    /// [`Code::TenantUnavailable`] if the source of tenants does not respond. The error of the session store if the
    /// sessions could not be ended; they may then still be valid.
    pub async fn end_tenant(&self, id: &TenantId) -> Result<()> {
        match self.router() {
            Some(router) => router.end_tenant(id).await,
            None => Err(Error::new(Code::TenantUnknown, "the application has a single Okta and no tenants")),
        }
    }
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants").finish_non_exhaustive()
    }
}
