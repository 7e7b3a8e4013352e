//! The listener: loopback only, one runtime of its own, any number of orgs.
//!
//! A request passes through here on its way to an endpoint: the peer and the `Host`
//! header are checked, the body is read, the journal gets its entry, the endpoint
//! answers, and the answer is held back if a fault says so.
//!
//! Three things keep others out: the address that is listened on, the address of
//! the peer, and the name in the `Host` header. The last one is for pages in a
//! browser on this machine, whose requests come from loopback too.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use axum::{Router, http};
use tokio::runtime::Runtime;

use crate::control;
use crate::endpoint;
use crate::error::Error;
use crate::journal::Recorded;
use crate::listener::{Connections, Peer};
use crate::oauth_error::management;
use crate::outage::{Endpoint, Outage};
use crate::random;
use crate::rate_limit::Allowance;
use crate::reply::Reply;
use crate::sync::lock;
use crate::tenant::Tenant;

/// The largest body the server reads, in bytes. An `id_token_hint` fits many times.
const BODY: usize = 1 << 20;

/// The orgs behind a listener; the first one answers at the bare address.
pub(crate) type Tenants = Arc<Mutex<Vec<Arc<Tenant>>>>;

/// A listener and the orgs behind it.
///
/// The server runs on threads of its own, so it goes on while a test blocks, and it
/// outlives the runtime of the test that started it.
#[derive(Debug)]
pub(crate) struct Host {
    /// What is listened on, with the real port.
    pub(crate) address: SocketAddr,
    /// The orgs, which may become more.
    tenants: Tenants,
    /// Nothing while the server is stopped.
    runtime: Mutex<Option<Runtime>>,
}

impl Host {
    /// Binds the address. Nothing that is not loopback is bound: the passwords are
    /// known to everybody.
    pub(crate) fn bind(ip: IpAddr, port: u16) -> Result<TcpListener, Error> {
        if !ip.is_loopback() {
            return Err(Error::config(format_args!(
                "`{ip}` is not a loopback address: a development org is for this machine alone; use 127.0.0.1"
            )));
        }
        let listener = TcpListener::bind((ip, port)).map_err(|error| {
            Error::bind(format_args!(
                "cannot listen on {ip}:{port}: stop what is running there, or use port 0 for a free one"
            ))
            .because(error)
        })?;
        let prepared = listener.set_nonblocking(true);
        prepared.map_err(|error| Error::bind("cannot prepare the listener").because(error))?;
        Ok(listener)
    }

    /// Serves an org at the bare address.
    pub(crate) fn start(listener: TcpListener, first: Tenant) -> Result<Self, Error> {
        let address =
            listener.local_addr().map_err(|error| Error::bind("the listener has no address").because(error))?;
        let tenants: Tenants = Arc::new(Mutex::new(vec![Arc::new(first)]));
        let runtime = serve(listener, Arc::clone(&tenants))?;
        Ok(Self { address, tenants, runtime: Mutex::new(Some(runtime)) })
    }

    /// The orgs as of now.
    pub(crate) fn tenants(&self) -> Vec<Arc<Tenant>> {
        lock(&self.tenants).clone()
    }

    /// Serves one more org. Its subdomain must be free.
    pub(crate) fn add(&self, tenant: Tenant) -> Result<Arc<Tenant>, Error> {
        let mut tenants = lock(&self.tenants);
        if tenants.iter().any(|known| known.subdomain == tenant.subdomain) {
            let name = tenant.subdomain.unwrap_or_default();
            return Err(Error::config(format_args!("there is an org `{name}` already: take another subdomain")));
        }
        let tenant = Arc::new(tenant);
        tenants.push(Arc::clone(&tenant));
        Ok(tenant)
    }

    /// Closes the listener and every connection, and waits until that is done.
    ///
    /// At most two seconds, for requests that hang because a test wants them to.
    /// Stopping twice is in order.
    pub(crate) fn stop(&self) {
        let Some(runtime) = lock(&self.runtime).take() else { return };
        // A runtime must not be awaited in an asynchronous context, where this may be called from.
        let stopping = std::thread::spawn(move || runtime.shutdown_timeout(Duration::from_secs(2)));
        // It can only fail by a panic inside the runtime, and then the server is down as well.
        drop(stopping.join());
    }

    /// Serves again, on the same port.
    ///
    /// The orgs keep their sessions, tokens and keys: to an app it looks as if the
    /// network had been down. It fails if somebody took the port meanwhile.
    pub(crate) fn restart(&self) -> Result<(), Error> {
        self.stop();
        let listener = Self::bind(self.address.ip(), self.address.port())?;
        *lock(&self.runtime) = Some(serve(listener, Arc::clone(&self.tenants))?);
        Ok(())
    }
}

