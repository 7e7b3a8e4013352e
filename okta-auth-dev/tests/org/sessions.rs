//! The claim `sid`: one value per Okta session, in every ID token of an app with Single
//! Logout.

use okta_auth_dev::{ADA, BEN, Browser, Org};
use serde_json::Value;

use crate::support::*;

/// The token response of a sign-in in this browser, with changes to the request.
async fn body(org: &Org, browser: &mut Browser, login: &str, changes: &[(&str, &str)]) -> Value {
    let url = authorize_url(org, &org.issuer(), &[&[("scope", "openid offline_access")], changes].concat());
    let response = browser.sign_in(&url, login).await.unwrap();
    exchange(org, &response.param("code").unwrap(), &[]).json()
}

/// An org whose app uses Single Logout.
async fn org() -> Org {
    let org = Org::start().await.unwrap();
    org.put_client(org.client().frontchannel_logout("http://localhost:8080/frontchannel-logout"));
    org
}

fn sid(body: &Value) -> String {
    claims(&body["id_token"])["sid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_id_token_of_a_session_has_its_sid() {
    let org = org().await;
    let mut browser = org.browser();
    let first = body(&org, &mut browser, ADA, &[]).await;
    let renewed = refresh(&org, first["refresh_token"].as_str().unwrap()).json();
    assert_eq!(sid(&first), sid(&renewed), "a refresh keeps the sid");
    for changes in [&[][..], &[("prompt", "login")], &[("acr_values", "urn:okta:loa:2fa:any")]] {
        let again = body(&org, &mut browser, ADA, changes).await;
        assert_eq!(sid(&again), sid(&first), "{changes:?}");
    }
    assert!(claims(&first["access_token"]).get("sid").is_none());
}

#[tokio::test]
async fn another_session_has_another_sid() {
    let org = org().await;
    let mut browser = org.browser();
    let first = sid(&body(&org, &mut browser, ADA, &[]).await);
    assert_ne!(sid(&body(&org, &mut org.browser(), ADA, &[]).await), first, "another browser");
    let other = sid(&body(&org, &mut browser, BEN, &[("prompt", "login")]).await);
    assert_ne!(other, first, "another user in the same browser");
    org.clock().advance(std::time::Duration::from_secs(7201));
    assert_ne!(sid(&body(&org, &mut browser, BEN, &[]).await), other, "the earlier session had expired");
}

#[tokio::test]
async fn an_app_without_session_details_gets_no_sid() {
    let org = org().await;
    let app = org.client();
    let uri = "http://localhost:8080/frontchannel-logout";
    for (client, named) in [
        (app.clone().frontchannel_logout(uri).frontchannel_logout_session_required(false), false),
        (app.clone().session_claim(false), false),
        (app.session_claim(true), true),
    ] {
        org.put_client(client);
        let body = body(&org, &mut org.browser(), ADA, &[]).await;
        assert_eq!(claims(&body["id_token"]).get("sid").is_some(), named);
    }
}
