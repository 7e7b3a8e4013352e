//! The program of an example as a process.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Returns a free port that this process has not returned before. The port is below the range from which systems take
/// ports for outgoing connections and for port 0, so no other socket takes it before the program listens or while the
/// program is restarted.
pub fn free_port() -> u16 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    loop {
        // Test programs that run at the same time begin at different ports.
        let number = std::process::id().wrapping_mul(101).wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed));
        let port = 12_000 + u16::try_from(number % 20_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A program with no `OKTA_*` variables of the test's own environment.
pub fn command(program: &str, port: u16) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OKTA_")) {
        command.env_remove(name);
    }
    command.env("PORT", port.to_string());
    command
}

/// A running program; it stops when the test ends.
pub struct Process {
    child: Child,
    /// The lines that it printed at startup.
    pub lines: Vec<String>,
    pub(crate) log: Log,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Starts the program, and reads its output up to a line that starts with `ready`.
    pub fn start(mut command: Command, ready: &str) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::of(&mut child);
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = Vec::new();
        while !lines.last().is_some_and(|line: &String| line.starts_with(ready)) {
            let Some(line) = output.next() else { panic!("the example ended: {}", log.into_text()) };
            lines.push(line.unwrap());
        }
        std::thread::spawn(move || output.for_each(drop));
        Self { child, lines, log }
    }
}

/// The log of a process, which it writes to stderr.
pub(crate) struct Log {
    text: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Log {
    fn of(child: &mut Child) -> Self {
        let (text, lines) = (Arc::new(Mutex::new(String::new())), BufReader::new(child.stderr.take().unwrap()).lines());
        let all = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| all.lock().unwrap().push_str(&format!("{line}\n")));
        });
        Self { text, reader }
    }

    /// Waits for a line with these words.
    pub(crate) fn line(&self, words: &str) -> String {
        loop {
            let text = self.text.lock().unwrap().clone();
            match text.lines().find(|line| line.contains(words)) {
                Some(line) => return line.to_owned(),
                None if self.reader.is_finished() => panic!("no `{words}` in the log: {text}"),
                None => std::thread::yield_now(),
            }
        }
    }

    /// Returns the whole log after the process has ended.
    fn into_text(self) -> String {
        self.reader.join().unwrap();
        self.text.lock().unwrap().clone()
    }
}

/// Variables of Spring Boot and of Okta's other libraries are mistakes, and must not
/// start a development org.
pub async fn names_of_other_okta_libraries_are_errors_that_name_the_right_ones(program: &str) {
    for (name, right) in [
        ("OKTA_OAUTH2_ISSUER", "OKTA_ISSUER_URI"),
        ("OKTA_CLIENT_ORGURL", "OKTA_ISSUER_URI"),
        ("OKTA_ORGURL", "OKTA_ISSUER_URI"),
        ("OKTA_OAUTH2_CLIENT_ID", "OKTA_CLIENT_ID"),
        ("OKTA_IDX_CLIENTSECRET", "OKTA_CLIENT_SECRET"),
    ] {
        let mut command = Command::new(program);
        command.env("PORT", free_port().to_string()).env(name, "https://acme.okta.com");
        let output = command.output().unwrap();
        let (out, text) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success() && out.is_empty(), "{name}: {out}");
        assert!(text.contains(&format!("`{name}` is set, but the name that is read is `{right}`")), "{name}: {text}");
    }
}
