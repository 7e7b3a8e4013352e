//! The program as a process, with rmcp's client.

#[path = "../src/notes.rs"]
mod notes;
#[allow(dead_code)]
#[path = "../src/scopes.rs"]
mod scopes;

use std::sync::Arc;

use axum::{Json, Router, routing::get};
use example_tests::{Process, command, free_port, run};
use okta_auth::axum::{RequireExt as _, RouterExt as _};
use okta_auth::{OktaAuth, policy::signed_in};
use okta_auth_dev::{ADA, AuthorizationServer, Client, Org};
use rmcp::model::CallToolRequestParams;
use rmcp::transport::auth::{AuthClient, AuthorizationCallback, AuthorizationRequest, OAuthState};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpClientTransport, StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleClient, ServiceExt, service::RunningService};
use serde_json::{Value, json};

const CALLBACK: &str = "http://localhost:8765/callback";
const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-server");

#[test]
fn without_settings_a_client_signs_in_and_calls_the_tools() {
    let port = free_port();
    let program = Process::start(command(PROGRAM, port), "Listening ");
    let metadata = format!("resource_metadata=\"http://localhost:{port}/.well-known/oauth-protected-resource/mcp\"");
    let lines = [
        format!("Without a token: Bearer scope=\"openid notes:read\", {metadata}"),
        "Signed in, with the tools add_note, list_notes".to_owned(),
        format!(
            "Without the scope of a tool: Bearer error=\"insufficient_scope\", \
             error_description=\"the access token lacks a scope\", scope=\"notes:write\", {metadata}"
        ),
        "With the scope: 1 note".to_owned(),
    ];
    assert_eq!(program.lines[..4], lines);
}

/// The program at an authorization server of its own.
async fn start() -> (Org, String, Process) {
    let port = free_port();
    let url = format!("http://localhost:{port}/mcp");
    let server = AuthorizationServer::custom("notes", &url).scope("notes:read").scope("notes:write");
    let org = Org::builder().authorization_server(server).start().await.unwrap();
    let mut command = command(PROGRAM, port);
    command.env("OKTA_ISSUER_URI", org.custom_issuer("notes"));
    let program = Process::start(command, "Listening ");
    assert_eq!(program.lines.len(), 1, "{:?}", program.lines);
    (org, url, program)
}

