//! Requests for authorization that are not in order, and where their errors go.

use okta_auth_dev::{Client, Org, Response, SERVICE_CLIENT_ID};

use crate::support::*;

#[tokio::test]
async fn what_cannot_be_trusted_gets_a_page() {
    let org = Org::start().await.unwrap();
    let cases = [
        ("client_id", "nobody", "client_id"),
        ("client_id", "", "client_id"),
        ("redirect_uri", "http://evil.example/", "must be a Login redirect URI"),
        ("redirect_uri", "http://localhost:8080/authorization-code/callback/", "must be a Login redirect URI"),
        ("redirect_uri", "", "must be a Login redirect URI"),
    ];
    for (name, value, words) in cases {
        let url = authorize_url(&org, &org.issuer(), &[(name, value)]);
        let response = org.browser().open(&url).await.unwrap();
        assert!(matches!(&response, Response::Page { status: 400, body } if body.contains(words)), "{response:?}");
    }
    let twice = format!("{}&scope=openid", authorize_url(&org, &org.issuer(), &[]));
    assert_eq!(get(&twice).status, 400);
}

#[tokio::test]
async fn everything_else_goes_to_the_app() {
    let org = Org::start().await.unwrap();
    let cases = [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "unsupported_response_type"),
        ("response_mode", "fragment", "unsupported_response_mode"),
        ("response_mode", "okta_post_message", "unsupported_response_mode"),
        ("state", "", "invalid_request"),
        ("scope", "", "invalid_scope"),
        ("scope", "profile", "invalid_scope"),
        ("scope", "openid nonsense", "invalid_scope"),
        ("scope", "openid groups", "invalid_scope"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("prompt", "sometimes", "invalid_request"),
        ("prompt", "none login", "invalid_request"),
        ("max_age", "-1", "invalid_request"),
        ("max_age", "2147483648", "invalid_request"),
    ];
    for (name, value, error) in cases {
        let url = authorize_url(&org, &org.issuer(), &[(name, value)]);
        let response = org.browser().open(&url).await.unwrap();
        assert!(response.target().is_some_and(|url| url.starts_with(CALLBACK)), "{name}={value}: {response:?}");
        assert_eq!(response.param("error").unwrap(), error, "{name}={value}");
        assert!(!response.param("error_description").unwrap().is_empty());
        let state = (name != "state").then(|| "the-state".to_owned());
        assert_eq!(response.param("state"), state);
    }
}

#[tokio::test]
async fn errors_come_the_way_the_request_asked_for() {
    let org = Org::start().await.unwrap();
    let url =
        authorize_url(&org, &org.issuer(), &[("response_mode", "form_post"), ("prompt", "none"), ("max_age", "0")]);
    let response = org.browser().open(&url).await.unwrap();
    assert!(matches!(&response, Response::FormPost { action, .. } if action == CALLBACK), "{response:?}");
    assert_eq!(response.param("error").unwrap(), "invalid_request");
}

#[tokio::test]
async fn a_request_may_be_posted() {
    let org = Org::start().await.unwrap();
    let url = authorize_url(&org, &org.issuer(), &[]);
    let (base, query) = url.split_once('?').unwrap();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert!(send("POST", base, &form, query).body.contains("stateToken"));
    assert_eq!(send("POST", &url, &form, query).status, 400, "a form and a query");
}

#[tokio::test]
async fn clients_are_held_to_their_settings() {
    let org = Org::start().await.unwrap();
    org.put_client(Client::web("0oastrict", "s").redirect_uri(CALLBACK).pkce_required(true).scopes(["openid"]));
    let open = |changes: Vec<(&'static str, &'static str)>| {
        let url = authorize_url(&org, &org.issuer(), &changes);
        let mut browser = org.browser();
        async move { browser.open(&url).await.unwrap() }
    };
    let response = open(vec![("client_id", "0oastrict"), ("scope", "openid"), ("code_challenge", "")]).await;
    assert!(response.param("error_description").unwrap().contains("PKCE code challenge is required"));
    let response = open(vec![("client_id", "0oastrict")]).await;
    assert_eq!(response.param("error").unwrap(), "invalid_scope");
    org.put_client(org.client_with_id(SERVICE_CLIENT_ID).unwrap().redirect_uri(CALLBACK));
    let response = open(vec![("client_id", SERVICE_CLIENT_ID)]).await;
    assert_eq!(response.param("error").unwrap(), "unauthorized_client");
}
