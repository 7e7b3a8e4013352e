//! A multi-tenant application on a real socket, with a development org for each tenant.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::web::{self, ReqData};
use axum::routing::get;
use axum::{Extension, Router};
use okta_auth_axum::RouterExt;
use okta_auth_core::config::{ConfigBuilder, EgressPolicy};
use okta_auth_core::engine::{OktaAuth, OktaAuthBuilder, RequestContext};
use okta_auth_core::multi_tenant::Tenants;
use okta_auth_core::outgoing::{Outgoing, TokenRequest};
use okta_auth_core::secret::Secret;
use okta_auth_core::tenant::{TenantId, TenantSettings};
use okta_auth_dev::{Org, Response};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Browser, SECRET};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

pub(crate) const BOTH: [Framework; 2] = [Framework::Axum, Framework::Actix];

/// The plan before the application starts: its address, and the orgs of its tenants.
pub(crate) struct Plan {
    pub(crate) orgs: Vec<(&'static str, Org)>,
    pub(crate) port: u16,
    /// The base URL by IP address.
    pub(crate) base: String,
}

/// A running application.
pub(crate) struct Site {
    pub(crate) plan: Plan,
    pub(crate) tenants: Tenants,
}

pub(crate) fn id(id: &str) -> TenantId {
    TenantId::parse(id).unwrap()
}

/// Allows orgs on this machine, for tests.
pub(crate) fn local() -> EgressPolicy {
    EgressPolicy::default().dangerous().allow_loopback()
}

/// A tenant with this org. Users, client ids and audiences are identical in all orgs;
/// keys are not.
pub(crate) fn settings(name: &str, org: &Org) -> TenantSettings {
    let mut tenant = TenantSettings::new(id(name), org.issuer(), org.client().client_id);
    tenant.client_secret = org.client().client_secret.map(Secret::new);
    tenant.email_domains = vec![format!("{name}.example")];
    tenant
}

impl Plan {
    pub(crate) async fn new(names: &[&'static str]) -> (Self, TcpListener) {
        let mut orgs = Vec::new();
        for name in names {
            orgs.push((*name, super::org_with_groups().await));
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        (Self { orgs, port, base: format!("http://127.0.0.1:{port}") }, listener)
    }

    pub(crate) fn org(&self, name: &str) -> &Org {
        &self.orgs.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// The settings of all tenants.
    pub(crate) fn all(&self) -> Vec<TenantSettings> {
        self.orgs.iter().map(|(name, org)| settings(name, org)).collect()
    }

    /// The shared settings, at this address and with the clock of the first org.
    pub(crate) fn shared(&self, base: &str, store: &str) -> OktaAuthBuilder {
        let clock = self.orgs[0].1.clock();
        let shared = ConfigBuilder::default().base_url(base).cookie_secret(SECRET).session_store(store);
        OktaAuthBuilder::from(shared).clock(move || clock.now())
    }
}

/// The tenant and the user that a handler sees.
fn seen(tenant: Option<&TenantSettings>, user: &str, issuer: &str) -> String {
    let tenant = tenant.map(|t| json!({ "id": t.id.as_str(), "name": t.display_name(), "issuer": t.issuer }));
    json!({ "tenant": tenant, "user": user, "issuer": issuer }).to_string()
}

fn who(context: &RequestContext) -> String {
    let tenant = context.auth().and_then(OktaAuth::tenant);
    let issuer = tenant.and(context.auth()).map_or("", |auth| auth.config().issuer().as_str());
    seen(tenant, "", issuer)
}

/// A token of the application itself, at this org.
async fn machine_token(outgoing: &Outgoing) -> String {
    let token = outgoing.machine_tokens().token(&TokenRequest::new(["orders:read"])).await;
    token.map_or_else(|error| error.to_string(), |token| token.expose().to_owned())
}

fn router(tenants: &Tenants) -> Router {
    use okta_auth_axum::{AccessToken, Tenant, User};
    let who = |Extension(context): Extension<RequestContext>| async move { who(&context) };
    let me = |user: User| async move { seen(user.tenant(), user.name(), user.session().issuer()) };
    let api = |token: AccessToken| async move { seen(token.tenant(), token.subject(), "") };
    let fresh = |user: User| async move {
        let fresh = user.access_token().await.map(|token| token.expose().to_owned());
        fresh.unwrap_or_else(|error| error.to_string())
    };
    let tenant = |tenant: Tenant| async move { format!("{} {}", tenant.id(), tenant.name()) };
    let maybe_tenant = |tenant: Option<Tenant>| async move { tenant.map_or("none".to_owned(), |t| t.id().to_string()) };
    let mut router = Router::new();
    for prefix in ["", "/t/{tenant}"] {
        let path = |path: &str| format!("{prefix}{path}");
        router = router.route(&path("/who"), get(who)).route(&path("/me"), get(me)).route(&path("/api"), get(api));
        router = router.route(&path("/fresh"), get(fresh));
        let machine = |user: User| async move { machine_token(user.outgoing()).await };
        router = router.route(&path("/machine-token"), get(machine));
        router = router.route(&path("/tenant"), get(tenant)).route(&path("/maybe-tenant"), get(maybe_tenant));
    }
    router.okta_auth(tenants)
}

fn serve(framework: Framework, listener: TcpListener, tenants: Tenants) {
    match framework {
        Framework::Axum => {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            tokio::spawn(async move { axum::serve(listener, router(&tenants)).await.unwrap() });
        }
        Framework::Actix => {
            use okta_auth_actix::{AccessToken, OktaAuthLayer, Tenant, User};
            let app = move || {
                let mut app = actix_web::App::new().wrap(OktaAuthLayer::new(&tenants));
                for prefix in ["", "/t/{tenant}"] {
                    let path = |path: &str| format!("{prefix}{path}");
                    let who = |context: ReqData<RequestContext>| async move { who(&context) };
                    let me = |user: User| async move { seen(user.tenant(), user.name(), user.session().issuer()) };
                    let api = |token: AccessToken| async move { seen(token.tenant(), token.subject(), "") };
                    app = app.route(&path("/who"), web::get().to(who)).route(&path("/me"), web::get().to(me));
                    app = app.route(&path("/api"), web::get().to(api));
                    let machine = |user: User| async move { machine_token(user.outgoing()).await };
                    app = app.route(&path("/machine-token"), web::get().to(machine));
                    let tenant = |tenant: Tenant| async move { format!("{} {}", tenant.id(), tenant.name()) };
                    let maybe_tenant = |tenant: Option<Tenant>| async move {
                        tenant.map_or("none".to_owned(), |t| t.id().to_string())
                    };
                    app = app.route(&path("/tenant"), web::get().to(tenant));
                    app = app.route(&path("/maybe-tenant"), web::get().to(maybe_tenant));
                }
                app.configure(okta_auth_actix::okta_auth(&tenants))
            };
            std::thread::spawn(move || {
                let server = actix_web::HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap();
                actix_web::rt::System::new().block_on(server.run()).unwrap();
            });
        }
    }
}

impl Site {
    pub(crate) async fn start(
        framework: Framework,
        names: &[&'static str],
        build: impl FnOnce(&Plan) -> Tenants,
    ) -> Self {
        let (plan, listener) = Plan::new(names).await;
        let tenants = build(&plan);
        serve(framework, listener, tenants.clone());
        Self { plan, tenants }
    }

    pub(crate) fn org(&self, name: &str) -> &Org {
        self.plan.org(name)
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.plan.base)
    }

    /// A host name with the port of the application.
    pub(crate) fn at(&self, host: &str) -> String {
        format!("{host}:{}", self.plan.port)
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.plan.orgs.iter().for_each(|(_, org)| org.clock().advance(by));
    }

    /// For tests of events within one second, which a busy machine may exceed.
    pub(crate) fn stop_clock(&self) {
        self.plan.orgs.iter().for_each(|(_, org)| org.clock().stop());
    }

    pub(crate) fn quiet(&self) {
        self.plan.orgs.iter().for_each(|(_, org)| org.clear_request_log());
    }

    /// Every request that reached an org.
    pub(crate) fn outbound(&self) -> Vec<String> {
        let of = |(name, org): &(&str, Org)| {
            org.request_log().into_iter().map(|request| format!("{name} {} {}", request.method, request.path)).collect()
        };
        self.plan.orgs.iter().flat_map(|org| -> Vec<String> { of(org) }).collect()
    }

    /// The tenant that answers at a host, with the status.
    pub(crate) async fn who(&self, host: &str, target: &str, more: &[(&str, &str)]) -> (u16, Option<String>) {
        let mut headers = vec![("host", host), ("accept", "application/json"), ("sec-fetch-mode", "cors")];
        headers.extend(more);
        let answer = self.browser().send(Method::GET, target, &headers, String::new()).await;
        let said = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
        (answer.status.as_u16(), said["tenant"]["id"].as_str().map(str::to_owned))
    }

    /// Signs in at an authorize URL and follows the browser back to any host.
    pub(crate) async fn complete(&self, browser: &mut Browser, org: &str, authorize: &str, user: &str) -> Answer {
        let back = self.back(org, authorize, user).await;
        navigate(browser, &back).await
    }

    /// The URL that an org redirects the browser to.
    pub(crate) async fn back(&self, org: &str, authorize: &str, user: &str) -> String {
        match self.org(org).sign_in(authorize, user).await.unwrap() {
            Response::Redirect(location) => location,
            other => panic!("{other:?} for {authorize}"),
        }
    }

    /// A browser with a session at the tenant with this path.
    pub(crate) async fn signed_in(&self, tenant: &str, user: &str) -> Browser {
        let mut browser = self.browser();
        self.sign_in(&mut browser, tenant, user).await;
        browser
    }

    pub(crate) async fn sign_in(&self, browser: &mut Browser, tenant: &str, user: &str) {
        let page = format!("/t/{tenant}/me");
        let authorize = browser.navigate(&page).await.location().to_owned();
        let answer = self.complete(browser, tenant, &authorize, user).await;
        assert_eq!(answer.location(), page, "{}", answer.body);
    }
}

/// Opens an absolute URL of the application at the test's socket.
pub(crate) async fn navigate(browser: &mut Browser, url: &str) -> Answer {
    let url = url::Url::parse(url).unwrap();
    let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let target = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    let headers = [("host", host.as_str()), ("accept", "text/html"), ("sec-fetch-mode", "navigate")];
    browser.send(Method::GET, target.trim_end_matches('?'), &headers, String::new()).await
}
