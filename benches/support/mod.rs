//! Shared code of the benches: medians and verdicts, row filters, a session, and a server in its own process under
//! load.

#![allow(dead_code, reason = "each bench uses only a part")]

#[path = "../../tests/support/prover.rs"]
pub(crate) mod prover;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, header};
use axum::routing::get;
use axum::{Router, response::Response};
use okta_auth_axum::{OktaAuth, RouterExt, User};
use okta_auth_dev::{ADA, Org};
use tower::Service;

pub(crate) const SECRET: &str = "a cookie secret for benches, 32 bytes";

/// The approximate duration of one round.
pub(crate) const ROUND: Duration = Duration::from_millis(8);

/// Runs a future that never waits.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a hot path had to wait"),
    }
}

/// How often `work` runs in one round.
pub(crate) fn calibrate(work: &mut dyn FnMut()) -> u32 {
    let mut times = 1_u32;
    loop {
        let start = Instant::now();
        (0..times).for_each(|_| work());
        if start.elapsed() >= ROUND / 2 {
            return times;
        }
        times = times.saturating_mul(2);
    }
}

/// Microseconds per run of `work`, over one round.
pub(crate) fn round(work: &mut dyn FnMut(), times: u32) -> f64 {
    let start = Instant::now();
    (0..times).for_each(|_| work());
    start.elapsed().as_secs_f64() * 1e6 / f64::from(times)
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Whether a figure is below its limit. NaN means no limit.
pub(crate) fn verdict(figure: f64, limit: f64) -> String {
    match limit {
        limit if limit.is_nan() => String::new(),
        limit if figure <= limit => format!("   holds (limit {limit})"),
        limit => format!("   OVER the limit {limit}"),
    }
}

/// `cargo bench --bench load -- axum session` measures the rows with all of these words in their names.
pub(crate) fn is_wanted(name: &str) -> bool {
    std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).all(|wanted| name.contains(&wanted))
}

/// `cargo test --benches` also runs a bench, without `--bench`. It must build and start, but not measure.
pub(crate) fn is_for_real() -> bool {
    has_argument("--bench")
}

pub(crate) fn has_argument(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}

/// Resident memory of this process in bytes (proc(5)); pages have 4 KiB.
pub(crate) fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// An org whose ID tokens have the profile, the groups and `sid`, so that sessions have one size whatever the default is.
pub(crate) async fn org() -> Org {
    let org = Org::builder().thin_id_token(false).groups_claim_everywhere("groups").start().await.unwrap();
    org.put_client(org.client().session_claim(true));
    org
}

/// Signs in through a router and returns the session's `Cookie` header.
pub(crate) async fn sign_in(org: &Org, auth: &OktaAuth) -> String {
    let mut app = Router::new().route("/me", get(|_: User| async { "" })).okta_auth(auth);
    let request = Request::get("/me").header(header::ACCEPT, "text/html").body(Body::empty()).unwrap();
    let login = Service::call(&mut app, request).await.unwrap();
    let attempt = cookies(&login);
    let authorize = login.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let okta_auth_dev::Response::Redirect(back) = org.sign_in(&authorize, ADA).await.unwrap() else { panic!() };
    let request = Request::get(back).header(header::COOKIE, attempt).body(Body::empty()).unwrap();
    let done = Service::call(&mut app, request).await.unwrap();
    assert_eq!(done.status(), 303);
    cookies(&done)
}

/// The cookies that a browser would send back.
fn cookies(response: &Response) -> String {
    let set = response.headers().get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    let pairs = set.filter(|cookie| !cookie.contains("Max-Age=0")).map(|cookie| cookie.split(';').next().unwrap());
    pairs.collect::<Vec<_>>().join("; ")
}

/// A server in its own process, which ends with its measurement. The process is this program with the arguments
/// `serve`, the kind and a port.
pub(crate) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// Starts the server, and waits until it prints that it is ready.
    pub(crate) fn start(org: &Org, kind: &str, variables: &[(&str, &str)]) -> Self {
        let port = example_tests::free_port();
        let program = std::env::current_exe().unwrap();
        let mut process = on_processor(Processor::Servers, program.to_str().unwrap())
            .args(["serve", kind, &port.to_string()])
            .env("OKTA_BASE_URL", "http://localhost:8080")
            .envs(variables.iter().copied())
            .envs(org.env())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        Self { process, port }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Puts the server under load for this time, and returns the output of `wrk`.
    pub(crate) fn load(&self, path: &str, headers: &[String], seconds: u32) -> String {
        self.start_load(path, headers, seconds).end()
    }

    /// Starts the load without waiting, for several servers at once.
    pub(crate) fn start_load(&self, path: &str, headers: &[String], seconds: u32) -> Load {
        self.start_wrk(path, headers.iter().flat_map(|header| ["-H", header]), seconds)
    }

    /// Puts the server under load with requests that a script of `wrk` makes.
    pub(crate) fn start_script(&self, path: &str, script: &Path, seconds: u32) -> Load {
        self.start_wrk(path, ["-s", script.to_str().unwrap()], seconds)
    }

    fn start_wrk<'a>(&self, path: &str, arguments: impl IntoIterator<Item = &'a str>, seconds: u32) -> Load {
        let mut wrk = on_processor(Processor::Load, "wrk");
        wrk.args(["-t1", "-c16", &format!("-d{seconds}s")]).args(arguments);
        Load(wrk.arg(format!("http://127.0.0.1:{}{path}", self.port)).stdout(Stdio::piped()).spawn().unwrap())
    }
}

/// A running load generator.
pub(crate) struct Load(Child);

impl Load {
    /// Waits for its end, and returns its output.
    pub(crate) fn end(self) -> String {
        let output = String::from_utf8(self.0.wait_with_output().unwrap().stdout).unwrap();
        assert!(!output.contains("Non-2xx"), "the server returned errors: {output}");
        output
    }
}

/// The use of a processor while servers are under load.
#[derive(Clone, Copy)]
enum Processor {
    Load,
    Servers,
}

/// A command on one processor, if `taskset` and several processors exist: servers on the last one, load generators on
/// the first one.
fn on_processor(processor: Processor, program: &str) -> Command {
    let last = std::thread::available_parallelism().map_or(0, |number| number.get() - 1);
    if last == 0 || Command::new("taskset").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        return Command::new(program);
    }
    let number = if let Processor::Load = processor { 0 } else { last };
    let mut command = Command::new("taskset");
    command.args(["-c", &number.to_string(), program]);
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether the load generator is installed.
pub(crate) fn has_wrk() -> bool {
    Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}
