//! The browser's side of a sign-in: several applications and tabs, repeated and late callbacks, unusual clients.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use okta_auth_core::engine::{Refusal, SignIn};
use okta_auth_dev::{Fault, Org, Response};
use reqwest::Method;

use crate::app::{App, Framework};
use crate::support::{ADA, Answer, BEN, Browser, CALLBACK, SharedStore, log};

const PAGE: [(&str, &str); 3] =
    [("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];

async fn with_defaults<F: Framework>(store: &str) -> App {
    App::built::<F>(Org::start().await.unwrap(), |config| config.session_store(store), |builder| builder).await
}

/// Starts a sign-in and returns the authorization response without sending it to the app.
async fn response_for(app: &App, browser: &mut Browser, page: &str, user: &str) -> String {
    let authorize = browser.navigate(page).await.location().to_owned();
    match app.org.sign_in(&authorize, user).await.unwrap() {
        Response::Redirect(location) => location,
        other => panic!("{other:?}"),
    }
}

/// The same browser at another application on the host.
fn at(browser: &Browser, other: &App) -> Browser {
    browser.at(&other.base)
}

/// The size of all pending logins in a jar, in bytes.
fn pending(jar: &BTreeMap<String, String>) -> usize {
    jar.iter().filter(|(name, _)| name.contains("_login_")).map(|(name, value)| name.len() + value.len()).sum()
}

fn query(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

fn deletions(answer: &Answer) -> usize {
    answer.set_cookies().iter().filter(|cookie| cookie.contains("Max-Age=0")).count()
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

// -- several applications on one host ----------------------------------------------------------------------------

pub(crate) async fn two_applications_on_one_host_leave_each_other_alone<F: Framework>() {
    for store in ["cookie", "memory"] {
        let (a, b) = (with_defaults::<F>(store).await, with_defaults::<F>(store).await);
        let mut browser = a.signed_in(ADA).await;
        let mut there = at(&browser, &b);
        assert_eq!(there.navigate("/").await.body, "anonymous");
        assert!(there.post("/logout", "").await.status.is_redirection());
        assert_eq!(there.sign_in(&b.org, BEN, "/profile").await.location(), "/profile", "{store}");
        browser.jar = there.jar.clone();
        assert_eq!(browser.navigate("/").await.body, "Ada Lovelace", "{store}");
        assert_eq!(there.navigate("/").await.body, "Ben Okri", "{store}");
        there.post("/logout", "").await;
        browser.jar = there.jar.clone();
        assert_eq!(browser.navigate("/").await.body, "Ada Lovelace", "{store}");
    }
}

pub(crate) async fn a_cookie_that_does_not_open_is_left_alone<F: Framework>() {
    let named = async |secret: &'static str| {
        let org = Org::start().await.unwrap();
        let variables =
            move |config: okta_auth_core::config::ConfigBuilder| config.cookie_name("shared").cookie_secret(secret);
        App::built::<F>(org, variables, |builder| builder).await
    };
    let (a, b) =
        (named("a secret of the first application..").await, named("a secret of the second application.").await);
    let mut browser = a.signed_in(ADA).await;
    let mut there = at(&browser, &b);
    for path in ["/", "/profile", "/login", "/echo"] {
        let answer = there.navigate(path).await;
        assert_eq!(deletions(&answer), 0, "{path}: {:?}", answer.set_cookies());
    }
    assert_eq!(deletions(&there.post("/logout", "").await), 0);
    browser.jar = there.jar;
    assert_eq!(browser.navigate("/").await.body, "Ada Lovelace");
    // Of several cookies with one name, the one that opens counts, in any position.
    let good = format!("shared={}", browser.jar["shared"]);
    for header in
        [format!("shared=1.AAAA; {good}"), format!("{good}; shared=1.AAAA"), format!("shared=; {good}; shared=x")]
    {
        let answer = a.browser().send(Method::GET, "/", &[("cookie", &header)], String::new()).await;
        assert_eq!(answer.body, "Ada Lovelace", "{header:.20}");
        assert!(answer.set_cookies().is_empty());
    }
}

pub(crate) async fn a_session_under_the_previous_name_moves_when_it_is_written<F: Framework>() {
    for stored in [false, true] {
        let org = Org::start().await.unwrap();
        let store = SharedStore::new(&org);
        let app = async |name: Option<&'static str>| {
            let store = store.clone();
            App::built::<F>(
                org.clone(),
                |config| name.into_iter().fold(config, |config, name| config.cookie_name(name)),
                move |builder| if stored { builder.session_store(store) } else { builder },
            )
            .await
        };
        let (before, now) = (app(Some("okta_session")).await, app(None).await);
        let mut browser = at(&before.signed_in(ADA).await, &now);
        assert_eq!(browser.navigate("/").await.body, "Ada Lovelace", "{stored}");
        assert!(browser.jar.contains_key("okta_session") && browser.jar.len() == 1, "{stored}: it stays for now");
        org.clock().advance(Duration::from_secs(600));
        assert_eq!(browser.navigate("/").await.body, "Ada Lovelace", "{stored}");
        let names: Vec<_> = browser.jar.keys().cloned().collect();
        assert!(names.len() == 1 && names[0].starts_with("okta_session-"), "{stored}: {names:?}");
        assert_eq!(browser.navigate("/").await.body, "Ada Lovelace", "{stored}");
        // A sign-out and a new sign-in also delete the old cookie.
        let mut leaving = at(&before.signed_in(ADA).await, &now);
        org.clock().advance(Duration::from_secs(600));
        leaving.post("/logout", "").await;
        assert!(leaving.jar.keys().all(|name| name.ends_with("_signed_out")), "{stored}: {:?}", leaving.jar.keys());
        let mut again = at(&before.signed_in(ADA).await, &now);
        let authorize = again.navigate("/login?return_to=/profile").await.location().to_owned();
        again.complete(&org, &authorize, BEN).await;
        assert!(again.jar.len() == 1 && !again.jar.contains_key("okta_session"), "{stored}: {:?}", again.jar.keys());
        // What another application keeps under the previous name stays, also in the format of version 0.1.
        let mut beside = now.signed_in(ADA).await;
        beside.jar.insert("okta_session".to_owned(), format!("1.{}", "A".repeat(43)));
        org.clock().advance(Duration::from_secs(600));
        assert_eq!(beside.navigate("/").await.body, "Ada Lovelace", "{stored}");
        beside.post("/logout", "").await;
        assert!(beside.jar.contains_key("okta_session"), "{stored}: {:?}", beside.jar.keys());
    }
}

pub(crate) async fn an_answer_deletes_few_cookies<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.signed_in(ADA).await;
    browser.jar.extend((0..60).map(|n| (format!("okta_session.{n}"), "stale".to_owned())));
    browser.jar.extend((0..100).map(|n| (format!("okta_session_login_{n:016}"), "junk".to_owned())));
    let started = browser.navigate("/login").await;
    assert!(started.status == 303 && deletions(&started) <= 8, "{}", deletions(&started));
    app.org.clock().advance(Duration::from_secs(600));
    assert!(deletions(&browser.fetch("/echo").await) <= 5);
    assert!(deletions(&browser.post("/logout", "").await) <= 5);
}

// -- pending sign-ins ---------------------------------------------------------------------------------------------

pub(crate) async fn only_navigations_start_a_sign_in<F: Framework>() {
    let app = App::start::<F>().await;
    let long = format!("/login?return_to={}", encode(&format!("/orders?q={}", "x".repeat(2_000))));
    let initiate = format!("/login/initiate?iss={}", encode(&app.org.issuer()));
    for target in [long.as_str(), initiate.as_str(), "/login"] {
        for headers in [
            vec![("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
            vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe"), ("accept", "text/html")],
            vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-purpose", "prefetch;prerender")],
            vec![("accept", "image/avif,image/webp,*/*;q=0.8")],
            vec![("accept", "text/html"), ("x-requested-with", "XMLHttpRequest")],
            vec![],
        ] {
            let answer = app.browser().send(Method::GET, target, &headers, String::new()).await;
            assert_eq!((answer.status.as_u16(), answer.header("www-authenticate")), (401, "Bearer"), "{headers:?}");
            assert!(answer.set_cookies().is_empty());
        }
        assert_eq!(app.browser().navigate(target).await.status, 303, "{target}");
    }
    // A form is a navigation unless the browser says otherwise.
    for (headers, status) in [
        (vec![("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "empty")], 401),
        (vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")], 401),
        (vec![("x-requested-with", "XMLHttpRequest")], 401),
        (PAGE.to_vec(), 303),
        (vec![], 303),
    ] {
        let answer = app.browser().send(Method::POST, &initiate, &headers, String::new()).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}");
    }
}

pub(crate) async fn twelve_restored_tabs_all_end_in_the_application<F: Framework>() {
    let app = App::start::<F>().await;
    // Pending logins of the same second are ordered as well.
    app.org.clock().stop();
    let mut browser = app.browser();
    let mut responses = Vec::new();
    for tab in 0..12 {
        responses.push(response_for(&app, &mut browser, &format!("/profile?tab={tab}"), ADA).await);
        assert!(pending(&browser.jar) < 4_000, "{}", pending(&browser.jar));
    }
    assert_eq!(browser.jar.len(), 8);
    let last = responses.pop().unwrap();
    assert_eq!(browser.navigate(&last).await.location(), "/profile?tab=11");
    for (tab, response) in responses.iter().enumerate() {
        let before = app.org.count("/v1/token");
        let location = browser.navigate(response).await.location().to_owned();
        let held = tab >= 4;
        assert_eq!(location, if held { format!("/profile?tab={tab}") } else { "/".to_owned() }, "strictly oldest out");
        assert_eq!(app.org.count("/v1/token") - before, usize::from(held), "{tab}");
    }
    assert!(browser.is_signed_in().await && pending(&browser.jar) == 0);
}

pub(crate) async fn long_targets_come_back_whole_or_as_their_path<F: Framework>() {
    log::listen();
    let app = App::start::<F>().await;
    for target in [
        format!("/profile?q={}", "x".repeat(2_500)),
        "/profile?tab=1#part".to_owned(),
        "/profile#/route?x=1".to_owned(),
    ] {
        let login = format!("/login?return_to={}", encode(&target));
        assert_eq!(app.browser().sign_in(&app.org, ADA, &login).await.location(), target);
    }
    let long = format!("/profile?q={}", "x".repeat(2_500));
    let mut browser = app.browser();
    let first = response_for(&app, &mut browser, &long, ADA).await;
    let second = response_for(&app, &mut browser, &long, ADA).await;
    assert!(pending(&browser.jar) < 4_000);
    assert_eq!(browser.navigate(&second).await.location(), "/profile", "cut to its path");
    assert_eq!(browser.navigate(&first).await.location(), long, "and no other attempt is evicted");
    // Beside this one not even `/` fits, so the older attempt goes.
    let mut browser = app.browser();
    browser.navigate(&format!("/profile?q={}", "x".repeat(2_830))).await;
    let alone = pending(&browser.jar);
    assert!((3_870..4_000).contains(&alone), "{alone}");
    browser.navigate("/profile").await;
    assert!(browser.jar.len() == 1 && pending(&browser.jar) < 400, "{}", pending(&browser.jar));
    let huge = format!("/login?return_to={}", encode(&format!("/profile?q={}", "x".repeat(9_000))));
    assert_eq!(app.browser().sign_in(&app.org, ADA, &huge).await.location(), "/profile", "more than 8 KiB");
    let path = format!("/login?return_to={}", encode(&format!("/{}", "x".repeat(4_000))));
    let mut browser = app.browser();
    assert_eq!(browser.sign_in(&app.org, ADA, &path).await.location(), "/", "a path that does not fit");
    assert!(pending(&browser.jar) < 4_000);
    let told = |became: &str| log::lines(&["INFO", "did not fit into the cookies and became", became]);
    assert!(!told("became its path").is_empty() && !told("became /").is_empty());
    assert!(!log::lines(&["INFO", "longer than 8 KiB"]).is_empty());
}

/// Expired attempts stay while there is room, and no longer.
pub(crate) async fn expired_attempts_make_room_for_new_ones<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.browser();
    for tab in 0..8 {
        browser.navigate(&format!("/profile?tab={tab}")).await;
    }
    app.org.clock().advance(Duration::from_secs(601));
    let long = format!("/profile?q={}", "x".repeat(2_500));
    let response = response_for(&app, &mut browser, &long, ADA).await;
    assert!(pending(&browser.jar) < 4_000 && browser.jar.len() < 8, "{} {}", pending(&browser.jar), browser.jar.len());
    assert_eq!(browser.navigate(&response).await.location(), long);
}

/// Restored tabs that start at the same moment: none of the requests has the cookies of the others.
pub(crate) async fn tabs_that_start_at_the_same_moment_are_trimmed_by_the_next_request<F: Framework>() {
    let app = App::start::<F>().await;
    let mut together = app.browser();
    let mut responses = Vec::new();
    for tab in 0..12 {
        let mut one = app.browser();
        let page = format!("/profile?tab={tab}&q={}", "x".repeat(2_000));
        responses.push(response_for(&app, &mut one, &page, ADA).await);
        together.jar.extend(one.jar);
    }
    assert_eq!((together.jar.len(), pending(&together.jar) > 30_000), (12, true));

    // Another start evicts the oldest, at most eight of them, and keeps its own target.
    let mut starts = together.clone();
    let mut last = String::new();
    for (tab, left) in [(12, 5), (13, 3)] {
        last = response_for(&app, &mut starts, &format!("/profile?tab={tab}"), ADA).await;
        assert_eq!(starts.jar.len(), left, "{tab}");
    }
    assert!(pending(&starts.jar) < 4_000, "{}", pending(&starts.jar));
    assert_eq!(starts.clone().navigate(&last).await.location(), "/profile?tab=13");
    let newest = responses.pop().unwrap();
    assert!(starts.navigate(&newest).await.location().starts_with("/profile?tab=11&q=xxx"), "the newest is kept");

    // So does a callback, which never evicts its own attempt: here it is the oldest.
    let answer = together.navigate(&responses[0]).await;
    assert!(answer.location().starts_with("/profile?tab=0&q=xxx"), "{}", answer.body);
    assert!(deletions(&answer) <= 8, "{}", deletions(&answer));
    assert_eq!(together.navigate(&responses[1]).await.location(), "/", "evicted, and signed in all the same");
    assert!(pending(&together.jar) < 4_000, "{}", pending(&together.jar));
    assert!(together.navigate(&newest).await.location().starts_with("/profile?tab=11&q=xxx"));
}

/// Junk under the name of an attempt, from a path or a host beside this one, hides nothing.
pub(crate) async fn of_several_attempts_with_one_name_the_one_that_opens_counts<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.browser();
    let response = response_for(&app, &mut browser, "/profile?tab=1", ADA).await;
    let (name, value) = browser.jar.first_key_value().unwrap();
    let header = format!("{name}=junk; {name}={value}");
    let headers = [PAGE.as_slice(), &[("cookie", header.as_str())]].concat();
    let answer = app.browser().send(Method::GET, &response, &headers, String::new()).await;
    assert_eq!(answer.location(), "/profile?tab=1", "{}", answer.body);
}

// -- callbacks ----------------------------------------------------------------------------------------------------

pub(crate) async fn a_second_call_of_the_callback_leads_into_the_application<F: Framework>() {
    for store in ["cookie", "memory"] {
        let app = App::with::<F>(Org::start().await.unwrap(), |config| config.session_store(store)).await;
        let mut browser = app.browser();
        let response = response_for(&app, &mut browser, "/profile", ADA).await;
        let attempt = browser.jar.clone();
        assert_eq!(browser.navigate(&response).await.location(), "/profile");
        let exchanged = app.org.count("/v1/token");
        let again = browser.navigate(&response).await;
        assert_eq!((again.status.as_u16(), again.location()), (303, "/"), "{store}: {}", again.body);
        browser.jar.extend(attempt.clone());
        assert_eq!(browser.navigate(&response).await.location(), "/profile", "with the attempt, to its page");
        let error = format!("{CALLBACK}?error=access_denied&state=unknown");
        assert_eq!(browser.navigate(&error).await.location(), "/");
        assert_eq!(app.org.count("/v1/token"), exchanged, "{store}: the code was exchanged again");
        assert!(browser.is_signed_in().await);
        // Without a session, the repeated callback shows the error page.
        let mut stranger = app.browser();
        stranger.jar = attempt;
        let page = stranger.navigate(&response).await;
        assert!(page.status == 400 && page.body.contains("/login?return_to=%2Fprofile"), "{}", page.body);
        assert_eq!(app.org.count("/v1/token"), exchanged);
    }
}

pub(crate) async fn a_sign_in_that_took_too_long_leads_back_to_its_page<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.browser();
    let started = browser.navigate("/profile?tab=7").await;
    let age = started.set_cookies()[0].split("Max-Age=").nth(1).unwrap().parse::<u64>().unwrap();
    assert!(age > 600, "the cookie outlives the attempt: {age}");
    app.org.clock().advance(Duration::from_secs(601));
    let Response::Redirect(response) = app.org.sign_in(started.location(), ADA).await.unwrap() else { panic!() };
    let page = browser.navigate(&response).await;
    assert!(page.status == 400 && page.body.contains("attempt_expired") && page.body.contains("took too long"));
    assert!(page.body.contains("href=\"/login?return_to=%2Fprofile%3Ftab%3D7\""), "{}", page.body);
    assert_eq!((app.org.count("/v1/token"), browser.jar.len()), (0, 0));
}

pub(crate) async fn a_step_up_that_is_cancelled_leads_back<F: Framework>() {
    let app = App::start::<F>().await;
    let denied = Fault::AuthorizeError { error: "access_denied".to_owned(), description: "no".to_owned() };
    let unmet =
        Fault::AuthorizeError { error: "unmet_authentication_requirements".to_owned(), description: "no".to_owned() };
    for (referer, back) in [
        (format!("{}/orders?page=2", app.base), "/orders?page=2"),
        (format!("{}/orders?q={}", app.base, "x".repeat(300)), "/"),
        ("https://evil.example/x".to_owned(), "/"),
        (format!("{}.evil.example/x", app.base), "/"),
        (String::new(), "/"),
    ] {
        let mut browser = app.signed_in(ADA).await;
        let headers = [PAGE.as_slice(), &[("referer", referer.as_str())]].concat();
        let up = browser.send(Method::GET, "/sensitive?amount=5", &headers, String::new()).await;
        app.org.fault_once(if referer.is_empty() { unmet.clone() } else { denied.clone() });
        let page = browser.complete(&app.org, up.location(), ADA).await;
        assert!(
            page.status == 403 && page.body.contains("The additional verification was not completed"),
            "{}",
            page.body
        );
        let links: Vec<_> = page.body.split("<a href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(links, [back, "/sensitive?amount=5"], "{referer}");
        assert_eq!(browser.navigate("/profile").await.status, 200);
    }
    let is_plain = |page: &Answer| page.body.contains("Access denied") && !page.body.contains("additional");
    // Without a session, and for a sign-in that is no step-up, the page says that access was denied.
    app.org.fault_once(denied.clone());
    let page = app.browser().sign_in(&app.org, ADA, "/profile").await;
    assert!(is_plain(&page), "{}", page.body);
    let mut browser = app.signed_in(ADA).await;
    app.org.fault_once(denied.clone());
    let page = browser.sign_in(&app.org, ADA, "/login?return_to=/profile").await;
    assert!(is_plain(&page), "{}", page.body);
    let mut browser = app.signed_in(ADA).await;
    let up = browser.navigate("/sensitive").await.location().to_owned();
    browser.jar.remove("okta_session");
    app.org.fault_once(denied.clone());
    let page = browser.complete(&app.org, &up, ADA).await;
    assert!(is_plain(&page), "the session has ended meanwhile: {}", page.body);
    let mut browser = app.signed_in(ADA).await;
    let up = browser.navigate("/sensitive").await.location().to_owned();
    app.org.fault_once(denied);
    let Response::Redirect(response) = app.org.sign_in(&up, ADA).await.unwrap() else { panic!() };
    let answer = browser.fetch(&response).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (403, &"authorization_refused".into()), "a script");
}

// -- never a loop -------------------------------------------------------------------------------------------------

/// An application whose clock is ahead of the org's by this many seconds.
async fn with_clock<F: Framework>(org: &Org, ahead: &Arc<AtomicU64>, store: Option<SharedStore>) -> App {
    let (clock, ahead) = (org.clock(), Arc::clone(ahead));
    let now = move || clock.now() + Duration::from_secs(ahead.load(Ordering::SeqCst));
    App::built::<F>(
        org.clone(),
        |config| config.cookie_name("okta_session"),
        move |builder| store.into_iter().fold(builder.clock(now), |builder, store| builder.session_store(store)),
    )
    .await
}

pub(crate) async fn a_sign_out_recorded_by_a_clock_ahead_ends_on_a_page<F: Framework>() {
    log::listen();
    let (org, ahead) = (Org::start().await.unwrap(), Arc::new(AtomicU64::new(180)));
    let app = with_clock::<F>(&org, &ahead, None).await;
    assert!(app.signed_in(ADA).await.is_signed_in().await);
    app.auth.end_sessions_of(&org.user(ADA).unwrap().id).await.unwrap();
    ahead.store(0, Ordering::SeqCst);
    let mut browser = app.browser();
    let page = browser.sign_in(&org, ADA, "/profile").await;
    assert!(page.status == 503 && page.body.contains("clock_skew"), "{} {}", page.status, page.body);
    assert!(page.header("retry-after").parse::<u64>().unwrap() >= 100 && browser.jar.is_empty());
    assert!(!log::lines(&["ERROR", "a logout was recorded by a clock that is"]).is_empty());
    ahead.store(181, Ordering::SeqCst);
    assert!(app.signed_in(ADA).await.is_signed_in().await, "once the clock has caught up");
}

pub(crate) async fn a_session_of_a_replica_with_a_clock_ahead_ends_on_a_page<F: Framework>() {
    log::listen();
    for stored in [false, true] {
        let org = Org::start().await.unwrap();
        let store = stored.then(|| SharedStore::new(&org));
        let fast = with_clock::<F>(&org, &Arc::new(AtomicU64::new(180)), store.clone()).await;
        let slow = with_clock::<F>(&org, &Arc::default(), store).await;
        let mut browser = at(&fast.signed_in(ADA).await, &slow);
        let page = browser.navigate("/profile").await;
        assert!(page.status == 503 && page.body.contains("clock_skew"), "{stored}: {} {}", page.status, page.body);
        assert!(!log::lines(&["ERROR", "clock_skew", "a session began", "synchronize the clocks"]).is_empty());
        assert_eq!(browser.navigate("/").await.body, "anonymous", "public pages are served");
        assert!(at(&browser, &fast).is_signed_in().await, "{stored}: the cookie stays");
        org.clock().advance(Duration::from_secs(121));
        assert_eq!(browser.navigate("/profile").await.status, 200, "{stored}");
    }
}

/// A session from so far in the future is replaced by a sign-in, once: with two replicas the next one is no better.
pub(crate) async fn a_clock_that_is_far_ahead_costs_one_more_sign_in_and_no_loop<F: Framework>() {
    for stored in [false, true] {
        let org = Org::start().await.unwrap();
        let store = stored.then(|| SharedStore::new(&org));
        let fast = with_clock::<F>(&org, &Arc::new(AtomicU64::new(900)), store.clone()).await;
        let slow = with_clock::<F>(&org, &Arc::default(), store).await;
        let first = at(&fast.signed_in(ADA).await, &slow).navigate("/profile").await;
        assert!(first.location().starts_with(&org.issuer()), "{stored}: {} {}", first.status, first.body);
        let second = at(&fast.signed_in(ADA).await, &slow).navigate("/profile").await;
        assert!(second.status == 503 && second.body.contains("clock_skew"), "{stored}: {}", second.status);
        let other = at(&fast.signed_in(BEN).await, &slow).navigate("/profile").await;
        assert_eq!(other.status, 303, "{stored}: another user has a first sign-in too");
    }
}

pub(crate) async fn tokens_born_expired_whose_refresh_is_refused_end_on_a_page<F: Framework>() {
    for store in ["cookie", "memory"] {
        let scopes = "openid profile email offline_access";
        let app =
            App::with::<F>(Org::start().await.unwrap(), |config| config.scopes(scopes).session_store(store)).await;
        let born_expired = Fault::TokenMember("expires_in".into(), serde_json::json!(0));
        app.org.fault(born_expired.clone());
        let mut browser = app.signed_in(ADA).await;
        app.org.clear_faults();
        app.org.clock().advance(Duration::from_secs(5));
        let refused = Fault::TokenError { status: 400, error: "invalid_grant".into(), description: "x".into() };
        app.org.fault(refused);
        let page = browser.navigate("/profile").await;
        assert!(
            page.status == 502 && page.body.contains("session_not_renewable"),
            "{store}: {} {}",
            page.status,
            page.body
        );
        app.org.clear_faults();
        assert_eq!(browser.navigate("/profile").await.status, 303, "{store}: another try is the user's choice");
        // An older session leads to a new sign-in as usual.
        app.org.fault(born_expired);
        let mut browser = app.signed_in(ADA).await;
        app.org.clear_faults();
        app.org.clock().advance(Duration::from_secs(61));
        app.org.fault(Fault::TokenError { status: 400, error: "invalid_grant".into(), description: "x".into() });
        assert_eq!(browser.navigate("/profile").await.status, 303, "{store}");
        app.org.clear_faults();
    }
}

// -- the hook, and what does not fit --------------------------------------------------------------------------------

pub(crate) async fn a_hook_that_fails_is_503_and_leads_back<F: Framework>() {
    async fn hook(sign_in: SignIn) -> Result<SignIn, Refusal> {
        if sign_in.identity().all_claims()["email"] == BEN {
            return Err(Refusal::new("Ben has left."));
        }
        Err(std::io::Error::other("the database at 10.0.0.7 is away"))?;
        Ok(sign_in)
    }
    let org = Org::start().await.unwrap();
    let app = App::built::<F>(org, |config| config, |builder| builder.on_sign_in(hook)).await;
    let mut browser = app.browser();
    let page = browser.sign_in(&app.org, ADA, "/profile?tab=7").await;
    assert!(page.status == 503 && page.body.contains("sign_in_unavailable"), "{} {}", page.status, page.body);
    assert!(page.header("retry-after").parse::<u64>().unwrap() >= 1 && !page.body.contains("10.0.0.7"));
    assert!(page.body.contains("href=\"/login?return_to=%2Fprofile%3Ftab%3D7\""), "{}", page.body);
    assert!(browser.jar.is_empty() && !browser.is_signed_in().await);
    let page = app.browser().sign_in(&app.org, BEN, "/profile?tab=7").await;
    assert!(page.status == 403 && page.body.contains("Ben has left."), "{}", page.body);
    assert!(page.body.contains("prompt=login&amp;return_to=%2Fprofile%3Ftab%3D7"), "{}", page.body);
}

pub(crate) async fn an_account_with_too_much_data_gets_a_page_that_says_so<F: Framework>() {
    let groups: Vec<String> = (0..200).map(|n| format!("{n:0>70}")).collect();
    let org = Org::start().await.unwrap();
    org.fault(Fault::IdTokenClaim("groups".to_owned(), groups.into()));
    let app = App::with::<F>(org.clone(), |config| config).await;
    let mut browser = app.browser();
    let page = browser.sign_in(&org, ADA, "/profile").await;
    assert!(page.status == 403 && page.body.contains("session_too_large"), "{} {}", page.status, page.body);
    assert!(page.body.contains("too much data for this application") && browser.jar.is_empty());
    let app = App::with::<F>(org.clone(), |config| config.session_store("memory")).await;
    assert_eq!(app.browser().sign_in(&org, ADA, "/profile").await.location(), "/profile", "control");
}

// -- who asks, and from where ----------------------------------------------------------------------------------------

pub(crate) async fn a_webview_and_a_service_worker_are_sent_to_sign_in<F: Framework>() {
    let app = App::start::<F>().await;
    for (headers, status) in [
        (vec![("accept", "text/html,*/*;q=0.8"), ("x-requested-with", "com.example.app")], 303),
        (vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "empty"), ("accept", "text/html")], 303),
        (vec![("sec-fetch-mode", "same-origin"), ("sec-fetch-dest", "empty"), ("accept", "text/html")], 401),
        (vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "object"), ("accept", "text/html")], 401),
        (vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "embed"), ("accept", "text/html")], 401),
        (vec![("accept", "text/html"), ("purpose", "prefetch")], 401),
    ] {
        let answer = app.browser().send(Method::GET, "/profile", &headers, String::new()).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}");
    }
}

