//! Refresh of a session's tokens, as a browser and an issuer see it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod support;

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use futures_util::future::join_all;
use okta_auth_axum::User;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_dev::{Endpoint, Org, Outage, Rotation};
use support::{ADA, App, AppBuilder, Browser};

const LIFETIME: Duration = Duration::from_secs(300);

/// An org whose refresh tokens rotate without any leeway, so that a second use is found out.
async fn strict_org() -> Org {
    let org = Org::builder().rotation(Rotation::Rotate).refresh_leeway(Duration::ZERO).access_token_lifetime(LIFETIME);
    org.start().await.unwrap()
}

fn offline(config: ConfigBuilder) -> ConfigBuilder {
    config.scopes("openid profile email offline_access")
}

async fn app_with(store: &'static str) -> App {
    let app = AppBuilder::default().org(strict_org().await).routes(routes());
    app.configure(move |config| offline(config).session_store(store)).start().await
}

fn routes() -> Router {
    support::routes().route(
        "/token",
        get(|user: User| async move { user.access_token().await.map(|token| token.expose().to_owned()) }),
    )
}

async fn signed_in(app: &App) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(&app.org, ADA, "/profile").await;
    browser
}

#[tokio::test]
async fn a_session_outlives_its_access_tokens() {
    for store in ["cookie", "memory"] {
        let app = app_with(store).await;
        let mut browser = signed_in(&app).await;
        let mut tokens = vec![browser.fetch("/token").await.body];
        for round in 1..=3 {
            app.org.clock().advance(LIFETIME);
            let answer = browser.navigate("/profile").await;
            assert_eq!(answer.status, 200, "{store}: {}", answer.body);
            assert!(answer.body.contains("Ada"), "{store}: {}", answer.body);
            assert_eq!(app.org.refreshes().granted, round, "{store}");
            let token = browser.fetch("/token").await.body;
            assert!(!tokens.contains(&token), "{store}: the token is a new one");
            tokens.push(token);
        }
        assert_eq!(app.org.refreshes().granted, 3, "{store}: one for each lifetime");
    }
}

#[tokio::test]
async fn a_hundred_requests_at_once_make_one_refresh() {
    for store in ["cookie", "memory"] {
        let app = app_with(store).await;
        let browser = signed_in(&app).await;
        app.org.clock().advance(LIFETIME);
        let answers = join_all((0..100).map(|_| {
            let mut browser = browser.clone();
            async move { browser.fetch("/api/me").await.status.as_u16() }
        }));
        assert!(answers.await.iter().all(|status| *status == 200), "{store}");
        assert_eq!(app.org.refreshes().granted, 1, "{store}");
        assert_eq!(app.org.refreshes().seen, 1, "{store}");
    }
}

#[tokio::test]
async fn an_old_cookie_finds_its_successor_within_the_grace() {
    let app = app_with("cookie").await;
    let mut browser = signed_in(&app).await;
    let mut old = browser.clone();
    app.org.clock().advance(LIFETIME);
    assert!(browser.is_signed_in().await);
    app.org.clock().advance(Duration::from_secs(29));
    assert!(old.clone().is_signed_in().await, "a tab that was slow");
    app.org.clock().advance(Duration::from_secs(1));
    assert!(!old.is_signed_in().await, "the refresh token of the old cookie is used up");
}

#[tokio::test]
async fn a_group_that_is_taken_away_is_gone_with_the_next_access_token() {
    for store in ["cookie", "memory"] {
        let app = app_with(store).await;
        let mut browser = signed_in(&app).await;
        assert!(browser.navigate("/profile").await.body.contains("Admins"));
        let mut ada = app.org.user(ADA).unwrap();
        ada.groups.retain(|group| group != "Admins");
        app.org.put_user(ada);
        app.org.clock().advance(LIFETIME);
        let page = browser.navigate("/profile").await.body;
        assert!(page.contains("Everyone") && !page.contains("Admins"), "{store}: {page}");
    }
}

#[tokio::test]
async fn invalid_grant_ends_the_session_and_nothing_else_does() {
    for store in ["cookie", "memory"] {
        let app = app_with(store).await;
        let mut browser = signed_in(&app).await;
        app.org.clock().advance(LIFETIME);
        app.org.outage(Endpoint::Token, Outage::Status(503));
        for _ in 0..3 {
            assert!(browser.is_signed_in().await, "{store}: Okta is away, and the grace lasts");
        }
        app.org.clock().advance(Duration::from_secs(600));
        let answer = browser.navigate("/profile").await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "10"), "{store}: {}", answer.body);
        assert_eq!(browser.fetch("/api/me").await.status, 503, "{store}");
        let home = browser.navigate("/").await;
        assert_eq!(home.status, 503, "{store}: nobody is shown the page of a stranger: {}", home.body);
        app.org.restore(Endpoint::Token);
        app.org.clock().advance(Duration::from_secs(10));
        assert!(browser.is_signed_in().await, "{store}: nobody was signed out");
        app.org.unassign(ADA, &app.org.client().client_id);
        app.org.clock().advance(LIFETIME);
        assert_eq!(browser.fetch("/api/me").await.status, 401, "{store}");
        assert_eq!(browser.navigate("/profile").await.status, 303, "{store}");
    }
}
