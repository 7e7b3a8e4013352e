//! Costs as ratios to a reference that is measured in the same run, in turn with the work.
//!
//! `cargo bench` prints one table. Absolute times depend on the machine and are only for orientation.

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
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, header};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_auth_axum::{OktaAuth, RouterExt, User};
use okta_auth_core::adapter::{Authentication, Engine, RefreshTiming};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::outgoing::TokenRequest;
use okta_auth_dev::{ADA, Algorithm, Client, Fault, GrantType, Org};
use support::prover::Prover;
use support::{SECRET, calibrate, has_argument, is_for_real, is_wanted, median, now, org, round, sign_in, verdict};
use tower::Service;

/// Rounds of a measurement; the median is reported.
const ROUNDS: usize = 61;

/// Measures two pieces of work in turn, so that both run under the same conditions, and prints their ratio. A limit of
/// NaN means no limit.
fn compare(what: &str, limit: f64, work: &mut dyn FnMut(), against: &str, reference: &mut dyn FnMut()) {
    if !is_wanted(what) {
        return;
    }
    if has_argument(UNDER_CALLGRIND) {
        // The first runs warm up the caches.
        work();
        reference();
        counted(work);
        counted(reference);
        println!("{ROW}{what}");
        return;
    }
    let (times, reference_times) = (calibrate(work), calibrate(reference));
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (a, b) = (round(work, times), round(reference, reference_times));
        ours.push(a);
        theirs.push(b);
        ratios.push(a / b);
    }
    let (ours, theirs, ratio) = (median(ours), median(theirs), median(ratios));
    let verdict = verdict(ratio, limit);
    println!("{what:<44} {ours:>9.2} us   {against:<34} {theirs:>9.2} us   ratio {ratio:>6.3}{verdict}");
}

/// Counts instructions instead of time, for machines on which time is not steady.
const INSTRUCTIONS: &str = "--instructions";

/// The argument of the process that callgrind runs.
const UNDER_CALLGRIND: &str = "--under-callgrind";

/// How that process begins the line of a row.
const ROW: &str = "row: ";

/// How often the work of a row runs.
const COUNTED_RUNS: u32 = 200;

/// The function whose instructions callgrind counts.
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    (0..COUNTED_RUNS).for_each(|_| work());
}

