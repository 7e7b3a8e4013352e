//! The body of a response on its way to the browser.
//!
//! A task reads it, so that the connection to the API ends with the session also while the browser does not read.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};

use super::limits::Limits;
use super::session_end::SessionEnd;
use super::stream::{BodyStream, PartSender, PartStream, parts};

/// The body of a proxied response.
#[derive(Debug)]
pub enum ProxyBody {
    /// A response of the proxy itself.
    Whole(Bytes),
    /// The response of the API, with its length if that is known.
    Streamed(PartStream, Option<u64>),
    /// What the API sends to a WebSocket, after a response that switches protocols.
    Switched(PartStream),
}

/// What an exchange needs until its end.
pub(super) struct Exchange {
    pub(super) ended: SessionEnd,
    pub(super) permit: OwnedSemaphorePermit,
    pub(super) limits: Limits,
}

impl Exchange {
    /// Forwards the body until it, the session, or the time ends.
    pub(super) fn stream(self, body: BodyStream) -> PartStream {
        let (sender, stream) = parts();
        let Self { ended, permit, limits } = self;
        tokio::spawn(async move {
            let closed = wait_for_end(ended, limits.duration);
            tokio::select! {
                () = closed => {}
                () = forward(body, sender, &limits) => {}
            }
            drop(permit);
        });
        stream
    }
}

pub(super) async fn wait_for_end(mut ended: SessionEnd, duration: Duration) {
    tokio::select! {
        () = ended.wait() => {}
        () = sleep(duration) => {}
    }
}

/// Forwards all parts. If it returns before the last one, the dropped sender makes the body an error.
async fn forward(mut body: BodyStream, sender: PartSender, limits: &Limits) {
    let mut left = limits.response_size;
    loop {
        let next = std::future::poll_fn(|cx| body.as_mut().poll_next(cx));
        let part = tokio::select! {
            part = timeout(limits.idle, next) => part,
            () = sender.closed() => return,
        };
        match part {
            Ok(Some(Ok(part))) => {
                let size = u64::try_from(part.len()).unwrap_or(u64::MAX);
                let Some(remaining) = left.checked_sub(size) else { return };
                left = remaining;
                if !timeout(limits.idle, sender.send(part)).await.unwrap_or(false) {
                    return;
                }
            }
            Ok(None) => return sender.complete().await,
            _ => return,
        }
    }
}
