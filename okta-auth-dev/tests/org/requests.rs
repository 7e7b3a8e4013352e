//! Invalid authorization requests, and where their errors go.

use okta_auth_dev::{Client, Org, Response, SERVICE_CLIENT_ID};

use crate::support::*;

#[tokio::test]
async fn untrusted_redirect_uris_get_an_error_page() {
    let org = Org::start().await.unwrap();
    let cases = [
        ("client_id", "unknown", "client_id"),
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
async fn all_other_errors_go_to_the_app() {
    let org = Org::start().await.unwrap();
    let cases = [
        ("response_type", "none", "unsupported_response_type"),
        ("response_type", "", "unsupported_response_type"),
        ("response_mode", "jwt", "unsupported_response_mode"),
        ("idp", "0oaunknown", "invalid_request"),
        ("request", "junk", "invalid_request_object"),
        ("request", "a.b.c", "invalid_request_object"),
        ("request_uri", "urn:okta:x", "invalid_request_uri"),
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
async fn errors_use_the_requested_response_mode() {
    let org = Org::start().await.unwrap();
    let url =
        authorize_url(&org, &org.issuer(), &[("response_mode", "form_post"), ("prompt", "none"), ("max_age", "0")]);
    let response = org.browser().open(&url).await.unwrap();
    assert!(matches!(&response, Response::FormPost { action, .. } if action == CALLBACK), "{response:?}");
    assert_eq!(response.param("error").unwrap(), "invalid_request");
}

#[tokio::test]
async fn request_objects_are_rejected_before_the_redirect_uri_is_checked() {
    let org = Org::start().await.unwrap();
    let both = [("request", "a.b.c"), ("request_uri", "urn:okta:x")];
    let open = async |changes: &[(&str, &str)]| {
        org.browser().open(&authorize_url(&org, &org.issuer(), changes)).await.unwrap()
    };
    let words = open(&both).await.param("error_description").unwrap();
    assert!(words.contains("must not contain both"), "{words}");
    for (name, error) in [("request", "invalid_request_object"), ("request_uri", "invalid_request_uri")] {
        let response = open(&[(name, "x"), ("redirect_uri", "")]).await;
        assert!(matches!(&response, Response::Page { status: 400, body } if body.contains(error)), "{response:?}");
    }
}

/// Tokens would be in the fragment, so errors are there as well.
#[tokio::test]
async fn errors_of_implicit_and_hybrid_requests_are_in_the_fragment() {
    let org = Org::start().await.unwrap();
    for kind in ["token", "id_token", "id_token token", "code id_token", "code token", "code id_token token"] {
        let url = authorize_url(&org, &org.issuer(), &[("response_type", kind)]);
        let Response::Redirect(target) = org.browser().open(&url).await.unwrap() else { panic!("{kind}") };
        let (before, fragment) = target.split_once('#').unwrap();
        assert_eq!(before, CALLBACK, "{kind}");
        assert!(fragment.contains("error=unsupported_response_type"), "{target}");
        assert!(fragment.contains("state=the-state"), "{target}");
        let words = Response::Redirect(target).param("error_description").unwrap();
        assert!(words.ends_with("Configured response types: [code]."), "{words}");
        let url = authorize_url(&org, &org.issuer(), &[("response_type", kind), ("response_mode", "query")]);
        let Response::Redirect(target) = org.browser().open(&url).await.unwrap() else { panic!("{kind}") };
        assert!(target.contains("#error=unsupported_response_mode"), "{target}");
    }
}

#[tokio::test]
async fn a_code_can_be_requested_in_the_fragment_or_in_a_message() {
    let org = Org::start().await.unwrap();
    let fragment = sign_in(&org, &[("response_mode", "fragment")]).await;
    let Response::Redirect(target) = &fragment else { panic!("{fragment:?}") };
    assert!(target.starts_with(&format!("{CALLBACK}#code=")), "{target}");
    assert_eq!(exchange(&org, &fragment.param("code").unwrap(), &[]).status, 200);

    let message = sign_in(&org, &[("response_mode", "okta_post_message"), ("state", "</script>&\"")]).await;
    assert!(matches!(&message, Response::PostMessage { origin, .. } if origin == "http://localhost:8080"));
    assert_eq!(message.param("state").as_deref(), Some("</script>&\""));
    assert_eq!(exchange(&org, &message.param("code").unwrap(), &[]).status, 200);
    let silent = authorize_url(&org, &org.issuer(), &[("response_mode", "okta_post_message"), ("prompt", "none")]);
    let answer = get(&silent);
    let policy = answer.header("content-security-policy");
    assert!(policy.ends_with("frame-ancestors http://localhost:8080"), "the app may frame it: {policy}");
    assert!(answer.body.contains("login_required"));

    let without = [("response_mode", "okta_post_message"), ("code_challenge", ""), ("code_challenge_method", "")];
    assert_eq!(sign_in(&org, &without).await.param("error").unwrap(), "unsupported_response_mode");
    let strict = Org::builder().refuse_post_message(true).start().await.unwrap();
    let refused = sign_in(&strict, &[("response_mode", "okta_post_message")]).await;
    assert_eq!(refused.param("error").unwrap(), "unsupported_response_mode");
}

#[tokio::test]
async fn only_configured_identity_providers_are_accepted() {
    let org = Org::builder().identity_provider("0oapartner").start().await.unwrap();
    let named = sign_in(&org, &[("idp", "0oapartner")]).await.param("code").unwrap();
    assert_eq!(claims(&exchange(&org, &named, &[]).json()["id_token"])["idp"], "0oapartner");
    let own = sign_in(&org, &[]).await.param("code").unwrap();
    let own = claims(&exchange(&org, &own, &[]).json()["id_token"])["idp"].as_str().unwrap().to_owned();
    assert!(own.starts_with("00o"));
    assert!(sign_in(&org, &[("idp", &own)]).await.param("code").is_some());
    let unknown = sign_in(&org, &[("idp", "0oaother")]).await;
    assert_eq!(unknown.param("error_description").unwrap(), "Identity provider is not valid.");
}

#[tokio::test]
async fn a_request_can_be_posted() {
    let org = Org::start().await.unwrap();
    let url = authorize_url(&org, &org.issuer(), &[]);
    let (base, query) = url.split_once('?').unwrap();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert!(send("POST", base, &form, query).body.contains("stateToken"));
    assert_eq!(send("POST", &url, &form, query).status, 400, "a form and a query");
}

#[tokio::test]
async fn client_settings_are_enforced() {
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
