//! A body that one task reads and another one sends. An end without the last part is an error, so that a dropped task
//! never makes half a body look complete.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use tokio::sync::mpsc;

/// Why a body ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyFailure {
    /// It is larger than the limit.
    #[error("the body is too large")]
    TooLarge,
    /// It made no progress for too long.
    #[error("the body made no progress")]
    Slow,
    /// The peer is gone.
    #[error("the body ended early")]
    Interrupted,
}

/// A body of parts.
pub(super) type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, BodyFailure>> + Send>>;

/// Returns a body without the cause of its failure, which may have the address of a peer.
pub(super) fn interruptible<E>(body: impl Stream<Item = Result<Bytes, E>> + Send + 'static) -> BodyStream {
    Box::pin(Interruptible(Box::pin(body)))
}

struct Interruptible<S>(Pin<Box<S>>);

impl<S: Stream<Item = Result<Bytes, E>>, E> Stream for Interruptible<S> {
    type Item = Result<Bytes, BodyFailure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let part = ready!(self.0.as_mut().poll_next(cx));
        Poll::Ready(part.map(|part| part.map_err(|_| BodyFailure::Interrupted)))
    }
}

enum Part {
    Data(Bytes),
    End,
}

/// The writing half.
pub struct PartSender(mpsc::Sender<Part>);

/// The reading half.
pub struct PartStream {
    receiver: mpsc::Receiver<Part>,
    is_done: bool,
}

/// Creates a body that holds at most one part.
pub fn parts() -> (PartSender, PartStream) {
    let (sender, receiver) = mpsc::channel(1);
    (PartSender(sender), PartStream { receiver, is_done: false })
}

impl PartSender {
    /// Waits for room, and sends a part. Returns `false` if the reader is gone.
    pub async fn send(&self, data: Bytes) -> bool {
        self.0.send(Part::Data(data)).await.is_ok()
    }

    /// Completes the body. Without this call it ends with an error.
    pub async fn complete(self) {
        // Without a reader there is no body to complete.
        drop(self.0.send(Part::End).await);
    }

    /// Waits until the reader is gone.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

impl Stream for PartStream {
    type Item = Result<Bytes, BodyFailure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_done {
            return Poll::Ready(None);
        }
        let part = ready!(self.receiver.poll_recv(cx));
        self.is_done = !matches!(part, Some(Part::Data(_)));
        Poll::Ready(match part {
            Some(Part::Data(data)) => Some(Ok(data)),
            Some(Part::End) => None,
            None => Some(Err(BodyFailure::Interrupted)),
        })
    }
}

opaque_debug!(PartSender);

opaque_debug!(PartStream, |it| is_done: it.is_done);
