//! Each fault has its documented effect until it is cleared.

use std::time::{Duration, Instant};

use okta_auth_dev::{ADA, CLIENT_ID, Fault, Org, Response};
use serde_json::{Value, json};

use crate::support::*;

/// The ID token of a sign-in with one fault.
async fn faulty(org: &Org, fault: Fault) -> Value {
    org.fault_once(fault);
    tokens(org, "openid profile email").await.json()["id_token"].clone()
}

fn now(org: &Org) -> i64 {
    org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

#[tokio::test]
async fn claims_of_the_id_token() {
    let org = Org::start().await.unwrap();
    let ada = org.user(ADA).unwrap().id;
    let cases = [
        (Fault::IdTokenIssuer, "iss", json!(format!("{}1", org.issuer()))),
        (Fault::IdTokenNoSub, "sub", Value::Null),
        (Fault::IdTokenSubEmpty, "sub", json!("")),
        (Fault::IdTokenSubTooLong, "sub", json!("a".repeat(256))),
        (Fault::IdTokenAudience, "aud", json!(format!("{CLIENT_ID}1"))),
        (Fault::IdTokenNoAudience, "aud", Value::Null),
        (Fault::IdTokenAudienceArray, "aud", json!([CLIENT_ID])),
        (Fault::IdTokenExtraAudience, "aud", json!([CLIENT_ID, "0oasomebodyelse0001"])),
        (Fault::IdTokenExtraAudienceWithAzp, "azp", json!(CLIENT_ID)),
        (Fault::IdTokenAzp, "azp", json!(format!("{CLIENT_ID}1"))),
        (Fault::IdTokenNoIat, "iat", Value::Null),
        (Fault::IdTokenNoExp, "exp", Value::Null),
        (Fault::IdTokenNonce, "nonce", json!("the-nonce1")),
        (Fault::IdTokenNoNonce, "nonce", Value::Null),
        (Fault::IdTokenNoAtHash, "at_hash", Value::Null),
        (Fault::IdTokenNoAuthTime, "auth_time", Value::Null),
        (Fault::IdTokenClaim("email_verified".into(), json!("yes")), "email_verified", json!("yes")),
        (Fault::IdTokenClaim("email".into(), Value::Null), "email", Value::Null),
    ];
    for (fault, name, value) in cases {
        let token = faulty(&org, fault.clone()).await;
        assert_eq!(claims(&token)[name], value, "{fault:?}");
        assert!(verifies(&org, &token), "{fault:?} changes nothing else");
    }
    let control = claims(&tokens(&org, "openid").await.json()["id_token"]);
    assert_eq!((&control["sub"], &control["iss"]), (&json!(ada), &json!(org.issuer())));
}

#[tokio::test]
async fn times_of_the_id_token() {
    let org = Org::start().await.unwrap();
    let around = |value: &Value, offset: i64| (value.as_i64().unwrap() - now(&org) - offset).abs() < 5;
    assert!(around(&claims(&faulty(&org, Fault::IdTokenExpired).await)["exp"], -360));
    assert!(around(&claims(&faulty(&org, Fault::IdTokenIssuedInFuture).await)["iat"], 3600));
    assert!(around(&claims(&faulty(&org, Fault::IdTokenNotBefore).await)["nbf"], 3600));
    assert!(around(&claims(&faulty(&org, Fault::IdTokenOldAuthTime).await)["auth_time"], -86_400));
    assert!(claims(&faulty(&org, Fault::IdTokenExpFloat).await)["exp"].is_f64());
    assert!(claims(&faulty(&org, Fault::IdTokenExpString).await)["exp"].is_string());
    assert!(claims(&faulty(&org, Fault::IdTokenIatString).await)["iat"].is_string());
}

#[tokio::test]
async fn bindings_of_the_id_token() {
    let org = Org::start().await.unwrap();
    let good = tokens(&org, "openid").await.json();
    let bad = faulty(&org, Fault::IdTokenAtHash).await;
    assert_eq!(
        claims(&bad)["at_hash"].as_str().unwrap().len(),
        claims(&good["id_token"])["at_hash"].as_str().unwrap().len()
    );
    let text = faulty(&org, Fault::IdTokenDuplicateClaim).await;
    let payload = text.as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    use base64::Engine as _;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    assert_eq!(String::from_utf8(payload).unwrap().matches("\"sub\":").count(), 2);
    org.fault_once(Fault::IdTokenMissing);
    assert!(tokens(&org, "openid").await.json().get("id_token").is_none());
    org.fault_once(Fault::IdTokenIsAccessToken);
    let body = tokens(&org, "openid").await.json();
    assert_eq!(body["id_token"], body["access_token"]);
}

#[tokio::test]
async fn algorithms_of_the_id_token() {
    let org = Org::start().await.unwrap();
    for (fault, name) in [
        (Fault::IdTokenAlgEs256, "ES256"),
        (Fault::IdTokenAlgEs384, "ES384"),
        (Fault::IdTokenAlgPs256, "PS256"),
        (Fault::IdTokenAlgRs384, "RS384"),
        (Fault::IdTokenAlgRs512, "RS512"),
        (Fault::IdTokenAlgEdDsa, "EdDSA"),
    ] {
        let token = faulty(&org, fault).await;
        assert_eq!(header(&token)["alg"], name);
        assert!(verifies(&org, &token), "{name} is correctly signed");
    }
    let none = faulty(&org, Fault::IdTokenAlgNone).await;
    assert_eq!((&header(&none)["alg"], none.as_str().unwrap().ends_with('.')), (&json!("none"), true));
    let secret = org.client().client_secret.unwrap();
    for (fault, key) in
        [(Fault::IdTokenAlgHs256WithRsaPublicKey, org.public_key_pem()), (Fault::IdTokenAlgHs256WithSecret, secret)]
    {
        let token = faulty(&org, fault).await;
        let (message, signature) = token.as_str().unwrap().rsplit_once('.').unwrap();
        use base64::Engine as _;
        let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature).unwrap();
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key.as_bytes());
        aws_lc_rs::hmac::verify(&key, message.as_bytes(), &signature).unwrap();
    }
}

