//! An actix-web app with many customers: the same customers, routes and pages as in
//! `multi-tenant-axum`.

mod customers;
mod pages;
mod port;
mod saas;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, COOKIE, LOCATION, SET_COOKIE};
use actix_web::web::{self, Data, Form, Json, ReqData};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Route, guard};
use okta_auth::OktaAuth;
use okta_auth::actix::{OktaAuthLayer, User, okta_auth};
use okta_auth::engine::RequestContext;
use saas::{Answer, Fields, Saas};
use serde_json::{Value, json};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // shows why a sign-in failed
    let port = port::port()?;
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).map_err(port::taken(port))?;
    let saas = Data::new(Saas::start(port).await?); // shared by all workers

    let server = HttpServer::new(move || {
        App::new()
            .app_data(saas.clone())
            .route("/", get().to(home)) // public: a customer's page, or the form for an e-mail address
            .route("/profile", get().to(profile)) // a page: browsers are redirected to the customer's Okta
            .route("/admin", get().to(admin)) // the customer's policies decide about this route
            .route("/api/me", get().to(me)) // JSON: 401 with a challenge
            .route("/tenants", get().to(customers_page)) // adds and removes customers
            .route("/tenants", web::post().to(change))
            .configure(okta_auth(&saas.tenants)) // sign-in, callback and sign-out, for each customer
            .wrap(OktaAuthLayer::new(&saas.tenants))
    })
    .listen(listener)?;
    println!("Open http://localhost:{port} in your browser.");
    server.run().await?;
    Ok(())
}

/// GET, and HEAD as link checkers and monitors send it. `web::get()` alone answers HEAD with 404.
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn home(saas: Data<Saas>, context: ReqData<RequestContext>, user: Option<User>) -> HttpResponse {
    let html = match context.auth().and_then(OktaAuth::tenant) {
        Some(_) => pages::home(&saas.brand(&context).await, user.as_ref()),
        None => pages::front(),
    };
    page(200, html)
}

async fn profile(saas: Data<Saas>, context: ReqData<RequestContext>, user: User) -> HttpResponse {
    page(200, pages::profile(&saas.brand(&context).await, &user))
}

async fn admin(saas: Data<Saas>, context: ReqData<RequestContext>, user: User) -> HttpResponse {
    page(200, pages::admin(&saas.brand(&context).await, &user))
}

async fn me(user: User) -> Json<Value> {
    let tenant = user.tenant().map(|tenant| tenant.id.as_str());
    Json(json!({ "tenant": tenant, "iss": user.session().issuer(), "sub": user.subject(), "email": user.email() }))
}

async fn customers_page(saas: Data<Saas>, context: ReqData<RequestContext>, request: HttpRequest) -> HttpResponse {
    answer(saas.customers_page(&context, cookies(&request)).await)
}

async fn change(
    saas: Data<Saas>,
    context: ReqData<RequestContext>,
    request: HttpRequest,
    fields: Form<Fields>,
) -> HttpResponse {
    answer(saas.change(&context, cookies(&request), &fields).await)
}

fn cookies(request: &HttpRequest) -> &str {
    request.headers().get(COOKIE).and_then(|cookies| cookies.to_str().ok()).unwrap_or_default()
}

fn answer(answer: Answer) -> HttpResponse {
    match answer {
        Answer::Page(status, html) => page(status, html),
        Answer::AdminPage(cookie) => {
            let mut response = HttpResponse::SeeOther();
            response.insert_header((LOCATION, "/tenants")).insert_header((CACHE_CONTROL, "no-store"));
            cookie.iter().for_each(|cookie| {
                response.append_header((SET_COOKIE, cookie.as_str()));
            });
            response.finish()
        }
    }
}

fn page(status: u16, html: String) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap_or_default());
    pages::HEADERS.iter().for_each(|header| {
        response.insert_header(*header);
    });
    response.content_type("text/html; charset=utf-8").body(html)
}
