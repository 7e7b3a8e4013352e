//! One exchange with the API: which requests are sent, and which parts of the response reach the browser.

use std::future::Future;
use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, response};
use tokio::sync::Notify;
use tokio::time::timeout;
use url::Url;

use super::address::ApiAddress;
use super::header_list::HeaderList;
use super::limits::Limits;
use super::response_body::{Exchange, ProxyBody};
use super::upstream::ApiResponse;
use crate::error::{Code, Error, Result};

/// The methods that are forwarded. TRACE would show the token to the browser (RFC 9110 §9.3.8).
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// A response is data for a script. If a browser shows it as a page, it has no origin, no script and no form.
const HARDENING: [(HeaderName, &str); 4] = [
    (CACHE_CONTROL, "no-store"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        CONTENT_SECURITY_POLICY,
        "sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub(super) fn check_method(method: &Method) -> Result<()> {
    if METHODS.contains(method) {
        return Ok(());
    }
    Err(Error::new(Code::ProxyRefused, "the method of a proxied request is not forwarded"))
}

/// Waits for a response, as long as the request makes progress.
pub(super) async fn in_time<T>(
    limits: &Limits,
    progress: &Arc<Notify>,
    response: impl Future<Output = Result<T>>,
) -> Result<T> {
    let late = || Error::new(Code::ProxyTimeout, "the proxied API did not respond in time");
    let waiting = async {
        let mut response = std::pin::pin!(response);
        loop {
            tokio::select! {
                response = &mut response => return response,
                () = progress.notified() => {}
                () = tokio::time::sleep(limits.idle) => return Err(late()),
            }
        }
    };
    timeout(limits.until_response, waiting).await.map_err(|_| late())?
}

/// The addresses of one request.
pub(super) struct Addresses<'a> {
    pub(super) api: &'a ApiAddress,
    pub(super) requested: &'a Url,
    /// The prefix of the proxy, as the browser sees it.
    pub(super) prefix: &'a str,
}

/// Creates the response for the browser.
pub(super) fn response(
    answer: ApiResponse,
    addresses: &Addresses<'_>,
    list: &HeaderList,
    exchange: Exchange,
) -> Result<Response<ProxyBody>> {
    let (parts, body) = answer.into_parts();
    let headers = headers(&parts, addresses, list)?;
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > exchange.limits.response_size) {
        return Err(Error::new(Code::ProxyUnavailable, "the response of the proxied API is too large"));
    }
    let mut response = Response::new(ProxyBody::Streamed(exchange.stream(body), length));
    *response.status_mut() = parts.status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn headers(parts: &response::Parts, addresses: &Addresses<'_>, list: &HeaderList) -> Result<HeaderMap> {
    let mut headers = list.of_response(&parts.headers);
    let mut locations = parts.headers.get_all(LOCATION).iter();
    let location = match (locations.next(), locations.next()) {
        (Some(location), None) => location.to_str().ok().and_then(|location| public(addresses, location)),
        _ => None,
    };
    let is_final =
        parts.status.is_success() || parts.status.as_u16() >= 400 || parts.status == StatusCode::NOT_MODIFIED;
    if !is_final && (location.is_none() || !parts.status.is_redirection()) {
        let message = format!(
            "the proxied API answered {} with an address outside of the proxy, or with none; only a redirect within the \
             address of the API is forwarded",
            parts.status.as_u16()
        );
        return Err(Error::new(Code::ProxyUnavailable, message));
    }
    if let Some(location) = location {
        headers.insert(LOCATION, location);
    }
    for (name, value) in HARDENING {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(headers)
}

/// Returns the address of the proxy for an address of the API.
fn public(addresses: &Addresses<'_>, location: &str) -> Option<HeaderValue> {
    let suffix = addresses.api.suffix_of(addresses.requested, location)?;
    HeaderValue::try_from(format!("{}{suffix}", addresses.prefix)).ok()
}
