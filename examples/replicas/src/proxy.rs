//! A proxy in small: each request goes to the next replica, or to the other one if nobody is there.
//! Not for the open network: it reads bodies whole, and knows neither TLS nor limits of time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::redirect::Policy;
use tokio::net::TcpListener;

/// The longest body of a request, in bytes.
const LIMIT: usize = 1 << 20;

/// Headers of one connection, which no proxy passes on (RFC 9110 §7.6.1).
const OF_CONNECTION: [HeaderName; 4] = [header::CONNECTION, header::TRANSFER_ENCODING, header::TE, header::UPGRADE];

/// What says which replica answered: 1 for the first.
const REPLICA: HeaderName = HeaderName::from_static("x-replica");

/// The replicas, and whose turn it is.
struct Replicas {
    http: reqwest::Client,
    ports: Vec<u16>,
    turn: AtomicUsize,
}

/// Serves until it fails.
pub(crate) async fn serve(listener: TcpListener, ports: Vec<u16>) -> crate::Outcome<()> {
    // Without connections that are kept, each request learns at once whether its replica is there.
    let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().pool_max_idle_per_host(0).build()?;
    let replicas = Arc::new(Replicas { http, ports, turn: AtomicUsize::new(0) });
    Ok(axum::serve(listener, Router::new().fallback(pass_on).with_state(replicas)).await?)
}

/// Passes a request on to the next replica that takes it.
async fn pass_on(State(replicas): State<Arc<Replicas>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LIMIT).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    OF_CONNECTION.iter().chain([&header::CONTENT_LENGTH]).for_each(|name| drop(parts.headers.remove(name)));
    let (turn, number) = (replicas.turn.fetch_add(1, Ordering::Relaxed), replicas.ports.len());
    for index in (0..number).map(|next| (turn + next) % number) {
        match replicas.ask(index, &parts, body.clone()).await {
            Ok(answer) => return answer,
            // Nothing has been sent, or it would change nothing, so the other one may be asked (RFC 9110 §9.2.2).
            Err(error) if error.is_connect() || parts.method.is_safe() => {}
            // It may have been carried out, so it is not repeated.
            Err(_) => return (StatusCode::BAD_GATEWAY, "the replica ended in the middle of it\n").into_response(),
        }
    }
    (StatusCode::BAD_GATEWAY, "no replica is there\n").into_response()
}

impl Replicas {
    /// Asks one replica.
    async fn ask(&self, index: usize, parts: &Parts, body: Bytes) -> Result<Response, reqwest::Error> {
        let port = self.ports.get(index).copied().unwrap_or_default();
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let request = self.http.request(parts.method.clone(), format!("http://127.0.0.1:{port}{target}"));
        let answer = request.headers(parts.headers.clone()).body(body).send().await?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        OF_CONNECTION.iter().for_each(|name| drop(headers.remove(name)));
        headers.insert(REPLICA, HeaderValue::from(index + 1));
        let mut response = Response::new(Body::from(answer.bytes().await?));
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        Ok(response)
    }
}
