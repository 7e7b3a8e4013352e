//! Client credentials at an independent provider, `oidc-provider`. `tests/peers/run` starts it with one client for each
//! authentication.

use okta_auth_core::config::PrivateKey;
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
