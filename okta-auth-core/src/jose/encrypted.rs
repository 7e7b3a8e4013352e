//! Decryption of ID tokens (RFC 7516): one recipient, compact, with a signed token inside (RFC 7519 §5.2).
//!
//! 1. A token has at most 48 KiB and exactly five parts, each in strict base64url.
//! 2. `alg` is RSA-OAEP-256, -384 or -512, or ECDH-ES+A256KW with P-256. `enc` is A256GCM. RSA1_5, RSA-OAEP with SHA-1
//!    and symmetric keys are never accepted.
//! 3. `zip` is rejected: a small token could decompress to gigabytes. `crit` is rejected. `cty`, if present, is `JWT`.
//! 4. `kid` selects one configured key, so a token costs at most one private-key operation.
//! 5. After the header, all failures are one error. If the content key cannot be opened, a random one takes its place
//!    (RFC 7516 §11.5), so that the time does not tell which step failed.
//!
//! The signed token inside is verified like any other; decryption proves nothing about its origin.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, UnparsedPublicKey};
use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap as _};
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm, OaepPrivateDecryptingKey,
};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::compact::present;
use crate::config::{DecryptionKey, DecryptionPair};
use crate::error::{Code, Error, Result};
use crate::secret::{Secret, random_bytes};
use crate::{base64url, json};

/// The largest signed token in base64url, and the other parts.
const MAX_BYTES: usize = 48 * 1024;
const KEY: usize = 32;
const IV: usize = 12;
const TAG: usize = 16;
const ECDH: &str = "ECDH-ES+A256KW";

type ContentKey = Zeroizing<[u8; KEY]>;

/// The relevant members of a header. Keys and their addresses in it (`jwk`, `jku`, `x5c`) are never read.
#[derive(Deserialize)]
struct Header {
    alg: String,
    enc: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    cty: Option<String>,
    #[serde(default)]
    epk: Option<EphemeralKey>,
    #[serde(default)]
    apu: Option<String>,
    #[serde(default)]
    apv: Option<String>,
    #[serde(default, deserialize_with = "present")]
    zip: bool,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// The sender's public key (RFC 7518 §4.6.1.1).
#[derive(Deserialize)]
struct EphemeralKey {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

#[derive(Clone, Copy)]
enum KeyManagement {
    Rsa(&'static OaepAlgorithm),
    Ecdh,
}

struct Encrypted<'a> {
    header: Header,
    key_management: KeyManagement,
    /// The encoded header, which is authenticated.
    aad: &'a str,
    encrypted_key: Vec<u8>,
    iv: Vec<u8>,
    content: Vec<u8>,
    tag: Vec<u8>,
}

/// Opens an ID token for one of the keys, and returns the signed token inside, unverified.
///
/// # Errors
/// [`Code::TokenEncrypted`] if it is not encrypted or cannot be decrypted, [`Code::TokenAlgorithm`] and
/// [`Code::TokenHeader`] for a header that is not accepted, [`Code::TokenMalformed`].
pub(crate) fn open_id_token(keys: &[DecryptionKey], token: &str) -> Result<Secret> {
    let token = Encrypted::parse(token)?;
    let content_key = match token.select(keys).and_then(|key| token.content_key(key)) {
        Some(key) => key,
        None => Zeroizing::new(random_bytes()?),
    };
    token.decrypt(&content_key).ok_or_else(|| {
        let message = "the ID token cannot be decrypted; check that the public key at Okta belongs to \
                       OKTA_ID_TOKEN_DECRYPTION_KEY";
        Error::new(Code::TokenEncrypted, message)
    })
}

impl<'a> Encrypted<'a> {
    fn parse(token: &'a str) -> Result<Self> {
        if token.len() > MAX_BYTES {
            return Err(malformed("it is larger than 48 KiB"));
        }
        let parts: Vec<&str> = token.splitn(6, '.').collect();
        let [aad, key, iv, content, tag] = *parts.as_slice() else {
            return Err(if parts.len() == 3 { not_encrypted() } else { malformed("it does not have five parts") });
        };
        let header: Header = json::object(&decode(aad)?).map_err(|_| malformed("its header is invalid"))?;
        let key_management = header.check()?;
        let (encrypted_key, iv, content, tag) = (decode(key)?, decode(iv)?, decode(content)?, decode(tag)?);
        Ok(Self { header, key_management, aad, encrypted_key, iv, content, tag })
    }