impl Drop for Host {
    /// The last handle is gone. Threads end in the background, because waiting is not
    /// allowed everywhere.
    fn drop(&mut self) {
        if let Some(runtime) = lock(&self.runtime).take() {
            runtime.shutdown_background();
        }
    }
}

/// Starts a runtime that serves the orgs. Dropping it closes everything.
fn serve(listener: TcpListener, tenants: Tenants) -> Result<Runtime, Error> {
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
    let app = Router::new().fallback(move |peer, request| answer(Arc::clone(&tenants), peer, request));
    let app = app.into_make_service_with_connect_info::<Peer>();
    // `axum::serve` ends with the runtime, never by itself.
    runtime.spawn(async move { axum::serve(Connections(listener), app).await });
    Ok(runtime)
}

/// Answers one request.
///
/// The journal has the request before anything can go wrong with it.
///
/// The test API comes first and is not in the journal. An answer to HEAD never has
/// a body (RFC 9110 §9.3.2).
async fn answer(tenants: Tenants, ConnectInfo(peer): ConnectInfo<Peer>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let tenant = tenant(&lock(&tenants), &parts).cloned().filter(|_| peer.address.ip().is_loopback());
    let Some(tenant) = tenant else { return misdirected() };
    let recorded = match to_bytes(body, BODY).await {
        Ok(body) => record(&parts, &body),
        Err(_) => return misdirected(),
    };
    let reply = match control::answer(&tenant, &recorded).await {
        Some(reply) => reply,
        None => reply(&tenant, &recorded, &peer).await,
    };
    let mut response = reply.into_response(tenant.clock.seconds(), random::okta_id("", 24));
    if recorded.method == "HEAD" {
        *response.body_mut() = Body::empty();
    }
    response
}

/// What an app is answered, with the outage of the endpoint around it.
///
/// A preflight never meets an outage, so that the request after it does. The
/// outages that say *after* let the request take effect first, and only the answer
/// is lost or late: this is how an app loses a refresh token.
async fn reply(tenant: &Tenant, request: &Recorded, peer: &Peer) -> Reply {
    tenant.journal.push(request.clone());
    let endpoint = Endpoint::at(&request.path).filter(|_| request.method != "OPTIONS");
    let met = endpoint.and_then(|endpoint| Some((endpoint, tenant.outages.meet(endpoint)?)));
    match met {
        Some((_, Outage::Status(status))) => return management(status, "E0000009", "Internal Server Error"),
        Some((_, Outage::RateLimited)) => return Allowance::refused(tenant.clock.seconds()),
        Some((endpoint, Outage::Hang)) => tenant.outages.wait(endpoint).await,
        Some((_, Outage::Drop)) => {
            peer.hang_up();
            return Reply::empty(500);
        }
        _ => {}
    }
    let reply = if request.method == "OPTIONS" { preflight() } else { endpoint::answer(tenant, request) };
    match met {
        Some((endpoint, Outage::HangAfter)) => tenant.outages.wait(endpoint).await,
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

/// The org that the `Host` header names: `acme.localhost` is the org `acme`; a bare
/// loopback name is the first one.
///
/// Any other name is refused. It means that a page somewhere had its name point here
/// (DNS rebinding).
fn tenant<'a>(tenants: &'a [Arc<Tenant>], parts: &http::request::Parts) -> Option<&'a Arc<Tenant>> {
    let host = parts.headers.get(http::header::HOST)?.to_str().ok()?;
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        // `[::1]` without a port has colons too.
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    let name = name.trim_matches(['[', ']']).to_ascii_lowercase();
    if name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()) {
        return tenants.first();
    }
    let subdomain = name.strip_suffix(".localhost")?;
    tenants.iter().find(|tenant| tenant.subdomain.as_deref() == Some(subdomain))
}

/// 421, for a request that is not for any org here (RFC 9110 §15.5.20).
fn misdirected() -> Response {
    let reply = management(421, "E0000008", "No org of this server has that name, or the request came from elsewhere");
    reply.into_response(crate::Clock::default().seconds(), String::new())
}

/// The answer to a CORS preflight.
///
/// Any origin may read what is public; sign-in and sign-out are never requested by
/// script.
fn preflight() -> Reply {
    Reply::empty(204)
        .header("access-control-allow-origin", "*")
        .header("access-control-allow-methods", "GET, POST")
        .header("access-control-allow-headers", "authorization, content-type")
        .header("access-control-max-age", "3600")
}

/// What goes into the journal.
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
    }
}
