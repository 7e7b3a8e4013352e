//! Session limits: how long a session lives.

use std::time::Duration;

pub(super) use crate::clock::REPLICA_SKEW as SKEW;
use crate::clock::Timestamp;

/// Whether a request counts as a use of its session.
///
/// The idle limit counts from the last use. A page that polls would keep its session alive for ever, so an application
/// can mark requests that no person caused as passive. Passive requests are answered as usual and do not extend the
/// idle limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Activity {
    /// The request counts as a use: the default.
    #[default]
    Active,
    /// The request does not count as a use.
    Passive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionTimes {
    pub(crate) created_at: Timestamp,
    pub(crate) last_seen_at: Timestamp,
    /// The latest end that Okta allows, regardless of our limits (`session_expiry` of the IPSIE session profile).
    pub(crate) max_expires_at: Option<Timestamp>,
    /// The end by the absolute limit that was in force at sign-in. `None` before the first write, and in records of
    /// version 0.1.
    pub(crate) ends_at: Option<Timestamp>,
    /// The end by the idle limit that was in force when the last use was written. `None` in the same cases as
    /// `ends_at`.
    pub(crate) idle_until: Option<Timestamp>,
}

/// The two limits of a session. A session ends at the earliest of the two limits and the end that Okta allows.
///
/// A record also stores the ends that were computed when it was written, and both count: a lower limit ends sessions at
/// once, and a higher limit never revives a session that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionLimits {
    /// The longest time without a request.
    pub(crate) idle: Duration,
    /// The longest time since sign-in.
    pub(crate) absolute: Duration,
}

impl SessionLimits {
    /// Whether a session is alive at `now`: it has not reached its end, and does not begin in the future.
    pub(crate) fn is_live(&self, line: SessionTimes, now: Timestamp) -> bool {
        now < self.end(line) && line.ahead_of(now) <= SKEW
    }

    pub(crate) fn remaining(&self, line: SessionTimes, now: Timestamp) -> Duration {
        self.end(line).since(now)
    }

    /// The time that a session has left at `now` if it is used continuously.
    pub(crate) fn longest(&self, line: SessionTimes, now: Timestamp) -> Duration {
        self.absolute_end(line).since(now)
    }

    /// The absolute end and the idle end to write into the record of a session.
    pub(super) fn ends(&self, line: SessionTimes) -> (Timestamp, Timestamp) {
        let ends_at = line.ends_at.unwrap_or_else(|| line.created_at.plus(self.absolute));
        (ends_at, line.idle_until.unwrap_or_else(|| line.last_seen_at.plus(self.idle)))
    }

    /// How long to remember that sessions have been ended. One of them may have begun by a clock that is ahead of this
    /// one.
    pub(crate) fn memory_of_ended(&self) -> Duration {
        self.absolute.saturating_add(SKEW)
    }

    /// How long to remember that this session has been ended: at least as long as its record says that it could live,
    /// even if the limits have been lowered since.
    pub(crate) fn memory_of(&self, line: SessionTimes, now: Timestamp) -> Duration {
        let written = line.ends_at.map_or(Duration::ZERO, |end| end.since(now)).saturating_add(SKEW);
        self.memory_of_ended().max(written)
    }

    /// Whether the time of last use should be written again. A twentieth of the idle limit is precise enough, and saves
    /// a cookie on most responses.
    ///
    /// If the record was written with a shorter idle limit, that one counts.
    pub(crate) fn is_touch_due(&self, line: SessionTimes, now: Timestamp) -> bool {
        let idle = line.idle_until.map_or(self.idle, |end| end.since(line.last_seen_at).min(self.idle));
        now.since(line.last_seen_at) >= (idle / 20).max(Duration::from_secs(1))
    }

    pub(crate) fn end(&self, line: SessionTimes) -> Timestamp {
        self.absolute_end(line).min(self.idle_end(line))
    }

    /// The end of a session that is not used.
    pub(crate) fn idle_end(&self, line: SessionTimes) -> Timestamp {
        let idle = line.last_seen_at.plus(self.idle);
        line.idle_until.map_or(idle, |end| end.min(idle))
    }

