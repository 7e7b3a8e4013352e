//! What one sign-in asks for beyond the configuration.

use std::time::Duration;

use super::return_to::ReturnTo;

/// The wishes of one sign-in.
///
/// ```
/// use std::time::Duration;
/// use okta_auth_core::login::{LoginOptions, ReturnTo};
///
/// let base = "https://app.example.com".parse().unwrap();
/// let mut options = LoginOptions::new(ReturnTo::parse("/payout", &base));
/// options.login_hint = Some("ada@example.com".to_owned());
/// options.max_age = Some(Duration::from_secs(300));
/// ```
///
/// What is asked for by `max_age` and `acr_values` is sealed with the attempt, so that
/// it is held against the ID token whatever the browser does in between.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoginOptions {
    /// Where the browser goes afterwards.
    pub return_to: ReturnTo,
    /// Asks Okta for fresh credentials although there is a session (`prompt=login`,
    /// OIDC Core §3.1.2.1).
    pub force_login: bool,
    /// The user name to prefill (`login_hint`).
    pub login_hint: Option<String>,
    /// The longest time since the user last proved who they are (`max_age`); checked on
    /// return.
    pub max_age: Option<Duration>,
    /// The authentication contexts that are good enough (`acr_values`); checked on
    /// return, because Okta silently ignores values that it does not know.
    pub acr_values: Vec<String>,
}

impl LoginOptions {
    /// A plain sign-in that ends at `return_to`.
    pub fn new(return_to: ReturnTo) -> Self {
        Self { return_to, force_login: false, login_hint: None, max_age: None, acr_values: Vec::new() }
    }
}
