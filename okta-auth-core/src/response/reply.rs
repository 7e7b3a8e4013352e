//! The engine's own responses, hardened and never cacheable.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, EXPIRES, LOCATION,
    REFERRER_POLICY, SET_COOKIE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::headers::Headers;

/// A response in `http` types, which every adapter can translate.
pub type Reply = Response<Bytes>;

/// Forbids caching (RFC 9111 §5.2.2.5).
pub(super) const NO_STORE: &str = "no-store";

/// The caching headers that `no-store` replaces, including those that would override it in a CDN or an old cache.
pub(super) static CACHING: [HeaderName; 4] = [
    CACHE_CONTROL,
    HeaderName::from_static("cdn-cache-control"),
    HeaderName::from_static("surrogate-control"),
    EXPIRES,
];

/// The content security policy of a page without a form.
pub(super) const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The headers of every response of the engine. They forbid caching, framing, content sniffing and a leak of the URL in
/// `Referer`. Pages with a form use `same-origin` instead of `no-referrer`, because browsers would otherwise send
/// `Origin: null` with the form.
const HARDENING: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, NO_STORE),
    (REFERRER_POLICY, "no-referrer"),
    (http::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (http::header::X_FRAME_OPTIONS, "DENY"),
    (CONTENT_SECURITY_POLICY, PAGE_POLICY),
];

pub(crate) fn with_body(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(body.into());
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in HARDENING {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

pub(crate) fn html(status: StatusCode, page: String) -> Reply {
    with_body(status, "text/html; charset=utf-8", page)
}

pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> Reply {
    with_body(status, "application/json", body.to_string())
}

/// Creates a 303 redirect, which a browser always follows with GET (RFC 9700 §4.12).
pub(crate) fn see_other(location: &str) -> Reply {
    let mut reply = with_body(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Bytes::new());
    // The `url` crate serializes the targets, so they contain only characters that are valid in a header.
    let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
    reply.headers_mut().insert(LOCATION, location);
    reply
}

/// Responds with 405 and the allowed methods (RFC 9110 §15.5.6).
pub(crate) fn method_not_allowed(allow: &'static str) -> Reply {
    let body = serde_json::json!({ "error": "method_not_allowed", "message": format!("Use {allow}.") });
    let mut reply = json(StatusCode::METHOD_NOT_ALLOWED, &body);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    reply
}

pub(crate) fn add_cookies(headers: &mut HeaderMap, cookies: impl IntoIterator<Item = HeaderValue>) {
    let mut any = false;
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
        any = true;
    }
    if any {
        forbid_caching(headers);
    }
}

/// Sets `no-store` and removes the headers by which a CDN would override it.
fn forbid_caching(headers: &mut HeaderMap) {
    for overruling in &CACHING {
        headers.remove(overruling);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
}

/// Headers that describe the replaced response: its body, target, cookies, and caching. They must not describe the
/// response in its place.
const OF_THE_RESPONSE: [&str; 22] = [
    "accept-ranges",
    "age",
    "cache-control",
    "cdn-cache-control",
    "connection",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "link",
    "location",
    "pragma",
    "proxy-connection",
    "refresh",
    "sec-websocket-accept",
    "set-cookie",
    "surrogate-control",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
    "x-accel-expires",
];

const LISTS: [HeaderName; 2] = [VARY, ACCESS_CONTROL_EXPOSE_HEADERS];

/// Carries over the headers that layers between the handler and the engine added to a replaced response, such as CORS
/// headers or a request id.
///
/// Headers of the engine take precedence. `Vary` and `Access-Control-Expose-Headers` are merged. Headers of the
/// replaced response itself are dropped: all `Content-*` headers, [`OF_THE_RESPONSE`], and hop-by-hop headers (RFC 9110
/// §7.6.1).
pub(crate) fn carry_over<H: Headers>(reply: &mut Reply, replaced: &H) {
    let own: Vec<HeaderName> = reply.headers().keys().cloned().collect();
    for (name, value) in replaced.each() {
        if name.starts_with("content-") || OF_THE_RESPONSE.contains(&name) {
            continue;
        }
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_ref()))
        else {
            continue;
        };
        if LISTS.contains(&name) || !own.contains(&name) {
            reply.headers_mut().append(name, value);
        }
    }
    LISTS.iter().for_each(|name| merge_lists(reply.headers_mut(), name));
}

fn merge_lists(headers: &mut HeaderMap, name: &HeaderName) {
    let mut members: Vec<String> = Vec::new();
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    for member in values.flat_map(|value| value.split(',')).map(str::trim).filter(|member| !member.is_empty()) {
        if !members.iter().any(|known| known.eq_ignore_ascii_case(member)) {
            members.push(member.to_owned());
        }
    }
    if let Ok(value) = HeaderValue::try_from(members.join(", "))
        && !members.is_empty()
    {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The carried-over headers of the engine's response in place of this one, sorted.
    fn in_place_of(replaced: &[(&str, &str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in replaced {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let mut reply = json(StatusCode::UNAUTHORIZED, &serde_json::json!({}));
        let own: Vec<HeaderName> = reply.headers().keys().cloned().collect();
        reply.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate"));
        let unchanged = reply.headers().clone();
        carry_over(&mut reply, &headers);
        for name in &own {
            assert_eq!(reply.headers()[name], unchanged[name], "headers of the engine take precedence");
        }
        let others = reply.headers().iter().filter(|(name, _)| !own.contains(name));
        let mut lines: Vec<_> = others.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    #[test]
    fn headers_of_other_layers_are_kept() {
        let lines = in_place_of(&[
            ("access-control-allow-origin", "https://spa.example"),
            ("strict-transport-security", "max-age=63072000"),
            ("x-request-id", "1"),
            ("x-several", "a"),
            ("x-several", "b"),
        ]);
        assert_eq!(
            lines,
            [
                "access-control-allow-origin: https://spa.example",
                "access-control-expose-headers: WWW-Authenticate",
                "strict-transport-security: max-age=63072000",
                "x-request-id: 1",
                "x-several: a",
                "x-several: b",
            ]
        );
    }

    #[test]
    fn lists_are_merged() {
        let lines = in_place_of(&[
            ("vary", "Origin, accept-encoding"),
            ("vary", "origin"),
            ("access-control-expose-headers", "x-request-id, www-authenticate"),
        ]);
        assert_eq!(
            lines,
            ["access-control-expose-headers: WWW-Authenticate, x-request-id", "vary: Origin, accept-encoding"]
        );
    }

    #[test]
    fn headers_of_the_replaced_response_are_dropped() {
        let gone: Vec<(&str, &str)> = OF_THE_RESPONSE.iter().map(|name| (*name, "x")).collect();
        assert_eq!(in_place_of(&gone), ["access-control-expose-headers: WWW-Authenticate"]);
        for name in ["content-length", "content-encoding", "content-type", "content-security-policy", "content-range"] {
            assert_eq!(in_place_of(&[(name, "x")]).len(), 1, "{name}");
        }
    }
}
