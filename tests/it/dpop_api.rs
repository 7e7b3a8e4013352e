//! DPoP at an API (RFC 9449): each attack on a bound token, with a control that passes.

use std::time::Duration;

use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_auth_axum::{AccessToken, RequireExt, RouterExt, User};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::policy::{PolicySet, bound, scope};
use okta_auth_dev::Org;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    ADA, Answer, App, AppBuilder, Browser, Place, Prover, Relay, SECRET, SharedStore, call_with_proof, hash,
};

const SCOPES: [&str; 1] = ["orders:read"];

fn routes() -> Router {
    let orders = || get(whose).post(whose);
    Router::new()
        .route("/orders", orders())
        .nest("/v1", Router::new().route("/orders/{id}", orders()))
        .route("/bound", orders().require_dpop(scope("orders:read")))
        .route("/either", orders().require_token(scope("orders:read") & bound() | scope("orders:admin")))
        .route("/twice", get(twice).require_token(scope("orders:read")))
}

async fn whose(token: AccessToken) -> String {
    format!("{} {}", token.subject(), token.token().is_bound())
}

async fn twice(_: AccessToken, token: AccessToken) -> String {
    token.subject().to_owned()
}

/// An API, a client, and its bound token.
pub(crate) struct Api {
    pub(crate) app: App,
    pub(crate) prover: Prover,
    pub(crate) token: String,
}

impl Api {
    async fn start_with(change: impl FnOnce(ConfigBuilder) -> ConfigBuilder + Send + 'static) -> Self {
        let app = AppBuilder::default().routes(routes()).configure(|config| change(config.api_only()));
        Self::of(app.start().await)
    }

    async fn start() -> Self {
        Self::start_with(|config| config).await
    }

    pub(crate) fn of(app: App) -> Self {
        let prover = Prover::new();
        let token = prover.token(&app.org, &SCOPES);
        Self { app, prover, token }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.app.base)
    }

    pub(crate) fn claims(&self) -> Value {
        self.prover.claims(&self.app.org, "GET", &self.url("/orders"), &self.token)
    }

    pub(crate) fn proof(&self) -> String {
        self.prover.sign(&self.prover.header(), &self.claims())
    }

    pub(crate) async fn call(&self, proof: &str) -> Answer {
        call_with_proof(&self.app.base, "/orders", &self.token, proof).await
    }

    /// Calls with a proof that has other claims.
    pub(crate) async fn call_with(&self, change: impl FnOnce(&mut Value)) -> Answer {
        let mut claims = self.claims();
        change(&mut claims);
        self.call(&self.prover.sign(&self.prover.header(), &claims)).await
    }

    /// Calls with a proof that has another header.
    async fn call_with_header(&self, change: impl FnOnce(&mut Value)) -> Answer {
        let mut header = self.prover.header();
        change(&mut header);
        self.call(&self.prover.sign(&header, &self.claims())).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        Browser::new(&self.app.base).send(method, path, headers, String::new()).await
    }
}

/// The values of a header that may come several times.
fn challenges(answer: &Answer) -> Vec<&str> {
    answer.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect()
}

fn assert_refused(answer: &Answer, error: &str, what: &str) {
    let challenge = answer.header("www-authenticate");
    assert_eq!(answer.status, 401, "{what}: {}", answer.body);
    assert!(challenge.starts_with(&format!("DPoP error=\"{error}\"")), "{what}: {challenge}");
    assert!(challenge.contains("algs=\"ES256 EdDSA ES384 PS256 RS256 RS384 RS512\""), "{what}: {challenge}");
    assert_eq!(answer.header("access-control-expose-headers"), "WWW-Authenticate, DPoP-Nonce", "{what}");
    assert_eq!(answer.json()["error"], error, "{what}");
}

fn assert_proof_refused(answer: &Answer, what: &str) {
    assert_refused(answer, "invalid_dpop_proof", what);
}

