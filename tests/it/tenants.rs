//! Many tenants in one application, on both frameworks: nothing of one tenant is valid at
//! another.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::web;
use axum::routing::get;
use axum::{Extension, Router};
use okta_auth_actix::{OktaAuthLayer, okta_auth};
use okta_auth_axum::RouterExt;
use okta_auth_core::config::{ConfigBuilder, EgressPolicy, ResponseMode};
use okta_auth_core::engine::{OktaAuthBuilder, RequestContext};
use okta_auth_core::error::Code;
use okta_auth_core::login::{LoginOptions, ReturnTo};
use okta_auth_core::multi_tenant::{
    Resolver, TenantError, TenantFuture, TenantKey, TenantSource, TenantTable, Tenants, TenantsBuilder,
};
use okta_auth_core::policy::{DefaultAccess, PolicySet, group};
use okta_auth_core::secret::Secret;
use okta_auth_core::tenant::{TenantId, TenantSettings};
use okta_auth_dev::{Fault, Org, Response};
use reqwest::Method;

use crate::support::{ADA, Answer, BEN, Browser, CALLBACK, SECRET, org_with_groups};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[derive(Clone, Copy, Debug)]
enum Framework {
    Axum,
    Actix,
}

const BOTH: [Framework; 2] = [Framework::Axum, Framework::Actix];

/// The user and the tenant that a handler sees.
fn said(name: &str, tenant: Option<&TenantSettings>) -> String {
    format!("{name} at {}", tenant.map_or("no tenant", |tenant| tenant.id.as_str()))
}

fn serve(framework: Framework, listener: TcpListener, tenants: Tenants) {
    match framework {
        Framework::Axum => {
            let user = |user: okta_auth_axum::User| async move { said(user.name(), user.tenant()) };
            let token = |token: okta_auth_axum::AccessToken| async move { said(token.subject(), token.tenant()) };
            let home = |user: Option<okta_auth_axum::User>| async move { user.is_some().to_string() };
            let app = Router::new()
                .route("/", get(home))
                .route("/me", get(user))
                .route("/api", get(token))
                .route("/policed", get(|| async { "in" }))
                .route("/t/{tenant}/me", get(user))
                .route("/t/{tenant}/api", get(token))
                .okta_auth(&tenants);
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        }
        Framework::Actix => {
            let app = move || {
                let user = |user: okta_auth_actix::User| async move { said(user.name(), user.tenant()) };
                let token = |token: okta_auth_actix::AccessToken| async move { said(token.subject(), token.tenant()) };
                let home = |user: Option<okta_auth_actix::User>| async move { user.is_some().to_string() };
                actix_web::App::new()
                    .route("/", web::get().to(home))
                    .route("/me", web::get().to(user))
                    .route("/api", web::get().to(token))
                    .route("/policed", web::get().to(|| async { "in" }))
                    .route("/t/{tenant}/me", web::get().to(user))
                    .route("/t/{tenant}/api", web::get().to(token))
                    .configure(okta_auth(&tenants))
                    .wrap(OktaAuthLayer::new(&tenants))
            };
            std::thread::spawn(move || {
                let server = actix_web::HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap();
                actix_web::rt::System::new().block_on(server.run()).unwrap();
            });
        }
    }
}

/// Two orgs with identical users, ids, addresses and client ids; their keys differ.
struct Site {
    acme: Org,
    globex: Org,
    base: String,
    tenants: Tenants,
}

fn id(id: &str) -> TenantId {
    TenantId::parse(id).unwrap()
}

fn settings(name: &str, org: &Org) -> TenantSettings {
    let client = org.client();
    let mut tenant = TenantSettings::new(id(name), org.issuer(), client.client_id);
    tenant.client_secret =
        org.env().into_iter().find(|(name, _)| *name == "OKTA_CLIENT_SECRET").map(|(_, secret)| Secret::new(secret));
    tenant.email_domains = vec![format!("{name}.example")];
    tenant
}

/// Allows orgs on this machine, for tests.
fn local() -> EgressPolicy {
    EgressPolicy::default().dangerous().allow_loopback()
}

impl Site {
    async fn start(
        framework: Framework,
        store: &str,
        resolvers: &[Resolver],
        change: impl FnOnce(TenantsBuilder) -> TenantsBuilder,
    ) -> Self {
        Self::with_shared(framework, store, resolvers, |config| config, change).await
    }

