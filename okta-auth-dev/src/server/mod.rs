//! The settings of an authorization server: the org's own, or a custom one.
//!
//! They cover issuer, audience, scopes, lifetimes, claims and access policies, as under *Security > API* in Okta.

mod claim;
mod groups;
mod policy;

pub use claim::CustomClaim;
pub use groups::{GroupsClaim, GroupsFilter};
pub use policy::AccessPolicy;
pub(crate) use policy::PolicyRequest;

use std::time::Duration;

use crate::client::{Client, push_new};
use crate::clock::seconds;
use crate::error::Error;
use crate::oauth_error::OAuthError;

/// The id of the org's own authorization server.
pub const ORG_SERVER: &str = "org";

/// The OpenID Connect scopes of every server.
///
/// The org's own server adds `groups`; custom servers add `device_sso` and `interclient_access`.
const OIDC_SCOPES: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// An authorization server.
///
/// The org's own server signs its access tokens with an unpublished key, so only the org can verify them. A custom
/// server such as `default` issues access tokens for your APIs.
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
    /// The id, part of the issuer: `{org}/oauth2/{id}`. [`ORG_SERVER`] is the org's own server.
    pub id: String,
    /// The `aud` of access tokens. The org's own server uses the org's URL instead.
    pub audience: String,
    /// Custom scopes, in addition to the OpenID Connect scopes. Custom servers only.
    pub scopes: Vec<String>,
    /// The groups claims.
    pub groups_claims: Vec<GroupsClaim>,
    /// Other claims. Custom servers only.
    pub claims: Vec<CustomClaim>,
    /// The access policies; without one, every user may have tokens. Custom servers only.
    pub access_policies: Vec<AccessPolicy>,
    /// The URLs of resources behind the server, which a grant or a request may name. Such an access token has the URL
    /// as `aud`.
    pub resources: Vec<String>,
    /// The ids of other custom servers whose access tokens can be exchanged at this one (Okta's *Trusted servers*).
    pub trusted_servers: Vec<String>,
    /// Custom scopes that require the user's consent. The org has no consent page, so a sign-in is granted them; grants
    /// without a page fail with `consent_required`.
    pub consent_scopes: Vec<String>,
    /// The lifetime of access tokens; 5 minutes to 24 hours at Okta, 1 hour by default.
    pub access_token_lifetime: Duration,
    /// The lifetime of ID tokens; always 1 hour at Okta.
    pub id_token_lifetime: Duration,
    /// How long a refresh token may stay unused; 7 days by default.
    pub refresh_token_idle: Duration,
    /// The absolute lifetime of refresh tokens from the sign-in, regardless of use and rotation. By default it is
    /// unlimited, and 90 days at the org's own server.
    pub refresh_token_lifetime: Option<Duration>,
    /// The lifetime of authorization codes; always 300 s at Okta.
    pub code_lifetime: Duration,
    /// Whether an ID token that is issued with an access token carries only `email`, `name` and `preferred_username` of
    /// the profile, and leaves the rest to userinfo. True by default, as at Okta.
    pub thin_id_token: bool,
}

