//! Nonces of an authorization server (RFC 9449 §8).
//!
//! Okta renews the nonce every 24 hours and accepts an old one for three days. The org keeps this ratio for other
//! lifetimes.

use crate::random;

/// How many lifetimes a nonce is accepted.
const ACCEPTED: i64 = 3;

/// The nonces of one authorization server with the time of their issue, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Nonces {
    issued: Vec<(String, i64)>,
}

impl Nonces {
    /// Returns the nonce for new proofs, and renews it after its lifetime in seconds.
    pub(crate) fn current(&mut self, now: i64, lifetime: i64) -> String {
        match self.issued.last() {
            Some((nonce, issued_at)) if now < issued_at.saturating_add(lifetime) => nonce.clone(),
            _ => self.renew(now, lifetime),
        }
    }

    /// Issues a new nonce. Old ones stay valid for their time.
    pub(crate) fn renew(&mut self, now: i64, lifetime: i64) -> String {
        self.issued.retain(|(_, issued_at)| is_accepted(*issued_at, now, lifetime));
        let nonce = random::token();
        self.issued.push((nonce.clone(), now));
        nonce
    }

    /// Issues a new nonce, and no longer accepts the old ones.
    pub(crate) fn restart(&mut self, now: i64, lifetime: i64) -> String {
        self.issued.clear();
        self.renew(now, lifetime)
    }

    pub(crate) fn accepts(&self, nonce: &str, now: i64, lifetime: i64) -> bool {
        self.issued.iter().any(|(known, issued_at)| known == nonce && is_accepted(*issued_at, now, lifetime))
    }
}

fn is_accepted(issued_at: i64, now: i64, lifetime: i64) -> bool {
    now < issued_at.saturating_add(lifetime.saturating_mul(ACCEPTED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_renewed_after_its_lifetime_and_accepted_for_three() {
        let (mut nonces, day) = (Nonces::default(), 86_400);
        let first = nonces.current(0, day);
        assert_eq!(nonces.current(day - 1, day), first);
        let second = nonces.current(day, day);
        assert_ne!(second, first);
        assert!(nonces.accepts(&first, 3 * day - 1, day) && !nonces.accepts(&first, 3 * day, day));
        let third = nonces.restart(day, day);
        assert!(!nonces.accepts(&second, day, day) && nonces.accepts(&third, day, day));
    }
}