    /// Starts with settings of the application.
    async fn with_shared(
        framework: Framework,
        store: &str,
        resolvers: &[Resolver],
        shared: impl FnOnce(ConfigBuilder) -> ConfigBuilder,
        change: impl FnOnce(TenantsBuilder) -> TenantsBuilder,
    ) -> Self {
        let (acme, globex) = (org_with_groups().await, org_with_groups().await);
        for org in [&acme, &globex] {
            org.put_client(org.client().session_claim(true));
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        for (name, org) in [("acme", &acme), ("globex", &globex)] {
            org.allow_redirect(&base);
            org.allow_redirect(&format!("{base}/t/{name}"));
        }
        let clock = acme.clock();
        let config = ConfigBuilder::default().base_url(&base).cookie_secret(SECRET).session_store(store);
        let shared = OktaAuthBuilder::from(shared(config)).clock(move || clock.now());
        let table = TenantTable::new([settings("acme", &acme), settings("globex", &globex)]).unwrap();
        let mut builder = Tenants::builder(shared).egress(local()).table(table);
        for resolver in resolvers {
            builder = builder.resolve(resolver.clone());
        }
        let tenants = change(builder).build().unwrap();
        serve(framework, listener, tenants.clone());
        Self { acme, globex, base, tenants }
    }

    async fn by_path(framework: Framework, store: &str) -> Self {
        Self::start(framework, store, &[Resolver::Path("/t".to_owned())], |builder| builder).await
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.base)
    }

    fn org(&self, tenant: &str) -> &Org {
        if tenant == "acme" { &self.acme } else { &self.globex }
    }

    async fn response(&self, browser: &mut Browser, tenant: &str, user: &str) -> String {
        let answer = browser.navigate(&format!("/t/{tenant}/me")).await;
        match self.org(tenant).sign_in(answer.location(), user).await.unwrap() {
            Response::Redirect(location) => location,
            other => panic!("{other:?} for {}", answer.body),
        }
    }

    async fn signed_in(&self, tenant: &str, user: &str) -> Browser {
        let mut browser = self.browser();
        let response = self.response(&mut browser, tenant, user).await;
        assert!(response.starts_with(&format!("{}/t/{tenant}{CALLBACK}", self.base)), "{response}");
        let answer = browser.navigate(&response).await;
        assert_eq!(answer.location(), format!("/t/{tenant}/me"), "{}", answer.body);
        browser
    }

    async fn call(&self, target: &str, token: &str, more: &[(&str, &str)]) -> Answer {
        let authorization = format!("Bearer {token}");
        let mut headers = vec![("authorization", authorization.as_str())];
        headers.extend(more);
        self.browser().send(Method::GET, target, &headers, String::new()).await
    }

    fn quiet(&self) {
        self.acme.clear_request_log();
        self.globex.clear_request_log();
    }
}

/// The cookies of one tenant, renamed to those of another.
fn renamed(browser: &Browser, from: &str, to: &str) -> Browser {
    let mut other = browser.clone();
    other.jar = browser.jar.iter().map(|(name, value)| (name.replace(from, to), value.clone())).collect();
    other
}

#[tokio::test]
async fn a_session_of_one_tenant_opens_nothing_at_another() {
    for framework in BOTH {
        for store in ["cookie", "memory"] {
            let site = Site::by_path(framework, store).await;
            let browser = site.signed_in("acme", ADA).await;
            site.quiet();
            assert_eq!(browser.clone().fetch("/t/acme/me").await.body, "Ada Lovelace at acme", "{framework:?}");
            for mut thief in [browser.clone(), renamed(&browser, "_acme", "_globex")] {
                assert_eq!(thief.fetch("/t/globex/me").await.status, 401, "{framework:?} {store}");
            }
            assert!(site.globex.request_log().is_empty(), "{framework:?}: {:?}", site.globex.request_log());
        }
    }
}

