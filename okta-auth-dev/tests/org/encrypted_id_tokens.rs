//! Encrypted ID tokens (RFC 7516), opened with code that shares nothing with the org's.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap as _};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm,
    OaepPrivateDecryptingKey, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use okta_auth_dev::{Client, ClientKey, Fault, JweAlgorithm, JweFault, Org, OrgBuilder};
use serde_json::{Value, json};

use crate::support::*;

async fn org(algorithm: JweAlgorithm) -> (Org, ClientKey) {
    let key = ClientKey::generate_for_encryption(algorithm).unwrap();
    let client = Client::web("0oaweb", "a-secret").redirect_uri(CALLBACK);
    let client = client.id_token_encrypted_response_alg(algorithm, key.public_jwk());
    (Org::builder().client(client).rfc_extensions(true).start().await.unwrap(), key)
}

async fn id_token(org: &Org) -> String {
    let body = tokens(org, "openid email").await.json();
    body["id_token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn jose_header(token: &str) -> Value {
    serde_json::from_slice(&decode(token.split('.').next().unwrap())).unwrap()
}

/// Decrypts with the algorithms of the header; `None` if the token is not for the key.
fn open(key: &ClientKey, token: &str) -> Option<Vec<u8>> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, encrypted, iv, content, tag] = parts.as_slice() else { return None };
    let names = jose_header(token);
    let content_key = content_key(key, &names, &decode(encrypted))?;
    let cipher = if names["enc"] == "A128GCM" { &AES_128_GCM } else { &AES_256_GCM };
    let opening = LessSafeKey::new(UnboundKey::new(cipher, &content_key).ok()?);
    let mut sealed = [decode(content), decode(tag)].concat();
    let nonce = Nonce::try_assume_unique_for_key(&decode(iv)).ok()?;
    Some(opening.open_in_place(nonce, Aad::from(header.as_bytes()), &mut sealed).ok()?.to_vec())
}

fn content_key(key: &ClientKey, header: &Value, encrypted: &[u8]) -> Option<Vec<u8>> {
    let lines: String = key.private_pem().lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(lines).unwrap();
    let oaep: &OaepAlgorithm = match header["alg"].as_str().unwrap() {
        "RSA-OAEP-256" => &OAEP_SHA256_MGF1SHA256,
        "RSA-OAEP-384" => &OAEP_SHA384_MGF1SHA384,
        "RSA-OAEP-512" => &OAEP_SHA512_MGF1SHA512,
        "RSA-OAEP" => &OAEP_SHA1_MGF1SHA1,
        "RSA1_5" => {
            let private = Pkcs1PrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(&der).unwrap()).unwrap();
            let mut output = vec![0; private.min_output_size()];
            return Some(private.decrypt(encrypted, &mut output).ok()?.to_vec());
        }
        "ECDH-ES+A256KW" => return unwrap(&der, &header["epk"], encrypted),
        other => panic!("{other}"),
    };
    let private = OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(&der).unwrap()).unwrap();
    let mut output = vec![0; private.min_output_size()];
    Some(private.decrypt(oaep, encrypted, &mut output, None).ok()?.to_vec())
}

fn unwrap(der: &[u8], epk: &Value, encrypted: &[u8]) -> Option<Vec<u8>> {
    let private = PrivateKey::from_private_key_der(&ECDH_P256, der).unwrap();
    let member = |name: &str| decode(epk[name].as_str().unwrap());
    let peer = UnparsedPublicKey::new(&ECDH_P256, [vec![4], member("x"), member("y")].concat());
    let key = agree(&private, peer, (), |secret| {
        let name = b"ECDH-ES+A256KW";
        let input = [&[0, 0, 0, 1], secret, &[0, 0, 0, 14], name, &[0; 8], &[0, 0, 1, 0]].concat();
        Ok(digest(&SHA256, &input).as_ref().to_vec())
    });
    let mut output = vec![0; encrypted.len()];
    Some(AesKek::new(&AES_256, &key.ok()?).unwrap().unwrap(encrypted, &mut output).ok()?.to_vec())
}

#[tokio::test]
async fn each_algorithm_encrypts_a_signed_token_for_the_registered_key() {
    for algorithm in
        [JweAlgorithm::RsaOaep256, JweAlgorithm::RsaOaep384, JweAlgorithm::RsaOaep512, JweAlgorithm::EcdhEsA256Kw]
    {
        let (org, key) = org(algorithm).await;
        let token = id_token(&org).await;
        let header = jose_header(&token);
        assert_eq!((&header["alg"], &header["enc"]), (&json!(algorithm.as_str()), &json!("A256GCM")));
        assert_eq!((&header["cty"], &header["kid"]), (&json!("JWT"), &json!(key.id())));
        let nested = String::from_utf8(open(&key, &token).unwrap()).unwrap().into();
        assert!(verifies(&org, &nested), "{algorithm:?}");
        let claims = claims(&nested);
        assert_eq!((&claims["aud"], &claims["nonce"]), (&json!("0oaweb"), &json!("the-nonce")));
        assert!(open(&ClientKey::generate_for_encryption(algorithm).unwrap(), &token).is_none(), "another key");
    }
}

#[tokio::test]
async fn only_the_id_token_of_the_registered_client_is_encrypted() {
    let (org, key) = org(JweAlgorithm::RsaOaep256).await;
    let body = tokens(&org, "openid offline_access").await.json();
    assert_eq!(body["access_token"].as_str().unwrap().split('.').count(), 3);
    let refreshed = refresh(&org, body["refresh_token"].as_str().unwrap()).json();
    let nested = open(&key, refreshed["id_token"].as_str().unwrap()).unwrap();
    assert!(verifies(&org, &String::from_utf8(nested).unwrap().into()));
    let plain = Org::start().await.unwrap();
    assert_eq!(id_token(&plain).await.split('.').count(), 3);
}

