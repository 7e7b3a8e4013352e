//! Looks tenants up in a table, a file or a source with a cache.
//!
//! | kind | lookup | updates |
//! |---|---|---|
//! | table | immediate | never |
//! | file | immediate; the file is checked at most once a second | a valid edit replaces the whole table |
//! | source | from the cache, or else by a query | when a cached answer has expired |
//!
//! Keys come from unauthenticated requests. The answers of a source are in a cache of fixed size, so made-up names
//! cannot exhaust memory.

#[cfg(feature = "toml")]
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

#[cfg(feature = "toml")]
use super::file::{FileVersion, TenantFile};
use super::query_limit::QueryLimit;
use super::rules::TenantRules;
use super::source::{TenantKey, TenantSource};
use super::table::TenantTable;
use crate::clock::{SharedClock, Timestamp};
use crate::error::{Code, Error, Result};
use crate::http::SingleFlight;
use crate::issuer::spellings;
use crate::tenant::TenantSettings;

/// Capacity of the cache of a source's answers, negative answers included.
const CACHE_CAPACITY: usize = 100_000;
const SOURCE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an expired answer is served after a failed query, before the next query.
const RETRY_PAUSE: Duration = Duration::from_secs(5);
/// The longest DNS name in text form (RFC 1035 §2.3.4).
const MAX_NAME: usize = 253;
/// The longest issuer that is passed to a source.
const MAX_ISSUER: usize = 512;
/// The minimum interval between two checks of a file.
#[cfg(feature = "toml")]
const FILE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct Directory {
    backend: Backend,
    clock: SharedClock,
    /// Removed tenants whose sessions have not been ended yet.
    removed: Mutex<Vec<Arc<TenantSettings>>>,
    /// Whether `removed` has entries. Nearly every read returns `false` and needs no lock.
    any_removed: AtomicBool,
}

enum Backend {
    Table(Arc<TenantTable>),
    #[cfg(feature = "toml")]
    File {
        file: TenantFile,
        rules: TenantRules,
        table: RwLock<Arc<TenantTable>>,
        seen: Mutex<(Option<FileVersion>, Timestamp)>,
    },
    Source(CachedSource),
}

/// The settings of a tenant; `None` if the source has no such tenant.
type Answer = Option<Arc<TenantSettings>>;

struct CachedSource {
    source: Arc<dyn TenantSource>,
    answers: Cache<TenantKey, (Answer, Timestamp)>,
    flights: SingleFlight<(u64, TenantKey), Result<Answer, Arc<Error>>>,
    limit: QueryLimit,
    /// How long an answer is cached.
    lifetime: Duration,
    /// Incremented by [`Directory::forget`]; an answer to a query of an earlier generation is not cached.
    generation: AtomicU64,
}

impl CachedSource {
    /// Caches an answer, unless the cache was cleared since the query began.
    fn insert(&self, key: &TenantKey, answer: Option<Arc<TenantSettings>>, until: Timestamp, generation: u64) {
        if self.generation.load(Ordering::Acquire) == generation {
            self.answers.insert(key.clone(), (answer, until));
        }
    }
}

// `Known(None)` is a cached negative answer: it causes no query until it expires.
#[derive(Debug)]
pub(super) enum Lookup {
    Known(Option<Arc<TenantSettings>>),
    /// The source has to be queried.
    Ask,
}

impl Directory {
    fn new(backend: Backend, clock: SharedClock) -> Self {
        Self { backend, clock, removed: Mutex::default(), any_removed: AtomicBool::new(false) }
    }

