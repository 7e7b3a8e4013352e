//! The FAPI 2.0 Security Profile, for clients and APIs with high security requirements.

use std::time::Duration;

use url::Url;

use super::builder::ConfigBuilder;
use super::client_auth::{ClientAuth, RsaPadding};
use super::env::{self, CLIENT_SECRET, DPOP, ISSUER_URI, PRIVATE_KEY};
use super::options::DpopMode;
use super::problem::Diagnostics;
use crate::issuer::okta;

/// The algorithms of the profile (FAPI 2.0 Security Profile §5.4.1). EdDSA is Ed25519 here.
const ALGORITHMS: [&str; 3] = ["PS256", "ES256", "EdDSA"];

/// How far in the future the `iat` and `nbf` of a token may be (FAPI 2.0 Security Profile §5.3.2.1).
const LONGEST_LEEWAY: Duration = Duration::from_secs(60);

impl ConfigBuilder {
    /// Requires the FAPI 2.0 Security Profile of this application and of its provider.
    ///
    /// | rule | effect |
    /// |---|---|
    /// | pushed authorization requests | as [`par`](Self::par); a request URI that lives for 10 minutes or longer is refused |
    /// | `private_key_jwt` | the assertion's audience is the issuer; a secret or a public client is an error |
    /// | tokens that are bound to a key (DPoP) | as [`dpop(true)`](Self::dpop), and [`require_dpop`](Self::require_dpop) for the access tokens that clients present to this application |
    /// | the issuer in the authorization response (RFC 9207) | a response without `iss` is refused |
    /// | PS256, ES256 or EdDSA | tokens and DPoP proofs with other algorithms are refused; an RSA key signs with PS256 |
    ///
    /// A leeway of more than a minute is an error. If the provider's metadata lacks a part of the profile, each sign-in
    /// fails with [`Code::MetadataInvalid`](crate::error::Code::MetadataInvalid) before it reaches the browser.
    ///
    /// **Okta does not implement the profile**, so an issuer at one of Okta's domains is an error: Okta sends no `iss`,
    /// and requires the URL of the endpoint as the audience of assertions. The guide lists the parts that work at Okta.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// use okta_auth::config::ConfigBuilder;
    ///
    /// let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1").fapi2();
    /// let error = config.build().unwrap_err().to_string();
    /// assert!(error.contains("OKTA_ISSUER_URI: Okta does not implement FAPI 2.0"));
    /// assert!(error.contains("OKTA_PRIVATE_KEY: FAPI 2.0 clients authenticate with `private_key_jwt`"));
    /// ```
    pub fn fapi2(mut self) -> Self {
        self.options.fapi2 = true;
        self
    }

    /// Applies the profile, and checks that no other setting contradicts it. Returns how the client authenticates.
    pub(super) fn apply_fapi2(&mut self, auth: ClientAuth, findings: &mut Diagnostics) -> ClientAuth {
        if !self.options.fapi2 {
            check_without_fapi2(&auth, findings);
            return auth;
        }
        if self.options.dpop.is_some_and(|mode| mode != DpopMode::On) {
            findings.error(DPOP, "FAPI 2.0 requires tokens that are bound to a key; set it to `on`, or remove it");
        }
        (self.options.par, self.options.dpop, self.options.require_dpop) = (true, Some(DpopMode::On), true);
        if self.algorithms.is_none() {
            self.options.algorithms = ALGORITHMS.map(str::to_owned).to_vec();
        }
        self.check_fapi2_issuers(findings);
        self.check_fapi2_options(findings);
        match auth {
            ClientAuth::PrivateKeyJwt(key) if key.rsa_padding != Some(RsaPadding::Pkcs1) => {
                ClientAuth::PrivateKeyJwt(key.with_rsa_padding(RsaPadding::Pss))
            }
            ClientAuth::PrivateKeyJwt(key) => {
                let message = "it is a JWK for RS256, which FAPI 2.0 does not allow; register a key for PS256 or ES256";
                findings.error(PRIVATE_KEY, message);
                ClientAuth::PrivateKeyJwt(key)
            }
            // An API sends no requests as a client.
            ClientAuth::None if self.api_only => ClientAuth::None,
            ClientAuth::None => {
                let message = "FAPI 2.0 clients authenticate with `private_key_jwt`; set OKTA_PRIVATE_KEY or \
                               OKTA_PRIVATE_KEY_FILE";
                findings.error(PRIVATE_KEY, message);
                ClientAuth::None
            }
            secret => {
                let message = "FAPI 2.0 clients authenticate with `private_key_jwt` and not with a secret; set \
                               OKTA_PRIVATE_KEY instead";
                findings.error(CLIENT_SECRET, message);
                secret
            }
        }
    }

