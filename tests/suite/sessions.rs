//! Sessions: sign-in, sign-out, and requests with a session.

use std::time::Duration;

use okta_auth_dev::Org;
use reqwest::Method;

use crate::app::{App, Framework};
use crate::support::{ADA, BEN};

pub(crate) async fn signs_in_and_out<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.browser();
    assert_eq!(browser.navigate("/").await.body, "anonymous");
    assert_eq!(browser.sign_in(&app.org, ADA, "/profile?tab=1").await.location(), "/profile?tab=1");
    assert_eq!(browser.navigate("/profile").await.body, format!("Ada Lovelace {ADA} Everyone,Admins"));
    assert_eq!(browser.navigate("/").await.body, "Ada Lovelace");
    assert_eq!(browser.fetch("/api/me").await.json()["email"], ADA);
    let out = browser.post("/logout", "").await;
    assert!(out.location().starts_with(&format!("{}/v1/logout?", app.org.issuer())), "{}", out.location());
    assert!(!browser.jar.contains_key("okta_session") && !browser.is_signed_in().await);
}

pub(crate) async fn pages_and_apis_are_told_apart<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.browser();
    let page = browser.navigate("/profile").await;
    assert!(page.status == 303 && page.location().starts_with(&app.org.issuer()));
    let api = browser.fetch("/profile").await;
    assert_eq!((api.status.as_u16(), api.header("www-authenticate")), (401, "Bearer"));
    assert_eq!(api.json()["error"], "login_required");
    assert_eq!(browser.post("/profile", "a=b").await.status, 401, "a redirect would lose the body");
    assert_eq!(browser.fetch("/result").await.body, "login_required");
}

pub(crate) async fn scripts_and_prefetches_are_no_navigations<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.browser();
    for (headers, status) in [
        (vec![("accept", "text/html")], 303),
        (vec![("accept", "text/html"), ("x-requested-with", "XMLHttpRequest")], 401),
        (vec![("accept", "text/html"), ("sec-fetch-mode", "cors")], 401),
        (vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")], 303),
        (vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")], 401),
        (vec![("sec-fetch-mode", "navigate"), ("sec-purpose", "prefetch")], 401),
    ] {
        let answer = browser.send(Method::GET, "/profile", &headers, String::new()).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}");
    }
}

pub(crate) async fn a_page_for_everybody_keeps_sessions_alive_and_takes_dead_ones_away<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.signed_in(ADA).await;
    assert!(browser.fetch("/echo").await.set_cookies().is_empty());
    app.org.clock().advance(Duration::from_secs(600));
    let answer = browser.fetch("/echo").await;
    assert_eq!((answer.set_cookies().len(), answer.header("cache-control")), (1, "no-store"), "its time of use");
    app.org.clock().advance(Duration::from_secs(3_500));
    assert!(browser.is_signed_in().await, "an hour after the sign-in, and less after the last use");
    app.org.clock().advance(Duration::from_secs(3_601));
    let answer = browser.fetch("/echo").await;
    assert!(answer.set_cookies().iter().all(|cookie| cookie.contains("Max-Age=0")) && browser.jar.is_empty());
}

pub(crate) async fn a_middleware_of_the_applications_own_may_ask_for_a_user<F: Framework>() {
    let app = App::start::<F>().await;
    assert!(app.browser().navigate("/gated").await.location().starts_with(&app.org.issuer()));
    let (gated, plain) = (app.browser().fetch("/gated").await, app.browser().fetch("/profile").await);
    assert_eq!((gated.status.as_u16(), gated.header("www-authenticate")), (401, plain.header("www-authenticate")));
    assert_eq!((gated.json()["error"].as_str(), gated.header("cache-control")), (Some("login_required"), "no-store"));
    assert_eq!(app.signed_in(ADA).await.fetch("/gated").await.body, "Ada Lovelace");
}

pub(crate) async fn claims_of_the_applications_own_type<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.signed_in(ADA).await;
    assert_eq!(browser.fetch("/claims").await.body, ADA);
    let unfit = browser.fetch("/unusual").await;
    assert_eq!((unfit.status.as_u16(), unfit.json()["error"].as_str()), (403, Some("claims_mismatch")));
    assert!(browser.navigate("/unusual").await.body.contains("<html"));
    assert_eq!(browser.fetch("/maybe-unusual").await.body, "false");
}