#[tokio::test]
async fn keys_and_shape_of_the_id_token() {
    let org = Org::start().await.unwrap();
    assert!(!verifies(&org, &faulty(&org, Fault::IdTokenBadSignature).await));
    assert!(!verifies(&org, &faulty(&org, Fault::IdTokenUnpublishedKey).await));
    assert!(header(&faulty(&org, Fault::IdTokenNoKid).await).get("kid").is_none());
    let crit = faulty(&org, Fault::IdTokenHeader("crit".into(), json!(["b64"]))).await;
    assert_eq!(header(&crit)["crit"], json!(["b64"]));
    assert!(verifies(&org, &crit));
    let enc = faulty(&org, Fault::IdTokenEncKey).await;
    let keys = org.public_jwks();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header(&enc)["kid"]).unwrap();
    assert_eq!(key["use"], "enc");
    for (fault, parts) in [(Fault::IdTokenTwoParts, 2), (Fault::IdTokenFourParts, 4), (Fault::IdTokenJwe, 5)] {
        assert_eq!(faulty(&org, fault).await.as_str().unwrap().split('.').count(), parts);
    }
    let before = org.public_jwks();
    let token = faulty(&org, Fault::RotateBeforeSigning).await;
    assert!(!verifies_with(&before, &token) && verifies(&org, &token));
}

