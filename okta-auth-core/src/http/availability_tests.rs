//! The rules of the circuit, on a clock that the test advances. Then orgs that hang, fail and rate-limit, on real
//! sockets: the cost for their own users and for other tenants.

use ::http::Request;

use super::*;
use crate::clock::TestClock;
use crate::events::ProviderEndpoint;
use crate::http::server_for_tests::{Mode, Server};
use crate::http::{EgressPolicy, HttpClient, HttpSettings, Idempotency};

const TOKEN: &str = "/v1/token";
const KEYS: &str = "/v1/keys";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + seconds)
}

/// One complete request.
fn exchange(endpoints: &mut Endpoints, outcome: Outcome, now: i64) -> Result<()> {
    let epoch = endpoints.enter(TOKEN, at(now))?;
    endpoints.record(TOKEN, epoch, outcome, at(now));
    Ok(())
}

fn given_up() -> Endpoints {
    let mut endpoints = Endpoints::default();
    for _ in 0..FAILURES {
        exchange(&mut endpoints, Outcome::Failed, 0).unwrap();
    }
    endpoints
}

#[test]
fn eight_failures_or_three_timeouts_in_a_row_open_the_circuit() {
    for (outcome, enough) in [(Outcome::Failed, 8), (Outcome::TimedOut, 3)] {
        let mut endpoints = Endpoints::default();
        for _ in 0..enough {
            exchange(&mut endpoints, outcome, 0).unwrap();
        }
        let error = exchange(&mut endpoints, outcome, 0).unwrap_err();
        assert_eq!(error.code(), Code::ProviderUnavailable);
        assert_eq!(error.retry_after(), Some(PROBE_INTERVAL));
        assert_eq!(exchange(&mut endpoints, outcome, 2).unwrap_err().retry_after(), Some(Duration::from_secs(3)));
    }
}

#[test]
fn one_response_resets_the_failures() {
    let mut endpoints = Endpoints::default();
    for _ in 0..5 {
        for _ in 0..FAILURES - 1 {
            exchange(&mut endpoints, Outcome::Failed, 0).unwrap();
        }
        exchange(&mut endpoints, Outcome::Answered, 0).unwrap();
    }
    exchange(&mut endpoints, Outcome::Failed, 0).unwrap();
}

#[test]
fn local_errors_do_not_count() {
    let mut endpoints = Endpoints::default();
    for _ in 0..FAILURES - 1 {
        exchange(&mut endpoints, Outcome::Failed, 0).unwrap();
    }
    for _ in 0..20 {
        exchange(&mut endpoints, Outcome::Unknown, 0).unwrap();
    }
    exchange(&mut endpoints, Outcome::Failed, 0).unwrap();
    assert!(exchange(&mut endpoints, Outcome::Failed, 0).is_err(), "local errors do not reset the counter");
}

#[test]
fn one_probe_for_each_pause_even_if_it_is_abandoned() {
    let mut endpoints = given_up();
    assert!(endpoints.enter(TOKEN, at(4)).is_err());
    endpoints.enter(TOKEN, at(5)).unwrap();
    // The caller of the probe disconnected. The next probe waits until the next pause is over.
    for now in 5..10 {
        assert!(endpoints.enter(TOKEN, at(now)).is_err(), "{now}");
    }
    exchange(&mut endpoints, Outcome::Failed, 10).unwrap();
    assert!(endpoints.enter(TOKEN, at(14)).is_err());
    endpoints.enter(TOKEN, at(15)).unwrap();
}

#[test]
fn a_probe_that_fails_late_does_not_postpone_the_next_one() {
    let mut endpoints = given_up();
    let epoch = endpoints.enter(TOKEN, at(5)).unwrap();
    endpoints.record(TOKEN, epoch, Outcome::TimedOut, at(9));
    endpoints.enter(TOKEN, at(10)).unwrap();
}

