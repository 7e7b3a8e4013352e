//! Two customers in one application, each with its own Okta: nothing of one customer is
//! valid for the other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_auth_axum::{AccessToken, RouterExt, User};
use okta_auth_core::clock::Timestamp;
use okta_auth_core::config::{ConfigBuilder, EgressPolicy};
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::multi_tenant::{Resolver, TenantFuture, TenantKey, TenantSource, TenantTable, Tenants};
use okta_auth_core::secret::Secret;
use okta_auth_core::tenant::{TenantId, TenantSettings};
use okta_auth_dev::{ADA, Org, Response};
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::support::{Browser, CALLBACK, SECRET, eventually};

/// An application with two customers, selected by the path.
struct Site {
    acme: Org,
    globex: Org,
    base: String,
}

fn settings(id: &str, org: &Org) -> TenantSettings {
    let variable = |name: &str| org.env().into_iter().find(|(known, _)| *known == name).unwrap().1;
    let id = TenantId::parse(id).unwrap();
    let mut settings = TenantSettings::new(id.clone(), variable("OKTA_ISSUER_URI"), variable("OKTA_CLIENT_ID"));
    settings.client_secret = Some(Secret::new(variable("OKTA_CLIENT_SECRET")));
    settings.email_domains = vec![format!("{id}.test")];
    settings
}

fn routes() -> Router {
    Router::new()
        .route("/", get(|user: Option<User>| async move { user.map_or("anonymous", |_| "signed in") }))
        .route("/private", get(|_: User| async { "private" }))
        .route(
            "/t/{tenant}/profile",
            get(|user: User| async move { format!("{} of {}", user.name(), user.tenant().unwrap().id) }),
        )
        .route("/t/{tenant}/api/me", get(|user: User| async move { user.subject().to_owned() }))
        .route("/t/{tenant}/orders", get(|token: AccessToken| async move { token.client_id().to_owned() }))
}

impl Site {
    async fn start(store: &str) -> Self {
        let (acme, globex) = (Org::start().await.unwrap(), Org::start().await.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        for (id, org) in [("acme", &acme), ("globex", &globex)] {
            let mut client = org.client();
            client.redirect_uris.push(format!("{base}/t/{id}{CALLBACK}"));
            org.put_client(client);
        }
        let shared = ConfigBuilder::default().base_url(&base).cookie_secret(SECRET).session_store(store);
        let clock = acme.clock();
        let tenants = Tenants::builder(OktaAuthBuilder::from(shared).clock(move || clock.now()))
            .table(TenantTable::new([settings("acme", &acme), settings("globex", &globex)]).unwrap())
            .resolve(Resolver::Path("/t".to_owned()))
            .egress(EgressPolicy::default().dangerous().allow_loopback())
            .build()
            .unwrap();
        let router = routes().okta_auth(&tenants);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { acme, globex, base }
    }

    fn browser(&self, tenant: &str) -> Browser {
        Browser::new(&format!("{}/t/{tenant}", self.base))
    }
}

#[tokio::test]
async fn one_browser_is_signed_in_at_two_tenants_side_by_side() {
    for store in ["cookie", "memory"] {
        let site = Site::start(store).await;
        let (mut acme, mut globex) = (site.browser("acme"), site.browser("globex"));
        assert_eq!(acme.sign_in(&site.acme, ADA, "/profile").await.status, 303);
        globex.jar = acme.jar.clone();
        assert_eq!(globex.navigate("/profile").await.status, 303, "{store}: acme's session is not valid at globex");
        assert_eq!(globex.sign_in(&site.globex, ADA, "/profile").await.status, 303);
        acme.jar = globex.jar.clone();
        assert_eq!(acme.navigate("/profile").await.body, "Ada Lovelace of acme", "{store}");
        assert_eq!(globex.navigate("/profile").await.body, "Ada Lovelace of globex", "{store}");
    }
}

#[tokio::test]
async fn a_session_of_one_tenant_is_invalid_at_another() {
    for store in ["cookie", "memory"] {
        let site = Site::start(store).await;
        let mut acme = site.browser("acme");
        acme.sign_in(&site.acme, ADA, "/profile").await;
        let mut thief = site.browser("globex");
        for (name, value) in &acme.jar {
            thief.jar.insert(name.replace("acme", "globex"), value.clone());
        }
        assert!(thief.jar.contains_key("okta_session_globex"), "{store}: {:?}", thief.jar.keys());
        assert_eq!(thief.fetch("/api/me").await.status, 401, "{store}");
        assert!(site.globex.request_log().is_empty(), "{store}: globex received no request");
        assert_eq!(acme.fetch("/api/me").await.status, 200, "{store}: the control");
    }
}

#[tokio::test]
async fn a_callback_for_another_tenant_is_refused_before_any_request() {
    let site = Site::start("cookie").await;
    let mut acme = site.browser("acme");
    let authorize = acme.navigate("/profile").await.location().to_owned();
    let Response::Redirect(back) = site.acme.sign_in(&authorize, ADA).await.unwrap() else { panic!() };
    let mut globex = site.browser("globex");
    for (name, value) in &acme.jar {
        globex.jar.insert(name.replace("acme", "globex"), value.clone());
    }
    let answer = globex.navigate(&back.replace("/t/acme/", "/t/globex/")).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.body.contains("attempt_unknown"), "{}", answer.body);
    assert!(site.globex.request_log().is_empty(), "globex received no request");
    assert_eq!(site.acme.count("/token"), 0);
    assert_eq!(acme.navigate(&back).await.status, 303, "the control");
}

