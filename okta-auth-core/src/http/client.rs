//! Requests to Okta.
//!
//! Every request goes through `HttpClient::send`, in this order:
//!
//! 1. the egress policy looks at the URL, which may then be led to a backchannel;
//! 2. the circuit of the origin lets the request in, or refuses at once where it is
//!    hopeless;
//! 3. where a new connection is made, the name is resolved, and the policy looks at
//!    the very addresses that are then used, so that a name cannot point elsewhere
//!    in between (DNS rebinding);
//! 4. the status is looked at, and the body is read up to its bound;
//! 5. the circuit learns how it went.
//!
//! Time-outs, the bound of a body and the number of requests under way limit what a
//! slow or hostile server can cost.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use ::http::{HeaderMap, Request, Response, StatusCode};
use bytes::Bytes;
use reqwest::dns::Resolve;
use reqwest::redirect::Policy;
use serde::de::DeserializeOwned;
use url::Url;

use super::backchannel::Backchannel;
use super::breaker::Outcome;
use super::cached::Fetched;
use super::circuit::{Circuits, Limits};
use super::guard::EgressPolicy;
use super::provider_error::ProviderError;
use super::proxy::HttpProxy;
use super::rate_limit::{retry_after, stated};
use super::resolve::{AddressesRefused, GuardedResolver, SystemNames};
use crate::clock::SharedClock;
use crate::error::{Code, Error, Result};
use crate::events::{Measure, ProviderEndpoint};
use crate::json;
use crate::secret::SecretBytes;

/// The bounds of one request.
#[derive(Clone, Debug)]
pub(crate) struct HttpSettings {
    /// How long a connection may take to be made.
    pub(crate) connect_timeout: Duration,
    /// How long a request may take in all, the body included.
    pub(crate) timeout: Duration,
    /// The largest response that is read, in bytes.
    pub(crate) max_response: usize,
    /// How many requests may be under way to one origin.
    pub(crate) in_flight: usize,
    /// How long one more waits for one of them to end.
    pub(crate) patience: Duration,
}

impl HttpSettings {
    /// Those of a circuit.
    pub(super) fn limits(&self) -> Limits {
        Limits { in_flight: self.in_flight, patience: self.patience }
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(10),
            max_response: 1024 * 1024,
            in_flight: 64,
            patience: Duration::from_secs(2),
        }
    }
}

/// The ways to issuers of the operator. Requests that tenants cause have none of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct OperatorRoutes {
    /// The proxy.
    pub(crate) proxy: Option<HttpProxy>,
    /// The inside address of an issuer on this machine.
    pub(crate) backchannel: Option<Backchannel>,
}

impl OperatorRoutes {
    /// Logs at start that requests do not go directly.
    pub(crate) fn log(&self) {
        if let Some(proxy) = &self.proxy {
            let name = proxy.name();
            tracing::info!(target: "okta_auth", "requests to Okta go through the proxy {name}, but for the hosts of NO_PROXY");
        }
        if self.backchannel.is_some() {
            tracing::info!(target: "okta_auth", "requests to Okta go to OKTA_BACKCHANNEL_URL, which is for development");
        }
    }
}

/// Whether a request may be sent a second time when the first one got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It changes nothing: one more try.
    Safe,
    /// It uses something up, a code or a token: never.
    Never,
}

/// The client. Cheap to clone; clones share connections, the policy and what is known
/// of origins.
#[derive(Clone)]
pub(crate) struct HttpClient {
    client: reqwest::Client,
    policy: Arc<EgressPolicy>,
    circuits: Arc<Circuits>,
    timeout: Duration,
    max_response: usize,
    clock: SharedClock,
    routes: Arc<OperatorRoutes>,
}

impl HttpClient {
    /// A client for issuers that somebody else typed. Its requests go directly, where the
    /// policy lets them: a proxy would look names up itself, where the policy does not
    /// see the addresses.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if the system has no certificates to verify servers
    /// with, or if the policy asks for what cannot be.
    pub(crate) fn new(settings: &HttpSettings, policy: EgressPolicy, clock: SharedClock) -> Result<Self> {
        Self::with_names(settings, (policy, OperatorRoutes::default()), clock, Arc::new(SystemNames))
    }

