//! Token refresh of a session, as a browser and an issuer see it.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use futures_util::future::join_all;
use okta_auth_axum::{User, UserRejection};
use okta_auth_dev::{Clock, Endpoint, Fault, Org, Outage, Rotation, SubjectFormat};
use serde_json::json;

use crate::support::{ADA, Answer, App, BEN, Browser, Place, Replicas, SharedStore, eventually, revoked};

const LIFETIME: Duration = Duration::from_secs(300);
/// After this time a token is refreshed although it is still valid.
const ABOUT_TO_EXPIRE: Duration = Duration::from_secs(280);
const HOURS: Duration = Duration::from_secs(3 * 3600);
const SESSION: &str = "okta_session";

/// An org whose refresh tokens rotate without a grace period, so that every second use is
/// detected.
async fn strict_org() -> Org {
    let org = Org::builder().rotation(Rotation::Rotate).refresh_leeway(Duration::ZERO).access_token_lifetime(LIFETIME);
    org.groups_claim_everywhere("groups").start().await.unwrap()
}

async fn app_with(store: &'static str) -> App {
    let place = Place::LOCAL.into_iter().find(|place| place.name() == store).unwrap();
    app_at(&place, strict_org().await).await
}

async fn app_at(place: &Place, org: Org) -> App {
    place.app().org(org).routes(routes()).start().await
}

/// An application with its own clock. The org allows repeated refresh tokens, because it
/// may have to repeat a response.
async fn app_with_its_own_clock(place: &Place) -> (App, Clock) {
    let org = Org::builder().rotation(Rotation::Rotate).refresh_leeway(Duration::from_secs(60));
    let org = org.access_token_lifetime(LIFETIME).start().await.unwrap();
    let clock = Clock::default();
    let own = clock.clone();
    let app = place.app().org(org).routes(routes()).build_with(move |builder| builder.clock(move || own.now()));
    (app.start().await, clock)
}

async fn token(user: User) -> Result<String, UserRejection> {
    Ok(user.access_token().await?.expose().to_owned())
}

fn routes() -> Router {
    crate::support::routes()
        .route("/token", get(token))
        .route("/claims", get(|user: User<serde_json::Value>| async move { user.claims().to_string() }))
}

/// Sends a request that can be awaited elsewhere.
fn fetch(browser: &Browser, target: &'static str) -> impl Future<Output = Answer> + Send + 'static {
    let mut browser = browser.clone();
    async move { browser.fetch(target).await }
}

/// Sends a request to an application that may be stopped meanwhile.
fn fetch_or_fail(
    browser: &Browser,
    target: &'static str,
) -> impl Future<Output = Result<reqwest::Response, reqwest::Error>> + Send + 'static {
    let (url, cookie) = (format!("{}{target}", browser.base), format!("{SESSION}={}", browser.jar[SESSION]));
    async move { reqwest::Client::new().get(url).header("cookie", cookie).send().await }
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
        assert_eq!(app.org.refreshes().granted, 3, "{store}: one refresh for each lifetime");
    }
}

