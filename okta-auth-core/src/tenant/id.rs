//! The id of a tenant.

use std::fmt;
use std::sync::Arc;

/// The id of a tenant, such as `acme`: 1 to 40 lower-case letters, digits and hyphens, with
/// a letter or digit at both ends. It is valid in a host name, a path and the name of a
/// cookie.
///
/// ```
/// use okta_auth_core::tenant::TenantId;
///
/// assert_eq!(TenantId::parse("acme-2").unwrap().as_str(), "acme-2");
/// for other in ["", "Acme", "a_b", "-a", "a-", "a.b", "a/b"] {
///     assert!(TenantId::parse(other).is_none());
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// Parses an id; `None` if the text is not a valid id.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let ends = text.bytes().next().is_some_and(fits) && text.bytes().next_back().is_some_and(fits);
        let all = text.bytes().all(|byte| fits(byte) || byte == b'-');
        (ends && all && text.len() <= 40).then(|| Self(text.into()))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({})", self.0)
    }
}
