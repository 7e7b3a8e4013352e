//! The proxy of an API, and attacks on it over raw sockets, on both frameworks.

use std::net::TcpListener as StdListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use okta_auth_axum::RouterExt as _;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::{OktaAuth, OktaAuthBuilder};
use okta_auth_core::proxy::{Proxy, ProxyBuilder};
use okta_auth_dev::{GrantType, Org};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::site::{BOTH, Framework};
use crate::support::{ADA, Browser, SECRET, eventually};

/// actix-web notices a closed connection when it writes to it. Until then the proxy waits for its longest idle time.
pub(crate) fn notices_closed(framework: Framework) -> impl FnOnce(ProxyBuilder) -> ProxyBuilder {
    move |proxy| match framework {
        Framework::Axum => proxy,
        Framework::Actix => proxy.idle_timeout(Duration::from_secs(2)),
    }
}

/// The longest time that a test waits for something that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

// -- the API ----------------------------------------------------------------------------------------------------------

/// A request as the API received it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

type Answer = Arc<dyn Fn(&Seen) -> String + Send + Sync>;

/// An API on a raw socket: it answers with any bytes, also with such that no library would send.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// The bytes of bodies that arrived, also of incomplete ones.
    pub(crate) arriving: Arc<Mutex<String>>,
    closed: Arc<Mutex<usize>>,
}

impl Api {
    pub(crate) async fn start(answer: impl Fn(&Seen) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let api = Self { address, seen: Arc::default(), arriving: Arc::default(), closed: Arc::default() };
        let (serving, answer): (_, Answer) = (api.clone(), Arc::new(answer));
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (api, answer) = (serving.clone(), Arc::clone(&answer));
                tokio::spawn(async move {
                    api.serve(socket, answer).await;
                    *api.closed.lock().unwrap() += 1;
                });
            }
        });
        api
    }

    async fn serve(&self, mut socket: TcpStream, answer: Answer) -> Option<()> {
        let mut buffer = Vec::new();
        loop {
            let head = loop {
                if let Some(end) = find(&buffer, b"\r\n\r\n") {
                    break buffer.drain(..end + 4).collect::<Vec<u8>>();
                }
                self.more(&mut socket, &mut buffer).await?;
            };
            let head = String::from_utf8(head).unwrap();
            let mut lines = head.trim_end().split("\r\n");
            let mut seen = Seen { line: lines.next().unwrap().to_owned(), ..Seen::default() };
            let header =
                |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
            seen.headers = lines.filter_map(header).collect();
            let is_early = seen.line.contains("/v1/early");
            if is_early {
                socket.write_all(answer(&seen).as_bytes()).await.ok()?;
            }
            seen.body = match (seen.header("transfer-encoding"), seen.header("content-length")) {
                (Some(_), Some(_)) => panic!("the proxy sent two framings"),
                (Some(_), None) => self.chunks(&mut socket, &mut buffer).await?,
                (None, Some(length)) => {
                    let length: usize = length.parse().unwrap();
                    while buffer.len() < length {
                        self.more(&mut socket, &mut buffer).await?;
                    }
                    String::from_utf8(buffer.drain(..length).collect()).unwrap()
                }
                (None, None) => String::new(),
            };
            self.seen.lock().unwrap().push(seen.clone());
            if !is_early {
                let answer = answer(&seen);
                socket.write_all(answer.as_bytes()).await.ok()?;
                if answer.starts_with("HTTP/1.1 101") {
                    return self.echo(socket, buffer).await;
                }
            }
        }
    }

    async fn chunks(&self, socket: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                match find(buffer, b"\r\n") {
                    Some(end) => break end,
                    None => self.more(socket, buffer).await?,
                }
            };
            let size = usize::from_str_radix(std::str::from_utf8(&buffer[..end]).unwrap(), 16).unwrap();
            while buffer.len() < end + 2 + size + 2 {
                self.more(socket, buffer).await?;
            }
            body.extend_from_slice(&buffer[end + 2..end + 2 + size]);
            *self.arriving.lock().unwrap() = String::from_utf8_lossy(&body).into_owned();
            buffer.drain(..end + 2 + size + 2);
            if size == 0 {
                return Some(String::from_utf8(body).unwrap());
            }
        }
    }

    /// Returns every byte to its sender, as a server of another protocol.
    async fn echo(&self, mut socket: TcpStream, mut buffer: Vec<u8>) -> Option<()> {
        loop {
            self.arriving.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer));
            socket.write_all(&buffer).await.ok()?;
            buffer.clear();
            self.more(&mut socket, &mut buffer).await?;
        }
    }

    async fn more(&self, socket: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
        let mut part = [0; 4096];
        let read = socket.read(&mut part).await.ok().filter(|read| *read > 0)?;
        buffer.extend_from_slice(&part[..read]);
        Some(())
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn closed(&self) -> usize {
        *self.closed.lock().unwrap()
    }
}

pub(crate) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

