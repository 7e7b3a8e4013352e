//! How long a session lives.

use std::time::Duration;

use crate::clock::Timestamp;

/// Clocks of replicas may differ by this much before a record "from the future" is
/// refused.
pub(super) const SKEW: Duration = Duration::from_secs(60);

/// The times of one session, as its record has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifeline {
    /// When the user signed in.
    pub(crate) created_at: Timestamp,
    /// When the session was last used.
    pub(crate) last_seen_at: Timestamp,
    /// The moment by which Okta wants it ended, whatever our limits (`session_expiry`
    /// of the IPSIE session profile).
    pub(crate) ceiling: Option<Timestamp>,
}

/// The two limits of a session; the earliest of them and its ceiling ends it.
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
    pub(crate) fn is_live(&self, line: Lifeline, now: Timestamp) -> bool {
        let horizon = now.plus(SKEW);
        now < self.end(line) && line.created_at <= horizon && line.last_seen_at <= horizon
    }

    /// What is left of a session at `now`.
    pub(crate) fn remaining(&self, line: Lifeline, now: Timestamp) -> Duration {
        self.end(line).since(now)
    }

    /// What is left of a session at `now` if it is used all the time.
    pub(crate) fn longest(&self, line: Lifeline, now: Timestamp) -> Duration {
        let end = line.created_at.plus(self.absolute);
        line.ceiling.map_or(end, |ceiling| ceiling.min(end)).since(now)
    }

    /// How long it is to be remembered that sessions have been ended. One of them may
    /// have begun by a clock that is ahead of this one.
    pub(crate) fn memory_of_ended(&self) -> Duration {
        self.absolute.saturating_add(SKEW)
    }

    /// Whether the time of last use is worth writing again. Not at each request: a
    /// twentieth of the idle limit is precise enough, and saves a cookie on most
    /// responses.
    pub(crate) fn is_touch_due(&self, last_seen_at: Timestamp, now: Timestamp) -> bool {
        now.since(last_seen_at) >= (self.idle / 20).max(Duration::from_secs(1))
    }

    /// The moment at which the first of the limits is reached.
    fn end(&self, line: Lifeline) -> Timestamp {
        let end = line.created_at.plus(self.absolute).min(line.last_seen_at.plus(self.idle));
        line.ceiling.map_or(end, |ceiling| ceiling.min(end))
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

    fn line(created_at: i64, last_seen_at: i64) -> Lifeline {
        Lifeline { created_at: at(created_at), last_seen_at: at(last_seen_at), ceiling: None }
    }

    #[test]
    fn the_idle_limit_to_the_second() {
        assert!(LIMITS.is_live(line(0, 100), at(100 + 3599)));
        assert!(!LIMITS.is_live(line(0, 100), at(100 + 3600)));
        assert_eq!(LIMITS.remaining(line(0, 100), at(200)), Duration::from_secs(3500));
    }

    #[test]
    fn the_absolute_limit_whatever_the_use() {
        assert!(LIMITS.is_live(line(0, 43_198), at(43_199)));
        assert!(!LIMITS.is_live(line(0, 43_199), at(43_200)));
        assert_eq!(LIMITS.remaining(line(0, 43_190), at(43_195)), Duration::from_secs(5));
        assert_eq!(LIMITS.longest(line(0, 0), at(100)), Duration::from_secs(43_100));
    }

    #[test]
    fn the_ceiling_of_the_issuer_whatever_our_limits() {
        let line = Lifeline { ceiling: Some(at(500)), ..line(0, 499) };
        assert!(LIMITS.is_live(line, at(499)));
        assert!(!LIMITS.is_live(line, at(500)));
        assert_eq!(LIMITS.remaining(line, at(400)), Duration::from_secs(100));
        assert_eq!(LIMITS.longest(line, at(400)), Duration::from_secs(100));
        let later = Lifeline { ceiling: Some(at(1_000_000)), ..line };
        assert!(!LIMITS.is_live(later, at(499 + 3600)), "a late ceiling lengthens nothing");
    }

    #[test]
    fn a_session_from_the_future_is_dead_beyond_the_skew() {
        assert!(LIMITS.is_live(line(60, 60), at(0)));
        assert!(!LIMITS.is_live(line(61, 61), at(0)));
    }

    #[test]
    fn touching_is_rare() {
        assert!(!LIMITS.is_touch_due(at(0), at(179)));
        assert!(LIMITS.is_touch_due(at(0), at(180)));
        assert!(!LIMITS.is_touch_due(at(100), at(0)));
    }
}
