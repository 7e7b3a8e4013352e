//! The response headers that the session needs.
//!
//! 1. A refreshed session, or one that was idle for a while, is written again; the cookie
//!    of an ended session is deleted. Neither happens if the response itself writes the
//!    session (at sign-in or logout), because that would undo it.
//! 2. A response that its handler marks for shared caches, such as a stylesheet, gets no
//!    session cookie: the cache would serve the session to other users. The cookie can wait
//!    for the next response. New tokens cannot, and are always written.
//! 3. A response that sets a cookie is never cached, regardless of the handler. A response
//!    that depends on the caller varies by `Cookie`, by `Authorization`, or by both, and is
//!    cached only if the handler says how (RFC 9111 §5.2.2).

use std::sync::atomic::Ordering;

use http::header::{CACHE_CONTROL, EXPIRES, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::context::{CookieUpdate, RequestContext};
use crate::headers::Headers;

/// The changes to a response, to be applied in this order with the types of any framework.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ResponseHeaderChanges {
    /// Headers to remove.
    pub removed: &'static [HeaderName],
    /// Headers with static values to append.
    pub fixed: &'static [(HeaderName, &'static str)],
    /// `Set-Cookie` values to append.
    pub cookies: Vec<HeaderValue>,
}

/// The caching headers that `no-store` replaces, including those that would override it in
/// a CDN or an old cache.
pub(super) static CACHING: [HeaderName; 4] = [
    CACHE_CONTROL,
    HeaderName::from_static("cdn-cache-control"),
    HeaderName::from_static("surrogate-control"),
    EXPIRES,
];

/// `Vary` and `no-store`. A response gets the first, the second, or both headers of a pair.
static BY_COOKIE: [(HeaderName, &str); 2] = [(VARY, "Cookie"), (CACHE_CONTROL, super::reply::NO_STORE)];
static BY_TOKEN: [(HeaderName, &str); 2] = [(VARY, "Authorization"), (CACHE_CONTROL, super::reply::NO_STORE)];
static BY_BOTH: [(HeaderName, &str); 2] = [(VARY, "Cookie, Authorization"), (CACHE_CONTROL, super::reply::NO_STORE)];

/// The relevant headers of a response.
#[derive(Default)]
struct ResponseSummary {
    writes_session: bool,
    caching: bool,
    /// Whether the handler set `Cache-Control`, and whether it allows shared caches.
    cache_control: bool,
    shared: bool,
}

impl RequestContext {
    /// Returns the header changes for the session: a rewritten or deleted cookie, and cache
    /// headers. The adapter calls it once for each response, including the engine's own
    /// responses and those of failed handlers.
    pub fn header_changes_for<H: Headers>(&self, headers: &H) -> ResponseHeaderChanges {
        let inner = self.inner();
        let (by_cookie, by_token) =
            (inner.consulted.load(Ordering::Relaxed), inner.token_consulted.load(Ordering::Relaxed));
        let (cookie_update, personal) = (inner.cookie_update(), by_cookie || by_token);
        if cookie_update == CookieUpdate::None && !personal {
            return ResponseHeaderChanges::default();
        }
        let answer = ResponseSummary::read(headers, self.auth().0.sessions.cookie_name());
        let writes = !answer.writes_session && (cookie_update == CookieUpdate::Replace || !answer.shared);
        let mut cookies = if writes { self.cookies_for(cookie_update) } else { Vec::new() };
        if self.is_sign_out_shown() && !answer.shared {
            cookies.push(self.auth().0.logout_returns.clear());
        }
        let forbids = !cookies.is_empty() || (personal && !answer.cache_control);
        let pair = match (by_cookie, by_token) {
            (true, true) => &BY_BOTH,
            (false, true) => &BY_TOKEN,
            _ => &BY_COOKIE,
        };
        let [vary, no_store] = pair;
        let fixed = match (personal, forbids) {
            (true, true) => pair.as_slice(),
            (true, false) => std::slice::from_ref(vary),
            (false, true) => std::slice::from_ref(no_store),
            (false, false) => &[],
        };
        // Nearly all responses have none of them.
        let removed = if forbids && answer.caching { CACHING.as_slice() } else { &[] };
        ResponseHeaderChanges { removed, fixed, cookies }
    }

    /// Applies the changes of [`header_changes_for`](Self::header_changes_for) to a response.
    pub fn finish(&self, headers: &mut HeaderMap) {
        let ResponseHeaderChanges { removed, fixed, cookies } = self.header_changes_for(headers);
        for name in removed {
            headers.remove(name);
        }
        for (name, value) in fixed {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie);
        }
    }

    fn cookies_for(&self, cookie_update: CookieUpdate) -> Vec<HeaderValue> {
        let (inner, sessions) = (self.inner(), &self.auth().0.sessions);
        match cookie_update {
            CookieUpdate::None => Vec::new(),
            CookieUpdate::Clear => sessions.clear(&inner.cookies, None),
            CookieUpdate::Reseal | CookieUpdate::Replace => {
                let entry = inner.entry();
                entry.map_or_else(Vec::new, |entry| {
                    sessions.rewrite(&inner.cookies, &entry.session, inner.now, inner.activity)
                })
            }
        }
    }
}

impl ResponseSummary {
    fn read<H: Headers>(headers: &H, session: &str) -> Self {
        let mut answer = Self::default();
        for (name, value) in headers.each() {
            match name {
                "set-cookie" => answer.writes_session |= sets(value.as_ref(), session),
                "cache-control" => {
                    (answer.cache_control, answer.caching) = (true, true);
                    answer.shared |= is_shared(value.as_ref());
                }
                "cdn-cache-control" | "surrogate-control" | "expires" => answer.caching = true,
                _ => {}
            }
        }
        answer
    }
}

fn sets(value: &[u8], name: &str) -> bool {
    value.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'='))
}

fn is_shared(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).any(|directive| {
        let (name, _) = directive.split_at_checked(8).unwrap_or((directive, &[]));
        directive.eq_ignore_ascii_case(b"public") || name.eq_ignore_ascii_case(b"s-maxage")
    })
}

#[cfg(test)]
#[path = "session_headers_tests.rs"]
mod tests;
