//! The test API over HTTP, for tests in other processes.

use okta_auth_dev::{ADA, BEN, Org};
use serde_json::{Value, json};

use crate::support::*;

async fn org() -> Org {
    Org::start().await.unwrap()
}

fn call(org: &Org, method: &str, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(method, &format!("{}/dev{path}", org.url()), &[], &body)
}

#[tokio::test]
async fn the_test_api_returns_the_connection_settings() {
    let org = org().await;
    let told = call(&org, "GET", "", &Value::Null).json();
    assert_eq!(told, org.description());
    assert_eq!((&told["url"], &told["issuers"][1]), (&json!(org.url()), &json!(org.issuer())));
    assert_eq!(told["variables"]["OKTA_ISSUER_URI"], org.issuer());
    assert_eq!(told["clients"].as_array().unwrap().len(), 3);
    assert_eq!(told["people"][0]["login"], ADA);
    let default = json!({
        "id": "default",
        "issuer": org.issuer(),
        "audience": "api://default",
        "scopes": ["orders:read", "orders:write"],
    });
    assert_eq!(told["servers"][1], default);
    assert_eq!((&told["servers"][0]["audience"], &told["servers"][0]["scopes"]), (&json!(org.url()), &json!([])));
}

#[tokio::test]
async fn clients_can_be_added_changed_and_removed() {
    let org = org().await;
    let new =
        json!({"id": "0oanew", "redirect_uris": ["http://localhost:5000/cb"], "grant_types": ["authorization_code"]});
    let made = call(&org, "POST", "/clients", &new);
    assert_eq!(made.status, 201, "{}", made.body);
    assert!(made.json()["secret"].as_str().is_some_and(|secret| secret.len() == 43), "{}", made.body);
    assert_eq!(org.client_with_id("0oanew").unwrap().redirect_uris, ["http://localhost:5000/cb"]);
    let changed = call(&org, "PATCH", "/clients/0oanew", &json!({"rotation": "rotate", "id": "0oaother"}));
    assert_eq!((changed.status, &changed.json()["rotation"]), (200, &json!("rotate")), "{}", changed.body);
    assert_eq!(changed.json()["secret"], made.json()["secret"], "other members are unchanged");
    assert!(org.client_with_id("0oaother").is_none(), "the path names the client");
    let shown = call(&org, "GET", "/clients/0oanew", &Value::Null).json();
    assert_eq!(call(&org, "PUT", "/clients/0oanew", &shown).json(), shown, "a response can be sent back");
    let whole = call(&org, "PUT", "/clients/0oanew", &json!({"type": "public"}));
    assert_eq!(
        (whole.status, &whole.json()["rotation"], &whole.json()["secret"]),
        (200, &json!("rotate"), &Value::Null)
    );
    assert_eq!(whole.json()["redirect_uris"], json!([]), "PUT replaces the whole client");
    assert_eq!(call(&org, "GET", "/clients", &Value::Null).json().as_array().unwrap().len(), 4);
    assert_eq!(call(&org, "DELETE", "/clients/0oanew", &Value::Null).status, 204);
    assert_eq!(call(&org, "GET", "/clients/0oanew", &Value::Null).status, 404);
    for wrong in [json!({"id": "a", "unknown": 1}), json!({"id": "a", "grant_types": ["magic"]}), json!([])] {
        assert_eq!(call(&org, "POST", "/clients", &wrong).status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn users_can_be_added_changed_and_removed() {
    let org = org().await;
    let eve = json!({"login": "eve@example.test", "password": "pw", "groups": ["Everyone"], "claims": {"team": "a"}});
    assert_eq!(call(&org, "POST", "/people", &eve).status, 201);
    assert!(
        org.sign_in(&authorize_url(&org, &org.issuer(), &[]), "eve@example.test")
            .await
            .unwrap()
            .param("code")
            .is_some()
    );
    let path = "/people/eve%40example.test";
    let changed = call(&org, "PATCH", path, &json!({"groups": ["Everyone", "Admins"]})).json();
    assert_eq!((&changed["groups"][1], &changed["claims"]["team"]), (&json!("Admins"), &json!("a")));
    let client = org.client().client_id;
    assert_eq!(call(&org, "DELETE", &format!("{path}/apps/{client}"), &Value::Null).status, 204);
    let url = authorize_url(&org, &org.issuer(), &[]);
    assert_eq!(org.sign_in(&url, "eve@example.test").await.unwrap().param("error").unwrap(), "access_denied");
    assert_eq!(call(&org, "PUT", &format!("{path}/apps/{client}"), &Value::Null).status, 204);
    assert!(org.sign_in(&url, "eve@example.test").await.unwrap().param("code").is_some());
    assert_eq!(call(&org, "DELETE", path, &Value::Null).status, 204);
    assert!(org.user("eve@example.test").is_none() && org.sessions().is_empty());
    assert_eq!(call(&org, "PATCH", path, &json!({})).status, 404);
    assert_eq!(call(&org, "GET", "/people", &Value::Null).json().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn faults_are_enabled_by_name() {
    let org = org().await;
    for fault in [
        json!("id_token_issuer"),
        json!({"keys_status": 503}),
        json!({"keys_slow": 250}),
        json!({"id_token_claim": ["email", null]}),
        json!({"token_error": {"status": 400, "error": "invalid_grant", "description": "no"}}),
        json!("userinfo_status401"),
    ] {
        let answer = call(&org, "POST", "/faults", &json!({"fault": fault, "once": true}));
        assert_eq!(answer.status, 204, "{fault}: {}", answer.body);
        let armed = call(&org, "GET", "/faults", &Value::Null).json();
        assert!(armed.as_array().unwrap().contains(&json!({"fault": fault, "once": true})), "{armed}");
    }
    assert_eq!(get(&format!("{}/v1/keys", org.issuer())).status, 503);
    assert_eq!(call(&org, "DELETE", "/faults", &Value::Null).status, 204);
    assert_eq!(call(&org, "GET", "/faults", &Value::Null).json(), json!([]));
    assert_eq!(tokens(&org, "openid").await.status, 200);
    assert_eq!(call(&org, "POST", "/faults", &json!({"fault": "gremlins"})).status, 400);
}

#[tokio::test]
async fn the_request_log_returns_requests_and_their_results() {
    let org = org().await;
    post(&format!("{}/v1/token", org.issuer()), None, &[("grant_type", "x"), ("client_id", "0oanobody")]);
    get(&format!("{}/v1/keys", org.issuer()));
    let journal = call(&org, "GET", "/journal?path=/v1/token", &Value::Null).json();
    assert_eq!(journal.as_array().unwrap().len(), 1);
    assert_eq!((&journal[0]["status"], &journal[0]["client_id"]), (&json!(401), &json!("0oanobody")));
    assert!(journal[0]["refusal"].as_str().unwrap().starts_with("invalid_client: "), "{journal}");
    assert_eq!(journal[0]["body"], "grant_type=x&client_id=0oanobody");
    assert_eq!(call(&org, "DELETE", "/journal", &Value::Null).status, 204);
    assert!(org.request_log().is_empty());
}

#[tokio::test]
async fn valid_and_invalid_tokens_are_created() {
    let org = org().await;
    let mint = |order: Value| call(&org, "POST", "/tokens", &order).json()["token"].clone();
    let good = mint(json!({"login": BEN, "scopes": ["openid"], "claims": {"tier": 3, "ver": null}}));
    assert!(verifies(&org, &good));
    let read = claims(&good);
    assert_eq!((&read["sub"], &read["tier"], read.get("ver")), (&json!(BEN), &json!(3), None));
    assert_eq!(userinfo(&org, good.as_str().unwrap()).status, 200);
    assert!(!verifies(&org, &mint(json!({"signature": "bad"}))));
    assert!(!verifies(&org, &mint(json!({"signature": "unpublished_key"}))));
    assert_eq!(header(&mint(json!({"signature": "none"})))["alg"], "none");
    assert_eq!(header(&mint(json!({"algorithm": "ES256", "header": {"typ": "at+jwt"}})))["typ"], "at+jwt");
    assert_eq!(claims(&mint(json!({"kind": "id_token", "nonce": "n"})))["nonce"], "n");
    assert!(claims(&mint(json!({"kind": "service_token", "scopes": ["orders:read"]}))).get("uid").is_none());
    for wrong in
        [json!({"login": "unknown"}), json!({"server": "nope"}), json!({"algorithm": "X"}), json!({"kind": "x"})]
    {
        assert_eq!(call(&org, "POST", "/tokens", &wrong).status, 400, "{wrong}");
    }
    assert_eq!(call(&org, "POST", "/keys/rotate", &Value::Null).status, 204);
    assert_ne!(header(&mint(json!({})))["kid"], header(&good)["kid"]);
}
