//! The library's routes and layers by themselves: merged into a router, and around services that are not axum's.

use std::convert::Infallible;
use std::fmt;

use axum::Router;
use axum::body::Body;
use axum::http::header::{ACCEPT, COOKIE, LOCATION, WWW_AUTHENTICATE};
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use okta_auth_axum::{AccessToken, OktaAuthLayer, RequireLayer, User, routes};
use okta_auth_core::OktaAuth;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::{AcceptedCredentials, OktaAuthBuilder};
use okta_auth_core::policy::{group, scope};
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::support::log::ThreadLog;
use crate::support::{ADA, App, BEN, Browser, SECRET};

/// The router of an application whose routes and layer are added separately, inside and outside of the layer.
fn merged(auth: &OktaAuth, routes_are_inside: bool) -> Router {
    let pages = Router::new()
        .route("/profile", get(|user: User| async move { user.name().to_owned() }))
        .route("/api/me", get(|user: User| async move { user.subject().to_owned() }));
    let health = Router::new().route("/health", get(|user: Option<User>| async move { user.is_some().to_string() }));
    let layer = OktaAuthLayer::new(auth);
    match routes_are_inside {
        true => pages.merge(routes(auth)).layer(layer).merge(health),
        false => pages.layer(layer).merge(health).merge(routes(auth)),
    }
}

#[tokio::test]
async fn merged_routes_sign_in_and_out() {
    for routes_are_inside in [true, false] {
        let log = ThreadLog::start();
        let org = okta_auth_dev::Org::start().await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        org.allow_redirect(&base);
        let config = ConfigBuilder::from_variables(org.env()).base_url(&base).cookie_secret(SECRET);
        let auth = OktaAuthBuilder::from(config).build().unwrap();
        let router = merged(&auth, routes_are_inside);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let mut browser = Browser::new(&base);
        assert_eq!(browser.fetch("/api/me").await.status, 401);
        let page = browser.sign_in(&org, ADA, "/profile").await;
        assert_eq!((page.status.as_u16(), page.location()), (303, "/profile"), "{}", page.body);
        assert_eq!(browser.navigate("/profile").await.body, "Ada Lovelace");
        // Outside of the layer the user is unknown, which is reported.
        assert_eq!(browser.navigate("/health").await.status, 500);
        assert_eq!(browser.post("/logout", "").await.status, 303);
        assert_eq!(browser.fetch("/api/me").await.status, 401);
        let problems = log.problems();
        assert!(problems.iter().all(|line| line.contains("/health")), "{problems:?}");
    }
}

#[derive(Debug, PartialEq, Eq)]
struct OtherError;

impl fmt::Display for OtherError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error of another framework")
    }
}

impl std::error::Error for OtherError {}

async fn other(request: Request<Vec<u8>>) -> Result<Response<String>, OtherError> {
    if request.uri().path() == "/fails" {
        return Err(OtherError);
    }
    let user = User::<()>::from_extensions(request.extensions());
    Ok(Response::new(user.map_or_else(|rejection| rejection.code().to_owned(), |user| user.name().to_owned())))
}

async fn text(body: Body) -> String {
    String::from_utf8(axum::body::to_bytes(body, 10_000).await.unwrap().to_vec()).unwrap()
}

fn request(path: &str, accept: &str, cookies: &str) -> Request<Vec<u8>> {
    Request::get(path).header(ACCEPT, accept).header(COOKIE, cookies).body(Vec::new()).unwrap()
}

async fn cookies(app: &App, user: &str) -> String {
    let mut browser = app.browser();
    browser.sign_in(&app.org, user, "/profile").await;
    browser.jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn a_tower_service_with_its_own_bodies_and_errors_is_protected() {
    let app = App::start().await;
    let mut service = ServiceBuilder::new()
        .layer(OktaAuthLayer::new(&app.auth))
        .layer(RequireLayer::new(group("Admins"), AcceptedCredentials::Session))
        .service_fn(other);
    let mut call = async |request: Request<Vec<u8>>| service.ready().await.unwrap().call(request).await;

    let refused = call(request("/", "application/json", "")).await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()[WWW_AUTHENTICATE].to_str().unwrap()), (401, "Bearer"));
    let page = call(request("/", "text/html", "")).await.unwrap();
    assert!(page.status() == StatusCode::SEE_OTHER && page.headers()[LOCATION].to_str().unwrap().contains("authorize"));

    let ada = cookies(&app, ADA).await;
    let passed = call(request("/", "application/json", &ada)).await.unwrap();
    assert_eq!((passed.status(), passed.headers()["cache-control"].to_str().unwrap()), (StatusCode::OK, "no-store"));
    assert_eq!(text(passed.into_body()).await, "Ada Lovelace");
    let error: OtherError = call(request("/fails", "application/json", &ada)).await.unwrap_err();
    assert_eq!(error, OtherError);

    let denied = call(request("/", "application/json", &cookies(&app, BEN).await)).await.unwrap();
    assert_eq!(denied.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_tower_service_may_ask_for_the_user_or_the_token_itself() {
    async fn service(request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let extensions = request.extensions();
        Ok(match request.uri().path() {
            "/token" => match AccessToken::<()>::from_extensions(extensions).await {
                Ok(token) => token.client_id().to_owned().into_response(),
                Err(rejection) => rejection.into_response(),
            },
            _ => match User::<()>::from_extensions(extensions) {
                Ok(user) => user.subject().to_owned().into_response(),
                Err(rejection) => rejection.into_response(),
            },
        })
    }
    let app = App::start().await;
    let guarded = ServiceBuilder::new().layer(OktaAuthLayer::new(&app.auth)).service_fn(service);
    let get = |path: &str| Request::get(path).header(ACCEPT, "application/json");
    let refused = guarded.clone().oneshot(get("/").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()[WWW_AUTHENTICATE].to_str().unwrap()), (401, "Bearer"));
    let signed_in = get("/").header(COOKIE, cookies(&app, ADA).await).body(Body::empty()).unwrap();
    assert_eq!(guarded.clone().oneshot(signed_in).await.unwrap().status(), StatusCode::OK);
    let token = app.org.token().access_token(ADA, ["openid"]).sign();
    let bearer = get("/token").header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap();
    let answer = guarded.oneshot(bearer).await.unwrap();
    assert_eq!(text(answer.into_body()).await, app.org.client().client_id);

    // Without the layer it is a plain 500, as in every framework.
    let alone = service(get("/").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(alone.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_policy_for_tokens_around_a_tower_service() {
    let app = App::start().await;
    let service = ServiceBuilder::new()
        .layer(OktaAuthLayer::new(&app.auth))
        .layer(RequireLayer::new(scope("orders:read"), AcceptedCredentials::BearerOnly))
        .service_fn(|_: Request<String>| async { Ok::<_, Infallible>(Response::new("orders".to_owned())) });
    for (scopes, status) in [(vec!["openid", "orders:read"], 200), (vec!["openid"], 403)] {
        let token = app.org.token().access_token(ADA, scopes).sign();
        let request = Request::get("/").header("authorization", format!("Bearer {token}")).body(String::new()).unwrap();
        assert_eq!(service.clone().oneshot(request).await.unwrap().status(), status);
    }
}
