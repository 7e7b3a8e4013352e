//! Settings for proofs of possession at this API (DPoP, RFC 9449).

use super::ConfigBuilder;

impl ConfigBuilder {
    /// Accepts only access tokens that are bound to a key of their client, with a proof of that key (DPoP, RFC 9449).
    /// By default, bound tokens need a proof, and other tokens are accepted after `Bearer`.
    ///
    /// Turn on "Require Demonstrating Proof of Possession (DPoP) header in token requests" for every client at Okta
    /// that calls this API. For single routes, use the policy `bound()`.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// use okta_auth::OktaAuth;
    ///
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// let auth = OktaAuth::builder()
    ///     .issuer("https://dev-12345678.okta.com/oauth2/default")
    ///     .client_id("0oa1abcdXYZ2efGhI5d7")
    ///     .base_url("https://api.example.com") // proofs are for URLs of this origin
    ///     .api_only()
    ///     .require_dpop()
    ///     .build()?;
    /// # drop(auth); Ok(())
    /// # }
    /// ```
    pub fn require_dpop(mut self) -> Self {
        self.options.require_dpop = true;
        self
    }
}
