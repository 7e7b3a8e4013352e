//! The tenants of an application: one, or many that come and go.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use quick_cache::sync::Cache;
use url::Url;

use super::arrival::{Arrival, Waiting};
use super::builder::OktaAuthBuilder;
use super::routes::Endpoint;
use super::visit::{Lobby, Visit};
use super::{OktaAuth, Renewal};
use crate::config::ConfigBuilder;
use crate::error::{Code, Error, Result};
use crate::policy::PolicySet;
#[cfg(feature = "toml")]
use crate::tenant::TenantFile;
use crate::tenant::{
    Directory, Hint, Lookup, Resolver, TenantId, TenantKey, TenantSettings, TenantSource, TenantTable, host, resolve,
};

/// So many tenants are kept ready; the others are made ready when somebody comes.
const READY: usize = 4096;
/// How long the answer of a source is believed.
const BELIEVED: Duration = Duration::from_secs(60);

/// The tenants of an application, to be shared by all workers. An application with one Okta is one
/// with one tenant: what takes this takes an [`OktaAuth`] too.
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

/// What many tenants share.
pub(super) struct Many {
    template: OktaAuthBuilder,
    resolvers: Vec<Resolver>,
    directory: Directory,
    ready: Cache<TenantId, Ready>,
    /// An engine that knows nobody, for requests that are for no tenant.
    lobby: OktaAuth,
    policies: HashMap<String, PolicySet>,
    /// Whether the lobby asks for an e-mail address.
    email_first: bool,
    /// Whether it lists the tenants.
    chooser: bool,
    /// Whether a sign-in at one tenant takes the session at another away.
    exclusive: bool,
}

/// A tenant with its engine.
#[derive(Clone)]
struct Ready {
    settings: Arc<TenantSettings>,
    auth: OktaAuth,
}

impl From<&OktaAuth> for Tenants {
    fn from(auth: &OktaAuth) -> Self {
        Self(Kind::One(auth.clone()))
    }
}

impl From<&Self> for Tenants {
    fn from(tenants: &Self) -> Self {
        tenants.clone()
    }
}

/// Where tenants come from, before anything is checked.
enum Place {
    Table(TenantTable),
    #[cfg(feature = "toml")]
    File(TenantFile),
    Source(Arc<dyn TenantSource>, Duration),
}

/// Builds [`Tenants`].
#[must_use]
pub struct TenantsBuilder {
    template: OktaAuthBuilder,
    place: Place,
    resolvers: Vec<Resolver>,
    policies: HashMap<String, PolicySet>,
    email_first: bool,
    chooser: bool,
    exclusive: bool,
}

impl TenantsBuilder {
    /// A fixed set of tenants.
    pub fn table(mut self, table: TenantTable) -> Self {
        self.place = Place::Table(table);
        self
    }

    /// A file, read again when it changes.
    #[cfg(feature = "toml")]
    pub fn file(mut self, file: TenantFile) -> Self {
        self.place = Place::File(file);
        self
    }

    /// A database or the like, asked at most once a minute for each key.
    pub fn source(self, source: impl TenantSource) -> Self {
        self.source_believed_for(source, BELIEVED)
    }

    /// The same with another time for which its answers are believed, that there is no such tenant
    /// included.
    pub fn source_believed_for(mut self, source: impl TenantSource, lifetime: Duration) -> Self {
        self.place = Place::Source(Arc::new(source), lifetime);
        self
    }

    /// Adds a way to tell the tenant of a request; asked in the order in which they are added. At
    /// least one is needed.
    pub fn resolve(mut self, resolver: Resolver) -> Self {
        self.resolvers.push(resolver);
        self
    }

    /// Adds a set of policies that tenants name in their settings. Tenants that name none are held
    /// to those of the application.
    pub fn policies(mut self, name: impl Into<String>, policies: PolicySet) -> Self {
        self.policies.insert(name.into(), policies);
        self
    }

    /// Whether `/login` without a tenant asks for an e-mail address, whose domain leads to the
    /// tenant; yes by default. It never tells whether there is such a user.
    pub fn email_first(mut self, ask: bool) -> Self {
        self.email_first = ask;
        self
    }

