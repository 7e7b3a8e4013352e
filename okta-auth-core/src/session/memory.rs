//! The session store in the memory of this process: for a single replica, for development and for tests.
//!
//! Every method runs under one lock without waiting, so it is atomic, as the trait requires. The returned futures are
//! ready at once.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;

use super::store::{SessionStore, StoreFuture, StoreKey, StoredRecord};
use crate::clock::{Clock, SharedClock, Timestamp};

/// Sessions in the memory of this process. They are lost when the process ends, and other replicas do not see them.
///
/// The store is bounded. When it is full, it first evicts expired entries and then the entries that expire next, which
/// are the sessions that have been unused for longest.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::{OktaAuth, session::MemoryStore};
///
/// # fn main() -> Result<(), okta_auth::error::Error> {
/// let auth = OktaAuth::builder()
///     .from_env()
/// #   .issuer("https://acme.okta.com").client_id("0oa1")
///     .session_store(MemoryStore::new(10_000))
///     .build()?;
/// # drop(auth); Ok(())
/// # }
/// ```
pub struct MemoryStore {
    tables: Mutex<Tables>,
    capacity: usize,
    clock: SharedClock,
}

/// The tables, under one lock that is never held across an await.
#[derive(Default)]
struct Tables {
    records: Table<StoredRecord>,
    /// Keyed by index and record, in order, so that the links of one index are a range.
    links: BTreeMap<(StoreKey, StoreKey), Timestamp>,
    marks: Table<u64>,
    /// Marks from unauthenticated requests. They have their own table, so that they never evict a proven mark.
    unproven: Table<u64>,
    /// Whether an unproven mark has been evicted and logged.
    overflowed: bool,
}

/// The capacity for unproven marks, of about 100 bytes each.
const UNPROVEN: usize = 10_000;

/// Entries that expire.
///
/// `entries` and `expiry` always have the same keys.
struct Table<V> {
    /// The keys are SHA-256 hashes, so a fast hash function is enough.
    entries: HashMap<StoreKey, (V, Expiry), RandomState>,
    /// The same keys in the order in which they expire.
    expiry: BTreeSet<(Expiry, StoreKey)>,
    written: u64,
}

/// When an entry expires, and its write number: of entries that expire in the same second the oldest is first.
type Expiry = (Timestamp, u64);

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { entries: HashMap::default(), expiry: BTreeSet::new(), written: 0 }
    }
}

impl<V> Table<V> {
    /// Returns the entry unless it has expired. Expired entries may remain in the table until evicted.
    fn live(&self, key: &StoreKey, now: Timestamp) -> Option<&V> {
        self.entries.get(key).filter(|(_, expiry)| expiry.0 > now).map(|(value, _)| value)
    }

    /// Writes an entry and evicts others if the table is full.
    ///
    /// `expiry` lists expired entries first, so one loop evicts them before any live entry.
    fn put(&mut self, key: StoreKey, value: V, until: Timestamp, capacity: usize) {
        self.written = self.written.wrapping_add(1);
        let until = (until, self.written);
        match self.entries.entry(key) {
            Entry::Occupied(mut entry) => {
                let (_, before) = entry.insert((value, until));
                self.expiry.remove(&(before, key));
            }
            Entry::Vacant(entry) => {
                entry.insert((value, until));
            }
        }
        self.expiry.insert((until, key));
        while self.entries.len() > capacity
            && let Some((_, first)) = self.expiry.pop_first()
        {
            self.entries.remove(&first);
        }
    }

    fn take(&mut self, key: &StoreKey) -> Option<(V, Timestamp)> {
        let (value, until) = self.entries.remove(key)?;
        self.expiry.remove(&(until, *key));
        Some((value, until.0))
    }
}

impl Table<u64> {
    /// Sets a mark to the greater of two values and to the longer of two lifetimes. A late message about an early
    /// moment brings no session back, at once or later.
    fn raise(&mut self, key: StoreKey, value: u64, (now, until): (Timestamp, Timestamp), capacity: usize) {
        let before = self.entries.get(&key).filter(|(_, expiry)| expiry.0 > now);
        let (value, until) = before.map_or((value, until), |(old, expiry)| (value.max(*old), until.max(expiry.0)));
        self.put(key, value, until, capacity);
    }
}

impl MemoryStore {
    /// Creates a store for up to `capacity` sessions, and as many marks. A session takes about 3 KB.
    pub fn new(capacity: usize) -> Self {
        Self::with_shared_clock(capacity, SharedClock::default())
    }

    /// Creates a store with a clock other than the system's, for tests.
    pub fn with_clock(capacity: usize, clock: impl Clock) -> Self {
        Self::with_shared_clock(capacity, SharedClock::new(clock))
    }

    pub(crate) fn with_shared_clock(capacity: usize, clock: SharedClock) -> Self {
        Self { tables: Mutex::default(), capacity: capacity.max(1), clock }
    }

    /// Returns the number of sessions, including expired ones that have not been evicted yet.
    pub fn len(&self) -> usize {
        self.lock().records.entries.len()
    }

    /// Whether the store has no sessions.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there are no marks.
    ///
    /// Marks are rare, and each request with a session in a cookie checks this first. An expired mark that has not been
    /// evicted only makes the check slower.
    pub(crate) fn has_no_marks(&self) -> bool {
        let tables = self.lock();
        tables.marks.entries.is_empty() && tables.unproven.entries.is_empty()
    }

    /// Whether unauthenticated requests have set marks.
    pub(crate) fn has_unproven_marks(&self) -> bool {
        !self.lock().unproven.entries.is_empty()
    }

