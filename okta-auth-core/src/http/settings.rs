//! The limits of the HTTP client.

use std::time::Duration;

use super::availability::Limits;

#[derive(Clone, Debug)]
pub(crate) struct HttpSettings {
    pub(crate) connect_timeout: Duration,
    /// Time limit for a whole request, including the body.
    pub(crate) timeout: Duration,
    /// Maximum size of a response body, in bytes.
    pub(crate) max_response: usize,
    pub(crate) in_flight: usize,
    /// How long a request waits for a free slot.
    pub(crate) queue_timeout: Duration,
}

impl HttpSettings {
    pub(crate) fn with_timeout(timeout: Duration) -> Self {
        Self { timeout, ..Self::default() }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits { in_flight: self.in_flight, queue_timeout: self.queue_timeout }
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(10),
            max_response: 1024 * 1024,
            in_flight: 64,
            queue_timeout: Duration::from_secs(2),
        }
    }
}
