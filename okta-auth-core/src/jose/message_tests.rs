//! Forged logout tokens and revocation tokens, with at least one for each rule.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::issuer_for_tests::{CLIENT, ISSUER, LEEWAY, NOW, TestIssuer, encode, sign, sign_text};
use super::logout_token::VerifiedLogoutToken;
use super::revocation_token::VerifiedRevocationToken;
use super::*;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const ENDPOINT: &str = "https://app.example.com/global-token-revocation";

/// A header and a payload that tests modify.
type Parts = (Value, Value);

fn logout() -> Parts {
    let payload = json!({
        "iss": ISSUER, "sub": "00u1", "aud": CLIENT, "jti": "one", "sid": "102s", "iat": NOW, "exp": NOW + 120,
        "events": { EVENT: {} }, "unknown": [1],
    });
    (json!({ "alg": "RS256", "kid": "rsa" }), payload)
}

fn revocation() -> Parts {
    let payload = json!({
        "iss": ISSUER, "sub": CLIENT, "aud": ENDPOINT, "jti": "one", "iat": NOW, "nbf": NOW - 300, "exp": NOW + 300,
    });
    (json!({ "alg": "RS256", "kid": "rsa", "typ": "global-token-revocation+jwt" }), payload)
}

fn id_token() -> Parts {
    let payload = json!({
        "iss": ISSUER, "sub": "00u1", "aud": CLIENT, "nonce": "n", "sid": "102s", "iat": NOW, "exp": NOW + 300,
    });
    (json!({ "alg": "RS256", "kid": "rsa" }), payload)
}

fn access_token() -> Parts {
    let payload = json!({
        "iss": ISSUER, "sub": "u@acme.example", "aud": CLIENT, "cid": CLIENT, "uid": "00u1", "scp": ["openid"],
        "jti": "AT.1", "iat": NOW, "exp": NOW + 300,
    });
    (json!({ "alg": "RS256", "kid": "rsa" }), payload)
}

async fn read_logout(org: &TestIssuer, token: &str) -> Result<VerifiedLogoutToken> {
    let rules = LogoutTokenRules { issuer: ISSUER, client_id: CLIENT };
    org.verifier().logout_token(&org.keys, token, &rules).await
}

async fn read_revocation(org: &TestIssuer, token: &str) -> Result<VerifiedRevocationToken> {
    let rules = RevocationTokenRules { issuer: ISSUER, client_id: CLIENT, endpoint: ENDPOINT };
    org.verifier().revocation_token(&org.keys, token, &rules).await
}

fn id_token_rules() -> IdTokenRules<'static> {
    IdTokenRules {
        issuer: ISSUER,
        client_id: CLIENT,
        trusted_audiences: &[],
        nonce: None,
        access_token: None,
        max_age: None,
        acr_values: &[],
        trust: RefetchPolicy::RateLimited,
    }
}

async fn read_id_token(org: &TestIssuer, token: &str) -> Result<VerifiedIdToken> {
    org.verifier().id_token(&org.keys, token, &id_token_rules()).await
}

async fn read_access_token(org: &TestIssuer, token: &str) -> Result<VerifiedAccessToken> {
    let rules = AccessTokenRules { issuer: ISSUER, audiences: &[CLIENT.to_owned(), ENDPOINT.to_owned()] };
    org.verifier().access_token(&org.keys, token, &rules).await.map(|(token, _)| token)
}

/// The code of an error, and the claim at fault.
fn why(error: &Error) -> (Code, Option<&'static str>) {
    (error.code(), error.claim())
}

/// Generates one test for each change to a valid token; null removes a member.
macro_rules! refused {
    ($good:ident, $read:ident:
        $($name:ident: $part:tt $member:literal = $value:expr => $code:ident $(($claim:literal))?;)*
    ) => {
        $(#[tokio::test]
        async fn $name() {
            let mut parts = $good();
            match $value {
                Value::Null => drop(parts.$part.as_object_mut().unwrap().remove($member)),
                value => parts.$part[$member] = value,
            }
            let org = TestIssuer::start().await;
            let error = $read(&org, &sign(&parts.0, &parts.1)).await.unwrap_err();
            assert_eq!(why(&error), (Code::$code, None$(.or(Some($claim)))?), "{error}");
        })*
    };
}

