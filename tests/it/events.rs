//! Audit events: each event is emitted once for its cause, with the reference that the
//! user sees. Events, logs and metrics contain no secrets and no personal data.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use futures_util::future::join_all;
use metrics::{Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, SharedString, Unit};
use okta_auth_axum::{RequireExt, User, UserRejection};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::{OktaAuthBuilder, Refusal, SignIn};
use okta_auth_core::events::{EndReason, Event, EventKind, LogoutChannel};
use okta_auth_core::policy::{acr, group, scope};
use okta_auth_core::session::{MemoryStore, SessionStore, StoreError, StoreFuture, StoreKey, StoredRecord};
use okta_auth_dev::{Endpoint, Fault, LogoutTokenFault, Org, Outage, RevocationFault, Rotation};

use crate::support::{ADA, Answer, App, AppBuilder, BEN, Browser, CALLBACK};

const LIFETIME: Duration = Duration::from_secs(300);

/// The events that an `on_event` hook received.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Event>>>);

impl Heard {
    fn hook(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let events = Arc::clone(&self.0);
        move |event| events.lock().unwrap().push(event.clone())
    }

    /// The events since the last call.
    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Names and reasons of these events.
    fn names(&self) -> Vec<(&'static str, &'static str)> {
        self.take().iter().map(|event| (event.name(), event.reason())).collect()
    }

    /// Asserts that there was exactly one event, and returns it.
    fn one(&self, name: &str, reason: &str) -> Event {
        let events = self.take();
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!((events[0].name(), events[0].reason()), (name, reason));
        events[0].clone()
    }
}

/// A store that fails on request.
#[derive(Clone)]
struct Fickle {
    store: Arc<MemoryStore>,
    away: Arc<AtomicBool>,
    /// Removals fail.
    keeps: Arc<AtomicBool>,
    /// Leases are never granted.
    stuck: Arc<AtomicBool>,
}

impl Fickle {
    fn new(org: &Org) -> Self {
        let clock = org.clock();
        let store = Arc::new(MemoryStore::with_clock(1_000, move || clock.now()));
        Self { store, away: Arc::default(), keeps: Arc::default(), stuck: Arc::default() }
    }

    fn or_away<'a, T: Send + 'a>(&self, work: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        let away = self.away.load(Ordering::SeqCst);
        Box::pin(async move { if away { Err(StoreError::new("broken")) } else { work.await } })
    }
}

impl SessionStore for Fickle {
    fn create<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.or_away(self.store.create(key, record, lifetime))
    }
    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredRecord>> {
        self.or_away(self.store.load(key))
    }
    fn save<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.or_away(self.store.save(key, record, lifetime))
    }
    fn remove<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, bool> {
        if self.keeps.load(Ordering::SeqCst) {
            return Box::pin(async { Err(StoreError::new("read only")) });
        }
        self.or_away(self.store.remove(key))
    }
    fn link<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey, lifetime: Duration) -> StoreFuture<'a, ()> {
        self.or_away(self.store.link(index, record, lifetime))
    }
    fn unlink<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey) -> StoreFuture<'a, ()> {
        self.or_away(self.store.unlink(index, record))
    }
    fn linked<'a>(&'a self, index: &'a StoreKey) -> StoreFuture<'a, Vec<StoreKey>> {
        self.or_away(self.store.linked(index))
    }
    fn try_lock<'a>(&'a self, mark: &'a StoreKey, owner: u64, lifetime: Duration) -> StoreFuture<'a, bool> {
        if self.stuck.load(Ordering::SeqCst) {
            return Box::pin(async { Err(StoreError::new("stuck")) });
        }
        self.or_away(self.store.try_lock(mark, owner, lifetime))
    }
    fn unlock<'a>(&'a self, mark: &'a StoreKey, owner: u64) -> StoreFuture<'a, ()> {
        self.or_away(self.store.unlock(mark, owner))
    }
    fn raise_watermark<'a>(&'a self, mark: &'a StoreKey, value: u64, lifetime: Duration) -> StoreFuture<'a, ()> {
        self.or_away(self.store.raise_watermark(mark, value, lifetime))
    }
    fn watermarks<'a>(&'a self, marks: &'a [StoreKey]) -> StoreFuture<'a, Vec<u64>> {
        self.or_away(self.store.watermarks(marks))
    }
}

fn offline(config: ConfigBuilder) -> ConfigBuilder {
    config.scopes("openid profile email offline_access").revocation_store("memory")
}

