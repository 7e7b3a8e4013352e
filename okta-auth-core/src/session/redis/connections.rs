//! The connections to Redis, on a thread and a runtime of their own.
//!
//! # Why a thread
//!
//! A connection needs a tokio task that reads from it, and a task belongs to one runtime. Each worker of actix-web has
//! its own runtime, and so has each test. If the connections ran on the first caller's runtime, they would end with
//! that runtime and stall while it is busy. A command crosses threads twice in any case, because its connection is
//! shared.
//!
//! # Why not the client's own reconnection
//!
//! The client considers a connection alive while it can write to it, and waits for ever to write to a server that does
//! not read. This module closes a connection when a command timed out and no answer to any command arrived meanwhile.
//! It drops the socket, all running commands and all unsent data at once. Then it starts a new client, which asks the
//! Sentinels or the cluster for the current topology.
//!
//! # What is bounded
//!
//! | what | by |
//! |---|---|
//! | commands in memory | `UNDER_WAY`, counted until the client has finished with them, even if their callers are gone |
//! | the time of a caller | `TURN` and `ANSWER`, one after the other |
//! | attempts to connect | one each `PAUSE`, for each of `LINES` |
//!
//! A queued caller holds only its place in the queue, and leaves it when it times out.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use fred::clients::Client;
use fred::error::Error as RedisError;
use fred::interfaces::{ClientLike as _, EventInterface as _};
use fred::socket2::TcpKeepalive;
use fred::types::config::{Config, ConnectionConfig};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::failure::{Failure, describe, is_demoted};
use super::settings::Settings;
use crate::error::{Code, Error, Result};

/// The number of connections. A large answer delays only the other commands on its connection.
const LINES: usize = 2;

/// The maximum number of running commands. Further commands queue.
const UNDER_WAY: usize = 512;

/// How long a command waits for a connection and a permit.
const TURN: Duration = Duration::from_millis(500);

/// How long it then waits for its answer.
const ANSWER: Duration = Duration::from_millis(700);

/// How long connecting may take, with the whole handshake: five round trips.
const CONNECT: Duration = Duration::from_secs(3);

/// The pause between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(200);

/// The idle time after which TCP keepalive probes a connection.
const KEEPALIVE: Duration = Duration::from_secs(30);

pub(super) struct Connections {
    lines: Vec<watch::Receiver<Line>>,
    next: AtomicUsize,
    /// One permit for each running command.
    turns: Arc<Semaphore>,
    handle: Handle,
    /// Becomes `true` at the first use. The thread ends when this is dropped.
    wanted: watch::Sender<bool>,
}

enum Line {
    Away(String),
    Up(Connection),
}

/// A connection that is up, or was up when it was cloned.
#[derive(Clone)]
struct Connection {
    client: Client,
    answers: Arc<AtomicU64>,
    /// Notified to close the connection.
    broken: Arc<Notify>,
}

