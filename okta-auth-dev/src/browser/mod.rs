//! A browser without a screen: enough of one to sign in at the org.
//!
//! Tests of an app play the browser's part towards the app themselves, with whatever
//! client they like. This one plays it towards the org, where a form must be filled in
//! and a session cookie kept.

mod html;
pub(crate) mod http;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use url::{Url, form_urlencoded};

use crate::error::Error;
use crate::tenant::Tenant;

/// Where a browser ends up.
///
/// ```
/// use okta_auth_dev::Response;
///
/// let response = Response::Redirect("http://localhost:8080/cb?code=abc&state=xyz".into());
/// assert_eq!(response.param("code").as_deref(), Some("abc"));
/// assert_eq!(response.target(), Some("http://localhost:8080/cb?code=abc&state=xyz"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Response {
    /// It is sent to this URL.
    ///
    /// For an app this is a GET with `code` and `state`, or with `error`, in the query.
    Redirect(String),
    /// It posts a form to the app by itself (`response_mode=form_post`).
    ///
    /// The browser sends it across sites, so cookies with `SameSite=Lax` stay behind.
    FormPost {
        /// Where the form is posted to.
        action: String,
        /// The fields, in order.
        fields: Vec<(String, String)>,
    },
    /// It sends a message to the window that opened or framed it
    /// (`response_mode=okta_post_message`).
    PostMessage {
        /// The origin that may receive the message.
        origin: String,
        /// The members of the message.
        fields: Vec<(String, String)>,
    },
    /// It shows the page of a sign-out that other apps are told about, each in a hidden
    /// frame.
    FrontChannel {
        /// What the frames load.
        frames: Vec<String>,
        /// Where the page goes then, if the sign-out has somewhere to go.
        next: Option<String>,
    },
    /// It shows a page.
    ///
    /// Errors that must not reach the app end here, with status 400.
    Page {
        /// The status, 200 for the sign-in page.
        status: u16,
        /// The HTML.
        body: String,
    },
}

impl Response {
    /// Where the browser goes next: the target of the redirect or of the form.
    ///
    /// Nothing for a page.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Redirect(url) => Some(url),
            Self::FormPost { action, .. } => Some(action),
            Self::PostMessage { origin, .. } => Some(origin),
            Self::FrontChannel { next, .. } => next.as_deref(),
            Self::Page { .. } => None,
        }
    }

    /// A parameter of the response, from the query, the fragment, the form, or the
    /// message.
    ///
    /// The first one, if it is there several times.
    pub fn param(&self, name: &str) -> Option<String> {
        self.params().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// All parameters of the response, in order.
    pub fn params(&self) -> Vec<(String, String)> {
        match self {
            Self::Redirect(url) | Self::FrontChannel { next: Some(url), .. } => {
                let Ok(url) = Url::parse(url) else { return Vec::new() };
                let fragment = form_urlencoded::parse(url.fragment().unwrap_or_default().as_bytes());
                url.query_pairs().chain(fragment).map(|(name, value)| (name.into(), value.into())).collect()
            }
            Self::FormPost { fields, .. } | Self::PostMessage { fields, .. } => fields.clone(),
            Self::FrontChannel { .. } | Self::Page { .. } => Vec::new(),
        }
    }
}

/// A browser with cookies, for what happens at the org: sign-in, single sign-on,
/// sign-out.
///
/// It does not follow redirects and does not visit the app; each [`Response`] says
/// where it would go.
///
/// ```
/// # async fn example(login: &str, silent: &str) -> Result<(), okta_auth_dev::Error> {
/// use okta_auth_dev::{ADA, Org};
///
/// let org = Org::start().await?;
/// let mut browser = org.browser();
/// browser.sign_in(login, ADA).await?;
/// // The session at the org answers for Ada: no password, no page.
/// let again = browser.open(silent).await?;
/// assert!(again.param("code").is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Browser {
    /// Where passwords are looked up.
    tenant: Arc<Tenant>,
    /// Where every request goes, whatever the name in the URL.
    address: SocketAddr,
    /// The org sets few, all for all paths, so a name is enough.
    cookies: BTreeMap<String, String>,
    /// Whether the second step is cancelled.
    refuses: bool,
}

impl Browser {
    /// A browser that was just installed.
    pub(crate) fn new(tenant: Arc<Tenant>, address: SocketAddr) -> Self {
        Self { tenant, address, cookies: BTreeMap::new(), refuses: false }
    }

