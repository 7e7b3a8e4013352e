//! The table of a client, used by settings files and the test API.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::{AuthMethod, Client, JweAlgorithm, ResourceConnection, Rotation, SubjectFormat};
use crate::grant_type::GrantType;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientTable {
    pub(crate) id: String,
    /// Generated if it is missing; the program prints it.
    secret: Option<String>,
    /// Determines the defaults of the other members.
    #[serde(default, rename = "type")]
    kind: ClientKind,
    name: Option<String>,
    auth_method: Option<AuthMethodName>,
    /// By default the grants of the type.
    grant_types: Option<Vec<GrantType>>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    #[serde(default)]
    scopes: Vec<String>,
    rotation: Option<RotationName>,
    /// In seconds.
    rotation_leeway: Option<u64>,
    /// Public keys for `private_key_jwt`, as inline tables.
    #[serde(default)]
    jwks: Vec<Value>,
    /// The URL of the keys, on this machine.
    jwks_uri: Option<String>,
    pkce_required: Option<bool>,
    /// Whether every token request needs a DPoP proof.
    #[serde(default)]
    dpop_bound_access_tokens: bool,
    #[serde(default)]
    require_pushed_authorization_requests: bool,
    #[serde(default)]
    require_signed_request_object: bool,
    request_object_signing_alg: Option<String>,
    /// Needs a key with `use=enc` in `jwks`.
    id_token_encrypted_response_alg: Option<JweAlgorithm>,
    /// Granted scopes of Okta's API.
    #[serde(default)]
    okta_scopes: Vec<String>,
    /// Administrator roles of a service.
    #[serde(default)]
    admin_roles: Vec<String>,
    /// Whether the service is a published API integration.
    #[serde(default)]
    api_integration: bool,
    /// Whether the client is an AI agent.
    #[serde(default)]
    agent: bool,
    /// What the client may request at other apps.
    #[serde(default)]
    connection: Vec<ResourceConnection>,
    /// Clients whose access tokens an agent may exchange.
    #[serde(default)]
    delegated_by: Vec<String>,
    /// The URL under which other clients call an agent.
    resource: Option<String>,
    /// Whether ID tokens carry `sid`; by default only with session details of Single Logout.
    session_claim: Option<bool>,
    /// Setting it enables Single Logout.
    frontchannel_logout_uri: Option<String>,
    /// True by default.
    frontchannel_logout_session_required: Option<bool>,
    universal_logout_uri: Option<String>,
    /// By e-mail address by default.
    universal_logout_subject: Option<SubjectFormat>,
}

/// The values of `type`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum ClientKind {
    #[default]
    Web,
    Public,
    Service,
    /// `id` is the URL of the document.
    MetadataDocument,
}

/// The values of `auth_method`: Okta's `token_endpoint_auth_method`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum AuthMethodName {
    ClientSecretBasic,
    ClientSecretPost,
    ClientSecretJwt,
    PrivateKeyJwt,
    None,
}

/// The values of `rotation`: Okta's `rotation_type`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum RotationName {
    Static,
    Rotate,
}

