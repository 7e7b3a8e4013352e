//! The listener, with its own runtime and any number of orgs.
//!
//! For each request it checks the peer and the `Host` header, reads the body, adds a log entry, calls the endpoint, and
//! delays the response if a fault requires it.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use axum::{Router, http};
use tokio::runtime::Runtime;

use crate::access::{Access, host_name};
#[cfg(feature = "admin-api")]
use crate::admin_api;
use crate::clock::Clock;
use crate::cors;
use crate::encryption::Encryption;
use crate::endpoint;
use crate::error::Error;
use crate::fault::Fault;
use crate::listener::{Connections, Peer};
use crate::oauth_error::management;
use crate::org_state::OrgState;
use crate::outage::{Endpoint, Outage};
use crate::random;
use crate::rate_limit::Allowance;
use crate::reply::Reply;
use crate::request_log::{Observer, Recorded};
use crate::sync::lock;

/// The largest request body in bytes, many times the size of an `id_token_hint`.
const BODY: usize = 1 << 20;

/// The orgs of a listener; the first one has no subdomain.
pub(crate) type Orgs = Mutex<Vec<Arc<OrgState>>>;

#[derive(Debug)]
pub(crate) struct Site {
    /// The orgs; more can be added at runtime.
    pub(crate) orgs: Orgs,
    pub(crate) access: Access,
    pub(crate) observer: Option<Observer>,
    /// The TLS settings; empty for plain HTTP.
    pub(crate) encryption: Encryption,
}

/// A listener and its orgs.
///
/// The server runs on its own threads, so it continues while a test blocks, and it outlives the runtime of the test
/// that started it.
#[derive(Debug)]
pub(crate) struct Host {
    /// The listening address, with the actual port.
    pub(crate) address: SocketAddr,
    site: Arc<Site>,
    /// `None` while the server is stopped.
    runtime: Mutex<Option<Runtime>>,
}

impl Host {
    pub(crate) fn bind(ip: IpAddr, port: u16) -> Result<TcpListener, Error> {
        let listener = TcpListener::bind((ip, port)).map_err(|error| {
            Error::bind(format_args!(
                "cannot listen on {ip}:{port}: stop the process that uses the port, or use port 0 for a free one"
            ))
            .because(error)
        })?;
        let prepared = listener.set_nonblocking(true);
        prepared.map_err(|error| Error::bind("cannot prepare the listener").because(error))?;
        Ok(listener)
    }

    pub(crate) fn start(listener: TcpListener, site: Site) -> Result<Self, Error> {
        let address =
            listener.local_addr().map_err(|error| Error::bind("the listener has no address").because(error))?;
        let site = Arc::new(site);
        let runtime = serve(listener, Arc::clone(&site))?;
        Ok(Self { address, site, runtime: Mutex::new(Some(runtime)) })
    }

    pub(crate) fn orgs(&self) -> Vec<Arc<OrgState>> {
        lock(&self.site.orgs).clone()
    }

    pub(crate) fn scheme(&self) -> &'static str {
        self.site.encryption.scheme()
    }

    /// The certificate in PEM; `None` on plain HTTP.
    #[cfg(feature = "cli")]
    pub(crate) fn certificate(&self) -> Option<String> {
        self.site.encryption.certificate().map(str::to_owned)
    }

    /// Adds an org. Its subdomain must be unused.
    pub(crate) fn add(&self, org: OrgState) -> Result<Arc<OrgState>, Error> {
        let mut orgs = lock(&self.site.orgs);
        if orgs.iter().any(|known| known.subdomain == org.subdomain) {
            let name = org.subdomain.unwrap_or_default();
            return Err(Error::config(format_args!("an org `{name}` already exists: use another subdomain")));
        }
        let org = Arc::new(org);
        orgs.push(Arc::clone(&org));
        Ok(org)
    }

    /// Closes the listener and all connections, and waits until they are closed.
    ///
    /// Waits at most two seconds, because requests may hang on purpose. Stopping a stopped server is a no-op.
    pub(crate) fn stop(&self) {
        let Some(runtime) = lock(&self.runtime).take() else { return };
        // A runtime must not be shut down in an asynchronous context, which may be the
        // caller's.
        let stopping = std::thread::spawn(move || runtime.shutdown_timeout(Duration::from_secs(2)));
        // Joining fails only after a panic inside the runtime, and then the server is
        // down as well.
        drop(stopping.join());
    }

    /// Serves again on the same port.
    ///
    /// The orgs keep their sessions, tokens and keys, so an app sees a network outage. Fails if another process took
    /// the port meanwhile.
    pub(crate) fn restart(&self) -> Result<(), Error> {
        self.stop();
        let listener = Self::bind(self.address.ip(), self.address.port())?;
        *lock(&self.runtime) = Some(serve(listener, Arc::clone(&self.site))?);
        Ok(())
    }
}

impl Drop for Host {
    /// The last handle was dropped. The threads end in the background, because the caller may be in an asynchronous
    /// context.
    fn drop(&mut self) {
        if let Some(runtime) = lock(&self.runtime).take() {
            runtime.shutdown_background();
        }
    }
}

/// Starts a runtime that serves the orgs. Dropping the runtime closes all connections.
fn serve(listener: TcpListener, site: Arc<Site>) -> Result<Runtime, Error> {
    let failed = |error| Error::bind("cannot start the server's threads").because(error);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("okta-dev")
        .enable_all()
        .build()
        .map_err(failed)?;
    let listener = {
        let _context = runtime.enter();
        tokio::net::TcpListener::from_std(listener).map_err(failed)?
    };
    let connections = Connections::new(listener, &site.encryption);
    let app = Router::new().fallback(move |peer, request| answer(Arc::clone(&site), peer, request));
    let app = app.into_make_service_with_connect_info::<Peer>();
    // `axum::serve` runs until the runtime ends.
    runtime.spawn(async move { axum::serve(connections, app).await });
    Ok(runtime)
}

