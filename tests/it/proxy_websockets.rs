//! WebSockets through the proxy of an API, and attacks on their handshakes over raw sockets, on both frameworks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use okta_auth_core::outgoing::TokenRequest;
use okta_auth_core::policy::{anyone, group};
use okta_auth_core::proxy::ProxyBuilder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{accept_hdr_async, client_async};

use crate::proxy::{
    Api, App, PATIENCE, Seen, app, app_of, app_with, find, header, ok, read_to_end, read_until, status,
};
use crate::support::eventually;
use crate::support::site::{BOTH, Framework};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// An API whose WebSockets return every byte.
async fn echo() -> Api {
    echo_with("").await
}

async fn echo_with(more: &'static str) -> Api {
    Api::start(move |seen| if seen.header("upgrade").is_some() { switch(seen, more) } else { ok("", "plain") }).await
}

pub(crate) fn switch(seen: &Seen, more: &str) -> String {
    let accept = derive_accept_key(seen.header("sec-websocket-key").unwrap_or_default().as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\
         {more}\r\n"
    )
}

async fn open_app(framework: Framework, api: &Api) -> App {
    app_with(framework, api, |proxy| proxy.max_websockets(8), |config| config).await
}

/// The handshake of the application's own page.
fn handshake(app: &App, more: &str) -> String {
    of_origin(app, &format!("Origin: http://{}\r\n{more}", app.host))
}

fn of_origin(app: &App, origin: &str) -> String {
    format!(
        "GET /api/news?topic=a HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{origin}\r\n",
        app.host, app.cookies
    )
}

/// An open WebSocket.
async fn opened(app: &App) -> TcpStream {
    let mut socket = app.open(&handshake(app, "")).await;
    let head = read_until(&mut socket, "\r\n\r\n").await;
    assert_eq!(status(&head), 101, "{head}");
    socket
}

async fn says(socket: &mut TcpStream, bytes: &str) {
    socket.write_all(bytes.as_bytes()).await.unwrap();
    read_until(socket, bytes).await;
}

/// A server of a real library, which records the headers of handshakes.
async fn library_api() -> (Api, Arc<Mutex<Vec<(String, String)>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut api = echo().await;
    api.address = listener.local_addr().unwrap().to_string();
    let seen = Arc::<Mutex<Vec<(String, String)>>>::default();
    let recorded = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let recorded = Arc::clone(&recorded);
            #[allow(clippy::result_large_err, reason = "the library's callback")]
            let choose = move |request: &Request, mut response: Response| {
                let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
                *recorded.lock().unwrap() =
                    request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
                response.headers_mut().insert("sec-websocket-protocol", "v2.news".parse().unwrap());
                response.headers_mut().insert("set-cookie", "a=b".parse().unwrap());
                Ok(response)
            };
            tokio::spawn(async move {
                let mut socket = accept_hdr_async(socket, choose).await.unwrap();
                while let Some(Ok(message)) = socket.next().await {
                    if matches!(message, Message::Text(_) | Message::Binary(_)) {
                        socket.send(message).await.unwrap();
                    }
                }
            });
        }
    });
    (api, seen)
}

#[tokio::test]
async fn a_client_and_a_server_of_a_library_talk() {
    for framework in BOTH {
        let (api, seen) = library_api().await;
        let app = open_app(framework, &api).await;
        let mut request = format!("ws://{}/api/news?topic=a", app.host).into_client_request().unwrap();
        for (name, value) in [
            ("origin", format!("http://{}", app.host)),
            ("cookie", app.cookies.clone()),
            ("authorization", "Bearer forged".to_owned()),
            ("x-forwarded-for", "1.2.3.4".to_owned()),
            ("sec-websocket-protocol", "v1.news, v2.news".to_owned()),
        ] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let connection = TcpStream::connect(&app.host).await.unwrap();
        let (mut socket, response) = client_async(request, connection).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "v2.news", "{framework:?}");
        assert!(!response.headers().contains_key("set-cookie"), "{framework:?}: {response:?}");
        let large = Message::binary(vec![7; 1_000_000]);
        for message in [Message::text("hello"), large, Message::text("")] {
            socket.send(message.clone()).await.unwrap();
            assert!(timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap() == message, "{framework:?}");
        }
        socket.send(Message::Ping(vec![1].into())).await.unwrap();
        assert_eq!(timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap(), Message::Pong(vec![1].into()));
        socket.close(None).await.unwrap();
        assert!(timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap().is_close(), "{framework:?}");
        assert!(timeout(PATIENCE, socket.next()).await.unwrap().is_none(), "{framework:?}: the connection is closed");
        let mut seen = seen.lock().unwrap().clone();
        seen.sort_unstable();
        let names: Vec<&str> = seen.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "accept",
            "authorization",
            "connection",
            "host",
            "sec-websocket-key",
            "sec-websocket-protocol",
            "sec-websocket-version",
            "upgrade",
        ];
        assert_eq!(names, expected, "{framework:?}");
        assert!(seen[1].1.starts_with("Bearer ") && seen[1].1.split('.').count() == 3, "{framework:?}: {seen:?}");
        assert_eq!(seen[3].1, api.address, "{framework:?}");
    }
}

