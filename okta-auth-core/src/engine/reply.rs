//! Answers of the engine itself, safe to show and never to be cached.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::finish::CACHING;

/// An answer: `http` types, so that any adapter can translate it.
pub type Reply = Response<Bytes>;

/// No cache keeps it (RFC 9111 §5.2.2.5).
pub(super) const NO_STORE: &str = "no-store";

/// Headers of every answer of the engine: nothing is cached, framed, sniffed, or leaks
/// its URL by `Referer`. Pages with a form send `same-origin` instead of `no-referrer`,
/// with which browsers send `Origin: null` for the form.
const HARDENING: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, NO_STORE),
    (http::header::REFERRER_POLICY, "no-referrer"),
    (http::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (http::header::X_FRAME_OPTIONS, "DENY"),
    (
        http::header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
];

/// An answer with a body.
pub(super) fn with_body(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(body.into());
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in HARDENING {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

/// An HTML page.
pub(super) fn html(status: StatusCode, page: String) -> Reply {
    with_body(status, "text/html; charset=utf-8", page)
}

/// A JSON object.
pub(super) fn json(status: StatusCode, body: &serde_json::Value) -> Reply {
    with_body(status, "application/json", body.to_string())
}

/// A redirect with 303, so that a browser follows with GET whatever it came with (RFC
/// 9700 §4.12).
pub(super) fn see_other(location: &str) -> Reply {
    let mut reply = with_body(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Bytes::new());
    // The targets are written by the `url` crate, which leaves nothing in them that a
    // header cannot carry.
    let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
    reply.headers_mut().insert(LOCATION, location);
    reply
}

/// Adds cookies to an answer, which must then not be cached by anybody.
pub(super) fn add_cookies(headers: &mut HeaderMap, cookies: impl IntoIterator<Item = HeaderValue>) {
    let mut any = false;
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
        any = true;
    }
    if any {
        forbid_caching(headers);
    }
}

/// `no-store`, and without the headers by which a CDN would overrule it.
fn forbid_caching(headers: &mut HeaderMap) {
    for overruling in &CACHING {
        headers.remove(overruling);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
}
