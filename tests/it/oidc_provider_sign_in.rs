//! Users of two web applications at an independent provider, `oidc-provider`, which `tests/peers/run` starts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::routing::get;
use okta_auth_axum::{AccessToken, RequireExt, RouterExt, User};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::policy::signed_in;

use crate::support::{Browser, SECRET, routes};

pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; tests/peers/run sets it"))
}

/// The browser at the provider: its cookies, and its pages for the sign-in and for the end of the session.
#[derive(Default)]
pub(crate) struct Visitor {
    cookies: BTreeMap<String, String>,
}

impl Visitor {
    /// Opens a URL of the provider, or submits a form to it.
    async fn send(&mut self, url: &str, form: Option<&str>) -> (Option<String>, String) {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let request = match form {
            Some(form) => {
                http.post(url).header("content-type", "application/x-www-form-urlencoded").body(form.to_owned())
            }
            None => http.get(url),
        };
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response = request.header("cookie", cookies.join("; ")).send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let location = response.headers().get("location").map(|location| location.to_str().unwrap().to_owned());
        (location, response.text().await.unwrap())
    }

    /// Follows redirects and submits each form, until the provider redirects to the application.
    pub(crate) async fn until_back(&mut self, start: &str, application: &str) -> String {
        let value = |page: &str, before: &str| {
            page.split(before).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
        };
        let (mut url, mut form) = (start.to_owned(), None);
        for _ in 0..12 {
            if url.starts_with(application) {
                return url;
            }
            let absolute = if url.starts_with('/') { format!("{}{url}", variable("PEER_ISSUER")) } else { url.clone() };
            let (location, page) = self.send(&absolute, form.take()).await;
            if let Some(location) = location {
                url = location;
                continue;
            }
            url = value(&page, "action=\"");
            form = Some(match value(&page, "name=\"prompt\" value=\"").as_str() {
                "login" => "prompt=login&login=ada&password=any",
                "consent" => "prompt=consent",
                _ => "",
            });
            let xsrf = value(&page, "name=\"xsrf\" value=\"");
            if !xsrf.is_empty() {
                let (location, page) = self.send(&url, Some(&format!("xsrf={xsrf}&logout=yes"))).await;
                url = location.unwrap_or_else(|| panic!("{page}"));
                form = None;
            }
        }
        panic!("the provider never redirects to {application}, but to {url}");
    }
}

/// An application at this port, which the provider knows as this client.
async fn application(client: &str, port: &str, ahead: &Arc<AtomicU64>) -> Browser {
    let base = format!("http://127.0.0.1:{}", variable(port));
    let config = ConfigBuilder::default()
        .issuer(variable("PEER_ISSUER"))
        .client_id(client)
        .client_secret(variable("PEER_SECRET"))
        .base_url(&base)
        .cookie_secret(SECRET)
        .scopes("openid profile email groups offline_access");
    let ahead = Arc::clone(ahead);
    let now = move || SystemTime::now() + Duration::from_secs(ahead.load(Ordering::Relaxed));
    let auth = OktaAuthBuilder::from(config).clock(now).build().unwrap();
    let token = |user: User| async move {
        user.access_token().await.map_or_else(|error| error.to_string(), |token| token.expose().to_owned())
    };
    let api = |token: AccessToken| async move { token.subject().to_owned() };
    let app = routes().route("/token", get(token)).route("/api", get(api).require_token(signed_in())).okta_auth(&auth);
    let listener = tokio::net::TcpListener::bind(base.trim_start_matches("http://")).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Browser::new(&base)
}

async fn signs_in(visitor: &mut Visitor, browser: &mut Browser) {
    let authorize = browser.navigate("/profile").await.location().to_owned();
    let callback = visitor.until_back(&authorize, &browser.base).await;
    let answer = browser.navigate(&callback).await;
    assert_eq!(answer.location(), "/profile", "{}", answer.body);
    assert_eq!(browser.navigate("/profile").await.body, "Ada Lovelace ada@example.test Admins");
}

/// Sign-in, claims from userinfo, refresh, introspection, and logout at the provider, which ends the session of a second
/// application by back-channel logout.
#[tokio::test]
#[ignore = "needs oidc-provider, which tests/peers/run starts"]
async fn users_sign_in_and_out() {
    let ahead = Arc::default();
    let mut browser = application("app", "PEER_APP", &ahead).await;
    let mut other = application("other-app", "PEER_OTHER_APP", &ahead).await;
    let mut visitor = Visitor::default();
    signs_in(&mut visitor, &mut browser).await;
    signs_in(&mut visitor, &mut other).await;

    let first = browser.fetch("/token").await.body;
    ahead.store(95, Ordering::Relaxed); // access tokens last 100 s, and the provider's logout tokens two minutes
    let second = browser.fetch("/token").await.body;
    assert!(!second.contains(' ') && first != second, "refreshed: {second}");
    let api = |token: String| {
        let url = format!("{}/api", browser.base);
        async move { reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap() }
    };
    let answer = api(second.clone()).await;
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "ada"));
    assert_eq!(api(format!("{second}x")).await.status().as_u16(), 401);

    assert!(other.is_signed_in().await);
    let logout = browser.post("/logout", "").await.location().to_owned();
    assert!(logout.starts_with(&variable("PEER_ISSUER")), "{logout}");
    let back = visitor.until_back(&logout, &browser.base).await;
    assert!(back.starts_with(&format!("{}/", browser.base)), "{back}");
    assert!(!browser.is_signed_in().await);
    assert!(!other.is_signed_in().await, "the provider's back-channel logout ends it");
}
