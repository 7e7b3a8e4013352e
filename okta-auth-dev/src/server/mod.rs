//! The settings of an authorization server: the org's own, or a custom one.
//!
//! Issuer, audience, scopes, lifetimes, claims and access policies: what an
//! administrator sets under *Security > API*.

mod claim;
mod groups;
mod policy;

pub use claim::CustomClaim;
pub use groups::{GroupsClaim, GroupsFilter};
pub use policy::AccessPolicy;

use std::time::Duration;

use crate::clock::seconds;
use crate::error::Error;
use crate::oauth_error::OAuthError;
use crate::user::User;

/// The id that stands for the org's own authorization server where a custom server's id
/// is expected.
pub const ORG_SERVER: &str = "org";

/// The scopes of OpenID Connect that every server knows.
///
/// `groups` belongs to the org's own server, `device_sso` and `interclient_access` to
/// custom ones.
const OIDC_SCOPES: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// An authorization server.
///
/// The org's own server signs its access tokens with a key that it does not publish, so
/// nobody but the org can check them. A custom server such as `default` issues access
/// tokens for your APIs.
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
    /// The id, which is part of the issuer: `{org}/oauth2/{id}`. [`ORG_SERVER`] is the
    /// org's own server.
    pub id: String,
    /// The `aud` of access tokens. The org's own server uses the org's URL instead.
    pub audience: String,
    /// Custom scopes, besides those of OpenID Connect. Only custom servers have them.
    pub scopes: Vec<String>,
    /// The claims that carry groups.
    pub groups_claims: Vec<GroupsClaim>,
    /// Further claims. Only custom servers have them.
    pub claims: Vec<CustomClaim>,
    /// Who may have tokens; everybody if there is none. Only custom servers have them.
    pub access_policies: Vec<AccessPolicy>,
    /// How long an access token is valid; 5 minutes to 24 hours at Okta, 1 hour by
    /// default.
    pub access_token_lifetime: Duration,
    /// How long an ID token is valid; always 1 hour at Okta.
    pub id_token_lifetime: Duration,
    /// How long a refresh token may lie unused; 7 days by default.
    pub refresh_token_idle: Duration,
    /// How long after the sign-in refresh tokens work at all, however often they are
    /// used and rotated; without an end by default, 90 days at the org's own server.
    pub refresh_token_lifetime: Option<Duration>,
    /// How long an authorization code is valid; always 300 s at Okta.
    pub code_lifetime: Duration,
    /// Whether an ID token that comes with an access token carries only `email`, `name`
    /// and `preferred_username` of the profile, and leaves the rest to userinfo. True by
    /// default, as at Okta.
    pub thin_id_token: bool,
}

