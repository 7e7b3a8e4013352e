//! Derives the settings of one tenant from those of the application.

use std::fmt;

use super::problem::Diagnostics;
use super::{ConfigBuilder, ResponseMode, env, secrets};
use crate::error::Result;
use crate::secret::Secret;

impl ConfigBuilder {
    /// Checks that several tenants can share these settings. The key for ID tokens belongs to one client, and so does
    /// the key of a client with FAPI 2.0.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid), listing every problem with its fix.
    pub(crate) fn check_shared(&self) -> Result<()> {
        let mut findings = Diagnostics::default();
        if let Some(variable) = self.decryption_key_source() {
            findings.error(variable, "encrypted ID tokens are not supported with many tenants; remove the key");
        }
        if self.options.fapi2 {
            findings.error("fapi2", "FAPI 2.0 is not supported with many tenants; use it with one issuer");
        }
        findings.finish().map(drop)
    }

    /// The issuers whose access tokens are accepted at every tenant, as configured.
    pub(crate) fn accepted_issuers(&self) -> &[String] {
        &self.accepted_issuers
    }

    /// Removes the former issuers, because each tenant has its own.
    pub(crate) fn without_former_issuers(mut self) -> Self {
        self.former_issuers.clear();
        self
    }

    /// Binds sessions and cookies to a tenant's name instead of issuer and client.
    pub(crate) fn tenant(mut self, id: impl fmt::Display) -> Self {
        self.tenant = Some(id.to_string());
        // A key that several tenants shared would let their servers recognize the application.
        #[cfg(feature = "client")]
        {
            self.options.dpop_key = None;
        }
        self
    }

    /// Sets this client secret or none, and ignores the one that was set before and the variables. A private key of the
    /// application is removed too: if one key signed for many servers, a signature for one could be used at another.
    pub(crate) fn only_client_secret(mut self, secret: Option<Secret>) -> Self {
        self.variables = self.variables.without_credentials();
        self.private_key = None;
        self.client_secret = secret;
        self
    }

    pub(crate) fn only_private_key(mut self) -> Self {
        self.variables = self.variables.without_secret();
        self.client_secret = None;
        self
    }

    pub(crate) fn uses_form_post(&self) -> bool {
        self.options.response_mode == ResponseMode::FormPost
    }

    /// Returns whether a private key is set, and whether a client secret is set.
    pub(crate) fn has_credentials(&self) -> (bool, bool) {
        let set = |names: &[&str]| names.iter().any(|name| self.variables.value(name).is_some());
        let key = self.private_key.is_some() || set(&[env::PRIVATE_KEY, env::PRIVATE_KEY_FILE]);
        (key, self.client_secret.is_some() || set(&[env::CLIENT_SECRET]))
    }

    pub(crate) fn ensure_cookie_secret(mut self) -> Result<Self> {
        self.cookie_secrets = self.secrets();
        if self.cookie_secrets.is_empty() {
            secrets::warn_of_random(self.secret_use());
            self.cookie_secrets.push(Secret::random()?);
        }
        Ok(self)
    }

    /// The base URL before any check, and the name of the session cookie.
    pub(crate) fn shared(&self) -> (&str, &str) {
        (self.base(), self.shared_cookie_name())
    }
}
