//! Encrypted ID tokens (RFC 7516) as a client.

use std::time::Duration;

use aws_lc_rs::agreement;
use aws_lc_rs::encoding::{AsBigEndian as _, EcPrivateKeyBin};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::error::Code;
use okta_auth_core::multi_tenant::{Resolver, Tenants};
use okta_auth_dev::{Client, ClientKey, Fault, JweAlgorithm, JweFault, Org};
use serde_json::{Value, json};

use crate::support::{ADA, App, AppBuilder};

const SECRET: &str = "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa";
const ALL: [JweAlgorithm; 4] =
    [JweAlgorithm::RsaOaep256, JweAlgorithm::RsaOaep384, JweAlgorithm::RsaOaep512, JweAlgorithm::EcdhEsA256Kw];

/// An app with these private keys, at an org that encrypts for `key`.
async fn start_with(algorithm: JweAlgorithm, key: &ClientKey, keys: Vec<String>) -> App {
    let client = Client::web("0oaweb", SECRET).id_token_encrypted_response_alg(algorithm, key.public_jwk());
    let org = Org::builder()
        .rfc_extensions(true)
        .access_token_lifetime(Duration::from_secs(60))
        .client(client)
        .start()
        .await
        .unwrap();
    let issuer = org.issuer();
    let configure = move |own: ConfigBuilder| {
        let base = own.build().unwrap().base_url().to_string();
        let config = ConfigBuilder::default().issuer(issuer).client_id("0oaweb").client_secret(SECRET).base_url(base);
        let config = config.cookie_secret(crate::support::SECRET).scopes("openid profile email offline_access");
        keys.into_iter().fold(config, ConfigBuilder::id_token_decryption_key)
    };
    AppBuilder::default().org(org).configure(configure).start().await
}

async fn app(algorithm: JweAlgorithm) -> App {
    let key = ClientKey::generate_for_encryption(algorithm).unwrap();
    start_with(algorithm, &key, vec![key.private_pem().to_owned()]).await
}

/// The code on the page of a sign-in that fails.
async fn fails(app: &App) -> String {
    let mut browser = app.browser();
    let answer = browser.sign_in(&app.org, ADA, "/profile").await;
    assert!(!browser.is_signed_in().await);
    let codes = ["token_encrypted", "token_algorithm", "token_header", "token_malformed", "provider_response"];
    let code = codes.into_iter().find(|code| answer.body.contains(code)).unwrap_or_else(|| panic!("{}", answer.body));
    code.to_owned()
}

#[tokio::test]
async fn every_algorithm_signs_in_refreshes_and_signs_out_with_the_signed_token_inside() {
    for algorithm in ALL {
        let app = app(algorithm).await;
        let mut browser = app.browser();
        assert_eq!(browser.sign_in(&app.org, ADA, "/profile").await.location(), "/profile", "{algorithm:?}");
        app.org.clock().advance(Duration::from_secs(61));
        assert!(browser.is_signed_in().await, "{algorithm:?}");
        assert_eq!(app.org.refreshes().granted, 1, "{algorithm:?}");
        let end_session = browser.post("/logout", "").await.location().to_owned();
        let hint = end_session.split("id_token_hint=").nth(1).unwrap().split('&').next().unwrap();
        assert_eq!(hint.split('.').count(), 3, "OIDC Core §3.1.2.1: the decrypted token");
    }
}