refused! { logout, read_logout:
    logout_alg_none: 0 "alg" = json!("none") => TokenAlgorithm;
    logout_signed_with_the_public_key_as_a_secret: 0 "alg" = json!("HS256") => TokenAlgorithm;
    logout_wrong_alg: 0 "alg" = json!("ES256") => TokenAlgorithm;
    logout_signed_by_an_unpublished_key: 0 "kid" = json!("stolen") => TokenKeyUnknown;
    logout_critical_extension: 0 "crit" = json!(["exp"]) => TokenHeader;
    logout_typ_of_an_access_token: 0 "typ" = json!("at+jwt") => TokenHeader;
    logout_typ_of_a_revocation: 0 "typ" = json!("global-token-revocation+jwt") => TokenHeader;
    logout_typ_of_another_event: 0 "typ" = json!("secevent+jwt") => TokenHeader;
    logout_wrong_iss: 1 "iss" = json!("https://evil.okta.com/oauth2/default") => TokenClaim("iss");
    logout_iss_of_the_org_instead_of_the_server: 1 "iss" = json!("https://acme.okta.com") => TokenClaim("iss");
    logout_iss_with_a_slash: 1 "iss" = json!(format!("{ISSUER}/")) => TokenClaim("iss");
    logout_without_iss: 1 "iss" = Value::Null => TokenClaim("iss");
    logout_wrong_aud: 1 "aud" = json!("0oaother") => TokenClaim("aud");
    logout_aud_with_another_client: 1 "aud" = json!([CLIENT, "0oaother"]) => TokenClaim("aud");
    logout_empty_aud: 1 "aud" = json!([]) => TokenClaim("aud");
    logout_aud_of_another_type: 1 "aud" = json!({ CLIENT: true }) => TokenClaim("aud");
    logout_without_aud: 1 "aud" = Value::Null => TokenClaim("aud");
    logout_expired: 1 "exp" = json!(NOW - 60) => TokenExpired;
    logout_without_exp: 1 "exp" = Value::Null => TokenClaim("exp");
    logout_exp_is_no_number: 1 "exp" = json!((NOW + 60).to_string()) => TokenClaim("exp");
    logout_not_valid_yet: 1 "nbf" = json!(NOW + 61) => TokenClaim("nbf");
    logout_issued_in_the_future: 1 "iat" = json!(NOW + 61) => TokenClaim("iat");
    logout_captured_long_ago: 1 "iat" = json!(NOW - 361) => TokenClaim("iat");
    logout_without_iat: 1 "iat" = Value::Null => TokenClaim("iat");
    logout_without_jti: 1 "jti" = Value::Null => TokenClaim("jti");
    logout_empty_jti: 1 "jti" = json!("") => TokenClaim("jti");
    logout_huge_jti: 1 "jti" = json!("a".repeat(256)) => TokenClaim("jti");
    logout_jti_is_no_text: 1 "jti" = json!(1) => TokenClaim("jti");
    logout_jti_with_a_line_break: 1 "jti" = json!("a\r\nDEL x") => TokenClaim("jti");
    logout_wrong_event: 1 "events" = json!({ "http://schemas.openid.net/event/foobar": {} }) => TokenKind;
    logout_no_event: 1 "events" = Value::Null => TokenKind;
    logout_empty_events: 1 "events" = json!({}) => TokenKind;
    logout_events_as_a_list: 1 "events" = json!([EVENT]) => TokenKind;
    logout_events_as_a_text: 1 "events" = json!(EVENT) => TokenKind;
    logout_event_is_no_object: 1 "events" = json!({ EVENT: true }) => TokenKind;
    logout_event_is_null: 1 "events" = json!({ EVENT: null }) => TokenKind;
    logout_with_nonce: 1 "nonce" = json!("n") => TokenKind;
    logout_with_the_scopes_of_an_access_token: 1 "scp" = json!(["openid"]) => TokenKind;
    logout_with_the_hash_of_an_id_token: 1 "at_hash" = json!("x") => TokenKind;
    logout_empty_sid_beside_a_sub: 1 "sid" = json!("") => TokenClaim("sid");
    logout_huge_sid: 1 "sid" = json!("a".repeat(2_049)) => TokenClaim("sid");
    logout_sid_is_no_text: 1 "sid" = json!(["102s"]) => TokenClaim("sid");
    logout_empty_sub_beside_a_sid: 1 "sub" = json!("") => TokenClaim("sub");
    logout_huge_sub: 1 "sub" = json!("a".repeat(256)) => TokenClaim("sub");
    logout_sub_is_no_text: 1 "sub" = json!({}) => TokenClaim("sub");
}

