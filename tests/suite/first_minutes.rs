//! The first minutes with the library: an incorrectly assembled application reports its mistake, and natural handler
//! signatures compile.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};

use actix_web::test as actix;
use actix_web::web;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use okta_auth_core::OktaAuth;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::AcceptedCredentials;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::multi_tenant::Tenants;
use okta_auth_core::policy::group;
use serde_json::Value;
use tower::ServiceExt;

use crate::app::{App, Framework};
use crate::support::log::ThreadLog;
use crate::support::{ADA, BEN};

/// An application with an Okta issuer, which is contacted only when a browser signs in.
fn auth(change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> OktaAuth {
    let config = ConfigBuilder::default().issuer("https://dev-1.okta.com/oauth2/default").client_id("0oa1");
    let config = config.client_secret("secret-of-a-vault").cookie_secret(crate::support::SECRET);
    OktaAuthBuilder::from(change(config)).build().unwrap()
}

async fn name(user: okta_auth_axum::User) -> String {
    user.name().to_owned()
}

async fn actix_name(user: okta_auth_actix::User) -> String {
    user.name().to_owned()
}

/// Status and body of a GET that accepts any type.
async fn axum_get(app: &Router, path: &str) -> (u16, String) {
    let request = Request::get(path).header("accept", "text/html").body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let (status, body) =
        (response.status().as_u16(), axum::body::to_bytes(response.into_body(), 100_000).await.unwrap());
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Status and body of a GET to an application of actix-web.
macro_rules! actix_get {
    ($app:expr, $path:expr) => {{
        let request = actix::TestRequest::with_uri($path).insert_header(("accept", "text/html")).to_request();
        match actix::try_call_service(&$app, request).await {
            Ok(response) => {
                let status = response.status().as_u16();
                (status, String::from_utf8(actix::read_body(response).await.to_vec()).unwrap())
            }
            Err(error) => {
                let response = error.error_response();
                let status = response.status().as_u16();
                let body = actix_web::body::to_bytes(response.into_body()).await.ok().unwrap();
                (status, String::from_utf8(body.to_vec()).unwrap())
            }
        }
    }};
}

/// Asserts that the page contains no technical terms.
fn is_for_visitors(status: u16, page: &str) {
    assert_eq!(status, 500, "{page}");
    assert!(page.contains("Something went wrong"), "{page}");
    for word in ["okta_auth", "okta-auth", "wrap(", "layer", "Router", "auth)"] {
        assert!(!page.contains(word), "`{word}` on the page: {page}");
    }
}

#[tokio::test]
async fn without_the_layer_visitors_see_a_plain_page_and_the_log_names_the_fix_in_axum() {
    use okta_auth_axum::{AccessToken, RequireExt, User, UserRejection};
    let log = ThreadLog::start();
    let app = Router::new()
        .route("/user", get(name))
        .route("/maybe", get(|_: Option<User>| async { "never" }))
        .route("/token", get(|_: AccessToken| async { "never" }))
        .route("/maybe-token", get(|_: Option<AccessToken>| async { "never" }))
        .route("/required", get(|| async { "never" }).require(group("Admins")));
    for (count, path) in ["/user", "/maybe", "/token", "/maybe-token", "/required"].into_iter().enumerate() {
        let (status, page) = axum_get(&app, path).await;
        is_for_visitors(status, &page);
        let problems = log.problems();
        let line = problems.last().unwrap();
        assert!(problems.len() == count + 1 && line.contains("ERROR") && line.contains(path), "{problems:?}");
        assert!(line.contains("call `.okta_auth(&auth)` on the `Router`"), "{line}");
    }
    let caught =
        Router::new().route("/", get(|user: Result<User, UserRejection>| async move { user.unwrap_err().code() }));
    assert_eq!(axum_get(&caught, "/").await, (200, "layer_missing".to_owned()));
}

#[tokio::test]
async fn without_the_layer_visitors_see_a_plain_page_and_the_log_names_the_fix_in_actix() {
    use okta_auth_actix::{AccessToken, RequireExt, User, okta_auth};
    let log = ThreadLog::start();
    let auth = auth(|config| config);
    let app = actix_web::App::new()
        .route("/user", web::get().to(actix_name))
        .route("/token", web::get().to(|_: AccessToken| async { "never" }))
        .route("/required", web::get().to(|| async { "never" }).require(group("Admins")))
        .route("/maybe", web::get().to(|user: Option<User>| async move { user.is_some().to_string() }))
        .configure(okta_auth(&auth));
    let app = actix::init_service(app).await;
    for (count, path) in ["/user", "/token", "/required", "/login"].into_iter().enumerate() {
        let (status, page) = actix_get!(app, path);
        is_for_visitors(status, &page);
        let problems = log.problems();
        let line = problems.last().unwrap();
        assert!(problems.len() == count + 1 && line.contains("ERROR") && line.contains(path), "{problems:?}");
        assert!(line.contains("call `.wrap(OktaAuthLayer::new(&auth))` on the `App`"), "{line}");
    }
    // actix-web converts every error of an extractor to `None`; the log says which error it was.
    assert_eq!(actix_get!(app, "/maybe"), (200, "false".to_owned()));
    let problems = log.problems();
    assert!(problems.len() == 5 && problems[4].contains("ERROR") && problems[4].contains("/maybe"), "{problems:?}");
}

#[tokio::test]
async fn a_nested_router_without_a_mount_path_is_reported_once() {
    use okta_auth_axum::RouterExt;
    let log = ThreadLog::start();
    let app = |auth: OktaAuth| {
        let inner = Router::new().route("/mine", get(|| async { "mine" }));
        Router::new().route("/page", get(|| async { "page" })).nest("/inner", inner).okta_auth(auth)
    };
    let right = Router::<()>::new().nest("/app", app(auth(|config| config.mount_path("/app"))));
    let plain = app(auth(|config| config));
    for (app, path) in [(&right, "/app/page"), (&right, "/app/inner/mine"), (&plain, "/page"), (&plain, "/inner/mine")]
    {
        assert_eq!(axum_get(app, path).await.0, 200);
    }
    assert_eq!(log.problems(), Vec::<String>::new());

    let wrong = Router::<()>::new().nest("/app", app(auth(|config| config)));
    for path in ["/app/page", "/app/inner/mine", "/app/page?x=1"] {
        assert_eq!(axum_get(&wrong, path).await.0, 200);
    }
    let problems = log.problems();
    assert!(problems.len() == 1 && problems[0].contains("WARN"), "{problems:?}");
    assert!(problems[0].contains("OktaAuthBuilder::mount_path(\"/app\")"), "{problems:?}");

    // The reverse mistake: a mount path without a nest.
    let wrong = app(auth(|config| config.mount_path("/app")));
    assert_eq!((axum_get(&wrong, "/page").await.0, axum_get(&wrong, "/page").await.0), (200, 200));
    let problems = log.problems();
    assert!(problems.len() == 2 && problems[1].contains("remove `mount_path`"), "{problems:?}");
}

#[tokio::test]
async fn routes_of_the_library_that_are_missing_or_taken_are_reported_once() {
    use okta_auth_actix::{OktaAuthLayer, okta_auth};
    let log = ThreadLog::start();
    let page = || web::get().to(|| async { "page" });

    let (plain, below) = (auth(|config| config), auth(|config| config.mount_path("/app")));
    let right = actix_web::App::new().route("/page", page()).configure(okta_auth(plain.clone()));
    let right = actix::init_service(right.wrap(OktaAuthLayer::new(plain))).await;
    let scope = web::scope("/app").route("/page", page()).configure(okta_auth(&below));
    let scoped = actix::init_service(actix_web::App::new().service(scope).wrap(OktaAuthLayer::new(&below))).await;
    assert_eq!((actix_get!(right, "/page").0, actix_get!(scoped, "/app/page").0), (200, 200));
    assert_eq!(log.problems(), Vec::<String>::new());

    // Two workers, and one line.
    let auth = auth(|config| config);
    for _ in 0..2 {
        let app = actix_web::App::new().route("/page", page()).wrap(OktaAuthLayer::new(&auth));
        let app = actix::init_service(app).await;
        assert_eq!((actix_get!(app, "/page").0, actix_get!(app, "/page").0), (200, 200));
    }
    let problems = log.problems();
    assert!(problems.len() == 1 && problems[0].contains("WARN"), "{problems:?}");
    for words in ["`/authorization-code/callback`", "`.configure(okta_auth(&auth))`"] {
        assert!(problems[0].contains(words), "{problems:?}");
    }

    let auth = self::auth(|config| config);
    let scope = web::scope("/app").route("/page", page()).configure(okta_auth(&auth)).wrap(OktaAuthLayer::new(&auth));
    let app = actix::init_service(actix_web::App::new().service(scope)).await;
    assert_eq!(actix_get!(app, "/app/page").0, 200);
    let problems = log.problems();
    assert!(problems.len() == 2 && problems[1].contains("OktaAuthBuilder::mount_path"), "{problems:?}");

    // A route of the application that is registered first replaces the library's.
    let auth = self::auth(|config| config);
    let app = actix_web::App::new().route("/login", page()).configure(okta_auth(&auth)).wrap(OktaAuthLayer::new(&auth));
    let app = actix::init_service(app).await;
    assert_eq!((actix_get!(app, "/login").1.as_str(), actix_get!(app, "/login").0), ("page", 200));
    let problems = log.problems();
    assert!(problems.len() == 3 && problems[2].contains("`/login`"), "{problems:?}");
    assert!(problems[2].contains("OktaAuthBuilder::login_path"), "{problems:?}");
}

#[tokio::test]
async fn a_layer_that_is_added_twice_is_reported_once_and_changes_nothing() {
    let log = ThreadLog::start();
    let org = okta_auth_dev::Org::start().await.unwrap();
    org.allow_redirect("http://localhost:8080");
    let build = || {
        OktaAuth::builder()
            .from_variables(org.env())
            .cookie_secret("a".repeat(5) + crate::support::SECRET)
            .build()
            .unwrap()
    };

    let auth = build();
    let app = {
        use okta_auth_axum::{OktaAuthLayer, RouterExt};
        Router::new().route("/profile", get(name)).okta_auth(&auth).layer(OktaAuthLayer::new(&auth))
    };
    for _ in 0..2 {
        let request = Request::get("/profile").header("accept", "text/html").body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers().get_all("set-cookie").iter().count()), (303, 1));
    }
    let problems = log.problems();
    assert!(problems.len() == 1 && problems[0].contains("twice") && problems[0].contains("/profile"), "{problems:?}");

    let auth = build();
    let app = {
        use okta_auth_actix::{OktaAuthLayer, okta_auth};
        let app = actix_web::App::new().route("/profile", web::get().to(actix_name)).configure(okta_auth(&auth));
        actix::init_service(app.wrap(OktaAuthLayer::new(&auth)).wrap(OktaAuthLayer::new(&auth))).await
    };
    for _ in 0..2 {
        let request = actix::TestRequest::with_uri("/profile").insert_header(("accept", "text/html")).to_request();
        let response = match actix::try_call_service(&app, request).await {
            Ok(response) => response.into_parts().1,
            Err(error) => error.error_response(),
        };
        assert_eq!((response.status().as_u16(), response.headers().get_all("set-cookie").count()), (303, 1));
    }
    assert_eq!(log.problems().len(), 2, "{:?}", log.problems());
}

