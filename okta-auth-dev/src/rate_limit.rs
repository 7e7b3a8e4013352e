//! Rate limits: a number of requests for each endpoint in a window of one minute.
//!
//! Okta counts per org, app and user, with limits that depend on the endpoint and the contract. An app sees only the
//! three headers and, occasionally, a 429, so this org uses one limit for all endpoints.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::oauth_error::rate_limited;
use crate::reply::Reply;
use crate::sync::lock;

/// The length of a window in seconds. At Okta most buckets reset every 60 s, not aligned to clock minutes.
const WINDOW: i64 = 60;

/// The limit in the headers of `/token` and of Okta's API without a configured limit; it is not enforced.
const ANNOUNCED: u32 = 1000;

/// Counts requests. Without a configured limit it allows everything, but `/token` and Okta's API still announce a
/// limit, because Okta labels every such response.
#[derive(Debug, Default)]
pub(crate) struct RateLimiter {
    /// Requests per window, for each endpoint.
    limit: Option<u32>,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// The virtual time in seconds at which the window ends.
    reset: i64,
    used: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    limit: u32,
    remaining: u32,
    reset: i64,
    pub(crate) exceeded: bool,
}

impl RateLimiter {
    pub(crate) fn new(limit: Option<u32>) -> Self {
        Self { limit, buckets: Mutex::default() }
    }

    /// Counts a request. The caller omits metadata and keys, which Okta does not limit.
    ///
    /// Each endpoint has its own window, which begins with its first request.
    pub(crate) fn count(&self, endpoint: &str, now: i64) -> Option<Allowance> {
        let announced = endpoint == "token" || endpoint.starts_with("api/");
        let limit = self.limit.or_else(|| announced.then_some(ANNOUNCED))?;
        let mut buckets = lock(&self.buckets);
        let bucket = buckets.entry(endpoint.to_owned()).or_insert(Bucket { reset: now + WINDOW, used: 0 });
        if now >= bucket.reset {
            *bucket = Bucket { reset: now + WINDOW, used: 0 };
        }
        bucket.used = bucket.used.saturating_add(1);
        let exceeded = self.limit.is_some() && bucket.used > limit;
        Some(Allowance { limit, remaining: limit.saturating_sub(bucket.used), reset: bucket.reset, exceeded })
    }
}

impl Allowance {
    /// The response to a request over the limit, for the fault: as if other requests had used up the bucket, with half
    /// of the window remaining.
    pub(crate) fn refused(now: i64) -> Reply {
        let used_up = Self { limit: 60, remaining: 0, reset: now + WINDOW / 2, exceeded: true };
        used_up.label(rate_limited())
    }

    /// The response to a request over the limit of concurrent requests: Okta announces limits of 0.
    pub(crate) fn concurrency(now: i64) -> Reply {
        let violated = Self { limit: 0, remaining: 0, reset: now + WINDOW / 2, exceeded: true };
        violated.label(rate_limited())
    }

    /// Adds the three headers. `X-Rate-Limit-Reset` is in seconds since 1970.
    ///
    /// Okta also labels successful responses, so that a client can slow down in time. Existing headers are kept.
    pub(crate) fn label(self, reply: Reply) -> Reply {
        if reply.headers.iter().any(|(name, _)| *name == "x-rate-limit-limit") {
            return reply;
        }
        reply
            .header("x-rate-limit-limit", self.limit.to_string())
            .header("x-rate-limit-remaining", self.remaining.to_string())
            .header("x-rate-limit-reset", self.reset.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_refills_when_its_window_ends() {
        let limiter = RateLimiter::new(Some(2));
        assert!(!limiter.count("token", 100).unwrap().exceeded);
        assert_eq!(limiter.count("token", 110).unwrap().remaining, 0);
        assert!(limiter.count("token", 159).unwrap().exceeded);
        assert!(!limiter.count("authorize", 159).unwrap().exceeded);
        assert!(!limiter.count("token", 160).unwrap().exceeded);
        let unlimited = RateLimiter::new(None);
        assert!(unlimited.count("userinfo", 0).is_none());
        assert_eq!(unlimited.count("token", 0).unwrap().remaining, 999);
        assert!((0..1100).all(|_| !unlimited.count("token", 0).unwrap().exceeded));
    }
}
