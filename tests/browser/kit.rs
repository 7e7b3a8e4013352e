//! The browser kit in Chromium, with an app whose headers, service worker or frames could break it.

use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use okta_auth_axum::{RouterExt, User};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_dev::{ADA, ADA_PASSWORD, Org};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::SECRET;
use crate::{Driver, call, end, until};

/// The app's own script. It shows what the kit tells it, and does nothing else.
const APP: &str = r##"
const show = (text) => (document.querySelector("#result").textContent = text);
const state = ({ signedIn, claims }) =>
  (document.querySelector("#state").textContent = signedIn ? "Hello, " + claims.name : "Hello, stranger");
const on = (id, act) => (document.querySelector(id).onclick = () => act().then(show, (error) => show(error.code)));
oktaAuth.onChange(state);
oktaAuth.session();
on("#sign-in", () => oktaAuth.signIn({ popup: true }).then(() => "The window has signed in"));
on("#redirect", () => oktaAuth.signIn());
on("#sign-out", () => oktaAuth.signOut());
on("#extend", () => oktaAuth.session({ extend: true }).then(() => "Extended"));
on("#save", () => oktaAuth.fetch("/api/save", { method: "POST", body: document.querySelector("#note").value })
  .then((answer) => answer.text()));
"##;

/// A service worker that serves from its cache whatever may be stored (RFC 9111 §5.2.2.5), pages too.
const WORKER: &str = r##"
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
const answer = async (request) => {
  const known = await caches.match(request);
  if (known) return known;
  const response = await fetch(request);
  const storable = request.method === "GET" && response.ok && !response.headers.get("cache-control")?.includes("no-store");
  if (storable) await (await caches.open("all")).put(request, response.clone());
  return response;
};
addEventListener("fetch", (event) => event.respondWith(answer(event.request)));
"##;

/// One request as the app has received it.
#[derive(Clone, Debug)]
struct Received {
    target: String,
    purpose: String,
    has_third_party_cookie: bool,
}

struct Site {
    base: String,
    /// The same server under a host of another site.
    other_site: String,
    received: Arc<Mutex<Vec<Received>>>,
    cuts_windows_off: bool,
    _org: Org,
}

fn hash(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(digest(&SHA256, text.as_bytes()))
}

fn pages(tag: &str) -> Router {
    let buttons = ["sign-in", "redirect", "sign-out", "extend", "save"];
    let buttons = buttons.map(|id| format!("<button id={id}>{id}</button>")).concat();
    let integrity = hash(APP);
    let index = format!(
        "<!doctype html><p id=state></p><p id=result></p><textarea id=note></textarea>{buttons}<a href=/plain>plain</a>\
         {tag}<script type=module src=/app.js integrity=sha256-{integrity}></script>"
    );
    let unchecked = "<!doctype html><script src=/app.js></script>";
    let plain = "<!doctype html><p>A plain page</p><a href=/>home</a>\
                 <form method=post action=/logout><button id=form>Sign out</button></form>";
    let script = |source: &'static str| get(async move || ([("content-type", "text/javascript")], source));
    Router::new()
        .route("/", get(async move || Html(index)))
        .route("/plain", get(async move || Html(plain)))
        .route("/unchecked", get(async move || Html(unchecked)))
        .route("/app.js", script(APP))
        .route("/worker.js", script(WORKER))
        .route(
            "/profile",
            get(async |user: User| Html(format!("<p>A profile of {}</p><a href=/>home</a>", user.name()))),
        )
        .route("/api/save", post(async |user: User, note: String| format!("{} saved {note}", user.name())))
        .route("/third", get(async || [("set-cookie", "third=1; SameSite=None; Secure; Path=/")]))
}

/// What the app records, and the headers that it adds.
#[derive(Clone, Default)]
struct Recorder {
    received: Arc<Mutex<Vec<Received>>>,
    headers: HeaderMap,
}

impl Recorder {
    fn record(&self, request: &Request) {
        let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        self.received.lock().unwrap().push(Received {
            target: request.uri().to_string(),
            purpose: text("sec-purpose").to_owned(),
            has_third_party_cookie: text("cookie").contains("third=1"),
        });
    }
}

async fn record(State(recorder): State<Recorder>, request: Request, next: Next) -> Response {
    recorder.record(&request);
    let mut response = next.run(request).await;
    for (name, value) in &recorder.headers {
        // The pages of the library have their own policies.
        response.headers_mut().entry(name).or_insert(value.clone());
    }
    response
}