#[test]
fn the_first_response_closes_the_circuit() {
    let mut endpoints = given_up();
    exchange(&mut endpoints, Outcome::Answered, 5).unwrap();
    for _ in 0..100 {
        exchange(&mut endpoints, Outcome::Answered, 5).unwrap();
    }
}

#[test]
fn timeouts_that_arrive_after_the_recovery_do_not_count() {
    let mut endpoints = Endpoints::default();
    let before: Vec<u64> = (0..64).map(|_| endpoints.enter(TOKEN, at(0)).unwrap()).collect();
    let (first, late) = before.split_at(10);
    for epoch in first {
        endpoints.record(TOKEN, *epoch, Outcome::TimedOut, at(1));
    }
    exchange(&mut endpoints, Outcome::Answered, 6).unwrap();
    for epoch in late {
        endpoints.record(TOKEN, *epoch, Outcome::TimedOut, at(6));
    }
    exchange(&mut endpoints, Outcome::Answered, 6).unwrap();
}

#[test]
fn endpoints_have_separate_circuits() {
    let endpoints = given_up();
    assert!(endpoints.check(TOKEN, at(0)).is_err());
    endpoints.check(KEYS, at(0)).unwrap();
}

#[test]
fn rate_limits_are_not_failures_and_may_apply_to_one_user() {
    let mut endpoints = Endpoints::default();
    let minute = Outcome::Limited(Duration::from_secs(60));
    for _ in 0..50 {
        exchange(&mut endpoints, minute, 0).unwrap();
        exchange(&mut endpoints, minute, 0).unwrap();
        exchange(&mut endpoints, Outcome::Answered, 0).unwrap();
    }
    for _ in 0..RATE_LIMITS {
        exchange(&mut endpoints, minute, 0).unwrap();
    }
    let error = exchange(&mut endpoints, minute, 0).unwrap_err();
    assert_eq!(error.code(), Code::ProviderRateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)), "the time that Okta stated");
    exchange(&mut endpoints, minute, 5).unwrap();
    assert_eq!(exchange(&mut endpoints, minute, 6).unwrap_err().retry_after(), Some(Duration::from_secs(59)));
    exchange(&mut endpoints, Outcome::Answered, 10).unwrap();
    exchange(&mut endpoints, Outcome::Answered, 10).unwrap();
}

#[test]
fn a_limit_ends_at_the_time_that_okta_states() {
    let mut endpoints = Endpoints::default();
    for _ in 0..RATE_LIMITS {
        exchange(&mut endpoints, Outcome::Limited(Duration::from_secs(3)), 0).unwrap();
    }
    assert!(endpoints.enter(TOKEN, at(2)).is_err());
    for _ in 0..10 {
        endpoints.enter(TOKEN, at(3)).unwrap();
    }
}

#[test]
fn a_clock_that_jumps_backwards_closes_the_circuit() {
    let mut endpoints = given_up();
    endpoints.enter(TOKEN, at(-500_000)).unwrap();
}

#[test]
fn a_hostile_origin_cannot_exhaust_the_memory() {
    let mut endpoints = Endpoints::default();
    for number in 0..1_000 {
        let path = format!("/{number}");
        let epoch = endpoints.enter(&path, at(0)).unwrap();
        for _ in 0..FAILURES {
            endpoints.record(&path, epoch, Outcome::Failed, at(0));
        }
    }
    assert!(endpoints.known.len() <= MAX_ENDPOINTS);
    let mut well = Endpoints::default();
    for _ in 0..10 {
        exchange(&mut well, Outcome::Answered, 0).unwrap();
    }
    assert!(well.known.is_empty(), "a healthy endpoint has no state");
}

// ---- on sockets

fn client(settings: &HttpSettings, clock: &TestClock) -> HttpClient {
    HttpClient::new(settings, EgressPolicy::operator(), clock.shared()).unwrap()
}

