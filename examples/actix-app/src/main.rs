//! Sign in with Okta in actix-web: the same routes and pages as in `axum-app`. Without
//! `OKTA_ISSUER_URI` it starts a development org.

mod api_client;
mod devices;
mod pages;
mod port;
mod settings;

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Form, Json, Redirect};
use actix_web::{App, HttpResponse, HttpServer, Route, guard};
use api_client::Api;
use okta_auth::actix::{AccessToken, HandlerError, OktaAuthLayer, RequireExt, User, okta_auth};
use serde_json::{Value, json};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // shows why a sign-in failed
    let port = port::port()?;
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).map_err(port::taken(port))?;
    let (okta, _org) = settings::okta(port).await?;
    let policies = settings::policies()?;
    // Shared by all workers, with the `routes` of the policy file.
    let auth = okta.policies(policies.clone()).build()?;
    let (may_administer, is_sensitive) = (policies.policy("admin")?, policies.policy("sensitive")?);
    let may_read_orders = policies.policy("orders")?;
    let api = Data::new(Api::from_env()?);
    let base = auth.config().base_url().clone();

    let server = HttpServer::new(move || {
        App::new()
            .route("/", get().to(home)) // public: `Option<User>`
            .route("/profile", get().to(profile)) // a page: browsers are redirected to Okta
            .route("/devices", get().to(devices)) // the user's sessions
            .route("/devices/end", web::post().to(end_device))
            .route("/admin", get().to(admin).require(may_administer.clone())) // 403 for others
            .route("/sensitive", get().to(sensitive).require(is_sensitive.clone())) // step-up
            .route("/api/me", get().to(me)) // JSON: 401 with a challenge
            .route("/app.js", get().to(script)) // public: the pages' script
            .route("/api/orders", get().to(orders).require_token(may_read_orders.clone())) // access tokens
            .route("/orders", get().to(remote_orders)) // calls another API for the user
            .app_data(api.clone())
            .configure(okta_auth(&auth)) // sign-in, callback and sign-out
            .wrap(OktaAuthLayer::new(&auth))
    })
    .listen(listener)?;
    println!("Open {base} in your browser.");
    server.run().await?;
    Ok(())
}

/// GET, and HEAD as link checkers and monitors send it. `web::get()` alone answers HEAD with 404.
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn home(user: Option<User>) -> HttpResponse {
    page(pages::home(user.as_ref().map(|user| user.name())))
}

async fn profile(user: User) -> HttpResponse {
    page(pages::profile(&user))
}

async fn devices(user: User) -> Result<HttpResponse, HandlerError> {
    Ok(page(devices::page(&user).await?))
}

async fn end_device(user: User, fields: Form<devices::Fields>) -> Result<Redirect, HandlerError> {
    devices::end(&user, &fields).await?;
    Ok(Redirect::to("/devices").see_other())
}

async fn admin(user: User) -> HttpResponse {
    page(pages::admin(&user))
}

async fn sensitive(user: User) -> HttpResponse {
    page(pages::sensitive(&user))
}

async fn me(user: User) -> Json<User> {
    Json(user) // claims only, never a token
}

async fn script() -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript").body(pages::SCRIPT)
}

async fn orders(token: AccessToken) -> Json<Value> {
    Json(json!({ "sub": token.subject(), "orders": [{ "id": 1, "item": "A book" }] }))
}

async fn remote_orders(user: User, api: Data<Option<Api>>) -> Result<(String, StatusCode), HandlerError> {
    let Some(api) = &**api else { return Ok(("Set API_URL.".to_owned(), StatusCode::NOT_FOUND)) };
    let (status, body) = api.call(&user).await?;
    Ok((body, StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)))
}

fn page(html: String) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    pages::HEADERS.iter().for_each(|header| {
        response.insert_header(*header);
    });
    response.content_type("text/html; charset=utf-8").body(html)
}
