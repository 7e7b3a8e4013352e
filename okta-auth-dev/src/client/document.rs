//! Clients that describe themselves: a client metadata document, or keys at a URL.

use serde_json::Value;

use super::{AuthMethod, Client};
use crate::grant_type::GrantType;

/// What a client published.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PublishedDetails {
    /// `None` for a client that publishes only its keys.
    pub(crate) registration: Option<Registration>,
    /// The public keys.
    pub(crate) jwks: Vec<Value>,
}

/// The members of a client metadata document that the org uses.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Registration {
    pub(crate) name: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) grant_types: Vec<GrantType>,
    pub(crate) auth_method: AuthMethod,
}

impl Client {
    /// Registers a client metadata document: the client id is the URL, and everything else is in the document, which
    /// the org fetches for each request.
    ///
    /// At Okta the URL must begin with `https:`. Here it must be an `http` URL on this machine, because the org
    /// contacts no other machines. A document needs `client_id`, which equals the URL, and `redirect_uris`. A
    /// confidential client also has `jwks` or `jwks_uri`, and authenticates with `private_key_jwt`; other clients use
    /// PKCE. Such clients work at custom servers only. A URL that was not registered is rejected.
    ///
    /// ```
    /// use okta_auth_dev::Client;
    ///
    /// let client = Client::metadata_document("http://localhost:3000/.well-known/client.json");
    /// assert_eq!(client.client_id, "http://localhost:3000/.well-known/client.json");
    /// ```
    pub fn metadata_document(url: impl Into<String>) -> Self {
        let url = url.into();
        let client = Self::public(url.clone()).label(url).grant_types([]);
        Self { is_metadata_document: true, ..client }
    }

    /// Fetches the public keys for [`AuthMethod::PrivateKeyJwt`] from this URL, for each request. It must be an `http`
    /// URL on this machine. The URL replaces stored keys.
    pub fn jwks_uri(mut self, url: impl Into<String>) -> Self {
        self.auth_method = AuthMethod::PrivateKeyJwt;
        self.client_secret = None;
        self.jwks_uri = Some(url.into());
        self.jwks.clear();
        self
    }

    /// Whether the org must fetch something before it handles a request of the client.
    pub(crate) fn publishes_details(&self) -> bool {
        self.is_metadata_document || self.jwks_uri.is_some()
    }

    /// The client with what it published.
    pub(crate) fn with_details(mut self, details: PublishedDetails) -> Self {
        self.jwks = details.jwks;
        if let Some(registration) = details.registration {
            self.name = registration.name.unwrap_or(self.name);
            self.redirect_uris = registration.redirect_uris;
            self.grant_types = registration.grant_types;
            self.auth_method = registration.auth_method;
            self.pkce_required = registration.auth_method == AuthMethod::None;
        }
        self
    }
}
