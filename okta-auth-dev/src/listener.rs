//! Connections that the server can close in the middle of a request.
//!
//! To a client this looks like a crashed proxy: the request was sent, and the connection closes before the first byte
//! of a response.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::encryption::Encryption;

#[derive(Debug)]
pub(crate) struct Connections {
    listener: TcpListener,
    #[cfg(feature = "cli")]
    handshakes: Option<handshakes::Handshakes>,
}

/// A connection with a flag that breaks it.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    broken: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    #[cfg(feature = "cli")]
    Encrypted(Box<tokio_rustls::server::TlsStream<TcpStream>>),
}

/// The connection of a request, for its handler.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    broken: Arc<AtomicBool>,
}

impl Peer {
    /// Breaks the connection: no further response bytes are sent.
    pub(crate) fn hang_up(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }
}

impl Connections {
    /// Accepts from this listener, with TLS if configured.
    #[cfg_attr(not(feature = "cli"), allow(unused_variables, reason = "unused without TLS"))]
    pub(crate) fn new(listener: TcpListener, encryption: &Encryption) -> Self {
        Self {
            listener,
            #[cfg(feature = "cli")]
            handshakes: encryption.tls.as_ref().map(|tls| handshakes::Handshakes::new(tls.acceptor.clone())),
        }
    }

    /// The next stream that is ready for requests.
    async fn next(&mut self) -> (Stream, SocketAddr) {
        #[cfg(feature = "cli")]
        if let Some(handshakes) = &mut self.handshakes {
            return handshakes.next(&mut self.listener).await;
        }
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (Stream::Plain(stream), address)
    }
}

impl Listener for Connections {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = self.next().await;
        (Connection { stream, broken: Arc::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Connections>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Self {
        Self { address: *stream.remote_addr(), broken: Arc::clone(&stream.io().broken) }
    }
}

/// Calls a method of the plain or the encrypted stream.
macro_rules! on_stream {
    ($connection:expr, $stream:ident => $call:expr) => {
        match &mut $connection.get_mut().stream {
            Stream::Plain($stream) => $call,
            #[cfg(feature = "cli")]
            Stream::Encrypted($stream) => $call,
        }
    };
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        on_stream!(self, stream => Pin::new(stream).poll_read(context, buffer))
    }
}

impl AsyncWrite for Connection {
    /// Fails on a broken connection, so that the server closes it.
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.broken.load(Ordering::SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        on_stream!(self, stream => Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_stream!(self, stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_stream!(self, stream => Pin::new(stream).poll_shutdown(context))
    }
}

#[cfg(feature = "cli")]
mod handshakes {
    use std::fmt;
    use std::net::SocketAddr;
    use std::time::Duration;

    use axum::serve::Listener;
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;
    use tokio_rustls::TlsAcceptor;

    use super::Stream;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// Pending handshakes, each in its own task, so that a stalled client does not delay other clients.
    pub(super) struct Handshakes {
        acceptor: TlsAcceptor,
        tasks: JoinSet<Option<(Stream, SocketAddr)>>,
    }

    impl fmt::Debug for Handshakes {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("Handshakes")
        }
    }

    impl Handshakes {
        pub(super) fn new(acceptor: TlsAcceptor) -> Self {
            Self { acceptor, tasks: JoinSet::new() }
        }

        /// The next stream whose handshake succeeded.
        pub(super) async fn next(&mut self, listener: &mut TcpListener) -> (Stream, SocketAddr) {
            loop {
                tokio::select! {
                    (stream, address) = Listener::accept(listener) => {
                        let handshake = self.acceptor.accept(stream);
                        self.tasks.spawn(async move {
                            let stream = tokio::time::timeout(PATIENCE, handshake).await.ok()?.ok()?;
                            Some((Stream::Encrypted(Box::new(stream)), address))
                        });
                    }
                    Some(done) = self.tasks.join_next() => {
                        if let Ok(Some(ready)) = done {
                            return ready;
                        }
                    }
                }
            }
        }
    }
}
