//! The device flow: what the user is shown, the polls, and the verification of the tokens.

use std::time::Duration;

use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::device::{DeviceAuthorization, DeviceFlow, DeviceSession};
use okta_auth_core::error::{Code, Error};
use okta_auth_dev::{Client, DeviceFault, Endpoint, Fault, GrantType, Org, Outage, Recorded, Response};
use serde_json::{Value, json};

use crate::support::ADA;

pub(crate) const CLI: &str = "0oacli";
const SECRET: &str = "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa";

/// An org with a native app for the device flow, and a stopped clock.
pub(crate) async fn org() -> Org {
    let app = Client::public(CLI).label("Orders CLI").grant_type(GrantType::DeviceCode);
    let org = Org::builder().client(app).start().await.unwrap();
    org.clock().stop();
    org
}

pub(crate) fn config(org: &Org) -> ConfigBuilder {
    let scopes = "openid profile email offline_access";
    ConfigBuilder::default().issuer(org.issuer()).client_id(CLI).scopes(scopes)
}

fn flow_with(org: &Org, config: ConfigBuilder) -> DeviceFlow {
    let clock = org.clock();
    DeviceFlow::builder("Orders CLI", config).clock(move || clock.now()).build().unwrap()
}

fn flow(org: &Org) -> DeviceFlow {
    flow_with(org, config(org))
}

fn polls(org: &Org) -> usize {
    let is_poll = |request: &&Recorded| request.form_field("device_code").is_some();
    org.request_log().iter().filter(is_poll).count()
}

/// Advances the clock second by second until the next poll has been answered.
async fn next_answer(org: &Org, authorization: &DeviceAuthorization) -> Result<Option<DeviceSession>, Error> {
    let before = polls(org);
    for _ in 0..1_000 {
        match authorization.poll().await {
            Ok(None) if polls(org) == before => org.clock().advance(Duration::from_secs(1)),
            answer => return answer,
        }
    }
    panic!("no poll within 1,000 s");
}

/// The virtual seconds until the next poll is answered.
async fn pause(org: &Org, authorization: &DeviceAuthorization) -> u64 {
    let start = org.clock().now();
    next_answer(org, authorization).await.unwrap();
    org.clock().now().duration_since(start).unwrap().as_secs()
}

async fn started_with(member: &str, value: Value) -> Result<DeviceAuthorization, Error> {
    let org = org().await;
    org.fault(Fault::Device(DeviceFault::Member(member.to_owned(), value)));
    flow(&org).start().await
}

#[tokio::test]
async fn a_user_signs_in_with_the_code() {
    let org = org().await;
    let authorization = flow(&org).start().await.unwrap();
    assert_eq!(authorization.verification_uri(), format!("{}/activate", org.url()));
    assert!(next_answer(&org, &authorization).await.unwrap().is_none());
    org.connect_device(authorization.user_code(), ADA).unwrap();
    let session = next_answer(&org, &authorization).await.unwrap().unwrap();
    assert_eq!(session.scopes(), ["openid", "profile", "email", "offline_access"]);
    assert_eq!(session.all_claims()["preferred_username"], ADA);
    assert_eq!(session.all_claims()["family_name"], "Lovelace", "the thin ID token is completed");
    let token = session.access_token().await.unwrap();
    assert_eq!(token, authorization.poll().await.unwrap().unwrap().access_token().await.unwrap());
    let requests = org.request_log();
    let [start] = &requests.iter().filter(|it| it.path.ends_with("/device/authorize")).collect::<Vec<_>>()[..] else {
        panic!("not one start");
    };
    assert_eq!(start.form_field("scope").as_deref(), Some("openid profile email offline_access"));
    assert!(start.header("authorization").is_none() && start.form_field("client_id").as_deref() == Some(CLI));
    let shown = format!("{session:?} {authorization:?} {:?}", flow(&org));
    assert!(!shown.contains(token.expose()));
}