/// Runs the rows under callgrind, which writes a file for each call of [`counted`], and prints the instructions of each
/// row beside those of its reference.
fn instructions() {
    let folder = std::env::temp_dir().join(format!("okta-auth-ratios-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let function = "ratios::counted";
    let output = std::process::Command::new("valgrind")
        .args(["--tool=callgrind", &format!("--toggle-collect={function}"), &format!("--dump-after={function}")])
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(std::env::current_exe().unwrap())
        .arg(UNDER_CALLGRIND)
        .args(std::env::args().skip(1).filter(|argument| argument != INSTRUCTIONS))
        .output()
        .expect("`valgrind` is not installed (Debian: apt-get install valgrind)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    let total = |file: usize| {
        let text = std::fs::read_to_string(folder.join(format!("out.{file}"))).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("summary: ")).unwrap();
        line.trim().parse::<f64>().unwrap() / f64::from(COUNTED_RUNS)
    };
    for (row, what) in log.lines().filter_map(|line| line.strip_prefix(ROW)).enumerate() {
        let (ours, theirs) = (total(2 * row + 1), total(2 * row + 2));
        println!("{what:<44} {ours:>9.0} instructions, reference {theirs:>9.0}   ratio {:>6.3}", ours / theirs);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

struct Setup {
    org: Org,
    auth: OktaAuth,
    cookie: String,
}

async fn setup(filler: usize) -> Setup {
    let org = org().await;
    let (auth, cookie) = signed_in(&org, filler, 0).await;
    Setup { org, auth, cookie }
}

/// An application that caches this many opened cookies, and one of its sessions.
async fn signed_in(org: &Org, filler: usize, remembers: usize) -> (OktaAuth, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    org.allow_redirect(&base);
    let config =
        ConfigBuilder::from_variables(org.env()).base_url(&base).cookie_secret(SECRET).session_cache_size(remembers);
    let clock = org.clock();
    let builder = OktaAuthBuilder::from(config).clock(move || clock.now());
    let auth = builder
        .on_sign_in(move |mut sign_in: okta_auth_core::engine::SignIn| async move {
            sign_in.insert("filler", "x".repeat(filler)).unwrap();
            Ok(sign_in)
        })
        .build()
        .unwrap();
    let cookie = sign_in(org, &auth).await;
    (auth, cookie)
}

fn app(auth: &OktaAuth) -> Router {
    Router::new()
        .route("/me", get(|user: User| async move { user.subject().len().to_string() }))
        .route("/", get(|| async { "12" }))
        .okta_auth(auth)
}

/// An application for tokens, with a stopped clock: no interval between refetches ends.
async fn tokens_only(org: &Org, cache: usize) -> OktaAuth {
    let config = ConfigBuilder::from_variables(org.env()).token_cache_size(cache).algorithms(["RS256", "ES256"]);
    let moment = org.clock().now();
    let auth = OktaAuthBuilder::from(config).clock(move || moment).build().unwrap();
    for token in [
        org.token().access_token(ADA, ["openid"]).sign(),
        org.token().access_token(ADA, ["openid"]).alg(Algorithm::Es256).sign(),
        org.token().access_token(ADA, ["openid"]).header("kid", "unknown").sign(),
    ] {
        // The first token fetches the keys, and the last one triggers the refetch of this interval.
        let _ = auth.verify_access_token(&token).await;
    }
    auth
}

/// The input of raw verification: the parsed key, the signed bytes, the signature.
struct Raw {
    key: ParsedPublicKey,
    input: Vec<u8>,
    signature: Vec<u8>,
}

impl Raw {
    fn new(org: &Org, token: &str) -> Self {
        let (input, signature) = token.rsplit_once('.').unwrap();
        let header = URL_SAFE_NO_PAD.decode(input.split('.').next().unwrap()).unwrap();
        let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
        let keys = org.public_jwks();
        let mut all = keys["keys"].as_array().unwrap().iter();
        let key = all.find(|key| key["kid"] == header["kid"] && key["alg"] == header["alg"]).unwrap();
        let member = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
        let key = if header["alg"] == "ES256" {
            let point = [&[4], member("x").as_slice(), member("y").as_slice()].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).unwrap()
        } else {
            let components = PublicKeyComponents { n: member("n"), e: member("e") };
            components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).unwrap()
        };
        Self { key, input: input.as_bytes().to_vec(), signature: URL_SAFE_NO_PAD.decode(signature).unwrap() }
    }

    fn verify(&self) {
        self.key.verify_sig(black_box(&self.input), &self.signature).unwrap();
    }
}

fn tokens(org: &Org, (fresh, remembering): (&OktaAuth, &OktaAuth)) {
    let mint = || org.token().access_token(ADA, ["openid", "profile", "orders:read"]);
    let access = mint().sign();
    let raw = Raw::new(org, &access);
    let mut reference = || raw.verify();
    let mut row = |what: &str, limit: f64, work: &mut dyn FnMut()| {
        compare(what, limit, work, "raw aws-lc-rs verify", &mut reference);
    };
    row("access token, RS256, all checks", 1.15, &mut || {
        drop(black_box(now(fresh.verify_access_token(black_box(&access))).unwrap()));
    });
    row("access token seen before", 0.08, &mut || {
        drop(black_box(now(remembering.verify_access_token(black_box(&access))).unwrap()));
    });
    // The signature of another token, because a number above the key's modulus would be rejected immediately.
    let other = mint().claim("other", "x".to_owned()).sign();
    let forged = format!("{}.{}", access.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
    row("forged signature, refused", 1.05, &mut || {
        drop(black_box(now(fresh.verify_access_token(black_box(&forged))).unwrap_err()));
    });
    let unknown = mint().header("kid", "unknown").sign();
    row("unknown key id, refused", 0.05, &mut || {
        drop(black_box(now(fresh.verify_access_token(black_box(&unknown))).unwrap_err()));
    });
    let id_token = org.token().id_token(ADA, "n").sign();
    row("ID token, RS256, all checks", f64::NAN, &mut || {
        drop(black_box(now(fresh.verify_id_token(black_box(&id_token), Some("n"))).unwrap()));
    });
    row("jsonwebtoken, the same access token", f64::NAN, &mut jsonwebtoken(org, &access));
    row("openidconnect, the same ID token", f64::NAN, &mut openidconnect(org, &id_token));
    let elliptic = mint().alg(Algorithm::Es256).sign();
    let raw = Raw::new(org, &elliptic);
    compare(
        "access token, ES256, all checks",
        1.08,
        &mut || drop(black_box(now(fresh.verify_access_token(black_box(&elliptic))).unwrap())),
        "raw aws-lc-rs verify, ES256",
        &mut || raw.verify(),
    );
    // The first call warms up, and only the second one is counted.
    let seen = || drop(black_box(now(remembering.verify_access_token(black_box(&access))).unwrap()));
    seen();
    let count = allocation_counter::measure(seen).count_total;
    println!("allocations of Rust for an access token seen before: {count} (limit 3)");
}

/// Bound tokens with a proof each, which the API sees for the first time, while it knows the token.
fn bound_tokens(org: &Org) {
    let what = "bound token seen before, and its proof";
    if !is_wanted(what) {
        return;
    }
    let (prover, moment, url) = (Prover::new(), org.clock().now(), "https://api.example.com/orders");
    let config = ConfigBuilder::from_variables(org.env()).base_url("https://api.example.com").api_only();
    let auth = OktaAuthBuilder::from(config).clock(move || moment).build().unwrap();
    let engine = &Engine::new(&auth);
    let token = prover.token(org, &["openid", "profile", "orders:read"]);
    let request = |proof: &str| {
        let request = Request::get("/orders").header("authorization", format!("DPoP {token}")).header("dpop", proof);
        request.body(()).unwrap().into_parts().0
    };
    // Each proof is used once.
    let proofs = if has_argument(UNDER_CALLGRIND) { 1_000 } else { 80_000 };
    let proof = || prover.proof(org, "GET", url, &token);
    let mut requests = (0..=proofs).map(|_| request(&proof())).collect::<Vec<_>>().into_iter();
    let verify = |parts: axum::http::request::Parts| async move {
        let authentication = engine.authenticate(black_box(&parts), "/orders", RefreshTiming::BeforeHandler);
        let Authentication::Ready(context) = authentication else { panic!("an API has no sessions") };
        drop(black_box(context.access_token::<()>().await.unwrap()));
    };
    // The first one fetches the keys.
    tokio::runtime::Handle::current().block_on(verify(requests.next().unwrap()));
    let mut work = || now(verify(requests.next().expect("a machine so fast needs more proofs")));
    let sample = proof();
    let (input, signature) = sample.rsplit_once('.').unwrap();
    let (point, signature) = (prover.public_key(), URL_SAFE_NO_PAD.decode(signature).unwrap());
    let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).unwrap();
    // Each proof brings its key.
    compare(what, 1.25, &mut work, "raw ES256 verify, key in bytes", &mut || {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, black_box(point));
        key.verify(black_box(input.as_bytes()), &signature).unwrap();
    });
    compare(what, f64::NAN, &mut work, "raw ES256 verify, parsed key", &mut || {
        parsed.verify_sig(black_box(input.as_bytes()), &signature).unwrap();
    });
}

