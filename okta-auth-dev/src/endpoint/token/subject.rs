//! The subject token of an ID-JAG: an ID token or a refresh token of the same client, or an access token that another
//! client delegated to an agent.

use serde_json::{Map, Value, json};

use super::response::ACCESS_TOKEN;
use crate::client::Client;
use crate::endpoint::exchange::Exchange;
use crate::endpoint::params::Params;
use crate::oauth_error::OAuthError;
use crate::org_state::{OrgState, Server};
use crate::store::Delegation;
use crate::sync::lock;
use crate::token::{unverified_issuer, verify_own, verify_signature};
use crate::user::User;

const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";

/// The number of actors that a subject token may have.
const DEPTH: usize = 5;

/// The subject of a grant.
pub(super) struct Subject {
    pub(super) delegation: Delegation,
    /// `None` for a service.
    pub(super) user: Option<User>,
}

/// Verifies the subject token, by its type.
pub(super) fn subject(exchange: &Exchange<'_>, params: &Params, client: &Client) -> Result<Subject, OAuthError> {
    let (kind, token) = (params.required("subject_token_type")?, params.required("subject_token")?);
    match kind {
        ID_TOKEN => id_token(exchange, token, client),
        REFRESH_TOKEN => refresh_token(exchange, token, client),
        ACCESS_TOKEN if client.is_agent => delegated(exchange, token, client),
        _ => Err(OAuthError::invalid_request("'subject_token_type' is invalid or not supported.")),
    }
}

/// An ID token of any server of the org, issued to the same client.
fn id_token(exchange: &Exchange<'_>, token: &str, client: &Client) -> Result<Subject, OAuthError> {
    let (org, server) = (exchange.org, issuing_server(exchange.org, token)?);
    let claims = verify_signature(org, server, token).ok_or_else(|| invalid(""))?;
    if claims.contains_key("cid") || text(&claims, "aud") != client.client_id {
        return Err(invalid(""));
    }
    check_live(org, server, token, &claims)?;
    of_user(org, org.user_by_id(text(&claims, "sub")), client)
}

/// A refresh token of the same client. It is not replaced by its use.
fn refresh_token(exchange: &Exchange<'_>, token: &str, client: &Client) -> Result<Subject, OAuthError> {
    let org = exchange.org;
    let token = lock(&org.store).refresh_token(token, exchange.now());
    let token = token.ok_or_else(OAuthError::subject_token_expired)?;
    if token.grant.client_id != client.client_id {
        return Err(invalid(""));
    }
    of_user(org, token.grant.login.as_deref().and_then(|login| org.user(login)), client)
}

/// The user of a token that the client got itself.
fn of_user(org: &OrgState, user: Option<User>, client: &Client) -> Result<Subject, OAuthError> {
    let user = user.ok_or_else(|| invalid(": the user account is not active"))?;
    if !org.is_assigned(&user.login, &client.client_id) {
        return Err(invalid(": the user is not assigned to the client application"));
    }
    let act = client.is_agent.then(|| actor(client, None));
    Ok(Subject { delegation: Delegation { subject: user.id.clone(), act, sub_profile: None }, user: Some(user) })
}

/// An access token that another client got from a custom server for this agent's resource.
fn delegated(exchange: &Exchange<'_>, token: &str, client: &Client) -> Result<Subject, OAuthError> {
    let (org, server) = (exchange.org, issuing_server(exchange.org, token)?);
    if server.settings.is_org() {
        return Err(invalid(": the token issuer is not allowed for this exchange"));
    }
    let claims = verify_signature(org, server, token).ok_or_else(|| invalid(""))?;
    check_live(org, server, token, &claims)?;
    check_actors(claims.get("act"))?;
    let delegator = delegator(&claims).ok_or_else(|| invalid(""))?;
    if org.client(&delegator).is_none() {
        return Err(invalid(": the client application referenced in the token is not active"));
    }
    if client.delegators.is_empty() || client.resource_url.as_deref() != Some(text(&claims, "aud")) {
        return Err(invalid(": no delegation policy authorizes this token"));
    }
    if !client.delegators.contains(&delegator) {
        return Err(invalid(": the client application is not registered for delegation to this agent"));
    }
    let user = claims.get("uid").and_then(Value::as_str);
    let earlier = claims.get("act").cloned().unwrap_or_else(|| json!({"sub": delegator, "sub_profile": "service"}));
    let profile = claims.get("sub_profile").and_then(Value::as_str);
    let sub_profile = profile.or_else(|| (user.is_none() && !claims.contains_key("act")).then_some("service"));
    let delegation = Delegation {
        subject: user.unwrap_or_else(|| text(&claims, "sub")).to_owned(),
        act: Some(actor(client, Some(earlier))),
        sub_profile: sub_profile.map(str::to_owned),
    };
    Ok(Subject { user: org.user_by_id(&delegation.subject), delegation })
}

/// The client that passed the token on: the latest actor, otherwise the client of the token.
fn delegator(claims: &Map<String, Value>) -> Option<String> {
    let acting = claims.get("act").and_then(|act| act.get("sub"));
    acting.or_else(|| claims.get("cid")).and_then(Value::as_str).map(str::to_owned)
}

/// The claim `act` of a client, around the earlier actors.
fn actor(client: &Client, earlier: Option<Value>) -> Value {
    let mut actor = json!({"sub": client.client_id, "sub_profile": "ai_agent"});
    if let (Some(members), Some(earlier)) = (actor.as_object_mut(), earlier) {
        members.insert("act".into(), earlier);
    }
    actor
}

fn check_actors(act: Option<&Value>) -> Result<(), OAuthError> {
    let (mut act, mut depth) = (act, 0);
    while let Some(actor) = act {
        if !actor.get("sub").is_some_and(Value::is_string) {
            return Err(OAuthError::invalid_request("The 'subject_token' 'act' claim is malformed."));
        }
        depth += 1;
        if depth > DEPTH {
            return Err(OAuthError::invalid_request(
                "The 'subject_token' 'act' claim contains too many nested actors.",
            ));
        }
        act = actor.get("act");
    }
    Ok(())
}

/// The server whose issuer the token names. The claim is not verified yet.
fn issuing_server<'a>(org: &'a OrgState, token: &str) -> Result<&'a Server, OAuthError> {
    let issuer = unverified_issuer(token).ok_or_else(|| invalid(""))?;
    let server = org.servers.iter().find(|server| server.settings.issuer(&org.url) == issuer);
    server.ok_or_else(|| invalid(": the authorization server that issued it is not valid"))
}

/// Checks that the token has not expired, and that nothing ended its session.
fn check_live(org: &OrgState, server: &Server, token: &str, claims: &Map<String, Value>) -> Result<(), OAuthError> {
    verify_own(org, server, token).ok_or_else(OAuthError::subject_token_expired)?;
    let store = lock(&org.store);
    let sid = store.grant_of(text(claims, "jti")).and_then(|grant| grant.sid.as_ref());
    let ended = sid.is_some_and(|sid| !store.sessions.is_open(sid));
    (!ended).then_some(()).ok_or_else(|| invalid(": the session associated with it is no longer active"))
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> &'a str {
    claims.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Okta's error for a subject token, with its reason.
fn invalid(reason: &str) -> OAuthError {
    OAuthError::invalid_request(format!("'subject_token' is invalid{reason}."))
}
