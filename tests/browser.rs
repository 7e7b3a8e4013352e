//! End-to-end tests in headless Chromium, driven by chromedriver over the WebDriver
//! protocol (W3C WebDriver §6). The browser signs in at the examples, stays signed in,
//! and is signed out by other parties. The tests need both programs, so they are not part
//! of `cargo test`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

#[path = "browser/example_pages.rs"]
mod example_pages;
#[path = "browser/kit.rs"]
mod kit;
#[path = "browser/library_pages.rs"]
mod library_pages;
#[path = "browser/org_pages.rs"]
mod org_pages;
#[path = "browser/pages.rs"]
mod pages;
#[path = "browser/proxies.rs"]
mod proxies;
mod support;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix_web::web;
use axum::Router;
use axum::routing::get;
use example_tests::free_port;
use okta_auth_axum::RouterExt;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::multi_tenant::{Resolver, TenantTable, Tenants};
use okta_auth_core::policy::{DefaultAccess, PolicySet, group};
use okta_auth_dev::{ADA, ADA_PASSWORD, Client, Org, User};
use reqwest::Method;
use serde_json::{Value, json};
use support::SECRET;
use support::site::{Framework, Plan, local};

/// A process that is killed at the end of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The key under which WebDriver returns an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

struct Driver {
    http: reqwest::Client,
    session: String,
    _driver: Running,
}

impl Driver {
    async fn start(profile: &std::path::Path) -> Self {
        Self::start_with(profile, json!({})).await
    }

    /// Starts Chromium with these preferences.
    async fn start_with(profile: &std::path::Path, preferences: Value) -> Self {
        Self::start_at(profile, preferences, &[]).await
    }

    /// Starts Chromium with these preferences and further options of its command line.
    async fn start_at(profile: &std::path::Path, preferences: Value, options: &[String]) -> Self {
        let port = free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is not installed");
        let driver = Running(driver);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let base = format!("http://127.0.0.1:{port}");
        until("chromedriver answers", || async { http.get(format!("{base}/status")).send().await.is_ok() }).await;
        let profile = format!("--user-data-dir={}", profile.display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1100,800",
            &profile,
        ];
        let arguments: Vec<&str> = arguments.into_iter().chain(options.iter().map(String::as_str)).collect();
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments, "prefs": preferences },
            "goog:loggingPrefs": { "performance": "ALL" } } } });
        let answer = call(&http, Method::POST, &format!("{base}/session"), wanted).await;
        let session = format!("{base}/session/{}", answer["sessionId"].as_str().unwrap());
        Self { http, session, _driver: driver }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        call(&self.http, Method::POST, &format!("{}{path}", self.session), body).await
    }

    async fn read(&self, path: &str) -> Value {
        call(&self.http, Method::GET, &format!("{}{path}", self.session), Value::Null).await
    }

    async fn open(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    async fn url(&self) -> String {
        self.read("/url").await.as_str().unwrap().to_owned()
    }

    async fn element(&self, css: &str) -> String {
        let found = self.post("/element", json!({ "using": "css selector", "value": css })).await;
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("no `{css}`: {found}")).to_owned()
    }

    async fn click(&self, css: &str) {
        let element = self.element(css).await;
        self.post(&format!("/element/{element}/click"), json!({})).await;
    }

    /// Runs a script on the page and returns its value.
    async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Every button and link on the page.
    async fn controls(&self) -> Vec<String> {
        let found = self.post("/elements", json!({ "using": "css selector", "value": "main a, main button" })).await;
        let elements = found.as_array().unwrap().iter();
        elements.map(|element| element[ELEMENT].as_str().unwrap().to_owned()).collect()
    }

    async fn write(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        self.post(&format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    /// The text of the page; empty during a navigation.
    async fn text(&self) -> String {
        let found = self.post("/element", json!({ "using": "css selector", "value": "body" })).await;
        let Some(body) = found[ELEMENT].as_str() else { return String::new() };
        self.read(&format!("/element/{body}/text")).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page shows the text, because a click may return before the next
    /// page has loaded.
    async fn shows(&self, text: &str) {
        let (start, mut shown) = (Instant::now(), self.text().await);
        while !shown.contains(text) {
            let (url, waited) = (self.url().await, start.elapsed());
            assert!(waited < Duration::from_secs(60), "`{url}` never shows `{text}`, but: {shown}");
            shown = self.text().await;
        }
    }

    /// Waits until the browser is at this address, ignoring the query.
    async fn is_at(&self, url: &str) {
        let here = |now: String| now.split('?').next().unwrap().trim_end_matches('/') == url.trim_end_matches('/');
        until(&format!("the browser is at `{url}`"), || async { here(self.url().await) }).await;
    }

    /// Opens a new tab and switches to it. Returns the previous tab.
    async fn new_tab(&self) -> Value {
        let before = self.read("/window").await;
        let tab = self.post("/window/new", json!({ "type": "tab" })).await;
        self.switch_to(&tab["handle"]).await;
        before
    }

    async fn switch_to(&self, tab: &Value) {
        self.post("/window", json!({ "handle": tab })).await;
    }

    /// Submits the org's sign-in page.
    async fn sign_in(&self, user: &str, password: &str) {
        self.shows("Sign In").await;
        self.write("input[name=username]", user).await;
        self.write("input[name=password]", password).await;
        self.click("form button[type=submit]").await;
    }

    /// The URLs that this tab has requested since the last call, including redirects.
    async fn requests(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({ "type": "performance" })).await;
        let messages = log.as_array().unwrap().iter().map(|entry| {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            message["message"].clone()
        });
        let sent = messages.filter(|message| message["method"] == "Network.requestWillBeSent");
        sent.map(|message| message["params"]["request"]["url"].as_str().unwrap().to_owned()).collect()
    }

    /// Saves a screenshot if the variable for the folder is set.
    async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("SCREENSHOTS") else { return };
        use base64::Engine as _;
        let picture = self.read("/screenshot").await;
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap()).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    async fn quit(&self) {
        call(&self.http, Method::DELETE, &self.session, Value::Null).await;
    }
}

