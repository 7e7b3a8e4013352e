//! The clock. All code reads the time through it, so that tests can control the time.
//!
//! Any `Fn() -> SystemTime` is a clock:
//!
//! ```
//! # use okta_auth_core as okta_auth;
//! use std::time::{Duration, SystemTime};
//! use okta_auth::OktaAuth;
//!
//! # fn main() -> Result<(), okta_auth::error::Error> {
//! let auth = OktaAuth::builder()
//!     .from_env()
//! #   .issuer("https://acme.okta.com").client_id("0oa1")
//!     .clock(|| SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000))
//!     .build()?;
//! # drop(auth); Ok(())
//! # }
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The tolerated difference between the clocks of two replicas. Sessions and pending sign-ins that begin further in the
/// future are rejected.
pub(crate) const REPLICA_SKEW: Duration = Duration::from_secs(60);

/// A source of the current time. The default is the clock of the operating system.
///
/// The time may jump in either direction. No cached value becomes permanent if the clock jumps backwards, and a wrong
/// clock causes no overflow.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> SystemTime;
}

impl<F: Fn() -> SystemTime + Send + Sync + 'static> Clock for F {
    fn now(&self) -> SystemTime {
        self()
    }
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

#[derive(Clone)]
pub(crate) struct SharedClock(Arc<dyn Clock>);

impl SharedClock {
    pub(crate) fn new(clock: impl Clock) -> Self {
        Self(Arc::new(clock))
    }

    /// The current time, in whole seconds.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from(self.0.now())
    }

    pub(crate) fn moment(&self) -> Moment {
        let since = self.0.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}

impl Default for SharedClock {
    fn default() -> Self {
        Self::new(SystemClock)
    }
}

/// Measures durations with a monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    #[cfg(test)]
    pub(crate) const fn since(start: std::time::Instant) -> Self {
        Self(start)
    }
}

impl fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Whole seconds since 1970-01-01T00:00:00Z: the `NumericDate` of RFC 7519 §2, without fractions.
///
/// All arithmetic saturates, because the values come from tokens and cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Creates a timestamp from seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// The seconds since the epoch.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// This time plus `span`. Fractions of a second are dropped.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(whole_seconds(span)))
    }

    /// This time minus `span`. Fractions of a second are dropped.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(whole_seconds(span)))
    }

    /// The time from `earlier` to this time; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(whole_seconds(after)),
            Err(before) => Self(whole_seconds(before.duration()).saturating_neg()),
        }
    }
}

/// Microseconds since 1970-01-01T00:00:00Z, to order events within a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Moment(u64);

impl Moment {
    #[cfg(test)]
    pub(crate) const fn from_seconds(seconds: u64) -> Self {
        Self(seconds * 1_000_000)
    }

    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp(i64::try_from(self.0 / 1_000_000).unwrap_or(i64::MAX))
    }

    /// Returns this moment, or the one right after `other` if `other` is not earlier and less than a minute ahead.
    /// Beyond a minute a clock has jumped far, and no event must get a date in the future.
    #[must_use]
    pub(crate) fn after(self, other: Self) -> Self {
        match other.0.checked_sub(self.0) {
            Some(ahead) if ahead < 60_000_000 => Self(other.0.saturating_add(1)),
            _ => self,
        }
    }
}

/// A `NumericDate` (RFC 7519 §2): any JSON number, with or without a fraction.
///
/// It is rounded down, so that a token never lives longer than its `exp` says. A number outside the range of
/// [`Timestamp`] saturates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NumericDate(pub(crate) Timestamp);

impl NumericDate {
    pub(crate) fn read(value: &serde_json::Value) -> Option<Timestamp> {
        <Self as serde::Deserialize>::deserialize(value).ok().map(|date| date.0)
    }
}

impl<'de> serde::Deserialize<'de> for NumericDate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = NumericDate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of seconds since 1970")
            }

            fn visit_i64<E>(self, seconds: i64) -> Result<NumericDate, E> {
                Ok(NumericDate(Timestamp(seconds)))
            }

            fn visit_u64<E>(self, seconds: u64) -> Result<NumericDate, E> {
                Ok(NumericDate(Timestamp(i64::try_from(seconds).unwrap_or(i64::MAX))))
            }

            fn visit_f64<E>(self, seconds: f64) -> Result<NumericDate, E> {
                // The cast saturates.
                Ok(NumericDate(Timestamp(seconds.floor() as i64)))
            }
        }

        deserializer.deserialize_f64(Visitor)
    }
}

/// A duration in configuration files, in seconds.
#[cfg(feature = "toml")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) Duration);

#[cfg(feature = "toml")]
impl<'de> serde::Deserialize<'de> for Seconds {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Seconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of seconds, such as 300")
            }

            fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Seconds, E> {
                let number = u64::try_from(seconds);
                let number = number.map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(seconds), &self))?;
                self.visit_u64(number)
            }

            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Seconds, E> {
                Ok(Seconds(Duration::from_secs(seconds)))
            }
        }

        deserializer.deserialize_u64(Visitor)
    }
}

/// Saturates at the maximum of a timestamp.
fn whole_seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

/// A clock that a test sets. Clones show the same time.
#[cfg(test)]
#[derive(Clone)]
pub(crate) struct TestClock(Arc<std::sync::atomic::AtomicI64>);

#[cfg(test)]
impl TestClock {
    pub(crate) fn at(seconds: i64) -> Self {
        Self(Arc::new(seconds.into()))
    }

    pub(crate) fn set(&self, seconds: i64) {
        self.0.store(seconds, std::sync::atomic::Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, std::sync::atomic::Ordering::SeqCst);
    }

    pub(crate) fn shared(&self) -> SharedClock {
        SharedClock::new(self.clone())
    }
}

#[cfg(test)]
impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(std::sync::atomic::Ordering::SeqCst).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        let end = Timestamp::from_seconds(i64::MAX);
        assert_eq!(end.plus(Duration::from_secs(1)), end);
        assert_eq!(Timestamp::from_seconds(i64::MIN).minus(Duration::MAX), Timestamp::from_seconds(i64::MIN));
        assert_eq!(end.since(Timestamp::from_seconds(i64::MIN)), Duration::from_secs(i64::MAX as u64));
        assert_eq!(Timestamp::from_seconds(5).since(Timestamp::from_seconds(9)), Duration::ZERO);
    }

    #[test]
    fn any_json_number_is_a_numeric_date() {
        let both = |text: &str| {
            let direct = serde_json::from_str::<NumericDate>(text).map(|date| date.0.seconds());
            let value = serde_json::from_str(text).ok().and_then(|value| NumericDate::read(&value));
            assert_eq!(direct.as_ref().ok(), value.map(Timestamp::seconds).as_ref(), "{text}");
            direct
        };
        for (text, seconds) in [
            ("0", 0),
            ("1800000000.9", 1_800_000_000),
            ("-0.5", -1),
            ("-1.0", -1),
            ("1e3", 1_000),
            ("9223372036854775807", i64::MAX),
            ("9223372036854775808", i64::MAX),
            ("99999999999999999999", i64::MAX),
            ("1e300", i64::MAX),
            ("-1e300", i64::MIN),
        ] {
            assert_eq!(both(text).unwrap(), seconds, "{text}");
        }
        for other in ["\"1\"", "true", "null", "[1]", "{}", "\"NaN\""] {
            assert!(both(other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_time_before_the_epoch_is_negative() {
        assert_eq!(Timestamp::from(UNIX_EPOCH - Duration::from_secs(3)).seconds(), -3);
    }
}