    /// A client for issuers of the operator, on the ways that the operator has set.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] as for [`new`](Self::new), and if the proxy cannot be
    /// used.
    pub(crate) fn operator(settings: &HttpSettings, routes: OperatorRoutes, clock: SharedClock) -> Result<Self> {
        Self::with_names(settings, (EgressPolicy::operator(), routes), clock, Arc::new(SystemNames))
    }

    /// A client with another source of addresses.
    ///
    /// Redirects are not followed, neither to other hosts nor to the same one.
    pub(super) fn with_names(
        settings: &HttpSettings,
        (policy, routes): (EgressPolicy, OperatorRoutes),
        clock: SharedClock,
        names: Arc<dyn Resolve>,
    ) -> Result<Self> {
        policy.finish()?;
        let policy = Arc::new(policy);
        // Without this the client would read the variables of the process by itself.
        let mut builder = reqwest::Client::builder().no_proxy();
        if let Some(proxy) = &routes.proxy {
            builder = builder.proxy(proxy.to_client()?);
        }
        let client = builder
            .connect_timeout(settings.connect_timeout)
            .dns_resolver(GuardedResolver::new(Arc::clone(&policy), names))
            // A redirect would carry codes and secrets to wherever the answer points.
            .redirect(Policy::none())
            .referer(false)
            .pool_max_idle_per_host(8)
            .user_agent(concat!("okta-auth/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                let message = "the HTTP client cannot be made; are the system's CA certificates installed?";
                Error::new(Code::ConfigInvalid, message).with_cause(error)
            })?;
        let circuits = Arc::new(Circuits::new(settings.limits(), clock.clone()));
        let (timeout, max_response, routes) = (settings.timeout, settings.max_response, Arc::new(routes));
        Ok(Self { client, policy, circuits, timeout, max_response, clock, routes })
    }

    /// A client for another tenant. It shares connections, certificates and the policy
    /// with this one, which cost much more than all the rest, and nothing else: limits,
    /// failures and bounds are its own, but for `connect_timeout`, which belongs to the
    /// connections.
    pub(crate) fn for_tenant(&self, settings: &HttpSettings) -> Self {
        let circuits = Arc::new(Circuits::new(settings.limits(), self.clock.clone()));
        Self { circuits, timeout: settings.timeout, max_response: settings.max_response, ..self.clone() }
    }

    /// Where requests may go.
    pub(crate) fn policy(&self) -> &EgressPolicy {
        &self.policy
    }

    /// Whether requests may go to a URL; see [`EgressPolicy::check_url`].
    ///
    /// # Errors
    /// [`Code::EgressRefused`].
    pub(crate) fn check_url(&self, url: &Url) -> Result<()> {
        if self.is_inside(url) { Ok(()) } else { self.policy.check_url(url) }
    }

    /// Whether a URL is one of the backchannel of an issuer on this machine.
    pub(crate) fn is_inside(&self, url: &Url) -> bool {
        self.routes.backchannel.as_ref().is_some_and(|backchannel| backchannel.is_inside(url))
    }

    /// Sends a request, once or twice. What is safe to repeat is repeated at once if
    /// the connection broke, which is how a pooled connection ends that the other side
    /// has closed. A time-out is not repeated: it has taken its time already.
    ///
    /// An answer comes back whatever its status, but for 3xx, 429 and 5xx, which are
    /// errors.
    ///
    /// # Errors
    /// [`Code::EgressRefused`] if the policy does not let it go there;
    /// [`Code::ProviderUnavailable`] for time-outs, failed connections and 5xx, and at
    /// once where that is to be expected; [`Code::ProviderRateLimited`] for 429;
    /// [`Code::ProviderResponse`] for a redirect or a body that is too large.
    pub(crate) async fn send(
        &self,
        request: Request<impl Into<SecretBytes>>,
        repeat: Repeat,
        endpoint: ProviderEndpoint,
    ) -> Result<Response<SecretBytes>> {
        // Wiped when the last reader of the body is done.
        let request = request.map(|body| Bytes::from_owner(body.into()));
        let mut request = reqwest::Request::try_from(request)
            .map_err(|error| Error::new(Code::Internal, "a request to Okta cannot be built").with_cause(error))?;
        *request.timeout_mut() = Some(self.timeout);
        self.check_url(request.url())?;
        if let Some(backchannel) = &self.routes.backchannel {
            backchannel.redirect(&mut request);
        }
        let pass = self.circuits.enter(request.url()).await?;
        let result = self.send_twice(request, repeat, endpoint).await;
        pass.done(outcome(&result));
        result
    }