    /// The end of a session that is used continuously.
    pub(crate) fn absolute_end(&self, line: SessionTimes) -> Timestamp {
        let end = line.created_at.plus(self.absolute);
        [line.ends_at, line.max_expires_at].into_iter().flatten().fold(end, Timestamp::min)
    }
}

impl SessionTimes {
    /// How far in the future the session began or was last used, relative to `now`.
    pub(super) fn ahead_of(&self, now: Timestamp) -> Duration {
        self.created_at.max(self.last_seen_at).since(now)
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

    fn line(created_at: i64, last_seen_at: i64) -> SessionTimes {
        let (max_expires_at, ends_at, idle_until) = (None, None, None);
        SessionTimes { created_at: at(created_at), last_seen_at: at(last_seen_at), max_expires_at, ends_at, idle_until }
    }

    #[test]
    fn the_idle_limit_is_exact_to_the_second() {
        assert!(LIMITS.is_live(line(0, 100), at(100 + 3599)));
        assert!(!LIMITS.is_live(line(0, 100), at(100 + 3600)));
        assert_eq!(LIMITS.remaining(line(0, 100), at(200)), Duration::from_secs(3500));
    }

    #[test]
    fn the_absolute_limit_ends_a_session_in_use() {
        assert!(LIMITS.is_live(line(0, 43_198), at(43_199)));
        assert!(!LIMITS.is_live(line(0, 43_199), at(43_200)));
        assert_eq!(LIMITS.remaining(line(0, 43_190), at(43_195)), Duration::from_secs(5));
        assert_eq!(LIMITS.longest(line(0, 0), at(100)), Duration::from_secs(43_100));
    }

    #[test]
    fn the_ceiling_of_the_issuer_ends_a_session_before_our_limits() {
        let line = SessionTimes { max_expires_at: Some(at(500)), ..line(0, 499) };
        assert!(LIMITS.is_live(line, at(499)));
        assert!(!LIMITS.is_live(line, at(500)));
        assert_eq!(LIMITS.remaining(line, at(400)), Duration::from_secs(100));
        assert_eq!(LIMITS.longest(line, at(400)), Duration::from_secs(100));
        let later = SessionTimes { max_expires_at: Some(at(1_000_000)), ..line };
        assert!(!LIMITS.is_live(later, at(499 + 3600)), "a late ceiling extended a session");
    }

    #[test]
    fn a_session_from_the_future_is_dead_beyond_the_skew() {
        assert!(LIMITS.is_live(line(60, 60), at(0)));
        assert!(!LIMITS.is_live(line(61, 61), at(0)));
    }

    #[test]
    fn a_use_is_written_after_a_twentieth_of_the_idle_limit() {
        assert!(!LIMITS.is_touch_due(line(0, 0), at(179)));
        assert!(LIMITS.is_touch_due(line(0, 0), at(180)));
        assert!(!LIMITS.is_touch_due(line(0, 100), at(0)));
    }

    #[test]
    fn the_ends_in_the_record_count_as_well_as_the_current_limits() {
        let higher = SessionLimits { idle: LIMITS.idle * 4, absolute: LIMITS.absolute * 4 };
        let lower = SessionLimits { idle: LIMITS.idle / 4, absolute: LIMITS.absolute / 4 };
        let written = |line: SessionTimes| {
            let (ends_at, idle_until) = LIMITS.ends(line);
            SessionTimes { ends_at: Some(ends_at), idle_until: Some(idle_until), ..line }
        };
        let idle = written(line(0, 100));
        assert!(higher.is_live(idle, at(100 + 3599)) && !higher.is_live(idle, at(100 + 3600)));
        assert!(lower.is_live(idle, at(100 + 899)) && !lower.is_live(idle, at(100 + 900)));
        let used = written(line(0, 43_190));
        assert!(higher.is_live(used, at(43_199)) && !higher.is_live(used, at(43_200)));
        assert_eq!(higher.longest(used, at(0)), LIMITS.absolute);
        // A session in use stays alive although the idle limit has been raised.
        assert!(higher.is_touch_due(idle, at(100 + 180)));
        // Lowered and raised again: the revocation mark outlives the cookie of the ended session.
        assert_eq!(lower.memory_of(idle, at(0)), LIMITS.absolute + SKEW);
        assert_eq!(higher.memory_of(idle, at(0)), higher.memory_of_ended());
    }
}
