//! Access policies: which clients and users may have which tokens.

use okta_auth_dev::{ADA, AccessPolicy, BEN, Org, OrgBuilder, Response, SERVICE_CLIENT_ID};
use serde_json::json;

use crate::support::*;

const DENIED: &str = "Policy evaluation failed for this request, please check the policy configurations.";

async fn asks(org: &Org, login: &str, scope: &str) -> Response {
    org.sign_in(&authorize_url(org, &org.issuer(), &[("scope", scope)]), login).await.unwrap()
}

fn assert_denied(response: &Response) {
    assert_eq!(response.param("error").as_deref(), Some("access_denied"), "{response:?}");
    assert_eq!(response.param("error_description").unwrap(), DENIED);
    assert_eq!((response.param("state").unwrap().as_str(), response.param("code")), ("the-state", None));
}

fn service(org: &Org, scope: &str) -> Answer {
    let fields = [("grant_type", "client_credentials"), ("scope", scope)];
    post(&format!("{}/v1/token", org.issuer()), Some(&org.service_client()), &fields)
}

#[tokio::test]
async fn requests_that_no_policy_allows_are_denied() {
    let staff = AccessPolicy::new("Staff read").group("Staff").scope("openid").scope("orders:read");
    let admins = AccessPolicy::new("Admins").user(ADA);
    let org = Org::builder().access_policy("default", staff).access_policy("default", admins).start().await.unwrap();
    assert!(asks(&org, BEN, "openid orders:read").await.param("code").is_some());
    assert_denied(&asks(&org, BEN, "openid orders:read orders:write").await);
    assert!(asks(&org, ADA, "openid orders:write").await.param("code").is_some());
    org.put_user(org.user(BEN).unwrap().groups(["Everyone"]));
    assert_denied(&asks(&org, BEN, "openid").await);
    let answer = service(&org, "orders:read");
    let expected = json!({"error": "access_denied", "error_description": DENIED});
    assert_eq!((answer.status, answer.json()), (401, expected), "a service has no groups");
    let at_org = authorize_url(&org, &org.org_issuer(), &[("scope", "openid")]);
    assert!(org.sign_in(&at_org, BEN).await.unwrap().param("code").is_some(), "other servers are not affected");
}

#[tokio::test]
async fn a_policy_can_be_limited_to_clients() {
    let job = AccessPolicy::new("Job").client(SERVICE_CLIENT_ID).scope("orders:read");
    let org = Org::builder().access_policy("default", job).start().await.unwrap();
    assert_eq!(service(&org, "orders:read").status, 200);
    assert_eq!(service(&org, "orders:read orders:write").status, 401);
    assert_denied(&asks(&org, ADA, "openid").await);
}

#[tokio::test]
async fn a_user_whom_the_policy_denies_gets_no_second_step() {
    let org = Org::builder().access_policy("default", AccessPolicy::new("Ben").user(BEN)).start().await.unwrap();
    assert_denied(&sign_in(&org, &[("acr_values", "urn:okta:loa:2fa:any")]).await);
    assert_eq!(org.count("/signin/verify"), 0);
    let mut browser = org.browser();
    browser.sign_in(&authorize_url(&org, &org.issuer(), &[]), ADA).await.unwrap();
    let silent = authorize_url(&org, &org.issuer(), &[("prompt", "none"), ("response_mode", "form_post")]);
    assert_denied(&browser.open(&silent).await.unwrap());
}

#[tokio::test]
async fn policies_can_be_set_in_a_file() {
    let toml = r#"
        [[server]]
        id = "default"

        [[server.access_policy]]
        name = "Admins and Ben"
        groups = ["Admins"]
        users = ["ben@example.test"]
        scopes = ["openid", "orders:read"]
    "#;
    let org = OrgBuilder::from_toml(toml).unwrap().start().await.unwrap();
    for login in [ADA, BEN] {
        assert!(asks(&org, login, "openid orders:read").await.param("code").is_some(), "{login}");
        assert_denied(&asks(&org, login, "openid email").await);
    }
    assert!(OrgBuilder::from_toml(&toml.replace("groups", "group")).is_err());
    let of_org = OrgBuilder::from_toml(&toml.replace("\"default\"", "\"org\"")).unwrap().start().await;
    assert!(of_org.unwrap_err().is_config());
}
