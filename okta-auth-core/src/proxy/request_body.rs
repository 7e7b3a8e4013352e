//! The body of a request on its way to the API: bounded, with a framing of its own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use tokio::sync::Notify;
use tokio::time::{Sleep, sleep};

use super::limits::Limits;
use super::stream::{BodyFailure, BodyStream};
use crate::error::{Code, Error, Result};

/// A body of at most this length is read first, so that it can be sent again.
const REPEATABLE: u64 = 64 * 1024;

/// A body for the API.
pub(super) enum RequestBody {
    None,
    /// It can be sent again.
    Whole(Bytes),
    Streamed {
        body: BoundedBody,
        /// Without it the body is chunked.
        length: Option<u64>,
    },
}

/// Returns the declared length of a body. The server has read it with this framing, and the API gets a framing of its
/// own, so an ambiguous length reaches neither.
fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl RequestBody {
    /// Reads the body if it is short, and bounds it otherwise. `progress` is notified of each part.
    pub(super) async fn read(
        headers: &HeaderMap,
        source: Option<BodyStream>,
        limits: &Limits,
        progress: &Arc<Notify>,
    ) -> Result<Self> {
        let Some(source) = source else { return Ok(Self::None) };
        let length = declared_length(headers);
        if length.is_some_and(|length| length > limits.request_size) {
            return Err(failure(BodyFailure::TooLarge));
        }
        let mut body = BoundedBody::new(source, limits, Arc::clone(progress));
        match length {
            Some(length) if length <= REPEATABLE => Ok(Self::Whole(body.collect().await.map_err(failure)?)),
            _ => Ok(Self::Streamed { body, length }),
        }
    }
}

/// The error for a body that was not forwarded.
pub(super) fn failure(failure: BodyFailure) -> Error {
    match failure {
        BodyFailure::TooLarge => Error::new(Code::ProxyTooLarge, "the body of a proxied request is too large"),
        BodyFailure::Slow => Error::new(Code::ProxyTimeout, "the body of a proxied request made no progress"),
        BodyFailure::Interrupted => Error::new(Code::ProxyRefused, "the body of a proxied request ended early"),
    }
}

/// A body with a maximum size, a maximum time between two parts, and one for all parts. They also apply after an API
/// has answered before it has read the body.
pub(super) struct BoundedBody {
    source: BodyStream,
    left: u64,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    deadline: Pin<Box<Sleep>>,
    progress: Arc<Notify>,
    is_done: bool,
}

impl BoundedBody {
    fn new(source: BodyStream, limits: &Limits, progress: Arc<Notify>) -> Self {
        let timer = Box::pin(sleep(limits.idle));
        let deadline = Box::pin(sleep(limits.until_response));
        Self { source, left: limits.request_size, idle: limits.idle, timer, deadline, progress, is_done: false }
    }

    async fn collect(&mut self) -> std::result::Result<Bytes, BodyFailure> {
        let mut whole = BytesMut::new();
        while let Some(part) = std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await {
            whole.extend_from_slice(&part?);
        }
        Ok(whole.freeze())
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<std::result::Result<Bytes, BodyFailure>>> {
        match self.source.as_mut().poll_next(cx) {
            Poll::Ready(Some(Ok(part))) => {
                let size = u64::try_from(part.len()).unwrap_or(u64::MAX);
                let Some(left) = self.left.checked_sub(size) else {
                    return Poll::Ready(Some(Err(BodyFailure::TooLarge)));
                };
                self.left = left;
                self.timer = Box::pin(sleep(self.idle));
                self.progress.notify_one();
                Poll::Ready(Some(Ok(part)))
            }
            Poll::Pending if self.is_late(cx) => Poll::Ready(Some(Err(BodyFailure::Slow))),
            other => other,
        }
    }

    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        self.timer.as_mut().poll(cx).is_ready() || self.deadline.as_mut().poll(cx).is_ready()
    }
}

impl Stream for BoundedBody {
    type Item = std::result::Result<Bytes, BodyFailure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_done {
            return Poll::Ready(None);
        }
        let part = ready!(self.poll_part(cx));
        self.is_done = !matches!(part, Some(Ok(_)));
        Poll::Ready(part)
    }
}
