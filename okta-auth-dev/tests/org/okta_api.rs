//! Users and groups of Okta's API: access, pages, errors, rate limits and faults.

use std::time::Duration;

use okta_auth_dev::{ADA, ApiFault, BEN, Client, Endpoint, Fault, ORG_SERVER, Org, OrgBuilder, Outage, User};
use serde_json::json;

use crate::support::*;

fn builder() -> OrgBuilder {
    let client = Client::api_service("0oaapi", Signer::new().jwk());
    Org::builder().client(client.okta_scopes(["okta.users.read", "okta.groups.read"]).admin_role("READ_ONLY_ADMIN"))
}

/// A token of the org's own server for a service.
fn token(org: &Org, scopes: &[&str]) -> String {
    org.token().server(ORG_SERVER).client("0oaapi").service_token(scopes).sign()
}

fn call(url: &str, token: &str) -> Answer {
    send("GET", url, &[("authorization", &format!("Bearer {token}"))], "")
}

/// The URL of a `Link` header with this relation.
fn link(org: &Org, token: &str, url: &str, relation: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    let request = format!(
        "GET {} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n",
        &url[url::Position::BeforePath..],
        org.address()
    );
    let mut stream = std::net::TcpStream::connect(org.address()).unwrap();
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let text = std::io::read_to_string(stream).unwrap();
    let links = text.lines().filter_map(|line| line.strip_prefix("link: <"));
    let mut links =
        links.filter_map(|link| link.split_once(">; rel=\"")).filter(|(_, rel)| *rel == format!("{relation}\""));
    links.next().map(|(url, _)| url.to_owned())
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let builder =
        (0..5).fold(builder(), |builder, number| builder.user(User::new(format!("user{number}@example.test"), "pw")));
    let org = builder.start().await.unwrap();
    let token = token(&org, &["okta.users.read"]);
    let (mut url, mut logins, mut pages) = (format!("{}/api/v1/users?limit=3", org.url()), Vec::new(), 0);
    loop {
        let answer = call(&url, &token);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(link(&org, &token, &url, "self"), Some(url.clone()));
        let users = answer.json().as_array().unwrap().clone();
        logins.extend(users.iter().map(|user| user["profile"]["login"].as_str().unwrap().to_owned()));
        pages += 1;
        match link(&org, &token, &url, "next") {
            Some(next) => url = next,
            None => break,
        }
    }
    assert!(pages == 3 && url.contains("after=") && url.contains("limit=3"), "{url}");
    let expected: Vec<String> = org.users().into_iter().map(|user| user.login).collect();
    assert_eq!(logins, expected);
}