async fn token(user: User) -> Result<String, UserRejection> {
    Ok(user.access_token().await?.expose().to_owned())
}

fn routes() -> Router {
    crate::support::routes()
        .route("/admin", get(|_: User| async { "admin" }).require(group("Admins").named("administration")))
        .route("/sensitive", get(|_: User| async { "done" }).require(acr("urn:okta:loa:2fa:any")))
        .route("/orders", get(|| async { "orders" }).require_token(scope("orders:read")))
        .route("/asks", get(|user: User| async move { user.decide(&group("Admins")).await.is_allowed().to_string() }))
        .route("/token", get(token))
        .route(
            "/everywhere",
            get(|user: User| async move {
                let ids: Vec<_> = user.sessions().await.unwrap().iter().map(|session| session.id()).collect();
                for id in ids {
                    user.end_session(id).await.unwrap();
                }
            }),
        )
}

async fn app_and(
    store: &'static str,
    more: impl FnOnce(OktaAuthBuilder) -> OktaAuthBuilder + Send + 'static,
) -> (App, Heard) {
    Log::listen();
    let org = Org::builder().rotation(Rotation::Rotate).refresh_leeway(Duration::ZERO).access_token_lifetime(LIFETIME);
    let (org, heard) = (org.groups_claim_everywhere("groups").start().await.unwrap(), Heard::default());
    org.put_client(org.client().session_claim(true));
    let hook = heard.hook();
    let app = AppBuilder::default().org(org).routes(routes());
    let app = app.configure(move |config| offline(config).session_store(store));
    (app.build_with(move |auth| more(auth.on_event(hook))).start().await, heard)
}

async fn app(store: &'static str) -> (App, Heard) {
    app_and(store, |auth| auth).await
}

/// A signed-in user whose earlier events are discarded.
async fn signed_in(app: &App, heard: &Heard, user: &str) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(&app.org, user, "/profile").await;
    heard.take();
    browser
}

