//! The session address of the browser kit, and the pages and scripts around it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_dev::{Endpoint, Org, Outage, Response};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{App, Framework};
use crate::support::{ADA, Answer, BEN, Browser, SharedStore, org_with_groups};

const STORES: [&str; 2] = ["cookie", "memory"];

/// A browser's headers for a `fetch` by a page of the application.
const SCRIPT: [(&str, &str); 4] =
    [("accept", "*/*"), ("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty"), ("sec-fetch-site", "same-origin")];

fn kit(config: ConfigBuilder) -> ConfigBuilder {
    config.browser_kit().session_claims(["name", "email", "groups", "shoe_size"])
}

async fn app<F: Framework>(change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> App {
    App::with::<F>(org_with_groups().await, |config| change(kit(config))).await
}

async fn session(browser: &mut Browser) -> Value {
    let answer = browser.send(Method::GET, "/session", &SCRIPT, String::new()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

async fn post(browser: &mut Browser, headers: &[(&str, &str)]) -> Answer {
    browser.send(Method::POST, "/session", &[&SCRIPT, headers].concat(), String::new()).await
}

/// Every kind of request that a browser or another client can send.
pub(crate) async fn the_session_address_answers_every_request<F: Framework>() {
    let app = app::<F>(|config| config).await;
    let navigation = [("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let elsewhere = [("sec-fetch-mode", "cors"), ("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
    let neighbour = [("sec-fetch-mode", "cors"), ("sec-fetch-site", "same-site"), ("origin", "http://x.localhost")];
    let forged = [("cookie", "okta_session=AAAA; okta_session.1=B")];
    let token = format!("Bearer {}", app.token(&["openid"]));
    let bearer = [("authorization", token.as_str())];
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let requests: [(Method, Headers<'_>, u16, u16); 11] = [
        (Method::GET, &SCRIPT, 200, 200),
        (Method::GET, &[], 200, 200),
        (Method::GET, &navigation, 200, 200),
        (Method::GET, &elsewhere, 200, 200),
        (Method::GET, &neighbour, 200, 200),
        (Method::GET, &bearer, 200, 200),
        (Method::POST, &SCRIPT, 200, 200),
        (Method::POST, &elsewhere, 200, 403),
        (Method::POST, &neighbour, 200, 403),
        (Method::PUT, &SCRIPT, 405, 405),
        (Method::OPTIONS, &elsewhere, 405, 405),
    ];
    for (method, headers, stranger, user) in requests {
        for (mut browser, status, signed_in) in
            [(app.browser(), stranger, false), (app.signed_in(ADA).await, user, true)]
        {
            let answer = browser.send(method.clone(), "/session", headers, String::new()).await;
            let case = format!("{method} {headers:?} {signed_in}: {}", answer.body);
            assert_eq!(answer.status, status, "{case}");
            assert_eq!(answer.header("content-type"), "application/json", "{case}");
            assert_eq!(answer.header("cache-control"), "no-store", "{case}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{case}");
            let cors: Vec<_> =
                answer.headers.keys().filter(|name| name.as_str().starts_with("access-control")).collect();
            assert!(cors.is_empty(), "{case}: {cors:?}");
            match status {
                200 => {
                    assert_eq!(answer.json()["signed_in"], signed_in, "{case}");
                    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{case}");
                    assert_eq!((answer.header("x-frame-options"), answer.header("vary")), ("DENY", "Cookie"), "{case}");
                    assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{case}");
                }
                403 => assert_eq!(answer.json()["error"], "cross_origin", "{case}"),
                _ => assert_eq!(answer.header("allow"), "GET, POST", "{case}"),
            }
        }
    }
    let answer = app.browser().send(Method::GET, "/session", &forged, String::new()).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["signed_in"]), (200, &json!(false)));
    let head = app.browser().send(Method::HEAD, "/session", &SCRIPT, String::new()).await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
}

pub(crate) async fn the_session_has_what_a_page_needs<F: Framework>() {
    for store in STORES {
        let app = app::<F>(|config| {
            let limits = config.session_idle(Duration::from_secs(600)).session_absolute(Duration::from_secs(7200));
            limits.csrf_header("x-app").session_store(store)
        })
        .await;
        app.org.clock().stop();
        let mut stranger = app.browser();
        let common = json!({ "login_path": "/login", "logout_path": "/logout", "csrf_header": "x-app" });
        let mut expected = common.clone();
        (expected["signed_in"], expected["silent_login"]) = (false.into(), true.into());
        assert_eq!(session(&mut stranger).await, expected, "{store}");

        let mut ada = app.signed_in(ADA).await;
        app.org.clock().advance(Duration::from_secs(15));
        let shown = session(&mut ada).await;
        let tag = shown["user"].as_str().unwrap().to_owned();
        let mut expected = common.clone();
        (expected["signed_in"], expected["silent_login"]) = (true.into(), false.into());
        expected["user"] = tag.as_str().into();
        expected["claims"] = json!({ "name": "Ada Lovelace", "email": ADA, "groups": ["Everyone", "Admins"] });
        (expected["ends_in"], expected["idle_ends_in"]) = (shown["ends_in"].clone(), shown["idle_ends_in"].clone());
        assert_eq!(shown, expected, "{store}");
        let seconds = |name: &str| shown[name].as_u64().unwrap();
        // A session in cookies may begin a second late.
        assert!((7184..=7186).contains(&seconds("ends_in")), "{store}: {shown}");
        assert!((584..=586).contains(&seconds("idle_ends_in")), "{store}: {shown}");

        let other = session(&mut app.signed_in(ADA).await).await;
        assert_eq!(other["user"], tag.as_str(), "{store}: another session of the same user");
        let ben = session(&mut app.signed_in(BEN).await).await;
        assert_ne!(ben["user"], tag.as_str(), "{store}");
        let subject = ada.fetch("/api/me").await.json()["sub"].as_str().unwrap().to_owned();
        assert!(tag.len() == 22 && !tag.contains(&subject), "{store}: {tag}");

        let signed_out = ada.send(Method::POST, "/logout", &SCRIPT, String::new()).await;
        assert_eq!(signed_out.status, 200, "{store}");
        assert_eq!(session(&mut ada).await["signed_in"], false, "{store}");
    }
}

pub(crate) async fn only_a_post_uses_the_session<F: Framework>() {
    for store in STORES {
        let app = app::<F>(|config| config.session_idle(Duration::from_secs(600)).session_store(store)).await;
        let (mut reading, mut using) = (app.signed_in(ADA).await, app.signed_in(ADA).await);
        for _ in 0..5 {
            app.org.clock().advance(Duration::from_secs(110));
            let read = reading.send(Method::GET, "/session", &SCRIPT, String::new()).await;
            assert_eq!((&read.json()["signed_in"], read.set_cookies()), (&json!(true), vec![]), "{store}");
            let used = post(&mut using, &[]).await;
            assert!(used.json()["idle_ends_in"].as_u64().unwrap() >= 598, "{store}: {}", used.body);
            let passive = post(&mut reading, &[("x-session-activity", "none")]).await;
            assert_eq!(passive.json()["signed_in"], true, "{store}");
        }
        app.org.clock().advance(Duration::from_secs(60));
        assert_eq!(session(&mut reading).await["signed_in"], false, "{store}: reading extended the session");
        assert_eq!(session(&mut using).await["signed_in"], true, "{store}");
        assert_eq!(post(&mut reading, &[]).await.json()["signed_in"], false, "{store}: a POST revived the session");
    }
}

pub(crate) async fn using_the_session_needs_the_csrf_header<F: Framework>() {
    let app = app::<F>(|config| config.csrf_header("x-app")).await;
    let mut browser = app.signed_in(ADA).await;
    assert_eq!(post(&mut browser, &[]).await.status, 403);
    assert_eq!(post(&mut browser, &[("x-app", "1")]).await.status, 200);
    assert_eq!(session(&mut browser).await["signed_in"], true, "reading needs no header");
}

pub(crate) async fn the_session_address_is_there_only_if_it_is_turned_on<F: Framework>() {
    let off =
        App::with::<F>(Org::start().await.unwrap(), |config| config.session_path("/who").session_claims(["name"]))
            .await;
    for path in ["/session", "/who", "/session/popup", "/okta-auth.js"] {
        assert_eq!(off.browser().fetch(path).await.status, 404, "{path}");
    }
    let moved = app::<F>(|config| config.session_path("/auth/who").login_path("/in").without_logout_route()).await;
    assert_eq!(moved.browser().fetch("/session").await.status, 404);
    let shown = moved.browser().fetch("/auth/who").await.json();
    assert_eq!((&shown["login_path"], &shown["logout_path"]), (&json!("/in"), &Value::Null));
    let public = app::<F>(|config| config.public_prefix("/app")).await;
    assert_eq!(session(&mut public.browser()).await["login_path"], "/app/login", "as browsers see it");
}

/// An outage of the store must not look like a sign-out, because the page would throw input away.
pub(crate) async fn a_store_that_is_down_is_503_and_not_a_sign_out<F: Framework>() {
    let org = org_with_groups().await;
    let store = SharedStore::new(&org);
    let place = store.clone();
    let app = App::built::<F>(org, kit, move |builder| builder.session_store(place)).await;
    let mut browser = app.signed_in(ADA).await;
    store.down(true);
    let answer = browser.send(Method::GET, "/session", &SCRIPT, String::new()).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (503, &json!("store_unavailable")));
    store.down(false);
    assert_eq!(session(&mut browser).await["signed_in"], true);
}

/// The address of the script in the element for pages, and the hash in it.
fn tag(app: &App) -> (String, String) {
    let tag = app.auth.config().routes().browser_script_tag().unwrap();
    let value = |name: &str| tag.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned();
    (value("src"), value("integrity"))
}

pub(crate) async fn the_script_is_served_with_a_tag_and_at_an_address_of_its_own<F: Framework>() {
    use base64::Engine as _;
    let app = app::<F>(|config| config).await;
    let (immutable, integrity) = tag(&app);
    for (path, caching) in [("/okta-auth.js", "no-cache"), (immutable.as_str(), "public, max-age=31536000, immutable")]
    {
        // Also with a session that is due to be written: a script must stay cacheable.
        let mut user = app.signed_in(ADA).await;
        app.org.clock().advance(Duration::from_secs(1000));
        for browser in [&mut app.browser(), &mut user] {
            let answer = browser.fetch(path).await;
            assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, caching), "{path}");
            assert_eq!(answer.header("content-type"), "text/javascript; charset=utf-8", "{path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!((answer.set_cookies(), answer.header("vary")), (vec![], ""), "{path}");
            assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
            let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, answer.body.as_bytes());
            let hash = base64::engine::general_purpose::STANDARD.encode(hash);
            assert_eq!(integrity, format!("sha256-{hash}"), "{path}");
            let etag = answer.header("etag").to_owned();
            for (known, status) in [(etag.clone(), 304), (format!("\"x\", W/{etag}"), 304), ("\"x\"".to_owned(), 200)] {
                let again = browser.send(Method::GET, path, &[("if-none-match", &known)], String::new()).await;
                assert_eq!((again.status.as_u16(), again.header("etag")), (status, etag.as_str()), "{path} {known}");
                assert_eq!((again.body.is_empty(), again.header("cache-control")), (status == 304, caching), "{path}");
            }
        }
        assert_eq!(app.browser().send(Method::POST, path, &SCRIPT, String::new()).await.status, 405, "{path}");
    }
    assert_eq!(app.browser().fetch("/okta-auth-0000000000000000.js").await.status, 404, "another version");
    let nested = kit(ConfigBuilder::from_variables(app.org.env())).session_path("/a&b").build().unwrap();
    let element = nested.routes().browser_script_tag().unwrap();
    assert!(element.contains("data-okta-session=\"/a&amp;b\""), "{element}");
}

pub(crate) async fn a_sign_in_in_a_window_ends_on_a_page_that_says_only_that<F: Framework>() {
    let app = app::<F>(|config| config).await;
    let mut browser = app.browser();
    let authorize = browser.navigate("/login?return_to=/session/popup").await.location().to_owned();
    let callback = browser.complete(&app.org, &authorize, ADA).await;
    assert_eq!((callback.status.as_u16(), callback.location()), (303, "/session/popup"));
    let page = browser.navigate("/session/popup").await;
    assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, "no-store"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(policy.contains("script-src 'sha256-") && !policy.contains("script-src 'unsafe"), "{policy}");
    // Either would cut the window off from the page that opened it, or show it in a frame.
    assert_eq!((page.header("cross-origin-opener-policy"), page.header("x-frame-options")), ("", "DENY"));
    assert!(page.body.contains("postMessage(m,location.origin)") && !page.body.contains("\"*\""), "{}", page.body);
    // A sign-in that fails keeps the window's target.
    let refused = "/authorization-code/callback?error=access_denied&state=";
    let authorize = browser.navigate("/login?return_to=/session/popup").await.location().to_owned();
    let state =
        url::Url::parse(&authorize).unwrap().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let failed = browser.navigate(&format!("{refused}{state}")).await;
    assert!(failed.body.contains("return_to=%2Fsession%2Fpopup"), "{}", failed.body);
}

/// Follows a redirect to the org as the browser of this user, and returns to the application.
async fn visit_org(app: &App, browser: &mut Browser, okta: &mut okta_auth_dev::Browser, authorize: &str) -> Answer {
    assert!(authorize.contains("prompt=none"), "{authorize}");
    match okta.open(authorize).await.unwrap() {
        Response::Redirect(back) => {
            assert!(back.starts_with(&app.base), "{back}");
            browser.navigate(&back).await
        }
        other => panic!("the org answered {other:?}"),
    }
}

pub(crate) async fn a_silent_sign_in_asks_okta_once_and_never_the_user<F: Framework>() {
    let app = app::<F>(|config| config).await;
    let silent = "/login?prompt=none&return_to=/%3Fx%3D1";
    // Without a session at Okta.
    let (mut browser, mut okta) = (app.browser(), app.org.browser());
    let start = browser.navigate(silent).await;
    let back = visit_org(&app, &mut browser, &mut okta, start.location()).await;
    assert_eq!((back.status.as_u16(), back.location()), (303, "/?x=1"), "{}", back.body);
    assert_eq!(session(&mut browser).await["silent_login"], false);
    for _ in 0..3 {
        assert_eq!(browser.navigate(silent).await.location(), "/?x=1", "Okta is asked again");
    }
    let cookie =
        start.set_cookies().into_iter().find(|cookie| cookie.starts_with("okta_session_silent_used=1")).unwrap();
    assert!(cookie.contains("HttpOnly") && !cookie.contains("Max-Age"), "{cookie}");
    // An explicit sign-in still works, and the answer of Okta is not needed for that.
    assert_eq!(browser.sign_in(&app.org, ADA, "/profile").await.location(), "/profile");

    // With one.
    let mut browser = app.browser();
    let first = browser.navigate("/profile").await.location().to_owned();
    assert!(matches!(okta.sign_in(&first, ADA).await.unwrap(), Response::Redirect(_)));
    let start = browser.navigate(silent).await;
    let back = visit_org(&app, &mut browser, &mut okta, start.location()).await;
    assert_eq!((back.status.as_u16(), back.location()), (303, "/?x=1"), "{}", back.body);
    assert_eq!(session(&mut browser).await["signed_in"], true);
    for user in [&mut browser, &mut app.signed_in(BEN).await] {
        assert_eq!(user.navigate(silent).await.location(), "/?x=1", "a user is not sent to Okta");
    }

    // After a sign-out no page signs the user in again.
    let mut browser = app.signed_in(ADA).await;
    assert_eq!(session(&mut browser).await["silent_login"], false);
    assert_eq!(browser.send(Method::POST, "/logout", &SCRIPT, String::new()).await.status, 200);
    assert_eq!(session(&mut browser).await["silent_login"], false);
    assert_eq!(browser.navigate(silent).await.location(), "/?x=1");
}

/// The user did not ask for it, so nothing that goes wrong may hide the page. That Okta would have to ask is no failure.
pub(crate) async fn a_silent_sign_in_that_fails_leads_to_the_page<F: Framework>() {
    let events: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    let heard = events.clone();
    let hear = |builder: OktaAuthBuilder| builder.on_event(move |event| heard.lock().unwrap().push(event.name()));
    let app = App::built::<F>(org_with_groups().await, kit, hear).await;
    let state_of = |authorize: &str| {
        let url = url::Url::parse(authorize).unwrap();
        url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
    };
    for error in ["login_required", "interaction_required", "consent_required", "access_denied", "server_error", "x"] {
        let mut browser = app.browser();
        let authorize = browser.navigate("/login?prompt=none&return_to=/echo").await.location().to_owned();
        let state = state_of(&authorize);
        let back = browser.navigate(&format!("/authorization-code/callback?error={error}&state={state}")).await;
        assert_eq!((back.status.as_u16(), back.location()), (303, "/echo"), "{error}: {}", back.body);
        let emitted = std::mem::take(&mut *events.lock().unwrap());
        assert_eq!(emitted.contains(&"sign_in_failed"), !error.ends_with("_required"), "{error}: {emitted:?}");
        let again = browser.navigate(&format!("/authorization-code/callback?error={error}&state={state}")).await;
        assert_eq!(again.status, 400, "{error}: the attempt counts once");
        events.lock().unwrap().clear();
    }
    // A plain sign-in with the same errors ends on a page.
    let mut browser = app.browser();
    let authorize = browser.navigate("/login?return_to=/echo").await.location().to_owned();
    let target = format!("/authorization-code/callback?error=login_required&state={}", state_of(&authorize));
    assert_eq!(browser.navigate(&target).await.status, 400);

    let off = App::with::<F>(Org::start().await.unwrap(), |config| config).await;
    let authorize = off.browser().navigate("/login?prompt=none").await.location().to_owned();
    assert!(!authorize.contains("prompt"), "without the kit the parameter has no effect: {authorize}");
}

pub(crate) async fn a_route_may_begin_a_silent_sign_in<F: Framework>() {
    let build = |builder: OktaAuthBuilder| builder.silent_login("/").silent_login("/shared");
    let app = App::built::<F>(org_with_groups().await, |config| config, build).await;
    let (mut browser, mut okta) = (app.browser(), app.org.browser());
    // Only a page navigation asks.
    assert_eq!(browser.fetch("/").await.body, "anonymous");
    let prefetch = [("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-purpose", "prefetch")];
    assert_eq!(browser.send(Method::GET, "/", &prefetch, String::new()).await.body, "anonymous");
    let start = browser.navigate("/?x=1").await;
    assert_eq!(start.status, 303, "{}", start.body);
    let back = visit_org(&app, &mut browser, &mut okta, start.location()).await;
    assert_eq!(back.location(), "/?x=1");
    assert_eq!(browser.navigate("/?x=1").await.body, "anonymous");
    assert_eq!(browser.navigate("/shared").await.body, "false", "one attempt for all pages");

    // With a session at Okta.
    let first = app.browser().navigate("/profile").await.location().to_owned();
    okta.sign_in(&first, ADA).await.unwrap();
    let mut browser = app.browser();
    let start = browser.navigate("/").await.location().to_owned();
    visit_org(&app, &mut browser, &mut okta, &start).await;
    assert_eq!(browser.navigate("/").await.body, "Ada Lovelace");
    // A signed-in user, and one who has signed out.
    let mut user = app.signed_in(BEN).await;
    assert_eq!(user.navigate("/").await.status, 200);
    user.send(Method::POST, "/logout", &SCRIPT, String::new()).await;
    assert_eq!(user.navigate("/").await.body, "anonymous");
    // Other routes, and those of the library, are not affected.
    assert_eq!(app.browser().navigate("/echo").await.status, 200);
    assert!(!app.browser().navigate("/login").await.location().contains("prompt=none"));
    let own = ["/login", "/session", "/session/popup", "/okta-auth.js", "/logout"];
    let listed = |builder: OktaAuthBuilder| own.iter().fold(builder, |builder, path| builder.silent_login(*path));
    let app = App::built::<F>(org_with_groups().await, kit, listed).await;
    for path in own {
        let answer = app.browser().navigate(path).await;
        assert_eq!(answer.status == 303, path == "/login", "{path}: {}", answer.status);
        assert!(!answer.header("location").contains("prompt=none"), "{path}");
    }
}

/// In a browser that refuses cookies each page would otherwise redirect to itself for ever.
pub(crate) async fn an_outage_of_okta_does_not_hide_pages_with_silent_sign_in<F: Framework>() {
    let app = App::built::<F>(org_with_groups().await, |config| config, |builder| builder.silent_login("/")).await;
    app.org.outage(Endpoint::Discovery, Outage::Status(503));
    let back = app.browser().navigate("/?x=1").await;
    assert_eq!((back.status.as_u16(), back.location()), (303, "/?x=1"), "{}", back.body);
    assert_eq!(app.browser().navigate("/?x=1").await.body, "anonymous", "a browser without the cookie");
    app.org.restore_all();
    app.org.clock().advance(Duration::from_secs(60));
    assert_eq!(app.browser().navigate("/").await.status, 303);
}
