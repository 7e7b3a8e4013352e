//! Sign in with Okta in axum. Without `OKTA_ISSUER_URI` it starts a development org.

mod api_client;
mod devices;
mod pages;
mod port;
mod settings;

use api_client::Api;
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use okta_auth::axum::{AccessToken, HandlerError, RequireExt, RouterExt, User};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // shows why a sign-in failed
    let port = port::port()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.map_err(port::taken(port))?;
    let (okta, _org) = settings::okta(port).await?;
    let policies = settings::policies()?;
    let auth = okta.policies(policies.clone()).build()?; // with the `routes` of the policy file
    let api = Api::from_env()?;

    let app = Router::new()
        .route("/", get(home)) // public: `Option<User>`
        .route("/profile", get(profile)) // a page: browsers are redirected to Okta
        .route("/devices", get(devices)) // the user's sessions
        .route("/devices/end", post(end_device))
        .route("/admin", get(admin).require(policies.policy("admin")?)) // 403 for others
        .route("/sensitive", get(sensitive).require(policies.policy("sensitive")?)) // step-up
        .route("/api/me", get(me)) // JSON: 401 with a challenge
        .route("/app.js", get(script)) // public: the pages' script
        .route("/api/orders", get(orders).require_token(policies.policy("orders")?)) // access tokens
        .route("/orders", get(|user| remote_orders(user, api))) // calls another API for the user
        .okta_auth(&auth); // sign-in, callback and sign-out

    println!("Open {} in your browser.", auth.config().base_url());
    axum::serve(listener, app).await?;
    Ok(())
}

async fn home(user: Option<User>) -> Page {
    page(pages::home(user.as_ref().map(|user| user.name())))
}

async fn profile(user: User) -> Page {
    page(pages::profile(&user))
}

async fn devices(user: User) -> Result<Page, HandlerError> {
    Ok(page(devices::page(&user).await?))
}

async fn end_device(user: User, Form(fields): Form<devices::Fields>) -> Result<Redirect, HandlerError> {
    devices::end(&user, &fields).await?;
    Ok(Redirect::to("/devices"))
}

async fn admin(user: User) -> Page {
    page(pages::admin(&user))
}

async fn sensitive(user: User) -> Page {
    page(pages::sensitive(&user))
}

async fn me(user: User) -> Json<User> {
    Json(user) // claims only, never a token
}

async fn script() -> ([(&'static str, &'static str); 1], &'static str) {
    ([("content-type", "text/javascript")], pages::SCRIPT)
}

async fn orders(token: AccessToken) -> Json<Value> {
    Json(json!({ "sub": token.subject(), "orders": [{ "id": 1, "item": "A book" }] }))
}

async fn remote_orders(user: User, api: Option<Api>) -> Result<(StatusCode, String), HandlerError> {
    let Some(api) = api else { return Ok((StatusCode::NOT_FOUND, "Set API_URL.".to_owned())) };
    let (status, body) = api.call(&user).await?;
    Ok((StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY), body))
}

/// The headers of all pages, and the HTML.
type Page = ([(&'static str, &'static str); 2], Html<String>);

fn page(html: String) -> Page {
    (pages::HEADERS, Html(html))
}
