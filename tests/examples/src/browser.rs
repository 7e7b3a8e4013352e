//! A minimal browser for the tests of the examples.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Method, redirect};

/// A minimal browser.
pub struct Browser {
    pub http: reqwest::Client,
    /// Cookies by host and name; the port does not matter.
    pub jar: BTreeMap<(String, String), String>,
    /// The `Origin` of its forms; none if it is empty.
    pub origin: String,
}

/// A response with its complete body.
pub struct Answer {
    pub status: u16,
    pub location: String,
    pub challenge: String,
    /// The replica that answered, if there are several.
    pub replica: String,
    pub body: String,
}

/// Resolves every name to this machine. Browsers do so for names below `localhost`, but
/// some systems do not.
struct ThisMachine;

impl Resolve for ThisMachine {
    fn resolve(&self, _: Name) -> Resolving {
        let here = std::iter::once(SocketAddr::from(([127, 0, 0, 1], 0)));
        Box::pin(std::future::ready(Ok(Box::new(here) as Addrs)))
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    pub fn new() -> Self {
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy();
        let http = http.dns_resolver(Arc::new(ThisMachine)).build().unwrap();
        Self { http, jar: BTreeMap::new(), origin: String::new() }
    }

    pub async fn send(&mut self, method: Method, url: &str) -> Answer {
        let request = self.http.request(method, url);
        self.exchange(request).await
    }

    pub async fn post(&mut self, url: &str, form: &str) -> Answer {
        let mut request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded");
        if !self.origin.is_empty() {
            request = request.header("origin", &self.origin);
        }
        self.exchange(request.body(form.to_owned())).await
    }

    async fn exchange(&mut self, request: reqwest::RequestBuilder) -> Answer {
        let mut request = request.header("accept", "text/html").build().unwrap();
        let host = request.url().host_str().unwrap().to_owned();
        let own = self.jar.iter().filter(|((owner, _), _)| *owner == host);
        let cookies: Vec<String> = own.map(|((_, name), value)| format!("{name}={value}")).collect();
        request.headers_mut().insert("cookie", cookies.join("; ").parse().unwrap());
        let response = self.http.execute(request).await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let (value, attributes) = rest.split_once(';').unwrap();
            if attributes.contains("Max-Age=0") {
                self.jar.remove(&(host.clone(), name.to_owned()));
            } else {
                self.jar.insert((host.clone(), name.to_owned()), value.to_owned());
            }
        }
        let header = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let (status, location, challenge) =
            (response.status().as_u16(), header("location"), header("www-authenticate"));
        let replica = header("x-replica");
        Answer { status, location, challenge, replica, body: response.text().await.unwrap() }
    }

    pub async fn open(&mut self, url: &str) -> Answer {
        self.send(Method::GET, url).await
    }

    /// Opens a page that requires a user, and signs in at the org's page as its first
    /// user. Returns the org's address and the page.
    pub async fn sign_in(&mut self, page: &str) -> (String, Answer) {
        self.sign_in_as(page, "").await
    }

    /// Signs in as the first user whose login starts with `login`.
    pub async fn sign_in_as(&mut self, page: &str, login: &str) -> (String, Answer) {
        let base = page.rsplit_once('/').unwrap().0;
        let authorize = self.open(page).await.location;
        let org = authorize.split("/oauth2/").next().unwrap().to_owned();
        let sign_in = self.open(&authorize).await.body;
        let mut people = sign_in.split("<li><form").skip(1);
        let one_click = people.find(|form| field(form, "username").starts_with(login));
        let one_click = one_click.unwrap_or_else(|| panic!("no `{login}` on the sign-in page: {sign_in}"));
        let action = one_click.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
        let fields = ["stateToken", "username", "password"].map(|name| format!("{name}={}", field(one_click, name)));
        let mut answer = self.post(&format!("{org}{action}"), &fields.join("&")).await;
        while [302, 303].contains(&answer.status) {
            let next = answer.location;
            answer = self.open(&if next.starts_with('/') { format!("{base}{next}") } else { next }).await;
        }
        (org, answer)
    }
}

/// Returns the value of the first field with this name in a page.
pub(crate) fn field(page: &str, name: &str) -> String {
    let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("no `{name}`: {page}"));
    rest.split('"').next().unwrap().to_owned()
}
