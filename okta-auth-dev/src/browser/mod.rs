//! A headless browser with the features that sign-in at the org needs.
//!
//! Tests send requests to their app with any HTTP client. This browser handles the org's side, where it fills in forms
//! and keeps a session cookie.

mod html;
pub(crate) mod http;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use url::{Url, form_urlencoded};

use crate::error::Error;
use crate::org_state::OrgState;

/// Where the browser goes after a request to the org.
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
    /// The org redirects to this URL.
    ///
    /// For an app this is a GET with `code` and `state`, or with `error`, in the query.
    Redirect(String),
    /// The page submits a form to the app (`response_mode=form_post`).
    ///
    /// The POST is cross-site, so the browser does not send cookies with `SameSite=Lax`.
    FormPost {
        /// Where the form is posted to.
        action: String,
        /// The fields, in order.
        fields: Vec<(String, String)>,
    },
    /// The page posts a message to the window that opened or framed it (`response_mode=okta_post_message`).
    PostMessage {
        /// The origin that may receive the message.
        origin: String,
        /// The members of the message.
        fields: Vec<(String, String)>,
    },
    /// The sign-out page, which notifies other apps in hidden frames.
    FrontChannel {
        /// The URLs of the frames.
        frames: Vec<String>,
        /// The post-logout redirect URI, if the request has one.
        next: Option<String>,
    },
    /// The org shows a page.
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
    /// Returns where the browser goes next: the target of the redirect or of the form.
    ///
    /// Returns `None` for a page.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Redirect(url) => Some(url),
            Self::FormPost { action, .. } => Some(action),
            Self::PostMessage { origin, .. } => Some(origin),
            Self::FrontChannel { next, .. } => next.as_deref(),
            Self::Page { .. } => None,
        }
    }

    /// Returns a parameter of the response, from the query, the fragment, the form, or the message.
    ///
    /// Returns the first value if the parameter appears several times.
    pub fn param(&self, name: &str) -> Option<String> {
        self.params().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Returns all parameters of the response, in order.
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

/// A browser with cookies for the org's side of sign-in, single sign-on and sign-out.
///
/// It does not follow redirects and does not visit the app; each [`Response`] says where the browser would go.
///
/// ```
/// # async fn example(login: &str, silent: &str) -> Result<(), okta_auth_dev::Error> {
/// use okta_auth_dev::{ADA, Org};
///
/// let org = Org::start().await?;
/// let mut browser = org.browser();
/// browser.sign_in(login, ADA).await?;
/// // The Okta session of Ada suffices: no password, no page.
/// let again = browser.open(silent).await?;
/// assert!(again.param("code").is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Browser {
    /// For looking up passwords.
    org: Arc<OrgState>,
    /// The target of every connection, regardless of the name in the URL.
    address: SocketAddr,
    /// By name only: the org sets few cookies, all with path `/`.
    cookies: BTreeMap<String, String>,
    refuses: bool,
    denies_devices: bool,
}

impl Browser {
    pub(crate) fn new(org: Arc<OrgState>, address: SocketAddr) -> Self {
        Self { org, address, cookies: BTreeMap::new(), refuses: false, denies_devices: false }
    }

    /// Opens the URL that an app redirects to, and signs in if the sign-in page appears. With an Okta session it does
    /// not appear. If the org requires a second factor, the browser reads the code from the page and submits it.
    ///
    /// # Errors
    ///
    /// If the server does not respond, or the URL does not belong to this org.
    pub async fn sign_in(&mut self, authorize_url: &str, username: &str) -> Result<Response, Error> {
        let password = self.org.user(username).map(|user| user.password).unwrap_or_default();
        self.sign_in_with(authorize_url, username, &password).await
    }

