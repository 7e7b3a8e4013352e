//! Whether a request is a page navigation of a browser, or anything else.

use http::header::ACCEPT;
use http::{HeaderMap, HeaderName, Method};

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
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let navigates = match (text(SEC_FETCH_MODE), text(SEC_FETCH_DEST)) {
        (Some(mode), dest) => mode == "navigate" && dest.is_none_or(|dest| dest == "document"),
        (None, Some(dest)) => dest == "document",
        (None, None) => accepts_html(headers) && text(X_REQUESTED_WITH).is_none(),
    };
    // The first rule is asked last, and only where it can change the answer: API clients are spared it.
    navigates && !text(SEC_PURPOSE).is_some_and(|purpose| purpose.contains("prefetch"))
}

/// Whether `Accept` names HTML. `*/*` does not: every API client sends it.
fn accepts_html(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|range| {
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
