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

use crate::clock::SharedClock;
use crate::config::{Config, RevocationStoreKind, SessionStoreKind};
use crate::cookie::{CookieKeys, CookieSettings};
use crate::error::Result;
use crate::secret::Secret;
use crate::session::{
    CookieStore, IndexKeys, MemoryStore, Revocations, SessionLimits, SessionStore, Sessions, StoredSessions, Watches,
};

/// The capacity of a memory store: sessions of about 3 KB each, or watermarks of about 100
/// bytes each.
const IN_MEMORY: usize = 100_000;

#[derive(Clone)]
pub(super) struct SessionBackend {
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

/// A memory store for each tenant. A full memory store evicts entries. In a common store
/// one tenant could evict the watermarks of another, whose ended sessions would become
/// valid again.
///
/// The stores outlive the engines, which are created again when settings change.
#[derive(Clone)]
struct TenantMemoryStores {
    of: Arc<Mutex<HashMap<String, Arc<MemoryStore>>>>,
    clock: SharedClock,
}

impl TenantMemoryStores {
    fn new(clock: &SharedClock) -> Self {
        Self { of: Arc::default(), clock: clock.clone() }
    }

    /// Returns the store of a tenant, or of an application with a single Okta.
    fn of(&self, config: &Config) -> Arc<MemoryStore> {
        let (owner, client_id) = config.owner();
        let mut all = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(MemoryStore::with_shared_clock(IN_MEMORY, self.clock.clone()));
        Arc::clone(all.entry(format!("{owner} {client_id}")).or_insert_with(new))
    }
}

impl SessionBackend {
    pub(super) fn new(
        sessions: &SessionStoreKind,
        revocations: &RevocationStoreKind,
        own: Option<Arc<dyn SessionStore>>,
        clock: &SharedClock,
    ) -> Result<Self> {
        let sessions = match (own, sessions) {
            (Some(own), _) => Some(StoreHandle::Shared(measured(own))),
            (None, SessionStoreKind::Cookie) => None,
            (None, SessionStoreKind::Memory) => Some(StoreHandle::Memory(TenantMemoryStores::new(clock))),
            (None, SessionStoreKind::Shared(url)) => Some(StoreHandle::Shared(measured(shared(url)?))),
        };
        let revocations = match (&sessions, revocations) {
            (Some(_), _) | (None, RevocationStoreKind::None) => None,
            (None, RevocationStoreKind::Memory) => Some(StoreHandle::Memory(TenantMemoryStores::new(clock))),
            (None, RevocationStoreKind::Shared(url)) => Some(StoreHandle::Shared(measured(shared(url)?))),
        };
        Ok(Self { sessions, revocations, watches: Watches::new(clock.clone()) })
    }

    /// Creates the sessions of one issuer and client, sealed for both.
    pub(super) fn sessions(self, config: &Arc<Config>, keys: &CookieKeys) -> Result<Sessions> {
        let settings = CookieSettings::new(config.is_secure());
        let limits = SessionLimits { idle: config.options.session_idle, absolute: config.options.session_absolute };
        let store = self.sessions.map(|kept| match kept {
            StoreHandle::Shared(store) => store,
            StoreHandle::Memory(memories) => measured(memories.of(config)),
        });
        let watches = self.watches;
        if let Some(store) = store {
            return StoredSessions::new(store, keys, settings, config, (limits, watches)).map(Sessions::Stored);
        }
        let revocations = self.revocations.map(|kept| match kept {
            StoreHandle::Shared(store) => Revocations::Shared(store),
            StoreHandle::Memory(memories) => Revocations::Memory(memories.of(config)),
        });
        let cookies = Box::new(CookieStore::new(keys, settings, config, limits)?);
        Ok(Sessions::Cookie { cookies, revocations, index_keys: IndexKeys::of(config), limits, watches })
    }
}

/// Wraps the store, so that its latency is measured.
#[cfg(feature = "metrics")]
fn measured(store: Arc<dyn SessionStore>) -> Arc<dyn SessionStore> {
    Arc::new(crate::session::InstrumentedStore::new(store))
}

#[cfg(not(feature = "metrics"))]
fn measured(store: Arc<dyn SessionStore>) -> Arc<dyn SessionStore> {
    store
}

#[cfg(feature = "redis")]
fn shared(url: &Secret) -> Result<Arc<dyn SessionStore>> {
    Ok(Arc::new(crate::session::RedisStore::new(url.expose())?))
}

/// The configuration rejects this case, so the error is never reached.
#[cfg(not(feature = "redis"))]
fn shared(_: &Secret) -> Result<Arc<dyn SessionStore>> {
    use crate::error::{Code, Error};
    Err(Error::new(Code::ConfigInvalid, "a store in Redis needs the feature `redis` of okta-auth in Cargo.toml"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::session::{Kind, StoreKey};

    fn tenant(id: &str) -> Arc<Config> {
        let config = Config::builder().issuer("https://issuer.example").client_id("client").tenant(id);
        Arc::new(config.build().unwrap())
    }

    /// A hostile org can sign any number of logout tokens. Its watermarks must not evict
    /// those of another tenant, whose ended sessions would become valid again.
    #[tokio::test]
    async fn a_tenant_cannot_evict_the_revocations_of_another() {
        let clock = SharedClock::default();
        for place in [SessionStoreKind::Cookie, SessionStoreKind::Memory] {
            let place = SessionBackend::new(&place, &RevocationStoreKind::Memory, None, &clock).unwrap();
            let keys = CookieKeys::random().unwrap();
            let sessions = |id| place.clone().sessions(&tenant(id), &keys).unwrap();
            let (hostile, victim) = (sessions("hostile"), sessions("victim"));
            let ended = victim.index_keys().name(Kind::Subject, b"00u1");
            victim.marks().unwrap().raise(&ended, 7, Duration::from_secs(60)).await.unwrap();
            for n in 0..=IN_MEMORY {
                let mut bytes = [0; 32];
                bytes[..8].copy_from_slice(&n.to_be_bytes());
                let mark = StoreKey::from_bytes(bytes);
                hostile.marks().unwrap().raise(&mark, 1, Duration::from_secs(3600)).await.unwrap();
            }
            // A tenant's engine may be created again, and must still see the watermarks.
            for victim in [victim, sessions("victim")] {
                assert_eq!(victim.marks().unwrap().marks(&[ended]).await.unwrap(), [7]);
            }
        }
    }
}
