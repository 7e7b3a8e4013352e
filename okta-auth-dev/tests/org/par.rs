//! Pushed authorization requests (RFC 9126).

use std::collections::BTreeMap;
use std::time::Duration;

use okta_auth_dev::{ADA, AuthMethod, Client, Fault, Org, OrgBuilder, ParFault, Response};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::support::*;

/// Pushes the parameters of an authorization request, with changes; an empty value omits one.
fn push(org: &Org, changes: &[(&str, &str)]) -> Answer {
    push_as(org, &org.client(), changes)
}

fn push_as(org: &Org, client: &Client, changes: &[(&str, &str)]) -> Answer {
    post(&format!("{}/v1/par", org.issuer()), Some(client), &fields(org, changes))
}

fn fields<'a>(org: &Org, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let url = authorize_url(org, &org.issuer(), &[]);
    let url: &'static str = Box::leak(url.into_boxed_str());
    let pairs: Vec<(String, String)> = url::Url::parse(url).unwrap().query_pairs().into_owned().collect();
    let pairs: &'static [(String, String)] = Box::leak(pairs.into_boxed_slice());
    let mut all: BTreeMap<&'a str, &'a str> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    all.remove("client_id");
    for (name, value) in changes {
        all.insert(name, value);
        if value.is_empty() {
            all.remove(name);
        }
    }
    all.into_iter().collect()
}

/// The authorization request of a request URI.
fn open_url(issuer: &str, client_id: &str, request_uri: &str) -> String {
    let query =
        Serializer::new(String::new()).extend_pairs([("client_id", client_id), ("request_uri", request_uri)]).finish();
    format!("{issuer}/v1/authorize?{query}")
}

async fn open(org: &Org, client_id: &str, request_uri: &Value) -> Response {
    let url = open_url(&org.issuer(), client_id, request_uri.as_str().unwrap());
    org.sign_in(&url, ADA).await.unwrap()
}

fn page(response: &Response) -> &str {
    let Response::Page { status: 400, body } = response else { panic!("{response:?}") };
    body
}

#[tokio::test]
async fn a_pushed_request_signs_in_once() {
    let org = Org::start().await.unwrap();
    let answer = push(&org, &[]);
    let body = answer.json();
    assert_eq!((answer.status, &body["expires_in"]), (200, &json!(3600)), "{body}");
    assert!(answer.body.starts_with("{\"request_uri\":\"urn:okta:"), "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-cache, no-store");
    let client_id = org.client().client_id;
    let response = open(&org, &client_id, &body["request_uri"]).await;
    assert_eq!(response.param("state").as_deref(), Some("the-state"));
    let tokens = exchange(&org, &response.param("code").unwrap(), &[]).json();
    assert_eq!(claims(&tokens["id_token"])["nonce"], "the-nonce");
    let again = open(&org, &client_id, &body["request_uri"]).await;
    assert!(
        page(&again).contains("invalid_request_uri") && page(&again).contains("The authorize request_uri is invalid.")
    );
}

#[tokio::test]
async fn parameters_beside_the_request_uri_are_ignored() {
    let org = Org::start().await.unwrap();
    let uri = push(&org, &[]).json()["request_uri"].as_str().unwrap().to_owned();
    let url = format!("{}&state=forged&scope=openid", open_url(&org.issuer(), &org.client().client_id, &uri));
    let response = org.sign_in(&url, ADA).await.unwrap();
    assert_eq!(response.param("state").as_deref(), Some("the-state"));
}

#[tokio::test]
async fn a_request_uri_belongs_to_its_client_and_its_server_and_expires() {
    let org = Org::builder().client(Client::web("0oaone", "s").redirect_uri(CALLBACK));
    let org = org.client(Client::web("0oatwo", "s").redirect_uri(CALLBACK)).start().await.unwrap();
    let uri = push(&org, &[]).json()["request_uri"].clone();
    let other = open(&org, "0oatwo", &uri).await;
    let words = "parameter does not match the expected value for the provided request_uri.";
    assert!(page(&other).contains("invalid_client") && page(&other).contains(words), "{other:?}");
    let url = open_url(&format!("{}/oauth2", org.url()), "0oaone", uri.as_str().unwrap());
    let elsewhere = org.browser().open(&url).await.unwrap();
    assert!(page(&elsewhere).contains("The request_uri was issued for another authorization server."));
    assert!(open(&org, "0oaone", &uri).await.param("code").is_some(), "neither used it up");
    let uri = push(&org, &[]).json()["request_uri"].clone();
    org.clock().advance(Duration::from_secs(3601));
    assert!(page(&open(&org, "0oaone", &uri).await).contains("invalid_request_uri"));
}