pub(crate) fn ok(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

pub(crate) async fn plain_api() -> Api {
    Api::start(|_| ok("Content-Type: application/json\r\n", "{}")).await
}

// -- the application --------------------------------------------------------------------------------------------------

pub(crate) struct App {
    pub(crate) org: Org,
    pub(crate) host: String,
    pub(crate) browser: Browser,
    pub(crate) cookies: String,
}

pub(crate) async fn app(framework: Framework, api: &Api) -> App {
    app_with(framework, api, |proxy| proxy, |config| config).await
}

pub(crate) async fn app_with(
    framework: Framework,
    api: &Api,
    change: impl FnOnce(ProxyBuilder) -> ProxyBuilder,
    configure: impl FnOnce(ConfigBuilder) -> ConfigBuilder,
) -> App {
    app_of(framework, api, configure, |proxy| change(proxy.for_user())).await
}

/// The application of a client that may also request tokens for itself.
pub(crate) async fn app_of(
    framework: Framework,
    api: &Api,
    configure: impl FnOnce(ConfigBuilder) -> ConfigBuilder,
    build: impl FnOnce(ProxyBuilder) -> ProxyBuilder,
) -> App {
    let grants = [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials];
    let org = crate::support::org_with_groups().await;
    org.put_client(org.client().grant_types(grants));
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let base = format!("http://{host}");
    org.allow_redirect(&base);
    let config = ConfigBuilder::from_variables(org.env()).base_url(&base).cookie_secret(SECRET);
    let clock = org.clock();
    let auth = OktaAuthBuilder::from(configure(config)).clock(move || clock.now()).build().unwrap();
    let proxy = build(Proxy::to(&format!("http://{}/v1/", api.address))).at("/api").unwrap();
    serve(framework, listener, auth, proxy);
    let mut browser = Browser::new(&base);
    browser.sign_in(&org, ADA, "/profile").await;
    let cookies: Vec<String> = browser.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
    App { org, host, browser, cookies: cookies.join("; ") }
}

pub(crate) fn serve(framework: Framework, listener: StdListener, auth: OktaAuth, proxy: Proxy) {
    match framework {
        Framework::Axum => {
            let profile = get(|user: okta_auth_axum::User| async move { user.name().to_owned() });
            let router = Router::new().route("/profile", profile).merge(okta_auth_axum::proxy(&proxy)).okta_auth(&auth);
            let listener = TcpListener::from_std(listener).unwrap();
            tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        }
        Framework::Actix => {
            use actix_web::web;
            use okta_auth_actix::{OktaAuthLayer, User, okta_auth};
            let app = move || {
                actix_web::App::new()
                    .route("/profile", web::get().to(|user: User| async move { user.name().to_owned() }))
                    .configure(okta_auth_actix::proxy(&proxy))
                    .configure(okta_auth(&auth))
                    .wrap(OktaAuthLayer::new(&auth))
            };
            std::thread::spawn(move || {
                let server = actix_web::HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap();
                actix_web::rt::System::new().block_on(server.run()).unwrap();
            });
        }
    }
}

impl App {
    /// The head of a request of the application's own script.
    pub(crate) fn head(&self, line: &str, more: &str) -> String {
        format!(
            "{line} HTTP/1.1\r\nHost: {}\r\nX-CSRF: 1\r\nSec-Fetch-Site: same-origin\r\nCookie: {}\r\n{more}\r\n",
            self.host, self.cookies
        )
    }

    pub(crate) async fn get(&self, target: &str) -> String {
        self.raw(&self.head(&format!("GET {target}"), "Connection: close\r\n")).await
    }

    /// The server's response to these bytes.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut socket = self.open(request).await;
        read_to_end(&mut socket).await
    }

    pub(crate) async fn open(&self, request: &str) -> TcpStream {
        let mut socket = TcpStream::connect(&self.host).await.unwrap();
        // A server may respond and close before it has read everything.
        drop(socket.write_all(request.as_bytes()).await);
        socket
    }
}

pub(crate) async fn read_to_end(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, async {
        let mut part = [0; 4096];
        while let Ok(read @ 1..) = socket.read(&mut part).await {
            answer.extend_from_slice(&part[..read]);
        }
    });
    read.await.expect("the server keeps the connection open");
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) async fn read_until(socket: &mut TcpStream, wanted: &str) -> String {
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, async {
        while find(&answer, wanted.as_bytes()).is_none() {
            let mut part = [0; 4096];
            let read = socket.read(&mut part).await.unwrap();
            assert!(read > 0, "closed before `{wanted}`: {}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&part[..read]);
        }
    });
    read.await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

pub(crate) fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    let mut headers = head.split("\r\n").filter_map(|line| line.split_once(": "));
    headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

// -- requests ---------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_api_gets_the_users_token_and_no_credential_of_the_browser() {
    for framework in BOTH {
        let api = plain_api().await;
        let app = app_with(framework, &api, |proxy| proxy.forward_header("X-Tenant"), |config| config).await;
        let more = "Connection: close, Prefer\r\nAuthorization: Bearer forged\r\nCookie: a=b\r\nAccept: text/csv\r\nPrefer: x\r\n\
                    X-Tenant: 7\r\nX-Other: 8\r\nForwarded: for=1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Host: evil\r\n\
                    X-Real-IP: 1.2.3.4\r\nX-Original-URL: /admin\r\nX-Rewrite-URL: /admin\r\nX_Forwarded_For: 1.2.3.4\r\n\
                    X-HTTP-Method-Override: DELETE\r\nReferer: http://x/secret\r\nTE: trailers\r\nKeep-Alive: 5\r\nDPoP: x\r\n\
                    Proxy-Authorization: Basic eDp5\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
        let answer = app.raw(&app.head("GET /api/orders?page=2&q=a%20b", more)).await;
        assert!(status(&answer) == 200 && answer.ends_with("{}"), "{framework:?}: {answer}");
        let [seen] = api.seen().try_into().unwrap();
        assert_eq!(seen.line, "GET /v1/orders?page=2&q=a%20b HTTP/1.1", "{framework:?}");
        let mut names: Vec<&str> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "authorization", "host", "x-tenant"], "{framework:?}");
        assert_eq!(seen.header("host"), Some(&*api.address), "{framework:?}");
        let token = seen.header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
        assert_eq!(token.split('.').count(), 3, "{framework:?}: {token}");
    }
}

