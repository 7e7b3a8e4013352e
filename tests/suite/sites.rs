//! Small applications in both frameworks whose handlers check no user: only the layer
//! protects them.

use std::net::TcpListener;

use okta_auth_core::OktaAuth;
use okta_auth_core::policy::{group, scope, signed_in};

use crate::actix_app::Actix;
use crate::app::Framework;
use crate::axum_app::Axum;

/// The layout of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Routes, a nest, and a fallback that serves files.
    Plain,
    /// Like `Plain`, with a policy on the whole router or scope.
    Required,
    /// Like `Plain`, with the layer outside of the router; in actix-web the layer is
    /// always around the router.
    Outside,
    /// With compression, CORS and a request id between the layer and the handlers.
    Layers,
}

/// A framework that serves these applications.
pub(crate) trait Site: Framework {
    /// Whether the layer runs before the router has chosen a route.
    const LAYER_BEFORE_ROUTER: bool;

    /// Serves on this listener until the test ends.
    fn serve_site(listener: TcpListener, auth: OktaAuth, layout: Layout);
}

/// The origin whose scripts may read the answers of [`Layout::Layers`].
pub(crate) const SPA: &str = "https://spa.example";

/// Long enough to be compressed.
fn long() -> String {
    "public text ".repeat(500)
}

mod in_axum {
    use axum::http::{HeaderName, HeaderValue, Method};
    use axum::routing::{any, get, post};
    use axum::{Router, ServiceExt};
    use okta_auth_axum::{AccessToken, OktaAuthLayer, RequireExt, RouterExt, User};
    use tower::Layer;
    use tower_http::compression::CompressionLayer;
    use tower_http::cors::CorsLayer;
    use tower_http::set_header::SetResponseHeaderLayer;

    use super::*;

    impl Site for Axum {
        const LAYER_BEFORE_ROUTER: bool = false;

        fn serve_site(listener: TcpListener, auth: OktaAuth, layout: Layout) {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let app = match layout {
                Layout::Plain => routes().okta_auth(&auth),
                Layout::Required => {
                    let pages = Router::new()
                        .route("/any", any(|| async { "any" }).get(|| async { "got" }).require(group("Admins")))
                        .nest(
                            "/inner",
                            Router::new().route("/x", get(|| async { "x" })).fallback(|| async { "inner" }),
                        );
                    routes().merge(pages).require(signed_in()).okta_auth(&auth)
                }
                Layout::Layers => layers().okta_auth(&auth),
                Layout::Outside => {
                    let app = OktaAuthLayer::new(&auth).layer(routes());
                    let app = ServiceExt::<axum::extract::Request>::into_make_service(app);
                    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
                    return;
                }
            };
            tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        }
    }

    fn routes() -> Router {
        let page = || get(|| async { "page" }).post(|| async { "page" });
        Router::new()
            .route("/", get(|| async { "home" }))
            .route("/health", get(|| async { "healthy" }))
            .route("/profile", get(|user: User| async move { user.name().to_owned() }))
            .route("/secret", page())
            .route("/orders/{id}", page())
            .route("/reports/", page())
            .nest("/area", Router::new().route("/reports", page()))
            .nest_service("/files", any(|| async { "file" }))
            .route("/blog/{slug}", get(|| async { "an article" }))
            .route("/blog/drafts", post(|| async { "drafted" }))
            .route("/token", get(|_: AccessToken| async { "token" }))
            .route("/maybe-token", get(|_: Option<AccessToken>| async { "maybe" }))
            .route("/scoped", get(|| async { "scoped" }).require_token(scope("orders:read")))
            .route("/page", get(|| async { "page" }).require(group("Admins")))
            .route("/both", get(|| async { "both" }).require_any(signed_in()))
            .fallback(|| async { "file" })
    }

    fn layers() -> Router {
        let cors = CorsLayer::new()
            .allow_origin(HeaderValue::from_static(SPA))
            .allow_methods([Method::GET])
            .expose_headers([HeaderName::from_static("x-request-id")]);
        let id = HeaderName::from_static("x-request-id");
        Router::new()
            .route("/profile", get(|user: User| async move { user.name().to_owned() }))
            .route("/long", get(|| async { long() }))
            .route("/token", get(|_: AccessToken| async { long() }))
            .route("/page", get(|| async { "page" }).require(group("Admins")))
            .layer(CompressionLayer::new())
            .layer(cors)
            .layer(SetResponseHeaderLayer::overriding(id, HeaderValue::from_static("7")))
    }
}

