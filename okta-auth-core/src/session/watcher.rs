//! The one task that drives all futures that wait for the end of a session.

use std::pin::pin;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::probe::Probed;
use super::watches::{Driver, Question, Watch, Watches};
use crate::clock::Timestamp;

/// How often the clock is read. The clock may be virtual, so a timer for the end of a session is not possible.
const TICK: Duration = Duration::from_millis(500);
/// The time between two probes of a session, by the application's clock. `PROBE_TICKS` is the same in real time.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
const PROBE_TICKS: u32 = 20;
/// The number of concurrent probes.
const AT_A_TIME: usize = 16;

pub(crate) async fn ended(watch: Watch) {
    loop {
        let mut changed = pin!(watch.changed());
        // From here on no notification is missed.
        changed.as_mut().enable();
        if watch.is_over() {
            return;
        }
        // Without a runtime only an end in this process completes the future.
        if let Ok(runtime) = Handle::try_current()
            && let Some(driver) = watch.watches().driver()
        {
            runtime.spawn(run(driver));
        }
        changed.await;
    }
}

async fn run(mut driver: Driver) {
    let watches = driver.watches().clone();
    let (mut probing, mut ticks, mut probed_at) = (JoinSet::new(), 0, watches.clock().now());
    loop {
        sleep(TICK).await;
        let now = watches.clock().now();
        ask(&watches, watches.unchecked(), now).await;
        expire(&watches, now).await;
        if driver.is_done() {
            return;
        }
        ticks += 1;
        let _ = probing.try_join_next();
        // Probing thousands of sessions takes longer than a tick.
        if probing.is_empty() && (ticks >= PROBE_TICKS || now.since(probed_at) >= PROBE_INTERVAL) {
            (ticks, probed_at) = (0, now);
            probing.spawn(probe_all(watches.clone()));
        }
    }
}

async fn probe_all(watches: Watches) {
    let mut last = None;
    loop {
        let questions = watches.after(last, AT_A_TIME);
        let Some(question) = questions.last() else { return };
        last = Some(question.session.key());
        ask(&watches, questions, watches.clock().now()).await;
    }
}

/// Ends the sessions whose limits have been reached. Another replica may have written a later use to the store. While
/// the store does not answer, the known end counts.
async fn expire(watches: &Watches, now: Timestamp) {
    let due = watches.due(now);
    let ids: Vec<_> = due.iter().map(|question| question.session.key()).collect();
    ask(watches, due, now).await;
    watches.end_due(&ids, now);
}

/// Probes sessions, some concurrently. A session whose probe fails stays as it is.
async fn ask(watches: &Watches, questions: Vec<Question>, now: Timestamp) {
    let mut questions = questions.into_iter();
    let mut asked = JoinSet::new();
    loop {
        while asked.len() < AT_A_TIME
            && let Some(question) = questions.next()
        {
            let watches = watches.clone();
            asked.spawn(async move {
                let id = question.session.key();
                match question.probe.probe(question.session, now).await {
                    Ok(Probed::Ended) => watches.end(&id),
                    Ok(Probed::Lives { session, until }) => {
                        watches.update(&session, || question.probe.names(&session), until);
                    }
                    Ok(Probed::NotEnded) | Err(_) => {}
                }
            });
        }
        if asked.join_next().await.is_none() {
            return;
        }
    }
}
