//! The names of the cookies, without the prefix that https adds.
//!
//! Cookies belong to a host, whatever the port is. Two applications on `localhost`, or at
//! two paths of one domain, share them, so the default name differs by issuer and client.

use super::issuer::Issuer;
use super::problem::Findings;
use super::{ConfigBuilder, env};
use crate::secret::sha256;

/// The default of earlier versions, and what the names of tenants' cookies begin with.
const PLAIN: &str = "okta_session";

/// How the cookies are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CookieNames {
    /// The session cookie. Those of pending sign-ins begin with it.
    pub(crate) current: String,
    /// The session cookie of earlier versions, which is still read.
    pub(crate) previous: Option<String>,
}

impl CookieNames {
    /// The names by default.
    fn of(issuer: Option<&Issuer>, client_id: Option<&str>) -> Self {
        let issuer = issuer.map(Issuer::as_str).unwrap_or_default();
        let hash = sha256(format!("{issuer} {}", client_id.unwrap_or_default()).as_bytes());
        let digits: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        // No `_` in between: what follows one is the id of a tenant.
        Self { current: format!("{PLAIN}-{digits}"), previous: Some(PLAIN.to_owned()) }
    }
}

impl ConfigBuilder {
    /// The name that is set, in code or else by `OKTA_COOKIE_NAME`.
    fn cookie_name_that_is_set(&self) -> Option<&str> {
        self.text(&self.cookie_name, env::COOKIE_NAME)
    }

    /// The name of the session cookie that the names of all tenants' begin with.
    pub(crate) fn shared_cookie_name(&self) -> &str {
        self.cookie_name_that_is_set().unwrap_or(PLAIN)
    }

    /// The names of an application. One that is set is a name and nothing else (RFC 6265
    /// §4.1.1).
    pub(super) fn cookie_names(
        &self,
        issuer: Option<&Issuer>,
        client_id: Option<&str>,
        findings: &mut Findings,
    ) -> CookieNames {
        let Some(name) = self.cookie_name_that_is_set() else { return CookieNames::of(issuer, client_id) };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            let variable = if self.cookie_name.is_some() { "cookie_name" } else { env::COOKIE_NAME };
            findings.error(variable, "the name of the session cookie has letters, digits, `_` and `-` alone");
        }
        CookieNames { current: name.to_owned(), previous: None }
    }
}