pub(crate) async fn unsafe_methods_must_come_from_our_own_pages<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.signed_in(ADA).await;
    assert_eq!(browser.post("/profile", "").await.status, 200);
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let answer = browser.send(Method::POST, "/profile", &[(name, value)], String::new()).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (403, Some("cross_origin")), "{value}");
        // A link on another site is not an attack, because it changes nothing.
        assert_eq!(browser.send(Method::GET, "/profile", &[(name, value)], String::new()).await.status, 200);
    }
}

pub(crate) async fn a_csrf_header_can_be_asked_for<F: Framework>() {
    let app = App::with::<F>(Org::start().await.unwrap(), |config| config.csrf_header("x-requested-by")).await;
    let mut browser = app.signed_in(ADA).await;
    assert_eq!(browser.post("/profile", "").await.status, 403);
    let with = [("x-requested-by", "app")];
    assert_eq!(browser.send(Method::POST, "/profile", &with, String::new()).await.status, 200);
    let elsewhere = [("x-requested-by", "app"), ("origin", "https://evil.example")];
    assert_eq!(browser.send(Method::POST, "/profile", &elsewhere, String::new()).await.status, 403);
    assert_eq!(browser.navigate("/profile").await.status, 200);
}

/// A user who typed an address, or sent a form after the session ended, must not get JSON.
pub(crate) async fn browsers_get_pages_where_nothing_can_be_redirected<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.signed_in(ADA).await;
    let typed = browser.navigate("/logout").await;
    assert_eq!((typed.status.as_u16(), typed.header("allow")), (405, "POST"));
    assert!(typed.body.contains("<form method=\"post\" action=\"/logout\">"), "{}", typed.body);
    assert!(browser.is_signed_in().await, "a link does not sign out");
    let script = browser.fetch("/logout").await;
    assert_eq!((script.status.as_u16(), script.json()["error"].as_str()), (405, Some("method_not_allowed")));

    let form = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("accept", "text/html")];
    let late = app.browser().send(Method::POST, "/profile", &form, String::new()).await;
    assert_eq!((late.status.as_u16(), late.header("www-authenticate")), (401, "Bearer"));
    assert!(late.body.contains("were not saved") && late.body.contains("/login?return_to=%2Fprofile"), "{}", late.body);
    let script = app.browser().send(Method::POST, "/profile", &[], String::new()).await;
    assert_eq!((script.status.as_u16(), script.json()["error"].as_str()), (401, Some("login_required")));
}

/// A malformed body is not the same as one that is too large.
pub(crate) async fn a_body_that_is_broken_is_400_and_a_large_one_413<F: Framework>() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let app = App::start::<F>().await;
    let host = app.base.strip_prefix("http://").unwrap();
    let large = format!("{:x}\r\n{}\r\n0\r\n\r\n", 200_000, "x".repeat(200_000));
    for (body, status) in [("ZZ\r\nx", "400"), (large.as_str(), "413")] {
        let mut socket = tokio::net::TcpStream::connect(host).await.unwrap();
        let head =
            format!("POST /authorization-code/callback HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        // The response may arrive before the whole body was sent.
        let _ = socket.write_all(body.as_bytes()).await;
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).await.unwrap();
        assert_eq!(std::str::from_utf8(&answer[9..]).unwrap(), status);
    }
    // The declared length is enough: no byte of this body is sent.
    let mut socket = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!("POST /authorization-code/callback HTTP/1.1\r\nhost: {host}\r\ncontent-length: 200000\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let read = socket.read_exact(&mut answer);
    tokio::time::timeout(Duration::from_secs(10), read).await.expect("the app waits for the body").unwrap();
    assert_eq!(std::str::from_utf8(&answer[9..]).unwrap(), "413");
}

/// A handshake is a GET that opens a two-way channel. The browser sends the cookie even from a page on a neighbouring
/// subdomain, so that page could use the channel as the user.
pub(crate) async fn a_websocket_must_come_from_our_own_pages<F: Framework>() {
    for header in [None, Some("x-requested-by")] {
        let app = App::with::<F>(Org::start().await.unwrap(), move |config| match header {
            Some(header) => config.csrf_header(header),
            None => config,
        });
        let app = app.await;
        let mut browser = app.signed_in(ADA).await;
        for upgrade in ["websocket", "WebSocket", "h2c, websocket"] {
            let mut status = async |more: &[(&str, &str)]| {
                let headers = [&[("upgrade", upgrade)], more].concat();
                browser.send(Method::GET, "/profile", &headers, String::new()).await.status.as_u16()
            };
            assert_eq!(status(&[("origin", "https://evil.example")]).await, 403, "{upgrade}");
            assert_eq!(
                status(&[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "websocket")]).await,
                403,
                "{upgrade}"
            );
            // Scripts cannot add a header to the handshake, so none is required.
            assert_eq!(status(&[("origin", app.base.as_str())]).await, 200, "{upgrade}");
        }
        let other = [("upgrade", "h2c"), ("origin", "https://evil.example")];
        assert_eq!(browser.send(Method::GET, "/profile", &other, String::new()).await.status, 200, "no WebSocket");
    }
}

