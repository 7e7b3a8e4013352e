//! The key pair of a client that signs assertions.

use serde_json::Value;

use super::signing_key::{Algorithm, Material, SigningKey};
use crate::error::Error;
use crate::random;

/// A key pair for a client with [`AuthMethod::PrivateKeyJwt`](crate::AuthMethod), so that a
/// test or an example needs no key file.
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
}

impl ClientKey {
    /// Generates a P-256 key, which signs with ES256.
    ///
    /// # Errors
    ///
    /// If the machine cannot generate keys.
    pub fn generate() -> Result<Self, Error> {
        let key = SigningKey::generate(Algorithm::Es256)?;
        let failed = || Error::crypto("the private key has no PKCS#8 form");
        let Material::Ec(pair) = &*key.material else { return Err(failed()) };
        let der = pair.to_pkcs8v1().map_err(|_| failed())?;
        let private_pem = random::pem("PRIVATE KEY", der.as_ref());
        Ok(Self { key, private_pem })
    }

    /// Returns the key id, the `kid` of the public key.
    pub fn id(&self) -> &str {
        &self.key.kid
    }

    /// Returns the public key as a JWK, for [`Client::private_key_jwt`](crate::Client::private_key_jwt).
    pub fn public_jwk(&self) -> Value {
        Value::Object(self.key.jwk())
    }

    /// Returns the private key in PEM (PKCS#8).
    pub fn private_pem(&self) -> &str {
        &self.private_pem
    }
}
