//! Futures that wait for the end of a session: what completes them, what they leave behind, and which task drives them.

use std::future::Future as _;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::clock::TestClock;
use crate::config::Config;
use crate::session::Email;
use crate::session::index_keys::{IndexKeys, IndexKind};
use crate::session::revocations::RevocationProbe;
use crate::session::watcher::ended;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

struct Bench {
    watches: Watches,
    clock: TestClock,
    index_keys: IndexKeys,
}

impl Bench {
    fn new() -> Self {
        let clock = TestClock::at(NOW.seconds());
        let config = Config::builder().issuer("https://issuer.example").client_id("client").build().unwrap();
        Self { watches: Watches::new(clock.shared()), clock, index_keys: IndexKeys::of(&config) }
    }

    fn session(&self, subject: &str) -> Arc<Session> {
        let claims = json!({ "sub": subject, "email": format!("{subject}@b.example") });
        Arc::new(Session::with_claims(claims.as_object().unwrap(), NOW))
    }

    fn watch(&self, session: &Arc<Session>, seconds: u64) -> Watch {
        let until = NOW.plus(Duration::from_secs(seconds));
        let probe = RevocationProbe { revocations: None, index_keys: self.index_keys.clone() };
        self.watches.watch(session, session.names(&self.index_keys), until, Arc::new(probe))
    }
}

async fn soon(ended: impl Future<Output = ()>) {
    assert!(tokio::time::timeout(Duration::from_secs(20), ended).await.is_ok(), "the future does not complete");
}

fn is_pending(ended: &mut std::pin::Pin<Box<impl Future<Output = ()>>>) -> bool {
    ended.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[tokio::test]
async fn the_end_of_a_session_completes_all_of_its_futures_and_no_other() {
    let bench = Bench::new();
    let (ours, other) = (bench.session("a"), bench.session("b"));
    let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(ended(bench.watch(&ours, 60)))).collect();
    let mut elsewhere = Box::pin(ended(bench.watch(&other, 60)));
    assert!(waiting.iter_mut().all(is_pending) && is_pending(&mut elsewhere));
    bench.watches.end(&ours.key());
    for waiting in &mut waiting {
        assert_eq!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
    }
    assert!(is_pending(&mut elsewhere));
    // The end comes before the first poll.
    let late = ended(bench.watch(&other, 60));
    bench.watches.end(&other.key());
    soon(late).await;
    soon(elsewhere).await;
    assert_eq!(bench.watches.sizes(), [0; 4]);
}

#[tokio::test]
async fn an_index_key_ends_the_sessions_that_began_before() {
    let bench = Bench::new();
    let session = bench.session("a");
    let mut waiting = Box::pin(ended(bench.watch(&session, 60)));
    let name = |subject: &[u8]| bench.index_keys.name(IndexKind::Subject, subject);
    bench.watches.end_named(&name(b"b"), NOW);
    bench.watches.end_named(&name(b"a"), NOW.minus(Duration::from_secs(1)));
    assert!(is_pending(&mut waiting));
    // A refresh has changed the address: only the new one counts.
    let claims = json!({ "sub": "a", "email": "new@b.example" });
    let mut refreshed = Session::with_claims(claims.as_object().unwrap(), NOW);
    refreshed = refreshed.with_id(session.id().0);
    let refreshed = Arc::new(refreshed);
    bench.watches.update(&refreshed, || refreshed.names(&bench.index_keys).all(), NOW.plus(Duration::from_secs(60)));
    let email = |address| bench.index_keys.email(&Email::parse(address).unwrap());
    bench.watches.end_named(&email("a@b.example"), NOW);
    assert!(is_pending(&mut waiting));
    bench.watches.end_named(&email("new@b.example"), NOW);
    soon(waiting).await;
    assert_eq!(bench.watches.sizes(), [0; 4]);
}

#[tokio::test]
async fn a_limit_ends_a_session_unless_it_is_used() {
    let bench = Bench::new();
    let session = bench.session("a");
    let waiting = ended(bench.watch(&session, 60));
    bench.watches.update(&session, Vec::new, NOW.plus(Duration::from_secs(100)));
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    assert!(bench.watches.due(at(99)).is_empty());
    bench.watches.end_due(&[session.key()], at(99));
    assert_eq!(bench.watches.due(at(100)).len(), 1);
    bench.clock.set(NOW.seconds() + 100);
    soon(waiting).await;
}

#[tokio::test]
async fn a_dropped_future_leaves_nothing_behind() {
    let bench = Bench::new();
    let sessions: Vec<_> = (0..1_000).map(|n| bench.session(&n.to_string())).collect();
    let mut waiting: Vec<_> = sessions.iter().map(|session| Box::pin(ended(bench.watch(session, 60)))).collect();
    // Half of them are never polled.
    waiting.iter_mut().step_by(2).for_each(|waiting| assert!(is_pending(waiting)));
    assert_eq!(bench.watches.sizes(), [1_000, 1_000, 3_000, 1_000]);
    drop(waiting);
    assert_eq!(bench.watches.sizes(), [0; 4]);
    assert!(bench.watches.unchecked().is_empty());
    // A session that is watched again after its end gets a new entry.
    let old = bench.watch(&sessions[0], 60);
    bench.watches.end(&sessions[0].key());
    let new = bench.watch(&sessions[0], 60);
    drop(old);
    assert_eq!(bench.watches.sizes()[0], 1);
    drop(new);
    assert_eq!(bench.watches.sizes(), [0; 4]);
}

/// Each worker of actix-web has its own runtime, and one of them may end.
#[test]
fn another_runtime_takes_over_when_the_first_one_ends() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (bench, first, second) = (Bench::new(), runtime(), runtime());
    let (one, other) = (bench.session("a"), bench.session("b"));
    let (gone, stays) = (ended(bench.watch(&one, 60)), ended(bench.watch(&other, 60)));
    first.spawn(gone);
    first.block_on(tokio::task::yield_now());
    let waiting = second.spawn(stays);
    second.block_on(tokio::task::yield_now());
    assert!(bench.watches.driver().is_none(), "the first runtime drives it");
    drop(first);
    bench.clock.set(NOW.seconds() + 60);
    second.block_on(async {
        soon(async {
            waiting.await.unwrap();
        })
        .await;
    });
    assert_eq!(bench.watches.sizes(), [0; 4]);
}
