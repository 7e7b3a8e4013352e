//! Provider data: values that the specifications allow are accepted, others are rejected by name, and the log says
//! why.

use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use okta_auth_core::config::Userinfo;
use okta_auth_core::engine::SignIn;
use okta_auth_dev::{Fault, Org, Rotation};
use serde_json::{Value, json};

use crate::app::{App, Framework};
use crate::support::{ADA, Answer, BEN, Browser, log};

const LIFETIME: Duration = Duration::from_secs(300);

fn claim(name: &str, value: impl Into<Value>) -> Fault {
    Fault::IdTokenClaim(name.to_owned(), value.into())
}

fn now(app: &App) -> i64 {
    i64::try_from(app.org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Signs in with these faults.
async fn sign_in_with(app: &App, faults: impl IntoIterator<Item = Fault>) -> (Browser, Answer) {
    app.org.clear_faults();
    faults.into_iter().for_each(|fault| app.org.fault(fault));
    let mut browser = app.browser();
    let answer = browser.sign_in(&app.org, ADA, "/profile").await;
    app.org.clear_faults();
    (browser, answer)
}

/// Signs in, which must succeed.
async fn signed_in_with(app: &App, faults: impl IntoIterator<Item = Fault>) -> Browser {
    let (browser, answer) = sign_in_with(app, faults).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/profile"), "{}", answer.body);
    browser
}

/// Signs in, which must fail with a page that shows only the code. Returns the log line.
async fn refused_with(app: &App, faults: impl IntoIterator<Item = Fault>, status: u16, code: &str) -> String {
    let (browser, answer) = sign_in_with(app, faults).await;
    assert_eq!(answer.status, status, "{}", answer.body);
    assert!(answer.body.contains(&format!("Code: {code}<")), "{}", answer.body);
    assert!(!browser.jar.contains_key("okta_session"), "{:?}", browser.jar);
    let reference = answer.body.split("Reference: ").nth(1).and_then(|rest| rest.split('<').next()).unwrap().to_owned();
    log::line(&["sign_in_failed", &format!("reference={reference}")])
}

pub(crate) async fn dates_are_any_numbers<F: Framework>() {
    log::listen();
    let app = App::start::<F>().await;
    let (seconds, half) = (now(&app), now(&app) as f64 + 0.5);
    for faults in [
        vec![claim("iat", half), claim("exp", half + 3_600.0), claim("auth_time", half)],
        vec![claim("exp", 1e300), claim("nbf", -1e300)],
        vec![claim("exp", 99_999_999_999_999_999_999.0), claim("session_expiry", half + 600.0)],
        vec![claim("exp", u64::MAX), claim("session_expiry", 1e300)],
    ] {
        let mut browser = signed_in_with(&app, faults).await;
        assert!(browser.navigate("/profile").await.body.contains(ADA));
    }
    let mint = || app.org.token().access_token(ADA, ["openid"]);
    for token in [
        mint().claim("exp", half + 60.0).claim("iat", half).claim("nbf", half - 60.0),
        mint().claim("exp", 1e300),
        mint().claim("exp", u64::MAX).claim("auth_time", half),
    ] {
        assert_eq!(app.call("/token", &token.sign()).await.status, 200);
    }
    // The fraction never extends a lifetime.
    let late = mint().claim("exp", seconds as f64 - 60.1).sign();
    assert_eq!(app.call("/token", &late).await.status, 401);
    for name in ["exp", "iat", "nbf", "auth_time", "session_expiry"] {
        for wrong in [json!(seconds.to_string()), json!("soon"), json!([seconds]), json!(true), json!({})] {
            let line = refused_with(&app, [claim(name, wrong.clone())], 400, "token_claim").await;
            assert!(line.contains(&format!("claim=\"{name}\"")), "{name} {wrong}: {line}");
        }
    }
    assert!(
        refused_with(&app, [claim("session_expiry", half - 600.0)], 400, "token_claim")
            .await
            .contains("session_expiry")
    );
}

pub(crate) async fn every_refusal_names_its_claim<F: Framework>() {
    log::listen();
    let app = App::start::<F>().await;
    let client = app.org.client().client_id;
    let cases = [
        ("iss", json!(7)),
        ("iss", json!("https://other.example")),
        ("sub", json!(["00u1"])),
        ("sub", json!("")),
        ("aud", json!(7)),
        ("aud", json!([client, 7])),
        ("aud", json!({ "x": client })),
        ("azp", json!([client])),
        ("azp", json!("other")),
        ("nonce", json!(7)),
        ("nonce", json!("other")),
        ("at_hash", json!(false)),
        ("at_hash", json!("other")),
        ("acr", json!(2)),
        ("acr", json!(["urn:okta:loa:2fa:any"])),
        ("amr", json!(7)),
        ("amr", json!({ "pwd": true })),
        ("sid", json!(102)),
        ("sid", json!("102\nforged")),
        ("sid", json!("x".repeat(2_049))),
        ("auth_time", json!(now(&app) + 3_600)),
        ("iat", json!(now(&app) + 3_600)),
        ("email", json!("ada@example.test\r\nBcc: eve@example.test")),
    ];
    for (name, value) in cases {
        let line = refused_with(&app, [claim(name, value.clone())], 400, "token_claim").await;
        assert!(line.contains(&format!("claim=\"{name}\"")), "{name} {value}: {line}");
        assert!(!line.contains("forged") && !line.contains("eve@"), "{line}");
    }
    // An access token is rejected with 401, and the log names its claim.
    for (name, value) in [
        ("iss", json!(7)),
        ("sub", json!(7)),
        ("aud", json!({})),
        ("cid", json!([client])),
        ("cid", json!("a\u{1b}[2J")),
        ("uid", json!("00u1\n")),
        ("scp", json!("openid")),
        ("exp", json!("9999999999")),
        ("nbf", json!("0")),
    ] {
        let token = app.org.token().access_token(ADA, ["openid"]).claim(name, value.clone()).sign();
        let answer = app.call("/token", &token).await;
        assert_eq!(answer.status, 401, "{name} {value}");
        let reference = answer.json()["reference"].as_str().unwrap_or_default().to_owned();
        let lines = log::lines(&["an access token was refused", &format!("claim=\"{name}\""), &reference]);
        assert!(!lines.is_empty(), "{name} {value}");
    }
}

pub(crate) async fn groups_and_methods_of_any_shape<F: Framework>() {
    log::listen();
    let app = App::start::<F>().await;
    let issuer = format!("issuer=\"{}\"", app.org.issuer());
    // A string is a list with one element, and is never split.
    let mut one = signed_in_with(&app, [claim("groups", "Admins"), claim("amr", "pwd")]).await;
    assert!(one.navigate("/profile").await.body.ends_with(" Admins"));
    assert_eq!(one.navigate("/admin").await.status, 200);
    assert_eq!(one.navigate("/not-suspended").await.status, 200);
    let mut text = signed_in_with(&app, [claim("groups", "Staff,Admins Admins")]).await;
    assert_eq!(text.navigate("/admin").await.status, 403);
    assert_eq!(log::lines(&["is not a list of strings", &issuer]), Vec::<String>::new());
    // Elements that are not strings are omitted; policies can rely only on the remaining elements.
    let mixed = [claim("groups", json!(["Admins", 7])), claim("amr", json!(["pwd", null]))];
    let mut mixed = signed_in_with(&app, mixed).await;
    assert!(mixed.navigate("/profile").await.body.ends_with(" Admins"));
    assert_eq!(mixed.fetch("/api/me").await.json()["groups"], json!(["Admins"]));
    assert_eq!(mixed.navigate("/admin").await.status, 200, "the name is in the list");
    assert_eq!(mixed.navigate("/not-suspended").await.status, 403, "who knows what 7 stands for");
    log::line(&["claim=\"groups\"", "is not a list of strings", &issuer, " WARN "]);
    log::line(&["claim=\"amr\"", "is not a list of strings", &issuer, " WARN "]);
    for broken in [json!(7), json!({ "Admins": true }), json!([["Admins"]]), json!([7])] {
        let mut browser = signed_in_with(&app, [claim("groups", broken.clone())]).await;
        assert_eq!(browser.fetch("/api/me").await.json()["groups"], json!([]), "{broken}");
        for path in ["/admin", "/not-suspended"] {
            assert_eq!(browser.navigate(path).await.status, 403, "{broken} at {path}");
        }
    }
    // The same rule applies to access tokens.
    let token = |groups: Value| app.org.token().access_token(ADA, ["openid"]).claim("groups", groups).sign();
    for (groups, admin, not_suspended) in [
        (json!("Admins"), 200, 200),
        (json!("Staff,Admins"), 403, 200),
        (json!("Suspended"), 403, 403),
        (json!(["Admins", 7]), 200, 403),
        (json!([7]), 403, 403),
        (json!(7), 403, 403),
        (json!({ "Admins": true }), 403, 403),
    ] {
        let token = token(groups.clone());
        for (path, status) in [("/token", 200), ("/token/admin", admin), ("/token/not-suspended", not_suspended)] {
            assert_eq!(app.call(path, &token).await.status, status, "{groups} at {path}");
        }
    }
}

pub(crate) async fn methods_of_a_sign_in_are_the_strings_of_their_list<F: Framework>() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let hook = move |sign_in: SignIn| {
        told.lock().unwrap().push(sign_in.identity().id_token().amr().to_vec());
        ready(Ok(sign_in))
    };
    let app = App::built::<F>(Org::start().await.unwrap(), |config| config, |builder| builder.on_sign_in(hook)).await;
    for (amr, methods) in [
        (json!(["pwd", "mfa"]), vec!["pwd", "mfa"]),
        (json!("pwd"), vec!["pwd"]),
        (json!("pwd,mfa otp"), vec!["pwd,mfa otp"]),
        (json!(["pwd", 7, null, ["mfa"]]), vec!["pwd"]),
        (json!([]), vec![]),
        (Value::Null, vec![]),
    ] {
        signed_in_with(&app, [claim("amr", amr.clone())]).await;
        assert_eq!(seen.lock().unwrap().pop().unwrap(), methods, "{amr}");
    }
}

pub(crate) async fn a_check_that_cannot_tell_denies_under_not_too<F: Framework>() {
    let app = App::start::<F>().await;
    assert_eq!(app.signed_in(ADA).await.navigate("/not-banned").await.status, 200, "control");
    let answer = app.signed_in(BEN).await.fetch("/not-banned").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (403, &json!("access_denied")));
}

