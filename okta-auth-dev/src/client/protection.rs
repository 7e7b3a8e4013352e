//! How a client protects its requests and its tokens: DPoP, pushed and signed authorization requests, encrypted ID
//! tokens.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Client;
use crate::error::Error;

/// How the key of an encrypted ID token is encrypted (RFC 7518 §4). The content is always encrypted with A256GCM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum JweAlgorithm {
    /// RSA-OAEP with SHA-256.
    #[serde(rename = "RSA-OAEP-256")]
    RsaOaep256,
    /// RSA-OAEP with SHA-384.
    #[serde(rename = "RSA-OAEP-384")]
    RsaOaep384,
    /// RSA-OAEP with SHA-512.
    #[serde(rename = "RSA-OAEP-512")]
    RsaOaep512,
    /// ECDH-ES with P-256 and A256KW, of other providers: Okta does not announce it. It needs
    /// [`OrgBuilder::rfc_extensions`](crate::OrgBuilder::rfc_extensions).
    #[serde(rename = "ECDH-ES+A256KW")]
    EcdhEsA256Kw,
}

impl JweAlgorithm {
    /// Returns the value of the header member `alg`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::RsaOaep384 => "RSA-OAEP-384",
            Self::RsaOaep512 => "RSA-OAEP-512",
            Self::EcdhEsA256Kw => "ECDH-ES+A256KW",
        }
    }
}

impl Client {
    /// Sets whether every token request needs a DPoP proof (RFC 9449), so that all tokens are bound to a key: Okta's
    /// *Require Demonstrating Proof of Possession (DPoP) header in token requests*.
    ///
    /// If it is off, a request with a proof gets bound tokens as well. Whether Okta binds them then is not documented.
    ///
    /// ```
    /// use okta_auth_dev::Client;
    ///
    /// let client = Client::service("0oajob", "a-secret").dpop_bound_access_tokens(true);
    /// assert!(client.dpop_bound_access_tokens);
    /// ```
    pub fn dpop_bound_access_tokens(mut self, required: bool) -> Self {
        self.dpop_bound_access_tokens = required;
        self
    }

    /// Sets whether the authorization request must be pushed (RFC 9126 §6).
    pub fn require_pushed_authorization_requests(mut self, required: bool) -> Self {
        self.require_pushed_authorization_requests = required;
        self
    }

    /// Sets whether the authorization request must be a signed request object (RFC 9101 §10.5).
    pub fn require_signed_request_object(mut self, required: bool) -> Self {
        self.require_signed_request_object = required;
        self
    }

    /// Sets the only accepted algorithm of request objects, such as `RS256`. By default all of Okta's algorithms are
    /// accepted: HS, RS and ES with 256, 384 and 512 bits.
    pub fn request_object_signing_alg(mut self, algorithm: impl Into<String>) -> Self {
        self.request_object_signing_alg = Some(algorithm.into());
        self
    }

    /// Encrypts ID tokens (RFC 7516) with this public key, which is added to [`Client::jwks`]. The signed token is
    /// nested in the encrypted one.
    ///
    /// ```
    /// use okta_auth_dev::{Client, ClientKey, JweAlgorithm};
    ///
    /// let key = ClientKey::generate_for_encryption(JweAlgorithm::RsaOaep256)?;
    /// let client = Client::web("0oaexample", "a-secret")
    ///     .id_token_encrypted_response_alg(JweAlgorithm::RsaOaep256, key.public_jwk());
    /// # Ok::<(), okta_auth_dev::Error>(())
    /// ```
    pub fn id_token_encrypted_response_alg(mut self, algorithm: JweAlgorithm, jwk: Value) -> Self {
        self.id_token_encrypted_response_alg = Some(algorithm);
        self.jwks.push(jwk);
        self
    }

    /// Checks the settings of encrypted ID tokens before the org serves requests.
    pub(crate) fn check(&self, rfc_extensions: bool) -> Result<(), Error> {
        let Some(algorithm) = self.id_token_encrypted_response_alg else { return Ok(()) };
        let (id, name) = (&self.client_id, algorithm.as_str());
        if algorithm == JweAlgorithm::EcdhEsA256Kw && !rfc_extensions {
            return Err(Error::config(format_args!(
                "client `{id}`: Okta does not encrypt ID tokens with {name}; enable `rfc_extensions` for it"
            )));
        }
        if self.encryption_key(algorithm).is_none() && self.jwks_uri.is_none() {
            return Err(Error::config(format_args!(
                "client `{id}`: {name} needs a key with `use` of `enc` in `jwks` or at `jwks_uri`"
            )));
        }
        Ok(())
    }

    /// The registered key for encryption: `use` is `enc`, and the type is that of the algorithm.
    pub(crate) fn encryption_key(&self, algorithm: JweAlgorithm) -> Option<&Value> {
        let kind = if algorithm == JweAlgorithm::EcdhEsA256Kw { "EC" } else { "RSA" };
        self.jwks.iter().find(|key| {
            let member = |name: &str| key.get(name).and_then(Value::as_str);
            member("use") == Some("enc") && member("kty") == Some(kind)
        })
    }
}
