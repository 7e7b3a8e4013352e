//! Attacks on sign-in, callback, cookies and availability. Each test has a control that
//! passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use okta_auth_dev::{Fault, Org, Response};
use reqwest::Method;

use crate::support::{ADA, App, AppBuilder, BEN, CALLBACK};

/// Starts a sign-in and returns the authorization response without sending it to the app.
async fn response_for(app: &App, browser: &mut crate::support::Browser, user: &str) -> String {
    let authorize = browser.navigate("/profile").await.location().to_owned();
    match app.org.sign_in(&authorize, user).await.unwrap() {
        Response::Redirect(location) => location,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn login_csrf_with_the_response_of_another_browser() {
    let app = App::start().await;
    let (mut attacker, mut victim) = (app.browser(), app.browser());
    let response = response_for(&app, &mut attacker, BEN).await;
    let answer = victim.navigate(&response).await;
    assert!(answer.status == 400 && answer.body.contains("attempt_unknown"), "{}", answer.body);
    assert!(!victim.is_signed_in().await);
    // A victim in the middle of their own sign-in is protected as well.
    victim.navigate("/profile").await;
    assert!(victim.navigate(&response).await.body.contains("attempt_unknown"));
    assert!(!victim.is_signed_in().await);
    assert_eq!(app.org.count("/v1/token"), 0, "the code was exchanged");
    // Control: the response works in the attacker's own browser.
    assert_eq!(attacker.navigate(&response).await.location(), "/profile");
}

#[tokio::test]
async fn code_injection_into_the_attackers_own_sign_in() {
    let app = App::start().await;
    let (mut attacker, mut victim) = (app.browser(), app.browser());
    let stolen = response_for(&app, &mut victim, ADA).await;
    let own = response_for(&app, &mut attacker, BEN).await;
    let parameter = |url: &str, name: &str| {
        let url = url::Url::parse(url).unwrap();
        url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned()
    };
    let forged = format!("{CALLBACK}?code={}&state={}", parameter(&stolen, "code"), parameter(&own, "state"));
    let answer = attacker.navigate(&forged).await;
    assert!(answer.body.contains("token_refused"), "PKCE binds the code to the attempt: {}", answer.body);
    assert!(!attacker.is_signed_in().await);
}

#[tokio::test]
async fn state_nonce_and_pkce_are_fresh_for_each_attempt() {
    let app = App::start().await;
    let mut browser = app.browser();
    for name in ["state", "nonce", "code_challenge"] {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..8 {
            let authorize = url::Url::parse(browser.navigate("/profile").await.location()).unwrap();
            let value = authorize.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
            assert!(value.len() >= 22, "128 bits take 22 characters: {name}={value}");
            assert!(seen.insert(value), "{name} came twice");
        }
    }
}

#[tokio::test]
async fn replayed_callback() {
    let app = App::start().await;
    let mut browser = app.browser();
    let response = response_for(&app, &mut browser, ADA).await;
    let before = browser.clone();
    assert_eq!(browser.navigate(&response).await.location(), "/profile");
    let exchanged = app.org.count("/v1/token");
    // The same browser again: it is signed in, and its login cookie is gone.
    assert_eq!(browser.navigate(&response).await.location(), "/");
    let mut again = browser.clone();
    again.jar.clear();
    assert!(again.navigate(&response).await.body.contains("attempt_unknown"));
    // A copy of the earlier cookies: the pending login has been used.
    let mut copy = before;
    assert!(copy.navigate(&response).await.body.contains("attempt_unknown"));
    assert!(!copy.is_signed_in().await);
    assert_eq!(app.org.count("/v1/token"), exchanged, "the code was exchanged again");
    assert!(browser.is_signed_in().await, "the session continues");
}

#[tokio::test]
async fn parallel_tabs_all_complete() {
    let app = App::start().await;
    let mut browser = app.browser();
    let mut responses = Vec::new();
    for _ in 0..5 {
        responses.push(response_for(&app, &mut browser, ADA).await);
    }
    responses.reverse();
    for response in responses {
        assert_eq!(browser.navigate(&response).await.location(), "/profile");
    }
    assert!(
        !browser.jar.keys().any(|name| name.contains("login")),
        "the attempts are cleaned up: {:?}",
        browser.jar.keys()
    );
}

#[tokio::test]
async fn sign_in_attempts_beyond_the_limit_evict_the_oldest() {
    let app = App::start().await;
    let mut browser = app.browser();
    let first = response_for(&app, &mut browser, ADA).await;
    for _ in 0..8 {
        // Attempts of the same second have no order, so they are a second apart.
        app.org.clock().advance(Duration::from_secs(1));
        browser.navigate("/profile").await;
    }
    let last = response_for(&app, &mut browser, ADA).await;
    for _ in 0..40 {
        browser.navigate("/profile").await;
        assert!(browser.jar.len() <= 8, "{} attempts", browser.jar.len());
    }
    assert!(browser.navigate(&first).await.body.contains("attempt_unknown"), "the oldest is evicted");
    drop(last);
    let fresh = response_for(&app, &mut browser, ADA).await;
    assert_eq!(browser.navigate(&fresh).await.location(), "/profile");
}

#[tokio::test]
async fn junk_attempt_cookies_do_not_block_sign_in() {
    let app = App::start().await;
    let mut browser = app.browser();
    for n in 0..30 {
        browser.jar.insert(format!("okta_session_login_junk{n}"), "junk".to_owned());
    }
    let response = response_for(&app, &mut browser, ADA).await;
    assert_eq!(browser.jar.len(), 23, "eight are evicted at a time");
    assert_eq!(browser.navigate(&response).await.location(), "/profile");
}

#[tokio::test]
async fn attempts_expire() {
    let app = App::start().await;
    let mut browser = app.browser();
    let authorize = browser.navigate("/profile").await.location().to_owned();
    app.org.clock().advance(Duration::from_secs(601));
    let Response::Redirect(response) = app.org.sign_in(&authorize, ADA).await.unwrap() else { panic!() };
    let answer = browser.navigate(&response).await;
    assert!(answer.status == 400 && answer.body.contains("attempt_expired"), "{}", answer.body);
    assert!(answer.body.contains("/login?return_to=%2Fprofile"), "the page offers a new sign-in: {}", answer.body);
}

#[tokio::test]
async fn session_fixation() {
    let app = App::start().await;
    let (mut attacker, mut victim) = (app.browser(), app.browser());
    attacker.sign_in(&app.org, BEN, "/profile").await;
    // The attacker plants their own session, and the victim signs in over it.
    victim.jar = attacker.jar.clone();
    let planted = victim.jar["okta_session"].clone();
    let login = victim.navigate("/login?return_to=/profile").await.location().to_owned();
    victim.complete(&app.org, &login, ADA).await;
    assert_ne!(victim.jar["okta_session"], planted);
    assert!(victim.navigate("/profile").await.body.contains("Ada"));
    // The sign-in ended the planted session, so no browser can use it.
    assert_eq!(attacker.navigate("/profile").await.status, 303, "the attacker gains nothing");
}

#[tokio::test]
async fn host_and_forwarded_headers_are_not_read() {
    let app = App::start().await;
    let spoofed = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-for", "203.0.113.1"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-original-url", "//evil.example/"),
        ("x-rewrite-url", "//evil.example/"),
        ("accept", "text/html"),
    ];
    for target in ["/profile", "/login", "/login?return_to=/profile"] {
        let answer = app.browser().send(Method::GET, target, &spoofed, String::new()).await;
        assert_eq!(answer.status, 303);
        let everything = format!("{:?} {}", answer.headers, answer.body);
        assert!(!everything.contains("evil.example"), "{everything}");
        let redirect =
            url::form_urlencoded::byte_serialize(format!("{}{CALLBACK}", app.base).as_bytes()).collect::<String>();
        assert!(answer.location().contains(&redirect), "{}", answer.location());
        assert!(!answer.set_cookies()[0].contains("Secure"), "the scheme is configured, not forwarded");
    }
}

