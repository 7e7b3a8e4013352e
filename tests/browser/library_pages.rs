//! Every page of the library, in its languages.

use std::net::TcpListener;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use okta_auth_axum::{RouterExt, User};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::{OktaAuthBuilder, Refusal, SignIn};
use okta_auth_core::policy::{DefaultAccess, PolicySet, acr, group, nobody, signed_in};
use okta_auth_dev::{ADA, ADA_PASSWORD, BEN, BEN_PASSWORD, Endpoint, Fault, Org, Outage};
use reqwest::Method;
use serde_json::Value;

use crate::pages::{ENTER, Inspector};
use crate::support::SECRET;
use crate::support::site::Framework;
use crate::{call, org_with_long_tokens, tenants, until};

/// A logo of 160 by 40 pixels, in a colour for both schemes.
const LOGO: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 160 40'><path fill='#2c9a76' d='M0 36 20 4l20 32z'/>\
                    <text x='46' y='28' font-family='sans-serif' font-size='19' fill='#2c9a76'>Acme Travel</text></svg>";

async fn only_ada(sign_in: SignIn) -> Result<SignIn, Refusal> {
    if sign_in.identity().all_claims()["preferred_username"] == BEN {
        return Err(Refusal::new("Please ask your team lead for access."));
    }
    Ok(sign_in)
}

/// Starts an application with every page. Returns its address.
async fn app(org: &Org, change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    org.allow_redirect(&base);
    let config = ConfigBuilder::from_variables(org.env()).base_url(&base).cookie_secret(SECRET);
    let config = config.session_store("memory").signed_out_page(true).browser_kit();
    let policies = PolicySet::default()
        .protect("/profile", signed_in())
        .protect("/admin", group("Auditors"))
        .protect("/vault", acr("urn:okta:loa:2fa:any"))
        .protect("/closed", nobody())
        .default_access(DefaultAccess::Open);
    let auth = OktaAuthBuilder::from(change(config)).policies(policies).on_sign_in(only_ada).build().unwrap();
    let page = || get(|| async { "A page" }).post(|| async { "Saved" });
    let mut router = Router::new().route("/", page());
    for path in ["/profile", "/admin", "/vault", "/closed"] {
        router = router.route(path, page());
    }
    let logo = get(|| async { ([(CONTENT_TYPE, "image/svg+xml")], LOGO) });
    // A route that the layer does not cover is a mistake of the application.
    let router = router.route("/logo.svg", logo).okta_auth(&auth).route("/loose", get(|_: User| async { "A page" }));
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    base
}

impl Inspector {
    /// Checks the page that the browser shows, and its language.
    async fn check_in(&mut self, language: &str, page: &str) {
        let lang = self.driver.run("return document.documentElement.lang").await;
        assert_eq!(lang, language, "{page}");
        self.check(page).await;
    }

    /// Deletes the cookies of the application and of the org: both have the same host.
    async fn forget(&self, base: &str) {
        self.driver.open(base).await;
        call(&self.driver.http, Method::DELETE, &format!("{}/cookie", self.driver.session), Value::Null).await;
    }

    /// Opens a page as a stranger, and signs in at the org.
    async fn sign_in_as(&self, base: &str, path: &str, user: &str, password: &str) {
        self.forget(base).await;
        self.driver.open(&format!("{base}{path}")).await;
        self.driver.sign_in(user, password).await;
    }
}

/// Checks all pages in one language.
async fn every_page(language: &str, thorough: bool) {
    let mut pages = Inspector::start("library", language).await;
    pages.thorough = thorough;
    of_a_sign_in(&mut pages, language).await;
    of_a_sign_out(&mut pages, language).await;
    of_tenants(&mut pages, language).await;
    of_a_brand(&mut pages, language).await;
    pages.finish(21).await;
}

async fn of_a_sign_in(pages: &mut Inspector, language: &str) {
    let org = Org::start().await.unwrap();
    let base = app(&org, |config| config).await;
    pages.driver.open(&format!("{base}/authorization-code/callback?state=x&code=y")).await;
    pages.check_in(language, "link-invalid").await;
    let description = "User is not assigned to the client application.".to_owned();
    org.fault_once(Fault::AuthorizeError { error: "access_denied".to_owned(), description });
    pages.driver.open(&format!("{base}/profile")).await;
    pages.check_in(language, "access-denied").await;
    pages.sign_in_as(&base, "/profile", BEN, BEN_PASSWORD).await;
    pages.driver.shows("sign_in_refused").await;
    pages.check_in(language, "sign-in-refused").await;
    pages.sign_in_as(&base, "/admin", ADA, ADA_PASSWORD).await;
    pages.driver.shows("access_denied").await;
    pages.check_in(language, "no-access").await;
    pages.driver.open(&format!("{base}/closed")).await;
    pages.check_in(language, "page-unavailable").await;
    pages.driver.open(&format!("{base}/vault")).await;
    pages.press("button[value=cancel]", ENTER).await;
    pages.driver.shows("authorization_refused").await;
    pages.check_in(language, "verification-incomplete").await;
    org.outage(Endpoint::Token, Outage::Status(503));
    pages.sign_in_as(&base, "/profile", ADA, ADA_PASSWORD).await;
    pages.driver.shows("provider_unavailable").await;
    pages.check_in(language, "sign-in-unavailable").await;
    pages.driver.open(&format!("{base}/loose")).await;
    pages.check("internal-error").await;
    let popup = format!("{base}/session/popup");
    pages.open_without_scripts("main h1", async |driver| driver.open(&popup).await).await;
    pages.check_in(language, "popup").await;
}

