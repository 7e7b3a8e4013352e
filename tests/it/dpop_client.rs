//! DPoP as a client (RFC 9449): bound tokens of sessions, and the attacks on them.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use okta_auth_axum::{User, UserRejection};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_dev::{DpopFault, Endpoint, Fault, Org, OrgBuilder, Outage, Recorded, Rotation};
use serde_json::Value;

use crate::support::{ADA, App, AppBuilder, Browser, Place};

const LIFETIME: Duration = Duration::from_secs(300);

type Builder = fn(OktaAuthBuilder) -> OktaAuthBuilder;

fn on(builder: OktaAuthBuilder) -> OktaAuthBuilder {
    builder.dpop(true)
}

fn auto(builder: OktaAuthBuilder) -> OktaAuthBuilder {
    builder.dpop_auto()
}

fn org() -> OrgBuilder {
    Org::builder().rotation(Rotation::Rotate).refresh_leeway(Duration::ZERO).access_token_lifetime(LIFETIME)
}

async fn token(user: User) -> Result<String, UserRejection> {
    Ok(user.access_token().await?.expose().to_owned())
}

fn routes() -> Router {
    crate::support::routes().route("/token", get(token))
}

async fn app_at(place: AppBuilder, org: OrgBuilder, builder: Builder) -> App {
    place.org(org.start().await.unwrap()).routes(routes()).build_with(builder).start().await
}

async fn app(builder: Builder) -> App {
    app_at(Place::LOCAL[0].app(), org().require_dpop(true), builder).await
}

async fn signed_in(app: &App) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(&app.org, ADA, "/profile").await;
    assert!(browser.is_signed_in().await);
    browser
}

/// The page of a sign-in that failed.
async fn failed(app: &App) -> String {
    let mut browser = app.browser();
    let answer = browser.sign_in(&app.org, ADA, "/profile").await;
    assert!(!browser.is_signed_in().await, "{}", answer.body);
    answer.body
}

