//! The FAPI 2.0 Security Profile as a client: the modules of the OpenID Foundation's plan "FAPI2SP Final client", each as
//! one test over real sockets, named after the module, and the errors at start.
//!
//! The org serves what the profile requires and Okta does not have (`rfc_extensions`). Each test first runs without the
//! fault, so that an application cannot pass by rejecting everything.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_auth_axum::{User, UserRejection};
use okta_auth_core::config::{ConfigBuilder, PrivateKey, Userinfo};
use okta_auth_core::error::Code;
use okta_auth_core::multi_tenant::{Resolver, Tenants};
use okta_auth_dev::{Client, ClientKey, DpopFault, Fault, JweAlgorithm, Org, ParFault, Recorded, Rotation};
use serde_json::{Value, json};

use crate::support::{ADA, App, AppBuilder};

const LIFETIME: Duration = Duration::from_secs(300);

fn signs_ps256(org: &Org) {
    org.fault(Fault::IdTokenAlgPs256);
}

/// The org's request URIs live for an hour, as at Okta, unless this is set.
fn short_lived_requests(org: &Org) {
    org.fault(Fault::Par(ParFault::Member("expires_in".to_owned(), json!(90))));
}

async fn org(key: &ClientKey) -> Org {
    let client = Client::web("0oaweb", "unused").private_key_jwt(key.public_jwk());
    let builder = Org::builder().rfc_extensions(true).require_par(true).require_dpop(true).client(client);
    let builder = builder.rotation(Rotation::Rotate).access_token_lifetime(LIFETIME);
    let org = builder.start().await.unwrap();
    short_lived_requests(&org);
    signs_ps256(&org);
    org
}

async fn app_with(change: impl FnOnce(ConfigBuilder) -> ConfigBuilder + Send + 'static) -> App {
    let key = ClientKey::generate().unwrap();
    let org = org(&key).await;
    let (issuer, key) = (org.issuer(), PrivateKey::from_pem(key.private_pem(), Some(key.id().to_owned())).unwrap());
    let configure = move |own: ConfigBuilder| {
        let base = own.build().unwrap().base_url().to_string();
        let config = ConfigBuilder::default().issuer(issuer).client_id("0oaweb").private_key(key).base_url(base);
        change(config.cookie_secret(crate::support::SECRET).cookie_name("okta_session").fapi2())
    };
    let token = |user: User| async move { Ok::<_, UserRejection>(user.access_token().await?.expose().to_owned()) };
    let routes = crate::support::routes().route("/token", get(token));
    AppBuilder::default().org(org).routes(routes).configure(configure).start().await
}

async fn app() -> App {
    app_with(|config| config).await
}

async fn signs_in(app: &App) {
    let mut browser = app.browser();
    let answer = browser.sign_in(&app.org, ADA, "/profile").await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/profile"), "{}", answer.body);
    assert!(browser.is_signed_in().await);
}

/// With the fault, no user is signed in, and the page has the error code.
async fn refused(app: &App, fault: Fault, code: &str) {
    signs_in(app).await;
    app.org.clear_request_log();
    app.org.fault(fault.clone());
    refuses(app, code).await;
}

async fn refuses(app: &App, code: &str) {
    let mut browser = app.browser();
    let answer = browser.sign_in(&app.org, ADA, "/profile").await;
    assert!(answer.body.contains(&format!("Code: {code}<")), "{} {}", answer.status, answer.body);
    assert!(!browser.is_signed_in().await);
    assert!(!browser.jar.contains_key("okta_session"), "{:?}", browser.jar.keys());
}

/// The authorization response is refused before the code is sent to the token endpoint.
async fn refused_before_the_token_request(fault: Fault, code: &str) {
    let app = app().await;
    refused(&app, fault, code).await;
    assert_eq!(app.org.count("/v1/token"), 0);
}

/// The page of a sign-in that cannot start. Nothing about it reaches the browser.
async fn cannot_start(app: &App, code: &str) -> String {
    let mut browser = app.browser();
    let answer = browser.navigate("/profile").await;
    assert!(answer.body.contains(&format!("Code: {code}<")), "{} {}", answer.status, answer.body);
    assert!(browser.jar.is_empty(), "{:?}", browser.jar.keys());
    assert_eq!(app.org.count("/v1/authorize"), 0);
    answer.body
}