#[tokio::test]
async fn users_and_groups_have_oktas_members() {
    let org = builder().start().await.unwrap();
    let token = token(&org, &["okta.users.read", "okta.groups.read"]);
    let at = |path: &str| call(&format!("{}/api/v1/{path}", org.url()), &token);
    let ada = at(&format!("users/{ADA}")).json();
    let id = ada["id"].as_str().unwrap();
    assert_eq!((&ada["status"], &ada["profile"]["firstName"]), (&json!("ACTIVE"), &json!("Ada")));
    assert_eq!(at(&format!("users/{id}")).json(), ada);
    let groups = at("groups").json();
    let names: Vec<&str> =
        groups.as_array().unwrap().iter().map(|group| group["profile"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Admins", "Everyone", "Staff"]);
    assert_eq!((&groups[0]["type"], &groups[1]["type"]), (&json!("OKTA_GROUP"), &json!("BUILT_IN")));
    let admins = groups[0]["id"].as_str().unwrap();
    assert_eq!(at(&format!("groups/{admins}")).json(), groups[0]);
    assert_eq!(at(&format!("groups/{admins}/users")).json(), json!([ada]));
    let of_ben = at(&format!("users/{BEN}/groups")).json();
    assert_eq!((of_ben.as_array().unwrap().len(), &of_ben[1]["profile"]["name"]), (2, &json!("Staff")));
    assert_eq!(at("users?q=ad").json(), json!([ada]));
    let limited = at("users");
    assert_eq!(
        (limited.header("x-rate-limit-limit"), limited.header("x-rate-limit-remaining").is_empty()),
        ("1000", false)
    );
}

#[tokio::test]
async fn mistakes_get_oktas_error_codes() {
    let org = builder().start().await.unwrap();
    let token = token(&org, &["okta.users.read", "okta.groups.read"]);
    for (path, status, code) in [
        ("users?limit=0", 400, "E0000001"),
        ("users?limit=x", 400, "E0000001"),
        ("users?after=junk", 400, "E0000001"),
        ("users?search=profile.login%20eq%20%22a%22", 400, "E0000031"),
        ("users/unknown", 404, "E0000007"),
        ("groups/nothing", 404, "E0000007"),
        ("groups/nothing/users", 404, "E0000007"),
        ("users/a/b/c", 404, "E0000008"),
        ("apps", 404, "E0000008"),
    ] {
        let answer = call(&format!("{}/api/v1/{path}", org.url()), &token);
        assert_eq!((answer.status, &answer.json()["errorCode"]), (status, &json!(code)), "{path}");
    }
    let body = call(&format!("{}/api/v1/users?limit=0", org.url()), &token).json();
    assert_eq!(body["errorSummary"], "Api validation failed: limit");
    assert_eq!(body["errorCauses"], json!([{"errorSummary": "The limit must be at least 1."}]));
    assert!(body["errorId"].as_str().unwrap().starts_with("oae"));
    assert_eq!(send("POST", &format!("{}/api/v1/users", org.url()), &[], "").json()["errorCode"], "E0000022");
}

#[tokio::test]
async fn a_call_needs_a_token_of_the_org_a_scope_and_a_role() {
    let org = builder().start().await.unwrap();
    let users = format!("{}/api/v1/users", org.url());
    let good = token(&org, &["okta.users.read"]);
    assert_eq!(call(&users, &good).status, 200);
    assert_eq!(call(&users, &token(&org, &["okta.users.manage"])).status, 200, "manage includes read");
    let custom = org.token().client("0oaapi").service_token(["okta.users.read"]).sign();
    let ssws = send("GET", &users, &[("authorization", "SSWS 00abc")], "");
    for (answer, words) in [
        (get(&users), "The access token is missing."),
        (ssws, "The access token is missing."),
        (call(&users, "junk"), "The access token is invalid."),
        (call(&users, &custom), "The access token provided is not intended for Okta."),
    ] {
        assert_eq!((answer.status, &answer.json()["errorCode"]), (401, &json!("E0000011")), "{words}");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with("Bearer ") && challenge.contains(words), "{challenge}");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    let scopeless = call(&users, &token(&org, &["okta.groups.read"]));
    assert_eq!((scopeless.status, &scopeless.json()["errorCode"]), (403, &json!("E0000006")));
    let challenge = scopeless.header("www-authenticate");
    assert!(challenge.contains("scope=\"okta.users.read\", error=\"insufficient_scope\""), "{challenge}");
    let mut client = org.client_with_id("0oaapi").unwrap();
    client.admin_roles.clear();
    org.put_client(client);
    let roleless = call(&users, &good);
    assert_eq!((roleless.status, &roleless.json()["errorCode"]), (403, &json!("E0000006")));
    assert_eq!(roleless.header("www-authenticate"), "");
    org.clock().advance(Duration::from_secs(3601));
    assert_eq!(call(&users, &good).status, 401, "expired");
}

#[tokio::test]
async fn a_limit_of_requests_applies_to_each_resource() {
    let org = builder().rate_limit(2).start().await.unwrap();
    let token = token(&org, &["okta.users.read", "okta.groups.read"]);
    let at = |path: &str| call(&format!("{}/api/v1/{path}", org.url()), &token);
    assert_eq!(at("users").header("x-rate-limit-remaining"), "1");
    assert_eq!(at("users/unknown").status, 404, "it counts as well");
    let limited = at("users");
    assert_eq!((limited.status, &limited.json()["errorCode"]), (429, &json!("E0000047")));
    assert_eq!(limited.header("retry-after"), "");
    assert_eq!(at("groups").status, 200);
    org.clock().advance(Duration::from_secs(61));
    assert_eq!(at("users").status, 200);
    org.outage_times(Endpoint::Api, Outage::Status(503), 1);
    assert_eq!((at("users").status, at("users").status), (503, 200));
}

#[tokio::test]
async fn faults_change_the_responses_of_the_api() {
    let org = builder().start().await.unwrap();
    let token = token(&org, &["okta.users.read"]);
    let users = format!("{}/api/v1/users?limit=1", org.url());
    let with = |fault: ApiFault| {
        org.fault_once(Fault::Api(fault));
        call(&users, &token)
    };
    assert_eq!(with(ApiFault::Status(500)).json()["errorCode"], "E0000009");
    assert_eq!(with(ApiFault::RateLimited).header("x-rate-limit-limit"), "60");
    let violated = with(ApiFault::ConcurrencyLimited);
    assert_eq!(
        (violated.status, violated.header("x-rate-limit-limit"), violated.header("x-rate-limit-remaining")),
        (429, "0", "0")
    );
    assert_eq!(with(ApiFault::InvalidToken).json()["errorCode"], "E0000011");
    assert!(with(ApiFault::Html).body.starts_with("<!doctype html>"));
    assert!(with(ApiFault::Huge).body.len() > 2 << 20);
    let moved = with(ApiFault::Redirect);
    assert_eq!((moved.status, call(moved.header("location"), &token).status), (307, 200));
    let start = std::time::Instant::now();
    assert_eq!(with(ApiFault::Slow(Duration::from_millis(50))).status, 200);
    assert!(start.elapsed() >= Duration::from_millis(50));
    org.fault_once(Fault::Api(ApiFault::NextElsewhere));
    assert!(link(&org, &token, &users, "next").unwrap().starts_with("http://localhost:"));
    org.fault_once(Fault::Api(ApiFault::NextLoop));
    assert_eq!(link(&org, &token, &users, "next"), Some(users.clone()));
    let all = with(ApiFault::LinksInOneHeader);
    assert!(all.header("link").contains(">; title=\"a, b; c\"; rel=next, <"), "{}", all.header("link"));
    assert!(link(&org, &token, &users, "next").unwrap().starts_with(org.url()), "each fault was cleared");
}

#[tokio::test]
async fn faults_of_the_api_replace_only_their_own_kind() {
    let org = builder().start().await.unwrap();
    let token = token(&org, &["okta.users.read"]);
    org.fault_once(Fault::Api(ApiFault::Status(500)));
    org.fault_once(Fault::Api(ApiFault::Status(503)));
    org.fault_once(Fault::Api(ApiFault::Html));
    let armed = get(&format!("{}/dev/faults", org.url())).json();
    assert_eq!(armed[0]["fault"], json!({"api": {"status": 503}}));
    assert_eq!(armed[1]["fault"], json!({"api": "html"}));
    let users = format!("{}/api/v1/users", org.url());
    assert_eq!((call(&users, &token).status, call(&users, &token).status), (503, 200));
}
