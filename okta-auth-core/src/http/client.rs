//! The HTTP client for Okta.
//!
//! Every request goes through `HttpClient::send`, in this order:
//!
//! 1. The egress policy checks the URL, which may then be rewritten to a backchannel.
//! 2. The circuit of the origin admits the request, or rejects it at once if it cannot succeed.
//! 3. If a new connection is needed, the name is resolved. The policy checks the exact addresses that the connection
//!    then uses, so that the name cannot point elsewhere in between (DNS rebinding).
//! 4. The status is checked, and the body is read up to its limit.
//! 5. The outcome is recorded in the circuit.
//!
//! The timeouts, the body limit and the limit on concurrent requests bound the cost of a slow or hostile server.

use std::sync::Arc;
use std::time::Duration;

use ::http::header::CACHE_CONTROL;
use ::http::{HeaderMap, Request, Response, StatusCode};
use bytes::Bytes;
use reqwest::dns::Resolve;
use reqwest::redirect::Policy;
use serde::de::DeserializeOwned;
use url::Url;

use super::availability::{Circuits, Outcome};
use super::backchannel::Backchannel;
use super::content_type::check_json;
use super::document_cache::Fetched;
use super::guard::EgressPolicy;
use super::provider_error::ProviderError;
use super::proxy::HttpProxy;
use super::rate_limit::{retry_after, seconds, stated};
use super::resolve::{AddressesRefused, GuardedResolver, SystemNames};
use super::settings::HttpSettings;
use crate::clock::SharedClock;
use crate::error::{Code, Error, Result, escaped};
use crate::events::{Measure, ProviderEndpoint};
use crate::json;
use crate::secret::SecretBytes;

/// The proxy and the backchannel for issuers of the operator. Requests that tenants cause use neither.
#[derive(Clone, Debug, Default)]
pub(crate) struct OperatorRoutes {
    pub(crate) proxy: Option<HttpProxy>,
    /// The internal address of an issuer on this machine.
    pub(crate) backchannel: Option<Backchannel>,
}