#[tokio::test]
async fn a_bound_token_with_its_proof_is_let_in() {
    let api = Api::start().await;
    for _ in 0..3 {
        let answer = api.call(&api.proof()).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "ada@example.test true"));
    }
    let authorization = format!("dpop {}", api.token);
    let proof = api.proof();
    let answer = api.send(Method::GET, "/orders?page=2", &[("authorization", &authorization), ("dpop", &proof)]).await;
    assert_eq!(answer.status, 200, "the query is no part of `htu`, and the scheme is case-insensitive");
    // A route below a prefix of the router.
    let url = api.url("/v1/orders/7");
    let proof = api.prover.proof(&api.app.org, "POST", &url, &api.token);
    let answer = api.send(Method::POST, "/v1/orders/7", &[("authorization", &authorization), ("dpop", &proof)]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    // A policy and two extractors use one proof.
    let proof = api.prover.proof(&api.app.org, "GET", &api.url("/twice"), &api.token);
    assert_eq!(call_with_proof(&api.app.base, "/twice", &api.token, &proof).await.status, 200);
}

#[tokio::test]
async fn a_stolen_bound_token_without_the_key() {
    let api = Api::start().await;
    let bearer = format!("Bearer {}", api.token);
    let proof = api.proof();
    let headers = [("authorization", bearer.as_str()), ("dpop", proof.as_str())];
    // Before and after the token is in the cache, and with a proof that does not count after `Bearer`.
    for headers in [&headers[..1], &headers[..]] {
        let answer = api.send(Method::GET, "/orders", headers).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (401, Some("invalid_token")));
        let challenges = challenges(&answer);
        assert!(challenges[0].starts_with("Bearer error=\"invalid_token\""), "{challenges:?}");
        assert_eq!(challenges[1], "DPoP algs=\"ES256 EdDSA ES384 PS256 RS256 RS384 RS512\"");
        assert_eq!(api.call(&api.proof()).await.status, 200, "control");
    }
    let error = api.app.auth.verify_access_token(&api.token).await.unwrap_err();
    assert_eq!((error.code().as_str(), error.claim()), ("token_kind", Some("cnf")));
    // Without a proof, the scheme counts as none.
    let authorization = format!("DPoP {}", api.token);
    let answer = api.send(Method::GET, "/orders", &[("authorization", &authorization)]).await;
    assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (401, Some("login_required")));
    let thief = Prover::new();
    let url = api.url("/orders");
    assert_proof_refused(&api.call(&thief.proof(&api.app.org, "GET", &url, &api.token)).await, "another key");
    assert_proof_refused(&api.call(&thief.sign(&api.prover.header(), &api.claims())).await, "another signature");
}

#[tokio::test]
async fn a_token_without_a_key_after_dpop() {
    let api = Api::start().await;
    let token = api.app.org.token().access_token(ADA, SCOPES).sign();
    let proof = || api.prover.proof(&api.app.org, "GET", &api.url("/orders"), &token);
    for _ in 0..2 {
        let answer = call_with_proof(&api.app.base, "/orders", &token, &proof()).await;
        assert_refused(&answer, "invalid_token", "unbound");
    }
    let bearer = format!("Bearer {token}");
    assert_eq!(api.send(Method::GET, "/orders", &[("authorization", &bearer)]).await.status, 200, "control");
    for cnf in [json!({"x5t#S256": hash("c")}), json!({"jkt": api.prover.jkt(), "x5t#S256": hash("c")}), json!({})] {
        let token = api.app.org.token().access_token(ADA, SCOPES).claim("cnf", cnf.clone()).sign();
        let proof = api.prover.proof(&api.app.org, "GET", &api.url("/orders"), &token);
        let answer = call_with_proof(&api.app.base, "/orders", &token, &proof).await;
        assert_refused(&answer, "invalid_token", &format!("{cnf}"));
        let bearer = format!("Bearer {token}");
        assert_eq!(api.send(Method::GET, "/orders", &[("authorization", &bearer)]).await.status, 401, "{cnf}");
    }
}