impl AuthorizationServer {
    /// A custom server without scopes, claims and access policies of its own.
    ///
    /// Access and ID tokens are valid for 1 hour, codes for 300 s, refresh tokens until
    /// they lie unused for 7 days: Okta's defaults.
    pub fn custom(id: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            audience: audience.into(),
            scopes: Vec::new(),
            groups_claims: Vec::new(),
            claims: Vec::new(),
            access_policies: Vec::new(),
            access_token_lifetime: Duration::from_secs(3600),
            id_token_lifetime: Duration::from_secs(3600),
            refresh_token_idle: Duration::from_secs(7 * 86_400),
            refresh_token_lifetime: None,
            code_lifetime: Duration::from_secs(300),
            thin_id_token: true,
        }
    }

    /// The custom server `default` with the audience `api://default` and the scopes
    /// `orders:read` and `orders:write`.
    pub(crate) fn default_custom() -> Self {
        Self::custom("default", "api://default").scope("orders:read").scope("orders:write")
    }

    /// The org's own server: refresh tokens for 90 days.
    pub(crate) fn org() -> Self {
        let days = Duration::from_secs(90 * 86_400);
        Self { refresh_token_idle: days, refresh_token_lifetime: Some(days), ..Self::custom(ORG_SERVER, "") }
    }

    /// Adds a custom scope.
    ///
    /// A request for a scope that the server does not know fails as a whole, with
    /// `invalid_scope`. Custom scopes are not listed in the metadata, which is Okta's
    /// default.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Adds a claim that carries groups.
    ///
    /// A claim of the same name is replaced. More than 100 groups in one claim fail the
    /// request, as at Okta: filter them.
    pub fn groups_claim(mut self, claim: GroupsClaim) -> Self {
        self.groups_claims.retain(|known| known.name != claim.name);
        self.groups_claims.push(claim);
        self
    }

    /// Adds a claim of another kind.
    ///
    /// A claim of the same name is replaced. The names of claims that Okta sets itself
    /// are refused when the org starts.
    ///
    /// ```
    /// use okta_auth_dev::{AuthorizationServer, CustomClaim};
    ///
    /// let orders = AuthorizationServer::custom("orders", "api://orders")
    ///     .claim(CustomClaim::new("department", "user.department"))
    ///     .claim(CustomClaim::new("tier", 2).in_id_token(true).with_scope("profile"));
    /// assert_eq!(orders.claims.len(), 2);
    /// ```
    pub fn claim(mut self, claim: CustomClaim) -> Self {
        self.claims.retain(|known| known.name != claim.name);
        self.claims.push(claim);
        self
    }

    /// Adds an access policy.
    ///
    /// Without any, everybody gets what they ask for. With one or more, a request that
    /// none of them allows fails with `access_denied`.
    pub fn access_policy(mut self, policy: AccessPolicy) -> Self {
        self.access_policies.push(policy);
        self
    }

    /// Replaces how long an access token is valid.
    ///
    /// It is the same for every client and person; at Okta the rules of a policy
    /// decide.
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_token_lifetime = lifetime;
        self
    }

    /// Replaces whether ID tokens are thin, which they are by default.
    ///
    /// The documentation of Okta contradicts itself about thin tokens, so an app should
    /// cope with both.
    pub fn thin_id_token(mut self, thin: bool) -> Self {
        self.thin_id_token = thin;
        self
    }

    /// When a refresh token expires that is issued or used now, if those of its sign-in
    /// end then.
    pub(crate) fn refresh_token_expiry(&self, now: i64, ends_at: Option<i64>) -> i64 {
        let idle = now.saturating_add(seconds(self.refresh_token_idle));
        ends_at.map_or(idle, |ends_at| idle.min(ends_at))
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
        let own: &[_] = if self.is_org() { &["groups"] } else { &["device_sso", "interclient_access"] };
        OIDC_SCOPES.into_iter().chain(own.iter().copied()).collect()
    }

    /// Scopes in the order in which Okta returns them: those of OpenID Connect first.
    pub(crate) fn in_order<'a>(&self, scopes: &'a [String]) -> Vec<&'a str> {
        let known = self.oidc_scopes();
        let place = |scope: &&str| known.iter().position(|known| known == scope).unwrap_or(known.len());
        let mut scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        scopes.sort_by_key(place);
        scopes
    }

    /// Whether a request may ask for the scope.
    pub(crate) fn knows_scope(&self, scope: &str) -> bool {
        self.is_oidc_scope(scope) || self.scopes.iter().any(|known| known == scope)
    }

    /// Whether the scope is one of OpenID Connect, which needs a person.
    pub(crate) fn is_oidc_scope(&self, scope: &str) -> bool {
        self.oidc_scopes().contains(&scope)
    }

    /// Okta's error unless there are no policies or one of them allows the request.
    /// Nobody is signed in with `client_credentials`.
    pub(crate) fn allow(&self, client_id: &str, user: Option<&User>, scopes: &[String]) -> Result<(), OAuthError> {
        let mut policies = self.access_policies.iter();
        let allowed = self.access_policies.is_empty() || policies.any(|policy| policy.allows(client_id, user, scopes));
        allowed.then_some(()).ok_or_else(OAuthError::no_matching_policy)
    }

    /// How long an access token is valid that is issued for such a request: what the
    /// first policy says that allows it, or else the server.
    pub(crate) fn lifetime(&self, client_id: &str, user: Option<&User>, scopes: &[String]) -> Duration {
        let policy = self.access_policies.iter().find(|policy| policy.allows(client_id, user, scopes));
        policy.and_then(|policy| policy.access_token_lifetime).unwrap_or(self.access_token_lifetime)
    }

    /// Refuses an id that would not work in a path, and one that means something else
    /// there; and settings that the server cannot have.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let plain = !self.id.is_empty() && self.id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if !plain || self.id == "v1" {
            return Err(Error::config(format_args!(
                "`{}` is no authorization server id: use letters, digits, `-` and `_`, but not `v1`",
                self.id
            )));
        }
        if self.is_org() && !(self.claims.is_empty() && self.access_policies.is_empty()) {
            return Err(Error::config(
                "the org's own authorization server has no custom claims and access policies: give them to a custom one",
            ));
        }
        self.claims.iter().try_for_each(CustomClaim::check)?;
        self.groups_claims.iter().try_for_each(|claim| claim.filter.check())
    }
}
