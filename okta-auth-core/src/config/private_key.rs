//! Parses private keys in their usual forms: PEM, PEM in one line, a JWK (RFC 7517), and each of them in base64. The
//! message for another input names the form that was found.
//!
//! A message contains only the `kid`, the algorithm and the PEM label of a key, which are not secret.

use aws_lc_rs::rsa::{KeyPair, KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::builder::ConfigBuilder;
use super::client_auth::{PrivateKey, RsaPadding, Signer, from_der, unusable};
use super::env;
use super::problem::Diagnostics;
use crate::error::Result;
use crate::secret::Secret;
use crate::{base64url, json};

/// With or without padding, because tools write both.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// The use of a key, which a JWK may name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyUse {
    Signature,
    Encryption,
}

impl KeyUse {
    /// Whether a JWK of this type may be used so, by its `use` and `alg` (RFC 7517 §4.2, §4.4).
    fn allows(self, jwk: &Jwk, is_rsa: bool) -> bool {
        let (named, algorithms): (&str, &[&str]) = match (self, is_rsa) {
            (Self::Signature, true) => ("sig", &["RS256", "PS256"]),
            (Self::Signature, false) => ("sig", &["ES256"]),
            (Self::Encryption, true) => ("enc", &["RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512"]),
            (Self::Encryption, false) => ("enc", &["ECDH-ES+A256KW"]),
        };
        jwk.key_use.as_deref().is_none_or(|key_use| key_use == named)
            && jwk.alg.as_deref().is_none_or(|alg| algorithms.contains(&alg))
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signing",
            Self::Encryption => "decryption",
        }
    }
}

impl PrivateKey {
    /// Parses a private key in any of its usual forms: PEM (PKCS#8, PKCS#1 or SEC 1), also in one line with `\n` or
    /// spaces instead of line ends; a JWK (RFC 7517), as Okta's admin console shows it, or a JWKS with one key; DER in
    /// base64; or the base64 of any of these.
    ///
    /// `key_id` is the `kid` of the public key at Okta. A JWK contains its own.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// use okta_auth::config::PrivateKey;
    ///
    /// let error = PrivateKey::parse("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", None).unwrap_err();
    /// assert!(error.to_string().contains("it is a certificate"));
    /// ```
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid), naming the form that was found, if the text is not a
    /// private key, if the key is neither RSA (2048 bits or more) nor P-256, or if `key_id` and the `kid` of a JWK
    /// differ.
    pub fn parse(text: &str, key_id: Option<String>) -> Result<Self> {
        let mut keys = Self::parse_for(KeyUse::Signature, text, key_id)?.into_iter();
        match (keys.next(), keys.next()) {
            (Some(key), None) => Ok(key),
            _ => Err(unusable("it is a JWKS with several private keys; use the JWK of one of them")),
        }
    }

    /// Parses the keys of any form: several of a JWKS, one of every other form.
    pub(super) fn parse_for(key_use: KeyUse, text: &str, key_id: Option<String>) -> Result<Vec<Self>> {
        let text = unquoted(text.trim());
        if text.starts_with('{') {
            return from_jwks(text, key_id, key_use);
        }
        if text.contains("-----BEGIN") {
            return Self::from_pem(text, key_id).map(|key| vec![key]);
        }
        let Some(bytes) = decoded(text) else { return Err(unusable(unknown_form(text))) };
        match std::str::from_utf8(&bytes).map(str::trim) {
            Ok(jwk) if jwk.starts_with('{') => from_jwks(jwk, key_id, key_use),
            Ok(pem) if pem.contains("-----BEGIN") => Self::from_pem(pem, key_id).map(|key| vec![key]),
            _ => {
                let forms: [fn(&[u8]) -> PrivateKeyDer<'_>; 3] = [
                    |der| PrivatePkcs8KeyDer::from(der).into(),
                    |der| PrivatePkcs1KeyDer::from(der).into(),
                    |der| PrivateSec1KeyDer::from(der).into(),
                ];
                let key = forms.iter().find_map(|form| from_der(&form(&bytes)));
                let signer = key.ok_or_else(|| unusable("it is base64 of something that is not a private key"))?;
                Ok(vec![Self::new(signer, key_id)])
            }
        }
    }

    /// Parses a private key in PEM: PKCS#8, PKCS#1 (RSA) or SEC 1 (EC). Line ends may be written as `\n`, or as spaces.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid), naming the form that was found, if the text is not a
    /// private key, or the key is neither RSA (2048 bits or more) nor P-256.
    pub fn from_pem(pem: &str, key_id: Option<String>) -> Result<Self> {
        let pem = Zeroizing::new(pem.replace("\\r", "").replace("\\n", "\n"));
        let blocks = blocks(&pem)?;
        let form = |label: &str| -> Option<fn(&[u8]) -> PrivateKeyDer<'_>> {
            match label {
                "PRIVATE KEY" => Some(|der| PrivatePkcs8KeyDer::from(der).into()),
                "RSA PRIVATE KEY" => Some(|der| PrivatePkcs1KeyDer::from(der).into()),
                "EC PRIVATE KEY" => Some(|der| PrivateSec1KeyDer::from(der).into()),
                _ => None,
            }
        };
        let Some((form, body)) = blocks.iter().find_map(|(label, body)| Some((form(label)?, *body))) else {
            let label = blocks.first().map(|(label, _)| *label);
            return Err(unusable(other_pem(label)));
        };
        if body.contains("ENCRYPTED") {
            return Err(unusable(other_pem(Some("ENCRYPTED PRIVATE KEY"))));
        }
        let der = decoded(body).ok_or_else(|| unusable("it is PEM whose content is not base64; copy it again"))?;
        let signer = from_der(&form(&der))
            .ok_or_else(|| unusable("it is neither an RSA key of 2048 bits or more nor a P-256 key"))?;
        Ok(Self::new(signer, key_id))
    }
}

