//! The configurations of docs/how-to/behind-a-proxy.md in nginx, Caddy and HAProxy. A browser signs in through each
//! proxy at `https://app.example.com`, as the page says. Needs the programs of the proxies, and OpenSSL.

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use axum::extract::ws::WebSocketUpgrade;
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use example_tests::free_port;
use futures_util::{StreamExt as _, stream};
use okta_auth_axum::{RouterExt, User};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_dev::{ADA, ADA_PASSWORD, Org, User as Person};
use serde_json::{Value, json};

use crate::support::SECRET;
use crate::{Driver, Running, until};

const ORIGIN: &str = "https://app.example.com";

#[derive(Clone, Copy, PartialEq)]
enum Proxy {
    Nginx,
    Caddy,
    Haproxy,
}

/// The blocks of code below a heading of the page, without their fences.
fn blocks(heading: &str) -> Vec<String> {
    let page = include_str!("../../docs/how-to/behind-a-proxy.md");
    let section = page.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let fenced = section.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap().1.to_owned()).collect()
}

/// Replaces the lines from the one that begins with `first` to the next empty line.
fn replace_paragraph(text: &str, first: &str, paragraph: &str) -> String {
    let start = text.find(&format!("{first}\n")).unwrap();
    let end = text[start..].find("\n\n").map_or(text.len(), |length| start + length);
    format!("{}{paragraph}{}", &text[..start], &text[end..])
}

impl Proxy {
    /// The configuration that the page prints, at the root of the host or under its prefix.
    fn printed(self, prefix: &str) -> String {
        let below = blocks("Under a path prefix");
        let heading = match self {
            Self::Nginx => "nginx",
            Self::Caddy => "Caddy",
            Self::Haproxy => "HAProxy",
        };
        let [whole] = blocks(heading).try_into().unwrap();
        match self {
            _ if prefix.is_empty() => whole,
            Self::Nginx => {
                let root = "    location / {\n        proxy_pass http://127.0.0.1:8080;";
                assert!(whole.contains(root), "{whole}");
                whole.replace(root, &below[0])
            }
            Self::Caddy => below[1].clone(),
            Self::Haproxy => replace_paragraph(&whole, "frontend app", &below[2]),
        }
    }

    /// Replaces ports, addresses and paths of files, and nothing else.
    fn adapted(self, printed: &str, folder: &Path, port: u16, apps: [u16; 2]) -> String {
        let replace = |text: String, printed: &str, by: String| {
            assert!(text.contains(printed), "the page has no `{printed}`: {text}");
            text.replace(printed, &by)
        };
        let file = |name: &str| folder.join(name).display().to_string();
        let mut text = replace(printed.to_owned(), "127.0.0.1:8080", format!("127.0.0.1:{}", apps[0]));
        match self {
            Self::Nginx => {
                text = replace(text, "listen 443 ssl", format!("listen 127.0.0.1:{port} ssl"));
                text = replace(text, "/etc/ssl/app.pem", file("certificate.pem"));
                text = replace(text, "/etc/ssl/app.key", file("key.pem"));
                text = replace(text, "/var/log/nginx/app.log", file("access.log"));
                // What Debian's nginx.conf has around the server, with folders that every user can write.
                let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
                let folders = folders.map(|name| format!("{name}_temp_path {};", file(name))).concat();
                format!("pid {};\nevents {{}}\nhttp {{\n{folders}\n{text}\n}}\n", file("nginx.pid"))
            }
            Self::Caddy => {
                // No certificate authority, and no ports that need privileges.
                let options = "admin off\nlocal_certs\nskip_install_trust\nauto_https disable_redirects\n";
                format!("{{\n{options}https_port {port}\ndefault_bind 127.0.0.1\n}}\n{text}\n")
            }
            Self::Haproxy => {
                text = replace(text, "127.0.0.1:8081", format!("127.0.0.1:{}", apps[1]));
                text = replace(text, "bind :443", format!("bind 127.0.0.1:{port}"));
                replace(text, "/etc/haproxy/app.pem", file("both.pem")) + "\n"
            }
        }
    }

