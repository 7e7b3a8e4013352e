//! An API for Okta access tokens in actix-web, without sessions. It needs only
//! `OKTA_ISSUER_URI` and `OKTA_AUDIENCE`. Without them it starts a development org.

mod port;

use actix_web::{App, HttpServer, web};
use okta_auth::actix::{AccessToken, OktaAuthLayer, RequireExt, okta_auth};
use okta_auth::{OktaAuth, policy::scope};
use serde_json::{Value, json};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // the log has the reason of a rejected token
    let port = port::port()?;
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).map_err(port::taken(port))?;
    let builder = OktaAuth::builder().from_env();
    // A variable of another Okta library is an error that names the right one, and starts no org.
    let org = if builder.names_an_org() { None } else { Some(okta_auth_dev::Org::start().await?) };
    let builder = match &org {
        Some(org) => builder.from_variables(org.env()),
        None => builder,
    };
    let auth = builder.base_url(port::base(port)).api_only().resource_scopes(["orders:read"]).build()?;
    if let Some(org) = &org {
        let token = org.token().access_token(okta_auth_dev::ADA, ["orders:read"]).sign();
        println!("curl -H 'Authorization: Bearer {token}' http://localhost:{port}/orders");
    }
    println!("Listening on {}", auth.config().base_url());
    let app = move || {
        App::new()
            .route("/whoami", web::get().to(whoami)) // any valid token
            .route("/orders", web::get().to(whoami).require_token(scope("orders:read"))) // a token with this scope
            .configure(okta_auth(&auth))
            .wrap(OktaAuthLayer::new(&auth))
    };
    Ok(HttpServer::new(app).listen(listener)?.run().await?)
}

async fn whoami(token: AccessToken) -> web::Json<Value> {
    web::Json(json!({ "sub": token.subject(), "client": token.client_id(), "scopes": token.token().scopes() }))
}
