//! Limits the concurrent queries to a source of tenants.
//!
//! Attackers make up hosts and names, and each of them is a query to the application's database. Without a limit they
//! would use all of its connections. Tenants that the source has confirmed before have a limit of their own, so that
//! made-up names never delay them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Code, Error};

/// Concurrent queries about keys without a known tenant.
const NEW: usize = 24;
/// Concurrent queries about known tenants whose last answer has expired.
const KNOWN: usize = 8;
/// How long a query waits for a permit.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);
/// `Retry-After` when no permit became free in time.
const RETRY_AFTER: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct QueryLimit {
    new: Arc<Semaphore>,
    known: Arc<Semaphore>,
}

impl Default for QueryLimit {
    fn default() -> Self {
        Self { new: Arc::new(Semaphore::new(NEW)), known: Arc::new(Semaphore::new(KNOWN)) }
    }
}

pub(super) struct Queue(Arc<Semaphore>);

impl QueryLimit {
    /// Returns the queue for a known tenant or for a new name.
    pub(super) fn queue(&self, known: bool) -> Queue {
        Queue(Arc::clone(if known { &self.known } else { &self.new }))
    }
}

impl Queue {
    /// Waits for a permit, which is released when it is dropped.
    ///
    /// # Errors
    /// [`Code::TenantUnavailable`] after two seconds.
    pub(super) async fn permit(self) -> Result<OwnedSemaphorePermit, Arc<Error>> {
        match tokio::time::timeout(QUEUE_TIMEOUT, self.0.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            // The semaphore is never closed, so this is the timeout.
            _ => {
                let message = "too many concurrent queries to the tenant source; the source is slow, or requests use \
                               made-up host names";
                Err(Arc::new(Error::new(Code::TenantUnavailable, message).with_retry_after(RETRY_AFTER)))
            }
        }
    }
}