async fn call(http: &reqwest::Client, method: Method, url: &str, body: Value) -> Value {
    let mut request = http.request(method, url);
    if !body.is_null() {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let answer = request.send().await.unwrap().text().await.unwrap();
    let mut answer: Value = serde_json::from_str(&answer).unwrap();
    answer["value"].take()
}

/// Polls until the condition is true, because a browser has no virtual clock.
async fn until<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    let start = Instant::now();
    while !check().await {
        assert!(start.elapsed() < Duration::from_secs(60), "timeout: {what}");
        tokio::task::yield_now().await;
    }
}

/// A running example, killed at the end of the test.
struct Example {
    base: String,
    /// The URL of its development org; empty if it embeds none.
    org: String,
    /// The lines that it printed at startup.
    lines: Vec<String>,
    _app: Running,
}

/// Starts an example with these variables and no other `OKTA_*`.
fn example(package: &str, port: u16, variables: &[(&str, &str)]) -> Example {
    let mut command = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OKTA_")) {
        command.env_remove(name);
    }
    command.args(["run", "--quiet", "-p", package]).env("PORT", port.to_string()).envs(variables.iter().copied());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut lines = Vec::new();
    while !lines.last().is_some_and(|line: &String| line.starts_with("Open ")) {
        lines.push(output.next().expect("the example ended"));
    }
    std::thread::spawn(move || output.for_each(drop));
    let org = lines.iter().find_map(|line| line.split("org runs at ").nth(1)?.split(". ").next());
    let org = org.unwrap_or_default().to_owned();
    Example { base: format!("http://localhost:{port}"), org, lines, _app: Running(child) }
}

