//! A server on a real socket whose behaviour a test controls: it answers, fails, rate-limits or hangs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The behaviour on every path except `/well`, which always answers 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Status(u16),
    /// Hangs until the mode changes.
    Hang,
}

/// A server that stops together with the test's runtime.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    mode: watch::Sender<Mode>,
    seen: watch::Receiver<usize>,
    most: Arc<AtomicUsize>,
}

impl Server {
    pub(super) async fn start(mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, modes) = watch::channel(mode);
        let (count, seen) = watch::channel(0);
        let most = Arc::new(AtomicUsize::new(0));
        let (count, current, peak) = (Arc::new(count), Arc::new(AtomicUsize::new(0)), Arc::clone(&most));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (modes, count) = (modes.clone(), Arc::clone(&count));
                let (current, peak) = (Arc::clone(&current), Arc::clone(&peak));
                tokio::spawn(async move {
                    peak.fetch_max(current.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    answer(connection, modes, &count).await;
                    current.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, mode, seen, most }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// How many requests have arrived.
    pub(super) fn count(&self) -> usize {
        *self.seen.borrow()
    }

    /// The highest number of concurrent requests.
    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    /// Waits until this many requests have arrived.
    pub(super) async fn wait_for(&self, count: usize) {
        self.seen.clone().wait_for(|seen| *seen >= count).await.unwrap();
    }
}

async fn answer(mut connection: TcpStream, mut modes: watch::Receiver<Mode>, count: &watch::Sender<usize>) {
    let (mut request, mut part) = (Vec::new(), [0; 1024]);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match connection.read(&mut part).await {
            Ok(read) if read > 0 => request.extend_from_slice(&part[..read]),
            _ => return,
        }
    }
    count.send_modify(|seen| *seen += 1);
    let mode = if request.starts_with(b"GET /well ") { Mode::Status(200) } else { *modes.borrow_and_update() };
    let status = match mode {
        Mode::Status(status) => status,
        Mode::Hang => {
            let _ = modes.wait_for(|mode| *mode != Mode::Hang).await;
            200
        }
    };
    let head = "retry-after: 30\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 2";
    let _ = connection.write_all(format!("HTTP/1.1 {status} x\r\n{head}\r\n\r\n{{}}").as_bytes()).await;
}
