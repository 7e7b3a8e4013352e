//! Access tokens at an API (RFC 6750, RFC 9068). Each test covers one behaviour or
//! attack, with a control.

use std::sync::Arc;
use std::time::Duration;

use okta_auth_dev::{Endpoint, Fault, Org, Outage};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::app::{App, Framework};
use crate::support::{ADA, Answer, log};

/// Asserts 401 `invalid_token`.
fn assert_invalid(answer: &Answer, what: &str) {
    let challenge = answer.header("www-authenticate");
    assert_eq!(answer.status, 401, "{what}: {}", answer.body);
    assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{what}: {challenge}");
    assert_eq!(answer.json()["error"], "invalid_token", "{what}");
}

pub(crate) async fn a_good_token_is_let_in<F: Framework>() {
    let app = App::start::<F>().await;
    let answer = app.call("/token", &app.token(&["openid", "orders:read"])).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    assert_eq!((body["sub"].as_str(), body["machine"].as_bool()), (Some(ADA), Some(false)));
    assert_eq!(
        (body["issuer"].as_str(), &body["scopes"]),
        (Some(&*app.org.issuer()), &json!(["openid", "orders:read"]))
    );
    assert!(answer.set_cookies().is_empty());
    let claims = app.call("/token/claims", &app.token(&["openid"])).await.json();
    assert_eq!(claims["aud"], "api://default");
    assert_eq!(app.call("/token/unusual", &app.token(&["openid"])).await.json()["error"], "claims_mismatch");
}

pub(crate) async fn without_a_token_the_challenge_is_bare<F: Framework>() {
    let app = App::start::<F>().await;
    let metadata = format!("{}/.well-known/oauth-protected-resource", app.base);
    for path in ["/token", "/orders"] {
        for scheme in [None, Some("Basic dTpw"), Some("DPoP abc")] {
            let headers: Vec<_> = scheme.into_iter().map(|value| ("authorization", value)).collect();
            let answer = app.browser().send(Method::GET, path, &headers, String::new()).await;
            let scope = if path == "/orders" { "scope=\"orders:read\", " } else { "" };
            let expected = format!("Bearer {scope}resource_metadata=\"{metadata}\"");
            assert_eq!((answer.status.as_u16(), answer.header("www-authenticate")), (401, expected.as_str()));
        }
        assert_eq!(app.browser().navigate(path).await.status, 401, "an API does not redirect to sign-in");
    }
    assert_eq!(app.browser().fetch("/token/maybe").await.body, "none");
    assert_eq!(app.browser().fetch("/token/result").await.body, "login_required");
    assert_eq!(app.org.count("/v1/keys"), 0, "no request to Okta");
}

