//! The ten mistakes of docs/how-to/troubleshooting.md: each test makes one and compares its log
//! line with the table.

use std::collections::BTreeMap;

use okta_auth_core::OktaAuth;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::multi_tenant::{Resolver, TenantTable, Tenants};
use okta_auth_core::tenant::TenantSettings;
use okta_auth_dev::{ADA, AccessPolicy, AuthorizationServer, BEN, Org, Response};
use reqwest::Method;

use crate::app::App;
use crate::axum_app::Axum;
use crate::support::CALLBACK;
use crate::support::log::ThreadLog;

/// Whether one line contains all parts of a table entry, in order. `…` stands for any text.
fn has(log: &ThreadLog, entry: &str) -> bool {
    let fits = |line: &str| {
        let mut rest = line;
        entry.split('…').all(|part| match rest.split_once(part) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    };
    log.text().lines().any(fits)
}

/// The log lines of the table, by the number of the mistake.
fn table() -> BTreeMap<usize, String> {
    let page = include_str!("../../docs/how-to/troubleshooting.md");
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let number = cells.next()?.trim().parse().ok()?;
        Some((number, cells.nth(1)?.trim().to_owned()))
    });
    let table: BTreeMap<usize, String> = rows.collect();
    assert_eq!(table.keys().copied().collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>(), "the table was not read");
    table
}

/// Makes one mistake, and compares the log with the table.
async fn leaves_its_line(
    number: usize,
    org: Org,
    change: impl FnOnce(ConfigBuilder) -> ConfigBuilder,
    act: impl AsyncFnOnce(&App),
) {
    let log = ThreadLog::start();
    let app = App::with::<Axum>(org, change).await;
    act(&app).await;
    let line = &table()[&number];
    assert!(has(&log, line), "mistake {number}: no line has\n{line}\nin\n{}", log.text());
    for secret in [app.org.client().client_secret.unwrap_or_default().as_str(), ADA, BEN] {
        assert!(!log.text().contains(secret), "{secret}: {}", log.text());
    }
}

/// Signs in as far as the application allows.
async fn signs_in(app: &App, user: &str) {
    let mut browser = app.browser();
    let login = browser.navigate("/profile").await;
    if let Ok(Response::Redirect(back)) = app.org.sign_in(login.location(), user).await {
        browser.navigate(&back).await;
    }
}

async fn org() -> Org {
    Org::start().await.unwrap()
}

#[tokio::test]
async fn a_redirect_uri_that_is_not_registered() {
    leaves_its_line(
        1,
        org().await,
        |config| {
            let base = config.clone().build().unwrap().base_url().clone();
            config.redirect_uri(base.join("/another/callback").unwrap())
        },
        async |app| {
            let login = app.browser().navigate("/profile").await;
            let page = app.org.browser().open(login.location()).await.unwrap();
            assert!(matches!(page, Response::Page { status: 400, .. }), "Okta shows its own page: {page:?}");
        },
    )
    .await;
}

#[tokio::test]
async fn a_user_who_is_not_assigned() {
    let org = org().await;
    org.unassign(BEN, &org.client().client_id);
    leaves_its_line(2, org, |config| config, async |app| signs_in(app, BEN).await).await;
}

#[tokio::test]
async fn a_server_without_a_policy_for_the_application() {
    let other = AccessPolicy::new("For another application").client("0oaOther");
    let org = Org::builder().access_policy("default", other).start().await.unwrap();
    leaves_its_line(3, org, |config| config, async |app| signs_in(app, ADA).await).await;
}

#[tokio::test]
async fn a_client_secret_that_is_wrong() {
    leaves_its_line(
        4,
        org().await,
        |config| config.client_secret("AnotherSecretThanTheOneAtOkta1"),
        async |app| {
            signs_in(app, ADA).await;
        },
    )
    .await;
}

#[tokio::test]
async fn an_issuer_that_does_not_exist() {
    let org = org().await;
    let issuer = format!("{}/oauth2/defualt", org.url());
    leaves_its_line(5, org, |config| config.issuer(issuer), async |app| signs_in(app, ADA).await).await;
}

#[tokio::test]
async fn a_scope_that_the_server_does_not_have() {
    let scopes = "openid profile email reports:read";
    leaves_its_line(6, org().await, |config| config.scopes(scopes), async |app| signs_in(app, ADA).await).await;
}

