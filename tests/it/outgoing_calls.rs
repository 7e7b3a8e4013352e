//! Calls to other APIs: which requests get a token, what a redirect does, and what happens after a 401.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use okta_auth_axum::{AccessToken, HandlerError, RouterExt as _, User};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::error::{Code, Error};
use okta_auth_core::outgoing::{Authorization, Outgoing, OutgoingBuilder, TokenRequest};
use okta_auth_dev::{ADA, AuthorizationServer, Client, Endpoint, GrantType, Org, Outage};
use reqwest::redirect::Policy;
use tokio::net::TcpListener;

use crate::support::AppBuilder;

const JOB: &str = "0oajob";
const SECRET: &str = "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa";

/// A request that an API received.
#[derive(Clone, Debug)]
struct Seen {
    method: Method,
    path: String,
    authorization: Option<String>,
    body: String,
}

type Answer = Arc<dyn Fn(&Seen) -> Response + Send + Sync>;

/// Another API on a real socket.
#[derive(Clone)]
struct Api {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Answer,
}

impl Api {
    async fn start(answer: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let api = Self { url, seen: Arc::default(), answer: Arc::new(answer) };
        let router = Router::new().fallback(receive).with_state(api.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        api
    }

    /// An API that accepts every request.
    async fn open() -> Self {
        Self::start(|_| StatusCode::OK.into_response()).await
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

async fn receive(State(api): State<Api>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let authorization = headers.get_all("authorization").iter().map(|value| value.to_str().unwrap());
    let authorization: Vec<&str> = authorization.collect();
    let seen = Seen {
        method,
        path: uri.path().to_owned(),
        authorization: (!authorization.is_empty()).then(|| authorization.join(" and ")),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    api.seen.lock().unwrap().push(seen.clone());
    (api.answer)(&seen)
}

fn invalid_token() -> Response {
    (StatusCode::UNAUTHORIZED, [("www-authenticate", r#"Bearer error="invalid_token""#)]).into_response()
}

async fn org() -> Org {
    Org::builder().client(Client::service(JOB, SECRET)).start().await.unwrap()
}

fn outgoing(org: &Org) -> Outgoing {
    let clock = org.clock();
    let config = ConfigBuilder::default().issuer(org.issuer()).client_id(JOB).client_secret(SECRET);
    OutgoingBuilder::from(config).clock(move || clock.now()).build().unwrap()
}

fn for_machine(org: &Org, api: &Api) -> Authorization {
    outgoing(org).target(&api.url).unwrap().for_machine(["orders:read"])
}

fn code_of(error: &reqwest_middleware::Error) -> Option<Code> {
    let reqwest_middleware::Error::Middleware(error) = error else { return None };
    error.downcast_ref::<Error>().map(Error::code)
}

#[tokio::test]
async fn a_token_is_attached_to_requests_of_both_kinds() {
    let (org, api) = (org().await, Api::open().await);
    let orders = for_machine(&org, &api);
    let client = orders.client(reqwest::Client::builder()).unwrap();
    // Other credentials are replaced: two would be ambiguous.
    client.get(api.url("/a")).header("authorization", "Basic eDp5").send().await.unwrap();
    let mut request = reqwest::Request::new(Method::GET, api.url("/b").parse().unwrap());
    orders.authorize(&mut request).await.unwrap();
    reqwest::Client::new().execute(request).await.unwrap();
    let mut request = Request::get(api.url("/c")).body(Vec::new()).unwrap();
    let token = orders.authorize(&mut request).await.unwrap();
    reqwest::Client::new().execute(request.try_into().unwrap()).await.unwrap();
    let expected = format!("Bearer {}", token.expose());
    let seen = api.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|seen| seen.authorization.as_ref() == Some(&expected)), "{seen:?}");
    assert_eq!(org.count("/v1/token"), 1);
}

/// A URL from a request or a response must not choose who receives the token.
#[tokio::test]
async fn a_token_is_sent_to_no_host_that_the_target_does_not_name() {
    let (org, api, evil) = (org().await, Api::open().await, Api::open().await);
    let orders = for_machine(&org, &api);
    let client = orders.client(reqwest::Client::builder()).unwrap();
    let host = api.url.trim_start_matches("http://");
    let evil_host = evil.url.trim_start_matches("http://");
    for url in [
        evil.url("/"),
        evil.url(&format!("/{host}")),
        format!("http://{host}@{evil_host}/"),
        format!("https://{host}/"),
        "http://localhost/".to_owned(),
    ] {
        let error = client.get(&url).send().await.unwrap_err();
        assert_eq!(code_of(&error), Some(Code::TargetMismatch), "{url}: {error:?}");
        let mut request = Request::get(&url).body(()).unwrap();
        let error = orders.authorize(&mut request).await.unwrap_err();
        assert_eq!(error.code(), Code::TargetMismatch, "{url}");
        assert!(request.headers().is_empty());
    }
    // `reqwest` removes the user name itself.
    let mut request = Request::get(format!("http://user@{host}/")).body(()).unwrap();
    assert_eq!(orders.authorize(&mut request).await.unwrap_err().code(), Code::TargetMismatch);
    assert_eq!((api.seen().len(), evil.seen().len(), org.count("/v1/token")), (0, 0, 0));
    let both = outgoing(&org).target(&api.url).unwrap().origin(&evil.url).unwrap().for_machine(["orders:read"]);
    both.client(reqwest::Client::builder()).unwrap().get(evil.url("/")).send().await.unwrap();
    assert!(evil.seen()[0].authorization.is_some(), "a target may name several origins");
}

#[tokio::test]
async fn a_redirect_drops_the_token() {
    let org = org().await;
    let evil = Api::open().await;
    let to = evil.url("/stolen");
    let api = Api::start(move |_| (StatusCode::TEMPORARY_REDIRECT, [("location", to.clone())]).into_response()).await;
    let orders = for_machine(&org, &api);
    // Its own client follows no redirect, whatever the application's settings are.
    let client = orders.client(reqwest::Client::builder().redirect(Policy::limited(5))).unwrap();
    let response = client.get(api.url("/")).send().await.unwrap();
    assert_eq!((response.status(), evil.seen().len()), (StatusCode::TEMPORARY_REDIRECT, 0));
    // A client of the application that follows redirects sends no token to the next host.
    let follows = orders.with_client(reqwest::Client::new());
    let response = follows.get(api.url("/")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let [stolen] = &evil.seen()[..] else { panic!("the redirect was not followed") };
    assert_eq!(stolen.authorization, None);
}

/// The foreign host would cause renewals at will.
#[tokio::test]
async fn a_rejection_by_another_host_renews_no_token() {
    let org = org().await;
    let evil = Api::start(|_| invalid_token()).await;
    let to = evil.url("/");
    let api = Api::start(move |_| (StatusCode::TEMPORARY_REDIRECT, [("location", to.clone())]).into_response()).await;
    let orders = for_machine(&org, &api);
    let follows = reqwest_middleware::ClientBuilder::new(reqwest::Client::new()).with(orders).build();
    follows.get(api.url("/")).send().await.unwrap();
    org.clock().advance(Duration::from_secs(60));
    follows.get(api.url("/")).send().await.unwrap();
    assert_eq!((api.seen().len(), org.count("/v1/token")), (2, 1));
}

/// An API that rejects the first token that it sees, as if it had been revoked.
async fn forgetful() -> Api {
    let first: Mutex<Option<String>> = Mutex::default();
    Api::start(move |seen| {
        let authorization = seen.authorization.clone().unwrap();
        let is_first = *first.lock().unwrap().get_or_insert_with(|| authorization.clone()) == authorization;
        if is_first && seen.path != "/before" { invalid_token() } else { StatusCode::OK.into_response() }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_that_dies_during_calls_is_renewed_once() {
    let (org, api) = (org().await, forgetful().await);
    let client = for_machine(&org, &api).client(reqwest::Client::builder()).unwrap();
    client.get(api.url("/before")).send().await.unwrap();
    org.clock().advance(Duration::from_secs(60));
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let request = client.post(api.url("/orders")).body("order 7");
            tokio::spawn(async move { request.send().await.unwrap().status() })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(org.count("/v1/token"), 2, "one renewal for all calls");
    let seen = api.seen();
    assert!(seen.len() <= 1 + 2 * 50, "{} requests: each is repeated at most once", seen.len());
    assert!(seen[1..].iter().all(|seen| seen.method == Method::POST && seen.body == "order 7"), "{seen:?}");
}

#[tokio::test]
async fn an_api_that_rejects_every_token_causes_no_loop() {
    let (org, api) = (org().await, Api::start(|_| invalid_token()).await);
    let client = for_machine(&org, &api).client(reqwest::Client::builder()).unwrap();
    let status = || async { client.get(api.url("/")).send().await.unwrap().status() };
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
    assert_eq!((api.seen().len(), org.count("/v1/token")), (1, 1), "a new token would be rejected too");
    org.clock().advance(Duration::from_secs(60));
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
    assert_eq!((api.seen().len(), org.count("/v1/token")), (3, 2), "one renewal, one repetition");
    for _ in 0..10 {
        assert_eq!(status().await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!((api.seen().len(), org.count("/v1/token")), (13, 2));
}

#[tokio::test]
async fn only_an_invalid_token_is_renewed() {
    for (status, challenge) in [
        (401, r#"Bearer error="insufficient_user_authentication", max_age="0""#),
        (401, "Bearer"),
        (401, r#"Basic realm="x""#),
        (403, r#"Bearer error="invalid_token""#),
        (403, r#"Bearer error="insufficient_scope""#),
    ] {
        let org = org().await;
        let answer =
            move |_: &Seen| (StatusCode::from_u16(status).unwrap(), [("www-authenticate", challenge)]).into_response();
        let api = Api::start(answer).await;
        let client = for_machine(&org, &api).client(reqwest::Client::builder()).unwrap();
        client.get(api.url("/")).send().await.unwrap();
        org.clock().advance(Duration::from_secs(60));
        assert_eq!(client.get(api.url("/")).send().await.unwrap().status().as_u16(), status);
        assert_eq!((api.seen().len(), org.count("/v1/token")), (2, 1), "{status} {challenge}");
    }
}

#[tokio::test]
async fn a_renewal_that_fails_returns_the_apis_answer() {
    let (org, api) = (org().await, forgetful().await);
    let client = for_machine(&org, &api).client(reqwest::Client::builder()).unwrap();
    client.get(api.url("/before")).send().await.unwrap();
    org.clock().advance(Duration::from_secs(60));
    org.outage(Endpoint::Token, Outage::Status(503));
    assert_eq!(client.get(api.url("/")).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(api.seen().len(), 2);
    // The token may still be good elsewhere.
    assert_eq!(client.get(api.url("/before")).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_caller_without_the_client_can_renew_and_repeat() {
    let (org, api) = (org().await, forgetful().await);
    let orders = for_machine(&org, &api);
    let send = |token: String| {
        let request = reqwest::Client::new().get(api.url("/orders")).bearer_auth(token);
        async move { request.send().await.unwrap() }
    };
    let request = || Request::get(api.url("/orders")).body(()).unwrap();
    let first = orders.authorize(&mut request()).await.unwrap();
    org.clock().advance(Duration::from_secs(60));
    let response = send(first.expose().to_owned()).await;
    assert!(orders.renew_after(&first, response.status(), response.headers()).await.unwrap());
    let second = orders.authorize(&mut request()).await.unwrap();
    let response = send(second.expose().to_owned()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!orders.renew_after(&second, response.status(), response.headers()).await.unwrap());
}

#[tokio::test]
async fn a_web_app_calls_an_api_for_its_user() {
    let api = Api::open().await;
    let (url, org) = (api.url.clone(), Org::start().await.unwrap());
    let clock = org.clock();
    // The service needs only the origin; the user has the token.
    let config = ConfigBuilder::from_variables(org.env());
    let target = OutgoingBuilder::from(config).clock(move || clock.now()).build().unwrap().target(&url).unwrap();
    let handler = move |user: User| async move {
        let client = target.for_user(&user).client(reqwest::Client::builder())?;
        let sent = client.get(format!("{url}/orders")).send().await.unwrap().status();
        Ok::<_, HandlerError>(format!("{sent} {}", user.access_token().await?.expose()))
    };
    let app = AppBuilder::default().org(org).routes(Router::new().route("/call", get(handler))).start().await;
    let mut browser = crate::support::Browser::new(&app.base);
    browser.sign_in(&app.org, ADA, "/call").await;
    let answer = browser.navigate("/call").await;
    let token = answer.body.strip_prefix("200 OK ").unwrap_or_else(|| panic!("{}", answer.body)).to_owned();
    assert_eq!(api.seen()[0].authorization, Some(format!("Bearer {token}")));
}

#[tokio::test]
async fn an_api_calls_the_next_one_on_behalf_of_its_user() {
    let billing =
        AuthorizationServer::custom("billing", "api://billing").scope("invoices:read").trusted_server("default");
    let org = Org::builder()
        .client(Client::service(JOB, SECRET).grant_type(GrantType::TokenExchange))
        .authorization_server(billing)
        .start()
        .await
        .unwrap();
    let next = Api::open().await;
    let config = ConfigBuilder::default().issuer(org.issuer()).client_id(JOB).client_secret(SECRET).api_only();
    let clock = org.clock();
    let auth = OktaAuthBuilder::from(config).clock(move || clock.now()).build().unwrap();
    let target = auth.outgoing().target(&next.url).unwrap();
    let request = TokenRequest::new(["invoices:read"]).audience("api://billing").issuer(org.custom_issuer("billing"));
    let (url, http) = (next.url("/invoices"), reqwest::Client::new());
    let handler = move |token: AccessToken| async move {
        let client = target.on_behalf_of(&token, &request).with_client(http);
        Ok::<_, HandlerError>(client.get(url).send().await.unwrap().status().to_string())
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/invoices", get(handler)).okta_auth(&auth);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let sent = org.token().access_token(ADA, ["openid"]).sign();
    for _ in 0..3 {
        let answer = reqwest::Client::new().get(format!("{base}/invoices")).bearer_auth(&sent).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "200 OK");
    }
    assert_eq!((next.seen().len(), org.count("/v1/token")), (3, 1));
    let received = next.seen()[0].authorization.clone().unwrap();
    assert!(received.starts_with("Bearer ") && !received.contains(&sent), "the caller's own token was forwarded");
}
