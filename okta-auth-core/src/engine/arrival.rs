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
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8};
use std::sync::{Mutex, OnceLock};

use http::Method;
use http::request::Parts;

use super::OktaAuth;
use super::client_kind::FetchSigns;
use super::renewal::Tended;
use super::visit::{Inner, Lobby, Presence, Upkeep, Visit};
use crate::bearer::{Credentials, Presented};
use crate::clock::Timestamp;
use crate::cookie::RequestCookies;
use crate::error::{Code, Error};
use crate::events::{About, Happening, StoreUse};
use crate::headers::{Head, Headers};
use crate::logout::{Landing, MissingOrigin, same_origin};
use crate::session::{Activity, Due, Entry, Found, Look, Ticket};

/// What the headers of a request come to, from one look at each.
struct Sent {
    cookies: RequestCookies,
    credentials: Credentials,
    navigation: bool,
    /// Whether it opens a WebSocket.
    websocket: bool,
    /// Whether the request itself says that it is no use of the session.
    activity: Activity,
}

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

/// What is set for a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteOptions {
    /// When its requests renew tokens.
    pub renewal: Renewal,
    /// Whether its requests count as a use of the session.
    pub activity: Activity,
}

impl RouteOptions {
    /// Both together.
    pub const fn new(renewal: Renewal, activity: Activity) -> Self {
        Self { renewal, activity }
    }

    /// Combines the options of several routes that fit a request: the one that does less
    /// wins.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::new(self.renewal.max(other.renewal), self.activity.max(other.activity))
    }
}

impl From<Renewal> for RouteOptions {
    fn from(renewal: Renewal) -> Self {
        Self { renewal, ..Self::default() }
    }
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
    pub fn arrival(&self, parts: &Parts, target: &str, options: impl Into<RouteOptions>) -> Arrival {
        self.arrival_of(Head::of(parts, target), options)
    }

    /// The same for a request in the types of another framework.
    pub fn arrival_of<H: Headers>(&self, head: Head<'_, H>, options: impl Into<RouteOptions>) -> Arrival {
        let (now, options) = (self.0.clock.now(), options.into());
        let mut sent = Sent::read(head);
        sent.activity = sent.activity.max(options.activity);
        if self.config().is_api_only() {
            let sent = Sent { cookies: RequestCookies::default(), ..sent };
            return Arrival::Here(Visit::new(self.inner(head.method, head.target, now, sent)));
        }
        let look = self.0.sessions.look(&sent.cookies, now, sent.activity);
        let own = matches!(look, Look::None | Look::Invalid) || self.is_own_request(head, sent.websocket);
        let landing = self.landing(head, &sent, now);
        let inner = Inner { own, landing, ..self.inner(head.method, head.target, now, sent) };
        self.arrived(inner, look, options.renewal)
    }

    /// A request whose cookies have been looked at.
    fn arrived(&self, mut inner: Inner, look: Look, renewal: Renewal) -> Arrival {
        match look {
            Look::None => {}
            Look::Invalid => inner.keep(Upkeep::Clear),
            Look::Here { entry, rewrite } => inner.settle(entry, rewrite, false),
            Look::Wait(ticket) => return Arrival::Waiting(Waiting::on(inner.found(ticket, renewal))),
        }
        let visit = Visit::new(inner);
        // An adapter asks those alone that had to wait whether they may go on.
        if visit.is_return_from_sign_out() { Arrival::Waiting(Waiting::on(ready(visit))) } else { Arrival::Here(visit) }
    }

    /// What a request is to a sign-out before it.
    fn landing<H: Headers>(&self, head: Head<'_, H>, sent: &Sent, now: Timestamp) -> Option<Landing> {
        let opens_a_page = sent.navigation && *head.method == Method::GET;
        if opens_a_page { self.0.landings.read(&sent.cookies, head.target, now) } else { None }
    }