/// What handshakes of other pages, and those without a page, say about their origin.
fn other_origins(app: &App) -> Vec<String> {
    let own = format!("Origin: http://{}\r\n", app.host);
    vec![
        String::new(),
        // A page of another origin cannot send this header. It replaces no origin.
        "X-CSRF: 1\r\n".to_owned(),
        "X-CSRF: 1\r\nSec-Fetch-Site: same-origin\r\n".to_owned(),
        "Sec-Fetch-Site: none\r\n".to_owned(),
        "Origin: https://evil.example\r\n".to_owned(),
        "Origin: null\r\n".to_owned(),
        "Origin: null\r\nSec-Fetch-Site: same-origin\r\n".to_owned(),
        format!("Origin: https://{}\r\n", app.host),
        format!("Origin: http://{}0\r\n", app.host),
        format!("Origin: http://{}.evil.example\r\n", app.host),
        format!("Origin: http://{}/\r\n", app.host),
        format!("{own}Origin: https://evil.example\r\n"),
        format!("Origin: https://evil.example\r\n{own}"),
        format!("{own}Sec-Fetch-Site: cross-site\r\n"),
        format!("{own}Sec-Fetch-Site: same-site\r\n"),
    ]
}

async fn refuses_others(app: &App) {
    for origin in other_origins(app) {
        let answer = app.raw(&of_origin(app, &origin).replace("keep-alive", "close")).await;
        assert!(status(&answer) == 403 && answer.contains("cross_origin"), "{origin}: {answer}");
    }
}

#[tokio::test]
async fn websockets_of_other_origins() {
    for framework in BOTH {
        let api = echo().await;
        let app = open_app(framework, &api).await;
        refuses_others(&app).await;
        assert_eq!(api.seen().len(), 0, "{framework:?}: a handshake reached the API");
        says(&mut opened(&app).await, "control").await;
        let fetched = app.open(&handshake(&app, "Sec-Fetch-Site: same-origin\r\n")).await;
        assert_eq!(status(&read_until(&mut { fetched }, "\r\n\r\n").await), 101, "{framework:?}: control");
    }
}

#[tokio::test]
async fn strangers_open_no_websocket() {
    for framework in BOTH {
        let api = echo().await;
        let mut app = open_app(framework, &api).await;
        app.cookies = "a=b".to_owned();
        let more = "Authorization: Bearer forged\r\nAccept: text/html\r\n";
        let answer = app.raw(&handshake(&app, more).replace("keep-alive", "close")).await;
        assert_eq!(status(&answer), 401, "{framework:?}: {answer}");
        assert_eq!(api.seen().len(), 0, "{framework:?}");
    }
}

/// A policy may allow strangers, but no other origin.
#[tokio::test]
async fn strangers_of_other_origins() {
    for framework in BOTH {
        let api = echo().await;
        let request = TokenRequest::new(["orders:read"]);
        let build = |proxy: ProxyBuilder| proxy.for_machine(request, anyone()).max_websockets(1);
        let mut app = app_of(framework, &api, |config| config, build).await;
        app.cookies = "a=b".to_owned();
        refuses_others(&app).await;
        assert_eq!(api.seen().len(), 0, "{framework:?}: a handshake reached the API");
        says(&mut opened(&app).await, "control").await;
    }
}