pub(crate) async fn bad_tokens_are_refused<F: Framework>() {
    let app = App::start::<F>().await;
    let now = i64::try_from(app.org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let mint = || app.org.token().access_token(ADA, ["orders:read"]);
    let good = mint().sign();
    assert_eq!(app.call("/token", &good).await.status, 200);
    let key = app.org.public_key_pem().into_bytes();
    let bad = [
        ("another audience", mint().claim("aud", "api://other").sign()),
        ("no audience", mint().remove("aud").sign()),
        ("an audience that is a number", mint().claim("aud", 1).sign()),
        ("a list of audiences without ours", mint().claim("aud", json!(["a", "b"])).sign()),
        ("a list of audiences with a number", mint().claim("aud", json!(["api://default", 1])).sign()),
        ("another issuer", mint().claim("iss", "https://evil.example").sign()),
        ("the issuer with a slash", mint().claim("iss", format!("{}/", app.org.issuer())).sign()),
        ("no issuer", mint().remove("iss").sign()),
        ("no subject", mint().remove("sub").sign()),
        ("a subject that is a number", mint().claim("sub", 7).sign()),
        ("expired", mint().claim("exp", now - 61).sign()),
        ("no expiry", mint().remove("exp").sign()),
        ("an expiry in text", mint().claim("exp", "9999999999").sign()),
        ("a text for an expiry", mint().claim("exp", "9999999999").sign()),
        ("an expiry that is null", mint().claim("exp", json!([])).sign()),
        ("issued in the future", mint().claim("iat", now + 120).sign()),
        ("never issued", mint().remove("iat").sign()),
        ("not valid yet", mint().claim("nbf", now + 120).sign()),
        ("no client", mint().remove("cid").sign()),
        ("scopes in a text list", mint().claim("scp", "orders:read").sign()),
        ("a bad signature", mint().bad_signature().sign()),
        ("signed by an unpublished key", mint().signed_by_unpublished().sign()),
        ("signed by a key for encryption", mint().signed_by_encryption_key().sign()),
        ("alg none", mint().unsigned().sign()),
        ("HS256 with the public key", mint().signed_by_secret(key).sign()),
        ("ES256, which is not allowed", mint().alg(okta_auth_dev::Algorithm::Es256).sign()),
        ("an unknown critical header", mint().header("crit", json!(["exp"])).sign()),
        ("a critical header without a list", mint().header("crit", json!([])).sign()),
        ("b64", mint().header("b64", json!(false)).sign()),
        ("an unknown key id", mint().header("kid", "unknown").sign()),
        ("two parts", good.rsplit_once('.').unwrap().0.to_owned()),
        ("four parts", format!("{good}.AAAA")),
        ("five parts", format!("{good}.AAAA.AAAA")),
        ("padding", format!("{good}=")),
        ("no token at all", "x".to_owned()),
        ("only dots", "..".to_owned()),
        ("bound to a key", mint().claim("cnf", json!({"jkt": "x"})).sign()),
    ];
    for (what, token) in bad {
        assert_invalid(&app.call("/token", &token).await, what);
    }
    assert_eq!(app.call("/token/result", &mint().bad_signature().sign()).await.body, "invalid_token");
    assert_eq!(app.call("/token/maybe", &mint().bad_signature().sign()).await.body, "none");
    let expired = app.call("/token", &mint().claim("exp", now - 61).sign()).await;
    assert!(expired.header("www-authenticate").contains("error_description=\"the access token has expired\""));
    assert_eq!(app.call("/token", &mint().sign()).await.status, 200, "and a good one still is good");
}

pub(crate) async fn tokens_of_other_kinds_are_refused<F: Framework>() {
    let app = App::start::<F>().await;
    let mint = || app.org.token().access_token(ADA, ["orders:read"]);
    let events = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    let client = app.org.client().client_id;
    for (what, token) in [
        ("an ID token", app.org.token().id_token(ADA, None).sign()),
        ("an ID token for our audience", app.org.token().id_token(ADA, Some("n")).claim("aud", "api://default").sign()),
        ("a logout token", mint().claim("events", events.clone()).sign()),
        ("a logout token by its type", mint().header("typ", "logout+jwt").sign()),
        ("a DPoP proof", mint().header("typ", "dpop+jwt").claim("htm", "GET").claim("htu", "/token").sign()),
        ("a DPoP proof without its type", mint().claim("htm", "GET").sign()),
        ("a client assertion", mint().claim("iss", client.as_str()).claim("sub", client.as_str()).sign()),
        ("an authorization request", mint().header("typ", "oauth-authz-req+jwt").sign()),
        ("a token of another tenant", Org::start().await.unwrap().token().access_token(ADA, ["orders:read"]).sign()),
    ] {
        assert_invalid(&app.call("/token", &token).await, what);
    }
    for typ in ["JWT", "at+jwt", "application/at+jwt"] {
        assert_eq!(app.call("/token", &mint().header("typ", typ).sign()).await.status, 200, "control: {typ}");
    }
}

pub(crate) async fn one_credential_in_one_place<F: Framework>() {
    let app = App::start::<F>().await;
    let token = app.token(&["orders:read"]);
    let bearer = format!("Bearer {token}");
    let lower = format!("bearer {token}");
    assert_eq!(
        app.browser().send(Method::GET, "/token", &[("authorization", &lower)], String::new()).await.status,
        200
    );
    let two = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    let in_query = format!("/token?access_token={token}");
    let cases = [
        app.browser().send(Method::GET, "/token", &two, String::new()).await,
        app.browser().send(Method::GET, &in_query, &two[..1], String::new()).await,
        app.browser().send(Method::GET, &in_query, &[], String::new()).await,
    ];
    for answer in cases {
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.header("www-authenticate").starts_with("Bearer error=\"invalid_request\""));
        assert!(!answer.body.contains(&token) && !answer.header("www-authenticate").contains(&token));
    }
    // Forms are not searched for tokens: this counts as a request without a token.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = format!("access_token={token}");
    assert_eq!(app.browser().send(Method::POST, "/token", &form, body).await.status, 401);
}

