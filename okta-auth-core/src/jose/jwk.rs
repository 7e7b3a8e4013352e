//! Published keys (RFC 7517). Each key is parsed separately, so an invalid or unsupported key does not affect the
//! others.

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{ParsedPublicKey, RsaParameters};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::algorithm::{Algorithm, Family};
use crate::base64url;
use crate::error::{Code, Error, Result};
use crate::secret::sha256;

/// More keys than any issuer publishes; later keys in a set are ignored.
const MAX_KEYS: usize = 100;

/// How many keys with the same id are tried.
const MAX_CANDIDATES: usize = 4;

/// The keys of an issuer that can verify signatures.
#[derive(Debug)]
pub(super) struct KeySet(Box<[Key]>);

/// A key, parsed once for each algorithm that it supports.
pub(super) struct Key {
    kid: Option<String>,
    parsed: Box<[(Algorithm, ParsedPublicKey)]>,
}

/// The public key that a DPoP proof brings along, for one algorithm.
pub(super) struct EmbeddedKey {
    pub(super) key: ParsedPublicKey,
    /// The SHA-256 thumbprint (RFC 7638).
    pub(super) thumbprint: [u8; 32],
}

/// The members of private and symmetric keys (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "k", "p", "q", "dp", "dq", "qi", "oth"];

#[derive(Deserialize)]
pub(super) struct WireSet {
    keys: Vec<Value>,
}

/// The relevant members of a public key.
#[derive(Deserialize)]
struct WireKey {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    /// `sig` or `enc`. A key for encryption verifies no signature.
    #[serde(default, rename = "use")]
    usage: Option<String>,
    /// An alternative to `use`.
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    /// The only algorithm that the key may be used with, if set.
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
    /// Parses each key separately and keeps those that can verify signatures. A private key that was published is
    /// ignored, because everyone can sign with it.
    pub(super) fn new(set: WireSet) -> Self {
        let keys = set.keys.into_iter().take(MAX_KEYS).filter(Value::is_object);
        let keys = keys.filter(|key| {
            let is_public = !PRIVATE_MEMBERS.iter().any(|member| key.get(member).is_some());
            if !is_public {
                tracing::warn!(target: "okta_auth", "the issuer publishes a private or symmetric key, which is ignored: its owner has to replace the key");
            }
            is_public
        });
        let keys = keys.filter_map(|key| serde_json::from_value(key).ok());
        Self(keys.filter_map(|key: WireKey| key.parse()).collect())
    }

    /// Returns the keys that match a header, by key id and algorithm. Without a key id exactly one key must match (RFC
    /// 7517 §4.5), because otherwise the token could choose among several.
    pub(super) fn candidates(&self, kid: Option<&str>, algorithm: Algorithm) -> Vec<&ParsedPublicKey> {
        let fitting = self.0.iter().filter(|key| kid.is_none() || key.kid.as_deref() == kid);
        let parsed = fitting.filter_map(|key| key.parsed.iter().find(|(known, _)| *known == algorithm));
        let mut found: Vec<_> = parsed.map(|(_, key)| key).take(MAX_CANDIDATES).collect();
        if kid.is_none() && found.len() > 1 {
            found.clear();
        }
        found
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl EmbeddedKey {
    /// Parses a key of the algorithm's type. A private key is refused, because a client that sends it has published it
    /// (RFC 9449 §4.3).
    pub(super) fn new(jwk: Map<String, Value>, algorithm: Algorithm) -> Result<Self, &'static str> {
        if PRIVATE_MEMBERS.iter().any(|member| jwk.contains_key(*member)) {
            return Err("its `jwk` has members of a private or symmetric key");
        }
        let unfit = "its `jwk` is not a valid public key for its algorithm";
        let wire: WireKey = serde_json::from_value(Value::Object(jwk)).map_err(|_| unfit)?;
        if !wire.is_for_signatures() || !wire.allows(algorithm) || wire.family() != Some(algorithm.family()) {
            return Err(unfit);
        }
        let key = wire.key(algorithm).ok_or(unfit)?;
        Ok(Self { key, thumbprint: wire.thumbprint(algorithm.family()) })
    }
}

impl WireKey {
    /// Returns `None` for a key that cannot verify a signature: another use, an unsupported type, or an invalid key.
    fn parse(self) -> Option<Key> {
        if !self.is_for_signatures() {
            return None;
        }
        let family = self.family()?;
        let wanted = Algorithm::of(family).iter().filter(|algorithm| self.allows(**algorithm));
        let parsed: Box<[_]> = wanted.filter_map(|algorithm| Some((*algorithm, self.key(*algorithm)?))).collect();
        (!parsed.is_empty()).then_some(Key { kid: self.kid, parsed })
    }

