//! A browser for the tests of an app: cookies, the headers of navigations, scripts and forms, and the org's sign-in
//! page.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, Method};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::browser::{Browser, Response};
use crate::error::Error;
use crate::org::Org;

/// More redirects than an app needs; ends redirect loops.
const MAX_REDIRECTS: usize = 10;

/// A browser that visits an app and signs in at its development org.
///
/// It sends a browser's headers (`Accept`, `Sec-Fetch-*`, and `Origin` with forms) and stores cookies by host. A single
/// request follows no redirect; the response says where it leads. The browser only visits this machine: `localhost`,
/// names below it, and loopback addresses.
///
/// ```
/// # async fn example(base: &str) -> Result<(), okta_auth_dev::Error> {
/// use okta_auth_dev::{ADA, Org, TestBrowser};
///
/// let org = Org::start().await?;
/// org.allow_redirect(base); // where the app runs
/// let mut browser = TestBrowser::new(base);
/// let page = browser.sign_in(&org, ADA, "/profile").await?;
/// assert_eq!(page.status, 200);
/// assert_eq!(browser.fetch("/api/me").await?.json()["email"], ADA);
/// # Ok(())
/// # }
/// ```
///
/// The app decides about time: give the app [`Org::clock`], and move it. Cookies do not expire in this browser, so the
/// app must reject expired values.
#[derive(Clone, Debug)]
pub struct TestBrowser {
    base: String,
    http: reqwest::Client,
    /// By host and name, because cookies ignore ports (RFC 6265 §8.5).
    cookies: BTreeMap<(String, String), String>,
    /// One browser per org, by the org's URL.
    okta: BTreeMap<String, Browser>,
}

/// A response of the app with its complete body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TestResponse {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl TestResponse {
    /// Returns the first header with this name, or the empty string.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns the target of a redirect, or the empty string.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// Returns the body as JSON, or `null` if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

impl TestBrowser {
    /// Creates a browser without cookies. `base_url` is the URL of the app, such as `http://127.0.0.1:8080`, to which
    /// paths are relative.
    pub fn new(base_url: impl Into<String>) -> Self {
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy();
        let http = http.dns_resolver(Arc::new(ThisMachine)).build().unwrap_or_default();
        let new = Self { base: String::new(), http, cookies: BTreeMap::new(), okta: BTreeMap::new() };
        new.at(base_url)
    }

    /// Returns a copy of the browser for another app, or for another replica of this app.
    #[must_use]
    pub fn at(&self, base_url: impl Into<String>) -> Self {
        Self { base: base_url.into().trim_end_matches('/').to_owned(), ..self.clone() }
    }

    /// Opens a page like a link or the address bar. `target` is a path or a URL.
    ///
    /// # Errors
    ///
    /// If no server responds, or the URL is not on this machine.
    pub async fn open(&mut self, target: &str) -> Result<TestResponse, Error> {
        let headers = [
            ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-site", "none"),
        ];
        self.send(Method::GET, target, &headers, String::new()).await
    }

    /// Requests data like a script of the app's own pages.
    ///
    /// # Errors
    ///
    /// See [`TestBrowser::open`].
    pub async fn fetch(&mut self, target: &str) -> Result<TestResponse, Error> {
        let headers = [("accept", "application/json"), ("sec-fetch-mode", "cors"), ("sec-fetch-site", "same-origin")];
        self.send(Method::GET, target, &headers, String::new()).await
    }

    /// Sends a form of the app's own pages.
    ///
    /// # Errors
    ///
    /// See [`TestBrowser::open`].
    pub async fn post(&mut self, target: &str, fields: &[(&str, &str)]) -> Result<TestResponse, Error> {
        let origin = origin(&self.url(target)?);
        self.submit(target, fields, "same-origin", &origin).await
    }

    /// Calls an API with an access token, like a client without cookies.
    ///
    /// # Errors
    ///
    /// See [`TestBrowser::open`].
    pub async fn call(&self, target: &str, access_token: &str) -> Result<TestResponse, Error> {
        let authorization = format!("Bearer {access_token}");
        let mut client = Self { cookies: BTreeMap::new(), ..self.clone() };
        client.send(Method::GET, target, &[("authorization", &authorization)], String::new()).await
    }

    /// Opens a page that requires a user, signs in at the org as this user, and follows the app's redirects. Returns
    /// the final response, usually the requested page. The browser submits a second factor if the org requires one.
    /// With a session at the org it needs no password.
    ///
    /// # Errors
    ///
    /// See [`TestBrowser::open`]. Also if the org shows its own page instead of redirecting, for example for an unknown
    /// redirect URI.
    pub async fn sign_in(&mut self, org: &Org, user: &str, target: &str) -> Result<TestResponse, Error> {
        let answer = self.open(target).await?;
        self.follow(org, answer, Some(user)).await
    }

