//! What one client does to one origin: how many requests at a time, and none where they
//! are hopeless.
//!
//! A client has circuits of its own, and each tenant has a client of its own, so
//! whatever one org does to its requests, those of other tenants do not wait for it,
//! though they share connections and threads.
//!
//! An org and its custom servers are one origin: they have one set of machines behind
//! them. Where endpoints have trouble of their own is the [breaker's](super::breaker)
//! matter.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::breaker::{Endpoints, Outcome};
use crate::clock::SharedClock;
use crate::error::{Code, Error, Result};

/// So many origins are remembered, besides those with requests under way. An issuer has
/// one.
const MOST: usize = 16;

/// How long somebody is asked to wait who found too many others.
const CROWDED: Duration = Duration::from_secs(2);

/// How many requests there may be at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// To one origin.
    pub(super) in_flight: usize,
    /// How long one more waits for one of them to end.
    pub(super) patience: Duration,
}

/// The circuits of one client, by origin.
#[derive(Debug)]
pub(super) struct Circuits {
    limits: Limits,
    clock: SharedClock,
    origins: Mutex<BTreeMap<String, Arc<Circuit>>>,
}

/// One origin.
#[derive(Debug)]
struct Circuit {
    slots: Arc<Semaphore>,
    endpoints: Mutex<Endpoints>,
}

/// Leave to send one request. The place is free again when this is dropped, also if the
/// caller went away.
#[derive(Debug)]
pub(super) struct Pass {
    circuit: Arc<Circuit>,
    clock: SharedClock,
    endpoint: String,
    turn: u64,
    _slot: OwnedSemaphorePermit,
}

impl Circuits {
    /// Nothing is known yet, and nothing is reserved for anybody.
    pub(super) fn new(limits: Limits, clock: SharedClock) -> Self {
        Self { limits, clock, origins: Mutex::default() }
    }

    /// Waits for a place, if there is hope.
    ///
    /// # Errors
    /// [`Code::ProviderUnavailable`] if the endpoint does not answer lately, or if too
    /// many requests are under way and none of them ends; [`Code::ProviderRateLimited`]
    /// if it limits the rate for everybody. Each has the time to wait.
    pub(super) async fn enter(&self, url: &Url) -> Result<Pass> {
        let circuit = self.circuit(url);
        let endpoint = url.path();
        // First without waiting for a place: it is the hopeless requests that hold them all.
        circuit.endpoints().look(endpoint, self.clock.now())?;
        let slot = circuit.slot(&self.limits).await?;
        let turn = circuit.endpoints().enter(endpoint, self.clock.now())?;
        Ok(Pass { circuit, clock: self.clock.clone(), endpoint: endpoint.to_owned(), turn, _slot: slot })
    }

    /// The circuit of an origin. Those that nobody uses go when there are too many:
    /// metadata name origins, and a hostile org could name another one each time.
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
    /// All places are free.
    fn new(in_flight: usize) -> Self {
        let slots = Arc::new(Semaphore::new(in_flight.min(Semaphore::MAX_PERMITS)));
        Self { slots, endpoints: Mutex::default() }
    }

    /// A place, at once or after a bounded wait. First come, first served.
    async fn slot(&self, limits: &Limits) -> Result<OwnedSemaphorePermit> {
        let waiting = tokio::time::timeout(limits.patience, Arc::clone(&self.slots).acquire_owned());
        // The semaphore is never closed, so the inner error does not come.
        waiting.await.ok().and_then(|slot| slot.ok()).ok_or_else(|| {
            let message = format!(
                "{} requests to Okta are under way and none of them ends; Okta is slow, or asked for too much",
                limits.in_flight
            );
            Error::new(Code::ProviderUnavailable, message).with_retry_after(CROWDED)
        })
    }

    /// The endpoints. The lock is never held across an await.
    fn endpoints(&self) -> MutexGuard<'_, Endpoints> {
        self.endpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// Tells what came of the request.
    pub(super) fn done(self, outcome: Outcome) {
        self.circuit.endpoints().note(&self.endpoint, self.turn, outcome, self.clock.now());
    }
}

#[cfg(test)]
#[path = "circuit_tests.rs"]
mod tests;
