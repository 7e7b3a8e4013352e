//! The request that ends the session at the provider (OIDC RP-Initiated Logout §2).
//!
//! It is a redirect if its URL is short enough, and otherwise a form with the same parameters: an ID token with many
//! groups makes a URL that servers reject with 414. The specification allows both, and Okta accepts both.

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::config::Config;
use crate::discovery::Metadata;
use crate::jose::unverified_claims;
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
    client_id: Option<String>,
}

impl EndSession {
    /// Builds the request. The ID token may have expired. Returns `None` if the provider has no end-session endpoint.
    ///
    /// Okta requires the ID token as a hint: without it Okta's session stays alive.
    pub(crate) fn new(config: &Config, metadata: &Metadata, id_token: Secret, state: Secret) -> Option<Self> {
        let endpoint = metadata.end_session_endpoint()?.clone();
        let landing = config.app.post_logout_redirect_uri.as_str().to_owned();
        let client_id = has_list_of_audiences(&id_token).then(|| config.client_id.clone());
        Some(Self { endpoint, id_token, landing, state, client_id })
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

    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let parameters = [
            ("id_token_hint", self.id_token.expose()),
            ("post_logout_redirect_uri", &self.landing),
            ("state", self.state.expose()),
        ];
        let client_id = self.client_id.as_deref().map(|client_id| ("client_id", client_id));
        parameters.into_iter().chain(client_id)
    }
}

/// Whether the request needs `client_id`: providers cannot derive the client from a list of audiences, and then do not
/// redirect back (OIDC RP-Initiated Logout §2). Okta does not document the parameter, and its `aud` is always a string.
fn has_list_of_audiences(id_token: &Secret) -> bool {
    #[derive(Deserialize)]
    struct Claims {
        aud: Value,
    }
    unverified_claims::<Claims>(id_token.expose()).is_some_and(|claims| claims.aud.is_array())
}