async fn of_a_sign_out(pages: &mut Inspector, language: &str) {
    let org = Org::start().await.unwrap();
    let base = app(&org, |config| config).await;
    pages.sign_in_as(&base, "/profile", ADA, ADA_PASSWORD).await;
    pages.driver.is_at(&format!("{base}/profile")).await;
    pages.driver.open(&format!("{base}/logout")).await;
    pages.check_in(language, "confirm-sign-out").await;
    pages.press("main form button", ENTER).await;
    pages.has("nav a[href*='/login']").await;
    pages.check_in(language, "signed-out").await;
    pages.forget(&base).await;
    pages.driver.open(&format!("{base}/logout?continue")).await;
    pages.check_in(language, "sign-out-link-used").await;
    // A form of a page that outlived its session.
    pages.driver.open(&base).await;
    let form = "const f = document.createElement('form'); f.method = 'post'; document.body.append(f);";
    pages.driver.run(&format!("{form} f.action = '/profile'; f.submit()")).await;
    pages.has("main h1").await;
    pages.check_in(language, "session-over").await;
    pages.driver.open(org.url()).await;
    pages.driver.run(&format!("{form} f.action = '{base}/logout'; f.submit()")).await;
    pages.driver.shows("cross_origin").await;
    pages.check_in(language, "other-site").await;

    let org = org_with_long_tokens().await;
    let base = app(&org, |config| config).await;
    pages.sign_in_as(&base, "/profile", ADA, ADA_PASSWORD).await;
    pages.driver.is_at(&format!("{base}/profile")).await;
    pages.driver.open(&format!("{base}/logout")).await;
    let form = "input[name=id_token_hint]";
    pages.open_without_scripts(form, async |driver| driver.click("main form button").await).await;
    pages.check_in(language, "end-provider-session").await;
    pages.press("main form button", ENTER).await;
    pages.has("nav a[href*='/login']").await;
}

async fn of_tenants(pages: &mut Inspector, language: &str) {
    let (_plan, base) = tenants(Framework::Axum, false, true).await;
    pages.driver.open(&format!("{base}/profile")).await;
    pages.check_in(language, "choose-tenant").await;
    pages.driver.open(&format!("{base}/t/initech/profile")).await;
    pages.check_in(language, "nothing-here").await;

    let (_plan, base) = tenants(Framework::Axum, true, false).await;
    pages.driver.open(&format!("{base}/profile")).await;
    pages.check_in(language, "email").await;

    let (plan, base) = tenants(Framework::Axum, true, true).await;
    pages.driver.open(&format!("{base}/profile")).await;
    pages.press("input[name=email]", &format!("ada@nowhere.example{ENTER}")).await;
    pages.has("[role=alert]").await;
    pages.check_in(language, "email-unknown").await;
    pages.driver.run("document.querySelector('input[name=email]').value = ''").await;
    pages.press("input[name=email]", &format!("ada@acme.example{ENTER}")).await;
    let at_the_org = || async { pages.driver.url().await.starts_with(plan.org("acme").url()) };
    until("the browser is at the org of the address", at_the_org).await;
}

/// Name, logo and colours of an application.
async fn of_a_brand(pages: &mut Inspector, language: &str) {
    let org = Org::start().await.unwrap();
    let named = app(&org, |config| config.brand_name("Acme Travel").brand_colors("#0f6b4f", "#6fd6b0")).await;
    pages.driver.open(&format!("{named}/logout")).await;
    pages.check_in(language, "brand-name").await;
    let brand = |config: ConfigBuilder| {
        config.brand_name("Acme Travel").brand_logo("/logo.svg").brand_colors("#0f6b4f", "#6fd6b0")
    };
    let base = app(&org, brand).await;
    pages.driver.open(&format!("{base}/logout")).await;
    pages.check_in(language, "brand-logo").await;
}

#[tokio::test]
#[ignore = "needs chromium, chromedriver and axe-core"]
async fn pages_of_the_library_are_accessible_in_english() {
    every_page("en", true).await;
}

#[tokio::test]
#[ignore = "needs chromium, chromedriver, axe-core and a Japanese font"]
async fn pages_of_the_library_are_accessible_in_japanese() {
    every_page("ja", true).await;
}

/// Long words on narrow pages; colours and sizes are those of the other languages.
#[tokio::test]
#[ignore = "needs chromium, chromedriver and axe-core"]
async fn pages_of_the_library_are_accessible_in_german_french_and_spanish() {
    for language in ["de", "fr", "es"] {
        every_page(language, false).await;
    }
}
