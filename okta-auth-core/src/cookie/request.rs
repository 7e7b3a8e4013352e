//! The cookies of a request: untrusted, bounded, never a reason to fail.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

/// What one browser can reasonably send; the rest is ignored.
const MAX_COOKIES: usize = 200;

/// The cookies of one request, in the order in which they came.
///
/// It keeps the headers and reads them when asked, so that large cookies are not copied.
#[derive(Debug, Default)]
pub(crate) struct RequestCookies {
    /// Nearly always the only one.
    first: Option<HeaderValue>,
    others: Vec<HeaderValue>,
}

impl RequestCookies {
    /// Takes every `Cookie` header (RFC 6265 §5.4; HTTP/2 may split it).
    pub(crate) fn new(headers: &HeaderMap) -> Self {
        let mut all = headers.get_all(COOKIE).iter().cloned();
        Self { first: all.next(), others: all.collect() }
    }

    /// Names and values. Junk is skipped, and takes nothing with it: another application on the
    /// domain may set cookies that are no text.
    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let cookies = self.first.iter().chain(&self.others).flat_map(|header| {
            // Nearly always all of it is text, which is split and checked many bytes at a time.
            let (text, bytes) = match std::str::from_utf8(header.as_bytes()) {
                Ok(text) => (Some(text), None),
                Err(_) => (None, Some(header.as_bytes())),
            };
            let parts = bytes.into_iter().flat_map(|bytes| bytes.split(|byte| *byte == b';'));
            let parts = parts.filter_map(|part| std::str::from_utf8(part).ok());
            text.into_iter().flat_map(|text| text.split(';')).chain(parts)
        });
        cookies.filter_map(pair).take(MAX_COOKIES)
    }

    /// The value of a cookie; of the first one if there are several of that name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The names that begin with `prefix`.
    pub(crate) fn names_with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().map(|(name, _)| name).filter(move |name| name.starts_with(prefix))
    }
}

/// A name and its value, without the space around them (RFC 6265 §5.2, as browsers and the `cookie`
/// crate have it). It has been cut at its semicolons.
fn pair(cookie: &str) -> Option<(&str, &str)> {
    let (name, value) = cookie.split_once('=')?;
    let name = name.trim();
    (!name.is_empty()).then(|| (name, value.trim()))
}

#[cfg(test)]
mod tests {
    use cookie::Cookie;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn several_headers_and_junk() {
        let mut headers = HeaderMap::new();
        for value in ["a=1; b=2", ";;;=; =x; c", "a=3;d=\"4\"", "e=5=6"] {
            headers.append(COOKIE, value.parse().unwrap());
        }
        headers.append(COOKIE, HeaderValue::from_bytes(b"f=\xff; g=7").unwrap());
        headers.append(COOKIE, HeaderValue::from_bytes("h=\u{e9}; i=8".as_bytes()).unwrap());
        let cookies = RequestCookies::new(&headers);
        assert_eq!(cookies.value("a"), Some("1"));
        assert_eq!(cookies.value("b"), Some("2"));
        assert_eq!(cookies.value("e"), Some("5=6"));
        assert_eq!((cookies.value("c"), cookies.value("f"), cookies.value("")), (None, None, None));
        // What is no text, or not ASCII, does not take its neighbours with it.
        assert_eq!((cookies.value("g"), cookies.value("i")), (Some("7"), Some("8")));
    }

    proptest! {
        #[test]
        fn a_pair_is_what_the_cookie_crate_reads(text in "[ \\ta=\"\u{a0}b]{0,8}") {
            let parsed = Cookie::parse(text.as_str()).ok();
            let parsed = parsed.as_ref().map(|cookie| (cookie.name_raw().unwrap(), cookie.value_raw().unwrap()));
            prop_assert_eq!(pair(&text), parsed);
        }
    }

    #[test]
    fn the_number_is_bounded() {
        let value: String = (0..10_000).map(|n| format!("c{n}=1; ")).collect();
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, value.parse().unwrap());
        assert_eq!(RequestCookies::new(&headers).names_with_prefix("c").count(), MAX_COOKIES);
    }
}