#[tokio::test]
async fn waiting_polls_until_the_user_has_decided() {
    let org = org().await;
    let authorization = flow(&org).start().await.unwrap();
    let (first, second) = (authorization.clone(), authorization.clone());
    let waiting = tokio::spawn(async move { first.wait_for_user().await });
    let also = tokio::spawn(async move { second.wait_for_user().await });
    org.connect_device(authorization.user_code(), ADA).unwrap();
    org.clock().advance(Duration::from_secs(6));
    let (one, other) = (waiting.await.unwrap().unwrap(), also.await.unwrap().unwrap());
    assert_eq!(one.access_token().await.unwrap(), other.access_token().await.unwrap());
    assert_eq!(polls(&org), 1, "two callers share the polls");
}

#[tokio::test]
async fn a_confidential_client_authenticates_itself_at_both_endpoints() {
    let app = Client::web(CLI, SECRET).grant_type(GrantType::DeviceCode);
    let org = Org::builder().client(app).start().await.unwrap();
    org.clock().stop();
    let authorization = flow_with(&org, config(&org).client_secret(SECRET)).start().await.unwrap();
    org.connect_device(authorization.user_code(), ADA).unwrap();
    next_answer(&org, &authorization).await.unwrap().unwrap();
    let requests = org.request_log();
    let authenticated = requests.iter().filter(|request| request.header("authorization").is_some());
    let paths: Vec<&str> = authenticated.map(|request| request.path.rsplit('/').next().unwrap()).collect();
    assert_eq!(paths[..2], ["authorize", "token"]);
}

