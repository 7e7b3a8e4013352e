//! Sign-out at the org.

use okta_auth_dev::{ADA, BEN, Browser, Fault, Org, OrgBuilder, Response};
use url::form_urlencoded::Serializer;

use crate::support::*;

async fn signed_in(org: &Org, user: &str) -> (Browser, String) {
    let mut browser = org.browser();
    let response = browser.sign_in(&authorize_url(org, &org.issuer(), &[]), user).await.unwrap();
    let body = exchange(org, &response.param("code").unwrap(), &[]).json();
    (browser, body["id_token"].as_str().unwrap().to_owned())
}

fn url(org: &Org, fields: &[(&str, &str)]) -> String {
    let query = Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("{}/v1/logout?{query}", org.issuer())
}

fn refused(response: &Response, words: &str) -> bool {
    matches!(response, Response::Page { status: 400, body } if body.contains(words))
}

const HOME: &str = "http://localhost:8080/";

#[tokio::test]
async fn signing_out_ends_the_session_and_returns_the_state() {
    let org = Org::start().await.unwrap();
    for method in ["GET", "POST"] {
        let (mut browser, hint) = signed_in(&org, ADA).await;
        let fields = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", HOME), ("state", "s 1")];
        let response = match method {
            "GET" => browser.open(&url(&org, &fields)).await,
            _ => browser.submit(&format!("{}/v1/logout", org.issuer()), &fields).await,
        };
        assert_eq!(response.unwrap(), Response::Redirect(format!("{HOME}?state=s+1")), "{method}");
        assert!(!browser.has_session());
        let silent = browser.open(&authorize_url(&org, &org.issuer(), &[("prompt", "none")])).await.unwrap();
        assert_eq!(silent.param("error").unwrap(), "login_required");
    }
}

#[tokio::test]
async fn an_expired_hint_is_accepted_and_sign_out_without_a_session_succeeds() {
    let org = Org::start().await.unwrap();
    let (_, hint) = signed_in(&org, ADA).await;
    org.clock().advance(std::time::Duration::from_secs(86_400 * 30));
    org.rotate_keys();
    let fields = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", HOME)];
    let response = org.browser().open(&url(&org, &fields)).await.unwrap();
    assert_eq!(response, Response::Redirect(HOME.to_owned()));
}

#[tokio::test]
async fn without_a_target_the_org_shows_its_sign_in_page() {
    let org = Org::start().await.unwrap();
    let (mut browser, hint) = signed_in(&org, ADA).await;
    let response = browser.open(&url(&org, &[("id_token_hint", &hint)])).await.unwrap();
    let Response::Page { status: 200, body } = response else { panic!("{response:?}") };
    assert!(body.contains("name=\"username\"") && body.contains("to Okta Dev"), "{body}");
    assert!(!browser.has_session());
    // The page signs in at the org itself; afterwards an app needs no password.
    let own = format!("{}/signin", org.url());
    let home = browser.sign_in(&own, ADA).await.unwrap();
    assert_eq!(home, Response::Redirect(format!("{}/", org.url())));
    let silent = browser.open(&authorize_url(&org, &org.issuer(), &[("prompt", "none")])).await.unwrap();
    assert!(silent.param("code").is_some(), "{silent:?}");
}

#[tokio::test]
async fn a_bad_request_ends_on_a_page_and_keeps_the_session() {
    let org = Org::start().await.unwrap();
    let (mut browser, hint) = signed_in(&org, ADA).await;
    let access = org.token().access_token(ADA, ["openid"]).sign();
    let forged = org.token().id_token(ADA, None).bad_signature().sign();
    let foreign = Org::start().await.unwrap().token().id_token(ADA, None).sign();
    for bad in ["junk", &access, &forged, &foreign] {
        let response = browser.open(&url(&org, &[("id_token_hint", bad)])).await.unwrap();
        assert!(refused(&response, "The id token is invalid."), "{response:?}");
    }
    let response = browser.open(&url(&org, &[("post_logout_redirect_uri", HOME)])).await.unwrap();
    assert!(refused(&response, "id_token_hint"));
    for target in ["http://localhost:8080//", "http://evil.example/", "http://localhost:8080/x"] {
        let fields = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", target)];
        let response = browser.open(&url(&org, &fields)).await.unwrap();
        assert!(refused(&response, "must be a Logout redirect URI"), "{response:?}");
    }
    let still = browser.open(&authorize_url(&org, &org.issuer(), &[("prompt", "none")])).await.unwrap();
    assert!(still.param("code").is_some(), "{still:?}");
}

/// Okta's JavaScript SDK sends `location.origin` by default, which has no slash.
#[tokio::test]
async fn an_origin_is_a_target_with_and_without_a_slash() {
    let variables =
        [("OKTA_DEV_ORIGINS", "http://localhost:3000/"), ("OKTA_DEV_REDIRECT_URIS", "http://localhost:8080/cb")];
    let variables = variables.into_iter().chain([("OKTA_DEV_REDIRECT_URIS", "http://localhost:4000/cb")]);
    let org = OrgBuilder::from_variables(variables).unwrap().start().await.unwrap();
    org.allow_redirect("http://localhost:5000");
    for port in [8080, 3000, 4000, 5000] {
        let home = format!("http://localhost:{port}/");
        for target in [home.trim_end_matches('/'), &home] {
            let (mut browser, hint) = signed_in(&org, ADA).await;
            let fields = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", target)];
            let response = browser.open(&url(&org, &fields)).await.unwrap();
            assert_eq!(response, Response::Redirect(home.clone()), "{target}");
        }
    }
}

#[tokio::test]
async fn a_hint_about_another_user_is_rejected() {
    let org = Org::start().await.unwrap();
    let (mut browser, _) = signed_in(&org, ADA).await;
    let (_, of_ben) = signed_in(&org, BEN).await;
    let response = browser.open(&url(&org, &[("id_token_hint", &of_ben)])).await.unwrap();
    assert!(refused(&response, "id_token_does_not_match_session"), "{response:?}");
}

#[tokio::test]
async fn faults_change_the_state() {
    let org = Org::start().await.unwrap();
    let (mut browser, hint) = signed_in(&org, ADA).await;
    let url = url(&org, &[("id_token_hint", &hint), ("post_logout_redirect_uri", HOME), ("state", "abc")]);
    org.fault_once(Fault::LogoutState);
    assert_eq!(browser.open(&url).await.unwrap().param("state").unwrap(), "abc1");
    org.fault_once(Fault::LogoutNoState);
    assert_eq!(browser.open(&url).await.unwrap(), Response::Redirect(HOME.to_owned()));
    assert_eq!(browser.open(&url).await.unwrap().param("state").unwrap(), "abc");
}