    /// Sends the app's sign-out form, goes through the org's sign-out, and follows the app's redirects.
    ///
    /// # Errors
    ///
    /// See [`TestBrowser::sign_in`].
    pub async fn sign_out(&mut self, org: &Org, target: &str) -> Result<TestResponse, Error> {
        let answer = self.post(target, &[]).await?;
        self.follow(org, answer, None).await
    }

    /// Sends a request with the cookies of its host, and stores the cookies of the response.
    ///
    /// # Errors
    ///
    /// See [`TestBrowser::open`].
    pub async fn send(
        &mut self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<String>,
    ) -> Result<TestResponse, Error> {
        let url = self.url(target)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let cookies = self.cookies.iter().filter(|((owner, _), _)| *owner == host);
        let cookies: Vec<String> = cookies.map(|((_, name), value)| format!("{name}={value}")).collect();
        let mut request = self.http.request(method, url).body(body.into());
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let failed = |error| Error::browser(format_args!("no response from {target}")).because(error);
        let response = request.send().await.map_err(failed)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        self.keep_cookies(&host, &headers);
        Ok(TestResponse { status, headers, body: response.text().await.map_err(failed)? })
    }

    /// Returns a cookie of the app's host.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(&(self.host(), name.to_owned())).map(String::as_str)
    }

    /// Returns the cookies of the app's host, by name.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        let host = self.host();
        let own = self.cookies.iter().filter(|((owner, _), _)| *owner == host);
        own.map(|((_, name), value)| (name.clone(), value.clone())).collect()
    }

    /// Replaces the cookies of the app's host, to simulate stolen cookies or a restored browser.
    pub fn set_cookies(&mut self, cookies: BTreeMap<String, String>) {
        let host = self.host();
        self.cookies.retain(|(owner, _), _| *owner != host);
        self.cookies.extend(cookies.into_iter().map(|(name, value)| ((host.clone(), name), value)));
    }

    /// Follows redirects through the app and the org until a page.
    async fn follow(&mut self, org: &Org, answer: TestResponse, user: Option<&str>) -> Result<TestResponse, Error> {
        let mut answer = answer;
        for _ in 0..MAX_REDIRECTS {
            if !(300..400).contains(&answer.status) {
                return Ok(answer);
            }
            let next = self.url(answer.location())?;
            answer = match Url::parse(org.url()) {
                Ok(okta) if okta.port() == next.port() => self.visit(org, next.as_str(), user).await?,
                _ => self.open(next.as_str()).await?,
            };
        }
        Err(Error::browser(format_args!("the app redirects in a loop, last to {}", answer.location())))
    }

    /// Visits a page of the org, and returns the app's response to the result.
    async fn visit(&mut self, org: &Org, url: &str, user: Option<&str>) -> Result<TestResponse, Error> {
        let okta = self.okta.entry(org.url().to_owned()).or_insert_with(|| org.browser());
        let response = match user {
            Some(user) => okta.sign_in(url, user).await?,
            None => okta.open(url).await?,
        };
        match response {
            Response::FormPost { action, fields } => {
                let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
                self.submit(&action, &fields, "cross-site", org.url()).await
            }
            Response::Page { status, body } => {
                let title = body.split_once("<h1>").and_then(|(_, rest)| rest.split('<').next()).unwrap_or_default();
                Err(Error::browser(format_args!("the org shows a page (status {status}): {title}")))
            }
            other => match other.target() {
                Some(target) => self.open(target).await,
                None => {
                    Err(Error::browser("the org's sign-out has no target: the app sent no post_logout_redirect_uri"))
                }
            },
        }
    }

    async fn submit(
        &mut self,
        target: &str,
        fields: &[(&str, &str)],
        site: &str,
        origin: &str,
    ) -> Result<TestResponse, Error> {
        let headers = [
            ("accept", "text/html"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-site", site),
            ("origin", origin),
        ];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Method::POST, target, &headers, body).await
    }

    /// Resolves a path or a URL, which must be on this machine.
    fn url(&self, target: &str) -> Result<Url, Error> {
        let url = if target.starts_with('/') { format!("{}{target}", self.base) } else { target.to_owned() };
        let url =
            Url::parse(&url).map_err(|error| Error::browser(format_args!("`{url}` is not a URL")).because(error))?;
        let here = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if !here {
            return Err(Error::browser(format_args!(
                "{url} is not on this machine: the browser visits only this machine"
            )));
        }
        Ok(url)
    }

    fn host(&self) -> String {
        self.url("/").ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }

    fn keep_cookies(&mut self, host: &str, headers: &HeaderMap) {
        for cookie in headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()) {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let Some((name, value)) = pair.split_once('=') else { continue };
            let key = (host.to_owned(), name.to_owned());
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Resolves every name to this machine, because some systems do not resolve names below `localhost`, as browsers do.
struct ThisMachine;

impl Resolve for ThisMachine {
    fn resolve(&self, _: Name) -> Resolving {
        let here = std::iter::once(SocketAddr::from(([127, 0, 0, 1], 0)));
        Box::pin(std::future::ready(Ok(Box::new(here) as Addrs)))
    }
}
