//! The place of an application's sessions, as it is configured.
//!
//! | `OKTA_SESSION_STORE` | sessions | how one is ended from the server side |
//! |---|---|---|
//! | `cookie` | sealed in the browser | a mark in the list of `OKTA_REVOCATION_STORE` |
//! | `memory` | in this process | removed |
//! | `redis://..` | in Redis or Valkey | removed, for all replicas |
//!
//! A store that the application brings along goes before all of these.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::SharedClock;
use crate::config::{Config, RevocationPlace, SessionPlace};
use crate::cookie::{CookieKeys, CookieSettings};
use crate::error::Result;
use crate::secret::Secret;
use crate::session::{
    CookieStore, MemoryStore, Naming, Revocations, SessionLimits, SessionStore, Sessions, StoredSessions, Watches,
};

/// The most sessions in memory, of about 3 KB each, and the most that is known of those
/// that have been ended, of about 100 bytes each.
const IN_MEMORY: usize = 100_000;

/// The place of the sessions of one application or of many tenants.
#[derive(Clone)]
pub(super) struct SessionsPlace {
    /// Where sessions are kept; `None` for sessions in cookies.
    sessions: Option<Kept>,
    /// Where it is written down which sessions in cookies have been ended.
    revocations: Option<Kept>,
    /// The futures that wait for the end of a session.
    watches: Watches,
}

/// Where something is kept.
#[derive(Clone)]
enum Kept {
    /// In one store for all. Nothing there makes room for anything else before its time.
    Shared(Arc<dyn SessionStore>),
    /// In the memory of this process.
    Memory(Memories),
}

/// A memory for each tenant. It holds so much and then makes room: in one memory for all, a tenant
/// that fills it would push out what has ended in another, whose sessions would come back.
///
/// They outlive the engines that use them, which are made anew when settings change.
#[derive(Clone)]
struct Memories {
    of: Arc<Mutex<HashMap<String, Arc<MemoryStore>>>>,
    clock: SharedClock,
}

impl Memories {
    /// None so far.
    fn new(clock: &SharedClock) -> Self {
        Self { of: Arc::default(), clock: clock.clone() }
    }

    /// That of a tenant, or of the one application.
    fn of(&self, config: &Config) -> Arc<MemoryStore> {
        let (owner, client_id) = config.owner();
        let mut all = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(MemoryStore::with_shared_clock(IN_MEMORY, self.clock.clone()));
        Arc::clone(all.entry(format!("{owner} {client_id}")).or_insert_with(new))
    }
}

impl SessionsPlace {
    /// The application's own store, or what is configured.
    pub(super) fn new(
        sessions: &SessionPlace,
        revocations: &RevocationPlace,
        own: Option<Arc<dyn SessionStore>>,
        clock: &SharedClock,
    ) -> Result<Self> {
        let sessions = match (own, sessions) {
            (Some(own), _) => Some(Kept::Shared(measured(own))),
            (None, SessionPlace::Cookie) => None,
            (None, SessionPlace::Memory) => Some(Kept::Memory(Memories::new(clock))),
            (None, SessionPlace::Shared(url)) => Some(Kept::Shared(measured(shared(url)?))),
        };
        let revocations = match (&sessions, revocations) {
            (Some(_), _) | (None, RevocationPlace::None) => None,
            (None, RevocationPlace::Memory) => Some(Kept::Memory(Memories::new(clock))),
            (None, RevocationPlace::Shared(url)) => Some(Kept::Shared(measured(shared(url)?))),
        };
        Ok(Self { sessions, revocations, watches: Watches::new(clock.clone()) })
    }

    /// The sessions of one issuer and one client, sealed for both.
    pub(super) fn sessions(self, config: &Arc<Config>, keys: &CookieKeys) -> Result<Sessions> {
        let settings = CookieSettings::new(config.is_secure());
        let limits = SessionLimits { idle: config.options.session_idle, absolute: config.options.session_absolute };
        let store = self.sessions.map(|kept| match kept {
            Kept::Shared(store) => store,
            Kept::Memory(memories) => measured(memories.of(config)),
        });
        let watches = self.watches;
        if let Some(store) = store {
            return StoredSessions::new(store, keys, settings, config, (limits, watches)).map(Sessions::Stored);
        }
        let revocations = self.revocations.map(|kept| match kept {
            Kept::Shared(store) => Revocations::Shared(store),
            Kept::Memory(memories) => Revocations::Memory(memories.of(config)),
        });
        let cookies = Box::new(CookieStore::new(keys, settings, config, limits)?);
        Ok(Sessions::Cookie { cookies, revocations, naming: Naming::of(config), limits, watches })
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::session::{Kind, StoreKey};

    fn tenant(id: &str) -> Arc<Config> {
        let config = Config::builder().issuer("https://issuer.example").client_id("client").tenant(id);
        Arc::new(config.build().unwrap())
    }

    /// A hostile org can sign as many logout tokens as it likes. What they fill must not be where another tenant's
    /// ended sessions are written down, or those would come back.
    #[tokio::test]
    async fn one_tenant_cannot_push_out_what_has_ended_in_another() {
        let clock = SharedClock::default();
        for place in [SessionPlace::Cookie, SessionPlace::Memory] {
            let place = SessionsPlace::new(&place, &RevocationPlace::Memory, None, &clock).unwrap();
            let keys = CookieKeys::random().unwrap();
            let sessions = |id| place.clone().sessions(&tenant(id), &keys).unwrap();
            let (hostile, victim) = (sessions("hostile"), sessions("victim"));
            let ended = victim.naming().name(Kind::Subject, b"00u1");
            victim.marks().unwrap().raise(&ended, 7, Duration::from_secs(60)).await.unwrap();
            for n in 0..=IN_MEMORY {
                let mut bytes = [0; 32];
                bytes[..8].copy_from_slice(&n.to_be_bytes());
                let mark = StoreKey::from_bytes(bytes);
                hostile.marks().unwrap().raise(&mark, 1, Duration::from_secs(3600)).await.unwrap();
            }
            // The engine of a tenant may be made anew; what has ended there has ended for that one too.
            for victim in [victim, sessions("victim")] {
                assert_eq!(victim.marks().unwrap().marks(&[ended]).await.unwrap(), [7]);
            }
        }
    }
}