#[tokio::test]
async fn a_browser_that_blocks_cookies() {
    leaves_its_line(
        7,
        org().await,
        |config| config,
        async |app| {
            let mut browser = app.browser();
            let login = browser.navigate("/profile").await;
            let Response::Redirect(back) = app.org.sign_in(login.location(), ADA).await.unwrap() else { panic!() };
            assert!(back.contains(CALLBACK));
            browser.jar.clear();
            assert_eq!(browser.navigate(&back).await.status, 400);
        },
    )
    .await;
}

#[tokio::test]
async fn a_base_url_that_is_not_the_address_in_use() {
    leaves_its_line(
        8,
        org().await,
        |config| config,
        async |app| {
            let mut browser = app.signed_in(ADA).await;
            // The headers of a browser that uses another name of the same machine.
            let headers = [("origin", "http://app.localhost:8080"), ("sec-fetch-site", "same-origin")];
            assert_eq!(browser.send(Method::POST, "/logout", &headers, String::new()).await.status, 403);
        },
    )
    .await;
}

#[tokio::test]
async fn a_clock_that_is_wrong() {
    let org = org().await;
    org.fault(okta_auth_dev::Fault::IdTokenIssuedInFuture);
    leaves_its_line(9, org, |config| config, async |app| signs_in(app, ADA).await).await;
}

#[tokio::test]
async fn a_server_that_sends_no_groups() {
    let org =
        Org::builder().authorization_server(AuthorizationServer::custom("plain", "api://plain")).start().await.unwrap();
    let issuer = org.custom_issuer("plain");
    leaves_its_line(
        10,
        org,
        |config| config.issuer(issuer),
        async |app| {
            let mut browser = app.browser();
            browser.sign_in(&app.org, ADA, "/profile").await;
            assert_eq!(browser.navigate("/admin").await.status, 403);
        },
    )
    .await;
}

/// Counts the warnings at startup that name a variable.
fn warnings_at_start(name: &str, start: impl FnOnce()) -> usize {
    let log = ThreadLog::start();
    start();
    log.text().lines().filter(|line| line.contains("WARN") && line.contains(&format!("{name}: "))).count()
}

/// Settings with this base URL.
fn settings(base: &str) -> ConfigBuilder {
    ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1").base_url(base)
}

#[tokio::test]
async fn a_cookie_secret_that_is_missing_is_one_line_at_start() {
    for base in ["http://localhost:8080", "https://app.example.com"] {
        let one = |config: ConfigBuilder| {
            warnings_at_start("OKTA_COOKIE_SECRET", || drop(OktaAuthBuilder::from(config).build().unwrap()))
        };
        assert_eq!(one(settings(base)), 1, "{base}");
        assert_eq!(one(settings(base).cookie_secret("kU2yZ8mQmE0bq1nTqYxFv7wLh3cVtR9dJp5sGa6iXo4")), 0, "{base}");
        assert_eq!(one(settings(base).api_only()), 0, "{base}: an API has no cookies");
        let tenants = warnings_at_start("OKTA_COOKIE_SECRET", || {
            let shared = OktaAuth::builder().base_url(base);
            drop(Tenants::builder(shared).resolve(Resolver::Path("/t".to_owned())).build().unwrap());
        });
        assert_eq!(tenants, 1, "{base}: many tenants");
    }
}

#[tokio::test]
async fn ended_sessions_in_memory_are_one_line_at_start_and_not_one_for_each_tenant() {
    let lines = warnings_at_start("OKTA_REVOCATION_STORE", || {
        let acme = TenantSettings::new(crate::support::site::id("acme"), "https://acme.okta.com", "0oa1");
        let shared = ConfigBuilder::default().base_url("https://app.example.com");
        let shared = OktaAuthBuilder::from(shared.cookie_secret("kU2yZ8mQmE0bq1nTqYxFv7wLh3cVtR9dJp5sGa6iXo4"));
        let tenants = Tenants::builder(shared).table(TenantTable::new([acme]).unwrap());
        let tenants = tenants.resolve(Resolver::Path("/t".to_owned())).build().unwrap();
        let id = crate::support::site::id("acme");
        futures_util::FutureExt::now_or_never(tenants.tenant(&id)).unwrap().unwrap().unwrap();
    });
    assert_eq!(lines, 1);
}
