//! Tokens in the keyring of the operating system.

use keyring_core::{Entry, Error as KeyringError};

use super::store::TokenStore;
use crate::config::Config;
use crate::error::{Code, Error, Result};
use crate::secret::{Secret, SecretBytes};
use crate::session::StoreError;

/// The service of all entries.
const SERVICE: &str = "okta-auth";

/// One entry in the keyring that the application has chosen.
#[derive(Debug)]
pub(super) struct KeyringStore {
    entry: Entry,
    /// The name of the entry, for messages.
    name: String,
}

impl KeyringStore {
    /// Names the entry of a client, without access to the keyring.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if no keyring has been chosen.
    pub(super) fn new(config: &Config) -> Result<Self> {
        // A space is in neither of the two.
        let name = format!("{} {}", config.issuer.as_configured(), config.client_id);
        let entry = Entry::new(SERVICE, &name).map_err(|error| {
            let message = "no keyring can be used for the tokens: call `keyring::Entry::store_status` or \
                           `keyring_core::set_default_store` before `DeviceFlowBuilder::build`, and check its result";
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
