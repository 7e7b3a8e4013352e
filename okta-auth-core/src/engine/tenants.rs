//! The tenants of an application: one, or many that come and go.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use url::Url;

use super::arrival::Arrival;
use super::builder::OktaAuthBuilder;
use super::many::Many;
use super::route_table::{RouteSettings, RouteTable};
use super::routes::Endpoint;
use super::tenants_builder::TenantsBuilder;
use super::{OktaAuth, RouteOptions};
use crate::config::{ConfigBuilder, EgressPolicy, is_loopback};
use crate::error::{Code, Error, Result};
use crate::headers::{Head, Headers};
use crate::policy::MatchedRoute;
use crate::tenant::{Resolver, TenantId, TenantKey, TenantTable};

/// The tenants of an application, to be shared by all workers. An application with one
/// Okta is one with one tenant: what takes this takes an [`OktaAuth`] too.
///
/// ```
/// use okta_auth_core::config::ConfigBuilder;
/// use okta_auth_core::engine::{OktaAuth, Tenants};
/// use okta_auth_core::tenant::{Resolver, TenantId, TenantSettings, TenantTable};
///
/// # fn main() -> Result<(), okta_auth_core::error::Error> {
/// let acme = TenantSettings::new(TenantId::parse("acme").unwrap(), "https://acme.okta.com", "0oa1");
/// let globex = TenantSettings::new(TenantId::parse("globex").unwrap(), "https://globex.okta.com", "0oa2");
/// // What all of them share: cookie secret, session store, limits, hooks.
/// let shared = ConfigBuilder::from_env().base_url("http://localhost:8080");
/// let tenants = Tenants::builder(OktaAuth::builder(shared))
///     .table(TenantTable::new([acme, globex])?)
///     .resolve(Resolver::Subdomain("localhost".to_owned())) // acme.localhost, globex.localhost
///     .build()?;
/// # drop(tenants); Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tenants(Kind);

/// One, or many.
#[derive(Clone)]
enum Kind {
    One(OktaAuth),
    Many(Arc<Many>),
}

impl From<&OktaAuth> for Tenants {
    fn from(auth: &OktaAuth) -> Self {
        Self(Kind::One(auth.clone()))
    }
}

impl From<OktaAuth> for Tenants {
    fn from(auth: OktaAuth) -> Self {
        Self(Kind::One(auth))
    }
}

impl From<&Self> for Tenants {
    fn from(tenants: &Self) -> Self {
        tenants.clone()
    }
}

impl Tenants {
    /// Starts from what all tenants share. Issuer and client in it are not used.
    pub fn builder(shared: OktaAuthBuilder) -> TenantsBuilder {
        TenantsBuilder::new(shared)
    }

    /// Several tenants.
    pub(super) fn many(many: Many) -> Self {
        Self(Kind::Many(many.shared()))
    }

    /// The engine that has the application's own paths: the only one, or that of requests
    /// that match no tenant.
    pub(super) fn representative(&self) -> &OktaAuth {
        match &self.0 {
            Kind::One(auth) => auth,
            Kind::Many(many) => &many.lobby,
        }
    }

