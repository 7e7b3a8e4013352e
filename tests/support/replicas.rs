//! A store for several replicas that fails on request and records what was written.

use std::future::ready;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use okta_auth_core::session::{MemoryStore, SessionStore, StoreError, StoreFuture, StoreKey, StoredRecord};
use okta_auth_dev::Org;
use tokio::sync::watch;

use super::{App, AppBuilder};

/// A memory store that the replicas of one process share.
#[derive(Clone)]
pub(crate) struct SharedStore(Arc<Shared>);

struct Shared {
    memory: Arc<MemoryStore>,
    /// Every operation fails.
    down: AtomicBool,
    /// Only `save` fails.
    full: AtomicBool,
    /// The number of removals that still succeed.
    removals: Mutex<Option<usize>>,
    /// The names of failing operations.
    failing: Mutex<Vec<&'static str>>,
    /// How many operations have failed.
    failures: AtomicUsize,
    /// Readers of index links wait at this gate.
    gate: watch::Sender<Gate>,
    /// The number of replaced records.
    saved: watch::Sender<usize>,
    /// The number of released leases and marks.
    released: watch::Sender<usize>,
    /// The number of claims that were refused because the mark is held.
    refused: watch::Sender<usize>,
    /// Every written key and record.
    written: Mutex<Vec<Vec<u8>>>,
}

/// A gate before the links of a store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    Shut,
    /// Closed, and a reader waits.
    Waited,
}

impl SharedStore {
    pub(crate) fn new(org: &Org) -> Self {
        let clock = org.clock();
        Self::over(Arc::new(MemoryStore::with_clock(10_000, move || clock.now())))
    }

    /// The same records, with independent failures.
    pub(crate) fn other_way(&self) -> Self {
        Self::over(Arc::clone(&self.0.memory))
    }

    /// A store that never expires records, regardless of their lifetime.
    pub(crate) fn without_expiry() -> Self {
        Self::over(Arc::new(MemoryStore::with_clock(10_000, || std::time::UNIX_EPOCH)))
    }

    fn over(memory: Arc<MemoryStore>) -> Self {
        Self(Arc::new(Shared {
            memory,
            down: AtomicBool::new(false),
            full: AtomicBool::new(false),
            removals: Mutex::default(),
            failing: Mutex::default(),
            failures: AtomicUsize::new(0),
            gate: watch::Sender::new(Gate::Open),
            saved: watch::Sender::new(0),
            released: watch::Sender::new(0),
            refused: watch::Sender::new(0),
            written: Mutex::default(),
        }))
    }

    /// Sets whether every operation fails.
    pub(crate) fn down(&self, down: bool) {
        self.0.down.store(down, Ordering::SeqCst);
    }

    /// Sets whether every `save` fails.
    pub(crate) fn refuse_saves(&self, full: bool) {
        self.0.full.store(full, Ordering::SeqCst);
    }

    /// Limits the number of removals that succeed.
    pub(crate) fn remove_only(&self, most: Option<usize>) {
        *self.0.removals.lock().unwrap() = most;
    }

    /// The number of replaced records.
    pub(crate) fn saved(&self) -> usize {
        *self.0.saved.borrow()
    }

    /// Waits until more records have been replaced.
    pub(crate) async fn until_saved_since(&self, before: usize) {
        until_more(&self.0.saved, before).await;
    }

    /// The number of released leases and marks.
    pub(crate) fn released(&self) -> usize {
        *self.0.released.borrow()
    }

    /// Waits until more leases and marks have been released.
    pub(crate) async fn until_released_since(&self, before: usize) {
        until_more(&self.0.released, before).await;
    }

    /// Sets which operations fail; all others work.
    pub(crate) fn fail(&self, operations: &[&'static str]) {
        *self.0.failing.lock().unwrap() = operations.to_vec();
    }

    /// How many operations have failed.
    pub(crate) fn failures(&self) -> usize {
        self.0.failures.load(Ordering::SeqCst)
    }

    /// Sets whether readers of links wait.
    pub(crate) fn gate(&self, gate: Gate) {
        self.0.gate.send_replace(gate);
    }

    /// Waits until a reader waits at the gate.
    pub(crate) async fn until_a_reader_waits(&self) {
        self.0.gate.subscribe().wait_for(|gate| *gate == Gate::Waited).await.unwrap();
    }

    /// Runs an operation unless it is set to fail.
    fn works<'a, T: Send + 'a>(
        &'a self,
        operation: &str,
        act: impl FnOnce(&'a MemoryStore) -> StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        if self.0.failing.lock().unwrap().contains(&operation) {
            self.0.failures.fetch_add(1, Ordering::SeqCst);
            return Box::pin(ready(Err(StoreError::new("the store fails"))));
        }
        self.up(act)
    }

    /// The number of sessions.
    pub(crate) fn len(&self) -> usize {
        self.0.memory.len()
    }

    /// Waits until a claim was refused.
    pub(crate) async fn until_a_claim_was_refused(&self) {
        self.0.refused.subscribe().wait_for(|refused| *refused > 0).await.unwrap();
    }

    /// Everything that has been written, concatenated.
    pub(crate) fn written(&self) -> Vec<Vec<u8>> {
        self.0.written.lock().unwrap().clone()
    }

    fn note(&self, key: &StoreKey, record: Option<&StoredRecord>) {
        let mut written = self.0.written.lock().unwrap();
        written.push(key.as_bytes().to_vec());
        written.extend(record.map(|record| record.sealed.clone()));
    }

    /// Runs an operation unless the store is down.
    fn up<'a, T: Send + 'a>(&'a self, act: impl FnOnce(&'a MemoryStore) -> StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        if self.0.down.load(Ordering::SeqCst) {
            self.0.failures.fetch_add(1, Ordering::SeqCst);
            return Box::pin(ready(Err(StoreError::new("the store is down"))));
        }
        act(&self.0.memory)
    }
}