#[tokio::test]
async fn a_proof_is_used_once() {
    let api = Api::start().await;
    let (proof, claims) = (api.proof(), api.claims());
    assert_eq!(api.call(&proof).await.status, 200);
    assert_proof_refused(&api.call(&proof).await, "again");
    api.app.org.clock().advance(Duration::from_secs(119));
    assert_proof_refused(&api.call(&proof).await, "again, shortly before it is too old");
    // The key may not sign the same `jti` for another moment, method or URL either.
    let fresh = api.claims();
    let reused = |claims: &Value| {
        let mut reused = fresh.clone();
        reused["jti"] = claims["jti"].clone();
        api.prover.sign(&api.prover.header(), &reused)
    };
    assert_eq!(api.call(&reused(&claims)).await.status, 200, "control: its `jti` was not used yet");
    assert_proof_refused(&api.call(&reused(&claims)).await, "the same `jti`");
    // Another client may choose the same `jti`.
    let other = Prover::new();
    let token = other.token(&api.app.org, &SCOPES);
    let mut same = other.claims(&api.app.org, "GET", &api.url("/orders"), &token);
    same["jti"] = claims["jti"].clone();
    let answer = call_with_proof(&api.app.base, "/orders", &token, &other.sign(&other.header(), &same)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn a_proof_that_was_refused_takes_no_place() {
    let api = Api::start().await;
    let proof = api.proof();
    let answer = call_with_proof(&api.app.base, "/v1/orders/7", &api.token, &proof).await;
    assert_proof_refused(&answer, "another URL");
    assert_eq!(api.call(&proof).await.status, 200, "it was not used");
}

#[tokio::test]
async fn a_proof_for_another_request() {
    let api = Api::start().await;
    let authorization = format!("DPoP {}", api.token);
    let proof = api.proof();
    let answer = api.send(Method::POST, "/orders", &[("authorization", &authorization), ("dpop", &proof)]).await;
    assert_proof_refused(&answer, "another method");
    assert_proof_refused(&api.call_with(|claims| claims["htm"] = json!("get")).await, "the method in lower case");
    let (base, port) = (api.app.base.clone(), api.app.base.rsplit(':').next().unwrap().to_owned());
    for (what, htu) in [
        ("another path", format!("{base}/orders/7")),
        ("a slash at the end", format!("{base}/orders/")),
        ("another case", format!("{base}/Orders")),
        ("an escaped slash", format!("{base}/v1%2Forders")),
        ("a backslash", format!("{base}\\orders")),
        ("another host", format!("http://localhost:{port}/orders")),
        ("another port", "http://127.0.0.1:1/orders".to_owned()),
        ("another scheme", format!("https://127.0.0.1:{port}/orders")),
        ("a user in the URL", format!("http://x@127.0.0.1:{port}/orders")),
        ("a host that begins alike", format!("{base}.evil.example/orders")),
        ("a path alone", "/orders".to_owned()),
        ("no URL", String::new()),
    ] {
        assert_proof_refused(&api.call_with(|claims| claims["htu"] = json!(htu)).await, what);
    }
    for htu in
        [format!("{base}/orders?x=1#y"), format!("{base}/%6Frders"), format!("HTTP://127.0.0.1:{port}/x/../orders")]
    {
        assert_eq!(api.call_with(|claims| claims["htu"] = json!(htu)).await.status, 200, "control: {htu}");
    }
}

#[tokio::test]
async fn a_proof_for_another_token() {
    let api = Api::start().await;
    let other = api.prover.token(&api.app.org, &["orders:read", "orders:admin"]);
    let url = api.url("/orders");
    let proof = api.prover.proof(&api.app.org, "GET", &url, &api.token);
    assert_proof_refused(&call_with_proof(&api.app.base, "/orders", &other, &proof).await, "another token of the key");
    assert_proof_refused(&api.call_with(|claims| drop(claims.as_object_mut().unwrap().remove("ath"))).await, "no ath");
    assert_proof_refused(&api.call_with(|claims| claims["ath"] = json!("")).await, "an empty ath");
    let padded = format!("{}=", hash(&api.token));
    assert_proof_refused(&api.call_with(|claims| claims["ath"] = json!(padded)).await, "padding");
    assert_eq!(api.call(&proof).await.status, 200, "control");
}

#[tokio::test]
async fn more_than_one_proof_or_token() {
    let api = Api::start().await;
    let (authorization, bearer) = (format!("DPoP {}", api.token), format!("Bearer {}", api.token));
    let (one, other) = (api.proof(), api.proof());
    let dpop = ("authorization", authorization.as_str());
    let two = api.send(Method::GET, "/orders", &[dpop, ("dpop", &one), ("dpop", &other)]).await;
    assert_proof_refused(&two, "two proofs");
    let joined = format!("{one}, {other}");
    assert_proof_refused(&api.call(&joined).await, "two proofs in one header");
    let both = [dpop, ("authorization", bearer.as_str()), ("dpop", one.as_str())];
    let swapped = [both[1], both[0], both[2]];
    let repeated = [dpop, dpop, both[2]];
    for headers in [&both, &swapped, &repeated] {
        let answer = api.send(Method::GET, "/orders", headers).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (400, Some("invalid_request")));
    }
    let in_query = format!("/orders?access_token={}", api.token);
    assert_eq!(api.send(Method::GET, &in_query, &[dpop, ("dpop", &one)]).await.status, 400);
    assert_eq!(api.call(&one).await.status, 200, "control");
}

#[tokio::test]
async fn the_clock_at_its_edges() {
    let api = Api::start().await;
    let clock = api.app.org.clock();
    clock.stop();
    let now = api.claims()["iat"].as_i64().unwrap();
    // A minute, and the leeway of a minute.
    for (what, iat, accepted) in [
        ("just young enough", json!(now - 119), true),
        ("too old", json!(now - 120), false),
        ("just not in the future", json!(now + 60), true),
        ("in the future", json!(now + 61), false),
        ("with a fraction", json!(now as f64 - 0.5), true),
        ("in text", json!(now.to_string()), false),
        ("missing", Value::Null, false),
        ("huge", json!(1e300), false),
        ("negative", json!(-1e300), false),
    ] {
        let answer = api.call_with(|claims| claims["iat"] = iat).await;
        assert_eq!(answer.status == 200, accepted, "{what}: {}", answer.body);
    }
    for (name, value, accepted) in
        [("exp", now - 60, false), ("exp", now - 59, true), ("nbf", now + 61, false), ("nbf", now + 60, true)]
    {
        let answer = api.call_with(|claims| claims[name] = json!(value)).await;
        assert_eq!(answer.status == 200, accepted, "{name} {value}");
    }
}

#[tokio::test]
async fn key_confusion() {
    let api = Api::start().await;
    let secret = URL_SAFE_NO_PAD.encode([7; 32]);
    assert_proof_refused(&api.call_with_header(|header| header["alg"] = json!("none")).await, "none");
    assert_proof_refused(&api.call_with_header(|header| header["alg"] = json!("HS256")).await, "HMAC");
    assert_proof_refused(&api.call_with_header(|header| header["alg"] = json!("ES384")).await, "another curve");
    assert_proof_refused(&api.call_with_header(|header| header["alg"] = json!("RS256")).await, "another type");
    assert_proof_refused(&api.call_with_header(|header| header["alg"] = json!("es256")).await, "another case");
    let symmetric = json!({"kty": "oct", "k": secret});
    for alg in ["HS256", "ES256"] {
        let header = json!({"typ": "dpop+jwt", "alg": alg, "jwk": symmetric});
        assert_proof_refused(&api.call(&api.prover.sign(&header, &api.claims())).await, "a symmetric key");
    }
    for member in ["d", "k", "p", "q", "dp", "dq", "qi", "oth"] {
        let answer = api.call_with_header(|header| header["jwk"][member] = json!(secret)).await;
        assert_proof_refused(&answer, &format!("the private member {member}"));
    }
    for (what, name, value) in [
        ("a point off the curve", "y", json!(secret)),
        ("a short coordinate", "x", json!("AAAA")),
        ("another curve", "crv", json!("P-384")),
        ("no curve", "crv", Value::Null),
        ("another use", "use", json!("enc")),
        ("another algorithm", "alg", json!("ES384")),
        ("a key that does not verify", "key_ops", json!(["sign"])),
    ] {
        assert_proof_refused(&api.call_with_header(|header| header["jwk"][name] = value).await, what);
    }
    for (what, jwk) in [("no key", Value::Null), ("a list", json!([api.prover.jwk()])), ("a text", json!("x"))] {
        assert_proof_refused(&api.call_with_header(|header| header["jwk"] = jwk).await, what);
    }
    let extra = |header: &mut Value| {
        header["jwk"]["kid"] = json!("k");
        header["jwk"]["use"] = json!("sig");
        header["jwk"]["alg"] = json!("ES256");
    };
    assert_eq!(api.call_with_header(extra).await.status, 200, "control: members that are no part of the thumbprint");
}

#[tokio::test]
async fn the_header_of_a_proof() {
    let api = Api::start().await;
    for typ in [Value::Null, json!("JWT"), json!("at+jwt"), json!("dpop"), json!(7)] {
        assert_proof_refused(&api.call_with_header(|header| header["typ"] = typ.clone()).await, &format!("{typ}"));
    }
    assert_proof_refused(&api.call_with_header(|header| header["crit"] = json!(["exp"])).await, "crit");
    assert_proof_refused(&api.call_with_header(|header| header["b64"] = json!(false)).await, "b64");
    let proof = api.proof();
    let unsigned = format!("{}.", proof.rsplit_once('.').unwrap().0);
    for (what, proof) in [
        ("the access token", api.token.as_str()),
        ("no signature", &unsigned),
        ("two parts", proof.rsplit_once('.').unwrap().0),
        ("padding", &format!("{proof}=")),
        ("no proof", ""),
        ("junk", "x"),
        ("too large", &format!("{}.{}", proof, "a".repeat(8 * 1024))),
    ] {
        assert_proof_refused(&api.call(proof).await, what);
    }
    for (what, name, value) in [
        ("no jti", "jti", Value::Null),
        ("an empty jti", "jti", json!("")),
        ("a jti that is a number", "jti", json!(7)),
        ("a jti with a line break", "jti", json!("a\nb")),
        ("a long jti", "jti", json!("a".repeat(256))),
        ("no htm", "htm", Value::Null),
        ("a list of methods", "htm", json!(["GET", "POST"])),
        ("no htu", "htu", Value::Null),
    ] {
        assert_proof_refused(&api.call_with(|claims| claims[name] = value).await, what);
    }
    assert_eq!(api.call(&proof).await.status, 200, "control");
}

fn rsa_jwk(key: &RsaKeyPair) -> (Value, String) {
    let public = key.public_key();
    let (n, e) = (public.modulus(), public.exponent());
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (n, e) = (part(n.big_endian_without_leading_zero()), part(e.big_endian_without_leading_zero()));
    let jkt = hash(&format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#));
    (json!({"kty": "RSA", "n": n, "e": e}), jkt)
}

/// Libraries write the earlier name of the algorithm, or that of RFC 9864.
#[tokio::test]
async fn ed25519_keys_under_both_names() {
    let api = Api::start().await;
    let key = Ed25519KeyPair::generate().unwrap();
    let x = URL_SAFE_NO_PAD.encode(key.public_key());
    let jkt = hash(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
    let token = api.app.org.token().access_token(ADA, SCOPES).claim("cnf", json!({"jkt": jkt})).sign();
    let call = async |alg: &str| {
        let claims = api.prover.claims(&api.app.org, "GET", &api.url("/orders"), &token);
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "alg": alg});
        let header = json!({"typ": "dpop+jwt", "alg": alg, "jwk": jwk});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&claims));
        let proof = format!("{message}.{}", URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes())));
        call_with_proof(&api.app.base, "/orders", &token, &proof).await
    };
    for alg in ["EdDSA", "Ed25519"] {
        assert_eq!(call(alg).await.status, 200, "{alg}");
    }
    for alg in ["Ed448", "ed25519", "ES256"] {
        assert_proof_refused(&call(alg).await, alg);
    }
}

