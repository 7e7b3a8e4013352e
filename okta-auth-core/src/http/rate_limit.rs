//! When to try again after a 429.
//!
//! Okta tells it as `X-Rate-Limit-Reset`, in seconds since the epoch by its own clock,
//! which the answer's `Date` gives; it documents no `Retry-After`, which is honoured
//! all the same.
//!
//! Both are what the other side says, so both are bounded: a wait of zero would hammer,
//! and one of a day would be an outage of our own making. The time to wait goes to
//! users as `Retry-After` with a 503, and nothing here sleeps it away: a request that
//! waits for a minute holds a connection that somebody else could use.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

use crate::clock::Timestamp;

/// The bounds of what is believed. Okta's windows are a minute long.
const LEAST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(60);

/// The time to wait, between one second and one minute.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Duration {
    let reset = headers.get("x-rate-limit-reset").and_then(|reset| reset.to_str().ok()?.trim().parse().ok());
    let by_reset = || reset.map(|reset| Timestamp::from_seconds(reset).since(server_time(headers, now)));
    stated(headers, now).or_else(by_reset).unwrap_or(LEAST).clamp(LEAST, MOST)
}

/// What `Retry-After` says, in seconds or as a date (RFC 9110 §10.2.3), within the same
/// bounds.
pub(super) fn stated(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    let wait = seconds.or_else(|| http_date(text).map(|date| date.since(server_time(headers, now))))?;
    Some(wait.clamp(LEAST, MOST))
}

/// The time by the clock of who answers, whose times are by that one too.
fn server_time(headers: &HeaderMap, now: Timestamp) -> Timestamp {
    headers.get(DATE).and_then(|date| http_date(date.to_str().ok()?)).unwrap_or(now)
}

/// An HTTP date in its one modern form, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110
/// §5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    use cookie::time::PrimitiveDateTime;
    use cookie::time::format_description::well_known::Rfc2822;
    let text = text.strip_suffix("GMT")?;
    let date = PrimitiveDateTime::parse(&format!("{text}+0000"), &Rfc2822).ok()?;
    Some(Timestamp::from_seconds(date.assume_utc().unix_timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(pairs: &[(&'static str, &str)]) -> u64 {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        retry_after(&headers.collect(), Timestamp::from_seconds(784_111_777)).as_secs()
    }

    #[test]
    fn the_reset_counts_from_the_servers_own_date() {
        assert_eq!(wait(&[("x-rate-limit-reset", "784111787")]), 10);
        let date = ("date", "Sun, 06 Nov 1994 08:49:57 GMT");
        assert_eq!(wait(&[("x-rate-limit-reset", "784111807"), date]), 10);
    }

    #[test]
    fn absurd_values_are_not_believed() {
        assert_eq!(wait(&[]), 1);
        assert_eq!(wait(&[("x-rate-limit-reset", "99999999999")]), 60);
        assert_eq!(wait(&[("x-rate-limit-reset", "0")]), 1);
        assert_eq!(wait(&[("x-rate-limit-reset", "soon"), ("date", "yesterday")]), 1);
        assert_eq!(wait(&[("retry-after", "7"), ("x-rate-limit-reset", "99999999999")]), 7);
        assert_eq!(wait(&[("retry-after", "-7")]), 1);
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1995 08:49:37 GMT")]), 60);
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1993 08:49:37 GMT")]), 1);
    }

    #[test]
    fn a_date_says_when_to_come_back() {
        let until = ("retry-after", "Sun, 06 Nov 1994 08:50:17 GMT");
        assert_eq!(wait(&[until]), 40);
        assert_eq!(wait(&[until, ("date", "Sun, 06 Nov 1994 08:49:57 GMT")]), 20);
    }
}