pub(crate) async fn htmx_is_told_where_to_sign_in<F: Framework>() {
    let app = App::start::<F>().await;
    let own = format!("{}/orders?page=2#total", app.base);
    for (current, back) in [
        (own.as_str(), "%2Forders%3Fpage%3D2%23total"),
        ("https://evil.example/orders", "%2F"),
        ("javascript:alert(1)", "%2F"),
        ("", "%2F"),
    ] {
        let headers = [("hx-request", "true"), ("hx-current-url", current), ("sec-fetch-mode", "cors")];
        for method in [Method::GET, Method::POST] {
            let answer = app.browser().send(method, "/profile", &headers, String::new()).await;
            let location = format!("/login?return_to={back}");
            assert_eq!((answer.status.as_u16(), answer.header("hx-redirect")), (401, location.as_str()), "{current}");
        }
    }
    assert_eq!(app.browser().fetch("/profile").await.header("hx-redirect"), "", "another script");
}

pub(crate) async fn another_loopback_name_is_redirected_before_the_sign_in<F: Framework>() {
    let app = App::start::<F>().await;
    let port = app.base.rsplit(':').next().unwrap();
    for name in ["localhost", "[::1]", "app.localhost"] {
        let host = format!("{name}:{port}");
        let headers = [PAGE.as_slice(), &[("host", host.as_str())]].concat();
        for target in ["/profile?tab=1", "/login?return_to=%2Fprofile", "/sensitive"] {
            let answer = app.browser().send(Method::GET, target, &headers, String::new()).await;
            assert_eq!((answer.status.as_u16(), answer.location()), (303, format!("{}{target}", app.base).as_str()));
            assert!(answer.set_cookies().is_empty());
        }
        assert_eq!(app.browser().send(Method::GET, "/", &headers, String::new()).await.body, "anonymous");
    }
    let alias = format!("localhost:{port}");
    let form = app.browser().send(Method::POST, "/profile", &[PAGE[0], PAGE[1], ("host", &alias)], String::new()).await;
    assert_eq!((form.status.as_u16(), form.location()), (401, ""), "the form would be lost");
    let (other, longer) = (format!("evil.example:{port}"), format!("localhost.evil.example:{port}"));
    for host in ["localhost:1", "app.example.test", "evil.example:80", &other, &longer] {
        let headers = [PAGE.as_slice(), &[("host", host)]].concat();
        let answer = app.browser().send(Method::GET, "/profile", &headers, String::new()).await;
        assert!(answer.location().starts_with(&app.org.issuer()), "{host}: {}", answer.location());
    }
}

