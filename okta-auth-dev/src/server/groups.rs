//! Claims that carry the groups of a person.
//!
//! At Okta such a claim has a filter, because everything that is in a token is sent
//! with every request, and because a token with more than 100 groups is not issued at
//! all.

use crate::error::Error;
use crate::user::User;

/// A claim that carries the names of groups.
///
/// No server has one until it is configured, as at Okta. At the org's own server groups
/// go into ID tokens and need the scope `groups`. At a custom server a claim of any name
/// may carry them, in either kind of token, always or with certain scopes.
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
    /// Which groups it carries.
    pub filter: GroupsFilter,
    /// Whether ID tokens (and userinfo) carry it.
    pub in_id_token: bool,
    /// Whether thin ID tokens of a custom server carry it, too: Okta's *Always* against
    /// *Userinfo / id_token request*. Those of the org's own server never do.
    pub always: bool,
    /// Whether access tokens carry it.
    pub in_access_token: bool,
    /// The scopes of which one must be granted; empty for always.
    pub scopes: Vec<String>,
}

impl GroupsClaim {
    /// A claim of ID tokens.
    pub fn new(name: impl Into<String>, filter: GroupsFilter) -> Self {
        Self { name: name.into(), filter, in_id_token: true, always: true, in_access_token: false, scopes: Vec::new() }
    }

    /// A claim of ID tokens with all groups of the person.
    ///
    /// ```
    /// use okta_auth_dev::{GroupsClaim, OrgBuilder};
    ///
    /// let builder = OrgBuilder::default().groups_claim("default", GroupsClaim::all("groups"));
    /// ```
    pub fn all(name: impl Into<String>) -> Self {
        Self::new(name, GroupsFilter::Any)
    }

    /// Replaces whether thin ID tokens of a custom server carry the claim; they do by
    /// default. If they do not, the app finds the claim at userinfo.
    pub fn always(mut self, yes: bool) -> Self {
        self.always = yes;
        self
    }

    /// Replaces whether ID tokens and userinfo carry it.
    pub fn in_id_token(mut self, yes: bool) -> Self {
        self.in_id_token = yes;
        self
    }

    /// Replaces whether access tokens carry it.
    ///
    /// An API that decides by group needs it.
    pub fn in_access_token(mut self, yes: bool) -> Self {
        self.in_access_token = yes;
        self
    }

    /// Issues the claim only with this scope (or another one that was added).
    ///
    /// At the org's own server this is `groups`.
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// The groups of a person that the claim carries; nothing when the scopes do not
    /// ask for the claim.
    pub(crate) fn value(&self, user: &User, granted: &[String]) -> Option<Vec<String>> {
        if !self.scopes.is_empty() && !self.scopes.iter().any(|scope| granted.contains(scope)) {
            return None;
        }
        Some(user.groups.iter().filter(|group| self.filter.matches(group)).cloned().collect())
    }
}

/// Which groups a claim carries (Okta's `group_filter_type`).
///
/// An expression that cannot be compiled is reported when the org starts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupsFilter {
    /// All.
    Any,
    /// Those whose name starts with this, in any case (`STARTS_WITH`).
    StartsWith(String),
    /// The one with this name, in any case (`EQUALS`).
    EqualTo(String),
    /// Those whose name contains this, in any case (`CONTAINS`).
    Contains(String),
    /// Those whose whole name matches this regular expression, case-sensitively
    /// (`REGEX`).
    Regex(String),
}

impl GroupsFilter {
    /// Whether the claim carries this group.
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

    /// Refuses an expression that cannot be compiled.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Self::Regex(pattern) = self else { return Ok(()) };
        anchored(pattern).map(drop).map_err(|error| {
            Error::config(format_args!("`{pattern}` is no regular expression for groups")).because(error)
        })
    }
}

/// Okta matches the whole name.
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