    /// Okta's domains are known. For an issuer at a custom domain the metadata decides at the first sign-in.
    fn check_fapi2_issuers(&self, findings: &mut Diagnostics) {
        let issuer = self.text(&self.issuer, ISSUER_URI);
        let is_okta = |issuer: &str| Url::parse(issuer).is_ok_and(|url| okta::is_in_cloud(&url));
        if issuer.into_iter().chain(self.accepted_issuers.iter().map(String::as_str)).any(is_okta) {
            let message = "Okta does not implement FAPI 2.0: its authorization responses have no `iss` (RFC 9207), and \
                           it requires the URL of the endpoint as the audience of client assertions, where the profile \
                           requires the issuer; remove `fapi2()`, and turn on the parts that work at Okta: `par()`, \
                           `dpop(true)` and a private key";
            findings.error(ISSUER_URI, message);
        }
    }

    fn check_fapi2_options(&self, findings: &mut Diagnostics) {
        if self.options.algorithms.iter().any(|name| !ALGORITHMS.contains(&name.as_str())) {
            let message = format!("FAPI 2.0 allows only {}; remove the others", ALGORITHMS.join(", "));
            findings.error(env::ALGORITHMS, message);
        }
        if self.options.leeway > LONGEST_LEEWAY {
            findings.error("leeway", "FAPI 2.0 tolerates a clock skew of one minute at most; set 60 seconds or less");
        }
    }
}

/// Okta accepts no assertions with PS256.
fn check_without_fapi2(auth: &ClientAuth, findings: &mut Diagnostics) {
    if matches!(auth, ClientAuth::PrivateKeyJwt(key) if key.uses_pss()) {
        let message = "it is a JWK for PS256, which Okta does not accept; register a key for RS256 or ES256. For another \
                       provider with FAPI 2.0, call `fapi2()`";
        findings.error(PRIVATE_KEY, message);
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use base64::Engine as _;

    use super::super::PrivateKey;
    use super::*;

    fn config() -> ConfigBuilder {
        ConfigBuilder::default().issuer("https://idp.example").client_id("app")
    }

    fn rsa() -> PrivateKey {
        let der = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = base64::engine::general_purpose::STANDARD.encode(der.as_der().unwrap().as_ref());
        PrivateKey::parse(&der, None).unwrap()
    }

    #[test]
    fn an_rsa_key_signs_with_ps256_and_a_jwk_for_another_algorithm_is_an_error() {
        let built = |config: ConfigBuilder| config.build().map_err(|error| error.to_string());
        let uses_pss = |config: ConfigBuilder| match built(config).unwrap().client_auth {
            ClientAuth::PrivateKeyJwt(key) => key.uses_pss(),
            _ => false,
        };
        assert!(uses_pss(config().private_key(rsa()).fapi2()));
        assert!(!uses_pss(config().private_key(rsa())));
        let named = |padding| config().private_key(rsa().with_rsa_padding(padding));
        assert!(uses_pss(named(RsaPadding::Pss).fapi2()));
        let error = built(named(RsaPadding::Pkcs1).fapi2()).unwrap_err();
        assert!(error.contains("OKTA_PRIVATE_KEY: it is a JWK for RS256, which FAPI 2.0 does not allow"), "{error}");
        let error = built(named(RsaPadding::Pss)).unwrap_err();
        assert!(error.contains("OKTA_PRIVATE_KEY: it is a JWK for PS256, which Okta does not accept"), "{error}");
    }

    #[test]
    fn the_profile_sets_what_it_requires() {
        let config = config().private_key(rsa()).fapi2().build().unwrap();
        let options = &config.app.options;
        assert_eq!(options.algorithms, ALGORITHMS);
        assert!(options.par && options.require_dpop);
        assert_eq!(options.dpop, Some(DpopMode::On));
    }
}
