//! Locking that survives a panic elsewhere.
//!
//! The locks are those of the standard library: none is held across a wait.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic while the lock was held: every critical section here
/// leaves its data whole, and a test that failed must not take the server of the next
/// one with it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
