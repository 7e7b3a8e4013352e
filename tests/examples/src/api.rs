//! Both API examples, axum-api and actix-api, as processes, over HTTP.

use okta_auth_dev::{ADA, Org};
use serde_json::Value;

pub use crate::process::names_of_other_okta_libraries_are_errors_that_name_the_right_ones;
use crate::process::{Process, command, free_port};

/// Starts the example with these variables and no other `OKTA_*`.
pub(crate) async fn start(program: &str, port: u16, variables: &[(&str, String)]) -> Process {
    let mut command = command(program, port);
    command.envs(variables.iter().cloned());
    let example = Process::start(command, "Listening ");
    // actix-web prints its address a moment before it listens.
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        tokio::task::yield_now().await;
    }
    example
}

async fn call(port: u16, path: &str, token: Option<&str>) -> (u16, String, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.get(format!("http://127.0.0.1:{port}{path}"));
    let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
    let answer = request.send().await.unwrap();
    let challenge = answer.headers().get("www-authenticate").map_or("", |value| value.to_str().unwrap()).to_owned();
    let status = answer.status().as_u16();
    assert!(answer.headers().get("set-cookie").is_none(), "an API sets no cookie");
    (status, challenge, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

pub async fn an_issuer_and_an_audience_are_enough(program: &str) {
    let (org, port) = (Org::start().await.unwrap(), free_port());
    let variables = [
        ("OKTA_ISSUER_URI", org.issuer()),
        ("OKTA_AUDIENCE", "api://default".to_owned()),
        ("OKTA_BASE_URL", format!("http://localhost:{port}")),
    ];
    let example = start(program, port, &variables).await;
    assert_eq!(example.lines.len(), 1, "no development org is announced: {:?}", example.lines);
    let token = |scope: &str| org.token().access_token(ADA, [scope]).sign();
    let (status, challenge, _) = call(port, "/orders", None).await;
    assert_eq!(status, 401);
    let metadata = format!("http://localhost:{port}/.well-known/oauth-protected-resource");
    assert_eq!(challenge, format!("Bearer scope=\"orders:read\", resource_metadata=\"{metadata}\""));
    let (status, _, document) = call(port, "/.well-known/oauth-protected-resource", None).await;
    assert_eq!((status, document["authorization_servers"][0].as_str()), (200, Some(org.issuer().as_str())));
    assert_eq!(document["resource"], format!("http://localhost:{port}"));
    assert_eq!(document["scopes_supported"][0], "orders:read");
    let (status, _, body) = call(port, "/orders", Some(&token("orders:read"))).await;
    assert_eq!((status, body["sub"].as_str()), (200, Some(ADA)));
    assert_eq!(call(port, "/orders", Some(&token("openid"))).await.0, 403);
    assert_eq!(call(port, "/whoami", Some(&token("openid"))).await.0, 200);
    let expired = org.token().access_token(ADA, ["orders:read"]).claim("exp", 1).sign();
    assert_eq!(call(port, "/whoami", Some(&expired)).await.0, 401);
    for path in ["/login", "/authorization-code/callback", "/logout"] {
        assert_eq!(call(port, path, None).await.0, 404, "there are no sessions: {path}");
    }
}

pub async fn without_settings_it_starts_an_org_and_prints_a_token(program: &str) {
    let port = free_port();
    let example = start(program, port, &[]).await;
    let token = example.lines[0].split("Bearer ").nth(1).unwrap().split('\'').next().unwrap();
    assert_eq!(call(port, "/orders", Some(token)).await.0, 200);
}

/// A client with DPoP gets tokens that are bound to a key, and sends a proof with each request.
pub async fn a_bound_token_needs_a_proof(program: &str) {
    let (org, port) = (Org::start().await.unwrap(), free_port());
    let base = format!("http://127.0.0.1:{port}");
    let variables = [
        ("OKTA_ISSUER_URI", org.issuer()),
        ("OKTA_AUDIENCE", "api://default".to_owned()),
        ("OKTA_BASE_URL", base.clone()),
    ];
    let _example = start(program, port, &variables).await;
    let url = format!("{base}/orders");
    let (token, proof) = crate::bound_token(&org, &["orders:read"], ("GET", &url));
    assert_eq!(call(port, "/orders", Some(&token)).await.0, 401, "after Bearer");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let send = || http.get(&url).header("authorization", format!("DPoP {token}")).header("dpop", &proof).send();
    assert_eq!(send().await.unwrap().status(), 200);
    assert_eq!(send().await.unwrap().status(), 401, "the proof was used");
}

/// Declares the tests of `axum-api` and `actix-api`.
#[macro_export]
macro_rules! api {
    ($program:expr) => {
        $crate::tests! {
            $program, api,
            an_issuer_and_an_audience_are_enough
            without_settings_it_starts_an_org_and_prints_a_token
            a_bound_token_needs_a_proof
            names_of_other_okta_libraries_are_errors_that_name_the_right_ones
        }
    };
}
