//! The end of a session: requests that do not extend it, and connections that outlive
//! their request.

use std::time::Duration;

use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_dev::{Fault, Org};
use reqwest::Method;

use crate::app::{App, Framework};
use crate::support::{ADA, SharedStore, offline};

const STORES: [&str; 2] = ["cookie", "memory"];

/// More than the time between two checks of a store.
const SOON: Duration = Duration::from_secs(11);

async fn with_store<F: Framework>(store: &'static str) -> App {
    App::with::<F>(Org::start().await.unwrap(), move |config| config.session_store(store)).await
}

pub(crate) async fn a_page_that_polls_does_not_keep_a_session_alive<F: Framework>() {
    let header = [("x-session-activity", "none")];
    for store in STORES {
        let app = with_store::<F>(store).await;
        let polls: [(&str, &[(&str, &str)]); 3] =
            [("/poll", &[]), ("/api/me", &header), ("/api/me", &[("X-Session-Activity", " NONE ")])];
        for (path, headers) in polls {
            let mut browser = app.signed_in(ADA).await;
            for _ in 0..7 {
                app.org.clock().advance(Duration::from_secs(500));
                let answer = browser.send(Method::GET, path, headers, String::new()).await;
                assert_eq!((answer.status.as_u16(), answer.set_cookies()), (200, vec![]), "{store} {path}");
            }
            app.org.clock().advance(Duration::from_secs(101));
            assert_eq!(browser.send(Method::GET, path, headers, String::new()).await.status, 401, "{store} {path}");
        }
        // Other values of the header have no effect.
        let mut browser = app.signed_in(ADA).await;
        for _ in 0..8 {
            app.org.clock().advance(Duration::from_secs(500));
            let answer = browser.send(Method::GET, "/api/me", &[("x-session-activity", "1")], String::new()).await;
            assert_eq!(answer.status, 200, "{store}");
        }
    }
}

/// The tokens are still refreshed, so that an open page stays up to date.
pub(crate) async fn a_refresh_for_a_polling_page_does_not_extend_the_idle_limit<F: Framework>() {
    for store in STORES {
        let org = Org::builder().access_token_lifetime(Duration::from_secs(600)).start().await.unwrap();
        let app = App::with::<F>(org, move |config| offline(config).session_store(store)).await;
        let mut browser = app.signed_in(ADA).await;
        for _ in 0..7 {
            app.org.clock().advance(Duration::from_secs(500));
            assert_eq!(browser.fetch("/poll").await.status, 200, "{store}");
        }
        assert!(app.org.refreshes().granted >= 3, "{store}: {}", app.org.refreshes().granted);
        app.org.clock().advance(Duration::from_secs(101));
        assert_eq!(browser.fetch("/poll").await.status, 401, "{store}");
        // A request of an active user extends the session, even if it also refreshes the
        // tokens.
        let mut browser = app.signed_in(ADA).await;
        for _ in 0..8 {
            app.org.clock().advance(Duration::from_secs(500));
            assert!(browser.is_signed_in().await, "{store}");
        }
    }
}

pub(crate) async fn handlers_can_read_when_the_session_ends<F: Framework>() {
    for store in STORES {
        let app = with_store::<F>(store).await;
        app.org.clock().stop();
        let mut browser = app.signed_in(ADA).await;
        let now = || app.org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let began_at = now();
        // With sessions in cookies, a session may begin a second late.
        let left = async |browser: &mut crate::support::Browser| {
            browser.fetch("/ends-at").await.body.parse::<u64>().unwrap() - now()
        };
        assert!((3_600..=3_601).contains(&left(&mut browser).await), "{store}: the idle limit");
        app.org.clock().advance(Duration::from_secs(100));
        assert!((3_500..=3_501).contains(&left(&mut browser).await), "{store}: the use is not written yet");
        app.org.clock().advance(Duration::from_secs(900));
        assert_eq!(left(&mut browser).await, 3_600, "{store}: the use is written");
        for _ in 0..13 {
            app.org.clock().advance(Duration::from_secs(3_000));
            assert!(browser.is_signed_in().await);
        }
        let end = began_at + 12 * 3_600;
        assert!((end..=end + 1).contains(&(now() + left(&mut browser).await)), "{store}: the absolute limit");
    }
}

/// The events that end a session in this process.
pub(crate) async fn a_stream_ends_with_its_session<F: Framework>() {
    for store in STORES {
        let app = with_store::<F>(store).await;
        // An entry in the list of ended sessions covers its whole second.
        let next_second = || app.org.clock().advance(Duration::from_secs(2));
        let user = app.org.user(ADA).unwrap().id;

        let mut browser = app.signed_in(ADA).await;
        let (stream, other) = (app.stream(&browser).await, app.signed_in(ADA).await);
        let stays = app.stream(&other).await;
        browser.post("/logout", "").await;
        stream.ended().await;
        assert!(other.clone().is_signed_in().await, "{store}: the other session");

        next_second();
        app.auth.end_sessions_of(&user).await.unwrap();
        stays.ended().await;

        next_second();
        let browser = app.signed_in(ADA).await;
        let stream = app.stream(&browser).await;
        let endpoint = format!("{}/global-token-revocation", app.base);
        assert_eq!(app.org.global_revocation(ADA).to(&endpoint).notice().send().await.status, Some(204));
        stream.ended().await;

        next_second();
        let mut browser = app.signed_in(ADA).await;
        let stream = app.stream(&browser).await;
        let login = browser.navigate("/login").await.location().to_owned();
        browser.complete(&app.org, &login, ADA).await;
        stream.ended().await;

        let stream = app.stream(&browser).await;
        app.org.clock().advance(Duration::from_secs(3_601));
        stream.ended().await;
    }
}

pub(crate) async fn a_stream_ends_when_okta_refuses_to_refresh<F: Framework>() {
    for store in STORES {
        let org = Org::builder().access_token_lifetime(Duration::from_secs(300)).start().await.unwrap();
        let app = App::with::<F>(org, move |config| offline(config).session_store(store)).await;
        let mut browser = app.signed_in(ADA).await;
        let stream = app.stream(&browser).await;
        app.org.clock().advance(Duration::from_secs(300));
        let (error, description) = ("invalid_grant".to_owned(), String::new());
        app.org.fault_once(Fault::TokenError { status: 400, error, description });
        assert!(!browser.is_signed_in().await, "{store}");
        stream.ended().await;
    }
}

pub(crate) async fn a_stream_ends_with_a_sign_out_at_another_replica<F: Framework>() {
    let (org, store) = (Org::start().await.unwrap(), SharedStore::without_expiry());
    let replica = async || {
        let store = store.clone();
        let build = move |builder: OktaAuthBuilder| builder.session_store(store);
        App::built::<F>(org.clone(), |config| config, build).await
    };
    let (first, second) = (replica().await, replica().await);
    let mut browser = first.signed_in(ADA).await;
    let stream = first.stream(&browser).await;
    // A request at another replica extends the idle limit.
    org.clock().advance(Duration::from_secs(3_000));
    assert!(browser.at(&second.base).is_signed_in().await);
    org.clock().advance(Duration::from_secs(700));
    assert!(browser.at(&second.base).is_signed_in().await);
    let mut elsewhere = browser.at(&second.base);
    elsewhere.post("/logout", "").await;
    org.clock().advance(SOON);
    stream.ended().await;
    assert!(!browser.is_signed_in().await);
}
