//! The token of the application itself through the proxy of an API, and who may use it, on both frameworks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_auth_core::outgoing::TokenRequest;
use okta_auth_core::policy::{Policy, acr, anyone, group, nobody, signed_in};
use okta_auth_core::proxy::{Proxy, ProxyBuilder};
use serde_json::Value;

use crate::proxy::{Api, App, Seen, app, app_of, header, ok, plain_api, read_until, status};
use crate::proxy_websockets::switch;
use crate::support::site::{BOTH, Framework};

async fn machine_app(framework: Framework, api: &Api, policy: Policy) -> App {
    let request = TokenRequest::new(["orders:read"]);
    app_of(framework, api, |config| config, |proxy| proxy.for_machine(request, policy)).await
}

fn claims(seen: &Seen) -> Value {
    part(seen.header("authorization").unwrap().strip_prefix("Bearer ").unwrap(), 1)
}

fn part(token: &str, index: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn the_api_gets_the_token_of_the_application() {
    for framework in BOTH {
        let api = plain_api().await;
        let app = machine_app(framework, &api, signed_in()).await;
        for _ in 0..2 {
            let more = "Authorization: Bearer forged\r\nConnection: close, Authorization\r\n";
            let answer = app.raw(&app.head("GET /api/orders", more)).await;
            assert_eq!(status(&answer), 200, "{framework:?}: {answer}");
        }
        let seen = api.seen();
        let of_application = claims(&seen[0]);
        assert_eq!(of_application["scp"], serde_json::json!(["orders:read"]), "{framework:?}: {of_application}");
        assert_eq!(of_application["cid"], app.org.client().client_id.as_str(), "{framework:?}");
        assert!(of_application.get("uid").is_none(), "{framework:?}: {of_application}");
        assert_eq!(seen[0].header("authorization"), seen[1].header("authorization"), "{framework:?}: cached");
        let user = self::app(framework, &api).await;
        assert_eq!(status(&user.get("/api/orders").await), 200, "{framework:?}: control");
        assert!(claims(&api.seen()[2]).get("uid").is_some(), "{framework:?}: control");
    }
}

#[tokio::test]
async fn a_policy_decides_who_may_use_it() {
    for framework in BOTH {
        for (policy, expected, code) in [
            (group("Admins"), 200, "{}"),
            (group("Directors"), 403, "access_denied"),
            (nobody(), 403, "access_denied"),
            (acr("urn:okta:loa:2fa:any"), 401, "insufficient_user_authentication"),
        ] {
            let api = plain_api().await;
            let app = machine_app(framework, &api, policy.clone()).await;
            let answer = app.get("/api/orders").await;
            assert!(status(&answer) == expected && answer.contains(code), "{framework:?} {policy}: {answer}");
            assert_eq!(api.seen().len(), usize::from(expected == 200), "{framework:?} {policy}");
            // A request without a session is never allowed by a policy about users, and is no redirect.
            let stranger = App { cookies: "a=b".to_owned(), ..app };
            for accept in ["application/json", "text/html"] {
                let more = format!("Accept: {accept}\r\nConnection: close\r\n");
                let answer = stranger.raw(&stranger.head("GET /api/orders", &more)).await;
                assert!(matches!(status(&answer), 401 | 403), "{framework:?} {policy} {accept}: {answer}");
            }
            assert_eq!(api.seen().len(), usize::from(expected == 200), "{framework:?} {policy}: a stranger");
        }
    }
}

/// A policy may allow strangers. They still need the header, which pages of other origins cannot send.
#[tokio::test]
async fn a_policy_may_allow_strangers() {
    for framework in BOTH {
        let api = plain_api().await;
        let app = machine_app(framework, &api, anyone()).await;
        let stranger = App { cookies: "a=b".to_owned(), ..app };
        assert_eq!(status(&stranger.get("/api/catalog").await), 200, "{framework:?}");
        let other = stranger.head("GET /api/catalog", "Connection: close\r\n").replace("X-CSRF: 1\r\n", "");
        assert_eq!(status(&stranger.raw(&other).await), 403, "{framework:?}");
        assert_eq!(api.seen().len(), 1, "{framework:?}");
    }
}

#[tokio::test]
async fn a_rejected_token_of_the_application_is_renewed_once() {
    let invalid =
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\"\r\nContent-Length: 0\r\n\r\n";
    for framework in BOTH {
        let rejected = Arc::<Mutex<Vec<String>>>::default();
        let known = Arc::clone(&rejected);
        let api = Api::start(move |seen| {
            let token = seen.header("authorization").unwrap().to_owned();
            if known.lock().unwrap().contains(&token) { invalid.to_owned() } else { ok("", "done") }
        })
        .await;
        let app = machine_app(framework, &api, signed_in()).await;
        assert_eq!(status(&app.get("/api/orders").await), 200, "{framework:?}");
        rejected.lock().unwrap().push(api.seen()[0].header("authorization").unwrap().to_owned());
        // A token that was issued only now would not be renewed.
        app.org.clock().advance(Duration::from_secs(60));
        assert_eq!(status(&app.get("/api/orders").await), 200, "{framework:?}");
        assert_eq!(api.seen().len(), 3, "{framework:?}");
    }
}

/// The client has no such scope, so the application gets no token. The browser learns no detail.
#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    for framework in BOTH {
        let api = plain_api().await;
        let request = TokenRequest::new(["no-such-scope"]);
        let build = |proxy: ProxyBuilder| proxy.for_machine(request, signed_in());
        let app = app_of(framework, &api, |config| config, build).await;
        let answer = app.get("/api/orders").await;
        assert!(status(&answer) >= 500 && !answer.contains("no-such-scope"), "{framework:?}: {answer}");
        assert_eq!(api.seen().len(), 0, "{framework:?}");
    }
}

