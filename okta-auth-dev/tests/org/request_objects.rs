//! Signed request objects (RFC 9101) at `/authorize` and at `/par`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_auth_dev::{ADA, Client, ClientKey, JweAlgorithm, Org, OrgBuilder, Response};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::support::*;

const SECRET: &str = "a-secret-of-more-than-32-characters";

async fn org_with_key() -> (Org, Signer) {
    let signer = Signer::new();
    let client = Client::web("0oakey", "").private_key_jwt(signer.jwk()).redirect_uri(CALLBACK);
    (Org::builder().client(client).start().await.unwrap(), signer)
}

/// The claims of a fresh request object.
fn object(org: &Org) -> Value {
    let client_id = org.client().client_id;
    let mut claims = assertion_claims(org, &client_id, &org.issuer());
    let claims_only = claims.as_object_mut().unwrap();
    claims_only.remove("sub");
    for (name, value) in [
        ("client_id", client_id.as_str()),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "signed-state"),
        ("nonce", "signed-nonce"),
        ("code_challenge", &challenge(VERIFIER)),
        ("code_challenge_method", "S256"),
    ] {
        claims_only.insert(name.to_owned(), value.into());
    }
    claims["iat"] = now(org).into();
    claims
}

fn url(org: &Org, object: &str, more: &[(&str, &str)]) -> String {
    let client_id = org.client().client_id;
    let pairs = [&[("client_id", client_id.as_str()), ("request", object)], more].concat();
    format!("{}/v1/authorize?{}", org.issuer(), Serializer::new(String::new()).extend_pairs(pairs).finish())
}

fn kid() -> Value {
    json!({"kid": Signer::KEY_ID})
}

fn hmac(algorithm: &str, secret: &str, claims: &Value) -> String {
    let header = json!({"alg": algorithm}).to_string();
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let hash = if algorithm == "HS512" { aws_lc_rs::hmac::HMAC_SHA512 } else { aws_lc_rs::hmac::HMAC_SHA256 };
    let key = aws_lc_rs::hmac::Key::new(hash, secret.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, message.as_bytes())))
}

