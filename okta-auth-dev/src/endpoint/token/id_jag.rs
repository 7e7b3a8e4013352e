//! Issues ID-JAGs at the org's own server: a token of a user becomes a grant for another app's authorization server
//! (Cross App Access, step 1).
//!
//! The checks run in this order: the subject token, the connection, the resource, the scopes.

use serde_json::{Map, Value, json};

use super::response::distort;
use super::subject::subject;
use crate::client::{Client, ResourceConnection};
use crate::endpoint::exchange::Exchange;
use crate::endpoint::params::Params;
use crate::fault::{Fault, IdJagFault};
use crate::oauth_error::OAuthError;
use crate::reply::Reply;
use crate::store::Delegation;
use crate::sync::lock;
use crate::token::{ID_JAG_LIFETIME, IdJag};

/// The type of the grant.
pub(super) const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

/// Issues a grant.
pub(super) fn id_jag(exchange: &Exchange<'_>, params: &Params, client: &Client) -> Result<Reply, OAuthError> {
    let org = exchange.org;
    let subject = subject(exchange, params, client)?;
    let connection = connection(exchange, params, client)?;
    let resource = resource(params, connection)?;
    let scopes = scopes(params, connection)?;
    let (email, is_email) = (subject.user.as_ref().map(|user| user.email.clone()), connection.email_subject);
    let delegation = match &email {
        Some(email) if is_email => Delegation { subject: email.clone(), ..subject.delegation },
        _ => subject.delegation,
    };
    let grant = IdJag {
        org,
        server: exchange.server,
        delegation,
        audience: connection.issuer(&org.url),
        client_id: connection.client_id.clone().unwrap_or_else(|| client.client_id.clone()),
        email: email.filter(|_| scopes.iter().any(|scope| scope == "email")),
        scopes,
        resource,
    };
    let grant = signed(exchange, client, &grant)?;
    Ok(response(exchange, &grant))
}

/// Signs the grant, or repeats the client's previous one if the fault is active.
fn signed(exchange: &Exchange<'_>, client: &Client, grant: &IdJag<'_>) -> Result<String, OAuthError> {
    let org = exchange.org;
    let previous = lock(&org.store).id_jag_of(&client.client_id);
    if let Some(previous) = previous
        && org.faults.hit(&Fault::IdJag(IdJagFault::Replayed))
    {
        return Ok(previous);
    }
    let failed = |_| OAuthError::new(500, "server_error", "Failed to create the id assertion authorization grant.");
    let signed = grant.sign().map_err(failed)?;
    lock(&org.store).note_id_jag(&client.client_id, &signed);
    Ok(signed)
}

fn response(exchange: &Exchange<'_>, grant: &str) -> Reply {
    let faults = &exchange.org.faults;
    let bearer = faults.hit(&Fault::IdJag(IdJagFault::TokenTypeBearer));
    let other = faults.find(|fault| match fault {
        Fault::IdJag(IdJagFault::IssuedTokenType(kind)) => Some(kind.clone()),
        _ => None,
    });
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("token_type", json!(if bearer { "Bearer" } else { "N_A" }));
    put("expires_in", json!(ID_JAG_LIFETIME));
    put("access_token", json!(grant));
    put("issued_token_type", json!(other.as_deref().unwrap_or(ID_JAG)));
    distort(exchange, &mut members, false);
    Reply::json(200, &members).no_store()
}

/// The connection of the client to the requested audience.
fn connection<'a>(
    exchange: &Exchange<'_>,
    params: &Params,
    client: &'a Client,
) -> Result<&'a ResourceConnection, OAuthError> {
    let audience = params.required("audience")?;
    let connection = client.connections.iter().find(|known| known.issuer(&exchange.org.url) == audience);
    connection.ok_or_else(|| {
        OAuthError::bad(
            "invalid_target",
            "The resource app is not completely configured or user is not assigned to the app.",
        )
    })
}

fn resource(params: &Params, connection: &ResourceConnection) -> Result<Option<String>, OAuthError> {
    let resource = params.find("resource").map(str::to_owned);
    let known = resource.as_ref().is_none_or(|resource| connection.resources.contains(resource));
    known
        .then_some(resource)
        .ok_or_else(|| OAuthError::bad("invalid_target", "'resource' is invalid or not supported."))
}

/// The requested scopes. A grant without scopes is issued, and no server accepts it.
fn scopes(params: &Params, connection: &ResourceConnection) -> Result<Vec<String>, OAuthError> {
    let scopes = params.words("scope");
    let allowed = connection.scopes.is_empty() || scopes.iter().all(|scope| connection.scopes.contains(scope));
    allowed.then_some(scopes).ok_or_else(|| {
        OAuthError::bad(
            "unauthorized_client",
            "The requested scope is invalid, unknown, malformed, or exceeds the scope granted by the resource owner.",
        )
    })
}
