//! The tables of authorization servers.
//!
//! A name that is not known is an error, so that a typing mistake does not pass for
//! a default. Lifetimes are whole seconds.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::server::{AccessPolicy, AuthorizationServer, CustomClaim, GroupsClaim, GroupsFilter, ORG_SERVER};

/// An entry of `[[server]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServerTable {
    /// `default`, `org`, or a name of its own; part of the issuer.
    id: String,
    /// `api://{id}` if it is left out.
    audience: Option<String>,
    /// Custom scopes; take the place of those the server has by default.
    scopes: Option<Vec<String>>,
    /// Seconds.
    access_token_lifetime: Option<u64>,
    id_token_lifetime: Option<u64>,
    /// How long a refresh token may lie unused.
    refresh_token_idle: Option<u64>,
    /// When it ends however often it is used.
    refresh_token_lifetime: Option<u64>,
    /// How long a code may be exchanged.
    code_lifetime: Option<u64>,
    /// Whether ID tokens leave most of the profile to userinfo; true if it is left out.
    thin_id_token: Option<bool>,
    /// Claims that carry groups, `[[server.groups_claim]]`.
    groups_claim: Option<Vec<GroupsTable>>,
    /// Further claims, `[[server.claim]]`.
    #[serde(default)]
    claim: Vec<ClaimTable>,
    /// Who may have tokens, `[[server.access_policy]]`; everybody without one.
    #[serde(default)]
    access_policy: Vec<PolicyTable>,
}

/// An entry of `[[server.claim]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimTable {
    name: String,
    /// A literal, or `user.` and the name of an attribute.
    value: Value,
    /// Whether ID tokens and userinfo carry it.
    #[serde(default)]
    id_token: bool,
    /// Whether thin ID tokens carry it, too.
    #[serde(default = "yes")]
    always: bool,
    /// Whether access tokens carry it.
    #[serde(default = "yes")]
    access_token: bool,
    #[serde(default)]
    scopes: Vec<String>,
}

/// An entry of `[[server.access_policy]]`.
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
    /// Seconds; what the server says if it is left out.
    access_token_lifetime: Option<u64>,
}

/// An entry of `[[server.groups_claim]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupsTable {
    name: String,
    /// All groups if it is left out.
    filter: Option<FilterName>,
    /// What the filter compares with.
    #[serde(default)]
    value: String,
    /// Whether ID tokens and userinfo carry it.
    #[serde(default = "yes")]
    id_token: bool,
    /// Whether thin ID tokens of a custom server carry it, too.
    #[serde(default = "yes")]
    always: bool,
    /// Whether access tokens carry it.
    #[serde(default)]
    access_token: bool,
    #[serde(default)]
    scopes: Vec<String>,
}

/// Okta's names.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum FilterName {
    StartsWith,
    Equals,
    Contains,
    Regex,
}

/// ID tokens carry a groups claim, and access tokens a custom one, unless the file says
/// otherwise.
fn yes() -> bool {
    true
}

impl ServerTable {
    /// What is left out has the default of the server with this id.
    ///
    /// Whether the whole makes sense is checked when the org is built.
    pub(super) fn server(self) -> AuthorizationServer {
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
    /// Without a filter the claim carries all groups.
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
    /// What is left out has the default of [`CustomClaim::new`].
    fn claim(self) -> CustomClaim {
        let claim = CustomClaim::new(self.name, self.value).in_id_token(self.id_token).always(self.always);
        CustomClaim { scopes: self.scopes, ..claim.in_access_token(self.access_token) }
    }
}

impl PolicyTable {
    /// What is left out is not restricted.
    fn policy(self) -> AccessPolicy {
        let Self { name, clients, groups, users, scopes, access_token_lifetime } = self;
        let access_token_lifetime = access_token_lifetime.map(Duration::from_secs);
        AccessPolicy { name, clients, groups, users, scopes, access_token_lifetime }
    }
}
