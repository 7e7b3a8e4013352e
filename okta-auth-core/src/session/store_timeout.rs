//! The time limit of store operations.

use std::future::Future;
use std::time::Duration;

use super::store::StoreError;
use crate::error::Result;

/// The longest wait for a store. A store should time out earlier itself; this bounds one that does not.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs a store operation with a timeout.
///
/// A timeout counts as an unavailable store. The operation may or may not have taken effect.
pub(crate) async fn with_store_timeout<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T> {
    match tokio::time::timeout(STORE_TIMEOUT, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(StoreError::new("the store took too long").into()),
    }
}
