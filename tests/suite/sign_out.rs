//! Sign-out by the user: permitted requests, and the browser's way to Okta and back.

use std::time::Duration;

use okta_auth_core::config::ConfigBuilder;
use okta_auth_dev::{Fault, User};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::app::{App, Framework};
use crate::support::{ADA, Answer, BEN, Browser, log, org_with_groups};

/// A browser's headers for a navigation and for a `fetch` to the application itself.
const PAGE: [(&str, &str); 4] = [
    ("accept", "text/html"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-site", "same-origin"),
];
const SCRIPT: [(&str, &str); 4] =
    [("accept", "*/*"), ("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty"), ("sec-fetch-site", "same-origin")];
const FRAME: [(&str, &str); 3] =
    [("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];

const CONTINUE: &str = "/logout?continue";
const FRONT: &str = "/frontchannel-logout";

/// The session stores that need no server.
const STORES: [&str; 2] = ["cookie", "memory"];

async fn app<F: Framework>(store: &'static str) -> App {
    app_with::<F>(store, |config| config).await
}

async fn app_with<F: Framework>(store: &'static str, change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> App {
    App::with::<F>(org_with_groups().await, |config| change(config.session_store(store))).await
}

/// An application whose user has an ID token of about 20 KB. Okta issues no token with more groups.
async fn app_with_many_groups<F: Framework>() -> App {
    let app = app::<F>("memory").await;
    app.org.put_user(User::ada().groups((0..90).map(|number| format!("group-{number:0160}"))));
    app
}

async fn post(browser: &mut Browser, target: &str, headers: &[(&str, &str)]) -> Answer {
    browser.send(Method::POST, target, headers, String::new()).await
}

/// The number of Okta sessions.
fn okta_sessions(app: &App) -> usize {
    app.org.sessions().len()
}

/// The target of the URL for a script's sign-out.
fn address(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json()["location"].as_str().unwrap().to_owned()
}

/// Whether a response redirects to the org with an ID token.
fn leads_to_okta(app: &App, answer: &Answer) -> bool {
    answer.location().starts_with(&format!("{}/v1/logout?id_token_hint=ey", app.org.issuer()))
}

// -- who may ask ------------------------------------------------------------------------------------------------------

/// Chromium sends `Origin: null` for a form on a page with `Referrer-Policy: no-referrer`.
pub(crate) async fn a_form_on_a_page_without_a_referrer_is_our_own<F: Framework>() {
    let app = app::<F>("cookie").await;
    let opaque = |site: &'static str| [&PAGE[..3], &[("sec-fetch-site", site), ("origin", "null")]].concat();
    let mut browser = app.signed_in(ADA).await;
    for path in ["/profile", "/logout"] {
        for site in ["same-site", "cross-site", "none"] {
            assert_eq!(post(&mut browser, path, &opaque(site)).await.status, 403, "{path} {site}");
        }
        assert_eq!(post(&mut browser, path, &[("origin", "null")]).await.status, 403, "{path}: null alone");
        let two = [opaque("same-origin"), vec![("origin", "https://evil.example")]].concat();
        assert_eq!(post(&mut browser, path, &two).await.status, 403, "{path}: and another one");
        assert!(browser.is_signed_in().await, "{path}");
    }
    assert_eq!(post(&mut browser, "/profile", &opaque("same-origin")).await.status, 200);
    assert!(leads_to_okta(&app, &post(&mut browser, "/logout", &opaque("same-origin")).await));
    assert!(!browser.is_signed_in().await);
}

pub(crate) async fn pages_with_a_form_send_their_origin<F: Framework>() {
    let app = app::<F>("cookie").await;
    let mut browser = app.signed_in(ADA).await;
    let page = browser.navigate("/logout").await;
    assert!(page.body.contains("<form"), "{}", page.body);
    assert_eq!(page.header("referrer-policy"), "same-origin");
    let other = app.browser().navigate("/authorization-code/callback?state=x&code=y").await;
    assert!(!other.body.contains("<form"), "{}", other.body);
    assert_eq!(other.header("referrer-policy"), "no-referrer");
}

pub(crate) async fn a_strict_origin_check_refuses_requests_that_say_nothing<F: Framework>() {
    for (strict, status) in [(false, 200), (true, 403)] {
        let app = app_with::<F>("cookie", |config| config.strict_origin_check(strict)).await;
        let mut browser = app.signed_in(ADA).await;
        assert_eq!(post(&mut browser, "/profile", &[]).await.status, status, "strict: {strict}");
        for header in [("origin", app.base.as_str()), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")] {
            assert_eq!(post(&mut browser, "/profile", &[header]).await.status, 200, "strict: {strict} {header:?}");
        }
        assert_eq!(browser.navigate("/profile").await.status, 200, "reading needs neither");
        let handshake = [("upgrade", "websocket")];
        assert_eq!(browser.send(Method::GET, "/profile", &handshake, String::new()).await.status, status);
        let out = post(&mut browser, "/logout", &[]).await;
        assert_eq!((out.status == 403, browser.is_signed_in().await), (strict, strict));
    }
}

// -- front-channel ----------------------------------------------------------------------------------------------------

/// Requests that any web page can make a browser send with the session's cookie.
fn foreign_requests() -> Vec<(Method, Vec<(&'static str, &'static str)>)> {
    let cross = |mode: &'static str, dest: &'static str| {
        vec![("sec-fetch-mode", mode), ("sec-fetch-dest", dest), ("sec-fetch-site", "cross-site"), ("accept", "*/*")]
    };
    let form = ("content-type", "application/x-www-form-urlencoded");
    let mut requests: Vec<_> = ["image", "script", "style", "empty", "iframe"]
        .map(|dest| (Method::GET, cross("no-cors", dest)))
        .into_iter()
        .chain([(Method::GET, cross("cors", "empty")), (Method::GET, cross("navigate", "document"))])
        .chain([(Method::GET, vec![]), (Method::GET, vec![("accept", "text/html")])])
        .collect();
    for origin in ["https://evil.example", "null"] {
        requests.push((Method::POST, [FRAME.as_slice(), &[form, ("origin", origin)]].concat()));
        requests.push((Method::GET, [FRAME.as_slice(), &[("origin", origin)]].concat()));
    }
    requests
}

pub(crate) async fn a_front_channel_logout_without_names_ends_nothing<F: Framework>() {
    for store in STORES {
        let app = app::<F>(store).await;
        let mut browser = app.signed_in(ADA).await;
        let frames = [FRAME.to_vec(), [FRAME.as_slice(), &[("sec-fetch-site", "same-site")]].concat()];
        for (method, headers) in foreign_requests().into_iter().chain(frames.map(|frame| (Method::GET, frame))) {
            let answer = browser.send(method.clone(), FRONT, &headers, String::new()).await;
            assert_eq!((answer.status.as_u16(), answer.set_cookies().len()), (400, 0), "{method} {headers:?}");
            assert!(browser.is_signed_in().await, "{store}: {method} {headers:?}");
        }
    }
}

pub(crate) async fn the_bare_front_channel_form_counts_for_a_frame_alone<F: Framework>() {
    for store in STORES {
        let app = app_with::<F>(store, |config| config.front_channel_session_required(false)).await;
        let mut browser = app.signed_in(ADA).await;
        for (method, headers) in foreign_requests() {
            let answer = browser.send(method.clone(), FRONT, &headers, String::new()).await;
            assert_eq!((answer.status.as_u16(), answer.set_cookies().len()), (200, 0), "{method} {headers:?}");
            assert!(browser.is_signed_in().await, "{store}: {method} {headers:?}");
        }
        let origin = [FRAME.as_slice(), &[("sec-fetch-site", "cross-site"), ("origin", app.org.url())]].concat();
        assert_eq!(browser.clone().send(Method::POST, FRONT, &origin, String::new()).await.status, 200);
        assert!(!browser.is_signed_in().await, "{store}: a form in a frame of the provider's page");
    }
}

/// A process that has just started knows no session at Okta: it keeps 10,000 names, and says once that it drops others.
pub(crate) async fn dropped_front_channel_messages_are_logged_once<F: Framework>() {
    log::listen();
    let app = app::<F>("cookie").await;
    let host = app.base.strip_prefix("http://").unwrap();
    let (mut read, mut write) = TcpStream::connect(host).await.unwrap().into_split();
    let iss: String = url::form_urlencoded::byte_serialize(app.org.issuer().as_bytes()).collect();
    let request = |number: usize, end: &str| {
        format!("GET {FRONT}?iss={iss}&sid=made-up-{number} HTTP/1.1\r\nHost: {host}\r\nConnection: {end}\r\n\r\n")
    };
    let mut requests: String = (0..10_005).map(|number| request(number, "keep-alive")).collect();
    requests.push_str(&request(10_005, "close"));
    let sent = tokio::spawn(async move { write.write_all(requests.as_bytes()).await.map(|()| write) });
    let mut answers = Vec::new();
    read.read_to_end(&mut answers).await.unwrap();
    drop(sent.await.unwrap().unwrap());
    assert_eq!(String::from_utf8_lossy(&answers).matches("HTTP/1.1 200").count(), 10_006);
    // The tests of both frameworks are in one process, and write one line each.
    let told = log::lines(&["WARN", "front-channel logouts named sessions that this process has not seen"]);
    assert!((1..=2).contains(&told.len()), "{told:#?}");
}

// -- to Okta and back -------------------------------------------------------------------------------------------------

/// The form of the page for long ID tokens.
fn form(answer: &Answer) -> (String, Vec<(String, String)>) {
    let text = |value: &str| value.replace("&quot;", "\"").replace("&amp;", "&");
    let action = answer.body.split("<form method=\"post\" action=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = answer.body.split("<input type=\"hidden\" name=\"").skip(1).map(|field| {
        let (name, rest) = field.split_once("\" value=\"").unwrap();
        (name.to_owned(), text(rest.split('"').next().unwrap()))
    });
    (text(action), fields.collect())
}

/// A provider cannot derive the client from a list of audiences, so the request names it (OIDC RP-Initiated Logout §2).
/// Okta's audience is never a list, and Okta does not document the parameter.
pub(crate) async fn a_list_of_audiences_is_sent_with_the_client_id<F: Framework>() {
    let audience = |value| Fault::IdTokenClaim("aud".to_owned(), value);
    for groups in [1, 90] {
        for list in [false, true] {
            let app = app_with::<F>("memory", |config| config.trusted_audiences("project")).await;
            app.org.put_user(User::ada().groups((0..groups).map(|number| format!("group-{number:0160}"))));
            let client = app.org.client().client_id;
            if list {
                app.org.fault(audience(json!([client, "project"])));
                app.org.fault(Fault::IdTokenClaim("azp".to_owned(), json!(client)));
            }
            for headers in [PAGE.as_slice(), SCRIPT.as_slice()] {
                let mut browser = app.signed_in(ADA).await;
                let mut out = post(&mut browser, "/logout", headers).await;
                if headers == SCRIPT {
                    out = browser.navigate(&address(&out)).await;
                }
                let fields = if groups == 1 { parameters(out.location()) } else { form(&out).1 };
                let sent: Vec<_> = fields.iter().filter(|(name, _)| name == "client_id").collect();
                assert_eq!(sent.len(), usize::from(list), "{groups} groups: {fields:?}");
                assert!(sent.iter().all(|(_, value)| *value == client), "the application's own: {sent:?}");
                assert_eq!(fields[0].0, "id_token_hint");
            }
        }
    }
    let app = app::<F>("cookie").await;
    app.org.fault(Fault::IdTokenAudienceArray);
    let out = post(&mut app.signed_in(ADA).await, "/logout", &PAGE).await;
    let client = ("client_id".to_owned(), app.org.client().client_id);
    assert!(parameters(out.location()).contains(&client), "a list of one: {}", out.location());
}

fn parameters(url: &str) -> Vec<(String, String)> {
    url::Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

pub(crate) async fn a_long_id_token_is_posted_to_okta<F: Framework>() {
    let app = app_with_many_groups::<F>().await;
    let mut browser = app.signed_in(ADA).await;
    assert_eq!(okta_sessions(&app), 1);
    let page = post(&mut browser, "/logout", &PAGE).await;
    assert_eq!((page.status.as_u16(), page.location()), (200, ""), "{}", page.body);
    assert!(!browser.is_signed_in().await, "the session here ends first");
    let policy = page.header("content-security-policy");
    for part in
        ["default-src 'none'", "script-src 'sha256-", "form-action 'self' https: http:", "frame-ancestors 'none'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("script-src 'unsafe-inline'") && !policy.contains("script-src *"), "{policy}");
    assert_eq!((page.header("x-frame-options"), page.header("cache-control")), ("DENY", "no-store"));
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin", "no other window reaches the form");
    assert!(page.body.contains("<button>Continue</button>"), "a way on without scripts");
    let (action, fields) = form(&page);
    assert_eq!(action, format!("{}/v1/logout", app.org.issuer()));
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["id_token_hint", "post_logout_redirect_uri", "state"]);
    assert!(fields[0].1.len() > 15_000, "{}", fields[0].1.len());
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let back = app.browser().send(Method::POST, &action, &headers, body).await;
    assert!(back.status.is_redirection(), "the org refuses the sign-out: {}", back.body);
    assert!(back.location().starts_with(&format!("{}/?state=", app.base)), "{}", back.location());
}

/// The redirect is for URLs of at most 8,000 bytes, which every server takes.
pub(crate) async fn the_length_of_the_url_decides_between_redirect_and_form<F: Framework>() {
    let app = app::<F>("memory").await;
    for (groups, status) in [(25, 303), (40, 200)] {
        app.org.put_user(User::ada().groups((0..groups).map(|number| format!("group-{number:0160}"))));
        let mut browser = app.signed_in(ADA).await;
        let out = post(&mut browser, "/logout", &PAGE).await;
        assert_eq!(out.status, status, "{groups} groups: {}", out.location().len());
        assert!(out.location().len() <= 8_000, "{}", out.location().len());
        assert!(
            status == 303 || form(&out).0.len() + form(&out).1[0].1.len() < 12_000,
            "a URL that is only a bit too long"
        );
    }
}

/// The form's values come from the configuration, but must still be escaped.
pub(crate) async fn the_form_to_okta_escapes_what_it_carries<F: Framework>() {
    let org = org_with_groups().await;
    org.put_user(User::ada().groups((0..90).map(|number| format!("</script><script>\"'&{number:0150}"))));
    let app = App::with::<F>(org, |config| {
        config.session_store("memory").post_logout_redirect_uri("http://localhost:1/?a=%22%3E%3C/script%3E&b='c'")
    });
    let app = app.await;
    let mut browser = app.signed_in(ADA).await;
    let page = post(&mut browser, "/logout", &PAGE).await;
    let landing = |cookie: &&str| cookie.contains("_signed_out");
    assert!(!page.set_cookies().iter().any(landing), "it does not come back here: {:?}", page.set_cookies());
    assert_eq!(page.body.matches("<script>").count(), 1, "{}", page.body);
    assert_eq!(page.body.matches("<input").count(), 3, "{}", page.body);
    let (_, fields) = form(&page);
    assert!(fields[1].1.starts_with("http://localhost:1/?a=%22%3E%3C/script%3E&b="), "{:?}", fields[1]);
    assert!(
        !page.body.contains("b='c'") && page.body.contains("&amp;b="),
        "it stays inside its attribute: {}",
        page.body
    );
}

pub(crate) async fn a_script_gets_an_address_that_leads_to_okta_once<F: Framework>() {
    for store in STORES {
        let app = app::<F>(store).await;
        let mut browser = app.signed_in(ADA).await;
        let out = post(&mut browser, "/logout", &SCRIPT).await;
        let location = address(&out);
        assert!(location.starts_with('/'), "a path of the application: {location}");
        assert!(!browser.clone().is_signed_in().await, "{store}");
        // The first characters of every signed token of the org.
        let token: String = app.org.token().id_token(ADA, None).sign().chars().take(12).collect();
        let hidden = browser.jar.values().chain([&out.body, &location]).all(|text| !text.contains(&token));
        assert!(hidden, "{store}: the ID token is in what the browser has");
        assert!(out.set_cookies().iter().all(|cookie| cookie.contains("HttpOnly")), "{:?}", out.set_cookies());

        // A script that follows the URL itself gets no token and does not consume the URL.
        for headers in
            [&SCRIPT[..], &[("accept", "application/json")], &[("accept", "text/html"), ("sec-fetch-mode", "cors")]]
        {
            let read = browser.send(Method::GET, &location, headers, String::new()).await;
            assert_eq!((read.status.as_u16(), read.location()), (405, ""), "{store}");
        }
        let elsewhere = app.browser().navigate(&location).await;
        assert!(elsewhere.status == 400 && elsewhere.body.contains("sign_out_link_invalid"), "{}", elsewhere.body);
        let copy = browser.clone();
        let on = browser.navigate(&location).await;
        assert!(on.status == 303 && leads_to_okta(&app, &on), "{store}: {} {}", on.status, on.location());
        for mut again in [browser.clone(), copy] {
            let again = again.navigate(&location).await;
            assert_eq!((again.status.as_u16(), again.location()), (400, ""), "{store}: a second time");
        }
        assert!(browser.jar.keys().all(|name| !name.ends_with("_sign_out")), "{:?}", browser.jar);
    }
}

/// Browsers without Fetch metadata, and clients that are none: what they accept decides.
pub(crate) async fn without_fetch_metadata_what_a_client_accepts_decides<F: Framework>() {
    let app = app::<F>("memory").await;
    for (headers, script) in [
        (vec![("accept", "text/html,application/xhtml+xml,*/*;q=0.8")], false),
        (vec![("accept", "text/html"), ("x-requested-with", "com.example.app")], false),
        (vec![("accept", "*/*")], false),
        (vec![], false),
        (vec![("accept", "application/json")], true),
        (vec![("accept", "application/json, text/plain, */*")], true),
        (vec![("accept", "*/*"), ("x-requested-with", "XMLHttpRequest")], true),
    ] {
        let out = post(&mut app.signed_in(ADA).await, "/logout", &headers).await;
        let (status, okta) = if script { (200, false) } else { (303, true) };
        assert_eq!((out.status.as_u16(), leads_to_okta(&app, &out)), (status, okta), "{headers:?}");
        assert!(!script || address(&out) == CONTINUE, "{headers:?}");
    }
}

pub(crate) async fn the_address_of_a_script_works_for_a_minute_in_its_browser<F: Framework>() {
    for store in STORES {
        let app = app::<F>(store).await;
        app.org.clock().stop();
        for (seconds, status) in [(59, 303), (60, 400)] {
            let mut browser = app.signed_in(ADA).await;
            let location = address(&post(&mut browser, "/logout", &SCRIPT).await);
            app.org.clock().advance(Duration::from_secs(seconds));
            assert_eq!(browser.navigate(&location).await.status, status, "{store}: after {seconds} s");
        }
        // Modified, truncated, for another purpose, or in another browser: each is rejected.
        let mut browser = app.signed_in(ADA).await;
        let session = browser.jar.clone();
        let location = address(&post(&mut browser, "/logout", &SCRIPT).await);
        let (name, value) = browser.jar.iter().find(|(name, _)| name.ends_with("_sign_out")).unwrap();
        let (name, value) = (name.clone(), value.clone());
        let last = if value.ends_with('A') { "B" } else { "A" };
        let changed = [
            format!("{}{last}", &value[..value.len() - 1]),
            value[..value.len() / 2].to_owned(),
            session.values().next().unwrap().clone(),
            String::new(),
            "1.".to_owned(),
        ];
        for value in changed {
            let mut other = app.browser();
            other.jar.insert(name.clone(), value);
            assert_eq!(other.navigate(&location).await.status, 400, "{store}");
        }
        assert_eq!(browser.navigate(&location).await.status, 303, "{store}: control");
    }
}

pub(crate) async fn a_browser_that_is_signed_in_again_is_asked_first<F: Framework>() {
    let app = app::<F>("memory").await;
    let mut browser = app.signed_in(ADA).await;
    post(&mut browser, "/logout", &SCRIPT).await;
    browser.sign_in(&app.org, ADA, "/profile").await;
    let page = browser.navigate(CONTINUE).await;
    assert!(page.status == 405 && page.body.contains("Do you want to sign out?"), "{}", page.body);
    assert!(browser.is_signed_in().await);
}

pub(crate) async fn a_script_signs_out_with_a_long_id_token<F: Framework>() {
    let app = app_with_many_groups::<F>().await;
    let mut browser = app.signed_in(ADA).await;
    let location = address(&post(&mut browser, "/logout", &SCRIPT).await);
    let page = browser.navigate(&location).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(form(&page).0, format!("{}/v1/logout", app.org.issuer()));
    assert_eq!(browser.navigate(&location).await.status, 400, "a second time");
}

/// Without a session, and with Okta down, a script gets the post-logout redirect URI itself.
pub(crate) async fn a_script_that_need_not_go_to_okta_gets_the_landing_page<F: Framework>() {
    for store in STORES {
        let app = app::<F>(store).await;
        let landing = format!("{}/", app.base);
        assert_eq!(address(&post(&mut app.browser(), "/logout", &SCRIPT).await), landing, "{store}: no session");
        let (mut ada, ben) = (app.signed_in(ADA).await, app.signed_in(BEN).await);
        let copy = ada.clone();
        post(&mut ada, "/logout", &PAGE).await;
        assert_eq!(address(&post(&mut copy.clone(), "/logout", &SCRIPT).await), landing, "{store}: revoked");
        app.org.stop();
        let mut fresh = ben;
        let answer = post(&mut fresh, "/logout", &SCRIPT).await;
        // If the metadata is cached, the browser fails to reach Okta's page instead.
        assert!(["/logout?continue", landing.as_str()].contains(&address(&answer).as_str()), "{store}");
        assert!(!fresh.is_signed_in().await, "{store}");
        let foreign = post(&mut copy.clone(), "/logout", &[("origin", "https://evil.example")]).await;
        assert_eq!(foreign.status, 403);
    }
}

// -- after sign-out ---------------------------------------------------------------------------------------------------

/// Signs out and returns the URL that the org redirects the browser to.
async fn signed_out(app: &App, browser: &mut Browser) -> String {
    let out = browser.post("/logout", "").await;
    let back = Browser::new(&app.base).navigate(out.location()).await;
    assert!(back.location().starts_with(&format!("{}/?state=", app.base)), "{}", back.location());
    back.location().to_owned()
}

pub(crate) async fn the_state_of_a_sign_out_leaves_the_address_once<F: Framework>() {
    for store in STORES {
        let app = app::<F>(store).await;
        let mut browser = app.signed_in(ADA).await;
        let back = signed_out(&app, &mut browser).await;
        let state = back.split("state=").nth(1).unwrap().to_owned();
        // Scripts, other browsers and other states have no effect.
        assert_eq!(browser.fetch(&back).await.body, "anonymous", "{store}");
        assert_eq!(app.browser().navigate(&back).await.body, "anonymous", "{store}");
        assert_eq!(browser.navigate("/?state=mine").await.body, "anonymous", "{store}");
        let form = post(&mut browser.clone(), &back, &PAGE).await;
        assert_ne!(form.status, 303, "{store}: the form would be lost");
        let mut late = browser.clone();
        let answer = browser.navigate(&back).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, format!("{}/", app.base).as_str()), "{store}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(browser.navigate(&back).await.body, "anonymous", "{store}: once");
        app.org.clock().advance(Duration::from_secs(600));
        assert_eq!(late.navigate(&back).await.body, "anonymous", "{store}: ten minutes later");

        // The rest of the URL is unchanged, and a path never becomes a host.
        let mut other = app.signed_in(ADA).await;
        let back = signed_out(&app, &mut other).await;
        let own = back.split("state=").nth(1).unwrap();
        let answer = other.clone().navigate(&format!("/echo?a=%20b&state={own}&state={state}&c")).await;
        assert_eq!(answer.location(), format!("{}/echo?a=%20b&state={state}&c", app.base), "{store}");
        let answer = other.clone().navigate(&format!("//evil.example/?state={own}")).await;
        assert_eq!(answer.location(), format!("{}//evil.example/", app.base), "{store}");
    }
}

pub(crate) async fn an_application_says_once_that_the_user_is_signed_out<F: Framework>() {
    for store in STORES {
        let app = app::<F>(store).await;
        let mut browser = app.signed_in(ADA).await;
        assert_eq!(browser.navigate("/signed-out").await.body, "false");
        let back = signed_out(&app, &mut browser).await;
        assert_eq!(browser.navigate("/signed-out").await.body, "false", "{store}: it has not come back");
        browser.navigate(&back).await;
        assert_eq!(browser.fetch("/signed-out").await.body, "false", "{store}: a script is not shown it");
        let mut again = browser.clone();
        again.sign_in(&app.org, BEN, "/profile").await;
        assert_eq!(again.navigate("/signed-out").await.body, "false", "{store}: signed in again");
        let mut late = browser.clone();
        let shown = browser.navigate("/signed-out").await;
        assert_eq!((shown.body.as_str(), shown.header("cache-control")), ("true", "no-store"), "{store}");
        assert_eq!(browser.navigate("/signed-out").await.body, "false", "{store}: once");
        app.org.clock().advance(Duration::from_secs(61));
        assert_eq!(late.navigate("/signed-out").await.body, "false", "{store}: a minute later");
        let mut ben = app.signed_in(BEN).await;
        let script = address(&post(&mut ben, "/logout", &SCRIPT).await);
        let on = ben.navigate(&script).await;
        let back = Browser::new(&app.base).navigate(on.location()).await.location().to_owned();
        ben.navigate(&back).await;
        assert_eq!(ben.navigate("/signed-out").await.body, "true", "{store}: after a script's sign-out");
    }
}

pub(crate) async fn a_page_of_the_library_says_that_the_user_is_signed_out<F: Framework>() {
    let app = app_with::<F>("cookie", |config| config.signed_out_page(true)).await;
    let mut browser = app.signed_in(ADA).await;
    let back = signed_out(&app, &mut browser).await;
    let answer = browser.navigate(&back).await;
    let page = browser.navigate(answer.location()).await;
    assert!(page.status == 200 && page.body.contains("You are signed out"), "{}", page.body);
    assert!(page.body.contains("href=\"/login\"") && page.body.contains("href=\"/\""), "{}", page.body);
    assert_eq!(browser.navigate("/").await.body, "anonymous", "once");
    let mut browser = app.signed_in(ADA).await;
    let back = signed_out(&app, &mut browser).await;
    browser.navigate(&back).await;
    browser.sign_in(&app.org, ADA, "/profile").await;
    assert_eq!(browser.navigate("/").await.body, "Ada Lovelace", "a user who is signed in again is not shown it");
}

// -- Universal Logout -------------------------------------------------------------------------------------------------

pub(crate) async fn universal_logout_by_email_needs_the_email<F: Framework>() {
    for store in STORES {
        for (scopes, status) in [("openid profile", 422), ("openid profile email", 204)] {
            let app = app_with::<F>(store, |config| config.scopes(scopes)).await;
            let mut browser = app.signed_in(ADA).await;
            let endpoint = format!("{}/global-token-revocation", app.base);
            let sent = app.org.global_revocation(ADA).to(&endpoint).send().await;
            assert_eq!(sent.status, Some(status), "{store} {scopes}: {sent:?}");
            assert_eq!(browser.is_signed_in().await, status == 422, "{store} {scopes}");
            if status == 422 {
                assert!(sent.body.contains("logout_unsupported"), "{sent:?}");
                // Another subject format for the same user needs no e-mail address.
                let id = serde_json::json!({ "format": "opaque", "id": app.org.user(ADA).unwrap().id });
                let sent = app.org.global_revocation(ADA).to(&endpoint).sub_id(id).send().await;
                assert_eq!(sent.status, Some(204), "{store}: {sent:?}");
                assert!(!browser.is_signed_in().await, "{store}");
            }
        }
    }
}