    fn start(self, configuration: &str, folder: &Path) -> Running {
        let file = folder.join("configuration");
        fs::write(&file, configuration).unwrap();
        let mut command = match self {
            Self::Nginx => {
                let mut command = Command::new("nginx");
                command
                    .args(["-g", "daemon off; master_process off;", "-e", "stderr", "-p"])
                    .arg(folder)
                    .arg("-c")
                    .arg(file);
                command
            }
            Self::Caddy => {
                let mut command = Command::new("caddy");
                command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file);
                command.env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
                command
            }
            Self::Haproxy => {
                let mut command = Command::new("haproxy");
                command.args(["-db", "-f"]).arg(file);
                command
            }
        };
        let log = fs::File::create(folder.join("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        Running(command.spawn().expect("the proxy is not installed"))
    }
}

/// A certificate for the host, its key, and both in one file.
fn certificate(folder: &Path) {
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj \
                     /CN=app.example.com -addext subjectAltName=DNS:app.example.com -keyout key.pem -out certificate.pem";
    let output = Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    fs::write(folder.join("both.pem"), read("certificate.pem") + &read("key.pem")).unwrap();
}

/// Waits until the proxy answers a request over TLS, because Caddy listens before it has made its certificate.
async fn until_it_answers(port: u16) {
    let client = reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true);
    let client = client.resolve("app.example.com", ([127, 0, 0, 1], port).into()).build().unwrap();
    let address = format!("https://app.example.com:{port}/");
    until("the proxy answers", || async { client.get(&address).send().await.is_ok() }).await;
}

/// The headers of the request, as the app receives them.
async fn headers(_: User, headers: HeaderMap) -> Json<Value> {
    let pairs = headers.iter().map(|(name, value)| json!([name.as_str(), value.to_str().unwrap()]));
    Json(Value::Array(pairs.collect()))
}

/// Echoes the first message, and closes the socket when the session ends.
async fn socket(user: User, upgrade: WebSocketUpgrade) -> Response {
    let mut ended = user.session_ended();
    upgrade.on_upgrade(async move |mut socket| {
        loop {
            tokio::select! {
                () = &mut ended => break,
                message = socket.recv() => match message {
                    Some(Ok(message)) => drop(socket.send(message).await),
                    _ => break,
                },
            }
        }
    })
}

/// One event at once, and then none until the session ends.
async fn events(user: User) -> impl IntoResponse {
    let first = stream::once(async { Ok::<_, Infallible>(Event::default().data("news")) });
    let events = first.chain(stream::pending()).take_until(user.session_ended());
    ([("x-accel-buffering", "no")], Sse::new(events))
}

fn pages(prefix: &'static str) -> Router {
    let home = move |user: Option<User>| async move {
        let name = user.map_or("stranger".to_owned(), |user| user.name().to_owned());
        Html(format!("<h1>Hello {name}</h1><form method='post' action='{prefix}/logout'><button>Out</button></form>"))
    };
    let profile = |user: User| async move { format!("{} has {} groups", user.name(), user.groups().len()) };
    Router::new()
        .route("/", get(home))
        .route("/profile", get(profile))
        .route("/headers", get(headers))
        .route("/events", get(events))
        .route("/socket", any(socket))
}

/// An app behind a proxy, and a browser in front of it.
struct Site {
    org: Org,
    driver: Driver,
    base: String,
    folder: PathBuf,
    _proxy: Running,
}