pub(crate) async fn malformed_requests_are_400<F: Framework>() {
    let app = App::start::<F>().await;
    for value in ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer \"a\""] {
        let answer = app.browser().send(Method::GET, "/token", &[("authorization", value)], String::new()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str()),
            (400, Some("invalid_request")),
            "{value}"
        );
    }
}

pub(crate) async fn user_tokens_and_machine_tokens_are_distinguished<F: Framework>() {
    let app = App::start::<F>().await;
    let user = app.call("/token", &app.token(&["orders:read"])).await.json();
    let machine = app.org.token().service_token(["orders:read"]).sign();
    let machine = app.call("/token", &machine).await.json();
    assert_eq!((user["machine"].as_bool(), user["uid"].is_string()), (Some(false), true));
    assert_eq!((machine["machine"].as_bool(), machine["uid"].is_null()), (Some(true), true));
    assert_eq!(machine["sub"], machine["client"]);
}

/// Okta's samples of tokens for an ID-JAG have no client and no user id.
pub(crate) async fn a_token_in_the_hands_of_an_agent_is_no_machines_and_not_the_users_own<F: Framework>() {
    let app = App::start::<F>().await;
    let mint = || app.org.token().agent_token(ADA, "0oaagent", ["orders:read"]);
    let agent = mint().sign();
    let body = app.call("/token", &agent).await.json();
    assert_eq!(
        (body["machine"].as_bool(), body["uid"].is_null(), body["client"].as_str()),
        (Some(false), true, Some(""))
    );
    assert_eq!(body["scopes"], json!(["orders:read"]));
    for path in ["/token", "/orders", "/token/of-user"] {
        assert_eq!(app.call(path, &agent).await.status, 200, "{path}");
    }
    let in_person = app.call("/token/in-person", &agent).await;
    assert_eq!((in_person.status.as_u16(), in_person.json()["error"].as_str()), (403, Some("actor_denied")));
    assert!(!in_person.body.contains("0oaagent") && in_person.header("www-authenticate").is_empty());
    let machine = app.call("/token/of-machine", &agent).await;
    assert_eq!((machine.status.as_u16(), machine.json()["error"].as_str()), (403, Some("access_denied")));
    assert_eq!(app.call("/token/in-person", &app.token(&["orders:read"])).await.status, 200);
    for (what, token) in [
        ("no actor", mint().remove("act").sign()),
        ("no scope", mint().remove("scope").sign()),
        ("a malformed actor", mint().claim("act", json!({"sub": 7})).sign()),
        ("another audience", mint().claim("aud", "https://other.example/").sign()),
        ("a grant", mint().header("typ", "oauth-id-jag+jwt").sign()),
    ] {
        assert_invalid(&app.call("/token", &token).await, what);
    }
    let service = mint().claim("sub_profile", "service").sign();
    for path in ["/token/of-user", "/token/of-machine", "/token/in-person"] {
        assert_eq!(app.call(path, &service).await.status, 403, "{path}");
    }
}

pub(crate) async fn scopes_in_both_forms<F: Framework>() {
    let app = App::start::<F>().await;
    let text = app.org.token().access_token(ADA, ["openid"]).remove("scp").claim("scope", "orders:read  openid").sign();
    assert_eq!(app.call("/orders", &text).await.json()["scopes"], json!(["orders:read", "openid"]));
    assert_eq!(app.call("/orders", &app.token(&["orders:read"])).await.status, 200);
    for other in ["orders", "orders:reader", "ORDERS:READ", "orders:read,openid"] {
        assert_eq!(app.call("/orders", &app.token(&[other])).await.status, 403, "{other}");
    }
}