impl ClientTable {
    /// Converts the table; missing members get the defaults of the type.
    pub(crate) fn client(self) -> Client {
        let secret = self.secret.unwrap_or_default();
        let client = match self.kind {
            ClientKind::Web => Client::web(self.id, secret),
            ClientKind::Public => Client::public(self.id),
            ClientKind::Service => Client::service(self.id, secret),
            ClientKind::MetadataDocument => Client::metadata_document(self.id),
        };
        let participate_slo = self.frontchannel_logout_uri.is_some();
        let session_details = self.frontchannel_logout_session_required.unwrap_or(true);
        Client {
            name: self.name.unwrap_or(client.name),
            grant_types: self.grant_types.unwrap_or_else(|| client.grant_types.clone()),
            redirect_uris: self.redirect_uris,
            post_logout_redirect_uris: self.post_logout_redirect_uris,
            scopes: self.scopes,
            auth_method: self.auth_method.map_or(client.auth_method, AuthMethodName::method),
            rotation: self.rotation.map_or(client.rotation, RotationName::rotation),
            rotation_leeway: self.rotation_leeway.map_or(client.rotation_leeway, Duration::from_secs),
            jwks: self.jwks,
            jwks_uri: self.jwks_uri,
            pkce_required: self.pkce_required.unwrap_or(client.pkce_required),
            dpop_bound_access_tokens: self.dpop_bound_access_tokens,
            require_pushed_authorization_requests: self.require_pushed_authorization_requests,
            require_signed_request_object: self.require_signed_request_object,
            request_object_signing_alg: self.request_object_signing_alg,
            id_token_encrypted_response_alg: self.id_token_encrypted_response_alg,
            okta_scopes: self.okta_scopes,
            admin_roles: self.admin_roles,
            api_integration: self.api_integration,
            is_agent: self.agent,
            connections: self.connection,
            delegators: self.delegated_by,
            resource_url: self.resource,
            session_claim: self.session_claim.unwrap_or(participate_slo && session_details),
            participate_slo,
            frontchannel_logout_uri: self.frontchannel_logout_uri,
            frontchannel_logout_session_required: session_details,
            universal_logout_uri: self.universal_logout_uri,
            universal_logout_subject: self.universal_logout_subject.unwrap_or_default(),
            ..client
        }
    }
}

impl AuthMethodName {
    fn method(self) -> AuthMethod {
        match self {
            Self::ClientSecretBasic => AuthMethod::ClientSecretBasic,
            Self::ClientSecretPost => AuthMethod::ClientSecretPost,
            Self::ClientSecretJwt => AuthMethod::ClientSecretJwt,
            Self::PrivateKeyJwt => AuthMethod::PrivateKeyJwt,
            Self::None => AuthMethod::None,
        }
    }
}

impl RotationName {
    fn rotation(self) -> Rotation {
        match self {
            Self::Static => Rotation::Static,
            Self::Rotate => Rotation::Rotate,
        }
    }
}

impl From<Client> for ClientTable {
    fn from(client: Client) -> Self {
        Self {
            kind: match client.auth_method {
                _ if client.is_metadata_document => ClientKind::MetadataDocument,
                _ if client.is_service() => ClientKind::Service,
                AuthMethod::None => ClientKind::Public,
                _ => ClientKind::Web,
            },
            id: client.client_id,
            secret: client.client_secret,
            name: Some(client.name),
            auth_method: Some(match client.auth_method {
                AuthMethod::ClientSecretBasic => AuthMethodName::ClientSecretBasic,
                AuthMethod::ClientSecretPost => AuthMethodName::ClientSecretPost,
                AuthMethod::ClientSecretJwt => AuthMethodName::ClientSecretJwt,
                AuthMethod::PrivateKeyJwt => AuthMethodName::PrivateKeyJwt,
                AuthMethod::None => AuthMethodName::None,
            }),
            grant_types: Some(client.grant_types),
            redirect_uris: client.redirect_uris,
            post_logout_redirect_uris: client.post_logout_redirect_uris,
            scopes: client.scopes,
            rotation: Some(match client.rotation {
                Rotation::Static => RotationName::Static,
                Rotation::Rotate => RotationName::Rotate,
            }),
            rotation_leeway: Some(client.rotation_leeway.as_secs()),
            jwks: client.jwks,
            jwks_uri: client.jwks_uri,
            pkce_required: Some(client.pkce_required),
            dpop_bound_access_tokens: client.dpop_bound_access_tokens,
            require_pushed_authorization_requests: client.require_pushed_authorization_requests,
            require_signed_request_object: client.require_signed_request_object,
            request_object_signing_alg: client.request_object_signing_alg,
            id_token_encrypted_response_alg: client.id_token_encrypted_response_alg,
            okta_scopes: client.okta_scopes,
            admin_roles: client.admin_roles,
            api_integration: client.api_integration,
            agent: client.is_agent,
            connection: client.connections,
            delegated_by: client.delegators,
            resource: client.resource_url,
            session_claim: Some(client.session_claim),
            frontchannel_logout_uri: client.frontchannel_logout_uri,
            frontchannel_logout_session_required: Some(client.frontchannel_logout_session_required),
            universal_logout_uri: client.universal_logout_uri,
            universal_logout_subject: Some(client.universal_logout_subject),
        }
    }
}
