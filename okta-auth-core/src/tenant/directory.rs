//! Finds tenants: at once in a table, or by asking a source once for many.
//!
//! | place | a look | when it changes |
//! |---|---|---|
//! | table | at once | never |
//! | file | at once; its state is read once a second at most | a good edit replaces all of it |
//! | source | at once while an answer is believed, or else by asking | when an answer has expired |
//!
//! Keys come from strangers. What a source has said is kept in a cache of fixed size,
//! so names that somebody makes up cannot fill the memory.

use std::fmt;
#[cfg(feature = "toml")]
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use super::demands::Demands;
#[cfg(feature = "toml")]
use super::file::{Stamp, TenantFile};
use super::questions::Questions;
use super::settings::TenantSettings;
use super::source::{TenantKey, TenantSource};
use super::table::TenantTable;
use crate::clock::{SharedClock, Timestamp};
use crate::error::{Code, Error, Result};
use crate::secret::sha256;
use crate::session::{Flights, StoreKey};

/// So many answers of a source are remembered.
/// That there is no such tenant is one of them.
const REMEMBERED: usize = 100_000;
/// A source is waited for no longer than this.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(5);
/// A source that did not answer is left alone for so long where its last answer serves.
const PAUSE: Duration = Duration::from_secs(5);
/// The longest name of DNS in text form (RFC 1035 §2.3.4).
const LONGEST_NAME: usize = 253;
/// The longest issuer that a source is asked for.
const LONGEST_ISSUER: usize = 512;
/// A file is looked at no more often than this.
#[cfg(feature = "toml")]
const LOOK: Duration = Duration::from_secs(1);

/// The tenants of an application.
pub(crate) struct Directory {
    place: Place,
    clock: SharedClock,
    /// Tenants that were there and are no more, whose sessions have not ended yet.
    removed: Mutex<Vec<Arc<TenantSettings>>>,
    /// Whether there are any.
    /// Read without the lock, because it is asked often and nearly always `false`.
    any_removed: AtomicBool,
}

/// Where they are.
enum Place {
    /// In memory.
    Table(Arc<TenantTable>),
    /// In a file.
    #[cfg(feature = "toml")]
    File {
        file: TenantFile,
        demands: Demands,
        table: RwLock<Arc<TenantTable>>,
        seen: Mutex<(Option<Stamp>, Timestamp)>,
    },
    /// Somewhere else.
    Source(Asked),
}

/// A source, and what it has said.
struct Asked {
    source: Arc<dyn TenantSource>,
    answers: Cache<TenantKey, (Option<Arc<TenantSettings>>, Timestamp)>,
    flights: Flights<Result<Option<Arc<TenantSettings>>, Arc<Error>>>,
    questions: Questions,
    /// How long it is believed.
    lifetime: Duration,
    /// How often everything has been forgotten: what was asked before that is not
    /// remembered.
    generation: AtomicU64,
}

impl Asked {
    /// Remembers what was said, if nothing has been forgotten since it was asked.
    fn remember(&self, key: &TenantKey, answer: Option<Arc<TenantSettings>>, until: Timestamp, generation: u64) {
        if self.generation.load(Ordering::Acquire) == generation {
            self.answers.insert(key.clone(), (answer, until));
        }
    }
}

/// What is known of a tenant at once.
// `Known(None)` is an answer: nobody is asked again until it has expired.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// This one, or none.
    Known(Option<Arc<TenantSettings>>),
    /// The source has to be asked.
    Ask,
}

impl Directory {
    /// Nobody has gone yet.
    fn new(place: Place, clock: SharedClock) -> Self {
        Self { place, clock, removed: Mutex::default(), any_removed: AtomicBool::new(false) }
    }

