//! Whether a request is a page navigation of a browser, or anything else.

use http::Method;

/// What a request's headers say of it, collected while they are gone through.
///
/// It decides by what browsers say themselves, then by what scripts say, then by `Accept`.
///
/// 1. A prefetch or prerender is not a navigation: `Sec-Purpose`, or in older browsers
///    `Purpose`, `X-Purpose` and `X-Moz`.
/// 2. `Sec-Fetch-Mode` is `navigate` for navigations alone.
/// 3. `Sec-Fetch-Dest` tells pages from frames, `object` and `embed`; Okta refuses to be
///    framed. A page is `document`, or `empty` where a service worker passes the
///    navigation on with `fetch(event.request)`: the copy keeps its mode and loses its
///    destination (Fetch §5.4).
/// 4. `X-Requested-With: XMLHttpRequest` is a script. Android's WebView sends the name of
///    its app in this header with every navigation.
/// 5. A browser too old for the headers above asks for `text/html`; an API client does
///    not.
#[derive(Default)]
pub(super) struct FetchSigns<'a> {
    mode: Option<&'a [u8]>,
    dest: Option<&'a [u8]>,
    script: Option<&'a [u8]>,
    accepts_html: bool,
    speculative: bool,
}

impl<'a> FetchSigns<'a> {
    /// Takes one header. Of those of one name the first counts, and for `Accept` and the
    /// purpose all.
    pub(super) fn note(&mut self, name: &str, value: &'a [u8]) {
        let first = match name {
            "accept" => {
                self.accepts_html = self.accepts_html || text(Some(value)).is_some_and(names_html);
                return;
            }
            "sec-purpose" | "purpose" | "x-purpose" | "x-moz" => {
                self.speculative = self.speculative || text(Some(value)).is_some_and(is_speculative);
                return;
            }
            "sec-fetch-mode" => &mut self.mode,
            "sec-fetch-dest" => &mut self.dest,
            "x-requested-with" => &mut self.script,
            _ => return,
        };
        first.get_or_insert(value);
    }

    /// What the request is.
    pub(super) fn kind(&self) -> RequestKind {
        let silent = text(self.mode).is_none() && text(self.dest).is_none() && !self.is_script();
        match self.is_navigation() {
            true => RequestKind::Navigation,
            false if silent && !self.speculative => RequestKind::Unknown,
            false => RequestKind::Subresource,
        }
    }

    /// Whether a script has announced itself.
    fn is_script(&self) -> bool {
        text(self.script).is_some_and(|by| by.eq_ignore_ascii_case("XMLHttpRequest"))
    }

    /// Whether it is a page navigation.
    fn is_navigation(&self) -> bool {
        let navigates = match (text(self.mode), text(self.dest)) {
            (Some(mode), dest) => mode == "navigate" && dest.is_none_or(|dest| matches!(dest, "document" | "empty")),
            (None, Some(dest)) => dest == "document",
            (None, None) => self.accepts_html && !self.is_script(),
        };
        navigates && !self.speculative
    }
}

/// What a request is, as its headers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestKind {
    /// A page navigation of a browser.
    Navigation,
    /// The browser or a script says that it is something else.
    Subresource,
    /// Nothing is said.
    Unknown,
}

/// Whether a purpose is to have the page ready before the user wants it.
fn is_speculative(purpose: &str) -> bool {
    let purpose = purpose.to_ascii_lowercase();
    ["prefetch", "prerender", "preview"].iter().any(|known| purpose.contains(known))
}

/// A value as text: what is not plain ASCII counts as not sent.
fn text(value: Option<&[u8]>) -> Option<&str> {
    let plain = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
    std::str::from_utf8(value?).ok().filter(|text| text.as_bytes().iter().all(plain))
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
        let mut signs = FetchSigns::default();
        pairs.iter().for_each(|(name, value)| signs.note(name, value.as_bytes()));
        signs.is_navigation()
    }

    /// Every mode of Fetch §2.2.5 with every destination of §2.2.7 that it can have.
    #[test]
    fn modes_and_destinations_of_the_fetch_specification() {
        const DESTINATIONS: [&str; 24] = [
            "audio",
            "audioworklet",
            "document",
            "embed",
            "empty",
            "font",
            "frame",
            "iframe",
            "image",
            "json",
            "manifest",
            "object",
            "paintworklet",
            "report",
            "script",
            "serviceworker",
            "sharedworker",
            "style",
            "text",
            "track",
            "video",
            "webidentity",
            "worker",
            "xslt",
        ];
        for mode in ["cors", "navigate", "no-cors", "same-origin", "websocket", "nested-navigate"] {
            for dest in DESTINATIONS {
                let page = mode == "navigate" && matches!(dest, "document" | "empty");
                // What a page accepts proves nothing where the browser says more.
                for accept in ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*"] {
                    let headers = [("sec-fetch-mode", mode), ("sec-fetch-dest", dest), ("accept", accept)];
                    assert_eq!(navigation(&headers), page, "{headers:?}");
                }
            }
        }
        assert!(navigation(&[("sec-fetch-mode", "navigate")]), "Chrome 76 to 79 name no destination");
        assert!(!navigation(&[("sec-fetch-mode", "nested-navigate")]), "and their frames have a mode");
        assert!(navigation(&[("sec-fetch-dest", "document")]));
    }

    #[test]
    fn what_is_loaded_ahead_is_no_navigation() {
        for (name, value) in [
            ("sec-purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("sec-purpose", "prefetch;anonymous-client-ip"),
            ("purpose", "prefetch"),
            ("x-purpose", "preview"),
            ("x-moz", "prefetch"),
        ] {
            for page in [("sec-fetch-mode", "navigate"), ("accept", "text/html")] {
                assert!(navigation(&[page]) && !navigation(&[page, (name, value)]), "{page:?} {name}: {value}");
            }
        }
    }

    #[test]
    fn without_fetch_metadata_a_page_accepts_html_and_is_not_asked_for_by_a_script() {
        for accept in ["text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "TEXT/HTML", "application/xhtml+xml"] {
            assert!(navigation(&[("accept", accept)]), "{accept}");
            for app in ["com.example.app", "org.chromium.webview_shell", ""] {
                assert!(navigation(&[("accept", accept), ("x-requested-with", app)]), "a WebView: {app}");
            }
            for script in ["XMLHttpRequest", "xmlhttprequest"] {
                assert!(!navigation(&[("accept", accept), ("x-requested-with", script)]), "{script}");
            }
        }
        for accept in ["*/*", "application/json", "image/avif,image/webp,*/*;q=0.8", "text/css,*/*;q=0.1", ""] {
            assert!(!navigation(&[("accept", accept)]), "{accept}");
        }
        assert!(!navigation(&[]));
    }

    #[test]
    fn of_several_headers_the_first_counts_and_what_is_no_text_counts_as_not_sent() {
        assert!(!navigation(&[("sec-fetch-mode", "cors"), ("sec-fetch-mode", "navigate")]));
        assert!(navigation(&[("sec-fetch-mode", "navigate"), ("sec-fetch-mode", "cors")]));
        assert!(navigation(&[("accept", "application/json"), ("accept", "text/html")]));
        assert!(navigation(&[("sec-fetch-mode", "c\u{f6}rs"), ("accept", "text/html")]));
        assert!(!navigation(&[("accept", "text/html,\u{e9}")]));
    }
}
