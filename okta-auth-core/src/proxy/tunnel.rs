//! The bytes of a WebSocket between a browser and an API. Frames are not read, so each side checks those of the other.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::response_body::{Exchange, wait_for_end};
use super::stream::{BodyFailure, BodyStream, PartSender, PartStream, parts};

/// The most that is read before it is written, in each direction.
const BUFFER: usize = 16 * 1024;

/// Forwards bytes until one side, the session or the time ends. Returns those of the API.
pub(super) fn open(
    api: impl AsyncRead + AsyncWrite + Send + 'static,
    browser: BodyStream,
    exchange: Exchange,
) -> PartStream {
    let (sender, stream) = parts();
    tokio::spawn(async move {
        let Exchange { ended, permit, limits } = exchange;
        let ((read, write), progress) = (split(api), Notify::new());
        tokio::select! {
            () = wait_for_end(ended, limits.duration) => {}
            () = inactive(&progress, limits.idle) => {}
            () = read_parts(read, &sender, &progress) => {}
            () = write_parts(browser, write, &progress) => {}
        }
        drop(permit);
        // Frames have their own ends, so a connection that ends early does not look complete.
        drop(timeout(limits.idle, sender.complete()).await);
    });
    stream
}

/// Connects a browser, if its connection becomes free for it: `sender` gets what it sends, and it gets `stream`.
pub fn connect<IO: AsyncRead + AsyncWrite + Send + 'static>(
    browser: impl Future<Output = Option<IO>> + Send + 'static,
    sender: PartSender,
    stream: PartStream,
) {
    tokio::spawn(async move {
        let Some(io) = browser.await else { return };
        let ((read, write), progress) = (split(io), Notify::new());
        tokio::select! {
            () = read_parts(read, &sender, &progress) => {}
            () = write_parts(Box::pin(stream), write, &progress) => {}
        }
    });
}

/// Completes when no byte has arrived at either side for this time.
async fn inactive(progress: &Notify, idle: Duration) {
    while timeout(idle, progress.notified()).await.is_ok() {}
}

/// Reads until the end. A part is read only after the previous one has been taken.
async fn read_parts(mut source: impl AsyncRead + Unpin, sender: &PartSender, progress: &Notify) {
    loop {
        let mut buffer = BytesMut::with_capacity(BUFFER);
        let read = tokio::select! {
            read = source.read_buf(&mut buffer) => read,
            () = sender.closed() => return,
        };
        if !matches!(read, Ok(1..)) || !sender.send(buffer.freeze()).await {
            return;
        }
        progress.notify_one();
    }
}

async fn write_parts(
    mut source: Pin<Box<impl Stream<Item = Result<Bytes, BodyFailure>> + ?Sized>>,
    mut target: impl AsyncWrite + Unpin,
    progress: &Notify,
) {
    while let Some(Ok(part)) = std::future::poll_fn(|cx| source.as_mut().poll_next(cx)).await {
        if target.write_all(&part).await.is_err() || target.flush().await.is_err() {
            return;
        }
        progress.notify_one();
    }
    // The peer may be gone already.
    drop(target.shutdown().await);
}
