//! The client.

use http::Method;
use url::Url;

use super::path::resource;
use super::request::ApiRequest;
use super::sender::Sender;
use crate::error::Result;
use crate::outgoing::Outgoing;

/// A client of the API of one org. Clones are cheap, and share tokens, connections and the state of rate limits.
///
/// ```no_run
/// # use okta_auth_core as okta_auth;
/// use okta_auth::okta_api::OktaApi;
/// use okta_auth::outgoing::Outgoing;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct User { id: String, profile: Profile }
///
/// #[derive(Deserialize)]
/// struct Profile { login: String }
///
/// # async fn run() -> Result<(), okta_auth::Error> {
/// let outgoing = Outgoing::from_env()?; // OKTA_ISSUER_URI, OKTA_CLIENT_ID, OKTA_PRIVATE_KEY
/// let api = OktaApi::new(&outgoing, ["okta.users.read"])?;
/// let mut users = api.get(["users"]).query("limit", "200").list::<User>();
/// while let Some(user) = users.next().await {
///     println!("{}", user?.profile.login);
/// }
/// let user: User = api.get(["users", "ada@example.com"]).json().await?;
/// api.post(["users", &user.id, "lifecycle", "suspend"]).send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct OktaApi {
    sender: Sender,
    /// Ends with `/api/v1/`.
    base: Url,
}

impl OktaApi {
    /// Creates the client for the org of the configured issuer, with these `okta.*` scopes. No request is sent.
    ///
    /// The scopes must be granted to the application at Okta, and the application needs an administrator role. Its
    /// credential must be a private key, unless it is a published API integration.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid) if the issuer has no host.
    pub fn new<S: AsRef<str>>(outgoing: &Outgoing, scopes: impl IntoIterator<Item = S>) -> Result<Self> {
        let (sender, base) = Sender::new(outgoing, scopes)?;
        Ok(Self { sender, base })
    }

    /// Sets how often a request is retried after a rate limit, a server error or a broken connection; 3 times by
    /// default. A retry may wait for a minute, so a handler of a web app uses 0 and returns the error.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.sender.max_retries = retries;
        self
    }

    /// Sets the maximum size of a response in bytes; 16 MiB by default. Okta's pages of groups have up to 10,000
    /// entries; a smaller `limit` makes them shorter.
    pub fn max_response_size(mut self, bytes: usize) -> Self {
        self.sender.limit_responses(bytes);
        self
    }

    /// Creates a GET request. The path follows `/api/v1`, one item for each segment, and each segment is escaped:
    /// `["users", login, "groups"]`.
    pub fn get<S: AsRef<str>>(&self, path: impl IntoIterator<Item = S>) -> ApiRequest {
        self.request(Method::GET, path)
    }

    /// Creates a POST request, to create something or to act on it. See [`get`](Self::get) for the path.
    pub fn post<S: AsRef<str>>(&self, path: impl IntoIterator<Item = S>) -> ApiRequest {
        self.request(Method::POST, path)
    }

    /// Creates a PUT request, to replace something. See [`get`](Self::get) for the path.
    pub fn put<S: AsRef<str>>(&self, path: impl IntoIterator<Item = S>) -> ApiRequest {
        self.request(Method::PUT, path)
    }

    /// Creates a DELETE request. See [`get`](Self::get) for the path.
    pub fn delete<S: AsRef<str>>(&self, path: impl IntoIterator<Item = S>) -> ApiRequest {
        self.request(Method::DELETE, path)
    }

    fn request<S: AsRef<str>>(&self, method: Method, path: impl IntoIterator<Item = S>) -> ApiRequest {
        ApiRequest::new(self.sender.clone(), method, resource(&self.base, path))
    }
}

opaque_debug!(OktaApi, |it| base: it.base.as_str());
