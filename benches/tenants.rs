//! The cost of many tenants: finding the tenant of a request, memory and startup time per tenant, tokens of many
//! issuers, and the effect of an org that hangs, fails, or constantly rotates its keys.
//!
//! `cargo bench --bench tenants` prints one table and takes about a minute. One server of this bench plays all orgs,
//! at names below `localhost` (RFC 6761 §6.3), because a thousand development orgs would generate keys for minutes.
//! Its keys belong to one development org, which also signs the tokens. The library fetches and parses them for each
//! tenant.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]
#![allow(clippy::print_stdout, reason = "the table is the purpose")]

mod support;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use allocation_counter::measure;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_auth_axum::{AccessToken, RouterExt};
use okta_auth_core::OktaAuth;
use okta_auth_core::adapter::{Authentication, Engine, RefreshTiming};
use okta_auth_core::config::{ConfigBuilder, EgressPolicy};
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::multi_tenant::{Resolver, TenantTable, Tenants};
use okta_auth_core::tenant::{TenantId, TenantSettings};
use okta_auth_dev::{ADA, Org};
use serde_json::{Value, json};
use support::{SECRET, calibrate, is_for_real, is_wanted, median, now, org, round, verdict};
use tokio::runtime::Runtime;
use tower::Service;

/// The numbers of tenants.
const SIZES: [usize; 4] = [1, 100, 10_000, 100_000];

/// The number of tenants that are in use, spread over all of them. It is a hundred for each size, so that only the
/// table differs: a look-up is the same work for any number of tenants, but its data is less often in the processor's
/// caches.
///
/// With a thousand tenants in use no data is in a cache, with or without a table: the entry, the settings, the
/// engine, and the request itself, which a server has just read but this bench has not. That row has no limit.
///
/// All of them are ready. Making a tenant ready has its own row.
const FEW: usize = 100;
const BUSY: usize = 1_000;

/// Limit for the time with the largest number divided by that with a hundred.
const FLAT: f64 = 2.0;

/// Tokens of a thousand issuers, each with its own keys in memory, compared with tokens of one.
const ISSUERS: usize = 1_000;
const OF_ONE: f64 = 1.5;

/// Bytes per unused tenant, and seconds until all of them can be served.
const IDLE_BYTES: f64 = 4_096.0;
const START: f64 = 5.0;

/// Limit for the slowest of a hundred requests of other tenants, relative to a run without the bad orgs.
const UNDISTURBED: f64 = 1.5;

/// Rounds of a measurement; the median is reported.
const ROUNDS: usize = 31;

/// Prints a line of the table.
fn row(what: &str, figure: String, unit: &str, compared: &str) {
    println!("{what:<58} {figure:>10} {unit:<5}  {compared}");
}

/// The orgs: each name below `localhost` is one.
#[derive(Clone)]
struct Orgs(Arc<State>);

struct State {
    port: u16,
    /// The org that signs the tokens.
    keys: Org,
    jwks: Value,
    requests: AtomicUsize,
    /// The key id of the org `rotates` changes with each request for it.
    generation: AtomicUsize,
    /// Whether the server closes a connection after each response.
    closes: AtomicBool,
}

impl Orgs {
    async fn start(keys: Org) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = State {
            port: listener.local_addr().unwrap().port(),
            jwks: keys.public_jwks(),
            keys,
            requests: AtomicUsize::new(0),
            generation: AtomicUsize::new(0),
            closes: AtomicBool::new(false),
        };
        let orgs = Self(Arc::new(state));
        let shared = orgs.clone();
        let answer = move |headers: HeaderMap, uri: Uri| {
            let orgs = shared.clone();
            async move { orgs.answer(&headers, &uri).await }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
        orgs
    }

