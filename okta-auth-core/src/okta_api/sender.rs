//! Sends requests with a token, and retries them where that is safe and may help.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, Response};
use url::Url;

use super::error_response::ErrorResponse;
use super::path::PREFIX;
use super::rate_gate::{RateGates, pause_until};
use super::repetition::{Pause, Repetitions};
use crate::clock::SharedClock;
use crate::error::{Code, Error, Result};
use crate::events::ProviderEndpoint;
use crate::http::{HttpClient, HttpSettings};
use crate::outgoing::{Authorization, IssuedToken, Outgoing, TokenRequest};
use crate::secret::SecretBytes;

const MAX_RESPONSE: usize = 16 * 1024 * 1024;
const MAX_RETRIES: u32 = 3;

/// Clones share tokens, connections and the state of rate limits.
#[derive(Clone)]
pub(super) struct Sender {
    authorization: Authorization,
    http: HttpClient,
    timeout: Duration,
    gates: RateGates,
    clock: SharedClock,
    pub(super) max_retries: u32,
}

/// A request to the API, which can be sent several times.
pub(super) struct ApiCall {
    pub(super) method: Method,
    pub(super) url: Url,
    /// JSON.
    pub(super) body: Option<SecretBytes>,
}

impl ApiCall {
    /// As defined in RFC 9110 §9.2.2.
    fn is_idempotent(&self) -> bool {
        self.method != Method::POST
    }

    fn request(&self, repetitions: &Repetitions) -> Result<Request<SecretBytes>> {
        let mut request =
            Request::builder().method(&self.method).uri(self.url.as_str()).header(ACCEPT, "application/json");
        if self.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = self.body.as_ref().map_or_else(Vec::new, |body| body.to_vec());
        let mut request = request
            .body(SecretBytes::new(body))
            .map_err(|error| Error::new(Code::Internal, "a request to Okta cannot be built").with_cause(error))?;
        repetitions.label(request.headers_mut());
        Ok(request)
    }
}

impl Sender {
    /// Creates the sender for the org of the configured issuer. Returns it with the URL that all resources are below.
    pub(super) fn new<S: AsRef<str>>(outgoing: &Outgoing, scopes: impl IntoIterator<Item = S>) -> Result<(Self, Url)> {
        let provider = outgoing.provider();
        let issuer = &provider.config.issuer;
        let mut base = issuer.url().clone();
        base.set_path(PREFIX);
        base.set_query(None);
        let org = base.origin().ascii_serialization();
        let mut tokens = TokenRequest::new(scopes);
        if issuer.as_str() != org {
            tokens = tokens.issuer(&org);
        }
        let authorization = outgoing.target(&org)?.with_request(&tokens);
        let timeout = provider.config.app.options.http_timeout;
        let (http, clock) = (provider.protocol.http.clone(), provider.protocol.clock.clone());
        let (gates, max_retries) = (RateGates::default(), MAX_RETRIES);
        let mut sender = Self { authorization, http, timeout, gates, clock, max_retries };
        sender.limit_responses(MAX_RESPONSE);
        Ok((sender, base))
    }

    /// Limits the size of a response, in bytes.
    pub(super) fn limit_responses(&mut self, bytes: usize) {
        let settings = HttpSettings { timeout: self.timeout, max_response: bytes, ..HttpSettings::default() };
        self.http = self.http.with_settings(&settings);
    }

    /// Sends a request until its result is final.
    ///
    /// # Errors
    /// [`Code::ApiRefused`], [`Code::ProviderRateLimited`] or [`Code::ProviderUnavailable`] for a response other than
    /// 2xx, and the errors of requesting a token and of sending.
    pub(super) async fn send(&self, call: &ApiCall) -> Result<Response<SecretBytes>> {
        let gate = self.gates.of(&call.url);
        let mut repetitions = Repetitions::new(self.max_retries, call.is_idempotent());
        let (mut permit, mut has_renewed) = (gate.enter().await?, false);
        loop {
            let mut request = call.request(&repetitions)?;
            let token = self.authorization.authorize(&mut request).await?;
            let result = self.http.exchange(request, ProviderEndpoint::Api).await;
            if has_renewed {
                // The next call may need the nonce.
                let _ = result.as_ref().map(|response| token.learn_nonce(response.headers()));
            } else if self.renews(&token, &result).await {
                has_renewed = true;
                continue;
            }
            let pause = repetitions.next(&result, self.clock.now());
            permit = match pause {
                Some(Pause::RateLimit(until)) => {
                    gate.limit(until);
                    gate.after_limit(permit, &self.clock).await?
                }
                Some(Pause::Backoff(until)) => {
                    gate.passed(&permit);
                    drop(permit);
                    pause_until(&self.clock, until).await;
                    gate.enter().await?
                }
                None => {
                    if !matches!(&result, Ok(response) if response.status() == http::StatusCode::TOO_MANY_REQUESTS) {
                        gate.passed(&permit);
                    }
                    return result.and_then(|response| self.accepted(response));
                }
            };
        }
    }

    /// Renews the token if Okta rejected it. If the renewal fails, the caller gets Okta's answer.
    async fn renews(&self, token: &IssuedToken, result: &Result<Response<SecretBytes>>) -> bool {
        let Ok(response) = result else { return false };
        match self.authorization.renew_after(token, response.status(), response.headers()).await {
            Ok(renewed) => renewed,
            Err(error) => {
                tracing::warn!(target: "okta_auth", code = %error.code(), "a rejected access token was not renewed: {error:?}");
                false
            }
        }
    }

    fn accepted(&self, response: Response<SecretBytes>) -> Result<Response<SecretBytes>> {
        if response.status().is_success() {
            return Ok(response);
        }
        let refused = ErrorResponse::read(response.status(), response.body());
        Err(refused.into_error(response.headers(), self.clock.now()))
    }
}

opaque_debug!(Sender, |it| authorization: it.authorization);
