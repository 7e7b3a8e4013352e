//! The bounds of one exchange.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) request_size: u64,
    pub(super) response_size: u64,
    /// The longest time without progress.
    pub(super) idle: Duration,
    /// The longest time until the API has answered, and for the request's body.
    pub(super) until_response: Duration,
    /// The longest time for the response's body, or for a WebSocket.
    pub(super) duration: Duration,
    pub(super) concurrency: usize,
    /// The maximum number of open WebSockets. None are forwarded if it is 0.
    pub(super) websockets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_size: 16 * 1024 * 1024,
            response_size: 256 * 1024 * 1024,
            idle: Duration::from_secs(60),
            until_response: Duration::from_secs(300),
            duration: Duration::from_secs(3_600),
            concurrency: 1_024,
            websockets: 0,
        }
    }
}