/// The reference on an error page.
fn shown(answer: &Answer) -> String {
    let after = answer.body.split("Reference: ").nth(1).unwrap_or_else(|| panic!("{}", answer.body));
    after.split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_sign_in_is_started_and_succeeds() {
    for store in ["cookie", "memory"] {
        let (app, heard) = app(store).await;
        let mut browser = app.browser();
        browser.sign_in(&app.org, ADA, "/profile").await;
        let events = heard.take();
        let names: Vec<_> = events.iter().map(|event| (event.name(), event.reason())).collect();
        assert_eq!(names, [("sign_in_started", "ok"), ("sign_in_succeeded", "ok")]);
        assert_ne!(events[0].reference(), events[1].reference(), "two requests");
        let (ada, event) = (app.org.user(ADA).unwrap(), &events[1]);
        assert_eq!((event.subject(), events[0].subject()), (Some(ada.id.as_str()), None));
        assert_eq!(
            (event.issuer(), event.client_id()),
            (Some(app.org.issuer().as_str()), Some(app.org.client().client_id.as_str()))
        );
        let now = app.org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        assert_eq!(event.time().seconds(), i64::try_from(now).unwrap());
        if store == "memory" {
            let sessions = app.auth.sessions_of(&ada.id).await.unwrap();
            assert_eq!(event.session_id(), Some(sessions[0].id()));
        }
        let begun = event.session_id().unwrap();
        assert_eq!(browser.navigate("/profile").await.status, 200);
        assert_eq!(browser.fetch("/asks").await.body, "true");
        assert!(heard.take().is_empty(), "a request with a session is not an event");
        browser.post("/logout", "").await;
        assert_eq!(heard.one("session_ended", "signed_out").session_id(), Some(begun));
        browser.post("/logout", "").await;
        assert!(heard.take().is_empty(), "the session had already ended");
    }
}

#[tokio::test]
async fn the_reference_on_a_page_is_that_of_the_event() {
    let (app, heard) = app("cookie").await;
    let mut browser = app.browser();
    let callback = format!("{CALLBACK}?state=unknown&code=c");
    let page = browser.navigate(&callback).await;
    let event = heard.one("sign_in_failed", "attempt_unknown");
    is_reported_once(&page, &event);
    let json = browser.fetch(&callback).await;
    assert_eq!(json.json()["reference"], heard.one("sign_in_failed", "attempt_unknown").reference().to_string());
    let headers = [("accept", "text/html"), ("x-request-id", "FROM-OUTSIDE"), ("x-correlation-id", "FROM-OUTSIDE")];
    let page = browser.send(reqwest::Method::GET, &callback, &headers, String::new()).await;
    assert!(!page.body.contains("FROM-OUTSIDE"));
    assert_ne!(heard.one("sign_in_failed", "attempt_unknown").reference(), event.reference());
}

#[tokio::test]
async fn a_sign_in_that_cannot_start_or_end_has_failed() {
    let (app, heard) = app("cookie").await;
    app.org.outage(Endpoint::Discovery, Outage::Status(503));
    let page = app.browser().navigate("/profile").await;
    let event = heard.one("sign_in_failed", "provider_unavailable");
    assert_eq!((page.status.as_u16(), shown(&page)), (503, event.reference().to_string()));
    app.org.restore(Endpoint::Discovery);
    app.org.clock().advance(Duration::from_secs(60));
    app.org.fault_once(Fault::IdTokenNonce);
    let page = app.browser().sign_in(&app.org, ADA, "/profile").await;
    let events = heard.take();
    assert_eq!((events[1].name(), events[1].reason()), ("sign_in_failed", "token_claim"));
    assert_eq!((events.len(), shown(&page)), (2, events[1].reference().to_string()));
    assert_eq!(events[1].subject(), None, "no user was verified");
}

#[tokio::test]
async fn the_application_refuses() {
    async fn refuse_all(_: SignIn) -> Result<SignIn, Refusal> {
        Err(Refusal::new("Not today."))
    }
    let (app, heard) = app_and("memory", |auth| auth.on_sign_in(refuse_all)).await;
    let page = app.browser().sign_in(&app.org, ADA, "/profile").await;
    let events = heard.take();
    assert_eq!((events[1].name(), events[1].reason(), events.len()), ("sign_in_refused", "sign_in_refused", 2));
    assert_eq!(shown(&page), events[1].reference().to_string());
    assert_eq!(events[1].subject(), Some(app.org.user(ADA).unwrap().id.as_str()));
}

#[tokio::test]
async fn a_renewal_is_one_event_regardless_of_waiting_requests() {
    for store in ["cookie", "memory"] {
        let (app, heard) = app(store).await;
        let mut browser = signed_in(&app, &heard, ADA).await;
        app.org.clock().advance(LIFETIME);
        join_all((0..50).map(|_| {
            let mut browser = browser.clone();
            async move { assert!(browser.is_signed_in().await) }
        }))
        .await;
        let renewed = heard.one("session_renewed", "ok");
        assert_eq!(renewed.subject(), Some(app.org.user(ADA).unwrap().id.as_str()), "{store}");
        assert!(browser.is_signed_in().await);

        app.org.clock().advance(LIFETIME);
        app.org.outage(Endpoint::Token, Outage::Status(503));
        assert!(browser.is_signed_in().await && browser.is_signed_in().await);
        assert_eq!(heard.one("renewal_failed", "provider_unavailable").session_id(), renewed.session_id());
        app.org.clock().advance(Duration::from_secs(600));
        let page = browser.navigate("/profile").await;
        let event = heard.one("renewal_failed", "provider_unavailable");
        assert_ne!(shown(&page), event.reference().to_string(), "other requests share the renewal");

        app.org.restore(Endpoint::Token);
        app.org.unassign(ADA, &app.org.client().client_id);
        app.org.clock().advance(Duration::from_secs(10));
        assert!(!browser.is_signed_in().await);
        assert_eq!(heard.one("session_ended", "renewal_refused").session_id(), renewed.session_id());
    }
}

#[tokio::test]
async fn policies_refuse_and_ask_for_more() {
    let (app, heard) = app("cookie").await;
    let mut browser = signed_in(&app, &heard, BEN).await;
    let page = browser.navigate("/admin").await;
    let event = heard.one("access_denied", "not_met");
    assert_eq!(page.status, 403);
    is_reported_once(&page, &event);
    assert_eq!(event.subject(), Some(app.org.user(BEN).unwrap().id.as_str()));
    let EventKind::AccessDenied { policy, .. } = event.kind() else { panic!("{event:?}") };
    assert_eq!(policy.as_deref(), Some("administration"));
    let json = browser.fetch("/admin").await.json();
    assert_eq!(json["reference"], heard.one("access_denied", "not_met").reference().to_string());
    assert_eq!(browser.fetch("/asks").await.body, "false");
    assert!(heard.take().is_empty(), "a step-up is not a refusal");

    let step_up = browser.navigate("/sensitive").await;
    assert_eq!(step_up.status, 303);
    let events = heard.take();
    assert_eq!((events[0].name(), events[0].reason()), ("step_up_asked", "step_up_required"));
    assert_eq!((events[1].name(), events.len()), ("sign_in_started", 2));
    assert_eq!(events[0].reference(), events[1].reference(), "one request");
    let json = browser.fetch("/sensitive").await.json();
    assert_eq!(json["reference"], heard.one("step_up_asked", "step_up_required").reference().to_string());

    let token = format!("Bearer {}", app.org.token().access_token(ADA, ["openid"]).sign());
    let headers = [("authorization", token.as_str())];
    let answer = app.browser().send(reqwest::Method::GET, "/orders", &headers, String::new()).await;
    let event = heard.one("access_denied", "insufficient_scope");
    assert_eq!(answer.json()["reference"], event.reference().to_string());
    assert_eq!(event.subject(), Some(app.org.user(ADA).unwrap().id.as_str()), "the user id, not the login");
}

#[tokio::test]
async fn sessions_are_replaced_and_ended_by_the_application() {
    let (app, heard) = app("memory").await;
    let mut browser = signed_in(&app, &heard, ADA).await;
    let login = browser.navigate("/login").await;
    browser.complete(&app.org, login.location(), ADA).await;
    assert_eq!(heard.names(), [("sign_in_started", "ok"), ("session_ended", "replaced"), ("sign_in_succeeded", "ok")]);
    let other = signed_in(&app, &heard, ADA).await;
    assert_eq!(browser.fetch("/everywhere").await.status, 200);
    let events = heard.take();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events.iter().all(|event| event.reason() == EndReason::EndedByApplication.as_str()));
    assert_eq!(events[0].reference(), events[1].reference(), "one request");
    drop(other);

    signed_in(&app, &heard, BEN).await;
    let ben = app.org.user(BEN).unwrap().id;
    let session = app.auth.sessions_of(&ben).await.unwrap().remove(0);
    assert!(app.auth.end_session(session.id()).await.unwrap() && !app.auth.end_session(session.id()).await.unwrap());
    assert_eq!(heard.one("session_ended", "ended_by_application").session_id(), Some(session.id()));
    signed_in(&app, &heard, BEN).await;
    assert_eq!(app.auth.end_sessions_of(&ben).await.unwrap(), Some(1));
    assert_eq!(heard.one("session_ended", "ended_by_application").subject(), Some(ben.as_str()));
}

