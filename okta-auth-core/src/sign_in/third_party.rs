//! Third-party-initiated login (OIDC Core §4), for example from a link in Okta's dashboard.
//!
//! 1. `iss` must occur exactly once and equal the present or a former issuer of the application or of a tenant,
//!    character by character. Okta's dashboard names the org, so the org of a custom server is accepted for it; another
//!    server of that org is not. An org that several tenants share identifies none of them. The sign-in uses the
//!    present issuer. The URL in `iss` is never fetched.
//! 2. `login_hint` is passed on to Okta, which interprets it.
//! 3. `target_link_uri` is the target of the sign-in if it is on this origin; otherwise the target is the root. It is
//!    parsed by the same rules as every other target.
//! 4. State, nonce and PKCE are fresh, as for a sign-in that the application starts.
//!
//! The request only starts a new sign-in. All other parameters are ignored, in particular tokens.

use crate::config::{AppConfig, Config};
use crate::error::{Code, Error, Result};
use crate::http::unique_params;
use crate::login::{LoginOptions, ReturnTo};

const MAX_HINT: usize = 254;

#[derive(Debug)]
pub(crate) struct InitiateLoginRequest {
    pub(crate) issuer: String,
    hint: Option<String>,
    target: Option<String>,
}

impl InitiateLoginRequest {
    /// Reads query and form. `iss` is required, and parameters must not be repeated.
    pub(crate) fn parse(query: &[u8], form: &[u8]) -> Result<Self> {
        let malformed = |message| Error::new(Code::CallbackMalformed, message);
        let [issuer, hint, target] = unique_params(&[query, form], ["iss", "login_hint", "target_link_uri"])
            .ok_or_else(|| malformed("a parameter of third-party-initiated login is repeated"))?;
        let issuer = issuer.ok_or_else(|| malformed("third-party-initiated login has no `iss`"))?;
        let hint = hint.filter(|hint| !hint.is_empty() && hint.len() <= MAX_HINT);
        Ok(Self { issuer, hint, target })
    }

    /// Checks that the request names this application's issuer.
    pub(crate) fn for_issuer_of(self, config: &Config) -> Result<Self> {
        if config.is_named_by(&self.issuer) {
            return Ok(self);
        }
        let message = "third-party-initiated login names an issuer that is not the configured one";
        Err(Error::new(Code::CallbackMalformed, message))
    }

    /// Returns the login options. A target that is not on the application's origin becomes the root, to prevent an open
    /// redirect.
    pub(crate) fn options_at(self, config: &AppConfig) -> LoginOptions {
        let origin = config.origin();
        let target = self.target.as_deref().unwrap_or("/");
        // It is absolute by specification; without our origin a path remains.
        let local = target.strip_prefix(&origin).filter(|rest| rest.starts_with('/'));
        let local = local.or(Some(target).filter(|target| target.starts_with('/'))).unwrap_or("/");
        let mut options = LoginOptions::new(ReturnTo::within(local, config));
        options.login_hint = self.hint;
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::builder().issuer("https://dev-1.okta.com/oauth2/default").client_id("0oa1").build().unwrap()
    }

    #[test]
    fn iss_is_required_and_parameters_are_not_repeated() {
        let code = |query: &str, form: &str| InitiateLoginRequest::parse(query.as_bytes(), form.as_bytes()).map(drop);
        assert!(code("iss=a&other=1&other=2", "login_hint=ada").is_ok());
        for (query, form) in [("", ""), ("iss=a", "iss=a"), ("iss=a&login_hint=x&login_hint=x", "")] {
            assert_eq!(code(query, form).unwrap_err().code(), Code::CallbackMalformed, "{query} {form}");
        }
        for issuer in ["https://dev-1.okta.com/oauth2/default", "https://dev-1.okta.com"] {
            let request = InitiateLoginRequest::parse(format!("iss={issuer}").as_bytes(), b"").unwrap();
            assert!(request.for_issuer_of(&config()).is_ok(), "{issuer}");
        }
        let other = InitiateLoginRequest::parse(b"iss=https://dev-1.okta.com/oauth2/other", b"").unwrap();
        assert_eq!(other.for_issuer_of(&config()).unwrap_err().code(), Code::CallbackMalformed);
    }

    #[test]
    fn a_target_at_another_origin_becomes_the_root() {
        let (config, request) = (config(), |target: &str| InitiateLoginRequest {
            issuer: String::new(),
            hint: None,
            target: Some(target.to_owned()),
        });
        let target = |target: &str| request(target).options_at(&config.app).return_to.as_str().to_owned();
        assert_eq!(target("http://localhost:8080/orders?page=2"), "/orders?page=2");
        assert_eq!(target("/orders"), "/orders");
        for elsewhere in ["https://evil.example/", "http://localhost:8080.evil.example/", "//evil.example", "/login"] {
            assert_eq!(target(elsewhere), "/", "{elsewhere}");
        }
    }
}
