//! Limits what one client sends to one origin: concurrent requests, and only probes while an endpoint is known to fail.
//!
//! Each client has its own circuits, and each tenant has its own client. Tenants share connections and threads, but a
//! tenant whose org is slow or down does not delay the requests of other tenants. An org and its custom servers are one
//! origin, because they share one set of machines. Endpoints of an origin are distinguished by path, so a userinfo
//! endpoint that hangs does not block sign-ins.
//!
//! 1. After several failures in a row, the circuit of an endpoint opens: requests fail at once instead of after a
//!    timeout.
//! 2. After each pause one request goes through as a probe. The first response, to any request, closes the circuit.
//!    Probes do not wait for each other, so a probe whose caller disconnects blocks nothing.
//! 3. A 4xx is a response. An error on this side, such as a policy, says nothing about Okta.
//! 4. A 429 is not a failure and has its own counter. Several 429s in a row, without another response in between, mean
//!    that the limit applies to all requests. Requests are then paused until the time that Okta states. The probes of
//!    rule 2 continue, because some of Okta's limits apply to a single user, and that user must not be able to block
//!    the others.
//! 5. Outcomes of requests that began before the circuit last opened or closed are ignored, because after an outage
//!    their timeouts arrive late.
//!
//! There is no time window for failures and nothing to tune: one response resets the counters. If the clock jumps
//! backwards, an open circuit closes early, and a closed circuit stays closed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use crate::clock::{SharedClock, Timestamp};
use crate::error::{Code, Error, Result};

/// The maximum number of origins with state, besides those with running requests. An issuer has one origin.
const MAX_ORIGINS: usize = 16;
/// The maximum number of endpoints with state. An issuer has six endpoints.
const MAX_ENDPOINTS: usize = 64;

/// Failures in a row, or 429s in a row, after which the circuit opens.
const FAILURES: u32 = 8;
const RATE_LIMITS: u32 = 3;
/// A timeout has delayed a user by ten seconds, so it counts as three failures.
const TIMEOUT_WEIGHT: u32 = 3;
/// The time between two probes.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);

/// `Retry-After` when too many requests are running.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) in_flight: usize,
    pub(super) queue_timeout: Duration,
}

/// The outcome of a request, as far as it says something about the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The endpoint works.
    Answered,
    /// A 429, with the time to wait.
    Limited(Duration),
    /// No connection, or 5xx.
    Failed,
    TimedOut,
    /// The request did not reach the endpoint.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Circuits {
    limits: Limits,
    clock: SharedClock,
    origins: Mutex<HashMap<String, Arc<Origin>>>,
}

#[derive(Debug)]
struct Origin {
    slots: Arc<Semaphore>,
    endpoints: Mutex<Endpoints>,
}

/// Permission to send one request. Dropping it frees the slot, also if the caller disconnected.
#[derive(Debug)]
pub(super) struct Permit {
    origin: Arc<Origin>,
    clock: SharedClock,
    endpoint: String,
    epoch: u64,
    _slot: OwnedSemaphorePermit,
}

impl Circuits {
    pub(super) fn new(limits: Limits, clock: SharedClock) -> Self {
        Self { limits, clock, origins: Mutex::default() }
    }

    /// Waits for a free slot, unless the endpoint is paused.
    ///
    /// # Errors
    /// [`Code::ProviderUnavailable`] if requests to the endpoint are paused, or if too many requests are running and
    /// none finishes in time; [`Code::ProviderRateLimited`] if Okta's rate limit applies to all requests. Each error
    /// has the time to wait.
    pub(super) async fn enter(&self, url: &Url) -> Result<Permit> {
        let (origin, endpoint) = (self.origin(url), url.path());
        // Check before waiting for a slot: requests to a failing endpoint may occupy all of them.
        origin.endpoints().check(endpoint, self.clock.now())?;
        let slot = origin.slot(&self.limits).await?;
        let epoch = origin.endpoints().enter(endpoint, self.clock.now())?;
        Ok(Permit { origin, clock: self.clock.clone(), endpoint: endpoint.to_owned(), epoch, _slot: slot })
    }

    /// Returns the state of an origin. Unused ones are evicted when there are too many, because metadata names origins
    /// and a hostile org could name a new one each time.
    fn origin(&self, url: &Url) -> Arc<Origin> {
        let name = url.origin().ascii_serialization();
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        if origins.len() >= MAX_ORIGINS && !origins.contains_key(&name) {
            origins.retain(|_, origin| Arc::strong_count(origin) > 1);
        }
        Arc::clone(origins.entry(name).or_insert_with(|| Arc::new(Origin::new(self.limits.in_flight))))
    }
}

impl Origin {
    fn new(in_flight: usize) -> Self {
        let slots = Arc::new(Semaphore::new(in_flight.min(Semaphore::MAX_PERMITS)));
        Self { slots, endpoints: Mutex::default() }
    }

    /// Takes a slot, immediately or after a bounded wait. First come, first served.
    async fn slot(&self, limits: &Limits) -> Result<OwnedSemaphorePermit> {
        let waiting = tokio::time::timeout(limits.queue_timeout, Arc::clone(&self.slots).acquire_owned());
        // The semaphore is never closed, so the inner error cannot occur.
        waiting.await.ok().and_then(|slot| slot.ok()).ok_or_else(|| {
            let message = format!(
                "{} requests to Okta are running and none has finished in time; Okta is slow, or there are too many \
                 requests",
                limits.in_flight
            );
            Error::new(Code::ProviderUnavailable, message).with_retry_after(BUSY_RETRY_AFTER)
        })
    }

