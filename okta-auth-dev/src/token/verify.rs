//! Verification of tokens that the org issued.
//!
//! The org verifies with its private keys, so keys that are no longer published count as well: at Okta an
//! `id_token_hint` may be older than a rotation, and an access token outlives one.

use serde_json::{Map, Value};

use crate::keys::Algorithm;
use crate::org_state::{OrgState, Server};
use crate::random;
use crate::sync::lock;

/// Returns the claims of a token that this server signed with any of its keys, including dropped ones. The expiry is
/// not checked, as required for an `id_token_hint`.
pub(crate) fn verify_signature(org: &OrgState, server: &Server, token: &str) -> Option<Map<String, Value>> {
    let (message, signature) = token.rsplit_once('.')?;
    let (header, payload) = message.split_once('.')?;
    let header: Value = serde_json::from_slice(&random::from_base64url(header)?).ok()?;
    let algorithm = Algorithm::named(header.get("alg")?.as_str()?)?;
    let signature = random::from_base64url(signature)?;
    let kid = header.get("kid").and_then(Value::as_str);
    let mut keys = server.ring.all().into_iter().filter(|key| kid.is_none_or(|kid| key.kid == kid));
    if !keys.any(|key| key.verifies(algorithm, message.as_bytes(), &signature)) {
        return None;
    }
    let claims: Map<String, Value> = serde_json::from_slice(&random::from_base64url(payload)?).ok()?;
    let issuer = server.settings.issuer(&org.url);
    (claims.get("iss").and_then(Value::as_str) == Some(&issuer)).then_some(claims)
}

/// Returns `iss` of a token, to select the server that must verify it.
pub(crate) fn unverified_issuer(token: &str) -> Option<String> {
    let payload = token.split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&random::from_base64url(payload)?).ok()?;
    claims.get("iss").and_then(Value::as_str).map(str::to_owned)
}

/// Returns the header of a token before its signature is verified.
pub(crate) fn unverified_header(token: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&random::from_base64url(token.split('.').next()?)?).ok()
}

/// Returns the claims of this server's token if it has not expired and was not revoked.
pub(crate) fn verify_own(org: &OrgState, server: &Server, token: &str) -> Option<Map<String, Value>> {
    let claims = verify_signature(org, server, token)?;
    let expires_at = claims.get("exp").and_then(Value::as_i64)?;
    let jti = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
    let good = expires_at > org.clock.seconds() && !lock(&org.store).is_revoked(jti);
    good.then_some(claims)
}
