//! Signed authorization requests (RFC 9101) as a client.

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_auth_core::config::{ConfigBuilder, PrivateKey};
use okta_auth_core::engine::RequestContext;
use okta_auth_core::login::{LoginOptions, ReturnTo};
use okta_auth_dev::{Client, ClientKey, Endpoint, Fault, JweAlgorithm, Org, Outage, ParFault, Response};
use serde_json::{Value, json};

use crate::support::{ADA, App, AppBuilder};

const SECRET: &str = "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa";

/// An app with a key for ES256, at an org that accepts only signed requests.
async fn with_key(change: fn(ConfigBuilder) -> ConfigBuilder) -> App {
    let key = ClientKey::generate().unwrap();
    with_keys("ES256", key.public_jwk(), &key, change).await
}

/// An app with a key for RS256.
async fn with_rsa_key(change: fn(ConfigBuilder) -> ConfigBuilder) -> App {
    let key = ClientKey::generate_for_encryption(JweAlgorithm::RsaOaep256).unwrap();
    let mut jwk = key.public_jwk();
    (jwk["use"], jwk["alg"]) = (json!("sig"), json!("RS256"));
    with_keys("RS256", jwk, &key, change).await
}

async fn with_keys(algorithm: &str, jwk: Value, key: &ClientKey, change: fn(ConfigBuilder) -> ConfigBuilder) -> App {
    let client = Client::web("0oaweb", SECRET).private_key_jwt(jwk).require_signed_request_object(true);
    let org = Org::builder().client(client.request_object_signing_alg(algorithm)).start().await.unwrap();
    let key = PrivateKey::from_pem(key.private_pem(), Some(key.id().to_owned())).unwrap();
    start(org, move |config| change(config.private_key(key))).await
}

/// An app with a secret for HS256, at an org that accepts only signed requests.
async fn with_secret(change: fn(ConfigBuilder) -> ConfigBuilder) -> App {
    let client = Client::web("0oaweb", SECRET).require_signed_request_object(true).request_object_signing_alg("HS256");
    let org = Org::builder().client(client).start().await.unwrap();
    start(org, move |config| change(config.client_secret(SECRET))).await
}

async fn start(org: Org, change: impl FnOnce(ConfigBuilder) -> ConfigBuilder + Send + 'static) -> App {
    let issuer = org.issuer();
    let configure = move |own: ConfigBuilder| {
        let base = own.build().unwrap().base_url().to_string();
        let config = ConfigBuilder::default().issuer(issuer).client_id("0oaweb").base_url(base);
        change(config.cookie_secret(crate::support::SECRET))
    };
    let step_up = get(|Extension(context): Extension<RequestContext>| async move {
        let options = LoginOptions::new(ReturnTo::root()).with_max_age(Duration::from_secs(300));
        context.start_login(&options).await.map(Body::from)
    });
    let routes = crate::support::routes().route("/strong", step_up);
    AppBuilder::default().org(org).routes(routes).configure(configure).start().await
}

