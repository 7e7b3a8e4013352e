//! Checks that a state-changing request comes from the application's own pages.
//!
//! A browser sends a session's cookie with every request to the application, including requests that other pages cause.
//! `SameSite=Lax` keeps it out of POSTs from other sites, but not from other subdomains of the same site, and not in
//! every browser. A page cannot forge the headers in which the browser names the origin of a request.

use http::Method;

use crate::config::AppConfig;
use crate::headers::{Head, Headers};

/// How to treat a request that names neither its origin nor its site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MissingOrigin {
    /// It is allowed: browsers send one of the two headers, so it comes from another client.
    Allowed,
    /// It is refused (`ConfigBuilder::strict_origin_check`).
    Refused,
}

/// Whether a request may act for its session. Safe methods such as GET change no state. Every other request has to come
/// from the application's own pages, with the configured header.
///
/// The handshake of a WebSocket is a GET, or in HTTP/2 a CONNECT, but the messages after it may change state (RFC 6455
/// §10.2). Scripts cannot add headers to it.
pub(crate) fn is_own_request<H: Headers>(config: &AppConfig, head: Head<'_, H>, websocket: bool) -> bool {
    if head.method.is_safe() && !websocket {
        return true;
    }
    let has = |wanted: &str| head.headers.each().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let handshake = websocket || *head.method == Method::CONNECT;
    (handshake || config.options.csrf_header.as_deref().is_none_or(has)) && is_own_origin(config, head.headers)
}

/// Whether the headers show that the request comes from the application's own pages.
pub(crate) fn is_own_origin<H: Headers>(config: &AppConfig, headers: &H) -> bool {
    let strict = config.options.strict_origin_check;
    let missing = if strict { MissingOrigin::Refused } else { MissingOrigin::Allowed };
    same_origin(headers, &config.origin(), missing)
}

/// Checks `Sec-Fetch-Site` and `Origin`, and both if both are present.
///
/// 1. `Sec-Fetch-Site` must be `same-origin`, or `none` (typed into the address bar). `same-site` is not enough: a page
///    on another subdomain is not this application.
/// 2. `Origin` must be this application's own.
/// 3. `Origin: null` is accepted only together with `Sec-Fetch-Site: same-origin`. Browsers send that pair for a form
///    on a page with `Referrer-Policy: no-referrer` (Fetch §3.2, "append a request `Origin` header"). Sandboxed frames
///    and redirects from other sites send `null` with `cross-site`, and scripts cannot set either header.
/// 4. Without both headers the request comes from a client that is not a browser: every current browser sends one of
///    the two with a POST, and the session cookie is `SameSite=Lax`. [`MissingOrigin::Refused`] refuses it
///    nevertheless.
fn same_origin<H: Headers>(headers: &H, own: &str, missing: MissingOrigin) -> bool {
    let (mut same_origin, mut opaque, mut named) = (false, false, false);
    for (name, value) in headers.each() {
        match (name, value.as_ref()) {
            ("sec-fetch-site", b"same-origin") => same_origin = true,
            ("sec-fetch-site", b"none") => {}
            ("origin", b"null") => opaque = true,
            ("origin", origin) if origin == own.as_bytes() => {}
            ("sec-fetch-site" | "origin", _) => return false,
            _ => continue,
        }
        named = true;
    }
    (named || missing == MissingOrigin::Allowed) && (same_origin || !opaque)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn check(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        same_origin(&headers, "https://app.example.com", MissingOrigin::Allowed)
    }

    #[test]
    fn own_pages_and_non_browsers_pass() {
        assert!(check(&[]));
        assert!(check(&[("origin", "https://app.example.com")]));
        assert!(check(&[("sec-fetch-site", "same-origin"), ("origin", "https://app.example.com")]));
        assert!(check(&[("sec-fetch-site", "none")]));
    }

    #[test]
    fn an_opaque_origin_needs_a_same_origin_site() {
        assert!(check(&[("origin", "null"), ("sec-fetch-site", "same-origin")]));
        assert!(check(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        for site in ["none", "same-site", "cross-site", "", "Same-Origin", "same-origin, cross-site"] {
            assert!(!check(&[("origin", "null"), ("sec-fetch-site", site)]), "{site}");
        }
        assert!(!check(&[("origin", "null"), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]));
        assert!(!check(&[("origin", "null"), ("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")]));
        assert!(!check(&[("origin", "null, null"), ("sec-fetch-site", "same-origin")]));
    }

    #[test]
    fn the_setting_decides_about_requests_without_both_headers() {
        let strict = |headers: &HeaderMap| same_origin(headers, "https://app.example.com", MissingOrigin::Refused);
        let mut headers = HeaderMap::new();
        headers.insert("cookie", "a=b".parse().unwrap());
        assert!(!strict(&headers));
        headers.insert("sec-fetch-site", "none".parse().unwrap());
        assert!(strict(&headers));
    }

    #[test]
    fn other_sites_and_other_subdomains_are_refused() {
        assert!(!check(&[("origin", "https://evil.example")]));
        assert!(!check(&[("origin", "null")]));
        assert!(!check(&[("origin", "http://app.example.com")]));
        assert!(!check(&[("origin", "https://app.example.com.evil.example")]));
        assert!(!check(&[("origin", "https://app.example.com"), ("origin", "https://evil.example")]));
        assert!(!check(&[("sec-fetch-site", "cross-site")]));
        assert!(!check(&[("sec-fetch-site", "same-site"), ("origin", "https://app.example.com")]));
        assert!(!check(&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")]));
    }
}
