//! How long to wait after a 429.
//!
//! Okta states it in `X-Rate-Limit-Reset`, in seconds since the epoch by Okta's clock, which the response's `Date`
//! shows. Okta documents no `Retry-After`, but the header is honoured.
//!
//! The wait is clamped, because a wait of zero would hammer the server and a wait of a day would be an outage. The
//! caller gets it as `Retry-After` with a 503. The request itself never sleeps, because a request that waits for a
//! minute would block a connection.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

use crate::clock::Timestamp;

/// Bounds of the wait. Okta's windows are a minute long.
const LEAST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(60);

const UNIX_EPOCH: Timestamp = Timestamp::from_seconds(0);

pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Duration {
    let reset = headers.get("x-rate-limit-reset").and_then(|reset| seconds(reset.to_str().ok()?));
    let by_reset = || reset.map(|reset| UNIX_EPOCH.plus(reset).since(server_time(headers, now)));
    stated(headers, now).or_else(by_reset).unwrap_or(LEAST).clamp(LEAST, MOST)
}

/// Parses `Retry-After`, in seconds or as a date (RFC 9110 §10.2.3), and clamps it to the bounds.
pub(crate) fn stated(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = seconds(text).or_else(|| http_date(text).map(|date| date.since(server_time(headers, now))))?;
    Some(wait.clamp(LEAST, MOST))
}

/// Parses a number of seconds (`delta-seconds`, RFC 9110 §10.2.3). A number beyond every range is the longest time (RFC
/// 9111 §1.2.2).
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}

/// Whether a 429 is about concurrent requests. Okta then states limits of 0, and `X-Rate-Limit-Reset` is only a
/// suggestion.
#[cfg(feature = "okta-api")]
pub(crate) fn is_concurrency_limit(headers: &HeaderMap) -> bool {
    ["x-rate-limit-limit", "x-rate-limit-remaining"]
        .iter()
        .all(|name| headers.get(*name).is_some_and(|value| value == "0"))
}

/// The time by the server's clock, which its other times refer to.
fn server_time(headers: &HeaderMap, now: Timestamp) -> Timestamp {
    headers.get(DATE).and_then(|date| http_date(date.to_str().ok()?)).unwrap_or(now)
}

/// Parses an HTTP date (RFC 9110 §5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    httpdate::parse_http_date(text).ok().map(Timestamp::from)
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
    fn absurd_values_are_clamped() {
        assert_eq!(wait(&[]), 1);
        assert_eq!(wait(&[("x-rate-limit-reset", "99999999999")]), 60);
        assert_eq!(wait(&[("x-rate-limit-reset", "0")]), 1);
        assert_eq!(wait(&[("x-rate-limit-reset", "soon"), ("date", "yesterday")]), 1);
        assert_eq!(wait(&[("retry-after", "7"), ("x-rate-limit-reset", "99999999999")]), 7);
        assert_eq!(wait(&[("retry-after", "-7")]), 1);
        assert_eq!(wait(&[("retry-after", "99999999999999999999999")]), 60);
        assert_eq!(wait(&[("retry-after", "0")]), 1);
        assert_eq!(wait(&[("x-rate-limit-reset", "99999999999999999999999")]), 60);
        assert_eq!(wait(&[("x-rate-limit-reset", "-99999999999999999999999")]), 1);
        assert_eq!(wait(&[("retry-after", "Mon, 06 Nov 1995 08:49:37 GMT")]), 60);
        assert_eq!(wait(&[("retry-after", "Sat, 06 Nov 1993 08:49:37 GMT")]), 1);
    }

    #[test]
    fn a_date_in_retry_after_sets_the_wait() {
        let until = ("retry-after", "Sun, 06 Nov 1994 08:50:17 GMT");
        assert_eq!(wait(&[until]), 40);
        assert_eq!(wait(&[until, ("date", "Sun, 06 Nov 1994 08:49:57 GMT")]), 20);
    }
}