/// RFC 8628 §5.4: the user must be able to see who asks, and where.
#[tokio::test]
async fn the_text_names_the_application_the_host_and_the_danger() {
    let org = org().await;
    let authorization = flow(&org).start().await.unwrap();
    let text = authorization.to_string();
    let address = org.address();
    for part in [
        "sign in to Orders CLI",
        &format!("http://{address}/activate"),
        authorization.user_code(),
        &format!("the page is at {} and asks about Orders CLI", address.ip()),
        "never one that another person sent you",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let complete = authorization.verification_uri_complete().unwrap();
    assert!(complete.ends_with(authorization.user_code()) && !text.contains(complete));
    let code = authorization.qr_code().unwrap();
    assert!(code.lines().count() > 10 && code.chars().all(|c| " \n\u{2580}\u{2584}\u{2588}".contains(c)), "{code}");
}

#[tokio::test]
async fn the_complete_address_is_optional() {
    let authorization = started_with("verification_uri_complete", Value::Null).await.unwrap();
    assert!(authorization.verification_uri_complete().is_none() && authorization.qr_code().is_none());
}

/// The user would enter the password at the attacker's page.
#[tokio::test]
async fn an_address_of_another_host_is_never_shown() {
    for member in ["verification_uri", "verification_uri_complete"] {
        for (address, why) in [
            ("https://okta.evil.example/activate", "it is at https://okta.evil.example, and the issuer is at http://"),
            ("http://127.0.0.1:1/activate", "verification_origin"),
            ("http://okta.evil.example/activate", "it is not https"),
            ("https://127.0.0.1@evil.example/", "a user name or a password"),
            ("javascript:alert(1)", "it is not https"),
            ("file:///etc/passwd", "it is not https"),
            ("/activate", "it is not a URL"),
            ("", "it is not a URL"),
        ] {
            let error = started_with(member, json!(address)).await.unwrap_err();
            assert_eq!(error.code(), Code::ProviderResponse);
            assert!(error.to_string().contains(why) && error.to_string().contains(member), "{address}: {error}");
        }
    }
}

#[tokio::test]
async fn another_host_can_be_allowed() {
    let org = org().await;
    let address = "https://sign-in.example/device";
    org.fault(Fault::Device(DeviceFault::Member("verification_uri".to_owned(), json!(address))));
    let build = |origin: &str| DeviceFlow::builder("Orders CLI", config(&org)).verification_origin(origin).build();
    let authorization = build("https://sign-in.example").unwrap().start().await.unwrap();
    assert_eq!(authorization.verification_uri(), address);
    assert!(authorization.to_string().contains("the page is at sign-in.example"));
    let error = build("https://other.example").unwrap().start().await.unwrap_err();
    assert_eq!(error.code(), Code::ProviderResponse);
    for wrong in ["http://sign-in.example", "https://sign-in.example/device", "sign-in.example"] {
        assert!(build(wrong).unwrap_err().is_config(), "{wrong}");
    }
}

/// A terminal interprets control characters: they can hide text, or write into the input of the shell.
#[tokio::test]
async fn control_characters_and_long_texts_never_reach_the_terminal() {
    let long = "A".repeat(33);
    for code in ["\u{1b}[2JABCD", "AB\rCD", "AB\nCD", "AB\u{7}", "AB\u{9b}2J", "AB\u{202e}CD", "\u{410}BCD", "", &long]
    {
        let error = started_with("user_code", json!(code)).await.unwrap_err();
        assert_eq!(error.code(), Code::ProviderResponse, "{code:?}");
        let text = format!("{error} {error:?}");
        assert!(text.contains("`user_code`") && !text.contains('\u{1b}'), "{text:?}");
    }
    let org = org().await;
    let start = |address: String| {
        org.clear_faults();
        org.fault(Fault::Device(DeviceFault::Member("verification_uri".to_owned(), json!(address))));
        let flow = flow(&org);
        async move { flow.start().await }
    };
    let own = format!("{}/activate", org.url());
    for end in ["\u{1b}]0;x\u{7}", "\n", "\t", "\u{202e}", " ", "\u{430}"] {
        let error = start(format!("{own}{end}")).await.unwrap_err();
        let is_shown = end != " " && error.to_string().contains(end);
        assert!(!is_shown && error.to_string().contains("ASCII"), "{end:?}: {error}");
    }
    assert!(start(format!("{own}?{}", "a".repeat(1_024))).await.unwrap_err().to_string().contains("1024 bytes"));
    start(own).await.unwrap();
}

#[tokio::test]
async fn a_response_that_is_not_one_of_rfc_8628_is_refused() {
    for (member, value, told) in [
        ("device_code", Value::Null, "`device_code`"),
        ("user_code", Value::Null, "`user_code`"),
        ("verification_uri", Value::Null, "`verification_uri`"),
        ("expires_in", Value::Null, "`expires_in`"),
        ("expires_in", json!(-1), "`expires_in`"),
        ("expires_in", json!("soon"), "`expires_in`"),
        ("interval", json!("5 s"), "`interval`"),
        ("interval", json!(-5), "`interval`"),
        ("verification_uri", json!(7), "`verification_uri`"),
    ] {
        let error = started_with(member, value).await.unwrap_err();
        assert_eq!(error.code(), Code::ProviderResponse, "{member}");
        assert!(error.to_string().contains(told), "{member}: {error}");
    }
    let org = org().await;
    org.fault(Fault::Device(DeviceFault::Huge));
    assert_eq!(flow(&org).start().await.unwrap_err().code(), Code::ProviderResponse);
}

/// The numbers are read as in a token response, and none of them keeps a user waiting who has confirmed the code.
#[tokio::test]
async fn odd_times_of_the_response_do_not_stop_a_sign_in() {
    for (member, value, longest) in [
        ("expires_in", json!("600"), 6),
        ("expires_in", json!(600.5), 6),
        ("interval", json!("5"), 6),
        ("interval", json!(0), 2),
        ("interval", json!(0.5), 2),
        ("interval", json!(5_000), 301),
        ("interval", json!(u64::MAX), 301),
        ("interval", Value::Null, 6),
    ] {
        let org = org().await;
        org.fault(Fault::Device(DeviceFault::Member(member.to_owned(), value.clone())));
        let authorization = flow(&org).start().await.unwrap_or_else(|error| panic!("{member} {value}: {error}"));
        org.connect_device(authorization.user_code(), ADA).unwrap();
        let start = org.clock().now();
        assert!(next_answer(&org, &authorization).await.unwrap().is_some(), "{member} {value}");
        let waited = org.clock().now().duration_since(start).unwrap().as_secs();
        assert_eq!(waited, longest, "{member} {value}");
    }
}

#[tokio::test]
async fn documented_errors_of_the_start_name_the_fix() {
    let org = org().await;
    org.put_client(Client::public("0oaother"));
    for (config, error, told) in [
        (config(&org).client_id("0oaother"), "unauthorized_client", "enable the grant type"),
        (config(&org).client_id("0oanone"), "invalid_client", "OKTA_CLIENT_ID"),
        (config(&org).client_secret(SECRET), "invalid_client", "client authentication method"),
        (config(&org).scopes("openid orders:cancel"), "invalid_scope", "add it to the authorization server"),
    ] {
        let refused = flow_with(&org, config).start().await.unwrap_err();
        assert_eq!((refused.code(), refused.provider_error()), (Code::TokenRefused, Some(error)), "{refused:?}");
        assert!(refused.to_string().contains(told), "{refused}");
    }
    org.fault_once(Fault::Device(DeviceFault::TooManyUserCodes));
    let limited = flow(&org).start().await.unwrap_err();
    assert!(limited.code() == Code::ProviderRateLimited && limited.retry_after().is_some());
    let error = DeviceFlow::builder("x", ConfigBuilder::default().issuer(org.issuer())).build().unwrap_err();
    assert!(error.is_config() && error.to_string().contains("OKTA_CLIENT_ID"), "{error}");
}

#[tokio::test]
async fn an_issuer_without_the_device_flow_is_named() {
    let org = org().await;
    org.fault(Fault::DiscoveryMember("device_authorization_endpoint".to_owned(), Value::Null));
    let error = flow(&org).start().await.unwrap_err();
    assert_eq!(error.code(), Code::MetadataInvalid);
    org.clear_faults();
    org.fault(Fault::DiscoveryMember("device_authorization_endpoint".to_owned(), json!("http://evil.example/device")));
    assert_eq!(flow(&org).start().await.unwrap_err().code(), Code::MetadataInvalid);
}

/// A tool that polls in a loop must not use up the rate limit of the org.
#[tokio::test]
async fn a_storm_of_polls_sends_none_before_the_interval() {
    let org = org().await;
    let authorization = flow(&org).start().await.unwrap();
    let mut at = Vec::new();
    for second in 1..=30 {
        for _ in 0..100 {
            assert!(authorization.poll().await.unwrap().is_none());
        }
        at.resize(polls(&org), second - 1);
        org.clock().advance(Duration::from_secs(1));
    }
    assert_eq!(at, [6, 12, 18, 24], "an interval of 5 s, rounded up to whole seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polls_in_parallel_send_one_request() {
    let org = org().await;
    let authorization = flow(&org).start().await.unwrap();
    org.outage(Endpoint::Token, Outage::Hang);
    org.clock().advance(Duration::from_secs(6));
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let authorization = authorization.clone();
            tokio::spawn(async move { authorization.poll().await.unwrap().is_none() })
        })
        .collect();
    org.until_waiting(Endpoint::Token, 1).await;
    // The running request counts, however long it takes.
    org.clock().advance(Duration::from_secs(60));
    assert!(authorization.poll().await.unwrap().is_none());
    org.restore_all();
    for caller in callers {
        assert!(caller.await.unwrap());
    }
    assert_eq!(polls(&org), 1);
}