/// The parameters of every sign-in are a setting of the application. The client in a logout is that of the tenant.
#[tokio::test]
async fn login_parameters_are_those_of_the_application_and_a_logout_names_the_client_of_its_tenant() {
    for framework in BOTH {
        let shared = |config: ConfigBuilder| config.login_parameter("access_type", "offline");
        let resolvers = [Resolver::Path("/t".to_owned())];
        let site = Site::with_shared(framework, "memory", &resolvers, shared, |builder| builder).await;
        for tenant in ["acme", "globex"] {
            let start = site.browser().navigate(&format!("/t/{tenant}/me")).await.location().to_owned();
            assert!(start.contains("&access_type=offline"), "{framework:?} {tenant}: {start}");
        }
        site.globex.fault(Fault::IdTokenAudienceArray);
        for (tenant, expected) in [("acme", None), ("globex", Some(site.globex.client().client_id))] {
            let mut browser = site.signed_in(tenant, ADA).await;
            let logout = browser.post(&format!("/t/{tenant}/logout"), "").await.location().to_owned();
            let url = url::Url::parse(&logout).unwrap();
            let client = url.query_pairs().find(|(name, _)| name == "client_id").map(|(_, value)| value.into_owned());
            assert_eq!(client, expected, "{framework:?} {tenant}: {logout}");
        }
    }
}

#[tokio::test]
async fn a_sign_in_ends_only_at_its_tenant() {
    for framework in BOTH {
        let site = Site::by_path(framework, "cookie").await;
        let mut browser = site.browser();
        let response = site.response(&mut browser, "acme", ADA).await;
        site.quiet();
        let elsewhere = response.replace("/t/acme/", "/t/globex/");
        for mut thief in [browser.clone(), renamed(&browser, "_acme", "_globex")] {
            let answer = thief.navigate(&elsewhere).await;
            assert!(answer.status == 400 && answer.body.contains("attempt_unknown"), "{framework:?}: {}", answer.body);
        }
        assert!(
            site.globex.request_log().is_empty() && site.acme.count("/v1/token") == 0,
            "{framework:?}: a code was sent"
        );
        assert_eq!(browser.navigate(&response).await.location(), "/t/acme/me");
    }
}

#[tokio::test]
async fn a_sign_in_of_an_attacker_is_not_completed_in_another_browser() {
    let site = Site::by_path(Framework::Axum, "cookie").await;
    // The attacker has a session and starts a second sign-in, which the victim is lured
    // to complete.
    let mut attacker = site.signed_in("acme", BEN).await;
    let answer = attacker.navigate("/t/acme/login").await;
    let mut victim = site.signed_in("acme", ADA).await;
    let Response::Redirect(response) = site.acme.sign_in(answer.location(), ADA).await.unwrap() else { panic!() };
    site.quiet();
    // The victim stays signed in as themselves. The code is not exchanged.
    assert_eq!(victim.navigate(&response).await.location(), "/t/acme/");
    assert_eq!(site.acme.count("/v1/token"), 0, "the code was exchanged");
    assert_eq!(victim.fetch("/t/acme/me").await.body, "Ada Lovelace at acme");
    assert_eq!(attacker.fetch("/t/acme/me").await.body, "Ben Okri at acme");
}

#[tokio::test]
async fn tokens_and_messages_of_one_tenant_are_rejected_at_another() {
    for framework in BOTH {
        let site = Site::by_path(framework, "memory").await;
        let mut globex = site.signed_in("globex", ADA).await;
        let _acme = site.signed_in("acme", ADA).await;
        let token = site.acme.token().access_token(ADA, ["openid"]).sign();
        // The keys of both orgs are already cached; foreign tokens must cause no further
        // request.
        assert_eq!(site.call("/t/acme/api", &token, &[]).await.body, format!("{ADA} at acme"), "{framework:?}");
        let own = site.globex.token().access_token(ADA, ["openid"]).sign();
        assert_eq!(site.call("/t/globex/api", &own, &[]).await.status, 200);
        site.quiet();
        let id_token = site.acme.token().id_token(ADA, None).sign();
        for foreign in [&token, &id_token] {
            assert_eq!(site.call("/t/globex/api", foreign, &[]).await.status, 401, "{framework:?}");
        }
        let sid = site.globex.sessions().pop().unwrap().sid;
        let pairs = [("iss", site.acme.issuer()), ("sid", sid)];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        site.browser().navigate(&format!("/t/globex/frontchannel-logout?{query}")).await;
        let message = site.acme.logout_token(ADA).send_to(format!("{}/t/globex/backchannel-logout", site.base)).await;
        assert_eq!(message.status, Some(400), "{framework:?}");
        let uri = format!("{}/t/globex/global-token-revocation", site.base);
        site.acme.put_client(site.acme.client().universal_logout(uri));
        let message = site.acme.global_revocation(ADA).send().await;
        assert!(message.status.is_some_and(|status| (400..500).contains(&status)), "{framework:?}: {message:?}");
        assert!(site.globex.request_log().is_empty(), "{framework:?}: {:?}", site.globex.request_log());
        assert_eq!(globex.fetch("/t/globex/me").await.body, "Ada Lovelace at globex", "{framework:?}");
        // Listing and ending sessions by user affects only one tenant, although the
        // user's id is the same at both.
        let (a, g) = (
            site.tenants.tenant(&id("acme")).await.unwrap().unwrap(),
            site.tenants.tenant(&id("globex")).await.unwrap().unwrap(),
        );
        let subject = site.acme.user(ADA).unwrap().id;
        assert_eq!(
            (a.sessions_of(&subject).await.unwrap().len(), g.sessions_of(&subject).await.unwrap().len()),
            (1, 1)
        );
        let foreign = a.sessions_of(&subject).await.unwrap()[0].id();
        assert!(!g.end_session(foreign).await.unwrap());
        assert_eq!(a.end_sessions_of(&subject).await.unwrap(), Some(1));
        assert_eq!(globex.fetch("/t/globex/me").await.status, 200);
    }
}

