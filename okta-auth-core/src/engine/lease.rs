//! The lease of a renewal: one process at a time presents a session's refresh token.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use crate::error::Result;
use crate::secret::random_bytes;
use crate::session::{Kind, StoreKey, StoredSessions, bounded};

/// How long a lease lasts without being renewed: what others wait if its holder is
/// killed.
const LEASE: Duration = Duration::from_secs(5);
/// How often it is renewed.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Does something under the lease of a session's renewal; `None` if somebody else has
/// it.
pub(super) async fn under_lease<T>(
    stored: &StoredSessions,
    key: &StoreKey,
    work: impl Future<Output = T>,
) -> Result<Option<T>> {
    let lease = stored.naming().name(Kind::Renewal, key.as_bytes());
    let owner = u64::from_be_bytes(random_bytes()?);
    if !bounded(stored.store().claim(&lease, owner, LEASE)).await? {
        return Ok(None);
    }
    let done = while_holding(stored, &lease, owner, work).await;
    // A lease that stays behind ends by itself.
    let _ = bounded(stored.store().release(&lease, owner)).await;
    Ok(Some(done))
}

/// Does something under a lease, which is renewed as long as that takes.
async fn while_holding<T>(stored: &StoredSessions, lease: &StoreKey, owner: u64, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        match tokio::time::timeout(HEARTBEAT, work.as_mut()).await {
            Ok(done) => return done,
            // A lease that is lost is no harm: whoever writes second finds another version.
            Err(_) => drop(bounded(stored.store().claim(lease, owner, LEASE)).await),
        }
    }
}
