//! Single-flight: callers that want the same work share one run of it.
//!
//! If a hundred requests of one browser arrive with an expired token, they share one refresh, because a rotating
//! refresh token may be valid for one use only. Tenant lookups, introspections and cached documents are shared in the
//! same way.
//!
//! This holds within one process. Between processes the store holds a lease.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Work in a task of its own, and its outcome for all callers.
///
/// `watch` keeps the last value, so a caller that arrives after the end receives it too.
#[derive(Clone)]
pub(super) struct InFlight<T>(watch::Receiver<Option<T>>);

impl<T: Clone + Send + Sync + 'static> InFlight<T> {
    /// Starts the work. It runs in its own task, because its result must not be lost if the caller disconnects.
    /// `on_end` runs before the outcome is published, so that later callers start new work; it also runs if the work
    /// panics.
    pub(super) fn start(
        work: impl Future<Output = T> + Send + 'static,
        on_end: impl FnOnce() + Send + 'static,
    ) -> Self {
        let (done, flight) = watch::channel(None);
        tokio::spawn(async move {
            // Created inside the task: a runtime that is shutting down drops the future at once, while the caller may
            // still hold the lock that `on_end` takes.
            let end = RunOnDrop(Some(on_end));
            let outcome = work.await;
            drop(end);
            let _ = done.send(Some(outcome));
        });
        Self(flight)
    }

    /// Whether the work is still running. Its runtime may have shut down before the work began.
    pub(super) fn is_alive(&self) -> bool {
        self.0.has_changed().is_ok()
    }

    /// Waits for the outcome. Returns `None` if the work panicked or was cancelled.
    pub(super) async fn outcome(mut self) -> Option<T> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
    }
}

struct RunOnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for RunOnDrop<F> {
    fn drop(&mut self) {
        if let Some(run) = self.0.take() {
            run();
        }
    }
}

/// Running work, by key. Clones share it.
pub(crate) struct SingleFlight<K, T>(Arc<Mutex<HashMap<K, InFlight<T>>>>);

impl<K: Clone + Eq + Hash + Send + 'static, T: Clone + Send + Sync + 'static> SingleFlight<K, T> {
    /// Whether work is running for this key.
    ///
    /// The work may end before the caller acts on the answer, so use it only as a hint.
    pub(crate) fn is_under_way(&self, key: &K) -> bool {
        self.lock().get(key).is_some_and(InFlight::is_alive)
    }

    /// Joins the running work for this key, or starts it. The work continues if its callers are dropped. Returns `None`
    /// if the work panicked or was cancelled.
    ///
    /// The lookup and the start happen under one lock, so two callers never both start.
    pub(crate) async fn join<Fut>(&self, key: K, work: impl FnOnce() -> Fut) -> Option<T>
    where
        Fut: Future<Output = T> + Send + 'static,
    {
        let flight = {
            let mut flights = self.lock();
            match flights.get(&key).filter(|flight| flight.is_alive()) {
                Some(flight) => flight.clone(),
                None => {
                    let (ended, its) = (self.clone(), key.clone());
                    let flight = InFlight::start(work(), move || drop(ended.lock().remove(&its)));
                    flights.insert(key, flight.clone());
                    flight
                }
            }
        };
        flight.outcome().await
    }
}

impl<K, T> SingleFlight<K, T> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, InFlight<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, T> Clone for SingleFlight<K, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, T> Default for SingleFlight<K, T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

opaque_debug!(SingleFlight<K, T>);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn concurrent_callers_share_one_run_and_later_callers_start_another() {
        let (flights, key) = (SingleFlight::<u8, usize>::default(), 1);
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
        let (flights, key) = (SingleFlight::<u8, u8>::default(), 1);
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
        assert_eq!(flights.join(2, || async { panic!("broken") }).await, None);
        assert_eq!(flights.join(2, || async { 3 }).await, Some(3));
    }

    #[test]
    fn work_of_a_runtime_that_shuts_down_blocks_no_caller() {
        struct AsksAtTheEnd(SingleFlight<u8, u8>);

        impl Drop for AsksAtTheEnd {
            fn drop(&mut self) {
                let mut late = Box::pin(self.0.join(1, || async { 1 }));
                let _ = late.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
            }
        }

        let (flights, key) = (SingleFlight::default(), 1);
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