pub(crate) async fn several_cookie_headers_are_one_jar<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.signed_in(ADA).await;
    let jar = std::mem::take(&mut browser.jar);
    // One header for each chunk of the cookie, with foreign cookies before and after.
    let chunks: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut headers = vec![("cookie", "a=1")];
    headers.extend(chunks.iter().map(|chunk| ("cookie", chunk.as_str())));
    headers.push(("cookie", "b=2"));
    let echo = browser.send(Method::GET, "/echo?x=%20&y=a+b&&z=%2f", &headers, String::new()).await.json();
    assert_eq!(
        (echo["cookies"].as_u64(), echo["target"].as_str()),
        (Some(headers.len() as u64), Some("/echo?x=%20&y=a+b&&z=%2f"))
    );
    assert_eq!(browser.send(Method::GET, "/", &headers, String::new()).await.body, "Ada Lovelace");
}

pub(crate) async fn personal_pages_are_not_cached<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.signed_in(BEN).await;
    let personal = browser.navigate("/profile").await;
    assert_eq!((personal.header("cache-control"), personal.header("vary")), ("no-store", "Cookie"));
    assert_eq!(browser.navigate("/shared").await.header("cache-control"), "public, max-age=60");
    assert_eq!(browser.navigate("/echo").await.header("cache-control"), "", "the handler did not read the user");
}

pub(crate) async fn the_metadata_of_the_resource<F: Framework>() {
    let path = "/.well-known/oauth-protected-resource";
    let app = App::with::<F>(Org::start().await.unwrap(), |config| config.resource_scopes(["orders:read"])).await;
    let answer = app.browser().fetch(path).await;
    let document = answer.json();
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    assert_eq!(document["resource"], app.base);
    assert_eq!(document["authorization_servers"], serde_json::json!([app.org.issuer()]));
    assert_eq!(document["scopes_supported"], serde_json::json!(["orders:read"]));
    assert_eq!(document["bearer_methods_supported"], serde_json::json!(["header"]));
    assert_eq!(app.browser().send(Method::POST, path, &[], String::new()).await.status, 405);
    // The configured identifier, regardless of the host in the request.
    let spoofed = app.browser().send(Method::GET, path, &[("x-forwarded-host", "evil.example")], String::new()).await;
    assert_eq!(spoofed.json()["resource"], app.base);
}

pub(crate) async fn an_api_without_sessions<F: Framework>() {
    let with_sessions = App::start::<F>().await;
    let (issuer, cookie) = (with_sessions.org.issuer(), with_sessions.signed_in(ADA).await.jar);
    // The same issuer, client and secret, so that the session cookie could be opened.
    let twin = App::with::<F>(Org::start().await.unwrap(), |config| config.issuer(&issuer)).await;
    let mut browser = twin.browser();
    browser.jar.clone_from(&cookie);
    assert_ne!(browser.navigate("/").await.body, "anonymous", "the control: another replica knows the session");
    let api = App::with::<F>(Org::start().await.unwrap(), |config| config.issuer(&issuer).api_only()).await;
    let mut browser = api.browser();
    browser.jar = cookie;
    assert_eq!(browser.navigate("/profile").await.status, 401, "an API request is not redirected to sign-in");
    assert_eq!(browser.navigate("/").await.body, "anonymous");
    for path in ["/login", "/logout", "/authorization-code/callback"] {
        assert_eq!(browser.navigate(path).await.status, 404, "{path}");
    }
    assert_eq!(api.call("/token", &with_sessions.token(&["openid"])).await.status, 200);
}

/// It is an error and not a redirect to sign-in, which would never end.
pub(crate) async fn an_application_with_one_okta_has_no_tenant<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.signed_in(ADA).await;
    assert_eq!(browser.navigate("/maybe-tenant").await.body, "false");
    let refused = browser.fetch("/tenant").await;
    assert_eq!((refused.status.as_u16(), refused.json()["error"].as_str()), (404, Some("tenant_unknown")));
    assert_eq!(browser.navigate("/tenant").await.status, 404);
}
