//! Sign-in from start to end, and its failures.

use crate::support::*;
use okta_auth_dev::{
    ADA, AuthorizationServer, BEN, CLIENT_ID, CustomClaim, GroupsClaim, Org, PUBLIC_CLIENT_ID, Response, User,
};
use serde_json::json;

#[tokio::test]
async fn a_user_signs_in_with_query_and_pkce() {
    let org = Org::start().await.unwrap();
    let response = sign_in(&org, &[]).await;
    assert!(response.target().unwrap().starts_with(CALLBACK), "{response:?}");
    assert_eq!(response.param("state").unwrap(), "the-state");
    assert!(response.param("iss").is_none(), "Okta sends no iss");
    let answer = exchange(&org, &response.param("code").unwrap(), &[]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-cache, no-store");
    assert_eq!((answer.header("pragma"), answer.header("expires")), ("no-cache", "0"));
    assert_eq!((answer.header("x-rate-limit-limit"), answer.header("x-rate-limit-remaining")), ("1000", "999"));
    assert!(answer.header("x-rate-limit-reset").parse::<u64>().is_ok());
    assert_eq!(answer.header("x-robots-tag"), "noindex,nofollow");
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert!(body.get("refresh_token").is_none());

    let (id_token, id) = (&body["id_token"], claims(&body["id_token"]));
    let ada = org.user(ADA).unwrap();
    assert_eq!(header(id_token).as_object().unwrap().len(), 2, "kid and alg only");
    assert_eq!(header(id_token)["alg"], "RS256");
    assert!(verifies(&org, id_token));
    assert_eq!((&id["sub"], &id["iss"], &id["aud"]), (&json!(ada.id), &json!(org.issuer()), &json!(CLIENT_ID)));
    assert_eq!((&id["nonce"], &id["ver"], &id["amr"]), (&json!("the-nonce"), &json!(1), &json!(["pwd"])));
    assert_eq!((&id["name"], &id["email"]), (&json!("Ada Lovelace"), &json!(ADA)));
    assert_eq!(id["preferred_username"], ADA);
    for absent in ["given_name", "family_name", "locale", "zoneinfo", "updated_at", "email_verified", "sid", "groups"] {
        assert!(id.get(absent).is_none(), "thin: {absent}");
    }
    assert_eq!(id["at_hash"], at_hash(body["access_token"].as_str().unwrap()));
    assert!(id["jti"].as_str().unwrap().starts_with("ID."));
    assert!(id["idp"].as_str().unwrap().starts_with("00o"));
    assert_eq!(id["exp"].as_i64().unwrap() - id["iat"].as_i64().unwrap(), 3600);

    let access = claims(&body["access_token"]);
    assert!(verifies(&org, &body["access_token"]));
    assert_eq!((&access["aud"], &access["cid"]), (&json!("api://default"), &json!(CLIENT_ID)));
    assert_eq!((&access["sub"], &access["uid"]), (&json!(ADA), &json!(ada.id)));
    assert_eq!(access["scp"], json!(["openid", "profile", "email"]));
    assert!(access["jti"].as_str().unwrap().starts_with("AT."));
}

fn at_hash(access_token: &str) -> String {
    use base64::Engine as _;
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access_token.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

#[tokio::test]
async fn a_user_signs_in_with_form_post() {
    let org = Org::start().await.unwrap();
    let response = sign_in(&org, &[("response_mode", "form_post")]).await;
    let Response::FormPost { action, fields } = &response else { panic!("{response:?}") };
    assert_eq!(action, CALLBACK);
    assert_eq!(fields.len(), 2);
    assert_eq!(response.param("state").unwrap(), "the-state");
    assert_eq!(exchange(&org, &response.param("code").unwrap(), &[]).status, 200);
}

#[tokio::test]
async fn the_state_survives_escaping() {
    let org = Org::start().await.unwrap();
    let nasty = "a&b=c \"<'>%20+é";
    for mode in ["query", "form_post"] {
        let response = sign_in(&org, &[("state", nasty), ("response_mode", mode)]).await;
        assert_eq!(response.param("state").unwrap(), nasty, "{mode}");
    }
}

#[tokio::test]
async fn a_code_works_once_and_expires() {
    let org = Org::start().await.unwrap();
    let code = sign_in(&org, &[]).await.param("code").unwrap();
    assert_eq!(exchange(&org, &code, &[]).status, 200);
    let late = sign_in(&org, &[]).await.param("code").unwrap();
    org.clock().advance(std::time::Duration::from_secs(301));
    for code in [&code, &late, "made-up"] {
        let answer = exchange(&org, code, &[]);
        assert_eq!(answer.status, 400);
        let expected = json!({
            "error": "invalid_grant",
            "error_description": "The authorization code is invalid or has expired."
        });
        assert_eq!(answer.json(), expected);
        assert!(answer.body.starts_with("{\"error\":"), "Okta's order");
    }
}

#[tokio::test]
async fn an_exchange_must_match_its_request() {
    let org = Org::start().await.unwrap();
    let cases = [
        ("code_verifier", "x".repeat(43), "invalid_grant", "PKCE verification failed."),
        ("code_verifier", String::new(), "invalid_request", "PKCE code verifier is required by the application."),
        (
            "redirect_uri",
            "http://127.0.0.1:8080/authorization-code/callback".to_owned(),
            "invalid_grant",
            "The 'redirect_uri' does not match the redirection URI used in the authorization request.",
        ),
        ("grant_type", "nonsense".to_owned(), "unsupported_grant_type", ""),
        ("grant_type", "password".to_owned(), "unauthorized_client", ""),
        ("grant_type", String::new(), "invalid_request", ""),
        ("grant_type", "client_credentials".to_owned(), "unauthorized_client", ""),
        ("code", String::new(), "invalid_request", "The required parameter 'code' is missing."),
    ];
    for (name, value, error, description) in cases {
        let code = sign_in(&org, &[]).await.param("code").unwrap();
        let answer = exchange(&org, &code, &[(name, &value)]);
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!(error)), "{name}");
        assert!(answer.json()["error_description"].as_str().unwrap().contains(description), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_verifier_without_a_challenge_is_a_downgrade() {
    let org = Org::start().await.unwrap();
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let code = sign_in(&org, &without).await.param("code").unwrap();
    assert_eq!(exchange(&org, &code, &[]).json()["error"], "invalid_request");
    let code = sign_in(&org, &without).await.param("code").unwrap();
    assert_eq!(exchange(&org, &code, &[("code_verifier", "")]).status, 200);
}

#[tokio::test]
async fn a_code_is_bound_to_client_and_server() {
    let org = Org::start().await.unwrap();
    let code = sign_in(&org, &[]).await.param("code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_id", PUBLIC_CLIENT_ID),
    ];
    let answer = post(&format!("{}/v1/token", org.issuer()), None, &fields);
    assert!(answer.body.contains("The grant was issued to another client."), "{}", answer.body);
    let code = sign_in(&org, &[]).await.param("code").unwrap();
    let answer = exchange_at(&org, &org.org_issuer(), &code, &[]);
    assert_eq!(answer.json()["error_description"], "The grant was issued for another authorization server.");
}

#[tokio::test]
async fn the_public_client_signs_in_with_pkce_only() {
    let org = Org::start().await.unwrap();
    let response = sign_in(&org, &[("client_id", PUBLIC_CLIENT_ID), ("scope", "openid offline_access")]).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &response.param("code").unwrap()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_id", PUBLIC_CLIENT_ID),
    ];
    let answer = post(&format!("{}/v1/token", org.issuer()), None, &fields);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.json()["refresh_token"].is_string());
}