/// A client that publishes its metadata at a URL, which is its client id.
async fn published_client() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let id = format!("http://{}/.well-known/client.json", listener.local_addr().unwrap());
    let document = json!({
        "client_id": id,
        "client_name": "Notes on the desktop",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    });
    let router = Router::new().route("/.well-known/client.json", get(move || async move { Json(document) }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    id
}

async fn sign_in(org: &Org, url: &str, request: AuthorizationRequest) -> AuthClient<reqwest::Client> {
    let mut state = OAuthState::new(url, None).await.unwrap();
    state.start_authorization(request.with_initial_scope_selection()).await.unwrap();
    let page = org.browser().sign_in(&state.get_authorization_url().await.unwrap(), ADA).await.unwrap();
    state.handle_callback_url(page.target().unwrap()).await.unwrap();
    AuthClient::new(reqwest::Client::new(), state.into_authorization_manager().unwrap())
}

async fn connect(http: &AuthClient<reqwest::Client>, url: &str) -> RunningService<RoleClient, ()> {
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    ().serve(StreamableHttpClientTransport::with_client(http.clone(), config)).await.unwrap()
}

fn add_note() -> CallToolRequestParams {
    CallToolRequestParams::new("add_note").with_arguments(json!({ "text": "tea" }).as_object().cloned().unwrap())
}

/// An administrator has registered the URL: to the client it is an id like any other.
#[test]
fn a_client_with_a_metadata_document_signs_in_once_its_url_is_registered() {
    run(async {
        let (org, url, _program) = start().await;
        let id = published_client().await;
        let request = || AuthorizationRequest::new(CALLBACK).with_preregistered_client(&id);
        let mut state = OAuthState::new(&url, None).await.unwrap();
        state.start_authorization(request()).await.unwrap();
        let page = org.browser().sign_in(&state.get_authorization_url().await.unwrap(), ADA).await.unwrap();
        assert_eq!(page.target(), None, "an unknown URL is no client");

        org.put_client(Client::metadata_document(&id));
        let http = sign_in(&org, &url, request()).await;
        let client = connect(&http, &url).await;
        assert_eq!(client.list_all_tools().await.unwrap().len(), 2);
        let refused = client.call_tool(add_note()).await.unwrap_err();
        let challenge = refused.auth_challenge().unwrap();
        assert!(challenge.contains("insufficient_scope") && challenge.contains("scope=\"notes:write\""), "{challenge}");
        let manager = http.auth_manager.lock().await;
        let page = manager.request_scope_upgrade("notes:write").await.unwrap();
        let page = org.browser().sign_in(&page, ADA).await.unwrap();
        let callback = AuthorizationCallback::from_redirect_url(page.target().unwrap()).unwrap();
        manager.exchange_code_for_token(&callback.code, &callback.csrf_token).await.unwrap();
        drop(manager);
        client.call_tool(add_note()).await.unwrap();
    });
}

/// Anonymous registration needs an administrator's token at Okta.
#[test]
fn an_unregistered_client_cannot_sign_in() {
    run(async {
        let (_org, url, _program) = start().await;
        let mut state = OAuthState::new(&url, None).await.unwrap();
        state.start_authorization(AuthorizationRequest::new(CALLBACK).with_client_name("new")).await.unwrap_err();
    });
}

async fn post(url: &str, token: &str, body: &str) -> (u16, Value) {
    let request = reqwest::Client::new().post(url).bearer_auth(token).body(body.to_owned());
    let request = request.header("content-type", "application/json");
    let answer = request.header("accept", "application/json, text/event-stream").send().await.unwrap();
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

const CALL: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note","arguments":{"text":"tea"}}}"#;

#[test]
fn only_tokens_for_this_server_are_accepted() {
    run(async {
        let (org, url, _program) = start().await;
        let token = || org.token().server("notes").access_token(ADA, ["notes:read", "notes:write"]);
        assert_eq!(post(&url, &token().sign(), CALL).await.0, 200);
        for refused in [
            token().claim("aud", "https://other.example/mcp").sign(),
            org.token().access_token(ADA, ["notes:read", "notes:write"]).sign(),
            token().claim("exp", 1).sign(),
        ] {
            assert_eq!(post(&url, &refused, CALL).await.0, 401);
        }
        let own = url.strip_suffix("/mcp").unwrap();
        for path in ["/mcp/", "/MCP", "/mcp/x"] {
            let status = reqwest::Client::new().post(format!("{own}{path}")).body(CALL).send().await.unwrap().status();
            assert_eq!(status, 401, "{path}");
        }
        let document = format!("{own}/.well-known/oauth-protected-resource/mcp");
        let document = reqwest::get(document).await.unwrap().text().await.unwrap();
        let document: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["resource"], url);
        assert_eq!(document["authorization_servers"], json!([org.custom_issuer("notes")]));
        assert_eq!(document["scopes_supported"], json!(["openid", "notes:read"]));
    });
}

/// The middleware and rmcp must not read a message differently: no spelling of a call runs a tool without its scope.
#[test]
fn no_spelling_of_a_call_runs_a_tool_without_its_scope() {
    run(async {
        let (org, url, _program) = start().await;
        let token = org.token().server("notes").access_token(ADA, ["notes:read"]).sign();
        let twice = CALL.replacen("\"name\":\"add_note\"", "\"name\":\"add_note\",\"name\":\"list_notes\"", 1);
        let reversed = CALL.replacen("\"name\":\"add_note\"", "\"name\":\"list_notes\",\"name\":\"add_note\"", 1);
        let methods = CALL.replacen("\"tools/call\"", "\"tools/call\",\"method\":\"ping\"", 1);
        let escaped = CALL.replacen("tools/call", "tools\\/c\\u0061ll", 1);
        let batch = format!("[{CALL}]");
        for body in [CALL, &twice, &reversed, &methods, &escaped, &batch] {
            let (status, answer) = post(&url, &token, body).await;
            assert!(!answer.to_string().contains("added"), "{body}: {status} {answer}");
        }
        let list = CALL.replacen("add_note", "list_notes", 1);
        let (status, answer) = post(&url, &token, &list).await;
        assert_eq!((status, answer["result"]["content"].as_array().map(Vec::len)), (200, Some(0)), "{answer}");
    });
}

/// Without the middleware, which could read a message differently than rmcp.
#[test]
fn a_tool_checks_its_scope_itself() {
    run(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let org = Org::start().await.unwrap();
        let auth = OktaAuth::builder().issuer(org.issuer()).api_only().build().unwrap();
        let config = StreamableHttpServerConfig::default().with_legacy_session_mode(false).with_json_response(true);
        let (notes, sessions) = (notes::Notes::default(), Arc::new(NeverSessionManager::default()));
        let mcp = StreamableHttpService::new(move || Ok(notes.clone()), sessions, config);
        let app = Router::new().route_service("/mcp", mcp).require_token(signed_in()).okta_auth(&auth);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let token = |scope: &str| org.token().access_token(ADA, ["notes:read", scope]).sign();
        let (_, refused) = post(&url, &token("openid"), CALL).await;
        assert_eq!(refused["error"]["message"], "insufficient_scope", "{refused}");
        let (_, added) = post(&url, &token("notes:write"), CALL).await;
        assert_eq!(added["result"]["content"][0]["text"], "added", "{added}");
    });
}

#[test]
fn names_of_other_okta_libraries_are_errors() {
    run(example_tests::api::names_of_other_okta_libraries_are_errors_that_name_the_right_ones(PROGRAM));
}
