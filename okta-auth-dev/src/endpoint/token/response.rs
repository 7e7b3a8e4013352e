//! The token response.
//!
//! The access token is created first, because `at_hash` in the ID token depends on it.
//!
//! Faults of the tokens are applied while they are created. Faults of the response change the finished members and
//! leave the tokens valid.

use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::clock::seconds;
use crate::endpoint::exchange::Exchange;
use crate::fault::{DpopFault, Fault};
use crate::oauth_error::OAuthError;
use crate::reply::Reply;
use crate::store::Grant;
use crate::sync::lock;
use crate::token::Issuing;

/// The type of access tokens in a token exchange (RFC 8693 §3).
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

#[derive(Debug)]
pub(super) enum Kind {
    /// A code; the response has a refresh token if `offline_access` was granted.
    SignIn,
    /// A refresh with its already selected refresh token.
    Refresh { refresh_token: String },
    /// A client without a sign-in, so the response has neither ID token nor refresh token.
    Service,
    /// An exchanged token, whose type the response names.
    Exchange,
}

/// Issues the tokens and builds the response.
///
/// The groups are counted before anything is issued, so that a rejected request leaves no token behind. A requested key
/// rotation happens before the first signature, so that the ID token has a key that the app has not cached.
///
/// `expires_in` is in seconds and refers only to the access token. `scope` is always sent, in Okta's order and not in
/// that of the request. An ID token requires a user and the scope `openid`.
pub(super) fn respond(
    exchange: &Exchange<'_>,
    client: &Client,
    grant: &Grant,
    kind: Kind,
) -> Result<Reply, OAuthError> {
    let refresh = matches!(kind, Kind::Refresh { .. });
    let grant = &Grant { jkt: exchange.jkt.map(str::to_owned), ..grant.clone() };
    let issuing = Issuing { org: exchange.org, server: exchange.server, grant };
    issuing.check_groups()?;
    issuing.rotate_if_asked();
    let access_token = issuing.access_token()?;
    let (exchanged, signed_in) = (matches!(kind, Kind::Exchange), matches!(kind, Kind::SignIn) || refresh);
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("token_type", json!(token_type(grant)));
    put("expires_in", json!(seconds(issuing.access_token_lifetime())));
    put("scope", json!(exchange.server.settings.in_order(&grant.scopes).join(" ")));
    if signed_in && grant.login.is_some() && grant.has_scope("openid") {
        put("id_token", json!(issuing.id_token(&access_token, refresh)?));
    }
    put("access_token", json!(access_token));
    if exchanged {
        put("issued_token_type", json!(ACCESS_TOKEN));
    }
    if let Some(refresh_token) = refresh_token(exchange, client, grant, kind) {
        put("refresh_token", json!(refresh_token));
    }
    distort(exchange, &mut members, refresh);
    Ok(Reply::json(200, &members).no_store())
}

/// The type of an access token (RFC 6750, RFC 9449 §5).
fn token_type(grant: &Grant) -> &'static str {
    if grant.jkt.is_some() { "DPoP" } else { "Bearer" }
}

/// Returns the refresh token for the response.
///
/// A sign-in gets one only with the scope `offline_access`, and only if the client may use the grant. The fault only
/// omits it from the response: if the client rotates, the old token is replaced anyway and stays valid for the grace
/// period.
fn refresh_token(exchange: &Exchange<'_>, client: &Client, grant: &Grant, kind: Kind) -> Option<String> {
    match kind {
        Kind::Service | Kind::Exchange => None,
        Kind::Refresh { refresh_token } => {
            let left_out = exchange.org.faults.hit(&Fault::RefreshNoRefreshToken);
            (!left_out).then_some(refresh_token)
        }
        Kind::SignIn => {
            let offline = grant.has_scope("offline_access");
            let allowed = client.may_use(crate::grant_type::GrantType::RefreshToken);
            let (settings, now) = (&exchange.server.settings, exchange.now());
            let ends_at = settings.refresh_token_lifetime.map(|lifetime| now.saturating_add(seconds(lifetime)));
            let expires_at = settings.refresh_token_expiry(now, ends_at);
            let mut store = lock(&exchange.org.store);
            (offline && allowed).then(|| store.issue_refresh_token(grant.clone(), expires_at, ends_at))
        }
    }
}

/// The type that a fault sets.
fn other_token_type(exchange: &Exchange<'_>, fault: &Fault) -> Option<String> {
    match fault {
        Fault::TokenTypeOther(kind) => Some(kind.clone()),
        Fault::Dpop(DpopFault::TokenTypeBearer) if exchange.jkt.is_some() => Some("Bearer".to_owned()),
        Fault::Dpop(DpopFault::TokenTypeCase) if exchange.jkt.is_some() => Some("dPoP".to_owned()),
        _ => None,
    }
}

/// Applies the faults of the response.
///
/// Clients compare `token_type` case-insensitively (RFC 6749 §5.1), so they must accept the changed case. They must
/// reject another type, and must ignore unknown members (RFC 6749 §5.1).
pub(super) fn distort(exchange: &Exchange<'_>, members: &mut Map<String, Value>, refresh: bool) {
    let faults = &exchange.org.faults;
    if members.contains_key("id_token") {
        if faults.hit(&Fault::IdTokenMissing) || (refresh && faults.hit(&Fault::RefreshIdTokenMissing)) {
            members.remove("id_token");
        } else if faults.hit(&Fault::IdTokenIsAccessToken) {
            let access_token = members.get("access_token").cloned().unwrap_or_default();
            members.insert("id_token".into(), access_token);
        }
    }
    if faults.hit(&Fault::TokenNoExpiresIn) {
        members.remove("expires_in");
    }
    if faults.hit(&Fault::TokenTypeCase) {
        members.insert("token_type".into(), json!("bEARER"));
    }
    if let Some(kind) = faults.find(|fault| other_token_type(exchange, fault)) {
        members.insert("token_type".into(), json!(kind));
    }
    if faults.hit(&Fault::TokenExtraMembers) {
        members.insert("issued_token_type".into(), json!("urn:ietf:params:oauth:token-type:access_token"));
        members.insert("nested".into(), json!({"unknown": [1, null, {"deep": true}]}));
        members.insert("".into(), json!("no name"));
    }
    faults.change_members(members, |fault| match fault {
        Fault::TokenMember(name, value) => Some((name, value)),
        _ => None,
    });
}
