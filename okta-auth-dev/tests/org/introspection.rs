//! Introspection of every kind of token, active and inactive.

use std::collections::BTreeSet;
use std::time::Duration;

use okta_auth_dev::{ADA, CLIENT_ID, ORG_SERVER, Org, Rotation, SERVICE_CLIENT_ID};
use serde_json::{Value, json};

use crate::support::*;

const OFFLINE: &str = "openid profile offline_access";

/// Okta's members for a token of a user.
const SIGNED: [&str; 12] =
    ["active", "token_type", "client_id", "username", "exp", "iat", "sub", "aud", "iss", "jti", "uid", "auth_time"];

fn names(members: &Value) -> BTreeSet<&str> {
    members.as_object().unwrap().keys().map(String::as_str).collect()
}

fn expected(more: &[&'static str]) -> BTreeSet<&'static str> {
    SIGNED.into_iter().chain(more.iter().copied()).collect()
}

fn at(org: &Org, base: &str, endpoint: &str, token: &Value) -> Answer {
    post(&format!("{base}/v1/{endpoint}"), Some(&org.client()), &[("token", token.as_str().unwrap())])
}

fn inactive() -> Value {
    json!({"active": false})
}

#[tokio::test]
async fn every_token_of_a_sign_in_is_active_at_both_kinds_of_server() {
    let org = Org::start().await.unwrap();
    let ada = org.user(ADA).unwrap();
    for (issuer, base) in [(org.issuer(), org.issuer()), (org.org_issuer(), format!("{}/oauth2", org.url()))] {
        let response = org.sign_in(&authorize_url(&org, &issuer, &[("scope", OFFLINE)]), ADA).await.unwrap();
        let body = exchange_at(&org, &issuer, &response.param("code").unwrap(), &[]).json();

        let access = at(&org, &base, "introspect", &body["access_token"]).json();
        assert_eq!(names(&access), expected(&["scope"]), "{issuer}");
        assert_eq!((&access["token_type"], &access["scope"]), (&json!("Bearer"), &json!(OFFLINE)));
        assert_eq!((&access["sub"], &access["uid"], &access["username"]), (&json!(ADA), &json!(ada.id), &json!(ADA)));
        assert_eq!((&access["client_id"], &access["iss"]), (&json!(CLIENT_ID), &json!(issuer)));

        let id = at(&org, &base, "introspect", &body["id_token"]).json();
        assert_eq!(names(&id), expected(&[]), "{issuer}");
        assert_eq!((&id["sub"], &id["uid"], &id["username"]), (&json!(ada.id), &json!(ada.id), &json!(ADA)));
        assert_eq!((&id["client_id"], &id["aud"]), (&json!(CLIENT_ID), &json!(CLIENT_ID)));

        let refresh = at(&org, &base, "introspect", &body["refresh_token"]).json();
        let members = ["active", "client_id", "device_id", "exp", "scope", "sub", "username"];
        assert_eq!(names(&refresh), BTreeSet::from(members));
        assert_eq!(
            (&refresh["sub"], &refresh["username"], &refresh["scope"]),
            (&json!(ADA), &json!(ADA), &json!(OFFLINE))
        );

        assert_eq!(at(&org, &base, "revoke", &body["refresh_token"]).status, 200);
        for token in ["access_token", "refresh_token"] {
            assert_eq!(at(&org, &base, "introspect", &body[token]).json(), inactive(), "{token} at {issuer}");
        }
    }
}

#[tokio::test]
async fn a_server_introspects_only_its_own_tokens() {
    let org = Org::start().await.unwrap();
    let body = tokens(&org, OFFLINE).await.json();
    let of_org = json!(org.token().server(ORG_SERVER).access_token(ADA, ["openid"]).sign());
    let base = format!("{}/oauth2", org.url());
    for token in ["access_token", "id_token", "refresh_token"] {
        assert_eq!(at(&org, &base, "introspect", &body[token]).json(), inactive(), "{token}");
    }
    assert_eq!(at(&org, &org.issuer(), "introspect", &of_org).json(), inactive());
    assert_eq!(at(&org, &base, "introspect", &of_org).json()["active"], true);
}

#[tokio::test]
async fn a_token_of_a_service_has_no_user() {
    let org = Org::start().await.unwrap();
    let token = org.client_credentials(&["orders:read", "orders:write"]).await.unwrap();
    let members = introspect(&org, &token);
    let names_expected = ["active", "token_type", "scope", "client_id", "exp", "iat", "sub", "aud", "iss", "jti"];
    assert_eq!(names(&members), BTreeSet::from(names_expected));
    assert_eq!((&members["sub"], &members["client_id"]), (&json!(SERVICE_CLIENT_ID), &json!(SERVICE_CLIENT_ID)));
    assert_eq!((&members["active"], &members["scope"]), (&json!(true), &json!("orders:read orders:write")));
    let revoke = format!("{}/v1/revoke", org.issuer());
    post(&revoke, Some(&org.client()), &[("token", &token)]);
    assert_eq!(introspect(&org, &token)["active"], true, "another client cannot revoke it");
    assert_eq!(post(&revoke, Some(&org.service_client()), &[("token", &token)]).status, 200);
    assert_eq!(introspect(&org, &token), inactive());
}

#[tokio::test]
async fn ending_sessions_and_deleting_users_inactivates_their_tokens() {
    let org = Org::start().await.unwrap();
    // Without a refresh token, the grant is found by its access token.
    let first = tokens(&org, "openid").await.json();
    org.end_sessions("ADA@example.test");
    assert_eq!(introspect(&org, first["access_token"].as_str().unwrap()), inactive());
    let second = tokens(&org, OFFLINE).await.json();
    org.remove_user(ADA);
    for token in ["access_token", "id_token", "refresh_token"] {
        assert_eq!(introspect(&org, second[token].as_str().unwrap()), inactive(), "{token}");
    }
}

#[tokio::test]
async fn a_rotated_refresh_token_is_active_for_the_leeway() {
    let org = Org::builder().rotation(Rotation::Rotate).start().await.unwrap();
    let first = tokens(&org, OFFLINE).await.json();
    let old = first["refresh_token"].as_str().unwrap();
    let renewed = refresh(&org, old).json();
    let (before, after) = (introspect(&org, old), introspect(&org, renewed["refresh_token"].as_str().unwrap()));
    assert_eq!((&before["active"], &before["device_id"]), (&json!(true), &after["device_id"]));
    org.clock().advance(Duration::from_secs(32));
    assert_eq!(introspect(&org, old), inactive());
    assert_eq!(introspect(&org, renewed["refresh_token"].as_str().unwrap())["active"], true);
}