#[test]
fn two_routes_at_one_path_are_a_message_that_names_both_and_the_setter() {
    use okta_auth_axum::RouterExt;
    let message = |made: &dyn Fn() -> Router| {
        let panic = catch_unwind(AssertUnwindSafe(|| drop(made()))).unwrap_err();
        panic.downcast_ref::<String>().unwrap().clone()
    };
    let auth = auth(|config| config);
    for (path, setter) in
        [("/login", "login_path"), ("/logout", "logout_path"), ("/authorization-code/callback", "redirect_uri")]
    {
        let message = message(&|| Router::new().route(path, get(|| async { "mine" })).okta_auth(&auth));
        for words in [
            format!("`{path}`"),
            format!("`OktaAuthBuilder::{setter}`"),
            format!("GET {path}"),
            "first_minutes.rs".to_owned(),
        ] {
            assert!(message.contains(&words), "{words}: {message}");
        }
    }
    let twice = message(&|| Router::new().okta_auth(&auth).okta_auth(&auth));
    assert!(twice.contains("once for each router") && twice.contains("`/login`"), "{twice}");
}

/// `&auth` and `auth`, and inner layers that change the body type of responses.
#[tokio::test]
async fn the_layer_takes_any_body_and_okta_auth_by_value() {
    use okta_auth_axum::{OktaAuthLayer, RouterExt};
    let auth = auth(|config| config);
    let tenants = Tenants::from(auth.clone());
    drop((Router::<()>::new().okta_auth(auth.clone()), Router::<()>::new().okta_auth(tenants.clone())));
    drop((okta_auth_actix::okta_auth(auth.clone()), okta_auth_actix::OktaAuthLayer::new(tenants)));

    let layers = tower::ServiceBuilder::new()
        .layer(OktaAuthLayer::new(auth.clone()))
        .layer(tower_http::catch_panic::CatchPanicLayer::new()); // another type of body
    let app: Router = Router::new().route("/", get(|| async { "home" })).layer(layers);
    assert_eq!(axum_get(&app, "/").await, (200, "home".to_owned()));

    let service = tower::ServiceBuilder::new()
        .layer(OktaAuthLayer::new(auth))
        .map_response(|text: String| Response::new(Body::from(text)))
        .service_fn(|_: axum::http::Request<String>| async { Ok::<_, Infallible>("other bodies".to_owned()) });
    let request = axum::http::Request::get("/").body(String::new()).unwrap();
    let body = service.oneshot(request).await.unwrap().into_body();
    assert_eq!(&axum::body::to_bytes(body, 100).await.unwrap()[..], b"other bodies");
}

