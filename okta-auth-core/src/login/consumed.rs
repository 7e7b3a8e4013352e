//! Which attempts have been completed, so that a copied cookie does not complete one
//! twice.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::secret::{Secret, sha256};

/// More than this many callbacks within one attempt's lifetime evict the oldest ones. A
/// code is single-use at Okta in any case; this is the second line, within one process.
const CAPACITY: usize = 16_384;

/// A bounded memory of used states. It is filled by callbacks alone: starting an
/// attempt costs nothing.
#[derive(Debug, Default)]
pub(crate) struct Consumed(Mutex<HashMap<[u8; 32], Timestamp>>);

impl Consumed {
    /// Marks a state as used. `false` if it already was.
    pub(crate) fn consume(&self, state: &Secret, lifetime: Duration, now: Timestamp) -> bool {
        let key = sha256(state.expose().as_bytes());
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.contains_key(&key) {
            return false;
        }
        if used.len() >= CAPACITY {
            make_room(&mut used, now);
        }
        used.insert(key, now.plus(lifetime));
        true
    }
}

/// Drops what has expired, and if nothing has, the one that expires first.
fn make_room(used: &mut HashMap<[u8; 32], Timestamp>, now: Timestamp) {
    used.retain(|_, until| *until > now);
    if used.len() >= CAPACITY
        && let Some(oldest) = used.iter().min_by_key(|(_, until)| **until).map(|(key, _)| *key)
    {
        used.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_consumed_once_and_memory_is_bounded() {
        let consumed = Consumed::default();
        let now = Timestamp::from_seconds(1_000);
        let lifetime = Duration::from_secs(600);
        let state = Secret::new("s");
        assert!(consumed.consume(&state, lifetime, now));
        assert!(!consumed.consume(&state, lifetime, now));
        for n in 0..CAPACITY + 10 {
            assert!(consumed.consume(&Secret::new(n.to_string()), lifetime, now.plus(Duration::from_secs(1))));
        }
        assert!(consumed.0.lock().unwrap().len() <= CAPACITY);
    }
}
