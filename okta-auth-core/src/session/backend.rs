//! The session backend of an application.
//!
//! | `OKTA_SESSION_STORE` | sessions | ended from the server side by |
//! |---|---|---|
//! | `cookie` | sealed in the browser | a watermark in `OKTA_REVOCATION_STORE` |
//! | `memory` | in this process | removal |
//! | `redis://..` | in Redis or Valkey | removal, for all replicas |
//!
//! A store that the application provides has precedence over these.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::cookie_store::CookieStore;
use super::index_keys::IndexKeys;
use super::limits::SessionLimits;
use super::memory::MemoryStore;
use super::revocations::Revocations;
use super::sessions::Sessions;
use super::store::SessionStore;
use super::stored::StoredSessions;
use super::watches::Watches;
use crate::clock::SharedClock;
use crate::config::{Config, RevocationStoreKind, SessionStoreKind};
use crate::cookie::{CookieKeys, CookieSettings};
use crate::error::Result;
use crate::secret::Secret;

/// The capacity of a memory store: sessions of about 3 KB each, or watermarks of about 100 bytes each.
const MEMORY_CAPACITY: usize = 100_000;

#[derive(Clone)]
pub(crate) struct SessionBackend {
    sessions: Option<StoreHandle>,
    revocations: Option<StoreHandle>,
    watches: Watches,
}

#[derive(Clone)]
enum StoreHandle {
    /// One store for all tenants, which evicts nothing before it expires.
    Shared(Arc<dyn SessionStore>),
    Memory(TenantMemoryStores),
}

/// A memory store for each tenant. A full memory store evicts entries. In a common store one tenant could evict the
/// watermarks of another, whose ended sessions would become valid again.
///
/// The stores outlive the engines, which are created again when settings change.
#[derive(Clone)]
struct TenantMemoryStores {
    stores: Arc<Mutex<HashMap<String, Arc<MemoryStore>>>>,
    clock: SharedClock,
}

impl TenantMemoryStores {
    fn new(clock: &SharedClock) -> Self {
        Self { stores: Arc::default(), clock: clock.clone() }
    }

    /// Returns the store of a tenant, or of an application with a single Okta.
    fn store_of(&self, config: &Config) -> Arc<MemoryStore> {
        let (owner, client_id) = config.owner();
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(MemoryStore::with_shared_clock(MEMORY_CAPACITY, self.clock.clone()));
        Arc::clone(stores.entry(format!("{owner} {client_id}")).or_insert_with(new))
    }
}

impl SessionBackend {
    /// `own` is the application's own store, which takes precedence.
    pub(crate) fn new(
        sessions: &SessionStoreKind,
        revocations: &RevocationStoreKind,
        own: Option<Arc<dyn SessionStore>>,
        clock: &SharedClock,
    ) -> Result<Self> {
        let sessions = match (own, sessions) {
            (Some(own), _) => Some(StoreHandle::Shared(instrumented(own))),
            (None, SessionStoreKind::Cookie) => None,
            (None, SessionStoreKind::Memory) => Some(StoreHandle::Memory(TenantMemoryStores::new(clock))),
            (None, SessionStoreKind::Shared(url)) => Some(StoreHandle::Shared(instrumented(redis_store(url)?))),
        };
        let revocations = match (&sessions, revocations) {
            (Some(_), _) | (None, RevocationStoreKind::None) => None,
            (None, RevocationStoreKind::Memory) => Some(StoreHandle::Memory(TenantMemoryStores::new(clock))),
            (None, RevocationStoreKind::Shared(url)) => Some(StoreHandle::Shared(instrumented(redis_store(url)?))),
        };
        Ok(Self { sessions, revocations, watches: Watches::new(clock.clone()) })
    }

    /// The store that all replicas share, for sessions or for revocations; `None` if there is none.
    pub(crate) fn shared_store(&self) -> Option<Arc<dyn SessionStore>> {
        match self.sessions.as_ref().or(self.revocations.as_ref())? {
            StoreHandle::Shared(store) => Some(Arc::clone(store)),
            StoreHandle::Memory(_) => None,
        }
    }