#[tokio::test]
async fn bodies_are_streamed_in_both_directions() {
    for framework in BOTH {
        let answer =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst\n\r\n";
        let api =
            Api::start(|seen| if seen.line.starts_with("GET") { answer.to_owned() } else { ok("", "done") }).await;
        let app = app_with(framework, &api, notices_closed(framework), |config| config).await;
        let head = app.head("POST /api/upload", "Transfer-Encoding: chunked\r\nConnection: close\r\n");
        let mut socket = app.open(&format!("{head}3\r\nabc\r\n")).await;
        eventually("the first part arrives before the last one is sent", || *api.arriving.lock().unwrap() == "abc")
            .await;
        socket.write_all(b"3\r\ndef\r\n0\r\n\r\n").await.unwrap();
        let answer = read_to_end(&mut socket).await;
        assert!(answer.ends_with("done"), "{framework:?}: {answer}");
        assert_eq!(api.seen()[0].body, "abcdef", "{framework:?}");
        let large = "x".repeat(100_000);
        let head = app.head("PUT /api/file", &format!("Content-Length: {}\r\nConnection: close\r\n", large.len()));
        assert!(app.raw(&format!("{head}{large}")).await.ends_with("done"), "{framework:?}");
        let seen = api.seen()[1].clone();
        assert_eq!((seen.body.len(), seen.header("content-length")), (large.len(), Some("100000")), "{framework:?}");
        // The API has not completed this response.
        let mut socket = app.open(&app.head("GET /api/news", "")).await;
        read_until(&mut socket, "first\n").await;
        drop(socket);
        let api_of = api.clone();
        eventually("the request to the API ends with that of the browser", || api_of.closed() > 0).await;
    }
}

#[tokio::test]
async fn statuses_and_lengths_are_those_of_the_api() {
    for framework in BOTH {
        let api = Api::start(|seen| match seen.line.split(' ').nth(1).unwrap() {
            "/v1/none" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            "/v1/same" => "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n".to_owned(),
            "/v1/made" => "HTTP/1.1 201 Created\r\nLocation: /v1/orders/7\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "/v1/gone" => "HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\ngone".to_owned(),
            _ => {
                "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n".to_owned()
                    + if seen.line.starts_with("HEAD") { "" } else { "twelve bytes" }
            }
        })
        .await;
        let app = app(framework, &api).await;
        for (target, expected) in
            [("/api/none", 204), ("/api/same", 304), ("/api/made", 201), ("/api/gone", 410), ("/api/x", 200)]
        {
            assert_eq!(status(&app.get(target).await), expected, "{framework:?} {target}");
        }
        assert_eq!(header(&app.get("/api/made").await, "location"), Some("/api/orders/7"), "{framework:?}");
        assert_eq!(header(&app.get("/api/x").await, "content-length"), Some("12"), "{framework:?}");
        let head = app.raw(&app.head("HEAD /api/x", "Connection: close\r\n")).await;
        assert!(status(&head) == 200 && head.ends_with("\r\n\r\n"), "{framework:?}: {head}");
        assert_eq!(status(&app.get("/api").await), 200, "{framework:?}");
        assert_eq!(status(&app.get("/api/").await), 200, "{framework:?}");
        assert!(api.seen().iter().rev().take(2).all(|seen| seen.line == "GET /v1/ HTTP/1.1"), "{framework:?}");
    }
}

// -- who may send one -------------------------------------------------------------------------------------------------