    /// One request, or a second one.
    async fn send_twice(
        &self,
        request: reqwest::Request,
        repeat: Repeat,
        endpoint: ProviderEndpoint,
    ) -> Result<Response<SecretBytes>> {
        let again = if repeat == Repeat::Safe { request.try_clone() } else { None };
        match (self.send_measured(request, endpoint).await, again) {
            (Err(error), Some(request)) if error.code() == Code::ProviderUnavailable && !is_timeout(&error) => {
                self.send_measured(request, endpoint).await
            }
            (result, _) => result,
        }
    }

    /// One try, and how long it took.
    async fn send_measured(
        &self,
        request: reqwest::Request,
        endpoint: ProviderEndpoint,
    ) -> Result<Response<SecretBytes>> {
        let measure = Measure::request(endpoint);
        let result = self.send_once(request).await;
        measure.end(result.as_ref().err().map_or("ok", |error| error.code().as_str()));
        result
    }

    /// One request, one answer, both bounded.
    async fn send_once(&self, request: reqwest::Request) -> Result<Response<SecretBytes>> {
        let response = self.client.execute(request).await.map_err(|error| self.unreachable(error))?;
        self.check_status(&response)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut whole = Response::new(self.read_body(response).await?);
        *whole.status_mut() = status;
        *whole.headers_mut() = headers;
        Ok(whole)
    }

    /// The statuses that mean the same at every endpoint.
    ///
    /// 4xx passes, but for 429: what it means is up to the endpoint. The wait after
    /// a 429 is in the error, for those who ask next.
    fn check_status(&self, response: &reqwest::Response) -> Result<()> {
        let status = response.status();
        if status.is_redirection() {
            let message =
                format!("Okta answered {} where no redirect is expected; it is not followed", status.as_u16());
            return Err(Error::new(Code::ProviderResponse, message));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            let wait = retry_after(response.headers(), self.clock.now());
            let message = format!("Okta limits the rate (429); worth another try in {} s", wait.as_secs());
            return Err(Error::new(Code::ProviderRateLimited, message).with_retry_after(wait));
        }
        if status.is_server_error() {
            let error = Error::new(Code::ProviderUnavailable, format!("Okta answered {}", status.as_u16()));
            let wait = stated(response.headers(), self.clock.now());
            return Err(wait.into_iter().fold(error, Error::with_retry_after));
        }
        Ok(())
    }

    /// Reads up to the limit, whatever length the answer claims: the claim may be
    /// missing or a lie. The answer may hold tokens, so its buffer is wiped.
    async fn read_body(&self, mut response: reqwest::Response) -> Result<SecretBytes> {
        let claimed = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
        let mut body = SecretBytes::with_capacity(claimed.min(self.max_response));
        while let Some(part) = response.chunk().await.map_err(|error| self.unreachable(error))? {
            if body.len().saturating_add(part.len()) > self.max_response {
                return Err(self.too_large());
            }
            body.append(&part);
        }
        Ok(body)
    }

    /// The error for a body over the limit.
    fn too_large(&self) -> Error {
        Error::new(Code::ProviderResponse, format!("Okta's answer is larger than {} bytes", self.max_response))
    }

