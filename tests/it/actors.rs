//! Access tokens that an actor, such as an AI agent, uses for a user (`act`, RFC 8693 §4.1).

use axum::Router;
use axum::routing::get;
use okta_auth_axum::{AccessToken, RequireExt as _, RouterExt as _};
use okta_auth_core::OktaAuth;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::error::Code;
use okta_auth_core::policy::{actor, machine, no_actor, user};
use okta_auth_dev::{ADA, Org};
use serde_json::{Value, json};

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
