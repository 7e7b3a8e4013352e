//! Settings for proofs of possession at this API (DPoP, RFC 9449).

use std::time::Duration;

use super::durations::NONCE_LIFETIME;
use super::problem::Diagnostics;
use super::secrets::SecretUse;
use super::{ConfigBuilder, env};

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

    /// Requires a nonce of this API in each proof (RFC 9449 §9), which is valid for `lifetime`, from 10 s to 24 h;
    /// `OKTA_DPOP_NONCE_LIFETIME`. By default proofs need no nonce.
    ///
    /// With nonces, an attacker who can use a client's key for a moment cannot prepare proofs for later use. The first
    /// request of a client is answered with 401 `use_dpop_nonce` and a nonce, and the client repeats the request with
    /// that nonce. In the second half of a nonce's lifetime, responses contain the next nonce.
    ///
    /// Nonces are sealed with the [`cookie_secret`](Self::cookie_secret), so the replicas of an API need the same one.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// use std::time::Duration;
    ///
    /// use okta_auth::OktaAuth;
    ///
    /// # fn vault(_: &str) -> &'static str { "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa" }
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// let auth = OktaAuth::builder()
    ///     .issuer("https://dev-12345678.okta.com/oauth2/default")
    ///     .base_url("https://api.example.com")
    ///     .api_only()
    ///     .cookie_secret(vault("api-secret")) // as `openssl rand -base64 48` makes it
    ///     .require_dpop_nonce(Duration::from_secs(300))
    ///     .build()?;
    /// # drop(auth); Ok(())
    /// # }
    /// ```
    pub fn require_dpop_nonce(mut self, lifetime: Duration) -> Self {
        self.options.dpop_nonce_lifetime = Some(lifetime);
        self
    }

    pub(super) fn check_nonce_lifetime(&self, findings: &mut Diagnostics) {
        let lifetime = self.options.dpop_nonce_lifetime;
        if lifetime.is_some_and(|lifetime| !NONCE_LIFETIME.contains(&lifetime.as_secs())) {
            findings.error(env::DPOP_NONCE_LIFETIME, "nonces for DPoP proofs are valid from 10 seconds to 24 hours");
        }
    }

    /// What the cookie secrets are for.
    pub(super) fn secret_use(&self) -> SecretUse {
        let has_nonces = self.options.dpop_nonce_lifetime.is_some();
        match (self.api_only, has_nonces || self.variables.value(env::DPOP_NONCE_LIFETIME).is_some()) {
            (false, _) => SecretUse::Sessions,
            (true, true) => SecretUse::Nonces,
            (true, false) => SecretUse::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::error::Result;

    const SECRET: &str = "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa";

    fn api(base: &str, variables: &[(&str, &str)]) -> ConfigBuilder {
        let issuer = ("OKTA_ISSUER_URI", "https://acme.okta.com/oauth2/default");
        let variables = variables.iter().copied().chain([issuer, ("OKTA_BASE_URL", base)]);
        ConfigBuilder::from_variables(variables).api_only()
    }

    fn lifetime(config: ConfigBuilder) -> Result<Option<u64>, String> {
        let read = |config: Config| config.app.options.dpop_nonce_lifetime.map(|lifetime| lifetime.as_secs());
        config.build().map(read).map_err(|error| error.to_string())
    }

    #[test]
    fn the_lifetime_of_nonces_has_bounds() {
        let variable = |value| api("https://api.example.com", &[("OKTA_DPOP_NONCE_LIFETIME", value)]);
        let code = |seconds| api("https://api.example.com", &[]).require_dpop_nonce(Duration::from_secs(seconds));
        assert_eq!(lifetime(api("https://api.example.com", &[])), Ok(None));
        for (config, expected) in
            [(variable("5m"), 300), (variable("10"), 10), (variable("24h"), 86_400), (code(10), 10)]
        {
            assert_eq!(lifetime(config.cookie_secret(SECRET)), Ok(Some(expected)));
        }
        assert_eq!(lifetime(variable("5m").require_dpop_nonce(Duration::from_secs(60))), Ok(Some(60)), "code first");
        for config in [variable("9s"), variable("25h"), variable("0"), code(0), code(9), code(86_401)] {
            assert!(lifetime(config).unwrap_err().contains("OKTA_DPOP_NONCE_LIFETIME"));
        }
        assert!(lifetime(variable("on")).unwrap_err().contains("is not a time"));
    }

    #[test]
    fn the_secret_of_nonces_is_checked_like_that_of_cookies() {
        let variables = [("OKTA_DPOP_NONCE_LIFETIME", "5m")];
        let nonces = || api("https://api.example.com", &variables);
        let weak = "0123456789abcdef0123456789abcdef";
        assert!(nonces().cookie_secret(weak).build().unwrap_err().to_string().contains("repeats itself"));
        assert!(api("https://api.example.com", &[]).cookie_secret(weak).build().is_ok(), "it seals nothing");
        assert_eq!(nonces().cookie_secret(SECRET).build().unwrap().warnings(), []);
        let missing = nonces().build().unwrap();
        assert!(missing.warnings()[0].message.contains("nonces for DPoP proofs"), "{:?}", missing.warnings());
        assert_eq!(api("https://api.example.com", &[]).build().unwrap().warnings(), []);
    }
}
