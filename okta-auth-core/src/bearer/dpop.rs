//! DPoP at an API: whether the sender of a request has the key of its access token (RFC 9449 §4.3, §7).
//!
//! [`jose`](crate::jose) has verified the token and the signature of the proof. These checks remain, in this order:
//!
//! 1. `htm` is the method, in the same case.
//! 2. `htu` is the URL that clients use: the base URL of the configuration, with the prefix that a proxy strips, and
//!    the path of the request. Query and fragment are ignored. Headers such as `Host` and `X-Forwarded-Host` have no
//!    effect, because a client can set them. Both URLs are normalized (RFC 3986 §6.2.2).
//! 3. `iat` is at most a minute ago, with the leeway in both directions. `exp` and `nbf`, if present, hold too.
//! 4. `ath` is the hash of the token.
//! 5. The token is bound to the key of the proof.
//! 6. If the API requires nonces, `nonce` is a valid one.
//! 7. The proof is used for the first time, in this process, and across replicas if they share a store.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Method;
use url::Url;

use super::credentials::SentProof;
use super::dpop_nonce::{DpopNonces, Nonce};
use super::used_proofs::{ProofMemories, Use, UsedProofs};
use crate::base64url;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::cookie::CookieKeys;
use crate::error::{Code, Error, Result};
use crate::jose::{DpopProof, ProofClaims, VerifiedAccessToken, proof_algorithms};
use crate::secret::{random_bytes, sha256};
use crate::session::{SessionStore, StoreKey, with_store_timeout};

/// The accepted age of a proof, without the leeway. A client signs a proof for each request.
const MAX_AGE: Duration = Duration::from_secs(60);

/// The pause for a client while it is unknown whether a proof was used before.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The request that a proof has to be for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestTarget<'a> {
    pub(crate) method: &'a Method,
    /// Path and query as the client sent them to the application.
    pub(crate) path_and_query: &'a str,
}

/// Checks the proofs of requests to one application, or to one tenant.
pub(crate) struct DpopVerifier {
    config: Arc<Config>,
    nonces: Option<DpopNonces>,
    memories: ProofMemories,
    /// The memory of this application or tenant, created at the first proof.
    used: OnceLock<Arc<UsedProofs>>,
    /// The store that all replicas share.
    shared: Option<Arc<dyn SessionStore>>,
}

impl DpopVerifier {
    pub(crate) fn new(
        config: &Arc<Config>,
        keys: &CookieKeys,
        memories: &ProofMemories,
        shared: Option<Arc<dyn SessionStore>>,
    ) -> Result<Self> {
        let nonces = DpopNonces::of(config, keys)?;
        let (memories, used) = (memories.clone(), OnceLock::new());
        Ok(Self { config: Arc::clone(config), nonces, memories, used, shared })
    }

    /// Checks that a token is accepted without a proof: it has no key, and the API requires none (RFC 9449 §7.2).
    ///
    /// # Errors
    /// [`Code::TokenKind`] for the claim `cnf`.
    pub(super) fn check_unproven(&self, token: &VerifiedAccessToken) -> Result<()> {
        if token.claims().key_thumbprint().is_some() {
            return Err(unfit("the token is bound to a key but was sent without proof of possession"));
        }
        if self.config.app.options.require_dpop {
            return Err(unfit(
                "the token is not bound to a key, which `require_dpop` requires; turn on DPoP for the client",
            ));
        }
        Ok(())
    }

    /// Checks that a proof is for this request, this token and this moment, and marks it as used.
    ///
    /// `token_hash` is the SHA-256 of the token.
    ///
    /// # Errors
    /// [`Code::DpopProof`]; [`Code::DpopNonce`]; [`Code::TokenKind`] for a token without a key;
    /// [`Code::StoreUnavailable`] if it is unknown whether the proof was used before.
    pub(super) async fn check(
        &self,
        sent: &SentProof,
        (token, token_hash): (&VerifiedAccessToken, [u8; 32]),
        target: RequestTarget<'_>,
        now: Timestamp,
    ) -> Result<()> {
        let thumbprint = token.claims().key_thumbprint().ok_or_else(|| {
            unfit("the token is not bound to a key, but was sent with the scheme DPoP; send it after `Bearer`")
        })?;
        let proof = DpopProof::verify(sent.text()?, proof_algorithms(&self.config.app))?;
        self.check_target(&proof.claims, target)?;
        self.check_times(&proof.claims, now)?;
        if proof.claims.ath != base64url::encode(token_hash) {
            return Err(refused("its `ath` is not the hash of the access token"));
        }
        if proof.thumbprint != *thumbprint {
            return Err(refused("the access token is bound to another key"));
        }
        self.check_nonce(&proof.claims, sent, now)?;
        self.consume(&proof, now).await
    }

    /// Only the holder of a token and its key gets a nonce, and a proof without one is not used up.
    fn check_nonce(&self, claims: &ProofClaims, sent: &SentProof, now: Timestamp) -> Result<()> {
        let Some(nonces) = &self.nonces else { return Ok(()) };
        let nonce = nonces.check(claims.nonce.as_deref(), now);
        if nonce != Nonce::Fresh {
            sent.answer_with(nonces.issue(now)?);
        }
        if nonce == Nonce::Invalid {
            return Err(Error::new(Code::DpopNonce, "the DPoP proof has no valid nonce of this API"));
        }
        Ok(())
    }

    fn check_target(&self, claims: &ProofClaims, target: RequestTarget<'_>) -> Result<()> {
        if claims.htm != target.method.as_str() {
            return Err(refused("its `htm` is not the method of the request"));
        }
        let path = target.path_and_query.split('?').next().unwrap_or_default();
        let expected = self.config.app.public_url(path);
        if path.starts_with('/') && is_same_url(&claims.htu, &expected) {
            return Ok(());
        }
        let why = "its `htu` is not the URL of the request; clients must use the origin of OKTA_BASE_URL, and the \
                   prefix of OKTA_PUBLIC_PREFIX if a proxy strips one";
        Err(refused(why))
    }