#[tokio::test]
async fn rsa_keys_have_at_least_2048_bits() {
    let api = Api::start().await;
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let (jwk, jkt) = rsa_jwk(&key);
    let token = api.app.org.token().access_token(ADA, SCOPES).claim("cnf", json!({"jkt": jkt})).sign();
    let sign = |alg: &str, encoding: &'static dyn aws_lc_rs::signature::RsaEncoding, jwk: &Value| {
        let claims = api.prover.claims(&api.app.org, "GET", &api.url("/orders"), &token);
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&json!({"typ": "dpop+jwt", "alg": alg, "jwk": jwk})), part(&claims));
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(encoding, &aws_lc_rs::rand::SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let rs256 = &aws_lc_rs::signature::RSA_PKCS1_SHA256;
    let ps256 = &aws_lc_rs::signature::RSA_PSS_SHA256;
    for (alg, encoding) in [("RS256", rs256 as &'static dyn aws_lc_rs::signature::RsaEncoding), ("PS256", ps256)] {
        let answer = call_with_proof(&api.app.base, "/orders", &token, &sign(alg, encoding, &jwk)).await;
        assert_eq!(answer.status, 200, "control: {alg}");
    }
    let crossed = sign("PS256", rs256, &jwk);
    assert_proof_refused(&call_with_proof(&api.app.base, "/orders", &token, &crossed).await, "another padding");
    // The modulus of another, smaller key: it is refused before any signature is computed.
    let small = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xc1; 128]), "e": "AQAB"});
    let answer = call_with_proof(&api.app.base, "/orders", &token, &sign("RS256", rs256, &small)).await;
    assert_proof_refused(&answer, "1024 bits");
    let exponent = json!({"kty": "RSA", "n": jwk["n"], "e": "AQ"});
    let answer = call_with_proof(&api.app.base, "/orders", &token, &sign("RS256", rs256, &exponent)).await;
    assert_proof_refused(&answer, "the exponent 1");
}