#[tokio::test]
async fn the_interval_is_the_servers_and_five_seconds_without_one() {
    for (value, expected) in [(json!(9), 10), (json!(1), 2), (json!(0), 2), (Value::Null, 6)] {
        let org = org().await;
        org.fault(Fault::Device(DeviceFault::Member("interval".to_owned(), value.clone())));
        let authorization = flow(&org).start().await.unwrap();
        assert_eq!(pause(&org, &authorization).await, expected, "{value}");
    }
}

#[tokio::test]
async fn slow_down_adds_five_seconds_to_every_later_pause() {
    let org = org().await;
    let authorization = flow(&org).start().await.unwrap();
    org.fault_once(Fault::Device(DeviceFault::SlowDown));
    assert_eq!(pause(&org, &authorization).await, 6);
    assert_eq!(pause(&org, &authorization).await, 11);
    org.fault_once(Fault::Device(DeviceFault::SlowDown));
    assert_eq!(pause(&org, &authorization).await, 11);
    assert_eq!(pause(&org, &authorization).await, 16);
}

#[tokio::test]
async fn an_outage_doubles_the_pause_and_ends_nothing() {
    let org = org().await;
    let authorization = flow(&org).start().await.unwrap();
    org.outage_times(Endpoint::Token, Outage::Drop, 2);
    assert_eq!(pause(&org, &authorization).await, 6);
    assert_eq!(pause(&org, &authorization).await, 11);
    assert_eq!(pause(&org, &authorization).await, 21);
    assert_eq!(pause(&org, &authorization).await, 6, "after an answer the pause is short again");
    org.outage_times(Endpoint::Token, Outage::Status(503), 1);
    assert_eq!(pause(&org, &authorization).await, 6);
    org.connect_device(authorization.user_code(), ADA).unwrap();
    assert!(next_answer(&org, &authorization).await.unwrap().is_some());
}