#[tokio::test]
async fn key_sets() {
    let org = Org::start().await.unwrap();
    let url = format!("{}/v1/keys", org.issuer());
    let good = org.public_jwks()["keys"].as_array().unwrap().clone();
    let with = |fault: Fault| {
        org.fault_once(fault);
        get(&url)
    };
    let keys = |fault: Fault| with(fault).json()["keys"].as_array().unwrap().clone();
    let decoys = keys(Fault::KeysDecoys);
    assert_eq!(decoys[decoys.len() - 2..], good);
    assert!(decoys.iter().filter(|key| key["kid"] == good[0]["kid"]).count() > 5);
    assert_eq!(keys(Fault::KeysSingle), good[..1]);
    assert!(keys(Fault::KeysManyRsaNoKid).iter().all(|key| key.get("kid").is_none() && key["kty"] == "RSA"));
    let duplicate = keys(Fault::KeysDuplicateKid);
    assert_eq!((duplicate.len(), &duplicate[0]["kid"]), (3, &duplicate[1]["kid"]));
    assert_ne!(duplicate[0]["n"], duplicate[1]["n"]);
    assert!(keys(Fault::KeysEmpty).is_empty());
    let many = keys(Fault::KeysTooMany);
    assert_eq!((many.len(), &many[498..]), (500, &good[..]));
    let huge = with(Fault::KeysHuge);
    assert!(huge.body.len() > 2 << 20 && huge.json()["keys"] == json!(good));
    assert_eq!(with(Fault::KeysStatus(503)).status, 503);
    assert_eq!(with(Fault::KeysHtml).header("content-type"), "text/html;charset=utf-8");
    assert_eq!(with(Fault::KeysNoCache).header("cache-control"), "no-cache, no-store");
    let moved = with(Fault::KeysRedirect);
    assert_eq!((moved.status, get(moved.header("location")).json()["keys"] == json!(good)), (302, true));
    let started = Instant::now();
    with(Fault::KeysSlow(Duration::from_millis(50)));
    assert!(started.elapsed() >= Duration::from_millis(50));
    assert_eq!(get(&url).json()["keys"], json!(good), "control");
}

#[tokio::test]
async fn metadata() {
    let org = Org::start().await.unwrap();
    let url = format!("{}/.well-known/openid-configuration", org.issuer());
    let with = |fault: Fault| {
        org.fault_once(fault);
        get(&url)
    };
    assert_eq!(with(Fault::DiscoveryIssuer).json()["issuer"], format!("{}INVALID", org.issuer()));
    assert_eq!(with(Fault::DiscoveryStatus(500)).json()["errorCode"], "E0000009");
    assert!(with(Fault::DiscoveryHtml).body.starts_with("<!doctype"));
    assert!(with(Fault::DiscoveryHuge).body.len() > 2 << 20);
    let moved = with(Fault::DiscoveryRedirect);
    assert_eq!((moved.status, &get(moved.header("location")).json()["issuer"]), (302, &json!(org.issuer())));
    assert!(with(Fault::DiscoveryCrossOrigin).json()["token_endpoint"].as_str().unwrap().contains("//localhost:"));
    let started = Instant::now();
    with(Fault::DiscoverySlow(Duration::from_millis(50)));
    assert!(started.elapsed() >= Duration::from_millis(50));
    org.fault(Fault::DiscoveryJwksPath);
    let (first, second) = (get(&url).json()["jwks_uri"].clone(), get(&url).json()["jwks_uri"].clone());
    assert_ne!(first, second);
    assert_eq!(get(second.as_str().unwrap()).json(), org.public_jwks());
    assert_eq!(get(&format!("{}/v1/keys", org.issuer())).status, 404);
    org.clear_faults();
    assert_eq!(get(&format!("{}/v1/keys", org.issuer())).status, 200);
    assert_eq!(get(&url).json()["issuer"], org.issuer(), "control");
}

#[tokio::test]
async fn errors_of_the_token_endpoint_do_not_consume_the_code() {
    let org = Org::start().await.unwrap();
    let code = sign_in(&org, &[]).await.param("code").unwrap();
    let with = |fault: Fault| {
        org.fault_once(fault);
        exchange(&org, &code, &[])
    };
    let error = Fault::TokenError { status: 400, error: "access_denied".into(), description: "no".into() };
    assert_eq!(with(error).json(), json!({"error": "access_denied", "error_description": "no"}));
    let okta = Fault::TokenErrorOkta { status: 500, code: "E0000009".into(), summary: "down".into() };
    assert_eq!(with(okta).json()["errorSummary"], "down");
    let limited = with(Fault::TokenRateLimited);
    assert_eq!((limited.status, limited.header("x-rate-limit-remaining")), (429, "0"));
    assert!(with(Fault::TokenHtml).body.contains("<h1>"));
    assert_eq!((with(Fault::TokenOkWithError).status, with(Fault::TokenRedirect).status), (200, 307));
    assert_eq!(exchange(&org, &code, &[]).status, 200);
}

