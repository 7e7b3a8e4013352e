//! A store in the memory of this process: for one replica, for development and for
//! tests.
//!
//! Everything is done under one lock and at once, so each method is atomic by itself,
//! as the trait asks. The futures are ready when they are returned.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::store::{SessionStore, StoreFuture, StoreKey, StoredRecord};
use crate::clock::{Clock, SharedClock, Timestamp};

/// Sessions in memory: gone with the process, and known to it alone.
///
/// It holds so many entries and no more. When it is full, what has expired makes room,
/// and then what would expire first: the sessions that nobody has used for longest.
///
/// ```
/// use okta_auth_core::{OktaAuth, config::ConfigBuilder, session::MemoryStore};
///
/// # fn main() -> Result<(), okta_auth_core::error::Error> {
/// # let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1");
/// let auth = OktaAuth::builder(config).session_store(MemoryStore::new(10_000)).build()?;
/// # drop(auth); Ok(())
/// # }
/// ```
pub struct MemoryStore {
    tables: Mutex<Tables>,
    capacity: usize,
    clock: SharedClock,
}

/// The three tables, under one lock that is never held across an await.
#[derive(Default)]
struct Tables {
    records: Table<StoredRecord>,
    /// Keyed by index and record, in order, so that the links of one index are a range.
    links: BTreeMap<(StoreKey, StoreKey), Timestamp>,
    marks: Table<u64>,
    /// Marks that strangers ask for. They have a table of their own, so that they push out
    /// no mark that has been proven.
    unproven: Table<u64>,
    /// Whether an unproven mark has been pushed out and the log has it.
    overflowed: bool,
}

/// So many unproven marks are kept at most, of about 100 bytes each.
const UNPROVEN: usize = 10_000;

/// Entries that expire.
///
/// Both always have the same keys: whatever writes one writes the other.
struct Table<V> {
    entries: HashMap<StoreKey, (V, Expiry)>,
    /// The same keys in the order in which they expire.
    expiry: BTreeSet<(Expiry, StoreKey)>,
    /// How many entries have been written.
    written: u64,
}

/// When an entry expires, and the number of its writing: of entries that expire in the
/// same second the oldest is first.
type Expiry = (Timestamp, u64);

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), expiry: BTreeSet::new(), written: 0 }
    }
}

impl<V> Table<V> {
    /// The entry, if its lifetime is not over.
    ///
    /// What has expired may still be there, and is as good as gone.
    fn live(&self, key: &StoreKey, now: Timestamp) -> Option<&V> {
        self.entries.get(key).filter(|(_, expiry)| expiry.0 > now).map(|(value, _)| value)
    }

    /// Writes an entry, and makes room for it first.
    ///
    /// What has expired is first in the order: one loop makes room with it, and if that
    /// is not enough with what would expire next.
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

    /// Removes an entry. `false` if there was none.
    fn take(&mut self, key: &StoreKey) -> Option<(V, Timestamp)> {
        let (value, until) = self.entries.remove(key)?;
        self.expiry.remove(&(until, *key));
        Some((value, until.0))
    }
}

impl MemoryStore {
    /// For so many sessions, and as many marks. A session takes about 3 KB.
    pub fn new(capacity: usize) -> Self {
        Self::with_shared_clock(capacity, SharedClock::default())
    }

    /// The same with another clock than the system's, for tests.
    pub fn with_clock(capacity: usize, clock: impl Clock) -> Self {
        Self::with_shared_clock(capacity, SharedClock::new(clock))
    }

    /// The same with the clock of the engine.
    pub(crate) fn with_shared_clock(capacity: usize, clock: SharedClock) -> Self {
        Self { tables: Mutex::default(), capacity: capacity.max(1), clock }
    }

