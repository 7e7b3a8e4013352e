//! DPoP as a client (RFC 9449): bound tokens of sessions and workers, and the attacks on them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use base64::Engine as _;
use okta_auth_axum::{HandlerError, User, UserRejection};
use okta_auth_core::config::{ConfigBuilder, PrivateKey};
use okta_auth_core::device::DeviceFlow;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::error::Code;
use okta_auth_core::okta_api::OktaApi;
use okta_auth_core::outgoing::{Outgoing, OutgoingBuilder, TokenRequest};
use okta_auth_core::proxy::Proxy;
use okta_auth_dev::{
    Client, ClientKey, DpopFault, Endpoint, Fault, GrantType, JweAlgorithm, Org, OrgBuilder, Outage, Recorded, Rotation,
};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::device;
use crate::support::{ADA, App, AppBuilder, Browser, Place, SharedStore, offline};

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
pub(crate) fn jkt(token: &str) -> String {
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
    // With `auto` only a token without a key is a bearer token.
    let app_on_auto = app(auto).await;
    signed_in(&app_on_auto).await;
    app_on_auto.org.fault(Fault::Dpop(DpopFault::TokenTypeBearer));
    assert!(failed(&app_on_auto).await.contains("provider_response"));
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

/// A nonce counts whatever the status of its response is.
#[tokio::test]
async fn the_nonce_of_a_response_with_an_error_is_used_next() {
    for status in [429, 503] {
        let org = org_with_job().await;
        let outgoing = worker(&org, |config| config.dpop(true));
        let token = async |scope: &str| outgoing.machine_tokens().token(&scopes(scope)).await;
        token("orders:read").await.unwrap();
        org.fault_once(Fault::Dpop(DpopFault::NonceOnStatus(status)));
        let failed = token("orders:write").await;
        // A 503 is repeated once, as without DPoP.
        assert_eq!(failed.is_err(), status == 429, "{failed:?}");
        org.clock().advance(Duration::from_secs(120));
        org.clear_request_log();
        token("openid").await.unwrap_err();
        let statuses: Vec<_> = token_requests(&org).iter().map(|request| request.status).collect();
        assert_eq!(statuses, [Some(400)], "the scope, and not the nonce, is refused: {status}");
    }
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

/// Otherwise a page would ask a user who did not want to sign in.
#[tokio::test]
async fn a_silent_sign_in_stays_silent_when_it_starts_once_more() {
    let app = app(|builder| auto(builder).browser_kit()).await;
    let (mut browser, mut okta) = (app.browser(), app.org.browser());
    let first = browser.navigate("/profile").await.location().to_owned();
    okta.sign_in(&first, ADA).await.unwrap();
    app.org.fault_once(invalid_proof());
    app.org.fault_once(used_code());
    let mut next = browser.navigate("/login?prompt=none&return_to=/profile").await.location().to_owned();
    for _ in 0..2 {
        assert!(next.contains("prompt=none"), "{next}");
        let okta_auth_dev::Response::Redirect(back) = okta.open(&next).await.unwrap() else { panic!("a page") };
        next = browser.navigate(&back).await.location().to_owned();
    }
    assert_eq!(next, "/profile");
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
    let (without, with) = (start(before).await, start(|it| before(it).dpop(true)).await);
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

// -- tokens of the application itself, and calls to other APIs ---------------------------------------------------------

const JOB: &str = "0oajob";
const SECRET: &str = "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa";

async fn org_with_job() -> Org {
    let client = Client::service(JOB, SECRET).dpop_bound_access_tokens(true);
    Org::builder().client(client).start().await.unwrap()
}

fn worker(org: &Org, config: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Outgoing {
    let (clock, settings) = (org.clock(), ConfigBuilder::default().client_id(JOB).client_secret(SECRET));
    OutgoingBuilder::from(config(settings.issuer(org.issuer()))).clock(move || clock.now()).build().unwrap()
}

fn scopes(name: &str) -> TokenRequest {
    TokenRequest::new([name])
}

/// A private key in base64.
fn p256() -> String {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    base64::engine::general_purpose::STANDARD.encode(pkcs8.as_ref())
}

fn sha256(text: &str) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

/// An API that answers requests in turn, and keeps their headers.
#[derive(Clone)]
struct Api {
    url: String,
    seen: Arc<Mutex<Vec<(Method, HeaderMap)>>>,
}

impl Api {
    async fn start(answer: impl Fn(usize) -> Response + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = Self { url: format!("http://{}", listener.local_addr().unwrap()), seen: Arc::default() };
        let seen = Arc::clone(&api.seen);
        let handler = move |method: Method, headers: HeaderMap| async move {
            let mut seen = seen.lock().unwrap();
            seen.push((method, headers));
            answer(seen.len())
        };
        let router = Router::new().fallback(handler);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        api
    }

    fn proofs(&self) -> Vec<Value> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(_, headers)| part(headers["dpop"].to_str().unwrap(), 1)).collect()
    }
}

fn challenge(nonce: &str) -> Response {
    let headers = [("www-authenticate", "DPoP error=\"use_dpop_nonce\", algs=\"ES256\""), ("dpop-nonce", nonce)];
    (StatusCode::UNAUTHORIZED, headers).into_response()
}

#[tokio::test]
async fn a_worker_binds_all_its_tokens_to_one_key() {
    let org = org_with_job().await;
    let outgoing = worker(&org, |config| config.dpop(true));
    let tokens = outgoing.machine_tokens();
    let one = tokens.token(&scopes("orders:read")).await.unwrap();
    let two = tokens.token(&scopes("orders:write")).await.unwrap();
    assert_eq!(jkt(one.expose()).len(), 43);
    assert_eq!(jkt(one.expose()), jkt(two.expose()));
    let other = worker(&org, |config| config.dpop(true)).machine_tokens().token(&scopes("orders:read")).await.unwrap();
    assert_ne!(jkt(other.expose()), jkt(one.expose()), "another process has another key");
    // Replicas may share a configured key.
    let key = p256();
    let key = || PrivateKey::parse(&key, None).unwrap();
    let mut bound = BTreeSet::new();
    for _ in 0..2 {
        let replica = worker(&org, |config| config.dpop(true).dpop_key(key()));
        bound.insert(jkt(replica.machine_tokens().token(&scopes("orders:read")).await.unwrap().expose()));
    }
    assert_eq!(bound.len(), 1);
}

#[tokio::test]
async fn a_worker_follows_okta_automatically_and_refuses_downgrades_when_on() {
    let org = org_with_job().await;
    let outgoing = worker(&org, ConfigBuilder::dpop_auto);
    let token = outgoing.machine_tokens().token(&scopes("orders:read")).await.unwrap();
    assert_eq!(jkt(token.expose()).len(), 43);
    for fault in [DpopFault::Ignored, DpopFault::TokenTypeBearer, DpopFault::OtherKey, DpopFault::NoConfirmation] {
        org.clear_faults();
        org.fault(Fault::Dpop(fault.clone()));
        let outgoing = worker(&org, |config| config.dpop(true));
        let error = outgoing.machine_tokens().token(&scopes("orders:read")).await.unwrap_err();
        assert_eq!(error.code(), Code::ProviderResponse, "{fault:?}");
    }
    let off = worker(&org, |config| config);
    org.clear_faults();
    let error = off.machine_tokens().token(&scopes("orders:read")).await.unwrap_err();
    assert_eq!((error.code(), error.provider_error()), (Code::TokenRefused, Some("invalid_dpop_proof")));
}

/// Okta uses a proof up even if it answers 429 or the connection breaks.
#[tokio::test]
async fn a_repeated_token_request_has_a_new_proof_and_a_new_assertion() {
    let key = ClientKey::generate().unwrap();
    let private = PrivateKey::from_pem(key.private_pem(), Some(key.id().to_owned())).unwrap();
    let client = Client::service(JOB, SECRET).private_key_jwt(key.public_jwk()).dpop_bound_access_tokens(true);
    let org = Org::builder().client(client).start().await.unwrap();
    let clock = org.clock();
    let config = ConfigBuilder::default().client_id(JOB).private_key(private).issuer(org.issuer()).dpop(true);
    let outgoing = OutgoingBuilder::from(config).clock(move || clock.now()).build().unwrap();
    org.outage_times(Endpoint::Token, Outage::DropAfter, 1);
    outgoing.machine_tokens().token(&scopes("orders:read")).await.unwrap();
    let requests = token_requests(&org);
    assert!(requests.len() >= 3, "the broken one, the one without a nonce, and the last");
    let ids: BTreeSet<_> = requests.iter().map(|request| part(proof(request), 1)["jti"].to_string()).collect();
    let assertions: BTreeSet<_> = requests.iter().map(|request| request.form_field("client_assertion")).collect();
    assert_eq!((ids.len(), assertions.len()), (requests.len(), requests.len()));
}

#[tokio::test]
async fn a_call_has_a_proof_for_its_address_without_the_query() {
    let org = org_with_job().await;
    let api = Api::start(|_| StatusCode::OK.into_response()).await;
    let client = worker(&org, |config| config.dpop(true))
        .target(&api.url)
        .unwrap()
        .for_machine(["orders:read"])
        .client(reqwest::Client::builder())
        .unwrap();
    for _ in 0..2 {
        client.get(format!("{}/orders?secret=1#part", api.url)).send().await.unwrap();
    }
    let proofs = api.proofs();
    let (method, headers) = api.seen.lock().unwrap()[0].clone();
    let token = headers["authorization"].to_str().unwrap().strip_prefix("DPoP ").unwrap().to_owned();
    let hash = sha256(&token);
    for proof in &proofs {
        assert_eq!((method.as_str(), &proof["htm"]), ("GET", &"GET".into()));
        assert_eq!(proof["htu"], format!("{}/orders", api.url));
        assert_eq!(proof["ath"], hash);
        assert!(proof.get("nonce").is_none(), "the nonce of the token endpoint was sent to an API");
    }
    assert_ne!(proofs[0]["jti"], proofs[1]["jti"]);
}

#[tokio::test]
async fn the_nonce_of_an_api_is_answered_once_and_stays_there() {
    let org = org_with_job().await;
    let outgoing = worker(&org, |config| config.dpop(true));
    let asks = Api::start(|count| if count == 1 { challenge("first") } else { StatusCode::OK.into_response() }).await;
    let endless = Api::start(|count| challenge(&format!("n{count}"))).await;
    let other = Api::start(|_| StatusCode::OK.into_response()).await;
    let client = |api: &Api| {
        outgoing.target(&api.url).unwrap().for_machine(["orders:read"]).client(reqwest::Client::builder()).unwrap()
    };
    let get = async |api: &Api| client(api).get(&api.url).send().await.unwrap().status().as_u16();
    assert_eq!((get(&asks).await, asks.proofs().len()), (200, 2));
    assert_eq!(asks.proofs()[1]["nonce"], "first");
    assert_ne!(asks.proofs()[0]["jti"], asks.proofs()[1]["jti"]);
    assert_eq!((get(&endless).await, endless.proofs().len()), (401, 2));
    assert_eq!((get(&other).await, other.proofs()[0].get("nonce")), (200, None));
    assert_eq!(get(&asks).await, 200);
    assert_eq!(asks.proofs()[2]["nonce"], "first");
}

/// Calls the API for the user.
async fn call(user: User, State(api): State<String>) -> Result<String, HandlerError> {
    let client = user.outgoing().target(&api)?.for_user(&user).client(reqwest::Client::builder())?;
    let response = client.get(&api).send().await.unwrap();
    Ok(response.status().as_u16().to_string())
}

fn routes_that_call(api: &Api) -> Router {
    routes().merge(Router::new().route("/call", get(call)).with_state(api.url.clone()))
}

/// The thumbprint of the key that signed the proof of a request.
fn key_of_proof(headers: &HeaderMap) -> String {
    let jwk = part(headers["dpop"].to_str().unwrap(), 0)["jwk"].clone();
    sha256(&format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]))
}

