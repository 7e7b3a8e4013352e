//! Switches of an org: trusted origins, identity providers, and optional behaviours.

use super::OrgBuilder;

impl OrgBuilder {
    /// Trusts an origin: its scripts may read metadata, keys, tokens and userinfo (CORS).
    /// The origins of registered redirect URIs are always trusted.
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
    /// org's own sign-in page acts for it, and ID tokens name it in the claim `idp`.
    /// Other values of `idp` are rejected, as at Okta.
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

    /// Sets whether `response_mode=okta_post_message` is rejected for a code.
    ///
    /// By default a request with PKCE may use it, because Okta's own JavaScript SDK does.
    /// Okta's table of errors says that a code cannot be delivered this way; with this
    /// switch the org follows the table.
    pub fn refuse_post_message(mut self, refuse: bool) -> Self {
        self.options.refuse_post_message = refuse;
        self
    }

    /// Sets whether the session cookie is `SameSite=None; Secure` on plain HTTP as well.
    ///
    /// Okta's cookies have these attributes, so a frame of another site can renew tokens
    /// silently. On plain HTTP the cookie is `SameSite=Lax` by default, because Safari
    /// and many scripted clients drop `Secure` cookies there.
    pub fn cross_site_cookies(mut self, yes: bool) -> Self {
        self.options.cross_site_cookies = yes;
        self
    }

    /// Sets whether generated client secrets are stable across runs.
    ///
    /// By default they are random. With stable secrets, an app that was configured by
    /// hand keeps working after a restart of the org. Stable secrets protect nothing,
    /// because they can be computed from the client id.
    pub fn stable_secrets(mut self, stable: bool) -> Self {
        self.options.stable_secrets = stable;
        self
    }

    /// Sets whether the sign-in page asks for the username first and for the password on
    /// a second page.
    ///
    /// Okta Identity Engine does this by default. The fields have its names: `identifier`
    /// and `credentials.passcode`.
    pub fn identifier_first(mut self, yes: bool) -> Self {
        self.options.identifier_first = yes;
        self
    }
}