/// Starts a browser with its own profile, and returns the profile's folder. The folder has a number, because tests with
/// the same name may run at the same time, and Chromium would open both in one process.
async fn browser(name: &str) -> (Driver, std::path::PathBuf) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let (process, number) = (std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let profile = std::env::temp_dir().join(format!("okta-auth-browser-{name}-{process}-{number}"));
    (Driver::start(&profile).await, profile)
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn sign_in_second_tab_sign_out() {
    let Example { base, _app, .. } = example("axum-app", free_port(), &[]);
    let (driver, profile) = browser("sign-in").await;

    driver.open(&base).await;
    driver.shows("Hello, stranger").await;
    driver.picture("1-home").await;

    driver.open(&format!("{base}/profile")).await;
    assert!(!driver.url().await.starts_with(&base), "the org's own page");
    driver.picture("2-sign-in").await;
    driver.sign_in(ADA, "wrong").await;
    driver.shows("Unable to sign in").await;
    driver.picture("3-wrong-password").await;
    driver.write("input[name=password]", ADA_PASSWORD).await;
    driver.click("form button[type=submit]").await;
    driver.is_at(&format!("{base}/profile")).await;
    for text in ["Ada Lovelace", ADA, "Admins"] {
        driver.shows(text).await;
    }
    for text in ["Session ends", "acr", "preferred_username"] {
        driver.shows(text).await;
    }
    driver.click("button[data-api]").await;
    driver.shows("GET /api/me: 200").await;
    driver.shows("\"email\": \"ada@example.test\"").await;
    driver.picture("4-profile").await;

    driver.new_tab().await;
    driver.open(&base).await;
    driver.shows("Hello, Ada Lovelace").await;

    driver.click("header button").await;
    driver.is_at(&base).await;
    driver.shows("Hello, stranger").await;
    driver.picture("5-signed-out").await;
    driver.open(&format!("{base}/profile")).await;
    assert!(!driver.url().await.starts_with(&base), "Okta's own session ended too: it asks for the password");
    let _ = std::fs::remove_dir_all(&profile);
    driver.quit().await;
}

/// The windows of the browser besides this one.
async fn other_window(driver: &Driver, own: &Value) -> Option<Value> {
    let windows = driver.read("/window/handles").await;
    windows.as_array().unwrap().iter().find(|window| *window != own).cloned()
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_form_of_htmx_survives_the_end_of_its_session() {
    let Example { base, _app, .. } = example("htmx-app", free_port(), &[]);
    let (driver, profile) = browser("htmx").await;
    let page = format!("{base}/notes");
    driver.open(&page).await;
    driver.sign_in(ADA, ADA_PASSWORD).await;
    driver.is_at(&page).await;
    driver.write("textarea", "bread").await;
    driver.click("form[hx-post='/notes'] button").await;
    driver.shows("bread").await;
    driver.shows("In all tabs: 1").await;
    // The session ends while the form is filled in.
    driver.write("textarea", "milk and honey").await;
    let file = std::env::temp_dir().join(format!("okta-auth-upload-{}.txt", std::process::id()));
    std::fs::write(&file, "12345").unwrap();
    driver.write("input[type=file]", file.to_str().unwrap()).await;
    call(&driver.http, Method::DELETE, &format!("{}/cookie", driver.session), Value::Null).await;
    driver.click("form[hx-post='/notes'] button").await;
    driver.shows("What you entered is still here").await;
    driver.picture("htmx-1-session-over").await;
    let own = driver.read("/window").await;
    driver.click("#over button").await;
    until("the form is sent again", || async {
        // With a session at the org the window closes by itself.
        if let Some(window) = other_window(&driver, &own).await {
            driver.switch_to(&window).await;
            if driver.text().await.contains("Sign In") {
                driver.sign_in(ADA, ADA_PASSWORD).await;
            }
            driver.switch_to(&own).await;
        }
        driver.text().await.contains("In all tabs: 2")
    })
    .await;
    driver.shows("milk and honey").await;
    assert_eq!(driver.url().await, page, "the page was never left");
    driver.click("form[hx-post='/files'] button").await;
    driver.shows("5 bytes").await;
    let _ = std::fs::remove_file(&file);
    // A sign-out in another tab ends the stream of this one.
    driver.new_tab().await;
    driver.open(&page).await;
    driver.shows("In all tabs: 3").await;
    driver.click("header button").await;
    driver.shows("Hello, stranger").await;
    driver.switch_to(&own).await;
    driver.shows("You are signed out").await;
    end(&driver, &profile).await;
}

/// An example with an org of the test and sessions in memory, and a browser on the same
/// site as the org. Only from the same site does a POST carry the `SameSite=Lax` cookie
/// of an org over http.
async fn at_an_org(package: &str, org: &Org, preferences: Value) -> (Example, String, Driver, std::path::PathBuf) {
    let port = free_port();
    let base = format!("http://127.0.0.1:{port}");
    let variables = app_at(org, "0oaSignOut", &base);
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let running = example(package, port, &variables);
    let profile = std::env::temp_dir().join(format!("okta-auth-browser-{package}-{port}"));
    let driver = Driver::start_with(&profile, preferences).await;
    driver.open(&format!("{base}/profile")).await;
    driver.sign_in(ADA, ADA_PASSWORD).await;
    driver.is_at(&format!("{base}/profile")).await;
    (running, base, driver, profile)
}

/// Asserts that the browser is back at the application, and signed out there and at the
/// org.
async fn is_signed_out_everywhere(driver: &Driver, org: &Org, base: &str) {
    driver.is_at(base).await;
    driver.shows("Hello, stranger").await;
    assert!(org.sessions().is_empty(), "the session at the org is alive: {:?}", org.sessions());
    driver.open(&format!("{base}/profile")).await;
    driver.shows("Sign In").await;
    assert!(driver.url().await.starts_with(org.url()), "the org asks for the password");
}

async fn end(driver: &Driver, profile: &std::path::Path) {
    let _ = std::fs::remove_dir_all(profile);
    driver.quit().await;
}

async fn own_button(package: &str) {
    let org = Org::start().await.unwrap();
    let (_app, base, driver, profile) = at_an_org(package, &org, json!({})).await;
    driver.open(&format!("{base}/logout")).await;
    driver.shows("Do you want to sign out?").await;
    driver.picture(&format!("18-{package}-sign-out")).await;
    driver.click("main form button").await;
    driver.is_at(&base).await;
    assert_eq!(driver.url().await, format!("{base}/"), "the address has no state parameter");
    is_signed_out_everywhere(&driver, &org, &base).await;
    end(&driver, &profile).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn the_librarys_own_button_signs_out_in_axum() {
    own_button("axum-app").await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn the_librarys_own_button_signs_out_in_actix() {
    own_button("actix-app").await;
}

/// An org whose user has an ID token of about 20 KB.
async fn org_with_long_tokens() -> Org {
    let org = Org::builder().groups_claim_everywhere("groups").start().await.unwrap();
    org.put_user(User::ada().groups((0..90).map(|number| format!("group-{number:0160}"))));
    org
}

/// Signs out from a page with `Referrer-Policy: no-referrer`, for which Chromium sends
/// `Origin: null`.
async fn press_sign_out(driver: &Driver, base: &str) {
    driver.open(base).await;
    driver.shows("Hello, Ada").await;
    driver
        .run("const m = document.createElement('meta'); m.name = 'referrer'; m.content = 'no-referrer'; document.head.append(m);")
        .await;
    driver.click("header button").await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_long_id_token_is_posted_by_the_pages_script() {
    let org = org_with_long_tokens().await;
    let (_app, base, driver, profile) = at_an_org("axum-app", &org, json!({})).await;
    press_sign_out(&driver, &base).await;
    is_signed_out_everywhere(&driver, &org, &base).await;
    end(&driver, &profile).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_long_id_token_is_posted_by_the_button_without_scripts() {
    let org = org_with_long_tokens().await;
    let off = json!({ "profile.managed_default_content_settings.javascript": 2 });
    let (_app, base, driver, profile) = at_an_org("actix-app", &org, off).await;
    driver.open(&base).await;
    driver.click("header button").await;
    driver.shows("Continue").await;
    driver.picture("19-sign-out-continue").await;
    assert_eq!(org.sessions().len(), 1, "the form is not submitted automatically");
    driver.click("main form button").await;
    is_signed_out_everywhere(&driver, &org, &base).await;
    end(&driver, &profile).await;
}

/// Signs out by script, and reads every response that the script can read.
async fn signs_out_by_fetch(package: &str, org: Org) {
    let (_app, base, driver, profile) = at_an_org(package, &org, json!({})).await;
    driver.open(&base).await;
    driver
        .run(
            "window.seen = 'waiting'; fetch('/logout', { method: 'POST' }).then(async answer => {
               const text = await answer.text();
               const again = await fetch(JSON.parse(text).location).then(a => a.text(), error => String(error));
               window.seen = text + again + document.cookie;
             });",
        )
        .await;
    let seen = || async { driver.run("return window.seen").await.as_str().unwrap().to_owned() };
    until("the script has its response", || async { seen().await != "waiting" }).await;
    let seen = seen().await;
    assert!(seen.contains("\"location\"") && !seen.contains("eyJ"), "{seen}");
    assert_eq!(org.sessions().len(), 1, "the session at the org waits for the navigation");
    driver.run("location.assign('/logout?continue')").await;
    is_signed_out_everywhere(&driver, &org, &base).await;
    end(&driver, &profile).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_script_signs_out_in_axum() {
    signs_out_by_fetch("axum-app", Org::start().await.unwrap()).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_script_signs_out_in_actix_with_a_long_id_token() {
    signs_out_by_fetch("actix-app", org_with_long_tokens().await).await;
}

/// Opens a page, presses each of its controls in turn, and returns their number. No
/// control may lead to an error or to a missing page.
async fn press_everything(driver: &Driver, open: impl AsyncFn()) -> usize {
    open().await;
    let number = driver.controls().await.len();
    for at in 0..number {
        open().await;
        let (page, before) = (driver.url().await, driver.text().await);
        let control = driver.controls().await.remove(at);
        driver.post(&format!("/element/{control}/click"), json!({})).await;
        let moved = || async {
            let text = driver.text().await;
            !text.is_empty() && (driver.url().await != page || text != before)
        };
        until(&format!("control {at} of `{page}` leads anywhere"), moved).await;
        let (url, text) = (driver.url().await, driver.text().await);
        assert!(url.starts_with("http") && !text.contains("Code:"), "control {at} of `{page}` leads to {url}: {text}");
    }
    number
}

/// The pages that the library serves for one issuer.
async fn every_page(package: &str) {
    let org = Org::start().await.unwrap();
    let (_app, base, driver, profile) = at_an_org(package, &org, json!({})).await;
    let signed_in = || async {
        driver.open(&format!("{base}/profile")).await;
        if !driver.url().await.starts_with(&base) {
            driver.sign_in(ADA, ADA_PASSWORD).await;
            driver.is_at(&format!("{base}/profile")).await;
        }
    };
    let at = async |path: &str, shows: &str| {
        driver.open(&format!("{base}{path}")).await;
        driver.shows(shows).await;
    };
    let sign_out = async || {
        signed_in().await;
        at("/logout", "Do you want to sign out?").await;
    };
    assert_eq!(press_everything(&driver, sign_out).await, 2, "the button and the home link");
    // Without a session, because with one the callback redirects into the application.
    let stale = async || {
        driver.open(&base).await;
        call(&driver.http, Method::DELETE, &format!("{}/cookie", driver.session), Value::Null).await;
        at("/authorization-code/callback?state=x&code=y", "attempt_unknown").await;
    };
    assert!(press_everything(&driver, stale).await >= 2);
    let used = async || {
        driver.open(&base).await;
        call(&driver.http, Method::DELETE, &format!("{}/cookie", driver.session), Value::Null).await;
        at("/logout?continue", "sign_out_link_invalid").await;
    };
    assert!(press_everything(&driver, used).await >= 2);
    // A form of a page that outlived its session.
    let late = async || {
        driver.open(&base).await;
        call(&driver.http, Method::DELETE, &format!("{}/cookie", driver.session), Value::Null).await;
        driver
            .run("const f = document.createElement('form'); f.method = 'post'; f.action = '/devices/end'; document.body.append(f); f.submit();")
            .await;
        driver.shows("You are no longer signed in").await;
    };
    assert!(press_everything(&driver, late).await >= 1);
    let denied = async || {
        signed_in().await;
        at("/admin", "You do not have access to this page").await;
    };
    assert_eq!(press_everything(&driver, denied).await, 2, "another account, and the way home");
    end(&driver, &profile).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn every_button_and_link_of_every_page_works_in_axum() {
    every_page("axum-app").await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn every_button_and_link_of_every_page_works_in_actix() {
    every_page("actix-app").await;
}

/// An application in this process with a public page and a protected one.
fn serve(framework: Framework, listener: TcpListener, auth: impl Into<Tenants>) {
    let tenants = auth.into();
    match framework {
        Framework::Axum => {
            let mut router = Router::new();
            for prefix in ["/", "/t/{tenant}/"] {
                router = router.route(prefix, get(|| async { "The front page" }));
                router = router.route(&format!("{prefix}profile"), get(async |_: okta_auth_axum::User| "A profile"));
            }
            let app = router.okta_auth(&tenants);
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        }
        Framework::Actix => {
            let app = move || {
                let mut app = actix_web::App::new().wrap(okta_auth_actix::OktaAuthLayer::new(&tenants));
                for prefix in ["/", "/t/{tenant}/"] {
                    let profile = async |_: okta_auth_actix::User| "A profile";
                    app = app.route(prefix, web::get().to(|| async { "The front page" }));
                    app = app.route(&format!("{prefix}profile"), web::get().to(profile));
                }
                app.configure(okta_auth_actix::okta_auth(&tenants))
            };
            std::thread::spawn(move || {
                let server = actix_web::HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap();
                actix_web::rt::System::new().block_on(server.run()).unwrap();
            });
        }
    }
}

/// Two tenants below paths, at a host that Chromium takes for this machine.
async fn tenants(framework: Framework, email_first: bool, chooser: bool) -> (Plan, String) {
    let (plan, listener) = Plan::new(&["acme", "globex"]).await;
    let base = format!("http://app.localhost:{}", plan.port);
    let builder =
        Tenants::builder(plan.shared(&base, "memory")).egress(local()).table(TenantTable::new(plan.all()).unwrap());
    let builder = builder.resolve(Resolver::Path("/t".to_owned())).email_first(email_first).chooser(chooser);
    serve(framework, listener, builder.build().unwrap());
    (plan, base)
}

/// The pages that the library serves for many tenants.
async fn every_page_of_many_tenants(framework: Framework) {
    let (driver, profile) = browser(&format!("tenants-{framework:?}")).await;
    let (_plan, base) = tenants(framework, false, true).await;
    let chooser = async || {
        driver.open(&format!("{base}/profile")).await;
        driver.shows("Please tell us which organization you belong to").await;
    };
    assert_eq!(press_everything(&driver, chooser).await, 2, "one link for each tenant");
    let unknown = async || {
        driver.open(&format!("{base}/t/initech/profile")).await;
        driver.shows("There is nothing here").await;
    };
    assert_eq!(press_everything(&driver, unknown).await, 1, "the way to the start page");

    let (_plan, base) = tenants(framework, true, true).await;
    let by_email = async || {
        driver.open(&format!("{base}/profile")).await;
        driver.shows("Enter your e-mail address, or choose.").await;
        driver.write("input[name=email]", "ada@acme.example").await;
    };
    assert_eq!(press_everything(&driver, by_email).await, 3, "the button, and one link for each tenant");
    let unknown_address = async || {
        driver.open(&format!("{base}/login?return_to=/profile")).await;
        driver.write("input[name=email]", "ada@nowhere.example").await;
        driver.click("main form button").await;
        driver.shows("No organization uses this e-mail address").await;
        let field = driver.element("input[name=email]").await;
        driver.post(&format!("/element/{field}/clear"), json!({})).await;
        driver.write("input[name=email]", "ada@globex.example").await;
    };
    assert_eq!(press_everything(&driver, unknown_address).await, 3);
    end(&driver, &profile).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn every_button_and_link_of_many_tenants_works_in_axum() {
    every_page_of_many_tenants(Framework::Axum).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn every_button_and_link_of_many_tenants_works_in_actix() {
    every_page_of_many_tenants(Framework::Actix).await;
}

/// The page after a sign-out, and the one for users whom a policy does not let in.
async fn every_page_of_a_setting(framework: Framework) {
    let org = Org::start().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    org.allow_redirect(&base);
    let config = ConfigBuilder::from_variables(org.env()).base_url(&base).cookie_secret(SECRET);
    let policies = PolicySet::default().protect("/profile", group("Admins")).default_access(DefaultAccess::Open);
    let auth = OktaAuthBuilder::from(config.signed_out_page(true).session_store("memory")).policies(policies);
    serve(framework, listener, auth.build().unwrap());
    let (driver, profile) = browser(&format!("setting-{framework:?}")).await;
    let denied = async || {
        driver.open(&format!("{base}/profile")).await;
        if !driver.url().await.starts_with(&base) {
            driver.sign_in(ADA, ADA_PASSWORD).await;
        }
        driver.shows("You do not have access to this page").await;
    };
    assert_eq!(press_everything(&driver, denied).await, 2, "another account, and the way home");
    let signed_out = async || {
        denied().await;
        driver.open(&format!("{base}/logout")).await;
        driver.click("main form button").await;
        driver.shows("You are signed out").await;
    };
    assert_eq!(press_everything(&driver, signed_out).await, 2, "sign in again, and the way home");
    end(&driver, &profile).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn every_button_and_link_after_a_sign_out_works_in_axum() {
    every_page_of_a_setting(Framework::Axum).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn every_button_and_link_after_a_sign_out_works_in_actix() {
    every_page_of_a_setting(Framework::Actix).await;
}

/// Both outcomes of a step-up: the user cancels, and the user enters the code.
async fn step_up(package: &str) {
    let Example { base, _app, .. } = example(package, free_port(), &[]);
    let (driver, profile) = browser(package).await;
    driver.open(&format!("{base}/profile")).await;
    driver.sign_in(ADA, ADA_PASSWORD).await;
    driver.is_at(&format!("{base}/profile")).await;

    driver.open(&format!("{base}/sensitive?amount=5")).await;
    driver.shows("Verify it is you").await;
    driver.picture(&format!("6-{package}-second-factor")).await;
    driver.click("button[value=cancel]").await;
    driver.shows("authorization_refused").await;
    assert!(driver.url().await.starts_with(&base), "rejected without a loop");
    driver.picture(&format!("7-{package}-refused")).await;
    driver.open(&format!("{base}/profile")).await;
    driver.shows("Ada Lovelace").await;

    driver.open(&format!("{base}/sensitive?amount=5")).await;
    let hint = driver.element("#passcode-hint").await;
    let code = driver.read(&format!("/element/{hint}/text")).await;
    driver.write("input[name=passcode]", code.as_str().unwrap()).await;
    driver.click("button[value=verify]").await;
    driver.is_at(&format!("{base}/sensitive")).await;
    assert!(driver.url().await.ends_with("/sensitive?amount=5"));
    driver.shows("Sensitive data").await;
    driver.click("button[data-api]").await;
    driver.shows("GET /api/me: 200").await;
    driver.picture(&format!("8-{package}-granted")).await;
    driver.open(&format!("{base}/admin")).await;
    driver.shows("Administration").await;
    driver.shows("Session ends").await;
    driver.click("button[data-api]").await;
    driver.shows("GET /api/me: 200").await;
    driver.picture(&format!("8-{package}-admin")).await;
    let _ = std::fs::remove_dir_all(&profile);
    driver.quit().await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn step_up_in_axum() {
    step_up("axum-app").await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn step_up_in_actix() {
    step_up("actix-app").await;
}

/// An access token expires three times without a visible effect in the browser.
#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_session_outlives_three_access_tokens_without_a_visible_redirect() {
    let variables = [
        ("OKTA_SCOPES", "openid profile email offline_access"),
        ("OKTA_DEV_ACCESS_TOKEN_LIFETIME", "60"),
        ("OKTA_DEV_ROTATION", "rotate"),
    ];
    let Example { base, org, _app, .. } = example("axum-app", free_port(), &variables);
    let (driver, profile) = browser("refresh").await;
    driver.open(&format!("{base}/profile")).await;
    driver.sign_in(ADA, ADA_PASSWORD).await;
    driver.is_at(&format!("{base}/profile")).await;
    let seen = driver.requests().await;
    assert!(seen.iter().any(|url| url.starts_with(&org)), "a sign-in is a visible redirect: {seen:?}");
    for round in 1..=3 {
        let clock = driver.http.post(format!("{org}/dev/clock")).header("content-type", "application/json");
        assert!(clock.body(json!({ "advance": 61 }).to_string()).send().await.unwrap().status().is_success());
        driver.open(&base).await;
        driver.shows("Hello, Ada Lovelace").await;
        driver.click("header a[href='/profile']").await;
        driver.is_at(&format!("{base}/profile")).await;
        let refreshes = driver.http.get(format!("{org}/dev/refreshes")).send().await.unwrap().text().await.unwrap();
        let refreshes: Value = serde_json::from_str(&refreshes).unwrap();
        assert_eq!(refreshes["granted"], round, "{refreshes}");
    }
    let seen = driver.requests().await;
    assert!(seen.iter().all(|url| url.starts_with(&base)) && seen.len() >= 6, "{seen:?}");
    let _ = std::fs::remove_dir_all(&profile);
    driver.quit().await;
}

/// An administrator at the org signs a user out everywhere, and the user's next click
/// leads to sign-in. Until then the devices page shows `devices`.
async fn signed_out_by_an_admin(package: &str, variables: &[(&str, &str)], devices: &str) {
    let Example { base, org, _app, .. } = example(package, free_port(), variables);
    let (driver, profile) = browser(&format!("admin-{package}")).await;
    driver.open(&format!("{base}/profile")).await;
    driver.sign_in(ADA, ADA_PASSWORD).await;
    driver.is_at(&format!("{base}/profile")).await;
    driver.click("header a[href='/devices']").await;
    driver.shows(devices).await;
    driver.picture(&format!("9-{package}-devices")).await;
    let app = driver.new_tab().await;
    driver.open(&format!("{org}/admin")).await;
    driver.click(&format!("input[value='{ADA}'] + button")).await;
    driver.shows("is signed out").await;
    driver.shows("204").await;
    driver.picture(&format!("10-{package}-signed-out-by-an-admin")).await;
    driver.switch_to(&app).await;
    driver.click("header a[href='/profile']").await;
    driver.shows("Sign In").await;
    assert!(driver.url().await.starts_with(&org), "the org asks for a password");
    let _ = std::fs::remove_dir_all(&profile);
    driver.quit().await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn signed_out_by_an_admin_in_axum_with_sessions_in_memory() {
    signed_out_by_an_admin("axum-app", &[("OKTA_SESSION_STORE", "memory")], "this device").await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn signed_out_by_an_admin_in_actix_with_sessions_in_cookies() {
    signed_out_by_an_admin("actix-app", &[], "OKTA_SESSION_STORE=memory").await;
}

/// The variables of an app at an org, and its client there.
fn app_at(org: &Org, id: &str, base: &str) -> Vec<(&'static str, String)> {
    let client = Client::web(id, "secret-of-this-app").origin(base);
    org.put_client(client.label(id).frontchannel_logout(format!("{base}/frontchannel-logout")));
    vec![
        ("OKTA_ISSUER_URI", org.issuer()),
        ("OKTA_CLIENT_ID", id.to_owned()),
        ("OKTA_CLIENT_SECRET", "secret-of-this-app".to_owned()),
        ("OKTA_BASE_URL", base.to_owned()),
        ("OKTA_SESSION_STORE", "memory".to_owned()),
    ]
}

/// Sign-out at one app loads the other app's address in a cross-site frame, which sends
/// no cookie.
#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn the_frame_of_another_apps_sign_out_ends_the_session() {
    let org = Org::start().await.unwrap();
    let (port, other_port) = (free_port(), free_port());
    // Cookies ignore ports, so the two apps have different host names.
    let (base, other) = (format!("http://localhost:{port}"), format!("http://127.0.0.1:{other_port}"));
    let apps = [("axum-app", "0oaFirst", port, &base), ("actix-app", "0oaOther", other_port, &other)];
    let _apps = apps.map(|(package, id, port, base)| {
        let variables = app_at(&org, id, base);
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        example(package, port, &variables)
    });
    let (driver, profile) = browser("front-channel").await;
    driver.open(&format!("{base}/profile")).await;
    driver.sign_in(ADA, ADA_PASSWORD).await;
    driver.is_at(&format!("{base}/profile")).await;
    let first = driver.new_tab().await;
    // The same Okta session, so no password is required.
    driver.open(&format!("{other}/profile")).await;
    driver.is_at(&format!("{other}/profile")).await;
    let second = driver.read("/window").await;
    driver.switch_to(&first).await;
    driver.open(&format!("{base}/profile")).await;
    driver.shows("Ada Lovelace").await;
    driver.switch_to(&second).await;
    driver.requests().await;
    driver.click("header button").await;
    driver.is_at(&other).await;
    let seen = driver.requests().await;
    assert!(seen.iter().any(|url| url.starts_with(&format!("{base}/frontchannel-logout?iss="))), "{seen:?}");
    driver.switch_to(&first).await;
    driver.click("header a[href='/profile']").await;
    driver.shows("Sign In").await;
    assert!(driver.url().await.starts_with(org.url()));
    let _ = std::fs::remove_dir_all(&profile);
    driver.quit().await;
}

/// Signs in at a customer's org with a known username.
async fn give_password(driver: &Driver, customer: &str) {
    driver.shows("Sign In").await;
    assert!(driver.url().await.starts_with(&format!("http://{customer}.localhost:")));
    driver.write("input[name=password]", ADA_PASSWORD).await;
    driver.click("form button[type=submit]").await;
}

/// Enters a wrong key and then the correct one.
async fn open_office(driver: &Driver, office: &str, key: &str, package: &str) {
    driver.open(office).await;
    driver.write("input[name=key]", "wrong").await;
    driver.click("main form button").await;
    driver.shows("This key is not correct").await;
    driver.picture(&format!("15-{package}-closed")).await;
    driver.write("input[name=key]", key).await;
    driver.click("main form button").await;
    driver.shows("A new customer").await;
}

/// One browser at several customers of one app; one customer is added and removed.
async fn many_customers(package: &str) {
    let port = free_port();
    let Example { base, lines, _app, .. } = example(package, port, &[]);
    let at = |customer: &str, path: &str| format!("http://{customer}.localhost:{port}{path}");
    let (driver, profile) = browser(package).await;
    driver.open(&base).await;
    driver.shows("Timesheets for your company").await;
    driver.picture(&format!("11-{package}-front")).await;
    driver.write("input[name=email]", "ada@acme.test").await;
    driver.click("main form button").await;
    give_password(&driver, "acme").await;
    driver.is_at(&at("acme", "")).await;
    driver.shows("Hello, Ada Lovelace").await;
    driver.picture(&format!("12-{package}-acme")).await;

    // The library's own page asks for the address when a page requires a user.
    driver.open(&format!("{base}/profile")).await;
    driver.shows("Please tell us which organization you belong to").await;
    driver.picture(&format!("13-{package}-who-are-you")).await;
    driver.write("input[name=email]", "ada@globex.test").await;
    driver.click("main form button").await;
    give_password(&driver, "globex").await;
    driver.is_at(&at("globex", "/profile")).await;
    driver.shows("the Okta of Globex").await;
    driver.picture(&format!("14-{package}-globex")).await;
    driver.open(&at("acme", "/profile")).await;
    driver.shows("the Okta of Acme").await;
    driver.open(&at("initech", "/profile")).await;
    driver.sign_in("ada@initech.test", ADA_PASSWORD).await;
    driver.is_at(&at("initech", "/profile")).await;
    driver.open(&at("initech", "/admin")).await;
    driver.shows("You do not have access to this page").await;

    driver.open(&at("hooli", "/profile")).await;
    driver.shows("There is nothing here").await;
    let office = lines.iter().find_map(|line| line.split("remove customers at ").nth(1)).unwrap();
    let key = lines.iter().find_map(|line| line.split("key of that page is ").nth(1)).unwrap();
    open_office(&driver, office, key, package).await;
    driver.write("input[name=id][required]", "hooli").await;
    driver.write("input[name=name]", "Hooli").await;
    driver.click("option[value='#b3261e']").await;
    driver.click("button[name=add]").await;
    driver.shows("hooli.test").await;
    driver.picture(&format!("15-{package}-office")).await;
    driver.open(&at("hooli", "/profile")).await;
    driver.sign_in("ada@hooli.test", ADA_PASSWORD).await;
    driver.is_at(&at("hooli", "/profile")).await;
    driver.shows("the Okta of Hooli").await;
    driver.picture(&format!("16-{package}-hooli")).await;
    driver.open(office).await;
    driver.click("button[aria-label='Remove hooli']").await;
    until("the customer is gone", || async { !driver.text().await.contains("hooli.test") }).await;
    driver.open(&at("hooli", "/profile")).await;
    driver.shows("There is nothing here").await;
    driver.picture(&format!("17-{package}-gone")).await;
    driver.open(&at("acme", "/profile")).await;
    driver.shows("the Okta of Acme").await;
    let _ = std::fs::remove_dir_all(&profile);
    driver.quit().await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn many_customers_in_axum() {
    many_customers("multi-tenant-axum").await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn many_customers_in_actix() {
    many_customers("multi-tenant-actix").await;
}