/// The proxy strips a prefix, and rewrites the host.
#[tokio::test]
async fn behind_a_proxy_the_external_url_counts() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let inside = format!("http://{}", listener.local_addr().unwrap());
    let proxy = Relay::stripping("/app", listener.local_addr().unwrap()).await;
    let (org, prover, outside) = (Org::start().await.unwrap(), Prover::new(), proxy.url());
    let variables = org.env().into_iter().chain([("OKTA_PUBLIC_PREFIX", "/app".to_owned())]);
    let config = ConfigBuilder::from_variables(variables).base_url(&outside).cookie_secret(SECRET).api_only();
    let clock = org.clock();
    let auth = OktaAuthBuilder::from(config).clock(move || clock.now()).build().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes().okta_auth(&auth)).await.unwrap() });
    let token = prover.token(&org, &SCOPES);
    let proof = |url: &str| prover.proof(&org, "GET", url, &token);

    let good = proof(&format!("{outside}/app/orders"));
    assert_eq!(call_with_proof(&outside, "/app/orders", &token, &good).await.status, 200);
    for htu in [format!("{inside}/orders"), format!("{outside}/orders"), format!("{inside}/app/orders")] {
        assert_proof_refused(&call_with_proof(&outside, "/app/orders", &token, &proof(&htu)).await, &htu);
    }
    // A client cannot choose the URL that its proof has to name.
    let authorization = format!("DPoP {token}");
    let foreign = proof("http://other.example/app/orders");
    let headers = [
        ("authorization", authorization.as_str()),
        ("dpop", foreign.as_str()),
        ("host", "other.example"),
        ("x-forwarded-host", "other.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-prefix", "/app"),
        ("forwarded", "host=other.example;proto=http"),
    ];
    let answer = Browser::new(&outside).send(Method::GET, "/app/orders", &headers, String::new()).await;
    assert_proof_refused(&answer, "forwarded headers");
}

