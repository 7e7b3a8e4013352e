//! A browser without a screen: enough of one to sign in at the org.

mod html;
mod http;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use url::Url;
use url::form_urlencoded;

use crate::error::Error;
use crate::tenant::Tenant;

/// Where a browser ends up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Response {
    /// It is sent to this URL.
    Redirect(String),
    /// It posts a form to the app by itself (`response_mode=form_post`).
    FormPost {
        /// Where the form is posted to.
        action: String,
        /// The fields, in order.
        fields: Vec<(String, String)>,
    },
    /// It shows a page.
    Page {
        /// The status, 200 for the sign-in page.
        status: u16,
        /// The HTML.
        body: String,
    },
}

impl Response {
    /// Where the browser goes next: the target of the redirect or of the form.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Redirect(url) => Some(url),
            Self::FormPost { action, .. } => Some(action),
            Self::Page { .. } => None,
        }
    }

    /// A parameter of the response, from the query or from the form.
    pub fn param(&self, name: &str) -> Option<String> {
        self.params().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// All parameters of the response, in order.
    pub fn params(&self) -> Vec<(String, String)> {
        match self {
            Self::Redirect(url) => Url::parse(url).map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default(),
            Self::FormPost { fields, .. } => fields.clone(),
            Self::Page { .. } => Vec::new(),
        }
    }
}

/// A browser with cookies, for what happens at the org: sign-in, single sign-on, sign-out.
///
/// It does not follow redirects and does not visit the app; each [`Response`] says where it would go.
#[derive(Clone, Debug)]
pub struct Browser {
    tenant: Arc<Tenant>,
    address: SocketAddr,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn new(tenant: Arc<Tenant>, address: SocketAddr) -> Self {
        Self { tenant, address, cookies: BTreeMap::new() }
    }

    /// Opens the URL that an app redirects to and signs in if a sign-in page comes up. With an Okta session none does.
    ///
    /// # Errors
    ///
    /// If the server does not answer, or the URL is not one of this org.
    pub async fn sign_in(&mut self, authorize_url: &str, username: &str) -> Result<Response, Error> {
        let password = self.tenant.user(username).map(|user| user.password).unwrap_or_default();
        self.sign_in_with(authorize_url, username, &password).await
    }

    /// As [`Browser::sign_in`], with a password that may be wrong: then the page with the error comes back.
    ///
    /// # Errors
    ///
    /// As [`Browser::sign_in`].
    pub async fn sign_in_with(
        &mut self,
        authorize_url: &str,
        username: &str,
        password: &str,
    ) -> Result<Response, Error> {
        let response = self.open(authorize_url).await?;
        let Response::Page { status: 200, body } = &response else { return Ok(response) };
        let Some(handle) = html::field(body, "stateToken") else { return Ok(response) };
        let fields = [("stateToken", handle.as_str()), ("username", username), ("password", password)];
        self.submit(&format!("{}/signin", self.tenant.url), &fields).await
    }

    /// Opens a URL of the org.
    ///
    /// # Errors
    ///
    /// As [`Browser::sign_in`].
    pub async fn open(&mut self, url: &str) -> Result<Response, Error> {
        self.send("GET", url, None).await
    }

    /// Posts a form to a URL of the org.
    ///
    /// # Errors
    ///
    /// As [`Browser::sign_in`].
    pub async fn submit(&mut self, url: &str, fields: &[(&str, &str)]) -> Result<Response, Error> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", url, Some(body)).await
    }

    /// Whether there is an Okta session (as far as the browser knows).
    pub fn has_session(&self) -> bool {
        self.cookies.contains_key("idx")
    }

    async fn send(&mut self, method: &str, url: &str, form: Option<String>) -> Result<Response, Error> {
        let url = Url::parse(url).map_err(|error| Error::browser(format_args!("`{url}` is no URL")).because(error))?;
        let answer = http::exchange(self.address, method, &url, &self.cookies, form).await?;
        self.keep_cookies(&answer);
        if let (300..=399, Some(location)) = (answer.status, answer.header("location")) {
            return Ok(Response::Redirect(location.to_owned()));
        }
        Ok(match html::self_submitting_form(&answer.body) {
            Some((action, fields)) => Response::FormPost { action, fields },
            None => Response::Page { status: answer.status, body: answer.body },
        })
    }

    /// Keeps the cookies of an answer, and drops those that it ends.
    fn keep_cookies(&mut self, answer: &http::Answer) {
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let Some((name, value)) = pair.split_once('=') else { continue };
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
