//! Durations in variables: a number of seconds, or a number with `s`, `m`, `h` or `d`.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::env::{DPOP_NONCE_LIFETIME, LEEWAY, SESSION_ABSOLUTE, SESSION_IDLE};
use super::problem::Diagnostics;

/// In seconds.
const DAY: u64 = 24 * 3600;

/// Parses `OKTA_SESSION_IDLE`: from 10 seconds to 400 days, the longest lifetime of a cookie in browsers.
pub(super) fn session_idle(value: &str, findings: &mut Diagnostics) -> Option<Duration> {
    in_range(SESSION_IDLE, value, 10..=400 * DAY, "from `10s` to `400d`", findings)
}

pub(super) fn session_absolute(value: &str, findings: &mut Diagnostics) -> Option<Duration> {
    in_range(SESSION_ABSOLUTE, value, 10..=400 * DAY, "from `10s` to `400d`", findings)
}

/// Parses `OKTA_LEEWAY`: up to 5 minutes.
pub(super) fn leeway(value: &str, findings: &mut Diagnostics) -> Option<Duration> {
    in_range(LEEWAY, value, 0..=300, "from `0` to `5m`, because a longer one defeats the expiry of tokens", findings)
}

/// In seconds.
pub(super) const NONCE_LIFETIME: RangeInclusive<u64> = 10..=DAY;

/// Parses `OKTA_DPOP_NONCE_LIFETIME`: from 10 seconds to a day.
pub(super) fn nonce_lifetime(value: &str, findings: &mut Diagnostics) -> Option<Duration> {
    in_range(DPOP_NONCE_LIFETIME, value, NONCE_LIFETIME, "from `10s` to `24h`", findings)
}

fn in_range(
    variable: &'static str,
    value: &str,
    bounds: RangeInclusive<u64>,
    words: &str,
    findings: &mut Diagnostics,
) -> Option<Duration> {
    let Some(seconds) = seconds(value) else {
        let value = value.escape_default();
        let message = format!("`{value}` is not a time; write seconds, or a number with s, m, h or d, such as `30m`");
        return findings.reject(variable, message);
    };
    if !bounds.contains(&seconds) {
        return findings.reject(variable, format!("`{value}` is out of bounds; use a duration {words}"));
    }
    Some(Duration::from_secs(seconds))
}

fn seconds(value: &str) -> Option<u64> {
    let (number, unit) = [("s", 1), ("m", 60), ("h", 3600), ("d", DAY)]
        .into_iter()
        .find_map(|(unit, seconds)| Some((value.strip_suffix(unit)?, seconds)))
        .unwrap_or((value, 1));
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    number.parse::<u64>().ok().filter(|_| digits)?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn numbers_are_parsed_with_and_without_units() {
        for (text, expected) in [
            ("90", Some(90)),
            ("0", Some(0)),
            ("90s", Some(90)),
            ("30m", Some(1800)),
            ("12h", Some(43_200)),
            ("7d", Some(604_800)),
            ("", None),
            ("m", None),
            ("-1", None),
            ("+1", None),
            ("1.5h", None),
            ("30 m", None),
            ("1h30m", None),
            ("30min", None),
            ("99999999999999999999", None),
            ("99999999999999999d", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
