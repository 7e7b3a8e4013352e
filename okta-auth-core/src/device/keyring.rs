//! Tokens in the keyring of the operating system.

use keyring_core::{Entry, Error as KeyringError};

use super::store::TokenStore;
use crate::error::{Code, Error, Result};
use crate::secret::{Secret, SecretBytes};
use crate::session::StoreError;

/// The service of all entries.
const SERVICE: &str = "okta-auth";

/// Keeps the tokens in the keyring of the operating system, in one entry for each issuer and client.
///
/// The application chooses the keyring at startup with a crate of the `keyring` family, because they differ in what
/// they need of the system; see `keyring_core::set_default_store`. `keyring` 4 chooses the one of the system, and on
/// Linux it needs no C library:
///
/// ```text
/// keyring::Entry::store_status().as_ref()?; // at startup: selects the keyring of this system
/// ```
///
/// ```no_run
/// # use okta_auth_core as okta_auth;
/// use okta_auth::config::ConfigBuilder;
/// use okta_auth::device::{DeviceFlow, KeyringStore};
///
/// # async fn run() -> Result<(), okta_auth::Error> {
/// let (issuer, client) = ("https://acme.okta.com/oauth2/default", "0oa1abcdXYZ2efGhI5d7");
/// let config = ConfigBuilder::default().issuer(issuer).client_id(client).scopes("openid profile offline_access");
/// let flow = DeviceFlow::builder("Orders CLI", config).token_store(KeyringStore::new(issuer, client)?).build()?;
/// let session = flow.session().await?; // of an earlier run
/// # drop(session); Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct KeyringStore {
    entry: Entry,
    /// The name of the entry, for messages.
    name: String,
}

impl KeyringStore {
    /// Creates the store for the tokens of one client. It does not access the keyring.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if no keyring has been chosen, or if it rejects the name of the entry.
    pub fn new(issuer: &str, client_id: &str) -> Result<Self> {
        // A space is in neither of the two.
        let name = format!("{issuer} {client_id}");
        let entry = Entry::new(SERVICE, &name).map_err(|error| {
            let message = "no keyring can be used for the tokens: call `keyring::Entry::store_status` or \
                           `keyring_core::set_default_store` before `KeyringStore::new`";
            Error::new(Code::ConfigInvalid, message).with_cause(error)
        })?;
        Ok(Self { entry, name })
    }

    fn error(&self, error: KeyringError) -> StoreError {
        let name = self.name.escape_default();
        let own = match error {
            KeyringError::TooLong(..) => Error::new(
                Code::StoreUnsupported,
                "the tokens are too large for the keyring of this system: request fewer scopes, or reduce the claims at \
                 Okta",
            ),
            // Their `Debug` and their values may contain the tokens.
            KeyringError::Ambiguous(_) | KeyringError::BadEncoding(_) | KeyringError::BadDataFormat(..) => {
                let message = format!(
                    "the entry `{name}` of the service `{SERVICE}` in the keyring cannot be read; delete it there, and \
                     sign in again"
                );
                Error::new(Code::SessionEnded, message)
            }
            error => {
                let message = "the keyring of this system does not answer: unlock it, or check that its service is running \
                               (on Linux a Secret Service, such as gnome-keyring or KWallet)";
                Error::new(Code::StoreUnavailable, message).with_cause(error)
            }
        };
        StoreError::new(own)
    }
}

impl TokenStore for KeyringStore {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        let bytes = match self.entry.get_secret() {
            Ok(bytes) => SecretBytes::new(bytes),
            Err(KeyringError::NoEntry) => return Ok(None),
            Err(error) => return Err(self.error(error)),
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| self.error(KeyringError::BadEncoding(Vec::new())))?;
        Ok(Some(Secret::from(text)))
    }

    fn save(&self, tokens: &Secret) -> Result<(), StoreError> {
        self.entry.set_secret(tokens.expose().as_bytes()).map_err(|error| self.error(error))
    }

    fn delete(&self) -> Result<(), StoreError> {
        match self.entry.delete_credential() {
            Ok(()) | Err(KeyringError::NoEntry) => Ok(()),
            Err(error) => Err(self.error(error)),
        }
    }
}
