//! The result of an endpoint, before it becomes an HTTP response.
//!
//! Endpoints return a [`Reply`] instead of an HTTP response, so that faults can change it and only the dispatcher is
//! asynchronous.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

use crate::clock::http_date;

/// More than a client should read: slightly over 2 MiB.
const HUGE: usize = (2 << 20) + 4096;

/// The result of an endpoint. Endpoints are synchronous functions from a request to a `Reply`; only the dispatcher
/// awaits.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    /// How long the dispatcher delays the response, in real time.
    pub(crate) delay: Option<Duration>,
    /// Whether the response is never sent.
    pub(crate) hang: bool,
    /// Why the request was rejected, for the request log.
    pub(crate) refusal: Option<String>,
}

impl Reply {
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), delay: None, hang: false, refusal: None }
    }

    /// JSON without a charset, as at Okta. Structs keep the order of their fields.
    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        let body = serde_json::to_string(body).unwrap_or_default();
        Self { body, ..Self::empty(status) }.header("content-type", "application/json")
    }

    /// A page. The policy allows only the page's own styles. `form-action` is omitted, because browsers also apply it
    /// to the redirect after the form, which goes to the app.
    pub(crate) fn html(status: u16, body: String) -> Self {
        Self { body, ..Self::empty(status) }
            .header("content-type", "text/html;charset=utf-8")
            .header(
                "content-security-policy",
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
            )
            .no_store()
    }

    /// A redirect with 302. Okta sends 302 and not 303, also after the form of its sign-in page.
    pub(crate) fn redirect(location: impl Into<String>) -> Self {
        Self::empty(302).header("location", location.into()).no_store()
    }

    pub(crate) fn refused(mut self, error: &str, description: &str) -> Self {
        self.refusal = Some(format!("{error}: {description}"));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self = self.without_header(name);
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn without_header(mut self, name: &'static str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    /// Adds a cookie; a reply may have several.
    pub(crate) fn cookie(mut self, value: String) -> Self {
        self.headers.push(("set-cookie", value));
        self
    }

    pub(crate) fn no_store(self) -> Self {
        self.header("cache-control", "no-cache, no-store").header("pragma", "no-cache").header("expires", "0")
    }

    pub(crate) fn delayed(mut self, delay: Option<Duration>) -> Self {
        self.delay = delay.or(self.delay);
        self
    }

    /// Pads a JSON body beyond 2 MiB with white space, which does not change its content.
    pub(crate) fn huge(mut self) -> Self {
        self.body.push_str(&" ".repeat(HUGE));
        self
    }

    /// An HTML page where the client expects JSON, as a proxy could send it.
    pub(crate) fn html_surprise() -> Self {
        Self::html(200, "<!doctype html><title>Maintenance</title><h1>We will be right back</h1>".to_owned())
    }

    /// Builds the HTTP response with Okta's common headers, unless the reply sets them itself. `Date` follows the
    /// virtual clock.
    pub(crate) fn into_response(self, now: i64, request_id: String) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let common = [
            ("date", http_date(now)),
            ("x-okta-request-id", request_id),
            ("x-content-type-options", "nosniff".to_owned()),
            ("referrer-policy", "strict-origin-when-cross-origin".to_owned()),
        ];
        let own: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        let common = common.into_iter().filter(|(name, _)| !own.contains(name)).collect::<Vec<_>>();
        for (name, value) in common.into_iter().chain(self.headers) {
            // An invalid header value, such as a redirect URI with a line break, is
            // omitted and never sent raw.
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().append(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
