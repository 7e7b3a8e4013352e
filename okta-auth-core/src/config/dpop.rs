//! Whether requested tokens are bound to a key (DPoP, RFC 9449).

use super::builder::ConfigBuilder;
#[cfg(feature = "client")]
use super::client_auth::{ClientAuth, PrivateKey, Signer};
use super::env;
use super::options::DpopMode;
use super::problem::Diagnostics;

impl ConfigBuilder {
    /// Whether tokens are bound to a key (DPoP, RFC 9449), so that a stolen token is useless without it;
    /// `OKTA_DPOP=on`, off by default.
    ///
    /// Every token request then has a proof, and a bearer token is refused. Each session has a key of its own, which is
    /// sealed with its tokens. Turn on `Require Demonstrating Proof of Possession (DPoP) header in token requests` for
    /// the application at Okta.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// # use okta_auth::config::ConfigBuilder;
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1").dpop(true);
    /// config.build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn dpop(mut self, required: bool) -> Self {
        self.options.dpop = Some(if required { DpopMode::On } else { DpopMode::Off });
        self
    }

    /// Binds tokens to a key as soon as Okta requires it; `OKTA_DPOP=auto`.
    ///
    /// It has no effect until the token endpoint answers `invalid_dpop_proof` to a request without a proof. From then
    /// on every token request of the process has a proof. A bearer token is accepted if Okta issues one. Use
    /// [`dpop`](Self::dpop) once Okta requires DPoP for the application.
    pub fn dpop_auto(mut self) -> Self {
        self.options.dpop = Some(DpopMode::Auto);
        self
    }

    /// The P-256 key for tokens of the application itself, such as those of client credentials. By default each process
    /// generates one. The tokens of sessions have keys of their own.
    ///
    /// Set a key if replicas must share one, or if it is kept in a vault. It must not be the key of
    /// [`private_key`](Self::private_key). Its `kid` has no effect. Tenants do not use it.
    #[cfg(feature = "client")]
    pub fn dpop_key(mut self, key: PrivateKey) -> Self {
        self.options.dpop_key = Some(key);
        self
    }

    pub(super) fn read_dpop(&mut self, findings: &mut Diagnostics) {
        if let (None, Some(text)) = (self.options.dpop, self.variables.value(env::DPOP)) {
            self.options.dpop = DpopMode::parse(text);
            if self.options.dpop.is_none() {
                findings.error(env::DPOP, format!("`{}` is not `off`, `on` or `auto`", text.escape_default()));
            }
        }
    }

    /// Checks the key for tokens of the application itself. Okta requires another one than that of the client
    /// authentication.
    #[cfg(feature = "client")]
    pub(super) fn check_dpop_key(&self, client_auth: &ClientAuth, findings: &mut Diagnostics) {
        let Some(key) = &self.options.dpop_key else { return };
        let Some(public) = public_key(&key.signer) else {
            findings.error("dpop_key", "it is an RSA key; proofs are signed with a P-256 key");
            return;
        };
        if matches!(client_auth, ClientAuth::PrivateKeyJwt(own) if public_key(&own.signer) == Some(public)) {
            findings.error("dpop_key", "it is also the key of `private_key_jwt`; use another key");
        }
    }
}

#[cfg(feature = "client")]
fn public_key(signer: &Signer) -> Option<&[u8]> {
    use aws_lc_rs::signature::KeyPair as _;
    match signer {
        Signer::Es256(pair) => Some(pair.public_key().as_ref()),
        Signer::Rs256(_) => None,
    }
}
