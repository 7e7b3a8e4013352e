//! Names that resolve to forbidden addresses, with real sockets listening there.

use std::collections::VecDeque;
use std::net::{IpAddr, TcpListener};
use std::sync::Mutex;
use std::time::Duration;

use ::http::Request;

use super::*;
use crate::clock::SharedClock;
use crate::error::{Code, Error};
use crate::events::ProviderEndpoint;
use crate::http::{HttpClient, HttpSettings, Idempotency, OperatorRoutes};

/// Returns the answers in order, and repeats the last one.
struct Names {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: Mutex<usize>,
}

impl Names {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { answers: Mutex::new(answers.iter().map(parse).collect()), asked: Mutex::new(0) })
    }
}

impl Resolve for Names {
    fn resolve(&self, _: Name) -> Resolving {
        *self.asked.lock().unwrap() += 1;
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() };
        Box::pin(async move { Ok(Box::new(answer.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs) })
    }
}

/// A listening socket on this machine that counts connections.
struct Door(TcpListener);

impl Door {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// A connection is in the queue as soon as the client considers it established.
    fn reached(&self) -> usize {
        std::iter::from_fn(|| self.0.accept().ok()).count()
    }
}

const ORG: &str = "login.acme.com";

fn policy(door: &Door) -> EgressPolicy {
    EgressPolicy::default().allow_domain(ORG).allow_port(door.port())
}

fn client(policy: EgressPolicy, names: Arc<dyn Resolve>) -> HttpClient {
    // The socket does not speak TLS.
    let settings = HttpSettings { connect_timeout: Duration::from_millis(100), ..HttpSettings::default() };
    HttpClient::with_names(&settings, (policy, OperatorRoutes::default()), SharedClock::default(), names).unwrap()
}

/// Connects to the socket under a name. The socket never answers, so the result is always an error.
async fn knock(http: &HttpClient, host: &str, door: &Door) -> Error {
    let request = Request::get(format!("https://{host}:{}/", door.port())).body(Vec::new()).unwrap();
    http.send(request, Idempotency::NotIdempotent, ProviderEndpoint::Token).await.unwrap_err()
}

#[tokio::test]
async fn a_public_name_with_an_address_of_this_machine_is_refused() {
    let door = Door::new();
    for answer in [&["127.0.0.1"] as &[&str], &["::ffff:127.0.0.1"], &["127.0.0.1", "10.0.0.1", "169.254.169.254"]] {
        let http = client(policy(&door), Names::new(&[answer]));
        let error = knock(&http, ORG, &door).await;
        assert_eq!(error.code(), Code::EgressRefused, "{answer:?}");
        assert!(error.to_string().contains("allow_private_addresses"), "{error}");
        assert!(!format!("{error:?}").contains("127.0.0.1"), "the error must not contain the address: {error:?}");
        assert_eq!(door.reached(), 0, "{answer:?}");
    }
    let allowed = policy(&door).dangerous().allow_private_addresses();
    let error = knock(&client(allowed, Names::new(&[&["127.0.0.1"]])), ORG, &door).await;
    assert_eq!((error.code(), door.reached()), (Code::ProviderUnavailable, 1), "the socket is reachable");
}

#[tokio::test]
async fn dns_rebinding_between_check_and_connection_is_refused() {
    let door = Door::new();
    let names = Names::new(&[&["8.8.8.8"], &["127.0.0.1"]]);
    let looked = GuardedResolver::new(Arc::new(policy(&door)), Arc::clone(&names) as Arc<dyn Resolve>);
    assert_eq!(looked.resolve(ORG.parse().unwrap()).await.unwrap().count(), 1);
    let http = client(policy(&door), names);
    assert_eq!(knock(&http, ORG, &door).await.code(), Code::EgressRefused);
    assert_eq!(door.reached(), 0);
}

#[tokio::test]
async fn each_connection_is_checked_by_the_answer_that_it_uses() {
    let door = Door::new();
    let names = Names::new(&[&["127.0.0.1"], &["169.254.169.254"], &["127.0.0.1"]]);
    let http = client(policy(&door).dangerous().allow_private_addresses(), Arc::clone(&names) as Arc<dyn Resolve>);
    assert_eq!(knock(&http, ORG, &door).await.code(), Code::ProviderUnavailable);
    assert_eq!((door.reached(), *names.asked.lock().unwrap()), (1, 1), "one query, one connection");
    assert_eq!(knock(&http, ORG, &door).await.code(), Code::EgressRefused);
    assert_eq!((door.reached(), *names.asked.lock().unwrap()), (0, 2));
}