#[tokio::test]
async fn ending_sessions_in_cookies_names_no_session_ids() {
    let (app, heard) = app("cookie").await;
    signed_in(&app, &heard, ADA).await;
    let ada = app.org.user(ADA).unwrap().id;
    assert_eq!(app.auth.end_sessions_of(&ada).await.unwrap(), None);
    let event = heard.one("session_ended", "ended_by_application");
    assert_eq!((event.subject(), event.session_id()), (Some(ada.as_str()), None));
}

/// The channel and the session count of a logout message event.
fn message(event: &Event) -> (LogoutChannel, Option<usize>) {
    match event.kind() {
        EventKind::LogoutReceived { channel, sessions, .. } => (*channel, *sessions),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn messages_from_outside_and_the_sessions_that_they_end() {
    for store in ["cookie", "memory"] {
        let (app, heard) = app(store).await;
        let stored = store == "memory";
        let count = |number| if stored { Some(number) } else { None };

        signed_in(&app, &heard, ADA).await;
        let place = format!("{}/backchannel-logout", app.base);
        let notice = app.org.logout_token(ADA).notice(&place);
        assert_eq!(notice.send().await.status, Some(200));
        let mut events = heard.take();
        let event = events.pop().unwrap();
        assert_eq!((event.name(), event.reason()), ("logout_received", "ok"), "{store}");
        assert_eq!(message(&event), (LogoutChannel::BackChannel, count(1)));
        let ended: Vec<_> = events.iter().map(|event| (event.name(), event.reason())).collect();
        assert_eq!(ended, if stored { vec![("session_ended", "back_channel")] } else { vec![] });
        assert!(events.iter().all(|ended| ended.reference() == event.reference()));
        assert_eq!(notice.send().await.status, Some(400), "a replay");
        assert_eq!(message(&heard.one("logout_received", "token_claim")).1, Some(0));
        let forged = app.org.logout_token(ADA).fault(LogoutTokenFault::BadSignature).notice(&place).send().await;
        let event = heard.one("logout_received", "token_signature");
        assert!(forged.body.contains(&event.reference().to_string()), "{}", forged.body);

        app.org.clock().advance(Duration::from_secs(2));
        signed_in(&app, &heard, ADA).await;
        let place = format!("{}/global-token-revocation", app.base);
        assert_eq!(app.org.global_revocation(ADA).to(&place).notice().send().await.status, Some(204));
        let names = heard.names();
        assert_eq!(names.last(), Some(&("logout_received", "ok")));
        assert_eq!(names.len(), if stored { 2 } else { 1 }, "{names:?}");
        assert!(!stored || names[0] == ("session_ended", "universal_logout"));
        let forged = app.org.global_revocation(ADA).to(&place).fault(RevocationFault::BadSignature).notice();
        assert_eq!(forged.send().await.status, Some(401));
        assert_eq!(message(&heard.one("logout_received", "token_signature")).0, LogoutChannel::UniversalLogout);
    }
}

#[tokio::test]
async fn a_frame_ends_the_session_of_its_browser_once() {
    for store in ["cookie", "memory"] {
        let (app, heard) = app(store).await;
        app.org.clock().advance(Duration::from_secs(1));
        app.org.put_client(app.org.client().frontchannel_logout(format!("{}/frontchannel-logout", app.base)));
        let mut browser = signed_in(&app, &heard, ADA).await;
        let sid = app.org.sessions()[0].sid.clone();
        let frame = app.org.frontchannel_logout_uris(&sid).remove(0);
        let headers = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
        assert_eq!(browser.send(reqwest::Method::GET, &frame, &headers, String::new()).await.status, 200);
        assert_eq!(heard.names(), [("session_ended", "front_channel"), ("logout_received", "ok")], "{store}");
        assert!(!browser.is_signed_in().await);

        let mut browser = signed_in(&app, &heard, ADA).await;
        let bare = "/frontchannel-logout";
        assert_eq!(browser.send(reqwest::Method::GET, bare, &headers, String::new()).await.status, 400);
        assert_eq!(heard.names(), [("logout_received", "logout_malformed")], "{store}");
        assert!(browser.is_signed_in().await, "{store}");
        assert_eq!(app.browser().send(reqwest::Method::GET, &frame, &headers, String::new()).await.status, 200);
        let sessions = if store == "cookie" { None } else { Some(0) };
        assert_eq!(message(&heard.one("logout_received", "ok")), (LogoutChannel::FrontChannel, sessions));
    }
}

#[tokio::test]
async fn a_store_that_does_not_respond() {
    Log::listen();
    let org = Org::builder().access_token_lifetime(LIFETIME).start().await.unwrap();
    let (heard, store) = (Heard::default(), Fickle::new(&org));
    let (hook, own) = (heard.hook(), store.clone());
    let app = AppBuilder::default().org(org).routes(routes()).configure(offline);
    let app = app.build_with(move |auth| auth.on_event(hook).session_store(own)).start().await;
    let mut browser = signed_in(&app, &heard, ADA).await;
    store.away.store(true, Ordering::SeqCst);
    let page = browser.navigate("/profile").await;
    assert_eq!(page.status, 503);
    is_reported_once(&page, &heard.one("store_unavailable", "session_not_read"));
    let page = browser.clone().post("/logout", "").await;
    assert_eq!(page.status, 503);
    is_reported_once(&page, &heard.one("store_unavailable", "session_not_read"));
    store.away.store(false, Ordering::SeqCst);
    store.keeps.store(true, Ordering::SeqCst);
    let page = browser.clone().post("/logout", "").await;
    let event = heard.one("store_unavailable", "session_not_ended");
    assert_eq!(page.status, 503);
    is_reported_once(&page, &event);
    assert_eq!(event.subject(), Some(app.org.user(ADA).unwrap().id.as_str()), "the user's session continues");
    let login = browser.navigate("/login").await;
    browser.complete(&app.org, login.location(), ADA).await;
    let names = [("sign_in_started", "ok"), ("store_unavailable", "session_not_ended"), ("sign_in_succeeded", "ok")];
    assert_eq!(heard.names(), names);

    store.keeps.store(false, Ordering::SeqCst);
    store.stuck.store(true, Ordering::SeqCst);
    app.org.clock().advance(LIFETIME + Duration::from_secs(600));
    let page = browser.navigate("/profile").await;
    let events = heard.take();
    assert_eq!((events[0].name(), events[0].reason(), events.len()), ("renewal_failed", "store_unavailable", 2));
    assert_eq!((page.status.as_u16(), events[1].reason()), (503, "session_not_read"));
    is_reported_once(&page, &events[1]);
}

#[tokio::test]
async fn a_hook_that_panics_affects_no_request() {
    for store in ["cookie", "memory"] {
        let panics = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&panics);
        let later = Heard::default();
        let hook = later.hook();
        let broken = move |auth: OktaAuthBuilder| {
            let broken = move |event: &Event| {
                counter.fetch_add(1, Ordering::SeqCst);
                panic!("broken at {}", event.name())
            };
            auth.on_event(broken).on_event(hook)
        };
        let (app, _) = app_and(store, broken).await;
        let mut browser = app.browser();
        let answer = browser.sign_in(&app.org, ADA, "/profile").await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, "/profile"));
        for round in 1..=2 {
            // Longer than the grace period in which an old cookie finds the new tokens,
            // so the browser must have received them.
            app.org.clock().advance(LIFETIME);
            assert!(browser.is_signed_in().await, "{store}");
            assert_eq!(app.org.refreshes().granted, round, "{store}");
        }
        assert_eq!(panics.load(Ordering::SeqCst), 4);
        let heard = ["sign_in_started", "sign_in_succeeded", "session_renewed", "session_renewed"];
        assert_eq!(later.take().iter().map(Event::name).collect::<Vec<_>>(), heard, "the next hook is still called");
    }
}

