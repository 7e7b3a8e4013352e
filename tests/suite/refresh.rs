//! Token refresh through the frameworks to the browser.

use std::time::Duration;

use futures_util::future::join_all;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_dev::{Fault, Org, Rotation};

use crate::app::{App, Framework};
use crate::support::{ADA, Browser, offline};

const LIFETIME: Duration = Duration::from_secs(300);
const STORES: [&str; 2] = ["cookie", "memory"];
const SESSION: &str = "okta_session";

/// An application whose issuer detects a second use of a refresh token, and a browser
/// whose tokens have expired.
async fn expired<F: Framework>(store: &'static str) -> (App, Browser) {
    let org = Org::builder().rotation(Rotation::Rotate).refresh_leeway(Duration::ZERO).access_token_lifetime(LIFETIME);
    // The use of a session alone does not rewrite it.
    let settings =
        move |config: ConfigBuilder| offline(config).session_store(store).session_idle(Duration::from_secs(36_000));
    let app = App::with::<F>(org.start().await.unwrap(), settings).await;
    let browser = app.signed_in(ADA).await;
    app.org.clock().advance(LIFETIME);
    (app, browser)
}

/// Whether the session continues with the cookies that the browser received, after the
/// grace period for the old ones.
async fn goes_on(app: &App, browser: &mut Browser) -> bool {
    app.org.clock().advance(LIFETIME);
    let granted = app.org.refreshes().granted;
    browser.is_signed_in().await && app.org.refreshes().granted == granted + 1 && app.org.refreshes().reused == 0
}

pub(crate) async fn new_tokens_reach_the_browser_though_the_handler_fails<F: Framework>() {
    for store in STORES {
        let (app, mut browser) = expired::<F>(store).await;
        let answer = browser.navigate("/broken").await;
        assert_eq!(answer.status, 500, "{store}");
        assert_eq!(answer.header("cache-control"), "no-store", "{store}");
        assert_eq!(answer.set_cookies().len(), 1, "{store}");
        assert_eq!(app.org.refreshes().granted, 1, "{store}");
        assert!(goes_on(&app, &mut browser).await, "{store}");
        // A page that does not exist.
        app.org.clock().advance(LIFETIME);
        assert_eq!(browser.navigate("/nothing-here").await.status, 404, "{store}");
        assert_eq!(app.org.refreshes().granted, 3, "{store}");
        assert!(goes_on(&app, &mut browser).await, "{store}");
    }
}

/// A panic has no response that could carry the new session. The next request returns it,
/// within the grace period.
pub(crate) async fn a_handler_that_panics_loses_no_tokens<F: Framework>() {
    for store in STORES {
        let (app, mut browser) = expired::<F>(store).await;
        let cookie = format!("{SESSION}={}", browser.jar[SESSION]);
        let lost = reqwest::Client::new().get(format!("{}/panics", app.base)).header("cookie", cookie).send().await;
        assert!(lost.is_err(), "{store}: the connection breaks");
        assert_eq!(app.org.refreshes().granted, 1, "{store}");
        assert!(browser.is_signed_in().await, "{store}");
        assert_eq!(app.org.refreshes().seen, 1, "{store}");
        assert!(goes_on(&app, &mut browser).await, "{store}");
    }
}

pub(crate) async fn a_shared_page_that_carries_new_tokens_is_not_stored<F: Framework>() {
    for store in STORES {
        let (app, mut browser) = expired::<F>(store).await;
        let answer = browser.navigate("/shared").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "true"), "{store}");
        assert_eq!(answer.header("cache-control"), "no-store", "{store}");
        assert_eq!(answer.set_cookies().len(), 1, "{store}");
        let next = browser.navigate("/shared").await;
        assert_eq!(next.header("cache-control"), "public, max-age=60", "{store}: no new session in the response");
        assert!(next.set_cookies().is_empty(), "{store}");
        assert!(goes_on(&app, &mut browser).await, "{store}");
    }
}

pub(crate) async fn a_handler_has_tokens_renewed_and_the_browser_learns_of_it<F: Framework>() {
    for store in STORES {
        let (app, mut browser) = expired::<F>(store).await;
        let answer = browser.fetch("/own-token").await;
        assert_eq!((answer.status.as_u16(), answer.set_cookies().len()), (200, 1), "{store}: {}", answer.body);
        assert_eq!(browser.fetch("/own-token").await.body, answer.body, "{store}");
        assert_eq!(app.org.refreshes().granted, 1, "{store}");
        assert!(goes_on(&app, &mut browser).await, "{store}");
    }
}

pub(crate) async fn one_refresh_for_many_workers<F: Framework>() {
    for store in STORES {
        let (app, browser) = expired::<F>(store).await;
        let answers = join_all((0..40).map(|_| {
            let mut browser = browser.clone();
            async move { browser.is_signed_in().await }
        }));
        assert!(answers.await.into_iter().all(|signed_in| signed_in), "{store}");
        assert_eq!((app.org.refreshes().seen, app.org.refreshes().granted), (1, 1), "{store}");
    }
}

pub(crate) async fn a_session_that_okta_does_not_renew_ends_on_both_kinds_of_request<F: Framework>() {
    for store in STORES {
        let (app, mut browser) = expired::<F>(store).await;
        app.org.unassign(ADA, &app.org.client().client_id);
        let mut other = browser.clone();
        let page = browser.navigate("/profile").await;
        assert_eq!(page.status, 303, "{store}");
        assert!(page.location().starts_with(&app.org.issuer()), "{store}: {}", page.location());
        assert!(!browser.jar.contains_key(SESSION), "{store}: the cookie is deleted");
        let api = other.fetch("/api/me").await;
        assert_eq!((api.status.as_u16(), api.json()["error"].as_str()), (401, Some("login_required")), "{store}");
    }
}

/// Some providers answer a revoked refresh token with an empty 400 or with `invalid_request`. If the session stayed,
/// each request would be 503 until the browser is closed. Causes that an operator can remove keep the session.
pub(crate) async fn a_refusal_without_a_known_reason_ends_the_session_after_the_grace<F: Framework>() {
    for store in STORES {
        for (status, error, ends) in [
            (400, "", true),
            (400, "invalid_request", true),
            (401, "invalid_client", false),
            (400, "invalid_scope", false),
            (400, "server_error", false),
            (403, "", false),
            (404, "invalid_request", false),
        ] {
            let (app, mut browser) = expired::<F>(store).await;
            let case = format!("{store} {status} {error}");
            app.org.fault(Fault::TokenError { status, error: error.to_owned(), description: String::new() });
            assert!(browser.is_signed_in().await, "{case}: within the grace");
            app.org.clock().advance(Duration::from_secs(500));
            assert!(browser.is_signed_in().await, "{case}: within the grace");
            app.org.clock().advance(Duration::from_secs(200));
            let mut script = browser.clone();
            let page = browser.navigate("/profile").await;
            let api = script.fetch("/api/me").await.status.as_u16();
            let found = (api == 401, page.status == 303, browser.jar.contains_key(SESSION));
            assert_eq!(found, (ends, ends, !ends), "{case}: {api} {}", page.status);
        }
    }
}
