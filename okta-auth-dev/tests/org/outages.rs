//! Outages of single endpoints, through the library and the test API.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use okta_auth_dev::{Endpoint, Org, Outage};
use serde_json::json;

use crate::support::*;

/// The status of a request to the endpoint.
fn status(org: &Org, endpoint: Endpoint) -> u16 {
    let (at, form) = (|path: &str| format!("{}/v1/{path}", org.issuer()), [("token", "junk")]);
    match endpoint {
        Endpoint::Discovery => get(&format!("{}/.well-known/openid-configuration", org.issuer())).status,
        Endpoint::Token | Endpoint::Introspect | Endpoint::Revoke | Endpoint::Par => {
            post(&at(endpoint.as_str()), Some(&org.client()), &form).status
        }
        Endpoint::Api => get(&format!("{}/api/v1/users", org.url())).status,
        Endpoint::DeviceAuthorize => post(&at("device/authorize"), Some(&org.client()), &form).status,
        other => get(&at(other.as_str())).status,
    }
}

#[tokio::test]
async fn every_endpoint_can_fail_independently() {
    let org = Org::start().await.unwrap();
    let usual: Vec<u16> = Endpoint::ALL.into_iter().map(|endpoint| status(&org, endpoint)).collect();
    assert_eq!(usual, [200, 200, 400, 400, 401, 200, 200, 400, 401, 400, 400]);
    for (index, endpoint) in Endpoint::ALL.into_iter().enumerate() {
        org.outage(endpoint, Outage::Status(503));
        for (other, usual) in Endpoint::ALL.into_iter().zip(&usual) {
            assert_eq!(status(&org, other), if other == endpoint { 503 } else { *usual }, "{other:?}");
        }
        assert_eq!(org.outage_hits(endpoint), 1);
        org.restore(endpoint);
        assert_eq!(status(&org, endpoint), usual[index]);
    }
}

#[tokio::test]
async fn a_rate_limit_looks_like_oktas_and_a_number_of_requests_is_counted() {
    let org = Org::start().await.unwrap();
    org.outage_times(Endpoint::Keys, Outage::RateLimited, 2);
    let keys = format!("{}/v1/keys", org.issuer());
    let refused = get(&keys);
    assert_eq!((refused.status, refused.json()["errorCode"].as_str()), (429, Some("E0000047")));
    for name in ["x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset"] {
        assert!(refused.header(name).parse::<u64>().is_ok(), "{name}");
    }
    assert_eq!((get(&keys).status, get(&keys).status), (429, 200));
    org.outage_times(Endpoint::Keys, Outage::Delay(Duration::from_millis(40)), 1);
    let started = Instant::now();
    assert_eq!(get(&keys).status, 200);
    assert!(started.elapsed() >= Duration::from_millis(40));
    assert_eq!(org.outage_hits(Endpoint::Keys), 3);
}

#[tokio::test]
async fn a_hanging_request_is_processed_after_its_release() {
    let org = Org::start().await.unwrap();
    let body = tokens(&org, "openid offline_access").await.json();
    let token = body["refresh_token"].as_str().unwrap().to_owned();
    for (outage, before) in [(Outage::Hang, 0), (Outage::HangAfter, 1)] {
        org.clear_request_log();
        org.outage_times(Endpoint::Token, outage, 1);
        let (same, used) = (org.clone(), token.clone());
        let waits = std::thread::spawn(move || refresh(&same, &used).status);
        org.until_waiting(Endpoint::Token, 1).await;
        assert_eq!((org.refreshes().seen, org.refreshes().granted), (1, before), "{outage:?}");
        assert_eq!(refresh(&org, &token).status, 200, "the outage was for one request");
        org.release(Endpoint::Token);
        assert_eq!(waits.join().unwrap(), 200);
        assert_eq!((org.refreshes().granted, org.waiting(Endpoint::Token)), (2, 0));
    }
}

