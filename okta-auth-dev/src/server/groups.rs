//! Claims that carry the groups of a user.
//!
//! At Okta such a claim has a filter, because the size of a token adds to every request, and because a token with more
//! than 100 groups is not issued.

use crate::error::Error;
use crate::user::User;

/// A claim that carries the names of groups.
///
/// A server has no groups claim until one is configured, as at Okta. At the org's own server, groups are only in ID
/// tokens and require the scope `groups`. At a custom server, a claim of any name may carry them, in both kinds of
/// tokens, always or with certain scopes.
///
/// ```
/// use okta_auth_dev::{GroupsClaim, GroupsFilter};
///
/// let roles = GroupsClaim::new("roles", GroupsFilter::Regex("App_(Admins|Auditors)".into()))
///     .in_id_token(false)
///     .in_access_token(true)
///     .with_scope("orders:read");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupsClaim {
    /// The name of the claim.
    pub name: String,
    /// Which groups the claim carries.
    pub filter: GroupsFilter,
    /// Whether ID tokens and userinfo carry the claim.
    pub in_id_token: bool,
    /// Whether thin ID tokens of a custom server carry the claim: Okta's *Always* or *Userinfo / id_token request*.
    /// Thin ID tokens of the org's own server never do.
    pub always: bool,
    /// Whether access tokens carry the claim.
    pub in_access_token: bool,
    /// The claim requires one of these scopes; empty for no requirement.
    pub scopes: Vec<String>,
}

impl GroupsClaim {
    /// Creates a claim of ID tokens.
    pub fn new(name: impl Into<String>, filter: GroupsFilter) -> Self {
        Self { name: name.into(), filter, in_id_token: true, always: true, in_access_token: false, scopes: Vec::new() }
    }

    /// Creates a claim of ID tokens with all groups of the user.
    ///
    /// ```
    /// use okta_auth_dev::{GroupsClaim, OrgBuilder};
    ///
    /// let builder = OrgBuilder::default().groups_claim("default", GroupsClaim::all("groups"));
    /// ```
    pub fn all(name: impl Into<String>) -> Self {
        Self::new(name, GroupsFilter::Any)
    }

    /// Sets whether thin ID tokens of a custom server carry the claim; true by default. With false, only userinfo
    /// returns it.
    pub fn always(mut self, yes: bool) -> Self {
        self.always = yes;
        self
    }

    /// Sets whether ID tokens and userinfo carry the claim.
    pub fn in_id_token(mut self, yes: bool) -> Self {
        self.in_id_token = yes;
        self
    }

    /// Sets whether access tokens carry the claim.
    ///
    /// An API that authorizes by group needs it.
    pub fn in_access_token(mut self, yes: bool) -> Self {
        self.in_access_token = yes;
        self
    }

    /// Adds a scope. The claim requires one of the added scopes.
    ///
    /// At the org's own server the scope is `groups`.
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Returns the user's groups that match the filter; `None` if no required scope is granted.
    pub(crate) fn value(&self, user: &User, granted: &[String]) -> Option<Vec<String>> {
        if !self.scopes.is_empty() && !self.scopes.iter().any(|scope| granted.contains(scope)) {
            return None;
        }
        Some(user.groups.iter().filter(|group| self.filter.matches(group)).cloned().collect())
    }
}

/// The filter of a groups claim (Okta's `group_filter_type`).
///
/// An invalid regular expression is reported when the org starts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupsFilter {
    /// All groups.
    Any,
    /// Groups whose name starts with this, case-insensitively (`STARTS_WITH`).
    StartsWith(String),
    /// The group with this name, case-insensitively (`EQUALS`).
    EqualTo(String),
    /// Groups whose name contains this, case-insensitively (`CONTAINS`).
    Contains(String),
    /// Groups whose whole name matches this regular expression, case-sensitively (`REGEX`).
    Regex(String),
}

impl GroupsFilter {
    pub(crate) fn matches(&self, group: &str) -> bool {
        let lower = group.to_lowercase();
        match self {
            Self::Any => true,
            Self::StartsWith(start) => lower.starts_with(&start.to_lowercase()),
            Self::EqualTo(name) => lower == name.to_lowercase(),
            Self::Contains(part) => lower.contains(&part.to_lowercase()),
            Self::Regex(pattern) => anchored(pattern).is_ok_and(|regex| regex.is_match(group)),
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let Self::Regex(pattern) = self else { return Ok(()) };
        anchored(pattern).map(drop).map_err(|error| {
            Error::config(format_args!("`{pattern}` is not a valid regular expression for groups")).because(error)
        })
    }
}

/// Anchors the expression, because Okta matches the whole name.
fn anchored(pattern: &str) -> Result<regex_lite::Regex, regex_lite::Error> {
    regex_lite::Regex::new(&format!("^(?:{pattern})$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_follow_okta() {
        assert!(GroupsFilter::StartsWith("app_".into()).matches("App_Admins"));
        assert!(!GroupsFilter::StartsWith("app_".into()).matches("My App_Admins"));
        assert!(GroupsFilter::EqualTo("staff".into()).matches("Staff"));
        assert!(GroupsFilter::Contains("ADMIN".into()).matches("App_Admins"));
        assert!(GroupsFilter::Regex("App_.*".into()).matches("App_Admins"));
        assert!(!GroupsFilter::Regex("app_.*".into()).matches("App_Admins"));
        assert!(!GroupsFilter::Regex("App".into()).matches("App_Admins"));
        assert!(GroupsFilter::Regex("(".into()).check().is_err());
    }
}