#[tokio::test]
async fn unusual_token_responses() {
    let org = Org::start().await.unwrap();
    let with = async |fault: Fault| {
        org.fault_once(fault);
        tokens(&org, "openid").await
    };
    assert!(with(Fault::TokenNoExpiresIn).await.json().get("expires_in").is_none());
    assert_eq!(with(Fault::TokenTypeCase).await.json()["token_type"], "bEARER");
    assert_eq!(with(Fault::TokenTypeOther("mac".into())).await.json()["token_type"], "mac");
    assert!(with(Fault::TokenExtraMembers).await.json()["nested"].is_object());
    let plain = with(Fault::TokenWrongContentType).await;
    assert!(plain.header("content-type").starts_with("text/plain") && plain.json()["access_token"].is_string());
    assert!(with(Fault::TokenHuge).await.body.len() > 2 << 20);
    let started = Instant::now();
    assert_eq!(with(Fault::TokenSlow(Duration::from_millis(50))).await.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn a_token_request_may_hang_until_the_org_stops() {
    let org = Org::start().await.unwrap();
    let code = sign_in(&org, &[]).await.param("code").unwrap();
    org.fault(Fault::TokenHang);
    let waiting = {
        let org = org.clone();
        std::thread::spawn(move || {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| exchange(&org, &code, &[]))).is_err()
        })
    };
    while org.count("/v1/token") == 0 {
        std::thread::yield_now();
    }
    org.stop();
    assert!(waiting.join().unwrap(), "the connection was closed without a response");
}

#[tokio::test]
async fn refreshes() {
    let org = Org::start().await.unwrap();
    let first = tokens(&org, "openid offline_access").await.json();
    let token = first["refresh_token"].as_str().unwrap();
    let with = |fault: Fault| {
        org.fault(fault);
        let body = refresh(&org, token).json();
        org.clear_faults();
        body
    };
    let claim = |fault: Fault, name: &str| claims(&with(fault)["id_token"])[name].clone();
    let original = claims(&first["id_token"]);
    assert_eq!(claim(Fault::RefreshIdTokenIssuer, "iss"), format!("{}1", org.issuer()));
    assert_eq!(claim(Fault::RefreshIdTokenSub, "sub"), format!("{}1", original["sub"].as_str().unwrap()));
    assert_eq!(claim(Fault::RefreshIdTokenNonce, "nonce"), "the-nonce1");
    assert_ne!(claim(Fault::RefreshIdTokenAuthTime, "auth_time"), original["auth_time"]);
    assert_eq!(claim(Fault::RefreshIdTokenSameNonce, "nonce"), "the-nonce");
    assert_eq!(claim(Fault::RefreshIdTokenAudience, "aud"), format!("{CLIENT_ID}1"));
    assert_eq!(claim(Fault::RefreshIdTokenNoAuthTime, "auth_time"), Value::Null);
    assert!(with(Fault::RefreshIdTokenMissing).get("id_token").is_none());
    assert!(with(Fault::RefreshNoRefreshToken).get("refresh_token").is_none());
    org.fault(Fault::RefreshIdTokenSub);
    let control = claims(&tokens(&org, "openid").await.json()["id_token"]);
    assert_eq!(control["sub"], original["sub"], "a sign-in is not a refresh");
}

#[tokio::test]
async fn userinfo_responses() {
    let org = Org::start().await.unwrap();
    let token = org.token().access_token(ADA, ["openid"]).sign();
    let with = |fault: Fault| {
        org.fault_once(fault);
        userinfo(&org, &token)
    };
    let id = org.user(ADA).unwrap().id;
    assert_eq!(with(Fault::UserinfoSub).json()["sub"], format!("{id}invalid"));
    assert!(with(Fault::UserinfoStatus401).header("www-authenticate").contains("invalid_token"));
    assert!(with(Fault::UserinfoStatus403).header("www-authenticate").contains("insufficient_scope"));
    assert_eq!(with(Fault::UserinfoStatus(502)).status, 502);
    assert!(with(Fault::UserinfoHtml).body.contains("<h1>"));
    assert!(with(Fault::UserinfoHuge).body.len() > 2 << 20);
    assert_eq!(with(Fault::UserinfoRedirect).status, 307);
    let started = Instant::now();
    with(Fault::UserinfoSlow(Duration::from_millis(50)));
    assert!(started.elapsed() >= Duration::from_millis(50));
    assert_eq!(userinfo(&org, &token).json()["sub"], id, "control");
}