/// Splits a PEM text into blocks, each with its label and body.
fn blocks(text: &str) -> Result<Vec<(&str, &str)>> {
    let mut blocks = Vec::new();
    for part in text.split("-----BEGIN ").skip(1) {
        let cut = || unusable("it is PEM that was cut off; copy it with its last line");
        let (label, rest) = part.split_once("-----").ok_or_else(cut)?;
        let (body, _) = rest.split_once("-----END ").ok_or_else(cut)?;
        blocks.push((label, body));
    }
    Ok(blocks)
}

fn other_pem(label: Option<&str>) -> String {
    match label {
        None => "it is not a private key in PEM (`-----BEGIN PRIVATE KEY-----`)".to_owned(),
        Some("ENCRYPTED PRIVATE KEY") => {
            "it is an encrypted private key; decrypt it, for example with `openssl pkey -in key.pem`".to_owned()
        }
        Some("OPENSSH PRIVATE KEY") => {
            "it is in OpenSSH format; convert it with `ssh-keygen -p -m PKCS8 -f key`".to_owned()
        }
        Some("CERTIFICATE") => "it is a certificate, which holds the public key; use the private key".to_owned(),
        Some(label) if label.ends_with("PUBLIC KEY") => "it is a public key; use the private one".to_owned(),
        Some(label) => {
            let label: String = label.chars().take(40).collect();
            format!("it is PEM with the label `{}` instead of `PRIVATE KEY`", label.escape_default())
        }
    }
}

fn unknown_form(text: &str) -> &'static str {
    let is_path = text.starts_with(['/', '.', '~'])
        || [".pem", ".key", ".der", ".json", ".jwk"].iter().any(|end| text.ends_with(end));
    match text {
        _ if is_path => "it is the path of a file; OKTA_PRIVATE_KEY_FILE takes one",
        _ if text.starts_with("ssh-") || text.starts_with("ecdsa-") => {
            "it is a public key in OpenSSH format; use the private one, in PEM or as a JWK"
        }
        _ => "it is neither PEM (`-----BEGIN PRIVATE KEY-----`), nor a JWK, nor base64 of one of them",
    }
}

/// Removes the quotes that some tools leave around a value.
fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text).trim()
}

/// Decodes base64 in either alphabet, with or without padding and line ends.
fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text: Zeroizing<String> = Zeroizing::new(text.split_whitespace().collect());
    let engines = [&alphabet::STANDARD, &alphabet::URL_SAFE].map(|alphabet| GeneralPurpose::new(alphabet, LENIENT));
    let bytes = engines.iter().find_map(|engine| engine.decode(text.as_bytes()).ok());
    bytes.filter(|bytes| !bytes.is_empty()).map(Zeroizing::new)
}

/// A private key as a JWK (RFC 7518 §6.2.2 and §6.3.2), or the keys of a JWKS.
#[derive(Deserialize)]
struct Jwk {
    kty: Option<String>,
    kid: Option<String>,
    #[serde(rename = "use")]
    key_use: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<Secret>,
    p: Option<Secret>,
    q: Option<Secret>,
    dp: Option<Secret>,
    dq: Option<Secret>,
    qi: Option<Secret>,
    keys: Option<Vec<Self>>,
}

fn from_jwks(text: &str, key_id: Option<String>, key_use: KeyUse) -> Result<Vec<PrivateKey>> {
    // The parser's error may quote the key.
    let jwk: Jwk = json::object(text.as_bytes()).map_err(|_| unusable("it looks like a JWK but is not valid JSON"))?;
    let Some(keys) = jwk.keys else { return Ok(vec![from_jwk(&jwk, key_id, key_use)?]) };
    let private: Vec<Jwk> = keys.into_iter().filter(|key| key.d.is_some()).collect();
    if private.is_empty() {
        return Err(unusable("it is a JWKS without a private key"));
    }
    private.iter().map(|jwk| from_jwk(jwk, key_id.clone(), key_use)).collect()
}

