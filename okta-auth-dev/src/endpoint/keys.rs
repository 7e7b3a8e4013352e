//! `/keys`: the public keys, and the faults of a key set.
//!
//! A client should fetch the keys rarely: the response may be cached for weeks, and a rotation shows as a `kid` that is
//! not in the cache.
//!
//! The faults exercise RFC 7517 §5: a client must skip entries that it does not understand, that lack members or that
//! have values out of range, and must keep using the others. As at Okta, the endpoint needs no authentication, is open
//! to scripts of any trusted origin, and is exempt from the rate limit.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::exchange::Exchange;
use crate::error::Error;
use crate::fault::Fault;
use crate::oauth_error::{OAuthError, management, no_such_path, wrong_method};
use crate::random;
use crate::reply::Reply;
use crate::sync::lock;

/// Okta's value: about 44 days.
const CACHE: &str = "max-age=3832304, must-revalidate";

#[derive(Serialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// Handles `/keys`, and the paths that [`Fault::DiscoveryJwksPath`] published.
///
/// Once such a path is published, `keys` itself is not found until the faults are cleared, so a client fails if it
/// constructs the URL instead of reading it. Earlier published paths stay valid, because a metadata document may be
/// cached.
///
/// Faults that replace the response come before faults that change it. A delay uses real time, not the virtual clock.
pub(super) fn keys(exchange: &Exchange<'_>, path: &str) -> Reply {
    if !exchange.is("GET") {
        return wrong_method();
    }
    let announced = lock(&exchange.server.key_paths).clone();
    let known = if announced.is_empty() { path == "keys" } else { announced.iter().any(|known| known == path) };
    if !known {
        return no_such_path();
    }
    if let Some(reply) = faulty(exchange) {
        return reply;
    }
    let Ok(keys) = key_set(exchange) else { return OAuthError::server_error().reply() };
    let faults = &exchange.org.faults;
    let cache = if faults.hit(&Fault::KeysNoCache) { "no-cache, no-store" } else { CACHE };
    let delay = faults.find(|fault| if let Fault::KeysSlow(delay) = fault { Some(*delay) } else { None });
    let reply = Reply::json(200, &KeySet { keys }).header("cache-control", cache).delayed(delay);
    if faults.hit(&Fault::KeysHuge) { reply.huge() } else { reply }
}

/// The faults that replace the response.
fn faulty(exchange: &Exchange<'_>) -> Option<Reply> {
    let faults = &exchange.org.faults;
    if let Some(status) = faults.find(|fault| if let Fault::KeysStatus(status) = fault { Some(*status) } else { None })
    {
        return Some(management(status, "E0000009", "Internal Server Error"));
    }
    if faults.hit(&Fault::KeysHtml) {
        return Some(Reply::html_surprise());
    }
    (!exchange.moved && faults.hit(&Fault::KeysRedirect)).then(|| exchange.moved_reply(302))
}

/// The published keys, with the active faults.
///
/// The good keys are always last, so that a client that uses the first match uses a bad one.
///
/// An empty set takes precedence over other faults. A single key is the ACTIVE one, which is first in the ring. Without
/// `kid`s every RSA key is a candidate, so a client has to try several or give up.
fn key_set(exchange: &Exchange<'_>) -> Result<Vec<Value>, Error> {
    let faults = &exchange.org.faults;
    if faults.hit(&Fault::KeysEmpty) {
        return Ok(Vec::new());
    }
    let ring = &exchange.server.ring;
    let mut keys = ring.published()?;
    let active = ring.active()?.kid.clone();
    if faults.hit(&Fault::KeysSingle) {
        keys.truncate(1);
    }
    let member = |fault: &Fault| match fault {
        Fault::KeysMember(name, value) => Some((name.clone(), value.clone())),
        _ => None,
    };
    if let Some((name, value)) = faults.find(member) {
        keys.iter_mut().for_each(|key| drop(key.insert(name.clone(), value.clone())));
    }
    let mut first: Vec<Value> = Vec::new();
    if faults.hit(&Fault::KeysDecoys) {
        let ids = keys.iter().filter_map(|key| key.get("kid").and_then(Value::as_str));
        first.extend(ids.flat_map(decoys));
    }
    if faults.hit(&Fault::KeysDuplicateKid) {
        first.push(Value::Object(foreign_rsa(&active)));
    }
    if faults.hit(&Fault::KeysTooMany) {
        let missing = 500_usize.saturating_sub(keys.len());
        first.extend((0..missing).map(|_| Value::Object(foreign_rsa(&random::token()))));
    }
    if faults.hit(&Fault::KeysManyRsaNoKid) {
        first.extend((0..2).map(|_| Value::Object(without_kid(foreign_rsa("")))));
        keys = keys.into_iter().map(without_kid).collect();
    }
    first.extend(keys.into_iter().map(Value::Object));
    if exchange.request.query_param("client_id").is_some() && faults.hit(&Fault::OrgPinnedKey) {
        first.push(Value::Object(ring.pinned()?.jwk()));
    }
    Ok(first)
}