impl AuthorizationServer {
    /// Creates a custom server without custom scopes, claims and access policies.
    ///
    /// It has Okta's default lifetimes: access and ID tokens 1 hour, codes 300 s, refresh tokens until they are unused
    /// for 7 days.
    pub fn custom(id: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            audience: audience.into(),
            scopes: Vec::new(),
            groups_claims: Vec::new(),
            claims: Vec::new(),
            access_policies: Vec::new(),
            resources: Vec::new(),
            trusted_servers: Vec::new(),
            consent_scopes: Vec::new(),
            access_token_lifetime: Duration::from_secs(3600),
            id_token_lifetime: Duration::from_secs(3600),
            refresh_token_idle: Duration::from_secs(7 * 86_400),
            refresh_token_lifetime: None,
            code_lifetime: Duration::from_secs(300),
            thin_id_token: true,
        }
    }

    /// The custom server `default` with the audience `api://default` and the scopes `orders:read` and `orders:write`.
    pub(crate) fn default_custom() -> Self {
        Self::custom("default", "api://default").scope("orders:read").scope("orders:write")
    }

    /// The org's own server, with refresh tokens for 90 days.
    pub(crate) fn org() -> Self {
        let days = Duration::from_secs(90 * 86_400);
        Self { refresh_token_idle: days, refresh_token_lifetime: Some(days), ..Self::custom(ORG_SERVER, "") }
    }

    /// Adds a custom scope.
    ///
    /// A request with an unknown scope fails completely, with `invalid_scope`. The metadata does not list custom
    /// scopes, which is Okta's default.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        push_new(&mut self.scopes, scope.into());
        self
    }

    /// Adds the URL of a resource behind the server, see [`resources`](Self::resources).
    pub fn resource(mut self, url: impl Into<String>) -> Self {
        self.resources.push(url.into());
        self
    }

    /// Accepts access tokens of another custom server of the org in token exchanges.
    ///
    /// ```
    /// use okta_auth_dev::AuthorizationServer;
    ///
    /// let billing = AuthorizationServer::custom("billing", "api://billing").trusted_server("default");
    /// assert_eq!(billing.trusted_servers, ["default"]);
    /// ```
    pub fn trusted_server(mut self, id: impl Into<String>) -> Self {
        self.trusted_servers.push(id.into());
        self
    }

    /// Adds a custom scope that requires the user's consent, see [`consent_scopes`](Self::consent_scopes).
    pub fn consent_scope(mut self, scope: impl Into<String>) -> Self {
        let scope = scope.into();
        self.consent_scopes.push(scope.clone());
        self.scope(scope)
    }

    /// Adds a groups claim, or replaces the claim of the same name.
    ///
    /// More than 100 groups in one claim fail the request, as at Okta, so use a filter.
    pub fn groups_claim(mut self, claim: GroupsClaim) -> Self {
        self.groups_claims.retain(|known| known.name != claim.name);
        self.groups_claims.push(claim);
        self
    }

    /// Adds a custom claim, or replaces the claim of the same name.
    ///
    /// Names of claims that Okta sets itself are rejected when the org starts.
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
    /// Without a policy, every request is allowed. With one or more, a request that no policy allows fails with
    /// `access_denied`.
    pub fn access_policy(mut self, policy: AccessPolicy) -> Self {
        self.access_policies.push(policy);
        self
    }

    /// Sets the lifetime of access tokens.
    ///
    /// It applies to every client and user; at Okta the policy rules decide.
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_token_lifetime = lifetime;
        self
    }

    /// Sets whether ID tokens are thin; true by default.
    ///
    /// Okta's documentation is inconsistent about thin tokens, so an app should support both.
    pub fn thin_id_token(mut self, thin: bool) -> Self {
        self.thin_id_token = thin;
        self
    }

    /// The expiry of a refresh token that is issued or used now; `ends_at` is its absolute expiry.
    pub(crate) fn refresh_token_expiry(&self, now: i64, ends_at: Option<i64>) -> i64 {
        let idle = now.saturating_add(seconds(self.refresh_token_idle));
        ends_at.map_or(idle, |ends_at| idle.min(ends_at))
    }

    pub(crate) fn is_org(&self) -> bool {
        self.id == ORG_SERVER
    }

    pub(crate) fn issuer(&self, url: &str) -> String {
        if self.is_org() { url.to_owned() } else { format!("{url}/oauth2/{}", self.id) }
    }

    /// The base URL of the endpoints. The org's issuer has no path, but its endpoints have one.
    pub(crate) fn endpoints(&self, url: &str) -> String {
        if self.is_org() { format!("{url}/oauth2/v1") } else { format!("{url}/oauth2/{}/v1", self.id) }
    }

    /// The OpenID Connect scopes, as listed in the metadata.
    pub(crate) fn oidc_scopes(&self) -> Vec<&'static str> {
        let own: &[_] = if self.is_org() { &["groups"] } else { &["device_sso", "interclient_access"] };
        OIDC_SCOPES.into_iter().chain(own.iter().copied()).collect()
    }

    /// Sorts scopes in Okta's order: OpenID Connect scopes first.
    pub(crate) fn in_order<'a>(&self, scopes: &'a [String]) -> Vec<&'a str> {
        let known = self.oidc_scopes();
        let place = |scope: &&str| known.iter().position(|known| known == scope).unwrap_or(known.len());
        let mut scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        scopes.sort_by_key(place);
        scopes
    }

    pub(crate) fn knows_scope(&self, scope: &str) -> bool {
        self.is_oidc_scope(scope) || self.scopes.iter().any(|known| known == scope)
    }

    /// Returns Okta's error for scopes that the server or the client does not have.
    pub(crate) fn check_custom_scopes(&self, client: &Client, scopes: &[String]) -> Result<(), OAuthError> {
        let allowed = client.scopes.is_empty() || scopes.iter().all(|scope| client.scopes.contains(scope));
        let known = scopes.iter().all(|scope| self.knows_scope(scope));
        (allowed && known).then_some(()).ok_or_else(OAuthError::unknown_scope)
    }

    pub(crate) fn has_resource(&self, url: &str) -> bool {
        self.resources.iter().any(|known| known == url)
    }

    /// Whether access tokens of another server of the org can be exchanged at this one.
    pub(crate) fn trusts(&self, server: &str) -> bool {
        self.trusted_servers.iter().any(|known| known == server)
    }

    /// The scopes that require consent, of the requested ones.
    pub(crate) fn needing_consent<'a>(&self, scopes: &'a [String]) -> Vec<&'a str> {
        scopes.iter().filter(|scope| self.consent_scopes.contains(scope)).map(String::as_str).collect()
    }

    /// Whether the scope is an OpenID Connect scope, which requires a user.
    pub(crate) fn is_oidc_scope(&self, scope: &str) -> bool {
        self.oidc_scopes().contains(&scope)
    }

    /// Returns Okta's error if policies exist and none allows the request.
    pub(crate) fn allow(&self, request: &PolicyRequest<'_>) -> Result<(), OAuthError> {
        let mut policies = self.access_policies.iter();
        let allowed = self.access_policies.is_empty() || policies.any(|policy| policy.allows(request));
        allowed.then_some(()).ok_or_else(OAuthError::no_matching_policy)
    }

    /// The lifetime of an access token: that of the first policy that allows the request, otherwise that of the server.
    pub(crate) fn lifetime(&self, request: &PolicyRequest<'_>) -> Duration {
        let policy = self.access_policies.iter().find(|policy| policy.allows(request));
        policy.and_then(|policy| policy.access_token_lifetime).unwrap_or(self.access_token_lifetime)
    }

    /// Rejects invalid and reserved ids, and settings that the server does not support.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let plain = !self.id.is_empty() && self.id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if !plain || self.id == "v1" {
            return Err(Error::config(format_args!(
                "`{}` is not an authorization server id: use letters, digits, `-` and `_`, but not `v1`",
                self.id
            )));
        }
        if self.is_org() && !(self.claims.is_empty() && self.access_policies.is_empty()) {
            return Err(Error::config(
                "the org's own authorization server cannot have custom claims or access policies: \
                 configure them for a custom server",
            ));
        }
        self.claims.iter().try_for_each(CustomClaim::check)?;
        self.groups_claims.iter().try_for_each(|claim| claim.filter.check())
    }
}
