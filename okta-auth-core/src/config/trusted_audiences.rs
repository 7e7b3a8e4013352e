//! The further audiences of ID tokens.

use super::{ConfigBuilder, env};

impl ConfigBuilder {
    /// The audiences that an ID token may have besides this application, separated by commas; `OKTA_TRUSTED_AUDIENCES`,
    /// by default none (OIDC Core §3.1.3.7, 3).
    ///
    /// Okta issues ID tokens for one audience. Zitadel adds the project and the project's other clients to each token.
    /// A token with several audiences is accepted only if all of them are listed and `azp` is this application.
    pub fn trusted_audiences(mut self, audiences: impl Into<String>) -> Self {
        self.options.trusted_audiences = split(&audiences.into());
        self
    }

    pub(super) fn read_trusted_audiences(&mut self) {
        if let (true, Some(names)) =
            (self.options.trusted_audiences.is_empty(), self.variables.value(env::TRUSTED_AUDIENCES))
        {
            self.options.trusted_audiences = split(names);
        }
    }
}

/// Splits a list at its commas.
pub(super) fn split(names: &str) -> Vec<String> {
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_a_list_and_code_takes_precedence() {
        let variables = [("OKTA_ISSUER_URI", "https://x.okta.com"), ("OKTA_CLIENT_ID", "0oa1")];
        let with = |more: &[(&'static str, &'static str)], change: fn(ConfigBuilder) -> ConfigBuilder| {
            let config = change(ConfigBuilder::from_variables(variables.iter().chain(more).copied()));
            config.build().unwrap().app.options.trusted_audiences.clone()
        };
        assert!(with(&[], |config| config).is_empty());
        let variable = [("OKTA_TRUSTED_AUDIENCES", " project, 0oa2,,")];
        assert_eq!(with(&variable, |config| config), ["project", "0oa2"]);
        assert_eq!(with(&variable, |config| config.trusted_audiences("0oa3")), ["0oa3"]);
    }
}