    /// How many sessions are there, those included that have expired and not been
    /// needed since.
    pub fn len(&self) -> usize {
        self.lock().records.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no mark.
    ///
    /// Marks are rare, and each request with a session in a cookie asks. An expired
    /// mark that is still there only makes the answer slower.
    pub(crate) fn has_no_marks(&self) -> bool {
        let tables = self.lock();
        tables.marks.entries.is_empty() && tables.unproven.entries.is_empty()
    }

    /// Whether strangers have set marks.
    pub(crate) fn has_unproven_marks(&self) -> bool {
        !self.lock().unproven.entries.is_empty()
    }

    /// Sets a mark that is not proven. The oldest of them makes room.
    pub(crate) fn raise_unproven(&self, key: &StoreKey, value: u64, lifetime: Duration) {
        let until = self.clock.now().plus(lifetime);
        let mut tables = self.lock();
        let full = tables.unproven.entries.len() >= UNPROVEN && !tables.unproven.entries.contains_key(key);
        let value = tables.unproven.entries.get(key).map_or(value, |(before, _)| value.max(*before));
        tables.unproven.put(*key, value, until, UNPROVEN);
        if full && !std::mem::replace(&mut tables.overflowed, true) {
            tracing::warn!(
                target: "okta_auth",
                "more than {UNPROVEN} front-channel logouts named sessions that this process has not seen; the oldest \
                 are dropped, and a session that one of them was about goes on. This is logged once. Set \
                 OKTA_REVOCATION_STORE to a Redis URL, which knows each session from its beginning"
            );
        }
    }

    /// Keeps a mark among those that are proven: a session that it is about has come.
    pub(crate) fn prove(&self, keys: &[StoreKey]) {
        let mut tables = self.lock();
        for key in keys {
            if let Some((value, until)) = tables.unproven.take(key) {
                tables.marks.put(*key, value, until, self.capacity);
            }
        }
    }

    /// Writes a record with nothing in it, without waiting.
    pub(crate) fn note(&self, key: &StoreKey, lifetime: Duration) {
        let (record, until) = (StoredRecord { version: 0, sealed: Vec::new() }, self.clock.now().plus(lifetime));
        self.lock().records.put(*key, record, until, self.capacity);
    }

    /// The values of marks, without waiting.
    ///
    /// A mark that is not there, or has expired, is 0.
    pub(crate) fn marks_now(&self, marks: &[StoreKey]) -> Vec<u64> {
        let now = self.clock.now();
        let tables = self.lock();
        let value = |table: &Table<u64>, mark| table.live(mark, now).copied().unwrap_or(0);
        marks.iter().map(|mark| value(&tables.marks, mark).max(value(&tables.unproven, mark))).collect()
    }

    /// The tables. A panic cannot leave them half-written: nothing in here panics.
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the tables at once.
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

    // The version is compared and the record written under one lock: of two writers one
    // loses.
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
            // A session has four links at most: user, address, session at Okta, tenant. So this sets
            // half of them free at least, and is rare.
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

    // The pairs are in order, so what is read does not grow with the links of other
    // indexes.
    fn linked<'a>(&'a self, index: &'a StoreKey) -> StoreFuture<'a, Vec<StoreKey>> {
        let (first, last) = (StoreKey::from_bytes([0; 32]), StoreKey::from_bytes([0xff; 32]));
        self.at_once(|tables, now| {
            let links = tables.links.range((*index, first)..=(*index, last));
            links.filter(|(_, until)| **until > now).map(|((_, record), _)| *record).collect()
        })
    }

    // Whoever holds a mark may claim it again: that is how a lease is made longer.
    fn claim<'a>(&'a self, mark: &'a StoreKey, owner: u64, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.at_once(|tables, now| {
            let free = tables.marks.live(mark, now).is_none_or(|holder| *holder == owner);
            if free {
                tables.marks.put(*mark, owner, now.plus(lifetime), self.capacity);
            }
            free
        })
    }

    fn release<'a>(&'a self, mark: &'a StoreKey, owner: u64) -> StoreFuture<'a, ()> {
        self.at_once(|tables, now| {
            if tables.marks.live(mark, now) == Some(&owner) {
                tables.marks.take(mark);
            }
        })
    }

    // A mark only grows: a late message about an early moment must not bring sessions
    // back.
    fn raise<'a>(&'a self, mark: &'a StoreKey, value: u64, lifetime: Duration) -> StoreFuture<'a, ()> {
        self.at_once(|tables, now| {
            let before = tables.marks.live(mark, now).copied().unwrap_or(0);
            tables.marks.put(*mark, value.max(before), now.plus(lifetime), self.capacity);
        })
    }

    fn marks<'a>(&'a self, marks: &'a [StoreKey]) -> StoreFuture<'a, Vec<u64>> {
        Box::pin(ready(Ok(self.marks_now(marks))))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::UNIX_EPOCH;

    use super::*;

    crate::store_tests! {
        turning async {
            let seconds = Arc::new(AtomicU64::new(1_800_000_000));
            let clock = Arc::clone(&seconds);
            let store = MemoryStore::with_clock(1_000, move || {
                UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed))
            });
            (store, async move || {
                seconds.fetch_add(1, Ordering::Relaxed);
            })
        }
    }
}
