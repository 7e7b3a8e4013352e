//! A Redis server for one test: a child process on a free port, without persistence.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use example_tests::free_port;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// `redis-server`, killed when it is dropped.
pub(crate) struct RedisServer {
    child: Child,
    port: u16,
    arguments: Vec<String>,
    /// A separate folder, because a replica leaves a file that the next server in the
    /// same folder would read.
    folder: PathBuf,
}

impl RedisServer {
    /// Starts a server and waits until it responds.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with more arguments, for example `--requirepass`.
    pub(crate) async fn start_with(arguments: &[&str]) -> Self {
        let port = free_port();
        let mut all: Vec<String> =
            ["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
                .map(str::to_owned)
                .to_vec();
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        Self::on(port, all).await
    }

    /// Starts a Sentinel with this configuration file, which Sentinel modifies.
    pub(crate) async fn start_sentinel(configuration: &str) -> Self {
        let port = free_port();
        let arguments = [configuration, "--sentinel", "--port", &port.to_string()].map(str::to_owned).to_vec();
        Self::on(port, arguments).await
    }

    async fn on(port: u16, arguments: Vec<String>) -> Self {
        let folder = std::env::temp_dir().join(format!("okta-auth-redis-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut server = Self { child: spawn(&arguments, &folder), port, arguments, folder };
        server.until_it_answers().await;
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `kill -9`: nothing is saved, and its clients lose their connections.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Kills the server if it runs, and starts an empty one at the same address.
    pub(crate) async fn restart(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
        self.child = spawn(&self.arguments, &self.folder);
        self.until_it_answers().await;
    }

    /// SIGSTOP: the system accepts connections, but the server does not respond.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    /// Sends a command as one line and returns the response.
    pub(crate) async fn ask(&self, line: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").arg(signal).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    async fn until_it_answers(&mut self) {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(started.elapsed() < Duration::from_secs(20), "redis-server does not start; is it installed?");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(self.child.try_wait().unwrap().is_none(), "redis-server ended; is its port in use?");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn spawn(arguments: &[String], folder: &Path) -> Child {
    Command::new("redis-server")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server cannot be started; it is the Debian package of that name")
}