/// Long enough for a request that gets a response, and short enough to wait for.
fn impatient() -> HttpSettings {
    HttpSettings { timeout: Duration::from_millis(200), ..HttpSettings::default() }
}

async fn get(client: &HttpClient, url: &str) -> Result<u16> {
    let request = Request::get(url).body(Vec::new()).unwrap();
    client
        .send(request, Idempotency::NotIdempotent, ProviderEndpoint::Token)
        .await
        .map(|response| response.status().as_u16())
}

#[tokio::test]
async fn an_org_that_hangs_costs_three_timeouts_and_then_no_time() {
    let (server, clock) = (Server::start(Mode::Hang).await, TestClock::at(1_000_000));
    let http = client(&impatient(), &clock);
    let token = server.url("/token");
    for _ in 0..3 {
        assert_eq!(get(&http, &token).await.unwrap_err().code(), Code::ProviderUnavailable);
    }
    for _ in 0..100 {
        let error = get(&http, &token).await.unwrap_err();
        assert_eq!((error.code(), error.retry_after()), (Code::ProviderUnavailable, Some(Duration::from_secs(5))));
    }
    assert_eq!(server.count(), 3, "no further request is sent");
    assert_eq!(get(&http, &server.url("/well")).await.unwrap(), 200, "another endpoint of the same org");
    server.set(Mode::Status(200));
    clock.advance(5);
    for _ in 0..10 {
        assert_eq!(get(&http, &token).await.unwrap(), 200, "the first probe is enough");
    }
}

#[tokio::test]
async fn an_org_that_fails_gets_only_probes() {
    let (server, clock) = (Server::start(Mode::Status(503)).await, TestClock::at(1_000_000));
    let http = client(&HttpSettings::default(), &clock);
    let token = server.url("/token");
    for _ in 0..50 {
        assert_eq!(get(&http, &token).await.unwrap_err().code(), Code::ProviderUnavailable);
    }
    assert_eq!(server.count(), 8);
    for probes in 1..=3 {
        clock.advance(5);
        for _ in 0..10 {
            assert!(get(&http, &token).await.is_err());
        }
        assert_eq!(server.count(), 8 + probes);
    }
    server.set(Mode::Status(200));
    clock.advance(5);
    assert_eq!(get(&http, &token).await.unwrap(), 200);
}

#[tokio::test]
async fn requests_to_an_org_that_is_down_are_paused() {
    let (server, clock) = (Server::start(Mode::Status(200)).await, TestClock::at(1_000_000));
    let http = client(&HttpSettings::default(), &clock);
    let token = "http://127.0.0.1:1/token".to_owned();
    for _ in 0..8 {
        assert_eq!(get(&http, &token).await.unwrap_err().retry_after(), None);
    }
    assert_eq!(get(&http, &token).await.unwrap_err().retry_after(), Some(Duration::from_secs(5)));
    assert_eq!(get(&http, &server.url("/token")).await.unwrap(), 200, "another origin");
}

#[tokio::test]
async fn client_errors_are_not_failures() {
    for status in [400, 401, 403, 404, 302] {
        let (server, clock) = (Server::start(Mode::Status(status)).await, TestClock::at(1_000_000));
        let http = client(&HttpSettings::default(), &clock);
        for _ in 0..20 {
            let _ = get(&http, &server.url("/token")).await;
        }
        assert_eq!(server.count(), 20, "{status}");
    }
}

#[tokio::test]
async fn retry_after_is_respected_and_is_not_an_outage() {
    let (server, clock) = (Server::start(Mode::Status(429)).await, TestClock::at(1_000_000));
    let http = client(&HttpSettings::default(), &clock);
    let token = server.url("/token");
    for _ in 0..20 {
        let error = get(&http, &token).await.unwrap_err();
        assert_eq!((error.code(), error.retry_after()), (Code::ProviderRateLimited, Some(Duration::from_secs(30))));
    }
    assert_eq!(server.count(), 3);
    server.set(Mode::Status(200));
    clock.advance(5);
    assert_eq!(get(&http, &token).await.unwrap(), 200, "the limit applied to one user");
    assert_eq!(get(&http, &token).await.unwrap(), 200);
}

