//! Orgs that hang, fail and rate-limit, on real sockets: the cost for their own users and
//! for other tenants.

use ::http::Request;

use super::*;
use crate::events::ProviderEndpoint;
use crate::http::server_for_tests::{Hands, Mode, Server};
use crate::http::{EgressPolicy, HttpClient, HttpSettings, Idempotency};

fn client(settings: &HttpSettings, hands: &Hands) -> HttpClient {
    HttpClient::new(settings, EgressPolicy::operator(), hands.clock()).unwrap()
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
    let (server, hands) = (Server::start(Mode::Hang).await, Hands::new());
    let http = client(&impatient(), &hands);
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
    hands.turn(5);
    for _ in 0..10 {
        assert_eq!(get(&http, &token).await.unwrap(), 200, "the first probe is enough");
    }
}

#[tokio::test]
async fn an_org_that_fails_gets_only_probes() {
    let (server, hands) = (Server::start(Mode::Status(503)).await, Hands::new());
    let http = client(&HttpSettings::default(), &hands);
    let token = server.url("/token");
    for _ in 0..50 {
        assert_eq!(get(&http, &token).await.unwrap_err().code(), Code::ProviderUnavailable);
    }
    assert_eq!(server.count(), 8);
    for probes in 1..=3 {
        hands.turn(5);
        for _ in 0..10 {
            assert!(get(&http, &token).await.is_err());
        }
        assert_eq!(server.count(), 8 + probes);
    }
    server.set(Mode::Status(200));
    hands.turn(5);
    assert_eq!(get(&http, &token).await.unwrap(), 200);
}

#[tokio::test]
async fn requests_to_an_org_that_is_down_are_paused() {
    let (server, hands) = (Server::start(Mode::Status(200)).await, Hands::new());
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let http = client(&HttpSettings::default(), &hands);
    let token = format!("http://{gone}/token");
    for _ in 0..8 {
        assert_eq!(get(&http, &token).await.unwrap_err().retry_after(), None);
    }
    assert_eq!(get(&http, &token).await.unwrap_err().retry_after(), Some(Duration::from_secs(5)));
    assert_eq!(get(&http, &server.url("/token")).await.unwrap(), 200, "another origin");
}

#[tokio::test]
async fn client_errors_are_not_failures() {
    for status in [400, 401, 403, 404, 302] {
        let (server, hands) = (Server::start(Mode::Status(status)).await, Hands::new());
        let http = client(&HttpSettings::default(), &hands);
        for _ in 0..20 {
            let _ = get(&http, &server.url("/token")).await;
        }
        assert_eq!(server.count(), 20, "{status}");
    }
}

#[tokio::test]
async fn retry_after_is_respected_and_is_not_an_outage() {
    let (server, hands) = (Server::start(Mode::Status(429)).await, Hands::new());
    let http = client(&HttpSettings::default(), &hands);
    let token = server.url("/token");
    for _ in 0..20 {
        let error = get(&http, &token).await.unwrap_err();
        assert_eq!((error.code(), error.retry_after()), (Code::ProviderRateLimited, Some(Duration::from_secs(30))));
    }
    assert_eq!(server.count(), 3);
    server.set(Mode::Status(200));
    hands.turn(5);
    assert_eq!(get(&http, &token).await.unwrap(), 200, "the limit applied to one user");
    assert_eq!(get(&http, &token).await.unwrap(), 200);
}

#[tokio::test]
async fn an_org_that_hangs_does_not_slow_other_tenants() {
    let (dead, well, hands) = (Server::start(Mode::Hang).await, Server::start(Mode::Status(200)).await, Hands::new());
    let settings = HttpSettings { in_flight: 2, queue_timeout: Duration::from_millis(50), ..impatient() };
    let acme = client(&settings, &hands);
    let globex = acme.for_tenant(&settings);
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
    let (server, hands) = (Server::start(Mode::Hang).await, Hands::new());
    let settings = HttpSettings { in_flight: 4, queue_timeout: Duration::from_millis(50), ..HttpSettings::default() };
    let http = client(&settings, &hands);
    let mut requests = hang(&http, &server, 4).await;
    let error = get(&http, &server.url("/well")).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (Code::ProviderUnavailable, Some(BUSY_RETRY_AFTER)));
    assert!(error.to_string().starts_with("4 requests"), "{error}");
    assert_eq!(server.count(), 4);
    let tenant = http.for_tenant(&settings);
    assert_eq!(get(&tenant, &server.url("/well")).await.unwrap(), 200, "another tenant has its own slots");
    server.set(Mode::Status(200));
    while let Some(request) = requests.join_next().await {
        assert_eq!(request.unwrap().unwrap(), 200);
    }
    assert_eq!(get(&http, &server.url("/well")).await.unwrap(), 200);
}

/// Requests that hang occupy every slot. A request to a paused endpoint must fail without
/// waiting for a slot.
#[tokio::test]
async fn requests_to_a_paused_endpoint_do_not_wait_for_a_slot() {
    let limits = Limits { in_flight: 3, queue_timeout: Duration::from_secs(3_600) };
    let circuits = Circuits::new(limits, Hands::new().clock());
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
    let (server, hands) = (Server::start(Mode::Hang).await, Hands::new());
    let settings = HttpSettings { in_flight: 1, ..HttpSettings::default() };
    let http = client(&settings, &hands);
    let mut requests = hang(&http, &server, 1).await;
    requests.shutdown().await;
    assert_eq!(get(&http, &server.url("/well")).await.unwrap(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_stay_within_the_limit_and_are_all_served() {
    let (server, hands) = (Server::start(Mode::Status(200)).await, Hands::new());
    let settings = HttpSettings { in_flight: 5, queue_timeout: Duration::from_secs(10), ..HttpSettings::default() };
    let http = client(&settings, &hands);
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
    assert!(origins.len() <= MOST && origins.contains_key("https://held.example"), "{}", origins.len());
    drop(held);
}