#[tokio::test]
async fn csrf_from_another_origin() {
    for framework in BOTH {
        let api = plain_api().await;
        let app = app(framework, &api).await;
        let send = async |method: &str, headers: &str| {
            let head = format!(
                "{method} /api/orders HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n{headers}Connection: close\r\n\r\n",
                app.host, app.cookies
            );
            app.raw(&head).await
        };
        for headers in [
            String::new(),
            "Sec-Fetch-Site: same-origin\r\n".to_owned(),
            format!("Origin: http://{}\r\n", app.host),
            "X-CSRF: 1\r\nOrigin: https://evil.example\r\n".to_owned(),
            "X-CSRF: 1\r\nOrigin: null\r\n".to_owned(),
            "X-CSRF: 1\r\nSec-Fetch-Site: cross-site\r\n".to_owned(),
            "X-CSRF: 1\r\nSec-Fetch-Site: same-site\r\n".to_owned(),
            "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\nAccept: text/html\r\n".to_owned(),
        ] {
            for method in ["GET", "DELETE", "OPTIONS"] {
                let answer = send(method, &headers).await;
                assert!(
                    status(&answer) == 403 && answer.contains("cross_origin"),
                    "{framework:?} {method} {headers}: {answer}"
                );
            }
        }
        // A WebSocket cannot send the header. It is not forwarded, from any origin.
        let handshake = format!(
            "Origin: http://{}\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
            app.host
        );
        assert_eq!(status(&send("GET", &handshake).await), 403, "{framework:?}");
        assert_eq!(api.seen().len(), 0, "{framework:?}: a request reached the API");
        let own = format!("X-CSRF: 1\r\nOrigin: http://{}\r\n", app.host);
        assert_eq!(status(&send("GET", &own).await), 200, "{framework:?}: control");
    }
}

#[tokio::test]
async fn the_header_of_the_application_is_required_also_for_get() {
    for framework in BOTH {
        let api = plain_api().await;
        let app = app_with(framework, &api, |proxy| proxy, |config| config.csrf_header("x-orders")).await;
        assert_eq!(status(&app.get("/api/orders").await), 403, "{framework:?}: `X-CSRF` is not the configured header");
        let more = "X-Orders: 1\r\nConnection: close\r\n";
        assert_eq!(status(&app.raw(&app.head("GET /api/orders", more)).await), 200, "{framework:?}");
    }
}

#[tokio::test]
async fn strangers_get_401_and_never_a_redirect() {
    for framework in BOTH {
        let api = plain_api().await;
        let mut app = app(framework, &api).await;
        app.cookies = "a=b".to_owned();
        for accept in ["application/json", "text/html"] {
            let more = format!("Accept: {accept}\r\nAuthorization: Bearer forged\r\nConnection: close\r\n");
            let answer = app.raw(&app.head("GET /api/orders", &more)).await;
            assert_eq!(status(&answer), 401, "{framework:?} {accept}: {answer}");
        }
        assert!(app.get("/api/orders").await.contains("login_required"), "{framework:?}");
        let htmx = app.raw(&app.head("GET /api/orders", "HX-Request: true\r\nConnection: close\r\n")).await;
        assert!(header(&htmx, "hx-redirect").is_some_and(|to| to.starts_with("/login")), "{framework:?}: {htmx}");
        assert_eq!(api.seen().len(), 0, "{framework:?}");
    }
}

// -- paths, framing and hosts -----------------------------------------------------------------------------------------

#[tokio::test]
async fn path_traversal_out_of_the_prefix() {
    for framework in BOTH {
        let api = plain_api().await;
        let app = app(framework, &api).await;
        for target in [
            "/api/..",
            "/api/../admin",
            "/api/a/../../admin",
            "/api/./x",
            "/api/%2e%2e/admin",
            "/api/%2E%2e/admin",
            "/api/.%2e/admin",
            "/api/..%2fadmin",
            "/api/..%5cadmin",
            "/api/..\\admin",
            "/api/%252e%252e/admin",
            "/api/%252e%252e%252fadmin",
            "/api/..;/admin",
            "/api/%2e%2e;x=y/admin",
            "/api//evil.example/admin",
            "/api///admin",
            "/api/%2f%2fevil.example",
            "/api/\\\\evil.example",
            "//evil.example/api/x",
            "/api@evil.example/x",
            "/apix/x",
            "/%61pi/x",
            "/api%2fx",
            "/api/%00",
            "/api/x%0d%0aX-Injected:%201",
            "/api/..%c0%afadmin",
            "/api/%zz",
            "/API/x",
            "/api/.%20./x",
            "/x/../api/x",
        ] {
            let answer = app.get(target).await;
            assert!((400..500).contains(&status(&answer)), "{framework:?} {target}: {answer}");
        }
        for method in ["TRACE", "CONNECT", "TRACK", "PROPFIND"] {
            let answer = app.raw(&app.head(&format!("{method} /api/x"), "Connection: close\r\n")).await;
            assert!((400..500).contains(&status(&answer)), "{framework:?} {method}: {answer}");
        }
        let token = app.get("/api/x?access_token=forged").await;
        assert!(status(&token) == 400 && token.contains("proxy_refused"), "{framework:?}: {token}");
        assert_eq!(api.seen().len(), 0, "{framework:?}: {:?}", api.seen());
        assert_eq!(status(&app.get("/api/a%20b/100%25;v=1").await), 200, "{framework:?}: control");
    }
}