#[tokio::test]
async fn an_unknown_tenant_is_404_without_any_request() {
    for framework in BOTH {
        let header = Resolver::TrustedHeader("x-tenant".to_owned());
        let resolvers = [header, Resolver::Path("/t".to_owned()), Resolver::BearerIssuer, Resolver::Session];
        let site = Site::start(framework, "cookie", &resolvers, |builder| builder).await;
        for target in ["/t/initech/me", "/t/Acme/me", "/t/initech/login", "/t/initech/backchannel-logout"] {
            assert_eq!(site.browser().fetch(target).await.status, 404, "{framework:?} {target}");
        }
        assert_ne!(site.browser().fetch("/%74/acme/me").await.status, 200, "{framework:?}");
        let named = |name: &'static str| [("x-tenant", name)];
        assert_eq!(site.browser().send(Method::GET, "/me", &named("initech"), String::new()).await.status, 404);
        assert_eq!(site.browser().send(Method::GET, "/me", &named("acme"), String::new()).await.status, 401);
        // The issuer of a token selects among the existing tenants. Other claims are not
        // used for the lookup.
        let token = site.acme.token().access_token(ADA, ["openid"]);
        assert_eq!(site.call("/api", &token.sign(), &[]).await.body, format!("{ADA} at acme"), "{framework:?}");
        site.quiet();
        for issuer in ["https://tenants.invalid", "http://127.0.0.1:9/oauth2/default"] {
            let foreign = site.acme.token().access_token(ADA, ["openid"]).claim("iss", issuer).sign();
            assert_eq!(site.call("/api", &foreign, &[]).await.status, 401, "{framework:?} {issuer}");
        }
        assert_eq!(site.call("/api", "opaque", &[]).await.status, 401, "{framework:?}");
        assert!(site.acme.request_log().is_empty() && site.globex.request_log().is_empty(), "{framework:?}");
    }
}

#[tokio::test]
async fn a_policy_of_a_tenant_denies_requests_without_a_tenant() {
    for framework in BOTH {
        let resolvers = [Resolver::Path("/t".to_owned())];
        let strict = PolicySet::default().protect("/policed", group("Admins"));
        let site = Site::start(framework, "cookie", &resolvers, |builder| builder.policies("strict", strict)).await;
        assert_eq!(site.browser().fetch("/policed").await.status, 401, "{framework:?}");
    }
}

#[tokio::test]
async fn home_realm_discovery_reveals_nothing_about_users_and_its_form_redirects() {
    for framework in BOTH {
        let site = Site::by_path(framework, "cookie").await;
        let page = site.browser().navigate("/login?return_to=/%22%3E%3Cscript%3E").await;
        assert!(page.status == 200 && !page.body.contains("<script>"), "{}", page.body);
        assert!(page.header("content-security-policy").contains("form-action 'self' https: http:"));
        assert!(!page.body.contains("acme"), "customer names are revealed");
        assert!(!page.body.contains("Code:") && !page.body.contains("tenant_required"), "there is no error");
        let mut places = Vec::new();
        for user in ["ada@acme.example", "unknown@ACME.example"] {
            let body = format!("email={}", user.replace('@', "%40"));
            let answer = site.browser().send(Method::POST, "/login", &[FORM], body).await;
            assert_eq!(answer.status, 303, "{framework:?}: {}", answer.body);
            places.push(answer.location().split("&login_hint").next().unwrap().to_owned());
        }
        assert_eq!(places[0], places[1]);
        assert_eq!(places[0], format!("{}/t/acme/login?return_to=%2Ft%2Facme%2F", site.base));
        let answer =
            site.browser().send(Method::POST, "/login", &[FORM], "email=a%40b.example%3Cb%3E".to_owned()).await;
        assert!(answer.status == 200 && !answer.body.contains("<b>"), "{framework:?}");
    }
}

