//! One fetch for all callers, stale documents during a refresh, and recovery after failures.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::clock::TestClock;

const FRESHNESS: Freshness = Freshness {
    default: Duration::from_secs(100),
    least: Duration::from_secs(10),
    most: Duration::from_secs(1_000),
    retry: Duration::from_secs(5),
    limit: Some(Duration::from_secs(2_000)),
};

/// A cache on a clock that the test advances, with a counter of fetches.
struct Bench {
    cached: DocumentCache<usize>,
    clock: TestClock,
    fetches: Arc<AtomicUsize>,
}

impl Bench {
    fn new() -> Self {
        let clock = TestClock::at(1_000_000);
        Self { cached: DocumentCache::new(clock.shared(), FRESHNESS), clock, fetches: Arc::default() }
    }

    fn fetch(
        &self,
        works: bool,
    ) -> impl FnOnce() -> std::pin::Pin<Box<dyn Future<Output = Result<Fetched<usize>>> + Send>> + use<> {
        let fetches = Arc::clone(&self.fetches);
        move || {
            Box::pin(async move {
                let value = fetches.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::task::yield_now().await;
                let away = Error::new(Code::ProviderUnavailable, "away");
                if works { Ok(Fetched { value, max_age: None }) } else { Err(away) }
            })
        }
    }

    async fn value(&self, works: bool) -> Result<usize> {
        self.cached.value(self.fetch(works)).await.map(|value| *value)
    }

    /// Lets the background fetch finish.
    async fn settle(&self) {
        while self.cached.lock().flight.is_some() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_thousand_callers_cause_one_fetch() {
    let bench = Arc::new(Bench::new());
    let calls: Vec<_> = (0..1_000)
        .map(|_| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move { bench.value(true).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), 1);
    }
    assert_eq!(bench.fetches.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_stale_document_is_served_while_one_refresh_runs() {
    let bench = Bench::new();
    assert_eq!(bench.value(true).await.unwrap(), 1);
    bench.clock.advance(99);
    assert_eq!(bench.value(true).await.unwrap(), 1);
    bench.clock.advance(1);
    assert_eq!(bench.value(true).await.unwrap(), 1, "the stale document, immediately");
    assert_eq!(bench.value(true).await.unwrap(), 1, "and no second refresh");
    bench.settle().await;
    assert_eq!(bench.value(true).await.unwrap(), 2);
    assert_eq!(bench.fetches.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_outage_serves_the_last_good_document_and_tries_again_later() {
    let bench = Bench::new();
    bench.value(true).await.unwrap();
    bench.clock.advance(100);
    for _ in 0..5 {
        assert_eq!(bench.value(false).await.unwrap(), 1);
        bench.settle().await;
    }
    assert_eq!(bench.fetches.load(Ordering::SeqCst), 2, "one failed try, then a pause");
    bench.clock.advance(5);
    bench.value(true).await.unwrap();
    bench.settle().await;
    assert_eq!(bench.value(true).await.unwrap(), 3);
}

#[tokio::test]
async fn an_outage_serves_no_document_past_its_limit() {
    let bench = Bench::new();
    assert_eq!(bench.value(true).await.unwrap(), 1);
    bench.clock.advance(1_999);
    assert_eq!(bench.value(false).await.unwrap(), 1);
    bench.settle().await;
    bench.clock.advance(1);
    assert!(bench.cached.current().is_none());
    assert_eq!(bench.value(false).await.unwrap_err().code(), Code::ProviderUnavailable);
    assert_eq!(bench.value(true).await.unwrap(), 4, "the next call fetches again at once");
    assert_eq!(bench.cached.current().map(|value| *value), Some(4));
}

#[tokio::test]
async fn an_outage_at_startup_ends_with_the_next_call() {
    let bench = Bench::new();
    assert_eq!(bench.value(false).await.unwrap_err().code(), Code::ProviderUnavailable);
    assert_eq!(bench.value(true).await.unwrap(), 2);
}

#[tokio::test]
async fn a_caller_that_disconnects_does_not_cancel_the_fetch() {
    let bench = Bench::new();
    {
        let call = bench.value(true);
        tokio::pin!(call);
        assert!(futures_poll(call.as_mut()).await.is_none());
    }
    assert_eq!(bench.value(true).await.unwrap(), 1);
    assert_eq!(bench.fetches.load(Ordering::SeqCst), 1);
}

/// Polls once.
async fn futures_poll<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut future).poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_clock_that_jumps_backwards_makes_documents_stale() {
    let bench = Bench::new();
    bench.value(true).await.unwrap();
    bench.clock.advance(-500_000);
    bench.value(true).await.unwrap();
    bench.settle().await;
    assert_eq!(bench.value(true).await.unwrap(), 2);
}

/// A command-line tool or a worker whose runtime ends after a single task.
#[test]
fn a_fetch_whose_runtime_ended_before_it_began_is_discarded() {
    let bench = Bench::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime().block_on(bench.value(true)).unwrap(), 1);
    bench.clock.advance(100);
    assert_eq!(runtime().block_on(bench.value(true)).unwrap(), 1);
    assert_eq!(bench.fetches.load(Ordering::SeqCst), 1, "the premise: the second fetch never began");
    runtime().block_on(async {
        assert!(bench.cached.refetch(|| false, bench.fetch(true)).is_none(), "there is nothing to join");
        assert_eq!(bench.value(true).await.unwrap(), 1);
        bench.settle().await;
        assert_eq!(bench.value(true).await.unwrap(), 2, "it is fetched again");
    });
}
