//! A bound on the questions that a source of tenants is asked at a time.
//!
//! Strangers make up hosts and names, and each of them is a question to the
//! application's database. Without a bound they would take every connection that it
//! has. Tenants that the source has confirmed before have places of their own, so that
//! made-up names never keep them waiting.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Code, Error};

/// The most questions at a time about names that no tenant is known for.
const NEW: usize = 24;
/// The most questions at a time about known tenants whose last answer has expired.
const KNOWN: usize = 8;
/// A question waits this long for its turn.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);
/// When a client whose question had no turn should come again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The places for questions.
#[derive(Debug)]
pub(super) struct Questions {
    new: Arc<Semaphore>,
    known: Arc<Semaphore>,
}

impl Default for Questions {
    fn default() -> Self {
        Self { new: Arc::new(Semaphore::new(NEW)), known: Arc::new(Semaphore::new(KNOWN)) }
    }
}

/// The queue for a place.
pub(super) struct Place(Arc<Semaphore>);

impl Questions {
    /// The queue for a question about a tenant that is known, or about a new name.
    pub(super) fn place(&self, known: bool) -> Place {
        Place(Arc::clone(if known { &self.known } else { &self.new }))
    }
}

impl Place {
    /// Waits for a place, which is free again when the permit is dropped.
    ///
    /// # Errors
    /// [`Code::TenantUnavailable`] after two seconds.
    pub(super) async fn taken(self) -> Result<OwnedSemaphorePermit, Arc<Error>> {
        match tokio::time::timeout(QUEUE_TIMEOUT, self.0.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            // The semaphore is never closed, so it is the time that was over.
            _ => {
                let message = "too many questions to the source of tenants at a time; the source is slow, or strangers \
                               make up host names";
                Err(Arc::new(Error::new(Code::TenantUnavailable, message).with_retry_after(RETRY_AFTER)))
            }
        }
    }
}
