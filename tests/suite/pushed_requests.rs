//! Pushed authorization requests (RFC 9126) whose endpoint is slow or whose reference expires, on both frameworks.
//! `tests/it/par.rs` has the attacks.

use std::time::Duration;

use okta_auth_core::config::ConfigBuilder;
use okta_auth_dev::{Fault, Org, ParFault, Response};

use crate::app::{App, Framework};
use crate::support::ADA;

async fn app<F: Framework>() -> App {
    let org = Org::builder().require_par(true).start().await.unwrap();
    App::with::<F>(org, |config| ConfigBuilder::par(config).http_timeout(Duration::from_secs(1))).await
}

/// The request is not repeated after a timeout, because the first one has used up the user's patience.
pub(crate) async fn a_slow_endpoint_costs_one_timeout_and_leaves_nothing_behind<F: Framework>() {
    let app = app::<F>().await;
    app.org.fault(Fault::Par(ParFault::Slow(Duration::from_secs(3600))));
    let mut browser = app.browser();
    let answer = browser.navigate("/profile").await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.body.contains("Code: provider_unavailable<"), "{}", answer.body);
    assert!(browser.jar.is_empty(), "a failed start leaves no pending login: {:?}", browser.jar.keys());
    assert_eq!((app.org.count("/v1/par"), app.org.count("/v1/authorize")), (1, 0));
    app.org.clear_faults();
    assert_eq!(app.browser().sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
}

/// Okta shows the error on its own page, so the user starts again at the application, with a new request.
pub(crate) async fn an_expired_request_is_shown_by_okta_and_the_next_sign_in_works<F: Framework>() {
    let app = app::<F>().await;
    app.org.fault_once(Fault::Par(ParFault::Expired));
    let mut browser = app.browser();
    let authorize = browser.navigate("/profile").await.location().to_owned();
    let Response::Page { status, body, .. } = app.org.sign_in(&authorize, ADA).await.unwrap() else {
        panic!("the org redirects to the application")
    };
    assert_eq!(status, 400);
    assert!(body.contains("invalid_request_uri") && body.contains("The authorize request_uri is invalid."), "{body}");
    assert!(!browser.is_signed_in().await);
    assert_eq!(browser.sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
    assert!(browser.is_signed_in().await);
    assert_eq!(app.org.count("/v1/par"), 2);
}