#[tokio::test]
async fn a_third_party_names_the_tenant_exactly_and_authenticates_no_user() {
    for framework in BOTH {
        let site = Site::by_path(framework, "cookie").await;
        let link =
            |pairs: &[(&str, &str)]| url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let issuer = site.acme.issuer();
        let unsolicited = site.acme.token().id_token(ADA, None).sign();
        let good = link(&[("iss", &issuer), ("login_hint", ADA), ("id_token", &unsolicited)]);
        let answer = site.browser().navigate(&format!("/login/initiate?{good}")).await;
        assert!(answer.location().starts_with(&format!("{}/t/acme/login?", site.base)), "{}", answer.body);
        let posted = site.browser().send(Method::POST, "/t/acme/login/initiate", &[FORM], good.clone()).await;
        assert!(posted.location().starts_with(&site.acme.issuer()), "{framework:?}: {}", posted.body);
        assert!(posted.set_cookies().iter().all(|cookie| cookie.contains("_login_")), "no session is created");
        // Okta's dashboard names the org.
        let org = link(&[("iss", &site.acme.org_issuer())]);
        let answer = site.browser().navigate(&format!("/login/initiate?{org}")).await;
        assert!(answer.location().starts_with(&format!("{}/t/acme/login", site.base)), "{}", answer.body);
        let answer = site.browser().navigate(&format!("/t/acme/login/initiate?{org}")).await;
        assert!(answer.location().starts_with(&site.acme.issuer()), "{}", answer.body);
        site.quiet();
        let other = link(&[("iss", &site.acme.custom_issuer("other"))]);
        let slash = format!("{issuer}/");
        let twice = link(&[("iss", &issuer), ("iss", &site.globex.issuer())]);
        for bad in [link(&[("iss", &slash)]), link(&[]), twice, other] {
            for path in ["/login/initiate", "/t/acme/login/initiate"] {
                assert_eq!(site.browser().navigate(&format!("{path}?{bad}")).await.status, 400, "{framework:?} {bad}");
            }
        }
        let foreign = link(&[("iss", &site.globex.issuer())]);
        assert_eq!(site.browser().navigate(&format!("/t/acme/login/initiate?{foreign}")).await.status, 400);
        assert!(site.acme.request_log().is_empty() && site.globex.request_log().is_empty());
        let target = format!("{}.evil.example/", site.base);
        let evil = link(&[("iss", &issuer), ("target_link_uri", &target)]);
        let answer = site.browser().navigate(&format!("/login/initiate?{evil}")).await;
        assert!(!answer.location().contains("evil"), "{}", answer.location());
    }
}

#[tokio::test]
async fn sessions_live_side_by_side_or_exclude_each_other() {
    for (exclusive, store) in [(false, "cookie"), (true, "cookie"), (false, "memory"), (true, "memory")] {
        let resolvers = [Resolver::Path("/t".to_owned())];
        let site = Site::start(Framework::Axum, store, &resolvers, |builder| builder.exclusive(exclusive)).await;
        let mut browser = site.signed_in("acme", ADA).await;
        let (mut copy, mut elsewhere) = (browser.clone(), site.signed_in("acme", ADA).await);
        let response = site.response(&mut browser, "globex", BEN).await;
        browser.navigate(&response).await;
        let expected = if exclusive { 401 } else { 200 };
        assert_eq!(browser.fetch("/t/globex/me").await.body, "Ben Okri at globex");
        assert_eq!(browser.fetch("/t/acme/me").await.status, expected, "{store}");
        // The session has ended; it was not only removed from this browser.
        assert_eq!(copy.fetch("/t/acme/me").await.status, expected, "{store}: a copy of its cookie");
        assert_eq!(elsewhere.fetch("/t/acme/me").await.status, 200, "{store}: another browser of the same user");
        if store == "memory" {
            let acme = site.tenants.tenant(&id("acme")).await.unwrap().unwrap();
            let left = acme.sessions_of(&site.acme.user(ADA).unwrap().id).await.unwrap();
            assert_eq!(left.len(), if exclusive { 1 } else { 2 });
        }
    }
}