fn from_jwk(jwk: &Jwk, key_id: Option<String>, key_use: KeyUse) -> Result<PrivateKey> {
    let is_rsa = match (jwk.kty.as_deref(), jwk.crv.as_deref()) {
        (Some("RSA"), _) => true,
        (Some("EC"), Some("P-256")) => false,
        (Some("oct"), _) => return Err(unusable("it is a JWK of a symmetric key; use an RSA or P-256 key")),
        _ => return Err(unusable("it is a JWK that is neither RSA nor EC with P-256")),
    };
    if jwk.d.is_none() {
        return Err(unusable("it is a JWK of a public key; use the private one, which has `d`"));
    }
    if !key_use.allows(jwk, is_rsa) {
        return Err(unusable(format!("it is a JWK for another use or algorithm than {}", key_use.as_str())));
    }
    let key_id = match (key_id, &jwk.kid) {
        (Some(set), Some(own)) if set != *own => {
            let (set, own) = (set.escape_default(), own.escape_default());
            let message =
                format!("it is a JWK with the `kid` `{own}`, but the key id is set to `{set}`; remove the key id");
            return Err(unusable(message));
        }
        (set, own) => set.or_else(|| own.clone()),
    };
    let signer = if is_rsa { rsa(jwk) } else { p256(jwk) };
    let incomplete = "it is a JWK with missing or inconsistent members; export the complete key (RFC 7518 §6)";
    let mut key = PrivateKey::new(signer.ok_or_else(|| unusable(incomplete))?, key_id);
    key.rsa_padding = jwk.alg.as_deref().and_then(RsaPadding::of);
    Ok(key)
}

fn public(member: Option<&String>) -> Option<Vec<u8>> {
    base64url::decode(member?).ok()
}

fn private(member: Option<&Secret>) -> Option<Zeroizing<Vec<u8>>> {
    base64url::decode(member?.expose()).ok().map(Zeroizing::new)
}

/// aws-lc checks that the members are consistent.
fn rsa(jwk: &Jwk) -> Option<Signer> {
    let components = KeyPairComponents {
        public_key: PublicKeyComponents {
            n: Zeroizing::new(public(jwk.n.as_ref())?),
            e: Zeroizing::new(public(jwk.e.as_ref())?),
        },
        d: private(jwk.d.as_ref())?,
        p: private(jwk.p.as_ref())?,
        q: private(jwk.q.as_ref())?,
        dP: private(jwk.dp.as_ref())?,
        dQ: private(jwk.dq.as_ref())?,
        qInv: private(jwk.qi.as_ref())?,
    };
    KeyPair::from_components(&components).ok().map(Signer::Rs256)
}

/// aws-lc checks that the point matches the private number.
fn p256(jwk: &Jwk) -> Option<Signer> {
    let (x, y) = (public(jwk.x.as_ref())?, public(jwk.y.as_ref())?);
    // RFC 7518 §6.2.1.2: each coordinate has the full length of the field.
    let fits = x.len() == 32 && y.len() == 32;
    let point: Vec<u8> = std::iter::once(4).chain(x).chain(y).collect();
    let number = private(jwk.d.as_ref()).filter(|_| fits)?;
    let pair = EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &number, &point);
    pair.ok().map(Signer::Es256)
}

impl ConfigBuilder {
    /// Returns the private key from `OKTA_PRIVATE_KEY` or from the file that `OKTA_PRIVATE_KEY_FILE` names.
    ///
    /// `OKTA_PRIVATE_KEY` takes precedence. The file is read once, at startup: a key that is replaced on disk later
    /// takes effect at the next start.
    pub(super) fn private_key_from_variables(&self, findings: &mut Diagnostics) -> Option<PrivateKey> {
        let file = self.variables.value(env::PRIVATE_KEY_FILE);
        let (variable, text) = match (self.variables.value(env::PRIVATE_KEY), file) {
            (Some(text), _) => (env::PRIVATE_KEY, Zeroizing::new(text.to_owned())),
            (None, Some(file)) => match std::fs::read_to_string(file) {
                Ok(text) => (env::PRIVATE_KEY_FILE, Zeroizing::new(text)),
                Err(error) => {
                    return findings.reject(env::PRIVATE_KEY_FILE, format!("`{file}` cannot be read: {error}"));
                }
            },
            (None, None) => return None,
        };
        let key_id = self.variables.value(env::PRIVATE_KEY_ID).map(str::to_owned);
        PrivateKey::parse(&text, key_id).map_err(|error| findings.error(variable, error.to_string())).ok()
    }
}
