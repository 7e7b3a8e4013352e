//! A document that is fetched once for any number of callers, and served stale while it
//! is fetched again.
//!
//! 1. The first callers wait for one fetch, however many they are.
//! 2. Later ones get the document at once. If it is stale, one fetch begins behind
//!    them.
//! 3. A fetch that fails leaves the document in place, and the next try waits. A document
//!    may have a limit, after which it is not served any more.
//! 4. Whoever needs a newer document joins the fetch that is under way, or starts one
//!    if it may.
//! 5. A fetch belongs to nobody: a caller that goes away does not take it from the
//!    others.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::{SharedClock, Timestamp};
use crate::error::{Code, Error, Result};

/// A document with the time that its server lets it be kept.
#[derive(Debug)]
pub(crate) struct Fetched<T> {
    pub(crate) value: T,
    pub(crate) max_age: Option<Duration>,
}

/// How long a document stays fresh. What the server says counts between the bounds: the
/// lower one keeps a `no-store` from turning every request into a fetch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Freshness {
    pub(crate) default: Duration,
    pub(crate) least: Duration,
    pub(crate) most: Duration,
    /// After a failed refresh the stale document is served this long before the next
    /// try.
    pub(crate) retry: Duration,
    /// How long a document is served at most while it cannot be fetched again, counted
    /// from when it was fetched; `None` for as long as it takes.
    pub(crate) limit: Option<Duration>,
}

/// The cache. Clones share it.
pub(crate) struct Cached<T>(Arc<Inner<T>>);

/// What the clones share.
struct Inner<T> {
    clock: SharedClock,
    freshness: Freshness,
    state: Mutex<State<T>>,
}

/// The document, and the fetch that is under way.
struct State<T> {
    value: Option<Arc<T>>,
    /// When the document was fetched.
    value_of: Timestamp,
    /// When the last fetch ended, well or not.
    fetched_at: Timestamp,
    fresh_for: Duration,
    flight: Option<Flight<T>>,
}

/// Where the outcome of a fetch will be seen by all who wait for it.
type Flight<T> = watch::Receiver<Option<Result<Arc<T>, Arc<Error>>>>;

/// A fetch that somebody waits for.
pub(crate) struct Refetch<T>(Flight<T>);

impl<T> Refetch<T> {
    /// What it brings.
    ///
    /// # Errors
    /// The error of the fetch. What was cached stays.
    pub(crate) async fn value(self) -> Result<Arc<T>> {
        wait(self.0).await
    }
}

impl<T: Send + Sync + 'static> Cached<T> {
    /// An empty cache.
    pub(crate) fn new(clock: SharedClock, freshness: Freshness) -> Self {
        let now = clock.now();
        let state = State { value: None, value_of: now, fetched_at: now, fresh_for: Duration::ZERO, flight: None };
        Self(Arc::new(Inner { clock, freshness, state: Mutex::new(state) }))
    }

    /// The document: at once if there is one, fresh or stale, and a stale one is
    /// fetched again in the background; else after the fetch, which is one for all
    /// callers.
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

    /// Starts a fetch, or joins the one that is under way; `None` if there is none and
    /// `may` does not allow another. The answer of `may` and the start are one step, so
    /// that of two callers at once either both join or one is told what the other
    /// brings.
    pub(crate) fn refetch<F, Fut>(&self, may: impl FnOnce() -> bool, fetch: F) -> Option<Refetch<T>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Fetched<T>>> + Send + 'static,
    {
        let mut state = self.lock();
        let joins = state.under_way().is_some();
        (joins || may()).then(|| Refetch(self.join(&mut state, fetch)))
    }

    /// The document as it is, fetched or not.
    pub(crate) fn current(&self) -> Option<Arc<T>> {
        let now = self.0.clock.now();
        self.lock().servable(now, &self.0.freshness).cloned()
    }

    /// What `look` sees in the document, if there is one that is fresh at `now`. It
    /// looks while the lock is held: it is to be short, and not to look here again.
    pub(crate) fn fresh<R>(&self, now: Timestamp, look: impl FnOnce(&Arc<T>) -> R) -> Option<R> {
        let state = self.lock();
        state.value.as_ref().filter(|_| !state.is_stale(now)).map(look)
    }

    /// The fetch that is under way, or a new one.
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

    /// Runs the fetch in a task of its own: a caller that goes away must not take it
    /// from the others.
    fn start(&self, fetch: impl Future<Output = Result<Fetched<T>>> + Send + 'static) -> Flight<T> {
        let (done, flight) = watch::channel(None);
        let cache = self.clone();
        tokio::spawn(async move {
            // If the fetch panics, the flight must end all the same, or nobody would
            // ever start another one.
            let landing = Landing(cache.clone());
            let result = fetch.await;
            let outcome = cache.land(result);
            drop(landing);
            let _ = done.send(Some(outcome));
        });
        flight
    }

    /// Keeps what a fetch brought. A failure keeps the last good document, and the next
    /// try waits.
    fn land(&self, result: Result<Fetched<T>>) -> Result<Arc<T>, Arc<Error>> {
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
                    tracing::warn!(target: "okta_auth", code = %error.code(), "a refresh failed, the last good document serves: {error:?}");
                }
                Err(Arc::new(error))
            }
        }
    }

    /// The state. The lock is never held across an await.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A panic while the lock was held cannot leave the state half-written: each
        // write is one assignment.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a flight when dropped.
struct Landing<T: Send + Sync + 'static>(Cached<T>);

impl<T: Send + Sync + 'static> Drop for Landing<T> {
    fn drop(&mut self) {
        self.0.lock().flight = None;
    }
}

impl<T> State<T> {
    /// The fetch that is under way. One whose runtime has ended before it began is none:
    /// nobody would ever hear of it.
    fn under_way(&self) -> Option<&Flight<T>> {
        self.flight.as_ref().filter(|flight| flight.has_changed().is_ok())
    }

    /// The document, unless it is too old to be served at all. A clock that was set back
    /// makes none too old.
    fn servable(&self, now: Timestamp, freshness: &Freshness) -> Option<&Arc<T>> {
        let too_old = freshness.limit.is_some_and(|limit| now.since(self.value_of) >= limit);
        self.value.as_ref().filter(|_| !too_old)
    }

    /// A clock that was set back makes a document stale, so that nothing is kept for
    /// ever.
    fn is_stale(&self, now: Timestamp) -> bool {
        now < self.fetched_at || now.since(self.fetched_at) >= self.fresh_for
    }
}

/// Waits for a fetch that somebody started.
async fn wait<T>(mut flight: Flight<T>) -> Result<Arc<T>> {
    let outcome = flight.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
    match outcome {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(error.duplicate()),
        None => Err(Error::new(Code::Internal, "a fetch ended without an outcome")),
    }
}

impl<T> Clone for Cached<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Cached<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "cached_tests.rs"]
mod tests;