refused! { revocation, read_revocation:
    revocation_alg_none: 0 "alg" = json!("none") => TokenAlgorithm;
    revocation_signed_with_the_public_key_as_a_secret: 0 "alg" = json!("HS256") => TokenAlgorithm;
    revocation_wrong_alg: 0 "alg" = json!("ES256") => TokenAlgorithm;
    revocation_signed_by_an_unpublished_key: 0 "kid" = json!("stolen") => TokenKeyUnknown;
    revocation_without_typ: 0 "typ" = Value::Null => TokenHeader;
    revocation_typ_jwt: 0 "typ" = json!("JWT") => TokenHeader;
    revocation_typ_of_a_logout_token: 0 "typ" = json!("logout+jwt") => TokenHeader;
    revocation_typ_with_an_ending: 0 "typ" = json!("global-token-revocation+jwt2") => TokenHeader;
    revocation_wrong_iss: 1 "iss" = json!("https://evil.okta.com/oauth2/default") => TokenClaim("iss");
    revocation_iss_whose_keys_are_others: 1 "iss" = json!("https://acme.okta.com") => TokenClaim("iss");
    revocation_without_iss: 1 "iss" = Value::Null => TokenClaim("iss");
    revocation_for_another_client: 1 "sub" = json!("0oaother") => TokenClaim("sub");
    revocation_without_sub: 1 "sub" = Value::Null => TokenClaim("sub");
    revocation_sub_is_no_text: 1 "sub" = json!([CLIENT]) => TokenClaim("sub");
    revocation_wrong_aud: 1 "aud" = json!("https://other.example.com/global-token-revocation") => TokenClaim("aud");
    revocation_aud_of_the_client: 1 "aud" = json!(CLIENT) => TokenClaim("aud");
    revocation_aud_with_a_query: 1 "aud" = json!(format!("{ENDPOINT}?x")) => TokenClaim("aud");
    revocation_aud_with_a_slash: 1 "aud" = json!(format!("{ENDPOINT}/")) => TokenClaim("aud");
    revocation_aud_with_another_endpoint: 1 "aud" = json!([ENDPOINT, "https://x.example/"]) => TokenClaim("aud");
    revocation_empty_aud: 1 "aud" = json!([]) => TokenClaim("aud");
    revocation_without_aud: 1 "aud" = Value::Null => TokenClaim("aud");
    revocation_expired: 1 "exp" = json!(NOW - 60) => TokenExpired;
    revocation_without_exp: 1 "exp" = Value::Null => TokenClaim("exp");
    revocation_lives_too_long: 1 "exp" = json!(NOW + 901) => TokenClaim("exp");
    revocation_lives_for_ever: 1 "exp" = json!(i64::MAX) => TokenClaim("exp");
    revocation_not_valid_yet: 1 "nbf" = json!(NOW + 61) => TokenClaim("nbf");
    revocation_issued_in_the_future: 1 "iat" = json!(NOW + 61) => TokenClaim("iat");
    revocation_without_iat: 1 "iat" = Value::Null => TokenClaim("iat");
    revocation_without_jti: 1 "jti" = Value::Null => TokenClaim("jti");
    revocation_empty_jti: 1 "jti" = json!("") => TokenClaim("jti");
    revocation_huge_jti: 1 "jti" = json!("a".repeat(256)) => TokenClaim("jti");
}