#[tokio::test]
async fn request_smuggling() {
    let smuggled = "GET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let chunked = format!("0\r\n\r\n{smuggled}");
    for framework in BOTH {
        let api = plain_api().await;
        let app = app(framework, &api).await;
        for (headers, body) in [
            (format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", chunked.len()), &*chunked),
            (format!("Transfer-Encoding: chunked\r\nContent-Length: {}\r\n", chunked.len()), &chunked),
            ("Content-Length: 5\r\nContent-Length: 6\r\n".to_owned(), "abcdef"),
            ("Content-Length: 0\r\nContent-Length: 44\r\n".to_owned(), smuggled),
            ("Content-Length: 3, 4\r\n".to_owned(), "abcd"),
            ("Content-Length: +3\r\n".to_owned(), "abc"),
            ("Content-Length: -1\r\n".to_owned(), "abc"),
            ("Content-Length: 0x3\r\n".to_owned(), "abc"),
            ("Transfer-Encoding: chunked, identity\r\n".to_owned(), &chunked),
            ("Transfer-Encoding: xchunked\r\n".to_owned(), &chunked),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned(), &chunked),
            ("Transfer-Encoding : chunked\r\n".to_owned(), &chunked),
            ("Transfer-Encoding: chunked\r\n".to_owned(), "ffffffffffffffffff\r\n"),
            ("Transfer-Encoding: chunked\r\n".to_owned(), "-1\r\nabc\r\n0\r\n\r\n"),
            ("Transfer-Encoding:\x0bchunked\r\n".to_owned(), &chunked),
        ] {
            // The second request has neither the session nor the header, so it must not be answered as the first one.
            let answer = app
                .raw(&format!("{}{body}", app.head("POST /api/orders", &format!("{headers}Connection: close\r\n"))))
                .await;
            assert!(answer.matches("HTTP/1.1 200").count() <= 1, "{framework:?} {headers}: {answer}");
        }
        for seen in api.seen() {
            assert!(seen.line == "POST /v1/orders HTTP/1.1" && !seen.body.contains("GET"), "{framework:?}: {seen:?}");
        }
        let body = "abc";
        let head = app.head("POST /api/orders", "Content-Length: 3\r\nConnection: close\r\n");
        assert_eq!(status(&app.raw(&format!("{head}{body}")).await), 200, "{framework:?}: control");
        assert_eq!(api.seen().last().unwrap().body, "abc", "{framework:?}");
    }
}

#[tokio::test]
async fn header_injection_and_host_confusion() {
    for framework in BOTH {
        let api = plain_api().await;
        let app = app(framework, &api).await;
        for more in [
            "Accept: a\r\n X-Injected: 1\r\n",
            "Accept: a\nX-Injected: 1\r\n",
            "Accept: a\rX-Injected: 1\r\n",
            "Accept\0: a\r\n",
        ] {
            let head = app.head("GET /api/x", &format!("{more}Connection: close\r\n"));
            app.raw(&head).await;
        }
        app.get("/api/x?a=%0d%0aX-Injected:%201").await;
        let lines = [
            format!("GET http://evil.example/api/x HTTP/1.1\r\nHost: {}\r\n", app.host),
            "GET /api/x HTTP/1.1\r\nHost: evil.example\r\n".to_owned(),
            format!("GET http://{}/api/x HTTP/1.1\r\nHost: evil.example\r\n", app.host),
            format!("GET /api/x HTTP/1.1\r\nHost: {}\r\nHost: evil.example\r\n", app.host),
            format!("GET /api/x HTTP/1.1\r\nHost: {}\r\nX-Forwarded-Host: evil.example\r\n", app.host),
        ];
        for line in &lines {
            let rest = format!(
                "X-CSRF: 1\r\nSec-Fetch-Site: same-origin\r\nCookie: {}\r\nConnection: close\r\n\r\n",
                app.cookies
            );
            app.raw(&format!("{line}{rest}")).await;
        }
        let seen = api.seen();
        assert!(seen.len() >= 2, "{framework:?}: control");
        for seen in seen {
            assert!(
                !seen.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("x-injected")),
                "{framework:?}: {seen:?}"
            );
            assert_eq!(seen.header("host"), Some(&*api.address), "{framework:?}: {seen:?}");
            assert!(seen.line.starts_with("GET /v1/x"), "{framework:?}: {seen:?}");
        }
    }
}

// -- sizes and times --------------------------------------------------------------------------------------------------

