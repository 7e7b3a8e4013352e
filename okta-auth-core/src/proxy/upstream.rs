//! The HTTP client of a proxy.

use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest_middleware::reqwest::redirect::Policy;
use reqwest_middleware::reqwest::{Body, Request, Response};
pub(super) use reqwest_middleware::reqwest::{Client, ClientBuilder, Upgraded};
use url::Url;

use super::request_body::{RequestBody, failure};
use super::stream::{BodyFailure, BodyStream, interruptible};
use crate::error::{Code, Error, Result};
use crate::outgoing::Authorization;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A response of the API. Its body has been decoded from its framing and from nothing else.
pub(super) struct ApiResponse(Response);

/// Builds the client. It speaks HTTP/1.1, follows no redirect, and leaves compressed bodies as they are.
pub(super) fn client(builder: Option<ClientBuilder>) -> Result<Client> {
    let builder = builder.unwrap_or_else(|| Client::builder().no_proxy());
    let builder = builder.redirect(Policy::none()).referer(false).http1_only().connect_timeout(CONNECT_TIMEOUT);
    builder.no_gzip().no_brotli().no_zstd().no_deflate().build().map_err(|error| {
        let message = "the HTTP client of the proxy cannot be created; check the system's CA certificates";
        Error::new(Code::ConfigInvalid, message).with_cause(error)
    })
}

/// Sends a request with the token. If the API rejects the token, a body that is not streamed is sent once more.
pub(super) async fn send(
    client: &Client,
    authorization: &Authorization,
    (method, url, headers): (Method, Url, HeaderMap),
    body: RequestBody,
) -> Result<ApiResponse> {
    let mut request = Request::new(method, url);
    *request.headers_mut() = headers;
    match body {
        RequestBody::None => {}
        RequestBody::Whole(bytes) => *request.body_mut() = Some(bytes.into()),
        RequestBody::Streamed { body, length } => {
            *request.body_mut() = Some(Body::wrap_stream(body));
            if let Some(length) = length {
                request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
            }
        }
    }
    let sent = authorization.with_client(client.clone()).execute(request).await;
    sent.map(ApiResponse).map_err(not_sent)
}

/// The error of a request without a response: that of the token, of the request's body, or of the connection.
fn not_sent(error: reqwest_middleware::Error) -> Error {
    let error = match error {
        reqwest_middleware::Error::Middleware(error) => match error.downcast::<Error>() {
            Ok(error) => return error,
            Err(error) => return Error::new(Code::Internal, "a middleware of the proxy failed").with_cause(error),
        },
        reqwest_middleware::Error::Reqwest(error) => error,
    };
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(present) = cause {
        if let Some(of_body) = present.downcast_ref::<BodyFailure>() {
            return failure(*of_body);
        }
        cause = present.source();
    }
    let message = "the proxied API cannot be reached, or its response is invalid; check its address and the network";
    // The query of the URL may be personal.
    Error::new(Code::ProxyUnavailable, message).with_cause(error.without_url())
}

impl ApiResponse {
    /// Returns the headers of a response that switches protocols.
    pub(super) fn switching(&self) -> Option<&HeaderMap> {
        (self.0.status() == StatusCode::SWITCHING_PROTOCOLS).then(|| self.0.headers())
    }

    /// Takes the connection after a response that switches protocols.
    pub(super) async fn into_connection(self) -> Result<Upgraded> {
        self.0.upgrade().await.map_err(|error| not_sent(error.into()))
    }

    /// Returns status and headers, and the body.
    pub(super) fn into_parts(self) -> (http::response::Parts, BodyStream) {
        let (parts, body) = http::Response::<Body>::from(self.0).into_parts();
        (parts, interruptible(Response::from(http::Response::new(body)).bytes_stream()))
    }
}