    /// Returns the key that the header names: the one with its `kid`, or the only one of the type without a `kid`.
    fn select<'k>(&self, keys: &'k [DecryptionKey]) -> Option<&'k DecryptionKey> {
        let fits = |key: &&DecryptionKey| match key.pair {
            DecryptionPair::Rsa(_) => matches!(self.key_management, KeyManagement::Rsa(_)),
            DecryptionPair::P256(_) => matches!(self.key_management, KeyManagement::Ecdh),
        };
        let only = |mut found: Vec<&'k DecryptionKey>| if found.len() == 1 { found.pop() } else { None };
        let Some(kid) = self.header.kid.as_deref() else { return only(keys.iter().filter(fits).collect()) };
        let named = keys.iter().filter(fits).find(|key| key.key_id.as_deref() == Some(kid));
        named.or_else(|| only(keys.iter().filter(fits).filter(|key| key.key_id.is_none()).collect()))
    }

    fn content_key(&self, key: &DecryptionKey) -> Option<ContentKey> {
        match (self.key_management, &key.pair) {
            (KeyManagement::Rsa(algorithm), DecryptionPair::Rsa(key)) => rsa(key, algorithm, &self.encrypted_key),
            (KeyManagement::Ecdh, DecryptionPair::P256(key)) => self.header.ecdh(key, &self.encrypted_key),
            _ => None,
        }
    }

    fn decrypt(self, key: &ContentKey) -> Option<Secret> {
        let (Ok(iv), TAG) = (<[u8; IV]>::try_from(self.iv), self.tag.len()) else { return None };
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_slice()).ok()?);
        let mut content = Zeroizing::new(self.content);
        content.extend_from_slice(&self.tag);
        let nonce = Nonce::assume_unique_for_key(iv);
        let plain = key.open_in_place(nonce, Aad::from(self.aad.as_bytes()), &mut content).ok()?;
        std::str::from_utf8(plain).ok().map(Secret::new)
    }
}

impl Header {
    fn check(&self) -> Result<KeyManagement> {
        if self.zip || self.crit {
            let message = "the encrypted ID token's header requires `zip` or `crit`, which is not supported";
            return Err(Error::new(Code::TokenHeader, message));
        }
        if self.cty.as_deref().is_some_and(|kind| !kind.eq_ignore_ascii_case("jwt")) {
            return Err(Error::new(Code::TokenHeader, "the encrypted ID token's `cty` is not `JWT`"));
        }
        let key_management = match self.alg.as_str() {
            "RSA-OAEP-256" => KeyManagement::Rsa(&OAEP_SHA256_MGF1SHA256),
            "RSA-OAEP-384" => KeyManagement::Rsa(&OAEP_SHA384_MGF1SHA384),
            "RSA-OAEP-512" => KeyManagement::Rsa(&OAEP_SHA512_MGF1SHA512),
            ECDH => KeyManagement::Ecdh,
            _ => return Err(unsupported()),
        };
        if self.enc == "A256GCM" { Ok(key_management) } else { Err(unsupported()) }
    }

    /// Agrees on the wrapping key and unwraps the content key (RFC 7518 §4.6). The agreement rejects a point that is
    /// not on the curve.
    fn ecdh(&self, key: &agreement::PrivateKey, wrapped: &[u8]) -> Option<ContentKey> {
        let epk = self.epk.as_ref().filter(|epk| epk.kty == "EC" && epk.crv == "P-256")?;
        let (x, y) = (base64url::decode(&epk.x).ok()?, base64url::decode(&epk.y).ok()?);
        // RFC 7518 §6.2.1.2: each coordinate has the full length of the field.
        if (x.len(), y.len()) != (32, 32) || wrapped.len() != KEY + 8 {
            return None;
        }
        let point: Vec<u8> = std::iter::once(4).chain(x).chain(y).collect();
        let party = |text: Option<&String>| text.map_or(Some(Vec::new()), |text| base64url::decode(text).ok());
        let (apu, apv) = (party(self.apu.as_ref())?, party(self.apv.as_ref())?);
        let peer = UnparsedPublicKey::new(&ECDH_P256, point);
        let parties = [ECDH.as_bytes(), &apu, &apv];
        let wrapping = agreement::agree(key, peer, (), |secret| Ok(concat_kdf(secret, parties, 256))).ok()?;
        let mut content_key = ContentKey::default();
        let unwrapped = AesKek::new(&AES_256, wrapping.as_slice()).ok()?.unwrap(wrapped, content_key.as_mut_slice());
        (unwrapped.ok()?.len() == KEY).then_some(content_key)
    }
}

fn rsa(key: &OaepPrivateDecryptingKey, algorithm: &'static OaepAlgorithm, encrypted: &[u8]) -> Option<ContentKey> {
    let mut buffer = Zeroizing::new(vec![0; key.min_output_size()]);
    let plain = key.decrypt(algorithm, encrypted, &mut buffer, None).ok()?;
    <[u8; KEY]>::try_from(&*plain).ok().map(Zeroizing::new)
}

