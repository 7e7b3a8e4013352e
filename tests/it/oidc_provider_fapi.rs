//! The FAPI 2.0 Security Profile at an independent provider, `oidc-provider`, which `tests/peers/run` starts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::routing::get;
use okta_auth_axum::{RouterExt, User};
use okta_auth_core::config::{ConfigBuilder, PrivateKey};
use okta_auth_core::engine::OktaAuthBuilder;

use crate::oidc_provider_sign_in::{Visitor, variable};
use crate::support::{Browser, SECRET, routes};

/// The application at the port that the provider knows.
async fn application(ahead: &Arc<AtomicU64>) -> Browser {
    let base = format!("http://127.0.0.1:{}", variable("PEER_APP"));
    let config = ConfigBuilder::default()
        .issuer(variable("PEER_ISSUER"))
        .client_id("app")
        .private_key(PrivateKey::parse(&variable("PEER_PRIVATE_KEY"), Some("k1".to_owned())).unwrap())
        .base_url(&base)
        .cookie_secret(SECRET)
        .scopes("openid profile email groups offline_access")
        .fapi2();
    let config = if variable("PEER_SIGNED") == "true" { config.signed_requests() } else { config };
    let ahead = Arc::clone(ahead);
    let now = move || SystemTime::now() + Duration::from_secs(ahead.load(Ordering::Relaxed));
    let auth = OktaAuthBuilder::from(config).clock(now).build().unwrap();
    let token = |user: User| async move {
        user.access_token().await.map_or_else(|error| error.to_string(), |token| token.expose().to_owned())
    };
    let app = routes().route("/token", get(token)).okta_auth(&auth);
    let listener = tokio::net::TcpListener::bind(base.trim_start_matches("http://")).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Browser::new(&base)
}

/// Sign-in, claims from userinfo, and refresh. The provider refuses whatever the profile does not allow.
#[tokio::test]
#[ignore = "needs oidc-provider, which tests/peers/run starts"]
async fn users_sign_in_with_the_profile() {
    let ahead = Arc::default();
    let (mut browser, mut visitor) = (application(&ahead).await, Visitor::default());
    let authorize = browser.navigate("/profile").await.location().to_owned();
    let callback = visitor.until_back(&authorize, &browser.base).await;
    assert!(callback.contains("iss="), "{callback}");
    let answer = browser.navigate(&callback).await;
    assert_eq!(answer.location(), "/profile", "{}", answer.body);
    assert_eq!(browser.navigate("/profile").await.body, "Ada Lovelace ada@example.test Admins");

    let first = browser.fetch("/token").await.body;
    ahead.store(95, Ordering::Relaxed); // access tokens last 100 s
    let second = browser.fetch("/token").await.body;
    assert!(!second.contains(' ') && first != second, "refreshed: {second}");
}

/// The control: the provider's response without `iss` is refused, and the code is not exchanged.
#[tokio::test]
#[ignore = "needs oidc-provider, which tests/peers/run starts"]
async fn a_response_without_iss_is_refused() {
    let (mut browser, mut visitor) = (application(&Arc::default()).await, Visitor::default());
    let authorize = browser.navigate("/profile").await.location().to_owned();
    let callback = visitor.until_back(&authorize, &browser.base).await;
    let mut without = url::Url::parse(&callback).unwrap();
    let kept: Vec<_> = without.query_pairs().into_owned().filter(|(name, _)| name != "iss").collect();
    without.query_pairs_mut().clear().extend_pairs(kept);
    let answer = browser.navigate(without.as_str()).await;
    assert!(answer.body.contains("response_issuer"), "{} {}", answer.status, answer.body);
    assert!(!browser.is_signed_in().await);
}
