//! An API for Okta access tokens in axum, without sessions. It needs only
//! `OKTA_ISSUER_URI` and `OKTA_AUDIENCE`. Without them it starts a development org.

mod port;

use axum::{Json, Router, routing::get};
use okta_auth::axum::{AccessToken, RequireExt, RouterExt};
use okta_auth::{OktaAuth, policy::scope};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // the log has the reason of a rejected token
    let port = port::port()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.map_err(port::taken(port))?;
    let builder = OktaAuth::builder().from_env();
    // A variable of another Okta library is an error that names the right one, and starts
    // no org.
    let org = if builder.names_an_org() { None } else { Some(okta_auth_dev::Org::start().await?) };
    let builder = match &org {
        Some(org) => builder.from_variables(org.env()),
        None => builder,
    };
    let auth = builder.base_url(port::base(port)).api_only().resource_scopes(["orders:read"]).build()?;
    let app = Router::new()
        .route("/whoami", get(whoami)) // any valid token
        .route("/orders", get(whoami).require_token(scope("orders:read"))) // a token with this scope
        .okta_auth(&auth);
    if let Some(org) = &org {
        let token = org.token().access_token(okta_auth_dev::ADA, ["orders:read"]).sign();
        println!("curl -H 'Authorization: Bearer {token}' http://localhost:{port}/orders");
    }
    println!("Listening on {}", auth.config().base_url());
    axum::serve(listener, app).await?;
    Ok(())
}

async fn whoami(token: AccessToken) -> Json<Value> {
    Json(json!({ "sub": token.subject(), "client": token.client_id(), "scopes": token.token().scopes() }))
}