    /// The lock is never held across an await.
    fn endpoints(&self) -> MutexGuard<'_, Endpoints> {
        self.endpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    pub(super) fn done(self, outcome: Outcome) {
        self.origin.endpoints().record(&self.endpoint, self.epoch, outcome, self.clock.now());
    }
}

/// The circuits of one origin's endpoints. Healthy endpoints have no state.
#[derive(Debug, Default)]
struct Endpoints {
    /// Counts how often a circuit opened or closed.
    epoch: u64,
    known: BTreeMap<String, Endpoint>,
}

#[derive(Debug, Default)]
struct Endpoint {
    /// The epoch in which the circuit last opened or closed.
    since: u64,
    /// Failures in a row.
    failures: u32,
    /// 429s in a row.
    rate_limits: u32,
    /// Set while the circuit is open.
    backoff: Option<Backoff>,
}

#[derive(Clone, Copy, Debug)]
struct Backoff {
    next_probe: Timestamp,
    /// For 429s: when Okta's rate limit ends.
    limited_until: Option<Timestamp>,
}

impl Backoff {
    fn new(now: Timestamp, limited_until: Option<Timestamp>) -> Self {
        let next = now.plus(PROBE_INTERVAL);
        Self { next_probe: limited_until.map_or(next, |until| next.min(until)), limited_until }
    }

    /// Rejects a request that arrives before the next probe is due.
    fn check(&self, now: Timestamp) -> Result<()> {
        let wait = self.next_probe.since(now);
        // A longer wait means that the clock jumped backwards.
        if wait.is_zero() || wait > PROBE_INTERVAL {
            return Ok(());
        }
        if let Some(until) = self.limited_until {
            let wait = until.since(now);
            let message = format!("Okta limits the rate (429); retry in {} s", wait.as_secs());
            return Err(Error::new(Code::ProviderRateLimited, message).with_retry_after(wait));
        }
        let message = "Okta is not responding; requests are paused for a few seconds; check Okta's status page, \
                       OKTA_ISSUER_URI and the network";
        Err(Error::new(Code::ProviderUnavailable, message).with_retry_after(wait))
    }
}

impl Endpoints {
    /// Checks whether a request may go through now.
    fn check(&self, endpoint: &str, now: Timestamp) -> Result<()> {
        let backoff = self.known.get(endpoint).and_then(|endpoint| endpoint.backoff);
        backoff.map_or(Ok(()), |backoff| backoff.check(now))
    }

    /// Lets a request through. If it is a probe, later requests wait for the next pause. The returned epoch must be
    /// passed to [`record`](Self::record) with the outcome.
    fn enter(&mut self, endpoint: &str, now: Timestamp) -> Result<u64> {
        self.check(endpoint, now)?;
        if let Some(backoff) = self.known.get_mut(endpoint).and_then(|endpoint| endpoint.backoff.as_mut()) {
            *backoff = Backoff::new(now, backoff.limited_until);
        }
        Ok(self.epoch)
    }

    /// Records the outcome of a request that [`enter`](Self::enter) let through.
    fn record(&mut self, endpoint: &str, epoch: u64, outcome: Outcome, now: Timestamp) {
        let next = self.epoch.saturating_add(1);
        let Some(known) = self.known(endpoint, outcome).filter(|known| epoch >= known.since) else { return };
        if known.record(outcome, now) {
            known.since = next;
            self.epoch = next;
        }
    }

    /// Returns the state of an endpoint if the outcome changes it.
    fn known(&mut self, endpoint: &str, outcome: Outcome) -> Option<&mut Endpoint> {
        if !self.known.contains_key(endpoint) {
            if matches!(outcome, Outcome::Answered | Outcome::Unknown) {
                return None;
            }
            if self.known.len() >= MAX_ENDPOINTS {
                self.known.retain(|_, known| known.backoff.is_some());
            }
            if self.known.len() >= MAX_ENDPOINTS {
                return None;
            }
        }
        Some(self.known.entry(endpoint.to_owned()).or_default())
    }
}

impl Endpoint {
    /// Returns whether this outcome opens or closes the circuit.
    fn record(&mut self, outcome: Outcome, now: Timestamp) -> bool {
        match outcome {
            Outcome::Unknown => false,
            Outcome::Answered => {
                (self.failures, self.rate_limits) = (0, 0);
                self.backoff.take().is_some()
            }
            Outcome::Limited(wait) => {
                (self.failures, self.rate_limits) = (0, self.rate_limits.saturating_add(1));
                self.open_if(self.rate_limits >= RATE_LIMITS, now, Some(now.plus(wait)))
            }
            Outcome::Failed | Outcome::TimedOut => {
                let weight = if outcome == Outcome::TimedOut { TIMEOUT_WEIGHT } else { 1 };
                (self.failures, self.rate_limits) = (self.failures.saturating_add(weight), 0);
                self.open_if(self.failures >= FAILURES, now, None)
            }
        }
    }

    /// Opens the circuit if there is a reason. An open circuit keeps its next probe time, so a failed probe does not
    /// postpone the next one.
    fn open_if(&mut self, reason: bool, now: Timestamp, limited_until: Option<Timestamp>) -> bool {
        if let Some(backoff) = &mut self.backoff {
            backoff.limited_until = limited_until;
            return false;
        }
        self.backoff = reason.then(|| Backoff::new(now, limited_until));
        reason
    }
}

#[cfg(test)]
#[path = "availability_tests.rs"]
mod tests;
