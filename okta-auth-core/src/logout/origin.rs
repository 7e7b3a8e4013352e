//! Whether a request that changes something comes from the application's own pages.
//!
//! A browser sends a session's cookie with every request to the application, whoever
//! caused it. `SameSite=Lax` keeps it out of POSTs from other sites, but not from other
//! subdomains of the same one, and not in every browser. What a page cannot forge is
//! where the browser says that the request comes from.

use crate::headers::Headers;

/// Checks `Sec-Fetch-Site` and `Origin`, both of them where both are there.
///
/// 1. `Sec-Fetch-Site` must be `same-origin`, or `none` (typed into the address bar).
///    `same-site` is not enough: a neighbour on another subdomain is not this
///    application.
/// 2. `Origin` must be this application's own; `null` is anybody's.
/// 3. With neither header the request is not from a browser that could be tricked
///    (every browser of the last years sends one of the two with a POST), and cookies
///    are `SameSite=Lax` besides.
pub(crate) fn same_origin<H: Headers>(headers: &H, own: &str) -> bool {
    headers.each().all(|(name, value)| match name {
        "sec-fetch-site" => matches!(value.as_ref(), b"same-origin" | b"none"),
        "origin" => value.as_ref() == own.as_bytes(),
        _ => true,
    })
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
        same_origin(&headers, "https://app.example.com")
    }

    #[test]
    fn own_pages_and_non_browsers_pass() {
        assert!(check(&[]));
        assert!(check(&[("origin", "https://app.example.com")]));
        assert!(check(&[("sec-fetch-site", "same-origin"), ("origin", "https://app.example.com")]));
        assert!(check(&[("sec-fetch-site", "none")]));
    }

    #[test]
    fn other_sites_and_other_subdomains_do_not() {
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