pub(crate) async fn token_responses_are_read_by_their_members<F: Framework>() {
    log::listen();
    let app = App::start::<F>().await;
    let member = |name: &str, value: Value| Fault::TokenMember(name.to_owned(), value);
    for lifetime in [json!("3600"), json!(3600.5), json!(1e300), json!("0")] {
        signed_in_with(&app, [member("expires_in", lifetime)]).await;
    }
    for (name, wrong) in [
        ("expires_in", json!("soon")),
        ("expires_in", json!(-1)),
        ("expires_in", json!([3600])),
        ("access_token", json!(7)),
        ("access_token", json!("")),
        ("access_token", json!("two words")),
        ("access_token", json!("a\r\nX-Other: b")),
        ("access_token", json!("a\u{fc}")),
        ("token_type", json!(null)),
        ("token_type", json!("mac")),
        ("scope", json!(["openid"])),
        ("refresh_token", json!({})),
        ("id_token", json!(7)),
    ] {
        let line = refused_with(&app, [member(name, wrong.clone())], 502, "provider_response").await;
        assert!(line.contains(&format!("`{name}`")), "{name} {wrong}: {line}");
    }
}

/// Some servers send empty strings for tokens that they did not issue. The session of such a refresh goes on.
pub(crate) async fn an_empty_token_counts_as_absent<F: Framework>() {
    log::listen();
    let member = |name: &str| Fault::TokenMember(name.to_owned(), json!(""));
    let org = Org::builder().access_token_lifetime(LIFETIME).start().await.unwrap();
    let app = App::with::<F>(org, |config| config.scopes("openid profile email offline_access")).await;
    refused_with(&app, [member("id_token")], 400, "id_token_missing").await;
    app.org.clear_faults();

    // Without a refresh token the session lasts until its own end.
    app.org.fault(member("refresh_token"));
    let mut browser = app.signed_in(ADA).await;
    app.org.clock().advance(LIFETIME * 2);
    assert!(browser.is_signed_in().await);
    assert_eq!(app.org.refreshes().granted, 0);

    // At a refresh, the previous refresh token and the claims stay.
    app.org.clear_faults();
    let mut browser = app.signed_in(ADA).await;
    ["refresh_token", "id_token"].into_iter().for_each(|name| app.org.fault(member(name)));
    for round in 1..=2 {
        app.org.clock().advance(LIFETIME * 2);
        assert!(browser.is_signed_in().await);
        assert_eq!(app.org.refreshes().granted, round);
    }
}

