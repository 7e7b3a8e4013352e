//! Conditions about single claims.

use serde_json::Value;

use super::condition::{Condition, Test};
use super::rule::Policy;

/// A claim in a condition; see [`claim`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ClaimCondition(String);

/// A condition about any claim, by its name or by a JSON Pointer (RFC 6901): `claim("department")`,
/// `claim("/address/country")`.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::policy::claim;
///
/// let policy = claim("department").one_of(["Sales", "Support"]) & claim("/address/country").equals("SE");
/// # let _ = policy;
/// ```
pub fn claim(path: impl Into<String>) -> ClaimCondition {
    ClaimCondition(path.into())
}

impl ClaimCondition {
    /// Requires the claim to be present and not null, with any value.
    pub fn is_present(self) -> Policy {
        Policy::condition(Condition::Claim(self.0, Test::Present))
    }

    /// Requires the claim to equal this value. A claim of another type is malformed: `"3"` is not 3.
    ///
    /// A malformed claim denies, also under `!`, so that a change of the claim's type at Okta never grants access.
    pub fn equals(self, value: impl Into<Value>) -> Policy {
        Policy::condition(Condition::Claim(self.0, Test::Equals(value.into())))
    }

    /// Requires the claim to be a list that contains this value. A string is malformed, even if it contains the value
    /// as a substring: `"admin"` must not match `"not-an-admin"`. A list without the value is malformed if it has an
    /// element of another type, because such an element cannot be compared.
    pub fn contains(self, value: impl Into<Value>) -> Policy {
        Policy::condition(Condition::Claim(self.0, Test::Contains(value.into())))
    }

    /// Requires the claim to equal one of these values.
    pub fn one_of<V: Into<Value>>(self, values: impl IntoIterator<Item = V>) -> Policy {
        let values = values.into_iter().map(Into::into).collect();
        Policy::condition(Condition::Claim(self.0, Test::OneOf(values)))
    }
}
