//! Switches of an org: trusted origins, identity providers, and optional behaviours.

use std::time::Duration;

use super::OrgBuilder;
use super::overrides::RequiredDpop;
use crate::client::push_new;

impl OrgBuilder {
    /// Trusts an origin: its scripts may read metadata, keys, tokens and userinfo (CORS). The origins of registered
    /// redirect URIs are always trusted.
    ///
    /// ```
    /// use okta_auth_dev::OrgBuilder;
    ///
    /// let builder = OrgBuilder::default().trusted_origin("http://localhost:5173");
    /// ```
    pub fn trusted_origin(mut self, origin: impl AsRef<str>) -> Self {
        push_new(&mut self.options.trusted_origins, origin.as_ref().trim_end_matches('/').to_owned());
        self
    }

    /// Adds an identity provider that an authorization request may name in `idp`. The org's own sign-in page acts for
    /// it, and ID tokens name it in the claim `idp`. Other values of `idp` are rejected, as at Okta.
    ///
    /// ```
    /// use okta_auth_dev::OrgBuilder;
    ///
    /// let builder = OrgBuilder::default().identity_provider("0oagoogle0000000001");
    /// ```
    pub fn identity_provider(mut self, id: impl Into<String>) -> Self {
        push_new(&mut self.options.identity_providers, id.into());
        self
    }

    /// Sets whether `response_mode=okta_post_message` is rejected for a code.
    ///
    /// By default a request with PKCE may use it, because Okta's own JavaScript SDK does. Okta's table of errors says
    /// that a code cannot be delivered this way; with this switch the org follows the table.
    pub fn refuse_post_message(mut self, refuse: bool) -> Self {
        self.options.refuse_post_message = refuse;
        self
    }

    /// Sets whether the session cookie is `SameSite=None; Secure` on plain HTTP as well.
    ///
    /// Okta's cookies have these attributes, so a frame of another site can renew tokens silently. On plain HTTP the
    /// cookie is `SameSite=Lax` by default, because Safari and many scripted clients drop `Secure` cookies there.
    pub fn cross_site_cookies(mut self, yes: bool) -> Self {
        self.options.cross_site_cookies = yes;
        self
    }

    /// Sets whether all clients need DPoP proofs, see
    /// [`Client::dpop_bound_access_tokens`](crate::Client::dpop_bound_access_tokens). It replaces the setting of each
    /// client.
    pub fn require_dpop(mut self, required: bool) -> Self {
        self.overrides.dpop = Some(if required { RequiredDpop::All } else { RequiredDpop::None });
        self
    }

    /// Requires DPoP proofs of services and of no other clients, as Okta does for new apps.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::builder().require_dpop_of_services().start().await?;
    /// assert!(org.client_with_id(okta_auth_dev::SERVICE_CLIENT_ID).unwrap().dpop_bound_access_tokens);
    /// assert!(!org.client().dpop_bound_access_tokens);
    /// # Ok(())
    /// # }
    /// ```
    pub fn require_dpop_of_services(mut self) -> Self {
        self.overrides.dpop = Some(RequiredDpop::Services);
        self
    }

    /// Sets whether confidential clients must push their authorization requests (RFC 9126).
    pub fn require_par(mut self, required: bool) -> Self {
        self.overrides.par = required;
        self
    }

    /// Sets whether confidential clients must sign their authorization requests (RFC 9101).
    pub fn require_signed_requests(mut self, required: bool) -> Self {
        self.overrides.signed_requests = required;
        self
    }

    /// Replaces how long a nonce for DPoP proofs is handed out, 24 hours at Okta. The token endpoint accepts an old
    /// nonce for three such times after its issue, and sends the new one along.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let builder = okta_auth_dev::OrgBuilder::default().dpop_nonce_lifetime(Duration::from_secs(8 * 3600));
    /// ```
    pub fn dpop_nonce_lifetime(mut self, lifetime: Duration) -> Self {
        self.options.dpop_nonce_lifetime = Some(lifetime);
        self
    }

    /// Sets whether the org serves what RFCs define and other providers have, but Okta does not announce: `dpop_jkt`
    /// (RFC 9449 §10), ID tokens that are encrypted with ECDH-ES, `iss` in authorization responses (RFC 9207), and the
    /// issuer as the audience of client assertions.
    ///
    /// By default `dpop_jkt` is ignored like any unknown parameter.
    pub fn rfc_extensions(mut self, yes: bool) -> Self {
        self.options.rfc_extensions = yes;
        self
    }

    /// Sets whether generated client secrets are stable across runs.
    ///
    /// By default they are random. With stable secrets, an app that was configured by hand keeps working after a
    /// restart of the org. Stable secrets protect nothing, because they can be computed from the client id.
    pub fn stable_secrets(mut self, stable: bool) -> Self {
        self.options.stable_secrets = stable;
        self
    }

    /// Sets whether the sign-in page asks for the username first and for the password on a second page.
    ///
    /// Okta Identity Engine does this by default. The fields have its names: `identifier` and `credentials.passcode`.
    pub fn identifier_first(mut self, yes: bool) -> Self {
        self.options.identifier_first = yes;
        self
    }
}
