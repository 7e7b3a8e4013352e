//! Every page of the examples with a user interface. The examples for axum and for actix-web show the same pages.

use example_tests::free_port;
use okta_auth_dev::{ADA, ADA_PASSWORD, BEN, BEN_PASSWORD};

use crate::pages::Inspector;
use crate::{Example, example};

async fn inspector(example: &str) -> Inspector {
    let mut pages = Inspector::start(&format!("example-{example}"), "en").await;
    pages.for_book = false;
    pages
}

#[tokio::test]
#[ignore = "needs chromium, chromedriver and axe-core"]
async fn pages_of_the_app_are_accessible() {
    let Example { base, _app, .. } = example("axum-app", free_port(), &[]);
    let mut pages = inspector("axum-app").await;
    pages.driver.open(&base).await;
    pages.check("home-anonymous").await;
    pages.driver.open(&format!("{base}/profile")).await;
    pages.driver.sign_in(ADA, ADA_PASSWORD).await;
    pages.driver.is_at(&format!("{base}/profile")).await;
    pages.driver.click("button[data-api]").await;
    pages.driver.shows("GET /api/me: 200").await;
    pages.check("profile").await;
    for path in ["", "admin", "devices"] {
        pages.driver.open(&format!("{base}/{path}")).await;
        pages.check(if path.is_empty() { "home" } else { path }).await;
    }
    pages.finish(5).await;
}

#[tokio::test]
#[ignore = "needs chromium, chromedriver and axe-core"]
async fn pages_of_the_app_with_many_tenants_are_accessible() {
    let port = free_port();
    let Example { base, lines, _app, .. } = example("multi-tenant-axum", port, &[]);
    let mut pages = inspector("multi-tenant-axum").await;
    pages.driver.open(&base).await;
    pages.check("front").await;
    let at = |path: &str| format!("http://acme.localhost:{port}{path}");
    pages.driver.open(&at("/")).await;
    pages.check("home-anonymous").await;
    pages.driver.open(&at("/profile")).await;
    pages.driver.sign_in("ada@acme.test", ADA_PASSWORD).await;
    pages.driver.is_at(&at("/profile")).await;
    for path in ["", "profile", "admin"] {
        pages.driver.open(&at(&format!("/{path}"))).await;
        pages.check(if path.is_empty() { "home" } else { path }).await;
    }
    let office = lines.iter().find_map(|line| line.split("remove customers at ").nth(1)).unwrap();
    let key = lines.iter().find_map(|line| line.split("key of that page is ").nth(1)).unwrap();
    pages.driver.open(office).await;
    pages.driver.write("input[name=key]", "wrong").await;
    pages.driver.click("main form button").await;
    pages.driver.shows("This key is not correct").await;
    pages.check("closed").await;
    pages.driver.write("input[name=key]", key).await;
    pages.driver.click("main form button").await;
    pages.driver.shows("A new customer").await;
    pages.driver.run("document.querySelectorAll('details').forEach((details) => { details.open = true })").await;
    pages.check("customers").await;
    pages.finish(7).await;
}

#[tokio::test]
#[ignore = "needs chromium, chromedriver and axe-core"]
async fn pages_of_the_app_with_htmx_are_accessible() {
    let Example { base, _app, .. } = example("htmx-app", free_port(), &[]);
    let mut pages = inspector("htmx-app").await;
    pages.driver.open(&base).await;
    pages.check("home-anonymous").await;
    pages.driver.open(&format!("{base}/notes")).await;
    pages.driver.sign_in(BEN, BEN_PASSWORD).await;
    pages.driver.is_at(&format!("{base}/notes")).await;
    pages.driver.write("textarea", "bread").await;
    pages.driver.click("form[hx-post='/notes'] button").await;
    pages.driver.shows("bread").await;
    pages.check("notes").await;
    pages.driver.run("document.getElementById('over').showModal()").await;
    pages.check("over").await;
    pages.driver.open(&base).await;
    pages.check("home").await;
    pages.finish(4).await;
}

#[tokio::test]
#[ignore = "needs chromium, chromedriver and axe-core"]
async fn pages_of_the_app_with_react_are_accessible() {
    let Example { base, _app, .. } = example("react-app", free_port(), &[]);
    let mut pages = inspector("react-app").await;
    pages.driver.open(&base).await;
    pages.check("anonymous").await;
    pages.driver.open(&format!("{base}/login")).await;
    pages.driver.sign_in(ADA, ADA_PASSWORD).await;
    pages.driver.shows("Hello, Ada Lovelace").await;
    pages.driver.write("#note", "bread").await;
    pages.driver.click("form button").await;
    pages.driver.shows("Saved: bread").await;
    pages.check("signed-in").await;
    pages.finish(2).await;
}