/// A provider may state a lifetime that no token can have. Its tokens are used for five seconds, so a session does not
/// refresh them at each request.
#[tokio::test]
async fn tokens_that_are_issued_expired_are_not_refreshed_at_each_request() {
    for store in ["cookie", "memory"] {
        for lifetime in [json!(0), json!("0"), json!(0.9), json!(1)] {
            let app = app_with(store).await;
            app.org.clock().stop();
            app.org.fault(Fault::TokenMember("expires_in".into(), lifetime.clone()));
            let mut browser = signed_in(&app).await;
            let mut tokens = BTreeSet::new();
            for round in 0..4 {
                for request in 0..20 {
                    let answer = browser.fetch("/token").await;
                    assert_eq!(answer.status, 200, "{store}, {lifetime}, {round}, {request}: {}", answer.body);
                    tokens.insert(answer.body);
                }
                assert_eq!(app.org.refreshes().seen, round, "{store}, {lifetime}");
                app.org.clock().advance(Duration::from_secs(5));
            }
            assert_eq!(tokens.len(), 4, "{store}, {lifetime}: none of them is used for longer");
        }
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
async fn an_old_cookie_finds_the_new_tokens_within_the_grace() {
    let app = app_with("cookie").await;
    let mut browser = signed_in(&app).await;
    let mut old = browser.clone();
    app.org.clock().advance(LIFETIME);
    assert!(browser.is_signed_in().await);
    app.org.clock().advance(Duration::from_secs(29));
    assert!(old.clone().is_signed_in().await, "a slow tab");
    app.org.clock().advance(Duration::from_secs(1));
    assert!(!old.is_signed_in().await, "the refresh token of the old cookie is used up");
}

#[tokio::test]
async fn a_removed_group_disappears_with_the_next_access_token() {
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
async fn only_invalid_grant_ends_the_session() {
    for store in ["cookie", "memory"] {
        let app = app_with(store).await;
        let mut browser = signed_in(&app).await;
        app.org.clock().advance(LIFETIME);
        app.org.outage(Endpoint::Token, Outage::Status(503));
        for _ in 0..3 {
            assert!(browser.is_signed_in().await, "{store}: Okta is down, but the grace period lasts");
        }
        app.org.clock().advance(Duration::from_secs(600));
        let answer = browser.navigate("/profile").await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "10"), "{store}: {}", answer.body);
        assert_eq!(browser.fetch("/api/me").await.status, 503, "{store}");
        let home = browser.navigate("/").await;
        assert_eq!(home.status, 503, "{store}: the user is not shown the page for anonymous visitors: {}", home.body);
        app.org.restore(Endpoint::Token);
        app.org.clock().advance(Duration::from_secs(10));
        assert!(browser.is_signed_in().await, "{store}: the session continues");
        app.org.unassign(ADA, &app.org.client().client_id);
        app.org.clock().advance(LIFETIME);
        assert_eq!(browser.fetch("/api/me").await.status, 401, "{store}");
        assert_eq!(browser.navigate("/profile").await.status, 303, "{store}");
    }
}

// -- one refresh for all requests ------------------------------------------------------------------------------------

#[tokio::test]
async fn a_hundred_requests_over_two_replicas_make_one_refresh() {
    let replicas = Replicas::start(strict_org().await, routes).await;
    let browser = signed_in(&replicas.first).await;
    replicas.org.clock().advance(LIFETIME);
    let answers = join_all((0..100).map(|number| {
        let app = if number % 2 == 0 { &replicas.first } else { &replicas.second };
        let mut browser = browser.at(&app.base);
        async move { browser.fetch("/token").await }
    }));
    let answers = answers.await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    let refreshes = replicas.org.refreshes();
    assert_eq!((refreshes.seen, refreshes.granted, refreshes.reused), (1, 1, 0));
}

#[tokio::test]
async fn a_request_whose_token_is_still_good_does_not_wait_for_a_slow_refresh() {
    for place in Place::LOCAL {
        let app = app_at(&place, strict_org().await).await;
        let browser = signed_in(&app).await;
        app.org.clock().advance(ABOUT_TO_EXPIRE);
        app.org.outage(Endpoint::Token, Outage::HangAfter);
        let first = tokio::spawn(fetch(&browser, "/api/me"));
        app.org.until_waiting(Endpoint::Token, 1).await;
        // These requests complete while the refresh hangs.
        for _ in 0..3 {
            assert!(browser.clone().is_signed_in().await, "{}", place.name());
        }
        assert_eq!(app.org.waiting(Endpoint::Token), 1);
        app.org.restore(Endpoint::Token);
        assert_eq!(first.await.unwrap().status, 200);
        assert_eq!(app.org.refreshes().seen, 1, "{}", place.name());
    }
}

#[tokio::test]
async fn a_request_whose_token_is_still_good_does_not_wait_for_another_replica() {
    let replicas = Replicas::start(strict_org().await, routes).await;
    let browser = signed_in(&replicas.first).await;
    replicas.org.clock().advance(ABOUT_TO_EXPIRE);
    replicas.org.outage(Endpoint::Token, Outage::HangAfter);
    let first = tokio::spawn(fetch(&browser, "/api/me"));
    replicas.org.until_waiting(Endpoint::Token, 1).await;
    assert!(browser.at(&replicas.second.base).is_signed_in().await);
    assert_eq!(replicas.org.waiting(Endpoint::Token), 1, "the refresh still hangs");
    replicas.org.restore(Endpoint::Token);
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(replicas.org.refreshes().seen, 1);
}

#[tokio::test]
async fn a_replica_that_is_killed_while_it_refreshes_is_replaced_when_its_lease_ends() {
    for (outage, granted) in [(Outage::Hang, 1), (Outage::HangAfter, 2)] {
        // The tokens that the killed replica received are lost; the issuer's grace period
        // covers this case.
        let org = Org::builder().rotation(Rotation::Rotate).refresh_leeway(Duration::from_secs(30));
        let org = org.access_token_lifetime(LIFETIME).start().await.unwrap();
        let store = SharedStore::new(&org);
        let place = Place::Shared(store.clone());
        // The first replica has its own runtime, which is shut down with everything in
        // it.
        let doomed = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let first = doomed.spawn(place.app().org(org.clone()).routes(routes()).start()).await.unwrap();
        let second = place.app().org(org.clone()).routes(routes()).start().await;
        let browser = signed_in(&first).await;
        org.clock().advance(LIFETIME);
        org.outage_times(Endpoint::Token, outage, 1);
        let lost = tokio::spawn(fetch_or_fail(&browser, "/token"));
        org.until_waiting(Endpoint::Token, 1).await;
        doomed.shutdown_background();
        assert!(lost.await.unwrap().is_err(), "{outage:?}: its replica was killed");
        let waits = tokio::spawn(fetch(&browser.at(&second.base), "/token"));
        store.until_a_claim_was_refused().await;
        assert!(!waits.is_finished());
        org.clock().advance(Duration::from_secs(6));
        let answer = waits.await.unwrap();
        assert_eq!(answer.status, 200, "{outage:?}: {}", answer.body);
        assert_eq!((org.refreshes().granted, org.refreshes().reused), (granted, 0), "{outage:?}");
        org.clock().advance(LIFETIME);
        assert!(browser.at(&second.base).is_signed_in().await, "{outage:?}: the session continues with the new tokens");
    }
}

#[tokio::test]
async fn a_browser_that_disconnects_does_not_lose_its_tokens() {
    for place in Place::LOCAL {
        let app = app_at(&place, strict_org().await).await;
        let browser = signed_in(&app).await;
        app.org.clock().advance(LIFETIME);
        app.org.outage(Endpoint::Token, Outage::HangAfter);
        let gone = tokio::spawn(fetch(&browser, "/api/me"));
        app.org.until_waiting(Endpoint::Token, 1).await;
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        let next = tokio::spawn(fetch(&browser, "/token"));
        app.org.restore(Endpoint::Token);
        assert_eq!(next.await.unwrap().status, 200, "{}", place.name());
        let refreshes = app.org.refreshes();
        assert_eq!((refreshes.seen, refreshes.reused), (1, 0), "{}", place.name());
    }
}

// -- failures during a refresh --------------------------------------------------------------------------------------

#[tokio::test]
async fn a_store_that_fails_mid_refresh_costs_neither_tokens_nor_sessions() {
    let replicas = Replicas::start(strict_org().await, routes).await;
    let Replicas { org, store, first, .. } = &replicas;
    let mut browser = signed_in(first).await;
    let old = browser.fetch("/token").await.body;
    org.clock().advance(LIFETIME);
    store.refuse_saves(true);
    assert!(browser.is_signed_in().await, "the grace period lasts");
    assert_eq!(browser.fetch("/token").await.status, 503, "unsaved tokens are not handed out");
    assert_eq!(org.refreshes().granted, 1);
    org.clock().advance(Duration::from_secs(10));
    assert!(browser.is_signed_in().await, "and no other tokens were requested");
    assert_eq!(org.refreshes().seen, 1);
    store.refuse_saves(false);
    org.clock().advance(Duration::from_secs(10));
    let new = browser.fetch("/token").await;
    assert!(new.status == 200 && new.body != old, "{}", new.body);
    assert_eq!(org.refreshes().seen, 1, "the tokens were kept in memory");
    assert_eq!(browser.at(&replicas.second.base).fetch("/token").await.body, new.body, "and every replica uses them");
    org.clock().advance(LIFETIME);
    assert!(browser.is_signed_in().await);
    assert_eq!((org.refreshes().granted, org.refreshes().reused), (2, 0));
}

/// The replica with the new tokens receives no further request. It still saves them,
/// before another replica presents the used refresh token.
#[tokio::test]
async fn unsaved_tokens_are_saved_without_a_request() {
    let replicas = Replicas::start(strict_org().await, routes).await;
    let Replicas { org, store, first, second } = &replicas;
    let mut browser = signed_in(first).await;
    org.clock().advance(LIFETIME);
    store.refuse_saves(true);
    assert!(browser.is_signed_in().await);
    let before = store.saved();
    store.refuse_saves(false);
    store.until_saved_since(before).await;
    let mut elsewhere = browser.at(&second.base);
    assert_eq!(elsewhere.fetch("/token").await.status, 200);
    assert_eq!((org.refreshes().seen, org.refreshes().reused), (1, 0));
    org.clock().advance(LIFETIME);
    assert!(elsewhere.is_signed_in().await);
    assert_eq!((org.refreshes().granted, org.refreshes().reused), (2, 0));
}

/// A session whose new tokens the first replica cannot save, while the store works for
/// the second one.
async fn renewed_and_not_saved(org: &Org) -> (SharedStore, App, Browser) {
    let store = SharedStore::new(org);
    let app = |store: SharedStore| Place::Shared(store).app().org(org.clone()).routes(routes()).start();
    let (first, second) = (app(store.clone()).await, app(store.other_way()).await);
    let mut browser = signed_in(&first).await;
    org.clock().advance(LIFETIME);
    store.refuse_saves(true);
    assert!(browser.is_signed_in().await);
    (store, second, browser)
}

/// A sign-out elsewhere meanwhile takes precedence, and the new refresh token is revoked.
#[tokio::test]
async fn unsaved_tokens_do_not_outlive_their_session() {
    let org = strict_org().await;
    let (store, second, mut browser) = renewed_and_not_saved(&org).await;
    second.auth.end_sessions_of(&org.user(ADA).unwrap().id).await.unwrap();
    store.refuse_saves(false);
    eventually("both refresh tokens are revoked", || revoked(&org) == 2).await;
    assert_eq!(store.len(), 0);
    assert_eq!(browser.fetch("/api/me").await.status, 401);
}

/// Unsaved tokens are discarded once another replica has refreshed the session.
#[tokio::test]
async fn unsaved_tokens_do_not_replace_newer_ones() {
    let org = Org::builder().rotation(Rotation::Rotate).refresh_leeway(Duration::from_secs(30));
    let org = org.access_token_lifetime(LIFETIME).start().await.unwrap();
    let (store, second, mut browser) = renewed_and_not_saved(&org).await;
    let newer = browser.at(&second.base).fetch("/token").await;
    assert_eq!(newer.status, 200);
    let before = store.released();
    store.refuse_saves(false);
    assert_eq!(org.refreshes().granted, 2, "the other replica does not have the first tokens");
    // The first replica tries to save in the background, and finds newer tokens.
    store.until_released_since(before).await;
    assert_eq!(browser.at(&second.base).fetch("/token").await.body, newer.body, "older tokens overwrote them");
    for round in 3..=5 {
        org.clock().advance(LIFETIME);
        assert!(browser.is_signed_in().await);
        assert_eq!(org.refreshes().granted, round, "the unsaved tokens are out of date");
    }
}

/// The keys of the new tokens cannot be fetched: the tokens are kept, because the old
/// refresh token is used.
#[tokio::test]
async fn tokens_that_cannot_be_verified_yet_are_kept_and_not_requested_again() {
    for place in Place::LOCAL {
        let app = app_at(&place, strict_org().await).await;
        let mut browser = signed_in(&app).await;
        app.org.clock().advance(LIFETIME);
        app.org.rotate_keys();
        app.org.rotate_keys();
        app.org.outage(Endpoint::Keys, Outage::Status(503));
        for _ in 0..3 {
            assert!(browser.is_signed_in().await, "{}: the grace period lasts", place.name());
            assert_eq!(
                browser.fetch("/token").await.status,
                503,
                "{}: unverified tokens are not handed out",
                place.name()
            );
            app.org.clock().advance(Duration::from_secs(10));
        }
        app.org.restore(Endpoint::Keys);
        assert_eq!(browser.fetch("/token").await.status, 200, "{}", place.name());
        let refreshes = app.org.refreshes();
        assert_eq!((refreshes.seen, refreshes.granted, refreshes.reused), (1, 1, 0), "{}", place.name());
    }
}

/// Expired tokens are useless, so new ones are requested.
#[tokio::test]
async fn unverified_tokens_are_not_kept_past_their_expiry() {
    for place in Place::LOCAL {
        let (app, clock) = app_with_its_own_clock(&place).await;
        let mut browser = signed_in(&app).await;
        clock.advance(LIFETIME);
        app.org.fault_once(Fault::IdTokenHeader("kid".to_owned(), "unknown".into()));
        assert!(browser.is_signed_in().await, "{}: the grace period lasts", place.name());
        clock.advance(LIFETIME);
        assert_eq!(browser.fetch("/token").await.status, 200, "{}", place.name());
        assert_eq!(app.org.refreshes().granted, 2, "{}", place.name());
    }
}

#[tokio::test]
async fn a_store_that_is_down_is_503_and_ends_no_session() {
    let replicas = Replicas::start(strict_org().await, routes).await;
    let Replicas { org, store, first, .. } = &replicas;
    let mut browser = signed_in(first).await;
    let jar = browser.jar.clone();
    org.clock().advance(LIFETIME);
    store.down(true);
    for page in ["/profile", "/"] {
        let answer = browser.navigate(page).await;
        assert_eq!(answer.status, 503, "{page}");
        assert!(!answer.header("retry-after").is_empty() && !answer.body.contains("anonymous"), "{page}");
    }
    assert_eq!(browser.fetch("/api/me").await.status, 503);
    assert_eq!(browser.jar, jar, "the cookie stays");
    store.down(false);
    assert!(browser.is_signed_in().await);
    assert_eq!(org.refreshes().granted, 1);
}

#[tokio::test]
async fn a_rate_limit_is_honoured_until_its_reset() {
    for place in Place::LOCAL {
        let app = app_at(&place, strict_org().await).await;
        let mut browser = signed_in(&app).await;
        app.org.clock().advance(LIFETIME);
        app.org.outage_times(Endpoint::Token, Outage::RateLimited, 1);
        assert!(browser.is_signed_in().await, "{}", place.name());
        assert_eq!((app.org.refreshes().seen, app.org.refreshes().granted), (1, 0));
        // The window of the org ends 30 s later.
        app.org.clock().advance(Duration::from_secs(20));
        for _ in 0..5 {
            assert!(browser.is_signed_in().await, "{}", place.name());
        }
        assert_eq!(app.org.refreshes().seen, 1, "{}: retried before the reset", place.name());
        app.org.clock().advance(Duration::from_secs(11));
        assert!(browser.is_signed_in().await, "{}", place.name());
        assert_eq!((app.org.refreshes().seen, app.org.refreshes().granted), (2, 1), "{}", place.name());
    }
}

/// Okta's clock jumps, and its tokens are issued in the future: this must not end the
/// session.
#[tokio::test]
async fn tokens_from_the_future_end_no_session() {
    for place in Place::LOCAL {
        let (app, clock) = app_with_its_own_clock(&place).await;
        let mut browser = signed_in(&app).await;
        for clock in [&clock, &app.org.clock()] {
            clock.advance(LIFETIME);
        }
        app.org.clock().advance(HOURS);
        assert!(browser.is_signed_in().await, "{}: the grace period lasts", place.name());
        assert_eq!(app.org.refreshes().granted, 1, "{}", place.name());
        app.org.clock().rewind(HOURS);
        clock.advance(Duration::from_secs(10));
        assert!(browser.is_signed_in().await, "{}", place.name());
        assert_eq!(app.org.refreshes().reused, 0, "{}", place.name());
        clock.advance(Duration::from_secs(200));
        assert_eq!(browser.fetch("/token").await.status, 200, "{}", place.name());
    }
}

/// The application's clock jumps back. A session from the future is invalid, and valid
/// again afterwards.
#[tokio::test]
async fn a_session_survives_a_clock_that_jumps_back() {
    for place in Place::LOCAL {
        let (app, clock) = app_with_its_own_clock(&place).await;
        let browser = signed_in(&app).await;
        clock.rewind(HOURS);
        let mut then = browser.clone();
        assert_eq!(then.fetch("/api/me").await.status, 401, "{}", place.name());
        assert_eq!(then.navigate("/profile").await.status, 303, "{}", place.name());
        clock.advance(HOURS);
        assert!(browser.clone().is_signed_in().await, "{}", place.name());
        clock.advance(HOURS);
        assert_eq!(browser.clone().fetch("/api/me").await.status, 401, "{}: idle for hours", place.name());
        assert_eq!(app.org.refreshes().seen, 0, "{}: an invalid session is not refreshed", place.name());
    }
}

// -- validation of a refresh (OIDC Core 12.2; conformance suite, refresh token plan) ----------------------------------

/// Refreshes a session while Okta has these faults, and returns whether the session
/// survives.
async fn survives(place: &Place, faults: &[Fault]) -> bool {
    let app = app_at(place, strict_org().await).await;
    let mut browser = signed_in(&app).await;
    app.org.clock().advance(LIFETIME);
    faults.iter().for_each(|fault| app.org.fault_once(fault.clone()));
    let answer = browser.fetch("/api/me").await;
    assert_eq!(app.org.refreshes().granted, 1, "{}: {faults:?}", place.name());
    assert!(!answer.body.contains("Ben") && !answer.body.contains(BEN), "{}: {}", place.name(), answer.body);
    let page = browser.navigate("/profile").await;
    assert_eq!(page.status == 200, answer.status == 200, "{}: {faults:?}", place.name());
    assert!([(200, 200), (401, 303)].contains(&(answer.status.as_u16(), page.status.as_u16())), "{faults:?}");
    answer.status == 200
}

macro_rules! at_refresh {
    ($($name:ident: $fault:expr => $survives:expr;)+) => {
        $(#[tokio::test] async fn $name() {
            for place in Place::LOCAL {
                assert_eq!(survives(&place, &[$fault]).await, $survives, "{}", place.name());
            }
        })+
    };
}

