//! The cost of sessions in each kind of store: loading and saving, ending one user's sessions among very many, bytes,
//! and requests per second.
//!
//! `cargo bench --bench sessions` prints one table. Redis is measured if `redis-server` is on the PATH, and requests
//! per second if `wrk` is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]
#![allow(clippy::print_stdout, reason = "the table is the purpose")]

#[path = "../tests/support/redis.rs"]
#[allow(dead_code)]
mod redis;
mod support;

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::{App, HttpServer, web};
use axum::Router;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, header};
use axum::routing::get;
use futures_util::StreamExt as _;
use futures_util::stream;
use okta_auth_axum::{OktaAuth, RouterExt, User};
use okta_auth_core::adapter::{Engine, RefreshTiming};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::session::{MemoryStore, RedisStore, SessionStore, StoreFuture, StoreKey, StoredRecord};
use okta_auth_dev::{ADA, Clock, Org};
use redis::RedisServer;
use support::{ROUND, SECRET, Server, has_wrk, is_for_real, is_wanted, median, org, resident, sign_in, verdict};
use tokio::runtime::Runtime;

/// Rounds of a measurement; the median is reported.
const ROUNDS: usize = 31;

/// How many sessions of other users are in the store while one user's sessions are ended, and how many that user has.
const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];
const OWN: usize = 50;

/// Limit for the time with the largest store divided by that with the smallest.
const FLAT: f64 = 1.5;

/// After this time the time of use is saved again: a little more than a twentieth of the idle limit.
const DUE: Duration = Duration::from_secs(181);

/// Longer than the bench.
const LONG: Duration = Duration::from_secs(6 * 3600);

/// A shared store that records the writes of sign-ins.
#[derive(Clone)]
struct Shared {
    store: Arc<dyn SessionStore>,
    records: Arc<Mutex<Vec<(StoreKey, StoredRecord)>>>,
    links: Arc<Mutex<Vec<(StoreKey, StoreKey)>>>,
}

impl Shared {
    fn new(store: impl SessionStore) -> Self {
        Self { store: Arc::new(store), records: Arc::default(), links: Arc::default() }
    }

    /// Writes all recorded entries again.
    async fn put_back(&self) {
        let (records, links) = (self.records.lock().unwrap().clone(), self.links.lock().unwrap().clone());
        for (index, key) in &links {
            self.store.link(index, key, LONG).await.unwrap();
        }
        for (key, record) in &records {
            assert!(self.store.create(key, record, LONG).await.unwrap(), "the session should have been ended");
        }
    }
}

impl SessionStore for Shared {
    fn create<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.records.lock().unwrap().push((*key, record.clone()));
        self.store.create(key, record, lifetime)
    }
    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredRecord>> {
        self.store.load(key)
    }
    fn save<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.store.save(key, record, lifetime)
    }
    fn remove<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, bool> {
        self.store.remove(key)
    }
    fn link<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey, lifetime: Duration) -> StoreFuture<'a, ()> {
        self.links.lock().unwrap().push((*index, *record));
        self.store.link(index, record, lifetime)
    }
    fn unlink<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey) -> StoreFuture<'a, ()> {
        self.store.unlink(index, record)
    }
    fn linked<'a>(&'a self, index: &'a StoreKey) -> StoreFuture<'a, Vec<StoreKey>> {
        self.store.linked(index)
    }
    fn try_lock<'a>(&'a self, mark: &'a StoreKey, owner: u64, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.store.try_lock(mark, owner, lifetime)
    }
    fn unlock<'a>(&'a self, mark: &'a StoreKey, owner: u64) -> StoreFuture<'a, ()> {
        self.store.unlock(mark, owner)
    }
    fn raise_watermark<'a>(&'a self, mark: &'a StoreKey, value: u64, lifetime: Duration) -> StoreFuture<'a, ()> {
        self.store.raise_watermark(mark, value, lifetime)
    }
    fn watermarks<'a>(&'a self, marks: &'a [StoreKey]) -> StoreFuture<'a, Vec<u64>> {
        self.store.watermarks(marks)
    }
}

/// An application with its own clock, and one of its sessions.
struct Place {
    name: &'static str,
    engine: Engine,
    clock: Clock,
    parts: Parts,
}

impl Place {
    /// Creates an application with a store, or else with sessions in cookies and no cookie cache.
    async fn new(name: &'static str, org: &Org, clock: Clock, store: Option<Shared>) -> Self {
        let auth = auth(org, &clock, store);
        let cookie = sign_in(org, &auth).await;
        let parts = Request::get("/me").header(header::COOKIE, cookie).body(()).unwrap().into_parts().0;
        Self { name, engine: Engine::new(auth), clock, parts }
    }

