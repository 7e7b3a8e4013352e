//! When the next poll is due (RFC 8628 §3.5).

use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::Error;

/// The interval if the server states none, and what `slow_down` adds to it (RFC 8628 §3.2 and §3.5).
pub(super) const INTERVAL: Duration = Duration::from_secs(5);
/// The shortest interval. Times are in whole seconds.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest pause that failed requests lead to, unless the interval is longer.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// The schedule of the polls of one device code.
#[derive(Debug)]
pub(super) struct Schedule {
    interval: Duration,
    /// The number of requests in a row that failed without an answer.
    failures: u32,
    /// The wait that the server stated with its last answer.
    stated: Duration,
    next: Timestamp,
    is_polling: bool,
}

impl Schedule {
    pub(super) fn new(interval: Option<Duration>, now: Timestamp) -> Self {
        let interval = interval.unwrap_or(INTERVAL).max(SHORTEST);
        let mut schedule = Self { interval, failures: 0, stated: Duration::ZERO, next: now, is_polling: false };
        schedule.postpone(now);
        schedule
    }

    /// Whether this caller has to poll. No other caller polls until [`answered`](Self::answered) or
    /// [`failed`](Self::failed).
    pub(super) fn claim(&mut self, now: Timestamp) -> bool {
        // After a jump of the clock the next poll is at most one pause away.
        self.next = self.next.min(now.plus(self.pause()));
        let is_due = !self.is_polling && now >= self.next;
        self.is_polling |= is_due;
        is_due
    }

    /// The user has not decided yet.
    pub(super) fn answered(&mut self, now: Timestamp, slow_down: bool) {
        if slow_down {
            self.interval = self.interval.saturating_add(INTERVAL);
        }
        (self.failures, self.stated) = (0, Duration::ZERO);
        self.postpone(now);
    }

    /// The request failed, and a later one may succeed.
    pub(super) fn failed(&mut self, now: Timestamp, error: &Error) {
        self.failures = self.failures.saturating_add(1);
        self.stated = error.retry_after().unwrap_or_default();
        self.postpone(now);
    }

    pub(super) fn until_next(&self, now: Timestamp) -> Duration {
        self.next.since(now)
    }

    fn postpone(&mut self, now: Timestamp) {
        (self.is_polling, self.next) = (false, now.plus(self.pause()));
    }

    /// One second more than the interval, because a fraction of a second may have been cut off from the present time.
    fn pause(&self) -> Duration {
        let doubled = self.interval.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        let backoff = doubled.min(LONGEST_BACKOFF).max(self.interval);
        backoff.max(self.stated).saturating_add(Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn pause_after(schedule: &mut Schedule, event: impl FnOnce(&mut Schedule)) -> u64 {
        assert!(!schedule.claim(at(0)));
        event(schedule);
        schedule.until_next(at(0)).as_secs()
    }

    fn unavailable() -> Error {
        Error::new(Code::ProviderUnavailable, "down")
    }

    #[test]
    fn slow_down_adds_five_seconds_for_good() {
        let mut schedule = Schedule::new(None, at(0));
        assert_eq!(schedule.until_next(at(0)).as_secs(), 6);
        assert_eq!(pause_after(&mut schedule, |it| it.answered(at(0), true)), 11);
        assert_eq!(pause_after(&mut schedule, |it| it.answered(at(0), false)), 11);
        assert_eq!(pause_after(&mut schedule, |it| it.answered(at(0), true)), 16);
    }

    #[test]
    fn failures_double_the_pause_until_the_next_answer() {
        let mut schedule = Schedule::new(Some(Duration::from_secs(7)), at(0));
        for expected in [15, 29, 57, 61, 61] {
            assert_eq!(pause_after(&mut schedule, |it| it.failed(at(0), &unavailable())), expected);
        }
        assert_eq!(pause_after(&mut schedule, |it| it.answered(at(0), false)), 8);
        let limited = unavailable().with_retry_after(Duration::from_secs(40));
        assert_eq!(pause_after(&mut schedule, |it| it.failed(at(0), &limited)), 41);
        let mut patient = Schedule::new(Some(Duration::from_secs(100)), at(0));
        assert_eq!(pause_after(&mut patient, |it| it.failed(at(0), &unavailable())), 101);
    }

    #[test]
    fn one_caller_polls_when_the_interval_has_passed() {
        let mut schedule = Schedule::new(Some(Duration::ZERO), at(10));
        assert!(!schedule.claim(at(11)));
        assert!(schedule.claim(at(12)));
        assert!(!schedule.claim(at(100)), "a poll is running");
        schedule.answered(at(100), false);
        assert!(!schedule.claim(at(101)) && schedule.claim(at(102)));
    }

    #[test]
    fn a_clock_that_jumps_backwards_does_not_stop_the_polls() {
        let mut schedule = Schedule::new(None, at(1_000_000));
        assert!(!schedule.claim(at(0)));
        assert!(!schedule.claim(at(5)) && schedule.claim(at(6)));
        let mut endless = Schedule::new(Some(Duration::MAX), at(0));
        assert!(!endless.claim(at(i64::MAX - 1)));
    }
}
