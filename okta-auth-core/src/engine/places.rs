//! The place of an application's sessions, as it is configured.

use std::sync::Arc;

use crate::clock::SharedClock;
use crate::config::{Config, RevocationPlace, SessionPlace};
use crate::cookie::{CookieKeys, CookieSettings};
use crate::error::Result;
use crate::secret::Secret;
use crate::session::{
    CookieStore, MemoryStore, Naming, Revocations, SessionLimits, SessionStore, Sessions, StoredSessions,
};

/// The most sessions in memory, of about 3 KB each, and the most that is known of those that have
/// been ended, of about 100 bytes each.
const IN_MEMORY: usize = 100_000;

/// The sessions of one issuer and one client, sealed for both.
pub(super) fn sessions(
    config: &Arc<Config>,
    keys: &CookieKeys,
    own: Option<Arc<dyn SessionStore>>,
    clock: &SharedClock,
) -> Result<Sessions> {
    let settings = CookieSettings::new(config.is_secure());
    let limits = SessionLimits { idle: config.options.session_idle, absolute: config.options.session_absolute };
    let store = match (own, &config.session_place) {
        (Some(own), _) => own,
        (None, SessionPlace::Memory) => Arc::new(MemoryStore::with_shared_clock(IN_MEMORY, clock.clone())),
        (None, SessionPlace::Shared(url)) => shared(url)?,
        (None, SessionPlace::Cookie) => {
            let cookies = CookieStore::new(keys, settings, config, limits)?;
            let naming = Naming::new(config.issuer.as_str(), &config.client_id);
            return Ok(Sessions::Cookie { cookies, revocations: revocations(config, clock)?, naming, limits });
        }
    };
    StoredSessions::new(measured(store), keys, settings, config, limits).map(Sessions::Stored)
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

/// Where it is written down which sessions in cookies have been ended.
fn revocations(config: &Config, clock: &SharedClock) -> Result<Option<Revocations>> {
    Ok(match &config.revocation_place {
        RevocationPlace::None => None,
        RevocationPlace::Memory => {
            Some(Revocations::Memory(Arc::new(MemoryStore::with_shared_clock(IN_MEMORY, clock.clone()))))
        }
        RevocationPlace::Shared(url) => Some(Revocations::Shared(measured(shared(url)?))),
    })
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
