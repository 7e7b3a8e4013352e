//! What the session needs of a response.
//!
//! 1. A session that was renewed, or has been idle for a while, is written again; what
//!    is no session any more is taken away. Not if the answer itself writes the session
//!    (a sign-in or sign-out): that would undo it.
//! 2. A response that its handler gives to shared caches, such as a stylesheet, is left
//!    alone: it can wait for the next request, and a cookie in a shared cache would be
//!    somebody else's session. New tokens cannot wait.
//! 3. What sets a cookie is cached by nobody, whatever the handler said. What depends
//!    on who asks varies by the cookie, and is cached by nobody unless the handler said
//!    how (RFC 9111 §5.2.2).

use std::sync::atomic::Ordering;

use http::header::{CACHE_CONTROL, EXPIRES, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::visit::{Upkeep, Visit};
use crate::headers::Headers;

/// What there is to change about a response, in this order: so it can be done in the
/// types of any framework.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Finish {
    /// Headers to take away.
    pub removed: &'static [HeaderName],
    /// Headers to append that are the same for everybody.
    pub fixed: &'static [(HeaderName, &'static str)],
    /// `Set-Cookie` values to append.
    pub cookies: Vec<HeaderValue>,
}

/// `no-store`, and the headers by which a handler, a CDN or an old cache would overrule
/// it.
pub(super) static CACHING: [HeaderName; 4] = [
    CACHE_CONTROL,
    HeaderName::from_static("cdn-cache-control"),
    HeaderName::from_static("surrogate-control"),
    EXPIRES,
];

/// Of a response that sets a cookie and depends on who asks, and of one that does one of
/// the two.
static FIXED: [(HeaderName, &str); 2] = [(VARY, "Cookie"), (CACHE_CONTROL, super::reply::NO_STORE)];

/// What a response has of the headers that matter here.
#[derive(Default)]
struct Answer {
    writes_session: bool,
    caching: bool,
    /// Whether it says itself how it is cached, and that shared caches may keep it.
    cache_control: bool,
    shared: bool,
}

impl Visit {
    /// What a response needs for the session: a rewritten or deleted cookie, and cache
    /// headers. It is asked once for each response, the engine's own answers and those
    /// of handlers that failed included.
    pub fn finish_of<H: Headers>(&self, headers: &H) -> Finish {
        let (upkeep, personal) = (self.inner().upkeep(), self.inner().consulted.load(Ordering::Relaxed));
        if upkeep == Upkeep::Nothing && !personal {
            return Finish::default();
        }
        let answer = Answer::read(headers, self.auth().0.sessions.cookie_name());
        let writes = !answer.writes_session && (upkeep == Upkeep::Renewed || !answer.shared);
        let mut cookies = if writes { self.cookies_for(upkeep) } else { Vec::new() };
        if self.is_sign_out_shown() && !answer.shared {
            cookies.push(self.auth().0.landings.clear());
        }
        let forbids = !cookies.is_empty() || (personal && !answer.cache_control);
        let [vary, no_store] = &FIXED;
        let fixed = match (personal, forbids) {
            (true, true) => FIXED.as_slice(),
            (true, false) => std::slice::from_ref(vary),
            (false, true) => std::slice::from_ref(no_store),
            (false, false) => &[],
        };
        // Nearly no response has any of them.
        let removed = if forbids && answer.caching { CACHING.as_slice() } else { &[] };
        Finish { removed, fixed, cookies }
    }

    /// Adds to a response what [`finish_of`](Self::finish_of) says.
    pub fn finish(&self, headers: &mut HeaderMap) {
        let Finish { removed, fixed, cookies } = self.finish_of(headers);
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

    /// The cookies that keep the session alive, or take the remains of one away.
    fn cookies_for(&self, upkeep: Upkeep) -> Vec<HeaderValue> {
        let (inner, sessions) = (self.inner(), &self.auth().0.sessions);
        match upkeep {
            Upkeep::Nothing => Vec::new(),
            Upkeep::Clear => sessions.clear(&inner.cookies),
            Upkeep::Rewrite | Upkeep::Renewed => {
                let entry = inner.entry();
                entry.map_or_else(Vec::new, |entry| {
                    sessions.rewrite(&inner.cookies, &entry.session, inner.now, inner.activity)
                })
            }
        }
    }
}

impl Answer {
    /// Looks at each header once.
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

/// Whether a `Set-Cookie` value sets this cookie.
fn sets(value: &[u8], name: &str) -> bool {
    value.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'='))
}

/// Whether one of the directives lets shared caches keep it.
fn is_shared(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).any(|directive| {
        let (name, _) = directive.split_at_checked(8).unwrap_or((directive, &[]));
        directive.eq_ignore_ascii_case(b"public") || name.eq_ignore_ascii_case(b"s-maxage")
    })
}

#[cfg(test)]
#[path = "finish_tests.rs"]
mod tests;