fn pairs(url: &str) -> Vec<(String, String)> {
    url::Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

fn param(url: &str, name: &str) -> String {
    pairs(url).into_iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{url}")).1
}

/// A part of the object: its header or its claims.
fn part(object: &str, index: usize) -> Value {
    let part = object.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The page of the org for an authorization request that it rejects.
async fn rejection(app: &App, url: &str) -> String {
    match app.org.sign_in(url, ADA).await.unwrap() {
        Response::Page { body, .. } => body,
        Response::Redirect(location) => pairs(&location).into_iter().map(|(_, value)| value).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_key_or_the_secret_signs_the_request() {
    for (app, algorithm) in [
        (with_key(ConfigBuilder::signed_requests).await, "ES256"),
        (with_rsa_key(ConfigBuilder::signed_requests).await, "RS256"),
        (with_secret(ConfigBuilder::signed_requests).await, "HS256"),
    ] {
        let mut browser = app.browser();
        let authorize = browser.navigate("/profile").await.location().to_owned();
        let names: Vec<_> = pairs(&authorize).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["client_id", "response_type", "scope", "request"], "OIDC Core §6.1");
        let object = param(&authorize, "request");
        let (header, claims) = (part(&object, 0), part(&object, 1));
        assert_eq!((&header["alg"], &header["typ"]), (&json!(algorithm), &json!("oauth-authz-req+jwt")));
        assert_eq!((&claims["iss"], &claims["client_id"]), (&json!("0oaweb"), &json!("0oaweb")));
        assert_eq!(claims["aud"], json!(app.org.issuer()), "one server");
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
        assert!(claims.get("sub").is_none(), "it is no client assertion");
        for name in ["state", "nonce", "code_challenge", "redirect_uri", "jti"] {
            assert!(claims[name].as_str().is_some_and(|value| !value.is_empty()), "{name}");
        }
        assert_eq!(browser.complete(&app.org, &authorize, ADA).await.location(), "/profile");
        let again = app.browser().navigate("/profile").await.location().to_owned();
        assert_ne!(part(&param(&again, "request"), 1)["jti"], claims["jti"]);
    }
}

#[tokio::test]
async fn login_parameters_are_signed() {
    let change = |config: ConfigBuilder| config.signed_requests().login_parameter("access_type", "offline");
    let app = with_key(change).await;
    let authorize = app.browser().navigate("/profile").await.location().to_owned();
    let names: Vec<_> = pairs(&authorize).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["client_id", "response_type", "scope", "request"]);
    assert_eq!(part(&param(&authorize, "request"), 1)["access_type"], "offline");
}

/// The object is the request: an attacker who changes the URL around it changes nothing.
#[tokio::test]
async fn a_changed_replayed_or_unsigned_request_starts_no_sign_in() {
    let app = with_key(ConfigBuilder::signed_requests).await;
    let authorize = || async { app.browser().navigate("/profile").await.location().to_owned() };
    let with = |url: &str, object: &str| url.replace(&param(url, "request"), object);

    let url = authorize().await;
    let object = param(&url, "request");
    let (head, rest) = object.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let mut other: Value = part(&object, 1);
    other["scope"] = json!("openid admin");
    let other = URL_SAFE_NO_PAD.encode(other.to_string());
    assert!(rejection(&app, &with(&url, &format!("{head}.{other}.{signature}"))).await.contains("signature"));
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    assert!(rejection(&app, &with(&url, &format!("{none}.{claims}."))).await.contains("invalid_request_object"));
    // The public key as the secret of an HMAC.
    let hmac = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
    assert!(rejection(&app, &with(&url, &format!("{hmac}.{claims}.{signature}"))).await.contains("not supported"));

    let url =
        format!("{}&scope=openid%20admin&state=forged", authorize().await.replace("&scope=openid", "&ignored=openid"));
    let Response::Redirect(callback) = app.org.sign_in(&url, ADA).await.unwrap() else { panic!() };
    assert_ne!(param(&callback, "state"), "forged");
    assert!(rejection(&app, &url).await.contains("already been used"));

    let url = authorize().await;
    app.org.clock().advance(Duration::from_secs(301));
    assert!(rejection(&app, &url).await.contains("expired"));
}

/// An object that one server got is worth nothing at another: the audience is the issuer.
#[tokio::test]
async fn a_request_for_one_server_is_refused_by_another() {
    let app = with_key(ConfigBuilder::signed_requests).await;
    let url = app.browser().navigate("/profile").await.location().to_owned();
    let other = Org::builder().client(app.org.client()).start().await.unwrap();
    let moved = url.replace(&app.org.issuer(), &other.issuer());
    let Response::Page { body, .. } = other.sign_in(&moved, ADA).await.unwrap() else { panic!() };
    assert!(body.contains("audience"), "{body}");
}

#[tokio::test]
async fn the_metadata_switch_it_on() {
    let app = with_key(|config| config).await;
    assert!(!app.browser().navigate("/profile").await.location().contains("request="));
    let app = with_key(|config| config).await;
    app.org.fault(Fault::DiscoveryMember("require_signed_request_object".to_owned(), json!(true)));
    assert_eq!(app.browser().sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
}

#[tokio::test]
async fn a_public_client_cannot_sign() {
    let org = Org::builder().client(Client::public("0oaweb")).start().await.unwrap();
    let app = start(org, |config| config).await;
    app.org.fault(Fault::DiscoveryMember("require_signed_request_object".to_owned(), json!(true)));
    let answer = app.browser().navigate("/profile").await;
    assert!(answer.status == 502 && answer.body.contains("metadata_invalid"), "{}", answer.body);
}

#[tokio::test]
async fn a_signed_request_is_pushed_and_signed_anew_for_every_attempt() {
    for app in [with_key(|it| it.signed_requests().par()).await, with_secret(|it| it.signed_requests().par()).await] {
        app.org.outage_times(Endpoint::Par, Outage::DropAfter, 1);
        let mut browser = app.browser();
        let authorize = browser.navigate("/strong").await.location().to_owned();
        let names: Vec<_> = pairs(&authorize).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["client_id", "request_uri"]);
        let log = app.org.request_log();
        let pushed: Vec<_> = log.iter().filter(|request| request.path.ends_with("/v1/par")).collect();
        let claims = pushed.iter().map(|request| part(&request.form_field("request").unwrap(), 1)).collect::<Vec<_>>();
        assert_eq!(claims.len(), 2, "the connection broke once");
        assert_ne!(claims[0]["jti"], claims[1]["jti"]);
        assert_eq!((&claims[0]["state"], &claims[0]["max_age"]), (&claims[1]["state"], &json!(300)));
        for name in ["state", "scope", "redirect_uri", "response_type", "code_challenge"] {
            assert_eq!(pushed[0].form_field(name), None, "RFC 9126 §3: {name}");
        }
        assert!(browser.complete(&app.org, &authorize, ADA).await.status.is_redirection());
        assert!(browser.is_signed_in().await);
    }
}

#[tokio::test]
async fn a_refused_request_object_is_explained() {
    let app = with_key(|config| config.signed_requests().par()).await;
    let (error, description) = ("invalid_request_object".to_owned(), "The signature is invalid.".to_owned());
    app.org.fault(Fault::Par(ParFault::Error { status: 400, error, description }));
    let answer = app.browser().navigate("/profile").await;
    assert!(answer.status == 502 && answer.body.contains("token_refused"), "{}", answer.body);
    assert!(!answer.body.contains("request_uri") && app.org.count("/v1/authorize") == 0);
}