/// With a private key in its key set, an issuer lets everyone sign.
pub(crate) async fn a_private_key_that_was_published_verifies_nothing<F: Framework>() {
    log::listen();
    let app = App::start::<F>().await;
    let (token, leaked) = (app.token(&["orders:read"]), Fault::KeysMember("d".to_owned(), json!("AQAB")));
    app.org.fault(leaked.clone());
    assert_eq!(app.call("/token", &token).await.status, 401);
    refused_with(&app, [leaked], 400, "token_key_unknown").await;
    // After the operator of the issuer has cleaned up, the next sign-in fetches the keys again.
    signed_in_with(&app, []).await;
    assert_eq!(app.call("/token", &token).await.status, 200);
}

pub(crate) async fn metadata_and_userinfo_name_what_is_wrong<F: Framework>() {
    log::listen();
    for (name, wrong) in [
        ("token_endpoint", Value::Null),
        ("jwks_uri", json!(7)),
        ("jwks_uri", json!("/keys")),
        ("end_session_endpoint", json!(["x"])),
        ("code_challenge_methods_supported", json!("S256")),
        ("authorization_response_iss_parameter_supported", json!("true")),
    ] {
        let app = App::start::<F>().await;
        app.org.fault(Fault::DiscoveryMember(name.to_owned(), wrong.clone()));
        let answer = app.browser().navigate("/profile").await;
        assert_eq!(answer.status, 502, "{name}");
        // An org of another test may have had this port before, so the member is a part of the search.
        log::line(&["sign_in_failed", &app.org.issuer(), &format!("`{name}`")]);
    }
    let org = Org::start().await.unwrap();
    let app = App::with::<F>(org, |config| config.userinfo(Userinfo::Always)).await;
    for wrong in [json!(7), json!("other"), Value::Null] {
        let fault = Fault::UserinfoMember("sub".to_owned(), wrong.clone());
        assert!(refused_with(&app, [fault], 400, "userinfo_subject").await.contains("`sub`"), "{wrong}");
    }
    let fault = Fault::UserinfoMember("email".to_owned(), json!("a@b\nc"));
    let line = refused_with(&app, [fault, claim("email", Value::Null)], 400, "token_claim").await;
    assert!(line.contains("claim=\"email\""), "{line}");
}