impl Site {
    /// `change` edits the printed configuration.
    async fn start(proxy: Proxy, prefix: &'static str, change: impl FnOnce(String) -> String) -> Self {
        let org = Org::builder().groups_claim_everywhere("groups").cross_site_cookies(true).start().await.unwrap();
        org.put_user(Person::ada().groups((0..90).map(|number| format!("a-group-of-the-company-{number:025}"))));
        let base = format!("{ORIGIN}{prefix}");
        org.allow_redirect(&base);
        let mut config = ConfigBuilder::from_variables(org.env()).base_url(ORIGIN).cookie_secret(SECRET);
        if !prefix.is_empty() {
            config = config.public_prefix(prefix);
        }
        let auth = OktaAuthBuilder::from(config).build().unwrap();
        let router = pages(prefix).okta_auth(&auth);
        let mut apps = [0; 2];
        for app in &mut apps {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            *app = listener.local_addr().unwrap().port();
            let router = router.clone();
            tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        }
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("okta-auth-proxy-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        certificate(&folder);
        let running = proxy.start(&proxy.adapted(&change(proxy.printed(prefix)), &folder, port, apps), &folder);
        until_it_answers(port).await;
        let rules = format!("--host-resolver-rules=MAP app.example.com 127.0.0.1:{port}");
        let options = [rules, "--ignore-certificate-errors".to_owned()];
        let driver = Driver::start_at(&folder.join("profile"), json!({}), &options).await;
        Self { org, driver, base, folder, _proxy: running }
    }

    async fn sign_in(&self) {
        self.driver.open(&format!("{}/profile", self.base)).await;
        self.driver.sign_in(ADA, ADA_PASSWORD).await;
    }

    /// Runs a script that stores its result in `window.seen`.
    async fn seen(&self, script: &str) -> Value {
        self.driver.run(&format!("window.seen = null; {script}")).await;
        until("the script ends", || async { !self.driver.run("return window.seen").await.is_null() }).await;
        self.driver.run("return window.seen").await
    }

    async fn end(self) {
        self.driver.quit().await;
        drop(self._proxy);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The cookies of the session are intact, and only for this host over https.
async fn cookies_are_secure(site: &Site) {
    let cookies = site.driver.read("/cookie").await;
    let cookies = cookies.as_array().unwrap();
    assert!(cookies.len() >= 4, "a session of several cookies: {cookies:?}");
    for cookie in cookies {
        assert!(cookie["name"].as_str().unwrap().starts_with("__Host-okta_session-"), "{cookie}");
        assert_eq!(
            (&cookie["secure"], &cookie["httpOnly"], &cookie["path"]),
            (&json!(true), &json!(true), &json!("/"))
        );
    }
}

async fn headers_arrive(site: &Site) {
    let script = format!(
        "fetch('{}/headers', {{ headers: {{ 'X-Forwarded-For': '203.0.113.9', Authorization: 'Basic eDp5' }} }})
           .then(response => response.json()).then(all => window.seen = all)",
        site.base
    );
    let received = site.seen(&script).await;
    let values = |name: &str| -> Vec<String> {
        let pairs = received.as_array().unwrap().iter().filter(|pair| pair[0] == name);
        pairs.map(|pair| pair[1].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(values("x-forwarded-for"), ["127.0.0.1"], "the address is the client's, and not one that it claims");
    assert_eq!(values("sec-fetch-mode"), ["cors"]);
    assert_eq!(values("authorization"), ["Basic eDp5"]);
    assert_eq!(values("host"), ["app.example.com"]);
    let cookie = values("cookie").concat().len();
    assert!(cookie > 14_000, "the cookies have {cookie} bytes");
}

async fn connections_open(site: &Site) {
    let address = site.base.replace("https://", "wss://");
    let script = format!(
        "window.socket = new WebSocket('{address}/socket');
         socket.onopen = () => socket.send('hello');
         socket.onmessage = message => window.seen = message.data;
         socket.onerror = () => window.seen = 'error'"
    );
    assert_eq!(site.seen(&script).await, "hello");
    let script = format!("new EventSource('{}/events').onmessage = event => window.seen = event.data", site.base);
    assert_eq!(site.seen(&script).await, "news", "the first event arrives while the stream is open");
}

async fn a_browser_signs_in_through(proxy: Proxy, prefix: &'static str) {
    let site = Site::start(proxy, prefix, |printed| printed).await;
    site.sign_in().await;
    site.driver.shows("Ada Lovelace has 90 groups").await;
    assert_eq!(site.driver.url().await, format!("{}/profile", site.base));
    let log = site.org.request_log();
    let authorize = log.iter().find(|request| request.path.ends_with("/v1/authorize")).unwrap();
    let callback = format!("{}/authorization-code/callback", site.base);
    assert_eq!(authorize.query_param("redirect_uri"), Some(callback));
    cookies_are_secure(&site).await;
    headers_arrive(&site).await;
    connections_open(&site).await;
    site.driver.open(&format!("{}/", site.base)).await;
    site.driver.shows("Hello Ada Lovelace").await;
    site.driver.click("form button").await;
    site.driver.is_at(&site.base).await;
    site.driver.shows("Hello stranger").await;
    assert!(site.org.sessions().is_empty(), "the session at the org has ended too");
    site.end().await;
}

#[tokio::test]
#[ignore = "needs chromium, chromedriver and nginx"]
async fn nginx() {
    a_browser_signs_in_through(Proxy::Nginx, "").await;
    a_browser_signs_in_through(Proxy::Nginx, "/app").await;
}

#[tokio::test]
#[ignore = "needs chromium, chromedriver and Caddy"]
async fn caddy() {
    a_browser_signs_in_through(Proxy::Caddy, "").await;
    a_browser_signs_in_through(Proxy::Caddy, "/app").await;
}

#[tokio::test]
#[ignore = "needs chromium, chromedriver and HAProxy"]
async fn haproxy() {
    a_browser_signs_in_through(Proxy::Haproxy, "").await;
    a_browser_signs_in_through(Proxy::Haproxy, "/app").await;
}

/// Leaves out the lines with this setting.
fn without(setting: &str) -> impl FnOnce(String) -> String {
    move |printed: String| {
        let kept: Vec<&str> = printed.lines().filter(|line| !line.contains(setting)).collect();
        assert_ne!(kept.len(), printed.lines().count(), "{setting}");
        kept.join("\n")
    }
}

#[tokio::test]
#[ignore = "needs chromium, chromedriver, nginx and HAProxy"]
async fn the_default_limits_for_headers_are_too_low() {
    for (proxy, setting, error) in [
        (Proxy::Nginx, "proxy_buffer", "502 Bad Gateway"),
        (Proxy::Nginx, "large_client_header_buffers", "Request Header Or Cookie Too Large"),
        (Proxy::Haproxy, "tune.bufsize", "502 Bad Gateway"),
    ] {
        let site = Site::start(proxy, "", without(setting)).await;
        site.sign_in().await;
        site.driver.shows(error).await;
        site.end().await;
    }
}
