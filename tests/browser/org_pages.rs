//! Every page of the development org.

use okta_auth_dev::{ADA, ADA_PASSWORD, BEN, BEN_PASSWORD, Client, GrantType, Org, PUBLIC_CLIENT_ID, User};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::pages::{ENTER, Inspector};

/// An address at which nothing listens: where the org sends its responses.
const APP: &str = "http://127.0.0.1:9/authorization-code/callback";
const SECOND_APP: &str = "0oaSecondApp";
const TV: &str = "0oaTv";

async fn org(identifier_first: bool) -> Org {
    let org = Org::builder().identifier_first(identifier_first).redirect_uri(APP);
    let second = Client::web(SECOND_APP, "secret").redirect_uri(APP).label("Timesheets");
    let tv = Client::public(TV).label("Living room TV").grant_types([GrantType::DeviceCode]);
    let org = org.client(second.frontchannel_logout("http://127.0.0.1:9/frontchannel-logout")).client(tv);
    org.user(User::ben().second_factor(true)).start().await.unwrap()
}

/// The address of a sign-in with these further parameters.
fn authorize(org: &Org, changes: &[(&str, &str)]) -> String {
    let client = org.client().client_id;
    let common = [
        ("client_id", client.as_str()),
        ("redirect_uri", APP),
        ("response_type", "code"),
        ("scope", "openid profile"),
        ("state", "x"),
        ("nonce", "y"),
        // RFC 7636, appendix B.
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    let kept = common.into_iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    let query = Serializer::new(String::new()).extend_pairs(kept.chain(changes.iter().copied())).finish();
    format!("{}/v1/authorize?{query}", org.issuer())
}

impl Inspector {
    /// Waits until the org has sent the browser to the app.
    async fn leaves_the_org(&self) {
        crate::until("the org sends its response", || async { self.driver.url().await.starts_with(APP) }).await;
    }
}

#[tokio::test]
#[ignore = "needs chromium, chromedriver and axe-core"]
async fn pages_of_the_org_are_accessible() {
    let org = org(false).await;
    let mut pages = Inspector::start("org", "en").await;
    pages.driver.open(org.url()).await;
    pages.check("home").await;
    pages.driver.open(&format!("{}/admin", org.url())).await;
    pages.check("admin-no-sessions").await;
    pages.driver.open(&format!("{}/signin", org.url())).await;
    pages.check("sign-in-at-the-org").await;
    sign_in(&org, &mut pages).await;
    admin(&org, &mut pages).await;
    second_factor(&org, &mut pages).await;
    devices(&org, &mut pages).await;
    responses(&org, &mut pages).await;
    front_channel(&org, &mut pages).await;
    pages.finish(20).await;
}

async fn sign_in(org: &Org, pages: &mut Inspector) {
    pages.driver.open(&authorize(org, &[])).await;
    pages.check("sign-in").await;
    pages.press("#username", ADA).await;
    pages.press("#password", &format!("wrong{ENTER}")).await;
    pages.has("[role=alert]").await;
    pages.check("sign-in-failed").await;
    pages.press("#password", &format!("{ADA_PASSWORD}{ENTER}")).await;
    pages.leaves_the_org().await;
    pages.driver.open(&authorize(org, &[("client_id", SECOND_APP)])).await;
    pages.leaves_the_org().await;
    pages.driver.open(org.url()).await;
    pages.for_book = false;
    pages.check("home-signed-in").await;
    pages.for_book = true;
    pages.driver.open(&authorize(org, &[("redirect_uri", "https://app.example/elsewhere")])).await;
    pages.check("error").await;
    pages.driver.open(&format!("{}/signin", org.url())).await;
    org.clock().advance(std::time::Duration::from_secs(7200));
    pages.driver.click("li button").await;
    pages.has(".bad").await;
    pages.check("expired").await;
    // A button for each test user; the Enter key presses it.
    pages.driver.open(&authorize(org, &[])).await;
    pages.press("li:first-child button", ENTER).await;
    pages.leaves_the_org().await;
}

async fn admin(org: &Org, pages: &mut Inspector) {
    pages.driver.open(&format!("{}/admin", org.url())).await;
    pages.check("admin").await;
    pages.press("form button", ENTER).await;
    pages.has("#done").await;
    pages.check("admin-signed-out").await;
    assert!(org.sessions().is_empty());
}

async fn second_factor(org: &Org, pages: &mut Inspector) {
    pages.driver.open(&authorize(org, &[("acr_values", "urn:okta:loa:2fa:any")])).await;
    pages.press("#username", BEN).await;
    pages.press("#password", &format!("{BEN_PASSWORD}{ENTER}")).await;
    pages.has("#passcode").await;
    pages.check("second-factor").await;
    pages.press("#passcode", &format!("wrong{ENTER}")).await;
    pages.has("[role=alert]").await;
    pages.check("second-factor-failed").await;
    let code = pages.driver.run("return document.getElementById('passcode-hint').textContent").await;
    pages.press("#passcode", &format!("{}{ENTER}", code.as_str().unwrap())).await;
    pages.leaves_the_org().await;
}

/// The user code of a device that waits for a user.
async fn device(org: &Org) -> String {
    let form = format!("client_id={TV}&scope=openid%20profile");
    let url = format!("{}/v1/device/authorize", org.issuer());
    let request = reqwest::Client::new().post(url).header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(form).send().await.unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    answer["user_code"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

async fn devices(org: &Org, pages: &mut Inspector) {
    let activate = format!("{}/activate", org.url());
    pages.driver.open(&activate).await;
    pages.check("activate").await;
    pages.press("#user_code", &format!("WRONG{ENTER}")).await;
    pages.has("[role=alert]").await;
    pages.check("activate-failed").await;
    pages.press("#user_code", &format!("{}{ENTER}", device(org).await)).await;
    pages.has("button[value=allow]").await;
    pages.check("connect").await;
    pages.press("button[value=allow]", ENTER).await;
    pages.driver.shows("Device connected").await;
    pages.check("connected").await;
    pages.driver.open(&format!("{activate}?user_code={}", device(org).await)).await;
    pages.press("button[value=deny]", ENTER).await;
    pages.driver.shows("Device not connected").await;
    pages.check("not-connected").await;
}

/// The pages that send a response to the app by a script.
async fn responses(org: &Org, pages: &mut Inspector) {
    let form = authorize(org, &[("response_mode", "form_post")]);
    pages.open_without_scripts("main h1", async |driver| driver.open(&form).await).await;
    pages.check("form-post").await;
    let message = [
        ("client_id", PUBLIC_CLIENT_ID),
        ("response_mode", "okta_post_message"),
        ("redirect_uri", "http://127.0.0.1:9/app"),
        ("prompt", "none"),
    ];
    org.put_client(org.client_with_id(PUBLIC_CLIENT_ID).unwrap().redirect_uri("http://127.0.0.1:9/app"));
    pages.open_without_scripts("main h1", async |driver| driver.open(&authorize(org, &message)).await).await;
    pages.check("post-message").await;
}

/// The page that loads the logout URIs of other apps.
async fn front_channel(org: &Org, pages: &mut Inspector) {
    pages.driver.open(&authorize(org, &[("client_id", SECOND_APP)])).await;
    pages.leaves_the_org().await;
    let hint = org.token().id_token(BEN, None).sign();
    let url = format!("{}/v1/logout?id_token_hint={hint}", org.issuer());
    pages.open_without_scripts("main h1", async |driver| driver.open(&url).await).await;
    pages.check("front-channel").await;
}

#[tokio::test]
#[ignore = "needs chromium, chromedriver and axe-core"]
async fn pages_of_an_org_with_the_password_on_its_own_page_are_accessible() {
    let org = org(true).await;
    let mut pages = Inspector::start("org", "en").await;
    pages.driver.open(&authorize(&org, &[])).await;
    pages.check("username").await;
    pages.press("#identifier", &format!("{ADA}{ENTER}")).await;
    pages.has("input[type=password]").await;
    pages.check("password").await;
    pages.press("input[type=password]", &format!("wrong{ENTER}")).await;
    pages.has("[role=alert]").await;
    pages.check("password-failed").await;
    pages.press("input[type=password]", &format!("{ADA_PASSWORD}{ENTER}")).await;
    pages.leaves_the_org().await;
    let long = "maximiliane-alexandra.von-und-zu-hohenberg@very-long-subdomain.subsidiary.example.test";
    let groups = (1..20).map(|number| format!("APP-Timesheets-Production-Administrators-{number:02}"));
    org.put_user(
        User::new(long, "a-password-without-any-space-in-it-1").name("Maximiliane", "Hohenberg").groups(groups),
    );
    pages.for_book = false;
    pages.driver.open(&authorize(&org, &[("prompt", "login")])).await;
    pages.check("username-with-long-names").await;
    pages.driver.open(org.url()).await;
    pages.check("home-with-long-names").await;
    pages.finish(5).await;
}
