//! Custom scopes and claims, for users and for services.

use okta_auth_dev::{ADA, AuthorizationServer, Client, CustomClaim, Org, OrgBuilder, SERVICE_CLIENT_ID, User};
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn the_default_clients_may_request_the_scopes_of_the_default_server() {
    let org = Org::start().await.unwrap();
    let body = tokens(&org, "openid orders:read orders:write").await.json();
    assert_eq!(body["scope"], "openid orders:read orders:write");
    assert_eq!(claims(&body["access_token"])["scp"], json!(["openid", "orders:read", "orders:write"]));
    let token = org.client_credentials(&["orders:read", "orders:write"]).await.unwrap();
    let access = claims(&json!(token));
    assert_eq!((&access["sub"], &access["scp"]), (&json!(SERVICE_CLIENT_ID), &json!(["orders:read", "orders:write"])));
    assert!(verifies(&org, &json!(token)));
    assert_eq!(org.count("/v1/token"), 2, "it was a real request");
}

#[tokio::test]
async fn a_scope_can_be_added_and_others_are_rejected() {
    let org = Org::builder().scope("default", "orders:cancel").start().await.unwrap();
    assert!(sign_in(&org, &[("scope", "openid orders:cancel orders:read")]).await.param("code").is_some());
    let unknown = sign_in(&org, &[("scope", "openid orders:delete")]).await;
    assert_eq!(unknown.param("error").unwrap(), "invalid_scope");
    assert_eq!(
        unknown.param("error_description").unwrap(),
        "One or more scopes are not configured for the authorization server resource."
    );
    let error = org.client_credentials(&["orders:delete"]).await.unwrap_err();
    assert!(error.is_browser() && error.to_string().contains("invalid_scope"), "{error}");
}

#[tokio::test]
async fn the_service_client_is_the_configured_one() {
    let service = Client::service("0oajob", "s&=%cret");
    let org = Org::builder().client(Client::web("0oaweb", "s")).client(service).start().await.unwrap();
    assert_eq!(org.service_client().client_id, "0oajob");
    let access = claims(&json!(org.client_credentials(&["orders:read"]).await.unwrap()));
    assert_eq!(access["cid"], "0oajob");
    let posts = org.service_client().auth_method(okta_auth_dev::AuthMethod::ClientSecretPost);
    org.put_client(posts);
    assert!(org.client_credentials(&["orders:read"]).await.is_ok());
    org.put_client(org.service_client().private_key_jwt(json!({})));
    assert!(org.client_credentials(&["orders:read"]).await.unwrap_err().to_string().contains("private key"));
    assert_eq!(Org::start().await.unwrap().service_client().client_id, SERVICE_CLIENT_ID);
}

#[tokio::test]
async fn claims_are_literals_or_attributes_in_the_configured_tokens() {
    let org = Org::builder()
        .user(User::ada().claim("department", "Mathematics"))
        .claim("default", CustomClaim::new("tenant", json!({"id": 7})).in_id_token(true))
        .claim("default", CustomClaim::new("dept", "user.department").with_scope("orders:read"))
        .claim("default", CustomClaim::new("mail", "user.email").in_access_token(false).in_id_token(true))
        .claim("default", CustomClaim::new("phone", "user.mobilePhone"))
        .start()
        .await
        .unwrap();
    let body = tokens(&org, "openid orders:read").await.json();
    let (id, access) = (claims(&body["id_token"]), claims(&body["access_token"]));
    assert_eq!((&access["tenant"], &id["tenant"]), (&json!({"id": 7}), &json!({"id": 7})));
    assert_eq!((&access["dept"], id.get("dept")), (&json!("Mathematics"), None));
    assert_eq!((access.get("mail"), &id["mail"]), (None, &json!(ADA)));
    assert_eq!(access.get("phone"), None, "the user has no number");
    assert_eq!(userinfo(&org, body["access_token"].as_str().unwrap()).json()["mail"], ADA);
    let without = tokens(&org, "openid orders:write").await.json();
    assert_eq!(claims(&without["access_token"]).get("dept"), None);
    let service = claims(&json!(org.client_credentials(&["orders:read"]).await.unwrap()));
    assert_eq!((&service["tenant"], service.get("dept")), (&json!({"id": 7}), None), "a service has no department");
}

#[tokio::test]
async fn claims_can_be_set_in_a_file() {
    let toml = r#"
        [[server]]
        id = "default"
        scopes = ["invoices:read"]

        [[server.claim]]
        name = "who"
        value = "user.login"
        id_token = true
        scopes = ["invoices:read"]

        [[server.claim]]
        name = "limits"
        value = { orders = 10 }
        access_token = true
    "#;
    let org = OrgBuilder::from_toml(toml).unwrap().start().await.unwrap();
    let body = tokens(&org, "openid invoices:read").await.json();
    let (id, access) = (claims(&body["id_token"]), claims(&body["access_token"]));
    assert_eq!((&id["who"], &access["who"]), (&json!(ADA), &json!(ADA)));
    assert_eq!((id.get("limits"), &access["limits"]), (None, &json!({"orders": 10})));
    assert_eq!(sign_in(&org, &[("scope", "openid orders:read")]).await.param("error").unwrap(), "invalid_scope");
}

#[tokio::test]
async fn a_claim_must_not_replace_a_standard_claim() {
    for name in ["sub", "cid", "acr", ""] {
        let error = Org::builder().claim("default", CustomClaim::new(name, 1)).start().await.unwrap_err();
        assert!(error.is_config() && error.to_string().contains("another name"), "{error}");
    }
    let of_org = Org::builder().claim(okta_auth_dev::ORG_SERVER, CustomClaim::new("a", 1)).start().await;
    assert!(of_org.unwrap_err().is_config(), "custom claims are for custom servers");
    let server = AuthorizationServer::custom("a", "api://a").claim(CustomClaim::new("x", 1));
    assert_eq!(server.claim(CustomClaim::new("x", 2)).claims.len(), 1, "the last one wins");
}