pub(crate) async fn a_subject_is_any_text_without_control_characters<F: Framework>() {
    let app = App::start::<F>().await;
    let call = |sub: Value| {
        let token = app.org.token().access_token(ADA, ["openid"]).claim("sub", sub).sign();
        async { app.call("/token", &{ token }).await }
    };
    for sub in ["jürgen.müller@example.test", "用户", "a b|c'\"<>", "\u{1f600}", &"ü".repeat(255)] {
        let answer = call(json!(sub)).await;
        assert_eq!((answer.status.as_u16(), answer.json()["sub"].as_str()), (200, Some(sub)));
    }
    for sub in ["", "a\nb", "a\rb", "a\0", "\u{1b}[31m", "\u{85}", "\u{2028}", "\u{202e}", "\t", &"ü".repeat(256)] {
        assert_eq!(call(json!(sub)).await.status, 401, "{sub:?}");
    }
    // The same rule applies to sign-ins and to introspection.
    let userinfo = Fault::UserinfoMember("sub".to_owned(), json!("jürgen"));
    signed_in_with(&app, [claim("sub", "jürgen"), userinfo]).await;
    let org = Org::start().await.unwrap();
    let issuer = org.org_issuer();
    let app = App::with::<F>(org, |config| config.issuer(issuer)).await;
    let token = || app.org.token().server("org").access_token(ADA, ["openid"]).sign();
    for (sub, status) in [("jürgen", 200), ("a\nb", 401)] {
        app.org.fault(Fault::IntrospectMember("sub".to_owned(), json!(sub)));
        assert_eq!(app.call("/token", &token()).await.status, status, "{sub:?}");
    }
}