pub(crate) async fn the_dashboard_may_name_the_org<F: Framework>() {
    let app = App::with::<F>(Org::start().await.unwrap(), |config| config.session_store("memory")).await;
    let org = app.org.org_issuer();
    let initiate = async |iss: &str| {
        let target = format!("/login/initiate?iss={}&target_link_uri={}", encode(iss), encode(&app.base));
        app.browser().navigate(&target).await
    };
    for iss in [org.as_str(), &app.org.issuer()] {
        let answer = initiate(iss).await;
        assert!(
            answer.status == 303 && answer.location().starts_with(&app.org.issuer()),
            "{iss}: {}",
            answer.location()
        );
    }
    app.org.clear_request_log();
    let port = org.rsplit(':').next().unwrap();
    let others = [
        format!("{org}/oauth2/other"),
        format!("{org}/"),
        format!("{org}/oauth2"),
        org.replace("http:", "https:"),
        org.replace(port, "1"),
        org.replace("127.0.0.1", "localhost"),
    ];
    for iss in &others {
        assert_eq!(initiate(iss).await.status, 400, "{iss}");
    }
    assert!(app.org.request_log().is_empty(), "nothing is fetched");
    // Okta's sign-out page names the org in the same way.
    app.org.fault(Fault::IdTokenClaim("sid".to_owned(), "session-1".into()));
    let mut browser = app.signed_in(ADA).await;
    let frame = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe"), ("sec-fetch-site", "cross-site")];
    for (iss, signed_in) in [(others[0].as_str(), true), (org.as_str(), false)] {
        let target = format!("/frontchannel-logout?iss={}&sid=session-1", encode(iss));
        app.browser().send(Method::GET, &target, &frame, String::new()).await;
        assert_eq!(browser.is_signed_in().await, signed_in, "{iss}");
    }
}

