//! The child processes: Redis, the build, and the replicas. All of them end with this
//! program.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::Outcome;

/// Returns a port that was free a moment ago.
fn free_port() -> Outcome<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits up to ten seconds until a process listens on the port.
pub(crate) async fn until_it_listens(port: u16) -> Outcome<()> {
    for _ in 0..1_000 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(format!("no process listens on port {port}: a child process has ended, or is very slow").into())
}

/// Starts a Redis for this run, without persistence, and returns its URL.
pub(crate) async fn redis() -> Outcome<(Child, String)> {
    let port = free_port()?;
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()]);
    command.current_dir(std::env::temp_dir()).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    let child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => "redis-server is not on the PATH; install the package `redis-server` (Debian, Ubuntu) \
                                or `redis` (Fedora, Homebrew)"
            .to_owned(),
        _ => format!("redis-server cannot be started: {error}"),
    })?;
    until_it_listens(port).await?;
    Ok((child, format!("redis://127.0.0.1:{port}")))
}

/// Builds a package of this workspace with the same profile as this program, and returns
/// the path of its executable.
pub(crate) async fn build(package: &str) -> Outcome<PathBuf> {
    println!("Building {package} ...");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", package]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    if !command.status().await?.success() {
        return Err(format!("{package} failed to build").into());
    }
    Ok(std::env::current_exe()?.with_file_name(package))
}

/// A replica of the example, which is restarted when it is killed.
pub(crate) struct Replica {
    number: usize,
    pub(crate) port: u16,
    command: Command,
}

impl Replica {
    /// A replica with these variables and no other `OKTA_*`, not started yet.
    pub(crate) fn new(number: usize, program: PathBuf, variables: Vec<(&'static str, String)>) -> Outcome<Self> {
        let port = free_port()?;
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OKTA_")) {
            command.env_remove(name);
        }
        command.env("PORT", port.to_string()).envs(variables);
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        Ok(Self { number, port, command })
    }

    /// Runs the replica, prints its process id, and restarts it when it was killed.
    pub(crate) async fn keep_running(mut self) {
        while let Ok(mut child) = self.command.spawn() {
            println!("Replica {}: kill -9 {}", self.number, child.id().unwrap_or_default());
            match child.wait().await.ok().and_then(|status| status.code()) {
                Some(code) => return println!("Replica {} exited with code {code}.", self.number),
                None => println!("Replica {} was killed and is restarted.", self.number),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}