#[tokio::test]
async fn an_api_that_requires_dpop() {
    let api = Api::start_with(ConfigBuilder::require_dpop).await;
    let plain = api.app.org.token().access_token(ADA, SCOPES).sign();
    let bearer = format!("Bearer {plain}");
    assert_refused(
        &api.send(Method::GET, "/orders", &[("authorization", &bearer)]).await,
        "invalid_token",
        "a token without a key",
    );
    assert!(api.app.auth.verify_access_token(&plain).await.is_err());
    let missing = api.send(Method::GET, "/orders", &[]).await;
    let challenge = missing.header("www-authenticate");
    assert!(missing.status == 401 && challenge.starts_with("DPoP algs=\"ES256 "), "{challenge}");
    assert_eq!(api.call(&api.proof()).await.status, 200);
    let document = api.send(Method::GET, "/.well-known/oauth-protected-resource", &[]).await.json();
    assert_eq!(document["dpop_bound_access_tokens_required"], true);
    assert_eq!(document["dpop_signing_alg_values_supported"][0], "ES256");
}

#[tokio::test]
async fn a_route_that_requires_dpop() {
    let api = Api::start().await;
    let token = |scope: &str| api.app.org.token().access_token(ADA, [scope]).sign();
    for path in ["/bound", "/either"] {
        let bearer = format!("Bearer {}", token("orders:read"));
        let answer = api.send(Method::GET, path, &[("authorization", &bearer)]).await;
        assert_refused(&answer, "invalid_token", path);
        assert!(answer.header("www-authenticate").contains("must be bound to a key"), "{path}");
        let proof = api.prover.proof(&api.app.org, "GET", &api.url(path), &api.token);
        assert_eq!(call_with_proof(&api.app.base, path, &api.token, &proof).await.status, 200, "{path}");
    }
    let missing = api.send(Method::GET, "/bound", &[]).await;
    let challenge = missing.header("www-authenticate");
    assert!(challenge.starts_with("DPoP scope=\"orders:read\", algs=\"ES256 "), "{challenge}");
    let other = api.send(Method::GET, "/either", &[]).await;
    assert!(other.header("www-authenticate").starts_with("Bearer scope="), "an unbound token may do");
    // The scope decides for a token that has a key.
    let weak = api.prover.token(&api.app.org, &["orders:write"]);
    let proof = api.prover.proof(&api.app.org, "GET", &api.url("/bound"), &weak);
    let answer = call_with_proof(&api.app.base, "/bound", &weak, &proof).await;
    assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (403, Some("insufficient_scope")));
    assert!(answer.header("www-authenticate").starts_with("DPoP error=\"insufficient_scope\""));
    let document = api.send(Method::GET, "/.well-known/oauth-protected-resource", &[]).await.json();
    assert_eq!(document["dpop_bound_access_tokens_required"], false);
}