impl Connections {
    pub(super) fn new(settings: Settings) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(no_thread)?;
        let handle = runtime.handle().clone();
        let (wanted, wish) = watch::channel(false);
        let mut lines = Vec::with_capacity(LINES);
        for _ in 0..LINES {
            let (state, line) = watch::channel(Line::Away("not connected yet".to_owned()));
            lines.push(line);
            runtime.spawn(keep_connected(settings.0.clone(), state, wish.clone()));
        }
        let mut owner = wish;
        let until_dropped = async move { while owner.changed().await.is_ok() {} };
        thread::Builder::new()
            .name("okta-auth-redis".to_owned())
            .spawn(move || runtime.block_on(until_dropped))
            .map_err(no_thread)?;
        Ok(Self { lines, next: AtomicUsize::new(0), turns: Arc::new(Semaphore::new(UNDER_WAY)), handle, wanted })
    }

    /// Runs a command on a connection, and waits at most about a second for its answer.
    ///
    /// The permit is returned when the client has finished with the command, even if the caller is gone. So the number
    /// of running commands is bounded regardless of the callers.
    pub(super) async fn run<T, F>(&self, command: impl FnOnce(Client) -> F + Send) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, RedisError>> + Send + 'static,
    {
        if !*self.wanted.borrow() {
            self.wanted.send_replace(true);
        }
        let Ok(turn) = timeout(TURN, self.turn()).await else { return Err(self.why_away()) };
        let (connection, permit) = turn?;
        let before = connection.answers.load(Ordering::Relaxed);
        let (answers, command) = (Arc::clone(&connection.answers), command(connection.client.clone()));
        let answer = self.handle.spawn(async move {
            let answer = command.await;
            answers.fetch_add(1, Ordering::Relaxed);
            drop(permit);
            answer
        });
        let Ok(answer) = timeout(ANSWER, answer).await else {
            if connection.answers.load(Ordering::Relaxed) == before {
                connection.broken.notify_one();
            }
            return Err(Failure::Late(ANSWER));
        };
        let answer = answer.map_err(|_| Failure::Ended)?;
        if answer.as_ref().is_err_and(is_demoted) {
            connection.broken.notify_one();
        }
        Ok(answer?)
    }

    /// Waits for a connection, and for a permit.
    ///
    /// A connection that is up takes precedence over the next one in order, so a reconnecting line delays no command.
    async fn turn(&self) -> Result<(Connection, tokio::sync::OwnedSemaphorePermit), Failure> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let mut order = (0..LINES).filter_map(|at| self.lines.get(first.wrapping_add(at) % LINES));
        let up = order.clone().find_map(|line| line.borrow().connection());
        let connection = match (up, order.next().cloned()) {
            (Some(connection), _) => connection,
            (None, Some(mut line)) => {
                let state = line.wait_for(|state| matches!(state, Line::Up(_))).await.map_err(|_| Failure::Ended)?;
                state.connection().ok_or(Failure::Ended)?
            }
            (None, None) => return Err(Failure::Ended),
        };
        let permit = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Failure::Ended)?;
        Ok((connection, permit))
    }

    /// The reason for a timeout while queueing: the server is down, or so slow that all permits are in use.
    fn why_away(&self) -> Failure {
        let mut reasons = self.lines.iter().filter_map(|line| match &*line.borrow() {
            Line::Away(reason) => Some(reason.clone()),
            Line::Up(_) => None,
        });
        reasons.next().map_or(Failure::Late(TURN), Failure::Away)
    }
}

impl Line {
    fn connection(&self) -> Option<Connection> {
        match self {
            Self::Up(connection) => Some(connection.clone()),
            Self::Away(_) => None,
        }
    }
}

/// Maintains one connection, from the first use until the store is dropped.
///
/// It logs the beginning of an outage and not each attempt: there are five a second.
async fn keep_connected(config: Config, state: watch::Sender<Line>, mut wish: watch::Receiver<bool>) {
    if wish.wait_for(|wanted| *wanted).await.is_err() {
        return;
    }
    let mut known = false;
    loop {
        // No reconnect policy: this loop reconnects.
        let client = Client::new(config.clone(), None, Some(limits()), None);
        let reason = connected(client, &state).await;
        let was_up = matches!(state.send_replace(Line::Away(reason.clone())), Line::Up(_));
        if was_up || !known {
            tracing::warn!(reason, "the session store has lost its connection to Redis and keeps trying to reconnect");
        }
        known = true;
        sleep(PAUSE).await;
    }
}

/// Connects, publishes the connection, and returns why it ended.
///
/// Aborting the client's task drops its sockets and all running commands, whose callers get an error at once.
async fn connected(client: Client, state: &watch::Sender<Line>) -> String {
    let mut errors = client.error_rx();
    let mut task = client.connect();
    let outcome = timeout(CONNECT, client.wait_for_connect()).await;
    let reason = match outcome {
        Err(_) => format!("no connection within {} s", CONNECT.as_secs()),
        Ok(Err(error)) => describe(&error),
        Ok(Ok(())) => {
            let connection = Connection { client, answers: Arc::default(), broken: Arc::default() };
            let broken = Arc::clone(&connection.broken);
            state.send_replace(Line::Up(connection));
            tracing::debug!("the session store is connected to Redis");
            tokio::select! {
                _ = &mut task => "the connection was closed".to_owned(),
                () = broken.notified() => "the server did not answer".to_owned(),
            }
        }
    };
    task.abort();
    errors.try_recv().map_or(reason, |(error, _)| describe(&error))
}

/// The client's limits. Each command has one attempt, because a command that is sent twice may be executed twice.
fn limits() -> ConnectionConfig {
    let mut limits = ConnectionConfig {
        connection_timeout: CONNECT,
        internal_command_timeout: CONNECT,
        max_command_attempts: 1,
        ..ConnectionConfig::default()
    };
    limits.tcp.nodelay = Some(true);
    limits.tcp.keepalive = Some(TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE));
    limits
}

/// The operating system could not start the thread or its I/O driver.
fn no_thread(error: std::io::Error) -> Error {
    Error::new(Code::Internal, "the operating system cannot start a thread for the connections to Redis")
        .with_cause(error)
}