    /// A request of which nothing but its shape is known.
    fn inner(&self, method: &Method, target: &str, now: Timestamp, sent: Sent) -> Inner {
        Inner {
            auth: self.clone(),
            method: method.clone(),
            target: target.into(),
            navigation: sent.navigation,
            cookies: sent.cookies,
            lobby: None,
            own: true,
            presence: Presence::Nobody,
            upkeep: AtomicU8::new(Upkeep::Nothing.into()),
            latest: Mutex::new(None),
            credentials: sent.credentials,
            token: OnceLock::new(),
            now,
            activity: sent.activity,
            consulted: AtomicBool::new(false),
            unanswered: AtomicBool::new(false),
            by_token: AtomicBool::new(false),
            landing: None,
            landing_shown: AtomicBool::new(false),
            reference: OnceLock::new(),
        }
    }

    /// A request for no tenant.
    pub(super) fn visit_of_nobody<H: Headers>(&self, head: Head<'_, H>, lobby: Lobby) -> Visit {
        let (now, sent) = (self.0.clock.now(), Sent::read(head));
        Visit::new(Inner { lobby: Some(lobby), ..self.inner(head.method, head.target, now, sent) })
    }

    /// The routes whose requests do not renew tokens, as they were given to
    /// [`OktaAuthBuilder::renew_on_demand`](super::OktaAuthBuilder::renew_on_demand).
    pub(super) fn on_demand_routes(&self) -> &[String] {
        &self.0.on_demand
    }

    /// The routes whose requests do not count as a use of the session, as they were given
    /// to [`OktaAuthBuilder::passive_route`](super::OktaAuthBuilder::passive_route).
    pub(super) fn passive_routes(&self) -> &[String] {
        &self.0.passive
    }

    /// Whether a request may act for its session. GET and its like change nothing;
    /// anything else has to come from the application's own pages, with the header that
    /// is configured.
    ///
    /// The handshake of a WebSocket is a GET, or in HTTP/2 a CONNECT, and what comes
    /// after it may change anything (RFC 6455 §10.2). Scripts cannot add headers to it.
    fn is_own_request<H: Headers>(&self, head: Head<'_, H>, websocket: bool) -> bool {
        if head.method.is_safe() && !websocket {
            return true;
        }
        let config = self.config();
        let has = |wanted: &str| head.headers.each().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let handshake = websocket || *head.method == Method::CONNECT;
        (handshake || config.options.csrf_header.as_deref().is_none_or(has)) && self.is_own_origin(head.headers)
    }

    /// Whether the headers of a request say that it comes from the application's own
    /// pages.
    pub(super) fn is_own_origin<H: Headers>(&self, headers: &H) -> bool {
        let config = self.config();
        let strict = config.options.strict_origin_check;
        let missing = if strict { MissingOrigin::Refused } else { MissingOrigin::Allowed };
        same_origin(headers, &config.origin(), missing)
    }
}

impl Sent {
    /// Looks at each header once: most requests have few of them, and looking for one by
    /// its name costs as much as going through all.
    fn read<H: Headers>(head: Head<'_, H>) -> Self {
        let (mut cookies, mut presented, mut signs, mut websocket) =
            (RequestCookies::default(), Presented::default(), FetchSigns::default(), false);
        let mut activity = Activity::Active;
        for (name, value) in head.headers.each() {
            match name {
                "cookie" => cookies.note(H::keep(value)),
                "authorization" => presented.note::<H>(value),
                "upgrade" => websocket |= names_websocket(value.as_ref()),
                PASSIVE_HEADER if is_passive(value.as_ref()) => activity = Activity::Passive,
                _ => signs.note(name, value.as_ref()),
            }
        }
        let (credentials, navigation) = (presented.with_query(head.query()), signs.is_navigation());
        Self { cookies, credentials, navigation, websocket, activity }
    }
}

/// A header of the application's own scripts. With the value `none` the request does not
/// count as a use of the session.
///
/// Clients may send it as they like: it can only let a session end sooner.
const PASSIVE_HEADER: &str = "x-session-activity";

/// Whether the value of that header makes the request passive.
fn is_passive(value: &[u8]) -> bool {
    value.trim_ascii().eq_ignore_ascii_case(b"none")
}

/// Whether one of the protocols of an `Upgrade` is WebSocket (RFC 9110 §7.8).
fn names_websocket(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
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
        match auth.0.sessions.find(ticket, now, self.activity).await {
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
        if !self.auth.0.sessions.watches().is_empty() {
            self.auth.0.sessions.note_use(&self.as_written(&entry));
        }
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