/// The condition of a policy file does what `bound()` does, alone, in `all` and in `any`.
#[tokio::test]
async fn a_policy_file_that_requires_dpop() {
    let policies = PolicySet::parse(
        r#"
        [refunds]
        rule = { all = [{ scope = "orders:read" }, "bound"] }
        routes = ["/bound"]
        accepts = "token"

        [export]
        rule = { any = [{ scope = "orders:admin" }, { all = ["bound", { scope = "orders:read" }] }] }
        routes = ["/either"]
        accepts = "token"

        [own]
        rule = "bound"
        routes = ["/orders"]
        accepts = "session_or_token"
        "#,
    );
    let orders = || get(whose).post(whose);
    let routes = Router::new().route("/bound", orders()).route("/either", orders()).route("/orders", orders());
    let routes = routes.route("/me", get(|user: User| async move { user.subject().to_owned() }));
    let build = |builder: OktaAuthBuilder| builder.policies(policies.unwrap());
    let api = Api::of(AppBuilder::default().routes(routes).build_with(build).start().await);
    for path in ["/bound", "/either", "/orders"] {
        let token = api.app.org.token().access_token(ADA, SCOPES).sign();
        let bearer = format!("Bearer {token}");
        let answer = api.send(Method::GET, path, &[("authorization", &bearer)]).await;
        assert_refused(&answer, "invalid_token", path);
        let bearer = format!("Bearer {}", api.token);
        let answer = api.send(Method::GET, path, &[("authorization", &bearer)]).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (401, Some("invalid_token")), "{path}");
        let proof = api.prover.proof(&api.app.org, "GET", &api.url(path), &api.token);
        assert_eq!(call_with_proof(&api.app.base, path, &api.token, &proof).await.status, 200, "control: {path}");
    }
    let admin = api.app.org.token().access_token(ADA, ["orders:admin"]).sign();
    let bearer = format!("Bearer {admin}");
    assert_eq!(api.send(Method::GET, "/either", &[("authorization", &bearer)]).await.status, 200, "the other rule");
    // A session has no key.
    let mut browser = api.app.browser();
    browser.sign_in(&api.app.org, ADA, "/me").await;
    assert_eq!(browser.fetch("/me").await.status, 200, "control");
    assert_eq!(browser.fetch("/orders").await.status, 403);
}

