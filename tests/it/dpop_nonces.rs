//! Nonces of an API for DPoP proofs (RFC 9449 §9): each foreign, forged or old nonce, with a control that passes.

use std::time::Duration;

use axum::Router;
use axum::http::header::CACHE_CONTROL;
use axum::routing::get;
use okta_auth_axum::{AccessToken, RouterExt};
use okta_auth_core::config::{ConfigBuilder, EgressPolicy};
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::multi_tenant::{Resolver, TenantTable, Tenants};
use okta_auth_core::tenant::{TenantId, TenantSettings};
use okta_auth_dev::Org;
use reqwest::Method;
use serde_json::{Value, json};

use crate::dpop_api::Api;
use crate::support::{Answer, AppBuilder, Browser, Prover, SECRET};

const OTHER_SECRET: &str = "another cookie secret for tests of 32 bytes";
const LIFETIME: Duration = Duration::from_secs(300);

fn routes() -> Router {
    Router::new()
        .route("/orders", get(|token: AccessToken| async move { token.subject().to_owned() }))
        .route("/public", get(|_: AccessToken| async { ([(CACHE_CONTROL, "public, max-age=60")], "all") }))
        .route("/private", get(|_: AccessToken| async { ([(CACHE_CONTROL, "private, max-age=60")], "own") }))
}

fn with_nonces(config: ConfigBuilder) -> ConfigBuilder {
    config.api_only().require_dpop_nonce(LIFETIME)
}

fn app() -> AppBuilder {
    AppBuilder::default().routes(routes()).configure(with_nonces)
}

/// An API whose clock stands still.
async fn start() -> Api {
    let api = Api::of(app().start().await);
    api.app.org.clock().stop();
    api
}

impl Api {
    /// Calls with a proof that has this nonce.
    async fn with_nonce(&self, path: &str, nonce: impl Into<Value>) -> Answer {
        let mut claims = self.prover.claims(&self.app.org, "GET", &self.url(path), &self.token);
        claims["nonce"] = nonce.into();
        self.at(path, &claims).await
    }

    async fn at(&self, path: &str, claims: &Value) -> Answer {
        let proof = self.prover.sign(&self.prover.header(), claims);
        let authorization = format!("DPoP {}", self.token);
        self.send(Method::GET, path, &[("authorization", &authorization), ("dpop", &proof)]).await
    }

    /// The nonce in the answer to a proof without one.
    async fn first_nonce(&self) -> String {
        let answer = self.call(&self.proof()).await;
        assert_nonce_needed(&answer, "no nonce");
        answer.header("dpop-nonce").to_owned()
    }
}

fn assert_nonce_needed(answer: &Answer, what: &str) {
    let challenge = answer.header("www-authenticate");
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (401, &json!("use_dpop_nonce")), "{what}");
    assert!(challenge.starts_with("DPoP error=\"use_dpop_nonce\""), "{what}: {challenge}");
    assert!(challenge.contains("algs=\"ES256 "), "{what}: {challenge}");
    assert_eq!(answer.headers.get_all("dpop-nonce").iter().count(), 1, "{what}");
    let exposed: Vec<_> = answer.headers.get_all("access-control-expose-headers").iter().collect();
    assert_eq!(exposed, ["WWW-Authenticate, DPoP-Nonce"], "{what}");
    assert_eq!(answer.header("cache-control"), "no-store", "{what}");
}

#[tokio::test]
async fn a_client_gets_a_nonce_and_the_next_one_before_it_expires() {
    let api = start().await;
    let nonce = api.first_nonce().await;
    assert!(nonce.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'), "{nonce}");
    for _ in 0..2 {
        let answer = api.with_nonce("/orders", nonce.as_str()).await;
        assert_eq!((answer.status.as_u16(), answer.header("dpop-nonce")), (200, ""), "{}", answer.body);
        assert_eq!(answer.header("access-control-expose-headers"), "");
    }
    let clock = api.app.org.clock();
    clock.advance(LIFETIME / 2 - Duration::from_secs(1));
    assert_eq!(api.with_nonce("/orders", nonce.as_str()).await.header("dpop-nonce"), "", "the first half");
    clock.advance(Duration::from_secs(1));
    let answer = api.with_nonce("/orders", nonce.as_str()).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "ada@example.test"));
    let next = answer.header("dpop-nonce").to_owned();
    assert!(!next.is_empty() && next != nonce);
    assert_eq!(answer.header("access-control-expose-headers"), "DPoP-Nonce");
    assert_eq!(answer.header("cache-control"), "no-store");
    clock.advance(LIFETIME / 2 - Duration::from_secs(1));
    assert_eq!(api.with_nonce("/orders", nonce.as_str()).await.status, 200, "the last second");
    clock.advance(Duration::from_secs(1));
    assert_nonce_needed(&api.with_nonce("/orders", nonce).await, "expired");
    assert_eq!(api.with_nonce("/orders", next).await.status, 200);
}