    /// Opens the URL that an app redirects to and signs in if a sign-in page comes up.
    /// With an Okta session none does. If the org asks for a second factor, the code is
    /// read from its page and typed in.
    ///
    /// # Errors
    ///
    /// If the server does not answer, or the URL is not one of this org.
    pub async fn sign_in(&mut self, authorize_url: &str, username: &str) -> Result<Response, Error> {
        let password = self.tenant.user(username).map(|user| user.password).unwrap_or_default();
        self.sign_in_with(authorize_url, username, &password).await
    }

    /// As [`Browser::sign_in`], with a password that may be wrong: then the page with
    /// the error comes back.
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
        let mut response = self.open(authorize_url).await?;
        if let Some(handle) = waiting(&response, "identifier") {
            let fields = [("stateToken", handle.as_str()), ("identifier", username)];
            response = self.submit(&format!("{}/signin/identify", self.tenant.url), &fields).await?;
        }
        if let Some(handle) = waiting(&response, "credentials.passcode") {
            let fields =
                [("stateToken", handle.as_str()), ("identifier", username), ("credentials.passcode", password)];
            let response = self.submit(&format!("{}/signin", self.tenant.url), &fields).await?;
            return self.second_factor(response).await;
        }
        if let Some(handle) = waiting(&response, "password") {
            let fields = [("stateToken", handle.as_str()), ("username", username), ("password", password)];
            response = self.submit(&format!("{}/signin", self.tenant.url), &fields).await?;
        }
        self.second_factor(response).await
    }

    /// Presses *Cancel* when the org asks for a second factor, from now on or no
    /// longer. Then [`Browser::sign_in`] ends at the app with `error=access_denied`.
    ///
    /// ```
    /// # async fn example(step_up: &str) -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::start().await?;
    /// let response = org.browser().refuse_second_factor(true).sign_in(step_up, okta_auth_dev::ADA).await?;
    /// assert_eq!(response.param("error").as_deref(), Some("access_denied"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn refuse_second_factor(&mut self, refuse: bool) -> &mut Self {
        self.refuses = refuse;
        self
    }

    /// Takes the second step, if the response is the page that asks for it.
    async fn second_factor(&mut self, response: Response) -> Result<Response, Error> {
        let Some(handle) = waiting(&response, "passcode") else { return Ok(response) };
        let Response::Page { body, .. } = &response else { return Ok(response) };
        let passcode = html::text(body, "passcode-hint").unwrap_or_default();
        let action = if self.refuses { "cancel" } else { "verify" };
        let fields = [("stateToken", handle.as_str()), ("passcode", passcode.as_str()), ("action", action)];
        self.submit(&format!("{}/signin/verify", self.tenant.url), &fields).await
    }

    /// Opens a URL of the org.
    ///
    /// # Errors
    ///
    /// As [`Browser::sign_in`].
    ///
    /// For sign-out with a link, and for requests that a session answers.
    pub async fn open(&mut self, url: &str) -> Result<Response, Error> {
        let url = parsed(url)?;
        self.send(http::Request::get(&url)).await
    }

    /// Posts a form to a URL of the org.
    ///
    /// # Errors
    ///
    /// As [`Browser::sign_in`].
    ///
    /// For sign-out with a form, which keeps the ID token out of the address bar.
    pub async fn submit(&mut self, url: &str, fields: &[(&str, &str)]) -> Result<Response, Error> {
        let url = parsed(url)?;
        self.send(http::Request::post(&url, fields)).await
    }

    /// Whether there is an Okta session (as far as the browser knows).
    pub fn has_session(&self) -> bool {
        self.cookies.contains_key("idx")
    }

    /// One request, and what the browser makes of the answer.
    async fn send(&mut self, request: http::Request<'_>) -> Result<Response, Error> {
        let answer = http::exchange(self.address, &request.cookies(&self.cookies)).await?;
        self.keep_cookies(&answer);
        if let (300..=399, Some(location)) = (answer.status, answer.header("location")) {
            return Ok(Response::Redirect(location.to_owned()));
        }
        let frames = html::frames(&answer.body);
        if !frames.is_empty() {
            return Ok(Response::FrontChannel { frames, next: html::link(&answer.body, "next") });
        }
        if let Some((message, origin)) = html::message(&answer.body) {
            let fields = message.into_iter().map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned()));
            return Ok(Response::PostMessage { origin, fields: fields.collect() });
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

/// The address that a test typed in.
fn parsed(url: &str) -> Result<Url, Error> {
    Url::parse(url).map_err(|error| Error::browser(format_args!("`{url}` is no URL")).because(error))
}

/// The handle of a page that waits for this field for the first time.
fn waiting(response: &Response, field: &str) -> Option<String> {
    let Response::Page { status: 200, body } = response else { return None };
    html::field(body, field).and_then(|_| html::field(body, "stateToken"))
}