#[tokio::test]
async fn an_attack_on_the_encryption_starts_no_session() {
    let faults: [(JweFault, &str); 17] = [
        (JweFault::NotEncrypted, "token_encrypted"),
        (JweFault::Rsa15, "token_algorithm"),
        (JweFault::RsaOaepSha1, "token_algorithm"),
        (JweFault::A128Gcm, "token_algorithm"),
        (JweFault::Header("enc".to_owned(), json!("A128CBC-HS256")), "token_algorithm"),
        (JweFault::Header("alg".to_owned(), json!("dir")), "token_algorithm"),
        (JweFault::Header("cty".to_owned(), json!("json")), "token_header"),
        (JweFault::Zip, "token_header"),
        (JweFault::Critical, "token_header"),
        (JweFault::AlgSwap, "token_encrypted"),
        (JweFault::WrongKey, "token_encrypted"),
        (JweFault::BadTag, "token_encrypted"),
        (JweFault::HeaderNotAuthenticated, "token_encrypted"),
        (JweFault::ShortIv, "token_encrypted"),
        (JweFault::ShortTag, "token_encrypted"),
        (JweFault::SixParts, "token_malformed"),
        (JweFault::Huge, "provider_response"),
    ];
    let app = app(JweAlgorithm::RsaOaep256).await;
    for (fault, code) in faults {
        app.org.clear_faults();
        app.org.fault(Fault::Jwe(fault.clone()));
        assert_eq!(fails(&app).await, code, "{fault:?}");
    }
    app.org.clear_faults();
    assert_eq!(app.browser().sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
}

/// Encryption proves nothing about the sender, because the key is public.
#[tokio::test]
async fn the_token_inside_is_verified() {
    for algorithm in [JweAlgorithm::RsaOaep256, JweAlgorithm::EcdhEsA256Kw] {
        let app = app(algorithm).await;
        for (fault, code) in [
            (JweFault::NestedNone, "token_malformed"),
            (JweFault::NestedClaims, "token_malformed"),
            (JweFault::NestedTwice, "token_encrypted"),
        ] {
            app.org.clear_faults();
            app.org.fault(Fault::Jwe(fault.clone()));
            assert_eq!(fails(&app).await, code, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn an_ephemeral_key_that_is_not_on_the_curve_is_refused() {
    let app = app(JweAlgorithm::EcdhEsA256Kw).await;
    for fault in [
        JweFault::PointNotOnCurve,
        JweFault::WrongKey,
        JweFault::Header("epk".to_owned(), json!(null)),
        JweFault::Header("apu".to_owned(), json!("QWxpY2U")),
    ] {
        app.org.clear_faults();
        app.org.fault(Fault::Jwe(fault.clone()));
        assert_eq!(fails(&app).await, "token_encrypted", "{fault:?}");
    }
}

/// The failure of the key and that of the content are one error, so an attacker learns nothing from it (RFC 7516 §11.5).
#[tokio::test]
async fn all_failures_of_the_decryption_are_one_error() {
    let app = app(JweAlgorithm::RsaOaep256).await;
    let token = |fault: JweFault| {
        app.org.clear_faults();
        app.org.fault(Fault::Jwe(fault));
    };
    let mut messages = Vec::new();
    for fault in [JweFault::WrongKey, JweFault::AlgSwap, JweFault::BadTag, JweFault::ShortIv, JweFault::ShortTag] {
        token(fault);
        let mut browser = app.browser();
        let answer = browser.sign_in(&app.org, ADA, "/profile").await;
        messages.push((answer.status, answer.body.contains("token_encrypted"), answer.body.len()));
    }
    assert!(messages.iter().all(|message| *message == messages[0] && message.1), "{messages:?}");
}

/// While the public key at Okta changes, tokens for both keys are accepted; `kid` tells the keys apart.
#[tokio::test]
async fn keys_rotate() {
    let generate = || ClientKey::generate_for_encryption(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let (old, new) = (generate(), generate());
    let rsa = ClientKey::generate_for_encryption(JweAlgorithm::RsaOaep256).unwrap();
    let both = json!({"keys": [private_jwk(&old), private_jwk(&new)]}).to_string();
    for key in [&old, &new] {
        let app = start_with(JweAlgorithm::EcdhEsA256Kw, key, vec![both.clone(), rsa.private_pem().to_owned()]).await;
        assert_eq!(app.browser().sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
        for fault in [JweFault::UnknownKid, JweFault::NoKid] {
            app.org.clear_faults();
            app.org.fault(Fault::Jwe(fault.clone()));
            assert_eq!(fails(&app).await, "token_encrypted", "{fault:?}: it could be either key");
        }
    }
    let only = app(JweAlgorithm::RsaOaep384).await;
    only.org.fault(Fault::Jwe(JweFault::NoKid));
    assert_eq!(only.browser().sign_in(&only.org, ADA, "/profile").await.location(), "/profile");
    let ambiguous = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oaweb");
    let ambiguous = ambiguous.id_token_decryption_key(old.private_pem()).id_token_decryption_key(new.private_pem());
    assert!(ambiguous.build().unwrap_err().to_string().contains("`kid`"));
}

fn private_jwk(key: &ClientKey) -> Value {
    let pem: String = key.private_pem().lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(pem).unwrap();
    let private = agreement::PrivateKey::from_private_key_der(&agreement::ECDH_P256, &der).unwrap();
    let d: EcPrivateKeyBin<'_> = private.as_be_bytes().unwrap();
    let mut jwk = key.public_jwk();
    jwk["d"] = json!(URL_SAFE_NO_PAD.encode(d.as_ref()));
    jwk
}

#[tokio::test]
async fn without_a_key_an_encrypted_token_is_refused_as_before() {
    let key = ClientKey::generate_for_encryption(JweAlgorithm::RsaOaep256).unwrap();
    assert_eq!(fails(&start_with(JweAlgorithm::RsaOaep256, &key, Vec::new()).await).await, "token_encrypted");
}

/// The key belongs to one client, so the application does not start, instead of failing at a tenant's first request.
#[test]
fn many_tenants_with_a_key_are_an_error_at_start() {
    let file = std::env::temp_dir().join("okta-auth-no-such-key.pem");
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let common = [
        variable("OKTA_TENANTS", "acme"),
        variable("OKTA_ACME_ISSUER_URI", "https://acme.okta.com"),
        variable("OKTA_ACME_CLIENT_ID", "0oaacme"),
        variable("OKTA_ACME_CLIENT_SECRET", SECRET),
        variable("OKTA_BASE_URL", "https://app.example.com"),
        variable("OKTA_COOKIE_SECRET", crate::support::SECRET),
    ];
    Tenants::from_variables(common.clone()).expect("the control");
    let key = ClientKey::generate_for_encryption(JweAlgorithm::RsaOaep256).unwrap();
    for (name, value) in [
        ("OKTA_ID_TOKEN_DECRYPTION_KEY", key.private_pem()),
        ("OKTA_ID_TOKEN_DECRYPTION_KEY_FILE", file.to_str().unwrap()),
    ] {
        let error = Tenants::from_variables(common.iter().cloned().chain([variable(name, value)])).unwrap_err();
        assert_eq!(error.code(), Code::ConfigInvalid);
        let message = format!("{name}: encrypted ID tokens are not supported with many tenants; remove the key");
        assert!(error.to_string().contains(&message), "{error}");
    }
    let shared = ConfigBuilder::from_variables(common).id_token_decryption_key(key.private_pem());
    let tenants = Tenants::builder(shared.into()).resolve(Resolver::Host).build();
    assert!(tenants.unwrap_err().to_string().contains("not supported with many tenants"));
}