/// The work that is repeated while all allocations are counted, including those of C: aws-lc allocates, and a counter
/// in Rust does not see it.
const COUNTED: [&str; 3] = ["access token, RS256, all checks", "access token seen before", "raw aws-lc-rs verify"];

/// Starts this program again under valgrind, which counts every block, with two numbers of repetitions. The difference
/// belongs to the work alone.
fn all_allocations() {
    if std::process::Command::new("valgrind").arg("--version").output().is_err() {
        println!("`valgrind` is not installed (Debian: apt-get install valgrind): allocations of C are not counted");
        return;
    }
    for (at, what) in COUNTED.iter().enumerate() {
        if !is_wanted(&format!("allocations, {what}")) {
            continue;
        }
        let blocks = |times: u32| {
            let mut valgrind = std::process::Command::new("valgrind");
            valgrind.args(["--leak-check=no", "--undef-value-errors=no"]).arg(std::env::current_exe().unwrap());
            let output = valgrind.args(["repeat", &at.to_string(), &times.to_string()]).output().unwrap();
            let output = String::from_utf8_lossy(&output.stderr).into_owned();
            let count = output.split("total heap usage: ").nth(1).and_then(|rest| rest.split_whitespace().next());
            count.unwrap_or_else(|| panic!("{output}")).replace(',', "").parse::<f64>().unwrap()
        };
        let (few, many) = (blocks(100), blocks(1_100));
        println!("allocations of Rust and C, {what:<34} {:>6.1}", (many - few) / 1_000.0);
    }
}