/// OpenID Connect sets no limit, and some providers encrypt data into it.
pub(crate) async fn a_long_sid_names_a_session<F: Framework>() {
    let app = App::start::<F>().await;
    let sid = "x".repeat(2_048);
    let mut browser = signed_in_with(&app, [claim("sid", sid.clone())]).await;
    assert!(browser.is_signed_in().await);
    let frame = async |sid: &str| {
        let iss: String = url::form_urlencoded::byte_serialize(app.org.issuer().as_bytes()).collect();
        app.browser().fetch(&format!("/frontchannel-logout?iss={iss}&sid={sid}")).await.status.as_u16()
    };
    assert_eq!(frame(&format!("{sid}x")).await, 400);
    assert_eq!(frame(&"x".repeat(2_047)).await, 200);
    assert!(browser.is_signed_in().await, "another session ended");
    assert_eq!(frame(&sid).await, 200);
    assert!(!browser.is_signed_in().await);
}

pub(crate) async fn an_org_server_is_asked_as_the_application<F: Framework>() {
    let org = Org::start().await.unwrap();
    let (issuer, client) = (org.org_issuer(), org.client().client_id);
    let app = App::with::<F>(org, |config| config.issuer(issuer)).await;
    signed_in_with(&app, [Fault::OrgPinnedKey]).await;
    let asked = |path: &str| {
        let of = app.org.request_log().into_iter().filter(|request| request.path.ends_with(path));
        of.map(|request| request.query).collect::<Vec<_>>()
    };
    assert_eq!(asked("/.well-known/openid-configuration"), [format!("client_id={client}")]);
    assert_eq!(asked("/v1/keys"), [format!("client_id={client}")], "the place is used as it is given");
    // The org's metadata names the issuer of the application, such as a custom domain, only for its client.
    let org = Org::start().await.unwrap();
    let issuer = org.org_issuer();
    let app = App::with::<F>(org, |config| config.issuer(&issuer)).await;
    let of_all = Fault::DiscoveryMember("issuer".to_owned(), json!("https://other.example"));
    signed_in_with(&app, [of_all, Fault::DiscoveryMemberForClient("issuer".to_owned(), json!(issuer))]).await;
    // A custom server has one metadata document for all clients.
    let app = App::start::<F>().await;
    signed_in_with(&app, []).await;
    let requests = app.org.request_log();
    let metadata = requests.iter().find(|request| request.path.ends_with("/openid-configuration")).unwrap();
    assert_eq!(metadata.query, "");
}