    fn is_for_signatures(&self) -> bool {
        let signs = self.usage.as_deref().is_none_or(|usage| usage == "sig");
        signs && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"))
    }

    /// A key with an `alg` may only be used with it (RFC 8725 §3.1).
    fn allows(&self, algorithm: Algorithm) -> bool {
        self.alg.as_deref().is_none_or(|alg| Algorithm::parse(alg) == Some(algorithm))
    }

    /// Hashes the required members in lexical order (RFC 7638 §3.2). The key has been parsed before, so they are
    /// base64url and need no escapes.
    fn thumbprint(&self, family: Family) -> [u8; 32] {
        let text = |member: &Option<String>| member.clone().unwrap_or_default();
        let (crv, n, e, x, y) = (text(&self.crv), text(&self.n), text(&self.e), text(&self.x), text(&self.y));
        let canonical = match family {
            Family::Rsa => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Family::P256 | Family::P384 => format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Family::Ed25519 => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#),
        };
        sha256(canonical.as_bytes())
    }

    fn family(&self) -> Option<Family> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Some(Family::Rsa),
            ("EC", Some("P-256")) => Some(Family::P256),
            ("EC", Some("P-384")) => Some(Family::P384),
            ("OKP", Some("Ed25519")) => Some(Family::Ed25519),
            _ => None,
        }
    }

    /// Parses the key with aws-lc, which checks that a point is on its curve.
    fn key(&self, algorithm: Algorithm) -> Option<ParsedPublicKey> {
        let bytes = match algorithm.family() {
            Family::Rsa => return self.rsa_key(algorithm.rsa_parameters()?),
            Family::P256 => self.point(32)?,
            Family::P384 => self.point(48)?,
            Family::Ed25519 => member(self.x.as_ref()).filter(|x| x.len() == 32)?,
        };
        ParsedPublicKey::new(algorithm.verification(), bytes).ok()
    }

    /// Accepts 2048 to 8192 bits and an odd exponent of at most 33 bits, because larger values make verification slow.
    fn rsa_key(&self, parameters: &'static RsaParameters) -> Option<ParsedPublicKey> {
        let (n, e) = (member(self.n.as_ref())?, member(self.e.as_ref())?);
        let bits = n.len().checked_mul(8)?.checked_sub(usize::try_from(n.first()?.leading_zeros()).ok()?)?;
        let odd = e.last().is_some_and(|last| last & 1 == 1) && e.as_slice() != [1];
        if !(2_048..=8_192).contains(&bits) || !odd || e.len() > 5 {
            return None;
        }
        PublicKeyComponents { n, e }.to_parsed_public_key(parameters).ok()
    }

    fn point(&self, size: usize) -> Option<Vec<u8>> {
        let (x, y) = (member(self.x.as_ref())?, member(self.y.as_ref())?);
        (x.len() == size && y.len() == size).then(|| [&[4], x.as_slice(), y.as_slice()].concat())
    }
}

/// Decodes a base64url member. `None` if it is missing, empty or invalid.
fn member(text: Option<&String>) -> Option<Vec<u8>> {
    base64url::decode(text?).ok().filter(|bytes| !bytes.is_empty())
}

/// Verifies a signature with any of the candidates.
pub(super) fn verify(keys: &[&ParsedPublicKey], signed: &[u8], signature: &[u8]) -> Result<()> {
    if keys.iter().any(|key| key.verify_sig(signed, signature).is_ok()) {
        return Ok(());
    }
    Err(Error::new(Code::TokenSignature, "the token's signature is not valid"))
}

opaque_debug!(Key, |it| kid: it.kid);

#[cfg(test)]
#[path = "jwk_tests.rs"]
mod tests;