#[tokio::test]
async fn a_proof_that_was_used_at_another_replica() {
    let org = Org::start().await.unwrap();
    let store = SharedStore::new(&org);
    let place = Place::Shared(store.clone());
    let first = place.app().org(org.clone()).routes(routes()).configure(ConfigBuilder::api_only).start().await;
    // Both replicas have the URL of the load balancer.
    let base = first.base.clone();
    let same = move |config: ConfigBuilder| config.api_only().base_url(&base);
    let second = place.app().org(org.clone()).routes(routes()).configure(same).start().await;
    let api = Api::of(first);
    let proof = api.proof();
    assert_eq!(api.call(&proof).await.status, 200);
    let answer = call_with_proof(&second.base, "/orders", &api.token, &proof).await;
    assert_proof_refused(&answer, "used at the first replica");
    assert_eq!(call_with_proof(&second.base, "/orders", &api.token, &api.proof()).await.status, 200, "control");
    // A store that is away cannot tell, so no request is let through.
    store.down(true);
    let unseen = api.proof();
    for _ in 0..2 {
        let answer = call_with_proof(&second.base, "/orders", &api.token, &api.proof()).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (503, Some("store_unavailable")));
        assert!(!answer.header("retry-after").is_empty());
    }
    assert_eq!(call_with_proof(&second.base, "/orders", &api.token, &unseen).await.status, 503);
    store.down(false);
    assert_eq!(api.call(&unseen).await.status, 200);
}

#[tokio::test]
async fn bound_tokens_of_the_org_server_are_introspected() {
    let org = Org::start().await.unwrap();
    let issuer = org.org_issuer();
    let app = AppBuilder::default().org(org).issuer(issuer).routes(routes()).start().await;
    let prover = Prover::new();
    let client = app.org.client().client_id;
    let mint = || app.org.token().server("org").client(&client).access_token(ADA, ["openid", "orders:read"]);
    let token = mint().claim("cnf", json!({"jkt": prover.jkt()})).sign();
    let url = format!("{}/orders", app.base);
    let call = || {
        let proof = prover.proof(&app.org, "GET", &url, &token);
        let (base, token) = (app.base.clone(), token.clone());
        async move { call_with_proof(&base, "/orders", &token, &proof).await }
    };
    for _ in 0..2 {
        let answer = call().await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let bearer = format!("Bearer {token}");
    let answer = app.browser().send(Method::GET, "/orders", &[("authorization", &bearer)], String::new()).await;
    assert_eq!(answer.status, 401);
}
