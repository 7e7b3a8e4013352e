//! Limits on what one client sends to one origin: concurrent requests, and none while the
//! endpoint is known to fail.
//!
//! Each client has its own circuits, and each tenant has its own client. Tenants share
//! connections and threads, but a tenant whose org is slow or down does not delay the
//! requests of other tenants.
//!
//! An org and its custom servers are one origin, because they share one set of machines.
//! The [breaker](super::breaker) handles failures of single endpoints.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::breaker::{Endpoints, Outcome};
use crate::clock::SharedClock;
use crate::error::{Code, Error, Result};

/// The maximum number of origins with state, besides those with running requests. An
/// issuer has one origin.
const MOST: usize = 16;

/// `Retry-After` when too many requests are running.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) in_flight: usize,
    pub(super) queue_timeout: Duration,
}

#[derive(Debug)]
pub(super) struct Circuits {
    limits: Limits,
    clock: SharedClock,
    origins: Mutex<BTreeMap<String, Arc<Circuit>>>,
}

#[derive(Debug)]
struct Circuit {
    slots: Arc<Semaphore>,
    endpoints: Mutex<Endpoints>,
}

/// Permission to send one request. Dropping it frees the slot, also if the caller
/// disconnected.
#[derive(Debug)]
pub(super) struct Permit {
    circuit: Arc<Circuit>,
    clock: SharedClock,
    endpoint: String,
    turn: u64,
    _slot: OwnedSemaphorePermit,
}

impl Circuits {
    pub(super) fn new(limits: Limits, clock: SharedClock) -> Self {
        Self { limits, clock, origins: Mutex::default() }
    }

    /// Waits for a free slot, unless the endpoint is paused.
    ///
    /// # Errors
    /// [`Code::ProviderUnavailable`] if requests to the endpoint are paused, or if too
    /// many requests are running and none finishes in time; [`Code::ProviderRateLimited`]
    /// if Okta's rate limit applies to all requests. Each error has the time to wait.
    pub(super) async fn enter(&self, url: &Url) -> Result<Permit> {
        let circuit = self.circuit(url);
        let endpoint = url.path();
        // Check before waiting for a slot: requests to a failing endpoint may occupy all
        // of them.
        circuit.endpoints().look(endpoint, self.clock.now())?;
        let slot = circuit.slot(&self.limits).await?;
        let turn = circuit.endpoints().enter(endpoint, self.clock.now())?;
        Ok(Permit { circuit, clock: self.clock.clone(), endpoint: endpoint.to_owned(), turn, _slot: slot })
    }

    /// Returns the circuit of an origin. Unused circuits are evicted when there are too
    /// many, because metadata name origins and a hostile org could name a new one each
    /// time.
    fn circuit(&self, url: &Url) -> Arc<Circuit> {
        let origin = url.origin().ascii_serialization();
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        if origins.len() >= MOST && !origins.contains_key(&origin) {
            origins.retain(|_, circuit| Arc::strong_count(circuit) > 1);
        }
        Arc::clone(origins.entry(origin).or_insert_with(|| Arc::new(Circuit::new(self.limits.in_flight))))
    }
}

impl Circuit {
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
        self.circuit.endpoints().note(&self.endpoint, self.turn, outcome, self.clock.now());
    }
}

#[cfg(test)]
#[path = "circuit_tests.rs"]
mod tests;
