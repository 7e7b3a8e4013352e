//! The browser of `okta-auth-dev` with a cookie jar that tests can modify, and checks of
//! every response.

use std::collections::BTreeMap;

use okta_auth_dev::{Org, Response, TestBrowser};
use reqwest::header::{HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Method, StatusCode};

use super::CALLBACK;

/// One browser at one application.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) base: String,
    pub(crate) jar: BTreeMap<String, String>,
    browser: TestBrowser,
}

/// A response with its complete body.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        self.headers.get(LOCATION).map_or("", |location| location.to_str().unwrap())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Browser {
    pub(crate) fn new(base: &str) -> Self {
        Self { base: base.to_owned(), jar: BTreeMap::new(), browser: TestBrowser::new(base) }
    }

    /// Sends a request with the cookies of the jar, and stores those of the response.
    /// They belong to one application, independent of its host name.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let start = if target.starts_with("http") { target } else { &self.base };
        let mut browser = self.browser.at(start);
        browser.set_cookies(std::mem::take(&mut self.jar));
        let url = if target.starts_with("http") { target.to_owned() } else { format!("{}{target}", self.base) };
        let response = browser.send(method, &url, headers, body).await.unwrap();
        self.jar = browser.cookies();
        let status = StatusCode::from_u16(response.status).unwrap();
        let answer = Answer { status, headers: response.headers, body: response.body };
        for cookie in answer.set_cookies() {
            assert!(cookie.len() <= 4096, "a browser rejects a cookie of {} bytes", cookie.len());
            assert!(answer.header("cache-control").contains("no-store"), "a cookie in a response that can be cached");
        }
        answer
    }

    /// Opens a page as a browser does.
    pub(crate) async fn navigate(&mut self, target: &str) -> Answer {
        let headers = [
            ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-site", "none"),
        ];
        self.send(Method::GET, target, &headers, String::new()).await
    }

    /// Calls an API as a script does.
    pub(crate) async fn fetch(&mut self, target: &str) -> Answer {
        self.send(Method::GET, target, &[("accept", "application/json"), ("sec-fetch-mode", "cors")], String::new())
            .await
    }

    /// Sends a form from one of the application's own pages.
    pub(crate) async fn post(&mut self, target: &str, body: &str) -> Answer {
        let origin = self.base.clone();
        let headers = [
            ("accept", "text/html"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-site", "same-origin"),
            (ORIGIN.as_str(), origin.as_str()),
        ];
        self.send(Method::POST, target, &headers, body.to_owned()).await
    }

    /// The same browser, sent to another replica by a load balancer.
    pub(crate) fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// Opens a page that requires a user and signs in at the org. Returns the response of
    /// the callback.
    pub(crate) async fn sign_in(&mut self, org: &Org, user: &str, page: &str) -> Answer {
        let answer = self.navigate(page).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{page} does not lead to sign-in: {}", answer.body);
        let authorize = answer.location().to_owned();
        self.complete(org, &authorize, user).await
    }

    /// Signs in at an authorize URL and returns to the callback.
    pub(crate) async fn complete(&mut self, org: &Org, authorize: &str, user: &str) -> Answer {
        match org.sign_in(authorize, user).await.unwrap() {
            Response::Redirect(location) => {
                assert!(location.starts_with(&format!("{}{CALLBACK}", self.base)), "sent to {location}");
                self.navigate(&location).await
            }
            Response::FormPost { action, fields } => self.form_post(org, &action, &fields).await,
            other => panic!("the org answered {other:?}"),
        }
    }

    async fn form_post(&mut self, org: &Org, action: &str, fields: &[(String, String)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [
            ("accept", "text/html"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-site", "cross-site"),
            (ORIGIN.as_str(), org.url()),
        ];
        self.send(Method::POST, action, &headers, body).await
    }

    /// Whether the application has a session for this browser.
    pub(crate) async fn is_signed_in(&mut self) -> bool {
        self.fetch("/api/me").await.status == StatusCode::OK
    }
}

/// Calls an API with a token and a proof.
pub(crate) async fn call_with_proof(base: &str, path: &str, token: &str, proof: &str) -> Answer {
    let authorization = format!("DPoP {token}");
    let headers = [("authorization", authorization.as_str()), ("dpop", proof)];
    Browser::new(base).send(Method::GET, path, &headers, String::new()).await
}
