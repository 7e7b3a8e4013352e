//! Switches of an org: what it trusts, and which of two behaviours it has.

use super::OrgBuilder;

/// Switches that an org keeps while it runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Origins whose scripts may read answers, besides those of redirect URIs.
    pub(crate) trusted_origins: Vec<String>,
    /// Identity providers that `idp` may name, besides the org itself.
    pub(crate) identity_providers: Vec<String>,
    /// Whether `okta_post_message` is refused with a code.
    pub(crate) refuse_post_message: bool,
    /// Whether cookies are `SameSite=None; Secure` on plain HTTP, too.
    pub(crate) cross_site_cookies: bool,
    /// Whether the password has a page of its own.
    pub(crate) identifier_first: bool,
    /// Whether generated client secrets are the same in every run.
    pub(crate) stable_secrets: bool,
}

impl OrgBuilder {
    /// Trusts an origin: its scripts may read metadata, keys, tokens and userinfo (CORS).
    /// The origins of registered redirect URIs are trusted without it.
    ///
    /// ```
    /// use okta_auth_dev::OrgBuilder;
    ///
    /// let builder = OrgBuilder::default().trusted_origin("http://localhost:5173");
    /// ```
    pub fn trusted_origin(mut self, origin: impl AsRef<str>) -> Self {
        self.options.trusted_origins.push(origin.as_ref().trim_end_matches('/').to_owned());
        self
    }

    /// Adds an identity provider that an authorization request may name in `idp`. The
    /// org's own sign-in page stands for it, and ID tokens name it in the claim `idp`.
    /// Any other value of `idp` is refused, as at Okta.
    ///
    /// ```
    /// use okta_auth_dev::OrgBuilder;
    ///
    /// let builder = OrgBuilder::default().identity_provider("0oagoogle0000000001");
    /// ```
    pub fn identity_provider(mut self, id: impl Into<String>) -> Self {
        self.options.identity_providers.push(id.into());
        self
    }

    /// Refuses `response_mode=okta_post_message` with a code, or no longer.
    ///
    /// By default a request with PKCE may use it, because Okta's own JavaScript SDK does.
    /// Okta's table of errors says that a code cannot be delivered this way; with this
    /// switch the org does as the table says.
    pub fn refuse_post_message(mut self, refuse: bool) -> Self {
        self.options.refuse_post_message = refuse;
        self
    }

    /// Marks the session cookie `SameSite=None; Secure` on plain HTTP, too, or no longer.
    ///
    /// Okta's cookies have these attributes, so a frame of another site can renew
    /// silently. On plain HTTP the cookie is `SameSite=Lax` by default, because Safari
    /// and many scripted clients drop `Secure` cookies there.
    pub fn cross_site_cookies(mut self, yes: bool) -> Self {
        self.options.cross_site_cookies = yes;
        self
    }

    /// Generates the same client secrets in every run, or no longer.
    ///
    /// By default they are random. With stable ones an app that was configured by hand
    /// keeps working after a restart of the org. They protect nothing, because anybody can
    /// compute them.
    pub fn stable_secrets(mut self, stable: bool) -> Self {
        self.options.stable_secrets = stable;
        self
    }

    /// Asks for the username first and for the password on a second page, or no longer.
    ///
    /// Okta Identity Engine does this by default. The fields have its names: `identifier`
    /// and `credentials.passcode`.
    pub fn identifier_first(mut self, yes: bool) -> Self {
        self.options.identifier_first = yes;
        self
    }
}