/// The part of [`all_allocations`] that runs under valgrind.
fn repeat(what: usize, times: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let org = org().await;
        let access = org.token().access_token(ADA, ["openid", "profile", "orders:read"]).sign();
        let auth = tokens_only(&org, if what == 0 { 0 } else { 4_096 }).await;
        let raw = Raw::new(&org, &access);
        let mut work: Box<dyn FnMut()> = match what {
            2 => Box::new(|| raw.verify()),
            _ => Box::new(|| drop(black_box(now(auth.verify_access_token(black_box(&access))).unwrap()))),
        };
        (0..times).for_each(|_| work());
    });
    // Exit now, because the org's threads may allocate until the process ends.
    std::process::exit(0);
}

/// How long the verification of tokens with a known key takes while a fetch of the keys hangs: the slowest of a
/// hundred, compared with the time before. `now` panics if a verification has to wait.
fn hanging_fetch(runtime: &tokio::runtime::Runtime, org: &Org) {
    if !is_wanted("known key while a fetch hangs") {
        return;
    }
    let (clock, known) = (org.clock(), org.token().access_token(ADA, ["openid"]).sign());
    let unknown = org.token().access_token(ADA, ["openid"]).header("kid", "unknown").sign();
    let config = ConfigBuilder::from_variables(org.env()).token_cache_size(0);
    let auth = OktaAuthBuilder::from(config).clock(move || clock.now()).build().unwrap();
    runtime.block_on(auth.verify_access_token(&known)).unwrap();
    let slowest_of_a_hundred = || {
        let mut times: Vec<f64> = (0..20_000)
            .map(|_| {
                let start = Instant::now();
                drop(black_box(now(auth.verify_access_token(black_box(&known))).unwrap()));
                start.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times[times.len() * 99 / 100]
    };
    let before = slowest_of_a_hundred();
    org.clock().advance(Duration::from_secs(60));
    org.fault(Fault::KeysSlow(Duration::from_secs(5)));
    let hanging = runtime.spawn({
        let auth = auth.clone();
        async move { auth.verify_access_token(&unknown).await.is_err() }
    });
    std::thread::sleep(Duration::from_millis(200));
    let during = slowest_of_a_hundred();
    assert!(!hanging.is_finished(), "the fetch must hang during the measurement");
    org.clear_faults();
    println!(
        "known key while a fetch hangs, p99           {during:>9.2} us   before{before:>37.2} us   ratio {:>6.3}",
        during / before
    );
}

/// `jsonwebtoken` as in its documentation, with the same checks enabled and the key parsed once.
fn jsonwebtoken(org: &Org, token: &str) -> impl FnMut() + use<> {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
    let keys: JwkSet = serde_json::from_value(org.public_jwks()).unwrap();
    let key = DecodingKey::from_jwk(keys.find(&decode_header(token).unwrap().kid.unwrap()).unwrap()).unwrap();
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&["api://default"]);
    rules.set_issuer(&[org.issuer()]);
    rules.validate_nbf = true;
    let token = token.to_owned();
    move || {
        let header = decode_header(black_box(&token)).unwrap();
        drop(black_box((header, decode::<serde_json::Map<String, serde_json::Value>>(&token, &key, &rules).unwrap())));
    }
}

fn openidconnect(org: &Org, token: &str) -> impl FnMut() + use<> {
    use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet};
    use openidconnect::{ClientId, IssuerUrl, Nonce};
    let keys: CoreJsonWebKeySet = serde_json::from_value(org.public_jwks()).unwrap();
    let client = ClientId::new(org.client().client_id);
    let verifier = CoreIdTokenVerifier::new_public_client(client, IssuerUrl::new(org.issuer()).unwrap(), keys);
    let (token, nonce) = (token.to_owned(), Nonce::new("n".to_owned()));
    move || {
        let token: CoreIdToken = black_box(&token).parse().unwrap();
        black_box(token.claims(&verifier, &nonce).unwrap());
    }
}

/// The contents of a session, as an application without a session library would write them to JSON.
#[derive(serde::Serialize, serde::Deserialize)]
struct Plain {
    issuer: String,
    client_id: String,
    claims: serde_json::Map<String, serde_json::Value>,
    id_token: String,
    access_token: String,
    created_at: i64,
    last_seen_at: i64,
}

/// The `cookie` crate's private jar with the same tokens in JSON.
struct Jar {
    key: cookie::Key,
    plain: Plain,
}