/// An error that a handler passes on with `?` gets the engine's response.
pub(crate) async fn a_handler_passes_on_every_error_of_an_extractor<F: Framework>() {
    let app = App::start::<F>().await;
    let mut ada = app.signed_in(ADA).await;
    assert_eq!(ada.fetch("/passes-on").await.json()["error"], "store_unsupported", "sessions in cookies have no list");
    let mut ben = app.signed_in(BEN).await;
    let refused = ben.fetch("/passes-on").await;
    assert_eq!((refused.status.as_u16(), refused.json()["error"].as_str()), (403, Some("access_denied")));
    let page = ben.navigate("/passes-on").await;
    assert!(page.status == 403 && page.body.contains("You do not have access"), "{}", page.body);
}

/// `Json<User>` has the user's claims but no tokens.
pub(crate) async fn a_user_is_json_without_tokens<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.signed_in(ADA).await;
    let answer = browser.fetch("/claims-as-json").await;
    let claims = answer.json();
    assert_eq!((claims["email"].as_str(), claims["name"].as_str()), (Some(ADA), Some("Ada Lovelace")), "{claims}");
    assert!(
        claims["sub"].is_string() && claims["groups"].as_array().is_some_and(|groups| groups.len() > 1),
        "{claims}"
    );
    for other in ["nonce", "at_hash"] {
        assert_eq!(claims[other], Value::Null, "{claims}");
    }
    assert!(!answer.body.contains("eyJ"), "a token: {}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
}