    /// Takes the tenants removed since the last call. Each is returned once, and the caller ends its sessions.
    pub(super) fn removed(&self) -> Option<Vec<Arc<TenantSettings>>> {
        // A read is cheaper than a swap, and every request does it.
        let has_any = self.any_removed.load(Ordering::Acquire) && self.any_removed.swap(false, Ordering::AcqRel);
        has_any.then(|| std::mem::take(&mut *self.removed.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    pub(super) fn table(table: TenantTable, rules: &TenantRules, clock: SharedClock) -> Result<Self> {
        rules.check(&table)?;
        Ok(Self::new(Backend::Table(Arc::new(table)), clock))
    }

    /// Creates a directory from a file, which must be valid at startup.
    #[cfg(feature = "toml")]
    pub(super) fn file(file: TenantFile, rules: TenantRules, clock: SharedClock) -> Result<Self> {
        let (stamp, table) = (file.stamp(), file.read()?);
        rules.check(&table)?;
        let (table, seen) = (RwLock::new(Arc::new(table)), Mutex::new((stamp, clock.now())));
        Ok(Self::new(Backend::File { file, rules, table, seen }, clock))
    }

    /// Creates a directory from a source whose answers are cached for `lifetime`. A longer lifetime means fewer queries
    /// and later updates.
    pub(super) fn source(source: Arc<dyn TenantSource>, lifetime: Duration, clock: SharedClock) -> Self {
        let (answers, flights, limit) = (Cache::new(CACHE_CAPACITY), SingleFlight::default(), QueryLimit::default());
        let generation = AtomicU64::new(0);
        Self::new(Backend::Source(CachedSource { source, answers, flights, limit, lifetime, generation }), clock)
    }

    pub(super) fn look(&self, key: &TenantKey) -> Lookup {
        match &self.backend {
            Backend::Table(table) => Lookup::Known(table.tenant(key).cloned()),
            #[cfg(feature = "toml")]
            Backend::File { .. } => Lookup::Known(self.current().and_then(|table| table.tenant(key).cloned())),
            Backend::Source(_) if !may_be_known(key) => Lookup::Known(None),
            Backend::Source(cached) => match cached.answers.get(key) {
                Some((answer, until)) if self.clock.now() < until => Lookup::Known(answer),
                _ => Lookup::Ask,
            },
        }
    }

    /// Looks a tenant up, and queries the source if necessary.
    ///
    /// Concurrent requests for the same key share one query, which continues if they are cancelled. If a query fails,
    /// an expired answer is served and the next query waits for a pause; without an expired answer the next request
    /// queries again. The number of concurrent queries is bounded, with a limit of its own for known tenants.
    ///
    /// # Errors
    /// [`Code::TenantUnavailable`] if the source fails and has never answered for this key.
    pub(super) async fn find(&self, key: &TenantKey) -> Result<Option<Arc<TenantSettings>>> {
        if let Lookup::Known(answer) = self.look(key) {
            return Ok(answer);
        }
        let Backend::Source(cached) = &self.backend else { return Ok(None) };
        let generation = cached.generation.load(Ordering::Acquire);
        let (source, wanted) = (Arc::clone(&cached.source), key.clone());
        let known = cached.answers.get(key).is_some_and(|(answer, _)| answer.is_some());
        let queue = cached.limit.queue(known);
        let work = || async move {
            let _permit = queue.permit().await?;
            ask(source, wanted).await
        };
        let outcome = cached.flights.join((generation, key.clone()), work).await;
        let now = self.clock.now();
        match outcome {
            Some(Ok(answer)) => {
                cached.insert(key, answer.clone(), now.plus(cached.lifetime), generation);
                Ok(answer)
            }
            // An expired answer is served while the source is down, so that requests do not wait for it.
            Some(Err(error)) => match cached.answers.get(key) {
                Some((answer, _)) => {
                    cached.insert(key, answer.clone(), now.plus(RETRY_PAUSE), generation);
                    Ok(answer)
                }
                None => Err(Error::clone(&error)),
            },
            None => Err(Error::new(Code::TenantUnavailable, "the query to the tenant source was cancelled")),
        }
    }

    /// Finds the tenant for the `iss` of third-party initiated login. A source is queried for that issuer and decides
    /// itself whether an org identifies a tenant.
    ///
    /// # Errors
    /// [`Code::TenantUnavailable`], as for [`find`](Self::find).
    pub(super) async fn named_by(&self, iss: &str) -> Result<Option<Arc<TenantSettings>>> {
        match &self.backend {
            Backend::Table(table) => Ok(table.named_by(iss).cloned()),
            #[cfg(feature = "toml")]
            Backend::File { .. } => Ok(self.current().and_then(|table| table.named_by(iss).cloned())),
            Backend::Source(_) => self.find(&TenantKey::Issuer(iss.to_owned())).await,
        }
    }

    /// Whether the tenants come from a source, which cannot list them.
    pub(super) fn is_source(&self) -> bool {
        matches!(self.backend, Backend::Source(_))
    }

    /// Returns the last known settings of a tenant, even if they have expired.
    pub(super) fn last(&self, key: &TenantKey) -> Option<Arc<TenantSettings>> {
        match &self.backend {
            Backend::Source(cached) => cached.answers.get(key).and_then(|(answer, _)| answer),
            _ => match self.look(key) {
                Lookup::Known(answer) => answer,
                Lookup::Ask => None,
            },
        }
    }

    /// Returns all tenants; `None` for a source, which cannot list them. An edit of the file creates a new table.
    pub(super) fn all(&self) -> Option<Arc<TenantTable>> {
        match &self.backend {
            Backend::Table(table) => Some(Arc::clone(table)),
            #[cfg(feature = "toml")]
            Backend::File { .. } => self.current(),
            Backend::Source(_) => None,
        }
    }

    pub(super) fn forget(&self) {
        if let Backend::Source(cached) = &self.backend {
            cached.generation.fetch_add(1, Ordering::AcqRel);
            cached.answers.clear();
        }
        #[cfg(feature = "toml")]
        if let Backend::File { seen, .. } = &self.backend {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            *seen = (None, Timestamp::from_seconds(0));
        }
    }

    /// Replaces the table, and marks tenants as removed that are absent from the new one or have another identity
    /// there.
    ///
    /// Another client under the same id is another tenant. Another issuer with the same client is the same tenant if
    /// the old issuer is among its former issuers, because an org may move to a custom domain.
    #[cfg(feature = "toml")]
    fn replace(&self, current: &RwLock<Arc<TenantTable>>, table: TenantTable) {
        let table = Arc::new(table);
        let before =
            std::mem::replace(&mut *current.write().unwrap_or_else(PoisonError::into_inner), Arc::clone(&table));
        let stays = |tenant: &TenantSettings| {
            let now = table.tenant(&TenantKey::Id(tenant.id.clone()));
            let is_same =
                |issuer: &String| crate::issuer::without_slash(issuer) == crate::issuer::without_slash(&tenant.issuer);
            let knows = |now: &TenantSettings| is_same(&now.issuer) || now.former_issuers.iter().any(is_same);
            now.is_some_and(|now| now.client_id == tenant.client_id && knows(now))
        };
        let removed: Vec<_> = before.all().iter().filter(|tenant| !stays(tenant)).cloned().collect();
        if !removed.is_empty() {
            self.removed.lock().unwrap_or_else(PoisonError::into_inner).extend(removed);
            self.any_removed.store(true, Ordering::Release);
        }
    }

    /// Returns the table of the file, and reads the file again if it has changed.
    ///
    /// One request at a time checks the file, and only that one waits for the disk; the others use the current table.
    /// An invalid file is reported once for each edit.
    #[cfg(feature = "toml")]
    fn current(&self) -> Option<Arc<TenantTable>> {
        let Backend::File { file, rules, table, seen } = &self.backend else { return None };
        if let Ok(mut seen) = seen.try_lock() {
            let now = self.clock.now();
            let due = now < seen.1 || now.since(seen.1) >= FILE_CHECK_INTERVAL;
            let stamp = if due { file.stamp() } else { seen.0 };
            let changed = due && stamp != seen.0;
            if due {
                *seen = (stamp, now);
            }
            if changed {
                match edited(file, stamp, rules) {
                    // A change during the read may mean a partial file. The next check reads it again.
                    Ok(read) if file.stamp() == stamp => self.replace(table, read),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::error!(
                            target: "okta_auth",
                            "the tenant file is invalid, so the current tenants stay in use: {error:?}"
                        );
                    }
                }
            }
        }
        Some(Arc::clone(&table.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Reads a file that has changed.
///
/// Many editors truncate a file before they write it. Accepting the empty state would remove every tenant and end all
/// sessions.
#[cfg(feature = "toml")]
fn edited(file: &TenantFile, stamp: Option<FileVersion>, rules: &TenantRules) -> Result<TenantTable> {
    if stamp.is_some_and(FileVersion::is_empty) {
        let message = "the file is empty; to remove all tenants, leave a comment in it";
        return Err(Error::new(Code::ConfigInvalid, message));
    }
    let read = file.read()?;
    rules.check(&read)?;
    Ok(read)
}

/// Whether a key can identify a tenant at all. Keys come from unauthenticated requests and are cached, so without a
/// limit a few long ones would exhaust memory and reach the source's database.
fn may_be_known(key: &TenantKey) -> bool {
    match key {
        TenantKey::Id(_) => true,
        TenantKey::Host(name) | TenantKey::EmailDomain(name) => name.len() <= MAX_NAME,
        TenantKey::Issuer(issuer) => issuer.len() <= MAX_ISSUER,
    }
}

/// Queries the source. The answer must match the key exactly: a case-insensitive or partial comparison in the source
/// would give one tenant's requests to another.
async fn ask(source: Arc<dyn TenantSource>, key: TenantKey) -> Result<Option<Arc<TenantSettings>>, Arc<Error>> {
    let unavailable = |message: &'static str| Arc::new(Error::new(Code::TenantUnavailable, message));
    let answer = match tokio::time::timeout(SOURCE_TIMEOUT, source.find(&key)).await {
        Ok(answer) => answer.map_err(|error| Arc::new(Error::from(error)))?,
        Err(_) => return Err(unavailable("the tenant source timed out")),
    };
    let meant = answer.as_ref().is_none_or(|tenant| match &key {
        TenantKey::Id(id) => tenant.id == *id,
        TenantKey::Issuer(issuer) => {
            let mut issuers = std::iter::once(&tenant.issuer).chain(&tenant.former_issuers);
            issuers.any(|known| spellings(known).any(|name| name == *issuer))
        }
        // The source may have hosts and domains that the settings do not list.
        TenantKey::Host(_) | TenantKey::EmailDomain(_) => true,
    });
    if meant {
        Ok(answer.map(Arc::new))
    } else {
        Err(unavailable("the tenant source returned another tenant than the requested one"))
    }
}

opaque_debug!(Directory);