impl Jar {
    fn new(org: &Org, filler: usize) -> Self {
        let id_token = org.token().id_token(ADA, "n").claim("filler", "x".repeat(filler)).sign();
        let payload = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1).unwrap()).unwrap();
        let plain = Plain {
            issuer: org.issuer(),
            client_id: org.client().client_id,
            claims: serde_json::from_slice(&payload).unwrap(),
            id_token,
            access_token: org.token().access_token(ADA, ["openid", "profile", "email"]).sign(),
            created_at: 1_800_000_000,
            last_seen_at: 1_800_000_000,
        };
        Self { key: cookie::Key::generate(), plain }
    }

    /// The value of `Set-Cookie`.
    fn write(&self) -> String {
        let mut jar = cookie::CookieJar::new();
        jar.private_mut(&self.key).add(("session", serde_json::to_string(&self.plain).unwrap()));
        jar.delta().next().unwrap().to_string()
    }

    fn read(&self, header: &str) -> Plain {
        let mut jar = cookie::CookieJar::new();
        cookie::Cookie::split_parse(header).for_each(|cookie| jar.add_original(cookie.unwrap().into_owned()));
        serde_json::from_str(jar.private(&self.key).get("session").unwrap().value()).unwrap()
    }
}

fn sessions(setup: &Setup, what: &str, filler: usize) {
    let Setup { org, auth, cookie } = setup;
    let engine = Engine::new(auth);
    let jar = Jar::new(org, filler);
    let (other, size) = (jar.write(), cookie.len());
    let against = format!("private jar with JSON, {} bytes", other.len());
    let parts = Request::get("/me").header(header::COOKIE, cookie).body(()).unwrap().into_parts().0;
    compare(
        &format!("open a session of {size} bytes ({what})"),
        0.30,
        &mut || drop(black_box(engine.authenticate(black_box(&parts), "/me", RefreshTiming::BeforeHandler))),
        &against,
        &mut || drop(black_box(jar.read(black_box(&other)))),
    );
    // Advance the clock, so that the time of use must be saved.
    org.clock().advance(Duration::from_secs(300));
    let Authentication::Ready(context) = engine.authenticate(&parts, "/me", RefreshTiming::BeforeHandler) else {
        panic!("the session is in the cookie")
    };
    compare(
        &format!("seal a session of {size} bytes ({what})"),
        0.40,
        &mut || {
            let mut headers = axum::http::HeaderMap::new();
            context.finish(&mut headers);
            assert!(!black_box(headers).is_empty());
        },
        &against,
        &mut || drop(black_box(jar.write())),
    );
    org.clock().rewind(Duration::from_secs(300));
}

/// Tokens for other APIs that are cached, against a lookup in the same kind of cache with a key of the same size.
fn outgoing(runtime: &tokio::runtime::Runtime, org: &Org) {
    type Parameters = std::sync::Arc<(String, Option<String>, Option<String>)>;
    let secret = "Q7xT2vPz9LmK4RwY8NcB3HdJ6FgS1AeU";
    let api = Client::service("0oabench", secret).grant_type(GrantType::TokenExchange);
    org.put_client(api);
    let config = ConfigBuilder::default().issuer(org.issuer()).client_id("0oabench").client_secret(secret).api_only();
    let auth = OktaAuthBuilder::from(config).build().unwrap();
    let machine = TokenRequest::new(["orders:read"]);
    let exchange = TokenRequest::new(["orders:read"]).audience("api://default");
    let sent = org.token().access_token(ADA, ["openid", "profile"]).sign();
    let received = runtime.block_on(async {
        let received = auth.verify_access_token(&sent).await.unwrap();
        auth.machine_tokens().token(&machine).await.unwrap();
        auth.token_exchange().token(&received, &exchange).await.unwrap();
        received
    });
    let hasher = foldhash::fast::RandomState::default();
    let lifecycle = quick_cache::sync::DefaultLifecycle::default();
    type Key = (Option<[u8; 32]>, Parameters);
    let cache: quick_cache::sync::Cache<Key, std::sync::Arc<[u8]>, _, _> =
        quick_cache::sync::Cache::with(1_000, 1_000, quick_cache::UnitWeighter, hasher, lifecycle);
    let parameters = Parameters::new(("orders:read".to_owned(), Some("api://default".to_owned()), None));
    let key = (Some([7; 32]), parameters);
    cache.insert(key.clone(), std::sync::Arc::from(vec![0; 1_000]));
    let mut reference = || drop(black_box(cache.get(black_box(&key))).unwrap());
    let mut row = |what: &str, limit: f64, work: &mut dyn FnMut()| {
        compare(what, limit, work, "quick_cache lookup, same key", &mut reference);
    };
    row("cached machine token", 2.0, &mut || {
        drop(black_box(now(auth.machine_tokens().token(black_box(&machine)))).unwrap());
    });
    row("exchange hit", 4.0, &mut || {
        drop(black_box(now(auth.token_exchange().token(black_box(&received), &exchange))).unwrap());
    });
    let orders = auth.outgoing().target("https://orders.example.com").unwrap().for_machine(["orders:read"]);
    let request = || Request::get("https://orders.example.com/orders").body(()).unwrap();
    let value = HeaderValue::from_static("Bearer token");
    let (mut bare, mut authorized) = (request(), request());
    let header = allocation_counter::measure(|| drop(bare.headers_mut().insert(header::AUTHORIZATION, value)));
    let ours = allocation_counter::measure(|| drop(now(orders.authorize(&mut authorized)).unwrap()));
    let (header, ours) = (header.count_total, ours.count_total);
    println!("allocations of attaching a token: {ours} (limit {header}, those of the header)");
}

