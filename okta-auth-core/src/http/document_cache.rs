//! A cache for one document. Concurrent callers share one fetch, and a stale document is served while the next fetch
//! runs.
//!
//! 1. Callers without a document all wait for the same fetch.
//! 2. Later callers get the document immediately. If it is stale, one fetch starts in the background.
//! 3. A failed fetch keeps the document and delays the next attempt. A document may have a limit after which it is no
//!    longer served.
//! 4. A caller that needs a newer document joins the running fetch, or starts one if it is allowed to.
//! 5. A fetch runs in its own task, so a caller that disconnects does not cancel it for the others.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::single_flight::InFlight;
use crate::clock::{SharedClock, Timestamp};
use crate::error::{Code, Error, Result};

/// A document, and how long its server allows it to be cached.
#[derive(Debug)]
pub(crate) struct Fetched<T> {
    pub(crate) value: T,
    pub(crate) max_age: Option<Duration>,
}

/// How long a document stays fresh. The server's value is clamped to the bounds: the lower bound prevents a `no-store`
/// from turning every request into a fetch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Freshness {
    pub(crate) default: Duration,
    pub(crate) least: Duration,
    pub(crate) most: Duration,
    /// After a failed refresh the stale document is served for this long before the next attempt.
    pub(crate) retry: Duration,
    /// How long a document is served, counted from its fetch, while refreshing it fails. `None` means without a limit.
    pub(crate) limit: Option<Duration>,
}

pub(crate) struct DocumentCache<T>(Arc<Inner<T>>);

struct Inner<T> {
    clock: SharedClock,
    freshness: Freshness,
    state: Mutex<State<T>>,
}

struct State<T> {
    value: Option<Arc<T>>,
    value_of: Timestamp,
    /// When the last fetch ended, successfully or not.
    fetched_at: Timestamp,
    fresh_for: Duration,
    flight: Option<Flight<T>>,
}

type Flight<T> = InFlight<Result<Arc<T>, Error>>;

pub(crate) struct Refetch<T>(Flight<T>);

impl<T: Send + Sync + 'static> Refetch<T> {
    /// Waits for the outcome.
    pub(crate) async fn value(self) -> Result<Arc<T>> {
        wait(self.0).await
    }
}

impl<T: Send + Sync + 'static> DocumentCache<T> {
    pub(crate) fn new(clock: SharedClock, freshness: Freshness) -> Self {
        let now = clock.now();
        let state = State { value: None, value_of: now, fetched_at: now, fresh_for: Duration::ZERO, flight: None };
        Self(Arc::new(Inner { clock, freshness, state: Mutex::new(state) }))
    }

    /// Returns the document. A cached document is returned immediately, and a stale one is refreshed in the background.
    /// Without a document the call waits for the fetch that all callers share.
    ///
    /// # Errors
    /// The error of the fetch, if there is no document to fall back on.
    pub(crate) async fn value<F, Fut>(&self, fetch: F) -> Result<Arc<T>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Fetched<T>>> + Send + 'static,
    {
        let flight = {
            let mut state = self.lock();
            let now = self.0.clock.now();
            if let Some(value) = state.servable(now, &self.0.freshness) {
                let value = Arc::clone(value);
                if state.is_stale(now) && state.under_way().is_none() {
                    state.flight = Some(self.start(fetch()));
                }
                return Ok(value);
            }
            self.join(&mut state, fetch)
        };
        wait(flight).await
    }

    /// Joins the running fetch or starts one. Returns `None` if no fetch is running and `may` forbids a new one.
    /// Calling `may` and starting the fetch are one atomic step, so of two concurrent callers the second one joins the
    /// fetch of the first.
    pub(crate) fn refetch<F, Fut>(&self, may: impl FnOnce() -> bool, fetch: F) -> Option<Refetch<T>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Fetched<T>>> + Send + 'static,
    {
        let mut state = self.lock();
        let joins = state.under_way().is_some();
        (joins || may()).then(|| Refetch(self.join(&mut state, fetch)))
    }

    /// Returns the cached document, fresh or stale, without fetching.
    pub(crate) fn current(&self) -> Option<Arc<T>> {
        let now = self.0.clock.now();
        self.lock().servable(now, &self.0.freshness).cloned()
    }

    /// Applies `look` to the document if it is fresh at `now`. `look` runs under the lock, so it must be short and must
    /// not call this cache.
    pub(crate) fn fresh<R>(&self, now: Timestamp, look: impl FnOnce(&Arc<T>) -> R) -> Option<R> {
        let state = self.lock();
        state.value.as_ref().filter(|_| !state.is_stale(now)).map(look)
    }

    fn join<F, Fut>(&self, state: &mut State<T>, fetch: F) -> Flight<T>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Fetched<T>>> + Send + 'static,
    {
        match state.under_way() {
            Some(flight) => flight.clone(),
            None => state.flight.insert(self.start(fetch())).clone(),
        }
    }

    fn start(&self, fetch: impl Future<Output = Result<Fetched<T>>> + Send + 'static) -> Flight<T> {
        let (cache, ended) = (self.clone(), self.clone());
        Flight::start(async move { cache.land(fetch.await) }, move || ended.lock().flight = None)
    }

    /// Stores the result of a fetch. A failure keeps the last good document and delays the next attempt.
    fn land(&self, result: Result<Fetched<T>>) -> Result<Arc<T>, Error> {
        let (now, bounds) = (self.0.clock.now(), self.0.freshness);
        let mut state = self.lock();
        state.fetched_at = now;
        match result {
            Ok(fetched) => {
                let value = Arc::new(fetched.value);
                state.value = Some(Arc::clone(&value));
                state.value_of = now;
                state.fresh_for = fetched.max_age.unwrap_or(bounds.default).clamp(bounds.least, bounds.most);
                Ok(value)
            }
            Err(error) => {
                state.fresh_for = bounds.retry;
                if state.value.is_some() {
                    tracing::warn!(target: "okta_auth", code = %error.code(), "a refresh failed, the last good document stays in use: {error:?}");
                }
                Err(error)
            }
        }
    }

    /// The lock is never held across an await.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A panic under the lock cannot leave the state half-written, because each write is one assignment.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + Sync + 'static> State<T> {
    /// Returns the running fetch. A fetch whose runtime ended before it began does not count, because it would never
    /// deliver an outcome.
    fn under_way(&self) -> Option<&Flight<T>> {
        self.flight.as_ref().filter(|flight| flight.is_alive())
    }

    /// Returns the document unless it is past its limit. If the clock jumps backwards, the document stays servable.
    fn servable(&self, now: Timestamp, freshness: &Freshness) -> Option<&Arc<T>> {
        let too_old = freshness.limit.is_some_and(|limit| now.since(self.value_of) >= limit);
        self.value.as_ref().filter(|_| !too_old)
    }

    /// If the clock jumps backwards, the document is stale, so that no document is cached forever.
    fn is_stale(&self, now: Timestamp) -> bool {
        now < self.fetched_at || now.since(self.fetched_at) >= self.fresh_for
    }
}

async fn wait<T: Send + Sync + 'static>(flight: Flight<T>) -> Result<Arc<T>> {
    match flight.outcome().await {
        Some(result) => result,
        None => Err(Error::new(Code::Internal, "a fetch ended without an outcome")),
    }
}

impl<T> Clone for DocumentCache<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

opaque_debug!(DocumentCache<T>);

#[cfg(test)]
#[path = "document_cache_tests.rs"]
mod tests;
