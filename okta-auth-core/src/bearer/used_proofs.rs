//! Remembers the DPoP proofs that were used, so that a captured request cannot be sent again (RFC 9449 §11.1).
//!
//! Only a proof that fits a verified token is stored, so an attacker without a token cannot fill the memory. No proof
//! is evicted before it expires, because it could then be used again: when the memory is full, requests are answered
//! with 503.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;

use crate::clock::Timestamp;
use crate::config::Config;

/// The proofs of one tenant that a process remembers, of at most 110 bytes each. With the default leeway these are
/// 5,500 requests a second. The memory of all tenants is bounded by the requests that a process can serve in three
/// minutes.
const CAPACITY: usize = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    First,
    Repeated,
    /// The memory is full, so it is unknown whether the proof would be found at its next use.
    Unknown,
}

/// The used proofs of one tenant.
pub(super) struct UsedProofs {
    used: Mutex<Used>,
    capacity: usize,
}

/// The memory of each tenant. One tenant cannot fill the memory of another. The memories outlive the engines, which are
/// created again when settings change.
#[derive(Clone, Default)]
pub(crate) struct ProofMemories(Arc<Mutex<HashMap<String, Arc<UsedProofs>>>>);

/// The used proofs, and the order in which they came. All have the same lifetime, so the oldest is the first to expire.
#[derive(Default)]
struct Used {
    proofs: HashSet<u128, RandomState>,
    order: VecDeque<(u128, Timestamp)>,
}

impl ProofMemories {
    pub(super) fn of(&self, config: &Config) -> Arc<UsedProofs> {
        let (owner, client_id) = config.owner();
        let mut memories = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            memories.entry(format!("{owner} {client_id}")).or_insert_with(|| Arc::new(UsedProofs::new(CAPACITY))),
        )
    }
}

impl UsedProofs {
    fn new(capacity: usize) -> Self {
        Self { used: Mutex::default(), capacity }
    }

    /// Marks a proof as used until a moment at which it is refused by its age.
    ///
    /// `proof` is a SHA-256, of which one half is kept: 128 bits make a collision as unlikely as a guessed key. At most
    /// two expired proofs are removed for each that is added, so no single request pays for many.
    pub(super) fn consume(&self, proof: &[u8; 32], until: Timestamp, now: Timestamp) -> Use {
        let proof = u128::from_be_bytes(*proof.first_chunk().unwrap_or(&[0; 16]));
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.proofs.contains(&proof) {
            return Use::Repeated;
        }
        used.remove_expired(now);
        used.remove_expired(now);
        if used.proofs.len() >= self.capacity {
            return Use::Unknown;
        }
        used.proofs.insert(proof);
        used.order.push_back((proof, until));
        Use::First
    }
}

impl Used {
    fn remove_expired(&mut self, now: Timestamp) {
        if self.order.front().is_some_and(|(_, until)| *until <= now)
            && let Some((oldest, _)) = self.order.pop_front()
        {
            self.proofs.remove(&oldest);
        }
    }
}

opaque_debug!(UsedProofs, |it| capacity: it.capacity);
opaque_debug!(ProofMemories);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_full_memory_forgets_no_proof_before_its_time() {
        let memory = UsedProofs::new(1_000);
        let consume = |proof: u32, until, now| {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&proof.to_be_bytes());
            memory.consume(&key, until, now)
        };
        let now = Timestamp::from_seconds(1_000);
        let until = now.plus(Duration::from_secs(180));
        let proofs = 0..1_000;
        assert!(proofs.clone().all(|proof| consume(proof, until, now) == Use::First));
        assert_eq!(consume(1_000, until, now), Use::Unknown);
        assert!(proofs.clone().all(|proof| consume(proof, until, now) == Use::Repeated));
        let before = until.minus(Duration::from_secs(1));
        assert_eq!((consume(0, until, before), consume(1_000, until, before)), (Use::Repeated, Use::Unknown));
        // Two leave for each that comes.
        let later = until.plus(Duration::from_secs(180));
        assert!((2_000..2_500).all(|proof| consume(proof, later, until) == Use::First));
        let used = memory.used.lock().unwrap();
        assert_eq!((used.proofs.len(), used.order.len()), (500, 500));
    }

    /// A full memory stays within the documented size while proofs expire and others take their places. To print it:
    /// `cargo test -p okta-auth-core --lib a_million_proofs -- --nocapture`
    #[test]
    #[allow(clippy::print_stdout, reason = "the figures of the guide")]
    fn a_million_proofs_take_a_bounded_memory() {
        let memory = UsedProofs::new(CAPACITY);
        let proofs = u32::try_from(CAPACITY).unwrap();
        for window in 0..4_u32 {
            let now = Timestamp::from_seconds(i64::from(window) * 1_000);
            for proof in 0..proofs {
                let mut key = [0; 32];
                key[..4].copy_from_slice(&window.to_be_bytes());
                key[4..8].copy_from_slice(&proof.to_be_bytes());
                assert_eq!(memory.consume(&key, now.plus(Duration::from_secs(180)), now), Use::First);
            }
            let used = memory.used.lock().unwrap();
            // A hash table has seven entries for eight places, of one byte more than the entry.
            let (set, order) = (used.proofs.capacity() * 8 / 7 * 17, used.order.capacity() * 32);
            assert!(used.proofs.len() == CAPACITY && set + order <= 110 * CAPACITY, "{set} {order}");
            println!("{} proofs, full {} times: {} bytes each", CAPACITY, window + 1, (set + order) / CAPACITY);
        }
    }
}
