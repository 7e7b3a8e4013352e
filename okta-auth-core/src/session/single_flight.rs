//! Single-flight: callers that want the same work share one run of it.
//!
//! If a hundred requests of one browser arrive with an expired token, they share one refresh,
//! because a rotating refresh token may be valid for one use only. Tenant lookups are shared in the
//! same way.
//!
//! This holds within one process. Between processes the store holds a lease.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::store::StoreKey;

/// Running work, by key. Clones share it.
pub(crate) struct SingleFlight<T>(Arc<Mutex<HashMap<StoreKey, InFlight<T>>>>);

/// Receives the outcome of running work.
///
/// `watch` keeps the last value, so a subscriber that arrives after the end sees it too.
type InFlight<T> = watch::Receiver<Option<T>>;

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    /// Whether work is running for this key.
    ///
    /// The work may end before the caller acts on the answer, so use it only as a hint.
    pub(crate) fn is_under_way(&self, key: &StoreKey) -> bool {
        self.lock().get(key).is_some_and(is_alive)
    }

    /// Joins the running work for this key, or starts it. The work continues if its callers are
    /// dropped. Returns `None` if the work panicked or was cancelled.
    ///
    /// The lookup and the start happen under one lock, so two callers never both start.
    pub(crate) async fn join<Fut>(&self, key: StoreKey, work: impl FnOnce() -> Fut) -> Option<T>
    where
        Fut: Future<Output = T> + Send + 'static,
    {
        let mut flight = {
            let mut flights = self.lock();
            match flights.get(&key).filter(|flight| is_alive(flight)) {
                Some(flight) => flight.clone(),
                None => {
                    let flight = self.start(key, work());
                    flights.insert(key, flight.clone());
                    flight
                }
            }
        };
        flight.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
    }

    /// Runs the work in its own task: refreshed tokens must not be lost when the browser
    /// disconnects.
    fn start(&self, key: StoreKey, work: impl Future<Output = T> + Send + 'static) -> InFlight<T> {
        let (done, flight) = watch::channel(None);
        let flights = self.clone();
        tokio::spawn(async move {
            // Created inside the task: a runtime that is shutting down drops the future at once,
            // while the caller still holds the lock.
            let landing = RemoveOnDrop { flights, key };
            let outcome = work.await;
            // Remove the entry before publishing the outcome, so that later callers start new work.
            drop(landing);
            let _ = done.send(Some(outcome));
        });
        flight
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StoreKey, InFlight<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the work is still running. A runtime may have shut down before the work began.
fn is_alive<T>(flight: &InFlight<T>) -> bool {
    flight.has_changed().is_ok()
}

/// Removes the entry when dropped, also after a panic.
struct RemoveOnDrop<T: Clone + Send + Sync + 'static> {
    flights: SingleFlight<T>,
    key: StoreKey,
}

// The sender is dropped with the task, so waiting callers receive `None` and do not hang.
impl<T: Clone + Send + Sync + 'static> Drop for RemoveOnDrop<T> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}

impl<T> Clone for SingleFlight<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for SingleFlight<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> fmt::Debug for SingleFlight<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn concurrent_callers_share_one_run_and_later_callers_start_another() {
        let (flights, key) = (SingleFlight::<usize>::default(), StoreKey::from_bytes([1; 32]));
        let started = Arc::new(AtomicUsize::new(0));
        let (release, released) = oneshot::channel::<()>();
        let mut released = Some(released);
        let mut callers = Vec::new();
        for _ in 0..100 {
            let (flights, started, released) = (flights.clone(), Arc::clone(&started), released.take());
            callers.push(tokio::spawn(async move {
                let work = || async move {
                    if let Some(released) = released {
                        released.await.unwrap();
                    }
                    started.fetch_add(1, Ordering::SeqCst)
                };
                flights.join(key, work).await
            }));
            tokio::task::yield_now().await;
        }
        assert!(flights.is_under_way(&key));
        release.send(()).unwrap();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), Some(0));
        }
        assert!(!flights.is_under_way(&key));
        assert_eq!(flights.join(key, || async { 7 }).await, Some(7));
    }

    #[tokio::test]
    async fn work_continues_without_its_caller_and_ends_if_it_panics() {
        let (flights, key) = (SingleFlight::<u8>::default(), StoreKey::from_bytes([1; 32]));
        let (done, mut ended) = oneshot::channel();
        let (release, released) = oneshot::channel::<()>();
        let work = || async move {
            released.await.unwrap();
            done.send(()).unwrap();
            1
        };
        let mut caller = Box::pin(flights.join(key, work));
        assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(caller.as_mut().poll(cx).is_pending())).await);
        drop(caller);
        assert!(ended.try_recv().is_err());
        release.send(()).unwrap();
        ended.await.unwrap();
        assert_eq!(flights.join(StoreKey::from_bytes([2; 32]), || async { panic!("broken") }).await, None);
        assert_eq!(flights.join(StoreKey::from_bytes([2; 32]), || async { 3 }).await, Some(3));
    }

    #[test]
    fn work_of_a_runtime_that_shuts_down_blocks_no_caller() {
        struct AsksAtTheEnd(SingleFlight<u8>);

        impl Drop for AsksAtTheEnd {
            fn drop(&mut self) {
                let mut late = Box::pin(self.0.join(StoreKey::from_bytes([1; 32]), || async { 1 }));
                let _ = late.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
            }
        }

        let (flights, key) = (SingleFlight::default(), StoreKey::from_bytes([1; 32]));
        let (done, ended) = std::sync::mpsc::channel();
        let asks = AsksAtTheEnd(flights.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                tokio::spawn(async move {
                    let _asks = asks;
                    std::future::pending::<()>().await;
                });
                tokio::task::yield_now().await;
            });
            drop(runtime);
            done.send(()).unwrap();
        });
        ended.recv_timeout(std::time::Duration::from_secs(20)).expect("the runtime does not shut down");
        assert!(!flights.is_under_way(&key), "abandoned work counts as running");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(flights.join(key, || async { 2 })), Some(2));
    }
}
