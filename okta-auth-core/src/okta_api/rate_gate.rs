//! Pauses requests while a rate limit of Okta lasts.
//!
//! Okta limits groups of endpoints, so each has a gate. When a limit begins, one of the rejected requests waits for its
//! end and is sent alone. The others, and those that come later, wait for that one: if they were all sent at the end of
//! the limit, most would be rejected again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::time::timeout;
use url::Url;

use super::path::PREFIX;
use crate::clock::{SharedClock, Stopwatch, Timestamp};
use crate::error::{Code, Error, Result};

/// The maximum number of groups with a state. A program calls few groups; more of them would come from user input.
const GROUPS: usize = 64;
/// How long a request waits for another one that waits for the end of a limit.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(120);
/// How often a pause looks at the clock, which may jump.
const STEP: Duration = Duration::from_millis(200);
/// Okta's pauses are at most a minute. If the clock jumps backwards, the stated end is further away than that.
const LONGEST_PAUSE: Duration = Duration::from_secs(65);
/// The value of `limited_until` without a limit.
const NO_LIMIT: i64 = 0;

/// The gates of one org.
#[derive(Clone)]
pub(super) struct RateGates(Arc<Cache<String, Arc<RateGate>>>);

impl Default for RateGates {
    fn default() -> Self {
        Self(Arc::new(Cache::new(GROUPS)))
    }
}

impl RateGates {
    /// Returns the gate for a URL: its group is named by the first segment after `/api/v1`.
    pub(super) fn of(&self, url: &Url) -> Arc<RateGate> {
        let path = url.path().strip_prefix(PREFIX).unwrap_or_default();
        let group = path.split('/').next().unwrap_or_default();
        let created = || Ok::<_, std::convert::Infallible>(Arc::default());
        self.0.get_or_insert_with(group, created).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub(super) struct RateGate {
    lock: RwLock<()>,
    /// In seconds since the epoch.
    limited_until: AtomicI64,
}

/// The permission to send a request.
pub(super) enum RatePermit<'a> {
    Shared(RwLockReadGuard<'a, ()>),
    /// The request that tests whether the limit has ended.
    Alone(RwLockWriteGuard<'a, ()>),
}

impl RateGate {
    /// Waits until no other request waits for the end of a limit.
    ///
    /// # Errors
    /// [`Code::ProviderRateLimited`] if that takes too long.
    pub(super) async fn enter(&self) -> Result<RatePermit<'_>> {
        timeout(QUEUE_TIMEOUT, self.lock.read()).await.map(RatePermit::Shared).map_err(|_| queue_timeout())
    }

    /// Records that a request was rejected, and that the limit lasts until this time.
    pub(super) fn limit(&self, until: Timestamp) {
        self.limited_until.fetch_max(until.seconds(), Ordering::Relaxed);
    }

    /// Waits until the limit has ended, for a request that was rejected.
    ///
    /// # Errors
    /// As for [`enter`](Self::enter).
    pub(super) async fn after_limit<'a>(
        &'a self,
        permit: RatePermit<'a>,
        clock: &SharedClock,
    ) -> Result<RatePermit<'a>> {
        let guard = match permit {
            RatePermit::Alone(guard) => guard,
            RatePermit::Shared(guard) => {
                drop(guard);
                timeout(QUEUE_TIMEOUT, self.lock.write()).await.map_err(|_| queue_timeout())?
            }
        };
        match self.limited_until.load(Ordering::Relaxed) {
            // Another request has found that the limit has ended.
            NO_LIMIT => Ok(RatePermit::Shared(guard.downgrade())),
            until => {
                pause_until(clock, Timestamp::from_seconds(until)).await;
                Ok(RatePermit::Alone(guard))
            }
        }
    }

    /// Records that a request was not rejected.
    pub(super) fn passed(&self, permit: &RatePermit<'_>) {
        if matches!(permit, RatePermit::Alone(_)) {
            self.limited_until.store(NO_LIMIT, Ordering::Relaxed);
        }
    }
}

/// Waits until the clock shows this time, in short steps, but at most for the longest pause.
pub(super) async fn pause_until(clock: &SharedClock, until: Timestamp) {
    let (longest, watch) = (until.since(clock.now()).min(LONGEST_PAUSE), Stopwatch::start());
    while clock.now() < until && watch.elapsed() < longest {
        tokio::time::sleep(STEP.min(longest)).await;
    }
}

fn queue_timeout() -> Error {
    let message =
        "Okta limits the rate of requests to its API, and too many of them are waiting for the end of the limit";
    Error::new(Code::ProviderRateLimited, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    #[tokio::test]
    async fn a_permit_after_a_limit_is_exclusive_until_the_limit_has_ended() {
        let clock = TestClock::at(1_000_000);
        let shared = clock.shared();
        let gate = RateGate::default();
        let (first, second) = (gate.enter().await.unwrap(), gate.enter().await.unwrap());
        gate.limit(Timestamp::from_seconds(999_999));
        drop(second);
        let alone = gate.after_limit(first, &shared).await.unwrap();
        assert!(matches!(alone, RatePermit::Alone(_)) && gate.lock.try_read().is_err());
        // Rejected again: the same request stays alone.
        let alone = gate.after_limit(alone, &shared).await.unwrap();
        gate.passed(&alone);
        drop(alone);
        let next = gate.enter().await.unwrap();
        let next = gate.after_limit(next, &shared).await.unwrap();
        assert!(matches!(next, RatePermit::Shared(_)), "another request has found the end of the limit");
    }

    #[test]
    fn groups_are_bounded_and_have_a_gate_each() {
        let gates = RateGates::default();
        let url = |path: &str| Url::parse("https://acme.okta.com/api/v1/").unwrap().join(path).unwrap();
        let users = gates.of(&url("users/00u1?limit=2"));
        assert!(Arc::ptr_eq(&users, &gates.of(&url("users"))));
        assert!(!Arc::ptr_eq(&users, &gates.of(&url("groups"))));
        for number in 0..1_000 {
            gates.of(&url(&format!("group{number}")));
        }
        assert!(gates.0.len() <= GROUPS, "{} gates", gates.0.len());
    }
}