#[tokio::test]
async fn a_token_of_one_tenant_is_invalid_at_another() {
    let site = Site::start("cookie").await;
    let token = site.acme.client_credentials(&["orders:read"]).await;
    let Ok(token) = token else { panic!("{token:?}") };
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let answer = site.browser("acme").send(Method::GET, "/orders", &headers, String::new()).await;
    assert_eq!(answer.status, 200, "the control: {}", answer.body);
    let answer = site.browser("globex").send(Method::GET, "/orders", &headers, String::new()).await;
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert!(answer.header("www-authenticate").contains("invalid_token"));
}

/// A shared cache distinguishes requests only by URL, so it must not store metadata of a
/// tenant selected in another way.
#[tokio::test]
async fn the_metadata_of_a_tenants_api_is_not_stored_in_shared_caches() {
    let org = Org::start().await.unwrap();
    let shared = ConfigBuilder::default().base_url("http://localhost:8080").cookie_secret(SECRET);
    let tenants = Tenants::builder(OktaAuthBuilder::from(shared))
        .egress(EgressPolicy::default().dangerous().allow_loopback())
        .table(TenantTable::new([settings("acme", &org)]).unwrap())
        .resolve(Resolver::TrustedHeader("x-tenant".to_owned()));
    let app = Router::new().okta_auth(tenants.build().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let path = "/.well-known/oauth-protected-resource";
    let answer = Browser::new(&base).send(Method::GET, path, &[("x-tenant", "acme")], String::new()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("cache-control")),
        (200, "private, max-age=3600"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn an_unknown_tenant_is_404_without_any_request() {
    let site = Site::start("cookie").await;
    for id in ["initech", "ACME", "acme%2f", "..", "acme_"] {
        let answer = site.browser(id).navigate("/profile").await;
        assert_eq!(answer.status, 404, "{id}: {}", answer.body);
    }
    assert!(site.acme.request_log().is_empty() && site.globex.request_log().is_empty());
}

#[tokio::test]
async fn without_a_tenant_an_email_address_selects_one() {
    let site = Site::start("cookie").await;
    let mut browser = Browser::new(&site.base);
    assert_eq!(browser.navigate("/").await.body, "anonymous");
    let page = browser.navigate("/private").await;
    assert!(page.status == 200 && page.body.contains("name=\"email\""), "{}", page.body);
    let known = browser.post("/login", "email=Ada%40Acme.test").await;
    assert_eq!(known.status, 303, "{}", known.body);
    assert!(known.location().starts_with(&format!("{}/t/acme/login?", site.base)), "{}", known.location());
    let doubled = "ada%40globex.test&email=ada%40acme.test";
    for unknown in ["ada%40nowhere.test", "ada", "ada%40evil.test%40acme.test", "%3Cscript%3E%40x.test", doubled] {
        let answer = browser.post("/login", &format!("email={unknown}")).await;
        assert_eq!(answer.status, 200, "{unknown}");
        assert!(answer.body.contains("No organization uses this") && !answer.body.contains("<script>"), "{unknown}");
    }
    assert!(site.acme.request_log().is_empty(), "no org was asked about the user");
}

#[tokio::test]
async fn a_third_party_may_start_a_sign_in_only_at_a_tenant() {
    let site = Site::start("cookie").await;
    let mut browser = Browser::new(&site.base);
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let answer = browser.navigate(&format!("/login/initiate?iss={}", encode(&site.acme.issuer()))).await;
    assert!(answer.location().starts_with(&format!("{}/t/acme/login", site.base)), "{}", answer.body);
    for iss in ["https://evil.example", "", &format!("{}/", site.acme.issuer())] {
        let answer = browser.navigate(&format!("/login/initiate?iss={}", encode(iss))).await;
        assert_eq!(answer.status, 400, "{iss}");
    }
    assert_eq!(browser.navigate("/login/initiate").await.status, 400);
}

#[test]
fn issuers_of_tenants_must_meet_the_egress_policy() {
    let tenant = |issuer: &str| {
        let tenant = TenantSettings::new(TenantId::parse("acme").unwrap(), issuer, "0oa1");
        let shared = ConfigBuilder::default().base_url("http://localhost:8080").cookie_secret(SECRET);
        let tenants = Tenants::builder(OktaAuthBuilder::from(shared)).table(TenantTable::new([tenant]).unwrap());
        tenants.resolve(Resolver::Path("/t".to_owned())).build()
    };
    assert!(tenant("https://acme.okta.com/oauth2/default").is_ok());
    for issuer in [
        "https://acme.internal",
        "https://169.254.169.254",
        "http://localhost:9000",
        "https://acme.okta.com.evil.example",
    ] {
        assert!(tenant(issuer).unwrap_err().to_string().contains("acme"), "{issuer}");
    }
}

/// A source that returns any issuer. Unlike a file, its data has not been reviewed.
struct Anywhere(&'static str);

impl TenantSource for Anywhere {
    fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>> {
        let TenantKey::Id(id) = key else { return Box::pin(async { Ok(None) }) };
        Box::pin(async move { Ok(Some(TenantSettings::new(id.clone(), self.0, "0oa1"))) })
    }
}

#[tokio::test]
async fn issuers_of_a_source_must_meet_the_egress_policy() {
    let tenant = async |issuer: &'static str| {
        let shared = ConfigBuilder::default().base_url("http://localhost:8080").cookie_secret(SECRET);
        let tenants = Tenants::builder(OktaAuthBuilder::from(shared)).source(Anywhere(issuer));
        let tenants = tenants.resolve(Resolver::Path("/t".to_owned())).build().unwrap();
        tenants.tenant(&TenantId::parse("acme").unwrap()).await.map(|found| found.is_some())
    };
    assert!(tenant("https://acme.okta.com/oauth2/default").await.unwrap());
    for issuer in ["https://acme.internal", "https://169.254.169.254", "http://localhost:9000"] {
        assert!(tenant(issuer).await.unwrap_err().is_config(), "{issuer}");
    }
}

/// A source is not validated at startup, so each of its tenants is validated on first
/// use.
#[tokio::test]
async fn a_tenant_of_a_source_must_meet_the_rules_of_a_table() {
    let tenant = async |shared: &dyn Fn(ConfigBuilder) -> ConfigBuilder, change: fn(&mut TenantSettings)| {
        let config = ConfigBuilder::default().base_url("http://localhost:8080").cookie_secret(SECRET);
        let tenants = Tenants::builder(OktaAuthBuilder::from(shared(config))).source(Changed(change));
        let tenants = tenants.resolve(Resolver::Path("/t".to_owned())).build().unwrap();
        tenants.tenant(&TenantId::parse("acme").unwrap()).await.map(|found| found.is_some())
    };
    let plain = |config: ConfigBuilder| config;
    let with_secret = |config: ConfigBuilder| config.client_secret("the-secret-of-the-application");
    let own: fn(&mut TenantSettings) = |acme| acme.client_secret = Some(Secret::new("the-secret-of-the-tenant"));
    assert!(tenant(&plain, |_| {}).await.unwrap() && tenant(&with_secret, own).await.unwrap(), "the control");
    // The application's own secret is never sent to a tenant's Okta, so every sign-in
    // would fail.
    let error = tenant(&with_secret, |_| {}).await.unwrap_err();
    assert!(
        error.is_config() && error.to_string().contains("acme") && !error.to_string().contains("-secret-"),
        "{error}"
    );
    let accepting = |config: ConfigBuilder| config.accept_issuer("https://acme.okta.com/oauth2/default");
    let error = tenant(&accepting, |_| {}).await.unwrap_err();
    assert!(error.is_config() && error.to_string().contains("accept_issuer"), "{error}");
    let changes: [fn(&mut TenantSettings); 5] = [
        |acme| acme.client_id.clear(),
        |acme| acme.former_issuers = vec!["https://old.acme.internal".to_owned()],
        |acme| acme.former_issuers = vec!["https://169.254.169.254".to_owned()],
        |acme| acme.policies = Some("strict".to_owned()),
        |acme| acme.shared_key = true,
    ];
    for (nth, change) in changes.into_iter().enumerate() {
        assert!(tenant(&plain, change).await.unwrap_err().is_config(), "change {nth}");
    }
}

/// A source with one modified tenant.
struct Changed(fn(&mut TenantSettings));

impl TenantSource for Changed {
    fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>> {
        let TenantKey::Id(id) = key else { return Box::pin(async { Ok(None) }) };
        let mut tenant = TenantSettings::new(id.clone(), "https://acme.okta.com/oauth2/default", "0oa1");
        (self.0)(&mut tenant);
        Box::pin(async move { Ok(Some(tenant)) })
    }
}

/// A source that counts lookups and delays each result until the test releases it.
#[derive(Clone, Default)]
struct Slow(Arc<(AtomicUsize, [Notify; 2])>);

impl TenantSource for Slow {
    fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>> {
        let TenantKey::Id(id) = key else { return Box::pin(async { Ok(None) }) };
        // The result is the state at the time of the lookup.
        let question = self.0.0.fetch_add(1, Ordering::SeqCst);
        let mut tenant = TenantSettings::new(id.clone(), "https://acme.okta.com/oauth2/default", "0oa1");
        tenant.name = Some(format!("answer {question}"));
        Box::pin(async move {
            self.0.1[question].notified().await;
            Ok(Some(tenant))
        })
    }
}

/// A lookup starts, the tenant changes, and the cache is cleared; the old result arrives
/// only afterwards.
#[tokio::test]
async fn a_lookup_from_before_the_cache_was_cleared_is_not_cached() {
    let source = Slow::default();
    let shared = ConfigBuilder::default().base_url("http://localhost:8080").cookie_secret(SECRET);
    let tenants = Tenants::builder(OktaAuthBuilder::from(shared)).source(source.clone());
    let tenants = tenants.resolve(Resolver::Path("/t".to_owned())).build().unwrap();
    let name = || {
        let tenants = tenants.clone();
        tokio::spawn(async move {
            let acme = tenants.tenant(&TenantId::parse("acme").unwrap()).await.unwrap().unwrap();
            acme.tenant().unwrap().display_name().to_owned()
        })
    };
    let asked = async |times| eventually("the source is asked", || source.0.0.load(Ordering::SeqCst) == times).await;
    let first = name();
    asked(1).await;
    tenants.forget();
    let second = name();
    // A new lookup does not share the earlier one.
    asked(2).await;
    source.0.1[1].notify_one();
    assert_eq!(second.await.unwrap(), "answer 1");
    source.0.1[0].notify_one();
    assert_eq!(first.await.unwrap(), "answer 0", "the earlier lookup returns the earlier state");
    assert_eq!(name().await.unwrap(), "answer 1", "the earlier result was cached");
}

/// Rows of a database.
#[derive(Clone, Default)]
struct Rows(Arc<Mutex<Vec<TenantSettings>>>);

impl TenantSource for Rows {
    fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>> {
        let found = self.0.lock().unwrap().iter().find(|row| *key == TenantKey::Id(row.id.clone())).cloned();
        Box::pin(async move { Ok(found) })
    }
}

/// Only issuer and audience tell which API an access token is for. A conflict that a
/// table reports at startup is reported here when the second tenant is loaded.
#[tokio::test]
async fn tenants_of_a_source_do_not_open_each_others_apis() {
    let app = || {
        let rows = Rows::default();
        let shared = ConfigBuilder::default().base_url("http://localhost:8080").cookie_secret(SECRET);
        let tenants = Tenants::builder(OktaAuthBuilder::from(shared)).source(rows.clone());
        (rows, tenants.resolve(Resolver::Path("/t".to_owned())).build().unwrap())
    };
    let find = async |tenants: &Tenants, id: &str| {
        let found = tenants.tenant(&TenantId::parse(id).unwrap()).await;
        found.map(|found| found.is_some())
    };
    let row = |id: &str, issuer: &str, client: &str, audience: Option<&str>| {
        let mut row = TenantSettings::new(TenantId::parse(id).unwrap(), issuer, client);
        row.audience = audience.map(str::to_owned);
        row
    };
    let (custom, org) = ("https://acme.okta.com/oauth2/default", "https://acme.okta.com");
    let acme = || row("acme", custom, "0oa1", None);
    for (second, fits) in [
        (row("globex", custom, "0oa2", None), false),
        (row("globex", custom, "0oa2", Some("api://other, api://default")), false),
        (row("globex", custom, "0oa2", Some("api://other")), true),
        (row("globex", org, "0oa1", None), true),
        (row("globex", custom, "0oa1", Some("api://other")), false),
    ] {
        let (rows, tenants) = app();
        *rows.0.lock().unwrap() = vec![acme(), second.clone()];
        assert!(find(&tenants, "acme").await.unwrap());
        match find(&tenants, "globex").await {
            Ok(found) => assert!(found && fits, "{second:?}"),
            Err(error) => assert!(error.is_config() && error.to_string().contains("acme") && !fits, "{error}"),
        }
        assert!(find(&tenants, "acme").await.unwrap(), "the first tenant is not affected");
    }
    // The first tenant changes or is removed, and its values become free.
    for rest in [vec![row("acme", custom, "0oa1", Some("api://acme"))], Vec::new()] {
        let (rows, tenants) = app();
        let globex = || row("globex", custom, "0oa2", None);
        *rows.0.lock().unwrap() = vec![acme(), globex()];
        assert!(find(&tenants, "acme").await.unwrap() && find(&tenants, "globex").await.is_err(), "the control");
        *rows.0.lock().unwrap() = [rest, vec![globex()]].concat();
        tenants.forget();
        assert!(find(&tenants, "globex").await.is_err(), "the first tenant has not been reloaded yet");
        find(&tenants, "acme").await.unwrap();
        assert!(find(&tenants, "globex").await.unwrap());
    }
}

/// A tenant is added with the client of another one, and is loaded first after a restart.
#[tokio::test]
async fn of_two_rows_with_one_client_the_older_is_served_regardless_of_the_order_of_requests() {
    let row = |id: &str, created_at: Option<i64>| {
        let id = TenantId::parse(id).unwrap();
        let mut row = TenantSettings::new(id, "https://acme.okta.com/oauth2/default", "0oa1");
        row.created_at = created_at.map(Timestamp::from_seconds);
        row
    };
    for (elder, younger) in [(Some(1_000), Some(2_000)), (Some(1_000), None)] {
        for first in ["acme", "intruder"] {
            let rows = Rows(Arc::new(Mutex::new(vec![row("acme", elder), row("intruder", younger)])));
            let shared = ConfigBuilder::default().base_url("http://localhost:8080").cookie_secret(SECRET);
            let tenants = Tenants::builder(OktaAuthBuilder::from(shared)).source(rows.clone());
            let tenants = tenants.resolve(Resolver::Path("/t".to_owned())).build().unwrap();
            let find = async |id: &str| tenants.tenant(&TenantId::parse(id).unwrap()).await;
            let _ = find(first).await;
            assert!(find("acme").await.unwrap().is_some(), "{first} came first");
            let refused = find("intruder").await.unwrap_err();
            assert!(refused.is_config() && refused.to_string().contains("acme"), "{refused}");
            assert!(find("acme").await.unwrap().is_some(), "the older tenant is not affected");
        }
    }
}

#[tokio::test]
async fn an_invalid_row_does_not_claim_values_of_others() {
    let row = |id: &str, policies: Option<&str>| {
        let id = TenantId::parse(id).unwrap();
        let mut row = TenantSettings::new(id, "https://acme.okta.com/oauth2/default", "0oa1");
        row.policies = policies.map(str::to_owned);
        row
    };
    let rows = Rows(Arc::new(Mutex::new(vec![row("acme", None), row("intruder", Some("no such set"))])));
    let shared = ConfigBuilder::default().base_url("http://localhost:8080").cookie_secret(SECRET);
    let tenants = Tenants::builder(OktaAuthBuilder::from(shared)).source(rows.clone());
    let tenants = tenants.resolve(Resolver::Path("/t".to_owned())).build().unwrap();
    let find = async |id: &str| tenants.tenant(&TenantId::parse(id).unwrap()).await;
    assert!(find("intruder").await.unwrap_err().to_string().contains("policy set"));
    assert!(find("acme").await.unwrap().is_some());
    // After the correction, it conflicts with the tenant that was loaded first.
    rows.0.lock().unwrap()[1].policies = None;
    tenants.forget();
    assert!(find("intruder").await.unwrap_err().to_string().contains("acme"));
}

/// A source that returns one tenant for every issuer, with the number of lookups.
struct Careless(TenantSettings, Arc<AtomicUsize>);

impl TenantSource for Careless {
    fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { Ok(matches!(key, TenantKey::Issuer(_)).then(|| self.0.clone())) })
    }
}

/// `iss` selects the tenant of a sign-in. A source that matches only a part of the URL,
/// or ignores case, would send users of one Okta to another.
#[tokio::test]
async fn an_issuer_selects_only_the_tenant_with_exactly_this_issuer() {
    let mut acme = TenantSettings::new(TenantId::parse("acme").unwrap(), "https://acme.okta.com", "0oa1");
    acme.former_issuers = vec!["https://old.okta.com".to_owned()];
    let shared = ConfigBuilder::default().base_url("http://localhost:8080").cookie_secret(SECRET);
    let asked = Arc::new(AtomicUsize::new(0));
    let tenants = Tenants::builder(OktaAuthBuilder::from(shared)).source(Careless(acme, Arc::clone(&asked)));
    let tenants = tenants.resolve(Resolver::BearerIssuer);
    let app = Router::new().route("/", get(|| async { "" })).okta_auth(tenants.build().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    for (issuer, status) in [
        ("https://acme.okta.com", 200),
        ("https://old.okta.com", 200),
        ("https://acme.okta.com/", 503),
        ("https://ACME.okta.com", 503),
        ("https://acme.okta.com/oauth2/default", 503),
    ] {
        let claims = URL_SAFE_NO_PAD.encode(json!({ "iss": issuer }).to_string());
        let token = format!("Bearer eyJhbGciOiJSUzI1NiJ9.{claims}.c2ln");
        let headers = [("authorization", token.as_str()), ("accept", "application/json")];
        let answer = Browser::new(&base).send(Method::GET, "/", &headers, String::new()).await;
        assert_eq!(answer.status, status, "{issuer}: {}", answer.body);
    }
    // Each result is cached with its key. Strings that cannot be an issuer are not looked
    // up.
    let asked_so_far = asked.load(Ordering::SeqCst);
    for (length, more) in [(512, 1), (513, 1), (10_000, 1)] {
        let issuer = format!("{:a<length$}", "https://acme.okta.com/");
        let claims = URL_SAFE_NO_PAD.encode(json!({ "iss": issuer }).to_string());
        let token = format!("Bearer eyJhbGciOiJSUzI1NiJ9.{claims}.c2ln");
        Browser::new(&base).send(Method::GET, "/", &[("authorization", &token)], String::new()).await;
        assert_eq!(asked.load(Ordering::SeqCst) - asked_so_far, more, "{length} characters");
    }
}