    fn check_times(&self, claims: &ProofClaims, now: Timestamp) -> Result<()> {
        let leeway = self.config.app.options.leeway;
        let issued = claims.iat.0;
        if issued > now.plus(leeway) || claims.nbf.is_some_and(|nbf| nbf.0 > now.plus(leeway)) {
            return Err(refused("it is from the future; synchronize the clocks"));
        }
        if now >= issued.plus(MAX_AGE).plus(leeway) || claims.exp.is_some_and(|exp| now >= exp.0.plus(leeway)) {
            return Err(refused("it is too old"));
        }
        Ok(())
    }

    /// Marks a proof as used, first in this process and then in the shared store. A key may sign a `jti` only once,
    /// whatever the rest of the proof says.
    async fn consume(&self, proof: &DpopProof, now: Timestamp) -> Result<()> {
        let leeway = self.config.app.options.leeway;
        // `iat` is at most one leeway ahead, so the proof is too old after this time.
        let lifetime = MAX_AGE.saturating_add(leeway).saturating_add(leeway);
        let key = self.key(proof);
        match self.used.get_or_init(|| self.memories.of(&self.config)).consume(&key, now.plus(lifetime), now) {
            Use::First => {}
            Use::Repeated => return Err(refused("it was used before")),
            Use::Unknown => {
                let message = "too many DPoP proofs were used in the last minutes to remember another one";
                return Err(Error::new(Code::StoreUnavailable, message).with_retry_after(RETRY_AFTER));
            }
        }
        let Some(shared) = &self.shared else { return Ok(()) };
        // Clocks of replicas differ by up to the leeway.
        let lifetime = lifetime.saturating_add(leeway);
        // The owner of a lock may take it again, so each request is another owner.
        let owner = u64::from_be_bytes(random_bytes()?);
        let is_first = with_store_timeout(shared.try_lock(&StoreKey::from_bytes(key), owner, lifetime)).await?;
        if is_first { Ok(()) } else { Err(refused("it was used before, at another replica")) }
    }

    /// The hash under which a proof is remembered. Every part is prefixed with its length.
    fn key(&self, proof: &DpopProof) -> [u8; 32] {
        let (owner, client_id) = self.config.owner();
        let mut bytes = b"okta-auth dpop proof v1".to_vec();
        for part in [owner.as_bytes(), client_id.as_bytes(), &proof.thumbprint, proof.claims.jti.as_bytes()] {
            bytes.extend(part.len().to_be_bytes());
            bytes.extend(part);
        }
        sha256(&bytes)
    }
}

fn is_same_url(one: &str, other: &str) -> bool {
    one == other || normalized(one).is_some_and(|one| Some(one) == normalized(other))
}

/// Returns the origin and the normalized path of a URL; `None` for one that no client of an API would name. `url` reads
/// a backslash as a slash, which routers do not.
fn normalized(url: &str) -> Option<(String, String)> {
    let url = Url::parse(url).ok().filter(|_| !url.contains('\\'))?;
    let is_plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    is_plain.then(|| (url.origin().ascii_serialization(), normalized_path(url.path())))
}

/// Decodes the escapes of unreserved characters and writes all others in upper case (RFC 3986 §6.2.2.1, §6.2.2.2).
fn normalized_path(path: &str) -> String {
    let mut parts = path.split('%');
    let mut normal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (hex, rest) = part.split_at_checked(2).unwrap_or(("", part));
        let byte = u8::from_str_radix(hex, 16).ok().filter(|_| hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let _ = match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                write!(normal, "{}{rest}", char::from(byte))
            }
            Some(byte) => write!(normal, "%{byte:02X}{rest}"),
            None => write!(normal, "%{part}"),
        };
    }
    normal
}

/// The message contains no part of the proof.
fn refused(why: &str) -> Error {
    Error::new(Code::DpopProof, format!("the DPoP proof was refused: {why}"))
}

fn unfit(message: &'static str) -> Error {
    Error::new(Code::TokenKind, message).with_claim("cnf")
}

opaque_debug!(DpopVerifier);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_compared_after_normalization() {
        let same = |htu: &str| is_same_url(htu, "https://api.example/a/b%7Ec%2fd:e");
        for fine in [
            "https://api.example/a/b~c%2Fd:e",
            "HTTPS://API.EXAMPLE:443/a/b%7ec%2Fd:e?q=1#f",
            "https://api.example/x/../a/b%7Ec%2Fd:e",
        ] {
            assert!(same(fine), "{fine}");
        }
        for other in [
            "http://api.example/a/b~c%2Fd:e",
            "https://api.example:8443/a/b~c%2Fd:e",
            "https://api.example/a/b~c/d:e",
            "https://api.example/a/b~c%2Fd%3Ae",
            "https://api.example/a/b~c%2Fd:e/",
            "https://api.example/A/b~c%2Fd:e",
            "https://user@api.example/a/b~c%2Fd:e",
            "https://api.example.evil/a/b~c%2Fd:e",
            "https://api.example/a\\b~c%2Fd:e",
            "//api.example/a/b~c%2Fd:e",
            "/a/b~c%2Fd:e",
            "",
        ] {
            assert!(!same(other), "{other}");
        }
        assert!(!is_same_url("https://api.example/a/b", "https://api.example/a\\b"));
        assert_eq!(normalized_path("/%+1%zz%4%41"), "/%+1%zz%4A");
    }
}