thread_local! {
    /// The log of this thread. A test runs its server, org and browser on one thread.
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes to the log of the thread.
pub(crate) struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Subscribes at every level. All tests share one subscriber, because a level that
    /// one test disables would be off for the others.
    pub(crate) fn listen() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let all = tracing_subscriber::filter::LevelFilter::TRACE;
            tracing_subscriber::fmt().with_max_level(all).with_ansi(false).with_writer(|| Self).init();
        });
    }

    /// The lines of the library itself, at any level.
    pub(crate) fn own_lines() -> Vec<String> {
        let log = LOG.with_borrow(|log| String::from_utf8(log.clone()).unwrap());
        let own = |line: &&str| line.contains(" okta_auth: ") || line.contains(" okta_auth::");
        log.lines().filter(own).map(str::to_owned).collect()
    }
}

/// Asserts that the page shows the event's reference, and that the log has one line for
/// the request.
fn is_reported_once(page: &Answer, event: &Event) {
    let reference = event.reference().to_string();
    assert_eq!(shown(page), reference);
    let lines = Log::own_lines();
    let of_this: Vec<_> = lines.iter().filter(|line| line.contains(&reference)).collect();
    assert_eq!(of_this.len(), 1, "{of_this:?}");
    assert!(of_this[0].contains(event.name()), "{of_this:?}");
}

