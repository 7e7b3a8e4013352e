//! Warns about sessions that began in the future.
//!
//! Such a session was sealed with our keys, so a clock is wrong: either the clock of this machine or that of the
//! replica that wrote the session. The affected users have to sign in again and again, and only the operator can see
//! why.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::limits::{SKEW, SessionTimes};
use crate::clock::Timestamp;

const INTERVAL: Duration = Duration::from_secs(60);

/// Logs at most one warning a minute.
#[derive(Debug)]
pub(super) struct ClockSkew {
    /// When the last warning was logged, in seconds since the epoch.
    warned_at: AtomicI64,
}

impl Default for ClockSkew {
    fn default() -> Self {
        Self { warned_at: AtomicI64::new(i64::MIN) }
    }
}

impl ClockSkew {
    pub(super) fn check(&self, line: SessionTimes, now: Timestamp) {
        let ahead = line.ahead_of(now);
        if ahead <= SKEW || !self.is_due(now) {
            return;
        }
        tracing::warn!(
            target: "okta_auth", ahead_seconds = ahead.as_secs(), clock = now.seconds(),
            "a session is ignored because it began {} s in the future: the clock of this machine is behind, or the clock \
             of the replica where the user signed in is ahead, by more than {} s. Synchronize both clocks (NTP)",
            ahead.as_secs(), SKEW.as_secs()
        );
    }

    /// Whether no warning has been logged in the last minute. Works after a clock jump in either direction.
    fn is_due(&self, now: Timestamp) -> bool {
        let (before, now) = (self.warned_at.load(Ordering::Relaxed), now.seconds());
        before.abs_diff(now) >= INTERVAL.as_secs()
            && self.warned_at.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warns_once_a_minute_and_again_after_a_clock_jump() {
        let skew = ClockSkew::default();
        let due = |seconds| skew.is_due(Timestamp::from_seconds(seconds));
        assert!(due(1_000) && !due(1_000) && !due(1_059) && !due(941));
        assert!(due(1_060) && !due(1_061));
        assert!(due(0) && !due(1));
    }
}
