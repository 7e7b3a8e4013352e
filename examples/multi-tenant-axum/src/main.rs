//! One app for many customers in axum, each with an Okta of its own: `acme.localhost`,
//! `globex.localhost` and `initech.localhost`, with development orgs that it brings along.

#![allow(clippy::print_stdout, reason = "it tells where to point the browser")]

mod customers;
mod pages;
#[allow(dead_code, reason = "the addresses of customers are below `localhost`")]
#[path = "../../axum-app/src/port.rs"]
mod port;
mod saas;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Form, Json, Router};
use okta_auth::axum::{RouterExt, User};
use okta_auth::engine::Visit;
use saas::{Fields, Saas};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // why a sign-in failed is here, and not on the page
    let port = port::port()?;
    let saas = Arc::new(Saas::start(port).await?);

    let app = Router::new()
        .route("/", get(home)) // public: a customer's page, or the question who comes
        .route("/profile", get(profile)) // a page: browsers go to sign in at their customer's Okta
        .route("/admin", get(admin)) // what the customer's policies say of this route
        .route("/api/me", get(me)) // JSON: 401 with a challenge
        .route("/tenants", get(office).post(change)) // customers come and go
        .okta_auth(&saas.tenants) // sign-in, callback and sign-out, for each customer
        .with_state(saas);

    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.map_err(port::taken(port))?;
    println!("Open http://localhost:{port} in your browser.");
    axum::serve(listener, app).await?;
    Ok(())
}

async fn home(State(saas): State<Arc<Saas>>, Extension(visit): Extension<Visit>, user: Option<User>) -> Html<String> {
    match visit.auth().tenant() {
        Some(_) => Html(pages::home(&saas.brand(&visit).await, user.as_deref())),
        None => Html(pages::front()),
    }
}

async fn profile(State(saas): State<Arc<Saas>>, Extension(visit): Extension<Visit>, user: User) -> Html<String> {
    Html(pages::profile(&saas.brand(&visit).await, &user))
}

async fn admin(State(saas): State<Arc<Saas>>, Extension(visit): Extension<Visit>, user: User) -> Html<String> {
    Html(pages::admin(&saas.brand(&visit).await, &user))
}

async fn me(user: User) -> Json<Value> {
    let tenant = user.tenant().map(|tenant| tenant.id.as_str());
    Json(json!({ "tenant": tenant, "iss": user.session().issuer(), "sub": user.subject(), "email": user.email() }))
}

async fn office(
    State(saas): State<Arc<Saas>>,
    Extension(visit): Extension<Visit>,
    Query(query): Query<Fields>,
) -> Response {
    page(saas.office(&visit, &query).await)
}

async fn change(
    State(saas): State<Arc<Saas>>,
    Extension(visit): Extension<Visit>,
    Form(fields): Form<Fields>,
) -> Response {
    match saas.change(&visit, &fields).await {
        Ok(next) => Redirect::to(&next).into_response(),
        Err(wrong) => page(wrong),
    }
}

fn page((status, html): (u16, String)) -> Response {
    (StatusCode::from_u16(status).unwrap_or_default(), Html(html)).into_response()
}
