//! The response headers that the session needs.
//!
//! 1. A refreshed session, or one that was idle for a while, is written again; the cookie of an ended session is
//!    deleted. Neither happens if the response itself writes the session (at sign-in or logout), because that would
//!    undo it.
//! 2. A response that its handler marks for shared caches, such as a stylesheet, gets no session cookie: the cache
//!    would serve the session to other users. The cookie can wait for the next response. New tokens cannot, and are
//!    always written. A nonce for DPoP proofs can wait too.
//! 3. A response that sets a cookie or a nonce is never cached, regardless of the handler. A response that depends on
//!    the caller varies by `Cookie`, by `Authorization`, or by both, and is cached only if the handler says how (RFC
//!    9111 §5.2.2).

use http::header::{ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::reply::{CACHING, NO_STORE};
use crate::headers::Headers;
use crate::session::{CookieUpdate, RequestSession, Sessions};

/// A nonce for the next DPoP proof (RFC 9449 §8.1).
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The changes to a response, to be applied in this order with the types of any framework.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ResponseHeaderChanges {
    /// Headers to remove.
    pub removed: &'static [HeaderName],
    /// Headers with static values to append.
    pub fixed: &'static [FixedHeader],
    /// `Set-Cookie` values to append.
    pub cookies: Vec<HeaderValue>,
    /// Other headers to append.
    pub others: Vec<(HeaderName, HeaderValue)>,
}

/// A header with a static value.
#[derive(Debug)]
#[non_exhaustive]
pub struct FixedHeader {
    /// The name.
    pub name: HeaderName,
    /// The value as text, for other types than those of `http` 1.
    pub text: &'static str,
    /// Parsed once, because it is appended to nearly every response.
    value: HeaderValue,
}

impl FixedHeader {
    const fn new(name: HeaderName, text: &'static str) -> Self {
        Self { name, text, value: HeaderValue::from_static(text) }
    }
}

/// `Vary` and `no-store`. A response gets the first, the second, or both headers of a pair.
static BY_COOKIE: [FixedHeader; 2] = [FixedHeader::new(VARY, "Cookie"), FixedHeader::new(CACHE_CONTROL, NO_STORE)];
static BY_TOKEN: [FixedHeader; 2] =
    [FixedHeader::new(VARY, "Authorization"), FixedHeader::new(CACHE_CONTROL, NO_STORE)];
static BY_BOTH: [FixedHeader; 2] =
    [FixedHeader::new(VARY, "Cookie, Authorization"), FixedHeader::new(CACHE_CONTROL, NO_STORE)];

/// What the content of a response depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dependence {
    pub(crate) on_cookie: bool,
    pub(crate) on_token: bool,
}

impl Dependence {
    fn is_personal(self) -> bool {
        self.on_cookie || self.on_token
    }
}

/// The relevant headers of a response.
#[derive(Debug, Default)]
struct ResponseSummary {
    /// Whether the response itself sets the session cookie.
    writes_session: bool,
    caching: bool,
    /// Whether the handler set `Cache-Control`, and whether it allows shared caches.
    cache_control: bool,
    shared: bool,
    /// Whether scripts of other origins may already read the nonce.
    exposes_nonce: bool,
}

impl ResponseHeaderChanges {
    /// Returns the changes to a response with these headers: the cookies of the session, a nonce for DPoP proofs, and
    /// cache headers. `clear_return` deletes the cookie of a logout that the response has shown.
    pub(crate) fn of<H: Headers>(
        headers: &H,
        (session, sessions): (&RequestSession, Option<&Sessions>),
        depends: Dependence,
        clear_return: impl FnOnce() -> Option<HeaderValue>,
        nonce: Option<&HeaderValue>,
    ) -> Self {
        let cookie_update = session.cookie_update();
        if cookie_update == CookieUpdate::None && !depends.is_personal() {
            return Self::default();
        }
        let answer = ResponseSummary::read(headers, sessions.map(Sessions::cookie_name));
        let writes = !answer.writes_session && (cookie_update == CookieUpdate::Replace || !answer.shared);
        let mut cookies = sessions.filter(|_| writes).map_or_else(Vec::new, |sessions| session.set_cookies(sessions));
        if !answer.shared {
            cookies.extend(clear_return());
        }
        let others = nonce.filter(|_| !answer.shared).map_or_else(Vec::new, |nonce| answer.nonce_headers(nonce));
        Self::with_headers((cookies, others), depends, &answer)
    }

    /// Adds these cookies and other headers, and forbids caching where they or the dependence demand it.
    fn with_headers(
        (cookies, others): (Vec<HeaderValue>, Vec<(HeaderName, HeaderValue)>),
        depends: Dependence,
        answer: &ResponseSummary,
    ) -> Self {
        let personal = depends.is_personal();
        let forbids = !cookies.is_empty() || !others.is_empty() || (personal && !answer.cache_control);
        let pair = match (depends.on_cookie, depends.on_token) {
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
        Self { removed, fixed, cookies, others }
    }

    /// Applies the changes to headers in the types of `http` 1.
    pub(crate) fn apply(self, headers: &mut HeaderMap) {
        for name in self.removed {
            headers.remove(name);
        }
        for header in self.fixed {
            headers.append(header.name.clone(), header.value.clone());
        }
        for cookie in self.cookies {
            headers.append(SET_COOKIE, cookie);
        }
        for (name, value) in self.others {
            headers.append(name, value);
        }
    }
}

impl ResponseSummary {
    /// Reads the headers of a response. `session` is the name of the session cookie.
    fn read<H: Headers>(headers: &H, session: Option<&str>) -> Self {
        let mut answer = Self::default();
        for (name, value) in headers.each() {
            match name {
                "set-cookie" => answer.writes_session |= session.is_some_and(|session| sets(value.as_ref(), session)),
                "cache-control" => {
                    (answer.cache_control, answer.caching) = (true, true);
                    answer.shared |= is_shared(value.as_ref());
                }
                "cdn-cache-control" | "surrogate-control" | "expires" => answer.caching = true,
                "access-control-expose-headers" => answer.exposes_nonce |= names_nonce(value.as_ref()),
                _ => {}
            }
        }
        answer
    }

    /// The nonce, which scripts of other origins may read (RFC 9449 §8.2).
    fn nonce_headers(&self, nonce: &HeaderValue) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = vec![(DPOP_NONCE, nonce.clone())];
        if !self.exposes_nonce {
            headers.push((ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("DPoP-Nonce")));
        }
        headers
    }
}

fn names_nonce(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|name| name.trim_ascii().eq_ignore_ascii_case(DPOP_NONCE.as_str().as_bytes()))
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
#[path = "header_changes_tests.rs"]
mod tests;