#[tokio::test]
async fn unusable_settings_are_reported_at_start() {
    let key = ClientKey::generate_for_encryption(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let client = |algorithm| Client::web("0oaweb", "s").id_token_encrypted_response_alg(algorithm, key.public_jwk());
    let error = Org::builder().client(client(JweAlgorithm::EcdhEsA256Kw)).start().await.unwrap_err().to_string();
    assert!(error.contains("rfc_extensions"), "{error}");
    let error = Org::builder().client(client(JweAlgorithm::RsaOaep256)).start().await.unwrap_err().to_string();
    assert!(error.contains("`use` of `enc`"), "{error}");
    let text = "[[client]]\nid = \"0oafile\"\nid_token_encrypted_response_alg = \"RSA1_5\"";
    assert!(OrgBuilder::from_toml(text).is_err());
}

#[tokio::test]
async fn a_settings_file_protects_requests_and_tokens() {
    let text = r#"
[[client]]
id = "0oafile"
dpop_bound_access_tokens = true
require_pushed_authorization_requests = true
require_signed_request_object = true
request_object_signing_alg = "ES256"
id_token_encrypted_response_alg = "RSA-OAEP-512"
jwks = [{ kty = "RSA", use = "enc", kid = "e1", n = "AQAB", e = "AQAB" }]
"#;
    let org = OrgBuilder::from_toml(text).unwrap().start().await.unwrap();
    let client = org.client();
    assert!(client.dpop_bound_access_tokens && client.require_pushed_authorization_requests);
    assert!(client.require_signed_request_object);
    assert_eq!(client.request_object_signing_alg.as_deref(), Some("ES256"));
    assert_eq!(client.id_token_encrypted_response_alg, Some(JweAlgorithm::RsaOaep512));
    let table = get(&format!("{}/dev/clients/0oafile", org.url())).json();
    assert_eq!(table["id_token_encrypted_response_alg"], "RSA-OAEP-512");
}

#[tokio::test]
async fn faults_that_keep_the_encryption_valid_change_one_thing() {
    let (org, key) = org(JweAlgorithm::RsaOaep256).await;
    for (fault, member, value) in [
        (JweFault::Header("typ".into(), json!("JWT")), "typ", json!("JWT")),
        (JweFault::Rsa15, "alg", json!("RSA1_5")),
        (JweFault::RsaOaepSha1, "alg", json!("RSA-OAEP")),
        (JweFault::A128Gcm, "enc", json!("A128GCM")),
        (JweFault::NoKid, "kid", json!(null)),
        (JweFault::Critical, "crit", json!(["https://okta.example/unknown"])),
        (JweFault::Zip, "zip", json!("DEF")),
        (JweFault::NestedClaims, "cty", json!(null)),
    ] {
        org.fault_once(Fault::Jwe(fault.clone()));
        let token = id_token(&org).await;
        assert_eq!(jose_header(&token).get(member).cloned().unwrap_or_default(), value, "{fault:?}");
        let payload = open(&key, &token).unwrap();
        match fault {
            JweFault::Zip => assert_eq!(payload[..3], [1, payload[1], payload[2]], "one stored block"),
            JweFault::NestedClaims => {
                let claims: Value = serde_json::from_slice(&payload).unwrap();
                assert_eq!(claims["aud"], "0oaweb");
            }
            _ => assert!(verifies(&org, &String::from_utf8(payload).unwrap().into()), "{fault:?}"),
        }
    }
    org.fault_once(Fault::Jwe(JweFault::UnknownKid));
    assert_ne!(jose_header(&id_token(&org).await)["kid"], key.id());
    org.fault_once(Fault::Jwe(JweFault::NestedNone));
    let nested: Value = String::from_utf8(open(&key, &id_token(&org).await).unwrap()).unwrap().into();
    assert_eq!(header(&nested)["alg"], "none");
    org.fault_once(Fault::Jwe(JweFault::NestedTwice));
    let inner = String::from_utf8(open(&key, &id_token(&org).await).unwrap()).unwrap();
    assert!(verifies(&org, &String::from_utf8(open(&key, &inner).unwrap()).unwrap().into()));
    org.fault_once(Fault::Jwe(JweFault::Huge));
    assert!(open(&key, &id_token(&org).await).unwrap().len() > 2 << 20);
}

#[tokio::test]
async fn faults_that_break_the_encryption_cannot_be_opened() {
    let (org, key) = org(JweAlgorithm::RsaOaep256).await;
    for (fault, parts) in [
        (JweFault::AlgSwap, 5),
        (JweFault::WrongKey, 5),
        (JweFault::BadTag, 5),
        (JweFault::HeaderNotAuthenticated, 5),
        (JweFault::ShortIv, 5),
        (JweFault::ShortTag, 5),
        (JweFault::SixParts, 6),
        (JweFault::NotEncrypted, 3),
    ] {
        org.fault_once(Fault::Jwe(fault.clone()));
        let token = id_token(&org).await;
        assert_eq!((token.split('.').count(), open(&key, &token)), (parts, None), "{fault:?}");
    }
    let (org, key) = self::org(JweAlgorithm::EcdhEsA256Kw).await;
    for fault in [JweFault::PointNotOnCurve, JweFault::WrongKey] {
        org.fault_once(Fault::Jwe(fault.clone()));
        assert_eq!(open(&key, &id_token(&org).await), None, "{fault:?}");
    }
}
