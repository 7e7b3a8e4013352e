//! Sign in with Okta in axum. Without `OKTA_ISSUER_URI` it brings a development org along.

#![allow(clippy::print_stdout, reason = "it tells where to point the browser")]

mod pages;

use axum::response::Html;
use axum::{Json, Router, routing::get};
use okta_auth::axum::{RouterExt, User};
use okta_auth::{OktaAuth, config::ConfigBuilder};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let (config, _org) = configuration(port).await?;
    let auth = OktaAuth::builder(config).build()?;

    let app = Router::new()
        .route("/", get(home)) // public: `Option<User>`
        .route("/profile", get(profile)) // a page: browsers go to sign in
        .route("/api/me", get(me)) // JSON: 401 with a challenge
        .okta_auth(&auth); // sign-in, callback and sign-out

    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("Open {} in your browser.", auth.config().base_url());
    axum::serve(listener, app).await?;
    Ok(())
}

async fn home(user: Option<User>) -> Html<String> {
    Html(pages::home(user.as_ref().map(|user| user.name())))
}

async fn profile(user: User) -> Html<String> {
    Html(pages::profile(user.name(), user.email().unwrap_or_default(), user.groups()))
}

async fn me(user: User) -> Json<Value> {
    Json(json!({ "sub": user.subject(), "email": user.email(), "groups": user.groups() }))
}

/// The `OKTA_*` variables, or else an embedded development org for this run alone.
async fn configuration(port: u16) -> Result<(ConfigBuilder, Option<okta_auth_dev::Org>), okta_auth_dev::Error> {
    if std::env::var_os("OKTA_ISSUER_URI").is_some() {
        return Ok((ConfigBuilder::from_env(), None));
    }
    let base = format!("http://localhost:{port}");
    let org = okta_auth_dev::Org::start().await?;
    org.allow_redirect(&base);
    println!("OKTA_ISSUER_URI is not set: a development org runs at {}. Sign in as one of:", org.url());
    org.users().iter().for_each(|user| println!("  {}  password {}", user.login, user.password));
    Ok((ConfigBuilder::from_variables(org.env()).base_url(base), Some(org)))
}