#[tokio::test]
async fn only_admitted_addresses_of_a_mixed_answer_are_used() {
    let door = Door::new();
    let names = Names::new(&[&["10.0.0.1", "8.8.8.8", "::1", "2600::1", "169.254.169.254"]]);
    let guarded = GuardedResolver::new(Arc::new(policy(&door)), names);
    let addresses: Vec<String> = guarded.resolve(ORG.parse().unwrap()).await.unwrap().map(|a| a.to_string()).collect();
    assert_eq!(addresses, ["8.8.8.8:0", "[2600::1]:0"]);
}

#[tokio::test]
async fn a_name_without_addresses_is_an_outage() {
    let door = Door::new();
    let http = client(policy(&door), Names::new(&[&[]]));
    assert_eq!(knock(&http, ORG, &door).await.code(), Code::ProviderUnavailable);
}

#[tokio::test]
async fn names_and_addresses_that_are_not_allowed_are_never_resolved() {
    let door = Door::new();
    let names = Names::new(&[&["127.0.0.1"]]);
    let http = client(policy(&door).dangerous().allow_private_addresses(), Arc::clone(&names) as Arc<dyn Resolve>);
    for host in ["127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "evil.example", "localhost", "login.acme.com."] {
        assert_eq!(knock(&http, host, &door).await.code(), Code::EgressRefused, "{host}");
    }
    assert_eq!((door.reached(), *names.asked.lock().unwrap()), (0, 0));
}

#[tokio::test]
async fn policy_errors_do_not_open_the_circuit() {
    let door = Door::new();
    let http = client(policy(&door), Names::new(&[&["127.0.0.1"]]));
    for _ in 0..20 {
        assert_eq!(knock(&http, ORG, &door).await.code(), Code::EgressRefused);
    }
}

/// The system's resolver, with the one name that needs no network.
#[tokio::test]
async fn answers_of_the_system_resolver_are_checked() {
    let door = Door::new();
    let strict = EgressPolicy::default().allow_domain("localhost").allow_port(door.port());
    let http = client(strict.clone(), Arc::new(SystemNames));
    assert_eq!(knock(&http, "localhost", &door).await.code(), Code::EgressRefused);
    assert_eq!(door.reached(), 0);
    let http = client(strict.dangerous().allow_loopback(), Arc::new(SystemNames));
    assert_eq!(knock(&http, "localhost", &door).await.code(), Code::ProviderUnavailable);
    assert_eq!(door.reached(), 1);
}

#[tokio::test]
async fn names_below_localhost_resolve_to_this_machine_without_a_query() {
    let door = Door::new();
    let http = client(policy(&door).dangerous().allow_loopback(), Arc::new(SystemNames));
    assert_eq!(knock(&http, "acme.localhost", &door).await.code(), Code::ProviderUnavailable);
    assert_eq!(door.reached(), 1);
}

#[tokio::test]
async fn an_invalid_policy_makes_no_client() {
    let policy = EgressPolicy::default().allow_domain("*.acme.com");
    let error = HttpClient::new(&HttpSettings::default(), policy, SharedClock::default()).unwrap_err();
    assert_eq!(error.code(), Code::ConfigInvalid);
}

/// A proxy would resolve names itself and connect to the result. The proxy variables are set for a child process.
#[tokio::test]
async fn proxy_variables_of_the_process_are_ignored() {
    const INSIDE: &str = "OKTA_AUTH_TEST_BEHIND_A_PROXY";
    if std::env::var_os(INSIDE).is_some() {
        // No process listens on this port any more.
        let free = Door::new().port();
        let settings = HttpSettings { timeout: Duration::from_secs(1), ..HttpSettings::default() };
        let http = HttpClient::new(&settings, EgressPolicy::operator(), SharedClock::default()).unwrap();
        let request = Request::get(format!("http://127.0.0.1:{free}/")).body(Vec::new()).unwrap();
        let error = http.send(request, Idempotency::NotIdempotent, ProviderEndpoint::Token).await.unwrap_err();
        assert_eq!(error.code(), Code::ProviderUnavailable);
        return;
    }
    let proxy = Door::new();
    let mut inside = std::process::Command::new(std::env::current_exe().unwrap());
    inside.args(["--exact", "http::resolve::tests::proxy_variables_of_the_process_are_ignored"]);
    for name in ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "http_proxy", "https_proxy"] {
        inside.env(name, format!("http://127.0.0.1:{}", proxy.port()));
    }
    let output = inside.env_remove("NO_PROXY").env_remove("no_proxy").env(INSIDE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(proxy.reached(), 0, "a request went to the proxy");
}
