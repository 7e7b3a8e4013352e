//! A request comes in: who makes it is known at once, or somebody has to be asked.
//!
//! | session | known at once | asked |
//! |---|---|---|
//! | none, or a cookie that is none | yes | |
//! | in a cookie, ended sessions known in memory, tokens good | yes | |
//! | in a cookie, ended sessions known in Redis | | Redis |
//! | in a store | | the store |
//! | any, with tokens that are due | | Okta, at most once for all who ask |
//! | any, of a tenant whose settings are elsewhere | | the source of tenants |
//!
//! The first two take no turn of the runtime and make no allocation for a future: they
//! are nearly all requests of an application with sessions in cookies.
//!
//! If whoever is asked does not answer, it is not known whether somebody is signed in.
//! That is neither "yes" nor "no": whatever depends on it is answered with 503, and
//! nothing else is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8};
use std::sync::{Mutex, OnceLock};

use http::request::Parts;

use super::OktaAuth;
use super::client_kind::is_navigation;
use super::renewal::Tended;
use super::visit::{Inner, Lobby, Presence, Upkeep, Visit};
use crate::bearer::Credentials;
use crate::clock::Timestamp;
use crate::cookie::RequestCookies;
use crate::error::{Code, Error};
use crate::events::{About, Happening, StoreUse};
use crate::logout::same_origin;
use crate::session::{Due, Entry, Found, Look, Ticket};

/// A request, as soon as the engine has looked at it.
#[derive(Debug)]
pub enum Arrival {
    /// Who makes it is known: nobody, or somebody whose session came along in full.
    Here(Visit),
    /// Its session is somewhere else, or its tokens are to be renewed.
    Waiting(Waiting),
}

/// A request about which somebody has to be asked.
pub struct Waiting(Pin<Box<dyn Future<Output = Visit> + Send>>);

/// Whether the tokens of a session are renewed when a request arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Renewal {
    /// When they have expired or are about to, whatever the request asks for.
    #[default]
    OnArrival,
    /// Only if a handler asks for the access token: for routes that need no fresh
    /// claims.
    OnDemand,
}

impl Arrival {
    /// The visit, after whatever has to be waited for.
    pub async fn visit(self) -> Visit {
        match self {
            Self::Here(visit) => visit,
            Self::Waiting(Waiting(visit)) => visit.await,
        }
    }
}

impl OktaAuth {
    /// Looks at a request: finds its session and remembers where it wants to go.
    /// `target` is the path and query as the client sent them, before any router took a
    /// prefix away.
    pub fn arrival(&self, parts: &Parts, target: &str, renewal: Renewal) -> Arrival {
        let now = self.0.clock.now();
        if self.config().is_api_only() {
            let cookies = RequestCookies::default();
            return Arrival::Here(Visit::new(self.inner(parts, target, now, cookies)));
        }
        let cookies = RequestCookies::new(&parts.headers);
        let look = self.0.sessions.look(&cookies, now);
        let mut inner = self.inner(parts, target, now, cookies);
        inner.own = matches!(look, Look::None | Look::Invalid) || self.is_own_request(parts);
        match look {
            Look::None => {}
            Look::Invalid => inner.keep(Upkeep::Clear),
            Look::Here { entry, rewrite } => inner.settle(entry, rewrite, false),
            Look::Wait(ticket) => return Arrival::Waiting(Waiting::on(inner.found(ticket, renewal))),
        }
        Arrival::Here(Visit::new(inner))
    }

    /// A request of which nothing but its shape is known.
    fn inner(&self, parts: &Parts, target: &str, now: Timestamp, cookies: RequestCookies) -> Inner {
        Inner {
            auth: self.clone(),
            method: parts.method.clone(),
            target: target.into(),
            navigation: is_navigation(&parts.headers),
            cookies,
            lobby: None,
            own: true,
            presence: Presence::Nobody,
            upkeep: AtomicU8::new(Upkeep::Nothing.into()),
            latest: Mutex::new(None),
            credentials: Credentials::parse(&parts.headers, parts.uri.query()),
            token: OnceLock::new(),
            now,
            consulted: AtomicBool::new(false),
            unanswered: AtomicBool::new(false),
            by_token: AtomicBool::new(false),
            reference: OnceLock::new(),
        }
    }