#[tokio::test]
async fn an_okta_session_signs_in_again_without_a_password() {
    let org = Org::start().await.unwrap();
    let mut browser = org.browser();
    let url = |changes: &[(&str, &str)]| authorize_url(&org, &org.issuer(), changes);
    let silent = browser.open(&url(&[("prompt", "none")])).await.unwrap();
    assert_eq!(silent.param("error").unwrap(), "login_required");
    assert_eq!(silent.param("state").unwrap(), "the-state");
    assert!(browser.sign_in(&url(&[]), ADA).await.unwrap().param("code").is_some());
    assert!(browser.has_session());
    for changes in [&[][..], &[("prompt", "none")], &[("max_age", "60")]] {
        assert!(browser.open(&url(changes)).await.unwrap().param("code").is_some(), "{changes:?}");
    }
    for changes in [&[("prompt", "login")][..], &[("max_age", "0")]] {
        let page = browser.open(&url(changes)).await.unwrap();
        assert!(matches!(page, Response::Page { status: 200, .. }), "{page:?}");
    }
    org.clock().advance(std::time::Duration::from_secs(61));
    let stale = browser.open(&url(&[("max_age", "60"), ("prompt", "none")])).await.unwrap();
    assert!(stale.param("error_description").unwrap().contains("re-authentication"));
    org.clock().advance(std::time::Duration::from_secs(7200));
    let ended = browser.open(&url(&[("prompt", "none")])).await.unwrap();
    assert_eq!(ended.param("error").unwrap(), "login_required");
}

#[tokio::test]
async fn a_new_sign_in_requires_the_password_and_can_change_the_user() {
    let org = Org::start().await.unwrap();
    let mut browser = org.browser();
    browser.sign_in(&authorize_url(&org, &org.issuer(), &[]), ADA).await.unwrap();
    let url = authorize_url(&org, &org.issuer(), &[("prompt", "login")]);
    let code = browser.sign_in(&url, BEN).await.unwrap().param("code").unwrap();
    let id = claims(&exchange(&org, &code, &[]).json()["id_token"]);
    assert_eq!(id["sub"], json!(org.user(BEN).unwrap().id));
    assert_eq!(id["name"], "Ben Okri");
}

