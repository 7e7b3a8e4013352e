//! The keys for encrypted ID tokens (RFC 7516).

use aws_lc_rs::agreement::{self, ECDH_P256};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};
use zeroize::Zeroizing;

use super::builder::ConfigBuilder;
use super::client_auth::{PrivateKey, Signer};
use super::env::{ID_TOKEN_DECRYPTION_KEY, ID_TOKEN_DECRYPTION_KEY_FILE};
use super::private_key::KeyUse;
use super::problem::Diagnostics;
use crate::secret::Secret;

/// A private key that decrypts, with the `kid` of its public key at the provider.
pub(crate) struct DecryptionKey {
    pub(crate) key_id: Option<String>,
    pub(crate) pair: DecryptionPair,
}

pub(crate) enum DecryptionPair {
    Rsa(OaepPrivateDecryptingKey),
    P256(agreement::PrivateKey),
}

opaque_debug!(DecryptionKey, |it| key_id: it.key_id);

impl DecryptionKey {
    fn new(key: PrivateKey) -> Option<Self> {
        let pair = match &*key.signer {
            Signer::Rs256(pair) => {
                let key = PrivateDecryptingKey::from_pkcs8(pair.as_der().ok()?.as_ref()).ok()?;
                DecryptionPair::Rsa(OaepPrivateDecryptingKey::new(key).ok()?)
            }
            Signer::Es256(pair) => {
                let der = pair.to_pkcs8v1().ok()?;
                DecryptionPair::P256(agreement::PrivateKey::from_private_key_der(&ECDH_P256, der.as_ref()).ok()?)
            }
        };
        Some(Self { key_id: key.key_id, pair })
    }
}

impl ConfigBuilder {
    /// The private key that opens encrypted ID tokens (RFC 7516), in the forms that
    /// [`PrivateKey::parse`](super::PrivateKey::parse) reads; `OKTA_ID_TOKEN_DECRYPTION_KEY`, or the file that
    /// `OKTA_ID_TOKEN_DECRYPTION_KEY_FILE` names.
    ///
    /// An RSA key opens RSA-OAEP-256, -384 and -512, which Okta supports. A P-256 key opens ECDH-ES+A256KW. The content
    /// is encrypted with A256GCM. While the provider changes from an old public key to a new one, pass a JWKS with both
    /// private keys, or call this method once for each. Signing and decryption need different keys.
    ///
    /// If a key is set, an ID token that is not encrypted is refused. The application and the provider have agreed on
    /// encryption (`id_token_encrypted_response_alg`), and without this rule its absence would go unnoticed.
    pub fn id_token_decryption_key(mut self, key: impl Into<String>) -> Self {
        self.id_token_decryption_keys.push(Secret::new(key));
        self
    }

    pub(super) fn decryption_keys(&self, findings: &mut Diagnostics) -> Vec<DecryptionKey> {
        let (variable, texts) = self.decryption_key_texts(findings);
        let mut keys = Vec::new();
        for text in texts {
            match PrivateKey::parse_for(KeyUse::Encryption, text.expose(), None) {
                Ok(parsed) => keys.extend(parsed.into_iter().filter_map(DecryptionKey::new)),
                Err(error) => findings.error(variable, error.to_string()),
            }
        }
        if is_ambiguous(&keys) {
            findings.error(variable, "several keys of one type need a `kid` each; use them as JWKs");
        }
        keys
    }

    /// The setting that has a key, before any check.
    pub(super) fn decryption_key_source(&self) -> Option<&'static str> {
        let variables = [ID_TOKEN_DECRYPTION_KEY, ID_TOKEN_DECRYPTION_KEY_FILE];
        let is_in_code = !self.id_token_decryption_keys.is_empty();
        variables.into_iter().find(|name| is_in_code || self.variables.value(name).is_some())
    }

    /// The keys that are set in code, or else that of the variables.
    fn decryption_key_texts(&self, findings: &mut Diagnostics) -> (&'static str, Vec<Secret>) {
        if !self.id_token_decryption_keys.is_empty() {
            return (ID_TOKEN_DECRYPTION_KEY, self.id_token_decryption_keys.clone());
        }
        if let Some(text) = self.variables.value(ID_TOKEN_DECRYPTION_KEY) {
            return (ID_TOKEN_DECRYPTION_KEY, vec![Secret::new(text)]);
        }
        let Some(file) = self.variables.value(ID_TOKEN_DECRYPTION_KEY_FILE) else {
            return (ID_TOKEN_DECRYPTION_KEY, Vec::new());
        };
        let text = match std::fs::read_to_string(file).map(Zeroizing::new) {
            Ok(text) => Some(Secret::new(text.as_str())),
            Err(error) => findings.reject(ID_TOKEN_DECRYPTION_KEY_FILE, format!("`{file}` cannot be read: {error}")),
        };
        (ID_TOKEN_DECRYPTION_KEY_FILE, text.into_iter().collect())
    }
}

/// Whether a token cannot name its key: of several keys of one type, one has no `kid`, or two have the same.
fn is_ambiguous(keys: &[DecryptionKey]) -> bool {
    let is_rsa = |key: &DecryptionKey| matches!(key.pair, DecryptionPair::Rsa(_));
    let same_type = |a: &DecryptionKey, b: &DecryptionKey| is_rsa(a) == is_rsa(b);
    let clash = |a: &DecryptionKey, b: &DecryptionKey| {
        same_type(a, b) && (a.key_id.is_none() || b.key_id.is_none() || a.key_id == b.key_id)
    };
    keys.iter().enumerate().any(|(at, key)| keys.iter().take(at).any(|other| clash(key, other)))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rsa::{KeyPair, KeySize};

    use super::*;

    fn built(key: &str) -> Result<usize, String> {
        let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1");
        let config = config.id_token_decryption_key(key).build();
        config.map(|config| config.decryption_keys.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_is_read_in_every_form_and_an_unusable_one_is_an_error_at_start() {
        use base64::Engine as _;
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = base64::engine::general_purpose::STANDARD.encode(pair.as_der().unwrap().as_ref());
        assert_eq!(built(&der), Ok(1));
        assert_eq!(built(&format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----")), Ok(1));
        for (key, why) in [
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "it is a public key"),
            (r#"{"kty":"oct","k":"AAAA"}"#, "symmetric"),
            (r#"{"kty":"RSA","use":"sig","d":"AA"}"#, "another use or algorithm than decryption"),
            (r#"{"kty":"RSA","alg":"RSA1_5","d":"AA"}"#, "another use or algorithm than decryption"),
        ] {
            let error = built(key).unwrap_err();
            assert!(error.contains("OKTA_ID_TOKEN_DECRYPTION_KEY") && error.contains(why), "{error}");
        }
    }

    #[test]
    fn the_file_is_read_at_start() {
        let variables = [
            ("OKTA_ISSUER_URI", "https://acme.okta.com"),
            ("OKTA_CLIENT_ID", "0oa1"),
            (ID_TOKEN_DECRYPTION_KEY_FILE, "/nonexistent/key.pem"),
        ];
        let error = ConfigBuilder::from_variables(variables).build().unwrap_err().to_string();
        assert!(error.contains("OKTA_ID_TOKEN_DECRYPTION_KEY_FILE") && error.contains("cannot be read"), "{error}");
    }
}