    /// Signs in like [`Browser::sign_in`], with a password that may be wrong. A wrong password returns the page with
    /// the error.
    ///
    /// # Errors
    ///
    /// See [`Browser::sign_in`].
    pub async fn sign_in_with(
        &mut self,
        authorize_url: &str,
        username: &str,
        password: &str,
    ) -> Result<Response, Error> {
        let mut response = self.open(authorize_url).await?;
        if let Some(handle) = waiting(&response, "identifier") {
            let fields = [("stateToken", handle.as_str()), ("identifier", username)];
            response = self.submit(&format!("{}/signin/identify", self.org.url), &fields).await?;
        }
        if let Some(handle) = waiting(&response, "credentials.passcode") {
            let fields =
                [("stateToken", handle.as_str()), ("identifier", username), ("credentials.passcode", password)];
            let response = self.submit(&format!("{}/signin", self.org.url), &fields).await?;
            return self.second_factor(response).await;
        }
        if let Some(handle) = waiting(&response, "password") {
            let fields = [("stateToken", handle.as_str()), ("username", username), ("password", password)];
            response = self.submit(&format!("{}/signin", self.org.url), &fields).await?;
        }
        self.second_factor(response).await
    }

    /// Sets whether the browser presses *Cancel* when the org asks for a second factor. Then [`Browser::sign_in`] ends
    /// at the app with `error=access_denied`.
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

    /// Connects a device (RFC 8628): opens the verification URI, signs in if necessary, enters the user code, and
    /// allows the request. Returns the last page.
    ///
    /// # Errors
    ///
    /// See [`Browser::sign_in`].
    ///
    /// ```
    /// # async fn example(verification_uri: &str, user_code: &str) -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::start().await?;
    /// // ... a command-line program prints the address and the code ...
    /// org.browser().activate(verification_uri, user_code, okta_auth_dev::ADA).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn activate(&mut self, uri: &str, user_code: &str, username: &str) -> Result<Response, Error> {
        let mut response = self.sign_in(uri, username).await?;
        if let Response::Redirect(next) = &response {
            response = self.open(&next.clone()).await?;
        }
        if shows(&response, "user_code") {
            response = self.submit(&format!("{}/activate", self.org.url), &[("user_code", user_code)]).await?;
        }
        let Some(handle) = waiting(&response, "device") else { return Ok(response) };
        let action = if self.denies_devices { "deny" } else { "allow" };
        let fields = [("stateToken", handle.as_str()), ("action", action)];
        self.submit(&format!("{}/activate/decide", self.org.url), &fields).await
    }

    /// Sets whether [`Browser::activate`] refuses to connect the device.
    pub fn deny_devices(&mut self, deny: bool) -> &mut Self {
        self.denies_devices = deny;
        self
    }

    /// Submits the second step if the response is its page.
    async fn second_factor(&mut self, response: Response) -> Result<Response, Error> {
        let Some(handle) = waiting(&response, "passcode") else { return Ok(response) };
        let Response::Page { body, .. } = &response else { return Ok(response) };
        let passcode = html::text(body, "passcode-hint").unwrap_or_default();
        let action = if self.refuses { "cancel" } else { "verify" };
        let fields = [("stateToken", handle.as_str()), ("passcode", passcode.as_str()), ("action", action)];
        self.submit(&format!("{}/signin/verify", self.org.url), &fields).await
    }

    /// Opens a URL of the org, for sign-out with a link and for requests that a session can complete.
    ///
    /// # Errors
    ///
    /// See [`Browser::sign_in`].
    pub async fn open(&mut self, url: &str) -> Result<Response, Error> {
        let url = parsed(url)?;
        self.send(http::Request::get(&url)).await
    }

    /// Posts a form to a URL of the org, for sign-out with a form, which keeps the ID token out of the address bar.
    ///
    /// # Errors
    ///
    /// See [`Browser::sign_in`].
    pub async fn submit(&mut self, url: &str, fields: &[(&str, &str)]) -> Result<Response, Error> {
        let url = parsed(url)?;
        self.send(http::Request::post(&url, fields)).await
    }

    /// Whether the browser has the cookie of an Okta session.
    pub fn has_session(&self) -> bool {
        self.cookies.contains_key("idx")
    }

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

fn parsed(url: &str) -> Result<Url, Error> {
    Url::parse(url).map_err(|error| Error::browser(format_args!("`{url}` is not a URL")).because(error))
}

/// Whether the response is a page with this field and without an error.
fn shows(response: &Response, field: &str) -> bool {
    matches!(response, Response::Page { status: 200, body } if html::field(body, field).is_some())
}

/// Returns the state handle of a page that shows this field without an error.
fn waiting(response: &Response, field: &str) -> Option<String> {
    let Response::Page { status: 200, body } = response else { return None };
    html::field(body, field).and_then(|_| html::field(body, "stateToken"))
}
