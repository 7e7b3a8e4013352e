//! One app for many customers in actix-web: the twin of `multi-tenant-axum`, with the same
//! customers, routes and pages.

#![allow(clippy::print_stdout, reason = "it tells where to point the browser")]

#[path = "../../multi-tenant-axum/src/customers.rs"]
mod customers;
#[path = "../../multi-tenant-axum/src/pages.rs"]
mod pages;
#[allow(dead_code, reason = "the addresses of customers are below `localhost`")]
#[path = "../../axum-app/src/port.rs"]
mod port;
#[path = "../../multi-tenant-axum/src/saas.rs"]
mod saas;

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Form, Html, Json, Query, Redirect, ReqData};
use actix_web::{App, Either, HttpServer, Responder};
use okta_auth::actix::{OktaAuthLayer, User, okta_auth};
use okta_auth::engine::Visit;
use saas::{Fields, Saas};
use serde_json::{Value, json};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // why a sign-in failed is here, and not on the page
    let port = port::port()?;
    let saas = Data::new(Saas::start(port).await?); // one for all workers

    let server = HttpServer::new(move || {
        App::new()
            .app_data(saas.clone())
            .route("/", web::get().to(home)) // public: a customer's page, or the question who comes
            .route("/profile", web::get().to(profile)) // a page: browsers go to sign in at their customer's Okta
            .route("/admin", web::get().to(admin)) // what the customer's policies say of this route
            .route("/api/me", web::get().to(me)) // JSON: 401 with a challenge
            .route("/tenants", web::get().to(office)) // customers come and go
            .route("/tenants", web::post().to(change))
            .configure(okta_auth(&saas.tenants)) // sign-in, callback and sign-out, for each customer
            .wrap(OktaAuthLayer::new(&saas.tenants))
    })
    .bind(("127.0.0.1", port))
    .map_err(port::taken(port))?;
    println!("Open http://localhost:{port} in your browser.");
    server.run().await?;
    Ok(())
}

async fn home(saas: Data<Saas>, visit: ReqData<Visit>, user: Option<User>) -> Html {
    match visit.auth().tenant() {
        Some(_) => Html::new(pages::home(&saas.brand(&visit).await, user.as_deref())),
        None => Html::new(pages::front()),
    }
}

async fn profile(saas: Data<Saas>, visit: ReqData<Visit>, user: User) -> Html {
    Html::new(pages::profile(&saas.brand(&visit).await, &user))
}

async fn admin(saas: Data<Saas>, visit: ReqData<Visit>, user: User) -> Html {
    Html::new(pages::admin(&saas.brand(&visit).await, &user))
}

async fn me(user: User) -> Json<Value> {
    let tenant = user.tenant().map(|tenant| tenant.id.as_str());
    Json(json!({ "tenant": tenant, "iss": user.session().issuer(), "sub": user.subject(), "email": user.email() }))
}

async fn office(saas: Data<Saas>, visit: ReqData<Visit>, query: Query<Fields>) -> impl Responder {
    page(saas.office(&visit, &query).await)
}

async fn change(saas: Data<Saas>, visit: ReqData<Visit>, fields: Form<Fields>) -> impl Responder {
    match saas.change(&visit, &fields).await {
        Ok(next) => Either::Left(Redirect::to(next).see_other()),
        Err(wrong) => Either::Right(page(wrong)),
    }
}

fn page((status, html): (u16, String)) -> impl Responder {
    Html::new(html).customize().with_status(StatusCode::from_u16(status).unwrap_or_default())
}