#[tokio::test]
async fn oversized_bodies() {
    for framework in BOTH {
        let api = Api::start(|seen| match seen.line.split(' ').nth(1).unwrap() {
            "/v1/declared" => ok("", &"x".repeat(3_000)),
            "/v1/chunked" => format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nbb8\r\n{}\r\n0\r\n\r\n",
                "x".repeat(3_000)
            ),
            _ => ok("", "stored"),
        })
        .await;
        let limits = |proxy: ProxyBuilder| proxy.max_request_size(1_000).max_response_size(2_000);
        let app = app_with(framework, &api, limits, |config| config).await;
        for (headers, body) in [
            ("Content-Length: 1001\r\n", "x".repeat(1_001)),
            ("Content-Length: 99999999999\r\n", "x".repeat(10)),
            ("Transfer-Encoding: chunked\r\n", format!("3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1_001))),
        ] {
            let answer = app
                .raw(&format!("{}{body}", app.head("POST /api/x", &format!("{headers}Connection: close\r\n"))))
                .await;
            assert!(status(&answer) == 413 && answer.contains("proxy_too_large"), "{framework:?} {headers}: {answer}");
        }
        assert_eq!(api.seen().len(), 0, "{framework:?}: the API got a whole body");
        let declared = app.get("/api/declared").await;
        assert!(status(&declared) == 502 && declared.contains("proxy_unavailable"), "{framework:?}: {declared}");
        let cut = app.get("/api/chunked").await;
        assert!(!cut.contains("\r\n0\r\n"), "{framework:?}: a response that was cut off looks complete: {cut}");
        let fits = app
            .raw(&format!(
                "{}{}",
                app.head("POST /api/x", "Content-Length: 1000\r\nConnection: close\r\n"),
                "x".repeat(1_000)
            ))
            .await;
        assert!(fits.ends_with("stored"), "{framework:?}: control: {fits}");
    }
}

#[tokio::test]
async fn slow_bodies_and_slow_apis() {
    for framework in BOTH {
        let api = Api::start(|seen| match seen.line.split(' ').nth(1).unwrap() {
            "/v1/silent" => String::new(),
            "/v1/stops" => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_owned(),
            _ => ok("", "done"),
        })
        .await;
        let idle = |proxy: ProxyBuilder| proxy.idle_timeout(Duration::from_millis(200));
        let app = app_with(framework, &api, idle, |config| config).await;
        for body in
            ["Content-Length: 10\r\nConnection: close\r\n", "Transfer-Encoding: chunked\r\nConnection: close\r\n"]
        {
            let answer = app.raw(&app.head("POST /api/x", body)).await;
            assert!(status(&answer) == 504 && answer.contains("proxy_timeout"), "{framework:?} {body}: {answer}");
        }
        let silent = app.get("/api/silent").await;
        assert!(status(&silent) == 504 && silent.contains("proxy_timeout"), "{framework:?}: {silent}");
        let stops = app.get("/api/stops").await;
        assert!(stops.ends_with("half"), "{framework:?}: {stops}");
        // A body that always makes progress is bounded by the time until the response.
        let total = |proxy: ProxyBuilder| proxy.response_timeout(Duration::from_millis(300));
        let app = app_with(framework, &api, total, |config| config).await;
        let head = app.head("POST /api/x", "Transfer-Encoding: chunked\r\nConnection: close\r\n");
        let (mut read, mut write) = app.open(&head).await.into_split();
        let dripping = tokio::spawn(async move {
            let mut pause = tokio::time::interval(Duration::from_millis(20));
            while write.write_all(b"1\r\nx\r\n").await.is_ok() {
                pause.tick().await;
            }
        });
        let mut answer = vec![0; 4096];
        let length = timeout(PATIENCE, read.read(&mut answer)).await.unwrap().unwrap();
        dripping.abort();
        assert_eq!(status(&String::from_utf8_lossy(&answer[..length])), 504, "{framework:?}");
        let duration = |proxy: ProxyBuilder| proxy.max_duration(Duration::from_millis(200));
        let app = app_with(framework, &api, duration, |config| config).await;
        assert!(
            app.get("/api/stops").await.ends_with("half"),
            "{framework:?}: the response ends at its longest duration"
        );
        assert_eq!(status(&app.get("/api/x").await), 200, "{framework:?}: control");
    }
}

/// The request is over for the browser and for the limit of requests in progress. Its body must not hold the connection
/// to the API.
#[tokio::test]
async fn a_slow_body_after_an_early_response() {
    for framework in BOTH {
        let api = Api::start(|_| ok("", "early")).await;
        let idle = |proxy: ProxyBuilder| proxy.idle_timeout(Duration::from_millis(200));
        let total = |proxy: ProxyBuilder| proxy.response_timeout(Duration::from_millis(300));
        let limits: [&dyn Fn(ProxyBuilder) -> ProxyBuilder; 2] = [&idle, &total];
        for (closed, limit) in limits.into_iter().enumerate() {
            let app = app_with(framework, &api, limit, |config| config).await;
            let mut socket = app.open(&app.head("POST /api/early", "Transfer-Encoding: chunked\r\n")).await;
            socket.write_all(b"1\r\nx\r\n").await.unwrap();
            read_until(&mut socket, "early").await;
            let dripping = tokio::spawn(async move {
                let mut pause = tokio::time::interval(Duration::from_millis(20));
                // The first body stops, the second one always makes progress.
                while closed == 0 || socket.write_all(b"1\r\nx\r\n").await.is_ok() {
                    pause.tick().await;
                }
                std::future::pending::<()>().await;
            });
            let closed_of = api.clone();
            eventually("the connection to the API is closed", || closed_of.closed() > closed).await;
            dripping.abort();
        }
    }
}

#[tokio::test]
async fn requests_in_progress_are_limited() {
    for framework in BOTH {
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
        let api = Api::start(|seen| if seen.line.contains("news") { answer.to_owned() } else { ok("", "done") }).await;
        let app =
            app_with(framework, &api, |proxy| notices_closed(framework)(proxy.max_concurrent(1)), |config| config)
                .await;
        let mut socket = app.open(&app.head("GET /api/news", "")).await;
        read_until(&mut socket, "first").await;
        let busy = app.get("/api/x").await;
        assert!(status(&busy) == 503 && busy.contains("proxy_busy"), "{framework:?}: {busy}");
        assert!(header(&busy, "retry-after").is_some(), "{framework:?}");
        drop(socket);
        let free = timeout(PATIENCE, async { while status(&app.get("/api/x").await) != 200 {} });
        assert!(free.await.is_ok(), "{framework:?}: the place of an ended request is not free");
    }
}

// -- sessions and tokens ----------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    for framework in BOTH {
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
        let api = Api::start(|seen| if seen.line.contains("silent") { String::new() } else { answer.to_owned() }).await;
        let mut app = app(framework, &api).await;
        let mut streaming = app.open(&app.head("GET /api/news", "")).await;
        read_until(&mut streaming, "first").await;
        let mut waiting = app.open(&app.head("GET /api/silent", "Connection: close\r\n")).await;
        let seen_of = api.clone();
        eventually("the second request arrives", || seen_of.seen().len() == 2).await;
        assert_eq!(app.browser.post("/logout", "").await.status.as_u16(), 303, "{framework:?}");
        let rest = read_to_end(&mut streaming).await;
        assert!(!rest.contains("0\r\n\r\n"), "{framework:?}: a response that was cut off looks complete: {rest}");
        let waiting = read_to_end(&mut waiting).await;
        assert_eq!(status(&waiting), 401, "{framework:?}: {waiting}");
        let closed_of = api.clone();
        eventually("the connections to the API are closed", || closed_of.closed() == 2).await;
        app.org.clear_request_log();
    }
}