impl OperatorRoutes {
    /// Logs at startup that requests do not go directly.
    pub(crate) fn log(&self) {
        if let Some(proxy) = &self.proxy {
            let name = proxy.name();
            tracing::info!(target: "okta_auth", "requests to Okta go through the proxy {name}, except to the hosts in NO_PROXY");
        }
        if self.backchannel.is_some() {
            tracing::info!(target: "okta_auth", "requests to Okta go to OKTA_BACKCHANNEL_URL, a setting for development only");
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// The request is idempotent: it is retried once.
    Idempotent,
    /// The request consumes a code or a token: it is never retried.
    NotIdempotent,
}

/// The client. Clones are cheap and share connections, the policy and the state of each origin.
#[derive(Clone)]
pub(crate) struct HttpClient(Arc<Inner>);

struct Inner {
    client: reqwest::Client,
    policy: Arc<EgressPolicy>,
    circuits: Circuits,
    timeout: Duration,
    max_response: usize,
    clock: SharedClock,
    routes: Arc<OperatorRoutes>,
}

impl HttpClient {
    /// Creates a client for issuers that tenants configure. Its requests go directly, subject to the policy. A proxy
    /// would resolve names itself, and the policy could not check the addresses.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if the system has no CA certificates, or if the policy contains an invalid domain.
    pub(crate) fn new(settings: &HttpSettings, policy: EgressPolicy, clock: SharedClock) -> Result<Self> {
        Self::with_names(settings, (policy, OperatorRoutes::default()), clock, Arc::new(SystemNames))
    }

    /// Creates a client for issuers of the operator, with the operator's proxy and backchannel.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] as for [`new`](Self::new), and if the proxy cannot be used.
    pub(crate) fn operator(settings: &HttpSettings, routes: OperatorRoutes, clock: SharedClock) -> Result<Self> {
        Self::with_names(settings, (EgressPolicy::operator(), routes), clock, Arc::new(SystemNames))
    }

    pub(super) fn with_names(
        settings: &HttpSettings,
        (policy, routes): (EgressPolicy, OperatorRoutes),
        clock: SharedClock,
        names: Arc<dyn Resolve>,
    ) -> Result<Self> {
        policy.finish()?;
        let policy = Arc::new(policy);
        // Without this the client would read the proxy variables of the process itself.
        let mut builder = reqwest::Client::builder().no_proxy();
        if let Some(proxy) = &routes.proxy {
            builder = builder.proxy(proxy.to_client()?);
        }
        let client = builder
            .connect_timeout(settings.connect_timeout)
            .dns_resolver(GuardedResolver::new(Arc::clone(&policy), names))
            // A redirect would carry codes and secrets to a host that the response chooses.
            .redirect(Policy::none())
            .referer(false)
            .pool_max_idle_per_host(8)
            .user_agent(concat!("okta-auth/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                let message =
                    "the HTTP client cannot be created; check that the system's CA certificates are installed";
                Error::new(Code::ConfigInvalid, message).with_cause(error)
            })?;
        let circuits = Circuits::new(settings.limits(), clock.clone());
        let (timeout, max_response, routes) = (settings.timeout, settings.max_response, Arc::new(routes));
        Ok(Self(Arc::new(Inner { client, policy, circuits, timeout, max_response, clock, routes })))
    }

    /// Creates a client with its own limits, for another tenant for example. It shares connections, certificates and
    /// the policy with this client, because they are expensive. Limits, timeouts and the record of failures are its
    /// own, except `connect_timeout`, which belongs to the shared connections.
    pub(crate) fn with_settings(&self, settings: &HttpSettings) -> Self {
        let Inner { client, policy, clock, routes, .. } = &*self.0;
        Self(Arc::new(Inner {
            client: client.clone(),
            policy: Arc::clone(policy),
            circuits: Circuits::new(settings.limits(), clock.clone()),
            timeout: settings.timeout,
            max_response: settings.max_response,
            clock: clock.clone(),
            routes: Arc::clone(routes),
        }))
    }

    pub(crate) fn policy(&self) -> &EgressPolicy {
        &self.0.policy
    }

    /// Whether the policy allows requests to a URL; see [`EgressPolicy::check_url`].
    pub(crate) fn check_url(&self, url: &Url) -> Result<()> {
        if self.is_inside(url) { Ok(()) } else { self.0.policy.check_url(url) }
    }

    /// Whether a URL points to the backchannel of an issuer on this machine.
    pub(crate) fn is_inside(&self, url: &Url) -> bool {
        self.0.routes.backchannel.as_ref().is_some_and(|backchannel| backchannel.is_inside(url))
    }

    /// Sends a request, and retries it at most once. An idempotent request is retried at once if the connection broke,
    /// which happens when the server has closed a pooled connection. A request that timed out is not retried, because
    /// it has already used its time.
    ///
    /// Responses with any status are returned, except 3xx, 429 and 5xx, which are errors.
    ///
    /// # Errors
    /// [`Code::EgressRefused`] if the policy does not allow the URL; [`Code::ProviderUnavailable`] for timeouts, failed
    /// connections and 5xx, and immediately while requests to the endpoint are paused; [`Code::ProviderRateLimited`]
    /// for 429; [`Code::ProviderResponse`] for a redirect or a body that is too large.
    pub(crate) async fn send(
        &self,
        request: Request<impl Into<SecretBytes>>,
        repeat: Idempotency,
        endpoint: ProviderEndpoint,
    ) -> Result<Response<SecretBytes>> {
        let request = self.prepare(request)?;
        let path = request.url().path().to_owned();
        let permit = self.0.circuits.enter(request.url()).await.map_err(|error| named(error, &path))?;
        let result = self.send_twice(request, repeat, endpoint).await.map_err(|error| named(error, &path));
        permit.done(outcome(result.as_ref().err()));
        result
    }

    /// Sends a request once, and calls `observe` with the headers of its response, also if the status makes it an
    /// error: a 429 may have a nonce.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub(crate) async fn send_observed(
        &self,
        request: Request<SecretBytes>,
        endpoint: ProviderEndpoint,
        observe: impl FnOnce(&HeaderMap) + Send,
    ) -> Result<Response<SecretBytes>> {
        let request = self.prepare(request)?;
        let path = request.url().path().to_owned();
        let permit = self.0.circuits.enter(request.url()).await.map_err(|error| named(error, &path))?;
        let measure = Measure::request(endpoint);
        let result = self.receive(request).await.and_then(|response| {
            observe(response.headers());
            self.check_status(response.status(), response.headers())?;
            Ok(response)
        });
        let result = result.map_err(|error| named(error, &path));
        measure.end(label(result.as_ref().err()));
        permit.done(outcome(result.as_ref().err()));
        result
    }

    /// Sends a request once, and returns a response of any status but 3xx. The caller waits after a 429, so it pauses
    /// no endpoint here.
    ///
    /// # Errors
    /// As for [`send`](Self::send), except for 429 and 5xx.
    #[cfg(feature = "okta-api")]
    pub(crate) async fn exchange(
        &self,
        request: Request<impl Into<SecretBytes>>,
        endpoint: ProviderEndpoint,
    ) -> Result<Response<SecretBytes>> {
        let request = self.prepare(request)?;
        let permit = self.0.circuits.enter(request.url()).await?;
        let measure = Measure::request(endpoint);
        let result = self.receive(request).await;
        let failure = match &result {
            Ok(response) => self.check_status(response.status(), response.headers()).err(),
            Err(error) => Some(error.clone()),
        };
        measure.end(label(failure.as_ref()));
        permit.done(match outcome(failure.as_ref()) {
            Outcome::Limited(_) => Outcome::Answered,
            other => other,
        });
        match failure {
            Some(error) if error.code() == Code::ProviderResponse => Err(error),
            _ => result,
        }
    }

    fn prepare(&self, request: Request<impl Into<SecretBytes>>) -> Result<reqwest::Request> {
        // The body is wiped when its last reader drops it.
        let request = request.map(|body| Bytes::from_owner(body.into()));
        let mut request = reqwest::Request::try_from(request)
            .map_err(|error| Error::new(Code::Internal, "a request to Okta cannot be built").with_cause(error))?;
        *request.timeout_mut() = Some(self.0.timeout);
        self.check_url(request.url())?;
        if let Some(backchannel) = &self.0.routes.backchannel {
            backchannel.redirect(&mut request);
        }
        Ok(request)
    }

    async fn send_twice(
        &self,
        request: reqwest::Request,
        repeat: Idempotency,
        endpoint: ProviderEndpoint,
    ) -> Result<Response<SecretBytes>> {
        let again = if repeat == Idempotency::Idempotent { request.try_clone() } else { None };
        match (self.send_measured(request, endpoint).await, again) {
            (Err(error), Some(request)) if error.code() == Code::ProviderUnavailable && !is_timeout(&error) => {
                self.send_measured(request, endpoint).await
            }
            (result, _) => result,
        }
    }

    async fn send_measured(
        &self,
        request: reqwest::Request,
        endpoint: ProviderEndpoint,
    ) -> Result<Response<SecretBytes>> {
        let measure = Measure::request(endpoint);
        let result = self.send_once(request).await;
        measure.end(label(result.as_ref().err()));
        result
    }

    async fn send_once(&self, request: reqwest::Request) -> Result<Response<SecretBytes>> {
        let response = self.0.client.execute(request).await.map_err(|error| self.unreachable(error))?;
        self.check_status(response.status(), response.headers())?;
        self.read(response).await
    }

    async fn receive(&self, request: reqwest::Request) -> Result<Response<SecretBytes>> {
        let response = self.0.client.execute(request).await.map_err(|error| self.unreachable(error))?;
        self.read(response).await
    }

    async fn read(&self, response: reqwest::Response) -> Result<Response<SecretBytes>> {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut whole = Response::new(self.read_body(response).await?);
        *whole.status_mut() = status;
        *whole.headers_mut() = headers;
        Ok(whole)
    }

    /// Rejects the statuses that mean the same at every endpoint.
    ///
    /// A 4xx passes, except 429, because its meaning depends on the endpoint. The error for a 429 contains the time to
    /// wait.
    fn check_status(&self, status: StatusCode, headers: &HeaderMap) -> Result<()> {
        if status.is_redirection() {
            let message = format!("Okta answered {} with a redirect, which is not followed", status.as_u16());
            return Err(Error::new(Code::ProviderResponse, message));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            let wait = retry_after(headers, self.0.clock.now());
            let message = format!("Okta limits the rate (429); retry in {} s", wait.as_secs());
            return Err(Error::new(Code::ProviderRateLimited, message).with_retry_after(wait));
        }
        if status.is_server_error() {
            let error = Error::new(Code::ProviderUnavailable, format!("Okta answered {}", status.as_u16()));
            let wait = stated(headers, self.0.clock.now());
            return Err(wait.into_iter().fold(error, Error::with_retry_after));
        }
        Ok(())
    }

    /// Reads a body up to the limit. The claimed length does not count, because it may be missing or wrong. The body
    /// may contain tokens, so its buffer is wiped.
    async fn read_body(&self, mut response: reqwest::Response) -> Result<SecretBytes> {
        let claimed = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
        let mut body = SecretBytes::with_capacity(claimed.min(self.0.max_response));
        while let Some(part) = response.chunk().await.map_err(|error| self.unreachable(error))? {
            if body.len().saturating_add(part.len()) > self.0.max_response {
                return Err(self.too_large());
            }
            body.append(&part);
        }
        Ok(body)
    }

    fn too_large(&self) -> Error {
        Error::new(Code::ProviderResponse, format!("Okta's response is larger than {} bytes", self.0.max_response))
    }

    /// Returns the error for a request without a response. The URL is removed from the cause, because its query may
    /// contain a code.
    fn unreachable(&self, error: reqwest::Error) -> Error {
        if AddressesRefused::caused(&error) {
            let message = "requests to this host are not allowed: none of its addresses is public; if the org is \
                           reached in a network of your own, use `EgressPolicy::dangerous` and \
                           `allow_private_addresses`";
            return Error::new(Code::EgressRefused, message).with_cause(error.without_url());
        }
        let message = match &self.0.routes.proxy {
            _ if error.is_timeout() => "Okta did not respond in time".to_owned(),
            Some(proxy) if error.is_connect() => format!(
                "cannot connect to Okta; check OKTA_ISSUER_URI, the proxy {} (OKTA_HTTP_PROXY, HTTPS_PROXY, \
                 NO_PROXY), the network and the certificates",
                proxy.name()
            ),
            None if error.is_connect() => "cannot connect to Okta; check OKTA_ISSUER_URI, the network (and \
                                           HTTPS_PROXY where there is a proxy) and the certificates"
                .to_owned(),
            _ => "the connection to Okta broke".to_owned(),
        };
        Error::new(Code::ProviderUnavailable, message).with_cause(error.without_url())
    }

    /// Fetches a JSON document.
    ///
    /// # Errors
    /// The errors of [`send`](Self::send), and [`Code::ProviderResponse`] if the response is not 200 with JSON of type
    /// `T`.
    pub(crate) async fn json<T: DeserializeOwned>(&self, url: &Url, endpoint: ProviderEndpoint) -> Result<Fetched<T>> {
        let request = Request::get(url.as_str())
            .header(::http::header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|error| Error::new(Code::Internal, "a request to Okta cannot be built").with_cause(error))?;
        let response = self.send(request, Idempotency::Idempotent, endpoint).await?;
        let place = escaped(url.path());
        if response.status() != StatusCode::OK {
            let message = format!("Okta answered {} at `{place}`; check OKTA_ISSUER_URI", response.status().as_u16());
            return Err(ProviderError::read(response.body()).explain(Error::new(Code::ProviderResponse, message)));
        }
        check_json(response.headers(), &format!("the response at `{place}`"))?;
        let value = json::document(response.body()).map_err(|error| {
            Error::new(Code::ProviderResponse, format!("the response at `{place}` cannot be used: {error}"))
        })?;
        Ok(Fetched { value, max_age: max_age(response.headers()) })
    }
}

/// Adds the path to the message of a failed request, and no query, which may contain a code. The path is text of the
/// metadata. Requests to Okta's API are not named, because their paths contain logins.
fn named(error: Error, path: &str) -> Error {
    let message = format!("{error}; the request was for `{}`", escaped(path));
    error.with_message(message)
}

/// `max-age` of `Cache-Control` (RFC 9111 §5.2.2.1). Its name has any case, and its value may be quoted (§5.2).
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(',')).filter_map(|directive| directive.split_once('='));
    let (_, value) = directives.find(|(name, _)| name.trim().eq_ignore_ascii_case("max-age"))?;
    seconds(value.trim().trim_matches('"'))
}