/// A proof is refused for every other reason first, so the nonce goes only to the holder of a token and its key.
#[tokio::test]
async fn other_requests_get_no_nonce() {
    let api = start().await;
    let bearer = format!("Bearer {}", api.app.org.token().access_token(crate::support::ADA, ["orders:read"]).sign());
    let bound = format!("Bearer {}", api.token);
    let thief = Prover::new().proof(&api.app.org, "GET", &api.url("/orders"), &api.token);
    for (what, status, answer) in [
        ("no token", 401, api.send(Method::GET, "/orders", &[]).await),
        ("a token without a key", 200, api.send(Method::GET, "/orders", &[("authorization", &bearer)]).await),
        ("a bound token after Bearer", 401, api.send(Method::GET, "/orders", &[("authorization", &bound)]).await),
        ("another key", 401, api.call(&thief).await),
        ("another method", 401, api.call_with(|claims| claims["htm"] = json!("POST")).await),
        ("another URL", 401, api.call_with(|claims| claims["htu"] = json!("https://api.example/")).await),
        ("too old", 401, api.call_with(|claims| claims["iat"] = json!(1)).await),
        ("another token", 401, api.call_with(|claims| claims["ath"] = json!("x")).await),
        ("a nonce that is a number", 401, api.call_with(|claims| claims["nonce"] = json!(7)).await),
    ] {
        assert_eq!((answer.status.as_u16(), answer.header("dpop-nonce")), (status, ""), "{what}: {}", answer.body);
        assert!(!answer.body.contains("use_dpop_nonce"), "{what}");
    }
}

#[tokio::test]
async fn a_proof_that_lacked_a_nonce_was_not_used() {
    let api = start().await;
    let nonce = api.first_nonce().await;
    let mut claims = api.claims();
    assert_nonce_needed(&api.at("/orders", &claims).await, "no nonce");
    claims["nonce"] = json!(nonce);
    assert_eq!(api.at("/orders", &claims).await.status, 200, "the same `jti` with a nonce");
    let again = api.at("/orders", &claims).await;
    assert_eq!((again.status.as_u16(), again.json()["error"].as_str()), (401, Some("invalid_dpop_proof")));
}

#[tokio::test]
async fn a_forged_nonce() {
    let api = start().await;
    let nonce = api.first_nonce().await;
    for at in 0..nonce.len() {
        let mut forged = nonce.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        assert_nonce_needed(&api.with_nonce("/orders", forged).await, &format!("character {at}"));
    }
    for (what, forged) in [
        ("empty", String::new()),
        ("truncated", nonce[..nonce.len() - 4].to_owned()),
        ("longer", format!("{nonce}AAAA")),
        ("padding", format!("{nonce}=")),
        ("a space", format!(" {nonce}")),
        ("the time", "1800000000".to_owned()),
        ("long", "A".repeat(4_000)),
    ] {
        assert_nonce_needed(&api.with_nonce("/orders", forged).await, what);
    }
    assert_eq!(api.with_nonce("/orders", nonce).await.status, 200, "control");
}

#[tokio::test]
async fn a_nonce_from_the_future() {
    let api = start().await;
    let clock = api.app.org.clock();
    // A replica whose clock is ahead by more than the leeway issued it, or by exactly the leeway.
    for (ahead, accepted) in [(61, false), (60, true)] {
        clock.advance(Duration::from_secs(ahead));
        let nonce = api.first_nonce().await;
        clock.rewind(Duration::from_secs(ahead));
        let answer = api.with_nonce("/orders", nonce).await;
        assert_eq!(answer.status == 200, accepted, "{ahead}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_nonce_of_another_api() {
    let api = start().await;
    let org = api.app.org.clone();
    let nonce = api.first_nonce().await;
    // It has the same secret, issuer and client, and another identifier or base URL.
    let other = Api::of(app().org(org.clone()).start().await);
    assert_nonce_needed(&other.with_nonce("/orders", nonce.as_str()).await, "another base URL");
    let base = api.app.base.clone();
    let replica = |change: fn(ConfigBuilder) -> ConfigBuilder| {
        let base = base.clone();
        app().org(org.clone()).configure(move |config| change(config.base_url(&base).resource(&base))).start()
    };
    // The proofs name the URL of the first API, and are sent to the other one.
    let call = async |to: &str, nonce: &str| {
        let mut claims = api.claims();
        claims["nonce"] = json!(nonce);
        let (proof, authorization) = (api.prover.sign(&api.prover.header(), &claims), format!("DPoP {}", api.token));
        let headers = [("authorization", authorization.as_str()), ("dpop", proof.as_str())];
        Browser::new(to).send(Method::GET, "/orders", &headers, String::new()).await
    };
    let second = replica(|config| config).await;
    assert_eq!(call(&second.base, &nonce).await.status, 200, "control: a replica");
    let resource = replica(|config| config.resource("https://api.example/v2")).await;
    assert_nonce_needed(&call(&resource.base, &nonce).await, "another identifier");
    let client = replica(|config| config.client_id("0oaother")).await;
    assert_nonce_needed(&call(&client.base, &nonce).await, "another client");
    let rotated = replica(|config| config.cookie_secret(OTHER_SECRET)).await;
    assert_eq!(call(&rotated.base, &nonce).await.status, 200, "control: a second secret");
}

#[tokio::test]
async fn a_rotation_of_the_secrets() {
    let org = Org::start().await.unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    // Each replica has the URL of the load balancer.
    let start = async |secrets: &'static [&'static str]| {
        let config = ConfigBuilder::from_variables(org.env()).base_url(&base);
        let config = secrets.iter().fold(with_nonces(config), |config, secret| config.cookie_secret(*secret));
        let clock = org.clock();
        let auth = OktaAuthBuilder::from(config).clock(move || clock.now()).build().unwrap();
        serve(routes().okta_auth(&auth)).await
    };
    let (before, during, after) =
        (start(&[SECRET]).await, start(&[OTHER_SECRET, SECRET]).await, start(&[OTHER_SECRET]).await);
    let prover = Prover::new();
    let token = prover.token(&org, &["orders:read"]);
    let call = async |to: &str, nonce: Option<&str>| {
        let mut claims = prover.claims(&org, "GET", &format!("{base}/orders"), &token);
        claims["nonce"] = nonce.map_or(Value::Null, Into::into);
        call(to, &token, &prover.sign(&prover.header(), &claims)).await
    };
    let old = call(&before, None).await.header("dpop-nonce").to_owned();
    assert_nonce_needed(&call(&after, Some(&old)).await, "the secret was removed");
    let answer = call(&during, Some(&old)).await;
    let new = answer.header("dpop-nonce").to_owned();
    assert!(answer.status == 200 && !new.is_empty(), "an old secret opens, and the next nonce has the new one");
    assert_eq!(
        (call(&after, Some(&new)).await.status.as_u16(), call(&during, Some(&new)).await.header("dpop-nonce")),
        (200, "")
    );
    assert_nonce_needed(&call(&before, Some(&new)).await, "a secret that it does not have yet");
}

async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    base
}