    /// A request for no tenant.
    pub(super) fn visit_of_nobody(&self, parts: &Parts, target: &str, lobby: Lobby) -> Visit {
        let mut inner = self.inner(parts, target, self.0.clock.now(), RequestCookies::new(&parts.headers));
        inner.lobby = Some(lobby);
        Visit::new(inner)
    }

    /// The routes whose requests do not renew tokens, as they were given to
    /// [`OktaAuthBuilder::renew_on_demand`](super::OktaAuthBuilder::renew_on_demand).
    pub fn on_demand_routes(&self) -> &[String] {
        &self.0.on_demand
    }

    /// When a request to a route, as the router matched it, renews tokens.
    pub fn renewal(&self, route: Option<&str>) -> Renewal {
        let on_demand = route.is_some_and(|route| self.0.on_demand.iter().any(|known| known == route));
        if on_demand { Renewal::OnDemand } else { Renewal::OnArrival }
    }

    /// Whether [`arrival`](Self::arrival) looks at a header, whose name is in lower
    /// case. An adapter for a framework that has another type for headers need not
    /// translate the others.
    pub fn looks_at(&self, header: &str) -> bool {
        let known =
            ["cookie", "authorization", "accept", "origin", "sec-purpose", "x-requested-with"].contains(&header);
        let marker = self.config().options.csrf_header.as_deref();
        known || header.starts_with("sec-fetch-") || marker.is_some_and(|marker| marker.eq_ignore_ascii_case(header))
    }

    /// Whether a request may act for its session. GET and its like change nothing;
    /// anything else has to come from the application's own pages, with the header that
    /// is configured.
    fn is_own_request(&self, parts: &Parts) -> bool {
        let config = self.config();
        let marked = config.options.csrf_header.as_deref().is_none_or(|name| parts.headers.contains_key(name));
        parts.method.is_safe() || (marked && same_origin(&parts.headers, &config.origin()))
    }
}

impl Waiting {
    /// Whatever has to be waited for.
    pub(super) fn on(visit: impl Future<Output = Visit> + Send + 'static) -> Self {
        Self(Box::pin(visit))
    }
}

impl Inner {
    /// Asks for the session, renews its tokens if they are due, and goes on.
    async fn found(mut self, ticket: Ticket, renewal: Renewal) -> Visit {
        let (auth, now) = (self.auth.clone(), self.now);
        match auth.0.sessions.find(ticket, now).await {
            Ok(Found::None) => {}
            Ok(Found::Ended) => self.keep(Upkeep::Clear),
            Ok(Found::Here { entry, rewrite }) => {
                if renewal == Renewal::OnDemand || entry.session.due(now) == Due::No {
                    self.settle(entry, rewrite, false);
                } else {
                    match auth.tended(entry, now).await {
                        Tended::Usable { entry, renewed } => self.settle(entry, rewrite, renewed),
                        Tended::Ended => self.keep(Upkeep::Clear),
                        Tended::Unavailable(error) if error.code() == Code::StoreUnavailable => {
                            self.presence = self.unavailable(error.duplicate());
                        }
                        Tended::Unavailable(error) => self.presence = Presence::Unavailable(error),
                    }
                }
            }
            Err(error) => self.presence = self.unavailable(error),
        }
        Visit::new(self)
    }

    /// Somebody is here.
    fn settle(&mut self, entry: Entry, rewrite: bool, renewed: bool) {
        self.keep(match (renewed, rewrite) {
            (true, _) => Upkeep::Renewed,
            (false, true) => Upkeep::Rewrite,
            (false, false) => Upkeep::Nothing,
        });
        self.presence = Presence::User(entry);
    }

    /// The store does not answer.
    fn unavailable(&self, error: Error) -> Presence {
        self.tell(Happening::StoreUnavailable { during: StoreUse::Read }, About::default(), Some(&error));
        Presence::Unavailable(std::sync::Arc::new(error))
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").finish_non_exhaustive()
    }
}
