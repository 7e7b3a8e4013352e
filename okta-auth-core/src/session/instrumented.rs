//! Wraps any store and records the duration of each operation for the feature `metrics`.
//!
//! The builder wraps the store once, so that neither stores nor callers have to measure. Names and labels are in
//! [`metrics`](crate::events::metrics).

use std::sync::Arc;
use std::time::Duration;

use super::store::{SessionStore, StoreFuture, StoreKey, StoredRecord};
use crate::events::Measure;

pub(crate) struct InstrumentedStore(Arc<dyn SessionStore>);

impl InstrumentedStore {
    pub(crate) fn new(store: Arc<dyn SessionStore>) -> Self {
        Self(store)
    }
}

/// Measures one operation, from its first poll. If the store times out, the measure is dropped without an outcome.
fn measured<'a, T: 'a>(operation: &'static str, work: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
    Box::pin(async move {
        let measure = Measure::store(operation);
        let done = work.await;
        measure.end(if done.is_ok() { "ok" } else { "store_unavailable" });
        done
    })
}

impl SessionStore for InstrumentedStore {
    fn create<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        measured("create", self.0.create(key, record, lifetime))
    }

    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredRecord>> {
        measured("load", self.0.load(key))
    }

    fn save<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        measured("save", self.0.save(key, record, lifetime))
    }

    fn remove<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, bool> {
        measured("remove", self.0.remove(key))
    }

    fn link<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey, lifetime: Duration) -> StoreFuture<'a, ()> {
        measured("link", self.0.link(index, record, lifetime))
    }

    fn unlink<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey) -> StoreFuture<'a, ()> {
        measured("unlink", self.0.unlink(index, record))
    }

    fn linked<'a>(&'a self, index: &'a StoreKey) -> StoreFuture<'a, Vec<StoreKey>> {
        measured("linked", self.0.linked(index))
    }

    fn try_lock<'a>(&'a self, mark: &'a StoreKey, owner: u64, lifetime: Duration) -> StoreFuture<'a, bool> {
        measured("claim", self.0.try_lock(mark, owner, lifetime))
    }

    fn unlock<'a>(&'a self, mark: &'a StoreKey, owner: u64) -> StoreFuture<'a, ()> {
        measured("release", self.0.unlock(mark, owner))
    }

    fn raise_watermark<'a>(&'a self, mark: &'a StoreKey, value: u64, lifetime: Duration) -> StoreFuture<'a, ()> {
        measured("raise", self.0.raise_watermark(mark, value, lifetime))
    }

    fn watermarks<'a>(&'a self, marks: &'a [StoreKey]) -> StoreFuture<'a, Vec<u64>> {
        measured("marks", self.0.watermarks(marks))
    }
}

opaque_debug!(InstrumentedStore);
