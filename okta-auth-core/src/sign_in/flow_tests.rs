use super::*;
use crate::clock::Moment;
use crate::config::Config;
use crate::cookie::jar_for_tests::Jar;
use crate::cookie::{CookieKeys, CookieSettings};
use crate::http::{HttpClient, HttpSettings};

/// A flow whose provider does not respond.
fn flow() -> LoginFlow {
    let config = Config::builder().issuer("http://localhost:1/oauth2/default").client_id("0oa1").build();
    let (config, clock) = (Arc::new(config.unwrap()), SharedClock::default());
    let http = HttpClient::operator(&HttpSettings::default(), config.ways.clone(), clock.clone()).unwrap();
    let pending = PendingLogins::new(&CookieKeys::random().unwrap(), CookieSettings::new(false), &config).unwrap();
    LoginFlow::new(Provider::new(config, http, clock.clone()), clock, pending, Arc::default(), None, None)
}

/// A browser with one pending login, and the state of this login.
fn browser(flow: &LoginFlow, now: Moment) -> (RequestCookies, String) {
    let options = LoginOptions::new(ReturnTo::within("/orders", &flow.provider.config.app));
    let (pending, set) = flow.pending_logins.begin(&options, &RequestCookies::default(), now).unwrap();
    (Jar::with(&set).cookies(), pending.state.expose().to_owned())
}

#[tokio::test]
async fn a_pending_login_is_finished_by_the_first_callback_even_if_the_provider_does_not_respond() {
    let (flow, now) = (flow(), Moment::from_seconds(1_800_000_000));
    let (cookies, state) = browser(&flow, now);
    let response = format!("code=c&state={state}");
    let first = flow.complete(response.as_bytes(), &cookies, now.timestamp()).await;
    let attempt = first.attempt.unwrap();
    assert_eq!((attempt.return_to.as_str(), attempt.step_up_from, first.cookies.len()), ("/orders", None, 1));
    assert!(matches!(first.outcome, CallbackOutcome::Failed { error, identity: None } if error.is_temporary()));
    let second = flow.complete(response.as_bytes(), &cookies, now.timestamp()).await;
    assert!(second.attempt.is_some() && matches!(second.outcome, CallbackOutcome::NotPending(_)));
}

#[tokio::test]
async fn a_response_without_a_pending_login_is_not_exchanged() {
    let (flow, now) = (flow(), Moment::from_seconds(1_800_000_000));
    let (cookies, _) = browser(&flow, now);
    let forged = flow.complete(b"code=c&state=forged", &cookies, now.timestamp()).await;
    assert!(forged.attempt.is_none() && forged.cookies.is_empty());
    assert!(matches!(forged.outcome, CallbackOutcome::NotPending(error) if error.code() == Code::AttemptUnknown));
    let malformed = flow.complete(b"code=c", &cookies, now.timestamp()).await;
    assert!(
        matches!(malformed.outcome, CallbackOutcome::Failed { error, .. } if error.code() == Code::CallbackMalformed)
    );
}

#[tokio::test]
async fn a_start_fails_while_the_provider_does_not_respond() {
    let options = LoginOptions::new(ReturnTo::root());
    let error = flow().start(&options, &RequestCookies::default()).await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
}