pub(crate) async fn what_okta_says_of_an_error_is_in_the_log_alone<F: Framework>() {
    log::listen();
    let app = App::start::<F>().await;
    let said = "User is not assigned to the client application.";
    let hostile = format!("{said}\r\nERROR forged \u{1b}[2J<script>{}", "x".repeat(100_000));
    for description in [said.to_owned(), hostile] {
        let error = |error: &str| Fault::AuthorizeError { error: error.to_owned(), description: description.clone() };
        let refusal =
            |error: &str| Fault::TokenError { status: 400, error: error.to_owned(), description: description.clone() };
        let okta = Fault::TokenErrorOkta { status: 403, code: "E0000006".to_owned(), summary: description.clone() };
        for (fault, status, code) in [
            (error("access_denied"), 403, "authorization_refused"),
            (error("server_error"), 502, "authorization_refused"),
            (error("invalid_scope"), 400, "authorization_refused"),
            (refusal("invalid_grant"), 400, "token_refused"),
            (refusal("access_denied"), 502, "token_refused"),
            (okta, 502, "token_refused"),
        ] {
            if description.len() > 10_000 && code == "authorization_refused" {
                continue; // It does not fit into the URL of a redirect.
            }
            let (_, answer) = sign_in_with(&app, [fault.clone()]).await;
            assert_eq!(answer.status, status, "{fault:?}");
            assert!(!answer.body.contains("assigned") && !answer.body.contains("script"), "{}", answer.body);
            let reference = answer.body.split("Reference: ").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
            let line = log::line(&["sign_in_failed", &format!("reference={reference}"), code]);
            assert!(line.contains(&format!("provider_description=\"{said}")), "{line}");
            assert!(line.len() < 4_000 && !line.contains('\u{1b}'), "{} bytes", line.len());
        }
    }
}

pub(crate) async fn failures_to_connect_are_logged_with_all_their_causes<F: Framework>() {
    log::listen();
    let app = App::start::<F>().await;
    app.org.stop();
    assert_eq!(app.browser().navigate("/profile").await.status, 503);
    let line = log::line(&["sign_in_failed", &app.org.issuer()]);
    assert!(line.to_lowercase().contains("connection refused"), "{line}");
    let unknown = format!("https://{}.invalid/oauth2/default", app.base.rsplit(':').next().unwrap());
    let app = App::with::<F>(Org::start().await.unwrap(), |config| config.issuer(&unknown)).await;
    assert_eq!(app.browser().navigate("/profile").await.status, 503);
    let line = log::line(&["sign_in_failed", &unknown]);
    assert!(line.contains("dns error"), "{line}");
    // A certificate that the org has signed itself.
    let org = Org::builder().https().start().await.unwrap();
    let untrusted = org.issuer();
    let app = App::with::<F>(org, |config| config).await;
    assert_eq!(app.browser().navigate("/profile").await.status, 503);
    let line = log::line(&["sign_in_failed", &untrusted]);
    let causes = "error sending request: client error (Connect): invalid peer certificate: ";
    assert!(line.contains(causes), "{line}");
    // A server that does not even speak TLS.
    let org = Org::start().await.unwrap();
    let plain = org.issuer().replace("http://", "https://");
    let app = App::with::<F>(org, |config| config.issuer(&plain)).await;
    assert_eq!(app.browser().navigate("/profile").await.status, 503);
    let line = log::line(&["sign_in_failed", &plain]);
    assert!(line.contains("error sending request: client error (Connect): "), "{line}");
}