#[tokio::test]
async fn a_rejected_token_is_renewed_once_if_the_body_can_be_repeated() {
    let invalid =
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\"\r\nContent-Length: 0\r\n\r\n";
    for framework in BOTH {
        let clock = Arc::new(Mutex::new(None::<okta_auth_dev::Clock>));
        let used = Arc::clone(&clock);
        // The first request of a path is rejected, at a time when the token has expired.
        let api = Api::start(move |seen| {
            let clock = used.lock().unwrap().clone().unwrap();
            if seen.line.contains("never") {
                return invalid.to_owned();
            }
            clock.advance(Duration::from_secs(3_600));
            invalid.to_owned()
        })
        .await;
        let scopes = "openid profile email offline_access";
        let app = app_with(framework, &api, |proxy| proxy, |config| config.scopes(scopes)).await;
        *clock.lock().unwrap() = Some(app.org.clock());
        let answer = app.get("/api/never").await;
        assert!(
            status(&answer) == 401 && api.seen().len() == 1,
            "{framework:?}: the token is still the same: {answer}"
        );
        assert!(header(&answer, "www-authenticate").is_some(), "{framework:?}");
        let head = app.head("POST /api/orders", "Content-Length: 3\r\nConnection: close\r\n");
        app.raw(&format!("{head}abc")).await;
        let seen = api.seen();
        assert_eq!(seen.len(), 3, "{framework:?}: repeated once: {seen:?}");
        assert_eq!((seen[1].body.as_str(), seen[2].body.as_str()), ("abc", "abc"), "{framework:?}");
        assert_ne!(seen[1].header("authorization"), seen[2].header("authorization"), "{framework:?}");
    }
}

#[tokio::test]
async fn a_streamed_body_is_never_repeated() {
    let invalid =
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\"\r\nContent-Length: 0\r\n\r\n";
    for framework in BOTH {
        let clock = Arc::new(Mutex::new(None::<okta_auth_dev::Clock>));
        let used = Arc::clone(&clock);
        let api = Api::start(move |_| {
            used.lock().unwrap().clone().unwrap().advance(Duration::from_secs(3_600));
            invalid.to_owned()
        })
        .await;
        let scopes = "openid profile email offline_access";
        let app = app_with(framework, &api, |proxy| proxy, |config| config.scopes(scopes)).await;
        *clock.lock().unwrap() = Some(app.org.clock());
        let head = app.head("POST /api/orders", "Transfer-Encoding: chunked\r\nConnection: close\r\n");
        let answer = app.raw(&format!("{head}3\r\nabc\r\n0\r\n\r\n")).await;
        assert!(status(&answer) == 401 && api.seen().len() == 1, "{framework:?}: {answer}");
    }
}