pub(crate) async fn login_passes_on_what_the_application_allows<F: Framework>() {
    let org = Org::start().await.unwrap();
    let app = App::with::<F>(org, |config| config.allow_login_parameters(["idp", "ui_locales"])).await;
    let target = "/login?idp=0oa2&ui_locales=fr+de&display=popup&state=mine&redirect_uri=https%3A%2F%2Fevil.example\
                  &prompt=select_account&acr_values=x";
    let url = app.browser().navigate(target).await.location().to_owned();
    let value = |name: &str| query(&url, name);
    assert_eq!((value("idp").as_deref(), value("ui_locales").as_deref()), (Some("0oa2"), Some("fr de")), "{url}");
    assert_eq!(
        (value("prompt").as_deref(), value("display"), value("acr_values")),
        (Some("select_account"), None, None)
    );
    assert!(value("state").unwrap() != "mine" && value("redirect_uri").unwrap().starts_with(&app.base));
    assert_eq!(url::Url::parse(&url).unwrap().query_pairs().filter(|(name, _)| name == "state").count(), 1);
    let url = app.browser().navigate("/login?prompt=login&prompt=select_account").await.location().to_owned();
    assert_eq!(query(&url, "prompt").as_deref(), Some("login select_account"));
    for (length, passed_on) in [(254, true), (255, false)] {
        let url = app.browser().navigate(&format!("/login?login_hint={}", "x".repeat(length))).await;
        assert_eq!(query(url.location(), "login_hint").is_some(), passed_on, "{length}");
    }
    let plain = App::start::<F>().await;
    let url = plain.browser().navigate("/login?idp=0oa2&ui_locales=fr&prompt=none").await.location().to_owned();
    assert!(["idp", "ui_locales", "prompt"].iter().all(|name| query(&url, name).is_none()), "{url}");
}

