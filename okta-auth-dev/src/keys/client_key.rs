//! The key pair of a client.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use serde_json::{Value, json};

use super::signing_key::{Algorithm, Material, SigningKey};
use crate::client::JweAlgorithm;
use crate::error::Error;
use crate::random;

/// A key pair for a client: for its assertions with [`AuthMethod::PrivateKeyJwt`](crate::AuthMethod), or for encrypted
/// ID tokens. So a test or an example needs no key file.
///
/// The app gets the private key, and the org the public one.
///
/// ```
/// # async fn example() -> Result<(), okta_auth_dev::Error> {
/// use okta_auth_dev::{Client, ClientKey, Org};
///
/// let key = ClientKey::generate()?;
/// let client = Client::api_service("0oaexample", key.public_jwk()).okta_scopes(["okta.users.read"]);
/// let org = Org::builder().client(client).start().await?;
/// println!("OKTA_PRIVATE_KEY_ID={}\nOKTA_PRIVATE_KEY={}", key.id(), key.private_pem());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClientKey {
    key: SigningKey,
    private_pem: String,
    /// The algorithm of a key for encryption.
    encrypts: Option<JweAlgorithm>,
}

impl ClientKey {
    /// Generates a P-256 key, which signs with ES256.
    ///
    /// # Errors
    ///
    /// If the machine cannot generate keys.
    pub fn generate() -> Result<Self, Error> {
        Self::new(Algorithm::Es256, None)
    }

    /// Generates a key for [`Client::id_token_encrypted_response_alg`](crate::Client): RSA with 2048 bits, or P-256 for
    /// ECDH-ES.
    ///
    /// # Errors
    ///
    /// If the machine cannot generate keys.
    pub fn generate_for_encryption(algorithm: JweAlgorithm) -> Result<Self, Error> {
        let elliptic = algorithm == JweAlgorithm::EcdhEsA256Kw;
        Self::new(if elliptic { Algorithm::Es256 } else { Algorithm::Rs256 }, Some(algorithm))
    }

    fn new(algorithm: Algorithm, encrypts: Option<JweAlgorithm>) -> Result<Self, Error> {
        let key = SigningKey::generate(algorithm)?;
        let failed = || Error::crypto("the private key has no PKCS#8 form");
        let der: Vec<u8> = match &*key.material {
            Material::Ec(pair) => pair.to_pkcs8v1().map_err(|_| failed())?.as_ref().to_vec(),
            Material::Rsa(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| failed())?;
                der.as_ref().to_vec()
            }
            Material::Ed25519(_) => return Err(failed()),
        };
        let private_pem = random::pem("PRIVATE KEY", &der);
        Ok(Self { key, private_pem, encrypts })
    }

    /// Returns the key id, the `kid` of the public key.
    pub fn id(&self) -> &str {
        &self.key.kid
    }

    /// Returns the public key as a JWK, for [`Client::private_key_jwt`](crate::Client::private_key_jwt) or for
    /// [`Client::id_token_encrypted_response_alg`](crate::Client).
    pub fn public_jwk(&self) -> Value {
        let mut jwk = self.key.jwk();
        if let Some(algorithm) = self.encrypts {
            jwk.insert("alg".into(), json!(algorithm.as_str()));
            jwk.insert("use".into(), json!("enc"));
        }
        Value::Object(jwk)
    }

    /// Returns the private key in PEM (PKCS#8).
    pub fn private_pem(&self) -> &str {
        &self.private_pem
    }
}