#[tokio::test]
async fn malformed_handshakes() {
    for framework in BOTH {
        let api = echo().await;
        let app = open_app(framework, &api).await;
        let valid = handshake(&app, "").replace("keep-alive, ", "");
        for (part, replacement) in [
            ("GET ", "POST "),
            ("GET ", "OPTIONS "),
            ("HTTP/1.1\r\n", "HTTP/1.0\r\n"),
            ("Connection: Upgrade\r\n", "Connection: close\r\n"),
            ("Upgrade: websocket\r\n", "Upgrade: websocket, h2c\r\n"),
            ("Upgrade: websocket\r\n", "Upgrade: h2c\r\nUpgrade: websocket\r\n"),
            ("Version: 13\r\n", "Version: 7\r\n"),
            ("Sec-WebSocket-Version: 13\r\n", ""),
            (KEY, "short"),
            (KEY, "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
            ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nContent-Length: 5\r\n"),
            ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nTransfer-Encoding: chunked\r\n"),
        ] {
            let request = valid.replacen(part, replacement, 1);
            assert_ne!(request, valid);
            let mut socket = app.open(&request).await;
            let answer = read_until(&mut socket, "\r\n\r\n").await;
            assert_eq!(status(&answer), 400, "{framework:?} {replacement}: {answer}");
        }
        assert_eq!(api.seen().len(), 0, "{framework:?}: {:?}", api.seen());
        assert_eq!(status(&read_until(&mut app.open(&valid).await, "\r\n\r\n").await), 101, "{framework:?}: control");
    }
}

/// The API does not switch, and the bytes after the handshake are a request for it. If the proxy sent them, the user
/// could send the API any request, outside of the prefix too.
#[tokio::test]
async fn smuggling_behind_a_handshake() {
    let smuggled = "GET /v1/../admin HTTP/1.1\r\nHost: internal\r\nAuthorization: Bearer forged\r\n\r\n";
    let accept = derive_accept_key(KEY.as_bytes());
    let other = derive_accept_key(b"AAAAAAAAAAAAAAAAAAAAAA==");
    let switching = |headers: &str| format!("HTTP/1.1 101 Switching Protocols\r\n{headers}\r\n");
    let valid = format!("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n");
    let answers = [
        (ok("", "plain"), 200),
        ("HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n".to_owned(), 426),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nSet-Cookie: a=b\r\n\r\n".to_owned(), 403),
        ("HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n".to_owned(), 502),
        (switching(""), 502),
        (switching(&valid.replace(&accept, &other)), 502),
        (switching(&valid.replace("Upgrade: websocket", "Upgrade: h2c")), 502),
        (switching(&valid.replace("Connection: Upgrade", "Connection: close")), 502),
        (switching(&format!("{valid}Sec-WebSocket-Accept: {accept}\r\n")), 502),
        (switching(&format!("{valid}Sec-WebSocket-Protocol: v9\r\n")), 502),
        (switching(&format!("{valid}Sec-WebSocket-Extensions: permessage-deflate\r\n")), 502),
    ];
    for framework in BOTH {
        for (answer, expected) in &answers {
            let sent = answer.clone();
            let api = Api::start(move |_| sent.clone()).await;
            let app = open_app(framework, &api).await;
            // The second request of the browser's connection has no session, so an answer to it is an error.
            let request = format!("{}{smuggled}", handshake(&app, "").replace("keep-alive, ", ""));
            let mut socket = app.open(&request).await;
            let got = read_until(&mut socket, "\r\n\r\n").await;
            assert_eq!(status(&got), *expected, "{framework:?} {answer}: {got}");
            assert_eq!(header(&got, "set-cookie"), None, "{framework:?}: {got}");
            drop(socket);
            // A later request proves that the API has read everything that was sent before.
            let fresh = app.get("/api/x").await;
            assert!(!fresh.is_empty(), "{framework:?}");
            let lines: Vec<String> = api.seen().into_iter().map(|seen| seen.line).collect();
            assert_eq!(lines, ["GET /v1/news?topic=a HTTP/1.1", "GET /v1/x HTTP/1.1"], "{framework:?} {answer}");
            assert_eq!(*api.arriving.lock().unwrap(), "", "{framework:?} {answer}: bytes after the handshake");
        }
    }
}

#[tokio::test]
async fn a_switching_response_has_only_the_headers_of_its_handshake() {
    let hostile = "Set-Cookie: __Host-okta_session=evil; Path=/; Secure\r\nClear-Site-Data: \"*\"\r\nX-Other: 1\r\n\
                   Access-Control-Allow-Origin: *\r\nLocation: https://evil.example\r\nServer: internal/1.0\r\n\
                   Strict-Transport-Security: max-age=1\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
    for framework in BOTH {
        let api = echo_with(hostile).await;
        let app = open_app(framework, &api).await;
        let more = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
        let mut socket = app.open(&handshake(&app, more)).await;
        let head = read_until(&mut socket, "\r\n\r\n").await.to_ascii_lowercase();
        let mut names: Vec<&str> = head.split("\r\n").skip(1).filter_map(|line| line.split(':').next()).collect();
        names.retain(|name| !matches!(*name, "date" | "vary" | "cache-control" | ""));
        names.sort_unstable();
        let expected = ["connection", "sec-websocket-accept", "sec-websocket-extensions", "upgrade"];
        assert_eq!(names, expected, "{framework:?}: {head}");
        let offered = api.seen()[0].header("sec-websocket-extensions").map(str::to_owned);
        assert_eq!(offered.as_deref(), Some("permessage-deflate; client_max_window_bits"), "{framework:?}");
    }
}

/// Frames that no library would accept pass unchanged, because the proxy reads none: the peers check them.
#[tokio::test]
async fn frames_are_only_bytes() {
    let ping = [b"\x89\x7e\x10\x00".as_slice(), &[b'p'; 4_096]].concat();
    let frames: [&[u8]; 6] = [
        &ping,
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x88\x7f\x00\x00\x00\x00\xff\xff\xff\xff",
        b"\x00\x00\x80\x00",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"0\r\n\r\n",
    ];
    for framework in BOTH {
        let api = Api::start(|seen| switch(seen, "") + "first").await;
        let app = open_app(framework, &api).await;
        // Both sides begin before the other one has switched.
        let mut socket = app.open(&format!("{}early", handshake(&app, ""))).await;
        let answer = read_until(&mut socket, "early").await;
        assert!(answer.ends_with("\r\n\r\nfirstearly"), "{framework:?}: {answer}");
        for frame in frames {
            socket.write_all(frame).await.unwrap();
            let mut returned = vec![0; frame.len()];
            timeout(PATIENCE, socket.read_exact(&mut returned)).await.unwrap().unwrap();
            assert!(returned == frame, "{framework:?}: {frame:?}");
        }
        assert_eq!(api.seen().len(), 1, "{framework:?}");
    }
}

#[tokio::test]
async fn a_websocket_ends_with_its_session() {
    for framework in BOTH {
        let api = echo().await;
        let mut app = open_app(framework, &api).await;
        let mut sockets = [opened(&app).await, opened(&app).await];
        for socket in &mut sockets {
            says(socket, "before").await;
        }
        let waiting_api = Api::start(|_| String::new()).await;
        let waiting_app = open_app(framework, &waiting_api).await;
        assert_eq!(app.browser.post("/logout", "").await.status.as_u16(), 303, "{framework:?}");
        for socket in &mut sockets {
            assert_eq!(read_to_end(socket).await, "", "{framework:?}");
        }
        let closed_of = api.clone();
        eventually("the connections to the API are closed", || closed_of.closed() == 2).await;
        // The session ends by its limits while the API has not answered yet.
        let mut waiting = waiting_app.open(&handshake(&waiting_app, "")).await;
        let seen_of = waiting_api.clone();
        eventually("the handshake arrives", || seen_of.seen().len() == 1).await;
        waiting_app.org.clock().advance(Duration::from_secs(365 * 24 * 3_600));
        let answer = read_until(&mut waiting, "\r\n\r\n").await;
        assert_eq!(status(&answer), 401, "{framework:?}: {answer}");
    }
}

#[tokio::test]
async fn open_websockets_are_limited() {
    for framework in BOTH {
        let api = echo().await;
        let one = |proxy: ProxyBuilder| proxy.max_websockets(1).max_concurrent(1);
        let app = app_with(framework, &api, one, |config| config).await;
        let mut socket = opened(&app).await;
        says(&mut socket, "open").await;
        let busy = app.raw(&handshake(&app, "").replace("keep-alive", "close")).await;
        assert!(status(&busy) == 503 && busy.contains("proxy_busy"), "{framework:?}: {busy}");
        assert!(header(&busy, "retry-after").is_some(), "{framework:?}: {busy}");
        assert_eq!(status(&app.get("/api/x").await), 200, "{framework:?}: other requests have a limit of their own");
        says(&mut socket, "still open").await;
        drop(socket);
        let free = timeout(PATIENCE, async {
            loop {
                let mut next = app.open(&handshake(&app, "")).await;
                if status(&read_until(&mut next, "\r\n\r\n").await) == 101 {
                    return;
                }
            }
        });
        assert!(free.await.is_ok(), "{framework:?}: the place of a closed WebSocket is not free");
    }
}

#[tokio::test]
async fn idle_and_endless_websockets() {
    for framework in BOTH {
        let api = echo().await;
        let idle = |proxy: ProxyBuilder| proxy.max_websockets(8).idle_timeout(Duration::from_secs(1));
        let app = app_with(framework, &api, idle, |config| config).await;
        let mut socket = opened(&app).await;
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        for _ in 0..30 {
            pause.tick().await;
            says(&mut socket, "busy").await;
        }
        assert_eq!(read_to_end(&mut socket).await, "", "{framework:?}: silence ends it");
        let duration = |proxy: ProxyBuilder| proxy.max_websockets(8).max_duration(Duration::from_millis(300));
        let app = app_with(framework, &api, duration, |config| config).await;
        let mut socket = opened(&app).await;
        let busy = async {
            loop {
                pause.tick().await;
                let mut part = [0; 64];
                if socket.write_all(b"busy").await.is_err() || !matches!(socket.read(&mut part).await, Ok(1..)) {
                    return;
                }
            }
        };
        assert!(timeout(PATIENCE, busy).await.is_ok(), "{framework:?}: it never ends");
        let closed_of = api.clone();
        eventually("the connections to the API are closed", || closed_of.closed() == 2).await;
    }
}

/// A browser that reads nothing fills the buffers, and no more.
#[tokio::test]
async fn a_browser_that_does_not_read() {
    for framework in BOTH {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut api = echo().await;
        api.address = listener.local_addr().unwrap().to_string();
        let (sent, ended) = (Arc::<Mutex<usize>>::default(), Arc::<Mutex<bool>>::default());
        let (sent_of, ended_of) = (Arc::clone(&sent), Arc::clone(&ended));
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while find(&head, b"\r\n\r\n").is_none() {
                socket.read_buf(&mut head).await.unwrap();
            }
            let seen = Seen { headers: vec![("sec-websocket-key".to_owned(), KEY.to_owned())], ..Seen::default() };
            socket.write_all(switch(&seen, "").as_bytes()).await.unwrap();
            while let Ok(written @ 1..) = socket.write(&[0; 65_536]).await {
                *sent_of.lock().unwrap() += written;
            }
            *ended_of.lock().unwrap() = true;
        });
        let idle = |proxy: ProxyBuilder| proxy.max_websockets(1).idle_timeout(Duration::from_millis(500));
        let app = app_with(framework, &api, idle, |config| config).await;
        let mut unread = app.open(&handshake(&app, "")).await;
        eventually("the connection to the API is closed", || *ended.lock().unwrap()).await;
        if matches!(framework, Framework::Axum) {
            let refused = timeout(PATIENCE, async { while unread.write_all(b"x").await.is_ok() {} });
            assert!(refused.await.is_ok(), "the connection of the browser stays open");
        }
        assert!(*sent.lock().unwrap() < 64 * 1024 * 1024, "{framework:?}: {}", sent.lock().unwrap());
    }
}

#[tokio::test]
async fn a_policy_decides_about_websockets_too() {
    for framework in BOTH {
        let api = echo().await;
        for (name, expected) in [("Admins", 101), ("Directors", 403)] {
            let request = TokenRequest::new(["orders:read"]);
            let build = |proxy: ProxyBuilder| proxy.for_machine(request, group(name)).max_websockets(8);
            let mut app = app_of(framework, &api, |config| config, build).await;
            let mut socket = app.open(&handshake(&app, "").replace("keep-alive, ", "")).await;
            let answer = read_until(&mut socket, "\r\n\r\n").await;
            assert_eq!(status(&answer), expected, "{framework:?} {name}: {answer}");
            if expected == 101 {
                assert_eq!(app.browser.post("/logout", "").await.status.as_u16(), 303, "{framework:?}");
                assert_eq!(read_to_end(&mut socket).await, "", "{framework:?}: it ends with the session");
            }
        }
        assert_eq!(api.seen().len(), 1, "{framework:?}");
        // Without the setting a handshake is a request without the CSRF header.
        let app = app(framework, &api).await;
        let answer = app.raw(&handshake(&app, "").replace("keep-alive", "close")).await;
        assert_eq!(status(&answer), 403, "{framework:?}: {answer}");
    }
}