#[tokio::test]
async fn configured_claims_appear_in_id_tokens() {
    let builder = Org::builder().groups_claim("default", GroupsClaim::all("groups"));
    let builder = builder.groups_claim("default", GroupsClaim::all("seldom").always(false));
    let asked = CustomClaim::new("tier", 2).in_id_token(true).always(false);
    let always = CustomClaim::new("department", "Audit").in_id_token(true);
    let builder = builder.claim("default", asked).claim("default", always);
    let org = builder.clone().start().await.unwrap();
    let body = tokens(&org, "openid profile").await.json();
    let id = claims(&body["id_token"]);
    assert_eq!((&id["groups"], &id["department"]), (&json!(["Everyone", "Admins"]), &json!("Audit")));
    assert!(id.get("seldom").is_none() && id.get("tier").is_none(), "{id}");
    let userinfo = userinfo(&org, body["access_token"].as_str().unwrap()).json();
    assert_eq!((&userinfo["seldom"], &userinfo["tier"]), (&id["groups"], &json!(2)));
    assert_eq!(userinfo["given_name"], "Ada");

    let org = builder.thin_id_token(false).start().await.unwrap();
    let id = claims(&tokens(&org, "openid profile email").await.json()["id_token"]);
    assert_eq!((&id["given_name"], &id["email_verified"], &id["tier"]), (&json!("Ada"), &json!(true), &json!(2)));
}

/// For every server: at the org's own server with the scope that Okta requires, and in
/// the orgs of customers.
#[tokio::test]
async fn one_setting_configures_groups_for_every_server() {
    let own = AuthorizationServer::custom("own", "api://own").groups_claim(GroupsClaim::all("roles"));
    let builder = Org::builder().authorization_server(own).groups_claim_everywhere("groups").customers(["acme"]);
    let org = builder.start().await.unwrap();
    let id = claims(&tokens(&org, "openid").await.json()["id_token"]);
    assert_eq!(id["groups"], json!(["Everyone", "Admins"]));
    let code = org.sign_in(&authorize_url(&org, &org.custom_issuer("own"), &[]), ADA).await.unwrap();
    let body = exchange_at(&org, &org.custom_issuer("own"), &code.param("code").unwrap(), &[]).json();
    let id = claims(&body["id_token"]);
    assert!(id.get("roles").is_some() && id.get("groups").is_none(), "{id}");
    let acme = org.org("acme").unwrap();
    acme.put_client(acme.client().redirect_uri(CALLBACK));
    let code = acme.sign_in(&authorize_url(&acme, &acme.issuer(), &[]), "ada@acme.test").await.unwrap();
    let id = claims(&exchange(&acme, &code.param("code").unwrap(), &[]).json()["id_token"]);
    assert_eq!(id["groups"], json!(["Everyone", "Admins"]));
}

#[tokio::test]
async fn acr_values_are_met_rejected_or_ignored() {
    let org = Org::builder().user(User::ada().second_factor(false)).start().await.unwrap();
    let acr = |id: &serde_json::Value| id.get("acr").cloned();
    let code = sign_in(&org, &[("acr_values", "urn:okta:loa:1fa:pwd")]).await.param("code").unwrap();
    let body = exchange(&org, &code, &[]).json();
    assert_eq!(acr(&claims(&body["id_token"])), Some(json!("urn:okta:loa:1fa:pwd")));
    assert_eq!(acr(&claims(&body["access_token"])), Some(json!("urn:okta:loa:1fa:pwd")));
    let refused = sign_in(&org, &[("acr_values", "urn:okta:loa:2fa:any")]).await;
    assert_eq!(refused.param("error").unwrap(), "unmet_authentication_requirements");
    let code = sign_in(&org, &[("acr_values", "urn:example:gold")]).await.param("code").unwrap();
    assert_eq!(acr(&claims(&exchange(&org, &code, &[]).json()["id_token"])), None);
}

#[tokio::test]
async fn more_than_a_hundred_groups_fail_the_request() {
    let org = Org::builder().groups_claim_everywhere("groups").start().await.unwrap();
    let crowd = org.user(ADA).unwrap().groups((0..101).map(|number| format!("Group {number}")));
    org.put_user(crowd);
    let response = sign_in(&org, &[]).await;
    assert_eq!(response.param("error").unwrap(), "server_error");
    assert!(response.param("error_description").unwrap().contains("too many groups"));
}

#[tokio::test]
async fn stopping_is_an_outage_and_restarting_ends_it() {
    let org = Org::start().await.unwrap();
    let body = tokens(&org, "openid offline_access").await.json();
    org.stop();
    let address = org.url().trim_start_matches("http://").to_owned();
    assert!(std::net::TcpStream::connect(&address).is_err());
    assert!(org.sign_in(&authorize_url(&org, &org.issuer(), &[]), ADA).await.unwrap_err().is_browser());
    org.restart().await.unwrap();
    assert_eq!(refresh(&org, body["refresh_token"].as_str().unwrap()).status, 200, "earlier state is kept");
    drop(org);
    // The server stops with the last handle; closing the port may take a moment.
    let gone = (0..1000).any(|_| {
        std::thread::yield_now();
        std::net::TcpStream::connect(&address).is_err()
    });
    assert!(gone);
}