pub(crate) async fn a_session_is_not_a_token<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.signed_in(ADA).await;
    for path in ["/token", "/orders"] {
        assert_eq!(browser.navigate(path).await.status, 401, "{path}");
        assert_eq!(browser.fetch(path).await.status, 401, "{path}");
    }
    assert_eq!(browser.fetch("/api/me").await.status, 200, "control");
}

pub(crate) async fn an_issuer_that_is_away_is_503_and_never_401<F: Framework>() {
    let app = App::start::<F>().await;
    let token = app.token(&["orders:read"]);
    app.org.fault(Fault::DiscoveryStatus(500));
    let away = app.call("/orders", &token).await;
    assert_eq!((away.status.as_u16(), away.header("retry-after").is_empty()), (503, false), "{}", away.body);
    assert_eq!(away.header("www-authenticate"), "", "the token may well be good");
    app.org.clear_faults();
    app.org.clock().advance(Duration::from_secs(60));
    app.org.fault(Fault::KeysStatus(500));
    assert_eq!(app.call("/orders", &token).await.status, 503);
    app.org.clear_faults();
    assert_eq!(app.call("/orders", &token).await.status, 200);
    app.org.stop();
    assert_eq!(app.call("/orders", &token).await.status, 200, "cached metadata and keys are used");
    assert_eq!(app.call("/orders", &app.token(&["orders:read", "x"])).await.status, 200, "a new token too");
}

pub(crate) async fn several_issuers_and_audiences<F: Framework>() {
    let partner = Org::start().await.unwrap();
    let issuer = partner.issuer();
    let stranger = Org::start().await.unwrap();
    let app = App::with::<F>(Org::start().await.unwrap(), |config| {
        config.accept_issuer(&issuer).audience("api://default, api://second")
    })
    .await;
    assert_eq!(app.call("/token", &app.token(&["openid"])).await.json()["issuer"], app.org.issuer());
    let theirs = partner.token().access_token(ADA, ["openid"]).claim("aud", "api://second");
    assert_eq!(app.call("/token", &theirs.clone().sign()).await.json()["issuer"], issuer);
    let both = app.org.token().access_token(ADA, ["openid"]).claim("aud", json!(["x", "api://second"])).sign();
    assert_eq!(app.call("/token", &both).await.status, 200);
    // `iss` selects the keys, so the keys of one issuer never verify a token of another.
    for (what, token) in [
        (
            "ours in the partner's name",
            app.org.token().access_token(ADA, ["openid"]).claim("iss", issuer.as_str()).sign(),
        ),
        ("the partner's in our name", theirs.clone().claim("iss", app.org.issuer()).sign()),
        ("a stranger's", stranger.token().access_token(ADA, ["openid"]).sign()),
        ("for another audience", theirs.claim("aud", "api://third").sign()),
        ("no issuer to choose by", partner.token().access_token(ADA, ["openid"]).remove("iss").sign()),
    ] {
        assert_invalid(&app.call("/token", &token).await, what);
    }
    assert!(stranger.request_log().is_empty(), "an issuer is never fetched from because a token says so");
}

/// An application whose issuer is the org server, and an access token of its own sign-in.
async fn org_server<F: Framework>() -> (App, String) {
    let org = Org::start().await.unwrap();
    let issuer = org.org_issuer();
    let app = App::with::<F>(org, |config| config.issuer(issuer)).await;
    let token = org_token(&app, &app.org.client().client_id);
    (app, token)
}

fn org_token(app: &App, client: &str) -> String {
    app.org.token().server("org").client(client).access_token(ADA, ["openid", "orders:read"]).sign()
}

