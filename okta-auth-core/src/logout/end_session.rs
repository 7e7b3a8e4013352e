//! The request that ends the session at the provider (OIDC RP-Initiated Logout §2).
//!
//! It is a redirect if its URL is short enough, and otherwise a form with the same parameters: an ID token with many
//! groups makes a URL that servers reject with 414. The specification allows both, and Okta accepts both.

use url::Url;

use crate::config::Config;
use crate::discovery::Metadata;
use crate::secret::Secret;

/// The longest URL of a redirect, in bytes. Servers commonly accept a request line of 8 KiB, which also has a method
/// and a version.
const MAX_LOCATION: usize = 8_000;

/// A logout request to the provider. `Debug` shows no parameters.
#[derive(Debug)]
pub(crate) struct EndSession {
    endpoint: Url,
    id_token: Secret,
    landing: String,
    state: Secret,
}

impl EndSession {
    /// Builds the request. The ID token may have expired. Returns `None` if the provider has no end-session endpoint.
    ///
    /// Okta requires the ID token as a hint: without it Okta's session stays alive.
    pub(crate) fn new(config: &Config, metadata: &Metadata, id_token: Secret, state: Secret) -> Option<Self> {
        let endpoint = metadata.end_session_endpoint()?.clone();
        Some(Self { endpoint, id_token, landing: config.app.post_logout_redirect_uri.as_str().to_owned(), state })
    }

    /// The URL of the redirect; `None` if it is too long.
    pub(crate) fn location(&self) -> Option<String> {
        let mut url = self.endpoint.clone();
        url.query_pairs_mut().extend_pairs(self.parameters());
        Some(String::from(url)).filter(|url| url.len() <= MAX_LOCATION)
    }

    /// The target of the form, with a query if the endpoint has one.
    pub(crate) fn action(&self) -> &str {
        self.endpoint.as_str()
    }

    pub(crate) fn parameters(&self) -> [(&'static str, &str); 3] {
        [
            ("id_token_hint", self.id_token.expose()),
            ("post_logout_redirect_uri", &self.landing),
            ("state", self.state.expose()),
        ]
    }
}