/// A cookie with the name of a tenant's session is not proof of a session: it may be made
/// up, or another tenant's.
#[tokio::test]
async fn with_exclusive_tenants_only_sessions_of_the_browser_are_ended() {
    for store in ["cookie", "memory"] {
        let resolvers = [Resolver::Path("/t".to_owned())];
        let site = Site::start(Framework::Axum, store, &resolvers, |builder| builder.exclusive(true)).await;
        let mut ada = site.signed_in("acme", ADA).await;
        let mut browser = Browser::new(&site.base);
        for tenant in ["initech", "globex", "acme"] {
            browser.jar.insert(format!("okta_session_{tenant}"), "1.AAAA".to_owned());
        }
        let response = site.response(&mut browser, "globex", BEN).await;
        assert_eq!(browser.navigate(&response).await.status, 303);
        assert_eq!(browser.fetch("/t/globex/me").await.body, "Ben Okri at globex");
        assert_eq!(ada.fetch("/t/acme/me").await.status, 200, "{store}");
    }
}

#[tokio::test]
async fn the_sessions_of_a_removed_tenant_end_and_do_not_come_back() {
    for framework in BOTH {
        for store in ["cookie", "memory"] {
            let site = Site::by_path(framework, store).await;
            let (mut acme, mut globex) = (site.signed_in("acme", ADA).await, site.signed_in("globex", ADA).await);
            site.tenants.end_tenant(&id("acme")).await.unwrap();
            assert_eq!(acme.fetch("/t/acme/me").await.status, 401, "{framework:?} {store}");
            assert_eq!(globex.fetch("/t/globex/me").await.status, 200, "{framework:?} {store}");
            let error = site.tenants.end_tenant(&id("initech")).await.unwrap_err();
            assert_eq!(error.code(), Code::TenantUnknown);
        }
    }
}

/// A form-post callback comes from Okta's site, without the session cookies and with its
/// `state` in the body, so its tenant cannot be determined.
#[test]
fn tenants_resolved_by_session_cannot_use_form_post_callbacks() {
    let build = |mode: ResponseMode, resolvers: &[Resolver]| {
        let shared = ConfigBuilder::default().base_url("http://localhost:8080").cookie_secret(SECRET);
        let acme = TenantSettings::new(id("acme"), "https://acme.okta.com", "0oa1");
        let table = TenantTable::new([acme]).unwrap();
        let builder = Tenants::builder(OktaAuthBuilder::from(shared.response_mode(mode))).table(table);
        resolvers.iter().cloned().fold(builder, TenantsBuilder::resolve).build()
    };
    let error = build(ResponseMode::FormPost, &[Resolver::Host, Resolver::Session]).unwrap_err();
    assert!(error.is_config() && error.to_string().contains("`Query`"), "{error}");
    build(ResponseMode::Query, &[Resolver::Host, Resolver::Session]).unwrap();
    build(ResponseMode::FormPost, &[Resolver::Host]).unwrap();
}

#[tokio::test]
async fn foreign_issuers_and_shared_audiences_are_errors_at_load_time() {
    let tenant = |name: &str, issuer: &str| TenantSettings::new(id(name), issuer, format!("0oa{name}"));
    let build = |tenants: Vec<TenantSettings>, resolver: Resolver| {
        let shared = ConfigBuilder::default().base_url("http://localhost:8080").cookie_secret(SECRET);
        let table = TenantTable::new(tenants)?;
        Tenants::builder(OktaAuthBuilder::from(shared)).table(table).resolve(resolver).build()
    };
    let error = build(vec![tenant("acme", "https://acme.example")], Resolver::Host).unwrap_err().to_string();
    assert!(error.contains("acme") && error.contains("allow_domain"), "{error}");
    // A former issuer must meet the same rules as the present one.
    let mut moved = tenant("acme", "https://acme.okta.com");
    moved.former_issuers = vec!["old.okta.com".to_owned()];
    // Other errors that would appear only with a request are reported as well. No message
    // contains a secret.
    moved.client_secret = Some(Secret::new("not to be told"));
    moved.base_url = Some("https://app.example.com/acme".to_owned());
    let error = TenantTable::new([moved]).unwrap_err().to_string();
    for told in ["acme", "https://old.okta.com", "Client Secret", "https://app.example.com"] {
        assert!(error.contains(told), "{told}: {error}");
    }
    assert!(!error.contains("not to be told"), "{error}");
    let one = "https://acme.okta.com/oauth2/default";
    let mut other = tenant("globex", one);
    other.audience = Some("api://default".to_owned());
    let error = TenantTable::new([tenant("acme", one), other.clone()]).unwrap_err().to_string();
    assert!(error.contains("audience of its own"), "{error}");
    other.audience = Some("api://globex".to_owned());
    build(vec![tenant("acme", one), other], Resolver::Host).unwrap();
    let fine = vec![tenant("acme", "https://acme.okta.com")];
    for bad in
        [Resolver::Path("/t/".to_owned()), Resolver::Path("t".to_owned()), Resolver::Subdomain("a:8080".to_owned())]
    {
        assert!(build(fine.clone(), bad.clone()).is_err(), "{bad:?}");
    }
}

