//! `max_age` and `acr_values`: a sign-in must meet the requested requirements, which the
//! callback verifies.

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::routing::get;
use okta_auth_core::engine::RequestContext;
use okta_auth_core::login::{LoginOptions, ReturnTo};
use okta_auth_dev::{Fault, Org, Response, User};

use crate::support::{ADA, App, AppBuilder};

/// `/recent` requires a sign-in within five minutes, `/strong` a second factor, `/odd` a
/// level that Okta does not define.
async fn app(org: Org) -> App {
    let start = |change: fn(&mut LoginOptions)| {
        get(move |Extension(context): Extension<RequestContext>| async move {
            let mut options = LoginOptions::new(ReturnTo::root());
            change(&mut options);
            context.start_login(&options).await.map(Body::from)
        })
    };
    let routes = crate::support::routes()
        .route("/recent", start(|options| options.max_age = Some(Duration::from_secs(300))))
        .route("/strong", start(|options| options.acr_values = vec!["urn:okta:loa:2fa:any".to_owned()]))
        .route("/odd", start(|options| options.acr_values = vec!["urn:example:gold".to_owned()]))
        .route("/hinted", start(|options| options.login_hint = Some("ada@example.test".to_owned())))
        .route("/fresh", start(|options| options.force_login = true));
    AppBuilder::default().org(org).routes(routes).start().await
}

async fn signs_in(app: &App, page: &str) -> Result<(), String> {
    let mut browser = app.browser();
    let answer = browser.sign_in(&app.org, ADA, page).await;
    let signed_in = browser.is_signed_in().await;
    assert_eq!(answer.status == 303, signed_in, "{}", answer.body);
    if signed_in { Ok(()) } else { Err(answer.body) }
}

#[tokio::test]
async fn max_age_is_sent_and_auth_time_is_checked() {
    let app = app(Org::start().await.unwrap()).await;
    signs_in(&app, "/recent").await.unwrap();
    let authorize = app.org.journal().into_iter().find(|request| request.path.ends_with("/v1/authorize")).unwrap();
    assert_eq!(authorize.query_param("max_age").as_deref(), Some("300"));
    for fault in [Fault::IdTokenOldAuthTime, Fault::IdTokenNoAuthTime] {
        app.org.clear_faults();
        app.org.fault(fault);
        assert!(signs_in(&app, "/recent").await.unwrap_err().contains("token_claim"));
        signs_in(&app, "/profile").await.expect("max_age was not requested");
    }
}

#[tokio::test]
async fn acr_values_are_sent_and_acr_is_checked() {
    let strong = User::ada().amr(["pwd", "otp", "mfa"]);
    let app = app(Org::builder().without_users().user(strong).start().await.unwrap()).await;
    signs_in(&app, "/strong").await.unwrap();
    // Okta silently ignores an unknown level, so the token does not confirm it.
    assert!(signs_in(&app, "/odd").await.unwrap_err().contains("token_claim"));
    for acr in ["urn:okta:loa:1fa:any", "", "urn:okta:loa:2fa:any "] {
        app.org.clear_faults();
        app.org.fault(Fault::IdTokenClaim("acr".into(), acr.into()));
        assert!(signs_in(&app, "/strong").await.unwrap_err().contains("token_claim"), "{acr}");
    }
}

#[tokio::test]
async fn a_user_without_the_factor_gets_a_page_and_no_loop() {
    let without = User::ada().second_factor(false);
    let app = app(Org::builder().without_users().user(without).start().await.unwrap()).await;
    let answer = app.browser().sign_in(&app.org, ADA, "/strong").await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("A stronger sign-in is needed"), "{}", answer.body);
}

#[tokio::test]
async fn prompt_and_hint_reach_okta() {
    let app = app(Org::start().await.unwrap()).await;
    let mut browser = app.browser();
    assert!(browser.navigate("/hinted").await.location().contains("login_hint=ada%40example.test"));
    assert!(browser.navigate("/fresh").await.location().contains("prompt=login"));
    assert!(browser.navigate("/login?prompt=login").await.location().contains("prompt=login"));
    assert!(!browser.navigate("/login?prompt=none").await.location().contains("prompt"), "only `login` is passed on");
    // With `prompt=login` the org asks for the password even with an existing session.
    let mut okta = app.org.browser();
    let first = browser.navigate("/profile").await.location().to_owned();
    okta.sign_in(&first, ADA).await.unwrap();
    let again = browser.navigate("/fresh").await.location().to_owned();
    assert!(matches!(okta.open(&again).await.unwrap(), Response::Page { status: 200, .. }));
}
