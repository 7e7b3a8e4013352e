//! DPoP at the token endpoint and at resources (RFC 9449).
//!
//! A proof works once. Okta uses its `jti` up even if it answers 429, so a client must sign a new proof for every
//! attempt.

use serde_json::{Map, Value};

use super::exchange::Exchange;
use crate::client::Client;
use crate::clock::seconds;
use crate::dpop::{Nonces, Proof, identity_of};
use crate::fault::{DpopFault, Fault};
use crate::oauth_error::OAuthError;
use crate::reply::Reply;
use crate::sync::lock;

/// The algorithms of proofs, in the order of Okta's challenges.
pub(super) const ALGORITHMS: &str = "RS256 RS384 RS512 ES256 ES384 ES512";

/// The lifetime of a nonce at Okta, in seconds.
const DAY: i64 = 86_400;

const USED: &str = "The DPoP proof JWT has already been used.";
const NO_JTI: &str = "'jti' claim in the DPoP proof JWT is invalid.";

/// The key of a token request.
#[derive(Debug)]
pub(super) struct Binding {
    /// The thumbprint of the key.
    pub(super) jkt: String,
    /// The nonce for the next request, if it is not the one that the proof has.
    nonce: Option<String>,
}

impl Binding {
    /// Adds the nonce for the next request to the response.
    pub(super) fn label(&self, reply: Reply) -> Reply {
        match &self.nonce {
            Some(nonce) => reply.header("dpop-nonce", nonce.clone()),
            None => reply,
        }
    }
}

/// Records the proof of a request, whose signature is not verified; returns false if it was used before. A request
/// without a proof, or without a `jti`, is not recorded.
pub(super) fn use_up(exchange: &Exchange<'_>) -> bool {
    let proof = identity_of(exchange.request);
    proof.is_none_or(|proof| lock(&exchange.org.store).use_proof(proof, exchange.now()))
}

/// Returns the key of a token request; `None` for a client that sends no proof and need not.
///
/// `unused` is the result of [`use_up`]. Okta requires a nonce in every proof, and answers the first one with the nonce
/// to use. The code or refresh token of such a request is not consumed.
pub(super) fn bind(exchange: &Exchange<'_>, client: &Client, unused: bool) -> Result<Option<Binding>, OAuthError> {
    let required = client.dpop_bound_access_tokens;
    if (!required && !Proof::is_present(exchange.request)) || hit(exchange, DpopFault::Ignored) {
        return Ok(None);
    }
    let proof = Proof::read(exchange.request, &exchange.endpoint_url(), exchange.now());
    let proof = proof.map_err(OAuthError::invalid_dpop_proof)?;
    if !unused {
        return Err(OAuthError::invalid_dpop_proof(USED));
    }
    let refused = |fault: &Fault| match fault {
        Fault::Dpop(DpopFault::Refused(description)) => Some(description.clone()),
        _ => None,
    };
    if let Some(description) = exchange.org.faults.find(refused) {
        return Err(OAuthError::bad("invalid_dpop_proof", description));
    }
    let nonce = check_nonce(exchange, &proof)?;
    if proof.jti.is_none() {
        return Err(OAuthError::invalid_dpop_proof(NO_JTI));
    }
    Ok(Some(Binding { jkt: proof.jkt, nonce }))
}

/// Checks the nonce, and returns the one for the next request if it is another.
fn check_nonce(exchange: &Exchange<'_>, proof: &Proof) -> Result<Option<String>, OAuthError> {
    let (now, lifetime) = (exchange.now(), lifetime(exchange));
    let replaced = hit(exchange, DpopFault::NonceReplaced);
    let mut nonces = lock(&exchange.server.nonces);
    if replaced {
        nonces.restart(now, lifetime);
    }
    let looping = hit(exchange, DpopFault::NonceLoop);
    let accepted = proof.nonce.as_deref().is_some_and(|nonce| nonces.accepts(nonce, now, lifetime));
    if looping || !(accepted || hit(exchange, DpopFault::NonceOptional)) {
        let nonce = if looping { nonces.renew(now, lifetime) } else { nonces.current(now, lifetime) };
        return Err(use_nonce(exchange, nonce));
    }
    let status = |fault: &Fault| match fault {
        Fault::Dpop(DpopFault::NonceOnStatus(status)) => Some(*status),
        _ => None,
    };
    if let Some(status) = exchange.org.faults.find(status) {
        let error = OAuthError::new(status, "temporarily_unavailable", "The server is busy.");
        return Err(OAuthError { dpop_nonce: Some(nonces.restart(now, lifetime)), ..error });
    }
    if hit(exchange, DpopFault::NonceOnSuccess) {
        return Ok(Some(nonces.restart(now, lifetime)));
    }
    let current = nonces.current(now, lifetime);
    Ok(proof.nonce.as_ref().is_some_and(|nonce| *nonce != current).then_some(current))
}

/// 400 with the nonce that the next proof needs, and with the active faults.
fn use_nonce(exchange: &Exchange<'_>, nonce: String) -> OAuthError {
    let description = "Authorization server requires nonce in DPoP proof.";
    let error = OAuthError::bad("use_dpop_nonce", description);
    let other = |fault: &Fault| match fault {
        Fault::Dpop(DpopFault::NonceMissing) => Some(None),
        Fault::Dpop(DpopFault::NonceValue(value)) => Some(Some(value.clone())),
        _ => None,
    };
    let dpop_nonce = exchange.org.faults.find(other).unwrap_or(Some(nonce));
    OAuthError { dpop_nonce, ..error }
}