fn token_requests(org: &Org) -> Vec<Recorded> {
    org.request_log().into_iter().filter(|request| request.path.ends_with("/v1/token")).collect()
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn proof(request: &Recorded) -> &str {
    request.header("dpop").unwrap_or_else(|| panic!("no proof: {} {}", request.method, request.path))
}

/// The thumbprint that a token is bound to.
fn jkt(token: &str) -> String {
    part(token, 1)["cnf"]["jkt"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_session_signs_in_and_refreshes_with_its_own_key() {
    for place in Place::LOCAL {
        let app = app_at(place.app(), org().require_dpop(true), on).await;
        let (mut ada, mut other) = (signed_in(&app).await, signed_in(&app).await);
        let first = jkt(&ada.fetch("/token").await.body);
        assert_eq!(first.len(), 43);
        assert_ne!(jkt(&other.fetch("/token").await.body), first, "no key serves two sessions");
        for round in 1..=3 {
            app.org.clock().advance(LIFETIME);
            assert!(ada.is_signed_in().await);
            assert_eq!(app.org.refreshes().granted, round);
            assert_eq!(jkt(&ada.fetch("/token").await.body), first, "the key lives as long as the refresh token");
        }
    }
}

#[tokio::test]
async fn a_proof_names_the_request_and_has_a_new_id() {
    let app = app(on).await;
    signed_in(&app).await;
    let requests = token_requests(&app.org);
    let statuses: Vec<_> = requests.iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(400), Some(200)], "the first response has the nonce");
    let mut ids = BTreeSet::new();
    for request in &requests {
        let (header, claims) = (part(proof(request), 0), part(proof(request), 1));
        assert_eq!((&header["typ"], &header["alg"]), (&"dpop+jwt".into(), &"ES256".into()));
        assert!(header["jwk"].get("d").is_none());
        assert_eq!(claims["htm"], "POST");
        assert_eq!(claims["htu"], format!("{}{}", app.org.url().trim_end_matches('/'), request.path));
        assert!(claims.get("ath").is_none());
        assert!(ids.insert(claims["jti"].to_string()), "a `jti` was used twice");
    }
    assert!(part(proof(&requests[1]), 1)["nonce"].is_string());
    // The next sign-in knows the nonce.
    app.org.clear_request_log();
    signed_in(&app).await;
    assert_eq!(token_requests(&app.org).len(), 1);
}

#[tokio::test]
async fn userinfo_gets_the_bound_token_with_a_proof() {
    let always: Builder = |builder| builder.dpop(true).userinfo(okta_auth_core::config::Userinfo::Always);
    for (fault, requests) in [(None, 1), (Some(DpopFault::ResourceNonce), 2), (Some(DpopFault::ResourceNonceLoop), 2)] {
        let app = app_at(Place::LOCAL[0].app(), org().require_dpop(true), always).await;
        let looping = fault == Some(DpopFault::ResourceNonceLoop);
        fault.into_iter().for_each(|fault| app.org.fault(Fault::Dpop(fault)));
        let mut browser = signed_in(&app).await;
        let token = browser.fetch("/token").await.body;
        let log = app.org.request_log();
        let userinfo: Vec<_> = log.iter().filter(|request| request.path.ends_with("/v1/userinfo")).collect();
        assert_eq!(userinfo.len(), requests, "one retry at most");
        assert_eq!(userinfo.last().unwrap().status, Some(if looping { 401 } else { 200 }));
        let mut ids = BTreeSet::new();
        for request in userinfo {
            assert_eq!(request.header("authorization"), Some(&*format!("DPoP {token}")));
            let claims = part(proof(request), 1);
            assert_eq!(claims["htm"], "GET");
            assert_eq!(claims["ath"].as_str().unwrap().len(), 43);
            assert!(ids.insert(claims["jti"].to_string()));
        }
    }
}

/// The org accepts each proof once, also one that it received before the connection broke.
#[tokio::test]
async fn a_repeated_userinfo_request_has_a_new_proof() {
    let always: Builder = |builder| builder.dpop(true).userinfo(okta_auth_core::config::Userinfo::Always);
    let app = app_at(Place::LOCAL[0].app(), org().require_dpop(true), always).await;
    app.org.outage_times(Endpoint::Userinfo, Outage::DropAfter, 1);
    signed_in(&app).await;
    let log = app.org.request_log();
    let userinfo: Vec<_> = log.iter().filter(|request| request.path.ends_with("/v1/userinfo")).collect();
    assert_eq!(userinfo.last().unwrap().status, Some(200));
    let ids: BTreeSet<_> = userinfo.iter().map(|request| part(proof(request), 1)["jti"].to_string()).collect();
    assert_eq!((userinfo.len(), ids.len()), (2, 2));
}

#[tokio::test]
async fn an_attacker_who_downgrades_to_a_bearer_token_is_refused() {
    for fault in [DpopFault::Ignored, DpopFault::TokenTypeBearer, DpopFault::OtherKey, DpopFault::NoConfirmation] {
        let app = app(on).await;
        app.org.fault(Fault::Dpop(fault.clone()));
        let page = failed(&app).await;
        assert!(page.contains("provider_response"), "{fault:?}: {page}");
    }
    let app = app(on).await;
    app.org.fault(Fault::Dpop(DpopFault::TokenTypeCase));
    signed_in(&app).await;
}

/// A refresh must not replace the bound tokens of a session by others.
#[tokio::test]
async fn a_downgrade_at_a_refresh_is_refused() {
    for fault in [DpopFault::Ignored, DpopFault::TokenTypeBearer, DpopFault::OtherKey, DpopFault::NoConfirmation] {
        for place in Place::LOCAL {
            let app = app_at(place.app(), org().require_dpop(true), on).await;
            let mut browser = signed_in(&app).await;
            let before = browser.fetch("/token").await.body;
            app.org.fault(Fault::Dpop(fault.clone()));
            app.org.clock().advance(LIFETIME);
            let answer = browser.fetch("/token").await;
            assert_ne!(answer.status, 200, "{fault:?}: {}", answer.body);
            assert_ne!(answer.body, before);
        }
    }
}

#[tokio::test]
async fn nonces_are_answered_once() {
    for (fault, requests, works) in [
        (DpopFault::NonceOptional, 1, true),
        (DpopFault::NonceReplaced, 2, true),
        (DpopFault::NonceLoop, 2, false),
        (DpopFault::NonceMissing, 1, false),
        (DpopFault::NonceTwice, 1, false),
        (DpopFault::NonceValue("n".repeat(2_000)), 1, false),
        (DpopFault::NonceValue("two words".into()), 1, false),
        (DpopFault::NonceValue("of-another-server".into()), 2, false),
    ] {
        let app = app(on).await;
        if fault == DpopFault::NonceReplaced {
            app.org.fault_once(Fault::Dpop(fault.clone()));
        } else {
            app.org.fault(Fault::Dpop(fault.clone()));
        }
        let mut browser = app.browser();
        browser.sign_in(&app.org, ADA, "/profile").await;
        assert_eq!((token_requests(&app.org).len(), browser.is_signed_in().await), (requests, works), "{fault:?}");
    }
}

/// A successful response may have the next nonce, and then no later request is rejected.
#[tokio::test]
async fn the_nonce_of_a_successful_response_is_used_next() {
    let app = app(on).await;
    app.org.fault(Fault::Dpop(DpopFault::NonceOnSuccess));
    let mut browser = signed_in(&app).await;
    app.org.clear_request_log();
    app.org.clock().advance(LIFETIME);
    assert!(browser.is_signed_in().await);
    let statuses: Vec<_> = token_requests(&app.org).iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(200)]);
}