type Shared<T> = Arc<Mutex<T>>;

/// A metrics recorder that stores all values.
#[derive(Clone, Default)]
struct Recorder {
    described: Arc<Mutex<BTreeMap<String, (&'static str, &'static str)>>>,
    values: Shared<Vec<(Key, Arc<Values>)>>,
}

/// The values of one counter or histogram.
#[derive(Default)]
struct Values(Mutex<Vec<f64>>);

impl CounterFn for Values {
    fn increment(&self, value: u64) {
        self.0.lock().unwrap().push(value as f64);
    }

    fn absolute(&self, _: u64) {
        panic!("the library sets no absolute values");
    }
}

impl HistogramFn for Values {
    fn record(&self, value: f64) {
        self.0.lock().unwrap().push(value);
    }
}

impl Recorder {
    fn describe(&self, name: &KeyName, kind: &'static str, unit: Option<Unit>) {
        let unit = unit.map_or("", |unit| unit.as_str());
        self.described.lock().unwrap().insert(name.as_str().to_owned(), (kind, unit));
    }

    fn values(&self, key: &Key) -> Arc<Values> {
        let mut all = self.values.lock().unwrap();
        if let Some((_, values)) = all.iter().find(|(known, _)| known == key) {
            return Arc::clone(values);
        }
        let values = Arc::new(Values::default());
        all.push((key.clone(), Arc::clone(&values)));
        values
    }