pub(crate) async fn tokens_of_the_org_server_are_introspected<F: Framework>() {
    let (app, token) = org_server::<F>().await;
    let answer = app.call("/orders", &token).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    assert_eq!((body["client"].as_str(), body["machine"].as_bool()), (Some(&*app.org.client().client_id), Some(false)));
    assert_eq!(app.org.count("/v1/introspect"), 1);
    assert_eq!(app.org.count("/v1/keys"), 0, "its keys cannot verify its tokens");
    assert_invalid(&app.call("/orders", "a.b.c").await, "not of that server");
    assert_invalid(&app.call("/orders", &org_token(&app, "0oaSomeOtherClient")).await, "of another application");
}

pub(crate) async fn introspection_results_are_cached_for_a_bounded_time<F: Framework>() {
    let (app, token) = org_server::<F>().await;
    for _ in 0..5 {
        assert_eq!(app.call("/orders", &token).await.status, 200);
    }
    assert_eq!(app.org.count("/v1/introspect"), 1, "a result is cached for a while");
    app.org.clock().advance(Duration::from_secs(31));
    assert_eq!(app.call("/orders", &token).await.status, 200);
    assert_eq!(app.org.count("/v1/introspect"), 2, "and not for longer");
    app.org.fault(Fault::IntrospectStatus(503));
    assert_eq!(app.call("/orders", &token).await.status, 200, "the cached result bridges an outage");
    app.org.clock().advance(Duration::from_secs(31));
    assert_eq!(app.call("/orders", &token).await.status, 503, "an expired result denies access");
    app.org.clear_faults();
    app.org.clock().advance(Duration::from_secs(3_600));
    assert_invalid(&app.call("/orders", &token).await, "expired");
}

/// Sends each token from a browser of its own, all at once.
fn senders(app: &App, tokens: impl Iterator<Item = String>) -> Vec<JoinHandle<StatusCode>> {
    let calls = tokens.map(|token| {
        // Creating a browser is slow; connected browsers must not wait for it.
        let (mut browser, token) = (app.browser(), format!("Bearer {token}"));
        tokio::spawn(async move {
            let headers = [("authorization", token.as_str())];
            browser.send(Method::GET, "/token", &headers, String::new()).await.status
        })
    });
    calls.collect()
}

/// Anyone can send a string that looks like a token of the org, and each introspection
/// counts against Okta's rate limit.
pub(crate) async fn concurrent_introspections_are_bounded<F: Framework>() {
    let (app, token) = org_server::<F>().await;
    let app = Arc::new(app);
    app.org.outage(Endpoint::Introspect, Outage::Hang);
    let strangers = senders(&app, (0..32).map(|number| format!("{token}{number}")));
    app.org.until_waiting(Endpoint::Introspect, 32).await;
    let refused = app.call("/token", &token).await;
    assert_eq!(refused.status, 503, "the token may be valid");
    assert!(!refused.header("retry-after").is_empty());
    app.org.restore(Endpoint::Introspect);
    for stranger in strangers {
        assert_eq!(stranger.await.unwrap(), 401);
    }
    assert_eq!(app.call("/token", &token).await.status, 200);
}