/// A database that returns `acme` immediately, and responds slowly to every other id.
#[derive(Clone)]
struct Busy(Arc<BusyState>);

struct BusyState {
    under_way: AtomicUsize,
    most: AtomicUsize,
    open: tokio::sync::watch::Sender<bool>,
}

impl TenantSource for Busy {
    fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>> {
        Box::pin(async move {
            if matches!(key, TenantKey::Id(known) if known.as_str() == "acme") {
                return Ok(Some(TenantSettings::new(id("acme"), "https://acme.okta.com", "0oa1")));
            }
            let number = self.0.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.0.most.fetch_max(number, Ordering::SeqCst);
            self.0.open.subscribe().wait_for(|open| *open).await.unwrap();
            self.0.under_way.fetch_sub(1, Ordering::SeqCst);
            Ok(None)
        })
    }
}

#[tokio::test]
async fn lookups_of_made_up_names_are_bounded_and_do_not_block_known_tenants() {
    let open = tokio::sync::watch::Sender::new(false);
    let source = Busy(Arc::new(BusyState { under_way: AtomicUsize::new(0), most: AtomicUsize::new(0), open }));
    let org = Org::start().await.unwrap();
    let clock = org.clock();
    let shared = ConfigBuilder::default().base_url("http://localhost:8080").cookie_secret(SECRET);
    let shared = OktaAuthBuilder::from(shared).clock(move || clock.now());
    let tenants = Tenants::builder(shared).source(source.clone()).resolve(Resolver::Host).build().unwrap();
    tenants.tenant(&id("acme")).await.unwrap().unwrap();
    let mut strangers = tokio::task::JoinSet::new();
    for n in 0..300 {
        let tenants = tenants.clone();
        strangers.spawn(async move { tenants.tenant(&id(&format!("made-up-{n}"))).await });
    }
    crate::support::eventually("questions are asked", || source.0.under_way.load(Ordering::SeqCst) == 24).await;
    org.clock().advance(Duration::from_secs(61));
    assert!(tenants.tenant(&id("acme")).await.unwrap().is_some(), "its lookup is not blocked");
    source.0.open.send_replace(true);
    while let Some(answer) = strangers.join_next().await {
        // A lookup that waited for more than two seconds on a busy machine may have been
        // rejected.
        match answer.unwrap() {
            Ok(found) => assert!(found.is_none()),
            Err(error) => assert!(error.is_temporary() && error.retry_after().is_some(), "{error}"),
        }
    }
    assert_eq!(source.0.most.load(Ordering::SeqCst), 24);
}

/// A database that counts lookups, fails on request, and responds immediately.
#[derive(Clone, Default)]
struct Database(Arc<(AtomicUsize, AtomicBool)>);

impl TenantSource for Database {
    fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>> {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        let down = self.0.1.load(Ordering::SeqCst);
        Box::pin(async move {
            tokio::task::yield_now().await;
            if down {
                return Err(TenantError::new("down"));
            }
            let acme = TenantSettings::new(id("acme"), "https://acme.okta.com", "0oa1");
            Ok(matches!(key, TenantKey::Id(known) if known.as_str() == "acme" || known.as_str() == "wrong")
                .then_some(acme))
        })
    }
}

