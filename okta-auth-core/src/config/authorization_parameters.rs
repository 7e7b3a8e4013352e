//! Which parameters of the authorization request an application may set, and those that every sign-in has.

use url::form_urlencoded;

use super::ConfigBuilder;
use super::env::LOGIN_PARAMETERS;
use super::problem::Diagnostics;

/// Parameters that the protocol sets, or that have their own setting. Two values of one parameter are an error (RFC
/// 6749 §3.1), and another `state`, `nonce` or challenge would disable the protection of the pending login.
const RESERVED: [&str; 17] = [
    "acr_values",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "login_hint",
    "max_age",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
];

/// Claims of a signed request (RFC 9101 §4). With `sub`, it could be used as a client assertion (§10.8).
const CLAIMS: [&str; 7] = ["aud", "exp", "iat", "iss", "jti", "nbf", "sub"];

/// In bytes.
const MAX_VALUE: usize = 2_048;

/// Checks whether an application may send this parameter with this value.
pub(crate) fn check_parameter(name: &str, value: &str) -> Result<(), String> {
    check_name(name)?;
    if value.is_empty() || value.len() > MAX_VALUE || value.contains(char::is_control) {
        return Err(format!("the value of `{name}` must have 1 to {MAX_VALUE} bytes and no control characters"));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), String> {
    let reserved = RESERVED.iter().chain(&CLAIMS).chain(&["state"]).any(|known| known.eq_ignore_ascii_case(name));
    if reserved {
        return Err(format!(
            "`{name}` is set by the protocol or has its own setting (`OKTA_SCOPES`, `LoginOptions::login_hint`, ..); \
             leave it out"
        ));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
        return Err(format!("`{}` is not a parameter of an authorization request", name.escape_default()));
    }
    Ok(())
}

impl ConfigBuilder {
    /// Adds a parameter to every authorization request, and replaces an earlier one of the same name;
    /// `OKTA_LOGIN_PARAMETERS`, a query string such as `access_type=offline&prompt=consent`.
    ///
    /// Some providers need it: Google issues refresh tokens only for `access_type=offline`. Parameters that the protocol
    /// sets, or that have their own setting, are rejected, and so is `prompt=none`. With many tenants, the parameters
    /// are sent to the provider of every tenant.
    ///
    /// A parameter of one sign-in replaces the one of the same name. A forced sign-in adds `login` to `prompt`, and a
    /// silent one replaces `prompt` by `none`. One parameter in code replaces the variable as a whole.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// # use okta_auth::config::ConfigBuilder;
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// let config = ConfigBuilder::default().issuer("https://accounts.google.com").client_id("app");
    /// config.clone().login_parameter("access_type", "offline").build()?;
    /// assert!(config.login_parameter("redirect_uri", "https://elsewhere.example").build().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn login_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.options.login_parameters.retain(|(known, _)| *known != name);
        self.options.login_parameters.push((name, value.into()));
        self
    }

    pub(super) fn read_login_parameters(&mut self, findings: &mut Diagnostics) {
        let Some(query) = self.variables.value(LOGIN_PARAMETERS) else { return };
        let parameters = &mut self.options.login_parameters;
        if !parameters.is_empty() {
            return;
        }
        for (name, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
            if parameters.iter().any(|(known, _)| *known == name) {
                let message = format!("`{}` occurs twice; keep one of them", name.escape_default());
                findings.error(LOGIN_PARAMETERS, message);
            } else {
                parameters.push((name, value));
            }
        }
    }

    /// Checks the parameters of every sign-in, and the names of those that `/login` passes on.
    pub(super) fn check_login_parameters(&self, findings: &mut Diagnostics) {
        for (name, value) in &self.options.login_parameters {
            if let Err(message) = check_parameter(name, value) {
                findings.error(LOGIN_PARAMETERS, message);
            } else if name == "prompt" && value.split_ascii_whitespace().any(|value| value == "none") {
                let message = "with `prompt=none` users can never sign in; leave it out, or use `silent_login`";
                findings.error(LOGIN_PARAMETERS, message);
            }
        }
        for message in self.options.allowed_login_parameters.iter().filter_map(|name| check_name(name).err()) {
            findings.error("allow_login_parameters", message);
        }
    }
}
