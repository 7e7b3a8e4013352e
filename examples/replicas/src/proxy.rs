//! A minimal proxy. Each request goes to the next replica, or to the other one if the
//! first is down. It is not for production: it buffers whole bodies and has no TLS and no
//! timeouts.

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

/// In bytes.
const LIMIT: usize = 1 << 20;

/// Hop-by-hop headers, which a proxy must not forward (RFC 9110 §7.6.1).
const OF_CONNECTION: [HeaderName; 4] = [header::CONNECTION, header::TRANSFER_ENCODING, header::TE, header::UPGRADE];

/// The header that names the replica: 1 for the first.
const REPLICA: HeaderName = HeaderName::from_static("x-replica");

/// The replicas, and a counter for the round robin.
struct Replicas {
    http: reqwest::Client,
    ports: Vec<u16>,
    turn: AtomicUsize,
}

/// Serves until an error occurs.
pub(crate) async fn serve(listener: TcpListener, ports: Vec<u16>) -> crate::Outcome<()> {
    // Without pooled connections, each request detects at once whether its replica is up.
    let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().pool_max_idle_per_host(0).build()?;
    let replicas = Arc::new(Replicas { http, ports, turn: AtomicUsize::new(0) });
    Ok(axum::serve(listener, Router::new().fallback(pass_on).with_state(replicas)).await?)
}

/// Forwards a request to the next replica that accepts it.
async fn pass_on(State(replicas): State<Arc<Replicas>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LIMIT).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    OF_CONNECTION.iter().chain([&header::CONTENT_LENGTH]).for_each(|name| drop(parts.headers.remove(name)));
    let (turn, number) = (replicas.turn.fetch_add(1, Ordering::Relaxed), replicas.ports.len());
    for index in (0..number).map(|next| (turn + next) % number) {
        match replicas.ask(index, &parts, body.clone()).await {
            Ok(answer) => return answer,
            // Nothing was sent, or the method is safe, so the other replica may be tried (RFC 9110 §9.2.2).
            Err(error) if error.is_connect() || parts.method.is_safe() => {}
            // The request may have been processed, so it is not retried.
            Err(_) => return (StatusCode::BAD_GATEWAY, "the replica stopped during the request\n").into_response(),
        }
    }
    (StatusCode::BAD_GATEWAY, "no replica is available\n").into_response()
}

impl Replicas {
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