async fn accepted(app: &App, fault: Fault) {
    signs_in(app).await;
    app.org.fault(fault);
    signs_in(app).await;
}

/// The header or the claims of a token.
fn part(token: &str, index: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

/// The headers and the claims of the client assertions.
fn assertions(org: &Org) -> Vec<(Value, Value)> {
    let sent = org.request_log().into_iter().filter_map(|request| request.form_field("client_assertion"));
    sent.map(|assertion| (part(&assertion, 0), part(&assertion, 1))).collect()
}

/// The claims of the DPoP proofs, each for its own request.
fn proofs(org: &Org) -> Vec<Value> {
    let with_proof = org.request_log().into_iter().filter(|request| request.header("dpop").is_some());
    let claims = with_proof.map(|request| {
        let (header, claims) = (part(request.header("dpop").unwrap(), 0), part(request.header("dpop").unwrap(), 1));
        assert_eq!((&header["typ"], &header["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
        assert_eq!(claims["htm"], json!(request.method));
        assert_eq!(claims["htu"], json!(format!("{}{}", org.url().trim_end_matches('/'), request.path)));
        claims
    });
    let claims: Vec<_> = claims.collect();
    let ids: BTreeSet<_> = claims.iter().map(|claims| claims["jti"].to_string()).collect();
    assert_eq!(ids.len(), claims.len(), "a `jti` was used twice");
    claims
}

fn last(org: &Org, path: &str) -> Recorded {
    org.request_log().into_iter().rfind(|request| request.path.ends_with(path)).unwrap()
}

/// What every module expects of the client.
fn assert_profile(app: &App) {
    let names: Vec<_> = last(&app.org, "/v1/authorize").query_pairs().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["client_id", "request_uri"]);
    let pushed = last(&app.org, "/v1/par");
    for (name, value) in [("response_type", "code"), ("code_challenge_method", "S256")] {
        assert_eq!(pushed.form_field(name).as_deref(), Some(value));
    }
    assert_eq!(pushed.form_field("code_challenge").map(|challenge| challenge.len()), Some(43));
    assert!(pushed.form_field("nonce").is_some_and(|nonce| nonce.len() <= 64));
    let assertions = assertions(&app.org);
    for (header, claims) in &assertions {
        assert_eq!(header["alg"], "ES256");
        assert_eq!(claims["aud"], json!(app.org.issuer()), "a string, and never the endpoint");
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("0oaweb"), &json!("0oaweb")));
        let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert!((1..=300).contains(&lifetime), "{lifetime}");
    }
    let jtis: BTreeSet<_> = assertions.iter().map(|(_, claims)| claims["jti"].to_string()).collect();
    assert!(jtis.len() == assertions.len() && jtis.len() >= 2, "{jtis:?}");
    assert!(last(&app.org, "/v1/token").header("dpop").is_some());
    assert!(!proofs(&app.org).is_empty());
}

#[tokio::test]
async fn happy_path() {
    let app = app().await;
    for _ in 0..2 {
        signs_in(&app).await;
        assert_profile(&app);
    }
}

/// The server never asks for a nonce.
#[tokio::test]
async fn happy_path_no_dpop_nonce() {
    let app = app().await;
    app.org.fault(Fault::Dpop(DpopFault::NonceOptional));
    signs_in(&app).await;
    assert_profile(&app);
    assert!(proofs(&app.org).iter().all(|proof| proof.get("nonce").is_none()));
}

/// The token endpoint and the resource ask for a nonce, and each request is repeated once.
#[tokio::test]
async fn happy_path_with_dpop_nonces() {
    let app = app_with(|config| config.userinfo(Userinfo::Always)).await;
    app.org.fault(Fault::Dpop(DpopFault::ResourceNonce));
    signs_in(&app).await;
    assert_profile(&app);
    let with_nonce = proofs(&app.org).iter().filter(|proof| proof.get("nonce").is_some()).count();
    assert_eq!((with_nonce, app.org.count("/v1/token"), app.org.count("/v1/userinfo")), (2, 2, 2));
    let userinfo = last(&app.org, "/v1/userinfo");
    assert!(userinfo.header("authorization").is_some_and(|sent| sent.starts_with("DPoP ")));
    assert_eq!(userinfo.query, "", "the token is in the header alone");
}

/// The access token has expired, so the resource would refuse it: the refresh token, which changes each time, brings
/// another one for the same key. Twice.
#[tokio::test]
async fn refresh_token_test() {
    let app = app_with(|config| config.scopes("openid profile email offline_access")).await;
    let mut browser = app.browser();
    browser.sign_in(&app.org, ADA, "/profile").await;
    let mut tokens = vec![browser.fetch("/token").await.body];
    for round in 1..=2 {
        app.org.clock().advance(LIFETIME);
        tokens.push(browser.fetch("/token").await.body);
        assert_eq!(app.org.refreshes().granted, round);
    }
    assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2], "{tokens:?}");
    let keys: BTreeSet<_> = tokens.iter().map(|token| part(token, 1)["cnf"]["jkt"].to_string()).collect();
    assert!(keys.len() == 1 && keys.first().unwrap().len() == 45, "{keys:?}");
    assert_profile(&app);
}

