//! The names of the cookies, without the prefix that https adds.
//!
//! Cookies belong to a host, regardless of the port. Two applications on `localhost`, or at two paths of one domain,
//! share them, so the default name depends on issuer and client.

use super::problem::Diagnostics;
use super::{ConfigBuilder, env};
use crate::issuer::Issuer;
use crate::secret::sha256;

/// The default name in earlier versions, and the prefix of the names of tenants' cookies.
const PLAIN: &str = "okta_session";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CookieNames {
    /// The session cookie. The names of the pending sign-ins' cookies start with it.
    pub(crate) current: String,
    /// The session cookie of earlier versions, which is still accepted.
    pub(crate) previous: Option<String>,
}

impl CookieNames {
    fn of(issuer: Option<&Issuer>, client_id: Option<&str>) -> Self {
        let issuer = issuer.map(Issuer::as_str).unwrap_or_default();
        let hash = sha256(format!("{issuer} {}", client_id.unwrap_or_default()).as_bytes());
        let digits: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        // No `_` in between, because a tenant's id follows one.
        Self { current: format!("{PLAIN}-{digits}"), previous: Some(PLAIN.to_owned()) }
    }
}

impl ConfigBuilder {
    fn cookie_name_that_is_set(&self) -> Option<&str> {
        self.text(&self.cookie_name, env::COOKIE_NAME)
    }

    /// The prefix of the names of all tenants' session cookies.
    pub(crate) fn shared_cookie_name(&self) -> &str {
        self.cookie_name_that_is_set().unwrap_or(PLAIN)
    }

    /// The names for an application. A configured name must be plain (RFC 6265 §4.1.1).
    pub(super) fn cookie_names(
        &self,
        issuer: Option<&Issuer>,
        client_id: Option<&str>,
        findings: &mut Diagnostics,
    ) -> CookieNames {
        let Some(name) = self.cookie_name_that_is_set() else { return CookieNames::of(issuer, client_id) };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            let variable = if self.cookie_name.is_some() { "cookie_name" } else { env::COOKIE_NAME };
            findings.error(variable, "the name of the session cookie may contain only letters, digits, `_` and `-`");
        }
        CookieNames { current: name.to_owned(), previous: None }
    }
}