at_refresh! {
    another_issuer_ends_the_session: Fault::RefreshIdTokenIssuer => false;
    another_subject_ends_the_session: Fault::RefreshIdTokenSub => false;
    another_audience_ends_the_session: Fault::RefreshIdTokenAudience => false;
    another_auth_time_ends_the_session: Fault::RefreshIdTokenAuthTime => false;
    another_nonce_ends_the_session: Fault::RefreshIdTokenNonce => false;
    the_same_nonce_is_fine: Fault::RefreshIdTokenSameNonce => true;
    no_auth_time_is_fine: Fault::RefreshIdTokenNoAuthTime => true;
    no_id_token_is_fine: Fault::RefreshIdTokenMissing => true;
    a_bad_signature_ends_the_session: Fault::IdTokenBadSignature => false;
}

/// Okta confuses users: no user sees the page of another user.
#[tokio::test]
async fn the_data_of_another_user_is_never_shown() {
    for place in Place::LOCAL {
        let ben = strict_org().await.user(BEN).unwrap();
        let fault = |name: &str, value: &str| Fault::IdTokenClaim(name.to_owned(), value.into());
        let faults = [fault("sub", &ben.id), fault("name", "Ben"), fault("email", BEN)];
        assert!(!survives(&place, &faults).await, "{}", place.name());
        let faults = [Fault::RefreshIdTokenMissing, Fault::UserinfoSub];
        assert!(!survives(&place, &faults).await, "{}: by userinfo", place.name());
    }
}

