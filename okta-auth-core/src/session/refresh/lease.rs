//! The lease of a refresh: only one process at a time uses a session's refresh token.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use crate::error::Result;
use crate::secret::random_bytes;
use crate::session::index_keys::IndexKind;
use crate::session::store::StoreKey;
use crate::session::store_timeout::with_store_timeout;
use crate::session::stored::StoredSessions;

/// The duration of a lease without a heartbeat: the delay for others if its holder is killed.
const LEASE: Duration = Duration::from_secs(5);
/// The interval in which the holder extends the lease.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Runs `work` under the lease of a session's refresh; `None` if another process holds it.
pub(super) async fn under_lease<T>(
    stored: &StoredSessions,
    key: &StoreKey,
    work: impl Future<Output = T>,
) -> Result<Option<T>> {
    let lease = stored.index_keys().name(IndexKind::Renewal, key.as_bytes());
    let owner = u64::from_be_bytes(random_bytes()?);
    if !with_store_timeout(stored.store().try_lock(&lease, owner, LEASE)).await? {
        return Ok(None);
    }
    let done = while_holding(stored, &lease, owner, work).await;
    // A lease that was not released expires.
    let _ = with_store_timeout(stored.store().unlock(&lease, owner)).await;
    Ok(Some(done))
}

/// Runs `work`, and extends the lease until it completes.
async fn while_holding<T>(stored: &StoredSessions, lease: &StoreKey, owner: u64, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        match tokio::time::timeout(HEARTBEAT, work.as_mut()).await {
            Ok(done) => return done,
            // A lost lease is harmless, because the second writer fails the version check.
            Err(_) => drop(with_store_timeout(stored.store().try_lock(lease, owner, LEASE)).await),
        }
    }
}