    /// Each metric with its labels and values.
    fn seen(&self) -> Vec<(String, BTreeMap<String, String>, Vec<f64>)> {
        let labels = |key: &Key| key.labels().map(|l| (l.key().to_owned(), l.value().to_owned())).collect();
        let all = self.values.lock().unwrap();
        all.iter().map(|(key, values)| (key.name().to_owned(), labels(key), values.0.lock().unwrap().clone())).collect()
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&name, "counter", unit);
    }
    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&name, "gauge", unit);
    }
    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&name, "histogram", unit);
    }
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.values(key))
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        panic!("there is no gauge")
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.values(key))
    }
}

/// Runs an application through all kinds of events. Returns the values that must not
/// appear in logs, events or metrics.
async fn a_day(app: &App, heard: &Heard) -> Vec<String> {
    let mut secrets = Vec::new();
    let description = || DESCRIPTION.to_owned();
    let mut browser = app.browser();
    app.org.fault_once(Fault::AuthorizeError { error: "access_denied".to_owned(), description: description() });
    browser.sign_in(&app.org, ADA, "/profile").await;
    let error = "invalid_client".to_owned();
    app.org.fault_once(Fault::TokenError { status: 401, error, description: description() });
    browser.sign_in(&app.org, ADA, "/profile").await;
    app.org.fault_once(Fault::IdTokenIatString);
    browser.sign_in(&app.org, ADA, "/profile").await;

    let callback = browser.sign_in(&app.org, ADA, "/profile").await;
    secrets
        .extend(callback.set_cookies().iter().filter_map(|cookie| cookie.split(['=', ';']).nth(1).map(str::to_owned)));
    secrets.push(browser.fetch("/token").await.body);
    app.org.clock().advance(LIFETIME);
    secrets.push(browser.fetch("/token").await.body);
    secrets.extend(browser.jar.values().cloned());
    browser.navigate("/sensitive").await;
    let token = app.org.token().access_token(ADA, ["openid"]).sign();
    let bearer = format!("Bearer {token}");
    for bearer in [bearer.as_str(), &bearer[..bearer.len() - 8]] {
        browser.send(reqwest::Method::GET, "/orders", &[("authorization", bearer)], String::new()).await;
    }
    secrets.push(token);
    let mut ben = app.browser();
    ben.sign_in(&app.org, BEN, "/profile").await;
    ben.navigate("/admin").await;

    let notice = app.org.logout_token(ADA).notice(format!("{}/backchannel-logout", app.base));
    secrets.push(notice.token().to_owned());
    notice.send().await;
    notice.send().await;
    let revocation = app.org.global_revocation(BEN).to(format!("{}/global-token-revocation", app.base)).notice();
    secrets.push(revocation.token().to_owned());
    revocation.send().await;

    app.org.clock().advance(Duration::from_secs(2));
    let mut browser = app.browser();
    browser.sign_in(&app.org, ADA, "/profile").await;
    app.org.clock().advance(LIFETIME);
    app.org.fault_once(Fault::TokenError { status: 400, error: "server_error".to_owned(), description: description() });
    browser.fetch("/api/me").await;
    app.org.clock().advance(Duration::from_secs(10));
    app.org.fault_once(Fault::TokenError {
        status: 400,
        error: "invalid_grant".to_owned(),
        description: description(),
    });
    browser.fetch("/api/me").await;
    browser.sign_in(&app.org, ADA, "/profile").await;
    browser.post("/logout", "").await;
    let names: BTreeSet<_> = heard.0.lock().unwrap().iter().map(Event::name).collect();
    assert_eq!(names.len(), 9, "all events except a refusal of the application and a store outage: {names:?}");
    secrets.retain(|secret| secret.len() >= 10);
    assert!(secrets.len() >= 7, "{}", secrets.len());
    secrets
}

/// The org's error description, which belongs only in the log, on one line.
const DESCRIPTION: &str = "PROVIDERS-DESCRIPTION\nof an error";

/// The personal data of a user's claims.
fn personal(org: &Org) -> Vec<String> {
    let subjects = [ADA, BEN].map(|user| org.user(user).unwrap().id);
    subjects.into_iter().chain([ADA, BEN, "Lovelace", "example.test"].map(str::to_owned)).collect()
}

