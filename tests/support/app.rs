//! An application with a public page, a protected page and an API on a real socket.

use axum::routing::get;
use axum::{Json, Router};
use okta_auth_axum::{OktaAuth, RouterExt, User};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_dev::Org;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Browser;

pub(crate) const SECRET: &str = "a cookie secret for tests of 32 bytes or more";

/// A running application and its org. The server ends with the test's runtime.
pub(crate) struct App {
    pub(crate) org: Org,
    pub(crate) auth: OktaAuth,
    pub(crate) base: String,
}

type Configure = Box<dyn FnOnce(ConfigBuilder) -> ConfigBuilder + Send>;
type Build = Box<dyn FnOnce(OktaAuthBuilder) -> OktaAuthBuilder + Send>;

/// The application settings of a test.
#[derive(Default)]
pub(crate) struct AppBuilder {
    org: Option<Org>,
    issuer: Option<String>,
    configure: Option<Configure>,
    build: Option<Build>,
    routes: Option<Router>,
}

impl AppBuilder {
    pub(crate) fn org(mut self, org: Org) -> Self {
        self.org = Some(org);
        self
    }

    pub(crate) fn issuer(mut self, issuer: String) -> Self {
        self.issuer = Some(issuer);
        self
    }

    pub(crate) fn configure(mut self, change: impl FnOnce(ConfigBuilder) -> ConfigBuilder + Send + 'static) -> Self {
        let before = self.configure.take();
        self.configure = Some(Box::new(move |config| match before {
            Some(before) => change(before(config)),
            None => change(config),
        }));
        self
    }

    pub(crate) fn build_with(
        mut self,
        change: impl FnOnce(OktaAuthBuilder) -> OktaAuthBuilder + Send + 'static,
    ) -> Self {
        let before = self.build.take();
        self.build = Some(Box::new(move |builder| match before {
            Some(before) => change(before(builder)),
            None => change(builder),
        }));
        self
    }

    pub(crate) fn routes(mut self, routes: Router) -> Self {
        self.routes = Some(routes);
        self
    }

    pub(crate) async fn start(self) -> App {
        let org = match self.org {
            Some(org) => org,
            None => super::org_with_groups().await,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        org.allow_redirect(&base);
        let mut config = ConfigBuilder::from_variables(org.env()).base_url(&base).cookie_secret(SECRET);
        // A fixed cookie name for the tests; the default name contains the issuer and the
        // client.
        config = config.cookie_name("okta_session");
        if let Some(issuer) = self.issuer {
            config = config.issuer(issuer);
        }
        if let Some(change) = self.configure {
            config = change(config);
        }
        let clock = org.clock();
        let mut builder = OktaAuthBuilder::from(config).clock(move || clock.now());
        if let Some(change) = self.build {
            builder = change(builder);
        }
        let auth = builder.build().unwrap();
        let router = self.routes.unwrap_or_else(routes).okta_auth(&auth);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        App { org, auth, base }
    }
}

/// The routes that most tests use.
pub(crate) fn routes() -> Router {
    Router::new()
        .route(
            "/",
            get(|user: Option<User>| async move { user.map_or("anonymous".to_owned(), |u| u.name().to_owned()) }),
        )
        .route("/profile", get(profile).post(|user: User| async move { user.subject().to_owned() }))
        .route("/api/me", get(me))
}

async fn profile(user: User) -> String {
    format!("{} {} {}", user.name(), user.email().unwrap_or("-"), user.groups().join(","))
}

async fn me(user: User) -> Json<Value> {
    Json(json!({ "sub": user.subject(), "email": user.email(), "groups": user.groups(), "name": user.name() }))
}

impl App {
    pub(crate) async fn start() -> Self {
        AppBuilder::default().start().await
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.base)
    }
}