#[tokio::test]
async fn a_429_postpones_the_next_poll_until_the_reset() {
    let org = org().await;
    let authorization = flow(&org).start().await.unwrap();
    org.outage_times(Endpoint::Token, Outage::RateLimited, 1);
    assert_eq!(pause(&org, &authorization).await, 6);
    let wait = authorization.until_next_poll().as_secs();
    assert!((30..=32).contains(&wait), "{wait}");
    assert_eq!(pause(&org, &authorization).await, wait);
}

#[tokio::test]
async fn the_code_expires_on_the_clock_without_a_request() {
    let org = org().await;
    let authorization = flow(&org).start().await.unwrap();
    org.clock().advance(Duration::from_secs(600));
    for _ in 0..3 {
        let error = authorization.wait_for_user().await.unwrap_err();
        assert_eq!(error.code(), Code::AttemptExpired);
    }
    assert_eq!(polls(&org), 0);
    let endless = started_with("expires_in", json!(u64::MAX)).await.unwrap();
    assert!(endless.until_next_poll() < Duration::from_secs(10), "an absurd lifetime overflows nothing");
}

#[tokio::test]
async fn final_answers_stop_the_polls() {
    for (fault, code, error) in [
        (DeviceFault::Expired, Code::AttemptExpired, "expired_token"),
        (DeviceFault::Denied, Code::AuthorizationRefused, "access_denied"),
    ] {
        let org = org().await;
        let authorization = flow(&org).start().await.unwrap();
        org.fault(Fault::Device(fault));
        for _ in 0..5 {
            let refused = next_answer(&org, &authorization).await.unwrap_err();
            assert_eq!((refused.code(), refused.provider_error()), (code, Some(error)));
            org.clock().advance(Duration::from_secs(30));
        }
        assert_eq!(polls(&org), 1);
    }
}

#[tokio::test]
async fn a_user_who_refuses_is_told_apart_from_a_failure() {
    let org = org().await;
    let authorization = flow(&org).start().await.unwrap();
    org.refuse_device(authorization.user_code()).unwrap();
    let error = next_answer(&org, &authorization).await.unwrap_err();
    assert_eq!(error.code(), Code::AuthorizationRefused);
    assert!(error.to_string().contains("did not confirm the code"), "{error}");
}

/// The response with the tokens got lost, and the server has used up the code.
#[tokio::test]
async fn a_lost_response_ends_the_sign_in() {
    let org = org().await;
    let authorization = flow(&org).start().await.unwrap();
    org.connect_device(authorization.user_code(), ADA).unwrap();
    org.outage_times(Endpoint::Token, Outage::DropAfter, 1);
    assert!(next_answer(&org, &authorization).await.unwrap().is_none());
    let error = next_answer(&org, &authorization).await.unwrap_err();
    assert_eq!((error.code(), error.provider_error()), (Code::TokenRefused, Some("invalid_grant")));
}

