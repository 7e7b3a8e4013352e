//! `/keys`: the public keys, and the many ways in which a key set can be bad.
//!
//! A client should fetch this rarely: the answer may be cached for weeks, and a
//! rotation shows as a `kid` that is not in the cache.
//!
//! What is bad about a set is meant for what RFC 7517 §5 asks of a client: entries
//! that it does not understand, that lack members or have values out of range must
//! be skipped, and the rest must go on to work. The endpoint needs no
//! authentication, is open to scripts of any origin, and is outside the rate limit,
//! all as at Okta.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Exchange;
use crate::fault::Fault;
use crate::oauth_error::{OAuthError, management, no_such_path, wrong_method};
use crate::random;
use crate::reply::Reply;
use crate::sync::lock;

/// What Okta sends: about 44 days.
const CACHE: &str = "max-age=3832304, must-revalidate";

/// RFC 7517 §5.
#[derive(Serialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// Answers at `/keys`, and at the paths that [`Fault::DiscoveryJwksPath`] announced.
///
/// Once a path was announced, `keys` itself is unknown until the faults are
/// cleared: a client that made the URL up instead of reading it fails. Earlier
/// announced paths go on to work, because a metadata document may be cached.
///
/// Faults that replace the answer come before those that change it. A delay is in
/// real time, whatever the virtual clock says.
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
    let board = &exchange.tenant.board;
    let cache = if board.hit(&Fault::KeysNoCache) { "no-cache, no-store" } else { CACHE };
    let delay = board.find(|fault| if let Fault::KeysSlow(delay) = fault { Some(*delay) } else { None });
    let reply = Reply::json(200, &KeySet { keys }).header("cache-control", cache).delayed(delay);
    if board.hit(&Fault::KeysHuge) { reply.huge() } else { reply }
}

/// The faults that answer with something else than keys.
fn faulty(exchange: &Exchange<'_>) -> Option<Reply> {
    let board = &exchange.tenant.board;
    if let Some(status) = board.find(|fault| if let Fault::KeysStatus(status) = fault { Some(*status) } else { None }) {
        return Some(management(status, "E0000009", "Internal Server Error"));
    }
    if board.hit(&Fault::KeysHtml) {
        return Some(Reply::html_surprise());
    }
    (!exchange.moved && board.hit(&Fault::KeysRedirect)).then(|| exchange.moved_reply(302))
}

/// The published keys, with the faults that are on.
///
/// The good keys are always last, so that a client that takes the first match takes a
/// bad one.
///
/// An empty set wins over everything else. A single key is ACTIVE, which comes
/// first in the list of the ring. Without names every RSA key is a candidate, and a
/// client has to try several or give up.
fn key_set(exchange: &Exchange<'_>) -> Result<Vec<Value>, crate::Error> {
    let board = &exchange.tenant.board;
    if board.hit(&Fault::KeysEmpty) {
        return Ok(Vec::new());
    }
    let ring = &exchange.server.ring;
    let mut keys = ring.published()?;
    let active = ring.active()?.kid.clone();
    if board.hit(&Fault::KeysSingle) {
        keys.truncate(1);
    }
    let mut first: Vec<Value> = Vec::new();
    if board.hit(&Fault::KeysDecoys) {
        first.extend(decoys(&active));
    }
    if board.hit(&Fault::KeysDuplicateKid) {
        first.push(Value::Object(foreign_rsa(&active)));
    }
    if board.hit(&Fault::KeysTooMany) {
        let missing = 500_usize.saturating_sub(keys.len());
        first.extend((0..missing).map(|_| Value::Object(foreign_rsa(&random::token()))));
    }
    if board.hit(&Fault::KeysManyRsaNoKid) {
        first.extend((0..2).map(|_| Value::Object(without_kid(foreign_rsa("")))));
        keys = keys.into_iter().map(without_kid).collect();
    }
    first.extend(keys.into_iter().map(Value::Object));
    if exchange.request.query_param("client_id").is_some() && board.hit(&Fault::OrgPinnedKey) {
        first.push(Value::Object(ring.pinned()?.jwk()));
    }
    Ok(first)
}

/// An RSA key of somebody else: a random number is as good a modulus as any for a
/// signature that must not verify.
///
/// The top bit is set, so that it has 2048 bits and is not refused for its size; it
/// is odd, because a product of two odd primes is.
fn foreign_rsa(kid: &str) -> Map<String, Value> {
    let mut modulus = random::bytes::<256>();
    let [first, .., last] = &mut modulus;
    *first |= 0x80;
    *last |= 1;
    let n = random::base64url(modulus);
    let key = json!({"kty": "RSA", "alg": "RS256", "kid": kid, "use": "sig", "e": "AQAB", "n": n});
    key.as_object().cloned().unwrap_or_default()
}

/// The same key, without its name.
fn without_kid(mut key: Map<String, Value>) -> Map<String, Value> {
    key.remove("kid");
    key
}

/// Entries that must not harm the good keys behind them. The coordinates are random,
/// hence on no curve.
///
/// First keys of other kinds under the name of the good key, known and unknown
/// ones, then RSA keys for another use and another algorithm, then RSA keys that
/// lack the modulus, or in which it or the name is broken, and last entries that
/// are no keys at all.
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
