//! The options of a single sign-in.

use std::borrow::Cow;
use std::time::Duration;

use url::form_urlencoded;

use super::return_to::ReturnTo;
use crate::config::{AppConfig, check_parameter};
use crate::error::{Code, Error, Result};

/// The longest `login_hint`, in bytes: the longest e-mail address (RFC 5321 §4.5.3.1.3).
const MAX_HINT: usize = 254;

/// The options of a single sign-in, beyond the configuration.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use std::time::Duration;
/// use okta_auth::login::{LoginOptions, ReturnTo};
///
/// let base = "https://app.example.com".parse().unwrap();
/// let options = LoginOptions::new(ReturnTo::parse("/payout", &base))
///     .with_login_hint("ada@example.com")
///     .with_max_age(Duration::from_secs(300));
/// # let _ = options;
/// ```
///
/// The requested `max_age` and `acr_values` are sealed with the attempt. The callback checks the ID token against the
/// sealed values, so the browser cannot change them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoginOptions {
    /// The page that the browser goes to after the sign-in.
    pub return_to: ReturnTo,
    /// Requires fresh credentials even if the user has a session at Okta (`prompt=login`, OIDC Core §3.1.2.1).
    pub force_login: bool,
    /// The user name to prefill (`login_hint`).
    pub login_hint: Option<String>,
    /// The longest accepted time since the user last authenticated (`max_age`, in whole seconds). The callback checks
    /// it.
    pub max_age: Option<Duration>,
    /// The accepted authentication contexts, of which one suffices (`acr_values`). The callback checks them, because
    /// Okta silently ignores unknown values.
    pub acr_values: Vec<String>,
    /// Further parameters of the authorization request.
    pub(crate) parameters: Vec<(String, String)>,
    /// The page with the link that led to a step-up.
    pub(crate) came_from: Option<ReturnTo>,
    /// Whether Okta must not ask the user, and a failure leads to the target as well.
    pub(crate) silent: bool,
}

impl LoginOptions {
    /// Creates options for a plain sign-in that ends at `return_to`.
    pub fn new(return_to: ReturnTo) -> Self {
        Self {
            return_to,
            force_login: false,
            login_hint: None,
            max_age: None,
            acr_values: Vec::new(),
            parameters: Vec::new(),
            came_from: None,
            silent: false,
        }
    }

    /// Creates options for a sign-in that never asks the user.
    pub(crate) fn silent(return_to: ReturnTo) -> Self {
        Self { silent: true, ..Self::new(return_to) }
    }

    /// Requires fresh credentials; see [`force_login`](Self::force_login).
    #[must_use]
    pub fn with_forced_login(self) -> Self {
        Self { force_login: true, ..self }
    }

    /// Prefills the user name.
    #[must_use]
    pub fn with_login_hint(self, user: impl Into<String>) -> Self {
        Self { login_hint: Some(user.into()), ..self }
    }

    /// Requires that the user authenticated at most this long ago.
    #[must_use]
    pub fn with_max_age(self, age: Duration) -> Self {
        Self { max_age: Some(age), ..self }
    }

    /// Requires one of these authentication contexts.
    #[must_use]
    pub fn with_acr_values<S: Into<String>>(self, values: impl IntoIterator<Item = S>) -> Self {
        Self { acr_values: values.into_iter().map(Into::into).collect(), ..self }
    }

    /// Reads the query of the login path: `return_to` is the target, `prompt=login` requests fresh credentials, and
    /// `login_hint` prefills the user name. Other parameters are passed on only if the application allows them.
    pub(crate) fn from_query(query: &str, config: &AppConfig) -> Self {
        let allowed = &config.options.allowed_login_parameters;
        let is_allowed = |name: &str, value: &str| {
            (name, value) == ("prompt", "select_account") || allowed.iter().any(|known| known == name)
        };
        let mut options = Self::new(ReturnTo::start_page(config));
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, &*value) {
                ("return_to", target) => options.return_to = ReturnTo::within(target, config),
                ("prompt", "login") => options.force_login = true,
                ("prompt", "none") if config.options.browser_kit.is_on => options.silent = true,
                ("login_hint", hint) if hint.len() <= MAX_HINT => options.login_hint = Some(hint.to_owned()),
                (name, value) if is_allowed(name, value) => {
                    options = options.clone().with_parameter(name, value).unwrap_or(options);
                }
                _ => {}
            }
        }
        options
    }

    /// Adds the parameters of every sign-in. Those of this sign-in take precedence.
    pub(crate) fn with_defaults(&self, defaults: &[(String, String)]) -> Cow<'_, Self> {
        let is_set = |name: &str| self.parameters.iter().any(|(known, _)| known == name);
        let missing: Vec<_> = defaults.iter().filter(|(name, _)| !is_set(name)).cloned().collect();
        if missing.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut options = self.clone();
        options.parameters.extend(missing);
        Cow::Owned(options)
    }

    /// Adds a parameter to the authorization request, and replaces an earlier one of the same name: for example `idp`
    /// or `ui_locales`, or `prompt` with another value than `login`.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// use okta_auth::login::{LoginOptions, ReturnTo};
    ///
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// let options = LoginOptions::new(ReturnTo::root())
    ///     .with_parameter("idp", "0oa9o8wzkhckw9TLa0h7")?
    ///     .with_parameter("prompt", "select_account")?;
    /// assert!(options.with_parameter("redirect_uri", "https://elsewhere.example").is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] for a parameter that the protocol sets or that has a field here, and for a value that is
    /// empty, longer than 2 KiB or has control characters.
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Result<Self> {
        let (name, value) = (name.into(), value.into());
        check_parameter(&name, &value).map_err(|message| Error::new(Code::ConfigInvalid, message))?;
        self.parameters.retain(|(known, _)| *known != name);
        self.parameters.push((name, value));
        Ok(self)
    }
}