/// A caller that is dropped, for example by a timeout, must not lose the tokens.
#[tokio::test]
async fn a_dropped_poll_continues() {
    let org = org().await;
    let authorization = flow(&org).start().await.unwrap();
    org.connect_device(authorization.user_code(), ADA).unwrap();
    org.clock().advance(Duration::from_secs(6));
    org.outage(Endpoint::Token, Outage::HangAfter);
    let caller = authorization.clone();
    let caller = tokio::spawn(async move { caller.poll().await });
    org.until_waiting(Endpoint::Token, 1).await;
    caller.abort();
    org.restore_all();
    let waiting = tokio::time::timeout(Duration::from_secs(20), authorization.wait_for_user());
    let session = waiting.await.expect("the poll ended with its caller").unwrap();
    assert_eq!((session.all_claims()["preferred_username"].as_str(), polls(&org)), (Some(ADA), 1));
}

#[tokio::test]
async fn an_outage_of_the_keys_does_not_lose_the_tokens() {
    let org = org().await;
    let authorization = flow(&org).start().await.unwrap();
    org.connect_device(authorization.user_code(), ADA).unwrap();
    org.outage(Endpoint::Keys, Outage::Status(503));
    assert!(next_answer(&org, &authorization).await.unwrap().is_none());
    assert_eq!(polls(&org), 1);
    org.restore_all();
    eventually_signed_in(&org, &authorization).await;
    assert_eq!(polls(&org), 1, "the code is used up, and not sent again");
}

async fn eventually_signed_in(org: &Org, authorization: &DeviceAuthorization) {
    for _ in 0..300 {
        org.clock().advance(Duration::from_secs(1));
        if authorization.poll().await.unwrap().is_some() {
            return;
        }
    }
    panic!("not signed in after the outage");
}

#[tokio::test]
async fn the_id_token_is_verified_as_in_every_sign_in() {
    for (fault, code) in [
        (Fault::IdTokenAudience, Code::TokenClaim),
        (Fault::IdTokenIssuer, Code::TokenClaim),
        (Fault::IdTokenBadSignature, Code::TokenSignature),
        (Fault::IdTokenAlgNone, Code::TokenMalformed),
        (Fault::IdTokenAlgHs256WithRsaPublicKey, Code::TokenAlgorithm),
        (Fault::IdTokenAtHash, Code::TokenClaim),
        (Fault::IdTokenExpired, Code::TokenExpired),
        (Fault::IdTokenNoSub, Code::TokenClaim),
        (Fault::IdTokenAzp, Code::TokenClaim),
        (Fault::IdTokenUnpublishedKey, Code::TokenKeyUnknown),
        (Fault::IdTokenMissing, Code::IdTokenMissing),
        (Fault::UserinfoSub, Code::UserinfoSubject),
    ] {
        let org = org().await;
        let authorization = flow(&org).start().await.unwrap();
        org.connect_device(authorization.user_code(), ADA).unwrap();
        org.fault(fault.clone());
        for _ in 0..2 {
            let error = next_answer(&org, &authorization).await.unwrap_err();
            assert_eq!(error.code(), code, "{fault:?}: {error:?}");
        }
        assert_eq!(polls(&org), 1, "{fault:?}: the sign-in has ended");
    }
}

/// The page names the application as the tool does, so that a user can compare.
#[tokio::test]
async fn the_code_is_confirmed_on_the_activation_page() {
    let org = org().await;
    let authorization = flow(&org).start().await.unwrap();
    let address = authorization.verification_uri_complete().unwrap();
    let page = org.browser().activate(address, "", ADA).await.unwrap();
    assert!(matches!(page, Response::Page { body, .. } if body.contains("Device connected")));
    assert!(next_answer(&org, &authorization).await.unwrap().is_some());
    let authorization = flow(&org).start().await.unwrap();
    let address = authorization.verification_uri_complete().unwrap();
    org.browser().deny_devices(true).activate(address, "", ADA).await.unwrap();
    assert_eq!(next_answer(&org, &authorization).await.unwrap_err().code(), Code::AuthorizationRefused);
}
