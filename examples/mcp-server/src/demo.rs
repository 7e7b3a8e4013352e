//! A development org, and a client that calls the tools for a user.

use okta_auth_dev::{ADA, AuthorizationServer, Client, Org};
use rmcp::ServiceExt;
use rmcp::model::CallToolRequestParams;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::{AuthClient, AuthorizationCallback, AuthorizationRequest, OAuthState};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The authorization server of this MCP server.
pub(crate) const SERVER: &str = "notes";
/// The client, which an administrator has registered.
const CLIENT: &str = "mcp-client";
const CALLBACK: &str = "http://localhost:8765/callback";

/// Starts an org with a custom authorization server whose audience is the MCP server.
pub(crate) async fn org(resource: &str) -> Result<Org> {
    let server = AuthorizationServer::custom(SERVER, resource).scope("notes:read").scope("notes:write");
    let client = Client::public(CLIENT).redirect_uri(CALLBACK);
    Ok(Org::builder().authorization_server(server).client(client).start().await?)
}

pub(crate) async fn run(org: &Org, url: &str) -> Result<()> {
    let anonymous = ().serve(StreamableHttpClientTransport::from_uri(url)).await;
    let challenge = anonymous.err().and_then(|error| error.auth_challenge().map(str::to_owned)).unwrap_or_default();
    println!("Without a token: {challenge}");

    let (mut state, mut browser) = (OAuthState::new(url, None).await?, org.browser());
    let request = AuthorizationRequest::new(CALLBACK).with_preregistered_client(CLIENT).with_challenge(challenge);
    state.start_authorization(request.with_initial_scope_selection()).await?;
    let page = browser.sign_in(&state.get_authorization_url().await?, ADA).await?;
    state.handle_callback_url(page.target().ok_or("Okta did not redirect to the client")?).await?;
    let manager = state.into_authorization_manager().ok_or("the sign-in was not completed")?;

    let http = AuthClient::new(reqwest::Client::new(), manager);
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    let client = ().serve(StreamableHttpClientTransport::with_client(http.clone(), config)).await?;
    let tools: Vec<String> = client.list_all_tools().await?.into_iter().map(|tool| tool.name.into_owned()).collect();
    println!("Signed in, with the tools {}", tools.join(", "));

    let note = serde_json::json!({ "text": "buy tea" }).as_object().cloned().unwrap_or_default();
    let add = CallToolRequestParams::new("add_note").with_arguments(note);
    let refused = client.call_tool(add.clone()).await;
    let challenge = refused.err().and_then(|error| error.auth_challenge().map(str::to_owned)).unwrap_or_default();
    println!("Without the scope of a tool: {challenge}");

    let manager = http.auth_manager.lock().await;
    let page = browser.sign_in(&manager.request_scope_upgrade("notes:write").await?, ADA).await?;
    let callback = AuthorizationCallback::from_redirect_url(page.target().ok_or("Okta did not redirect")?)?;
    manager.exchange_code_for_token(&callback.code, &callback.csrf_token).await?;
    drop(manager);
    client.call_tool(add).await?;
    let notes = client.call_tool(CallToolRequestParams::new("list_notes")).await?;
    println!("With the scope: {} note", notes.content.len());
    client.cancel().await?;
    Ok(())
}
