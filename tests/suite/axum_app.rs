//! The routes of the suite in axum.

use std::convert::Infallible;
use std::future::ready;
use std::net::TcpListener;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, COOKIE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use okta_auth_axum::{
    AccessRejection, AccessToken, HandlerError, OktaAuth, RequireExt, RouterExt, SignedOut, Tenant, User, UserRejection,
};
use okta_auth_core::policy::{group, machine, no_actor, scope, signed_in, user};
use serde_json::{Value, json};

use crate::app::{Claims, Framework, Unusual, checked, sensitive, unsure};

pub(crate) struct Axum;

impl Framework for Axum {
    #[allow(clippy::too_many_lines, reason = "it is a list of routes")]
    fn serve(listener: TcpListener, auth: OktaAuth) {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let area = Router::new().route("/reports", get(name)).require(group("Admins"));
        let app =
            Router::new()
                .route("/", get(home))
                .route("/profile", get(profile).post(subject))
                .route("/api/me", get(me))
                .route("/gated", get(name).layer(from_fn(gate)))
                .route("/claims", get(|user: User<Claims>| async move { user.claims().email.clone() }))
                .route("/unusual", get(|_: User<Unusual>| async { "never" }))
                .route("/maybe-unusual", get(|user: Option<User<Unusual>>| async move { user.is_some().to_string() }))
                .route(
                    "/result",
                    get(|user: Result<User, UserRejection>| async move {
                        user.map_or_else(|e| e.code().to_owned(), |u| u.name().to_owned())
                    }),
                )
                .route("/echo", get(echo))
                .route("/poll", get(name))
                .route("/ends-at", get(|user: User| async move { user.session_ends_at().seconds().to_string() }))
                .route("/stream", get(stream))
                .route(
                    "/shared",
                    get(|user: Option<User>| async move {
                        ([(CACHE_CONTROL, "public, max-age=60")], user.is_some().to_string())
                    }),
                )
                .route("/signed-out", get(|signed_out: SignedOut| async move { signed_out.just_now().to_string() }))
                .route("/tenant", get(|tenant: Tenant| async move { tenant.name().to_owned() }))
                .route("/maybe-tenant", get(|tenant: Option<Tenant>| async move { tenant.is_some().to_string() }))
                .route("/broken", get(broken))
                .route("/panics", get(panics))
                .route("/own-token", get(own_token))
                .route("/token", get(token).post(token))
                .route(
                    "/token/maybe",
                    get(|token: Option<AccessToken>| async move {
                        token.map_or("none".to_owned(), |t| t.subject().to_owned())
                    }),
                )
                .route(
                    "/token/result",
                    get(|token: Result<AccessToken, AccessRejection>| async move {
                        token.map_or_else(|e| e.code().to_owned(), |t| t.subject().to_owned())
                    }),
                )
                .route("/token/claims", get(|token: AccessToken<Value>| async move { Json(token.claims().clone()) }))
                .route("/token/unusual", get(|_: AccessToken<Unusual>| async { "never" }))
                .route(
                    "/orders",
                    get(token)
                        .require_token(scope("orders:read"))
                        .merge(axum::routing::post(token).require_token(scope("orders:write"))),
                )
                .route("/token/admin", get(token).require_token(group("Admins")))
                .route("/token/in-person", get(token).require_token(no_actor()))
                .route("/token/of-user", get(token).require_token(user()))
                .route("/token/of-machine", get(token).require_token(machine()))
                .route("/token/not-suspended", get(token).require_token(!group("Suspended")))
                .route("/admin", get(name).require(group("Admins")))
                .route("/policed", get(name))
                .route("/mixed", get(|| async { "ok" }).post(|| async { "ok" }).require_any(signed_in()))
                .route("/sensitive", get(name).post(name).require_any(sensitive()))
                .route("/checked", get(name).require(checked()))
                .route("/not-suspended", get(name).require(!group("Suspended")))
                .route("/not-banned", get(name).require(!unsure()))
                .route("/in-handler", get(in_handler))
                .route("/passes-on", get(passes_on))
                .route("/claims-as-json", get(|user: User| async move { Json(user) }))
                .nest("/area", area)
                .okta_auth(&auth);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    }
}

/// The application's own middleware, which requires a user.
async fn gate(_: User, request: Request, next: Next) -> Response {
    next.run(request).await
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

async fn echo(uri: Uri, headers: HeaderMap) -> impl IntoResponse {
    let cookies: Vec<_> = headers.get_all(COOKIE).iter().map(|value| value.to_str().unwrap().to_owned()).collect();
    Json(json!({ "target": uri.to_string(), "cookies": cookies.len() }))
}

/// A stream that sends its first part immediately and its last part when the session
/// ends.
async fn stream(user: User) -> Body {
    let over = user.session_ended().map(|()| Ok::<_, Infallible>("over"));
    Body::from_stream(stream::once(ready(Ok("open"))).chain(over.into_stream()))
}

/// A handler that fails after using the session.
async fn broken(user: User) -> impl IntoResponse {
    (StatusCode::INTERNAL_SERVER_ERROR, user.name().to_owned())
}

async fn panics(_: User) -> &'static str {
    panic!("a handler of the application")
}

async fn own_token(user: User) -> Result<String, UserRejection> {
    Ok(user.access_token().await?.expose().to_owned())
}