#[tokio::test]
async fn good_logout_tokens_pass_with_each_typ_and_each_target() {
    let org = TestIssuer::start().await;
    for typ in [None, Some("JWT"), Some("logout+jwt"), Some("application/logout+jwt"), Some("Logout+JWT")] {
        let (mut header, payload) = logout();
        header["typ"] = json!(typ);
        let token = read_logout(&org, &sign(&header, &payload)).await.unwrap();
        assert_eq!(token.ends(), LogoutSubject::Session { sid: "102s", subject: Some("00u1") }, "{typ:?}");
        assert_eq!((token.issuer(), token.once().id()), (ISSUER, "one"));
    }
    let without = |name: &str| {
        let (header, mut payload) = logout();
        payload.as_object_mut().unwrap().remove(name).unwrap();
        payload["aud"] = json!([CLIENT]);
        payload["events"][EVENT] = json!({ "reason": "x" });
        sign(&header, &payload)
    };
    let token = read_logout(&org, &without("sub")).await.unwrap();
    assert_eq!(token.ends(), LogoutSubject::Session { sid: "102s", subject: None });
    let token = read_logout(&org, &without("sid")).await.unwrap();
    assert_eq!(token.ends(), LogoutSubject::User { subject: "00u1" });
}

#[tokio::test]
async fn logout_without_sub_and_sid() {
    let org = TestIssuer::start().await;
    let (header, mut payload) = logout();
    payload.as_object_mut().unwrap().retain(|name, _| name != "sub" && name != "sid");
    let error = read_logout(&org, &sign(&header, &payload)).await.unwrap_err();
    assert_eq!(why(&error), (Code::TokenClaim, Some("sub")));
}

#[tokio::test]
async fn logout_null_sid_does_not_end_every_session_of_the_user() {
    let org = TestIssuer::start().await;
    for (name, claim) in [("sid", "sid"), ("sub", "sub"), ("jti", "jti"), ("iss", "iss"), ("aud", "aud")] {
        let (header, mut payload) = logout();
        payload[name] = Value::Null;
        let error = read_logout(&org, &sign(&header, &payload)).await.unwrap_err();
        assert_eq!(why(&error), (Code::TokenClaim, Some(claim)));
    }
    let (header, mut payload) = logout();
    payload["nonce"] = Value::Null;
    assert_eq!(read_logout(&org, &sign(&header, &payload)).await.unwrap_err().code(), Code::TokenKind);
}

