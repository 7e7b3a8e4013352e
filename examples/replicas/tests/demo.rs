//! The demo as a process, over HTTP, with `kill -9`.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use example_tests::{Browser, free_port};
use serde_json::{Value, json};

const ADA: &str = "ada@example.test";

/// The running demo; it stops when the test ends.
struct Demo {
    child: Child,
    base: String,
    /// The lines that it prints.
    lines: std::sync::mpsc::Receiver<String>,
    /// The process ids of the replicas.
    replicas: [u32; 2],
}

impl Drop for Demo {
    /// Stops the demo like Ctrl-C, which also stops its children.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Demo {
    fn start(framework: &str) -> Self {
        let port = free_port();
        let mut command = Command::new(env!("CARGO_BIN_EXE_replicas"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OKTA_")) {
            command.env_remove(name);
        }
        command.arg(framework).env("PORT", port.to_string()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || output.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut demo = Self { child, base: format!("http://localhost:{port}"), lines, replicas: [0; 2] };
        demo.read_until("Ctrl-C");
        demo
    }

    /// Reads the output up to a line with this text, and records the process ids of the
    /// replicas.
    fn read_until(&mut self, what: &str) {
        // The demo may have to build the example first.
        let patience = Duration::from_secs(900);
        loop {
            let line = self.lines.recv_timeout(patience).expect("the demo ended, or prints no more lines");
            for (number, process) in self.replicas.iter_mut().enumerate() {
                if let Some(id) = line.strip_prefix(&format!("Replica {}: kill -9 ", number + 1)) {
                    *process = id.parse().unwrap();
                }
            }
            if line.contains(what) {
                return;
            }
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends requests until both replicas have answered, and returns all statuses.
    async fn statuses(&self, browser: &mut Browser, path: &str) -> BTreeSet<u16> {
        let (mut replicas, mut statuses) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..10 {
            let answer = browser.open(&self.url(path)).await;
            replicas.insert(answer.replica);
            statuses.insert(answer.status);
        }
        assert_eq!(replicas.into_iter().collect::<Vec<_>>(), ["1", "2"], "one of the replicas got no request");
        statuses
    }

    /// Waits until both replicas answer again.
    async fn until_both_answer(&self) {
        let (start, mut replicas) = (Instant::now(), BTreeSet::new());
        while replicas.len() < 2 {
            assert!(start.elapsed() < Duration::from_secs(60), "a replica does not restart");
            replicas.insert(Browser::new().open(&self.url("/")).await.replica);
        }
    }
}

/// Lets the org send a Universal Logout for Ada, and returns the app's status.
async fn universal_logout(org: &str, fault: Option<&str>) -> u64 {
    let request = json!({ "login": ADA, "fault": fault }).to_string();
    let post =
        Browser::new().http.post(format!("{org}/dev/universal-logout")).header("content-type", "application/json");
    let answer = post.body(request).send().await.unwrap().text().await.unwrap();
    let deliveries: Value = serde_json::from_str(&answer).unwrap();
    deliveries[0]["status"].as_u64().unwrap_or_else(|| panic!("no response from the app: {answer}"))
}

/// `kill -9` of either replica loses no session, and Universal Logout ends the session on
/// both.
async fn both_replicas_are_one_app(framework: &str) {
    let mut demo = Demo::start(framework);
    let mut browser = Browser::new();
    let (org, page) = browser.sign_in(&demo.url("/profile")).await;
    assert!(page.body.contains("Ada Lovelace"), "{}", page.body);
    assert_eq!(demo.statuses(&mut browser, "/profile").await, BTreeSet::from([200]));

    for number in 0..2 {
        let killed = Command::new("kill").args(["-9", &demo.replicas[number].to_string()]).status().unwrap();
        assert!(killed.success());
        for _ in 0..4 {
            assert_eq!(browser.open(&demo.url("/profile")).await.status, 200, "without replica {}", number + 1);
        }
        demo.read_until(&format!("Replica {}: kill -9", number + 1));
        demo.until_both_answer().await;
        assert_eq!(demo.statuses(&mut browser, "/profile").await, BTreeSet::from([200]), "after the restart");
    }

    for fault in ["wrong_key", "wrong_audience", "expired"] {
        assert_eq!(universal_logout(&org, Some(fault)).await, 401, "{fault}");
        assert_eq!(demo.statuses(&mut browser, "/profile").await, BTreeSet::from([200]), "{fault}");
    }
    assert_eq!(universal_logout(&org, None).await, 204);
    assert_eq!(
        demo.statuses(&mut browser, "/profile").await,
        BTreeSet::from([303]),
        "the session ended on both replicas"
    );

    let (_, page) = browser.sign_in(&demo.url("/devices")).await;
    assert!(page.body.contains("this device"), "{}", page.body);
    assert_eq!(universal_logout(&org, Some("replayed_jti")).await, 401);
    assert_eq!(demo.statuses(&mut browser, "/devices").await, BTreeSet::from([200]), "a replay ends nothing");
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn both_replicas_are_one_app_in_axum() {
    both_replicas_are_one_app("axum").await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn both_replicas_are_one_app_in_actix() {
    both_replicas_are_one_app("actix").await;
}

#[test]
fn without_redis_the_message_names_the_package_to_install() {
    let port = free_port().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_replicas")).env("PORT", port).env("PATH", "").output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("install the package `redis-server`"), "{text}");
}
