//! The tables of authorization servers.
//!
//! Unknown names are errors, so that a typo does not silently select a default. Lifetimes are whole seconds.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::grant_type::GrantType;
use crate::server::{AccessPolicy, AuthorizationServer, CustomClaim, GroupsClaim, GroupsFilter, ORG_SERVER};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerTable {
    /// `default`, `org`, or a custom id; part of the issuer.
    id: String,
    /// `api://{id}` by default.
    audience: Option<String>,
    /// Custom scopes; they replace the server's default scopes.
    scopes: Option<Vec<String>>,
    /// URLs of resources that a grant may name.
    #[serde(default)]
    resources: Vec<String>,
    /// Other custom servers whose access tokens can be exchanged here.
    #[serde(default)]
    trusted_servers: Vec<String>,
    /// Those of the custom scopes that require consent.
    #[serde(default)]
    consent_scopes: Vec<String>,
    access_token_lifetime: Option<u64>,
    id_token_lifetime: Option<u64>,
    /// How long a refresh token may stay unused.
    refresh_token_idle: Option<u64>,
    /// The absolute lifetime of refresh tokens.
    refresh_token_lifetime: Option<u64>,
    code_lifetime: Option<u64>,
    /// Whether ID tokens leave most of the profile to userinfo; true by default.
    thin_id_token: Option<bool>,
    groups_claim: Option<Vec<GroupsTable>>,
    #[serde(default)]
    claim: Vec<ClaimTable>,
    /// Access policies, `[[server.access_policy]]`. Without one, every user may have tokens.
    #[serde(default)]
    access_policy: Vec<PolicyTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimTable {
    name: String,
    /// A literal, or `user.` and the name of an attribute.
    value: Value,
    /// Whether ID tokens and userinfo carry the claim.
    #[serde(default)]
    id_token: bool,
    /// Whether thin ID tokens carry the claim.
    #[serde(default = "yes")]
    always: bool,
    #[serde(default = "yes")]
    access_token: bool,
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyTable {
    #[serde(default)]
    name: String,
    #[serde(default)]
    clients: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    users: Vec<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    grant_types: Vec<GrantType>,
    /// In seconds; by default the server's lifetime.
    access_token_lifetime: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupsTable {
    name: String,
    /// By default the claim carries all groups.
    filter: Option<FilterName>,
    #[serde(default)]
    value: String,
    /// Whether ID tokens and userinfo carry the claim.
    #[serde(default = "yes")]
    id_token: bool,
    /// Whether thin ID tokens of a custom server carry the claim.
    #[serde(default = "yes")]
    always: bool,
    #[serde(default)]
    access_token: bool,
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum FilterName {
    StartsWith,
    Equals,
    Contains,
    Regex,
}

/// The serde default for switches that are on.
fn yes() -> bool {
    true
}

impl ServerTable {
    /// Converts the table; missing members get the defaults of the server with this id.
    ///
    /// The combination is validated when the org is built.
    pub(crate) fn server(self) -> AuthorizationServer {
        let server = match self.id.as_str() {
            ORG_SERVER => AuthorizationServer::org(),
            "default" => AuthorizationServer::default_custom(),
            id => AuthorizationServer::custom(id, format!("api://{id}")),
        };
        let seconds = |value: Option<u64>, default| value.map_or(default, Duration::from_secs);
        let claims = self.groups_claim.map(|claims| claims.into_iter().map(GroupsTable::claim).collect());
        AuthorizationServer {
            audience: self.audience.unwrap_or(server.audience),
            scopes: self.scopes.unwrap_or(server.scopes),
            resources: self.resources,
            trusted_servers: self.trusted_servers,
            consent_scopes: self.consent_scopes,
            access_token_lifetime: seconds(self.access_token_lifetime, server.access_token_lifetime),
            id_token_lifetime: seconds(self.id_token_lifetime, server.id_token_lifetime),
            refresh_token_idle: seconds(self.refresh_token_idle, server.refresh_token_idle),
            refresh_token_lifetime: self
                .refresh_token_lifetime
                .map(Duration::from_secs)
                .or(server.refresh_token_lifetime),
            code_lifetime: seconds(self.code_lifetime, server.code_lifetime),
            thin_id_token: self.thin_id_token.unwrap_or(server.thin_id_token),
            groups_claims: claims.unwrap_or(server.groups_claims),
            claims: self.claim.into_iter().map(ClaimTable::claim).collect(),
            access_policies: self.access_policy.into_iter().map(PolicyTable::policy).collect(),
            id: server.id,
        }
    }
}

impl GroupsTable {
    fn claim(self) -> GroupsClaim {
        let filter = match self.filter {
            None => GroupsFilter::Any,
            Some(FilterName::StartsWith) => GroupsFilter::StartsWith(self.value),
            Some(FilterName::Equals) => GroupsFilter::EqualTo(self.value),
            Some(FilterName::Contains) => GroupsFilter::Contains(self.value),
            Some(FilterName::Regex) => GroupsFilter::Regex(self.value),
        };
        let claim = GroupsClaim::new(self.name, filter).in_id_token(self.id_token).always(self.always);
        GroupsClaim { scopes: self.scopes, ..claim.in_access_token(self.access_token) }
    }
}

impl ClaimTable {
    /// Converts the table; missing members get the defaults of [`CustomClaim::new`].
    fn claim(self) -> CustomClaim {
        let claim = CustomClaim::new(self.name, self.value).in_id_token(self.id_token).always(self.always);
        CustomClaim { scopes: self.scopes, ..claim.in_access_token(self.access_token) }
    }
}

impl PolicyTable {
    /// Missing members do not restrict the policy.
    fn policy(self) -> AccessPolicy {
        let Self { name, clients, groups, users, scopes, grant_types, access_token_lifetime } = self;
        let access_token_lifetime = access_token_lifetime.map(Duration::from_secs);
        AccessPolicy { name, clients, groups, users, scopes, grant_types, access_token_lifetime }
    }
}