mod in_actix {
    use actix_cors::Cors;
    use actix_web::middleware::{Compress, DefaultHeaders};
    use actix_web::web::{self, ServiceConfig};
    use actix_web::{App, HttpServer, guard};
    use okta_auth_actix::{AccessToken, OktaAuthLayer, RequireExt, RequireLayer, User, okta_auth};
    use okta_auth_core::policy::AcceptedCredentials;

    use super::*;

    impl Site for Actix {
        const LAYER_BEFORE_ROUTER: bool = true;

        fn serve_site(listener: TcpListener, auth: OktaAuth, layout: Layout) {
            // actix-web has its own runtime. The thread ends with the process.
            std::thread::spawn(move || {
                let run = |server: actix_web::dev::Server| actix_web::rt::System::new().block_on(server).unwrap();
                match layout {
                    Layout::Plain | Layout::Outside => {
                        let app = move || {
                            App::new()
                                .configure(okta_auth(&auth))
                                .configure(routes)
                                .default_service(web::to(|| async { "file" }))
                                .wrap(OktaAuthLayer::new(&auth))
                        };
                        run(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
                    }
                    Layout::Required => {
                        let app = move || {
                            let any = web::resource("/any")
                                .wrap(RequireLayer::new(group("Admins"), AcceptedCredentials::Session));
                            let inner = web::scope("/inner")
                                .route("/x", web::get().to(|| async { "x" }))
                                .default_service(web::to(|| async { "inner" }));
                            let whole = web::scope("")
                                .wrap(RequireLayer::new(signed_in(), AcceptedCredentials::Session))
                                .configure(routes)
                                .service(
                                    any.route(web::get().to(|| async { "got" }))
                                        .default_service(web::to(|| async { "any" })),
                                )
                                .service(inner)
                                .default_service(web::to(|| async { "file" }));
                            App::new().configure(okta_auth(&auth)).service(whole).wrap(OktaAuthLayer::new(&auth))
                        };
                        run(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
                    }
                    Layout::Layers => {
                        let app = move || {
                            let cors = Cors::default()
                                .allowed_origin(SPA)
                                .allowed_methods(["GET"])
                                .expose_headers(["x-request-id"]);
                            App::new()
                                .configure(okta_auth(&auth))
                                .route("/profile", web::get().to(|user: User| async move { user.name().to_owned() }))
                                .route("/long", web::get().to(|| async { long() }))
                                .route("/token", web::get().to(|_: AccessToken| async { long() }))
                                .route("/page", web::get().to(|| async { "page" }).require(group("Admins")))
                                .wrap(Compress::default())
                                .wrap(cors)
                                .wrap(DefaultHeaders::new().add(("x-request-id", "7")))
                                .wrap(OktaAuthLayer::new(&auth))
                        };
                        run(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
                    }
                }
            });
        }
    }

    fn routes(app: &mut ServiceConfig) {
        let page = |path: &str| web::resource(path).get(|| async { "page" }).post(|| async { "page" });
        app.route("/", web::get().to(|| async { "home" }))
            .route("/health", web::get().to(|| async { "healthy" }))
            .route("/profile", web::get().to(|user: User| async move { user.name().to_owned() }))
            .service(page("/secret"))
            .service(page("/orders/{id}"))
            .service(page("/reports/"))
            .service(web::scope("/area").service(page("/reports")))
            // As the macros `#[get]` and `#[post]` register them: each resource has a
            // guard.
            .service(web::resource("/blog/{slug}").guard(guard::Get()).to(|| async { "an article" }))
            .service(web::resource("/blog/drafts").guard(guard::Post()).to(|| async { "drafted" }))
            .route("/token", web::get().to(|_: AccessToken| async { "token" }))
            .route("/maybe-token", web::get().to(|_: Option<AccessToken>| async { "maybe" }))
            .route("/scoped", web::get().to(|| async { "scoped" }).require_token(scope("orders:read")))
            .route("/page", web::get().to(|| async { "page" }).require(group("Admins")))
            .route("/both", web::get().to(|| async { "both" }).require_any(signed_in()));
    }
}