/// The outcome of a request in the metrics.
fn label(failure: Option<&Error>) -> &'static str {
    failure.map_or("ok", |error| error.code().as_str())
}

/// What a result says about the endpoint. Any response except 5xx shows that the endpoint works.
fn outcome(failure: Option<&Error>) -> Outcome {
    let Some(error) = failure else { return Outcome::Answered };
    match error.code() {
        Code::ProviderUnavailable if is_timeout(error) => Outcome::TimedOut,
        Code::ProviderUnavailable => Outcome::Failed,
        Code::ProviderRateLimited => Outcome::Limited(error.retry_after().unwrap_or_default()),
        Code::ProviderResponse => Outcome::Answered,
        _ => Outcome::Unknown,
    }
}

/// A request that timed out is not retried, because a second one would double the delay.
pub(crate) fn is_timeout(error: &Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<reqwest::Error>());
    cause.is_some_and(reqwest::Error::is_timeout)
}

opaque_debug!(HttpClient);

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn max_age_is_read_and_junk_ignored() {
        assert_eq!(max_age(&headers("cache-control", "max-age=7, must-revalidate")), Some(Duration::from_secs(7)));
        assert_eq!(max_age(&headers("cache-control", "public, Max-Age=\"7\"")), Some(Duration::from_secs(7)));
        let huge = headers("cache-control", "max-age=99999999999999999999999");
        assert_eq!(max_age(&huge), Some(Duration::from_secs(u64::MAX)));
        for junk in ["no-store, max-age=x", "max-age=-1", "max-age=+1", "max-age=", "s-max-age=7", "max-age"] {
            assert_eq!(max_age(&headers("cache-control", junk)), None, "{junk}");
        }
        assert_eq!(max_age(&HeaderMap::new()), None);
    }
}