#[test]
fn a_proxy_without_a_token_is_an_error_at_startup() {
    let error = Proxy::to("https://api.example").at("/api").unwrap_err();
    assert!(error.is_config() && error.to_string().contains("for_machine"), "{error}");
}

/// A bound token (DPoP, RFC 9449) is of use only with a proof of this request, and with the nonce of the API. The proof
/// of the client is dropped.
#[tokio::test]
async fn a_bound_token_gets_a_proof_for_each_request() {
    let asks = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: DPoP error=\"use_dpop_nonce\"\r\nDPoP-Nonce: first\r\n\
                Content-Length: 0\r\n\r\n";
    for framework in BOTH {
        for is_machine in [false, true] {
            let api = Api::start(move |seen| {
                let proof = seen.header("dpop").map(|proof| part(proof, 1)).unwrap_or_default();
                match (proof["nonce"].as_str(), seen.header("sec-websocket-key")) {
                    (None, _) => asks.to_owned(),
                    (_, None) => ok("DPoP-Nonce: next\r\n", "done"),
                    (_, Some(_)) => switch(seen, "DPoP-Nonce: next\r\n"),
                }
            })
            .await;
            let request = TokenRequest::new(["orders:read"]);
            let build = |proxy: ProxyBuilder| {
                let proxy = proxy.max_websockets(1);
                if is_machine { proxy.for_machine(request, signed_in()) } else { proxy.for_user() }
            };
            let app = app_of(framework, &api, |config| config.dpop(true), build).await;
            let more = "DPoP: forged\r\nContent-Length: 3\r\nConnection: close\r\n";
            let answer = app.raw(&(app.head("POST /api/orders?page=2", more) + "abc")).await;
            assert!(status(&answer) == 200 && answer.ends_with("done"), "{framework:?} {is_machine}: {answer}");
            assert_eq!(header(&answer, "dpop-nonce"), None, "{framework:?}");
            let handshake = format!(
                "GET /api/news HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nCookie: {1}\r\nConnection: Upgrade\r\n\
                 Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                app.host, app.cookies
            );
            let mut socket = app.open(&handshake).await;
            let answer = read_until(&mut socket, "\r\n\r\n").await;
            assert_eq!(status(&answer), 101, "{framework:?} {is_machine}: {answer}");
            let seen = api.seen();
            assert_eq!(seen.len(), 3, "{framework:?} {is_machine}: one request asks for the nonce: {seen:?}");
            for seen in &seen {
                let token = seen.header("authorization").unwrap().strip_prefix("DPoP ").unwrap();
                let claims = part(seen.header("dpop").unwrap(), 1);
                let url = format!("http://{}{}", api.address, seen.line.split([' ', '?']).nth(1).unwrap());
                assert_eq!(claims["htu"], url, "{framework:?}");
                assert_eq!(claims["htm"], seen.line.split(' ').next().unwrap(), "{framework:?}");
                assert!(claims["ath"].is_string() && part(token, 1)["cnf"]["jkt"].is_string(), "{framework:?}");
            }
        }
    }
}
