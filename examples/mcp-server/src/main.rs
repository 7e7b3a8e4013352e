//! An MCP server behind Okta. It needs only `OKTA_ISSUER_URI`: a custom authorization server whose audience is the URL of
//! the MCP server. Without it, it starts a development org, and a client that calls the tools.

mod demo;
mod notes;
mod port;
mod scopes;

use std::sync::Arc;

use axum::{Router, middleware};
use okta_auth::axum::{RequireExt, RouterExt};
use okta_auth::{OktaAuth, policy::signed_in};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // the log has the reason of a rejected token
    let port = port::port()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.map_err(port::taken(port))?;
    let resource = format!("{}/mcp", port::base(port));
    let builder = OktaAuth::builder().from_env();
    // A variable of another Okta library is an error that names the right one, and starts no org.
    let org = if builder.names_an_org() { None } else { Some(demo::org(&resource).await?) };
    let builder = match &org {
        Some(org) => builder.issuer(org.custom_issuer(demo::SERVER)),
        None => builder,
    };
    let auth = builder.base_url(port::base(port)).api_only();
    // Clients compare this URL with theirs, and the server accepts only tokens for it.
    let auth = auth.resource(&resource).audience(&resource).resource_scopes(["openid", "notes:read"]).build()?;

    let notes = notes::Notes::default();
    // Without sessions of MCP, each request stands for itself and for the user of its token.
    let config = StreamableHttpServerConfig::default().with_legacy_session_mode(false).with_json_response(true);
    let config = config.with_allowed_hosts(auth.config().base_url().host_str().map(str::to_owned));
    let mcp = StreamableHttpService::new(move || Ok(notes.clone()), Arc::new(NeverSessionManager::default()), config);
    let app = Router::new()
        .route_service("/mcp", mcp)
        .layer(middleware::from_fn(scopes::of_tools)) // the scopes of the tools
        .require_token(signed_in()) // every request of MCP
        .okta_auth(&auth);

    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    if let Some(org) = &org {
        demo::run(org, &resource).await?;
    }
    println!("Listening on {resource}");
    Ok(server.await??)
}
