//! Settings for all clients and servers.

use std::time::Duration;

use crate::client::{AuthMethod, Client, Rotation};
use crate::grant_type::GrantType;
use crate::server::{AuthorizationServer, GroupsClaim};

/// Settings for all clients and servers, independent of the order in which they were added.
#[derive(Clone, Debug, Default)]
pub(super) struct Overrides {
    /// Custom servers only: Okta fixes the lifetime at the org's own server.
    pub(super) access_token_lifetime: Option<Duration>,
    /// All servers. Okta fixes this lifetime; tests need tokens that expire soon.
    pub(super) id_token_lifetime: Option<Duration>,
    /// All servers: how long a refresh token may stay unused.
    pub(super) refresh_token_idle: Option<Duration>,
    /// All servers: the absolute lifetime of refresh tokens.
    pub(super) refresh_token_lifetime: Option<Duration>,
    pub(super) code_lifetime: Option<Duration>,
    /// Custom servers only: ID tokens of the org's own server are always thin.
    pub(super) thin_id_token: Option<bool>,
    /// Servers without a groups claim: the name of a claim that carries all groups.
    pub(super) groups_claim: Option<String>,
    pub(super) rotation: Option<Rotation>,
    pub(super) leeway: Option<Duration>,
    pub(super) dpop: Option<RequiredDpop>,
    /// Confidential clients with users: whether the authorization request must be pushed.
    pub(super) par: bool,
    /// Confidential clients with users: whether the authorization request must be signed.
    pub(super) signed_requests: bool,
}

/// Which clients need DPoP proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequiredDpop {
    None,
    Services,
    All,
}

impl Overrides {
    pub(super) fn apply_to_client(&self, client: &mut Client) {
        client.rotation = self.rotation.unwrap_or(client.rotation);
        client.rotation_leeway = self.leeway.unwrap_or(client.rotation_leeway);
        client.dpop_bound_access_tokens = match self.dpop {
            Some(RequiredDpop::All) => true,
            Some(RequiredDpop::Services) => client.is_service(),
            Some(RequiredDpop::None) => false,
            None => client.dpop_bound_access_tokens,
        };
        let confidential = client.auth_method != AuthMethod::None && client.may_use(GrantType::AuthorizationCode);
        client.require_pushed_authorization_requests |= self.par && confidential;
        client.require_signed_request_object |= self.signed_requests && confidential;
    }

    /// Applies lifetimes, as far as Okta allows for this kind of server.
    pub(super) fn apply_to_server(&self, server: &mut AuthorizationServer) {
        server.id_token_lifetime = self.id_token_lifetime.unwrap_or(server.id_token_lifetime);
        server.refresh_token_idle = self.refresh_token_idle.unwrap_or(server.refresh_token_idle);
        server.refresh_token_lifetime = self.refresh_token_lifetime.or(server.refresh_token_lifetime);
        server.code_lifetime = self.code_lifetime.unwrap_or(server.code_lifetime);
        if let Some(name) = self.groups_claim.as_ref().filter(|_| server.groups_claims.is_empty()) {
            let claim = GroupsClaim::all(name);
            server.groups_claims.push(if server.is_org() { claim.with_scope("groups") } else { claim });
        }
        if !server.is_org() {
            server.access_token_lifetime = self.access_token_lifetime.unwrap_or(server.access_token_lifetime);
            server.thin_id_token = self.thin_id_token.unwrap_or(server.thin_id_token);
        }
    }
}