#[tokio::test]
async fn every_failure_names_the_path_of_its_endpoint() {
    let (server, clock) = (Server::start(Mode::Hang).await, TestClock::at(1_000_000));
    let http = client(&impatient(), &clock);
    let (path, end) = ("/a/token", "; the request was for `/a/token`");
    let url = |server: &str| format!("{server}{path}?code=secret");
    let mut failures = vec![get(&http, &url("http://127.0.0.1:1")).await];
    failures.push(get(&http, &url(&server.url(""))).await);
    for status in [500, 503, 429, 302] {
        server.set(Mode::Status(status));
        failures.push(get(&http, &url(&server.url(""))).await);
    }
    let small = client(&HttpSettings { max_response: 1, ..HttpSettings::default() }, &clock);
    server.set(Mode::Status(200));
    failures.push(get(&small, &url(&server.url(""))).await);
    server.set(Mode::Status(503));
    for _ in 0..9 {
        failures.push(get(&small, &url(&server.url(""))).await);
    }
    let is_paused = |failure: &Result<u16>| failure.as_ref().unwrap_err().retry_after() == Some(PROBE_INTERVAL);
    assert!(failures.last().is_some_and(is_paused));
    let busy = client(&HttpSettings { in_flight: 0, queue_timeout: Duration::ZERO, ..impatient() }, &clock);
    failures.push(get(&busy, &url(&server.url(""))).await);
    for failure in failures {
        let error = failure.unwrap_err();
        assert!(error.to_string().ends_with(end) && !format!("{error:?}").contains("secret"), "{error:?}");
    }
    // A path of the metadata may be any text.
    server.set(Mode::Status(500));
    let long = format!("{}/{}\n\u{202e}", server.url(""), "x".repeat(5_000));
    let message = get(&small.with_settings(&impatient()), long.parse::<Url>().unwrap().as_str()).await.unwrap_err();
    assert!(message.to_string().len() < 700 && message.to_string().ends_with(" (cut)`"), "{message}");
}

/// The paths of Okta's API contain logins.
#[cfg(feature = "okta-api")]
#[tokio::test]
async fn a_failure_of_oktas_api_names_no_path() {
    let http = client(&impatient(), &TestClock::at(1_000_000));
    let request = Request::get("http://127.0.0.1:1/api/v1/users/ada@example.test").body(Vec::new()).unwrap();
    let error = http.exchange(request, ProviderEndpoint::Api).await.unwrap_err();
    assert!(error.to_string().contains("cannot connect") && !format!("{error:?}").contains("ada@"), "{error:?}");
}

#[tokio::test]
async fn an_org_that_hangs_does_not_slow_other_tenants() {
    let (dead, well, clock) =
        (Server::start(Mode::Hang).await, Server::start(Mode::Status(200)).await, TestClock::at(1_000_000));
    let settings = HttpSettings { in_flight: 2, queue_timeout: Duration::from_millis(50), ..impatient() };
    let acme = client(&settings, &clock);
    let globex = acme.with_settings(&settings);
    for _ in 0..5 {
        assert!(get(&acme, &dead.url("/token")).await.is_err());
    }
    let seen = dead.count();
    assert!(get(&globex, &dead.url("/token")).await.is_err());
    assert_eq!(dead.count(), seen + 1, "each tenant has its own circuits");
    assert_eq!(get(&globex, &well.url("/token")).await.unwrap(), 200);
}

/// Sends this many requests at once, and waits until they hang.
async fn hang(http: &HttpClient, server: &Server, count: usize) -> tokio::task::JoinSet<Result<u16>> {
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..count {
        let (http, url) = (http.clone(), server.url("/token"));
        requests.spawn(async move { get(&http, &url).await });
    }
    server.wait_for(count).await;
    requests
}

