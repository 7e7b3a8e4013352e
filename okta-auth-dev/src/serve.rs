//! The listener: one runtime of its own, any number of orgs.
//!
//! A request passes through here on its way to an endpoint: the peer and the `Host`
//! header are checked, the body is read, the journal gets its entry, the endpoint
//! answers, and the answer is held back if a fault says so.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use axum::{Router, http};
use tokio::runtime::Runtime;

use crate::access::{Access, host_name};
use crate::control;
use crate::cors;
use crate::encryption::Encryption;
use crate::endpoint;
use crate::error::Error;
use crate::journal::{Observer, Recorded};
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
pub(crate) type Tenants = Mutex<Vec<Arc<Tenant>>>;

/// What a listener serves, and to whom.
#[derive(Debug)]
pub(crate) struct Site {
    /// The orgs, which may become more.
    pub(crate) tenants: Tenants,
    /// The names and peers that are answered.
    pub(crate) access: Access,
    /// What hears of every answered request.
    pub(crate) observer: Option<Observer>,
    /// What connections are encrypted with; nothing on plain HTTP.
    pub(crate) encryption: Encryption,
}

/// A listener and the orgs behind it.
///
/// The server runs on threads of its own, so it goes on while a test blocks, and it
/// outlives the runtime of the test that started it.
#[derive(Debug)]
pub(crate) struct Host {
    /// What is listened on, with the real port.
    pub(crate) address: SocketAddr,
    /// What is served.
    site: Arc<Site>,
    /// Nothing while the server is stopped.
    runtime: Mutex<Option<Runtime>>,
}

impl Host {
    /// Binds the address.
    pub(crate) fn bind(ip: IpAddr, port: u16) -> Result<TcpListener, Error> {
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

    /// Serves the orgs of a site, the first one at the bare address.
    pub(crate) fn start(listener: TcpListener, site: Site) -> Result<Self, Error> {
        let address =
            listener.local_addr().map_err(|error| Error::bind("the listener has no address").because(error))?;
        let site = Arc::new(site);
        let runtime = serve(listener, Arc::clone(&site))?;
        Ok(Self { address, site, runtime: Mutex::new(Some(runtime)) })
    }

    /// The orgs as of now.
    pub(crate) fn tenants(&self) -> Vec<Arc<Tenant>> {
        lock(&self.site.tenants).clone()
    }

    /// The scheme of every URL of the site.
    pub(crate) fn scheme(&self) -> &'static str {
        self.site.encryption.scheme()
    }

    /// The certificate in PEM; none on plain HTTP.
    #[cfg(feature = "cli")]
    pub(crate) fn certificate(&self) -> Option<String> {
        self.site.encryption.certificate().map(str::to_owned)
    }

    /// Serves one more org. Its subdomain must be free.
    pub(crate) fn add(&self, tenant: Tenant) -> Result<Arc<Tenant>, Error> {
        let mut tenants = lock(&self.site.tenants);
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
        *lock(&self.runtime) = Some(serve(listener, Arc::clone(&self.site))?);
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
    // `axum::serve` ends with the runtime, never by itself.
    runtime.spawn(async move { axum::serve(connections, app).await });
    Ok(runtime)
}

/// Answers one request.
///
/// The journal has the request before anything can go wrong with it.
///
/// The test API comes first and is not in the journal. An answer to HEAD never has
/// a body (RFC 9110 §9.3.2).
async fn answer(site: Arc<Site>, ConnectInfo(peer): ConnectInfo<Peer>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let name = host_name(&parts).unwrap_or_default();
    let tenant = site.access.tenant(&lock(&site.tenants), &name).cloned();
    let Some(tenant) = tenant.filter(|_| site.access.admits(peer.address.ip())) else { return misdirected() };
    let recorded = match to_bytes(body, BODY).await {
        Ok(body) => record(&parts, &body),
        Err(_) => return misdirected(),
    };
    let reply = match control::answer(&tenant, &recorded).await {
        Some(reply) => reply,
        None => observed(&site, &tenant, &recorded, &peer, &name).await,
    };
    let mut response = reply.into_response(tenant.clock.seconds(), random::hex());
    if recorded.method == "HEAD" {
        *response.body_mut() = Body::empty();
    }
    response
}

/// Answers an app, and writes down what it was answered.
async fn observed(site: &Site, tenant: &Tenant, request: &Recorded, peer: &Peer, name: &str) -> Reply {
    let entry = tenant.journal.push(request.clone());
    let misnamed = Endpoint::at(&request.path) == Some(Endpoint::Discovery) && site.access.is_misnamed(tenant, name);
    let reply = if misnamed { endpoint::misnamed(tenant, request, name) } else { reply(tenant, request, peer).await };
    let reply = cors::label(tenant, request, reply);
    let answered = Recorded { status: Some(reply.status), refusal: reply.refusal.clone(), ..request.clone() };
    tenant.journal.answered(entry, &answered);
    if let Some(observer) = &site.observer {
        observer.hear(&answered);
    }
    reply
}

/// What an app is answered, with the outage of the endpoint around it.
///
/// A preflight never meets an outage, so that the request after it does. The
/// outages that say *after* let the request take effect first, and only the answer
/// is lost or late: this is how an app loses a refresh token.
async fn reply(tenant: &Tenant, request: &Recorded, peer: &Peer) -> Reply {
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
    let reply =
        if request.method == "OPTIONS" { cors::preflight(tenant, request) } else { endpoint::answer(tenant, request) };
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

/// 421, for a request that is not for any org here (RFC 9110 §15.5.20).
fn misdirected() -> Response {
    let reply = management(421, "E0000008", "No org of this server has that name, or the request came from elsewhere");
    reply.into_response(crate::Clock::default().seconds(), String::new())
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
        ..Recorded::default()
    }
}