    /// The error of a request without an answer. The URL goes out of it: a query may hold
    /// a code.
    fn unreachable(&self, error: reqwest::Error) -> Error {
        if AddressesRefused::caused(&error) {
            let message = "a host has no address that requests may go to: none of them is public; if the org is \
                           reached in a network of your own, use `EgressPolicy::dangerous` and \
                           `allow_private_addresses`";
            return Error::new(Code::EgressRefused, message).with_cause(error.without_url());
        }
        let message = match &self.routes.proxy {
            _ if error.is_timeout() => "Okta did not answer in time".to_owned(),
            Some(proxy) if error.is_connect() => format!(
                "no connection to Okta can be made; check OKTA_ISSUER_URI, the proxy {} (OKTA_HTTP_PROXY, HTTPS_PROXY, \
                 NO_PROXY), the network and the certificates",
                proxy.name()
            ),
            None if error.is_connect() => "no connection to Okta can be made; check OKTA_ISSUER_URI, the network (and \
                                           HTTPS_PROXY where there is a proxy) and the certificates"
                .to_owned(),
            _ => "the connection to Okta broke".to_owned(),
        };
        Error::new(Code::ProviderUnavailable, message).with_cause(error.without_url())
    }

    /// Fetches a JSON document.
    ///
    /// # Errors
    /// As [`send`](Self::send); and [`Code::ProviderResponse`] if the answer is not 200
    /// with JSON of type `T`.
    pub(crate) async fn json<T: DeserializeOwned>(&self, url: &Url, endpoint: ProviderEndpoint) -> Result<Fetched<T>> {
        let request = Request::get(url.as_str())
            .header(::http::header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|error| Error::new(Code::Internal, "a request to Okta cannot be built").with_cause(error))?;
        let response = self.send(request, Repeat::Safe, endpoint).await?;
        let place = url.path();
        if response.status() != StatusCode::OK {
            let message = format!("Okta answered {} at `{place}`; check OKTA_ISSUER_URI", response.status().as_u16());
            return Err(ProviderError::read(response.body()).explain(Error::new(Code::ProviderResponse, message)));
        }
        if !is_json(response.headers()) {
            return Err(Error::new(Code::ProviderResponse, format!("the answer at `{place}` is not JSON")));
        }
        let value = json::document(response.body()).map_err(|error| {
            Error::new(Code::ProviderResponse, format!("the answer at `{place}` cannot be used: {error}"))
        })?;
        Ok(Fetched { value, max_age: max_age(response.headers()) })
    }
}

/// `application/json` or `application/*+json`, with or without parameters.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// `max-age` of `Cache-Control` (RFC 9111 §5.2.2.1).
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(',')).map(str::trim);
    let seconds = directives.find_map(|directive| directive.strip_prefix("max-age="))?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// What a result tells about the endpoint. Anything that it answers, but for 5xx, shows
/// that it lives.
fn outcome(result: &Result<Response<SecretBytes>>) -> Outcome {
    let Err(error) = result else { return Outcome::Answered };
    match error.code() {
        Code::ProviderUnavailable if is_timeout(error) => Outcome::TimedOut,
        Code::ProviderUnavailable => Outcome::Failed,
        Code::ProviderRateLimited => Outcome::Limited(error.retry_after().unwrap_or_default()),
        Code::ProviderResponse => Outcome::Answered,
        _ => Outcome::Unknown,
    }
}

/// A request that timed out has taken its time already; a second one would double it.
fn is_timeout(error: &Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<reqwest::Error>());
    cause.is_some_and(reqwest::Error::is_timeout)
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn json_by_its_media_type() {
        for fine in ["application/json", "Application/JSON; charset=utf-8", "application/jwk-set+json"] {
            assert!(is_json(&headers("content-type", fine)), "{fine}");
        }
        for other in ["text/html", "application/jsonp", "text/json+json", ""] {
            assert!(!is_json(&headers("content-type", other)), "{other}");
        }
    }

    #[test]
    fn max_age_is_read_and_junk_ignored() {
        assert_eq!(max_age(&headers("cache-control", "max-age=7, must-revalidate")), Some(Duration::from_secs(7)));
        assert_eq!(max_age(&headers("cache-control", "no-store, max-age=x")), None);
        assert_eq!(max_age(&HeaderMap::new()), None);
    }
}