    /// Sets an unproven mark. If the table is full, the oldest mark is evicted.
    pub(crate) fn raise_unproven(&self, key: &StoreKey, value: u64, lifetime: Duration) {
        let now = self.clock.now();
        let mut tables = self.lock();
        let full = tables.unproven.entries.len() >= UNPROVEN && !tables.unproven.entries.contains_key(key);
        tables.unproven.raise(*key, value, (now, now.plus(lifetime)), UNPROVEN);
        if full && !std::mem::replace(&mut tables.overflowed, true) {
            tracing::warn!(
                target: "okta_auth",
                "more than {UNPROVEN} front-channel logouts named sessions that this process has not seen; the oldest \
                 are dropped, and the sessions that they named stay signed in. This is logged once. Set \
                 OKTA_REVOCATION_STORE to a Redis URL, where each session is recorded at sign-in"
            );
        }
    }

    /// Moves marks to the proven table, because a session that they affect has been seen.
    pub(crate) fn prove(&self, keys: &[StoreKey]) {
        let now = self.clock.now();
        let mut tables = self.lock();
        for key in keys {
            if let Some((value, until)) = tables.unproven.take(key) {
                tables.marks.raise(*key, value, (now, until), self.capacity);
            }
        }
    }

    pub(crate) fn note(&self, key: &StoreKey, lifetime: Duration) {
        let (record, until) = (StoredRecord { version: 0, sealed: Vec::new() }, self.clock.now().plus(lifetime));
        self.lock().records.put(*key, record, until, self.capacity);
    }

    /// Returns the values of marks, without waiting. Missing and expired marks are 0.
    pub(crate) fn marks_now(&self, marks: &[StoreKey]) -> Vec<u64> {
        let now = self.clock.now();
        let tables = self.lock();
        let value = |table: &Table<u64>, mark| table.live(mark, now).copied().unwrap_or(0);
        marks.iter().map(|mark| value(&tables.marks, mark).max(value(&tables.unproven, mark))).collect()
    }

    /// A poisoned lock is still consistent: no code in this file panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at_once<'a, T: Send + 'a>(&self, act: impl FnOnce(&mut Tables, Timestamp) -> T) -> StoreFuture<'a, T> {
        let now = self.clock.now();
        let outcome = act(&mut self.lock(), now);
        Box::pin(ready(Ok(outcome)))
    }
}

impl SessionStore for MemoryStore {
    fn create<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.at_once(|tables, now| {
            let free = tables.records.live(key, now).is_none();
            if free {
                tables.records.put(*key, record.clone(), now.plus(lifetime), self.capacity);
            }
            free
        })
    }

    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredRecord>> {
        self.at_once(|tables, now| tables.records.live(key, now).cloned())
    }

    // The version is compared and the record written under one lock, so of two concurrent writers only one succeeds.
    fn save<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.at_once(|tables, now| {
            let before = tables.records.live(key, now).map(|known| known.version);
            let next = before.is_some_and(|version| version.checked_add(1) == Some(record.version));
            if next {
                tables.records.put(*key, record.clone(), now.plus(lifetime), self.capacity);
            }
            next
        })
    }

    fn remove<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, bool> {
        self.at_once(|tables, now| tables.records.take(key).is_some_and(|(_, until)| until > now))
    }

    fn link<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey, lifetime: Duration) -> StoreFuture<'a, ()> {
        self.at_once(|tables, now| {
            tables.links.insert((*index, *record), now.plus(lifetime));
            // A session has at most four links: user, e-mail, session at Okta, tenant. So this frees at least half of
            // them, and runs rarely.
            if tables.links.len() > self.capacity.saturating_mul(8) {
                let Tables { records, links, .. } = tables;
                links.retain(|(_, record), until| *until > now && records.live(record, now).is_some());
            }
        })
    }

    fn unlink<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey) -> StoreFuture<'a, ()> {
        self.at_once(|tables, _| {
            tables.links.remove(&(*index, *record));
        })
    }

    // The pairs are ordered, so the cost does not depend on the links of other indexes.
    fn linked<'a>(&'a self, index: &'a StoreKey) -> StoreFuture<'a, Vec<StoreKey>> {
        let (first, last) = (StoreKey::from_bytes([0; 32]), StoreKey::from_bytes([0xff; 32]));
        self.at_once(|tables, now| {
            let links = tables.links.range((*index, first)..=(*index, last));
            links.filter(|(_, until)| **until > now).map(|((_, record), _)| *record).collect()
        })
    }

    // The holder of a mark may claim it again to extend its lease.
    fn try_lock<'a>(&'a self, mark: &'a StoreKey, owner: u64, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.at_once(|tables, now| {
            let free = tables.marks.live(mark, now).is_none_or(|holder| *holder == owner);
            if free {
                tables.marks.put(*mark, owner, now.plus(lifetime), self.capacity);
            }
            free
        })
    }

    fn unlock<'a>(&'a self, mark: &'a StoreKey, owner: u64) -> StoreFuture<'a, ()> {
        self.at_once(|tables, now| {
            if tables.marks.live(mark, now) == Some(&owner) {
                tables.marks.take(mark);
            }
        })
    }

    fn raise_watermark<'a>(&'a self, mark: &'a StoreKey, value: u64, lifetime: Duration) -> StoreFuture<'a, ()> {
        self.at_once(|tables, now| {
            tables.marks.raise(*mark, value, (now, now.plus(lifetime)), self.capacity);
        })
    }

    fn watermarks<'a>(&'a self, marks: &'a [StoreKey]) -> StoreFuture<'a, Vec<u64>> {
        Box::pin(ready(Ok(self.marks_now(marks))))
    }
}

opaque_debug!(MemoryStore, |it| len: it.len());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    crate::store_tests! {
        turning async {
            let clock = TestClock::at(1_800_000_000);
            (MemoryStore::with_clock(1_000, clock.clone()), async move || clock.advance(1))
        }
    }
}