#[tokio::test]
async fn without_a_new_refresh_token_the_old_one_stays() {
    for place in Place::LOCAL {
        let app = app_at(&place, strict_org().await).await;
        let mut browser = signed_in(&app).await;
        app.org.clock().advance(LIFETIME);
        app.org.put_client(app.org.client().rotation(Rotation::Static));
        app.org.fault_once(Fault::RefreshNoRefreshToken);
        for round in 1..=3 {
            assert!(browser.is_signed_in().await, "{}", place.name());
            assert_eq!(app.org.refreshes().granted, round, "{}: static tokens work as well", place.name());
            app.org.clock().advance(LIFETIME);
        }
        assert_eq!(presented(&app.org).len(), 1, "{}: always the same one", place.name());
    }
}

/// The distinct refresh tokens that were presented.
fn presented(org: &Org) -> BTreeSet<String> {
    org.request_log().iter().filter_map(|request| request.form_field("refresh_token")).collect()
}

#[tokio::test]
async fn claims_of_thin_id_tokens_come_from_userinfo() {
    for place in Place::LOCAL {
        let org = Org::builder().rotation(Rotation::Rotate).refresh_leeway(Duration::ZERO);
        let app = app_at(&place, org.access_token_lifetime(LIFETIME).start().await.unwrap()).await;
        let mut browser = signed_in(&app).await;
        let before = browser.navigate("/claims").await.body;
        let mut ada = app.org.user(ADA).unwrap();
        ada.family_name = "King".to_owned();
        app.org.put_user(ada);
        app.org.clock().advance(LIFETIME);
        let after = browser.navigate("/claims").await.body;
        assert!(after.contains("King") && !before.contains("King"), "{}: {after}", place.name());
        // Userinfo is down: its earlier claims expire, and are requested again soon.
        app.org.clock().advance(LIFETIME);
        app.org.outage(Endpoint::Userinfo, Outage::Status(503));
        let less = browser.navigate("/claims").await;
        assert!(less.status == 200 && !less.body.contains("family_name"), "{}: {}", place.name(), less.body);
        app.org.restore(Endpoint::Userinfo);
        app.org.clock().advance(Duration::from_secs(61));
        assert!(browser.navigate("/claims").await.body.contains("family_name"), "{}", place.name());
    }
}

