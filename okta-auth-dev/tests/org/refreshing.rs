//! Refresh tokens: absolute lifetime, reuse, and unassigned apps.

use std::time::Duration;

use okta_auth_dev::{ADA, BEN, Fault, ORG_SERVER, Org, Rotation};
use serde_json::{Value, json};

use crate::support::*;

const OFFLINE: &str = "openid offline_access";
const DAY: Duration = Duration::from_secs(86_400);

fn token(body: &Value) -> &str {
    body["refresh_token"].as_str().unwrap()
}

#[tokio::test]
async fn use_extends_a_refresh_token_only_to_its_absolute_lifetime_which_successors_inherit() {
    let org = Org::builder().rotation(Rotation::Rotate).refresh_token_lifetime(10 * DAY).start().await.unwrap();
    let mut body = tokens(&org, OFFLINE).await.json();
    for _ in 0..3 {
        org.clock().advance(3 * DAY);
        body = refresh(&org, token(&body)).json();
        assert!(body["refresh_token"].is_string(), "{body}");
    }
    org.clock().advance(DAY + Duration::from_secs(1));
    assert_eq!(refresh(&org, token(&body)).json()["error"], "invalid_grant", "ten days after the sign-in");
}

#[tokio::test]
async fn refresh_tokens_of_the_orgs_own_server_live_ninety_days() {
    let org = Org::start().await.unwrap();
    let issuer = org.org_issuer();
    let code = org.sign_in(&authorize_url(&org, &issuer, &[("scope", OFFLINE)]), ADA).await.unwrap();
    let body = exchange_at(&org, &issuer, &code.param("code").unwrap(), &[]).json();
    let at_org = || {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token(&body))];
        post(&format!("{}/oauth2/v1/token", org.url()), Some(&org.client()), &fields)
    };
    org.clock().advance(89 * DAY);
    assert_eq!(at_org().status, 200, "{ORG_SERVER}");
    org.clock().advance(2 * DAY);
    assert_eq!(at_org().json()["error"], "invalid_grant");
}

#[tokio::test]
async fn the_request_log_counts_refreshes() {
    let org = Org::builder().rotation(Rotation::Rotate).start().await.unwrap();
    let first = tokens(&org, OFFLINE).await.json();
    assert_eq!(org.refreshes().seen, 0, "a sign-in is not a refresh");
    let second = refresh(&org, token(&first)).json();
    refresh(&org, token(&first));
    org.fault_once(Fault::TokenHtml);
    refresh(&org, token(&second));
    let counts = org.refreshes();
    assert_eq!((counts.seen, counts.granted, counts.repeated, counts.reused), (3, 2, 1, 0));
    org.clock().advance(Duration::from_secs(31));
    assert_eq!(refresh(&org, token(&first)).status, 400);
    let counts = org.refreshes();
    assert_eq!((counts.seen, counts.granted, counts.reused), (4, 2, 1));
    org.clear_request_log();
    assert_eq!((org.refreshes().seen, org.refreshes().granted), (0, 0));
}

#[tokio::test]
async fn without_any_leeway_the_second_use_revokes_the_grant() {
    let org = Org::builder().rotation(Rotation::Rotate).start().await.unwrap();
    org.fault(Fault::RefreshNoLeeway);
    let first = tokens(&org, OFFLINE).await.json();
    let used: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| refresh(&org, token(&first)).status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(used.iter().filter(|status| **status == 200).count(), 1, "{used:?}");
    assert_eq!(org.refreshes().reused, 1, "afterwards the token is unknown");
    assert_eq!(introspect(&org, first["access_token"].as_str().unwrap()), json!({"active": false}));
}

#[tokio::test]
async fn a_user_without_the_app_cannot_refresh_or_sign_in() {
    let org = Org::start().await.unwrap();
    let (body, id) = (tokens(&org, OFFLINE).await.json(), org.client().client_id);
    org.unassign("ADA@example.test", &id);
    assert_eq!(refresh(&org, token(&body)).json()["error"], "invalid_grant");
    assert_eq!(introspect(&org, body["access_token"].as_str().unwrap()), json!({"active": false}));
    let response = sign_in(&org, &[]).await;
    assert_eq!(response.param("error").unwrap(), "access_denied");
    assert_eq!(response.param("error_description").unwrap(), "User is not assigned to the client application.");
    let others = org.sign_in(&authorize_url(&org, &org.issuer(), &[]), BEN).await.unwrap();
    assert!(others.param("code").is_some(), "other users still have the app");
    org.assign(ADA, &id);
    assert!(sign_in(&org, &[]).await.param("code").is_some());
    assert_eq!(refresh(&org, token(&body)).status, 400, "revoked tokens stay revoked");
}