async fn call(base: &str, token: &str, proof: &str) -> Answer {
    crate::support::call_with_proof(base, "/orders", token, proof).await
}

/// Both tenants have the same URL and secret.
#[tokio::test]
async fn a_nonce_of_another_tenant() {
    let orgs = [("acme", Org::start().await.unwrap()), ("globex", Org::start().await.unwrap())];
    let tenants = orgs
        .iter()
        .map(|(id, org)| TenantSettings::new(TenantId::parse(id).unwrap(), org.issuer(), org.client().client_id));
    let base = "https://api.example";
    let config = with_nonces(ConfigBuilder::default().base_url(base).cookie_secret(SECRET));
    let tenants = Tenants::builder(OktaAuthBuilder::from(config))
        .table(TenantTable::new(tenants).unwrap())
        .resolve(Resolver::TrustedHeader("x-tenant".to_owned()))
        .egress(EgressPolicy::default().dangerous().allow_loopback())
        .build()
        .unwrap();
    let address = serve(routes().okta_auth(&tenants)).await;
    let prover = Prover::new();
    let call = async |number: usize, nonce: Option<&str>| {
        let (tenant, org) = &orgs[number];
        let token = prover.token(org, &["orders:read"]);
        let mut claims = prover.claims(org, "GET", &format!("{base}/orders"), &token);
        claims["nonce"] = nonce.map_or(Value::Null, Into::into);
        let (proof, authorization) = (prover.sign(&prover.header(), &claims), format!("DPoP {token}"));
        let headers = [("authorization", authorization.as_str()), ("dpop", proof.as_str()), ("x-tenant", tenant)];
        Browser::new(&address).send(Method::GET, "/orders", &headers, String::new()).await
    };
    let nonce = call(0, None).await.header("dpop-nonce").to_owned();
    assert_nonce_needed(&call(1, Some(&nonce)).await, "the nonce of acme");
    let answer = call(0, Some(&nonce)).await;
    assert_eq!(answer.status, 200, "control: {}", answer.body);
}

/// A cache would serve an old nonce.
#[tokio::test]
async fn a_nonce_is_never_in_a_cache() {
    let api = start().await;
    let nonce = api.first_nonce().await;
    api.app.org.clock().advance(LIFETIME / 2);
    let private = api.with_nonce("/private", nonce.as_str()).await;
    assert!(private.status == 200 && !private.header("dpop-nonce").is_empty());
    assert_eq!(private.header("cache-control"), "no-store");
    let public = api.with_nonce("/public", nonce.as_str()).await;
    assert_eq!((public.status.as_u16(), public.header("dpop-nonce")), (200, ""));
    assert_eq!(public.header("cache-control"), "public, max-age=60");
}

#[tokio::test]
async fn an_api_without_nonces_ignores_them() {
    let api = Api::of(AppBuilder::default().routes(routes()).configure(ConfigBuilder::api_only).start().await);
    let answer = api.with_nonce("/orders", "of another server").await;
    assert_eq!((answer.status.as_u16(), answer.header("dpop-nonce")), (200, ""));
}
