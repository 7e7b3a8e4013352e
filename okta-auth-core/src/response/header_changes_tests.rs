use std::sync::Arc;

use super::*;
use crate::clock::SharedClock;
use crate::config::Config;
use crate::cookie::{CookieKeys, RequestCookies};
use crate::session::{Activity, SessionBackend, SessionLookup};

const ANONYMOUS: Dependence = Dependence { on_cookie: false, on_token: false };
const ON_COOKIE: Dependence = Dependence { on_cookie: true, on_token: false };

/// A request with this cookie.
fn request(store: &str, cookie: Option<&'static str>) -> (RequestSession, Sessions) {
    let config = Config::builder().issuer("https://dev-1.okta.com/oauth2/default").client_id("0oa1");
    let config = config.base_url("http://localhost:8080").cookie_name("okta_session").session_store(store);
    let (config, clock) = (Arc::new(config.build().unwrap()), SharedClock::default());
    let backend = SessionBackend::new(&config.session_place, &config.revocation_place, None, &clock).unwrap();
    let sessions = backend.sessions(&config, &CookieKeys::random().unwrap()).unwrap();
    let cookie = cookie.map(|cookie| (http::header::COOKIE, HeaderValue::from_static(cookie)));
    let headers: HeaderMap = cookie.into_iter().collect();
    let mut session = RequestSession::new(RequestCookies::new(&headers), clock.now(), Activity::Active);
    if let SessionLookup::Known(loaded) = sessions.look(&session.cookies, session.now, session.activity) {
        session.settle(loaded, &sessions);
    }
    (session, sessions)
}

/// The headers of a response with the changes, sorted.
fn finished(
    (session, sessions): &(RequestSession, Sessions),
    depends: Dependence,
    answer: &[(&'static str, &'static str)],
) -> Vec<String> {
    let mut headers = HeaderMap::new();
    for (name, value) in answer {
        headers.append(*name, HeaderValue::from_static(value));
    }
    ResponseHeaderChanges::of(&headers.clone(), (session, Some(sessions)), depends, || None, None).apply(&mut headers);
    let line = |(name, value): (&HeaderName, &HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
    let mut lines: Vec<String> = headers.iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn a_response_that_does_not_depend_on_the_caller_is_unchanged() {
    let anonymous = request("cookie", None);
    for answer in [&[][..], &[("cache-control", "public"), ("expires", "0"), ("vary", "accept")]] {
        let lines: Vec<String> = answer.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(finished(&anonymous, ANONYMOUS, answer), lines);
    }
}

#[test]
fn a_response_that_depends_on_the_caller_varies_and_is_cached_only_if_its_handler_says_so() {
    let anonymous = request("cookie", None);
    assert_eq!(finished(&anonymous, ON_COOKIE, &[]), ["cache-control: no-store", "vary: Cookie"]);
    assert_eq!(
        finished(&anonymous, ON_COOKIE, &[("cache-control", "private")]),
        ["cache-control: private", "vary: Cookie"]
    );
    // A CDN gives these headers precedence over `no-store`.
    for overruling in ["cdn-cache-control", "surrogate-control", "expires"] {
        assert_eq!(
            finished(&anonymous, ON_COOKIE, &[(overruling, "max-age=60")]),
            ["cache-control: no-store", "vary: Cookie"]
        );
    }
    let both = [("cache-control", "max-age=5"), ("surrogate-control", "max-age=60")];
    assert_eq!(
        finished(&anonymous, ON_COOKIE, &both),
        ["cache-control: max-age=5", "surrogate-control: max-age=60", "vary: Cookie"],
        "the handler controls caching"
    );
}

#[test]
fn a_response_that_deletes_a_cookie_is_never_cached() {
    let remains = request("cookie", Some("okta_session=1.AAAA"));
    assert!(finished(&remains, ANONYMOUS, &[]).is_empty(), "it may belong to another application");
    // Simulates a session that has ended. With a store its cookie is deleted in any case.
    let remains = request("memory", Some("okta_session=1.AAAA"));
    remains.0.set_cookie_update(CookieUpdate::Clear);
    let cleared = |lines: &[String]| lines.iter().any(|line| line.starts_with("set-cookie: okta_session=;"));
    for answer in
        [&[][..], &[("cache-control", "private, max-age=5"), ("expires", "0"), ("cdn-cache-control", "max-age=9")]]
    {
        let lines = finished(&remains, ANONYMOUS, answer);
        assert!(cleared(&lines) && lines.len() == 2 && lines[0] == "cache-control: no-store", "{lines:?}");
    }
    for shared in ["public", "max-age=5, PUBLIC", "S-MaxAge=60", "private,s-maxage=1"] {
        let lines = finished(&remains, ANONYMOUS, &[("cache-control", shared)]);
        assert_eq!(lines, [format!("cache-control: {shared}")], "it is for shared caches");
    }
    assert!(cleared(&finished(&remains, ANONYMOUS, &[("cache-control", "publicly, max-age=1")])));
    assert!(cleared(&finished(&remains, ANONYMOUS, &[("set-cookie", "okta_session_2=1")])), "that is another cookie");
    let own = finished(&remains, ANONYMOUS, &[("set-cookie", "okta_session=1.new; Path=/")]);
    assert_eq!(own, ["set-cookie: okta_session=1.new; Path=/"], "a sign-in is not undone");
}
