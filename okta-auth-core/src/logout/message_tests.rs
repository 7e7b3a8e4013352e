//! Malformed and forged logout messages, for every rule.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Request};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::front_channel::Target;
use super::status::Channel;
use super::universal::{AcceptedIssuers, Signer, SubjectIdentifier};
use super::{back_channel, front_channel, universal};
use crate::config::Config;
use crate::error::{Code, Error, Result};
use crate::jose::issuer_for_tests::{CLIENT, ISSUER, NOW, TestIssuer, encode, issuer, sign};
use crate::jose::{LogoutTokenRules, RevocationTokenRules};
use crate::session::Email;

const FORM: &str = "application/x-www-form-urlencoded";
const ENDPOINT: &str = "https://app.example.com/global-token-revocation";

fn typed(kinds: &[&str]) -> HeaderMap {
    kinds.iter().map(|kind| (CONTENT_TYPE, kind.parse().unwrap())).collect()
}

fn request(query: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::post(format!("https://app.example.com/x?{query}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

// ---- back-channel

fn back(body: &str) -> Result<String> {
    back_channel::logout_token(&typed(&[FORM]), body.as_bytes())
}

#[test]
fn accepts_one_logout_token_in_a_form() {
    for kind in [FORM, "Application/X-WWW-Form-Urlencoded ; charset=utf-8"] {
        let token = back_channel::logout_token(&typed(&[kind]), b"a=b&logout_token=x.y.z&a=c").unwrap();
        assert_eq!(token, "x.y.z", "{kind}");
    }
}

#[test]
fn rejects_a_missing_repeated_or_empty_logout_token() {
    let huge = format!("logout_token={}", "a".repeat(40 * 1024));
    for body in [
        "",
        "logout_token",
        "logout_token=",
        "logout_token=a&logout_token=b",
        "logout_token=a&logout_token=a",
        "logout_token=a&logout%5Ftoken=b",
        "logout_token=&logout_token=a",
        "Logout_Token=a",
        r#"{"logout_token":"a"}"#,
        &huge,
    ] {
        assert_eq!(back(body).unwrap_err().code(), Code::LogoutMalformed, "{body:.40}");
    }
    back(huge.get(..40 * 1024).unwrap()).unwrap();
}

#[test]
fn rejects_another_media_type_and_two_media_types() {
    for kinds in [&[][..], &[""], &["application/json"], &["text/plain"], &["x/x;application/x-www-form-urlencoded"]]
        .into_iter()
        .chain([&[FORM, FORM][..], &[FORM, "application/json"], &["application/x-www-form-urlencoded2"]])
    {
        let error = back_channel::logout_token(&typed(kinds), b"logout_token=a").unwrap_err();
        assert_eq!(error.code(), Code::LogoutMalformed, "{kinds:?}");
    }
}

// ---- front-channel

/// An application that requires `iss` and `sid`, or also accepts the bare form.
fn application(session_required: bool) -> Config {
    let config = Config::builder().issuer(ISSUER).client_id(CLIENT).base_url("https://app.example.com");
    let config = config.front_channel_session_required(session_required);
    config.cookie_secret("a secret for tests, 32 bytes or more").build().unwrap()
}

fn front(query: &str) -> Result<Option<Target>> {
    front_channel::target(&request(query, &[]), b"", &application(true))
}

fn session(sid: &str) -> Option<Target> {
    Some(Target::Session { sid: sid.to_owned() })
}

/// A query for an `iss` and a `sid`.
fn named(iss: &str, sid: &str) -> String {
    Serializer::new(String::new()).append_pair("iss", iss).append_pair("sid", sid).finish()
}

#[test]
fn accepts_both_parameters_in_a_query_or_a_form() {
    let both = named(ISSUER, "102 s");
    assert_eq!(front(&both).unwrap(), session("102 s"));
    for bare in ["", "other=1&other=2&ISS=x"] {
        assert_eq!(front(bare).unwrap_err().code(), Code::LogoutMalformed, "{bare}");
    }
    let (iss, sid) = both.split_once('&').unwrap();
    let form = request("", &[("content-type", FORM)]);
    assert_eq!(front_channel::target(&form, both.as_bytes(), &application(true)).unwrap(), session("102 s"));
    let split = request(iss, &[("content-type", FORM)]);
    assert_eq!(front_channel::target(&split, sid.as_bytes(), &application(true)).unwrap(), session("102 s"));
}

#[test]
fn a_message_of_another_issuer_is_ignored() {
    for iss in ["https://evil.okta.com", "https://acme.okta.com/", &format!("{ISSUER}/"), &ISSUER.to_uppercase()] {
        assert_eq!(front(&named(iss, "102s")).unwrap(), None, "{iss}");
    }
    // Okta may name the org in place of one of its custom servers.
    assert_eq!(front(&named("https://acme.okta.com", "102s")).unwrap(), session("102s"));
}

#[test]
fn rejects_single_repeated_empty_and_huge_parameters() {
    let both = named(ISSUER, "102s");
    let (iss, sid) = both.split_once('&').unwrap();
    for query in [
        iss.to_owned(),
        sid.to_owned(),
        format!("{both}&{sid}"),
        format!("{both}&{iss}"),
        format!("{both}&s%69d=x"),
        format!("{iss}&sid"),
        named(ISSUER, ""),
        named("", "102s"),
        named("", ""),
        named(ISSUER, &"a".repeat(2_049)),
        named(ISSUER, "a\nb"),
        named(ISSUER, "\0"),
        format!("{iss}&sid=%ff"),
        format!("{both}&x={}", "a".repeat(8 * 1024)),
    ] {
        assert_eq!(front(&query).unwrap_err().code(), Code::LogoutMalformed, "{query:.80}");
    }
    assert!(front(&named(ISSUER, &"a".repeat(2_048))).unwrap().is_some());
}

/// The requests that a page of another site can cause: an image, a script, a `fetch`, a link, a form.
#[test]
fn the_bare_form_is_accepted_only_for_the_navigation_of_a_frame() {
    const FRAME: [(&str, &str); 2] = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
    let config = application(false);
    let target = |headers: &[(&str, &str)]| front_channel::target(&request("", headers), b"", &config).unwrap();
    let issuer = &issuer().as_str().parse::<url::Url>().unwrap().origin().ascii_serialization();
    for more in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", issuer.as_str()),
        ("origin", "https://app.example.com"),
    ] {
        assert_eq!(target(&[FRAME[0], FRAME[1], more]), Some(Target::Browser), "{more:?}");
    }
    for headers in [
        &[][..],
        &[("accept", "text/html")],
        &[FRAME[0]],
        &[FRAME[1]],
        &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
        &[("sec-fetch-mode", "no-cors"), FRAME[1]],
        &[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
        &[FRAME[0], ("sec-fetch-dest", "document")],
        &[FRAME[0], FRAME[1], ("sec-fetch-dest", "image")],
        &[FRAME[0], FRAME[1], ("origin", "https://evil.example")],
        &[FRAME[0], FRAME[1], ("origin", "null")],
        &[FRAME[0], FRAME[1], ("origin", issuer), ("origin", "https://evil.example")],
    ] {
        assert_eq!(target(headers), None, "{headers:?}");
    }
    assert!(
        front_channel::target(&request("sid=1", &FRAME), b"", &config).is_err(),
        "a `sid` without `iss` is not the bare form"
    );
}

#[test]
fn rejects_a_query_and_a_form_that_disagree() {
    let (one, other) = (named(ISSUER, "102s"), named(ISSUER, "other"));
    let target = |kinds: &[(&str, &str)], query: &str, body: &str| {
        front_channel::target(&request(query, kinds), body.as_bytes(), &application(true)).map_err(|error| error.code())
    };
    assert_eq!(target(&[("content-type", FORM)], &one, &other), Err(Code::LogoutMalformed));
    assert_eq!(target(&[("content-type", "text/plain")], "", &one), Err(Code::LogoutMalformed));
    assert_eq!(target(&[], "", &one), Err(Code::LogoutMalformed));
    assert_eq!(target(&[("content-type", FORM)], "", &"a".repeat(8 * 1024 + 1)), Err(Code::LogoutMalformed));
}

// ---- Universal Logout: the token

fn bearer(query: &str, values: &[&str]) -> Result<String> {
    let headers: Vec<_> = values.iter().map(|value| ("authorization", *value)).collect();
    universal::revocation_token(&request(query, &headers))
}

#[test]
fn accepts_one_token_after_bearer() {
    for value in ["Bearer x.y.z", "bearer x.y.z", "BEARER  x.y.z"] {
        assert_eq!(bearer("", &[value]).unwrap(), "x.y.z");
    }
}

#[test]
fn rejects_missing_and_repeated_tokens_other_schemes_and_the_query() {
    for values in [
        &[][..],
        &[""],
        &["Bearer"],
        &["Bearer "],
        &["Bearer a b"],
        &["Bearer a,b"],
        &["Basic dTpw"],
        &["DPoP x.y.z"],
        &["x.y.z"],
        &["Bearer a", "Bearer a"],
        &["Basic dTpw", "Bearer a"],
        &["Bearer a", "Basic dTpw"],
    ] {
        let error = bearer("", values).unwrap_err();
        assert_eq!(error.code(), Code::LogoutRefused, "{values:?}");
        assert_eq!(Channel::Universal.status(&error), 401);
    }
    assert_eq!(bearer("access_token=x", &[]).unwrap_err().code(), Code::LogoutRefused);
    assert_eq!(bearer("access_token=x", &["Bearer a"]).unwrap_err().code(), Code::LogoutRefused);
}

#[test]
fn the_keys_are_those_of_the_configured_issuer_or_of_its_org() {
    let accepted = AcceptedIssuers::of(&issuer());
    let signer = |payload: &str| accepted.signer(&format!("x.{}.x", encode(payload))).map_err(|error| error.code());
    assert_eq!(signer(&json!({ "iss": ISSUER }).to_string()), Ok(Signer::Configured));
    assert_eq!(signer(r#"{"iss":"https://acme.okta.com"}"#), Ok(Signer::Org));
    assert_eq!(accepted.issuer(Signer::Configured), ISSUER);
    assert_eq!(accepted.issuer(Signer::Org), "https://acme.okta.com");
    for iss in ["https://acme.okta.com/", "https://evil.okta.com", "https://acme.okta.com/oauth2/other", "null", ""] {
        assert_eq!(signer(&json!({ "iss": iss }).to_string()), Err(Code::TokenClaim), "{iss}");
    }
    for payload in ["{}", "[]", "", r#"{"iss":["https://acme.okta.com"]}"#, r#"{"iss":"a","iss":"b"}"#] {
        assert_eq!(signer(payload), Err(Code::TokenMalformed), "{payload}");
    }
    for token in ["", "x", "x.", "x.%.x"] {
        assert_eq!(accepted.signer(token).unwrap_err().code(), Code::TokenMalformed, "{token}");
    }
}

#[test]
fn an_org_and_an_unrelated_issuer_on_its_host_are_not_accepted_for_each_other() {
    for (configured, other) in [
        ("https://acme.okta.com", "https://acme.okta.com/oauth2/default"),
        ("https://shared.example/acme", "https://shared.example"),
    ] {
        let accepted = AcceptedIssuers::of(&crate::config::Issuer::new(configured, configured.parse().unwrap()));
        let token = |iss: &str| format!("x.{}.x", encode(json!({ "iss": iss }).to_string()));
        assert_eq!(accepted.signer(&token(configured)).unwrap(), Signer::Configured);
        assert_eq!(accepted.signer(&token(other)).unwrap_err().claim(), Some("iss"), "{other}");
        let body = json!({ "sub_id": { "format": "iss_sub", "iss": other, "sub": "00u1" } }).to_string();
        let error = universal::subject(&typed(&["application/json"]), body.as_bytes(), &accepted).unwrap_err();
        assert_eq!(error.code(), Code::LogoutForbidden, "{other}");
    }
}

// ---- Universal Logout: the subject

fn subject_of(body: &[u8]) -> Result<SubjectIdentifier> {
    universal::subject(&typed(&["application/json"]), body, &AcceptedIssuers::of(&issuer()))
}

fn code_of(body: &str) -> Code {
    subject_of(body.as_bytes()).unwrap_err().code()
}

#[test]
fn accepts_subjects_of_each_format() {
    let read = |sub_id: Value| subject_of(json!({ "sub_id": sub_id, "x": [1] }).to_string().as_bytes()).unwrap();
    let email = read(json!({ "format": "email", "email": "Joe@Acme.Example" }));
    assert!(matches!(email, SubjectIdentifier::Email(email) if email.as_str() == "joe@acme.example"));
    for iss in [ISSUER, "https://acme.okta.com"] {
        let expected = SubjectIdentifier::IssuerSubject { iss: iss.to_owned(), sub: "00u1".to_owned() };
        assert_eq!(read(json!({ "format": "iss_sub", "iss": iss, "sub": "00u1" })), expected);
    }
    let opaque = read(json!({ "id": "00u1", "format": "opaque" }));
    assert_eq!(opaque, SubjectIdentifier::Opaque { id: "00u1".to_owned() });
    let headers = typed(&["Application/JSON; charset=utf-8"]);
    universal::subject(&headers, br#"{"sub_id":{"format":"opaque","id":"x"}}"#, &AcceptedIssuers::of(&issuer()))
        .unwrap();
}

#[test]
fn a_subject_of_another_issuer_is_forbidden() {
    for iss in ["https://evil.okta.com", "https://acme.okta.com/", "https://acme.okta.com/oauth2/other"] {
        let error =
            subject_of(json!({ "sub_id": { "format": "iss_sub", "iss": iss, "sub": "00u1" } }).to_string().as_bytes());
        let error = error.unwrap_err();
        assert_eq!((error.code(), Channel::Universal.status(&error).as_u16()), (Code::LogoutForbidden, 403));
    }
}

#[test]
fn rejects_unknown_formats_and_missing_empty_huge_or_mistyped_members() {
    let long = "a".repeat(256);
    for sub_id in [
        json!({ "format": "phone_number", "phone_number": "+12065550100" }),
        json!({ "format": "aliases", "identifiers": [{ "format": "opaque", "id": "00u1" }] }),
        json!({ "format": "Email", "email": "a@b.c" }),
        json!({ "format": "", "id": "00u1" }),
        json!({ "id": "00u1" }),
        json!({ "format": ["opaque"], "id": "00u1" }),
        json!({ "format": "opaque" }),
        json!({ "format": "opaque", "id": "" }),
        json!({ "format": "opaque", "id": null }),
        json!({ "format": "opaque", "id": 1 }),
        json!({ "format": "opaque", "id": long }),
        json!({ "format": "opaque", "id": "a\u{0}" }),
        json!({ "format": "iss_sub", "iss": ISSUER }),
        json!({ "format": "iss_sub", "sub": "00u1" }),
        json!({ "format": "iss_sub", "iss": ISSUER, "sub": "" }),
        json!({ "format": "iss_sub", "iss": ISSUER, "sub": long }),
        json!({ "format": "email" }),
        json!({ "format": "email", "id": "a@b.c" }),
        json!(["opaque", "00u1"]),
        json!({}),
        json!("00u1"),
        json!(null),
    ] {
        assert_eq!(code_of(&json!({ "sub_id": sub_id }).to_string()), Code::LogoutMalformed, "{sub_id}");
    }
}

#[test]
fn rejects_a_subject_with_two_readings() {
    for body in [
        r#"{"sub_id":{"format":"opaque","id":"a","id":"b"}}"#,
        r#"{"sub_id":{"format":"opaque","id":"a","\u0069d":"b"}}"#,
        r#"{"sub_id":{"format":"opaque","format":"email","id":"a","email":"a@b.c"}}"#,
        r#"{"sub_id":{"format":"opaque","id":"a"},"sub_id":{"format":"opaque","id":"b"}}"#,
        r#"{"sub_id":{"format":"opaque","id":"a"},"sub\u005fid":{"format":"opaque","id":"a"}}"#,
        r#"{"sub_id":{"format":"opaque","id":"a","email":"a@b.c"}}"#,
        r#"{"sub_id":{"format":"opaque","id":"a","x":1}}"#,
    ] {
        assert_eq!(code_of(body), Code::LogoutMalformed, "{body}");
    }
}

#[test]
fn rejects_a_body_that_is_too_large_or_not_a_json_object() {
    let good = r#"{"sub_id":{"format":"opaque","id":"a"}}"#;
    subject_of(format!("{good}{}", " ".repeat(8 * 1024 - good.len())).as_bytes()).unwrap();
    let (open, close) = ("[".repeat(4_000), "]".repeat(4_000));
    let deep = format!(r#"{{"sub_id":{{"format":"opaque","id":{open}{close}}}}}"#);
    let ignored = format!(r#"{{"x":{open}{close},"sub_id":{{"format":"opaque","id":"a"}}}}"#);
    subject_of(ignored.as_bytes()).unwrap();
    for body in [
        "",
        "{}",
        "null",
        r#"[{"format":"opaque","id":"a"}]"#,
        r#"{"format":"opaque","id":"a"}"#,
        r#"{"sub_id":{"format":"opaque","id":"a"}} x"#,
        "\u{feff}{\"sub_id\":{\"format\":\"opaque\",\"id\":\"a\"}}",
        r#"{"sub_id":{"format":"opaque","id":"\ud800"}}"#,
        &format!("{good}{}", " ".repeat(8 * 1024)),
        &deep,
    ] {
        assert_eq!(code_of(body), Code::LogoutMalformed, "{body:.60}");
    }
    assert_eq!(
        subject_of(b"{\"sub_id\":{\"format\":\"opaque\",\"id\":\"\xff\"}}").unwrap_err().code(),
        Code::LogoutMalformed
    );
    for kinds in [&[][..], &["text/plain"], &[FORM], &["application/json", "application/json"], &["application/jsonx"]]
    {
        let error = universal::subject(&typed(kinds), good.as_bytes(), &AcceptedIssuers::of(&issuer())).unwrap_err();
        assert_eq!(
            (error.code(), Channel::Universal.status(&error).as_u16()),
            (Code::LogoutMalformed, 400),
            "{kinds:?}"
        );
    }
}

// ---- e-mail addresses

#[test]
fn rejects_addresses_without_exactly_one_at_sign_or_with_space_or_control_characters() {
    let long = format!("{}@b.c", "a".repeat(251));
    for bad in [
        "",
        "a",
        "@",
        "a@",
        "@b.c",
        "a@b@c.d",
        "\"a@b\"@c.d",
        "a@@b.c",
        " a@b.c",
        "a@b.c ",
        "a b@c.d",
        "a@b.c\n",
        "a\t@b.c",
        "a\0@b.c",
        "a\u{a0}@b.c",
        "a@b.c\u{2028}",
        "a@b\u{85}.c",
        "\u{fffd}@b.c",
        &long,
    ] {
        assert_eq!(Email::parse(bad), None, "{bad:?}");
        let body = json!({ "sub_id": { "format": "email", "email": bad } }).to_string();
        assert_eq!(code_of(&body), Code::LogoutMalformed, "{bad:?}");
    }
    assert!(Email::parse(long.get(1..).unwrap()).is_some(), "254 bytes");
}

#[test]
fn look_alike_letters_stay_distinct() {
    let parse = |text: &str| Email::parse(text).unwrap();
    assert_eq!(parse("JOE@ACME.example"), parse("joe@acme.EXAMPLE"));
    for (one, other) in [
        ("mike@acme.example", "mi\u{212a}e@acme.example"),
        ("sam@acme.example", "\u{17f}am@acme.example"),
        ("i@acme.example", "\u{130}@acme.example"),
        ("joe@acme.example", "joe@acme\u{ff0e}example"),
        ("josé@acme.example", "jose\u{301}@acme.example"),
        ("É@acme.example", "é@acme.example"),
        ("straße@acme.example", "strasse@acme.example"),
        ("joe@acme.example", "joe\u{200b}@acme.example"),
    ] {
        assert_ne!(parse(one), parse(other), "{one} {other}");
    }
}

// ---- statuses

#[test]
fn each_channel_has_its_statuses() {
    let error = |code| Error::new(code, "x");
    for (code, back, front, universal) in [
        (Code::LogoutMalformed, 400, 400, 400),
        (Code::LogoutRefused, 400, 500, 401),
        (Code::CredentialsMalformed, 400, 500, 401),
        (Code::LogoutForbidden, 400, 500, 403),
        (Code::LogoutSubjectUnknown, 200, 200, 404),
        (Code::LogoutInProgress, 400, 503, 503),
        (Code::LogoutUnsupported, 400, 500, 422),
        (Code::ProviderUnavailable, 400, 503, 503),
        (Code::ProviderRateLimited, 400, 503, 503),
        (Code::Internal, 400, 500, 500),
    ] {
        let statuses = [Channel::Back, Channel::Front, Channel::Universal].map(|way| way.status(&error(code)).as_u16());
        assert_eq!(statuses, [back, front, universal], "{code}");
    }
    for code in [
        Code::TokenMalformed,
        Code::TokenEncrypted,
        Code::TokenAlgorithm,
        Code::TokenHeader,
        Code::TokenKeyUnknown,
        Code::TokenSignature,
        Code::TokenClaim,
        Code::TokenExpired,
        Code::TokenKind,
    ] {
        assert_eq!(Channel::Back.status(&error(code)), 400, "{code}");
        assert_eq!(Channel::Universal.status(&error(code)), 401, "{code}");
    }
    assert_eq!([Channel::Back, Channel::Front, Channel::Universal].map(|way| way.done().as_u16()), [200, 200, 204]);
}

// ---- whole messages

#[tokio::test]
async fn a_whole_back_channel_logout() {
    let org = TestIssuer::start().await;
    let payload = json!({
        "iss": ISSUER, "aud": CLIENT, "jti": "one", "sid": "102s", "iat": NOW, "exp": NOW + 120,
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    let token = back(&format!("logout_token={}", sign(&json!({ "alg": "RS256", "kid": "rsa" }), &payload))).unwrap();
    let rules = LogoutTokenRules { issuer: ISSUER, client_id: CLIENT };
    org.verifier().logout_token(&org.keys, &token, &rules).await.unwrap();
}

#[tokio::test]
async fn a_whole_universal_logout_of_the_org_and_one_with_the_keys_of_the_other() {
    let (org, accepted) = (TestIssuer::start().await, AcceptedIssuers::of(&issuer()));
    let header = json!({ "alg": "RS256", "kid": "rsa", "typ": "global-token-revocation+jwt" });
    let payload = json!({
        "iss": "https://acme.okta.com", "sub": CLIENT, "aud": ENDPOINT, "jti": "one", "iat": NOW, "exp": NOW + 300,
    });
    let token = bearer("", &[&format!("Bearer {}", sign(&header, &payload))]).unwrap();
    let signer = accepted.signer(&token).unwrap();
    let rules = |issuer| RevocationTokenRules { issuer, client_id: CLIENT, endpoint: ENDPOINT };
    let verified = org.verifier().revocation_token(&org.keys, &token, &rules(accepted.issuer(signer))).await.unwrap();
    assert_eq!((signer, verified.issuer()), (Signer::Org, "https://acme.okta.com"));
    // The same token against the rules of the other signer: its keys do not match its `iss`.
    let issuer = accepted.issuer(Signer::Configured);
    let error = org.verifier().revocation_token(&org.keys, &token, &rules(issuer)).await.unwrap_err();
    assert_eq!((error.claim(), Channel::Universal.status(&error).as_u16()), (Some("iss"), 401));
}

// ---- properties

/// Texts with a meaning in these messages, and other texts.
fn words() -> impl Strategy<Value = String> {
    let known =
        ["iss", "sid", "logout_token", "sub_id", "format", "email", "iss_sub", "opaque", "id", "sub", "", "a@b.c"];
    prop_oneof![4 => select(known.to_vec()).prop_map(str::to_owned), 2 => Just(ISSUER.to_owned()), 1 => any::<String>()]
}

/// JSON close to the shape of a message: an identifier of some format, with up to two members added or replaced.
fn messages() -> impl Strategy<Value = Value> {
    let good = vec![
        json!({ "format": "email", "email": "A@b.c" }),
        json!({ "format": "iss_sub", "iss": ISSUER, "sub": "00u1" }),
        json!({ "format": "opaque", "id": "00u1" }),
        json!({}),
    ];
    let value =
        prop_oneof![4 => words().prop_map(Value::from), 1 => any::<i32>().prop_map(Value::from), 1 => Just(json!([]))];
    (select(good), vec((words(), value), 0..3), any::<bool>()).prop_map(|(mut identifier, others, nested)| {
        identifier.as_object_mut().unwrap().extend(others);
        if nested { json!({ "sub_id": identifier }) } else { identifier }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_bytes_name_no_user(bytes in any::<Vec<u8>>()) {
        prop_assert!(back_channel::logout_token(&typed(&[FORM]), &bytes).is_err());
        prop_assert!(subject_of(&bytes).is_err());
        let form = request("", &[("content-type", FORM)]);
        let target = front_channel::target(&form, &bytes, &application(true));
        prop_assert!(matches!(target, Err(_) | Ok(None)));
        let mut parts = request("", &[]);
        if let Ok(value) = http::HeaderValue::from_bytes(&bytes) {
            parts.headers.insert(AUTHORIZATION, value);
        }
        prop_assert!(universal::revocation_token(&parts).is_err());
        prop_assert!(AcceptedIssuers::of(&issuer()).signer(&String::from_utf8_lossy(&bytes)).is_err());
    }

    #[test]
    fn a_session_is_named_by_one_right_iss_and_one_sid(pairs in vec((words(), words()), 0..5)) {
        let query = Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let named = |name: &'static str| pairs.iter().filter(move |pair| pair.0 == name);
        let all = |name| named(name).map(|pair| pair.1.as_str()).collect::<Vec<_>>();
        match (front(&query), &all("iss")[..], &all("sid")[..]) {
            (Ok(Some(Target::Session { sid })), [iss], [one]) => {
                prop_assert!(*iss == ISSUER && sid == *one && !one.is_empty());
            }
            (Ok(None), [iss], [_]) => prop_assert!(*iss != ISSUER),
            (Err(error), ..) => prop_assert_eq!(error.code(), Code::LogoutMalformed),
            (other, ..) => prop_assert!(false, "{:?} from {}", other, query),
        }
        match (back(&query), &all("logout_token")[..]) {
            (Ok(token), [one]) => prop_assert!(token == *one && !one.is_empty()),
            (Ok(_), _) => prop_assert!(false, "{}", query),
            (Err(error), _) => prop_assert_eq!(error.code(), Code::LogoutMalformed),
        }
    }

    #[test]
    fn a_subject_is_what_the_body_says(message in messages()) {
        let Ok(subject) = subject_of(message.to_string().as_bytes()) else { return Ok(()) };
        let expected = match &subject {
            SubjectIdentifier::Email(email) => {
                let written = message["sub_id"]["email"].as_str().unwrap();
                prop_assert!(written.eq_ignore_ascii_case(email.as_str()));
                json!({ "format": "email", "email": written })
            }
            SubjectIdentifier::IssuerSubject { iss, sub } => {
                prop_assert_eq!(iss, ISSUER);
                json!({ "format": "iss_sub", "iss": iss, "sub": sub })
            }
            SubjectIdentifier::Opaque { id } => json!({ "format": "opaque", "id": id }),
        };
        prop_assert_eq!(&message["sub_id"], &expected);
    }

    #[test]
    fn an_address_changes_only_in_the_case_of_ascii_letters(
        text in "[^@]{0,8}@?[^@]{0,8}@[a-zA-ZÀ-ɏ\u{212a}.]{0,8}",
    ) {
        if let Some(email) = Email::parse(&text) {
            prop_assert_eq!(Email::parse(email.as_str()), Some(email.clone()));
            prop_assert!(text.eq_ignore_ascii_case(email.as_str()));
            prop_assert_eq!(text.matches('@').count(), 1);
        }
    }
}
