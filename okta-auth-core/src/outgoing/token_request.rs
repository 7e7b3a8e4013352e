//! What a token is requested for.

use std::fmt;
use std::sync::Arc;

use crate::protocol::TokenParameters;

/// The scopes, the audience, the resource and the authorization server of a token for another API.
///
/// Two requests are equal if the same token answers both: the order of the scopes does not matter, everything else
/// does. Create a request once and reuse it, because its clones are cheap.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::outgoing::TokenRequest;
///
/// let request = TokenRequest::new(["orders:write", "orders:read"]);
/// assert_eq!(request, TokenRequest::new(["orders:read orders:write"]));
/// assert_ne!(request, request.clone().audience("api://orders"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TokenRequest(Arc<Parameters>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Parameters {
    /// As sent, in alphabetical order.
    scopes: String,
    audience: Option<String>,
    resource: Option<String>,
    issuer: Option<String>,
}

impl TokenRequest {
    /// Requests these scopes. Without scopes the authorization server grants its default scopes, if it has any.
    pub fn new<S: AsRef<str>>(scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes: Vec<S> = scopes.into_iter().collect();
        let mut words: Vec<&str> = scopes.iter().flat_map(|scope| scope.as_ref().split_ascii_whitespace()).collect();
        words.sort_unstable();
        words.dedup();
        Self(Arc::new(Parameters { scopes: words.join(" "), audience: None, resource: None, issuer: None }))
    }

    /// Requests a token for this audience. A token exchange at Okta requires it. In other requests Okta ignores it,
    /// because a custom authorization server has one audience.
    #[must_use]
    pub fn audience(self, audience: impl Into<String>) -> Self {
        Self(Arc::new(Parameters { audience: Some(audience.into()), ..Arc::unwrap_or_clone(self.0) }))
    }

    /// Requests a token for the API with this URL (RFC 8707 §2), for an authorization server that issues tokens for
    /// several APIs. Okta supports the parameter only in Cross App Access, and ignores or rejects it elsewhere.
    #[must_use]
    pub fn resource(self, resource: impl Into<String>) -> Self {
        Self(Arc::new(Parameters { resource: Some(resource.into()), ..Arc::unwrap_or_clone(self.0) }))
    }

    /// Requests the token at another authorization server of the same org, such as
    /// `https://acme.okta.com/oauth2/billing`. The default is the application's own issuer.
    ///
    /// At Okta an authorization server has one audience, so an API with another audience has another server. The
    /// application's credentials are never sent to another org.
    #[must_use]
    pub fn issuer(self, issuer: impl Into<String>) -> Self {
        Self(Arc::new(Parameters { issuer: Some(issuer.into()), ..Arc::unwrap_or_clone(self.0) }))
    }

    pub(super) fn parameters(&self) -> TokenParameters<'_> {
        let Parameters { scopes, audience, resource, .. } = &*self.0;
        TokenParameters { scopes, audience: audience.as_deref(), resource: resource.as_deref() }
    }

    /// The authorization server, if it is not the application's own.
    pub(super) fn other_issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TokenParameters { scopes, audience, resource } = self.parameters();
        let mut shown = f.debug_struct("TokenRequest");
        shown.field("scopes", &scopes).field("audience", &audience).field("resource", &resource);
        shown.field("issuer", &self.other_issuer()).finish()
    }
}
