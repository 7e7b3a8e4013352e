//! The id of a tenant.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Code, Error};

/// The id of a tenant, such as `acme`: 1 to 40 lower-case letters, digits and hyphens, with a letter or digit at both
/// ends. It is valid in a host name, a path and the name of a cookie.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::tenant::TenantId;
///
/// assert_eq!(TenantId::parse("acme-2").unwrap().as_str(), "acme-2");
/// assert!("Acme".parse::<TenantId>().unwrap_err().to_string().contains("lower-case letters"));
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

impl FromStr for TenantId {
    type Err = Error;

    /// # Errors
    /// [`Code::ConfigInvalid`] if the text is not a valid id.
    fn from_str(text: &str) -> Result<Self, Error> {
        let message = "the id of a tenant has 1 to 40 lower-case letters, digits and hyphens, with a letter or a digit \
                       at both ends";
        Self::parse(text).ok_or_else(|| Error::new(Code::ConfigInvalid, message))
    }
}

impl AsRef<str> for TenantId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Serialize for TenantId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TenantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
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
