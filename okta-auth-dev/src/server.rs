//! The settings of an authorization server: the org's own, or a custom one.
//!
//! Issuer, audience, scopes, lifetimes and the claims that carry groups: what an administrator sets
//! under *Security > API*.

use std::time::Duration;

use crate::error::Error;
use crate::user::User;

/// The id that stands for the org's own authorization server where a custom server's id is
/// expected.
pub const ORG_SERVER: &str = "org";

/// The scopes of OpenID Connect that every server knows.
///
/// `groups` belongs to the org's own server, `device_sso` to custom ones.
const OIDC_SCOPES: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// An authorization server.
///
/// The org's own server signs its access tokens with a key that it does not publish, so nobody but
/// the org can check them. A custom server such as `default` issues access tokens for your APIs.
///
/// ```
/// use okta_auth_dev::{AuthorizationServer, GroupsClaim, GroupsFilter};
///
/// let orders = AuthorizationServer::custom("orders", "api://orders")
///     .scope("orders:read")
///     .groups_claim(GroupsClaim::new("groups", GroupsFilter::StartsWith("App_".into())).in_access_token(true));
/// assert_eq!(orders.audience, "api://orders");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthorizationServer {
    /// The id, which is part of the issuer: `{org}/oauth2/{id}`. [`ORG_SERVER`] is the org's own
    /// server.
    pub id: String,
    /// The `aud` of access tokens. The org's own server uses the org's URL instead.
    pub audience: String,
    /// Custom scopes, besides those of OpenID Connect. Only custom servers have them.
    pub scopes: Vec<String>,
    /// The claims that carry groups.
    pub groups_claims: Vec<GroupsClaim>,
    /// How long an access token is valid; 5 minutes to 24 hours at Okta, 1 hour by default.
    pub access_token_lifetime: Duration,
    /// How long an ID token is valid; always 1 hour at Okta.
    pub id_token_lifetime: Duration,
    /// How long a refresh token may lie unused; 7 days by default.
    pub refresh_token_idle: Duration,
    /// How long an authorization code is valid; always 300 s at Okta.
    pub code_lifetime: Duration,
    /// Whether an ID token that comes with an access token carries only `email`, `name` and
    /// `preferred_username`, and leaves the rest to userinfo. True for the org's own server.
    pub thin_id_token: bool,
}

impl AuthorizationServer {
    /// A custom server without scopes and claims of its own.
    ///
    /// Access and ID tokens are valid for 1 hour, codes for 300 s, refresh tokens until they lie
    /// unused for 7 days: Okta's defaults.
    pub fn custom(id: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            audience: audience.into(),
            scopes: Vec::new(),
            groups_claims: Vec::new(),
            access_token_lifetime: Duration::from_secs(3600),
            id_token_lifetime: Duration::from_secs(3600),
            refresh_token_idle: Duration::from_secs(7 * 86_400),
            code_lifetime: Duration::from_secs(300),
            thin_id_token: false,
        }
    }

    /// The custom server `default` with the audience `api://default`, the scopes `orders:read` and
    /// `orders:write`, and all groups in the claim `groups` of ID tokens.
    pub(crate) fn default_custom() -> Self {
        let groups = GroupsClaim::new("groups", GroupsFilter::Any);
        Self::custom("default", "api://default").scope("orders:read").scope("orders:write").groups_claim(groups)
    }

    /// The org's own server: thin ID tokens, groups with the scope `groups` only.
    pub(crate) fn org() -> Self {
        let groups = GroupsClaim::new("groups", GroupsFilter::Any).with_scope("groups");
        Self { thin_id_token: true, ..Self::custom(ORG_SERVER, "").groups_claim(groups) }
    }

    /// Adds a custom scope.
    ///
    /// A request for a scope that the server does not know fails as a whole, with `invalid_scope`.
    /// Custom scopes are not listed in the metadata, which is Okta's default.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Adds a claim that carries groups.
    ///
    /// A claim of the same name is replaced. More than 100 groups in one claim fail the request, as
    /// at Okta: filter them.
    pub fn groups_claim(mut self, claim: GroupsClaim) -> Self {
        self.groups_claims.retain(|known| known.name != claim.name);
        self.groups_claims.push(claim);
        self
    }

    /// Replaces how long an access token is valid.
    ///
    /// Policies that depend on the client or the person, as Okta has them, do not exist here.
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_token_lifetime = lifetime;
        self
    }

    /// Replaces whether ID tokens are thin.
    ///
    /// The documentation of Okta contradicts itself about thin tokens, so an app should cope with
    /// both.
    pub fn thin_id_token(mut self, thin: bool) -> Self {
        self.thin_id_token = thin;
        self
    }

    /// Whether this is the org's own server.
    pub(crate) fn is_org(&self) -> bool {
        self.id == ORG_SERVER
    }

    /// The issuer at the org with this URL.
    pub(crate) fn issuer(&self, url: &str) -> String {
        if self.is_org() { url.to_owned() } else { format!("{url}/oauth2/{}", self.id) }
    }

    /// Where the endpoints live. The org's issuer has no path, its endpoints have one.
    pub(crate) fn endpoints(&self, url: &str) -> String {
        if self.is_org() { format!("{url}/oauth2/v1") } else { format!("{url}/oauth2/{}/v1", self.id) }
    }

    /// The scopes of OpenID Connect here, as the metadata lists them.
    pub(crate) fn oidc_scopes(&self) -> Vec<&'static str> {
        let own = if self.is_org() { "groups" } else { "device_sso" };
        OIDC_SCOPES.into_iter().chain([own]).collect()
    }

    /// Whether a request may ask for the scope.
    pub(crate) fn knows_scope(&self, scope: &str) -> bool {
        self.is_oidc_scope(scope) || self.scopes.iter().any(|known| known == scope)
    }

    /// Whether the scope is one of OpenID Connect, which needs a person.
    pub(crate) fn is_oidc_scope(&self, scope: &str) -> bool {
        self.oidc_scopes().contains(&scope)
    }

    /// Refuses an id that would not work in a path, and one that means something else there.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let plain = !self.id.is_empty() && self.id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if !plain || self.id == "v1" {
            return Err(Error::config(format_args!(
                "`{}` is no authorization server id: use letters, digits, `-` and `_`, but not `v1`",
                self.id
            )));
        }
        self.groups_claims.iter().try_for_each(|claim| claim.filter.check())
    }
}

/// A claim that carries the names of groups.
///
/// At the org's own server groups go into ID tokens and need the scope `groups`. At a custom server
/// a claim of any name may carry them, in either kind of token, always or with certain scopes.
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
    /// Whether access tokens carry it.
    pub in_access_token: bool,
    /// The scopes of which one must be granted; empty for always.
    pub scopes: Vec<String>,
}

impl GroupsClaim {
    /// A claim of ID tokens.
    pub fn new(name: impl Into<String>, filter: GroupsFilter) -> Self {
        Self { name: name.into(), filter, in_id_token: true, in_access_token: false, scopes: Vec::new() }
    }

    /// Replaces whether ID tokens carry it.
    ///
    /// Thin ID tokens do not; userinfo does in their place.
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

    /// The groups of a person that the claim carries; nothing when the scopes do not ask for the
    /// claim.
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
    /// Those whose whole name matches this regular expression, case-sensitively (`REGEX`).
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

    fn check(&self) -> Result<(), Error> {
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