/// 48 clients send junk: few introspections result, and a token that was valid before
/// does not wait for them.
pub(crate) async fn junk_does_not_block_good_tokens_of_the_org<F: Framework>() {
    let (app, token) = org_server::<F>().await;
    let app = Arc::new(app);
    assert_eq!(app.call("/token", &token).await.status, 200);
    let junk = |number: usize| format!("{token}{number}");
    // Repeated junk causes one introspection, and another one when the result expires.
    let clients = |same: bool| senders(&app, (0..48).map(|number| junk(if same { 0 } else { number })));
    app.org.clear_request_log();
    for round in 1..=2 {
        for call in clients(true) {
            assert_eq!(call.await.unwrap(), 401);
        }
        assert_eq!(app.call("/token", &junk(0)).await.status, 401);
        assert_eq!(app.org.count("/v1/introspect"), round);
        app.org.clock().advance(Duration::from_secs(31));
    }
    // Introspections of junk use at most 32 slots; the known token has its own slot.
    app.org.outage(Endpoint::Introspect, Outage::Hang);
    app.org.clear_request_log();
    let strangers = clients(false);
    app.org.until_waiting(Endpoint::Introspect, 32).await;
    let known = {
        let (app, token) = (Arc::clone(&app), token.clone());
        tokio::spawn(async move { app.call("/token", &token).await.status.as_u16() })
    };
    app.org.until_waiting(Endpoint::Introspect, 33).await;
    app.org.restore(Endpoint::Introspect);
    assert_eq!(known.await.unwrap(), 200);
    for stranger in strangers {
        let status = stranger.await.unwrap();
        assert!(status == 401 || status == 503, "{status}");
    }
    // A revoked token is invalid from its next introspection on.
    app.org.fault(Fault::IntrospectMember("active".to_owned(), json!(false)));
    app.org.clock().advance(Duration::from_secs(31));
    assert_invalid(&app.call("/token", &token).await, "revoked");
    app.org.clear_faults();
    assert_invalid(&app.call("/token", &token).await, "the negative result is cached");
}

/// A place that was used for a bad token is free again only after a pause of 2 s, so 32 places make 16 questions a
/// second at most.
pub(crate) async fn a_bad_answer_keeps_its_place_for_a_while<F: Framework>() {
    let (app, token) = org_server::<F>().await;
    let app = Arc::new(app);
    app.org.outage(Endpoint::Introspect, Outage::Hang);
    let strangers = senders(&app, (0..40).map(|number| format!("{token}{number}")));
    app.org.until_waiting(Endpoint::Introspect, 32).await;
    let answered = std::time::Instant::now();
    app.org.restore(Endpoint::Introspect);
    // 32 are answered at once. The others wait for a place, some of them in vain.
    let mut statuses = Vec::new();
    for stranger in strangers {
        statuses.push(stranger.await.unwrap().as_u16());
    }
    assert!(statuses.iter().filter(|status| **status == 401).count() >= 32, "{statuses:?}");
    // A lower bound, which a slow machine does not break.
    assert!(answered.elapsed() >= Duration::from_millis(1_900), "{statuses:?} in {:?}", answered.elapsed());
    assert_eq!(app.call("/token", &token).await.status, 200);
}

