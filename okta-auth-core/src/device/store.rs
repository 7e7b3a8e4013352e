//! Where the tokens are kept between two runs.

use std::sync::Arc;

use super::tokens::DeviceTokens;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;
use crate::session::StoreError;

/// Keeps the tokens of one user at one client between two runs of a tool. Without a store they are kept in memory.
///
/// The methods run on a thread where they may block. The text is a secret: keep it where only the user of the machine
/// can read it.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use std::sync::Mutex;
/// use okta_auth::device::TokenStore;
/// use okta_auth::secret::Secret;
/// use okta_auth::session::StoreError;
///
/// #[derive(Default)]
/// struct InMemory(Mutex<Option<Secret>>);
///
/// impl TokenStore for InMemory {
///     fn load(&self) -> Result<Option<Secret>, StoreError> {
///         Ok(self.0.lock().unwrap().clone())
///     }
///     fn save(&self, tokens: &Secret) -> Result<(), StoreError> {
///         *self.0.lock().unwrap() = Some(tokens.clone());
///         Ok(())
///     }
///     fn delete(&self) -> Result<(), StoreError> {
///         *self.0.lock().unwrap() = None;
///         Ok(())
///     }
/// }
/// ```
pub trait TokenStore: Send + Sync + 'static {
    /// Returns the saved text; `None` if there is none.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn load(&self) -> Result<Option<Secret>, StoreError>;

    /// Replaces the saved text.
    ///
    /// # Errors
    /// If the store cannot be written.
    fn save(&self, tokens: &Secret) -> Result<(), StoreError>;

    /// Deletes the saved text. Deleting nothing is a no-op.
    ///
    /// # Errors
    /// If the store cannot be written.
    fn delete(&self) -> Result<(), StoreError>;
}

/// The store of a flow, if it has one.
#[derive(Clone, Default)]
pub(super) struct SharedStore(Option<Arc<dyn TokenStore>>);

impl SharedStore {
    pub(super) fn new(store: impl TokenStore) -> Self {
        Self(Some(Arc::new(store)))
    }

    /// Returns the saved tokens of this client.
    ///
    /// # Errors
    /// [`Code::SessionEnded`] if they cannot be used, and otherwise the error of the store.
    pub(super) async fn load(&self, issuer: &str, client_id: &str) -> Result<Option<DeviceTokens>> {
        let text = self.run(|store| store.load()).await?.flatten();
        text.map(|text| DeviceTokens::parse(&text, issuer, client_id)).transpose()
    }

    pub(super) async fn save(&self, tokens: &DeviceTokens) -> Result<()> {
        if self.0.is_none() {
            return Ok(());
        }
        let text = tokens.to_text()?;
        self.run(move |store| store.save(&text)).await.map(drop)
    }

    pub(super) async fn delete(&self) -> Result<()> {
        self.run(|store| store.delete()).await.map(drop)
    }

    async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&dyn TokenStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Option<T>> {
        let Some(store) = self.0.clone() else { return Ok(None) };
        let done = tokio::task::spawn_blocking(move || operation(store.as_ref())).await;
        let done = done.map_err(|error| Error::new(Code::Internal, "the token store panicked").with_cause(error))?;
        done.map(Some).map_err(unavailable)
    }
}

/// An error of this library passes, because it names the fix.
fn unavailable(error: StoreError) -> Error {
    error.into_cause().downcast::<Error>().map_or_else(
        |cause| {
            Error::new(Code::StoreUnavailable, "the store of the tokens does not work; see its error").with_cause(cause)
        },
        |own| *own,
    )
}

opaque_debug!(SharedStore, |it| is_set: it.0.is_some());
