//! Records completed attempts, so that a copied cookie cannot complete one twice.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::secret::{Secret, sha256};

/// The number of stored states. More callbacks within one attempt's lifetime evict the oldest. A code is single-use at
/// Okta in any case; this is a second defence, within one process.
const CAPACITY: usize = 16_384;

/// A bounded set of used states. Only callbacks fill it: starting an attempt stores nothing.
#[derive(Debug, Default)]
pub(crate) struct UsedStates(Mutex<Used>);

/// The used states, and the order in which they came.
///
/// All have the same lifetime, so the oldest is the first to expire.
#[derive(Debug, Default)]
struct Used {
    states: HashSet<[u8; 32]>,
    order: VecDeque<([u8; 32], Timestamp)>,
}

impl UsedStates {
    /// Marks a state as used. Returns `false` if it already was.
    ///
    /// Runs in constant time: at most two entries are removed for each that is added.
    pub(crate) fn consume(&self, state: &Secret, lifetime: Duration, now: Timestamp) -> bool {
        let key = sha256(state.expose().as_bytes());
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !used.states.insert(key) {
            return false;
        }
        used.order.push_back((key, now.plus(lifetime)));
        used.evict(now);
        used.evict(now);
        true
    }
}

impl Used {
    fn evict(&mut self, now: Timestamp) {
        let full = self.order.len() > CAPACITY;
        if self.order.front().is_some_and(|(_, until)| full || *until <= now)
            && let Some((oldest, _)) = self.order.pop_front()
        {
            self.states.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_consumed_once_and_the_set_is_bounded() {
        let consumed = UsedStates::default();
        let now = Timestamp::from_seconds(1_000);
        let lifetime = Duration::from_secs(600);
        let state = Secret::new("s");
        assert!(consumed.consume(&state, lifetime, now));
        assert!(!consumed.consume(&state, lifetime, now));
        for n in 0..CAPACITY + 10 {
            assert!(consumed.consume(&Secret::new(n.to_string()), lifetime, now.plus(Duration::from_secs(1))));
        }
        let sizes = |consumed: &UsedStates| {
            let used = consumed.0.lock().unwrap();
            (used.states.len(), used.order.len())
        };
        assert_eq!(sizes(&consumed), (CAPACITY, CAPACITY));
        // The oldest was evicted, and the latest were not.
        assert!(consumed.consume(&state, lifetime, now));
        assert!(!consumed.consume(&Secret::new((CAPACITY + 9).to_string()), lifetime, now));
        // Expired entries are removed two at a time, so that no single callback pays for all of them.
        let later = now.plus(lifetime * 2);
        for n in 0..10 {
            assert!(consumed.consume(&Secret::new(format!("later {n}")), lifetime, later));
        }
        assert_eq!(sizes(&consumed), (CAPACITY - 10, CAPACITY - 10));
    }
}