/// Messages that end sessions name them by earlier claims. A claim that a refresh omits
/// must not make the session unreachable.
#[tokio::test]
async fn a_session_is_found_by_claims_that_a_later_refresh_omits() {
    for place in Place::LOCAL {
        for name in ["email", "sid"] {
            let org = Org::builder().rotation(Rotation::Rotate).access_token_lifetime(LIFETIME).start().await.unwrap();
            org.put_client(org.client().session_claim(true));
            let app = app_at(&place, org).await;
            let mut browser = signed_in(&app).await;
            let sid = app.org.sessions()[0].sid.clone();
            for _ in 0..2 {
                app.org.clock().advance(LIFETIME);
                app.org.outage(Endpoint::Userinfo, Outage::Status(503));
                for claim in ["sid", "email"] {
                    app.org.fault_once(Fault::IdTokenClaim(claim.to_owned(), serde_json::Value::Null));
                }
                let claims = browser.navigate("/claims").await;
                let has = |claim: &str| claims.body.contains(&format!("\"{claim}\":"));
                assert!(has("sub") && !has("sid") && !has("email"), "the premise: {}", claims.body);
            }
            if name == "email" {
                let sent = app.org.global_revocation(ADA).to(format!("{}/global-token-revocation", app.base));
                let sent = sent.subject(ADA, SubjectFormat::Email).send().await;
                assert_eq!(sent.status, Some(204), "{}: {sent:?}", place.name());
            } else {
                let query = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs([("iss", app.org.issuer()), ("sid", sid)])
                    .finish();
                app.browser().navigate(&format!("/frontchannel-logout?{query}")).await;
            }
            assert!(!browser.is_signed_in().await, "{}: by {name}", place.name());
        }
    }
}

