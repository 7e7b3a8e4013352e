//! Sign in with Okta in axum. Without `OKTA_ISSUER_URI` it brings a development org along.

#![allow(clippy::print_stdout, reason = "it tells where to point the browser")]

mod devices;
mod pages;
mod port;
mod settings;

use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use okta_auth::axum::{AccessToken, HandlerError, RequireExt, RouterExt, User};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // why a sign-in failed is here, and not on the page
    let port = port::port()?;
    let (okta, _org) = settings::okta(port).await?;
    let policies = settings::policies()?;
    let auth = okta.policies(policies.clone()).build()?; // the `routes` of a file of policies

    let app = Router::new()
        .route("/", get(home)) // public: `Option<User>`
        .route("/profile", get(profile)) // a page: browsers go to sign in
        .route("/devices", get(devices)) // where the user is signed in
        .route("/devices/end", post(end_device))
        .route("/admin", get(admin).require(policies.policy("admin")?)) // 403 for others
        .route("/sensitive", get(sensitive).require(policies.policy("sensitive")?)) // step-up
        .route("/api/me", get(me)) // JSON: 401 with a challenge
        .route("/app.js", get(script)) // public: the script of the pages
        .route("/api/orders", get(orders).require_token(policies.policy("orders")?)) // access tokens
        .okta_auth(&auth); // sign-in, callback and sign-out

    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.map_err(port::taken(port))?;
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
    Json(user) // claims, and never a token
}

async fn script() -> ([(&'static str, &'static str); 1], &'static str) {
    ([("content-type", "text/javascript")], pages::SCRIPT)
}

async fn orders(token: AccessToken) -> Json<Value> {
    Json(json!({ "sub": token.subject(), "orders": [{ "id": 1, "item": "A book" }] }))
}

/// A page with the headers of all pages.
type Page = ([(&'static str, &'static str); 2], Html<String>);

fn page(html: String) -> Page {
    (pages::HEADERS, Html(html))
}