    /// Reads the variables of the process, see
    /// [`from_variables`](Self::from_variables).
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`], with every problem and its fix.
    pub fn from_env() -> Result<Self> {
        Self::from_variables(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// Reads variables: with `OKTA_TENANTS` the tenants that it lists, told by host and
    /// by subdomain of `OKTA_BASE_URL`, and without it the one that
    /// [`OktaAuth::from_env`] would read.
    ///
    /// Issuers on this machine are for development: they are allowed while
    /// `OKTA_BASE_URL` is on this machine too, where no browser but one of this machine
    /// gets to.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`], with every problem and its fix.
    pub fn from_variables<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self> {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        let variables: Vec<(String, String)> = variables.collect();
        let shared = ConfigBuilder::from_variables(variables.clone());
        if !variables.iter().any(|(name, value)| name == "OKTA_TENANTS" && !value.trim().is_empty()) {
            return Ok(Self::from(&OktaAuth::builder(shared).build()?));
        }
        let (base, _) = shared.shared();
        let base = Url::parse(base).ok();
        let parent = base.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
        let egress = match base.as_ref().is_some_and(is_loopback) {
            true => EgressPolicy::default().dangerous().allow_loopback(),
            false => EgressPolicy::default(),
        };
        Self::builder(OktaAuth::builder(shared))
            .egress(egress)
            .table(TenantTable::from_variables(variables)?)
            .resolve(Resolver::Host)
            .resolve(Resolver::Subdomain(parent))
            .build()
    }

    /// Looks at a request: finds its tenant, and its session there. `target` is the
    /// path and query as the client sent them, and `options` what is set for the route.
    pub fn arrival(&self, parts: &Parts, target: &str, options: impl Into<RouteOptions>) -> Arrival {
        self.arrival_of(Head::of(parts, target), options)
    }

    /// The same for a request in the types of another framework.
    pub fn arrival_of<H: Headers>(&self, head: Head<'_, H>, options: impl Into<RouteOptions>) -> Arrival {
        match &self.0 {
            Kind::One(auth) => auth.arrival_of(head, options),
            Kind::Many(many) => many.arrival(head, options.into()),
        }
    }

    /// The paths that the library serves, as patterns of the router, with what they
    /// are.
    pub fn endpoints(&self) -> Vec<(Endpoint, String)> {
        let owned = |(endpoint, path): (Endpoint, &str)| (endpoint, path.to_owned());
        match &self.0 {
            Kind::One(auth) => Endpoint::all(auth.config().routes()).map(owned).collect(),
            Kind::Many(many) => many.endpoints().map(owned).chain(many.endpoints_below()).collect(),
        }
    }

    /// How a layer treats a request to a route, as the router matched it.
    pub fn route(&self, route: MatchedRoute<'_>) -> RouteSettings {
        self.routes().settings(route)
    }

    /// Whether the application names a route public, as the router matched it: by
    /// [`protect_all_except`](OktaAuthBuilder::protect_all_except),
    /// [`public_routes`](OktaAuthBuilder::public_routes) or its policies.
    pub fn is_public_route(&self, pattern: &str) -> bool {
        self.routes().is_public(pattern)
    }

    /// The options of a route.
    pub fn options_of(&self, pattern: &str) -> RouteOptions {
        self.routes().options_of(pattern)
    }

    /// Whether a route has a policy in the set of some tenant.
    pub fn has_policy(&self, pattern: &str) -> bool {
        self.routes().has_policy(pattern)
    }

    /// Whether requests are treated by their route, so that a layer has to find it out.
    pub fn has_route_policies(&self) -> bool {
        self.routes().is_active()
    }

    /// The routes of which something is set, as patterns of the router: a policy in the
    /// set of some tenant, or that their requests do not renew tokens.
    pub fn named_routes(&self) -> Vec<String> {
        self.routes().named().into_iter().collect()
    }

    /// The routes that the policies name and that no request has matched so far, in
    /// order.
    ///
    /// A pattern that no route of the router has protects nothing. A test of an
    /// application can call each of its routes and then require that this is empty.
    pub fn unmatched_routes(&self) -> Vec<String> {
        self.routes().unmatched()
    }

    /// The routes of the application.
    fn routes(&self) -> &RouteTable {
        match &self.0 {
            Kind::One(auth) => &auth.0.routes,
            Kind::Many(many) => many.routes(),
        }
    }

    /// The engine of a tenant, made ready if need be; `None` if there is no such
    /// tenant. It is for what an application does without a request: ending sessions,
    /// verifying a token.
    ///
    /// # Errors
    /// [`Code::TenantUnavailable`] if the source does not answer,
    /// [`Code::ConfigInvalid`] if the settings cannot work.
    pub async fn tenant(&self, id: &TenantId) -> Result<Option<OktaAuth>> {
        let Kind::Many(many) = &self.0 else { return Ok(None) };
        many.find(&TenantKey::Id(id.clone())).await
    }

    /// Forgets what a source has said, so that a change is seen with the next request
    /// and not when the answer is no longer believed.
    pub fn forget(&self) {
        if let Kind::Many(many) = &self.0 {
            many.forget();
        }
    }

    /// Ends every session of a tenant that is being removed, on every replica, and
    /// forgets it. If the tenant comes back, they do not.
    ///
    /// Take it out of the source first, so that no session begins after that. What the
    /// tenant was is remembered for a while by whoever has served it; a process that
    /// never has does not know whose sessions to end, and says so: call it then before
    /// and after the removal.
    ///
    /// If the session store does not answer it is tried again, for an hour at most and
    /// as long as the process runs.
    ///
    /// # Errors
    /// [`Code::TenantUnknown`] if this process does not know the tenant (any more), and
    /// that of the session store: the sessions may then not have ended yet.
    pub async fn end_tenant(&self, id: &TenantId) -> Result<()> {
        match &self.0 {
            Kind::Many(many) => many.end_tenant(id).await,
            Kind::One(_) => Err(Error::new(Code::TenantUnknown, "there is one Okta and no tenant of that name")),
        }
    }
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants").finish_non_exhaustive()
    }
}
