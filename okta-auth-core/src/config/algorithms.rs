//! The allowed signature algorithms of tokens.

use super::problem::Diagnostics;
use super::trusted_audiences::split;
use super::{ConfigBuilder, env};

/// The algorithms that have a verifier. `none` and the symmetric ones (`HS256`) have none.
const KNOWN: [&str; 7] = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"];

impl ConfigBuilder {
    /// The signature algorithms that tokens may use (RFC 7518 §3.1); `OKTA_ALGORITHMS`, separated by commas; by default
    /// only RS256. `none` and HMAC cannot be allowed. `Ed25519` (RFC 9864) and `EdDSA` mean the same.
    pub fn algorithms<S: Into<String>>(mut self, algorithms: impl IntoIterator<Item = S>) -> Self {
        self.algorithms = Some(algorithms.into_iter().map(Into::into).collect());
        self
    }

    /// Reads the variable, and replaces the newer name of EdDSA.
    pub(super) fn read_algorithms(&mut self) {
        let variable = self.variables.value(env::ALGORITHMS);
        let Some(names) = self.algorithms.take().or_else(|| variable.map(split)) else { return };
        let name = |name: String| if name == "Ed25519" { "EdDSA".to_owned() } else { name };
        self.options.algorithms = names.into_iter().map(name).collect();
        self.algorithms = Some(self.options.algorithms.clone());
    }

    pub(super) fn check_algorithms(&self, findings: &mut Diagnostics) {
        let names = &self.options.algorithms;
        if names.is_empty() || names.iter().any(|name| !KNOWN.contains(&name.as_str())) {
            findings.error(env::ALGORITHMS, format!("use one or more of {}", KNOWN.join(", ")));
        }
    }
}