/// The key is a part of the sealed session. The application restarts with a second secret, and later without the first.
#[tokio::test]
async fn the_key_of_a_session_survives_a_rotation_of_the_cookie_secrets() {
    const OLD: &str = "3Jw8pT5vZk1Qy7Rb4Xn0Gm6Hc2Ls9Df-the-old-one";
    const NEW: &str = "Vb2Nq9Xe4Kt7Yw1Zr6Pc3Gs8Jd5Mh0L-the-new-one";
    let org = org().require_dpop(true).start().await.unwrap();
    let api = Api::start(|_| StatusCode::OK.into_response()).await;
    for store in [None, Some(SharedStore::new(&org))] {
        let start = async |secrets: &'static [&'static str]| {
            let variables = org.env();
            let config = move |own: ConfigBuilder| {
                let base = own.build().unwrap().base_url().to_string();
                let config = offline(ConfigBuilder::from_variables(variables)).base_url(base);
                secrets.iter().fold(config, |config, secret| config.cookie_secret(*secret)).cookie_name("okta_session")
            };
            let app = AppBuilder::default().org(org.clone()).configure(config).routes(routes_that_call(&api));
            let app = app.build_with(on);
            match store.clone() {
                Some(store) => app.build_with(move |builder| builder.session_store(store)).start().await,
                None => app.start().await,
            }
        };
        let before = start(&[OLD]).await;
        let (mut browser, mut idle) = (signed_in(&before).await, signed_in(&before).await);
        let key = jkt(&browser.fetch("/token").await.body);

        for secrets in [&[NEW, OLD][..], &[NEW]] {
            browser.base = start(secrets).await.base;
            org.clock().advance(LIFETIME);
            let refreshed = org.refreshes().granted;
            assert_eq!(browser.fetch("/call").await.body, "200");
            assert_eq!(org.refreshes().granted, refreshed + 1);
            let token = browser.fetch("/token").await.body;
            let (_, headers) = api.seen.lock().unwrap().last().cloned().unwrap();
            assert_eq!(headers["authorization"], format!("DPoP {token}"));
            assert_eq!((key_of_proof(&headers), jkt(&token)), (key.clone(), key.clone()));
        }

        // Signed in with the removed secret, and not seen since: a new sign-in and no error page.
        idle.base.clone_from(&browser.base);
        assert_eq!(idle.navigate("/").await.body, "anonymous");
        assert_eq!(idle.fetch("/call").await.json()["error"], "login_required");
        let answer = idle.navigate("/profile").await;
        assert!(answer.status == 303 && answer.location().starts_with(&org.issuer()), "{}", answer.body);
        assert!(signed_in_again(&mut idle, &org).await);
    }
}

