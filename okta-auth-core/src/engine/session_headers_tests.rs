use http::{HeaderMap, HeaderName};

use super::*;
use crate::config::ConfigBuilder;
use crate::engine::OktaAuthBuilder;
use crate::routing::RefreshTiming;

async fn context(cookie: Option<&str>) -> RequestContext {
    let config =
        ConfigBuilder::default().issuer("https://dev-1.okta.com/oauth2/default").client_id("0oa1").client_secret("s");
    let auth =
        OktaAuthBuilder::from(config.base_url("http://localhost:8080").cookie_name("okta_session")).build().unwrap();
    let mut request = http::Request::get("/me");
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    auth.authenticate(&parts, "/me", RefreshTiming::BeforeHandler).context().await
}

async fn visit_of_store(cookie: &str) -> RequestContext {
    let config = ConfigBuilder::default().issuer("https://dev-1.okta.com/oauth2/default").client_id("0oa1");
    let config = config.base_url("http://localhost:8080").cookie_name("okta_session").session_store("memory");
    let auth = OktaAuthBuilder::from(config).build().unwrap();
    let (parts, ()) = http::Request::get("/me").header("cookie", cookie).body(()).unwrap().into_parts();
    auth.authenticate(&parts, "/me", RefreshTiming::BeforeHandler).context().await
}

/// The headers of a response after `finish`, sorted.
fn finished(context: &RequestContext, answer: &[(&'static str, &'static str)]) -> Vec<String> {
    let mut headers = HeaderMap::new();
    for (name, value) in answer {
        headers.append(*name, HeaderValue::from_static(value));
    }
    context.finish(&mut headers);
    let line = |(name, value): (&HeaderName, &HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
    let mut lines: Vec<String> = headers.iter().map(line).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn a_response_that_does_not_depend_on_the_caller_is_unchanged() {
    let anonymous = context(None).await;
    for answer in [&[][..], &[("cache-control", "public"), ("expires", "0"), ("vary", "accept")]] {
        let lines: Vec<String> = answer.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(finished(&anonymous, answer), lines);
    }
}

#[tokio::test]
async fn a_response_that_depends_on_the_caller_varies_and_is_cached_only_if_its_handler_says_so() {
    let anonymous = context(None).await;
    anonymous.inner().mark_personal();
    assert_eq!(finished(&anonymous, &[]), ["cache-control: no-store", "vary: Cookie"]);
    assert_eq!(finished(&anonymous, &[("cache-control", "private")]), ["cache-control: private", "vary: Cookie"]);
    // A CDN gives these headers precedence over `no-store`.
    for overruling in ["cdn-cache-control", "surrogate-control", "expires"] {
        assert_eq!(finished(&anonymous, &[(overruling, "max-age=60")]), ["cache-control: no-store", "vary: Cookie"]);
    }
    let both = [("cache-control", "max-age=5"), ("surrogate-control", "max-age=60")];
    assert_eq!(
        finished(&anonymous, &both),
        ["cache-control: max-age=5", "surrogate-control: max-age=60", "vary: Cookie"],
        "the handler controls caching"
    );
}

#[tokio::test]
async fn a_response_that_deletes_a_cookie_is_never_cached() {
    let remains = context(Some("okta_session=1.AAAA")).await;
    assert!(finished(&remains, &[]).is_empty(), "it may belong to another application");
    // Simulates a session that has ended. With a store its cookie is deleted in any case.
    let remains = visit_of_store("okta_session=1.AAAA").await;
    remains.inner().keep(CookieUpdate::Clear);
    let cleared = |lines: &[String]| lines.iter().any(|line| line.starts_with("set-cookie: okta_session=;"));
    for answer in
        [&[][..], &[("cache-control", "private, max-age=5"), ("expires", "0"), ("cdn-cache-control", "max-age=9")]]
    {
        let lines = finished(&remains, answer);
        assert!(cleared(&lines) && lines.len() == 2 && lines[0] == "cache-control: no-store", "{lines:?}");
    }
    for shared in ["public", "max-age=5, PUBLIC", "S-MaxAge=60", "private,s-maxage=1"] {
        let lines = finished(&remains, &[("cache-control", shared)]);
        assert_eq!(lines, [format!("cache-control: {shared}")], "it is for shared caches");
    }
    assert!(cleared(&finished(&remains, &[("cache-control", "publicly, max-age=1")])));
    assert!(cleared(&finished(&remains, &[("set-cookie", "okta_session_2=1")])), "that is another cookie");
    let own = finished(&remains, &[("set-cookie", "okta_session=1.new; Path=/")]);
    assert_eq!(own, ["set-cookie: okta_session=1.new; Path=/"], "a sign-in is not undone");
}