#[tokio::test]
async fn the_parameters_of_a_signed_request_take_precedence() {
    let (org, signer) = org_with_key().await;
    let forged = [("state", "forged"), ("nonce", "forged"), ("scope", "openid"), ("response_type", "code")];
    let response = org.sign_in(&url(&org, &signer.sign(&kid(), &object(&org)), &forged), ADA).await.unwrap();
    assert_eq!(response.param("state").as_deref(), Some("signed-state"));
    let code = response.param("code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let token_url = format!("{}/v1/token", org.issuer());
    let tokens = post_signed(&org, &signer, "0oakey", &token_url, &fields).json();
    assert_eq!(claims(&tokens["id_token"])["nonce"], "signed-nonce");
    assert_eq!(tokens["scope"], "openid email");
    let typed = signer.sign(&json!({"kid": "k1", "typ": "oauth-authz-req+jwt"}), &object(&org));
    assert!(org.sign_in(&url(&org, &typed, &[]), ADA).await.unwrap().param("code").is_some());
}

#[tokio::test]
async fn a_client_with_a_secret_signs_with_it() {
    let org = Org::builder().client(Client::web("0oaweb", SECRET).redirect_uri(CALLBACK)).start().await.unwrap();
    for algorithm in ["HS256", "HS512"] {
        let response = org.sign_in(&url(&org, &hmac(algorithm, SECRET, &object(&org)), &[]), ADA).await.unwrap();
        assert!(response.param("code").is_some(), "{algorithm}: {response:?}");
    }
    let wrong = org.browser().open(&url(&org, &hmac("HS256", "another", &object(&org)), &[])).await.unwrap();
    assert!(refused(&wrong).contains("The signature of the request object is invalid."));
}

fn refused(response: &Response) -> &str {
    let Response::Page { status: 400, body } = response else { panic!("{response:?}") };
    body
}

/// Checks that a request object is refused: on a page, or at the app if the query has its redirect URI.
async fn check_refused(org: &Org, name: &str, token: &str, error: &str, words: &str) {
    let response = org.browser().open(&url(org, token, &[])).await.unwrap();
    let page = refused(&response);
    assert!(page.contains(error) && page.contains(words), "{name}: {page}");
    let redirect = [("redirect_uri", CALLBACK), ("state", "s")];
    let response = org.browser().open(&url(org, token, &redirect)).await.unwrap();
    assert_eq!(response.param("error").as_deref(), Some(error), "{name}");
}

#[tokio::test]
async fn every_wrong_signature_of_a_request_object_is_refused() {
    let (org, signer) = org_with_key().await;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = format!("{}.{}.", part(&json!({"alg": "none"})), part(&object(&org)));
    let ps256 = format!("{}.{}.AA", part(&json!({"alg": "PS256"})), part(&object(&org)));
    let other = Signer::new().sign(&kid(), &object(&org));
    let unknown = signer.sign(&json!({"kid": "k2"}), &object(&org));
    for (name, token, words) in [
        ("not a JWT", "junk".to_owned(), "The request object cannot be parsed."),
        ("encrypted", "e30.a.b.c.d".to_owned(), "The request object cannot be parsed."),
        ("none", none, "The signature algorithm of the request object is invalid."),
        ("PS256", ps256, "The signature algorithm of the request object is invalid."),
        ("another key", other, "The signature of the request object is invalid."),
        ("unknown kid", unknown, "The JWT kid of the request object is invalid."),
    ] {
        check_refused(&org, name, &token, "invalid_request_object", words).await;
    }
    let by_secret = hmac("HS256", SECRET, &object(&org));
    let words = "The client does not have a client secret";
    check_refused(&org, "secret", &by_secret, "request_not_supported", words).await;
}

#[tokio::test]
async fn every_wrong_claim_of_a_request_object_is_refused() {
    let (org, signer) = org_with_key().await;
    let with = |name: &str, value: Value| {
        let mut claims = object(&org);
        claims[name] = value;
        signer.sign(&kid(), &claims)
    };
    let now = now(&org);
    let replayed = signer.sign(&kid(), &object(&org));
    assert!(org.sign_in(&url(&org, &replayed, &[]), ADA).await.unwrap().param("code").is_some());
    let endpoint = json!(format!("{}/v1/authorize", org.issuer()));
    for (name, token, words) in [
        ("another client", with("client_id", json!("0oaother")), "The authorize request object is invalid."),
        ("audience", with("aud", endpoint), "The audience of the request object is invalid."),
        ("expired", with("exp", json!(now - 1)), "The request object is expired."),
        ("no expiry", with("exp", json!(null)), "The request object is expired."),
        ("long", with("exp", json!(now + 3700)), "The request object expires too far in the future."),
        ("future", with("iat", json!(now + 90)), "The request object is issued in the future."),
        ("not before", with("nbf", json!(now + 90)), "The request object is issued too early."),
        ("replay", replayed, "The request object has already been used."),
    ] {
        check_refused(&org, name, &token, "invalid_request_object", words).await;
    }
    for (name, issuer) in [("issuer", json!("0oaother")), ("no issuer", json!(null))] {
        let words = "The issuer of the request object is invalid.";
        check_refused(&org, name, &with("iss", issuer), "invalid_client", words).await;
    }
}

#[tokio::test]
async fn unusable_keys_of_a_client_are_reported() {
    let (org, signer) = org_with_key().await;
    let with = |name: &str, value: Value| {
        let mut jwk = signer.jwk();
        jwk[name] = value;
        Client::web("0oakey", "").private_key_jwt(jwk).redirect_uri(CALLBACK)
    };
    let keyless = Client::web("0oakey", SECRET).redirect_uri(CALLBACK);
    for (client, words) in [
        (keyless, "The client does not have a JWKSet configured"),
        (with("kty", json!(null)), "The client JWKSet is invalid."),
        (with("use", json!("enc")), "The request object needs to be signed using a signing key."),
        (with("use", json!("tls")), "parameter. Valid values for the"),
        (
            with("kid", json!("k1")).request_object_signing_alg("RS256"),
            "The signing algorithm used is not supported by this client.",
        ),
    ] {
        org.put_client(client);
        let response = org.browser().open(&url(&org, &signer.sign(&kid(), &object(&org)), &[])).await.unwrap();
        assert!(refused(&response).contains(words), "{words}: {response:?}");
    }
    org.put_client(Client::web("0oakey", "short").redirect_uri(CALLBACK));
    let response = org.browser().open(&url(&org, &hmac("HS256", "short", &object(&org)), &[])).await.unwrap();
    assert!(refused(&response).contains("The JWT signature secret length is too short."));
}

#[tokio::test]
async fn a_key_for_encryption_signs_nothing() {
    let (org, signer) = org_with_key().await;
    let encryption = ClientKey::generate_for_encryption(JweAlgorithm::RsaOaep256).unwrap();
    let client = org.client().id_token_encrypted_response_alg(JweAlgorithm::RsaOaep256, encryption.public_jwk());
    org.put_client(client);
    let without_kid = signer.sign(&json!({}), &object(&org));
    assert!(org.sign_in(&url(&org, &without_kid, &[]), ADA).await.unwrap().param("code").is_some());
    let named = signer.sign(&json!({"kid": encryption.id()}), &object(&org));
    let response = org.browser().open(&url(&org, &named, &[])).await.unwrap();
    assert!(refused(&response).contains("needs to be signed using a signing key."));
}

#[tokio::test]
async fn a_request_object_can_be_pushed_and_a_client_can_be_required_to_sign() {
    let (org, signer) = org_with_key().await;
    org.put_client(org.client().require_signed_request_object(true).require_pushed_authorization_requests(true));
    let par = format!("{}/v1/par", org.issuer());
    let unsigned = [("redirect_uri", CALLBACK), ("response_type", "code"), ("scope", "openid"), ("state", "s")];
    let answer = post_signed(&org, &signer, "0oakey", &par, &unsigned);
    assert_eq!(refusal(&answer).2, "A signed request object is required by the application.");
    let request = signer.sign(&kid(), &object(&org));
    let answer = post_signed(&org, &signer, "0oakey", &par, &[("request", &request)]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let uri = answer.json()["request_uri"].as_str().unwrap().to_owned();
    let query = encode(&[("client_id", "0oakey"), ("request_uri", &uri)]);
    let response = org.sign_in(&format!("{}/v1/authorize?{query}", org.issuer()), ADA).await.unwrap();
    assert_eq!(response.param("state").as_deref(), Some("signed-state"));
    let again = post_signed(&org, &signer, "0oakey", &par, &[("request", &request)]);
    assert_eq!(refusal(&again).2, "The request object has already been used.");
    let builder = OrgBuilder::from_variables([("OKTA_DEV_SIGNED_REQUESTS", "true")]).unwrap();
    assert!(builder.start().await.unwrap().client().require_signed_request_object);
}