/// The result of a refresh cannot be verified yet, and its refresh token is used. The
/// next attempt must use the new refresh token, because Okta would treat the old one as
/// stolen.
#[tokio::test]
async fn a_refresh_that_cannot_be_verified_yet_uses_no_token_twice() {
    for place in Place::LOCAL {
        for why in ["the clock", "the keys"] {
            let app = app_at(&place, strict_org().await).await;
            let mut browser = signed_in(&app).await;
            for rounds in 1..=2 {
                app.org.clock().advance(LIFETIME);
                if why == "the clock" {
                    app.org.fault_once(Fault::IdTokenIssuedInFuture);
                } else {
                    app.org.rotate_keys();
                    app.org.outage(Endpoint::Keys, Outage::Status(500));
                }
                assert!(browser.is_signed_in().await, "{} {why}: the grace period lasts", place.name());
                app.org.restore(Endpoint::Keys);
                // By then the new access token has expired as well.
                app.org.clock().advance(if rounds == 1 { Duration::from_secs(61) } else { LIFETIME });
                assert!(browser.is_signed_in().await, "{} {why}", place.name());
                assert_eq!(browser.fetch("/token").await.status, 200, "{} {why}", place.name());
                assert_eq!(app.org.refreshes().reused, 0, "{} {why}: a used token was presented", place.name());
            }
        }
    }
}

