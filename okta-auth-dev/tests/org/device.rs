//! The device flow: codes, the activation page, polling, and faults.

use std::time::Duration;

use okta_auth_dev::{
    ADA, AccessPolicy, AuthorizationServer, Client, DeviceFault, Fault, GrantType, Org, OrgBuilder, Response,
};
use serde_json::{Value, json};

use crate::support::*;

const CLI: &str = "0oacli";

fn builder() -> OrgBuilder {
    let cli = Client::public(CLI).label("Orders <CLI>").grant_types([GrantType::DeviceCode, GrantType::RefreshToken]);
    Org::builder().client(Client::web("0oaweb", "web-secret").origin("http://localhost:8080")).client(cli)
}

/// Starts a device at the server `default`.
fn start(org: &Org, scope: &str) -> Value {
    let answer = post(&format!("{}/v1/device/authorize", org.issuer()), None, &[("client_id", CLI), ("scope", scope)]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn poll(org: &Org, device: &Value) -> Answer {
    poll_as(org, CLI, device)
}

fn poll_as(org: &Org, client_id: &str, device: &Value) -> Answer {
    let grant = ("grant_type", GrantType::DeviceCode.as_str());
    let fields = [grant, ("client_id", client_id), ("device_code", device["device_code"].as_str().unwrap())];
    post(&token_url(org, Some("default")), None, &fields)
}

fn error(answer: &Answer) -> String {
    refusal(answer).1
}

async fn activate(org: &Org, device: &Value) -> Response {
    let text = |name: &str| device[name].as_str().unwrap().to_owned();
    org.browser().activate(&text("verification_uri"), &text("user_code"), ADA).await.unwrap()
}

fn body(response: Response) -> String {
    match response {
        Response::Page { body, .. } => body,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_device_gets_tokens_after_its_user_agreed() {
    let org = builder().start().await.unwrap();
    org.clock().stop();
    let device = start(&org, "openid profile offline_access");
    let (uri, code) = (format!("{}/activate", org.url()), device["user_code"].as_str().unwrap());
    assert_eq!(
        (&device["verification_uri"], &device["expires_in"], &device["interval"]),
        (&json!(uri), &json!(600), &json!(5))
    );
    assert_eq!(device["verification_uri_complete"], format!("{uri}?user_code={code}"));
    assert_eq!(device["device_code"].as_str().unwrap().len(), 36);
    let pending = poll(&org, &device);
    let description = "The device authorization is pending. Please try again later.";
    assert_eq!(refusal(&pending), (400, "authorization_pending".to_owned(), description.to_owned()));
    assert!(body(activate(&org, &device).await).contains("Device connected"));
    org.clock().advance(Duration::from_secs(5));
    let tokens = poll(&org, &device).json();
    let (id, access) = (claims(&tokens["id_token"]), claims(&tokens["access_token"]));
    assert_eq!((&access["sub"], &access["cid"]), (&json!(ADA), &json!(CLI)));
    assert_eq!((&id["aud"], id.get("nonce")), (&json!(CLI), None));
    assert_eq!(tokens["scope"], "openid profile offline_access");
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", CLI),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    assert_eq!(post(&token_url(&org, Some("default")), None, &fields).status, 200);
    let description = "The device code is invalid or has expired.";
    assert_eq!(refusal(&poll(&org, &device)), (400, "invalid_grant".to_owned(), description.to_owned()), "used up");
}

#[tokio::test]
async fn a_refusal_ends_the_flow() {
    let org = builder().start().await.unwrap();
    let device = start(&org, "openid");
    let complete = device["verification_uri_complete"].as_str().unwrap();
    let page = org.browser().deny_devices(true).activate(complete, "", ADA).await.unwrap();
    assert!(body(page).contains("Device not connected"));
    let refused = poll(&org, &device);
    let description = "The resource owner or authorization server denied the request.";
    assert_eq!(refusal(&refused), (400, "access_denied".to_owned(), description.to_owned()));
    assert_eq!(error(&poll(&org, &device)), "invalid_grant");
}

#[tokio::test]
async fn a_fast_poll_lengthens_the_interval_and_a_late_one_is_too_late() {
    let org = builder().start().await.unwrap();
    org.clock().stop();
    let device = start(&org, "openid");
    let after = |seconds: u64| {
        org.clock().advance(Duration::from_secs(seconds));
        error(&poll(&org, &device))
    };
    assert_eq!(after(0), "authorization_pending");
    assert_eq!(after(5), "authorization_pending");
    assert_eq!(after(4), "slow_down");
    assert_eq!(after(9), "slow_down", "ten seconds are required now");
    assert_eq!(after(15), "authorization_pending");
    assert_eq!(after(600), "expired_token");
    assert_eq!(refusal(&poll(&org, &device)).2, "The device code has expired.");
    assert!(body(activate(&org, &device).await).contains("The user code is invalid or has expired."));
}

#[tokio::test]
async fn a_device_code_belongs_to_its_client_and_server() {
    let other = Client::public("0oaother").grant_types([GrantType::DeviceCode]);
    let org = builder().client(other).start().await.unwrap();
    let device = start(&org, "openid");
    activate(&org, &device).await;
    assert!(refusal(&poll_as(&org, "0oaother", &device)).2.starts_with("The grant was issued to another client."));
    assert_eq!(error(&poll_as(&org, okta_auth_dev::PUBLIC_CLIENT_ID, &device)), "unauthorized_client");
    let fields = [
        ("grant_type", GrantType::DeviceCode.as_str()),
        ("client_id", CLI),
        ("device_code", device["device_code"].as_str().unwrap()),
    ];
    let elsewhere = post(&token_url(&org, None), None, &fields);
    assert_eq!(refusal(&elsewhere).2, "The grant was issued for another authorization server.");
    assert_eq!(poll(&org, &device).status, 200, "none of these consumed it");
    let missing = post(&token_url(&org, Some("default")), None, &fields[..2]);
    assert_eq!(refusal(&missing).2, "The required parameter 'device_code' is missing.");
}

#[tokio::test]
async fn a_start_needs_the_grant_and_known_scopes() {
    let org = builder().start().await.unwrap();
    let ask = |client_id: &str, scope: &str| {
        let fields = [("client_id", client_id), ("scope", scope)];
        refusal(&post(&format!("{}/v1/device/authorize", org.issuer()), None, &fields))
    };
    assert_eq!(ask(okta_auth_dev::PUBLIC_CLIENT_ID, "openid").1, "unauthorized_client");
    assert_eq!(ask("0oaunknown", "openid").0, 401);
    assert_eq!(ask(CLI, "").1, "invalid_scope");
    assert_eq!(ask(CLI, "openid nothing").1, "invalid_scope");
    let at_org = [("client_id", CLI), ("scope", "openid")];
    assert_eq!(post(&format!("{}/oauth2/v1/device/authorize", org.url()), None, &at_org).status, 200);
}

#[tokio::test]
async fn the_page_shows_who_asks_and_for_what_before_it_connects() {
    let org = builder().start().await.unwrap();
    let device = start(&org, "openid orders:read");
    let complete = device["verification_uri_complete"].as_str().unwrap();
    let code = device["user_code"].as_str().unwrap();
    assert!(get(complete).body.contains("name=\"password\""), "a user signs in first");
    let mut browser = org.browser();
    let Response::Redirect(next) = browser.sign_in(complete, ADA).await.unwrap() else { panic!("no redirect") };
    assert_eq!(next, complete);
    let page = body(browser.open(&next).await.unwrap());
    assert!(page.contains("Orders &lt;CLI&gt;") && page.contains(ADA) && page.contains(code), "{page}");
    assert!(page.contains("openid orders:read"));
    assert_eq!(error(&poll(&org, &device)), "authorization_pending", "opening the link connects nothing");
    let lower = format!("{}-{}", code[..4].to_lowercase(), code[4..].to_lowercase());
    let typed = browser.submit(&format!("{}/activate", org.url()), &[("user_code", &lower)]).await.unwrap();
    assert!(body(typed).contains(code), "case and separators do not matter");
    let wrong = browser.submit(&format!("{}/activate", org.url()), &[("user_code", "BBBBBBBB")]).await.unwrap();
    assert!(matches!(wrong, Response::Page { status: 400, ref body } if body.contains("role=\"alert\"")), "{wrong:?}");
}

#[tokio::test]
async fn a_decision_needs_a_page_of_the_same_browser() {
    let org = builder().start().await.unwrap();
    let device = start(&org, "openid");
    let complete = device["verification_uri_complete"].as_str().unwrap();
    let (mut victim, mut attacker) = (org.browser(), org.browser());
    victim.sign_in(complete, ADA).await.unwrap();
    attacker.sign_in(complete, okta_auth_dev::BEN).await.unwrap();
    let page = body(attacker.open(complete).await.unwrap());
    let handle = page.split("name=\"stateToken\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let decide = format!("{}/activate/decide", org.url());
    for handle in [handle.as_str(), "guessed"] {
        let forged = victim.submit(&decide, &[("stateToken", handle), ("action", "allow")]).await.unwrap();
        assert!(matches!(forged, Response::Page { status: 400, .. }), "{forged:?}");
    }
    assert_eq!(error(&poll(&org, &device)), "authorization_pending");
    let own = attacker.submit(&decide, &[("stateToken", &handle), ("action", "allow")]).await.unwrap();
    assert!(body(own).contains("Device connected"));
}

#[tokio::test]
async fn policies_and_assignments_apply_to_devices() {
    let server = AuthorizationServer::custom("default", "api://default")
        .access_policy(AccessPolicy::new("Devices of staff").group("Staff").grant_type(GrantType::DeviceCode));
    let org = builder().authorization_server(server).start().await.unwrap();
    let device = start(&org, "openid");
    assert!(body(activate(&org, &device).await).contains("Policy evaluation failed"));
    assert_eq!(error(&poll(&org, &device)), "access_denied");
    let org = builder().start().await.unwrap();
    org.unassign(ADA, CLI);
    assert!(body(activate(&org, &start(&org, "openid")).await).contains("User is not assigned"));
}

#[tokio::test]
async fn faults_change_the_device_flow() {
    let org = builder().start().await.unwrap();
    let url = format!("{}/v1/device/authorize", org.issuer());
    let ask = || post(&url, None, &[("client_id", CLI), ("scope", "openid")]);
    org.fault_once(Fault::Device(DeviceFault::TooManyUserCodes));
    let many = refusal(&ask());
    assert_eq!((many.0, many.1.as_str()), (429, "too_many_user_codes"));
    org.fault_once(Fault::Device(DeviceFault::Member("interval".into(), Value::Null)));
    org.fault_once(Fault::Device(DeviceFault::Member("verification_uri".into(), json!("http://evil.example/"))));
    let changed = ask().json();
    assert!(changed.get("interval").is_none() && changed["verification_uri"] == "http://evil.example/", "{changed}");
    org.fault_once(Fault::Device(DeviceFault::Huge));
    assert!(ask().body.len() > 2 << 20);
    let device = start(&org, "openid");
    activate(&org, &device).await;
    for (fault, expected) in [
        (DeviceFault::Pending, "authorization_pending"),
        (DeviceFault::SlowDown, "slow_down"),
        (DeviceFault::Expired, "expired_token"),
        (DeviceFault::Denied, "access_denied"),
    ] {
        org.fault_once(Fault::Device(fault));
        assert_eq!(error(&poll(&org, &device)), expected);
    }
    assert_eq!(poll(&org, &device).status, 200, "the faults consumed nothing");
}

#[tokio::test]
async fn a_decision_needs_no_browser() {
    let org = builder().start().await.unwrap();
    let code = |device: &Value| device["user_code"].as_str().unwrap().to_owned();
    let (first, second, third) = (start(&org, "openid"), start(&org, "openid"), start(&org, "openid"));
    org.connect_device(&code(&first), ADA).unwrap();
    assert_eq!(poll(&org, &first).status, 200);
    org.refuse_device(&code(&second)).unwrap();
    assert_eq!(error(&poll(&org, &second)), "access_denied");
    assert!(org.refuse_device(&code(&second)).unwrap_err().to_string().contains("invalid or has expired"));
    assert!(org.connect_device(&code(&third), "unknown").is_err());
    let devices = format!("{}/dev/devices", org.url());
    let waiting = get(&devices).json();
    assert_eq!(waiting, json!([{"user_code": code(&third), "client_id": CLI, "scopes": ["openid"]}]));
    let decide = |body: Value| send("POST", &format!("{devices}/{}", code(&third)), &[], &body.to_string());
    assert_eq!(decide(json!({"login": "unknown"})).status, 404);
    assert_eq!(decide(json!({"login": ADA})).status, 204);
    assert_eq!(poll(&org, &third).status, 200);
    assert_eq!(decide(json!({})).json()["error"], "invalid_user_code");
}