/// An RSA key that does not belong to the org. A random number is a sufficient modulus for a signature that must not
/// verify.
///
/// The top bit is set, so that the key has 2048 bits and is not rejected for its size. The number is odd, because a
/// product of two odd primes is.
fn foreign_rsa(kid: &str) -> Map<String, Value> {
    let mut modulus = random::bytes::<256>();
    let [first, .., last] = &mut modulus;
    *first |= 0x80;
    *last |= 1;
    let n = random::base64url(modulus);
    let key = json!({"kty": "RSA", "alg": "RS256", "kid": kid, "use": "sig", "e": "AQAB", "n": n});
    key.as_object().cloned().unwrap_or_default()
}

fn without_kid(mut key: Map<String, Value>) -> Map<String, Value> {
    key.remove("kid");
    key
}

/// Entries that must not affect the good keys behind them. The coordinates are random, so they are not on the curve.
///
/// The list has, in order: keys of other types, known and unknown, with the `kid` of the good key; RSA keys for another
/// use and another algorithm; RSA keys with a missing or broken modulus or `kid`; and entries that are not keys.
fn decoys(kid: &str) -> Vec<Value> {
    let number = || random::base64url(random::bytes::<32>());
    let mut encrypts = foreign_rsa(kid);
    encrypts.insert("use".into(), json!("enc"));
    encrypts.insert("alg".into(), json!("RSA-OAEP-256"));
    let mut other_algorithm = foreign_rsa(kid);
    other_algorithm.insert("alg".into(), json!("PS512"));
    vec![
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": kid, "use": "sig", "x": number(), "y": number()}),
        json!({"kty": "EC", "crv": "secp256k1", "alg": "ES256K", "kid": kid, "use": "sig", "x": number(), "y": number()}),
        json!({"kty": "EC", "crv": "P-999", "kid": kid, "use": "sig", "x": number(), "y": number()}),
        json!({"kty": "OKP", "crv": "X25519", "kid": kid, "use": "enc", "x": number()}),
        json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": kid, "use": "sig", "x": number()}),
        json!({"kty": "oct", "alg": "HS256", "kid": kid, "use": "sig", "k": number()}),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "kid": kid, "use": "sig", "pub": number()}),
        json!({"kty": "NEW", "kid": kid}),
        Value::Object(encrypts),
        Value::Object(other_algorithm),
        json!({"kty": "RSA", "alg": "RS256", "kid": number(), "use": "sig", "e": "AQAB"}),
        json!({"kty": "RSA", "alg": "RS256", "kid": number(), "use": "sig", "e": "AQAB", "n": "not base64url!"}),
        json!({"kty": "RSA", "alg": "RS256", "kid": 7, "use": "sig", "e": "AQAB", "n": number()}),
        json!({"kid": number()}),
        json!({}),
        json!("not a key"),
        json!(["not", "a", "key"]),
        Value::Null,
    ]
}
