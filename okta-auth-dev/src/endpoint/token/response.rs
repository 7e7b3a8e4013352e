//! The token response.
//!
//! The access token is made first, because `at_hash` in the ID token depends on it.

use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::clock::seconds;
use crate::endpoint::Exchange;
use crate::fault::Fault;
use crate::oauth_error::OAuthError;
use crate::reply::Reply;
use crate::store::Grant;
use crate::sync::lock;
use crate::token::Issuing;

/// What led to the response.
#[derive(Debug)]
pub(super) enum Kind {
    /// A code: a refresh token if `offline_access` was granted.
    SignIn,
    /// A refresh, which decided about the refresh token before.
    Refresh { refresh_token: String },
    /// No person, hence neither ID token nor refresh token.
    Service,
}

/// Issues the tokens and answers.
pub(super) fn respond(
    exchange: &Exchange<'_>,
    client: &Client,
    grant: &Grant,
    kind: Kind,
) -> Result<Reply, OAuthError> {
    let refresh = matches!(kind, Kind::Refresh { .. });
    let issuing = Issuing { tenant: exchange.tenant, server: exchange.server, grant };
    issuing.check_groups()?;
    issuing.rotate_if_asked();
    let access_token = issuing.access_token()?;
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("token_type", json!("Bearer"));
    put("expires_in", json!(seconds(issuing.access_token_lifetime())));
    put("scope", json!(grant.scopes.join(" ")));
    if grant.login.is_some() && grant.has_scope("openid") {
        put("id_token", json!(issuing.id_token(&access_token, refresh)?));
    }
    put("access_token", json!(access_token));
    if let Some(refresh_token) = refresh_token(exchange, client, grant, kind) {
        put("refresh_token", json!(refresh_token));
    }
    distort(exchange, &mut members, refresh);
    Ok(Reply::json(200, &members).no_store())
}

/// The refresh token that goes into the response, if any.
fn refresh_token(exchange: &Exchange<'_>, client: &Client, grant: &Grant, kind: Kind) -> Option<String> {
    match kind {
        Kind::Service => None,
        Kind::Refresh { refresh_token } => {
            let left_out = exchange.tenant.board.hit(&Fault::RefreshNoRefreshToken);
            (!left_out).then_some(refresh_token)
        }
        Kind::SignIn => {
            let offline = grant.has_scope("offline_access");
            let allowed = client.may_use(crate::client::GrantType::RefreshToken);
            let (settings, now) = (&exchange.server.settings, exchange.now());
            let ends_at = settings.refresh_token_lifetime.map(|lifetime| now.saturating_add(seconds(lifetime)));
            let expires_at = settings.refresh_token_expiry(now, ends_at);
            let mut store = lock(&exchange.tenant.store);
            (offline && allowed).then(|| store.issue_refresh_token(grant.clone(), expires_at, ends_at))
        }
    }
}

/// Applies the faults of the response.
fn distort(exchange: &Exchange<'_>, members: &mut Map<String, Value>, refresh: bool) {
    let board = &exchange.tenant.board;
    if members.contains_key("id_token") {
        if board.hit(&Fault::IdTokenMissing) || (refresh && board.hit(&Fault::RefreshIdTokenMissing)) {
            members.remove("id_token");
        } else if board.hit(&Fault::IdTokenIsAccessToken) {
            let access_token = members.get("access_token").cloned().unwrap_or_default();
            members.insert("id_token".into(), access_token);
        }
    }
    if board.hit(&Fault::TokenNoExpiresIn) {
        members.remove("expires_in");
    }
    if board.hit(&Fault::TokenTypeCase) {
        members.insert("token_type".into(), json!("bEARER"));
    }
    if let Some(kind) =
        board.find(|fault| if let Fault::TokenTypeOther(kind) = fault { Some(kind.clone()) } else { None })
    {
        members.insert("token_type".into(), json!(kind));
    }
    if board.hit(&Fault::TokenExtraMembers) {
        members.insert("issued_token_type".into(), json!("urn:ietf:params:oauth:token-type:access_token"));
        members.insert("nested".into(), json!({"unknown": [1, null, {"deep": true}]}));
        members.insert("".into(), json!("no name"));
    }
}