// -- responses --------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_response_acts_on_no_origin_and_is_no_page() {
    let hostile = "Content-Type: text/html\r\nSet-Cookie: __Host-okta_session=evil; Path=/; Secure\r\nSet-Cookie2: a=b\r\n\
                   Clear-Site-Data: \"*\"\r\nService-Worker-Allowed: /\r\nAccess-Control-Allow-Origin: *\r\n\
                   Access-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: *\r\nTiming-Allow-Origin: *\r\n\
                   Strict-Transport-Security: max-age=1\r\nAlt-Svc: h3=\":1\"\r\nRefresh: 0; url=https://evil.example\r\n\
                   Content-Security-Policy: default-src *\r\nCache-Control: public, max-age=999\r\nExpires: never\r\nAge: 1\r\n\
                   Report-To: x\r\nNEL: x\r\nAccept-CH: DPR\r\nX-Content-Type-Options: x\r\nConnection: ETag\r\nETag: \"a\"\r\n\
                   Keep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nTrailer: x\r\nUpgrade: h2c\r\nX-Other: 1\r\nX-Total-Count: 9\r\n\
                   WWW-Authenticate: Basic realm=\"x\"\r\n";
    for framework in BOTH {
        let api = Api::start(|_| ok(hostile, "<script>alert(1)</script>")).await;
        let app = app(framework, &api).await;
        let answer = app.get("/api/page").await;
        assert!(status(&answer) == 200 && answer.ends_with("</script>"), "{framework:?}: {answer}");
        let head = answer.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
        let mut names: Vec<&str> = head.split("\r\n").skip(1).filter_map(|line| line.split(':').next()).collect();
        // The layer says that the response depends on the cookie, and the server adds the date.
        names.retain(|name| !matches!(*name, "date" | "vary" | "connection" | "cache-control"));
        names.sort_unstable();
        let expected = [
            "content-length",
            "content-security-policy",
            "content-type",
            "cross-origin-resource-policy",
            "x-content-type-options",
            "x-total-count",
        ];
        assert_eq!(names, expected, "{framework:?}");
        assert_eq!(header(&answer, "x-content-type-options"), Some("nosniff"), "{framework:?}");
        assert!(
            header(&answer, "content-security-policy").unwrap().starts_with("sandbox; default-src 'none'"),
            "{framework:?}"
        );
        assert!(
            header(&answer, "cache-control").unwrap().contains("no-store") && !head.contains("public"),
            "{framework:?}: {head}"
        );
        assert!(!head.contains("keep-alive"), "{framework:?}: {head}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_stays_below_the_prefix() {
    for framework in BOTH {
        let other = plain_api().await;
        let elsewhere = format!("http://{}/v1/x", other.address);
        let api = Api::start(move |seen| {
            let to = match seen.line.split(' ').nth(1).unwrap() {
                "/v1/within" => "orders?a=b",
                "/v1/elsewhere" => &elsewhere,
                "/v1/above" => "/admin",
                "/v1/scheme" => "javascript:alert(1)",
                "/v1/switch" => {
                    return "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n".to_owned();
                }
                _ => return "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
            };
            format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
        })
        .await;
        let app = app(framework, &api).await;
        let within = app.get("/api/within").await;
        assert_eq!((status(&within), header(&within, "location")), (307, Some("/api/orders?a=b")), "{framework:?}");
        for target in ["/api/elsewhere", "/api/above", "/api/scheme", "/api/nowhere", "/api/switch"] {
            let answer = app.get(target).await;
            assert!(status(&answer) == 502 && answer.contains("proxy_unavailable"), "{framework:?} {target}: {answer}");
            assert_eq!(header(&answer, "location"), None, "{framework:?} {target}");
        }
        assert_eq!((api.seen().len(), other.seen().len()), (6, 0), "{framework:?}: a redirect was followed");
    }
}

#[tokio::test]
async fn an_api_that_is_down_or_talks_nonsense_is_502() {
    for framework in BOTH {
        let api = Api::start(|seen| match seen.line.split(' ').nth(1).unwrap() {
            "/v1/framing" => "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_owned(),
            _ => "nonsense\r\n\r\n".to_owned(),
        })
        .await;
        let app = app(framework, &api).await;
        for target in ["/api/framing", "/api/x"] {
            let answer = app.get(target).await;
            assert!(status(&answer) == 502 && answer.contains("proxy_unavailable"), "{framework:?} {target}: {answer}");
        }
        let down = Api { address: "127.0.0.1:1".to_owned(), ..api.clone() };
        let app = self::app(framework, &down).await;
        assert_eq!(status(&app.get("/api/x").await), 502, "{framework:?}");
    }
}

#[test]
fn mistakes_are_errors_at_startup() {
    let to = |address: &str| Proxy::to(address).for_user();
    to("https://api.example/v1").at("/api").unwrap();
    to("http://127.0.0.1:3000").at("/api/v1").unwrap();
    for address in [
        "",
        "api.example",
        "http://api.example",
        "https://me:secret@api.example/",
        "https://api.example/?x",
        "https://api.example/a//b",
        "ftp://x/",
    ] {
        let error = to(address).at("/api").unwrap_err();
        assert!(error.is_config() && !error.to_string().contains("secret"), "{address}: {error}");
    }
    for path in ["", "/", "api", "/api/", "//api", "/api/..", "/api/{x}", "/a b", "/%61pi", "/api*"] {
        assert!(to("https://api.example").at(path).unwrap_err().is_config(), "{path}");
    }
    assert!(to("https://api.example").forward_header("Cookie").at("/api").unwrap_err().is_config());
    assert!(Proxy::to("https://api.example").at("/api").unwrap_err().is_config());
}