#[tokio::test]
async fn a_session_outlives_the_nonces_of_hours() {
    for hours in [8, 24] {
        let lifetime = Duration::from_secs(hours * 3600);
        let builder: Builder = |builder| {
            let week = Duration::from_secs(7 * 86_400);
            builder.dpop(true).session_idle(week).session_absolute(2 * week)
        };
        let app = app_at(Place::LOCAL[0].app(), org().require_dpop(true).dpop_nonce_lifetime(lifetime), builder).await;
        let mut browser = signed_in(&app).await;
        // Within three lifetimes the old nonce is accepted, and later the request is answered with a new one.
        for advance in [lifetime, lifetime * 4] {
            app.org.clear_request_log();
            app.org.clock().advance(advance);
            assert!(browser.is_signed_in().await, "{hours} hours");
            assert!(token_requests(&app.org).len() <= 2);
        }
    }
}

#[tokio::test]
async fn dpop_turns_on_when_okta_requires_it_and_stays_on() {
    let app = app(auto).await;
    signed_in(&app).await;
    let has_proof: Vec<_> = token_requests(&app.org).iter().map(|request| request.header("dpop").is_some()).collect();
    assert_eq!(has_proof, [false, true, true], "the code survives the refusal");
    // A server that stops requiring proofs still gets them.
    let mut client = app.org.client();
    client.dpop_bound_access_tokens = false;
    app.org.put_client(client);
    app.org.clear_request_log();
    signed_in(&app).await;
    assert!(token_requests(&app.org).iter().all(|request| request.header("dpop").is_some()));
    // A server that ignores them issues bearer tokens, which are accepted.
    app.org.fault(Fault::Dpop(DpopFault::Ignored));
    let mut browser = signed_in(&app).await;
    assert_eq!(jkt(&browser.fetch("/token").await.body), "");
}