    /// Whether `/login` without a tenant lists the tenants by name; no by default, since that tells
    /// everybody who your customers are.
    pub fn chooser(mut self, list: bool) -> Self {
        self.chooser = list;
        self
    }

    /// Whether somebody who signs in at one tenant leaves the sessions of others in the same
    /// browser; no by default: several live side by side.
    pub fn exclusive(mut self, exclusive: bool) -> Self {
        self.exclusive = exclusive;
        self
    }

    /// Checks everything and builds. Touches no network, and prepares no tenant.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`], with every problem and its fix.
    pub fn build(self) -> Result<Tenants> {
        if self.resolvers.is_empty() {
            let message = "nothing tells which tenant a request is for; add a resolver";
            return Err(Error::new(Code::ConfigInvalid, message));
        }
        let template = self.template.shared()?;
        let clock = template.shared_clock();
        let directory = match self.place {
            Place::Table(table) => Directory::table(table, clock),
            #[cfg(feature = "toml")]
            Place::File(file) => Directory::file(file, clock)?,
            Place::Source(source, lifetime) => Directory::source(source, lifetime, clock),
        };
        for tenant in directory.all() {
            if tenant.policies.as_ref().is_some_and(|name| !self.policies.contains_key(name)) {
                let message = format!("{}: there is no policy set of the name in `policies`", tenant.id);
                return Err(Error::new(Code::ConfigInvalid, message));
            }
        }
        // No Okta is behind this name, and nobody ever asks it.
        let nowhere = template.config().clone().issuer("https://tenants.invalid").client_id("nobody");
        let lobby = template.clone().with_config(nowhere.only_client_secret(None)).build()?;
        let many = Many {
            template,
            resolvers: self.resolvers,
            directory,
            ready: Cache::new(READY),
            lobby,
            policies: self.policies,
            email_first: self.email_first,
            chooser: self.chooser,
            exclusive: self.exclusive,
        };
        Ok(Tenants(Kind::Many(Arc::new(many))))
    }
}

impl Tenants {
    /// Starts from what all tenants share. Issuer and client in it are not used.
    pub fn builder(shared: OktaAuthBuilder) -> TenantsBuilder {
        TenantsBuilder {
            template: shared,
            place: Place::Table(TenantTable::default()),
            resolvers: Vec::new(),
            policies: HashMap::new(),
            email_first: true,
            chooser: false,
            exclusive: false,
        }
    }

