//! Chooses the cookies that a response writes for the session; see [`ResponseHeaderChanges`].

use std::sync::atomic::Ordering;

use http::HeaderValue;

use super::context::{CookieUpdate, RequestContext};
use crate::headers::Headers;
use crate::response::{Dependence, ResponseHeaderChanges, ResponseSummary};

/// Returns the header changes for the session: a rewritten or deleted cookie, and cache
/// headers.
pub(super) fn changes_for<H: Headers>(context: &RequestContext, headers: &H) -> ResponseHeaderChanges {
    let (state, auth) = (context.inner(), context.auth());
    let depends = Dependence {
        on_cookie: state.consulted.load(Ordering::Relaxed),
        on_token: state.token_consulted.load(Ordering::Relaxed),
    };
    let cookie_update = state.cookie_update();
    if cookie_update == CookieUpdate::None && !depends.is_personal() {
        return ResponseHeaderChanges::default();
    }
    let answer = ResponseSummary::read(headers, auth.0.sessions.cookie_name());
    let writes = !answer.writes_session && (cookie_update == CookieUpdate::Replace || !answer.shared);
    let mut cookies = if writes { cookies_for(context, cookie_update) } else { Vec::new() };
    if state.is_sign_out_shown() && !answer.shared {
        cookies.push(auth.0.logout.returns().clear());
    }
    ResponseHeaderChanges::new(cookies, depends, &answer)
}

fn cookies_for(context: &RequestContext, cookie_update: CookieUpdate) -> Vec<HeaderValue> {
    let (state, sessions) = (context.inner(), &context.auth().0.sessions);
    match cookie_update {
        CookieUpdate::None => Vec::new(),
        CookieUpdate::Clear => sessions.clear(&state.cookies, None),
        CookieUpdate::Reseal | CookieUpdate::Replace => {
            let entry = state.entry();
            entry.map_or_else(Vec::new, |entry| {
                sessions.rewrite(&state.cookies, &entry.session, state.now, state.activity)
            })
        }
    }
}

#[cfg(test)]
#[path = "session_headers_tests.rs"]
mod tests;