    async fn answer(&self, headers: &HeaderMap, uri: &Uri) -> Response {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        let host = headers[header::HOST].to_str().unwrap();
        let name = host.split('.').next().unwrap();
        match name {
            "hangs" => std::future::pending().await,
            "fails" => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
            _ => {}
        }
        let document = if uri.path().ends_with("/v1/keys") {
            self.published(name)
        } else if uri.path().ends_with("/v1/introspect") {
            let issuer = format!("http://{host}");
            json!({ "active": true, "token_type": "Bearer", "scope": "openid", "client_id": client_of(name),
                "sub": ADA, "iss": issuer, "aud": issuer, "exp": 4_000_000_000_u64 })
        } else {
            let path = uri.path().split("/.well-known").next().unwrap();
            let (issuer, at) = (format!("http://{host}{path}"), format!("http://{host}/oauth2/default/v1"));
            json!({ "issuer": issuer, "jwks_uri": format!("{at}/keys"), "token_endpoint": format!("{at}/token"),
                "authorization_endpoint": format!("{at}/authorize"),
                "introspection_endpoint": format!("{at}/introspect") })
        };
        let mut response = Json(document).into_response();
        if self.0.closes.load(Ordering::Relaxed) {
            response.headers_mut().insert(header::CONNECTION, "close".parse().unwrap());
        }
        response
    }

    fn published(&self, name: &str) -> Value {
        let mut jwks = self.0.jwks.clone();
        if name == "rotates" {
            let generation = self.0.generation.load(Ordering::Relaxed);
            for (at, key) in jwks["keys"].as_array_mut().unwrap().iter_mut().enumerate() {
                key["kid"] = format!("{generation}.{at}").into();
            }
        }
        jwks
    }

