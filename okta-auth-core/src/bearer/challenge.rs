//! `WWW-Authenticate` as a type.

use std::fmt;

use http::HeaderValue;

use crate::config::AppConfig;
use crate::jose::proof_algorithm_names;

/// How a client presents a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// RFC 6750.
    #[default]
    Bearer,
    /// RFC 9449 §7.1, with a proof.
    Dpop,
}

/// A challenge of the scheme `Bearer` (RFC 6750 §3) or `DPoP` (RFC 9449 §7.1), with the parameters of RFC 9470 §3 and
/// RFC 9728 §5.1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub(crate) struct WwwAuthenticate {
    scheme: Scheme,
    parameters: Vec<(&'static str, String)>,
}

impl Scheme {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

impl WwwAuthenticate {
    /// Returns a challenge without an error, for a request without credentials (RFC 6750 §3.1).
    pub(crate) fn bare() -> Self {
        Self::default()
    }

    /// Returns a challenge with an error code and a description for developers.
    pub(crate) fn error(error: &'static str, description: &str) -> Self {
        Self::bare().with("error", error).with("error_description", description)
    }

    /// Adds the required scopes. An empty list adds no parameter.
    pub(crate) fn scope<'a>(self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        let scopes: Vec<&str> = scopes.into_iter().collect();
        if scopes.is_empty() { self } else { self.with("scope", &scopes.join(" ")) }
    }

    /// Adds the accepted authentication context classes, the preferred one first (RFC 9470 §3).
    pub(crate) fn acr_values(self, values: &[String]) -> Self {
        if values.is_empty() { self } else { self.with("acr_values", &values.join(" ")) }
    }

    /// Adds the longest accepted time since an active authentication, in seconds (RFC 9470 §3).
    pub(crate) fn max_age(self, seconds: u64) -> Self {
        self.with("max_age", &seconds.to_string())
    }

    /// Adds the URL of the resource's metadata (RFC 9728 §5.1).
    pub(crate) fn resource_metadata(self, url: &str) -> Self {
        self.with("resource_metadata", url)
    }

    /// Sets the scheme. A challenge of the scheme `DPoP` names the algorithms for proofs.
    pub(crate) fn of_scheme(mut self, scheme: Scheme, config: &AppConfig) -> Self {
        self.scheme = scheme;
        match scheme {
            Scheme::Bearer => self,
            Scheme::Dpop => self.with("algs", &proof_algorithm_names(config).join(" ")),
        }
    }

    pub(crate) const fn scheme(&self) -> Scheme {
        self.scheme
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.parameters.push((name, value.to_owned()));
        self
    }

    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).unwrap_or_else(|_| HeaderValue::from_static(self.scheme.as_str()))
    }
}

impl fmt::Display for WwwAuthenticate {
    /// Writes each value as a quoted string (RFC 9110 §5.6.4). Characters that are not printable ASCII are omitted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme.as_str())?;
        for (position, (name, value)) in self.parameters.iter().enumerate() {
            write!(f, "{} {name}=\"", if position == 0 { "" } else { "," })?;
            for c in value.chars().filter(|c| c.is_ascii_graphic() || *c == ' ') {
                if c == '"' || c == '\\' {
                    f.write_str("\\")?;
                }
                write!(f, "{c}")?;
            }
            f.write_str("\"")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigBuilder;

    #[test]
    fn values_are_quoted_and_cannot_break_out() {
        let challenge = WwwAuthenticate::error("invalid_token", "a \"quote\", a \\ and\r\nSet-Cookie: a=\u{fc}");
        let text = challenge.to_string();
        let expected =
            "Bearer error=\"invalid_token\", error_description=\"a \\\"quote\\\", a \\\\ andSet-Cookie: a=\"";
        assert_eq!(text, expected);
        assert_eq!(challenge.header(), text.as_str());
    }

    #[test]
    fn a_challenge_without_an_error_has_no_parameters() {
        assert_eq!(WwwAuthenticate::bare().to_string(), "Bearer");
        let missing = WwwAuthenticate::error("insufficient_scope", "a scope is missing").scope(["orders:read"]);
        let expected =
            r#"Bearer error="insufficient_scope", error_description="a scope is missing", scope="orders:read""#;
        assert_eq!(missing.to_string(), expected);
    }

    #[test]
    fn a_challenge_for_a_proof_names_the_algorithms() {
        let expected =
            r#"DPoP error="invalid_token", error_description="d", algs="ES256 EdDSA ES384 PS256 RS256 RS384 RS512""#;
        let config =
            ConfigBuilder::default().issuer("https://acme.okta.com/oauth2/default").api_only().build().unwrap();
        let challenge = WwwAuthenticate::error("invalid_token", "d").of_scheme(Scheme::Dpop, &config.app);
        assert_eq!(challenge.to_string(), expected);
    }

    #[test]
    fn the_parameters_of_a_step_up() {
        let challenge = WwwAuthenticate::error("insufficient_user_authentication", "d")
            .acr_values(&["a".to_owned(), "b".to_owned()])
            .max_age(300)
            .scope([]);
        let expected = "Bearer error=\"insufficient_user_authentication\", error_description=\"d\", \
                        acr_values=\"a b\", max_age=\"300\"";
        assert_eq!(challenge.to_string(), expected);
    }
}
