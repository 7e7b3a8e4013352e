//! The routes of the suite in actix-web, with two workers.

use std::convert::Infallible;
use std::future::ready;
use std::net::TcpListener;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, COOKIE};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Bytes, Json};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, Responder};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use okta_auth_actix::{
    AccessRejection, AccessToken, HandlerError, OktaAuth, OktaAuthLayer, RequireExt, RequireLayer, SignedOut, Tenant,
    User, UserRejection, okta_auth,
};
use okta_auth_core::engine::AcceptedCredentials;
use okta_auth_core::policy::{group, machine, no_actor, scope, signed_in, user};
use serde_json::{Value, json};

use crate::app::{Claims, Framework, Unusual, checked, sensitive, unsure};

pub(crate) struct Actix;

impl Framework for Actix {
    #[allow(clippy::too_many_lines, reason = "it is a list of routes")]
    fn serve(listener: TcpListener, auth: OktaAuth) {
        let app = move || {
            App::new()
                .route("/", web::get().to(home))
                .service(web::resource("/profile").get(profile).post(subject))
                .route("/api/me", web::get().to(me))
                .service(web::resource("/gated").wrap(from_fn(gate)).get(name))
                .route("/claims", web::get().to(|user: User<Claims>| async move { user.claims().email.clone() }))
                .route("/unusual", web::get().to(|_: User<Unusual>| async { "never" }))
                .route(
                    "/maybe-unusual",
                    web::get().to(|user: Option<User<Unusual>>| async move { user.is_some().to_string() }),
                )
                .route(
                    "/result",
                    web::get().to(|user: Result<User, UserRejection>| async move {
                        user.map_or_else(|e| e.code().to_owned(), |u| u.name().to_owned())
                    }),
                )
                .route("/echo", web::get().to(echo))
                .route("/poll", web::get().to(name))
                .route(
                    "/ends-at",
                    web::get().to(|user: User| async move { user.session_ends_at().seconds().to_string() }),
                )
                .route("/stream", web::get().to(stream))
                .route("/shared", web::get().to(shared))
                .route(
                    "/signed-out",
                    web::get().to(|signed_out: SignedOut| async move { signed_out.just_now().to_string() }),
                )
                .route("/tenant", web::get().to(|tenant: Tenant| async move { tenant.name().to_owned() }))
                .route(
                    "/maybe-tenant",
                    web::get().to(|tenant: Option<Tenant>| async move { tenant.is_some().to_string() }),
                )
                .route("/broken", web::get().to(broken))
                .route("/panics", web::get().to(panics))
                .route("/own-token", web::get().to(own_token))
                .route("/passes-on", web::get().to(passes_on))
                .route("/claims-as-json", web::get().to(|user: User| async move { Json(user) }))
                .service(web::resource("/token").get(token).post(token))
                .route(
                    "/token/maybe",
                    web::get().to(|token: Option<AccessToken>| async move {
                        token.map_or("none".to_owned(), |t| t.subject().to_owned())
                    }),
                )
                .route(
                    "/token/result",
                    web::get().to(|token: Result<AccessToken, AccessRejection>| async move {
                        token.map_or_else(|e| e.code().to_owned(), |t| t.subject().to_owned())
                    }),
                )
                .route(
                    "/token/claims",
                    web::get().to(|token: AccessToken<Value>| async move { Json(token.claims().clone()) }),
                )
                .route("/token/unusual", web::get().to(|_: AccessToken<Unusual>| async { "never" }))
                .service(
                    web::resource("/orders")
                        .route(web::get().to(token).require_token(scope("orders:read")))
                        .route(web::post().to(token).require_token(scope("orders:write"))),
                )
                .route("/token/admin", web::get().to(token).require_token(group("Admins")))
                .route("/token/in-person", web::get().to(token).require_token(no_actor()))
                .route("/token/of-user", web::get().to(token).require_token(user()))
                .route("/token/of-machine", web::get().to(token).require_token(machine()))
                .route("/token/not-suspended", web::get().to(token).require_token(!group("Suspended")))
                .route("/admin", web::get().to(name).require(group("Admins")))
                .route("/policed", web::get().to(name))
                .service(
                    web::resource("/mixed")
                        .wrap(RequireLayer::new(signed_in(), AcceptedCredentials::SessionOrBearer))
                        .get(|| async { "ok" })
                        .post(|| async { "ok" }),
                )
                .service(
                    web::resource("/sensitive")
                        .wrap(RequireLayer::new(sensitive(), AcceptedCredentials::SessionOrBearer))
                        .get(name)
                        .post(name),
                )
                .route("/checked", web::get().to(name).require(checked()))
                .route("/not-suspended", web::get().to(name).require(!group("Suspended")))
                .route("/not-banned", web::get().to(name).require(!unsure()))
                .route("/in-handler", web::get().to(in_handler))
                .service(
                    web::scope("/area")
                        .wrap(RequireLayer::new(group("Admins"), AcceptedCredentials::Session))
                        .route("/reports", web::get().to(name)),
                )
                .configure(okta_auth(&auth))
                .wrap(OktaAuthLayer::new(&auth))
        };
        // actix-web has its own runtime. The thread ends with the process.
        std::thread::spawn(move || {
            let server = HttpServer::new(app).workers(2).disable_signals().listen(listener).unwrap();
            actix_web::rt::System::new().block_on(server.run()).unwrap();
        });
    }
}