    fn requests(&self) -> usize {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// The custom server of an org.
    fn issuer(&self, name: &str) -> String {
        format!("http://{name}.localhost:{}/oauth2/default", self.0.port)
    }

    /// A tenant with its own org.
    fn tenant(&self, name: &str) -> TenantSettings {
        let mut tenant = TenantSettings::new(TenantId::parse(name).unwrap(), self.issuer(name), client_of(name));
        tenant.hosts = vec![format!("{name}.app.example")];
        tenant.email_domains = vec![format!("{name}.example")];
        tenant
    }

    /// An access token of an org.
    fn token(&self, name: &str) -> String {
        self.token_of(&self.issuer(name))
    }

    /// A token of an org's issuer.
    fn token_of(&self, issuer: &str) -> String {
        self.0.keys.token().access_token(ADA, ["openid", "profile"]).claim("iss", issuer).sign()
    }

    /// An invalid token that names an org.
    fn unsigned(&self, name: &str) -> String {
        let payload = json!({ "ver": 1, "iss": self.issuer(name), "aud": "api://default", "iat": 1_800_000_000,
            "exp": 1_800_003_600, "cid": client_of(name), "uid": "00u1ada0000000000000", "scp": ["openid", "profile"],
            "sub": ADA });
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{}", part(json!({ "kid": "k", "alg": "RS256" })), part(payload), "A".repeat(342))
    }

    /// An access token of the org `rotates`, with the key id of a generation.
    fn rotated(&self, generation: usize) -> String {
        let mint = self.0.keys.token().access_token(ADA, ["openid", "profile"]);
        mint.claim("iss", self.issuer("rotates")).header("kid", format!("{generation}.0")).sign()
    }
}

fn client_of(name: &str) -> String {
    format!("0oa{name}")
}

fn name(at: usize) -> String {
    format!("t{at}")
}

/// Creates the tenants. `remembers` is how many verified tokens each of them caches.
fn build(table: TenantTable, resolver: Resolver, remembers: usize) -> Tenants {
    let shared = ConfigBuilder::default()
        .base_url("https://app.example")
        .cookie_secret(SECRET)
        .token_cache_size(remembers)
        .introspection_lifetime(Duration::ZERO)
        .jwks_refetch_floor(Duration::ZERO)
        .http_timeout(Duration::from_secs(1));
    Tenants::builder(OktaAuthBuilder::from(shared))
        .table(table)
        .resolve(resolver)
        .egress(EgressPolicy::default().dangerous().allow_loopback())
        .build()
        .unwrap()
}

/// The cost of a start: seconds, and bytes of this process including the settings.
struct Start {
    tenants: Engine,
    seconds: f64,
    bytes: f64,
}

fn start(orgs: &Orgs, number: usize, resolver: Resolver) -> Start {
    let (mut built, mut seconds) = (None, 0.0);
    let allocated = measure(|| {
        let settings: Vec<_> = (0..number).map(|at| orgs.tenant(&name(at))).collect();
        let start = Instant::now();
        built = Some(build(TenantTable::new(settings).unwrap(), resolver, 4_096));
        seconds = start.elapsed().as_secs_f64();
    });
    Start { tenants: Engine::new(built.unwrap()), seconds, bytes: allocated.bytes_current as f64 }
}

/// Sockets of this process, and tasks of the runtime.
fn held(runtime: &Runtime) -> [usize; 2] {
    let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let links = open.filter_map(|file| std::fs::read_link(file.path()).ok());
    let sockets = links.filter(|link| link.to_string_lossy().starts_with("socket:")).count();
    [sockets, runtime.metrics().num_alive_tasks()]
}

/// The cost of a start, and the resources of unused tenants.
fn starting(runtime: &Runtime, orgs: &Orgs) {
    let (before, asked) = (held(runtime), orgs.requests());
    let mut shared = f64::NAN;
    for number in SIZES {
        let starts: Vec<_> = (0..3).map(|_| start(orgs, number, Resolver::Host)).collect();
        let seconds = median(starts.iter().map(|start| start.seconds).collect());
        let limit = if number == SIZES[3] { START } else { f64::NAN };
        let each = format!("{:.2} us for each{}", seconds * 1e6 / number as f64, verdict(seconds, limit));
        row(&format!("start with {number} tenants"), format!("{seconds:.4}"), "s", &each);
        let bytes = starts[0].bytes;
        if number == 1 {
            shared = bytes;
            row("memory that tenants share, with certificates", format!("{bytes:.0}"), "bytes", "");
            continue;
        }
        let each = (bytes - shared) / (number - 1) as f64;
        let what = format!("memory of an idle tenant of {number}");
        row(&what, format!("{each:.0}"), "bytes", &verdict(each, IDLE_BYTES));
        if number == SIZES[3] {
            let after = held(runtime);
            for (what, at) in [("sockets", 0), ("tasks", 1)] {
                let told = format!("{} before{}", before[at], verdict(after[at] as f64, before[at] as f64));
                row(&format!("{what} with {number} idle tenants"), after[at].to_string(), "", &told);
            }
        }
    }
    let fetched = orgs.requests() - asked;
    row("requests to their orgs at start", fetched.to_string(), "", &verdict(fetched as f64, 0.0));
}

/// The tenants in use, in an order unrelated to memory.
fn busy(number: usize, most: usize) -> impl Iterator<Item = usize> {
    let count = number.min(most);
    (0..count).map(move |at| (at * 7_919 % count) * (number / count))
}

/// A request that identifies its tenant in this way, and its target.
fn request(orgs: &Orgs, way: &Resolver, at: usize) -> (Parts, String) {
    let (mut host, mut target) = ("app.example".to_owned(), "/orders".to_owned());
    let mut request = Request::builder();
    match way {
        Resolver::Host => host = format!("{}.app.example", name(at)),
        Resolver::Path(prefix) => target = format!("{prefix}/{}/orders", name(at)),
        Resolver::TrustedHeader(header) => request = request.header(header, name(at)),
        _ => request = request.header(header::AUTHORIZATION, format!("Bearer {}", orgs.unsigned(&name(at)))),
    }
    let request = request.uri(&target).header(header::HOST, host).body(()).unwrap();
    (request.into_parts().0, target)
}

/// Returns the engine of a request's tenant, without waiting.
fn engine(tenants: &Engine, (parts, target): &(Parts, String)) -> OktaAuth {
    let Authentication::Ready(context) = tenants.authenticate(black_box(parts), target, RefreshTiming::BeforeHandler)
    else {
        panic!("the tenant is in a table")
    };
    context.auth().cloned().unwrap()
}

/// Costs of several pieces of work in microseconds, measured in turn so that all run under the same conditions: the
/// median of each, and the median ratio of the last one to that of `against`.
fn in_turn(works: &mut [Box<dyn FnMut() + '_>], against: usize) -> (Vec<f64>, f64) {
    let times: Vec<u32> = works.iter_mut().map(|work| calibrate(work)).collect();
    let (mut costs, mut ratios) = (vec![Vec::new(); works.len()], Vec::new());
    for _ in 0..ROUNDS {
        for ((work, times), costs) in works.iter_mut().zip(&times).zip(&mut costs) {
            costs.push(round(work, *times));
        }
        let of_this_round = |at: usize| *costs[at].last().unwrap();
        ratios.push(of_this_round(works.len() - 1) / of_this_round(against));
    }
    (costs.into_iter().map(median).collect(), median(ratios))
}

/// Finds the tenant of a request and its engine, and checks for a session.
fn finding(orgs: &Orgs) {
    let ways = [
        ("host", Resolver::Host),
        ("path", Resolver::Path("/t".to_owned())),
        ("header", Resolver::TrustedHeader("x-tenant".to_owned())),
        ("bearer token", Resolver::BearerIssuer),
    ];
    for (what, way) in ways {
        if !is_wanted(&format!("find by {what}")) {
            continue;
        }
        let ready = |tenants: &Engine, number: usize, most: usize| {
            let requests: Vec<_> = busy(number, most).map(|at| request(orgs, &way, at)).collect();
            for (at, request) in busy(number, most).zip(&requests) {
                assert_eq!(engine(tenants, request).tenant().unwrap().id.as_str(), name(at));
            }
            requests
        };
        let mut places = Vec::new();
        for number in SIZES {
            let tenants = start(orgs, number, way.clone()).tenants;
            if number == SIZES[3] {
                places.push((ready(&tenants, number, BUSY), tenants.clone()));
            }
            places.push((ready(&tenants, number, FEW), tenants));
        }
        let mut works: Vec<Box<dyn FnMut() + '_>> = Vec::new();
        for (requests, tenants) in &places {
            let mut next = requests.iter().cycle();
            works.push(Box::new(move || drop(black_box(engine(tenants, next.next().unwrap())))));
        }
        let (costs, ratio) = in_turn(&mut works, 1);
        let [one, hundred, many, busy, most] = costs[..] else { panic!("five places") };
        let told = |number: usize, cost: f64, more: String| {
            let compared = format!("{:.2} of one{more}", cost / one);
            row(&format!("find by {what}, {number} tenants"), format!("{cost:.2}"), "us", &compared);
        };
        told(SIZES[0], one, String::new());
        told(SIZES[1], hundred, String::new());
        told(SIZES[2], many, String::new());
        told(SIZES[3], most, format!(", {ratio:.2} of {}{}", SIZES[1], verdict(ratio, FLAT)));
        told(SIZES[3], busy, format!(", with {BUSY} of them busy and in no cache of the processor"));
    }
}

/// The cost of a tenant after its first request: time and memory of its engine, of the documents that it fetches, and
/// of its connection. The runtime uses only this thread, so that all Rust allocations are counted. Allocations of C,
/// which are the parsed keys, are not.
fn ready(orgs: &Orgs) {
    let tenants = start(orgs, 3 * BUSY, Resolver::BearerIssuer).tenants;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tokens: Vec<_> = (0..2 * BUSY).map(|at| orgs.token(&name(at))).collect();
    let each = |info: allocation_counter::AllocationInfo| info.bytes_current as f64 / BUSY as f64;
    let requests: Vec<_> = (0..2 * BUSY).map(|at| request(orgs, &Resolver::BearerIssuer, at)).collect();
    let mut engines = Vec::with_capacity(requests.len());
    let (made, first) = (Instant::now(), &mut engines);
    let bytes = each(measure(|| first.extend(requests[..BUSY].iter().map(|request| engine(&tenants, request)))));
    let cost = made.elapsed().as_secs_f64() * 1e6 / BUSY as f64;
    row("make a tenant ready", format!("{cost:.2}"), "us", "its first request, and after it was not used for long");
    row("memory of a ready tenant", format!("{bytes:.0}"), "bytes", "its engine");
    engines.extend(requests[BUSY..].iter().map(|request| engine(&tenants, request)));
    let verify = |of: std::ops::Range<usize>| {
        let before = held(&runtime);
        let bytes = each(measure(|| {
            runtime.block_on(async {
                for (auth, token) in engines[of.clone()].iter().zip(&tokens[of.clone()]) {
                    auth.verify_access_token(token).await.unwrap();
                }
                // Connections end in their own tasks.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
            });
        }));
        let after = held(&runtime);
        // Both ends of a connection are in this process.
        (bytes, (after[0] - before[0]) as f64 / 2.0 / of.len() as f64)
    };
    orgs.0.closes.store(true, Ordering::Relaxed);
    let (bytes, _) = verify(0..BUSY);
    row("memory of what its first token adds", format!("{bytes:.0}"), "bytes", "metadata, keys, and the token");
    orgs.0.closes.store(false, Ordering::Relaxed);
    let (kept, connections) = verify(BUSY..2 * BUSY);
    let told = format!("while it is kept, 90 s after its last use; connections: {connections:.2} for each");
    row("memory of its connection to its org", format!("{:.0}", kept - bytes), "bytes", &told);
}

/// Access tokens of a thousand issuers in turn, and of one issuer: verified each time, and cached.
fn bearer(runtime: &Runtime, orgs: &Orgs) {
    for (what, remembers) in [("verified each time", 0), ("seen before", 16)] {
        let places: Vec<_> = [1, ISSUERS]
            .into_iter()
            .map(|number| {
                let table = TenantTable::new((0..number).map(|at| orgs.tenant(&name(at)))).unwrap();
                let tenants = Engine::new(build(table, Resolver::BearerIssuer, remembers));
                let requests: Vec<_> = busy(number, ISSUERS)
                    .map(|at| {
                        let token = orgs.token(&name(at));
                        let bearer = format!("Bearer {token}");
                        let request = Request::get("/").header(header::AUTHORIZATION, bearer).body(()).unwrap();
                        ((request.into_parts().0, "/".to_owned()), token)
                    })
                    .collect();
                for (request, token) in &requests {
                    runtime.block_on(engine(&tenants, request).verify_access_token(token)).unwrap();
                }
                (tenants, requests)
            })
            .collect();
        let _guard = runtime.enter();
        let mut works: Vec<Box<dyn FnMut() + '_>> = Vec::new();
        for (tenants, requests) in &places {
            let mut next = requests.iter().cycle();
            works.push(Box::new(move || {
                let (request, token) = next.next().unwrap();
                drop(black_box(now(engine(tenants, request).verify_access_token(token)).unwrap()));
            }));
        }
        let (costs, ratio) = in_turn(&mut works, 0);
        let limit = if remembers == 0 { OF_ONE } else { f64::NAN };
        row(&format!("bearer token of 1 issuer, {what}"), format!("{:.2}", costs[0]), "us", "");
        let compared = format!("{ratio:.2} of one{}", verdict(ratio, limit));
        row(&format!("bearer token of {ISSUERS} issuers, {what}"), format!("{:.2}", costs[1]), "us", &compared);
    }
}

/// How many pairs of runs, with and without the bad orgs, and the time between two requests to each bad org. It is
/// long enough that the processor time of these requests does not affect the others.
const PAIRS: usize = 41;
const TICK: Duration = Duration::from_millis(20);

/// Requests to the bad orgs while they are enabled.
#[derive(Default)]
struct Noise {
    on: AtomicBool,
    /// Successful and failed responses.
    good: AtomicUsize,
    bad: AtomicUsize,
}

/// The effect on other tenants of one org that hangs, one that fails and one that rotates its keys with each request.
fn noisy(runtime: &Runtime, orgs: &Orgs) {
    let bad = ["hangs", "fails", "rotates"].into_iter().map(|name| orgs.tenant(name));
    let mut asks = orgs.tenant("asks");
    // An org server, whose tokens are introspected, so that each request of the tenant causes one to its org.
    asks.issuer = asks.issuer.trim_end_matches("/oauth2/default").to_owned();
    let issuer = asks.issuer.clone();
    let well = (0..100).map(|at| orgs.tenant(&name(at)));
    let table = TenantTable::new(bad.chain([asks]).chain(well)).unwrap();
    let tenants = build(table, Resolver::TrustedHeader("x-tenant".to_owned()), 0);
    let subject = |token: AccessToken| async move { token.subject().to_owned() };
    let app = Router::new().route("/orders", get(subject)).okta_auth(&tenants);
    let noise = Arc::new(Noise::default());
    make_noise(runtime, orgs, &app, &noise);
    let own: Vec<_> = (0..100).map(|at| (name(at), orgs.token(&name(at)))).collect();
    let asking = vec![("asks".to_owned(), orgs.token_of(&issuer))];
    for (what, tokens, count) in [("verify tokens", own, 4_000), ("ask their org each time", asking, 2_000)] {
        let ask = |count: usize, noisy: bool| {
            noise.on.store(noisy, Ordering::Relaxed);
            runtime.block_on(slowest_of_a_hundred(&app, &tokens, count))
        };
        ask(count, false);
        let (mut with, mut without, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..PAIRS {
            let (quiet, loud) = (ask(count, false), ask(count, true));
            without.push(quiet);
            with.push(loud);
            ratios.push(loud / quiet);
        }
        let (with, without, ratio) = (median(with), median(without), median(ratios));
        let compared = format!("{ratio:.2} of the {without:.0} us without{}", verdict(ratio, UNDISTURBED));
        row(&format!("p99 of others beside bad orgs, {what}"), format!("{with:.0}"), "us", &compared);
    }
    let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    let told = format!("and {} that failed", count(&noise.bad));
    row("requests to the bad orgs that were answered", count(&noise.good).to_string(), "", &told);
}

/// Sends requests to the tenants of the bad orgs in the background.
fn make_noise(runtime: &Runtime, orgs: &Orgs, app: &Router, noise: &Arc<Noise>) {
    // Signing takes longer than everything else here.
    let rotated: Vec<_> = (0..256).map(|generation| orgs.rotated(generation)).collect();
    let (hangs, fails) = (orgs.token("hangs"), orgs.token("fails"));
    let (orgs, app, noise) = (orgs.clone(), app.clone(), Arc::clone(noise));
    runtime.spawn(async move {
        let mut ticks = tokio::time::interval(TICK);
        for generation in (0..rotated.len()).cycle() {
            ticks.tick().await;
            if !noise.on.load(Ordering::Relaxed) {
                continue;
            }
            orgs.0.generation.store(generation, Ordering::Relaxed);
            for (name, token) in [("hangs", &hangs), ("fails", &fails), ("rotates", &rotated[generation])] {
                let (mut app, request, noise) = (app.clone(), to(name, token), Arc::clone(&noise));
                // Spawned, because the request to `hangs` never ends.
                tokio::spawn(async move {
                    let answer = Service::call(&mut app, request).await.unwrap();
                    let count = if answer.status() == StatusCode::OK { &noise.good } else { &noise.bad };
                    count.fetch_add(1, Ordering::Relaxed);
                });
            }
        }
    });
}

/// A request with a token to a tenant.
fn to(name: &str, token: &str) -> Request<Body> {
    let request = Request::get("/orders").header("x-tenant", name).header(header::HOST, "app.example");
    request.header(header::AUTHORIZATION, format!("Bearer {token}")).body(Body::empty()).unwrap()
}

/// Microseconds of the slowest of a hundred requests, sent to these tenants in turn. All must succeed.
async fn slowest_of_a_hundred(app: &Router, tokens: &[(String, String)], count: usize) -> f64 {
    let (mut app, mut times) = (app.clone(), Vec::with_capacity(count));
    for (name, token) in tokens.iter().cycle().take(count) {
        let request = to(name, token);
        let start = Instant::now();
        let answer = Service::call(&mut app, request).await.unwrap();
        times.push(start.elapsed().as_secs_f64() * 1e6);
        assert_eq!(answer.status(), StatusCode::OK, "{name} was disturbed");
    }
    times.sort_by(f64::total_cmp);
    times[times.len() * 99 / 100]
}

fn main() {
    if !is_for_real() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let orgs = runtime.block_on(async { Orgs::start(org().await).await });
    if is_wanted("start and memory") {
        starting(&runtime, &orgs);
    }
    finding(&orgs);
    if is_wanted("ready") {
        ready(&orgs);
    }
    if is_wanted("bearer tokens of issuers") {
        bearer(&runtime, &orgs);
    }
    if is_wanted("beside bad orgs") {
        noisy(&runtime, &orgs);
    }
}
