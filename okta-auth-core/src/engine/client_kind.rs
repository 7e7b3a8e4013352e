//! Whether a request is a page navigation of a browser, or anything else.

use http::Method;

/// What a request's headers say of it, collected while they are gone through.
///
/// It decides by what browsers say themselves, then by what scripts say, then by `Accept`.
///
/// 1. `Sec-Purpose: prefetch` is nobody's click.
/// 2. `Sec-Fetch-Mode` tells: `navigate` is a navigation, everything else is not.
/// 3. `Sec-Fetch-Dest` tells frames from pages; Okta refuses to be framed, so only
///    `document` is a page.
/// 4. `X-Requested-With` is how scripts have announced themselves since before there
///    was a standard.
/// 5. A browser too old for the headers above asks for `text/html`; an API client does
///    not.
#[derive(Default)]
pub(super) struct FetchSigns<'a> {
    mode: Option<&'a [u8]>,
    dest: Option<&'a [u8]>,
    purpose: Option<&'a [u8]>,
    script: Option<&'a [u8]>,
    accepts_html: bool,
}

impl<'a> FetchSigns<'a> {
    /// Takes one header. Of those of one name the first counts, and for `Accept` all.
    pub(super) fn note(&mut self, name: &str, value: &'a [u8]) {
        let first = match name {
            "accept" => {
                self.accepts_html = self.accepts_html || text(Some(value)).is_some_and(names_html);
                return;
            }
            "sec-fetch-mode" => &mut self.mode,
            "sec-fetch-dest" => &mut self.dest,
            "sec-purpose" => &mut self.purpose,
            "x-requested-with" => &mut self.script,
            _ => return,
        };
        first.get_or_insert(value);
    }

    /// Whether it is a page navigation.
    pub(super) fn is_navigation(&self) -> bool {
        let navigates = match (text(self.mode), text(self.dest)) {
            (Some(mode), dest) => mode == "navigate" && dest.is_none_or(|dest| dest == "document"),
            (None, Some(dest)) => dest == "document",
            (None, None) => self.accepts_html && text(self.script).is_none(),
        };
        navigates && !text(self.purpose).is_some_and(|purpose| purpose.contains("prefetch"))
    }
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

    #[test]
    fn of_several_headers_the_first_counts_and_what_is_no_text_counts_as_not_sent() {
        assert!(!navigation(&[("sec-fetch-mode", "cors"), ("sec-fetch-mode", "navigate")]));
        assert!(navigation(&[("sec-fetch-mode", "navigate"), ("sec-fetch-mode", "cors")]));
        assert!(navigation(&[("accept", "application/json"), ("accept", "text/html")]));
        assert!(navigation(&[("sec-fetch-mode", "c\u{f6}rs"), ("accept", "text/html")]));
        assert!(!navigation(&[("accept", "text/html,\u{e9}")]));
    }
}