/// A call with a cached token and a new proof (DPoP), against a raw signature of as many bytes.
fn proof(runtime: &tokio::runtime::Runtime, org: &Org) {
    let secret = "Q7xT2vPz9LmK4RwY8NcB3HdJ6FgS1AeU";
    org.put_client(Client::service("0oaproof", secret).dpop_bound_access_tokens(true));
    let config = ConfigBuilder::default().issuer(org.issuer()).client_id("0oaproof").client_secret(secret);
    let auth = OktaAuthBuilder::from(config.api_only().dpop(true)).build().unwrap();
    let orders = auth.outgoing().target("https://orders.example.com").unwrap().for_machine(["orders:read"]);
    let mut request = Request::get("https://orders.example.com/orders").body(()).unwrap();
    runtime.block_on(orders.authorize(&mut request)).unwrap();
    let signed = request.headers()["dpop"].to_str().unwrap().rsplit_once('.').unwrap().0.len();
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let (random, input) = (SystemRandom::new(), vec![7; signed]);
    compare(
        "call with a new proof (DPoP), ES256",
        1.15,
        &mut || drop(black_box(now(orders.authorize(&mut request)).unwrap())),
        "raw aws-lc-rs sign, ES256",
        &mut || {
            black_box(key.sign(&random, black_box(&input)).unwrap());
        },
    );
}

fn requests((auth, cookie): &(OktaAuth, String)) {
    let mut with = app(auth);
    let mut bare = Router::new().route("/", get(|| async { "12" })).route("/me", get(|| async { "20" }));
    let cookie = HeaderValue::from_str(cookie).unwrap();
    let anonymous = || Request::get("/").body(Body::empty()).unwrap();
    let signed_in = || Request::get("/me").header(header::COOKIE, cookie.clone()).body(Body::empty()).unwrap();
    let mut bare_again = bare.clone();
    compare(
        "request through the layer, anonymous",
        f64::NAN,
        &mut || assert_eq!(now(Service::call(&mut with, anonymous())).unwrap().status(), 200),
        "bare router",
        &mut || assert_eq!(now(Service::call(&mut bare, anonymous())).unwrap().status(), 200),
    );
    let mut with = app(auth);
    compare(
        "request through the layer, signed in",
        f64::NAN,
        &mut || assert_eq!(now(Service::call(&mut with, signed_in())).unwrap().status(), 200),
        "bare router, same cookie",
        &mut || assert_eq!(now(Service::call(&mut bare_again, signed_in())).unwrap().status(), 200),
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, what, times] = arguments.as_slice()
        && mode == "repeat"
    {
        repeat(what.parse().unwrap(), times.parse().unwrap());
    }
    if !is_for_real() {
        return;
    }
    if has_argument(INSTRUCTIONS) {
        return instructions();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (small, large, remembered, fresh, remembering) = runtime.block_on(async {
        let (small, large) = (setup(1).await, setup(3_000).await);
        let remembered = signed_in(&small.org, 1, 1024).await;
        let (fresh, remembering) = (tokens_only(&small.org, 0).await, tokens_only(&small.org, 4_096).await);
        (small, large, remembered, fresh, remembering)
    });
    let _guard = runtime.enter();
    tokens(&small.org, (&fresh, &remembering));
    bound_tokens(&small.org);
    if !has_argument(UNDER_CALLGRIND) {
        hanging_fetch(&runtime, &small.org);
    }
    sessions(&small, "typical", 1);
    sessions(&large, "large", 3_000);
    outgoing(&runtime, &small.org);
    proof(&runtime, &small.org);
    requests(&remembered);
    if !has_argument(UNDER_CALLGRIND) {
        all_allocations();
    }
}
