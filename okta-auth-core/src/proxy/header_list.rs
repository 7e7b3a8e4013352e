//! The headers that the proxy forwards. Others are dropped, because the next one that acts on an origin, or that an API
//! trusts, is not known today.

use http::header::{CONNECTION, CONTENT_LENGTH, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{Code, Error, Result};

/// Describes the body, the wanted representation, or the request itself.
const REQUEST: [&str; 28] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "baggage",
    "cache-control",
    "content-digest",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-range",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-event-id",
    "prefer",
    "priority",
    "range",
    "repr-digest",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-correlation-id",
    "x-request-id",
    "x-requested-with",
];

/// Describes the body, or the state of the API. `Location` is not one of them, because it is rewritten.
const RESPONSE: [&str; 28] = [
    "accept-patch",
    "accept-post",
    "accept-ranges",
    "allow",
    "content-digest",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-range",
    "content-type",
    "deprecation",
    "etag",
    "last-modified",
    "link",
    "preference-applied",
    "ratelimit",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "repr-digest",
    "retry-after",
    "sunset",
    "www-authenticate",
    "x-correlation-id",
    "x-request-id",
    "x-total-count",
];

/// Headers that an application cannot add: they authenticate, frame a message, act on an origin, or change where and
/// how a request is processed.
const RESERVED: [&str; 33] = [
    "accept-ch",
    "age",
    "alt-svc",
    "authorization",
    "clear-site-data",
    "connection",
    "content-length",
    "content-location",
    "cookie",
    "cookie2",
    "dpop",
    "expect",
    "expires",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "location",
    "nel",
    "origin",
    "referer",
    "refresh",
    "report-to",
    "reporting-endpoints",
    "set-cookie",
    "set-cookie2",
    "set-login",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

const RESERVED_PREFIXES: [&str; 14] = [
    "access-control-",
    "attribution-reporting-",
    "cdn-",
    "content-security-policy",
    "cross-origin-",
    "permissions-policy",
    "proxy-",
    "sec-",
    "service-worker",
    "x-forwarded",
    "x-http-method",
    "x-original-",
    "x-real-ip",
    "x-rewrite-",
];

/// The lists, with the headers that the application has added to both.
#[derive(Clone, Debug, Default)]
pub(super) struct HeaderList(Vec<HeaderName>);

impl HeaderList {
    /// Adds a header to both directions.
    pub(super) fn add(&mut self, name: &str) -> Result<()> {
        let wrong = |why: &str| {
            let name = name.escape_default();
            Err(Error::new(Code::ConfigInvalid, format!("`forward_header`: `{name}` {why}")))
        };
        let Ok(known) = HeaderName::try_from(name) else { return wrong("is not a valid header name") };
        let text = known.as_str();
        let is_reserved = RESERVED.contains(&text) || RESERVED_PREFIXES.iter().any(|prefix| text.starts_with(prefix));
        // Some servers read `-` and `_` as the same character.
        if is_reserved || text.contains('_') {
            return wrong("cannot be forwarded, because the proxy or the browser gives it a meaning");
        }
        self.0.push(known);
        Ok(())
    }

    /// Returns the headers of a request for the API.
    pub(super) fn of_request(&self, headers: &HeaderMap) -> HeaderMap {
        self.listed(headers, &REQUEST)
    }

    /// Returns the headers of a response for the browser.
    pub(super) fn of_response(&self, headers: &HeaderMap) -> HeaderMap {
        let mut listed = self.listed(headers, &RESPONSE);
        // A browser asks for a password when a script gets a `Basic` challenge of its own origin.
        let challenges: Vec<HeaderValue> =
            listed.get_all(WWW_AUTHENTICATE).iter().filter(is_for_scripts).cloned().collect();
        listed.remove(WWW_AUTHENTICATE);
        for challenge in challenges {
            listed.append(WWW_AUTHENTICATE, challenge);
        }
        // Two lengths are ambiguous; the client has compared them.
        if listed.get_all(CONTENT_LENGTH).iter().count() > 1 {
            listed.remove(CONTENT_LENGTH);
        }
        listed
    }

    fn listed(&self, headers: &HeaderMap, list: &[&str]) -> HeaderMap {
        let of_connection = named_by_connection(headers);
        let mut listed = HeaderMap::new();
        for (name, value) in headers {
            let is_listed = list.contains(&name.as_str()) || self.0.contains(name);
            if is_listed && !of_connection.contains(name) {
                listed.append(name.clone(), value.clone());
            }
        }
        listed
    }
}

/// The headers that are meant for the next hop only (RFC 9110 §7.6.1).
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(|name| HeaderName::try_from(name.trim()).ok()).collect()
}

/// Whether a challenge has only schemes that scripts handle.
fn is_for_scripts(challenge: &&HeaderValue) -> bool {
    let Ok(text) = challenge.to_str() else { return false };
    let lower = text.trim_start().to_ascii_lowercase();
    let known = lower.starts_with("bearer") || lower.starts_with("dpop");
    known && !["basic", "digest", "negotiate", "ntlm"].iter().any(|scheme| lower.contains(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn an_application_adds_only_headers_without_a_meaning_of_their_own() {
        let mut list = HeaderList::default();
        list.add("X-Tenant").unwrap();
        assert_eq!(list.of_request(&headers(&[("x-tenant", "a"), ("x-other", "b")])), headers(&[("x-tenant", "a")]));
        assert_eq!(list.of_response(&headers(&[("x-tenant", "a"), ("x-other", "b")])), headers(&[("x-tenant", "a")]));
        let reserved = RESERVED.iter().copied();
        for name in reserved.chain([
            "Cookie",
            "Access-Control-Allow-Origin",
            "Sec-Fetch-Site",
            "X-Forwarded-For",
            "X_Tenant",
            "x-http-method-override",
            "content-security-policy-report-only",
            "service-worker-allowed",
            "proxy-authorization",
            "a b",
            "",
        ]) {
            assert!(list.add(name).unwrap_err().is_config(), "{name}");
        }
    }

    #[test]
    fn headers_that_connection_names_are_dropped() {
        let request = headers(&[
            ("connection", "close, Accept"),
            ("connection", "x-request-id"),
            ("accept", "a"),
            ("range", "b"),
            ("x-request-id", "c"),
        ]);
        assert_eq!(HeaderList::default().of_request(&request), headers(&[("range", "b")]));
        let response = headers(&[("connection", "ETag"), ("etag", "a"), ("allow", "GET")]);
        assert_eq!(HeaderList::default().of_response(&response), headers(&[("allow", "GET")]));
    }

    #[test]
    fn only_challenges_for_scripts_reach_the_browser() {
        let of = |value| !HeaderList::default().of_response(&headers(&[("www-authenticate", value)])).is_empty();
        assert!(of("Bearer error=\"invalid_token\"") && of("DPoP algs=\"ES256\""));
        for prompt in ["Basic realm=\"x\"", "Bearer, Basic realm=\"x\"", "Digest realm=\"x\"", "Negotiate", ""] {
            assert!(!of(prompt), "{prompt}");
        }
    }
}