#[tokio::test]
async fn a_request_over_the_limit_waits_for_a_bounded_time() {
    let (server, clock) = (Server::start(Mode::Hang).await, TestClock::at(1_000_000));
    let settings = HttpSettings { in_flight: 4, queue_timeout: Duration::from_millis(50), ..HttpSettings::default() };
    let http = client(&settings, &clock);
    let mut requests = hang(&http, &server, 4).await;
    let error = get(&http, &server.url("/well")).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (Code::ProviderUnavailable, Some(BUSY_RETRY_AFTER)));
    assert!(error.to_string().starts_with("4 requests"), "{error}");
    assert_eq!(server.count(), 4);
    let tenant = http.with_settings(&settings);
    assert_eq!(get(&tenant, &server.url("/well")).await.unwrap(), 200, "another tenant has its own slots");
    server.set(Mode::Status(200));
    while let Some(request) = requests.join_next().await {
        assert_eq!(request.unwrap().unwrap(), 200);
    }
    assert_eq!(get(&http, &server.url("/well")).await.unwrap(), 200);
}

/// Requests that hang occupy every slot. A request to a paused endpoint must fail without waiting for a slot.
#[tokio::test]
async fn requests_to_a_paused_endpoint_do_not_wait_for_a_slot() {
    let limits = Limits { in_flight: 3, queue_timeout: Duration::from_secs(3_600) };
    let circuits = Circuits::new(limits, TestClock::at(1_000_000).shared());
    let (dead, slow): (Url, Url) = ("https://x.test/token".parse().unwrap(), "https://x.test/slow".parse().unwrap());
    for _ in 0..3 {
        circuits.enter(&dead).await.unwrap().done(Outcome::TimedOut);
    }
    let mut places = Vec::new();
    for _ in 0..3 {
        places.push(circuits.enter(&slow).await.unwrap());
    }
    let refused = tokio::time::timeout(Duration::from_secs(5), circuits.enter(&dead)).await;
    assert_eq!(refused.expect("it waits for a slot").unwrap_err().code(), Code::ProviderUnavailable);
}

#[tokio::test]
async fn a_caller_that_disconnects_frees_its_slot() {
    let (server, clock) = (Server::start(Mode::Hang).await, TestClock::at(1_000_000));
    let settings = HttpSettings { in_flight: 1, ..HttpSettings::default() };
    let http = client(&settings, &clock);
    let mut requests = hang(&http, &server, 1).await;
    requests.shutdown().await;
    assert_eq!(get(&http, &server.url("/well")).await.unwrap(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_stay_within_the_limit_and_are_all_served() {
    let (server, clock) = (Server::start(Mode::Status(200)).await, TestClock::at(1_000_000));
    let settings = HttpSettings { in_flight: 5, queue_timeout: Duration::from_secs(10), ..HttpSettings::default() };
    let http = client(&settings, &clock);
    let mut requests = hang(&http, &server, 300).await;
    while let Some(request) = requests.join_next().await {
        assert_eq!(request.unwrap().unwrap(), 200);
    }
    // The server sees a connection end a little later than the client does.
    assert!(server.most() <= 10, "{} at a time", server.most());
}

#[tokio::test]
async fn unused_origins_are_evicted() {
    let circuits = Circuits::new(HttpSettings::default().limits(), SharedClock::default());
    let held = circuits.enter(&"https://held.example/".parse().unwrap()).await.unwrap();
    for number in 0..100 {
        let url = format!("https://{number}.example/").parse().unwrap();
        drop(circuits.enter(&url).await.unwrap());
    }
    let origins = circuits.origins.lock().unwrap();
    assert!(origins.len() <= MAX_ORIGINS && origins.contains_key("https://held.example"), "{}", origins.len());
    drop(held);
}
