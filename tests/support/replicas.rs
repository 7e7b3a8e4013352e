//! One store for several replicas, which fails when a test wants it to, and remembers what it was given.

use std::future::ready;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use okta_auth_core::session::{MemoryStore, SessionStore, StoreError, StoreFuture, StoreKey, StoredRecord};
use okta_auth_dev::Org;
use tokio::sync::watch;

use super::{App, AppBuilder};

/// A store in memory that replicas of one process can share.
#[derive(Clone)]
pub(crate) struct SharedStore(Arc<Shared>);

struct Shared {
    memory: Arc<MemoryStore>,
    /// Nothing works.
    down: AtomicBool,
    /// Nothing but `save` fails.
    full: AtomicBool,
    /// So many sessions are removed, and then none.
    removals: Mutex<Option<usize>>,
    /// These fail, by name.
    failing: Mutex<Vec<&'static str>>,
    /// Whoever reads links waits here.
    gate: watch::Sender<Gate>,
    /// How many records have been replaced.
    saved: watch::Sender<usize>,
    /// How many leases and marks have been given back.
    released: watch::Sender<usize>,
    /// How many claims were refused because somebody else holds the mark.
    refused: watch::Sender<usize>,
    /// Every key and every record that was ever written.
    written: Mutex<Vec<Vec<u8>>>,
}

/// A door before the links of a store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    Shut,
    /// Shut, and somebody waits.
    Waited,
}

impl SharedStore {
    pub(crate) fn new(org: &Org) -> Self {
        let clock = org.clock();
        Self::over(Arc::new(MemoryStore::with_clock(10_000, move || clock.now())))
    }

    /// The same records, by a way that fails for itself.
    pub(crate) fn other_way(&self) -> Self {
        Self::over(Arc::clone(&self.0.memory))
    }

    /// A store that never forgets, whatever lifetime it is given.
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
            gate: watch::Sender::new(Gate::Open),
            saved: watch::Sender::new(0),
            released: watch::Sender::new(0),
            refused: watch::Sender::new(0),
            written: Mutex::default(),
        }))
    }

    /// Lets everything fail, or work again.
    pub(crate) fn down(&self, down: bool) {
        self.0.down.store(down, Ordering::SeqCst);
    }

    /// Lets every `save` fail, or work again.
    pub(crate) fn refuse_saves(&self, full: bool) {
        self.0.full.store(full, Ordering::SeqCst);
    }

    /// Lets so many sessions be removed, and no more.
    pub(crate) fn remove_only(&self, most: Option<usize>) {
        *self.0.removals.lock().unwrap() = most;
    }

    /// How many records have been replaced.
    pub(crate) fn saved(&self) -> usize {
        *self.0.saved.borrow()
    }

    /// Waits until more records than that have been replaced.
    pub(crate) async fn until_saved_since(&self, before: usize) {
        until_more(&self.0.saved, before).await;
    }

    /// How many leases and marks have been given back.
    pub(crate) fn released(&self) -> usize {
        *self.0.released.borrow()
    }

    /// Waits until more leases and marks than that have been given back.
    pub(crate) async fn until_released_since(&self, before: usize) {
        until_more(&self.0.released, before).await;
    }

    /// Lets these operations fail, and all others work.
    pub(crate) fn fail(&self, operations: &[&'static str]) {
        *self.0.failing.lock().unwrap() = operations.to_vec();
    }

    /// Lets whoever reads links wait, or go on.
    pub(crate) fn gate(&self, gate: Gate) {
        self.0.gate.send_replace(gate);
    }

    /// Waits until somebody waits at the gate.
    pub(crate) async fn until_somebody_waits(&self) {
        self.0.gate.subscribe().wait_for(|gate| *gate == Gate::Waited).await.unwrap();
    }

    /// An operation that fails when it is told to.
    fn works<'a, T: Send + 'a>(
        &'a self,
        operation: &str,
        act: impl FnOnce(&'a MemoryStore) -> StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        if self.0.failing.lock().unwrap().contains(&operation) {
            return Box::pin(ready(Err(StoreError::new("the store fails"))));
        }
        self.up(act)
    }

    /// How many sessions there are.
    pub(crate) fn len(&self) -> usize {
        self.0.memory.len()
    }

    /// Waits until somebody has found a lease taken.
    pub(crate) async fn until_a_claim_was_refused(&self) {
        self.0.refused.subscribe().wait_for(|refused| *refused > 0).await.unwrap();
    }

    /// What has been written, one after the other.
    pub(crate) fn written(&self) -> Vec<Vec<u8>> {
        self.0.written.lock().unwrap().clone()
    }

    fn note(&self, key: &StoreKey, record: Option<&StoredRecord>) {
        let mut written = self.0.written.lock().unwrap();
        written.push(key.as_bytes().to_vec());
        written.extend(record.map(|record| record.sealed.clone()));
    }

    /// The store itself, or the error of one that is down.
    fn up<'a, T: Send + 'a>(&'a self, act: impl FnOnce(&'a MemoryStore) -> StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        if self.0.down.load(Ordering::SeqCst) {
            return Box::pin(ready(Err(StoreError::new("the store is down"))));
        }
        act(&self.0.memory)
    }
}

/// Waits until a number is greater.
async fn until_more(number: &watch::Sender<usize>, before: usize) {
    let mut number = number.subscribe();
    let patience = tokio::time::timeout(Duration::from_secs(20), number.wait_for(|number| *number > before));
    assert!(patience.await.is_ok(), "it does not happen");
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

    fn claim<'a>(&'a self, mark: &'a StoreKey, owner: u64, lifetime: Duration) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let taken = self.up(|store| store.claim(mark, owner, lifetime)).await?;
            self.0.refused.send_modify(|refused| *refused += usize::from(!taken));
            Ok(taken)
        })
    }

    fn release<'a>(&'a self, mark: &'a StoreKey, owner: u64) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.works("release", |store| store.release(mark, owner)).await?;
            self.0.released.send_modify(|number| *number += 1);
            Ok(())
        })
    }

    fn raise<'a>(&'a self, mark: &'a StoreKey, value: u64, lifetime: Duration) -> StoreFuture<'a, ()> {
        self.note(mark, None);
        self.works("raise", |store| store.raise(mark, value, lifetime))
    }

    fn marks<'a>(&'a self, marks: &'a [StoreKey]) -> StoreFuture<'a, Vec<u64>> {
        self.up(|store| store.marks(marks))
    }
}

/// Where the sessions of a test's application live.
#[derive(Clone)]
pub(crate) enum Place {
    Cookie,
    Memory,
    Shared(SharedStore),
}

impl Place {
    /// The two places that need nothing else.
    pub(crate) const LOCAL: [Self; 2] = [Self::Cookie, Self::Memory];

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Memory => "memory",
            Self::Shared(_) => "shared",
        }
    }

    /// An application that keeps its sessions here.
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

/// Two replicas of one application, and what they share.
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

/// Asks for a refresh token.
pub(crate) fn offline(config: okta_auth_core::config::ConfigBuilder) -> okta_auth_core::config::ConfigBuilder {
    config.scopes("openid profile email offline_access")
}