#[tokio::test]
async fn logs_events_and_metrics_contain_no_secrets_and_no_personal_data() {
    for store in ["cookie", "memory"] {
        let recorder = Recorder::default();
        let _recording = metrics::set_default_local_recorder(&recorder);
        let (app, heard) = app(store).await;
        let secrets = a_day(&app, &heard).await;
        let events = heard.take();
        let printed: Vec<_> = events.iter().map(|event| format!("{event:?} {:?}", event.kind())).collect();
        let labels: Vec<_> = recorder.seen().iter().map(|(name, labels, _)| format!("{name} {labels:?}")).collect();
        assert!(printed.iter().chain(&labels).all(|text| !text.contains("PROVIDERS-DESCRIPTION")));
        for line in Log::own_lines().iter().filter(|line| line.contains("PROVIDERS-DESCRIPTION")) {
            assert!(line.contains(r#"provider_description="PROVIDERS-DESCRIPTION\\nof an error""#), "{line}");
        }
        for text in Log::own_lines().iter().chain(&printed).chain(&labels) {
            for private in secrets.iter().chain(&personal(&app.org)) {
                assert!(!text.contains(private.as_str()), "`{private}` is in: {text}");
            }
        }
        // Each event is one log line at `info` or `warn`, and no other line refers to the
        // same request.
        let lines = Log::own_lines();
        for event in &events {
            let reference = format!("reference={}", event.reference());
            let of_this: Vec<_> = lines.iter().filter(|line| line.contains(&reference)).collect();
            let same = events.iter().filter(|other| other.reference() == event.reference()).count();
            assert_eq!(of_this.len(), same, "{event:?}: {of_this:?}");
            let named = of_this.iter().filter(|line| line.contains(&format!("event=\"{}\"", event.name()))).count();
            assert!(named >= 1 && of_this.iter().all(|line| line.contains(" INFO ") || line.contains(" WARN ")));
        }
        let refused = lines.iter().find(|line| line.contains("provider_error=\"invalid_client\"")).unwrap();
        assert!(refused.contains("sign_in_failed") && refused.contains(" WARN "), "{refused}");
        assert!(refused.contains("PROVIDERS-DESCRIPTION"), "{refused}");
    }
}

/// The rows of the table in the documentation of `events::metrics`.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>, String)> {
    let page = include_str!("../../okta-auth-core/src/events/metrics.rs");
    let rows =
        page.lines().filter_map(|line| line.strip_prefix("//! ")).filter(|line| line.starts_with("| `okta_auth_"));
    let plain = |text: &str| text.trim().trim_matches('`').to_owned();
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        (plain(cells[0]), (plain(cells[1]), cells[2].split(',').map(plain).collect(), plain(cells[3])))
    })
    .collect()
}

#[tokio::test]
async fn metrics_match_their_documentation() {
    let recorder = Recorder::default();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let (app, heard) = app("memory").await;
    a_day(&app, &heard).await;
    let (documented, seen) = (documented(), recorder.seen());
    let described: BTreeMap<_, _> = recorder.described.lock().unwrap().clone();
    let table: BTreeMap<_, _> =
        documented.iter().map(|(name, (kind, _, unit))| (name.clone(), (kind.as_str(), unit.as_str()))).collect();
    assert_eq!(described, table, "names, kinds and units");
    for (name, labels, _) in &seen {
        assert_eq!(documented[name].1, labels.keys().cloned().collect(), "{name}");
    }
    let used: BTreeSet<_> = seen.iter().map(|(name, ..)| name).collect();
    assert_eq!(used, documented.keys().collect(), "each one is used");

    let mut counted = BTreeMap::new();
    for event in heard.take() {
        *counted.entry((event.name().to_owned(), event.reason().to_owned())).or_insert(0.0) += 1.0;
    }
    let counters = seen.iter().filter(|(name, ..)| name == "okta_auth_events_total");
    let counters = counters
        .map(|(_, labels, values)| ((labels["event"].clone(), labels["reason"].clone()), values.iter().sum::<f64>()));
    assert_eq!(counters.collect::<BTreeMap<_, _>>(), counted, "each event once");
    let values =
        |label: &str| seen.iter().filter_map(|(_, labels, _)| labels.get(label).cloned()).collect::<BTreeSet<_>>();
    let page = include_str!("../../okta-auth-core/src/events/metrics.rs").split("\nuse ").next().unwrap();
    for endpoint in values("endpoint") {
        assert!(page.contains(&format!("`{endpoint}`")), "`{endpoint}` is not documented");
    }
    assert!(values("endpoint").len() >= 4 && values("operation").len() >= 7, "{seen:?}");
    assert!(seen.iter().all(|(_, _, values)| values.iter().all(|value| (0.0..60.0).contains(value))));
}
