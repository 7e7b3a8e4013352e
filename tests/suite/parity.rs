//! The two frameworks send the same responses: status, headers and body, except for dates
//! and random values.

use std::collections::BTreeMap;

use reqwest::Method;

use crate::actix_app::Actix;
use crate::app::App;
use crate::axum_app::Axum;
use crate::support::{ADA, Answer, BEN, Browser, org_with_groups};

const PATHS: &[&str] = &[
    "/",
    "/profile",
    "/api/me",
    "/claims",
    "/unusual",
    "/maybe-unusual",
    "/result",
    "/echo?a=%20b&&c=d+e",
    "/shared",
    "/token",
    "/token/maybe",
    "/token/result",
    "/token/unusual",
    "/orders",
    "/admin",
    "/policed",
    "/mixed",
    "/sensitive?x=1",
    "/checked",
    "/in-handler",
    "/area/reports",
    "/nothing",
    "/login?return_to=/orders",
    "/login?return_to=//evil.example&prompt=login",
    "/authorization-code/callback",
    "/authorization-code/callback?state=unknown&code=c",
    "/authorization-code/callback?error=access_denied&state=x",
    "/.well-known/oauth-protected-resource",
    "/logout",
];

const POSTS: &[&str] = &[
    "/profile",
    "/mixed",
    "/sensitive",
    "/token",
    "/login",
    "/logout",
    "/authorization-code/callback",
    "/.well-known/oauth-protected-resource",
];

/// The credentials and headers of a request.
#[derive(Clone, Copy, Debug)]
enum Client {
    Page,
    Script,
    CrossSite,
    OldBrowser,
}

impl Client {
    fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Page => &[("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
            Self::Script => &[("accept", "application/json"), ("sec-fetch-mode", "cors")],
            Self::CrossSite => &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
            Self::OldBrowser => &[("accept", "text/html,*/*;q=0.8"), ("x-forwarded-host", "evil.example")],
        }
    }
}

/// One of the two applications with its browsers.
struct Side {
    app: App,
    browsers: Vec<Browser>,
}

impl Side {
    async fn new(app: App) -> Self {
        let browsers = vec![app.browser(), app.signed_in(ADA).await, app.signed_in(BEN).await];
        Self { app, browsers }
    }

    async fn ask(&self, who: usize, method: &Method, path: &str, headers: &[(&str, &str)]) -> String {
        // A copy, so that no request of the list affects the next one.
        let mut browser = self.browsers[who].clone();
        let answer = browser.send(method.clone(), path, headers, String::new()).await;
        self.normal(&answer)
    }

    /// The response without dates, ports and random values.
    fn normal(&self, answer: &Answer) -> String {
        let mut headers = BTreeMap::new();
        for (name, value) in &answer.headers {
            let value = value.to_str().unwrap();
            let value = match name.as_str() {
                "date" => continue,
                // Frameworks differ in whether an empty body has a length.
                "content-length" if value == "0" => continue,
                "location" => location(value),
                "set-cookie" => cookie(value),
                _ => value.to_owned(),
            };
            headers.entry(name.as_str().to_owned()).or_insert_with(Vec::new).push(value);
        }
        headers.values_mut().for_each(|values| values.sort());
        let text = format!("{} {headers:?} {}", answer.status, without_reference(&answer.body));
        text.replace(&self.app.base, "BASE").replace(self.app.base.rsplit(':').next().unwrap(), "PORT")
    }
}

/// Replaces the random reference in a page or in JSON. It has 16 characters.
fn without_reference(body: &str) -> String {
    let mut body = body.to_owned();
    for before in ["Reference: ", "\"reference\":\""] {
        if let Some(at) = body.find(before) {
            let start = at + before.len();
            body.replace_range(start..start + 16, "RANDOM");
        }
    }
    body
}

/// A location with its random parameters blanked.
fn location(value: &str) -> String {
    let Ok(mut url) = url::Url::parse(value) else { return value.to_owned() };
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    url.query_pairs_mut().clear().extend_pairs(pairs.iter().map(|(name, value)| {
        let random = ["state", "nonce", "code_challenge", "id_token_hint"].contains(&name.as_str());
        (name.as_str(), if random { "RANDOM" } else { value.as_str() })
    }));
    url.to_string()
}

/// A cookie with its random name and value blanked.
fn cookie(value: &str) -> String {
    let (name, rest) = value.split_once('=').unwrap();
    let name = if name.contains("_login_") { "attempt" } else { name };
    let (value, attributes) = rest.split_once(';').unwrap();
    // The two sides are called one after the other, possibly in different seconds.
    let attributes = attributes.split("; ").filter(|attribute| !attribute.starts_with("Expires=")).collect::<Vec<_>>();
    let attributes = attributes.join("; ");
    format!("{name}={};{attributes}", if value.is_empty() { "" } else { "SEALED" })
}

#[tokio::test]
async fn both_frameworks_answer_the_same() {
    let org = org_with_groups().await;
    let axum = Side::new(App::with::<Axum>(org.clone(), |config| config).await).await;
    let actix = Side::new(App::with::<Actix>(org.clone(), |config| config).await).await;
    let good = format!("Bearer {}", org.token().access_token(ADA, ["orders:read"]).sign());
    let poor = format!("Bearer {}", org.token().access_token(ADA, ["openid"]).sign());
    let bad = format!("Bearer {}", org.token().access_token(ADA, ["orders:read"]).bad_signature().sign());
    let tokens = ["", &good, &poor, &bad, "Bearer", "Bearer a b", "Basic dTpw"];
    let mut asked = 0;
    let mut different = Vec::new();
    let gets = PATHS.iter().map(|path| (Method::GET, *path));
    let posts = POSTS.iter().map(|path| (Method::POST, *path));
    for (method, path) in gets.chain(posts) {
        for client in [Client::Page, Client::Script, Client::CrossSite, Client::OldBrowser] {
            for (who, token) in [0, 1, 2].map(|who| (who, "")).into_iter().chain(tokens.map(|token| (0, token))) {
                let mut headers = client.headers().to_vec();
                if !token.is_empty() {
                    headers.push(("authorization", token));
                }
                let (one, other) =
                    (axum.ask(who, &method, path, &headers).await, actix.ask(who, &method, path, &headers).await);
                asked += 1;
                if one != other {
                    different
                        .push(format!("{method} {path} {client:?} as {who} with `{token:.12}`\n  {one}\n  {other}"));
                }
            }
        }
    }
    assert!(asked >= 150, "{asked} requests are too few");
    let shown: Vec<_> = different.iter().take(12).cloned().collect();
    assert!(different.is_empty(), "{} of {asked} answers differ:\n{}", different.len(), shown.join("\n"));
}
