//! The virtual clock: system time plus an offset that a test changes.
//!
//! Tests of expiry should not wait. The org takes every time stamp and every expiry from a [`Clock`], and also the
//! header `Date` of its responses.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The clock for every time stamp and every expiry of an org.
///
/// It runs at the speed of the system clock until it is [stopped](Clock::stop); [`Clock::advance`] and
/// [`Clock::rewind`] move it without waiting. Clones share the offset, so the clock that [`crate::Org::clock`] returns
/// controls the running server.
///
/// ```
/// use okta_auth_dev::Clock;
/// use std::time::{Duration, SystemTime};
///
/// let clock = Clock::default();
/// clock.advance(Duration::from_secs(86_400));
/// assert!(clock.now() > SystemTime::now() + Duration::from_secs(86_000));
/// clock.rewind(Duration::from_secs(86_400));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Milliseconds added to the system time.
    offset: Arc<AtomicI64>,
    /// The system time at which the clock was stopped.
    stopped: Arc<OnceLock<SystemTime>>,
}

impl Clock {
    /// Returns the virtual time.
    pub fn now(&self) -> SystemTime {
        let offset = self.offset.load(Ordering::SeqCst);
        let distance = Duration::from_millis(offset.unsigned_abs());
        let now = self.stopped.get().copied().unwrap_or_else(SystemTime::now);
        let moved = if offset < 0 { now.checked_sub(distance) } else { now.checked_add(distance) };
        moved.unwrap_or(now)
    }

    /// Moves the clock forward.
    ///
    /// Sessions, codes and tokens expire immediately if their lifetime ends by the new time.
    pub fn advance(&self, by: Duration) {
        self.offset.fetch_add(milliseconds(by), Ordering::SeqCst);
    }

    /// Moves the clock back, for instance so that a token appears to be issued in the future.
    ///
    /// Expired items become valid again, unless they were used up or revoked.
    pub fn rewind(&self, by: Duration) {
        self.offset.fetch_sub(milliseconds(by), Ordering::SeqCst);
    }

    /// Stops the clock: from now on only [`advance`](Self::advance) and [`rewind`](Self::rewind) move it.
    ///
    /// For tests of events within one second, which a busy machine may exceed. A stopped clock cannot be restarted.
    pub fn stop(&self) {
        self.stopped.get_or_init(SystemTime::now);
    }

    /// The virtual time in whole seconds since 1970, the unit of `NumericDate` (RFC 7519 §2).
    pub(crate) fn seconds(&self) -> i64 {
        let elapsed = self.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
    }
}

/// A duration in whole seconds, for arithmetic with [`Clock::seconds`].
pub(crate) fn seconds(length: Duration) -> i64 {
    i64::try_from(length.as_secs()).unwrap_or(i64::MAX)
}

fn milliseconds(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

/// Weekday names of HTTP dates. The list starts with Thursday because 1 January 1970 was one.
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
/// Month names of HTTP dates; month 1 is at index 0.
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Formats a time as an HTTP date (RFC 9110 §5.6.7).
///
/// The server sends its virtual time as `Date`, because clients compute the wait after a 429 from `X-Rate-Limit-Reset`
/// and `Date`.
pub(crate) fn http_date(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let name = |list: &'static [&'static str], index: i64| {
        usize::try_from(index).ok().and_then(|index| list.get(index)).copied().unwrap_or_default()
    };
    let weekday = name(&DAYS, days.rem_euclid(7));
    let month = name(&MONTHS, month - 1);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// The Gregorian date of a day counted from 1 January 1970. The year is shifted to begin in March, so that the leap day
/// is its last day.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_moves_both_ways_and_clones_share_it() {
        let clock = Clock::default();
        let before = clock.seconds();
        clock.clone().advance(Duration::from_secs(3600));
        assert!((3599..3602).contains(&(clock.seconds() - before)));
        clock.rewind(Duration::from_secs(7200));
        assert!((-3601..-3598).contains(&(clock.seconds() - before)));
    }

    #[test]
    fn a_stopped_clock_moves_only_by_advance() {
        let clock = Clock::default();
        clock.clone().stop();
        let stopped = clock.now();
        while SystemTime::now() <= stopped {}
        clock.stop();
        assert_eq!(clock.now(), stopped);
        clock.advance(Duration::from_secs(2));
        assert_eq!(clock.now(), stopped + Duration::from_secs(2));
    }

    #[test]
    fn http_dates_follow_rfc_9110() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
    }
}
