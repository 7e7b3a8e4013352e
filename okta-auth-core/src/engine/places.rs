//! The place of an application's sessions, as it is configured.
//!
//! | `OKTA_SESSION_STORE` | sessions | how one is ended from the server side |
//! |---|---|---|
//! | `cookie` | sealed in the browser | a mark in the list of `OKTA_REVOCATION_STORE` |
//! | `memory` | in this process | removed |
//! | `redis://..` | in Redis or Valkey | removed, for all replicas |
//!
//! A store that the application brings along goes before all of these.

use std::sync::Arc;

use crate::clock::SharedClock;
use crate::config::{Config, RevocationPlace, SessionPlace};
use crate::cookie::{CookieKeys, CookieSettings};
use crate::error::Result;
use crate::secret::Secret;
use crate::session::{
    CookieStore, MemoryStore, Naming, Revocations, SessionLimits, SessionStore, Sessions, StoredSessions,
};

/// The most sessions in memory, of about 3 KB each, and the most that is known of those
/// that have been ended, of about 100 bytes each.
const IN_MEMORY: usize = 100_000;

/// The place of the sessions of one application or of many tenants.
#[derive(Clone)]
pub(super) struct SessionsPlace {
    /// A store; `None` for sessions in cookies.
    store: Option<Arc<dyn SessionStore>>,
    /// Where it is written down which sessions in cookies have been ended.
    revocations: Option<Revocations>,
}

impl SessionsPlace {
    /// The application's own store, or what is configured.
    pub(super) fn new(
        sessions: &SessionPlace,
        revocations: &RevocationPlace,
        own: Option<Arc<dyn SessionStore>>,
        clock: &SharedClock,
    ) -> Result<Self> {
        let memory = || Arc::new(MemoryStore::with_shared_clock(IN_MEMORY, clock.clone()));
        let store: Option<Arc<dyn SessionStore>> = match (own, sessions) {
            (Some(own), _) => Some(own),
            (None, SessionPlace::Cookie) => None,
            (None, SessionPlace::Memory) => Some(memory()),
            (None, SessionPlace::Shared(url)) => Some(shared(url)?),
        };
        let store = store.map(measured);
        let revocations = match (&store, revocations) {
            (Some(_), _) | (None, RevocationPlace::None) => None,
            (None, RevocationPlace::Memory) => Some(Revocations::Memory(memory())),
            (None, RevocationPlace::Shared(url)) => Some(Revocations::Shared(measured(shared(url)?))),
        };
        Ok(Self { store, revocations })
    }

    /// The sessions of one issuer and one client, sealed for both.
    pub(super) fn sessions(self, config: &Arc<Config>, keys: &CookieKeys) -> Result<Sessions> {
        let settings = CookieSettings::new(config.is_secure());
        let limits = SessionLimits { idle: config.options.session_idle, absolute: config.options.session_absolute };
        if let Some(store) = self.store {
            return StoredSessions::new(store, keys, settings, config, limits).map(Sessions::Stored);
        }
        let cookies = Box::new(CookieStore::new(keys, settings, config, limits)?);
        let naming = Naming::of(config);
        Ok(Sessions::Cookie { cookies, revocations: self.revocations, naming, limits })
    }
}

/// The store, with its times told to the recorder.
#[cfg(feature = "metrics")]
fn measured(store: Arc<dyn SessionStore>) -> Arc<dyn SessionStore> {
    Arc::new(crate::session::Measured::new(store))
}

/// The store as it is.
#[cfg(not(feature = "metrics"))]
fn measured(store: Arc<dyn SessionStore>) -> Arc<dyn SessionStore> {
    store
}

/// A store in Redis or Valkey.
#[cfg(feature = "redis")]
fn shared(url: &Secret) -> Result<Arc<dyn SessionStore>> {
    Ok(Arc::new(crate::session::RedisStore::new(url.expose())?))
}

/// The configuration has refused it already.
#[cfg(not(feature = "redis"))]
fn shared(_: &Secret) -> Result<Arc<dyn SessionStore>> {
    use crate::error::{Code, Error};
    Err(Error::new(Code::ConfigInvalid, "a store in Redis needs the feature `redis` of okta-auth in Cargo.toml"))
}
