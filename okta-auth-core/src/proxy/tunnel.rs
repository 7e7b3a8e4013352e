//! The bytes of a WebSocket between a browser and an API. Frames are not read, so each side checks those of the other.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::response_body::{Exchange, wait_for_end};
use super::stream::{BodyFailure, BodyStream, PartSender, PartStream, parts};

/// The maximum number of bytes that are read before they are written, in each direction.
const BUFFER: usize = 16 * 1024;
/// How long a browser may take for the last bytes.
const LAST_WRITE: Duration = Duration::from_secs(5);

/// Forwards bytes until one side, the session or the time ends. Returns the bytes of the API.
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

/// Connects a browser once its connection has switched protocols: `sender` gets the browser's bytes, and the browser
/// gets `stream`.
pub fn connect<IO: AsyncRead + AsyncWrite + Send + 'static>(
    browser: impl Future<Output = Option<IO>> + Send + 'static,
    sender: PartSender,
    stream: PartStream,
) {
    tokio::spawn(async move {
        let Some(io) = browser.await else { return };
        let ((read, write), progress) = (split(io), Notify::new());
        let mut writing = pin!(write_parts(Box::pin(stream), write, &progress));
        // The sender is dropped at the end of the browser's bytes, which ends the other side.
        let reading = async { read_parts(read, &{ sender }, &progress).await };
        tokio::select! {
            () = &mut writing => {}
            () = reading => drop(timeout(LAST_WRITE, writing).await),
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

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    /// The other side has ended, and the browser has not read the last bytes yet.
    #[tokio::test]
    async fn the_last_bytes_reach_the_browser() {
        let (mut browser, server) = duplex(64);
        let ((to_api, from_browser), (to_browser, stream)) = (parts(), parts());
        connect(async { Some(server) }, to_api, stream);
        let last = Bytes::from(vec![7; 1_024]);
        assert!(to_browser.send(last.clone()).await);
        to_browser.complete().await;
        drop(from_browser);
        let mut read = Vec::new();
        browser.read_to_end(&mut read).await.unwrap();
        assert!(read == last, "{} bytes", read.len());
    }

    #[tokio::test]
    async fn a_browser_that_neither_reads_nor_writes_is_left() {
        let (_browser, server) = duplex(64);
        let ((to_api, from_browser), (to_browser, stream)) = (parts(), parts());
        connect(async { Some(server) }, to_api, stream);
        assert!(to_browser.send(Bytes::from(vec![7; 1_024])).await);
        drop(from_browser);
        assert!(timeout(LAST_WRITE * 4, to_browser.closed()).await.is_ok());
    }
}
