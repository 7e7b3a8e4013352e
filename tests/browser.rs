//! A real browser: headless Chromium, driven by chromedriver over the WebDriver protocol (W3C WebDriver §6), signs
//! in at the example, opens a second tab and signs out. Needs both programs, so it is not part of `cargo test`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
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
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": { "args": arguments } } } });
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

    async fn write(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        self.post(&format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    /// The text of the page; nothing while one page gives way to the next.
    async fn text(&self) -> String {
        let found = self.post("/element", json!({ "using": "css selector", "value": "body" })).await;
        let Some(body) = found[ELEMENT].as_str() else { return String::new() };
        self.read(&format!("/element/{body}/text")).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page shows this: a click may return before its page is there.
    async fn shows(&self, text: &str) {
        until(&format!("the page shows `{text}`"), || async { self.text().await.contains(text) }).await;
    }

    /// Waits until the browser is at this address, but for a query.
    async fn is_at(&self, url: &str) {
        let here = |now: String| now.split('?').next().unwrap().trim_end_matches('/') == url.trim_end_matches('/');
        until(&format!("the browser is at `{url}`"), || async { here(self.url().await) }).await;
    }

    /// Keeps a picture for people to look at, if they say where.
    async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("SCREENSHOTS") else { return };
        use base64::Engine as _;
        let picture = self.read("/screenshot").await;
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap()).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    async fn quit(self) {
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

/// Polls until something is so; a browser has no virtual clock.
async fn until<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    let start = Instant::now();
    while !check().await {
        assert!(start.elapsed() < Duration::from_secs(60), "it never happened that {what}");
        tokio::task::yield_now().await;
    }
}

/// An example, as a newcomer starts it. Returns its address and the first user's name and password.
fn example(package: &str) -> (Running, String, String, String) {
    let port = free_port();
    let mut child = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "-p", package])
        .env("PORT", port.to_string())
        .env_remove("OKTA_ISSUER_URI")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let user = lines.by_ref().find(|line| line.contains(" password ")).unwrap();
    let mut words = user.split_whitespace();
    let (name, password) = (words.next().unwrap().to_owned(), words.next_back().unwrap().to_owned());
    lines.find(|line| line.starts_with("Open ")).unwrap();
    std::thread::spawn(move || lines.for_each(drop));
    (Running(child), format!("http://localhost:{port}"), name, password)
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn sign_in_second_tab_sign_out() {
    let (_app, base, user, password) = example("axum-app");
    let profile = std::env::temp_dir().join(format!("okta-auth-browser-{}", std::process::id()));
    let driver = Driver::start(&profile).await;

    driver.open(&base).await;
    driver.shows("Hello, stranger").await;
    driver.picture("1-home").await;

    driver.open(&format!("{base}/profile")).await;
    assert!(!driver.url().await.starts_with(&base), "the org's own page");
    driver.picture("2-sign-in").await;
    driver.write("input[name=username]", &user).await;
    driver.write("input[name=password]", "wrong").await;
    driver.click("form button[type=submit]").await;
    driver.shows("Unable to sign in").await;
    driver.picture("3-wrong-password").await;
    driver.write("input[name=password]", &password).await;
    driver.click("form button[type=submit]").await;
    driver.is_at(&format!("{base}/profile")).await;
    for text in ["Ada Lovelace", &user, "Admins"] {
        driver.shows(text).await;
    }
    driver.picture("4-profile").await;

    let tab = driver.post("/window/new", json!({ "type": "tab" })).await;
    driver.post("/window", json!({ "handle": tab["handle"] })).await;
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

/// Both ways of a step-up: the person goes away, and the person types the code.
async fn step_up(package: &str) {
    let (_app, base, user, password) = example(package);
    let profile = std::env::temp_dir().join(format!("okta-auth-browser-{package}-{}", std::process::id()));
    let driver = Driver::start(&profile).await;
    driver.open(&format!("{base}/profile")).await;
    driver.write("input[name=username]", &user).await;
    driver.write("input[name=password]", &password).await;
    driver.click("form button[type=submit]").await;
    driver.is_at(&format!("{base}/profile")).await;

    driver.open(&format!("{base}/sensitive?amount=5")).await;
    driver.shows("Verify it is you").await;
    driver.picture(&format!("6-{package}-second-factor")).await;
    driver.click("button[value=cancel]").await;
    driver.shows("authorization_refused").await;
    assert!(driver.url().await.starts_with(&base), "refused, and no loop");
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
    driver.shows("Sensitive matters").await;
    driver.picture(&format!("8-{package}-granted")).await;
    driver.open(&format!("{base}/admin")).await;
    driver.shows("Administration").await;
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