#[tokio::test]
async fn without_a_refusal_no_request_has_a_proof() {
    let off: Builder = |builder| builder.dpop(false);
    for builder in [auto, off] {
        let app = app_at(Place::LOCAL[0].app(), org(), builder).await;
        signed_in(&app).await;
        assert!(app.org.request_log().iter().all(|request| request.header("dpop").is_none()));
    }
    let app = app_at(Place::LOCAL[0].app(), org().require_dpop(true), off).await;
    assert!(failed(&app).await.contains("token_refused"));
}

fn invalid_proof() -> Fault {
    let description = "The DPoP proof JWT header is missing.".to_owned();
    Fault::TokenError { status: 400, error: "invalid_dpop_proof".to_owned(), description }
}

fn used_code() -> Fault {
    Fault::TokenErrorOkta { status: 400, code: "invalid_grant".to_owned(), summary: "used".to_owned() }
}

#[tokio::test]
async fn a_sign_in_whose_code_did_not_survive_the_refusal_starts_once_more() {
    let app = app(auto).await;
    app.org.fault_once(invalid_proof());
    app.org.fault_once(used_code());
    let mut browser = app.browser();
    let back = browser.sign_in(&app.org, ADA, "/profile").await;
    assert_eq!(back.status, 303, "{}", back.body);
    assert!(back.location().starts_with(app.org.url()), "{}", back.location());
    assert!(!browser.is_signed_in().await);
    let authorize = back.location().to_owned();
    let done = browser.complete(&app.org, &authorize, ADA).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, "/profile"));
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn a_sign_in_does_not_start_over_endlessly() {
    let app = app(auto).await;
    app.org.fault_once(invalid_proof());
    app.org.fault(used_code());
    let mut browser = app.browser();
    let authorize = browser.sign_in(&app.org, ADA, "/profile").await.location().to_owned();
    let page = browser.complete(&app.org, &authorize, ADA).await;
    assert!(page.body.contains("token_refused"), "{} {}", page.status, page.body);
    assert!(failed(&app).await.contains("token_refused"));
}

/// Sessions from before DPoP was turned on get a key with their next refresh, and sessions with a key keep using it
/// after DPoP was turned off.
#[tokio::test]
async fn sessions_survive_a_change_of_the_setting() {
    const COOKIES: &str = "two applications share this secret: 32 bytes";
    fn before(builder: OktaAuthBuilder) -> OktaAuthBuilder {
        builder.cookie_secret(COOKIES).cookie_name("session")
    }
    let org = org().start().await.unwrap();
    let start = async |builder: Builder| {
        let org = org.clone();
        Place::LOCAL[0].app().org(org).routes(routes()).build_with(builder).start().await
    };
    let (without, with) = (start(|it| before(it)).await, start(|it| before(it).dpop(true)).await);
    let mut browser = signed_in(&without).await;
    assert_eq!(jkt(&browser.fetch("/token").await.body), "");
    let mut browser = browser.at(&with.browser().base);
    assert!(browser.is_signed_in().await, "a session from before DPoP opens");
    org.clock().advance(LIFETIME);
    let bound = jkt(&browser.fetch("/token").await.body);
    assert_eq!(bound.len(), 43);
    let mut browser = browser.at(&without.browser().base);
    org.clock().advance(LIFETIME);
    assert_eq!(jkt(&browser.fetch("/token").await.body), bound);
}

#[test]
fn the_variable_has_three_values() {
    let config = |value: &str| {
        let variables = [
            ("OKTA_ISSUER_URI", "https://acme.okta.com"),
            ("OKTA_CLIENT_ID", "0oa1abcdXYZ2efGhI5d7"),
            ("OKTA_DPOP", value),
        ];
        ConfigBuilder::from_variables(variables).build()
    };
    for value in ["off", "on", "auto", ""] {
        config(value).unwrap();
    }
    for value in ["ON", "true", "1"] {
        let message = config(value).unwrap_err().to_string();
        assert!(message.contains("OKTA_DPOP") && message.contains("is not `off`, `on` or `auto`"), "{message}");
    }
}