/// The user signs out during a refresh, so the new tokens are revoked.
#[tokio::test]
async fn tokens_that_arrive_after_a_sign_out_are_revoked() {
    for place in Place::LOCAL {
        let app = app_at(&place, strict_org().await).await;
        let browser = signed_in(&app).await;
        app.org.clock().advance(LIFETIME);
        app.org.outage(Endpoint::Token, Outage::HangAfter);
        let renewing = tokio::spawn(fetch(&browser, "/api/me"));
        app.org.until_waiting(Endpoint::Token, 1).await;
        assert_eq!(browser.clone().post("/logout", "").await.status, 303, "{}", place.name());
        app.org.restore(Endpoint::Token);
        renewing.await.unwrap();
        eventually("both refresh tokens are revoked", || revoked(&app.org) == 2).await;
        assert!(!browser.clone().is_signed_in().await, "{}", place.name());
    }
}

/// Userinfo fails at sign-in: the missing claims are requested soon, not only when the
/// tokens expire.
#[tokio::test]
async fn claims_that_a_sign_in_could_not_read_are_requested_soon() {
    for place in Place::LOCAL {
        let org = Org::builder().rotation(Rotation::Rotate).access_token_lifetime(HOURS);
        let app = app_at(&place, org.start().await.unwrap()).await;
        app.org.outage(Endpoint::Userinfo, Outage::Status(503));
        let mut browser = signed_in(&app).await;
        app.org.restore(Endpoint::Userinfo);
        assert!(!browser.navigate("/claims").await.body.contains("family_name"), "{}: the premise", place.name());
        app.org.clock().advance(Duration::from_secs(61));
        assert!(browser.navigate("/claims").await.body.contains("family_name"), "{}", place.name());
    }
}

// -- which requests refresh, and their responses ---------------------------------------------------------------------

#[tokio::test]
async fn routes_that_need_no_fresh_claims_refresh_nothing() {
    for place in Place::LOCAL {
        let app = place.app().org(strict_org().await).routes(routes());
        let app =
            app.build_with(|builder| builder.refresh_on_demand("/api/me").refresh_on_demand("/token")).start().await;
        let mut browser = signed_in(&app).await;
        let old = browser.fetch("/token").await.body;
        app.org.clock().advance(LIFETIME);
        let answer = browser.fetch("/api/me").await;
        assert_eq!(answer.status, 200, "{}", place.name());
        assert_eq!(app.org.refreshes().seen, 0, "{}", place.name());
        // A handler that requests the token triggers a refresh, and the browser receives
        // the new session.
        let jar = browser.jar.clone();
        let new = browser.fetch("/token").await;
        assert!(new.status == 200 && new.body != old, "{}", place.name());
        assert_eq!(browser.jar != jar, place.name() == "cookie", "{}: the cookie has the new session", place.name());
        assert_eq!(browser.fetch("/token").await.body, new.body, "{}", place.name());
        assert_eq!(app.org.refreshes().granted, 1, "{}", place.name());
    }
}

#[tokio::test]
async fn signing_out_refreshes_nothing() {
    for place in Place::LOCAL {
        let app = app_at(&place, strict_org().await).await;
        let mut browser = signed_in(&app).await;
        app.org.clock().advance(LIFETIME);
        assert_eq!(browser.post("/logout", "").await.status, 303);
        assert_eq!(app.org.refreshes().seen, 0, "{}", place.name());
    }
}

// -- the rules of sessions, with refresh -----------------------------------------------------------------------------

/// An application with these session limits.
async fn app_with_limits(place: &Place, idle: u64, absolute: u64) -> App {
    let app = place.app().org(strict_org().await).routes(routes());
    let seconds = Duration::from_secs;
    app.configure(move |config| config.session_idle(seconds(idle)).session_absolute(seconds(absolute))).start().await
}

#[tokio::test]
async fn a_refresh_does_not_lengthen_the_limits() {
    for place in Place::LOCAL {
        let app = app_with_limits(&place, 400, 1_000).await;
        let mut browser = signed_in(&app).await;
        for _ in 0..3 {
            app.org.clock().advance(Duration::from_secs(320));
            assert!(browser.is_signed_in().await, "{}: in constant use", place.name());
        }
        assert_eq!(app.org.refreshes().granted, 3, "{}", place.name());
        app.org.clock().advance(Duration::from_secs(40));
        assert!(!browser.is_signed_in().await, "{}: the absolute limit", place.name());
        let app = app_with_limits(&place, 400, 10_000).await;
        let browser = signed_in(&app).await;
        app.org.clock().advance(Duration::from_secs(390));
        assert!(browser.clone().is_signed_in().await, "{}", place.name());
        app.org.clock().advance(Duration::from_secs(if place.name() == "cookie" { 10 } else { 400 }));
        assert!(!browser.clone().is_signed_in().await, "{}: the idle limit", place.name());
    }
}