impl Site {
    /// Serves the app with these headers on every response that does not have them.
    async fn start(headers: &[(&'static str, &'static str)]) -> Self {
        let org = Org::start().await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (base, other_site) = (format!("http://localhost:{port}"), format!("http://127.0.0.1:{port}"));
        org.allow_redirect(&base);
        let config = ConfigBuilder::from_variables(org.env()).base_url(&base).cookie_secret(SECRET);
        let config = config.browser_kit().session_claims(["name"]).csrf_header("x-app");
        let auth = OktaAuthBuilder::from(config).build().unwrap();
        let pairs =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let recorder = Recorder { headers: pairs.collect(), ..Recorder::default() };
        let received = recorder.received.clone();
        let app = pages(&auth.config().routes().browser_script_tag().unwrap()).okta_auth(&auth);
        let app = app.layer(from_fn_with_state(recorder, record));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let cuts_windows_off = headers.iter().any(|(name, _)| *name == "cross-origin-opener-policy");
        Self { base, other_site, received, cuts_windows_off, _org: org }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

async fn browser(name: &str, preferences: Value) -> (Driver, std::path::PathBuf) {
    let profile = std::env::temp_dir().join(format!("okta-auth-browser-kit-{name}-{}", std::process::id()));
    (Driver::start_at(&profile, preferences, &[]).await, profile)
}

/// Runs an asynchronous script and returns the value that it passes to `done`.
async fn run(driver: &Driver, script: &str) -> Value {
    let script = format!("const done = arguments[0]; {script}");
    driver.post("/execute/async", json!({ "script": script, "args": [] })).await
}

/// The session ends, as the server sees it; the one at the org stays.
async fn lose_the_session(driver: &Driver) {
    call(&driver.http, Method::DELETE, &format!("{}/cookie", driver.session), Value::Null).await;
}

async fn sign_in_by_redirect(driver: &Driver, site: &Site) {
    driver.open(&site.base).await;
    driver.shows("Hello, stranger").await;
    driver.click("#redirect").await;
    driver.sign_in(ADA, ADA_PASSWORD).await;
    driver.is_at(&site.base).await;
    driver.shows("Hello, Ada Lovelace").await;
}

/// What a user does with an app that uses the kit, in two tabs.
async fn story(driver: &Driver, site: &Site) {
    driver.open(&site.base).await;
    driver.shows("Hello, stranger").await;
    let first = driver.new_tab().await;
    driver.open(&site.base).await;
    driver.shows("Hello, stranger").await;
    let second = driver.read("/window").await;

    driver.switch_to(&first).await;
    driver.click("#sign-in").await;
    let all = async || driver.read("/window/handles").await.as_array().unwrap().clone();
    until("the window opens", || async { all().await.len() == 3 }).await;
    let window = all().await.into_iter().find(|one| *one != first && *one != second).unwrap();
    driver.switch_to(&window).await;
    driver.sign_in(ADA, ADA_PASSWORD).await;
    until("the window closes", || async { all().await.len() == 2 }).await;
    for tab in [&second, &first] {
        driver.switch_to(tab).await;
        driver.shows("Hello, Ada Lovelace").await;
    }
    // Headless Chromium gives the focus to every window, so a page takes a window that is cut off for closed.
    driver.shows(if site.cuts_windows_off { "cancelled" } else { "The window has signed in" }).await;
    driver.click("#extend").await;
    driver.shows("Extended").await;

    driver.write("#note", "buy tea").await;
    lose_the_session(driver).await;
    driver.click("#save").await;
    driver.shows("Please sign in").await;
    driver.click("#okta-auth-dialog a").await;
    driver.shows("Ada Lovelace saved buy tea").await;
    assert_eq!(driver.run("return document.querySelector('#note').value").await, "buy tea");

    driver.switch_to(&second).await;
    driver.click("#sign-out").await;
    driver.shows("Hello, stranger").await;
    driver.switch_to(&first).await;
    driver.shows("Hello, stranger").await;
    sign_in_by_redirect(driver, site).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn an_app_with_the_strictest_headers() {
    let site = Site::start(&[
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        ),
        ("integrity-policy", "blocked-destinations=(script)"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        ("permissions-policy", "storage-access=()"),
    ])
    .await;
    let (driver, profile) = browser("strict", json!({})).await;
    driver.open(&site.at("/unchecked")).await;
    assert!(!site.received().iter().any(|one| one.target == "/app.js"), "a script without a hash is loaded");
    story(&driver, &site).await;
    end(&driver, &profile).await;
}

/// Such a form has `Origin: null`.
#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_form_of_a_page_without_referrers_signs_out() {
    let site = Site::start(&[("referrer-policy", "no-referrer")]).await;
    let (driver, profile) = browser("form", json!({})).await;
    sign_in_by_redirect(&driver, &site).await;
    driver.open(&site.at("/plain")).await;
    driver.click("#form").await;
    driver.shows("Hello, stranger").await;
    end(&driver, &profile).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_window_that_an_opener_policy_cuts_off() {
    let site = Site::start(&[("cross-origin-opener-policy", "same-origin")]).await;
    let (driver, profile) = browser("opener", json!({})).await;
    story(&driver, &site).await;
    end(&driver, &profile).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn third_party_cookies_are_blocked() {
    for (blocked, preferences) in [
        (false, json!({ "profile.cookie_controls_mode": 0 })),
        (true, json!({ "profile.cookie_controls_mode": 1, "profile.block_third_party_cookies": true })),
    ] {
        let site = Site::start(&[]).await;
        let (driver, profile) = browser(&format!("third-party-{blocked}"), preferences).await;
        let third = format!("{}/third", site.other_site);
        driver.open(&third).await;
        driver.open(&site.base).await;
        let fetch = format!("fetch('{third}', {{ mode: 'no-cors', credentials: 'include' }}).then(() => done(1))");
        run(&driver, &fetch).await;
        let last = site.received().into_iter().rfind(|one| one.target == "/third").unwrap();
        assert_eq!(last.has_third_party_cookie, !blocked, "the preference has no effect");
        if blocked {
            story(&driver, &site).await;
        }
        end(&driver, &profile).await;
    }
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_service_worker_that_serves_from_its_cache() {
    let site = Site::start(&[]).await;
    let (driver, profile) = browser("worker", json!({})).await;
    driver.open(&site.at("/plain")).await;
    let register = "navigator.serviceWorker.oncontrollerchange = () => done(true);
                    navigator.serviceWorker.register('/worker.js')";
    assert_eq!(run(&driver, register).await, true);
    story(&driver, &site).await;
    driver.open(&site.at("/profile")).await;
    driver.shows("A profile of Ada Lovelace").await;
    driver.open(&site.at("/plain")).await;
    driver.click("#form").await;
    driver.shows("Hello, stranger").await;
    driver.open(&site.at("/profile")).await;
    driver.shows("Sign In").await;
    driver.open(&site.base).await;
    let cached = "caches.open('all').then((cache) => cache.keys())
                  .then((keys) => done(keys.map(({ url }) => new URL(url).pathname)))";
    let cached = run(&driver, cached).await;
    let cached: Vec<&str> = cached.as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
    assert!(cached.contains(&"/") && cached.contains(&"/app.js"), "the worker caches nothing: {cached:?}");
    let personal = ["/session", "/session/popup", "/login", "/logout", "/profile", "/authorization-code/callback"];
    assert!(!cached.iter().any(|path| personal.contains(path)), "{cached:?}");
    end(&driver, &profile).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn no_address_of_the_library_is_shown_in_a_frame() {
    let site = Site::start(&[]).await;
    let (driver, profile) = browser("frame", json!({})).await;
    sign_in_by_redirect(&driver, &site).await;
    for outer in [&site.base, &site.other_site] {
        for (path, is_shown) in [
            ("/plain", true),
            ("/session", false),
            ("/session/popup", false),
            ("/login", false),
            ("/logout", false),
            ("/authorization-code/callback", false),
            ("/okta-auth.js", false),
        ] {
            driver.open(&format!("{outer}/plain")).await;
            let frame = format!(
                "const frame = document.createElement('iframe'); frame.onload = () => done(1);
                 frame.src = '{}'; document.body.append(frame);",
                site.at(path)
            );
            run(&driver, &frame).await;
            driver.post("/frame", json!({ "id": 0 })).await;
            let shown = driver.run("return document.URL").await;
            assert_eq!(shown == site.at(path), is_shown, "{path} in {outer}: {shown}");
            assert!(is_shown || shown.as_str().unwrap().starts_with("chrome-error:"), "{path} in {outer}: {shown}");
        }
    }
    end(&driver, &profile).await;
}

/// The back button after a sign-out, with pages that Chromium keeps alive (`pageshow` with `persisted`).
#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn the_back_button_shows_no_signed_in_page_after_a_sign_out() {
    let site = Site::start(&[]).await;
    let (driver, profile) = browser("back", json!({})).await;
    sign_in_by_redirect(&driver, &site).await;
    driver.open(&site.at("/profile")).await;
    driver.shows("A profile of Ada Lovelace").await;
    driver.click("a").await;
    driver.shows("Hello, Ada Lovelace").await;
    driver.run("window.kept = true").await;
    driver.click("a").await;
    driver.shows("A plain page").await;
    driver.run("window.kept = true").await;
    driver.click("#form").await;
    driver.shows("Hello, stranger").await;

    let back = async |url: &str| {
        driver.post("/back", json!({})).await;
        driver.is_at(url).await;
        driver.run("return !!window.kept").await
    };
    assert_eq!(back(&site.at("/plain")).await, true, "Chromium keeps no page");
    assert_eq!(back(&site.base).await, true, "Chromium keeps no page of the kit");
    driver.shows("Hello, stranger").await;
    driver.post("/back", json!({})).await;
    driver.shows("Sign In").await;
    end(&driver, &profile).await;
}

/// The addresses that a prefetch must not use up.
const PREFETCHED: [&str; 4] = ["/login", "/login?prompt=none", "/logout", "/profile"];

/// Makes Chromium prefetch or prerender the addresses, in every way that a page can ask for it.
async fn speculate(driver: &Driver, site: &Site) {
    for purpose in ["prefetch", "prerender"] {
        driver.open(&site.at("/plain")).await;
        let before = site.received().len();
        let targets = json!(PREFETCHED);
        let rules = json!({ purpose: [{ "urls": targets, "eagerness": "immediate" }] });
        let script = format!(
            "for (const href of {targets})
               document.head.append(Object.assign(document.createElement('link'), {{ rel: 'prefetch', href }}));
             const rules = Object.assign(document.createElement('script'), {{ type: 'speculationrules' }});
             rules.textContent = JSON.stringify({rules});
             document.head.append(rules);"
        );
        driver.run(&script).await;
        // The element is one request, and the rule is another one.
        until(&format!("every address is fetched twice, also for {purpose}"), || async {
            let seen = site.received().split_off(before);
            PREFETCHED.iter().all(|target| {
                let of_target = seen.iter().filter(|one| one.target == **target);
                let purposes: Vec<&str> = of_target.map(|one| one.purpose.as_str()).collect();
                assert!(purposes.iter().all(|purpose| purpose.starts_with("prefetch")), "{target}: {purposes:?}");
                purposes.len() >= 2 && purposes.iter().any(|one| one.contains(purpose))
            })
        })
        .await;
    }
}

/// Neither ends the session nor begins a sign-in, and a click after it does both.
#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_prefetch_neither_signs_in_nor_out() {
    let site = Site::start(&[]).await;
    let (driver, profile) = browser("prefetch", json!({})).await;
    let cookies = async || {
        let cookies = driver.read("/cookie").await;
        let names = cookies.as_array().unwrap().iter().map(|cookie| cookie["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    for signed_in in [false, true] {
        if signed_in {
            sign_in_by_redirect(&driver, &site).await;
        }
        driver.open(&site.at("/plain")).await;
        let before = cookies().await;
        speculate(&driver, &site).await;
        driver.open(&site.base).await;
        driver.shows(if signed_in { "Hello, Ada Lovelace" } else { "Hello, stranger" }).await;
        assert_eq!(cookies().await, before, "a prefetch leaves cookies");
        let silent = driver.run("return oktaAuth.current().silentLogin").await;
        assert_eq!(silent, !signed_in, "a prefetch uses the silent sign-in");
    }
    speculate(&driver, &site).await;
    driver.click("#form").await;
    driver.shows("Hello, stranger").await;
    speculate(&driver, &site).await;
    driver.run("document.body.innerHTML = '<a href=/login>sign in</a>'").await;
    driver.click("a").await;
    driver.shows("Sign In").await;
    end(&driver, &profile).await;
}
