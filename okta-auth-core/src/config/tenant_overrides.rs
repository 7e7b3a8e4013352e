//! How the settings of one tenant are derived from those of the application.

use std::fmt;

use super::{ConfigBuilder, ResponseMode, env, secrets};
use crate::error::Result;
use crate::secret::Secret;

impl ConfigBuilder {
    /// The issuers besides its own whose access tokens count, as they were given.
    pub(crate) fn issuers_of_everybody(&self) -> &[String] {
        &self.accepted_issuers
    }

    /// Without the issuers that the application had before: each tenant has its own.
    pub(crate) fn without_former_issuers(mut self) -> Self {
        self.former_issuers.clear();
        self
    }

    /// Binds everything to a tenant's name instead of issuer and client alone.
    pub(crate) fn tenant(mut self, id: impl fmt::Display) -> Self {
        self.tenant = Some(id.to_string());
        self
    }

    /// This client secret or none, whatever has been set and the variables say. A private
    /// key of the application is dropped too: with one key at many servers, what it signs
    /// for one could count at another.
    pub(crate) fn only_client_secret(mut self, secret: Option<Secret>) -> Self {
        self.variables = self.variables.without_credentials();
        self.private_key = None;
        self.client_secret = secret;
        self
    }

    /// The private key alone.
    pub(crate) fn only_private_key(mut self) -> Self {
        self.variables = self.variables.without_secret();
        self.client_secret = None;
        self
    }

    /// Whether Okta sends browsers back with a POST.
    pub(crate) fn uses_form_post(&self) -> bool {
        self.options.response_mode == ResponseMode::FormPost
    }

    /// Whether there is a private key, and whether there is a client secret.
    pub(crate) fn has_credentials(&self) -> (bool, bool) {
        let set = |names: &[&str]| names.iter().any(|name| self.variables.value(name).is_some());
        let key = self.private_key.is_some() || set(&[env::PRIVATE_KEY, env::PRIVATE_KEY_FILE]);
        (key, self.client_secret.is_some() || set(&[env::CLIENT_SECRET]))
    }

    /// The same with a cookie secret: a random one if there is none, with a warning.
    pub(crate) fn with_some_secret(mut self) -> Result<Self> {
        self.cookie_secrets = self.secrets();
        if self.cookie_secrets.is_empty() {
            if !self.api_only {
                secrets::warn_of_random();
            }
            self.cookie_secrets.push(Secret::random()?);
        }
        Ok(self)
    }

    /// The public origin before any check, and the name of the session cookie.
    pub(crate) fn shared(&self) -> (&str, &str) {
        (self.base(), self.shared_cookie_name())
    }
}
