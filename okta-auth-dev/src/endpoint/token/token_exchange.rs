//! Token exchange (RFC 8693): on behalf of a user at a custom server, and for another app at the org's own server.
//!
//! An API exchanges the access token that it received for one that another API accepts. The new token names the same
//! user, and the API as its client. It has no `act`, and there is no refresh token: an API exchanges again.

use serde_json::{Map, Value};

use super::id_jag::{ID_JAG, id_jag};
use super::response::{ACCESS_TOKEN, Kind, respond};
use crate::client::Client;
use crate::endpoint::exchange::Exchange;
use crate::endpoint::params::Params;
use crate::grant_type::GrantType;
use crate::oauth_error::OAuthError;
use crate::org_state::{OrgState, Server};
use crate::reply::Reply;
use crate::server::{AuthorizationServer, PolicyRequest};
use crate::store::Grant;
use crate::sync::lock;
use crate::token::{unverified_issuer, verify_own, verify_signature};
use crate::user::User;

/// Handles the grant. The checks run in this order: the client, the token types, the audience, the subject token, the
/// scopes, the policies.
pub(super) fn token_exchange(exchange: &Exchange<'_>, params: &Params, client: &Client) -> Result<Reply, OAuthError> {
    let settings = &exchange.server.settings;
    let requested = params.find("requested_token_type");
    if settings.is_org() && requested == Some(ID_JAG) {
        return id_jag(exchange, params, client);
    }
    if requested.is_some_and(|kind| kind != ACCESS_TOKEN) || settings.is_org() {
        return Err(OAuthError::invalid_request("'requested_token_type' is invalid or not supported."));
    }
    if !client.is_service() {
        return Err(OAuthError::invalid_request("Only service clients may use on-behalf token exchange."));
    }
    if params.required("subject_token_type")? != ACCESS_TOKEN {
        return Err(OAuthError::invalid_request("'subject_token_type' is invalid or not supported."));
    }
    check_actor(params)?;
    if params.find("audience") != Some(&settings.audience) {
        return Err(OAuthError::bad(
            "invalid_target",
            "Token Exchange requests must include a valid audience of the authorization server.",
        ));
    }
    let subject = Subject::read(exchange, params.required("subject_token")?)?;
    let scopes = scopes(settings, params, client)?;
    let grant_type = GrantType::TokenExchange;
    let (client_id, user) = (client.client_id.as_str(), Some(&subject.user));
    settings.allow(&PolicyRequest { client_id, user, scopes: &scopes, grant_type })?;
    let grant = Grant {
        login: Some(subject.user.login),
        sid: subject.sid,
        acr: subject.acr,
        ..Grant::new(&settings.id, &client.client_id, grant_type, scopes, subject.auth_time)
    };
    respond(exchange, client, &grant, Kind::Exchange)
}

/// An actor token belongs to flows that the org does not serve (Native SSO).
fn check_actor(params: &Params) -> Result<(), OAuthError> {
    let actor = params.has("actor_token") || params.has("actor_token_type");
    let refused = || OAuthError::invalid_request("'actor_token_type' is invalid or not supported.");
    (!actor).then_some(()).ok_or_else(refused)
}

/// The user of a valid subject token.
struct Subject {
    user: User,
    /// The Okta session of the sign-in, if the org knows it.
    sid: Option<String>,
    auth_time: i64,
    acr: Option<String>,
}

impl Subject {
    /// Verifies the subject token: an access token of a user, issued by this server or by a trusted one, whose Okta
    /// session has not ended.
    fn read(exchange: &Exchange<'_>, token: &str) -> Result<Self, OAuthError> {
        let (org, invalid) = (exchange.org, || OAuthError::invalid_request("'subject_token' is invalid."));
        let issuer = issuing_server(org, token).ok_or_else(invalid)?;
        if issuer.settings.id != exchange.server.settings.id && !exchange.server.settings.trusts(&issuer.settings.id) {
            return Err(OAuthError::new(
                403,
                "access_denied",
                "The 'subject_token' issuer isn't a trusted authorization server.",
            ));
        }
        let claims = verify_signature(org, issuer, token).ok_or_else(invalid)?;
        // An ID token has no `cid`, and a service has no `uid`.
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let (Some(_), Some(uid)) = (text("cid"), text("uid")) else { return Err(invalid()) };
        let sid = live_session(org, issuer, token, &claims).ok_or_else(OAuthError::subject_token_expired)?;
        let user = org.user_by_id(uid).ok_or_else(OAuthError::subject_token_expired)?;
        let auth_time = claims.get("auth_time").and_then(Value::as_i64).unwrap_or_else(|| exchange.now());
        Ok(Self { user, sid, auth_time, acr: text("acr").map(str::to_owned) })
    }
}

/// The server whose issuer the token names. The claim is not verified yet.
fn issuing_server<'a>(org: &'a OrgState, token: &str) -> Option<&'a Server> {
    let issuer = unverified_issuer(token)?;
    org.servers.iter().find(|server| server.settings.issuer(&org.url) == issuer)
}

/// The session of a token, which is unknown for a token without a sign-in; `None` if the token has expired or was
/// revoked, or if the session has ended.
fn live_session(org: &OrgState, issuer: &Server, token: &str, claims: &Map<String, Value>) -> Option<Option<String>> {
    verify_own(org, issuer, token)?;
    let store = lock(&org.store);
    let jti = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
    let sid = store.grant_of(jti).and_then(|grant| grant.sid.clone());
    let ended = sid.as_ref().is_some_and(|sid| !store.sessions.is_open(sid));
    (!ended).then_some(sid)
}

/// Custom scopes only: a service cannot get ID tokens or refresh tokens in this way.
fn scopes(settings: &AuthorizationServer, params: &Params, client: &Client) -> Result<Vec<String>, OAuthError> {
    let scopes = params.words("scope");
    if scopes.is_empty() {
        return Err(OAuthError::no_default_scopes());
    }
    if scopes.iter().any(|scope| settings.is_oidc_scope(scope)) {
        return Err(OAuthError::invalid_scope(
            "Can't request 'openid' scopes using the Token Exchange flow for a service app.",
        ));
    }
    settings.check_custom_scopes(client, &scopes)?;
    let consent = settings.needing_consent(&scopes);
    if !consent.is_empty() {
        return Err(OAuthError::bad(
            "consent_required",
            format!(
                "The following scopes require user consent: [{}]. To access protected scopes using the token_exchange \
                 password grant type, please uncheck 'Require consent' in the app settings or set the apps \
                 'consent_method' to 'TRUSTED'.",
                consent.join(", ")
            ),
        ));
    }
    Ok(scopes)
}