#[tokio::test]
async fn oktas_session_limit_ends_a_session_despite_refreshes() {
    for place in Place::LOCAL {
        let app = app_at(&place, strict_org().await).await;
        let now = app.org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        app.org.fault_once(Fault::IdTokenClaim("session_expiry".to_owned(), (now + 1_000).into()));
        let mut browser = signed_in(&app).await;
        for _ in 0..3 {
            app.org.clock().advance(Duration::from_secs(320));
            assert!(browser.is_signed_in().await, "{}", place.name());
        }
        assert_eq!(app.org.refreshes().granted, 3, "{}: none of the new ID tokens has the claim", place.name());
        app.org.clock().advance(Duration::from_secs(41));
        assert!(!browser.is_signed_in().await, "{}", place.name());
    }
}

/// A sign-in and a step-up each create a new session, and every copy of the previous one
/// is invalid.
#[tokio::test]
async fn every_sign_in_makes_a_new_session_and_ends_the_old_one() {
    for place in Place::LOCAL {
        let app = app_at(&place, strict_org().await).await;
        let mut browser = signed_in(&app).await;
        for login in ["/login?return_to=/profile", "/login?return_to=/profile&prompt=login"] {
            let copy = browser.clone();
            // The clock advances, because a session must begin in another second than the
            // previous one ended.
            app.org.clock().advance(Duration::from_secs(2));
            let authorize = browser.navigate(login).await.location().to_owned();
            browser.complete(&app.org, &authorize, ADA).await;
            assert_ne!(browser.jar[SESSION], copy.jar[SESSION], "{}", place.name());
            assert!(browser.is_signed_in().await, "{}", place.name());
            assert!(!copy.clone().is_signed_in().await, "{}: the previous session", place.name());
        }
    }
}

#[tokio::test]
async fn a_session_id_chosen_by_an_attacker_is_never_used() {
    let app = app_at(&Place::Memory, strict_org().await).await;
    let mut browser = app.browser();
    let planted = format!("1.{}", "A".repeat(43));
    browser.jar.insert(SESSION.to_owned(), planted.clone());
    browser.sign_in(&app.org, ADA, "/profile").await;
    assert_ne!(browser.jar[SESSION], planted);
    let mut thief = app.browser();
    thief.jar.insert(SESSION.to_owned(), planted);
    assert!(!thief.is_signed_in().await);
}

#[tokio::test]
async fn with_a_store_the_cookie_is_an_id_and_the_store_reveals_no_secret() {
    let replicas = Replicas::start(strict_org().await, routes).await;
    let mut browser = signed_in(&replicas.first).await;
    let mut secrets = vec![browser.fetch("/token").await.body];
    replicas.org.clock().advance(LIFETIME);
    secrets.push(browser.fetch("/token").await.body);
    secrets.extend(presented(&replicas.org));
    assert_eq!(secrets.len(), 3);
    let (_, id) = browser.jar[SESSION].split_once('.').unwrap();
    assert_eq!((browser.jar.len(), id.len()), (1, 64), "only 256 bits and their MAC");
    let raw = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(id).unwrap();
    let ada = replicas.org.user(ADA).unwrap();
    secrets.extend([id.to_owned(), ADA.to_owned(), ada.id, ada.given_name]);
    let written = replicas.store.written();
    assert!(written.len() > 5);
    for secret in secrets.iter().map(String::as_bytes).chain([raw.as_slice()]) {
        // Even a part of a token would be harmful.
        let part = &secret[..secret.len().min(20)];
        assert!(!part.is_empty());
        let found = written.iter().any(|bytes| bytes.windows(part.len()).any(|window| window == part));
        assert!(!found, "{} is in the store", String::from_utf8_lossy(secret));
    }
}

#[tokio::test]
async fn unknown_ids_are_no_session_and_delete_no_cookie() {
    let app = app_at(&Place::Memory, strict_org().await).await;
    let mut browser = signed_in(&app).await;
    let (jar, good) = (browser.jar.clone(), browser.jar[SESSION].clone());
    let edits = [
        // The correct length, but unknown.
        format!("1.{}", "A".repeat(43)),
        format!("1.A{}", &good[3..]).replacen("1.A", if good.starts_with("1.A") { "1.B" } else { "1.A" }, 1),
        "A".repeat(43),
        good[..44].to_owned(),
        format!("{good}A"),
        format!("{good}="),
        String::new(),
        "x".repeat(4_000),
        good.to_lowercase() + ".",
    ];
    for edit in edits {
        browser.jar.insert(SESSION.to_owned(), edit.clone());
        let answer = browser.navigate("/").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "anonymous"), "{edit}");
        // The request may be slow, and a newer sign-in may have overtaken it.
        assert!(answer.set_cookies().is_empty(), "{edit}");
        browser.jar.clone_from(&jar);
    }
    assert!(browser.is_signed_in().await, "control");
}
