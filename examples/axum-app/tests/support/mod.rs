//! What the tests of the examples share: a browser in small.

#![allow(dead_code)]

use std::collections::BTreeMap;

use reqwest::{Method, redirect};

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A browser in small.
pub(crate) struct Browser {
    pub(crate) http: reqwest::Client,
    pub(crate) jar: BTreeMap<String, String>,
    /// What page its forms are sent from; none, if it is empty.
    pub(crate) origin: String,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) challenge: String,
    /// Which replica gave it, where there are several.
    pub(crate) replica: String,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new() -> Self {
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
        Self { http, jar: BTreeMap::new(), origin: String::new() }
    }

    pub(crate) async fn send(&mut self, method: Method, url: &str) -> Answer {
        let request = self.http.request(method, url);
        self.exchange(request).await
    }

    /// Sends a form.
    pub(crate) async fn post(&mut self, url: &str, form: &str) -> Answer {
        let mut request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded");
        if !self.origin.is_empty() {
            request = request.header("origin", &self.origin);
        }
        self.exchange(request.body(form.to_owned())).await
    }

    async fn exchange(&mut self, request: reqwest::RequestBuilder) -> Answer {
        let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header("accept", "text/html").header("cookie", cookies.join("; "));
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let (value, attributes) = rest.split_once(';').unwrap();
            if attributes.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        let header = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let (status, location, challenge) =
            (response.status().as_u16(), header("location"), header("www-authenticate"));
        let replica = header("x-replica");
        Answer { status, location, challenge, replica, body: response.text().await.unwrap() }
    }

    pub(crate) async fn open(&mut self, url: &str) -> Answer {
        self.send(Method::GET, url).await
    }

    /// Opens a page that needs a user, and signs in at the org's page as the first of its people.
    /// Returns where the org is, and the page.
    pub(crate) async fn sign_in(&mut self, page: &str) -> (String, Answer) {
        let base = page.rsplit_once('/').unwrap().0;
        let login = self.open(page).await.location;
        let org = login.split("/oauth2/").next().unwrap().to_owned();
        let sign_in = self.open(&login).await.body;
        let one_click = sign_in.split("<li><form").nth(1).unwrap_or_else(|| panic!("no sign-in page: {sign_in}"));
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

/// The value of the first field of this name in a page.
pub(crate) fn field(page: &str, name: &str) -> String {
    let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("no `{name}`: {page}"));
    rest.split('"').next().unwrap().to_owned()
}