/// The Concat KDF with SHA-256 for one block (RFC 7518 §4.6.2), with the algorithm and both parties.
fn concat_kdf(secret: &[u8], parties: [&[u8]; 3], bits: u32) -> Zeroizing<[u8; 32]> {
    let mut context = digest::Context::new(&SHA256);
    context.update(&1_u32.to_be_bytes());
    context.update(secret);
    for part in parties {
        // The token's size bounds the length.
        context.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        context.update(part);
    }
    context.update(&bits.to_be_bytes());
    let mut key = Zeroizing::new([0; 32]);
    for (to, from) in key.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    key
}

fn decode(part: &str) -> Result<Vec<u8>> {
    base64url::decode(part).map_err(|error| malformed("a part of it is not base64url").with_cause(error))
}

fn malformed(why: &str) -> Error {
    Error::new(Code::TokenMalformed, format!("the ID token is not an encrypted token: {why}"))
}

fn not_encrypted() -> Error {
    let message = "the ID token is not encrypted, although OKTA_ID_TOKEN_DECRYPTION_KEY is set; turn encryption on for \
                   the application at Okta, or remove the key";
    Error::new(Code::TokenEncrypted, message)
}

fn unsupported() -> Error {
    let message = "the encryption of the ID token is not supported; use RSA-OAEP-256, RSA-OAEP-384, RSA-OAEP-512 or \
                   ECDH-ES+A256KW, with A256GCM";
    Error::new(Code::TokenAlgorithm, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(token: &str) -> Code {
        open_id_token(&[], token).unwrap_err().code()
    }

    /// A token with this header, whose other parts have the right lengths.
    fn token(header: &str) -> String {
        let part = |length: usize| base64url::encode(vec![0; length]);
        format!("{}.{}.{}.{}.{}", base64url::encode(header), part(256), part(IV), part(100), part(TAG))
    }

    #[test]
    fn the_form_is_checked_before_any_key_is_used() {
        assert_eq!(code("e30.e30.AA"), Code::TokenEncrypted, "a signed token");
        for malformed in ["", "a", "e30.e30.e30.e30", "e30.e30.e30.e30.e30.e30", "e30=.AA.AA.AA.AA"] {
            assert_eq!(code(malformed), Code::TokenMalformed, "{malformed}");
        }
        let fits = token(r#"{"alg":"RSA-OAEP-256","enc":"A256GCM"}"#);
        assert_eq!(code(&fits), Code::TokenEncrypted, "no key fits");
        assert_eq!(code(&format!("{fits}.AA")), Code::TokenMalformed, "six parts");
        let large = open_id_token(&[], &format!("{fits}{}", "A".repeat(MAX_BYTES))).unwrap_err();
        assert!(large.to_string().contains("larger than 48 KiB"), "{large}");
        let twice = token(r#"{"alg":"RSA-OAEP-256","alg":"RSA-OAEP-512","enc":"A256GCM"}"#);
        assert_eq!(code(&twice), Code::TokenMalformed);
    }

    #[test]
    fn only_registered_algorithms_are_accepted() {
        for algorithm in
            ["RSA-OAEP", "RSA1_5", "dir", "A256KW", "ECDH-ES", "PBES2-HS256+A128KW", "none", "rsa-oaep-256"]
        {
            let header = format!(r#"{{"alg":"{algorithm}","enc":"A256GCM"}}"#);
            assert_eq!(code(&token(&header)), Code::TokenAlgorithm, "{algorithm}");
        }
        for content in ["A128GCM", "A128CBC-HS256", "A256CBC-HS512", ""] {
            let header = format!(r#"{{"alg":"RSA-OAEP-256","enc":"{content}"}}"#);
            assert_eq!(code(&token(&header)), Code::TokenAlgorithm, "{content}");
        }
        for member in [r#""zip":"DEF""#, r#""zip":null"#, r#""crit":["exp"]"#, r#""cty":"json""#] {
            let header = format!(r#"{{"alg":"RSA-OAEP-256","enc":"A256GCM",{member}}}"#);
            assert_eq!(code(&token(&header)), Code::TokenHeader, "{member}");
        }
    }

    /// RFC 7518, appendix C.
    #[test]
    fn the_key_derivation_is_that_of_the_specification() {
        let secret = base64url::decode("nlbZHYFxNdNyg0KDv4QmnPsxbqPagGpI9tqneYz-kMQ").unwrap();
        let key = concat_kdf(&secret, [b"A128GCM", b"Alice", b"Bob"], 128);
        assert_eq!(base64url::encode(key.get(..16).unwrap()), "VqqN6vgjbSBcIijNcacQGg");
    }
}