#[tokio::test]
async fn a_source_is_queried_once_and_its_last_result_is_used_during_an_outage() {
    let (database, org) = (Database::default(), Org::start().await.unwrap());
    let clock = org.clock();
    let shared = ConfigBuilder::default().base_url("http://localhost:8080").cookie_secret(SECRET);
    let shared = OktaAuthBuilder::from(shared).clock(move || clock.now());
    let tenants = Tenants::builder(shared).source(database.clone()).resolve(Resolver::Host).build().unwrap();
    let asked = || database.0.0.load(Ordering::SeqCst);
    let (acme, unknown) = (id("acme"), id("unknown"));
    let all = futures_util::future::join_all((0..1_000).map(|_| tenants.tenant(&acme))).await;
    assert!(all.into_iter().all(|found| found.unwrap().is_some()));
    assert_eq!(asked(), 1, "many requests cause one lookup");
    for _ in 0..10 {
        assert!(tenants.tenant(&unknown).await.unwrap().is_none());
    }
    assert_eq!(asked(), 2, "the missing tenant is cached");
    // A source with an inexact match must not return another tenant.
    assert_eq!(tenants.tenant(&id("wrong")).await.unwrap_err().code(), Code::TenantUnavailable);
    let before = asked();
    org.clock().advance(Duration::from_secs(61));
    tenants.tenant(&acme).await.unwrap().unwrap();
    assert_eq!(asked(), before + 1, "a result is cached for a minute");
    database.0.1.store(true, Ordering::SeqCst);
    org.clock().advance(Duration::from_secs(61));
    for _ in 0..10 {
        tenants.tenant(&acme).await.unwrap().unwrap();
    }
    assert_eq!(asked(), before + 2, "the last result is used during the backoff");
    assert!(tenants.tenant(&id("new")).await.is_err());
    tenants.forget();
    assert!(tenants.tenant(&acme).await.is_err(), "a forgotten tenant is not served from the cache");
}

/// What an event says of its provider.
type OfProvider = (&'static str, Option<String>, Option<String>);

#[tokio::test]
async fn an_event_of_a_request_without_a_tenant_names_no_issuer_and_no_client() {
    let heard: Arc<Mutex<Vec<OfProvider>>> = Arc::default();
    let events = Arc::clone(&heard);
    let shared = ConfigBuilder::default().cookie_secret(SECRET);
    let shared = OktaAuthBuilder::from(shared)
        .policies(PolicySet::default().default_access(DefaultAccess::Deny))
        .on_event(move |event| {
            let text = |part: Option<&str>| part.map(str::to_owned);
            events.lock().unwrap().push((event.name(), text(event.issuer()), text(event.client_id())));
        });
    let acme = TenantSettings::new(id("acme"), "http://127.0.0.1:9", "0oa1");
    let tenants = Tenants::builder(shared).egress(local()).table(TenantTable::new([acme]).unwrap());
    let tenants = tenants.resolve(Resolver::Path("/t".to_owned())).build().unwrap();
    let app =
        Router::new().route("/closed", get(|| async { "in" })).route("/t/{tenant}/closed", get(|| async { "in" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = app.okta_auth(&tenants);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    for target in ["/closed", "/t/acme/closed"] {
        assert_eq!(Browser::new(&base).fetch(target).await.status, 403, "{target}");
    }
    let named = |text: &str| Some(text.to_owned());
    let expected = [("access_denied", None, None), ("access_denied", named("http://127.0.0.1:9"), named("0oa1"))];
    assert_eq!(*heard.lock().unwrap(), expected);
}

/// A handler without a tenant that starts a sign-in gets the page that asks for the tenant.
#[tokio::test]
async fn a_sign_in_that_a_handler_starts_without_a_tenant_asks_for_the_tenant() {
    let heard: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    let events = Arc::clone(&heard);
    let shared = OktaAuthBuilder::from(ConfigBuilder::default().cookie_secret(SECRET))
        .on_event(move |event| events.lock().unwrap().push(event.name()));
    let acme = TenantSettings::new(id("acme"), "http://127.0.0.1:9", "0oa1");
    let tenants = Tenants::builder(shared).egress(local()).table(TenantTable::new([acme]).unwrap());
    let tenants = tenants.resolve(Resolver::Path("/t".to_owned())).build().unwrap();
    let step_up = |Extension(context): Extension<RequestContext>| async move {
        assert!(context.auth().is_none());
        context.start_login(&LoginOptions::new(ReturnTo::root())).await.map(axum::body::Body::from)
    };
    let app = Router::new().route("/step-up", get(step_up)).okta_auth(&tenants);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let answer = Browser::new(&base).navigate("/step-up").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("name=\"email\""), "{}", answer.body);
    assert!(heard.lock().unwrap().is_empty(), "no sign-in has started: {:?}", heard.lock().unwrap());
}