/// A server that does not bind its tokens is refused.
#[tokio::test]
async fn tokens_that_are_not_bound_to_the_key() {
    for fault in [DpopFault::Ignored, DpopFault::TokenTypeBearer, DpopFault::OtherKey, DpopFault::NoConfirmation] {
        refused(&app().await, Fault::Dpop(fault), "provider_response").await;
    }
}

#[tokio::test]
async fn rs_dpop_auth_scheme_case_insensitivity() {
    let app = app_with(|config| config.userinfo(Userinfo::Always)).await;
    app.org.fault(Fault::Dpop(DpopFault::ResourceNonce));
    accepted(&app, Fault::Dpop(DpopFault::ChallengeCase)).await;
    assert_eq!(last(&app.org, "/v1/userinfo").status, Some(200));
}

macro_rules! refuses {
    ($($name:ident: $fault:expr => $code:literal;)*) => {
        $(#[tokio::test] async fn $name() { refused(&app().await, $fault, $code).await; })*
    };
}

refuses! {
    invalid_iss: Fault::IdTokenIssuer => "token_claim";
    invalid_missing_iss: Fault::IdTokenClaim("iss".to_owned(), Value::Null) => "token_claim";
    invalid_aud: Fault::IdTokenAudience => "token_claim";
    invalid_missing_aud: Fault::IdTokenNoAudience => "token_claim";
    invalid_secondary_aud: Fault::IdTokenExtraAudience => "token_claim";
    invalid_missing_exp: Fault::IdTokenNoExp => "token_claim";
    invalid_expired_exp: Fault::IdTokenExpired => "token_expired";
    invalid_nonce: Fault::IdTokenNonce => "token_claim";
    invalid_missing_nonce: Fault::IdTokenNoNonce => "token_claim";
    invalid_null_alg: Fault::IdTokenAlgNone => "token_malformed";
    invalid_signature: Fault::IdTokenBadSignature => "token_signature";
    an_algorithm_outside_of_the_profile: Fault::IdTokenAlgEs384 => "token_algorithm";
}

macro_rules! accepts {
    ($($name:ident: $fault:expr;)*) => {
        $(#[tokio::test] async fn $name() { accepted(&app().await, $fault).await; })*
    };
}

accepts! {
    valid_aud_as_array: Fault::IdTokenAudienceArray;
    token_endpoint_response_without_expires_in: Fault::TokenNoExpiresIn;
    token_type_case_insensitivity: Fault::Dpop(DpopFault::TokenTypeCase);
    decoy_keys_with_the_same_kid: Fault::KeysDecoys;
    id_tokens_with_es256: Fault::IdTokenAlgEs256;
    id_tokens_with_ed25519: Fault::IdTokenAlgEdDsa;
}

/// RS256 with a published key, where only the algorithm is wrong.
#[tokio::test]
async fn invalid_alternate_alg() {
    let app = app().await;
    signs_in(&app).await;
    app.org.clear_faults();
    short_lived_requests(&app.org);
    refuses(&app, "token_algorithm").await;
}

#[tokio::test]
async fn discovery_issuer_mismatch() {
    let app = app().await;
    app.org.fault(Fault::DiscoveryIssuer);
    cannot_start(&app, "issuer_mismatch").await;
    assert_eq!(app.org.count("/v1/par"), 0);
}

#[tokio::test]
async fn invalid_authorization_response_iss() {
    let issuer = app().await.org.issuer();
    for wrong in ["https://evil.example".to_owned(), format!("{issuer}/"), String::new()] {
        refused_before_the_token_request(Fault::AuthorizeIss(wrong), "response_issuer").await;
    }
}

#[tokio::test]
async fn remove_authorization_response_iss() {
    refused_before_the_token_request(Fault::AuthorizeNoIss, "response_issuer").await;
}

/// An error response without `iss` is refused too, because another server may have sent it.
#[tokio::test]
async fn an_error_response_without_iss() {
    let app = app().await;
    let (error, description) = ("access_denied".to_owned(), "From the test.".to_owned());
    app.org.fault(Fault::AuthorizeError { error, description });
    refuses(&app, "authorization_refused").await;
    app.org.fault(Fault::AuthorizeNoIss);
    refuses(&app, "response_issuer").await;
}

#[tokio::test]
async fn ensure_authorization_response_with_invalid_state_fails() {
    refused_before_the_token_request(Fault::AuthorizeState, "attempt_unknown").await;
}

#[tokio::test]
async fn ensure_authorization_response_with_invalid_missing_state_fails() {
    refused_before_the_token_request(Fault::AuthorizeNoState, "callback_malformed").await;
}

/// A server without a part of the profile is refused before anything is sent to it.
#[tokio::test]
async fn metadata_without_a_part_of_the_profile() {
    for (name, value) in [
        ("authorization_response_iss_parameter_supported", Value::Null),
        ("pushed_authorization_request_endpoint", Value::Null),
        ("token_endpoint_auth_methods_supported", json!(["client_secret_basic"])),
        ("dpop_signing_alg_values_supported", json!(["RS256"])),
    ] {
        let app = app().await;
        app.org.fault(Fault::DiscoveryMember(name.to_owned(), value));
        cannot_start(&app, "metadata_invalid").await;
        assert_eq!(app.org.count("/v1/par"), 0, "{name}");
    }
}

/// An attacker who changes the metadata while a user signs in must not switch the check off.
#[tokio::test]
async fn iss_is_required_even_if_the_metadata_no_longer_promise_it() {
    let app = app().await;
    signs_in(&app).await;
    app.org.clock().advance(Duration::from_secs(24 * 3600 - 60));
    let mut browser = app.browser();
    let authorize = browser.navigate("/profile").await.location().to_owned();
    app.org.fault(Fault::AuthorizeNoIss);
    app.org.fault(Fault::DiscoveryMember("authorization_response_iss_parameter_supported".to_owned(), Value::Null));
    app.org.clock().advance(Duration::from_secs(120));
    // The metadata is fetched again in the background.
    for _ in 0..100 {
        if app.browser().navigate("/profile").await.body.contains("Code: metadata_invalid<") {
            break;
        }
    }
    let answer = browser.complete(&app.org, &authorize, ADA).await;
    assert!(answer.body.contains("Code: response_issuer<"), "{} {}", answer.status, answer.body);
    assert!(!browser.is_signed_in().await);
}

/// At Okta a request URI lives for an hour; the profile requires less than ten minutes.
#[tokio::test]
async fn a_request_uri_that_lives_too_long() {
    let app = app().await;
    app.org.clear_faults();
    cannot_start(&app, "provider_response").await;
}

fn config() -> ConfigBuilder {
    ConfigBuilder::default().issuer("https://idp.example").client_id("app").base_url("https://app.example").fapi2()
}

fn key() -> PrivateKey {
    PrivateKey::from_pem(ClientKey::generate().unwrap().private_pem(), None).unwrap()
}

fn problem(config: ConfigBuilder) -> String {
    let error = config.build().unwrap_err();
    assert_eq!(error.code(), Code::ConfigInvalid);
    error.to_string()
}

#[test]
fn okta_is_refused_at_start_with_the_reason() {
    for issuer in [
        "https://acme.okta.com",
        "https://acme.okta.com/oauth2/default",
        "https://acme.oktapreview.com/oauth2/default",
        "https://acme.okta-emea.com",
    ] {
        let message = problem(config().private_key(key()).issuer(issuer));
        for reason in ["OKTA_ISSUER_URI: Okta does not implement FAPI 2.0", "`iss`", "audience", "remove `fapi2()`"] {
            assert!(message.contains(reason), "{issuer}: {message}");
        }
    }
    let message = problem(config().private_key(key()).accept_issuer("https://acme.okta.com/oauth2/default"));
    assert!(message.contains("Okta does not implement FAPI 2.0"), "{message}");
    config().private_key(key()).build().expect("another provider");
    config().private_key(key()).issuer("https://okta.com.example/okta.com").build().expect("another provider");
}

#[test]
fn a_client_without_a_private_key_is_an_error_at_start() {
    let secret = "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa";
    assert!(problem(config()).contains("OKTA_PRIVATE_KEY: FAPI 2.0 clients authenticate with `private_key_jwt`"));
    for with_secret in [
        config().client_secret(secret),
        config().client_secret(secret).client_secret_in_body(),
        config().client_secret(secret).client_secret_jwt(),
        config().client_secret(secret).api_only(),
    ] {
        assert!(problem(with_secret).contains("and not with a secret; set OKTA_PRIVATE_KEY instead"));
    }
    config().api_only().build().expect("an API authenticates nowhere");
}

#[test]
fn other_algorithms_are_an_error_at_start() {
    for wrong in [&["RS256", "PS256"][..], &["RS256"], &["ES384"], &["RS512"]] {
        let message = problem(config().private_key(key()).algorithms(wrong.iter().copied()));
        assert!(message.contains("OKTA_ALGORITHMS: FAPI 2.0 allows only PS256, ES256, EdDSA"), "{message}");
    }
    for name in ["EdDSA", "Ed25519"] {
        config().private_key(key()).algorithms([name]).build().unwrap();
    }
    let rsa = ClientKey::generate_for_encryption(JweAlgorithm::RsaOaep256).unwrap();
    let pem = PrivateKey::from_pem(rsa.private_pem(), None).unwrap();
    config().private_key(pem).build().expect("it signs with PS256");
}

#[test]
fn a_leeway_of_more_than_a_minute_is_an_error_at_start() {
    let leeway = |seconds| config().private_key(key()).leeway(Duration::from_secs(seconds));
    leeway(60).build().unwrap();
    assert!(problem(leeway(61)).contains("leeway: FAPI 2.0 tolerates a clock skew of one minute at most"));
}

#[test]
fn dpop_that_is_not_required_is_an_error_at_start() {
    let message = "OKTA_DPOP: FAPI 2.0 requires tokens that are bound to a key";
    for config in [config().dpop(false), config().dpop_auto()] {
        assert!(problem(config.private_key(key())).contains(message));
    }
    for value in ["off", "auto", "on"] {
        let config = ConfigBuilder::from_variables([("OKTA_DPOP", value)]).issuer("https://idp.example");
        let built = config.client_id("app").private_key(key()).fapi2().build();
        assert_eq!(built.is_err_and(|error| error.to_string().contains(message)), value != "on");
    }
    config().private_key(key()).dpop(true).build().unwrap();
}

#[test]
fn many_tenants_are_an_error_at_start() {
    let tenants = Tenants::builder(config().private_key(key()).into()).resolve(Resolver::Host).build();
    assert!(tenants.unwrap_err().to_string().contains("fapi2: FAPI 2.0 is not supported with many tenants"));
}