#[tokio::test]
async fn wrong_pushed_requests_are_refused_in_json() {
    let org = Org::start().await.unwrap();
    let url = format!("{}/v1/par", org.issuer());
    let refused = |answer: &Answer| {
        let (status, error, _) = refusal(answer);
        (status, error)
    };
    for (changes, status, error) in [
        (("request_uri", "urn:okta:x"), 400, "invalid_request"),
        (("redirect_uri", "http://other.test/"), 400, "invalid_request"),
        (("response_type", "nonsense"), 400, "unsupported_response_type"),
        (("response_mode", "nonsense"), 400, "unsupported_response_mode"),
        (("scope", "unknown"), 400, "invalid_scope"),
        (("scope", "orders:read"), 403, "access_denied"),
        (("state", ""), 400, "invalid_request"),
        (("code_challenge_method", "plain"), 400, "invalid_request"),
        (("request", "junk"), 400, "invalid_request_object"),
    ] {
        assert_eq!(refused(&push(&org, &[changes])), (status, error.to_owned()), "{changes:?}");
    }
    let words = refusal(&push(&org, &[("request_uri", "urn:okta:x")])).2;
    assert_eq!(words, "The 'request_uri' parameter must not be present in the request.");
    let mut wrong = org.client();
    wrong.client_secret = Some("wrong".into());
    assert_eq!(refused(&push_as(&org, &wrong, &[])), (401, "invalid_client".to_owned()));
    let public = fields(&org, &[("client_id", okta_auth_dev::PUBLIC_CLIENT_ID)]);
    assert_eq!(refused(&post(&url, None, &public)), (401, "invalid_client".to_owned()), "a public client");
    let logged = org.request_log().pop().unwrap().refusal.unwrap();
    assert!(logged.contains("is a public client, and only clients with credentials push requests"), "{logged}");
    assert_eq!(get(&url).status, 405);
}

#[tokio::test]
async fn each_authentication_method_pushes_requests() {
    const SECRET: &str = "a-secret-of-more-than-32-characters";
    let signer = Signer::new();
    let org = Org::builder()
        .client(Client::web("0oapost", SECRET).auth_method(AuthMethod::ClientSecretPost).redirect_uri(CALLBACK))
        .client(Client::web("0oakey", "").private_key_jwt(signer.jwk()).redirect_uri(CALLBACK))
        .start()
        .await
        .unwrap();
    let url = format!("{}/v1/par", org.issuer());
    let by_post = post(&url, None, &fields(&org, &[("client_id", "0oapost"), ("client_secret", SECRET)]));
    let by_key = post_signed(&org, &signer, "0oakey", &url, &fields(&org, &[]));
    for (id, answer) in [("0oapost", by_post), ("0oakey", by_key)] {
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(open(&org, id, &answer.json()["request_uri"]).await.param("code").is_some());
    }
}

#[tokio::test]
async fn a_client_can_be_required_to_push() {
    let builder = OrgBuilder::from_variables([("OKTA_DEV_PAR", "on")]).unwrap();
    let org = builder.start().await.unwrap();
    assert!(org.client().require_pushed_authorization_requests);
    let response = sign_in(&org, &[]).await;
    assert_eq!(response.param("error").as_deref(), Some("invalid_request"));
    let words = "A pushed authorization request is required by the application.";
    assert_eq!(response.param("error_description").as_deref(), Some(words));
    let uri = push(&org, &[]).json()["request_uri"].clone();
    assert!(open(&org, &org.client().client_id, &uri).await.param("code").is_some());
    let public = org.client_with_id(okta_auth_dev::PUBLIC_CLIENT_ID).unwrap();
    assert!(!public.require_pushed_authorization_requests, "a public client cannot push");
}

#[tokio::test]
async fn faults_of_the_endpoint_apply() {
    let org = Org::start().await.unwrap();
    let faulty = |fault: ParFault| {
        org.fault_once(Fault::Par(fault));
        push(&org, &[])
    };
    assert_eq!(faulty(ParFault::Created).status, 201);
    assert!(faulty(ParFault::Member("request_uri".into(), Value::Null)).json().get("request_uri").is_none());
    assert_eq!(faulty(ParFault::Member("expires_in".into(), json!(-1))).json()["expires_in"], -1);
    let error = ParFault::Error { status: 400, error: "invalid_request".into(), description: "No.".into() };
    assert_eq!(refusal(&faulty(error)), (400, "invalid_request".into(), "No.".into()));
    let limited = faulty(ParFault::RateLimited);
    assert_eq!((limited.status, limited.header("x-rate-limit-remaining")), (429, "0"));
    assert!(faulty(ParFault::Html).body.starts_with("<!doctype html>"));
    assert!(faulty(ParFault::Huge).body.len() > 2 << 20);
    let moved = faulty(ParFault::Redirect);
    assert_eq!(moved.status, 307);
    assert!(moved.header("location").ends_with("/moved/oauth2/default/v1/par"));
    let expired = faulty(ParFault::Expired).json()["request_uri"].clone();
    assert!(page(&open(&org, &org.client().client_id, &expired).await).contains("invalid_request_uri"));
    org.fault_once(Fault::Par(ParFault::Slow(Duration::from_millis(1))));
    assert_eq!(push(&org, &[]).status, 200);
}

#[tokio::test]
async fn a_proof_at_the_endpoint_binds_the_code_only_with_the_extension() {
    for extended in [false, true] {
        let org = Org::builder().rfc_extensions(extended).start().await.unwrap();
        let (client, mut prover) = (org.client(), Prover::new());
        let (par, token) = (format!("{}/v1/par", org.issuer()), format!("{}/v1/token", org.issuer()));
        let answer = prover.post(&org, Some(&client), &par, &fields(&org, &[]));
        assert_eq!((answer.status, prover.nonce.is_some()), (200, extended), "{}", answer.body);
        let code = open(&org, &client.client_id, &answer.json()["request_uri"]).await.param("code").unwrap();
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let status = Prover::new().post(&org, Some(&client), &token, &grant).status;
        assert_eq!(status, if extended { 400 } else { 200 }, "another key");
    }
}
