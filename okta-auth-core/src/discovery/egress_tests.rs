//! Metadata of a hostile org, with URLs that requests must not be sent to.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::config::EgressPolicy;
use crate::error::Code;
use crate::http::HttpSettings;

/// Fetches a document from an org on this machine, with the default policy plus loopback addresses.
async fn fetch(change: impl FnOnce(&mut Value)) -> Result<Arc<Metadata>> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let mut document = json!({ "issuer": issuer });
    for name in ENDPOINTS {
        document[name] = format!("{issuer}/v1/{name}").into();
    }
    change(&mut document);
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let read = connection.read(&mut [0; 4096]).await.unwrap();
        assert!(read > 0);
        let (body, kind) = (document.to_string(), "content-type: application/json");
        let answer = format!("HTTP/1.1 200 OK\r\n{kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        connection.write_all(answer.as_bytes()).await.unwrap();
    });
    let (clock, policy) = (SharedClock::default(), EgressPolicy::default().dangerous().allow_loopback());
    let http = HttpClient::new(&HttpSettings::default(), policy, clock.clone()).unwrap();
    Discovery::new(Issuer::new(&issuer, issuer.parse().unwrap()), "", http, clock).metadata().await
}

const ENDPOINTS: [&str; 7] = [
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
];

#[tokio::test]
async fn every_endpoint_is_checked_against_the_policy() {
    fetch(|_| {}).await.unwrap();
    for name in ENDPOINTS {
        for place in ["https://evil.example/", "https://169.254.169.254/latest", "https://x.okta.com:6379/"] {
            let error = fetch(|document| document[name] = place.into()).await.unwrap_err();
            assert_eq!(error.code(), Code::EgressRefused, "{name} {place}");
        }
        fetch(|document| document[name] = "https://x.okta.com/".into()).await.unwrap();
    }
}