pub(crate) async fn a_slash_at_the_end_of_the_issuer_is_up_to_its_metadata<F: Framework>() {
    log::listen();
    // Okta's issuers have no slash: an issuer configured with one works.
    let org = Org::start().await.unwrap();
    let slash = format!("{}/", org.issuer());
    let app = App::with::<F>(org, |config| config.issuer(&slash)).await;
    signed_in_with(&app, []).await;
    assert_eq!(app.call("/token", &app.token(&["openid"])).await.json()["issuer"], app.org.issuer());
    let line = refused_with(&app, [claim("iss", slash.as_str())], 400, "token_claim").await;
    assert!(line.contains("claim=\"iss\""), "{line}");
    // Auth0's issuers have a slash, which tokens must have as well.
    let with_slash = |org: &Org| {
        let slash = format!("{}/", org.issuer());
        [Fault::DiscoveryMember("issuer".to_owned(), json!(slash)), claim("iss", slash)]
    };
    let org = Org::start().await.unwrap();
    let slash = format!("{}/", org.issuer());
    let app = App::with::<F>(org, |config| config.issuer(&slash)).await;
    let mut browser = signed_in_with(&app, with_slash(&app.org)).await;
    assert!(browser.navigate("/profile").await.body.contains(ADA));
    let token = |iss: &str| app.org.token().access_token(ADA, ["openid"]).claim("iss", iss).sign();
    assert_eq!(app.call("/token", &token(&slash)).await.json()["issuer"], slash);
    assert_eq!(app.call("/token", &token(&app.org.issuer())).await.status, 401);
    assert!(refused_with(&app, [], 400, "token_claim").await.contains("claim=\"iss\""));
    // Any other difference is rejected by name, with the fix.
    let org = Org::start().await.unwrap();
    let slash = format!("{}/", org.issuer());
    let app = App::with::<F>(org, |config| config).await;
    with_slash(&app.org).into_iter().for_each(|fault| app.org.fault(fault));
    assert_eq!(app.browser().navigate("/profile").await.status, 502);
    let line = log::line(&["sign_in_failed", "issuer_mismatch", &app.org.issuer()]);
    assert!(line.contains(&format!("`{slash}`, which differs by a slash at its end: set OKTA_ISSUER_URI")), "{line}");
}

pub(crate) async fn a_refresh_of_another_sign_in_is_a_warning<F: Framework>() {
    log::listen();
    let org = Org::builder().access_token_lifetime(Duration::from_secs(300)).rotation(Rotation::Rotate);
    let app =
        App::with::<F>(org.start().await.unwrap(), |config| config.scopes("openid profile email offline_access")).await;
    let mut browser = app.signed_in(ADA).await;
    app.org.clock().advance(Duration::from_secs(301));
    app.org.fault(Fault::RefreshIdTokenAuthTime);
    assert_eq!(browser.navigate("/profile").await.status, 303, "it leads to sign-in");
    let line = log::line(&["session_ended", &app.org.issuer()]);
    assert!(line.contains(" WARN ") && line.contains("claim=\"auth_time\""), "{line}");
    // A session that Okta ends is not a warning.
    app.org.clear_faults();
    let mut browser = app.signed_in(ADA).await;
    app.org.clock().advance(Duration::from_secs(301));
    let (status, error, description) = (400, "invalid_grant".to_owned(), "The refresh token is invalid.".to_owned());
    app.org.fault_once(Fault::TokenError { status, error, description });
    assert_eq!(browser.navigate("/profile").await.status, 303);
    let line = log::line(&["session_ended", "invalid_grant", &app.org.issuer()]);
    assert!(line.contains(" INFO ") && line.contains("The refresh token is invalid."), "{line}");
}

pub(crate) async fn keys_serve_for_48_hours_while_the_org_is_away<F: Framework>() {
    let app = App::start::<F>().await;
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    let token = || app.token(&["openid", "x"]);
    assert_eq!(app.call("/token", &token()).await.status, 200);
    app.org.fault(Fault::KeysStatus(500));
    for _ in 0..2 {
        app.org.clock().advance(hours(23));
        assert_eq!(app.call("/token", &token()).await.status, 200, "the last good keys");
    }
    app.org.clock().advance(hours(2));
    let answer = app.call("/token", &token()).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after").is_empty()), (503, false), "{}", answer.body);
    app.org.clear_faults();
    app.org.clock().advance(Duration::from_secs(60));
    assert_eq!(app.call("/token", &token()).await.status, 200);
}
