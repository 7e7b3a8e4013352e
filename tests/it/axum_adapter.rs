//! The axum adapter with state, nesting, other layers, and alone.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use axum::{Router, middleware};
use okta_auth_axum::{OktaAuthLayer, RouterExt, User};
use okta_auth_core::engine::OktaAuthBuilder;
use tower::{Service, ServiceExt};

use crate::support::{ADA, App, AppBuilder};

async fn name(user: User) -> String {
    user.name().to_owned()
}

async fn api(user: User) -> String {
    user.subject().to_owned()
}

fn routes() -> Router {
    Router::new().route("/api/me", get(api)).route("/profile", get(name))
}

#[tokio::test]
async fn inner_routers_see_the_user_and_the_browser_comes_back_to_the_whole_path() {
    let inner = Router::new().route("/mine", get(name));
    let app = AppBuilder::default().routes(routes().nest("/area", inner)).start().await;
    let mut browser = app.browser();
    assert_eq!(browser.sign_in(&app.org, ADA, "/area/mine?x=1").await.location(), "/area/mine?x=1");
    assert_eq!(browser.navigate("/area/mine").await.body, "Ada Lovelace");
}

#[tokio::test]
async fn the_whole_application_nested_under_a_prefix() {
    let org = okta_auth_dev::Org::start().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    org.allow_redirect(&format!("{base}/app"));
    let config = okta_auth_core::config::ConfigBuilder::from_variables(org.env()).base_url(&base).mount_path("/app");
    let auth = OktaAuthBuilder::from(config).build().unwrap();
    let outer = Router::new().nest("/app", routes().okta_auth(&auth));
    tokio::spawn(async move { axum::serve(listener, outer).await.unwrap() });
    let mut browser = crate::support::Browser::new(&base);
    let login = browser.navigate("/app/profile").await;
    let okta_auth_dev::Response::Redirect(back) = org.sign_in(login.location(), ADA).await.unwrap() else { panic!() };
    assert!(back.starts_with(&format!("{base}/app/authorization-code/callback")), "{back}");
    assert_eq!(browser.navigate(&back).await.location(), "/app/profile");
    assert_eq!(browser.navigate("/app/profile").await.body, "Ada Lovelace");
    assert_eq!(browser.post("/app/logout", "").await.status, 303);
    assert_eq!(browser.fetch("/app/api/me").await.status, 401);
}

#[tokio::test]
async fn with_state_and_behind_other_layers() {
    let stateful = Router::new()
        .route(
            "/state",
            get(
                |State(greeting): State<&'static str>, user: User| async move { format!("{greeting} {}", user.name()) },
            ),
        )
        .with_state("Hello");
    let app = AppBuilder::default().routes(routes().merge(stateful));
    let app = app.start().await;
    let mut browser = app.browser();
    browser.sign_in(&app.org, ADA, "/state").await;
    assert_eq!(browser.navigate("/state").await.body, "Hello Ada Lovelace");
}

#[tokio::test]
async fn other_layers_inside_and_outside() {
    async fn stamp(request: Request, next: middleware::Next) -> Response {
        let mut response = next.run(request).await;
        response.headers_mut().insert("x-stamp", "1".parse().unwrap());
        response
    }
    let org = okta_auth_dev::Org::start().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    org.allow_redirect(&base);
    let config = okta_auth_core::config::ConfigBuilder::from_variables(org.env()).base_url(&base);
    let auth = OktaAuthBuilder::from(config).build().unwrap();
    let compression = tower_http::set_header::SetResponseHeaderLayer::overriding(
        axum::http::HeaderName::from_static("x-outer"),
        axum::http::HeaderValue::from_static("1"),
    );
    let router = routes()
        .layer(middleware::from_fn(stamp))
        .okta_auth(&auth)
        .layer(tower_http::catch_panic::CatchPanicLayer::new())
        .layer(compression);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut browser = crate::support::Browser::new(&base);
    let answer = browser.sign_in(&org, ADA, "/profile").await;
    assert_eq!((answer.location(), answer.header("x-outer")), ("/profile", "1"));
    let page = browser.navigate("/profile").await;
    assert_eq!((page.header("x-stamp"), page.header("x-outer")), ("1", "1"));
}

#[tokio::test]
async fn unknown_paths_stay_404_and_routes_can_be_disabled() {
    let app = AppBuilder::default().configure(|config| config.without_login_route().logout_path("/bye")).start().await;
    let mut browser = app.browser();
    assert_eq!(browser.navigate("/nothing").await.status, 404);
    assert_eq!(browser.navigate("/login").await.status, 404);
    browser.sign_in(&app.org, ADA, "/profile").await;
    assert_eq!(browser.post("/logout", "").await.status, 404);
    assert_eq!(browser.post("/bye", "").await.status, 303);
    assert!(!browser.is_signed_in().await);
}

/// The error type of the service is `Infallible`. This is a compile-time test.
#[tokio::test]
async fn the_service_cannot_fail() {
    let app = App::start().await;
    let mut service = tower::ServiceBuilder::new()
        .layer(OktaAuthLayer::new(&app.auth))
        .service_fn(|_: Request| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
    let response: Result<Response, Infallible> =
        service.ready().await.unwrap().call(Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!(response.unwrap().status(), StatusCode::OK);
}

/// axum lets a route for some methods and a route for all other methods share a path,
/// which would silently replace the library's sign-out.
#[tokio::test]
async fn a_route_at_a_path_of_the_library_is_reported_when_the_router_is_built() {
    let auth = App::start().await.auth;
    for (path, route) in [
        ("/login", get(|| async { "mine" })),
        ("/logout", axum::routing::post(|| async { "mine" })),
        ("/authorization-code/callback", axum::routing::any(|| async { "mine" })),
    ] {
        let made = || drop(Router::<()>::new().route(path, route.clone()).okta_auth(&auth));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(made)).is_err(), "{path}");
    }
    drop(Router::<()>::new().route("/login/mine", get(|| async { "mine" })).okta_auth(&auth));
}
