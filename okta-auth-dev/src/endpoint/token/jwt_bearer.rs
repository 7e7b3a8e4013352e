//! The JWT bearer grant at a custom server: an ID-JAG becomes an access token (RFC 7523 §2.1; Cross App Access, step
//! 2).
//!
//! The server trusts the grants of its own org. The scopes and the resource are in the grant, so the request names
//! none.

use serde_json::{Map, Value};

use super::response::{Kind, respond};
use crate::client::Client;
use crate::endpoint::exchange::Exchange;
use crate::endpoint::params::Params;
use crate::grant_type::GrantType;
use crate::oauth_error::OAuthError;
use crate::org_state::{OrgState, Server};
use crate::reply::Reply;
use crate::server::{ORG_SERVER, PolicyRequest};
use crate::store::{Delegation, Grant};
use crate::sync::lock;
use crate::token::{ID_JAG_LIFETIME, ID_JAG_TYPE, unverified_header, unverified_issuer, verify_signature};
use crate::user::User;

/// Exchanges a grant. It works once, also if another check of the response fails later.
pub(super) fn jwt_bearer(exchange: &Exchange<'_>, params: &Params, client: &Client) -> Result<Reply, OAuthError> {
    let (org, settings) = (exchange.org, &exchange.server.settings);
    if settings.is_org() {
        return Err(OAuthError::feature_not_enabled());
    }
    let assertion = params.required("assertion")?;
    if params.has("scope") {
        return Err(OAuthError::invalid_request("The id-jag request must not include a 'scope' parameter."));
    }
    let claims = verified(org, assertion)?;
    check_times(exchange, &claims)?;
    if claims.get("aud").and_then(Value::as_str) != Some(&exchange.issuer()) {
        return Err(OAuthError::invalid_grant(
            "The audience of the JWT Bearer Grant must match the the issuer of the authorization server.",
        ));
    }
    if text(&claims, "client_id") != client_id_at(client, exchange) {
        return Err(OAuthError::invalid_grant(
            "The 'client_id' in the JWT Bearer Grant must match the 'client_id' used to authenticate the client.",
        ));
    }
    let (user, delegation) = delegation(org, &claims)?;
    let scopes = scopes(exchange, &claims)?;
    let resource = resource(exchange, params, &claims)?;
    let (client_id, grant_type) = (client.client_id.as_str(), GrantType::JwtBearer);
    settings.allow(&PolicyRequest { client_id, user: user.as_ref(), scopes: &scopes, grant_type })?;
    let jti = text(&claims, "jti");
    if jti.is_empty() || !lock(&org.store).use_assertion(format!("id-jag {jti}")) {
        return Err(OAuthError::invalid_grant("The id-jag was already used."));
    }
    let grant = Grant {
        login: user.map(|user| user.login),
        resource,
        delegation: Some(Box::new(delegation)),
        ..Grant::new(&settings.id, client_id, grant_type, scopes, exchange.now())
    };
    respond(exchange, client, &grant, Kind::Service)
}

/// The claims of a grant that the org signed with a published key.
fn verified(org: &OrgState, assertion: &str) -> Result<Map<String, Value>, OAuthError> {
    let header = unverified_header(assertion).unwrap_or_default();
    if text(&header, "typ") != ID_JAG_TYPE {
        return Err(OAuthError::new(
            401,
            "invalid_token",
            "The issuer of the token is not permitted to use the JWT Bearer Grant.",
        ));
    }
    if unverified_issuer(assertion).as_ref() != Some(&org.url) {
        return Err(OAuthError::invalid_grant("The issuer of the id-jag is not a trusted authorization server."));
    }
    let server = org.server(ORG_SERVER).filter(|server| is_published(server, header.get("kid")));
    let claims = server.and_then(|server| verify_signature(org, server, assertion));
    claims.ok_or_else(|| OAuthError::invalid_grant("The signature of the id-jag is invalid."))
}

fn is_published(server: &Server, kid: Option<&Value>) -> bool {
    let published = server.ring.published().unwrap_or_default();
    kid.is_some() && published.iter().any(|key| key.get("kid") == kid)
}

fn check_times(exchange: &Exchange<'_>, claims: &Map<String, Value>) -> Result<(), OAuthError> {
    let (now, bad) = (exchange.now(), |description| Err(OAuthError::invalid_grant(description)));
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    match (time("iat"), time("exp")) {
        (_, Some(expires_at)) if expires_at <= now => bad("The id-jag is expired."),
        (Some(issued_at), _) if issued_at > now => bad("The id-jag is issued in the future."),
        (Some(issued_at), Some(expires_at)) if expires_at - issued_at <= ID_JAG_LIFETIME => Ok(()),
        _ => bad("The lifetime of the id-jag must not exceed 5 minutes."),
    }
}

/// The id by which this server knows the client: that of the connection, otherwise its own.
fn client_id_at<'a>(client: &'a Client, exchange: &Exchange<'_>) -> &'a str {
    let issuer = exchange.issuer();
    let connection = client.connections.iter().find(|connection| connection.issuer(&exchange.org.url) == issuer);
    connection.and_then(|connection| connection.client_id.as_deref()).unwrap_or(&client.client_id)
}

/// The subject: a user by id or by e-mail address, or a service.
fn delegation(org: &OrgState, claims: &Map<String, Value>) -> Result<(Option<User>, Delegation), OAuthError> {
    let subject = text(claims, "sub");
    let user = org.user_by_id(subject).or_else(|| org.user_by_email(subject));
    if user.is_none() && org.client(subject).is_none() {
        return Err(OAuthError::invalid_grant("The 'sub' claim in the id-jag is invalid."));
    }
    let sub_profile = claims.get("sub_profile").and_then(Value::as_str).map(str::to_owned);
    Ok((user, Delegation { subject: subject.to_owned(), act: claims.get("act").cloned(), sub_profile }))
}

fn scopes(exchange: &Exchange<'_>, claims: &Map<String, Value>) -> Result<Vec<String>, OAuthError> {
    let scopes: Vec<String> = text(claims, "scope").split_ascii_whitespace().map(str::to_owned).collect();
    if scopes.is_empty() {
        return Err(OAuthError::invalid_grant("The id-jag must include at least one scope."));
    }
    let known = scopes.iter().all(|scope| exchange.server.settings.knows_scope(scope));
    known.then_some(scopes).ok_or_else(OAuthError::unknown_scope)
}

fn resource(
    exchange: &Exchange<'_>,
    params: &Params,
    claims: &Map<String, Value>,
) -> Result<Option<String>, OAuthError> {
    let resource = claims.get("resource").and_then(Value::as_str);
    if params.has("resource") && params.find("resource") != resource {
        return Err(OAuthError::invalid_grant(
            "The 'resource' claim in the id-jag does not match the 'resource' parameter in the request.",
        ));
    }
    if resource.is_some_and(|resource| !exchange.server.settings.has_resource(resource)) {
        return Err(OAuthError::invalid_grant(
            "The 'resource' claim in the id-jag is not valid for this authorization server.",
        ));
    }
    Ok(resource.map(str::to_owned))
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> &'a str {
    claims.get(name).and_then(Value::as_str).unwrap_or_default()
}
