//! What the parts of a device flow share: the client at the issuer, and the store of its tokens.

use std::sync::Arc;

use super::store::SharedStore;
use super::tokens::DeviceTokens;
use crate::clock::{SharedClock, Timestamp};
use crate::error::Result;
use crate::http::SingleFlight;
use crate::protocol::Provider;

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct DeviceClient(Arc<Shared>);

struct Shared {
    name: String,
    provider: Arc<Provider>,
    store: SharedStore,
    clock: SharedClock,
    /// The running refreshes, by the hash of the refresh token.
    refreshes: SingleFlight<[u8; 32], Result<Arc<DeviceTokens>>>,
}

impl DeviceClient {
    pub(super) fn new(name: String, provider: Arc<Provider>, store: SharedStore, clock: SharedClock) -> Self {
        Self(Arc::new(Shared { name, provider, store, clock, refreshes: SingleFlight::default() }))
    }

    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    pub(super) fn provider(&self) -> &Arc<Provider> {
        &self.0.provider
    }

    #[cfg(feature = "client")]
    pub(super) fn clock(&self) -> &SharedClock {
        &self.0.clock
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(super) fn store(&self) -> &SharedStore {
        &self.0.store
    }

    pub(super) fn refreshes(&self) -> &SingleFlight<[u8; 32], Result<Arc<DeviceTokens>>> {
        &self.0.refreshes
    }

    /// Returns the saved tokens.
    pub(super) async fn saved(&self) -> Result<Option<DeviceTokens>> {
        let config = &self.0.provider.config;
        self.0.store.load(&config.issuer.as_configured(), &config.client_id).await
    }

    /// The issuer and the client id that saved tokens name.
    pub(super) fn owner(&self) -> (String, &str) {
        let config = &self.0.provider.config;
        (config.issuer.as_configured(), &config.client_id)
    }
}

opaque_debug!(DeviceClient, |it| name: it.0.name, issuer: it.0.provider.config.issuer);