const CHILD: &str = "first_minutes::the_process_of_the_test_below";

/// An application whose Okta is down, and three requests that fail. `SUBSCRIBER` installs a subscriber.
#[tokio::test]
#[ignore = "another test runs it as a process of its own"]
async fn the_process_of_the_test_below() {
    use okta_auth_axum::RouterExt;
    let Ok(subscriber) = std::env::var("SUBSCRIBER") else { return };
    if subscriber == "yes" {
        tracing_subscriber::fmt().with_writer(std::io::sink).init();
    }
    let app = Router::new().route("/page", get(name)).okta_auth(auth(|config| config));
    for _ in 0..3 {
        let old = "/authorization-code/callback?code=old&state=old";
        assert_eq!(axum_get(&app, old).await.0, 400);
    }
}

#[test]
fn without_a_subscriber_the_first_error_says_so_on_stderr() {
    let run = |subscriber: &str| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", CHILD, "--ignored", "--nocapture"]).env("SUBSCRIBER", subscriber);
        let output = child.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        text.lines().filter(|line| line.contains("okta-auth")).map(str::to_owned).collect::<Vec<_>>()
    };
    let lines = run("no");
    assert!(lines.len() == 1 && lines[0].contains("tracing_subscriber::fmt::init()"), "{lines:?}");
    assert_eq!(run("yes"), Vec::<String>::new());
}

/// `RequireLayer` of actix-web, which the tests above do not use.
#[tokio::test]
async fn a_policy_on_a_scope_without_the_layer_is_reported_too() {
    let log = ThreadLog::start();
    let scope = web::scope("/admin")
        .wrap(okta_auth_actix::RequireLayer::new(group("Admins"), AcceptedCredentials::SessionOrBearer));
    let app = actix_web::App::new().service(scope.route("/users", web::get().to(|| async { "never" })));
    let app = actix::init_service(app).await;
    let (status, page) = actix_get!(app, "/admin/users");
    is_for_visitors(status, &page);
    assert!(log.problems()[0].contains("OktaAuthLayer::new(&auth)"), "{:?}", log.problems());
}