#[tokio::test]
async fn authorization_responses() {
    let org = Org::start().await.unwrap();
    for mode in ["query", "form_post"] {
        let with = async |fault: Fault| {
            org.fault_once(fault);
            sign_in(&org, &[("response_mode", mode)]).await
        };
        let count = |response: &Response, name: &str| response.params().iter().filter(|(n, _)| n == name).count();
        assert_eq!(with(Fault::AuthorizeState).await.param("state").unwrap(), "the-state1");
        assert_eq!(count(&with(Fault::AuthorizeNoState).await, "state"), 0);
        assert_eq!(count(&with(Fault::AuthorizeDuplicateState).await, "state"), 2);
        assert_eq!(count(&with(Fault::AuthorizeDuplicateCode).await, "code"), 2);
        let both = with(Fault::AuthorizeErrorAndCode).await;
        assert_eq!((count(&both, "code"), count(&both, "error")), (1, 1));
        assert_eq!(with(Fault::AuthorizeIss("https://x".into())).await.param("iss").unwrap(), "https://x");
        let error = Fault::AuthorizeError { error: "access_denied".into(), description: "<b>".into() };
        let denied = with(error).await;
        assert_eq!((denied.param("error_description").unwrap().as_str(), count(&denied, "code")), ("<b>", 0));
        assert_eq!(with(Fault::AuthorizeTooManyGroups).await.param("error").unwrap(), "server_error");
        let control = sign_in(&org, &[("response_mode", mode)]).await;
        assert_eq!(control.params().len(), 2, "control");
        let extended = Org::builder().rfc_extensions(true).start().await.unwrap();
        let issuers = async |fault: Option<Fault>| {
            fault.into_iter().for_each(|fault| extended.fault_once(fault));
            let response = sign_in(&extended, &[("response_mode", mode)]).await;
            response.params().into_iter().filter(|(name, _)| name == "iss").map(|(_, value)| value).collect::<Vec<_>>()
        };
        assert_eq!(issuers(None).await, [extended.issuer()]);
        assert_eq!(issuers(Some(Fault::AuthorizeIss("https://x".into()))).await, ["https://x"]);
        assert!(issuers(Some(Fault::AuthorizeNoIss)).await.is_empty());
    }
}

#[tokio::test]
async fn revocation_and_introspection() {
    let org = Org::start().await.unwrap();
    let call = |endpoint: &str, fault: Fault| {
        org.fault_once(fault);
        post(&format!("{}/v1/{endpoint}", org.issuer()), Some(&org.client()), &[("token", "junk")])
    };
    assert_eq!(call("revoke", Fault::RevokeStatus(503)).status, 503);
    assert_eq!(call("introspect", Fault::IntrospectStatus(500)).status, 500);
    assert_eq!(call("introspect", Fault::IntrospectAlwaysActive).json(), json!({"active": true}));
    for (endpoint, fault) in [
        ("revoke", Fault::RevokeSlow(Duration::from_millis(50))),
        ("introspect", Fault::IntrospectSlow(Duration::from_millis(50))),
    ] {
        let started = Instant::now();
        assert_eq!(call(endpoint, fault).status, 200);
        assert!(started.elapsed() >= Duration::from_millis(50));
    }
    assert_eq!(introspect(&org, "junk"), json!({"active": false}), "control");
}

#[tokio::test]
async fn the_content_type_of_an_endpoint() {
    let org = Org::start().await.unwrap();
    let kind = |path: &str| get(&format!("{}{path}", org.issuer())).header("content-type").to_owned();
    let (keys, metadata) = ("/v1/keys", "/.well-known/openid-configuration");
    org.fault(Fault::ContentType("keys".into(), "application/jwk-set+json".into()));
    assert_eq!((kind(keys).as_str(), kind(metadata).as_str()), ("application/jwk-set+json", "application/json"));
    org.fault(Fault::ContentType("discovery".into(), String::new()));
    assert_eq!((kind(keys).as_str(), kind(metadata).as_str()), ("application/jwk-set+json", ""));
    org.fault_once(Fault::ContentType("keys".into(), "text/plain".into()));
    assert_eq!((kind(keys).as_str(), kind(keys).as_str()), ("text/plain", "application/json"));
}