#[tokio::test]
async fn provider_error_ends_on_a_page_with_a_new_sign_in() {
    let app = App::start().await;
    for (error, status) in [("access_denied", 403), ("login_required", 400), ("server_error", 502), ("<script>", 400)] {
        let description = "<script>alert(1)</script>".to_owned();
        app.org.fault_once(Fault::AuthorizeError { error: error.into(), description });
        let mut browser = app.browser();
        let answer = browser.sign_in(&app.org, ADA, "/profile").await;
        assert_eq!(answer.status, status, "{error}");
        assert!(!answer.body.contains("<script>"), "{}", answer.body);
        // After `access_denied` the user may need another account, and Okta would sign in
        // the same account again.
        let prompt = if error == "access_denied" { "prompt=login&amp;" } else { "" };
        assert!(answer.body.contains(&format!("href=\"/login?{prompt}return_to=%2Fprofile\"")), "{}", answer.body);
        assert!(answer.location().is_empty(), "an error must not loop");
        assert!(browser.jar.is_empty(), "the attempt is used up");
    }
}

#[tokio::test]
async fn a_forged_error_response_changes_nothing() {
    let app = App::start().await;
    let mut browser = app.browser();
    browser.sign_in(&app.org, ADA, "/profile").await;
    let jar = browser.jar.clone();
    for query in
        ["error=access_denied&state=x", "error=access_denied", "code=x&state=x", "", "state=%00", "code=%ff&state=%ff"]
    {
        let answer = browser.navigate(&format!("{CALLBACK}?{query}")).await;
        // A response without a matching attempt in this browser redirects into the
        // application.
        let unknown = query.contains("state=x") || query.contains("state=%ff");
        assert_eq!(
            (answer.status.as_u16(), answer.location()),
            if unknown { (303, "/") } else { (400, "") },
            "{query}"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
    }
    assert_eq!(browser.jar, jar);
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn unexpected_methods_and_bodies_are_rejected() {
    let app = App::start().await;
    let mut browser = app.browser();
    for (method, path, allow) in [
        (Method::POST, "/login", "GET"),
        (Method::GET, "/logout", "POST"),
        (Method::DELETE, "/logout", "POST"),
        (Method::PUT, CALLBACK, "GET, POST"),
    ] {
        let answer = browser.send(method, path, &[], String::new()).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allow), "{path}");
    }
    let huge = format!("code={}", "x".repeat(70_000));
    assert_eq!(browser.send(Method::POST, CALLBACK, &[], huge).await.status, 413);
    let bytes = "\u{0}\u{1}%%%=&&&&=====".to_owned();
    assert_eq!(browser.send(Method::POST, CALLBACK, &[], bytes).await.status, 400);
}

