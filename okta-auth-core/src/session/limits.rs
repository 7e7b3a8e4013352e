//! How long a session lives.

use std::time::Duration;

use crate::clock::Timestamp;

/// Clocks of replicas may differ by this much before a record "from the future" is
/// refused.
const SKEW: Duration = Duration::from_secs(60);

/// The two limits of a session; the earlier one ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionLimits {
    /// The longest time without a request.
    pub(crate) idle: Duration,
    /// The longest time since sign-in.
    pub(crate) absolute: Duration,
}

impl SessionLimits {
    /// Whether a session is alive at `now`: before both limits, and not from the
    /// future.
    pub(crate) fn is_live(&self, created_at: Timestamp, last_seen_at: Timestamp, now: Timestamp) -> bool {
        let horizon = now.plus(SKEW);
        now < self.end(created_at, last_seen_at) && created_at <= horizon && last_seen_at <= horizon
    }

    /// What is left of a session at `now`.
    pub(crate) fn remaining(&self, created_at: Timestamp, last_seen_at: Timestamp, now: Timestamp) -> Duration {
        self.end(created_at, last_seen_at).since(now)
    }

    /// Whether the time of last use is worth writing again. Not at each request: a
    /// twentieth of the idle limit is precise enough, and saves a cookie on most
    /// responses.
    pub(crate) fn is_touch_due(&self, last_seen_at: Timestamp, now: Timestamp) -> bool {
        now.since(last_seen_at) >= (self.idle / 20).max(Duration::from_secs(1))
    }

    /// The moment at which the first of the two limits is reached.
    fn end(&self, created_at: Timestamp, last_seen_at: Timestamp) -> Timestamp {
        created_at.plus(self.absolute).min(last_seen_at.plus(self.idle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SessionLimits =
        SessionLimits { idle: Duration::from_secs(3600), absolute: Duration::from_secs(43_200) };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 + seconds)
    }

    #[test]
    fn the_idle_limit_to_the_second() {
        assert!(LIMITS.is_live(at(0), at(100), at(100 + 3599)));
        assert!(!LIMITS.is_live(at(0), at(100), at(100 + 3600)));
        assert_eq!(LIMITS.remaining(at(0), at(100), at(200)), Duration::from_secs(3500));
    }

    #[test]
    fn the_absolute_limit_whatever_the_use() {
        assert!(LIMITS.is_live(at(0), at(43_198), at(43_199)));
        assert!(!LIMITS.is_live(at(0), at(43_199), at(43_200)));
        assert_eq!(LIMITS.remaining(at(0), at(43_190), at(43_195)), Duration::from_secs(5));
    }

    #[test]
    fn a_session_from_the_future_is_dead_beyond_the_skew() {
        assert!(LIMITS.is_live(at(60), at(60), at(0)));
        assert!(!LIMITS.is_live(at(61), at(61), at(0)));
    }

    #[test]
    fn touching_is_rare() {
        assert!(!LIMITS.is_touch_due(at(0), at(179)));
        assert!(LIMITS.is_touch_due(at(0), at(180)));
        assert!(!LIMITS.is_touch_due(at(100), at(0)));
    }
}
