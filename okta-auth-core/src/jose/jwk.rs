//! Published keys (RFC 7517), each read on its own: a bad or foreign key in a set harms
//! only itself.

use std::fmt;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{ParsedPublicKey, RsaParameters};
use serde::Deserialize;
use serde_json::Value;

use super::algorithm::{Algorithm, Family};
use crate::base64url;
use crate::error::{Code, Error, Result};

/// No issuer signs with more; the rest of a longer set is not read.
const MAX_KEYS: usize = 100;

/// How many keys with the same id are tried.
const MAX_CANDIDATES: usize = 4;

/// The keys of an issuer that can verify signatures.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Key>);

/// One key, parsed once for each algorithm that it can be used with.
pub(super) struct Key {
    kid: Option<String>,
    parsed: Vec<(Algorithm, ParsedPublicKey)>,
}

/// The set as it is on the wire.
#[derive(Deserialize)]
pub(super) struct WireSet {
    keys: Vec<Value>,
}

/// The members of a key that matter. Private and symmetric members are not read.
#[derive(Deserialize)]
struct WireKey {
    /// The kind of key: `RSA`, `EC`, `OKP`.
    kty: String,
    /// The name by which a token refers to it.
    #[serde(default)]
    kid: Option<String>,
    /// `sig` or `enc`; a key for encryption verifies nothing.
    #[serde(default, rename = "use")]
    usage: Option<String>,
    /// Another way to say the same.
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    /// The one algorithm that it is for, if it is for one.
    #[serde(default)]
    alg: Option<String>,
    /// The curve of `EC` and `OKP`.
    #[serde(default)]
    crv: Option<String>,
    /// Modulus of `RSA`.
    #[serde(default)]
    n: Option<String>,
    /// Exponent of `RSA`.
    #[serde(default)]
    e: Option<String>,
    /// First coordinate of `EC`, or the key of `OKP`.
    #[serde(default)]
    x: Option<String>,
    /// Second coordinate of `EC`.
    #[serde(default)]
    y: Option<String>,
}

impl KeySet {
    /// Reads each key on its own and keeps those that can verify.
    pub(super) fn new(set: WireSet) -> Self {
        let keys = set.keys.into_iter().take(MAX_KEYS).filter(Value::is_object);
        let keys = keys.filter_map(|key| serde_json::from_value(key).ok());
        Self(keys.filter_map(|key: WireKey| key.parse()).collect())
    }

    /// The keys that fit a header: by key id, and by what the algorithm takes. Without
    /// a key id there must be exactly one (RFC 7517 §4.5; guessing among several would
    /// let a token choose).
    pub(super) fn candidates(&self, kid: Option<&str>, algorithm: Algorithm) -> Vec<&ParsedPublicKey> {
        let fitting = self.0.iter().filter(|key| kid.is_none() || key.kid.as_deref() == kid);
        let parsed = fitting.filter_map(|key| key.parsed.iter().find(|(known, _)| *known == algorithm));
        let mut found: Vec<_> = parsed.map(|(_, key)| key).take(MAX_CANDIDATES).collect();
        if kid.is_none() && found.len() > 1 {
            found.clear();
        }
        found
    }

    /// How many keys can verify.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl WireKey {
    /// `None` for a key that cannot verify a signature: of another use or kind, or
    /// broken.
    fn parse(self) -> Option<Key> {
        let signs = self.usage.as_deref().is_none_or(|usage| usage == "sig");
        let verifies = self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !signs || !verifies {
            return None;
        }
        let family = self.family()?;
        let wanted = Algorithm::of(family).iter().filter(|algorithm| {
            // A key with an `alg` is for that one alone (RFC 8725 §3.1).
            self.alg.as_deref().is_none_or(|alg| alg == algorithm.as_str())
        });
        let parsed: Vec<_> = wanted.filter_map(|algorithm| Some((*algorithm, self.key(*algorithm)?))).collect();
        (!parsed.is_empty()).then_some(Key { kid: self.kid, parsed })
    }

    /// What kind of key it is; `None` for kinds and curves that are not known here.
    fn family(&self) -> Option<Family> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Some(Family::Rsa),
            ("EC", Some("P-256")) => Some(Family::P256),
            ("EC", Some("P-384")) => Some(Family::P384),
            ("OKP", Some("Ed25519")) => Some(Family::Ed25519),
            _ => None,
        }
    }

    /// The key as aws-lc reads it, which checks that a point is on its curve.
    fn key(&self, algorithm: Algorithm) -> Option<ParsedPublicKey> {
        let bytes = match algorithm.family() {
            Family::Rsa => return self.rsa_key(algorithm.rsa_parameters()?),
            Family::P256 => self.point(32)?,
            Family::P384 => self.point(48)?,
            Family::Ed25519 => member(self.x.as_ref()).filter(|x| x.len() == 32)?,
        };
        ParsedPublicKey::new(algorithm.verification(), bytes).ok()
    }

    /// From 2048 to 8192 bits, with an odd exponent of at most 33 bits: larger ones
    /// make verification slow.
    fn rsa_key(&self, parameters: &'static RsaParameters) -> Option<ParsedPublicKey> {
        let (n, e) = (member(self.n.as_ref())?, member(self.e.as_ref())?);
        let bits = n.len().checked_mul(8)?.checked_sub(usize::try_from(n.first()?.leading_zeros()).ok()?)?;
        let odd = e.last().is_some_and(|last| last & 1 == 1) && e.as_slice() != [1];
        if !(2_048..=8_192).contains(&bits) || !odd || e.len() > 5 {
            return None;
        }
        PublicKeyComponents { n, e }.to_parsed_public_key(parameters).ok()
    }

    /// An uncompressed point.
    fn point(&self, size: usize) -> Option<Vec<u8>> {
        let (x, y) = (member(self.x.as_ref())?, member(self.y.as_ref())?);
        (x.len() == size && y.len() == size).then(|| [&[4], x.as_slice(), y.as_slice()].concat())
    }
}

/// A member in base64url; `None` if it is missing, empty or not base64url.
fn member(text: Option<&String>) -> Option<Vec<u8>> {
    base64url::decode(text?).ok().filter(|bytes| !bytes.is_empty())
}

/// Verifies a signature with any of the candidates.
///
/// # Errors
/// [`Code::TokenSignature`] if none of them made it.
pub(super) fn verify(keys: &[&ParsedPublicKey], signed: &[u8], signature: &[u8]) -> Result<()> {
    if keys.iter().any(|key| key.verify_sig(signed, signature).is_ok()) {
        return Ok(());
    }
    Err(Error::new(Code::TokenSignature, "the token's signature does not verify"))
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "jwk_tests.rs"]
mod tests;