pub(crate) async fn tokens_with_invalid_claims_are_not_introspected<F: Framework>() {
    let (app, token) = org_server::<F>().await;
    let now = i64::try_from(app.org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let mint = || app.org.token().server("org").access_token(ADA, ["openid"]);
    for (what, token) in [
        ("of a custom server", app.token(&["openid"])),
        ("of another org", Org::start().await.unwrap().token().server("org").access_token(ADA, ["openid"]).sign()),
        ("an issuer that is no text", mint().claim("iss", json!([1])).sign()),
        ("expired", mint().claim("exp", now - 61).sign()),
        ("expired by a fraction", mint().claim("exp", now as f64 - 60.5).sign()),
        ("an expiry that is no number", mint().claim("exp", "soon").sign()),
        ("larger than any token", mint().claim("x", "x".repeat(33_000)).sign()),
        ("larger than any token, and opaque", "x".repeat(33_000)),
    ] {
        assert_invalid(&app.call("/token", &token).await, what);
    }
    assert_eq!(app.org.count("/v1/introspect"), 0);
    assert_invalid(&app.call("/token", &mint().claim("exp", now - 30).sign()).await, "within the skew the org decides");
    assert_eq!(app.org.count("/v1/introspect"), 1);
    assert_eq!(app.call("/token", &token).await.status, 200);
}

pub(crate) async fn introspection_accepts_only_active_bearer_tokens<F: Framework>() {
    let (app, _) = org_server::<F>().await;
    let id_token = app.org.token().server("org").id_token(ADA, None).sign();
    assert_invalid(&app.call("/token", &id_token).await, "an ID token is active but not an access token");
    app.org.fault(Fault::IntrospectAlwaysActive);
    assert_invalid(&app.call("/token", "anything").await, "active without other members");
    app.org.clear_faults();
    // What the answer says besides counts as in a token. Each question is about a token of its own.
    let now = i64::try_from(app.org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap();
    for (member, value, status) in [
        ("nbf", json!(now - 10), 200),
        ("active", json!(false), 401),
        ("active", json!("true"), 401),
        ("exp", json!(now - 90), 401),
        ("exp", json!(null), 401),
        ("nbf", json!(now + 90), 401),
        ("iss", json!("https://elsewhere.example"), 401),
        ("uid", json!("00u1\n"), 401),
        ("client_id", json!("0oaSomeOtherClient"), 401),
        ("client_id", json!(null), 401),
    ] {
        app.org.fault(Fault::IntrospectMember(member.to_owned(), value.clone()));
        let client = app.org.client().client_id;
        let token = app.org.token().server("org").client(&client).access_token(ADA, ["openid"]);
        let answer = app.call("/token", &token.claim("jti", format!("{member}{value}")).sign()).await;
        assert_eq!(answer.status, status, "{member} {value}: {}", answer.body);
        app.org.clear_faults();
    }
    app.org.fault(Fault::IntrospectStatus(401));
    let refused = app.call("/token", &org_token(&app, &app.org.client().client_id)).await;
    assert_eq!(refused.status, 502, "our own credentials are wrong, not the caller's");
}

/// A member of all introspection responses.
fn member(name: &str, value: impl Into<serde_json::Value>) -> Fault {
    Fault::IntrospectMember(name.to_owned(), value.into())
}

/// Some providers issue access tokens whose audience is their own client, as that of ID tokens.
pub(crate) async fn a_client_may_be_the_audience_and_its_id_tokens_stay_out<F: Framework>() {
    log::listen();
    let org = Org::start().await.unwrap();
    let (issuer, client) = (org.org_issuer(), org.client().client_id);
    let app = App::with::<F>(org, |config| config.issuer(issuer).audience(format!("api://default,{client}"))).await;
    let (careful, token) = org_server::<F>().await;
    for app in [&app, &careful] {
        app.org.fault(member("aud", client.as_str()));
    }
    assert_eq!(app.call("/orders", &org_token(&app, &client)).await.status, 200);
    assert_invalid(&careful.call("/orders", &token).await, "by default the audience is another one");
    let reason = ["an access token was refused", "add the client id to OKTA_AUDIENCE", "code=token_kind"];
    assert!(!log::lines(&reason).is_empty(), "the log names the reason and the fix");
    // What an attacker has: ID tokens of the client, and what the issuer may say about them.
    let id_tokens = || {
        let mint = |nonce| app.org.token().server("org").id_token(ADA, nonce).claim("aud", client.as_str());
        let events = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
        [
            ("an ID token", mint(Some("n"))),
            ("without a nonce", mint(None)),
            ("without at_hash", mint(None).remove("at_hash").remove("nonce")),
            ("with a type", mint(None).header("typ", "JWT")),
            ("a logout token", mint(None).remove("nonce").claim("events", events)),
        ]
    };
    for scope in [None, Some("openid orders:read")] {
        if let Some(scope) = scope {
            app.org.fault(member("scope", scope));
        }
        for (what, id_token) in id_tokens() {
            let token = id_token.claim("jti", format!("{what}{scope:?}")).sign();
            assert_invalid(&app.call("/token", &token).await, &format!("{what}, {scope:?}"));
        }
    }
    assert!(!log::lines(&["an access token was refused", "the token may be an ID token"]).is_empty());
    // An opaque token is no ID token. The members of a refresh token have no type.
    app.org.fault(Fault::IntrospectAlwaysActive);
    let later = i64::try_from(app.org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let members = [("client_id", json!(client)), ("sub", json!(ADA)), ("exp", json!(later + 600))];
    members.into_iter().for_each(|(name, value)| app.org.fault(member(name, value)));
    assert_invalid(&app.call("/token", "refresh").await, "without a type");
    app.org.fault(member("token_type", "Bearer"));
    assert_eq!(app.call("/token", "opaque").await.status, 200);
    app.org.fault(member("token_use", "refresh_token"));
    assert_invalid(&app.call("/token", "another").await, "with the use of a refresh token");
}

/// `scope` and `token_type` are optional in a response (RFC 7662 §2.2).
pub(crate) async fn a_response_without_scope_opens_only_routes_without_one<F: Framework>() {
    let (app, _) = org_server::<F>().await;
    let token = |id: &str| {
        let client = app.org.client().client_id;
        app.org.token().server("org").client(&client).access_token(ADA, ["orders:read"]).claim("jti", id)
    };
    app.org.fault(Fault::IntrospectMember("scope".to_owned(), json!(null)));
    let token_without_scope = token("1").sign();
    let answer = app.call("/token", &token_without_scope).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["scopes"]), (200, &json!([])));
    let refused = app.call("/orders", &token_without_scope).await;
    assert_eq!((refused.status.as_u16(), refused.json()["error"].as_str()), (403, Some("insufficient_scope")));
    app.org.fault(Fault::IntrospectMember("token_type".to_owned(), json!(null)));
    assert_invalid(&app.call("/token", &token("2").sign()).await, "it may be a refresh token");
    assert_eq!(app.call("/token", &token("3").header("typ", "at+jwt").sign()).await.status, 200, "by RFC 9068");
}

pub(crate) async fn a_verified_token_is_cached_until_its_keys_are_withdrawn<F: Framework>() {
    let app = App::start::<F>().await;
    let token = app.token(&["orders:read"]);
    for _ in 0..3 {
        assert_eq!(app.call("/orders", &token).await.status, 200);
    }
    // The signature is part of the cache key: another signature is another token.
    let (rest, signature) = token.rsplit_once('.').unwrap();
    let other: String = signature.chars().rev().collect();
    assert_eq!(app.call("/orders", &format!("{rest}.{other}")).await.status, 401);
    // An emergency rotation: the key is withdrawn, and a token with the new key triggers
    // a refetch.
    app.org.rotate_keys();
    app.org.rotate_keys();
    app.org.rotate_keys();
    assert_eq!(app.call("/orders", &app.token(&["orders:read"])).await.status, 200);
    app.org.clock().advance(Duration::from_secs(10));
    assert_invalid(&app.call("/orders", &token).await, "signed by a key that has been withdrawn");
}

pub(crate) async fn a_verified_token_is_not_remembered_past_its_expiry<F: Framework>() {
    let app = App::start::<F>().await;
    let token = app.token(&["orders:read"]);
    assert_eq!(app.call("/orders", &token).await.status, 200);
    app.org.clock().advance(Duration::from_secs(3_600 + 50));
    assert_eq!(app.call("/orders", &token).await.status, 200, "the tolerated skew");
    app.org.clock().advance(Duration::from_secs(11));
    assert_invalid(&app.call("/orders", &token).await, "expired");
}

pub(crate) async fn the_memory_can_be_turned_off<F: Framework>() {
    let org = Org::start().await.unwrap();
    let issuer = org.org_issuer();
    let app = App::with::<F>(org, |config| config.issuer(issuer).token_cache_size(0)).await;
    let token = org_token(&app, &app.org.client().client_id);
    for _ in 0..3 {
        assert_eq!(app.call("/orders", &token).await.status, 200);
    }
    assert_eq!(app.org.count("/v1/introspect"), 3);
}

pub(crate) async fn skew_is_tolerated_at_the_edges<F: Framework>() {
    let app = App::start::<F>().await;
    let now = i64::try_from(app.org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let mint = || app.org.token().access_token(ADA, ["orders:read"]);
    // A generous margin on the valid side, because the real clock runs during the test.
    for (claim, good, bad) in [("exp", now - 30, now - 61), ("iat", now + 30, now + 90), ("nbf", now + 30, now + 90)] {
        assert_eq!(app.call("/orders", &mint().claim(claim, good).sign()).await.status, 200, "{claim}");
        assert_eq!(app.call("/orders", &mint().claim(claim, bad).sign()).await.status, 401, "{claim}");
    }
}