#[tokio::test]
async fn a_disconnected_client_is_not_counted_as_waiting() {
    let org = Org::start().await.unwrap();
    org.outage(Endpoint::Token, Outage::HangAfter);
    let mut stream = TcpStream::connect(org.url().trim_start_matches("http://")).unwrap();
    let head = "POST /oauth2/default/v1/token HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    org.until_waiting(Endpoint::Token, 1).await;
    drop(stream);
    while org.waiting(Endpoint::Token) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_dropped_connection_gets_no_response() {
    let org = Org::start().await.unwrap();
    let body = tokens(&org, "openid offline_access").await.json();
    let form = encode(&[("grant_type", "refresh_token"), ("refresh_token", body["refresh_token"].as_str().unwrap())]);
    for (outage, granted) in [(Outage::Drop, 0), (Outage::DropAfter, 1)] {
        org.clear_request_log();
        org.outage_times(Endpoint::Token, outage, 1);
        let mut stream = TcpStream::connect(org.url().trim_start_matches("http://")).unwrap();
        let head = format!(
            "POST /oauth2/default/v1/token HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\ncontent-length: {}\r\n\r\n",
            basic(&org.client()),
            form.len()
        );
        stream.write_all(format!("{head}{form}").as_bytes()).unwrap();
        let mut answer = Vec::new();
        // Either an end or a reset, but never a byte.
        drop(stream.read_to_end(&mut answer));
        assert!(answer.is_empty(), "{outage:?}: {}", String::from_utf8_lossy(&answer));
        assert_eq!((org.refreshes().seen, org.refreshes().granted), (1, granted), "{outage:?}");
    }
    assert_eq!(status(&org, Endpoint::Token), 400, "control");
}

#[tokio::test]
async fn the_test_api_controls_outages() {
    let org = Org::start().await.unwrap();
    let at = |path: &str| format!("{}/dev/{path}", org.url());
    let put = |path: &str, body: serde_json::Value| send("POST", &at(path), &[], &body.to_string()).status;
    assert_eq!(put("outages/userinfo", json!({"kind": "status", "status": 502, "times": 1})), 204);
    assert_eq!((status(&org, Endpoint::Userinfo), status(&org, Endpoint::Userinfo)), (502, 401));
    for kind in ["rate_limited", "hang", "hang_after", "drop", "drop_after", "delay", "status"] {
        assert_eq!(put("outages/keys", json!({"kind": kind})), 204);
        assert_eq!(get(&at("outages")).json()["keys"]["outage"], kind);
    }
    assert_eq!(status(&org, Endpoint::Keys), 503);
    assert_eq!(get(&at("outages")).json()["keys"], json!({"outage": "status", "hits": 1, "waiting": 0}));
    assert_eq!(put("outages/keys/release", json!({})), 204);
    assert_eq!(send("DELETE", &at("outages/keys"), &[], "").status, 204);
    assert_eq!(status(&org, Endpoint::Keys), 200);
    assert_eq!(put("outages/keys", json!({"kind": "drop"})), 204);
    assert_eq!(send("DELETE", &at("outages"), &[], "").status, 204);
    assert_eq!(status(&org, Endpoint::Keys), 200);
    for (path, body, status) in [
        ("outages/nothing", json!({"kind": "drop"}), 404),
        ("outages/keys", json!({"kind": "explode"}), 400),
        ("outages/keys", json!({"kind": "status", "status": 42}), 400),
        ("nothing", json!({}), 404),
    ] {
        assert_eq!(put(path, body), status, "{path}");
    }
    let body = tokens(&org, "openid offline_access").await.json();
    refresh(&org, body["refresh_token"].as_str().unwrap());
    assert_eq!(get(&at("refreshes")).json(), json!({"seen": 1, "granted": 1, "repeated": 0, "reused": 0}));
    assert_eq!(put("clock", json!({"advance": 3601})), 204);
    assert_eq!(userinfo(&org, body["access_token"].as_str().unwrap()).status, 401);
    assert_eq!(org.count("/dev/clock"), 0, "the request log records only requests of apps");
}

#[tokio::test]
async fn the_test_api_rejects_requests_of_other_sites() {
    let org = Org::start().await.unwrap();
    let url = format!("{}/dev/outages/keys", org.url());
    for header in [("origin", "http://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        assert_eq!(send("POST", &url, &[header], r#"{"kind":"drop"}"#).status, 403, "{header:?}");
    }
    assert_eq!(status(&org, Endpoint::Keys), 200);
    assert_eq!(send("POST", &url, &[("origin", org.url())], r#"{"kind":"status"}"#).status, 204);
}