    /// Reads the variables of the process: with `OKTA_TENANTS` the tenants that it lists, told by
    /// host and by subdomain of `OKTA_BASE_URL`, and without it the one of
    /// [`OktaAuth::from_env`].
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`], with every problem and its fix.
    pub fn from_env() -> Result<Self> {
        if std::env::var_os("OKTA_TENANTS").is_none() {
            return Ok(Self::from(&OktaAuth::from_env()?));
        }
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let shared = ConfigBuilder::from_env();
        let (base, _) = shared.shared();
        let parent = Url::parse(base).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        Self::builder(OktaAuth::builder(shared))
            .table(TenantTable::from_variables(variables)?)
            .resolve(Resolver::Host)
            .resolve(Resolver::Subdomain(parent))
            .build()
    }

    /// Looks at a request: finds its tenant, and its session there. `target` is the path and query
    /// as the client sent them, and `renewal` when the route renews tokens.
    pub fn arrival(&self, parts: &Parts, target: &str, renewal: Renewal) -> Arrival {
        match &self.0 {
            Kind::One(auth) => auth.arrival(parts, target, renewal),
            Kind::Many(many) => many.arrival(parts, target, renewal),
        }
    }

    /// The paths that the library serves, as patterns of the router, with what they are.
    pub fn endpoints(&self) -> Vec<(Endpoint, String)> {
        let auth = match &self.0 {
            Kind::One(auth) => auth,
            Kind::Many(many) => &many.lobby,
        };
        let plain = Endpoint::all(auth.config().routes()).map(|(endpoint, path)| (endpoint, path.to_owned()));
        let mut all: Vec<_> = plain.collect();
        for prefix in self.prefixes() {
            let own =
                Endpoint::all(auth.config().routes()).filter(|(endpoint, _)| *endpoint != Endpoint::ResourceMetadata);
            let own = own.map(|(endpoint, path)| (endpoint, format!("{prefix}/{{tenant}}{path}")));
            all.extend(own.collect::<Vec<_>>());
        }
        all
    }

    /// The prefixes of paths that name a tenant.
    fn prefixes(&self) -> impl Iterator<Item = &str> {
        let resolvers = match &self.0 {
            Kind::One(_) => &[],
            Kind::Many(many) => many.resolvers.as_slice(),
        };
        resolvers.iter().filter_map(|resolver| match resolver {
            Resolver::Path(prefix) => Some(prefix.as_str()),
            _ => None,
        })
    }

    /// When a request to a route, as the router matched it, renews tokens.
    pub fn renewal(&self, route: Option<&str>) -> Renewal {
        match &self.0 {
            Kind::One(auth) => auth.renewal(route),
            Kind::Many(many) => many.lobby.renewal(route),
        }
    }

    /// The routes whose requests do not renew tokens.
    pub fn on_demand_routes(&self) -> &[String] {
        match &self.0 {
            Kind::One(auth) => auth.on_demand_routes(),
            Kind::Many(many) => many.lobby.on_demand_routes(),
        }
    }

    /// The routes that have a policy, in the set of some tenant. Each tenant's own is asked.
    pub fn policy_routes(&self) -> Vec<String> {
        let sets: Vec<&PolicySet> = match &self.0 {
            Kind::One(auth) => vec![auth.policies()],
            Kind::Many(many) => std::iter::once(many.lobby.policies()).chain(many.policies.values()).collect(),
        };
        let mut routes: Vec<String> =
            sets.into_iter().flat_map(|set| set.routes().map(|(route, _)| route.to_owned())).collect();
        routes.sort();
        routes.dedup();
        routes
    }

    /// Whether a route, as the router matched it, has a policy in the set of some tenant.
    pub fn has_policy(&self, route: &str) -> bool {
        match &self.0 {
            Kind::One(auth) => auth.policies().route(route).is_some(),
            Kind::Many(many) => {
                let sets = std::iter::once(many.lobby.policies()).chain(many.policies.values());
                sets.into_iter().any(|set| set.route(route).is_some())
            }
        }
    }

    /// Whether [`arrival`](Self::arrival) looks at a header, whose name is in lower case.
    pub fn looks_at(&self, header: &str) -> bool {
        match &self.0 {
            Kind::One(auth) => auth.looks_at(header),
            Kind::Many(many) => {
                let named = many.resolvers.iter().any(|resolver| match resolver {
                    Resolver::TrustedHeader(name) => name.eq_ignore_ascii_case(header),
                    _ => false,
                });
                named || header == "host" || many.lobby.looks_at(header)
            }
        }
    }

    /// The engine of a tenant, made ready if need be; `None` if there is no such tenant. It is for
    /// what an application does without a request: ending sessions, verifying a token.
    ///
    /// # Errors
    /// [`Code::TenantUnavailable`] if the source does not answer, [`Code::ConfigInvalid`] if the
    /// settings cannot work.
    pub async fn tenant(&self, id: &TenantId) -> Result<Option<OktaAuth>> {
        let Kind::Many(many) = &self.0 else { return Ok(None) };
        many.find(&TenantKey::Id(id.clone())).await
    }

    /// Forgets what a source has said, so that a change is seen with the next request and not when
    /// the answer is no longer believed.
    pub fn forget(&self) {
        if let Kind::Many(many) = &self.0 {
            many.directory.forget();
        }
    }

    /// Ends every session of a tenant that is being removed, on every replica, and forgets it.
    /// Take it out of the source first.
    ///
    /// # Errors
    /// That of the session store: the sessions may then not have ended.
    pub async fn end_tenant(&self, id: &TenantId) -> Result<()> {
        let Kind::Many(many) = &self.0 else { return Ok(()) };
        let Some((_, ready)) = many.ready.remove(id) else { return Ok(()) };
        many.directory.forget();
        ready.auth.end_everybody().await
    }
}

impl Many {
    /// Finds the tenant, at once if it can be.
    fn arrival(self: &Arc<Self>, parts: &Parts, target: &str, renewal: Renewal) -> Arrival {
        self.end_removed();
        let hints = resolve(&self.resolvers, parts, target, self.template.config().shared().1);
        for hint in &hints {
            match self.consider(hint) {
                Considered::Tenant(Ok(auth)) => return auth.arrival(parts, target, renewal),
                Considered::Tenant(Err(error)) => return self.refused(parts, target, error),
                Considered::Nobody => {}
                Considered::Refused => return self.refused(parts, target, unknown()),
                Considered::Ask => return self.ask(hints, parts, target, renewal),
            }
        }
        self.lobby_or_refusal(parts, target)
    }

    /// Finds the tenant by asking the source.
    fn ask(self: &Arc<Self>, hints: Vec<Hint>, parts: &Parts, target: &str, renewal: Renewal) -> Arrival {
        let (many, parts, target) = (Arc::clone(self), parts.clone(), target.to_owned());
        Arrival::Waiting(Waiting::on(async move {
            for hint in &hints {
                let (key, required) = match hint {
                    Hint::Tenant(key) => (key, true),
                    Hint::Perhaps(key) => (key, false),
                    Hint::Unknown => return many.refused(&parts, &target, unknown()).visit().await,
                };
                match many.find(key).await {
                    Ok(Some(auth)) => return auth.arrival(&parts, &target, renewal).visit().await,
                    Ok(None) if required => return many.refused(&parts, &target, unknown()).visit().await,
                    Ok(None) => {}
                    Err(error) => return many.refused(&parts, &target, error).visit().await,
                }
            }
            many.lobby_or_refusal(&parts, &target).visit().await
        }))
    }

    /// What one hint comes to without waiting.
    fn consider(&self, hint: &Hint) -> Considered {
        let (key, required) = match hint {
            Hint::Tenant(key) => (key, true),
            Hint::Perhaps(key) => (key, false),
            Hint::Unknown => return Considered::Refused,
        };
        match self.directory.look(key) {
            Lookup::Known(Some(settings)) => Considered::Tenant(self.engine(&settings)),
            Lookup::Known(None) if required => Considered::Refused,
            Lookup::Known(None) => Considered::Nobody,
            Lookup::Ask => Considered::Ask,
        }
    }

    /// The engine of a key.
    pub(super) async fn find(&self, key: &TenantKey) -> Result<Option<OktaAuth>> {
        self.directory.find(key).await?.map(|settings| self.engine(&settings)).transpose()
    }

    /// The engine of a tenant: the one that is ready, or a new one if the settings are others.
    fn engine(&self, settings: &Arc<TenantSettings>) -> Result<OktaAuth> {
        if let Some(ready) = self.ready.get(&settings.id)
            && (Arc::ptr_eq(&ready.settings, settings) || ready.settings == *settings)
        {
            return Ok(ready.auth);
        }
        let template = self.template.clone();
        let (base, cookie) = template.config().shared();
        let cookie = format!("{cookie}_{}", settings.id);
        let mut config = settings.apply(template.config()).cookie_name(cookie);
        if settings.base_url.is_none() {
            config = self.place(config, base, settings);
        }
        let policies = match &settings.policies {
            None => None,
            Some(name) => Some(self.policies.get(name).cloned().ok_or_else(|| {
                let message = format!("the tenant {} names a policy set that there is not", settings.id);
                Error::new(Code::ConfigInvalid, message)
            })?),
        };
        let auth = template.with_config(config).for_tenant(Arc::clone(settings), policies, self.exclusive).build()?;
        self.ready.insert(settings.id.clone(), Ready { settings: Arc::clone(settings), auth: auth.clone() });
        Ok(auth)
    }

    /// Where a tenant reaches the application: below its path, at its subdomain, or at its host.
    fn place(&self, config: ConfigBuilder, base: &str, settings: &TenantSettings) -> ConfigBuilder {
        for resolver in &self.resolvers {
            match resolver {
                Resolver::Path(prefix) => return config.mount_path(format!("{prefix}/{}", settings.id)),
                Resolver::Subdomain(parent) => {
                    return config.base_url(with_host(base, &format!("{}.{parent}", settings.id)));
                }
                Resolver::Host if !settings.hosts.is_empty() => {
                    let first = settings.hosts.first().map(String::as_str).unwrap_or_default();
                    return config.base_url(with_host(base, first));
                }
                _ => {}
            }
        }
        config
    }

    /// A request for no tenant: to the application's own address, or to one that it does not have.
    fn lobby_or_refusal(self: &Arc<Self>, parts: &Parts, target: &str) -> Arrival {
        let by_host = self.resolvers.iter().any(|one| matches!(one, Resolver::Host | Resolver::Subdomain(_)));
        let own = Url::parse(self.template.config().shared().0).ok();
        let own = own.as_ref().and_then(Url::host_str);
        if by_host && host(parts).as_deref() != own {
            return self.refused(parts, target, unknown());
        }
        Arrival::Here(self.lobby.visit_of_nobody(parts, target, Lobby::Open(Arc::clone(self))))
    }

    /// A request that is answered with an error whatever it is for.
    fn refused(self: &Arc<Self>, parts: &Parts, target: &str, error: Error) -> Arrival {
        let visit = self.lobby.visit_of_nobody(parts, target, Lobby::Closed(Arc::new(error)));
        // Adapters take the short way past the handler only with who waits.
        Arrival::Waiting(Waiting::on(async move { visit }))
    }

    /// Ends the sessions of tenants that a file has no more.
    fn end_removed(self: &Arc<Self>) {
        for settings in self.directory.removed() {
            let ready = self.ready.remove(&settings.id).map(|(_, ready)| ready.auth);
            let Some(auth) = ready.or_else(|| self.engine(&settings).ok()) else { continue };
            self.ready.remove(&settings.id);
            tokio::spawn(async move {
                if let Err(error) = auth.end_everybody().await {
                    tracing::warn!(target: "okta_auth", code = %error.code(), "sessions of a removed tenant live on: {error}");
                }
            });
        }
    }

    /// Whether the lobby asks for an address.
    pub(super) fn email_first(&self) -> bool {
        self.email_first
    }

    /// The tenants to choose from; none if that is not wanted.
    pub(super) fn choices(&self) -> Vec<Arc<TenantSettings>> {
        if self.chooser { self.directory.all() } else { Vec::new() }
    }

    /// The engine of a tenant that is listed.
    pub(super) fn ready(&self, settings: &Arc<TenantSettings>) -> Result<OktaAuth> {
        self.engine(settings)
    }
}

/// What a hint comes to.
enum Considered {
    Tenant(Result<OktaAuth>),
    /// It leads nowhere, and may do so.
    Nobody,
    /// It leads nowhere, and may not.
    Refused,
    /// The source has to be asked.
    Ask,
}

/// 404: whether there is another tenant of a similar name is nobody's business.
fn unknown() -> Error {
    Error::new(Code::TenantUnknown, "the request is for a tenant that there is not")
}

/// A URL with another host, and the same scheme and port.
fn with_host(base: &str, host: &str) -> String {
    let Ok(mut url) = Url::parse(base) else { return base.to_owned() };
    match url.set_host(Some(host)) {
        Ok(()) => url.origin().ascii_serialization(),
        Err(_) => base.to_owned(),
    }
}

impl Visit {
    /// The tenants of the application, if the request is for none of them.
    pub(super) fn many(&self) -> Option<&Arc<Many>> {
        match self.lobby() {
            Some(Lobby::Open(many)) => Some(many),
            _ => None,
        }
    }
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants").finish_non_exhaustive()
    }
}

impl fmt::Debug for Many {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Many").finish_non_exhaustive()
    }
}

impl fmt::Debug for TenantsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantsBuilder").finish_non_exhaustive()
    }
}
