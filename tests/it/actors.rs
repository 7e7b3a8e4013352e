//! Access tokens that an actor, such as an AI agent, uses for a user (`act`, RFC 8693 §4.1).

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use okta_auth_axum::{AccessToken, RequireExt as _, RouterExt as _};
use okta_auth_core::OktaAuth;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::error::Code;
use okta_auth_core::events::Event;
use okta_auth_core::policy::{actor, machine, no_actor, user};
use okta_auth_dev::{ADA, Org, TokenBuilder};
use serde_json::{Value, json};

use crate::events::Log;

const AGENT: &str = "0oaagent";

fn nested(depth: usize) -> Value {
    (1..depth).fold(json!({ "sub": AGENT }), |inner, _| json!({ "sub": AGENT, "act": inner }))
}

/// An API whose routes have one policy each.
async fn api() -> (Org, OktaAuth, String) {
    let org = Org::start().await.unwrap();
    let clock = org.clock();
    let config = ConfigBuilder::default().issuer(org.issuer()).api_only();
    let auth = OktaAuthBuilder::from(config).clock(move || clock.now()).build().unwrap();
    let whose = |token: AccessToken| async move {
        let actors =
            token.actor().map(|actor| actor.chain().map(|actor| actor.subject().to_owned()).collect::<Vec<_>>());
        format!("{:?} machine: {}", actors.unwrap_or_default(), token.is_machine())
    };
    let routes = Router::new()
        .route("/open", get(whose))
        .route("/in-person", get(whose).require_token(no_actor()))
        .route("/agent", get(whose).require_token(actor(AGENT)))
        .route("/user", get(whose).require_token(user()))
        .route("/machine", get(whose).require_token(machine()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = routes.okta_auth(&auth);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (org, auth, base)
}

async fn call(base: &str, path: &str, token: &str) -> (u16, String) {
    let answer = reqwest::Client::new().get(format!("{base}{path}")).bearer_auth(token).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn an_agent_is_told_from_the_users_own_hands() {
    let (org, _, base) = api().await;
    let own = org.token().access_token(ADA, ["openid"]).sign();
    let act = json!({ "sub": AGENT, "sub_profile": "ai_agent", "act": { "sub": "0oajob", "sub_profile": "service" } });
    let agent = org.token().access_token(ADA, ["openid"]).claim("act", act).sign();
    let service = org.token().service_token(["orders:read"]).sign();
    let shown = r#"["0oaagent", "0oajob"] machine: false"#;
    assert_eq!(call(&base, "/open", &agent).await, (200, shown.to_owned()));
    assert_eq!(call(&base, "/open", &own).await, (200, "[] machine: false".to_owned()));
    let (status, body) = call(&base, "/in-person", &agent).await;
    assert_eq!((status, body.contains(r#""error":"actor_denied""#)), (403, true), "{body}");
    assert!(!body.contains(AGENT), "{body}");
    for (path, token, status) in [
        ("/in-person", &own, 200),
        ("/in-person", &service, 200),
        ("/agent", &agent, 200),
        ("/agent", &own, 403),
        ("/agent", &service, 403),
        ("/user", &agent, 200),
        ("/machine", &agent, 403),
        ("/machine", &service, 200),
    ] {
        assert_eq!(call(&base, path, token).await.0, status, "{path}");
    }
}

/// Only the present actor decides: an earlier one has handed its authority on (RFC 8693 §4.1).
#[tokio::test]
async fn an_earlier_actor_of_the_chain_gives_no_access() {
    let (org, _, base) = api().await;
    let act = json!({ "sub": "0oaother", "act": { "sub": AGENT } });
    let token = org.token().access_token(ADA, ["openid"]).claim("act", act).sign();
    assert_eq!(call(&base, "/agent", &token).await.0, 403);
}

/// Without `uid` an agent's token must not pass for a machine's.
#[tokio::test]
async fn an_agents_token_without_a_user_id_is_no_machine() {
    let (org, _, base) = api().await;
    let token = org.token().access_token(ADA, ["openid"]).remove("uid").claim("act", nested(1)).sign();
    assert_eq!(call(&base, "/machine", &token).await.0, 403);
    assert_eq!(call(&base, "/user", &token).await.0, 200);
}

#[tokio::test]
async fn malformed_and_too_deep_actors_are_rejected() {
    let (org, auth, _) = api().await;
    let verify = |act: Value| {
        let token = org.token().access_token(ADA, ["openid"]).claim("act", act).sign();
        let auth = auth.clone();
        async move { auth.verify_access_token(&token).await }
    };
    let deep = verify(nested(8)).await.unwrap();
    assert_eq!(deep.claims().actor().unwrap().chain().count(), 8);
    for bad in [nested(9), json!("0oaagent"), json!([]), json!({}), json!({ "sub": "" }), json!({ "sub": 7 })] {
        let error = verify(bad.clone()).await.unwrap_err();
        assert_eq!((error.code(), error.claim()), (Code::TokenClaim, Some("act")), "{bad}");
    }
}

/// Okta's samples of tokens that an ID-JAG was exchanged for name no client and no user.
fn agents_token(org: &Org) -> TokenBuilder {
    org.token().agent_token(ADA, AGENT, ["orders:read"])
}

#[tokio::test]
async fn a_token_from_an_id_jag_is_a_users_token_in_the_hands_of_an_agent() {
    let (org, auth, base) = api().await;
    let token = agents_token(&org).sign();
    let verified = auth.verify_access_token(&token).await.unwrap();
    let claims = verified.claims();
    assert_eq!((claims.client_id(), claims.user_id(), claims.scopes()), ("", None, &["orders:read".to_owned()][..]));
    assert_eq!((claims.is_user(), claims.is_machine()), (true, false));
    assert_eq!(claims.subject(), org.user(ADA).unwrap().id);
    for (path, status) in [("/open", 200), ("/agent", 200), ("/user", 200), ("/in-person", 403), ("/machine", 403)] {
        assert_eq!(call(&base, path, &token).await.0, status, "{path}");
    }
    let with_client = agents_token(&org).claim("cid", AGENT).claim("uid", "00u1").claim("scp", json!(["a"])).sign();
    let verified = auth.verify_access_token(&with_client).await.unwrap();
    assert_eq!((verified.claims().client_id(), verified.claims().user_id()), (AGENT, Some("00u1")));
    assert_eq!(call(&base, "/in-person", &with_client).await.0, 403);
}

/// Its subject is no user, and nothing may be attributed to one.
#[tokio::test]
async fn a_token_that_an_agent_uses_for_a_service_is_neither_a_users_nor_a_machines() {
    let (org, _, base) = api().await;
    for profile in ["service", "ai_agent", "other"] {
        let token = agents_token(&org).claim("sub_profile", profile).sign();
        for (path, status) in [("/open", 200), ("/agent", 200), ("/user", 403), ("/machine", 403), ("/in-person", 403)]
        {
            assert_eq!(call(&base, path, &token).await.0, status, "{profile} {path}");
        }
    }
    let user = agents_token(&org).claim("sub_profile", "user").sign();
    assert_eq!(call(&base, "/user", &user).await.0, 200);
}

/// Invariant 2: only an actor and a scope stand in for the client, and only at this API.
#[tokio::test]
async fn a_token_without_a_client_is_refused_unless_an_actor_and_a_scope_are_there() {
    let (org, auth, _) = api().await;
    let refused = |token: String| {
        let auth = auth.clone();
        async move {
            let error = auth.verify_access_token(&token).await.unwrap_err();
            (error.code(), error.claim())
        }
    };
    let kind = (Code::TokenKind, None);
    let mint = || agents_token(&org);
    assert_eq!(refused(mint().remove("act").sign()).await, kind);
    assert_eq!(refused(mint().remove("scope").sign()).await, kind);
    assert_eq!(refused(mint().claim("scope", " ").sign()).await, kind);
    assert_eq!(refused(mint().remove("scope").claim("scp", json!(["orders:read"])).sign()).await, kind, "no sample");
    for act in [json!("0oaagent"), json!({}), json!({ "sub": "" }), Value::Array(vec![])] {
        assert_eq!(refused(mint().claim("act", act).sign()).await, (Code::TokenClaim, Some("act")));
    }
    assert_eq!(refused(mint().claim("aud", "https://other.example/").sign()).await, (Code::TokenClaim, Some("aud")));
    assert_eq!(refused(mint().claim("nonce", "n").sign()).await, kind);
    assert_eq!(refused(mint().claim("cnf", json!({ "jkt": "x" })).sign()).await, kind);
    // An ID token does not become one by an actor.
    let id_token = || org.token().id_token(ADA, None).claim("aud", "api://default");
    assert_eq!(refused(id_token().sign()).await, kind);
    assert_eq!(refused(id_token().claim("act", json!({ "sub": AGENT })).sign()).await, kind);
    let with_nonce = org.token().id_token(ADA, Some("n")).claim("aud", "api://default").claim("scope", "openid");
    assert_eq!(refused(with_nonce.claim("act", json!({ "sub": AGENT })).sign()).await, kind);
    // A grant is for an authorization server, even if it names this API.
    let grant = org.token().client(AGENT).id_jag(ADA, "api://default", ["orders:read"]);
    let grant = grant.claim("iss", org.issuer()).claim("act", json!({ "sub": AGENT }));
    assert_eq!(refused(grant.sign()).await, (Code::TokenHeader, None));
    let signed_here = org.token().agent_token(ADA, AGENT, ["orders:read"]).header("typ", "oauth-id-jag+jwt");
    assert_eq!(refused(signed_here.sign()).await, (Code::TokenHeader, None));
}

/// A list of accepted clients names clients, and an agent's token names none.
#[tokio::test]
async fn accepted_clients_do_not_include_a_token_without_a_client() {
    let org = Org::start().await.unwrap();
    let clock = org.clock();
    let config = ConfigBuilder::default().issuer(org.issuer()).api_only().accept_client(AGENT);
    let auth = OktaAuthBuilder::from(config).clock(move || clock.now()).build().unwrap();
    let error = auth.verify_access_token(&agents_token(&org).sign()).await.unwrap_err();
    assert_eq!(error.claim(), Some("cid"));
    auth.verify_access_token(&agents_token(&org).claim("cid", AGENT).sign()).await.unwrap();
}

#[tokio::test]
async fn events_and_logs_name_the_actor() {
    let org = Org::start().await.unwrap();
    let clock = org.clock();
    let events: Arc<Mutex<Vec<Event>>> = Arc::default();
    let heard = Arc::clone(&events);
    let config = ConfigBuilder::default().issuer(org.issuer()).api_only();
    let auth = OktaAuthBuilder::from(config).clock(move || clock.now());
    let auth = auth.on_event(move |event: &Event| heard.lock().unwrap().push(event.clone())).build().unwrap();
    let ok = |_: AccessToken| async { "ok" };
    let router = Router::new().route("/in-person", get(ok).require_token(no_actor())).route("/open", get(ok));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = router.okta_auth(&auth);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Log::listen();
    let long = "a".repeat(255);
    for (actor, is_logged) in [(AGENT, true), (long.as_str(), true), ("eve@example.test", false), ("a\"b", true)] {
        let token = agents_token(&org).claim("act", json!({ "sub": actor, "act": { "sub": "0oaearlier" } })).sign();
        assert_eq!(call(&base, "/in-person", &token).await.0, 403);
        let event = events.lock().unwrap().pop().unwrap();
        assert_eq!((event.name(), event.reason(), event.actor()), ("access_denied", "actor_denied", Some(actor)));
        let reference = event.reference().to_string();
        let mut lines = Log::own_lines();
        lines.retain(|line| line.contains("access_denied") && line.contains(&reference));
        assert_eq!(lines.len(), 1, "{lines:?}");
        let shown = format!("actor={actor:?}");
        assert_eq!(lines[0].contains(&shown), is_logged, "{}", lines[0]);
        assert!(!lines[0].contains("example.test") && !lines[0].contains("0oaearlier"), "{}", lines[0]);
    }
    let too_long = agents_token(&org).claim("act", json!({ "sub": "a".repeat(256) })).sign();
    assert_eq!(call(&base, "/open", &too_long).await.0, 401);
    let control = agents_token(&org).claim("act", json!({ "sub": "a\nb" })).sign();
    assert_eq!(call(&base, "/open", &control).await.0, 401);
    // Without an actor the event has none.
    assert!(events.lock().unwrap().is_empty());
}