/// Adds a second nonce to a response that has one, if the fault is active.
pub(super) fn label(exchange: &Exchange<'_>, mut reply: Reply) -> Reply {
    let has_nonce = reply.headers.iter().any(|(name, _)| *name == "dpop-nonce");
    if has_nonce && hit(exchange, DpopFault::NonceTwice) {
        reply.headers.push(("dpop-nonce", crate::random::token()));
    }
    reply
}

/// Checks that a request to a resource uses the key of its access token. `bound` is whether the request has the scheme
/// `DPoP`, and `claims` are those of the token.
///
/// A token that is not bound, with the scheme `Bearer`, needs no proof; a proof is ignored then.
pub(super) fn check_resource(
    exchange: &Exchange<'_>,
    token: &str,
    claims: &Map<String, Value>,
    bound: bool,
) -> Result<(), OAuthError> {
    let unused = use_up(exchange);
    let jkt = claims.get("cnf").and_then(|cnf| cnf.get("jkt")).and_then(Value::as_str);
    match (jkt, bound) {
        (None, false) => return Ok(()),
        (None, true) => {
            return Err(OAuthError::new(401, "invalid_token", "The presented access_token is not DPoP bound."));
        }
        (Some(_), false) => {
            return Err(OAuthError::invalid_request(
                "The resource request must use the DPoP authentication scheme when using a DPoP bound token.",
            ));
        }
        (Some(_), true) if !Proof::is_present(exchange.request) => {
            return Err(OAuthError::invalid_request("The resource request requires a DPoP proof."));
        }
        (Some(_), true) => {}
    }
    let proof = Proof::read(exchange.request, &exchange.endpoint_url(), exchange.now());
    let proof = proof.map_err(OAuthError::invalid_dpop_proof)?;
    check_use(&proof, unused)?;
    if !proof.is_for(token) {
        return Err(OAuthError::invalid_dpop_proof(
            "'ath' claim in the DPoP proof does not match the presented access_token.",
        ));
    }
    if jkt != Some(proof.jkt.as_str()) {
        return Err(OAuthError::invalid_dpop_proof("The access_token is not bound to the provided DPoP proof."));
    }
    check_resource_faults(exchange, &proof)
}

fn check_use(proof: &Proof, unused: bool) -> Result<(), OAuthError> {
    match (&proof.jti, unused) {
        (None, _) => Err(OAuthError::invalid_dpop_proof(NO_JTI)),
        (Some(_), false) => Err(OAuthError::invalid_dpop_proof(USED)),
        (Some(_), true) => Ok(()),
    }
}

/// The faults of resources: a refusal, and nonces, which Okta's resources do not require. They are not the nonces of
/// the token endpoint (RFC 9449 §9).
fn check_resource_faults(exchange: &Exchange<'_>, proof: &Proof) -> Result<(), OAuthError> {
    let refused = |fault: &Fault| match fault {
        Fault::Dpop(DpopFault::ResourceRefused(description)) => Some(description.clone()),
        _ => None,
    };
    if let Some(description) = exchange.org.faults.find(refused) {
        return Err(OAuthError::bad("invalid_dpop_proof", description));
    }
    let (now, lifetime) = (exchange.now(), lifetime(exchange));
    let accepts = |nonces: &Nonces| proof.nonce.as_deref().is_some_and(|nonce| nonces.accepts(nonce, now, lifetime));
    let mut nonces = lock(&exchange.server.resource_nonces);
    let nonce = if hit(exchange, DpopFault::ResourceNonceLoop) {
        nonces.renew(now, lifetime)
    } else if !accepts(&nonces) && hit(exchange, DpopFault::ResourceNonce) {
        nonces.current(now, lifetime)
    } else {
        return Ok(());
    };
    let error = OAuthError::new(401, "use_dpop_nonce", "Resource server requires nonce in DPoP proof.");
    Err(OAuthError { dpop_nonce: Some(nonce), ..error })
}

/// Adds a new nonce to the response of a resource, if the fault is active.
pub(super) fn label_resource(exchange: &Exchange<'_>, reply: Reply) -> Reply {
    if !hit(exchange, DpopFault::ResourceNonceOnSuccess) {
        return reply;
    }
    let nonce = lock(&exchange.server.resource_nonces).restart(exchange.now(), lifetime(exchange));
    reply.header("dpop-nonce", nonce)
}

/// The scheme of a resource's challenge.
pub(super) fn challenge_scheme(exchange: &Exchange<'_>) -> &'static str {
    if hit(exchange, DpopFault::ChallengeCase) { "dPoP" } else { "DPoP" }
}

fn lifetime(exchange: &Exchange<'_>) -> i64 {
    exchange.org.options.dpop_nonce_lifetime.map_or(DAY, seconds)
}

fn hit(exchange: &Exchange<'_>, fault: DpopFault) -> bool {
    exchange.org.faults.hit(&Fault::Dpop(fault))
}
