//! The sign-in page: what a person, a screen reader and a password manager find on it.

use okta_auth_dev::{ADA, ADA_PASSWORD, BEN, Org, Response, User};

use crate::support::*;

async fn page(org: &Org, changes: &[(&str, &str)]) -> String {
    match org.browser().open(&authorize_url(org, &org.issuer(), changes)).await.unwrap() {
        Response::Page { status: 200, body } => body,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn it_is_accessible() {
    let org = Org::builder().name("Acme & Sons").start().await.unwrap();
    let html = page(&org, &[("login_hint", BEN)]).await;
    assert!(html.starts_with("<!doctype html><html lang=\"en\">"));
    assert!(html.contains("<title>Sign In - Acme &amp; Sons</title>"));
    for name in ["username", "password"] {
        assert!(html.contains(&format!("<label for=\"{name}\">")), "{name}");
        assert!(html.contains(&format!("<input id=\"{name}\" name=\"{name}\"")), "{name}");
    }
    assert!(html.contains("autocomplete=\"username\"") && html.contains("autocomplete=\"current-password\""));
    assert!(html.contains(&format!("value=\"{BEN}\"")), "login_hint fills in the username");
    assert!(html.contains("<main>") && html.contains("<h1>") && html.contains("name=\"viewport\""));
    assert!(html.contains("prefers-color-scheme:dark"));
    assert!(!html.contains("<script") && !html.contains("src="), "no scripts, no outside assets");
}

#[tokio::test]
async fn it_is_protected() {
    let org = Org::start().await.unwrap();
    let answer = get(&authorize_url(&org, &org.issuer(), &[]));
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert!(answer.header("cache-control").contains("no-store"));
    let nasty = page(&org, &[("login_hint", "\"><script>alert(1)</script>")]).await;
    assert!(!nasty.contains("<script>"));
}

#[tokio::test]
async fn a_test_user_is_one_click_away() {
    let org = Org::builder().user(User::new("eve@example.test", "p\"<w>'").name("Eve", "<b>")).start().await.unwrap();
    let html = page(&org, &[]).await;
    for user in org.users() {
        let escaped = user.login.replace('&', "&amp;");
        assert!(html.contains(&format!("name=\"username\" value=\"{escaped}\"")), "{escaped}");
    }
    assert!(html.contains("Eve &lt;b&gt;"));
    assert!(html.contains("value=\"p&quot;&lt;w&gt;&#39;\""));
    let response = org.sign_in(&authorize_url(&org, &org.issuer(), &[]), "eve@example.test").await.unwrap();
    assert!(response.param("code").is_some());
}

#[tokio::test]
async fn a_wrong_password_may_be_corrected() {
    let org = Org::start().await.unwrap();
    let mut browser = org.browser();
    let url = authorize_url(&org, &org.issuer(), &[]);
    for (user, password) in [(ADA, "wrong"), ("nobody@example.test", ADA_PASSWORD)] {
        let response = browser.sign_in_with(&url, user, password).await.unwrap();
        let Response::Page { status: 401, body } = response else { panic!("{response:?}") };
        assert!(body.contains("role=\"alert\"") && body.contains("Unable to sign in"));
        assert!(body.contains(&format!("name=\"username\" value=\"{user}\"")));
        assert!(!browser.has_session());
    }
    assert!(browser.sign_in_with(&url, " ADA@example.test ", ADA_PASSWORD).await.unwrap().param("code").is_some());
    assert!(org.sign_in(&url, "nobody@example.test").await.unwrap().target().is_none());
}

#[tokio::test]
async fn a_form_without_its_request_leads_nowhere() {
    let org = Org::start().await.unwrap();
    let fields = [("stateToken", "made-up"), ("username", ADA), ("password", ADA_PASSWORD)];
    let response = org.browser().submit(&format!("{}/signin", org.url()), &fields).await.unwrap();
    assert!(matches!(response, Response::Page { status: 400, .. }), "{response:?}");
    assert!(get(org.url()).body.contains("/.well-known/openid-configuration"));
}