/// Waits until a number increases.
async fn until_more(number: &watch::Sender<usize>, before: usize) {
    let mut number = number.subscribe();
    let patience = tokio::time::timeout(Duration::from_secs(20), number.wait_for(|number| *number > before));
    assert!(patience.await.is_ok(), "timeout");
}

impl SessionStore for SharedStore {
    fn create<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.note(key, Some(record));
        self.up(|store| store.create(key, record, lifetime))
    }

    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredRecord>> {
        self.up(|store| store.load(key))
    }

    fn save<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.note(key, Some(record));
        if self.0.full.load(Ordering::SeqCst) {
            return Box::pin(ready(Err(StoreError::new("the store takes no records"))));
        }
        Box::pin(async move {
            let saved = self.up(|store| store.save(key, record, lifetime)).await?;
            self.0.saved.send_modify(|number| *number += usize::from(saved));
            Ok(saved)
        })
    }

    fn remove<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, bool> {
        if let Some(left) = self.0.removals.lock().unwrap().as_mut() {
            match left.checked_sub(1) {
                Some(less) => *left = less,
                None => return Box::pin(ready(Err(StoreError::new("the store removes nothing")))),
            }
        }
        self.works("remove", |store| store.remove(key))
    }

    fn link<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey, lifetime: Duration) -> StoreFuture<'a, ()> {
        self.note(index, None);
        self.up(|store| store.link(index, record, lifetime))
    }

    fn unlink<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey) -> StoreFuture<'a, ()> {
        self.up(|store| store.unlink(index, record))
    }

    fn linked<'a>(&'a self, index: &'a StoreKey) -> StoreFuture<'a, Vec<StoreKey>> {
        Box::pin(async move {
            if *self.0.gate.borrow() != Gate::Open {
                self.gate(Gate::Waited);
                self.0.gate.subscribe().wait_for(|gate| *gate == Gate::Open).await.unwrap();
            }
            self.works("linked", |store| store.linked(index)).await
        })
    }

    fn try_lock<'a>(&'a self, mark: &'a StoreKey, owner: u64, lifetime: Duration) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let taken = self.up(|store| store.try_lock(mark, owner, lifetime)).await?;
            self.0.refused.send_modify(|refused| *refused += usize::from(!taken));
            Ok(taken)
        })
    }

    fn unlock<'a>(&'a self, mark: &'a StoreKey, owner: u64) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.works("release", |store| store.unlock(mark, owner)).await?;
            self.0.released.send_modify(|number| *number += 1);
            Ok(())
        })
    }

    fn raise_watermark<'a>(&'a self, mark: &'a StoreKey, value: u64, lifetime: Duration) -> StoreFuture<'a, ()> {
        self.note(mark, None);
        self.works("raise", |store| store.raise_watermark(mark, value, lifetime))
    }

    fn watermarks<'a>(&'a self, marks: &'a [StoreKey]) -> StoreFuture<'a, Vec<u64>> {
        self.up(|store| store.watermarks(marks))
    }
}

/// The session store of a test's application.
#[derive(Clone)]
pub(crate) enum Place {
    Cookie,
    Memory,
    Shared(SharedStore),
}

impl Place {
    /// The two places without further requirements.
    pub(crate) const LOCAL: [Self; 2] = [Self::Cookie, Self::Memory];

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Memory => "memory",
            Self::Shared(_) => "shared",
        }
    }

    /// An application that stores its sessions here.
    pub(crate) fn app(&self) -> AppBuilder {
        let builder = AppBuilder::default();
        match self {
            Self::Cookie | Self::Memory => {
                let name = self.name();
                builder.configure(move |config| offline(config).session_store(name))
            }
            Self::Shared(store) => {
                let store = store.clone();
                builder.configure(offline).build_with(move |builder| builder.session_store(store))
            }
        }
    }
}

/// Two replicas of one application with shared state.
pub(crate) struct Replicas {
    pub(crate) org: Org,
    pub(crate) store: SharedStore,
    pub(crate) first: App,
    pub(crate) second: App,
}

impl Replicas {
    pub(crate) async fn start(org: Org, routes: impl Fn() -> axum::Router) -> Self {
        let store = SharedStore::new(&org);
        let place = Place::Shared(store.clone());
        let first = place.app().org(org.clone()).routes(routes()).start().await;
        let second = place.app().org(org.clone()).routes(routes()).start().await;
        Self { org, store, first, second }
    }
}

/// Requests a refresh token.
pub(crate) fn offline(config: okta_auth_core::config::ConfigBuilder) -> okta_auth_core::config::ConfigBuilder {
    config.scopes("openid profile email offline_access")
}
