//! Locks that survive a panic of another thread.
//!
//! They are standard library locks, because none is held across an await.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex and ignores poisoning. Every critical section leaves its data consistent, and a failed test must not
/// break the server for other tests.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