/// The application's own middleware, which requires a user.
async fn gate<B: MessageBody>(_: User, request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    next.call(request).await
}

async fn home(user: Option<User>) -> String {
    user.map_or("anonymous".to_owned(), |user| user.name().to_owned())
}

async fn name(user: User) -> String {
    user.name().to_owned()
}

async fn subject(user: User) -> String {
    user.subject().to_owned()
}

async fn profile(user: User) -> String {
    format!("{} {} {}", user.name(), user.email().unwrap_or("-"), user.groups().join(","))
}

async fn me(user: User) -> Json<Value> {
    Json(json!({ "sub": user.subject(), "email": user.email(), "groups": user.groups() }))
}

async fn token(token: AccessToken) -> Json<Value> {
    Json(json!({
        "sub": token.subject(), "client": token.client_id(), "uid": token.user_id(), "machine": token.is_machine(),
        "scopes": token.token().scopes(), "issuer": token.issuer(),
    }))
}

async fn shared(user: Option<User>) -> impl Responder {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((CACHE_CONTROL, "public, max-age=60"))
        .body(user.is_some().to_string())
}

async fn in_handler(user: User) -> Result<String, AccessRejection> {
    user.require(&group("Admins")).await?;
    Ok(user.name().to_owned())
}

/// `?` on the results of extractors.
async fn passes_on(user: User) -> Result<String, HandlerError> {
    user.require(&group("Admins")).await?;
    let token = user.access_token().await?;
    let role: Option<String> = user.app_data("role")?;
    Ok(format!("{} {role:?} {}", token.expose().len(), user.sessions().await?.len()))
}

async fn echo(request: HttpRequest) -> Json<Value> {
    let cookies = request.headers().get_all(COOKIE).count();
    Json(json!({ "target": request.uri().to_string(), "cookies": cookies }))
}

/// A stream that sends its first part immediately and its last part when the session
/// ends.
async fn stream(user: User) -> HttpResponse {
    let over = user.session_ended().map(|()| Ok::<_, Infallible>(Bytes::from_static(b"over")));
    HttpResponse::Ok().streaming(stream::once(ready(Ok(Bytes::from_static(b"open")))).chain(over.into_stream()))
}

/// A handler that fails after using the session.
async fn broken(user: User) -> Result<String, Error> {
    Err(actix_web::error::ErrorInternalServerError(user.name().to_owned()))
}

async fn panics(_: User) -> String {
    panic!("a handler of the application")
}

async fn own_token(user: User) -> Result<String, UserRejection> {
    Ok(user.access_token().await?.expose().to_owned())
}