    /// Loads the session and finishes the response; returns the number of cookies in it.
    async fn request(&self) -> usize {
        let context = self.engine.authenticate(&self.parts, "/me", RefreshTiming::BeforeHandler).context().await;
        assert!(context.user::<()>().unwrap().is_some(), "{}: no user is signed in", self.name);
        let mut headers = HeaderMap::new();
        context.finish(&mut headers);
        headers.len()
    }

    fn cookie_bytes(&self) -> usize {
        self.parts.headers[header::COOKIE].len()
    }
}

fn auth(org: &Org, clock: &Clock, store: Option<Shared>) -> OktaAuth {
    let config = ConfigBuilder::from_variables(org.env())
        .base_url("http://localhost:8080")
        .cookie_secret(SECRET)
        // Saving advances the clock a lot.
        .session_absolute(Duration::from_secs(300 * 86_400))
        .session_cache_size(0);
    let mut builder = OktaAuthBuilder::from(config).clock(told_by(clock));
    if let Some(store) = store {
        builder = builder.session_store(store);
    }
    builder.build().unwrap()
}

/// Microseconds per request, over one round.
async fn round(place: &Place, saves: bool, times: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..times {
        if saves {
            place.clock.advance(DUE);
        }
        black_box(place.request().await);
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(times)
}

/// One round with or without saving. A cookie that is due stays due, because the bench keeps it. A store needs the
/// clock to advance.
async fn turn(place: &Place, saves: bool, times: u32) -> f64 {
    if place.name != "cookie" || !saves {
        return round(place, saves, times).await;
    }
    place.clock.advance(DUE);
    assert!(place.request().await > 0, "a cookie is due");
    let cost = round(place, false, times).await;
    place.clock.rewind(DUE);
    cost
}

/// Measures requests to each application in turn. If `saves` is set, each request also writes its session. The ratio
/// refers to the first application.
async fn requests(what: &str, places: &[&Place], saves: bool) {
    if !is_wanted(what) {
        return;
    }
    let mut times = Vec::new();
    for place in places {
        let once = turn(place, saves, 20).await;
        times.push((ROUND.as_secs_f64() * 1e6 / once).ceil().clamp(1.0, 2_000.0) as u32);
    }
    let (mut costs, mut ratios) = (vec![Vec::new(); places.len()], vec![Vec::new(); places.len()]);
    for _ in 0..ROUNDS {
        let mut first = f64::NAN;
        for (index, place) in places.iter().enumerate() {
            let cost = turn(place, saves, times[index]).await;
            first = if index == 0 { cost } else { first };
            costs[index].push(cost);
            ratios[index].push(cost / first);
        }
    }
    for (index, place) in places.iter().enumerate() {
        let (cost, ratio) = (median(costs[index].clone()), median(ratios[index].clone()));
        row(
            &format!("{what}: {}", place.name),
            &format!("{cost:>9.2} us"),
            &format!("{ratio:.2} of the {}", places[0].name),
        );
    }
}

/// Prints a line of the table.
fn row(what: &str, figure: &str, ratio: &str) {
    println!("{what:<52} {figure:>14}   {ratio}");
}

/// Fills a store with sessions of other users: a small record and three index entries each.
async fn fill(store: &Arc<dyn SessionStore>, number: usize) {
    let work = stream::iter(0..number).for_each_concurrent(256, |index| async move {
        let name = |kind: u8| {
            let mut bytes = [kind; 32];
            bytes[..8].copy_from_slice(&(index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
            bytes[8..16].copy_from_slice(&(index as u64).to_be_bytes());
            StoreKey::from_bytes(bytes)
        };
        let (key, record) = (name(0), StoredRecord { version: 1, sealed: vec![7; 64] });
        for kind in 1..=3 {
            store.link(&name(kind), &key, LONG).await.unwrap();
        }
        assert!(store.create(&key, &record, LONG).await.unwrap());
    });
    work.await;
}

/// Ends one user's sessions by index, in stores of each size in turn.
async fn ending(what: &str, org: &Org, stores: Vec<Shared>) {
    let mut places = Vec::new();
    for (store, size) in stores.into_iter().zip(SIZES) {
        fill(&store.store, size).await;
        let auth = auth(org, &Clock::default(), Some(store.clone()));
        for _ in 0..OWN {
            sign_in(org, &auth).await;
        }
        places.push((store, auth));
    }
    let subject = org.user(ADA).unwrap().id;
    let (mut costs, mut ratios) = (vec![Vec::new(); places.len()], Vec::new());
    for _ in 0..ROUNDS {
        for ((store, auth), costs) in places.iter().zip(&mut costs) {
            let start = Instant::now();
            assert_eq!(auth.end_sessions_of(&subject).await.unwrap(), Some(OWN));
            costs.push(start.elapsed().as_secs_f64() * 1e6);
            store.put_back().await;
        }
        let last = |index: usize| *costs[index].last().unwrap();
        ratios.push(last(SIZES.len() - 1) / last(0));
    }
    let ratio = median(ratios);
    for (size, costs) in SIZES.iter().zip(costs) {
        let verdict = match *size == SIZES[SIZES.len() - 1] {
            false => String::new(),
            true => format!("{ratio:.2} of the smallest{}", verdict(ratio, FLAT)),
        };
        row(&format!("end {OWN} sessions of {size}: {what}"), &format!("{:>9.0} us", median(costs)), &verdict);
    }
}

/// How long a sign-out on one replica takes to reach another replica, which polls the page.
async fn propagation(org: &Org, redis: &RedisServer) {
    let url = redis.url();
    let replica = |place: &str| {
        let config = ConfigBuilder::from_variables(org.env()).base_url("http://localhost:8080").cookie_secret(SECRET);
        let config = if place == "redis" { config.session_store(&url) } else { config.revocation_store(&url) };
        OktaAuthBuilder::from(config).build().unwrap()
    };
    let subject = org.user(ADA).unwrap().id;
    for place in ["redis", "cookie with a list in redis"] {
        let (here, there) = (replica(place), replica(place));
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let cookie = sign_in(org, &here).await;
            let parts = Request::get("/me").header(header::COOKIE, cookie).body(()).unwrap().into_parts().0;
            let is_in = move |auth: OktaAuth| {
                let parts = parts.clone();
                async move {
                    let engine = Engine::new(auth);
                    let context = engine.authenticate(&parts, "/me", RefreshTiming::BeforeHandler).context().await;
                    context.user::<()>().unwrap().is_some()
                }
            };
            assert!(is_in(there.clone()).await, "{place}");
            let other = there.clone();
            let watch = tokio::spawn(async move {
                while is_in(other.clone()).await {}
                Instant::now()
            });
            let start = Instant::now();
            here.end_sessions_of(&subject).await.unwrap();
            times.push(watch.await.unwrap().duration_since(start).as_secs_f64() * 1e6);
        }
        let time = median(times);
        row(
            &format!("a sign-out reaches another replica: {place}"),
            &format!("{time:>9.0} us"),
            verdict(time / 1e6, 1.0).trim_start(),
        );
    }
}

/// How many sessions are written to determine the size of one.
const SAMPLE: usize = 20_000;

/// Growth of `used` per session in bytes: the same record many times, each with its own index entries.
async fn bytes_each<F: Future<Output = u64>>(written: &Shared, store: &dyn SessionStore, used: impl Fn() -> F) -> u64 {
    let record = written.records.lock().unwrap()[0].1.clone();
    let links = written.links.lock().unwrap().len() as u8;
    let before = used().await;
    for index in 0..SAMPLE {
        let name = |kind: u8| {
            let mut bytes = [kind; 32];
            bytes[..8].copy_from_slice(&(index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
            StoreKey::from_bytes(bytes)
        };
        for kind in 1..=links {
            store.link(&name(kind), &name(0), LONG).await.unwrap();
        }
        store.create(&name(0), &record, LONG).await.unwrap();
    }
    used().await.saturating_sub(before) / SAMPLE as u64
}

/// The memory that Redis uses, in bytes.
async fn redis_memory(server: &RedisServer) -> u64 {
    let info = server.ask("INFO memory").await;
    info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().trim().parse().unwrap()
}

/// Requests per second of a server with sessions in Redis, relative to the bare framework.
fn served(runtime: &Runtime, org: &Org, redis: &RedisServer) {
    if !is_wanted("requests per second") {
        return;
    }
    if !has_wrk() {
        return row("requests per second with redis", "-", "`wrk` is not installed");
    }
    let url = redis.url();
    let config = ConfigBuilder::from_variables(org.env()).base_url("http://localhost:8080").cookie_secret(SECRET);
    let auth = OktaAuthBuilder::from(config.session_store(&url)).build().unwrap();
    let cookie = runtime.block_on(sign_in(org, &auth));
    for framework in ["axum", "actix"] {
        let (mut rates, mut shares) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            let bare = rate(org, &format!("{framework}-bare"), &cookie, &url);
            let rate = rate(org, framework, &cookie, &url);
            rates.push(rate);
            shares.push(rate / bare);
        }
        let (rate, share) = (median(rates), median(shares));
        let figure = format!("{rate:>9.0} /s");
        row(
            &format!("requests per second with redis: {framework}"),
            &figure,
            &format!("{share:.2} of the bare framework"),
        );
    }
}

/// Requests per second of a server in its own process.
fn rate(org: &Org, kind: &str, cookie: &str, store: &str) -> f64 {
    let server = Server::start(org, kind, &[("OKTA_SESSION_STORE", store)]);
    let cookie = [format!("Cookie: {cookie}")];
    server.load("/me", &cookie, 1);
    let output = server.load("/me", &cookie, 2);
    let line = output.lines().find_map(|line| line.strip_prefix("Requests/sec:")).unwrap();
    line.trim().parse().unwrap()
}

/// Runs a server of one kind until it is killed, with one thread for requests.
fn serve(kind: &str, port: u16) {
    let address = ("127.0.0.1", port);
    let auth = || OktaAuth::builder().from_env().cookie_secret(SECRET).build().unwrap();
    if kind.starts_with("axum") {
        let app = match kind {
            "axum" => {
                let subject = |user: User| async move { user.subject().len().to_string() };
                Router::new().route("/me", get(subject)).okta_auth(auth())
            }
            _ => Router::new().route("/me", get(|| async { "20" })),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind(address).await.unwrap();
            println!("ready");
            axum::serve(listener, app).await.unwrap();
        });
    }
    actix_web::rt::System::new().block_on(async {
        let server = if kind == "actix" {
            let auth = auth();
            let subject = |user: okta_auth_actix::User| async move { user.subject().len().to_string() };
            let app = move || {
                App::new().route("/me", web::get().to(subject)).wrap(okta_auth_actix::OktaAuthLayer::new(&auth))
            };
            HttpServer::new(app).workers(1).bind(address).unwrap().run()
        } else {
            let app = || App::new().route("/me", web::get().to(|| async { "20" }));
            HttpServer::new(app).workers(1).bind(address).unwrap().run()
        };
        println!("ready");
        server.await.unwrap();
    });
}

/// Starts `redis-server`, if it is on the PATH.
async fn redis_server() -> Option<RedisServer> {
    let version = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
    match version {
        Ok(_) => Some(RedisServer::start().await),
        Err(_) => None,
    }
}

async fn measure(org: &Org, redis: Option<&RedisServer>) {
    let in_memory = |clock: &Clock| Shared::new(MemoryStore::with_clock(2_000_000, told_by(clock)));
    let at = |database: usize| {
        redis.map(|redis| Shared::new(RedisStore::new(&format!("{}/{database}", redis.url())).unwrap()))
    };
    let clock = Clock::default();
    let (memory_written, redis_written) = (in_memory(&clock), at(0));
    let cookie = Place::new("cookie", org, Clock::default(), None).await;
    let memory = Place::new("memory", org, clock, Some(memory_written.clone())).await;
    let remote = match &redis_written {
        Some(store) => Some(Place::new("redis", org, Clock::default(), Some(store.clone())).await),
        None => None,
    };
    let places: Vec<&Place> = [&cookie, &memory].into_iter().chain(&remote).collect();
    requests("load", &places, false).await;
    requests("load and save", &places, true).await;

    if is_wanted("bytes") {
        let sealed = |written: &Shared| written.records.lock().unwrap()[0].1.sealed.len();
        row("bytes in the browser: cookie", &cookie.cookie_bytes().to_string(), "");
        let share = memory.cookie_bytes() as f64 / cookie.cookie_bytes() as f64;
        row("bytes in the browser: store", &memory.cookie_bytes().to_string(), &format!("{share:.2} of the cookie"));
        row("bytes of the sealed record: store", &sealed(&memory_written).to_string(), "");
        let store = MemoryStore::new(SAMPLE);
        let each = bytes_each(&memory_written, &store, || async { resident() }).await;
        let ratio = |each: u64, written: &Shared| format!("{:.2} of the record", each as f64 / sealed(written) as f64);
        row("bytes with index: memory", &each.to_string(), &ratio(each, &memory_written));
        if let (Some(server), Some(written)) = (redis, &redis_written) {
            let store = at(4).unwrap().store;
            let each = bytes_each(written, &*store, || redis_memory(server)).await;
            row("bytes with index: redis", &each.to_string(), &ratio(each, written));
        }
    }
    if let Some(redis) = redis
        && is_wanted("a sign-out reaches another replica")
    {
        propagation(org, redis).await;
    }
    if is_wanted("end") {
        ending("memory", org, SIZES.iter().map(|_| in_memory(&Clock::default())).collect()).await;
        if redis.is_some() {
            ending("redis", org, (1..=SIZES.len()).filter_map(at).collect()).await;
        }
    }
}

/// Wraps a clock for the library.
fn told_by(clock: &Clock) -> impl Fn() -> std::time::SystemTime + Send + Sync + use<> {
    let clock = clock.clone();
    move || clock.now()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|mode| mode == "serve") {
        return serve(&arguments[2], arguments[3].parse().unwrap());
    }
    if !is_for_real() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (org, redis) = runtime.block_on(async { (org().await, redis_server().await) });
    if redis.is_none() {
        row("redis", "-", "`redis-server` is not on the PATH (Debian: apt-get install redis-server): not measured");
    }
    runtime.block_on(measure(&org, redis.as_ref()));
    if let Some(redis) = &redis {
        served(&runtime, &org, redis);
    }
}
