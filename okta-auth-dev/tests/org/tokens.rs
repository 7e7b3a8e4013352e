//! Refresh, introspection, revocation, userinfo, clients, rate limits.

use std::time::Duration;

use okta_auth_dev::{ADA, AuthMethod, Client, Org, Rotation, SERVICE_CLIENT_ID, User};
use serde_json::{Value, json};

use crate::support::*;

const OFFLINE: &str = "openid profile email offline_access";

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap()
}

#[tokio::test]
async fn a_static_refresh_token_stays_the_same_and_keeps_the_sign_in() {
    let org = Org::start().await.unwrap();
    let first = tokens(&org, OFFLINE).await.json();
    org.clock().advance(Duration::from_secs(1800));
    let second = refresh(&org, text(&first, "refresh_token")).json();
    assert_eq!(first["refresh_token"], second["refresh_token"]);
    let (before, after) = (claims(&first["id_token"]), claims(&second["id_token"]));
    for same in ["iss", "sub", "aud", "auth_time"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert!(before.get("nonce").is_some() && after.get("nonce").is_none());
    assert!(after["iat"].as_i64() > before["iat"].as_i64());
    // Each use extends it, so more than seven days pass in total.
    for _ in 0..3 {
        org.clock().advance(Duration::from_secs(6 * 86_400));
        assert_eq!(refresh(&org, text(&first, "refresh_token")).status, 200);
    }
    org.clock().advance(Duration::from_secs(8 * 86_400));
    let late = refresh(&org, text(&first, "refresh_token"));
    assert_eq!(late.json()["error_description"], "The refresh token is invalid or expired.");
}

#[tokio::test]
async fn a_rotated_refresh_token_works_for_the_leeway_and_later_revokes_the_grant() {
    let org = Org::builder().rotation(Rotation::Rotate).start().await.unwrap();
    let first = tokens(&org, OFFLINE).await.json();
    let second = refresh(&org, text(&first, "refresh_token")).json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    org.clock().advance(Duration::from_secs(29));
    let again = refresh(&org, text(&first, "refresh_token"));
    assert_eq!(again.status, 200, "within the leeway");
    assert_eq!(introspect(&org, text(&second, "access_token"))["active"], true);
    org.clock().advance(Duration::from_secs(3));
    let reuse = refresh(&org, text(&first, "refresh_token"));
    assert_eq!((reuse.status, &reuse.json()["error"]), (400, &json!("invalid_grant")));
    assert_eq!(refresh(&org, text(&second, "refresh_token")).status, 400, "the newest is revoked");
    for body in [&first, &second, &again.json()] {
        assert_eq!(introspect(&org, text(body, "access_token")), json!({"active": false}));
    }
}

#[tokio::test]
async fn a_refresh_may_request_fewer_scopes_but_not_more() {
    let org = Org::start().await.unwrap();
    let body = tokens(&org, OFFLINE).await.json();
    let with = |scope: &str| {
        let fields =
            [("grant_type", "refresh_token"), ("refresh_token", text(&body, "refresh_token")), ("scope", scope)];
        post(&format!("{}/v1/token", org.issuer()), Some(&org.client()), &fields)
    };
    assert_eq!(with("openid").json()["scope"], "openid");
    assert!(with("offline_access").json().get("id_token").is_none());
    let more = with("openid orders:read");
    assert_eq!((more.status, &more.json()["error"]), (400, &json!("access_denied")));
    assert_eq!(refresh(&org, text(&body, "refresh_token")).json()["scope"], OFFLINE);
}

#[tokio::test]
async fn changes_of_a_user_appear_in_the_next_tokens() {
    let org = Org::builder().groups_claim_everywhere("groups").start().await.unwrap();
    let body = tokens(&org, OFFLINE).await.json();
    org.put_user(User::ada().groups(["Everyone"]));
    let renewed = refresh(&org, text(&body, "refresh_token")).json();
    assert_eq!(claims(&renewed["id_token"])["groups"], json!(["Everyone"]));
    org.remove_user(ADA);
    assert_eq!(refresh(&org, text(&body, "refresh_token")).json()["error"], "invalid_grant");
    assert_eq!(userinfo(&org, text(&body, "access_token")).status, 401);
}

#[tokio::test]
async fn introspection_returns_the_members_of_a_token() {
    let org = Org::start().await.unwrap();
    let body = tokens(&org, OFFLINE).await.json();
    let access = introspect(&org, text(&body, "access_token"));
    assert_eq!((&access["active"], &access["scope"]), (&json!(true), &json!(OFFLINE)));
    assert_eq!((&access["username"], &access["token_type"]), (&json!(ADA), &json!("Bearer")));
    assert_eq!((&access["aud"], &access["client_id"]), (&json!("api://default"), &json!(org.client().client_id)));
    assert_eq!(introspect(&org, text(&body, "refresh_token"))["active"], true);
    assert_eq!(introspect(&org, text(&body, "id_token"))["active"], true);
    assert_eq!(introspect(&org, "junk"), json!({"active": false}));
    let url = format!("{}/v1/introspect", org.issuer());
    assert_eq!(post(&url, None, &[("token", "x")]).json()["error_description"], "No client credentials found.");
    assert_eq!(post(&url, Some(&org.client()), &[]).status, 400);
    org.clock().advance(Duration::from_secs(3601));
    assert_eq!(introspect(&org, text(&body, "access_token")), json!({"active": false}));
}

#[tokio::test]
async fn revoking_a_refresh_token_revokes_its_access_token_but_not_vice_versa() {
    let org = Org::start().await.unwrap();
    let url = format!("{}/v1/revoke", org.issuer());
    let revoke = |token: &str| post(&url, Some(&org.client()), &[("token", token)]).status;
    let body = tokens(&org, OFFLINE).await.json();
    assert_eq!(revoke("junk"), 200);
    assert_eq!(revoke(text(&body, "access_token")), 200);
    assert_eq!(introspect(&org, text(&body, "access_token")), json!({"active": false}));
    let renewed = refresh(&org, text(&body, "refresh_token"));
    assert_eq!(renewed.status, 200);
    assert_eq!(revoke(text(&body, "refresh_token")), 200);
    assert_eq!(introspect(&org, text(&renewed.json(), "access_token")), json!({"active": false}));
    assert_eq!(refresh(&org, text(&body, "refresh_token")).status, 400);
    assert_eq!(post(&url, None, &[("token", "x")]).status, 401);
}

#[tokio::test]
async fn userinfo_returns_claims_or_a_challenge() {
    let org = Org::start().await.unwrap();
    let body = tokens(&org, "openid profile email").await.json();
    let answer = userinfo(&org, text(&body, "access_token"));
    assert_eq!(answer.json()["sub"], claims(&body["id_token"])["sub"]);
    assert_eq!((&answer.json()["email_verified"], &answer.json()["locale"]), (&json!(true), &json!("en-US")));
    let invalid = "Bearer error=\"invalid_token\", error_description=\"The access token is invalid\"";
    for bad in ["junk", text(&body, "id_token")] {
        let answer = userinfo(&org, bad);
        assert_eq!((answer.status, answer.header("www-authenticate"), answer.body.as_str()), (401, invalid, ""));
    }
    let without = userinfo(&org, &org.token().access_token(ADA, ["orders:read"]).sign());
    assert_eq!(without.status, 403);
    assert!(without.header("www-authenticate").starts_with("Bearer error=\"insufficient_scope\", error_description="));
    org.clock().advance(Duration::from_secs(3601));
    assert_eq!(userinfo(&org, text(&body, "access_token")).status, 401);
}

#[tokio::test]
async fn a_service_gets_custom_scopes_without_a_user() {
    let org = Org::start().await.unwrap();
    let service = org.client_with_id(SERVICE_CLIENT_ID).unwrap();
    let ask = |issuer: String, scope: &str| {
        let fields = [("grant_type", "client_credentials"), ("scope", scope)];
        post(&format!("{issuer}/v1/token"), Some(&service), &fields)
    };
    let body = ask(org.issuer(), "orders:read").json();
    assert!(body.get("id_token").is_none() && body.get("refresh_token").is_none());
    let access = claims(&body["access_token"]);
    assert_eq!((&access["sub"], &access["cid"]), (&json!(SERVICE_CLIENT_ID), &json!(SERVICE_CLIENT_ID)));
    assert!(access.get("uid").is_none() && access.get("auth_time").is_none());
    assert_eq!(userinfo(&org, text(&body, "access_token")).status, 403);
    for (scope, description) in [
        ("openid", "Cannot request 'openid' scopes using client credentials."),
        ("orders:delete", "One or more scopes are not configured for the authorization server resource."),
    ] {
        assert_eq!(ask(org.issuer(), scope).json()["error_description"], description);
    }
    let at_org = ask(format!("{}/oauth2", org.url()), "orders:read");
    assert_eq!((at_org.status, &at_org.json()["error"]), (401, &json!("invalid_client")));
}

#[tokio::test]
async fn clients_must_use_their_registered_authentication_method() {
    let org = Org::start().await.unwrap();
    let url = format!("{}/v1/token", org.issuer());
    let (client, grant) = (org.client(), ("grant_type", "refresh_token"));
    let (id, secret) = (("client_id", client.client_id.as_str()), client.client_secret.as_deref().unwrap());
    let form = "application/x-www-form-urlencoded";
    let described = |answer: Answer| (answer.status, answer.json()["error_description"].as_str().unwrap().to_owned());
    let wrong = Client::web(&client.client_id, "wrong");
    let (status, text) = described(post(&url, Some(&wrong), &[grant]));
    assert_eq!((status, text.contains("client secret supplied")), (401, true));
    assert_eq!(described(post(&url, None, &[grant])).1, "No client credentials found.");
    assert!(described(post(&url, None, &[grant, id])).1.starts_with("Client authentication failed."), "no secret");
    let by_form = [grant, id, ("client_secret", secret)];
    assert!(described(post(&url, None, &by_form)).1.starts_with("Client authentication failed."), "wrong method");
    assert!(described(post(&url, Some(&client), &by_form)).1.starts_with("Cannot supply multiple"));
    let junk = send("POST", &url, &[("content-type", form), ("authorization", "Bearer x")], "grant_type=x");
    assert!(described(junk).1.starts_with("Found Authentication header"));
    assert!(described(post(&url, Some(&client), &[grant, grant])).1.contains("multiple parameters"));
    let query = format!("{url}?client_secret={secret}");
    assert!(described(post(&query, None, &[grant, id])).1.contains("query parameters"));
    org.put_client(client.clone().auth_method(AuthMethod::ClientSecretPost));
    assert_eq!(
        post(&url, None, &by_form).json()["error_description"],
        "The required parameter 'refresh_token' is missing."
    );
}

fn assertion(key: &aws_lc_rs::signature::EcdsaKeyPair, payload: &Value) -> String {
    use base64::Engine as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let header = json!({"alg": "ES256", "kid": "k1"}).to_string();
    let message = format!("{}.{}", encode(header.as_bytes()), encode(payload.to_string().as_bytes()));
    let signature = key.sign(&aws_lc_rs::rand::SystemRandom::new(), message.as_bytes()).unwrap();
    format!("{message}.{}", encode(signature.as_ref()))
}

#[tokio::test]
async fn a_client_can_authenticate_with_a_signed_assertion() {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use base64::Engine as _;
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let point = key.public_key().as_ref();
    let jwk = json!({"kty": "EC", "crv": "P-256", "kid": "k1", "x": encode(&point[1..33]), "y": encode(&point[33..])});
    let org = Org::builder().client(Client::service("0oasigner", "").private_key_jwt(jwk)).start().await.unwrap();
    let url = format!("{}/v1/token", org.issuer());
    let now = org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let good = json!({"iss": "0oasigner", "sub": "0oasigner", "aud": url, "exp": now + 300, "jti": "1"});
    let send = |assertion: &str| {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let fields = [
            ("grant_type", "client_credentials"),
            ("scope", "orders:read"),
            ("client_assertion_type", kind),
            ("client_assertion", assertion),
        ];
        post(&url, None, &fields)
    };
    assert_eq!(send(&assertion(&key, &good)).status, 200);
    let replay = send(&assertion(&key, &good));
    assert_eq!(replay.json()["error_description"], "The client_assertion token has already been used.");
    let cases = [
        ("aud", json!(org.issuer()), "The audience claim"),
        ("exp", json!(now - 1), "The client_assertion token is expired."),
        ("exp", json!(now + 7200), "too far into the future"),
        ("exp", Value::Null, "must contain the 'exp' claim"),
        ("iat", json!(now + 600), "must be issued before"),
        ("sub", json!("0oaother"), "The subject claim"),
        ("iss", json!("0oaother"), "The issuer claim"),
    ];
    for (name, value, words) in cases {
        let mut payload = good.clone();
        payload["jti"] = json!(format!("{name}{value}"));
        payload[name] = value;
        let answer = send(&assertion(&key, &payload));
        assert_eq!(answer.status, 401);
        assert!(answer.body.contains(words), "{name}: {}", answer.body);
    }
    let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    assert!(send(&assertion(&other, &good)).body.contains("The client_assertion signature is invalid."));
}

#[tokio::test]
async fn too_many_requests_get_oktas_rate_limit_response() {
    let org = Org::builder().rate_limit(2).start().await.unwrap();
    let body = org.token().access_token(ADA, ["openid"]).sign();
    let first = userinfo(&org, &body);
    assert_eq!((first.status, first.header("x-rate-limit-limit")), (200, "2"));
    assert_eq!((first.header("x-rate-limit-remaining"), userinfo(&org, &body).status), ("1", 200));
    let refused = userinfo(&org, &body);
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["errorCode"], "E0000047");
    assert_eq!(refused.json()["errorSummary"], "API call exceeded rate limit due to too many requests.");
    assert_eq!(refused.header("x-rate-limit-remaining"), "0");
    assert_eq!(refused.header("retry-after"), "", "Okta sends none");
    let reset: u64 = refused.header("x-rate-limit-reset").parse().unwrap();
    let now = org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!((1..=60).contains(&(reset - now)));
    for _ in 0..5 {
        assert_eq!(get(&format!("{}/v1/keys", org.issuer())).status, 200, "keys are not limited");
    }
    org.clock().advance(Duration::from_secs(61));
    assert_eq!(userinfo(&org, &body).status, 200);
}

#[tokio::test]
async fn the_request_log_records_requests() {
    let org = Org::start().await.unwrap();
    tokens(&org, "openid").await;
    assert_eq!((org.count("/v1/token"), org.count("/v1/authorize")), (1, 1));
    let recorded = org.request_log().pop().unwrap();
    assert_eq!((recorded.method.as_str(), recorded.path.as_str()), ("POST", "/oauth2/default/v1/token"));
    assert!(recorded.form().contains(&("code_verifier".to_owned(), VERIFIER.to_owned())));
    assert_eq!(recorded.header("Authorization"), Some(basic(&org.client()).as_str()));
    assert_eq!(org.request_log()[0].query_param("state").as_deref(), Some("the-state"));
    org.clear_request_log();
    assert!(org.request_log().is_empty());
}