/// The browser still sends the cookie that does not open.
async fn signed_in_again(browser: &mut Browser, org: &Org) -> bool {
    let answer = browser.sign_in(org, ADA, "/profile").await;
    answer.location() == "/profile" && browser.is_signed_in().await
}

#[tokio::test]
async fn the_bound_token_of_a_user_is_sent_with_the_key_of_the_session() {
    let api = Api::start(|count| if count == 1 { challenge("first") } else { StatusCode::OK.into_response() }).await;
    let routes = routes_that_call(&api);
    let org = org().require_dpop(true).start().await.unwrap();
    let app = Place::LOCAL[0].app().org(org).routes(routes).build_with(on).start().await;
    let mut browser = signed_in(&app).await;
    assert_eq!(browser.fetch("/call").await.body, "200");
    let token = browser.fetch("/token").await.body;
    for (_, headers) in api.seen.lock().unwrap().iter() {
        assert_eq!(headers["authorization"], format!("DPoP {token}"));
        assert_eq!(key_of_proof(headers), jkt(&token));
    }
}

#[tokio::test]
async fn the_proxy_of_an_api_sends_a_proof() {
    let api = Api::start(|_| StatusCode::OK.into_response()).await;
    let proxy = Proxy::to(&format!("{}/", api.url)).for_user().at("/api").unwrap();
    let routes = routes().merge(okta_auth_axum::proxy(&proxy));
    let org = org().require_dpop(true).start().await.unwrap();
    let app = Place::LOCAL[0].app().org(org).routes(routes).build_with(on).start().await;
    let mut browser = signed_in(&app).await;
    let token = browser.fetch("/token").await.body;
    let own_page = [("x-csrf", "1"), ("sec-fetch-site", "same-origin")];
    let answer = browser.send(Method::GET, "/api/orders?page=1", &own_page, String::new()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let (_, headers) = api.seen.lock().unwrap()[0].clone();
    assert_eq!(headers["authorization"], format!("DPoP {token}"));
    let proof = api.proofs()[0].clone();
    assert_eq!(proof["htu"], format!("{}/orders", api.url));
    assert_eq!(proof["ath"], sha256(&token));
}

#[tokio::test]
async fn the_tokens_of_a_tool_have_one_key() {
    let client = Client::public(device::CLI).grant_type(GrantType::DeviceCode).dpop_bound_access_tokens(true);
    let org = Org::builder().client(client).start().await.unwrap();
    org.clock().stop();
    for config in [device::config(&org).dpop(true), device::config(&org).dpop_auto()] {
        let clock = org.clock();
        let flow = DeviceFlow::builder("Orders CLI", config).clock(move || clock.now()).build().unwrap();
        let authorization = flow.start().await.unwrap();
        org.connect_device(authorization.user_code(), ADA).unwrap();
        org.clock().advance(Duration::from_secs(10));
        let session = authorization.poll().await.unwrap().unwrap();
        let before = session.access_token().await.unwrap();
        org.clock().advance(Duration::from_secs(3600));
        let after = session.access_token().await.unwrap();
        assert_ne!(before, after);
        assert_eq!((jkt(before.expose()).len(), jkt(before.expose())), (43, jkt(after.expose())));
        let api = Api::start(|_| StatusCode::OK.into_response()).await;
        let client = session.authorization(&api.url).unwrap().client(reqwest::Client::builder()).unwrap();
        client.get(&api.url).send().await.unwrap();
        assert_eq!(api.proofs()[0]["ath"], sha256(after.expose()));
    }
}

/// Okta uses a proof up even if it answers 429.
#[tokio::test]
async fn a_repeated_call_of_oktas_api_has_a_new_proof() {
    let key = ClientKey::generate().unwrap();
    let client = Client::api_service(JOB, key.public_jwk()).okta_scopes(["okta.users.read"]);
    let client = client.admin_role("READ_ONLY_ADMIN").dpop_bound_access_tokens(true);
    let org = Org::builder().client(client).start().await.unwrap();
    let private = PrivateKey::from_pem(key.private_pem(), Some(key.id().to_owned())).unwrap();
    let config = ConfigBuilder::default().issuer(org.issuer()).client_id(JOB).private_key(private).dpop(true);
    let clock = org.clock();
    let outgoing = OutgoingBuilder::from(config).clock(move || clock.now()).build().unwrap();
    let api = OktaApi::new(&outgoing, ["okta.users.read"]).unwrap();
    org.outage_times(Endpoint::Api, Outage::Status(503), 1);
    org.fault_once(Fault::Dpop(DpopFault::ResourceNonce));
    let mut call = std::pin::pin!(api.get(["users"]).json::<Vec<Value>>());
    let users = loop {
        match tokio::time::timeout(Duration::from_millis(20), &mut call).await {
            Ok(users) => break users.unwrap(),
            Err(_) => org.clock().advance(Duration::from_secs(3)),
        }
    };
    assert!(!users.is_empty());
    let log = org.request_log();
    let calls: Vec<_> = log.iter().filter(|request| request.path.starts_with("/api/v1")).collect();
    let ids: BTreeSet<_> = calls.iter().map(|request| part(proof(request), 1)["jti"].to_string()).collect();
    assert_eq!((calls.len(), ids.len()), (3, 3));
    assert!(calls.iter().all(|request| request.header("authorization").unwrap().starts_with("DPoP ")));
}

#[test]
fn the_key_of_the_application_is_checked() {
    let build = |key: &str, client: &str| {
        let config = ConfigBuilder::default().issuer("https://acme.okta.com/oauth2/default").client_id(JOB);
        let parse = |text: &str| PrivateKey::parse(text, None).unwrap();
        OutgoingBuilder::from(config.private_key(parse(client)).dpop(true).dpop_key(parse(key))).build().map(drop)
    };
    let rsa = ClientKey::generate_for_encryption(JweAlgorithm::RsaOaep256).unwrap();
    let (rsa, ec) = (rsa.private_pem().to_owned(), p256());
    for (key, client, says) in [(&rsa, &ec, "P-256"), (&ec, &ec, "private_key_jwt")] {
        let message = build(key, client).unwrap_err().to_string();
        assert!(message.contains(says), "{message}");
    }
    build(&ec, &rsa).unwrap();
}
