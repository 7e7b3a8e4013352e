//! What many tenants share, and how a request finds its own.
//!
//! # What a tenant has of its own, and what all share
//!
//! | its own | shared |
//! |---|---|
//! | issuer, metadata, keys, verified tokens | the connections and their TLS settings |
//! | limits and failures of its requests to Okta | the policy of where they may lead |
//! | the seal of its cookies, and their names | the cookie secrets |
//! | the names of its sessions, links and marks | the store, and the list of ended sessions |
//! | its policies | the application's hooks |
//!
//! What is shared has the tenant in every key or in the associated data of every seal,
//! so a value of one tenant is not found, or does not open, in another.
//!
//! # How one becomes ready
//!
//! An engine is made when the first request of its tenant comes, from the settings as
//! they are then, and again when they have changed. Making it touches no network.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use http::Method;
use quick_cache::sync::Cache;
use tokio::sync::oneshot;
use url::Url;

use super::addresses;
use super::arrival::{Arrival, Waiting};
use super::builder::OktaAuthBuilder;
use super::chooser::{Choices, Chooser};
use super::lobby::Entrance;
use super::removal;
use super::route_table::RouteTable;
use super::routes::Endpoint;
use super::visit::Lobby;
use super::{OktaAuth, RouteOptions};
use crate::config::ConfigBuilder;
use crate::cookie::CookieSettings;
use crate::error::{Code, Error, Result};
use crate::headers::{Head, Headers};
use crate::policy::{MatchedRoute, RouteAccess};
use crate::tenant::{
    Directory, Hint, Lookup, Resolver, Shared, Taken, TenantId, TenantKey, TenantSettings, host, named, resolve,
};

/// So many tenants are kept ready; the others are made ready when somebody comes.
const READY: usize = 4096;

/// What many tenants share.
pub(super) struct Many {
    template: OktaAuthBuilder,
    resolvers: Vec<Resolver>,
    directory: Directory,
    ready: Cache<TenantId, Ready>,
    /// One engine is made at a time: two of one tenant would fetch its keys twice. With
    /// what the tenants of a source have.
    making: Mutex<Taken>,
    /// An engine that knows nobody, for requests that are for no tenant.
    pub(super) lobby: OktaAuth,
    /// The full name of the session cookie at the application's own address, to which
    /// each tenant adds its id.
    session_cookie: String,
    /// What `/login` lists.
    chooser: Chooser,
    /// The sets of policies that tenants name.
    policies: HashMap<String, Arc<RouteAccess>>,
    routes: RouteTable,
    entrance: Entrance,
    /// This one, for engines that look at the others.
    this: Weak<Self>,
}

/// A tenant with its engine.
#[derive(Clone)]
struct Ready {
    settings: Arc<TenantSettings>,
    auth: OktaAuth,
}

impl Many {
    /// Puts everything together; everything has been checked.
    pub(super) fn new(
        template: OktaAuthBuilder,
        resolvers: Vec<Resolver>,
        directory: Directory,
        lobby: OktaAuth,
        policies: HashMap<String, Arc<RouteAccess>>,
    ) -> Self {
        let (base, name) = template.config().shared();
        let secure = Url::parse(base).is_ok_and(|base| base.scheme() == "https");
        let session_cookie = CookieSettings::new(secure).name(name);
        let sets = std::iter::once(&lobby.0.access).chain(policies.values()).cloned().collect();
        let own = lobby.config().routes().own().map(str::to_owned);
        let below = endpoints_below(&lobby, &resolvers).into_iter().map(|(_, path)| path);
        let routes = RouteTable::new(sets, own.chain(below).collect(), template.route_options());
        Self {
            session_cookie,
            chooser: Chooser::default(),
            template,
            resolvers,
            directory,
            ready: Cache::new(READY),
            making: Mutex::default(),
            lobby,
            policies,
            routes,
            entrance: Entrance::default(),
            this: Weak::new(),
        }
    }

    /// The same behind a pointer, which its engines can come back by.
    pub(super) fn shared(self) -> Arc<Self> {
        Arc::new_cyclic(|this| Self { this: Weak::clone(this), ..self })
    }

    /// With this at the entrance.
    pub(super) fn with(mut self, entrance: Entrance) -> Self {
        self.entrance = entrance;
        self
    }