#[tokio::test]
async fn cross_site_sign_out_is_rejected() {
    let app = App::start().await;
    let mut browser = app.browser();
    browser.sign_in(&app.org, ADA, "/profile").await;
    let base = app.base.clone();
    for headers in [
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site"), ("origin", base.as_str())],
    ] {
        let answer = browser.send(Method::POST, "/logout", &headers, String::new()).await;
        assert_eq!(answer.status, 403, "{headers:?}");
        assert!(answer.set_cookies().is_empty());
    }
    assert!(browser.is_signed_in().await);
    assert_eq!(browser.post("/logout", "").await.status, 303);
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn page_and_api_requests_are_distinguished() {
    let app = App::start().await;
    let mut browser = app.browser();
    let api = browser.fetch("/api/me").await;
    assert_eq!((api.status.as_u16(), api.header("www-authenticate")), (401, "Bearer"));
    assert_eq!(api.json()["error"], "login_required");
    assert!(api.set_cookies().is_empty(), "an API call starts no attempt");
    let post = browser.post("/profile", "draft=a+long+text").await;
    assert_eq!(post.status, 401, "a POST is not turned into a redirect that loses its body");
    let frame = [("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
    assert_eq!(browser.send(Method::GET, "/profile", &frame, String::new()).await.status, 401);
    let head = [("accept", "text/html")];
    assert_eq!(browser.send(Method::HEAD, "/profile", &head, String::new()).await.status, 303);
    assert_eq!(browser.navigate("/profile").await.status, 303);
}

// -- the provider is down, slow, redirecting, or sends huge or malformed responses
// -------------------------------

#[tokio::test]
async fn provider_down_at_startup_recovers() {
    let org = Org::start().await.unwrap();
    org.stop();
    let app = AppBuilder::default().org(org).start().await;
    let mut browser = app.browser();
    assert_eq!(browser.navigate("/").await.body, "anonymous", "public pages need no provider");
    let answer = browser.navigate("/profile").await;
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(browser.fetch("/api/me").await.status, 401, "an API client gets 401 and not 503");
    app.org.restart().await.unwrap();
    assert_eq!(browser.sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
}

#[tokio::test]
async fn provider_down_at_the_callback() {
    let app = App::start().await;
    let mut browser = app.browser();
    let response = response_for(&app, &mut browser, ADA).await;
    app.org.stop();
    let answer = browser.navigate(&response).await;
    assert!(answer.status == 503 && answer.body.contains("provider_unavailable"), "{}", answer.body);
    app.org.restart().await.unwrap();
    assert_eq!(browser.sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
}

#[tokio::test]
async fn provider_down_while_signed_in() {
    let app = App::start().await;
    let mut browser = app.browser();
    browser.sign_in(&app.org, ADA, "/profile").await;
    app.org.stop();
    assert!(browser.is_signed_in().await, "an outage ends no session");
    let answer = browser.post("/logout", "").await;
    assert_eq!(answer.status, 303, "and extends no session");
    assert!(!browser.is_signed_in().await);
}

/// At each step, the result is an error page in bounded time, and sign-in works again
/// afterwards.
#[tokio::test]
async fn malformed_responses_at_discovery() {
    let slow = Fault::DiscoverySlow(Duration::from_secs(60));
    for (fault, status) in [
        (Fault::DiscoveryStatus(500), 503),
        (Fault::DiscoveryStatus(404), 502),
        (Fault::DiscoveryHtml, 502),
        (Fault::DiscoveryHuge, 502),
        (Fault::DiscoveryRedirect, 502),
        (slow, 503),
    ] {
        let app = AppBuilder::default().configure(|c| c.http_timeout(Duration::from_secs(2))).start().await;
        app.org.fault(fault.clone());
        assert_eq!(app.browser().navigate("/profile").await.status, status, "{fault:?}");
        app.org.clear_faults();
        assert_eq!(app.browser().sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
    }
}

#[tokio::test]
async fn malformed_responses_at_token_endpoint_userinfo_and_keys() {
    let hour = Duration::from_secs(3600);
    for (fault, status) in [
        (Fault::TokenSlow(hour), 503),
        (Fault::KeysSlow(hour), 503),
        (Fault::UserinfoSlow(hour), 303),
        (Fault::UserinfoHuge, 303),
        (Fault::UserinfoRedirect, 303),
        (Fault::UserinfoStatus(500), 303),
    ] {
        let app = AppBuilder::default().configure(|config| {
            let config = config.http_timeout(Duration::from_secs(2));
            config.userinfo(okta_auth_core::config::Userinfo::Always)
        });
        let app = app.start().await;
        app.org.fault(fault.clone());
        let answer = app.browser().sign_in(&app.org, ADA, "/profile").await;
        assert_eq!(answer.status, status, "{fault:?}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_hanging_org_costs_a_few_timeouts_and_then_a_fast_503() {
    // The org's clock runs on its own; the application's clock stands still until the
    // backoff should be over.
    let (start, later) = (SystemTime::now(), Arc::new(AtomicU64::new(0)));
    let shown = Arc::clone(&later);
    let clock = move || start + Duration::from_secs(shown.load(Ordering::SeqCst));
    let app = AppBuilder::default().configure(|config| config.http_timeout(Duration::from_secs(1)));
    let app = app.build_with(|builder| builder.clock(clock)).start().await;
    app.org.fault(Fault::DiscoverySlow(Duration::from_secs(3600)));
    for _ in 0..10 {
        assert_eq!(app.browser().navigate("/profile").await.status, 503);
    }
    let answer = app.browser().navigate("/profile").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "5"), "{}", answer.body);
    assert_eq!(app.org.count("/.well-known/openid-configuration"), 3, "further requests do not wait for the org");
    app.org.clear_faults();
    later.store(5, Ordering::SeqCst);
    assert_eq!(app.browser().sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
}

#[tokio::test]
async fn a_code_is_never_sent_twice() {
    let app = App::start().await;
    app.org.fault(Fault::TokenError { status: 503, error: "temporarily_unavailable".into(), description: "x".into() });
    app.browser().sign_in(&app.org, ADA, "/profile").await;
    assert_eq!(app.org.count("/v1/token"), 1);
}
