//! Connections that the server can break off in the middle of a request.
//!
//! To a client it looks as if a proxy in between had crashed: the request went out, and
//! the connection is closed without a byte of an answer.

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

/// A listener for [`Connection`]s.
#[derive(Debug)]
pub(crate) struct Connections(pub(crate) TcpListener);

/// A connection, with a switch that breaks it.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    broken: Arc<AtomicBool>,
}

/// What a handler knows about the connection of its request.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// The other end.
    pub(crate) address: SocketAddr,
    broken: Arc<AtomicBool>,
}

impl Peer {
    /// Breaks the connection: nothing that is answered from now on is sent.
    pub(crate) fn hang_up(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }
}

impl Listener for Connections {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (Connection { stream, broken: Arc::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Connections>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Self {
        Self { address: *stream.remote_addr(), broken: Arc::clone(&stream.io().broken) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    /// The one place where a broken connection shows: the server gives up on it, and
    /// closes it.
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let connection = self.get_mut();
        if connection.broken.load(Ordering::SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut connection.stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
