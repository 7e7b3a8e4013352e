//! The connections, on a thread and a runtime of their own.
//!
//! # Why a thread
//!
//! Something has to read from a connection, and in tokio that is a task of one runtime.
//! Each worker of actix-web has a runtime of its own, and tests have one each: on the
//! runtime of whoever came first, the connections of all would end with that one, and
//! stand still while it is busy. A command crosses threads twice in any case, since its
//! connection is shared.
//!
//! # Why not the client's own reconnection
//!
//! The client takes a connection for alive as long as something is written to it, and
//! waits for ever to write to a server that does not read. Here a connection is given
//! up when a command ran out of time and nothing at all was answered meanwhile, and
//! everything of it is dropped at once: the socket, what was under way, and what was to
//! be written. Then a new client begins from nothing, so it asks the Sentinels, or the
//! cluster, who is there now.
//!
//! # What is bounded
//!
//! | what | by |
//! |---|---|
//! | commands in memory | `UNDER_WAY`, counted until the client is through with them and not until callers are |
//! | the time of a caller | `TURN` and `ANSWER`, one after the other |
//! | attempts to connect | one each `PAUSE`, for each of `LINES` |
//!
//! Callers that wait for their turn hold nothing here but a place in a queue, and leave
//! it in time.

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

/// How many connections there are: a large answer on one holds up the others on it
/// alone.
const LINES: usize = 2;

/// How many commands are under way at once, at most. The others wait.
const UNDER_WAY: usize = 512;

/// How long a command waits for a connection and for its turn.
const TURN: Duration = Duration::from_millis(500);

/// How long it waits for its answer then.
const ANSWER: Duration = Duration::from_millis(700);

/// How long connecting may take, with all that is said at the beginning: five round
/// trips.
const CONNECT: Duration = Duration::from_secs(3);

/// How long to wait between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(200);

/// When a silent connection is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A few connections to one server, and what is shared by those who use them.
pub(super) struct Connections {
    lines: Vec<watch::Receiver<Line>>,
    /// Whose turn is next.
    next: AtomicUsize,
    /// One permit for each command under way.
    turns: Arc<Semaphore>,
    /// The runtime of the connections.
    handle: Handle,
    /// Whether anybody wants to connect yet. The thread ends when this is dropped.
    wanted: watch::Sender<bool>,
}

/// The state of one connection.
enum Line {
    /// There is none, and why.
    Away(String),
    /// There is one.
    Up(Connection),
}

/// A connection that is there, or was a moment ago.
#[derive(Clone)]
struct Connection {
    client: Client,
    /// How many answers have come.
    answers: Arc<AtomicU64>,
    /// Told when it is to be given up.
    broken: Arc<Notify>,
}

impl Connections {
    /// Starts the thread, which waits for the first use.
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

    /// Gives a command to a connection, and waits for its answer for about a second at
    /// most.
    ///
    /// Its permit is given back when the client is through with the command, even if
    /// nobody waits for it any more: what is under way is bounded by count, whatever
    /// the callers do.
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

    /// Waits for a connection, and for a place among the commands under way.
    ///
    /// A connection that is there goes before one whose turn it is, so that a line that
    /// reconnects costs nobody time.
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

    /// Why a turn did not come in time: the server is away, or so slow that all places
    /// are taken.
    fn why_away(&self) -> Failure {
        let mut reasons = self.lines.iter().filter_map(|line| match &*line.borrow() {
            Line::Away(reason) => Some(reason.clone()),
            Line::Up(_) => None,
        });
        reasons.next().map_or(Failure::Late(TURN), Failure::Away)
    }
}

impl Line {
    /// The connection, if there is one.
    fn connection(&self) -> Option<Connection> {
        match self {
            Self::Up(connection) => Some(connection.clone()),
            Self::Away(_) => None,
        }
    }
}

/// Keeps one connection, from the first use until the store is dropped.
///
/// The log hears of the beginning of an outage and not of each attempt: there are five
/// a second.
async fn keep_connected(config: Config, state: watch::Sender<Line>, mut wish: watch::Receiver<bool>) {
    if wish.wait_for(|wanted| *wanted).await.is_err() {
        return;
    }
    let mut known = false;
    loop {
        // No policy: this loop reconnects.
        let client = Client::new(config.clone(), None, Some(limits()), None);
        let reason = connected(client, &state).await;
        let was_up = matches!(state.send_replace(Line::Away(reason.clone())), Line::Up(_));
        if was_up || !known {
            tracing::warn!(reason, "the connection of the session store to Redis is gone; it is tried again and again");
        }
        known = true;
        sleep(PAUSE).await;
    }
}

/// Connects, and tells everybody, and returns why it ended.
///
/// Aborting the client's task drops its sockets and everything that was under way on
/// them, and whoever waited for that gets an error at once.
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
                () = broken.notified() => "nothing was answered".to_owned(),
            }
        }
    };
    task.abort();
    errors.try_recv().map_or(reason, |(error, _)| describe(&error))
}

/// The client's limits: one attempt for each command, since what is sent twice may be
/// done twice.
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

/// The system gave no thread, or no way to wait for sockets.
fn no_thread(error: std::io::Error) -> Error {
    Error::new(Code::Internal, "the system gives no thread for the connections to Redis").with_cause(error)
}
