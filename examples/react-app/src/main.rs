//! A React front end and its API. Without `OKTA_ISSUER_URI` it starts a development org.

mod port;

use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use okta_auth::OktaAuth;
use okta_auth::axum::{RouterExt, User};
use okta_auth::engine::OktaAuthBuilder;
use okta_auth_dev::{Org, OrgBuilder};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // shows why a sign-in failed
    let port = port::port()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.map_err(port::taken(port))?;
    let (okta, _org) = okta(port).await?;
    let auth = okta.browser_kit().session_claims(["name"]).csrf_header("x-react-app").build()?;

    let app = Router::new()
        .route("/", get(page)) // public: the front end shows who is signed in
        .route("/app.js", get(script))
        .route("/app.css", get(style))
        .route("/api/notes", post(save)) // 401 without a session
        .okta_auth(&auth); // sign-in, callback, sign-out, /session and /okta-auth.js

    println!("Open {} in your browser.", auth.config().base_url());
    axum::serve(listener, app).await?;
    Ok(())
}

async fn save(user: User, note: String) -> Json<Value> {
    Json(json!({ "saved": note, "by": user.name() }))
}

async fn page() -> impl IntoResponse {
    let policy = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; base-uri 'none'";
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, policy)];
    (headers, include_str!("../dist/index.html"))
}

async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../dist/app.js"))
}

async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../dist/app.css"))
}

/// Uses the `OKTA_*` variables, or else starts an embedded development org.
async fn okta(port: u16) -> Result<(OktaAuthBuilder, Option<Org>), okta_auth_dev::Error> {
    let builder = OktaAuth::builder().from_env();
    if builder.names_an_org() {
        return Ok((builder.base_url(port::base(port)), None));
    }
    let base = format!("http://localhost:{port}");
    let org = OrgBuilder::from_env()?.start().await?;
    org.allow_redirect(&base);
    println!("OKTA_ISSUER_URI is not set: a development org runs at {}. Sign in as one of:", org.url());
    org.users().iter().for_each(|user| println!("  {}  password {}", user.login, user.password));
    let own = std::env::vars().filter(|(name, _)| name.starts_with("OKTA_"));
    let variables = own.chain(org.env().into_iter().map(|(name, value)| (name.to_owned(), value)));
    let clock = org.clock();
    let builder = OktaAuth::builder().from_variables(variables).base_url(base);
    Ok((builder.clock(move || clock.now()), Some(org)))
}