    /// The library's paths for requests that are told by host or the like.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = (Endpoint, &str)> {
        Endpoint::all(self.lobby.config().routes())
    }

    /// The same below the prefixes that name a tenant, and the callbacks of tenants that
    /// share an address, as patterns of the router.
    pub(super) fn endpoints_below(&self) -> Vec<(Endpoint, String)> {
        endpoints_below(&self.lobby, &self.resolvers)
    }

    /// The routes of the application.
    pub(super) fn routes(&self) -> &RouteTable {
        &self.routes
    }

    /// Whether a tenant's own policies do not simply allow a request to this route.
    pub(super) fn has_guard_of_tenant(&self, route: MatchedRoute<'_>) -> bool {
        self.routes.has_guard_of_tenant(route)
    }

    /// Forgets what a source has said.
    pub(super) fn forget(&self) {
        self.directory.forget();
    }

    /// Ends every session of a tenant, which is in the source no more or will soon not
    /// be.
    pub(super) async fn end_tenant(self: &Arc<Self>, id: &TenantId) -> Result<()> {
        let key = TenantKey::Id(id.clone());
        let ready = self.ready.get(id).map(|ready| ready.auth);
        let auth = match (ready, self.directory.last(&key)) {
            (Some(auth), _) => auth,
            (None, Some(settings)) => self.engine(&settings)?,
            (None, None) => self.find(&key).await?.ok_or_else(unknown)?,
        };
        self.directory.forget();
        // Whoever comes from now on gets another engine, or none.
        self.ready.remove(id);
        auth.remove_everybody().await
    }

    /// Finds the tenant, at once if it can be.
    ///
    /// Whoever notices that a tenant has gone waits until its sessions have ended: with
    /// the next request it may be back.
    pub(super) fn arrival<H: Headers>(self: &Arc<Self>, head: Head<'_, H>, options: RouteOptions) -> Arrival {
        let arrival = self.seek(head, options);
        let Some(ending) = self.end_removed() else { return arrival };
        Arrival::Waiting(Waiting::on(async move {
            // Goes on by itself if this request is given up.
            ending.await.ok();
            arrival.visit().await
        }))
    }

    /// Finds the tenant by what is known, or else by asking.
    fn seek<H: Headers>(self: &Arc<Self>, head: Head<'_, H>, options: RouteOptions) -> Arrival {
        let hints = self.hints(head);
        for hint in &hints {
            match self.consider(hint) {
                Considered::Tenant(Ok(auth)) => return self.enter(&auth, head, options),
                Considered::Tenant(Err(error)) => return self.refused(head, error),
                Considered::Nobody => {}
                Considered::Refused => return self.refused(head, unknown()),
                Considered::Ask => return self.ask(hints, head, options),
            }
        }
        self.lobby_or_refusal(head)
    }

    /// What tells the tenant: the resolvers, or for a callback at the address that
    /// tenants share the callback's own name.
    fn hints<H: Headers>(&self, head: Head<'_, H>) -> Vec<Hint> {
        match self.shared_callback(head.path()) {
            Some(rest) if !rest.is_empty() => vec![named(rest.strip_prefix('/').unwrap_or_default())],
            _ => {
                let says = self.says_where_to(head);
                let asked = self.resolvers.iter().filter(|resolver| !says || !matches!(resolver, Resolver::Session));
                resolve(asked, head, &self.session_cookie)
            }
        }
    }

    /// Whether a request to the application's own address says itself at which tenant
    /// to sign in. The session that the browser has at another one does not matter then.
    fn says_where_to<H: Headers>(&self, head: Head<'_, H>) -> bool {
        let (routes, path) = (self.lobby.config().routes(), Some(head.path()));
        (*head.method == Method::POST && path == routes.login()) || path == routes.initiate_login()
    }

    /// What is behind the callback of the application's own address in a request to it
    /// or below it.
    fn shared_callback<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(self.lobby.config().routes().callback()?)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }

    /// The request at its tenant.
    ///
    /// A response that comes to the callback of another tenant, or to that of none, is
    /// not looked at. Okta does not say who answers (RFC 9207), so where it answers to
    /// is the defence against a mix-up (RFC 9700 §4.4.2): with one address for all, an
    /// org could have its users sign in at another one, and be sent the codes.
    fn enter<H: Headers>(self: &Arc<Self>, auth: &OktaAuth, head: Head<'_, H>, options: RouteOptions) -> Arrival {
        let own = auth.config().routes().callback();
        if self.shared_callback(head.path()).is_some() && own != Some(head.path()) {
            return self.refused(head, unknown());
        }
        auth.arrival_of(head, options)
    }

    /// Finds the tenant by asking the source.
    fn ask<H: Headers>(self: &Arc<Self>, hints: Vec<Hint>, head: Head<'_, H>, options: RouteOptions) -> Arrival {
        let (many, owned) = (Arc::clone(self), head.to_owned());
        Arrival::Waiting(Waiting::on(async move {
            let head = owned.head();
            for hint in &hints {
                let (key, required) = match hint {
                    Hint::Tenant(key) => (key, true),
                    Hint::Perhaps(key) => (key, false),
                    Hint::Unknown => return many.refused(head, unknown()).visit().await,
                };
                match many.find(key).await {
                    Ok(Some(auth)) => return many.enter(&auth, head, options).visit().await,
                    Ok(None) if required => return many.refused(head, unknown()).visit().await,
                    Ok(None) => {}
                    Err(error) => return many.refused(head, error).visit().await,
                }
            }
            many.lobby_or_refusal(head).visit().await
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

    /// The engine of the tenant that a third party means by `iss`.
    pub(super) async fn named_by(&self, iss: &str) -> Result<Option<OktaAuth>> {
        self.directory.named_by(iss).await?.map(|settings| self.engine(&settings)).transpose()
    }

    /// The engine of a tenant: the one that is ready, or a new one if the settings are
    /// others. Whoever has the old one keeps it to the end of the request.
    fn engine(&self, settings: &Arc<TenantSettings>) -> Result<OktaAuth> {
        if let Some(auth) = self.ready_engine(settings) {
            return Ok(auth);
        }
        // Nothing waits for the network in here.
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

    /// A new engine of a tenant that no table has checked against the others. What is
    /// its own is written down only once the engine is there.
    fn make_one_of_source(&self, settings: &Arc<TenantSettings>, taken: &mut Taken) -> Result<OktaAuth> {
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
                "the tenant {id} is not served any more: {} has the same client or audience, and is the elder", settings.id
            );
            self.ready.remove(&id);
        }
        Ok(auth)
    }

    /// A new engine for these settings.
    fn make(&self, settings: &Arc<TenantSettings>) -> Result<OktaAuth> {
        Shared::of(self.template.config()).check(settings)?;
        let named = settings.policies.as_ref().map(|name| {
            self.policies.get(name).cloned().ok_or_else(|| {
                let message = format!("the tenant {} names a policy set that there is not", settings.id);
                Error::new(Code::ConfigInvalid, message)
            })
        });
        let access = named.transpose()?.unwrap_or_else(|| Arc::clone(&self.lobby.0.access));
        let exclusive = self.entrance.exclusive.then(|| Weak::clone(&self.this));
        let template = self.template.clone().with_config(self.settings_of(settings));
        template.for_tenant(Arc::clone(settings), access, exclusive).build()
    }

    /// The engine that was made for these very settings.
    fn ready_engine(&self, settings: &Arc<TenantSettings>) -> Option<OktaAuth> {
        let ready = self.ready.get(&settings.id)?;
        (Arc::ptr_eq(&ready.settings, settings) || ready.settings == *settings).then_some(ready.auth)
    }

    /// The settings of the application and of a tenant together.
    fn settings_of(&self, settings: &TenantSettings) -> ConfigBuilder {
        addresses::settings_of(
            self.template.config(),
            &self.resolvers,
            self.lobby.config().redirect_uri().as_str(),
            settings,
        )
    }

    /// A request for no tenant: to the application's own address, or to one that it
    /// does not have.
    fn lobby_or_refusal<H: Headers>(self: &Arc<Self>, head: Head<'_, H>) -> Arrival {
        let by_host = self.resolvers.iter().any(|one| matches!(one, Resolver::Host | Resolver::Subdomain(_)));
        let own = Url::parse(self.template.config().shared().0).ok();
        let own = own.as_ref().and_then(Url::host_str);
        if by_host && host(head).as_deref() != own {
            return self.refused(head, unknown());
        }
        Arrival::Here(self.lobby.visit_of_nobody(head, Lobby::Open(Arc::clone(self))))
    }

    /// A request that is answered with an error whatever it is for, but for the health
    /// path: whoever asks for that wants to know whether the application runs.
    fn refused<H: Headers>(self: &Arc<Self>, head: Head<'_, H>, error: Error) -> Arrival {
        let error = Arc::new(error);
        if self.lobby.config().health_path.as_deref() == Some(head.path()) {
            return Arrival::Here(self.lobby.visit_of_nobody(head, Lobby::Public(error)));
        }
        let visit = self.lobby.visit_of_nobody(head, Lobby::Closed(error));
        // Adapters take the short way past the handler only with who waits.
        Arrival::Waiting(Waiting::on(async move { visit }))
    }

    /// Ends the sessions of tenants that a file has no more. Whoever waits goes on after
    /// the first try.
    ///
    /// It is done with the settings that they had. The engine that is ready may be that
    /// of somebody else by now, who has the name and another client.
    fn end_removed(&self) -> Option<oneshot::Receiver<()>> {
        let end = |settings: Arc<TenantSettings>| {
            let auth = self.ready_engine(&settings).or_else(|| self.make(&settings).ok());
            self.ready.remove_if(&settings.id, |ready| ready.settings == settings);
            auth
        };
        let gone: Vec<OktaAuth> = self.directory.removed().into_iter().filter_map(end).collect();
        (!gone.is_empty()).then(|| removal::end_sessions(gone))
    }

    /// Whether the lobby asks for an address.
    pub(super) fn email_first(&self) -> bool {
        self.entrance.email_first
    }

    /// The tenants to choose from, by name and where they sign in; none if that is not
    /// wanted. They are built once for each table, and no engine is made for them.
    pub(super) fn choices(&self) -> Choices {
        let table = if self.entrance.chooser { self.directory.all() } else { None };
        let build = |tenant: &TenantSettings| self.settings_of(tenant).build().ok();
        table.map_or_else(Choices::default, |table| self.chooser.choices(table, build))
    }
}

/// The library's paths below the prefixes that name a tenant, and the callbacks of
/// tenants that share an address.
fn endpoints_below(lobby: &OktaAuth, resolvers: &[Resolver]) -> Vec<(Endpoint, String)> {
    let endpoints = || Endpoint::all(lobby.config().routes());
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

impl fmt::Debug for Many {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Many").finish_non_exhaustive()
    }
}
