//! A token before it is encrypted, which can still be changed completely.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde_json::{Map, Value, json};

use super::key_encryption::{KeyEncryption, with_ecdh, with_rsa};
use crate::client::JweAlgorithm;
use crate::error::Error;
use crate::random;

#[derive(Clone, Debug)]
pub(crate) struct JweDraft {
    /// The recipient's public key.
    pub(crate) jwk: Value,
    pub(crate) key_encryption: KeyEncryption,
    /// Whether the content is encrypted with A128GCM instead of A256GCM.
    pub(crate) short_key: bool,
    pub(crate) payload: Vec<u8>,
    /// Changes of the header before the encryption. A null removes a member.
    pub(crate) changes: Map<String, Value>,
    /// Changes of the header after the encryption.
    pub(crate) late_changes: Map<String, Value>,
    pub(crate) iv_length: usize,
    pub(crate) tag_length: usize,
    pub(crate) damaged: bool,
    pub(crate) sixth_part: bool,
    pub(crate) wrong_point: bool,
}

impl JweDraft {
    /// Creates an encrypted token with a nested signed token.
    pub(crate) fn new(algorithm: JweAlgorithm, jwk: Value, nested: String) -> Self {
        Self {
            jwk,
            key_encryption: KeyEncryption::Registered(algorithm),
            short_key: false,
            payload: nested.into_bytes(),
            changes: Map::new(),
            late_changes: Map::new(),
            iv_length: 12,
            tag_length: 16,
            damaged: false,
            sixth_part: false,
            wrong_point: false,
        }
    }

    /// Encrypts and serializes (RFC 7516 §7.1). The header is the additional authenticated data.
    pub(crate) fn finish(self) -> Result<String, Error> {
        let (key, mut header) = (random::bytes::<32>(), self.header());
        let (cipher, key) = if self.short_key {
            (&AES_128_GCM, key.get(..16).unwrap_or_default())
        } else {
            (&AES_256_GCM, key.as_slice())
        };
        let encrypted_key = self.encrypt_key(key, &mut header)?;
        header.extend(self.changes.clone());
        header.retain(|_, value| !value.is_null());
        let protected = random::base64url(Value::Object(header.clone()).to_string());
        let failed = |_| Error::crypto("cannot encrypt the token");
        let sealing = LessSafeKey::new(UnboundKey::new(cipher, key).map_err(failed)?);
        let (iv, mut content) = (random::bytes::<12>(), self.payload);
        let (nonce, aad) = (Nonce::assume_unique_for_key(iv), Aad::from(protected.as_bytes()));
        let tag = sealing.seal_in_place_separate_tag(nonce, aad, &mut content).map_err(failed)?;
        let mut tag: Vec<u8> = tag.as_ref().iter().copied().take(self.tag_length).collect();
        if self.damaged {
            tag.iter_mut().for_each(|byte| *byte ^= 0x5A);
        }
        header.extend(self.late_changes);
        let parts = [
            random::base64url(Value::Object(header).to_string()),
            random::base64url(encrypted_key),
            random::base64url(iv.get(..self.iv_length).unwrap_or_default()),
            random::base64url(content),
            random::base64url(tag),
        ];
        let token = parts.join(".");
        Ok(if self.sixth_part { format!("{token}.AA") } else { token })
    }

    /// The header of a nested token (RFC 7519 §5.2), with the `kid` of the recipient's key.
    fn header(&self) -> Map<String, Value> {
        let enc = if self.short_key { "A128GCM" } else { "A256GCM" };
        let mut header = Map::new();
        header.insert("alg".into(), json!(self.key_encryption.as_str()));
        header.insert("enc".into(), json!(enc));
        header.insert("cty".into(), json!("JWT"));
        header.extend(self.jwk.get("kid").map(|kid| ("kid".to_owned(), kid.clone())));
        header
    }

    /// Encrypts the content key, and adds the ephemeral key of ECDH-ES to the header.
    fn encrypt_key(&self, key: &[u8], header: &mut Map<String, Value>) -> Result<Vec<u8>, Error> {
        if self.key_encryption != KeyEncryption::Registered(JweAlgorithm::EcdhEsA256Kw) {
            return with_rsa(self.key_encryption, &self.jwk, key);
        }
        let (encrypted, mut epk) = with_ecdh(&self.jwk, key)?;
        if let (true, Some(members)) = (self.wrong_point, epk.as_object_mut()) {
            // No point of P-256 has these coordinates.
            members.insert("x".into(), json!(random::base64url([1; 32])));
            members.insert("y".into(), json!(random::base64url([1; 32])));
        }
        header.insert("epk".into(), epk);
        Ok(encrypted)
    }
}
