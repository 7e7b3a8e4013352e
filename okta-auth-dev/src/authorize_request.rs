//! The authorization request, after its validation.
//!
//! Sign-in pages keep it until the user has authenticated.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ResponseMode {
    #[default]
    Query,
    /// In the fragment of a redirect, for scripts of the app.
    Fragment,
    FormPost,
    /// In a message that a page posts to the window that opened or framed it (`okta_post_message`).
    PostMessage,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AuthorizeRequest {
    /// The authorization server that received the request.
    pub(crate) server: String,
    pub(crate) client_id: String,
    /// One of the registered redirect URIs; a path at the org for its own pages.
    pub(crate) redirect_uri: String,
    pub(crate) response_mode: ResponseMode,
    /// Returned unchanged. It is `None` only in a request that is rejected for the missing state.
    pub(crate) state: Option<String>,
    /// Copied into the ID token. Optional with a code.
    pub(crate) nonce: Option<String>,
    pub(crate) scopes: Vec<String>,
    /// The PKCE challenge, which the exchange verifies.
    pub(crate) challenge: Option<String>,
    /// The thumbprint of the key that the exchange must prove to have (RFC 9449 §10).
    pub(crate) dpop_jkt: Option<String>,
    /// The values of `prompt`.
    pub(crate) prompt: Vec<String>,
    /// The maximum age of the authentication, in seconds.
    pub(crate) max_age: Option<i64>,
    /// The initial value of the username field.
    pub(crate) login_hint: Option<String>,
    /// Requested levels, the preferred one first.
    pub(crate) acr_values: Vec<String>,
    /// The identity provider that authenticates the user if there is no session.
    pub(crate) idp: Option<String>,
}

impl AuthorizeRequest {
    pub(crate) fn prompts(&self, value: &str) -> bool {
        self.prompt.iter().any(|prompt| prompt == value)
    }

    /// Whether an authentication at this time suffices without another password prompt.
    ///
    /// The age is counted in whole seconds of the virtual clock. `consent` has no effect, because there is no consent
    /// page.
    pub(crate) fn accepts(&self, auth_time: i64, now: i64) -> bool {
        // 0 always requires the password, even within the same second.
        let young = self.max_age.is_none_or(|max_age| max_age > 0 && now - auth_time <= max_age);
        young && !self.prompts("login")
    }
}