#[tokio::test]
async fn duplicate_claims() {
    let org = TestIssuer::start().await;
    let ((header, payload), (revoking, request)) = (logout(), revocation());
    let twice = |payload: &Value| payload.to_string().replacen('{', r#"{"sub":"00u2","#, 1);
    let code = read_logout(&org, &sign_text(&header, &twice(&payload))).await.unwrap_err().code();
    assert_eq!(code, Code::TokenMalformed);
    let code = read_revocation(&org, &sign_text(&revoking, &twice(&request))).await.unwrap_err().code();
    assert_eq!(code, Code::TokenMalformed);
}

#[tokio::test]
async fn a_changed_payload_with_the_original_signature() {
    let org = TestIssuer::start().await;
    let (header, mut payload) = logout();
    let token = sign(&header, &payload);
    payload["sub"] = json!("00u2");
    let signature = token.rsplit('.').next().unwrap();
    let forged = format!("{}.{}.{signature}", encode(header.to_string()), encode(payload.to_string()));
    assert_eq!(read_logout(&org, &forged).await.unwrap_err().code(), Code::TokenSignature);
    assert_eq!(read_revocation(&org, &forged).await.unwrap_err().code(), Code::TokenHeader);
}

#[tokio::test]
async fn good_revocation_tokens_pass() {
    let org = TestIssuer::start().await;
    for (typ, aud) in [
        ("global-token-revocation+jwt", json!(ENDPOINT)),
        ("application/global-token-revocation+jwt", json!([ENDPOINT])),
        ("Global-Token-Revocation+JWT", json!(ENDPOINT)),
    ] {
        let (mut header, mut payload) = revocation();
        (header["typ"], payload["aud"]) = (json!(typ), aud);
        let token = read_revocation(&org, &sign(&header, &payload)).await.unwrap();
        assert_eq!((token.issuer(), token.once().id()), (ISSUER, "one"));
    }
}

#[tokio::test]
async fn no_kind_of_token_passes_as_another() {
    let org = TestIssuer::start().await;
    let kinds = [logout(), revocation(), id_token(), access_token()];
    for (kind, (header, payload)) in kinds.iter().enumerate() {
        let token = sign(header, payload);
        let passes = [
            read_logout(&org, &token).await.is_ok(),
            read_revocation(&org, &token).await.is_ok(),
            read_id_token(&org, &token).await.is_ok(),
            read_access_token(&org, &token).await.is_ok(),
        ];
        assert_eq!(passes, std::array::from_fn(|other| other == kind), "token {kind} and each reader");
    }
}

/// The token has every claim of the other kind, so only `typ` identifies it as a revocation token.
#[tokio::test]
async fn a_revocation_token_with_the_claims_of_other_kinds() {
    let org = TestIssuer::start().await;
    for (_, payload) in [logout(), id_token(), access_token()] {
        let token = sign(&revocation().0, &payload);
        assert_eq!(read_logout(&org, &token).await.unwrap_err().code(), Code::TokenHeader);
        assert_eq!(read_id_token(&org, &token).await.unwrap_err().code(), Code::TokenHeader);
        assert_eq!(read_access_token(&org, &token).await.unwrap_err().code(), Code::TokenHeader);
    }
}

/// Neither an ID token without a nonce, nor an access token to which a claim `events` was added, passes as a logout
/// token.
#[tokio::test]
async fn tokens_of_other_kinds_with_claims_of_a_logout_token() {
    let org = TestIssuer::start().await;
    let (header, mut payload) = id_token();
    payload.as_object_mut().unwrap().remove("nonce");
    payload["jti"] = json!("ID.1");
    assert_eq!(read_logout(&org, &sign(&header, &payload)).await.unwrap_err().code(), Code::TokenKind);
    for (header, mut payload) in [id_token(), access_token()] {
        payload["events"] = json!({ EVENT: {} });
        payload["jti"] = json!("1");
        assert_eq!(read_logout(&org, &sign(&header, &payload)).await.unwrap_err().code(), Code::TokenKind);
    }
}

#[tokio::test]
async fn edges_of_the_leeway() {
    let org = TestIssuer::start().await;
    let passes = async |(header, mut payload): Parts, iat: i64, exp: i64| {
        (payload["iat"], payload["exp"]) = (json!(iat), json!(exp));
        if header["typ"].is_string() {
            read_revocation(&org, &sign(&header, &payload)).await.is_ok()
        } else {
            read_logout(&org, &sign(&header, &payload)).await.is_ok()
        }
    };
    for good in [logout, revocation] {
        assert!(passes(good(), NOW + 60, NOW + 300).await);
        assert!(!passes(good(), NOW + 61, NOW + 300).await);
        assert!(passes(good(), NOW - 200, NOW - 59).await);
        assert!(!passes(good(), NOW - 200, NOW - 60).await);
    }
    assert!(passes(logout(), NOW - 360, i64::MAX).await);
    assert!(!passes(logout(), NOW - 361, i64::MAX).await);
    assert!(passes(revocation(), NOW, NOW + 900).await);
    assert!(!passes(revocation(), NOW, NOW + 901).await);
}

/// When a stored `jti` expires, the token itself is no longer accepted, even on a replica whose clock is behind by the
/// leeway.
#[tokio::test]
async fn a_token_is_refused_once_its_jti_may_expire() {
    let slow = |at: Timestamp| at.seconds() - i64::try_from(LEEWAY.as_secs()).unwrap();
    for (iat, exp) in [(NOW, NOW + 120), (NOW + 60, NOW + 120), (NOW - 100, NOW + 800), (NOW + 60, NOW + 960)] {
        let org = TestIssuer::start().await;
        let (header, mut payload) = logout();
        (payload["iat"], payload["exp"]) = (json!(iat), json!(exp));
        let token = sign(&header, &payload);
        let once = read_logout(&org, &token).await.unwrap().once().clone();
        org.clock.set(slow(once.remember_until()));
        assert!(read_logout(&org, &token).await.is_err(), "{iat} {exp}");
        org.clock.set(slow(once.remember_until()) - 1);
        assert!(read_logout(&org, &token).await.is_ok(), "{iat} {exp}");
        assert!(once.remember_until() <= Timestamp::from_seconds(NOW + 541), "memory is bounded: {iat} {exp}");
    }
    let org = TestIssuer::start().await;
    let (header, payload) = revocation();
    let token = sign(&header, &payload);
    let once = read_revocation(&org, &token).await.unwrap().once().clone();
    org.clock.set(slow(once.remember_until()));
    assert!(read_revocation(&org, &token).await.is_err());
    org.clock.set(slow(once.remember_until()) - 1);
    assert!(read_revocation(&org, &token).await.is_ok());
    assert_eq!(once.remember_for(Timestamp::from_seconds(NOW)), Duration::from_secs(420));
    assert_eq!(once.remember_for(Timestamp::from_seconds(i64::MAX)), Duration::from_secs(1));
}

/// Random texts, and valid tokens with one changed byte: no panic, and no accepted token.
#[test]
fn arbitrary_bytes_are_not_a_message() {
    let runtime = Runtime::new().unwrap();
    let org = runtime.block_on(TestIssuer::start());
    let rules = LogoutTokenRules { issuer: ISSUER, client_id: CLIENT };
    let revocations = RevocationTokenRules { issuer: ISSUER, client_id: CLIENT, endpoint: ENDPOINT };
    let good = [logout(), revocation()].map(|(header, payload)| sign(&header, &payload));
    let verifier = org.verifier();
    // The keys and both headers are cached from here on.
    runtime.block_on(verifier.logout_token(&org.keys, &good[0], &rules)).unwrap();
    runtime.block_on(verifier.revocation_token(&org.keys, &good[1], &revocations)).unwrap();
    let changed = (0..2_usize, any::<prop::sample::Index>(), any::<u8>()).prop_map({
        move |(which, at, byte)| {
            let mut bytes = good[which].clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = if bytes[at] == byte { byte ^ 1 } else { byte };
            String::from_utf8_lossy(&bytes).into_owned()
        }
    });
    let random = any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let dotted = proptest::collection::vec(any::<Vec<u8>>().prop_map(encode), 3).prop_map(|parts| parts.join("."));
    let any_token = prop_oneof![changed, random, dotted];
    let mut runner = TestRunner::new(ProptestConfig::with_cases(1_000));
    let outcome = runner.run(&any_token, |token| {
        prop_assert!(runtime.block_on(verifier.logout_token(&org.keys, &token, &rules)).is_err());
        prop_assert!(runtime.block_on(verifier.revocation_token(&org.keys, &token, &revocations)).is_err());
        Ok(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn a_refused_algorithm_is_named_with_the_way_to_allow_it() {
    let org = TestIssuer::start().await;
    let message = |alg: Value| {
        let (mut header, payload) = id_token();
        header["alg"] = alg;
        let (org, token) = (&org, sign(&header, &payload));
        async move {
            let error = read_id_token(org, &token).await.unwrap_err();
            assert_eq!(error.code(), Code::TokenAlgorithm);
            error.to_string()
        }
    };
    let es256 = message(json!("ES256")).await;
    for told in ["algorithm is ES256, which is not allowed", "allowed: RS256", "`algorithms`", "OKTA_ALGORITHMS"] {
        assert!(es256.contains(told), "{es256}");
    }
    for unsupported in ["PS512", "none", "HS256", "ES256K"] {
        let message = message(json!(unsupported)).await;
        assert!(
            message.contains(&format!("algorithm is {unsupported}, which is not supported"))
                && !message.contains("OKTA_ALGORITHMS"),
            "{message}"
        );
    }
    // The header is not verified yet, so anyone may have written it.
    for hostile in ["", "x\r\nERROR forged", "\u{202e}", &"A".repeat(19), "an e-mail@address"] {
        let message = message(json!(hostile)).await;
        assert!(message.contains("the token's algorithm is not supported"), "{message}");
        assert!(hostile.is_empty() || !message.contains(hostile), "{message}");
    }
}

#[tokio::test]
async fn a_missing_acr_is_not_a_wrong_one() {
    let org = TestIssuer::start().await;
    for (acr, told) in [
        (Value::Null, "is missing, although `acr_values` were requested"),
        (json!("low"), "is not one of the requested `acr_values`"),
    ] {
        let (header, mut payload) = id_token();
        payload["acr"] = acr;
        let rules = IdTokenRules { acr_values: &["high".to_owned()], ..id_token_rules() };
        let error = org.verifier().id_token(&org.keys, &sign(&header, &payload), &rules).await.unwrap_err();
        assert_eq!(why(&error), (Code::TokenClaim, Some("acr")));
        assert!(error.to_string().contains(told), "{error}");
    }
}
