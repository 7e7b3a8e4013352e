//! The time limit of store operations.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::store::StoreError;
use crate::error::Result;

/// The longest wait for a store. A store should time out earlier itself; this bounds one that does not.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs a store operation with a timeout.
///
/// A timeout counts as an unavailable store. The operation may or may not have taken effect.
pub(crate) async fn with_store_timeout<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T> {
    let mut work = pin!(work);
    // A store in memory is ready at once and needs no timer.
    if let Poll::Ready(done) = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
        return Ok(done?);
    }
    match tokio::time::timeout(STORE_TIMEOUT, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(StoreError::new("the store took too long").into()),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::task::{Context, Waker};

    use super::*;

    /// There is no runtime here, so a timer would panic.
    #[test]
    fn a_store_that_is_ready_needs_no_timer() {
        let mut work = pin!(with_store_timeout(ready(Ok(7))));
        let done = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(done, Poll::Ready(Ok(7))));
    }

    #[tokio::test]
    async fn a_store_that_is_not_ready_is_awaited() {
        let slow = async {
            tokio::task::yield_now().await;
            Ok(7)
        };
        assert_eq!(with_store_timeout(slow).await.unwrap(), 7);
        let mut never = pin!(with_store_timeout(pending::<Result<(), StoreError>>()));
        assert!(never.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}