    /// Creates the sessions of one issuer and client, sealed for both.
    pub(crate) fn sessions(self, config: &Arc<Config>, keys: &CookieKeys) -> Result<Sessions> {
        let settings = CookieSettings::new(config.app.is_secure());
        let limits =
            SessionLimits { idle: config.app.options.session_idle, absolute: config.app.options.session_absolute };
        let store = self.sessions.map(|handle| match handle {
            StoreHandle::Shared(store) => store,
            StoreHandle::Memory(stores) => instrumented(stores.store_of(config)),
        });
        let watches = self.watches;
        if let Some(store) = store {
            return StoredSessions::new(store, keys, settings, config, (limits, watches)).map(Sessions::Stored);
        }
        let revocations = self.revocations.map(|handle| match handle {
            StoreHandle::Shared(store) => Revocations::Shared(store),
            StoreHandle::Memory(stores) => Revocations::Memory(stores.store_of(config)),
        });
        let cookies = Box::new(CookieStore::new(keys, settings, config, limits)?);
        Ok(Sessions::Cookie { cookies, revocations, index_keys: IndexKeys::of(config), limits, watches })
    }
}

/// Wraps the store, so that its latency is measured.
#[cfg(feature = "metrics")]
fn instrumented(store: Arc<dyn SessionStore>) -> Arc<dyn SessionStore> {
    Arc::new(super::instrumented::InstrumentedStore::new(store))
}

#[cfg(not(feature = "metrics"))]
fn instrumented(store: Arc<dyn SessionStore>) -> Arc<dyn SessionStore> {
    store
}

#[cfg(feature = "redis")]
fn redis_store(url: &Secret) -> Result<Arc<dyn SessionStore>> {
    Ok(Arc::new(super::redis::RedisStore::new(url.expose())?))
}

/// The configuration rejects this case, so the error is never reached.
#[cfg(not(feature = "redis"))]
fn redis_store(_: &Secret) -> Result<Arc<dyn SessionStore>> {
    use crate::error::{Code, Error};
    Err(Error::new(Code::ConfigInvalid, "a store in Redis needs the feature `redis` of okta-auth in Cargo.toml"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::session::{IndexKind, StoreKey};

    fn tenant(id: &str) -> Arc<Config> {
        let config = Config::builder().issuer("https://issuer.example").client_id("client").tenant(id);
        Arc::new(config.build().unwrap())
    }

    /// A hostile org can sign any number of logout tokens. Its watermarks must not evict those of another tenant, whose
    /// ended sessions would become valid again.
    #[tokio::test]
    async fn a_tenant_cannot_evict_the_revocations_of_another() {
        let clock = SharedClock::default();
        for kind in [SessionStoreKind::Cookie, SessionStoreKind::Memory] {
            let backend = SessionBackend::new(&kind, &RevocationStoreKind::Memory, None, &clock).unwrap();
            let keys = CookieKeys::random().unwrap();
            let sessions = |id| backend.clone().sessions(&tenant(id), &keys).unwrap();
            let (hostile, victim) = (sessions("hostile"), sessions("victim"));
            let ended = victim.index_keys().name(IndexKind::Subject, b"00u1");
            victim.marks().unwrap().raise_watermark(&ended, 7, Duration::from_secs(60)).await.unwrap();
            for n in 0..=MEMORY_CAPACITY {
                let mut bytes = [0; 32];
                bytes[..8].copy_from_slice(&n.to_be_bytes());
                let mark = StoreKey::from_bytes(bytes);
                hostile.marks().unwrap().raise_watermark(&mark, 1, Duration::from_secs(3600)).await.unwrap();
            }
            // A tenant's engine may be created again, and must still see the watermarks.
            for victim in [victim, sessions("victim")] {
                assert_eq!(victim.marks().unwrap().watermarks(&[ended]).await.unwrap(), [7]);
            }
        }
    }
}