/// Handles a request.
///
/// The request log records the request before it is processed. Requests to the test API are handled first and are not
/// recorded. The response to HEAD never has a body (RFC 9110 §9.3.2).
async fn answer(site: Arc<Site>, ConnectInfo(peer): ConnectInfo<Peer>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let name = host_name(&parts).unwrap_or_default();
    let org = site.access.org(&lock(&site.orgs), &name).cloned();
    let Some(org) = org.filter(|_| site.access.admits(peer.address.ip())) else { return misdirected() };
    let recorded = match to_bytes(body, BODY).await {
        Ok(body) => record(&parts, &body),
        Err(_) => return misdirected(),
    };
    let reply = match administered(&org, &as_get(&recorded)).await {
        Some(reply) => reply,
        None => observed(&site, &org, &recorded, &peer, &name).await,
    };
    let mut response = reply.into_response(org.clock.seconds(), random::hex());
    if recorded.method == "HEAD" {
        *response.body_mut() = Body::empty();
    }
    response
}

/// The response of the test API or the administrator's page; `None` for any other path.
#[cfg(feature = "admin-api")]
async fn administered(org: &Arc<OrgState>, request: &Recorded) -> Option<Reply> {
    admin_api::answer(org, request).await
}

#[cfg(not(feature = "admin-api"))]
#[allow(clippy::unused_async, reason = "with the feature `admin-api` it awaits")]
async fn administered(_: &Arc<OrgState>, _: &Recorded) -> Option<Reply> {
    None
}

async fn observed(site: &Site, org: &OrgState, request: &Recorded, peer: &Peer, name: &str) -> Reply {
    let entry = org.request_log.push(request.clone());
    let misnamed = Endpoint::at(&request.path) == Some(Endpoint::Discovery) && site.access.is_misnamed(org, name);
    let reply = if misnamed { endpoint::misnamed(org, request, name) } else { reply(org, request, peer).await };
    let reply = cors::label(org, request, reply);
    let answered = Recorded { status: Some(reply.status), refusal: reply.refusal.clone(), ..request.clone() };
    org.request_log.answered(entry, &answered);
    if let Some(observer) = &site.observer {
        observer.hear(&answered);
    }
    reply
}

/// Handles a request of an app with the active outage of its endpoint.
///
/// An outage ignores preflights, so that it affects the following request. With the *after* outages the request takes
/// effect, and only the response is lost or late; an app loses a refresh token in this way.
async fn reply(org: &OrgState, request: &Recorded, peer: &Peer) -> Reply {
    let endpoint = Endpoint::at(&request.path).filter(|_| request.method != "OPTIONS");
    let met = endpoint.and_then(|endpoint| Some((endpoint, org.outages.meet(endpoint)?)));
    match met {
        Some((_, Outage::Status(status))) => return management(status, "E0000009", "Internal Server Error"),
        Some((_, Outage::RateLimited)) => return Allowance::refused(org.clock.seconds()),
        Some((endpoint, Outage::Hang)) => org.outages.wait(endpoint).await,
        Some((_, Outage::Drop)) => {
            peer.hang_up();
            return Reply::empty(500);
        }
        _ => {}
    }
    let reply = if request.method == "OPTIONS" {
        cors::preflight(org, request)
    } else {
        endpoint::refresh_client(org, request).await;
        relabelled(org, endpoint, endpoint::answer(org, &as_get(request)))
    };
    match met {
        Some((endpoint, Outage::HangAfter)) => org.outages.wait(endpoint).await,
        Some((_, Outage::DropAfter)) => peer.hang_up(),
        Some((_, Outage::Delay(delay))) => tokio::time::sleep(delay).await,
        _ => {}
    }
    if let Some(delay) = reply.delay {
        tokio::time::sleep(delay).await;
    }
    if reply.hang {
        std::future::pending::<()>().await;
    }
    reply
}

/// A HEAD request as the GET that it stands for (RFC 9110 §9.3.2).
fn as_get(request: &Recorded) -> Cow<'_, Recorded> {
    if request.method == "HEAD" {
        Cow::Owned(Recorded { method: "GET".to_owned(), ..request.clone() })
    } else {
        Cow::Borrowed(request)
    }
}

/// The reply with the content type of a fault.
fn relabelled(org: &OrgState, endpoint: Option<Endpoint>, reply: Reply) -> Reply {
    let kind = org.faults.find(|fault| match (fault, endpoint) {
        (Fault::ContentType(of, kind), Some(endpoint)) if of == endpoint.as_str() => Some(kind.clone()),
        _ => None,
    });
    match kind {
        Some(kind) if kind.is_empty() => reply.without_header("content-type"),
        Some(kind) => reply.header("content-type", kind),
        None => reply,
    }
}

/// 421 for a request that matches no org (RFC 9110 §15.5.20).
fn misdirected() -> Response {
    let reply =
        management(421, "E0000008", "No org of this server has that name, or the request came from another machine");
    reply.into_response(Clock::default().seconds(), String::new())
}

fn record(parts: &http::request::Parts, body: &[u8]) -> Recorded {
    let headers = parts.headers.iter();
    Recorded {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: String::from_utf8_lossy(body).into_owned(),
        ..Recorded::default()
    }
}
