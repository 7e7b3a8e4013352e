//! Whether a request is a page navigation of a browser, or anything else.

use http::header::ACCEPT;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// How the browser fetches (Fetch Metadata Request Headers).
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
/// For what it fetches.
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
/// Whether it fetches ahead of need.
const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
/// Set by scripts, by custom.
const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// Decides by what browsers say themselves, then by what scripts say, then by `Accept`.
///
/// 1. `Sec-Purpose: prefetch` is nobody's click.
/// 2. `Sec-Fetch-Mode` tells: `navigate` is a navigation, everything else is not.
/// 3. `Sec-Fetch-Dest` tells frames from pages; Okta refuses to be framed, so only
///    `document` is a page.
/// 4. `X-Requested-With` is how scripts have announced themselves since before there
///    was a standard.
/// 5. A browser too old for the headers above asks for `text/html`; an API client does
///    not.
pub(super) fn is_navigation(headers: &HeaderMap) -> bool {
    let (mut mode, mut dest, mut purpose, mut script, mut accepts_html) = (None, None, None, None, false);
    // All of them in one go: most requests have few headers, and looking for one that is not there costs as much as
    // going through them.
    for (name, value) in headers {
        let first = match name {
            name if *name == ACCEPT => {
                accepts_html = accepts_html || value.to_str().is_ok_and(names_html);
                continue;
            }
            name if *name == SEC_FETCH_MODE => &mut mode,
            name if *name == SEC_FETCH_DEST => &mut dest,
            name if *name == SEC_PURPOSE => &mut purpose,
            name if *name == X_REQUESTED_WITH => &mut script,
            _ => continue,
        };
        first.get_or_insert(value);
    }
    let navigates = match (text(mode), text(dest)) {
        (Some(mode), dest) => mode == "navigate" && dest.is_none_or(|dest| dest == "document"),
        (None, Some(dest)) => dest == "document",
        (None, None) => accepts_html && text(script).is_none(),
    };
    navigates && !text(purpose).is_some_and(|purpose| purpose.contains("prefetch"))
}

/// A value as text.
fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value?.to_str().ok()
}

/// Whether a value of `Accept` names HTML. `*/*` does not: every API client sends it.
fn names_html(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let kind = range.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/html") || kind.eq_ignore_ascii_case("application/xhtml+xml")
    })
}

/// Whether a navigation may be answered with a redirect to sign-in: a redirect of
/// anything but GET and HEAD would lose the body (and with it what the user typed).
pub(super) fn may_redirect(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn navigation(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers: HeaderMap =
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        is_navigation(&headers)
    }

    #[test]
    fn navigations_of_new_and_old_browsers() {
        assert!(navigation(&[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("accept", "*/*")]));
        assert!(navigation(&[("sec-fetch-mode", "navigate")]));
        assert!(navigation(&[("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")]));
        assert!(navigation(&[("accept", "TEXT/HTML")]));
    }

    #[test]
    fn scripts_frames_prefetches_and_api_clients_are_not() {
        assert!(!navigation(&[]));
        assert!(!navigation(&[("accept", "*/*")]));
        assert!(!navigation(&[("accept", "application/json")]));
        assert!(!navigation(&[("sec-fetch-mode", "cors"), ("accept", "text/html")]));
        assert!(!navigation(&[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")]));
        assert!(!navigation(&[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")]));
        assert!(!navigation(&[("accept", "text/html"), ("x-requested-with", "XMLHttpRequest")]));
        assert!(!navigation(&[("sec-purpose", "prefetch"), ("sec-fetch-mode", "navigate")]));
    }
}
