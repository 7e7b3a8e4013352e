//! Client credentials and the device flow at an independent provider, `oidc-provider`, which `tests/peers/run` starts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use okta_auth_core::config::{ConfigBuilder, PrivateKey};
use okta_auth_core::device::DeviceFlow;
use okta_auth_core::error::Code;
use okta_auth_core::outgoing::{Outgoing, TokenRequest};

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; tests/peers/run sets it"))
}

#[tokio::test]
#[ignore = "needs oidc-provider, which tests/peers/run starts"]
async fn each_client_authentication_gets_a_token() {
    let (secret, request) = (variable("PEER_SECRET"), TokenRequest::new(["orders:read"]));
    let builder =
        |method: &str| Outgoing::builder().issuer(variable("PEER_ISSUER")).client_id(format!("client-{method}"));
    let with_secret = |method: &str| builder(method).client_secret(&secret);
    let key = PrivateKey::parse(&variable("PEER_PRIVATE_KEY"), Some("k1".to_owned())).unwrap();
    for (method, outgoing) in [
        ("client_secret_basic", with_secret("client_secret_basic")),
        ("client_secret_post", with_secret("client_secret_post").client_secret_in_body()),
        ("client_secret_jwt", with_secret("client_secret_jwt").client_secret_jwt()),
        ("private_key_jwt", builder("private_key_jwt").private_key(key)),
    ] {
        let outgoing = outgoing.build().unwrap();
        let token =
            outgoing.machine_tokens().token(&request).await.unwrap_or_else(|error| panic!("{method}: {error:?}"));
        assert_eq!(token.scopes(), ["orders:read"], "{method}");
        assert!(!token.expose().is_empty());
    }
    // The control: the provider checks the authentication.
    let wrong = builder("client_secret_basic").client_secret("another-secret-of-32-characters!!").build().unwrap();
    assert_eq!(wrong.machine_tokens().token(&request).await.unwrap_err().code(), Code::TokenRefused);
}

#[tokio::test]
#[ignore = "needs oidc-provider, which tests/peers/run starts"]
async fn the_device_flow_signs_a_user_in() {
    let scopes = "openid offline_access";
    let config = ConfigBuilder::default().issuer(variable("PEER_ISSUER")).client_id("cli").scopes(scopes);
    // The clock runs ahead of the provider's, so that the test does not wait.
    let ahead = Arc::new(AtomicU64::new(0));
    let advance = |seconds| ahead.fetch_add(seconds, Ordering::Relaxed);
    let clock = Arc::clone(&ahead);
    let now = move || SystemTime::now() + Duration::from_secs(clock.load(Ordering::Relaxed));
    let flow = DeviceFlow::builder("Orders CLI", config).clock(now).build().unwrap();
    let authorization = flow.start().await.unwrap();
    assert!(!authorization.user_code().is_empty());
    advance(authorization.until_next_poll().as_secs() + 1);
    assert!(authorization.poll().await.unwrap().is_none(), "the user has not confirmed the code");
    advance(authorization.until_next_poll().as_secs() + 1);
    let session = authorization.poll().await.unwrap().unwrap();
    assert_eq!(
        (session.subject(), session.scopes()),
        ("ada".to_owned(), vec!["openid".into(), "offline_access".into()])
    );
    let first = session.access_token().await.unwrap();
    advance(3_600 - 20);
    assert_ne!(session.access_token().await.unwrap().expose(), first.expose(), "the token was refreshed");
}
