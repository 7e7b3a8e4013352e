//! The application of the suite, independent of the framework, and how requests are sent
//! to it.

use std::net::TcpListener;
use std::time::Duration;

use okta_auth_core::OktaAuth;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::policy::{DefaultAccess, Policy, PolicySet, acr, check, group, signed_in_within};
use okta_auth_dev::Org;
use reqwest::Method;

use crate::support::{Answer, Browser, org_with_groups};

/// A framework that serves the routes of the suite.
pub(crate) trait Framework {
    /// Serves on this listener until the test ends.
    fn serve(listener: TcpListener, auth: OktaAuth);
}

/// The claims that `User<Claims>` reads.
#[derive(serde::Deserialize)]
pub(crate) struct Claims {
    pub(crate) email: String,
}

/// Claims that no token has.
#[derive(serde::Deserialize)]
pub(crate) struct Unusual {
    #[expect(dead_code, reason = "it is not in any token")]
    pub(crate) shoe_size: u8,
}

/// The policy of `/sensitive`.
pub(crate) fn sensitive() -> Policy {
    (acr("urn:okta:loa:2fa:any") & signed_in_within(Duration::from_secs(300))).named("sensitive")
}

/// The policy of `/checked`: a check by the application.
pub(crate) fn checked() -> Policy {
    check("not ben", |caller| async move { caller.claim("email").is_some_and(|email| email != crate::support::BEN) })
}

/// A check of the application that fails for Ben.
pub(crate) fn unsure() -> Policy {
    check("banned", |caller| async move {
        let known = caller.claim("email").is_some_and(|email| email != crate::support::BEN);
        if known { Ok(false) } else { Err("the list of banned users is away") }
    })
}

/// A response that ends with the session.
pub(crate) struct Stream(reqwest::Response);

impl Stream {
    /// Waits for the end of the stream, with a timeout.
    pub(crate) async fn ended(mut self) {
        let last = tokio::time::timeout(Duration::from_secs(20), self.0.chunk()).await;
        assert_eq!(last.expect("the stream did not end").unwrap().unwrap(), "over");
    }
}

/// One application with its org.
pub(crate) struct App {
    pub(crate) org: Org,
    pub(crate) auth: OktaAuth,
    pub(crate) base: String,
}

impl App {
    /// Starts with the defaults of most tests.
    pub(crate) async fn start<F: Framework>() -> Self {
        Self::with::<F>(org_with_groups().await, |config| config).await
    }

    /// Starts with an org and settings of the test.
    pub(crate) async fn with<F: Framework>(org: Org, change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Self {
        // A fixed cookie name for the tests; the default name contains the issuer and the
        // client.
        Self::built::<F>(org, |config| change(config.cookie_name("okta_session")), |builder| builder).await
    }

    /// Starts with the default cookie name, and with a builder of the test.
    pub(crate) async fn built<F: Framework>(
        org: Org,
        change: impl FnOnce(ConfigBuilder) -> ConfigBuilder,
        build: impl FnOnce(OktaAuthBuilder) -> OktaAuthBuilder,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        org.allow_redirect(&base);
        let config = ConfigBuilder::from_variables(org.env()).base_url(&base).cookie_secret(crate::support::SECRET);
        // Unknown paths are 404 here; `route_access` tests the default.
        let policies = PolicySet::default().protect("/policed", group("Admins")).default_access(DefaultAccess::Open);
        let clock = org.clock();
        let builder = OktaAuthBuilder::from(change(config)).policies(policies).clock(move || clock.now());
        let builder = builder.refresh_on_demand("/own-token").passive_route("/poll");
        let auth = build(builder).build().unwrap();
        F::serve(listener, auth.clone());
        Self { org, base, auth }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.base)
    }

    /// A browser with a session.
    pub(crate) async fn signed_in(&self, user: &str) -> Browser {
        let mut browser = self.browser();
        let answer = browser.sign_in(&self.org, user, "/profile").await;
        assert_eq!(answer.location(), "/profile", "{}", answer.body);
        browser
    }

    /// Opens the stream that lasts as long as the session, and reads its first part.
    pub(crate) async fn stream(&self, browser: &Browser) -> Stream {
        let cookies: Vec<_> = browser.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.get(format!("{}/stream", self.base)).header("cookie", cookies.join("; "));
        let mut response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.chunk().await.unwrap().unwrap(), "open");
        Stream(response)
    }

    /// Calls an API with a token.
    pub(crate) async fn call(&self, path: &str, token: &str) -> Answer {
        let authorization = format!("Bearer {token}");
        self.browser().send(Method::GET, path, &[("authorization", &authorization)], String::new()).await
    }

    /// A valid token with these scopes.
    pub(crate) fn token(&self, scopes: &[&str]) -> String {
        self.org.token().access_token(crate::support::ADA, scopes.iter().copied()).sign()
    }
}