/// Google issues refresh tokens only for `access_type=offline`, and other providers only for `prompt=consent`. The
/// parameters of one sign-in take precedence.
pub(crate) async fn login_parameters_are_sent_with_every_sign_in<F: Framework>() {
    let app = App::with::<F>(Org::start().await.unwrap(), |config| {
        let config = config.login_parameter("access_type", "offline").login_parameter("prompt", "consent");
        config.login_parameter("hd", "example.com").allow_login_parameters(["hd"]).browser_kit()
    });
    let app = app.await;
    let third_party = format!("/login/initiate?iss={}", encode(&app.org.issuer()));
    for (page, prompt, hd) in [
        ("/profile", "consent", "example.com"),
        ("/login?access_type=online&prompt=consent", "consent", "example.com"),
        ("/login?prompt=login", "login consent", "example.com"),
        ("/login?prompt=login&prompt=select_account", "login select_account", "example.com"),
        ("/login?prompt=select_account&hd=example.org", "select_account", "example.org"),
        ("/login?prompt=none", "none", "example.com"),
        (&third_party, "consent", "example.com"),
    ] {
        let url = app.browser().navigate(page).await.location().to_owned();
        let sent: Vec<(String, String)> = url::Url::parse(&url).unwrap().query_pairs().into_owned().collect();
        let names: BTreeMap<_, _> = sent.iter().cloned().collect();
        assert_eq!(names.len(), sent.len(), "a parameter occurs twice: {url}");
        for (name, value) in [("prompt", prompt), ("access_type", "offline"), ("hd", hd)] {
            assert_eq!(names.get(name).map(String::as_str), Some(value), "{page}: {url}");
        }
    }
    let mut browser = app.browser();
    let start = browser.navigate("/profile").await.location().to_owned();
    assert_eq!(browser.complete(&app.org, &start, ADA).await.location(), "/profile");
    let app = App::with::<F>(Org::start().await.unwrap(), |config| config.login_parameter("prompt", "consent login"));
    let url = app.await.browser().navigate("/login?prompt=login").await.location().to_owned();
    assert_eq!(query(&url, "prompt").as_deref(), Some("login consent"), "no value occurs twice");
}
