//! Decides whether a request is retried, and when.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::clock::Timestamp;
use crate::error::{Code, Result};
use crate::http::{is_concurrency_limit, is_timeout, retry_after, stated};
use crate::retry::pauses;
use crate::secret::{SecretBytes, random_bytes};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-okta-request-id");
const RETRY_FOR: HeaderName = HeaderName::from_static("x-okta-retry-for");
const RETRY_COUNT: HeaderName = HeaderName::from_static("x-okta-retry-count");

/// The maximum length of an id that is sent back. Okta's have less than 40 characters.
const MAX_ID: usize = 128;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// The wait before a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// A rate limit lasts until then.
    RateLimit(Timestamp),
    /// Okta may work again then.
    Backoff(Timestamp),
}

/// The retries of one request.
#[derive(Debug)]
pub(super) struct Repetitions {
    left: u32,
    count: u32,
    /// Whether the effect of two requests is that of one (RFC 9110 §9.2.2).
    is_idempotent: bool,
    first_id: Option<HeaderValue>,
}

impl Repetitions {
    pub(super) fn new(most: u32, is_idempotent: bool) -> Self {
        Self { left: most, count: 0, is_idempotent, first_id: None }
    }

    /// Adds the headers by which Okta recognizes a retry of the first request.
    pub(super) fn label(&self, headers: &mut HeaderMap) {
        if let Some(id) = self.first_id.clone().filter(|_| self.count > 0) {
            headers.insert(RETRY_FOR, id);
            headers.insert(RETRY_COUNT, self.count.into());
        }
    }

    /// Returns when the request is retried; `None` if its result is final.
    pub(super) fn next(&mut self, result: &Result<Response<SecretBytes>>, now: Timestamp) -> Option<Pause> {
        if let (Ok(response), None) = (result, &self.first_id) {
            self.first_id = response.headers().get(REQUEST_ID).filter(|id| id.len() <= MAX_ID).cloned();
        }
        let pause = self.pause(result, now)?;
        self.left = self.left.checked_sub(1)?;
        self.count = self.count.saturating_add(1);
        Some(pause)
    }

    fn pause(&self, result: &Result<Response<SecretBytes>>, now: Timestamp) -> Option<Pause> {
        match result {
            Ok(response) if response.status() == StatusCode::TOO_MANY_REQUESTS => {
                Some(Pause::RateLimit(self.end_of_limit(response.headers(), now)))
            }
            Ok(response) if response.status().is_server_error() && self.is_idempotent => {
                let wait = stated(response.headers(), now).unwrap_or_else(|| self.backoff());
                Some(Pause::Backoff(now.plus(wait)))
            }
            Err(error) if self.is_idempotent && error.code() == Code::ProviderUnavailable && !is_timeout(error) => {
                Some(Pause::Backoff(now.plus(error.retry_after().unwrap_or_else(|| self.backoff()))))
            }
            _ => None,
        }
    }

    /// The stated end of a limit has whole seconds, so one is added, and for half of the requests another one, so that
    /// replicas do not continue in step.
    fn end_of_limit(&self, headers: &HeaderMap, now: Timestamp) -> Timestamp {
        if is_concurrency_limit(headers) && stated(headers, now).is_none() {
            return now.plus(self.backoff());
        }
        let [random] = random_bytes().unwrap_or_default();
        let jitter = u64::from(random % 2 == 0);
        now.plus(retry_after(headers, now)).plus(Duration::from_secs(1_u64.saturating_add(jitter)))
    }

    /// At least a second, because the clock has whole seconds.
    fn backoff(&self) -> Duration {
        let nth = usize::try_from(self.count).unwrap_or(usize::MAX).min(8);
        let pause = pauses(FIRST_PAUSE, LONGEST_PAUSE).nth(nth).unwrap_or(LONGEST_PAUSE);
        pause.max(FIRST_PAUSE)
    }
}