    /// Tenants that have gone since this was last asked.
    ///
    /// Each is told once: whoever asks has to end their sessions.
    pub(crate) fn removed(&self) -> Vec<Arc<TenantSettings>> {
        if !self.any_removed.swap(false, Ordering::AcqRel) {
            return Vec::new();
        }
        std::mem::take(&mut *self.removed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A fixed table, which meets the demands.
    pub(crate) fn table(table: TenantTable, demands: &Demands, clock: SharedClock) -> Result<Self> {
        demands.check(&table)?;
        Ok(Self::new(Place::Table(Arc::new(table)), clock))
    }

    /// A file, which has to be good at the start.
    #[cfg(feature = "toml")]
    pub(crate) fn file(file: TenantFile, demands: Demands, clock: SharedClock) -> Result<Self> {
        let (stamp, table) = (file.stamp(), file.read()?);
        demands.check(&table)?;
        let (table, seen) = (RwLock::new(Arc::new(table)), Mutex::new((stamp, clock.now())));
        Ok(Self::new(Place::File { file, demands, table, seen }, clock))
    }

    /// A source whose answers are believed for so long.
    ///
    /// A longer lifetime is fewer questions, and a later sight of what has changed.
    pub(crate) fn source(source: Arc<dyn TenantSource>, lifetime: Duration, clock: SharedClock) -> Self {
        let (answers, flights, questions) = (Cache::new(REMEMBERED), Flights::default(), Questions::default());
        let generation = AtomicU64::new(0);
        Self::new(Place::Source(Asked { source, answers, flights, questions, lifetime, generation }), clock)
    }

    /// What is known without waiting.
    pub(crate) fn look(&self, key: &TenantKey) -> Lookup {
        match &self.place {
            Place::Table(table) => Lookup::Known(table.tenant(key).cloned()),
            #[cfg(feature = "toml")]
            Place::File { .. } => Lookup::Known(self.current().and_then(|table| table.tenant(key).cloned())),
            Place::Source(_) if !may_be_known(key) => Lookup::Known(None),
            Place::Source(asked) => match asked.answers.get(key) {
                Some((answer, until)) if self.clock.now() < until => Lookup::Known(answer),
                _ => Lookup::Ask,
            },
        }
    }

    /// The tenant of a key, after asking if need be.
    ///
    /// Requests that ask for the same key at once share one question, which goes on if
    /// they go away. While an earlier answer serves, a source that fails is left alone for
    /// a moment; without one the next request asks again. The number of questions at a
    /// time is bounded, and tenants that are known have places of their own.
    ///
    /// # Errors
    /// [`Code::TenantUnavailable`] if the source does not answer and has said nothing
    /// of this key before.
    pub(crate) async fn find(&self, key: &TenantKey) -> Result<Option<Arc<TenantSettings>>> {
        if let Lookup::Known(answer) = self.look(key) {
            return Ok(answer);
        }
        let Place::Source(asked) = &self.place else { return Ok(None) };
        let generation = asked.generation.load(Ordering::Acquire);
        let flight = StoreKey::from_bytes(sha256(format!("{generation} {key}").as_bytes()));
        let (source, wanted) = (Arc::clone(&asked.source), key.clone());
        let known = asked.answers.get(key).is_some_and(|(answer, _)| answer.is_some());
        let place = asked.questions.place(known);
        let work = || async move {
            let _place = place.taken().await?;
            ask(source, wanted).await
        };
        let outcome = asked.flights.join(flight, work).await;
        let now = self.clock.now();
        match outcome {
            Some(Ok(answer)) => {
                asked.remember(key, answer.clone(), now.plus(asked.lifetime), generation);
                Ok(answer)
            }
            // The last answer serves while the source is away, and nobody waits for it each time.
            Some(Err(error)) => match asked.answers.get(key) {
                Some((answer, _)) => {
                    asked.remember(key, answer.clone(), now.plus(PAUSE), generation);
                    Ok(answer)
                }
                None => Err(error.duplicate()),
            },
            None => Err(Error::new(Code::TenantUnavailable, "the source of tenants broke off")),
        }
    }

    /// The tenant that a third party means by `iss`. A source is asked for that issuer, and
    /// decides itself whether an org leads to a tenant.
    ///
    /// # Errors
    /// [`Code::TenantUnavailable`], as for [`find`](Self::find).
    pub(crate) async fn named_by(&self, iss: &str) -> Result<Option<Arc<TenantSettings>>> {
        match &self.place {
            Place::Table(table) => Ok(table.named_by(iss).cloned()),
            #[cfg(feature = "toml")]
            Place::File { .. } => Ok(self.current().and_then(|table| table.named_by(iss).cloned())),
            Place::Source(_) => self.find(&TenantKey::Issuer(iss.to_owned())).await,
        }
    }

    /// Whether only those tenants are known for whom somebody came.
    pub(crate) fn is_source(&self) -> bool {
        matches!(self.place, Place::Source(_))
    }

    /// What was last known of a tenant, whether that is still believed or not.
    pub(crate) fn last(&self, key: &TenantKey) -> Option<Arc<TenantSettings>> {
        match &self.place {
            Place::Source(asked) => asked.answers.get(key).and_then(|(answer, _)| answer),
            _ => match self.look(key) {
                Lookup::Known(answer) => answer,
                Lookup::Ask => None,
            },
        }
    }

    /// All tenants, where they can be listed. An edit of the file makes another table.
    ///
    /// A source is only ever asked for one, so of it there is no table.
    pub(crate) fn all(&self) -> Option<Arc<TenantTable>> {
        match &self.place {
            Place::Table(table) => Some(Arc::clone(table)),
            #[cfg(feature = "toml")]
            Place::File { .. } => self.current(),
            Place::Source(_) => None,
        }
    }

    /// Forgets what a source has said, so that a change is seen at once.
    pub(crate) fn forget(&self) {
        if let Place::Source(asked) = &self.place {
            asked.generation.fetch_add(1, Ordering::AcqRel);
            asked.answers.clear();
        }
        #[cfg(feature = "toml")]
        if let Place::File { seen, .. } = &self.place {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            *seen = (None, Timestamp::from_seconds(0));
        }
    }

    /// Puts another table in the place of the last one. Who is not in it any more, or
    /// has become somebody else, has gone.
    ///
    /// Another client under the same id is somebody else. Another issuer with the same
    /// client is not if the one of before is among its former issuers: an org may move to
    /// a domain of its own.
    #[cfg(feature = "toml")]
    fn replace(&self, place: &RwLock<Arc<TenantTable>>, table: TenantTable) {
        let table = Arc::new(table);
        let before = std::mem::replace(&mut *place.write().unwrap_or_else(PoisonError::into_inner), Arc::clone(&table));
        let stays = |tenant: &TenantSettings| {
            let now = table.tenant(&TenantKey::Id(tenant.id.clone()));
            let knows =
                |now: &TenantSettings| now.issuer == tenant.issuer || now.former_issuers.contains(&tenant.issuer);
            now.is_some_and(|now| now.client_id == tenant.client_id && knows(now))
        };
        let gone: Vec<_> = before.all().iter().filter(|tenant| !stays(tenant)).cloned().collect();
        if !gone.is_empty() {
            self.removed.lock().unwrap_or_else(PoisonError::into_inner).extend(gone);
            self.any_removed.store(true, Ordering::Release);
        }
    }

    /// The table of the file, read again if it has changed since somebody last looked.
    ///
    /// One request looks at the file and the others go on with what is there: nobody
    /// waits for the disk but the one who looks. A file that cannot be used is reported
    /// once for each edit, and not with each request.
    #[cfg(feature = "toml")]
    fn current(&self) -> Option<Arc<TenantTable>> {
        let Place::File { file, demands, table, seen } = &self.place else { return None };
        if let Ok(mut seen) = seen.try_lock() {
            let now = self.clock.now();
            let due = now < seen.1 || now.since(seen.1) >= LOOK;
            let stamp = if due { file.stamp() } else { seen.0 };
            let changed = due && stamp != seen.0;
            if due {
                *seen = (stamp, now);
            }
            if changed {
                match edited(file, stamp, demands) {
                    // What was written meanwhile may be half of it. The next look reads all.
                    Ok(read) if file.stamp() == stamp => self.replace(table, read),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::error!(target: "okta_auth", "the tenants stay as they were: {error:?}");
                    }
                }
            }
        }
        Some(Arc::clone(&table.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The tenants of a file that has changed.
///
/// Many editors empty a file and then write it. In between there are no tenants in it,
/// and believing that would end everybody's session.
#[cfg(feature = "toml")]
fn edited(file: &TenantFile, stamp: Option<Stamp>, demands: &Demands) -> Result<TenantTable> {
    if stamp.is_some_and(Stamp::is_empty) {
        let message = "the file is empty; if there are no tenants any more, leave a remark in it";
        return Err(Error::new(Code::ConfigInvalid, message));
    }
    let read = file.read()?;
    demands.check(&read)?;
    Ok(read)
}

/// Whether there can be a tenant of this key at all. Strangers make keys up, and each
/// answer is remembered with its key: without a bound a few of them would fill the
/// memory, and go to somebody's database besides.
fn may_be_known(key: &TenantKey) -> bool {
    match key {
        TenantKey::Id(_) => true,
        TenantKey::Host(name) | TenantKey::EmailDomain(name) => name.len() <= LONGEST_NAME,
        TenantKey::Issuer(issuer) => issuer.len() <= LONGEST_ISSUER,
    }
}

/// Asks the source. It must mean the very one that it was asked for: a comparison in
/// some other case, or of a part of the key, would give one tenant's requests to
/// another.
async fn ask(source: Arc<dyn TenantSource>, key: TenantKey) -> Result<Option<Arc<TenantSettings>>, Arc<Error>> {
    let unavailable = |message: &'static str| Arc::new(Error::new(Code::TenantUnavailable, message));
    let answer = match tokio::time::timeout(SOURCE_TIMEOUT, source.find(&key)).await {
        Ok(answer) => answer.map_err(|error| Arc::new(Error::from(error)))?,
        Err(_) => return Err(unavailable("the source of tenants took too long")),
    };
    let meant = answer.as_ref().is_none_or(|tenant| match &key {
        TenantKey::Id(id) => tenant.id == *id,
        TenantKey::Issuer(issuer) => tenant.issuer == *issuer || tenant.former_issuers.contains(issuer),
        // Hosts and domains may be known to the source alone.
        TenantKey::Host(_) | TenantKey::EmailDomain(_) => true,
    });
    if meant {
        Ok(answer.map(Arc::new))
    } else {
        Err(unavailable("the source of tenants answered with another tenant"))
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").finish_non_exhaustive()
    }
}
