//! How the org checks the tokens it issued.
//!
//! Signatures are checked here with the private halves at hand, so a key that is no
//! longer published still counts: at Okta an `id_token_hint` may be older than a
//! rotation, and an access token outlives one.

use serde_json::{Map, Value};

use crate::keys::Algorithm;
use crate::random;
use crate::sync::lock;
use crate::tenant::{Server, Tenant};

/// The claims of a token that this server signed with any of its keys, dropped ones
/// included, and whatever its expiry: what an `id_token_hint` must be.
pub(crate) fn verify_signature(tenant: &Tenant, server: &Server, token: &str) -> Option<Map<String, Value>> {
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
    let issuer = server.settings.issuer(&tenant.url);
    (claims.get("iss").and_then(Value::as_str) == Some(&issuer)).then_some(claims)
}

/// The claims of a token of this server that is neither expired nor revoked.
pub(crate) fn verify_own(tenant: &Tenant, server: &Server, token: &str) -> Option<Map<String, Value>> {
    let claims = verify_signature(tenant, server, token)?;
    let expires_at = claims.get("exp").and_then(Value::as_i64)?;
    let jti = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
    let good = expires_at > tenant.clock.seconds() && !lock(&tenant.store).is_revoked(jti);
    good.then_some(claims)
}
