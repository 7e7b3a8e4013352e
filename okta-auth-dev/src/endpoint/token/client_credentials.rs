//! Client credentials: a token for the client itself (RFC 6749 §4.4).
//!
//! A custom server issues tokens with its custom scopes, to any client and with any authentication. The org's own
//! server issues tokens for Okta's API only: to services, with scopes that an administrator granted, and with a private
//! key.

use super::response::{Kind, respond};
use crate::client::{AuthMethod, Client};
use crate::endpoint::exchange::Exchange;
use crate::endpoint::params::Params;
use crate::grant_type::GrantType;
use crate::oauth_error::OAuthError;
use crate::reply::Reply;
use crate::server::{AuthorizationServer, PolicyRequest};
use crate::store::Grant;

/// The prefix of the scopes of Okta's API.
const OKTA_API: &str = "okta.";

/// Issues a token to the client itself. It has no session and no refresh token.
pub(super) fn client_credentials(
    exchange: &Exchange<'_>,
    params: &Params,
    client: &Client,
) -> Result<Reply, OAuthError> {
    let settings = &exchange.server.settings;
    let scopes = if settings.is_org() {
        check_service(client)?;
        okta_scopes(settings, params, client)?
    } else {
        custom_scopes(settings, params, client)?
    };
    let grant_type = GrantType::ClientCredentials;
    settings.allow(&PolicyRequest { client_id: &client.client_id, user: None, scopes: &scopes, grant_type })?;
    let grant = Grant {
        resource: resource(exchange, params)?,
        ..Grant::new(&settings.id, &client.client_id, grant_type, scopes, exchange.now())
    };
    respond(exchange, client, &grant, Kind::Service)
}

/// Checks who may have a token for Okta's API: services with a private key, and published integrations also with HTTP
/// Basic.
fn check_service(client: &Client) -> Result<(), OAuthError> {
    if !client.is_service() {
        return Err(OAuthError::invalid_client(
            "Only clients with 'application_type' of 'service' may use the client_credentials 'grant_type' with the \
             Org Authorization Server.",
        ));
    }
    match client.auth_method {
        AuthMethod::PrivateKeyJwt => Ok(()),
        AuthMethod::ClientSecretBasic if client.api_integration => Ok(()),
        _ if client.api_integration => Err(OAuthError::invalid_client(
            "OAuth Integration Client Credentials requests to the Org Authorization Server must use either \
             private_key_jwt or client_secret_basic as the token_endpoint_auth_method.",
        )),
        _ => Err(OAuthError::invalid_client(
            "Client Credentials requests to the Org Authorization Server must use the private_key_jwt \
             token_endpoint_auth_method.",
        )),
    }
}

/// The scopes of Okta's API that were granted to the service.
fn okta_scopes(settings: &AuthorizationServer, params: &Params, client: &Client) -> Result<Vec<String>, OAuthError> {
    let scopes = requested_scopes(settings, params)?;
    if scopes.iter().any(|scope| scope.starts_with(OKTA_API) && scope.ends_with(".self")) {
        return Err(OAuthError::bad(
            "client_credentials_self_scope_requested",
            "The 'client_credentials' grant type may not request .self scopes.",
        ));
    }
    if !scopes.iter().all(|scope| scope.starts_with(OKTA_API)) {
        return Err(OAuthError::unknown_scope());
    }
    let granted = scopes.iter().all(|scope| client.okta_scopes.contains(scope));
    granted.then_some(scopes).ok_or_else(|| {
        OAuthError::invalid_scope(
            "The requested scope is invalid, unknown, malformed, or exceeds the scope granted by the resource owner.",
        )
    })
}

/// The custom scopes of a service at a custom server.
fn custom_scopes(settings: &AuthorizationServer, params: &Params, client: &Client) -> Result<Vec<String>, OAuthError> {
    let scopes = requested_scopes(settings, params)?;
    settings.check_custom_scopes(client, &scopes)?;
    let consent = settings.needing_consent(&scopes);
    if !consent.is_empty() {
        return Err(OAuthError::bad(
            "consent_required",
            format!(
                "The following scopes require user consent and cannot be granted for the client credentials grant \
                 type: [{}].",
                consent.join(", ")
            ),
        ));
    }
    Ok(scopes)
}

/// The resource whose URL becomes `aud` (RFC 8707), so that an agent can be called. The org's own server ignores it.
fn resource(exchange: &Exchange<'_>, params: &Params) -> Result<Option<String>, OAuthError> {
    let settings = &exchange.server.settings;
    let Some(resource) = params.find("resource").filter(|_| !settings.is_org()) else { return Ok(None) };
    let refused = || format!("The authorization server has rejected the 'resource' parameter: {resource}");
    let known = settings.has_resource(resource).then(|| Some(resource.to_owned()));
    known.ok_or_else(|| OAuthError::bad("invalid_target", refused()))
}

/// The requested scopes. OpenID Connect scopes require a user, so they are rejected.
fn requested_scopes(settings: &AuthorizationServer, params: &Params) -> Result<Vec<String>, OAuthError> {
    let scopes = params.words("scope");
    if scopes.is_empty() {
        return Err(OAuthError::no_default_scopes());
    }
    if scopes.iter().any(|scope| settings.is_oidc_scope(scope)) {
        return Err(OAuthError::invalid_scope("Cannot request 'openid' scopes using client credentials."));
    }
    Ok(scopes)
}
