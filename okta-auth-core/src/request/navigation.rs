//! Detects page navigations of browsers.

use http::Method;

/// The headers that identify the kind of a request, collected in one pass.
///
/// Fetch metadata has precedence over headers of scripts, and those over `Accept`.
///
/// 1. A prefetch or prerender is not a navigation: `Sec-Purpose`, or in older browsers `Purpose`, `X-Purpose` and
///    `X-Moz`.
/// 2. `Sec-Fetch-Mode` is `navigate` only for navigations.
/// 3. `Sec-Fetch-Dest` distinguishes pages from frames, `object` and `embed`; Okta cannot be framed. A page is
///    `document`, or `empty` where a service worker forwards the navigation with `fetch(event.request)`: the copy keeps
///    its mode and loses its destination (Fetch §5.4).
/// 4. `X-Requested-With: XMLHttpRequest` is a script. Android's WebView sends the name of its app in this header with
///    every navigation.
/// 5. A browser that is too old for the headers above requests `text/html`; an API client does not.
#[derive(Default)]
pub(super) struct NavigationHints<'a> {
    mode: Option<&'a [u8]>,
    dest: Option<&'a [u8]>,
    script: Option<&'a [u8]>,
    accepts_html: bool,
    speculative: bool,
}

impl<'a> NavigationHints<'a> {
    /// Records one header. If a header is repeated, its first value counts; for `Accept` and the purpose every value
    /// counts.
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

    pub(super) fn kind(&self) -> RequestKind {
        let silent = text(self.mode).is_none() && text(self.dest).is_none() && !self.is_script();
        match self.is_navigation() {
            true => RequestKind::Navigation,
            false if silent && !self.speculative => RequestKind::Unknown,
            false => RequestKind::Subresource,
        }
    }

    fn is_script(&self) -> bool {
        text(self.script).is_some_and(|by| by.eq_ignore_ascii_case("XMLHttpRequest"))
    }

    fn is_navigation(&self) -> bool {
        let navigates = match (text(self.mode), text(self.dest)) {
            (Some(mode), dest) => mode == "navigate" && dest.is_none_or(|dest| matches!(dest, "document" | "empty")),
            (None, Some(dest)) => dest == "document",
            (None, None) => self.accepts_html && !self.is_script(),
        };
        navigates && !self.speculative
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestKind {
    Navigation,
    /// Not a navigation, according to the browser or a script.
    Subresource,
    /// The headers do not identify the kind.
    Unknown,
}

/// Whether a purpose header announces a prefetch or prerender.
fn is_speculative(purpose: &str) -> bool {
    let purpose = purpose.to_ascii_lowercase();
    ["prefetch", "prerender", "preview"].iter().any(|known| purpose.contains(known))
}

/// A header value as text. A value with other characters than printable ASCII is ignored.
fn text(value: Option<&[u8]>) -> Option<&str> {
    let plain = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
    std::str::from_utf8(value?).ok().filter(|text| text.as_bytes().iter().all(plain))
}

/// Whether `Accept` lists HTML. `*/*` does not count, because every API client sends it.
fn names_html(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let kind = range.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/html") || kind.eq_ignore_ascii_case("application/xhtml+xml")
    })
}

/// Whether a navigation may be redirected to sign-in. A redirect of any method other than GET and HEAD would lose the
/// body, and with it the user's input.
pub(crate) fn may_redirect(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn navigation(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut signs = NavigationHints::default();
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
                // `Accept` is ignored if fetch metadata is present.
                for accept in ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*"] {
                    let headers = [("sec-fetch-mode", mode), ("sec-fetch-dest", dest), ("accept", accept)];
                    assert_eq!(navigation(&headers), page, "{headers:?}");
                }
            }
        }
        assert!(navigation(&[("sec-fetch-mode", "navigate")]), "Chrome 76 to 79 send no destination");
        assert!(!navigation(&[("sec-fetch-mode", "nested-navigate")]), "their frames have a mode of their own");
        assert!(navigation(&[("sec-fetch-dest", "document")]));
    }

    #[test]
    fn prefetches_are_not_navigations() {
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
    fn without_fetch_metadata_a_navigation_accepts_html_and_is_not_xhr() {
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
    fn the_first_of_repeated_headers_counts_and_non_ascii_values_are_ignored() {
        assert!(!navigation(&[("sec-fetch-mode", "cors"), ("sec-fetch-mode", "navigate")]));
        assert!(navigation(&[("sec-fetch-mode", "navigate"), ("sec-fetch-mode", "cors")]));
        assert!(navigation(&[("accept", "application/json"), ("accept", "text/html")]));
        assert!(navigation(&[("sec-fetch-mode", "c\u{f6}rs"), ("accept", "text/html")]));
        assert!(!navigation(&[("accept", "text/html,\u{e9}")]));
    }
}
