//! Single Logout through the browser: the notices to other apps when a session ends.

use okta_auth_dev::{ADA, Browser, Client, Org, Response};
use serde_json::{Value, json};
use url::Url;

use crate::support::*;

const HOME: &str = "http://localhost:8080/";

/// An org with a second app that uses Single Logout.
async fn org(uri: &str) -> Org {
    let org = Org::start().await.unwrap();
    org.put_client(Client::web("0oasecond", "s").redirect_uri(CALLBACK).frontchannel_logout(uri));
    org
}

/// Signs Ada in to these apps and returns the ID token of the first client.
async fn sign_in_to(org: &Org, browser: &mut Browser, apps: &[&str]) -> String {
    let mut id_token = Value::Null;
    for app in [&[org.client().client_id.as_str()], apps].concat() {
        let url = authorize_url(org, &org.issuer(), &[("client_id", app)]);
        let code = browser.sign_in(&url, ADA).await.unwrap().param("code").unwrap();
        if app == org.client().client_id {
            id_token = exchange(org, &code, &[]).json()["id_token"].clone();
        }
    }
    id_token.as_str().unwrap().to_owned()
}

async fn sign_out(org: &Org, browser: &mut Browser, fields: &[(&str, &str)]) -> Response {
    browser.submit(&format!("{}/v1/logout", org.issuer()), fields).await.unwrap()
}

/// The parameters of a frame.
fn params(frame: &str) -> Vec<(String, String)> {
    Url::parse(frame).unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn the_other_apps_of_a_session_are_notified_in_frames() {
    let org = org("http://localhost:3000/frontchannel-logout?a=<1>").await;
    org.put_client(org.client().frontchannel_logout("http://localhost:8080/frontchannel-logout"));
    org.put_client(Client::web("0oathird", "s").redirect_uri(CALLBACK));
    let mut browser = org.browser();
    let hint = sign_in_to(&org, &mut browser, &["0oasecond", "0oathird"]).await;
    let sid = org.sessions()[0].sid.clone();
    let fields = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", HOME), ("state", "s&1")];
    let Response::FrontChannel { frames, next } = sign_out(&org, &mut browser, &fields).await else { panic!() };
    assert_eq!(next.as_deref(), Some("http://localhost:8080/?state=s%261"));
    assert_eq!(frames.len(), 1, "neither the initiator nor the app without Single Logout: {frames:?}");
    assert!(frames[0].starts_with("http://localhost:3000/frontchannel-logout?"));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(params(&frames[0]), [pair("a", "<1>"), pair("iss", &org.issuer()), pair("sid", &sid)]);
    assert!(!browser.has_session() && org.sessions().is_empty());
    let again = sign_out(&org, &mut browser, &fields).await;
    assert!(matches!(again, Response::Redirect(_)), "apps are notified once: {again:?}");
}

#[tokio::test]
async fn an_app_can_omit_session_details() {
    let org = org("http://localhost:3000/frontchannel-logout").await;
    let second = org.client_with_id("0oasecond").unwrap();
    org.put_client(second.frontchannel_logout_session_required(false));
    let mut browser = org.browser();
    let hint = sign_in_to(&org, &mut browser, &["0oasecond"]).await;
    let response = sign_out(&org, &mut browser, &[("id_token_hint", &hint)]).await;
    let frames = vec!["http://localhost:3000/frontchannel-logout".to_owned()];
    let next = Some(format!("{}/signin", org.url()));
    assert_eq!(response, Response::FrontChannel { frames, next });
}

#[tokio::test]
async fn the_page_allows_only_these_frames() {
    let org = org("http://localhost:3000/frontchannel-logout").await;
    let mut browser = org.browser();
    let hint = sign_in_to(&org, &mut browser, &["0oasecond"]).await;
    let cookie = format!("idx={}", cookie_of(&org, &mut browser).await);
    let query = encode(&[("id_token_hint", &hint), ("post_logout_redirect_uri", HOME)]);
    let answer = send("GET", &format!("{}/v1/logout?{query}", org.issuer()), &[("cookie", &cookie)], "");
    let policy = answer.header("content-security-policy").to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-src http://localhost:3000;"), "{policy}");
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(answer.body.contains(&format!("<script nonce=\"{nonce}\">")) && answer.body.contains("<iframe hidden"));
    assert!(
        answer.body.contains("<a id=\"next\" href=\"http://localhost:8080/\">"),
        "a link for browsers without scripts"
    );
    assert_eq!(answer.header("cache-control"), "no-cache, no-store");
}

#[tokio::test]
async fn a_failed_sign_out_notifies_no_app() {
    let org = org("http://localhost:3000/frontchannel-logout").await;
    let mut browser = org.browser();
    let hint = sign_in_to(&org, &mut browser, &["0oasecond"]).await;
    let fields = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", "http://evil.example/")];
    assert!(matches!(sign_out(&org, &mut browser, &fields).await, Response::Page { status: 400, .. }));
    assert_eq!(org.sessions().len(), 1);
}

#[tokio::test]
async fn apps_are_notified_without_a_browser_when_an_administrator_ends_a_session() {
    let app = App::start(&[200]);
    let org = org(&format!("{}/frontchannel-logout", app.origin)).await;
    let mut browser = org.browser();
    sign_in_to(&org, &mut browser, &["0oasecond"]).await;
    let sid = org.sessions()[0].sid.clone();
    let uris = org.frontchannel_logout_uris(&sid);
    assert_eq!(uris.len(), 1);
    let deliveries = org.end_session(&sid).await;
    assert_eq!((deliveries.len(), deliveries[0].status, &deliveries[0].uri), (1, Some(200), &uris[0]));
    let received = &app.received()[0];
    let target = received.line.strip_prefix("GET ").unwrap().strip_suffix(" HTTP/1.1").unwrap();
    assert_eq!(format!("{}{target}", app.origin), uris[0]);
    assert!(!received.headers.contains_key("cookie"));
    assert!(org.sessions().is_empty() && org.frontchannel_logout_uris(&sid).is_empty());
    assert!(org.end_session(&sid).await.is_empty(), "the session has ended");
}

#[tokio::test]
async fn the_test_api_lists_and_ends_sessions() {
    let app = App::start(&[200]);
    let org = org(&format!("{}/frontchannel-logout", app.origin)).await;
    let mut browser = org.browser();
    sign_in_to(&org, &mut browser, &["0oasecond"]).await;
    let sessions = get(&format!("{}/dev/sessions", org.url())).json();
    let sid = sessions[0]["sid"].as_str().unwrap();
    assert_eq!((&sessions[0]["login"], sessions[0]["apps"].as_array().unwrap().len()), (&json!(ADA), 2));
    let answer = send("DELETE", &format!("{}/dev/sessions/{sid}", org.url()), &[], "").json();
    assert_eq!((&answer[0]["client_id"], &answer[0]["status"]), (&json!("0oasecond"), &json!(200)));
    assert_eq!(get(&format!("{}/dev/sessions", org.url())).json(), json!([]));
}
