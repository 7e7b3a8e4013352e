//! An axum app with many customers, each with its own Okta org: `acme.localhost`,
//! `globex.localhost` and `initech.localhost`. It starts development orgs for them.

mod customers;
mod pages;
mod port;
mod saas;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Form, Json, Router};
use okta_auth::OktaAuth;
use okta_auth::axum::{RouterExt, User};
use okta_auth::engine::RequestContext;
use saas::{Answer, Fields, Saas};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // shows why a sign-in failed
    let port = port::port()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.map_err(port::taken(port))?;
    let saas = Arc::new(Saas::start(port).await?);

    let app = Router::new()
        .route("/", get(home)) // public: a customer's page, or the form for an e-mail address
        .route("/profile", get(profile)) // a page: browsers are redirected to the customer's Okta
        .route("/admin", get(admin)) // the customer's policies decide about this route
        .route("/api/me", get(me)) // JSON: 401 with a challenge
        .route("/tenants", get(customers_page).post(change)) // adds and removes customers
        .okta_auth(&saas.tenants) // sign-in, callback and sign-out, for each customer
        .with_state(saas);

    println!("Open http://localhost:{port} in your browser.");
    axum::serve(listener, app).await?;
    Ok(())
}

async fn home(
    State(saas): State<Arc<Saas>>,
    Extension(context): Extension<RequestContext>,
    user: Option<User>,
) -> Response {
    page(match context.auth().and_then(OktaAuth::tenant) {
        Some(_) => pages::home(&saas.brand(&context).await, user.as_ref()),
        None => pages::front(),
    })
}

async fn profile(State(saas): State<Arc<Saas>>, Extension(context): Extension<RequestContext>, user: User) -> Response {
    page(pages::profile(&saas.brand(&context).await, &user))
}

async fn admin(State(saas): State<Arc<Saas>>, Extension(context): Extension<RequestContext>, user: User) -> Response {
    page(pages::admin(&saas.brand(&context).await, &user))
}

async fn me(user: User) -> Json<Value> {
    let tenant = user.tenant().map(|tenant| tenant.id.as_str());
    Json(json!({ "tenant": tenant, "iss": user.session().issuer(), "sub": user.subject(), "email": user.email() }))
}

async fn customers_page(
    State(saas): State<Arc<Saas>>,
    Extension(context): Extension<RequestContext>,
    headers: HeaderMap,
) -> Response {
    answer(saas.customers_page(&context, cookies(&headers)).await)
}

async fn change(
    State(saas): State<Arc<Saas>>,
    Extension(context): Extension<RequestContext>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    answer(saas.change(&context, cookies(&headers), &fields).await)
}

fn cookies(headers: &HeaderMap) -> &str {
    headers.get(COOKIE).and_then(|cookies| cookies.to_str().ok()).unwrap_or_default()
}

fn answer(answer: Answer) -> Response {
    match answer {
        Answer::Page(status, html) => (StatusCode::from_u16(status).unwrap_or_default(), page(html)).into_response(),
        Answer::AdminPage(cookie) => {
            let cookie = AppendHeaders(cookie.map(|cookie| (SET_COOKIE, cookie)));
            ([("cache-control", "no-store")], cookie, Redirect::to("/tenants")).into_response()
        }
    }
}

fn page(html: String) -> Response {
    (pages::HEADERS, Html(html)).into_response()
}
