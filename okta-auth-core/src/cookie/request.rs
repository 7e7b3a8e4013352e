//! The cookies of a request: untrusted, bounded, and never a cause of errors.

use crate::headers::{HeaderText, Headers};

/// The maximum number of cookies that are read; the rest is ignored.
const MAX_COOKIES: usize = 200;

/// The cookies of one request, in the order in which they came.
///
/// It stores the headers and parses them on demand, so that large cookies are not copied.
#[derive(Debug, Default)]
pub(crate) struct RequestCookies {
    /// Usually the only header.
    first: Option<HeaderText>,
    others: Vec<HeaderText>,
}

impl RequestCookies {
    /// Takes every `Cookie` header (RFC 6265 §5.4; HTTP/2 may split it).
    pub(crate) fn new<H: Headers>(headers: &H) -> Self {
        let mut cookies = Self::default();
        // Iterating over all headers costs less than a hash lookup.
        headers.each().filter(|(name, _)| *name == "cookie").for_each(|(_, value)| cookies.note(H::keep(value)));
        cookies
    }

    pub(crate) fn note(&mut self, header: HeaderText) {
        match self.first {
            None => self.first = Some(header),
            Some(_) => self.others.push(header),
        }
    }

    /// Names and values. Malformed cookies are skipped, and do not affect others: another application on the domain may
    /// set cookies that are not UTF-8.
    fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.iter_from(self.first.as_ref().map(HeaderText::as_bytes))
    }

    /// The same, with only this end of the first header.
    fn iter_from<'a>(&'a self, first: Option<&'a [u8]>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let headers = first.into_iter().chain(self.others.iter().map(HeaderText::as_bytes));
        headers.flat_map(pieces).filter_map(pair).take(MAX_COOKIES)
    }

    /// The values of the cookies of one name, if they are ASCII. Ours are always ASCII, and for kilobytes that check is
    /// much faster than a check for UTF-8.
    ///
    /// A browser sends several of one name if they were set for different paths, the most specific path first (RFC 6265
    /// §5.4).
    pub(crate) fn values<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.unchecked_values(name).filter(|value| value.is_ascii())
    }

    /// The values of this name as they came. Kilobytes of a session are not worth a check for ASCII, because decoding
    /// them makes it anyway.
    pub(crate) fn unchecked_values<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        let (leading, rest) = self.leading(name);
        let named = self.iter_from(rest).filter(move |(known, _)| *known == name.as_bytes());
        leading.into_iter().chain(named.map(|(_, value)| value)).take(MAX_COOKIES)
    }

    pub(crate) fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let named = self.iter().filter(move |(name, _)| name.starts_with(prefix.as_bytes()));
        named.filter_map(|(name, value)| Some((std::str::from_utf8(name).ok()?, value)))
    }

    /// The value of the only cookie of the request, if it has this name.
    pub(crate) fn only(&self, name: &str) -> Option<&[u8]> {
        let (leading, rest) = self.leading(name);
        leading.filter(|_| rest.is_none() && self.others.is_empty())
    }

    /// The value of the first cookie if it has this name, and the rest of its header. A session's cookie has kilobytes,
    /// and this searches them once.
    fn leading(&self, name: &str) -> (Option<&[u8]>, Option<&[u8]>) {
        let header = self.first.as_ref().map(HeaderText::as_bytes);
        let value = header.and_then(|header| header.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        let Some(value) = value else { return (None, header) };
        let (value, rest) = split_piece(value);
        (Some(value.trim_ascii()), rest)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The unchecked value of the first cookie of this name.
    pub(crate) fn first(&self, name: &str) -> Option<&[u8]> {
        self.unchecked_values(name).next()
    }

    pub(crate) fn names_with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.with_prefix(prefix).map(|(name, _)| name)
    }
}

/// Splits a header at its semicolons.
fn pieces(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(header);
    std::iter::from_fn(move || {
        let (piece, after) = split_piece(rest?);
        rest = after;
        Some(piece)
    })
}

/// Splits at the first semicolon. A session's cookie has kilobytes, so `memchr` searches many bytes at a time.
fn split_piece(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    let cut = memchr::memchr(b';', bytes).and_then(|at| bytes.split_at_checked(at));
    cut.map_or((bytes, None), |(piece, after)| (piece, after.get(1..)))
}

/// Splits a cookie into name and value, and trims both (RFC 6265 §5.2, as browsers and the `cookie` crate do).
fn pair(cookie: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = cookie.split_at_checked(memchr::memchr(b'=', cookie)?)?;
    let (name, value) = (name.trim_ascii(), value.get(1..)?.trim_ascii());
    (!name.is_empty()).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use cookie::Cookie;
    use http::header::COOKIE;
    use http::{HeaderMap, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_several_headers_and_skips_malformed_cookies() {
        let mut headers = HeaderMap::new();
        for value in ["a=1; b=2", ";;;=; =x; c", "a=3;d=\"4\"", "e=5=6"] {
            headers.append(COOKIE, value.parse().unwrap());
        }
        headers.append(COOKIE, HeaderValue::from_bytes(b"f=\xff; g=7").unwrap());
        headers.append(COOKIE, HeaderValue::from_bytes("h=\u{e9}; i=8; j=\u{e9}; j=9".as_bytes()).unwrap());
        let cookies = RequestCookies::new(&headers);
        let value = |name: &str| cookies.values(name).next().map(|value| std::str::from_utf8(value).unwrap());
        assert_eq!(value("a"), Some("1"));
        assert_eq!(value("b"), Some("2"));
        assert_eq!(value("e"), Some("5=6"));
        assert_eq!((value("c"), value("f"), value("h"), value("")), (None, None, None, None));
        // A cookie that is not UTF-8 or not ASCII does not affect its neighbours, nor a good one of
        // the same name.
        assert_eq!((value("g"), value("i"), value("j")), (Some("7"), Some("8"), Some("9")));
    }

    proptest! {
        #[test]
        fn pairs_are_the_same_as_those_of_the_cookie_crate(text in "[ \\ta=\";é]{0,24}") {
            let mut headers = HeaderMap::new();
            headers.append(COOKIE, HeaderValue::from_bytes(text.as_bytes()).unwrap());
            let parsed: Vec<_> = text.split(';').filter_map(|piece| Cookie::parse(piece).ok()).collect();
            let pair = |cookie: &Cookie<'_>| (cookie.name().as_bytes().to_vec(), cookie.value().as_bytes().to_vec());
            let expected: Vec<_> = parsed.iter().map(pair).collect();
            let cookies = RequestCookies::new(&headers);
            let read: Vec<_> = cookies.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn values_are_those_of_the_pairs_with_the_name(texts in prop::collection::vec("(ab? ?=)?[ a=;é]{0,6}(;b?a=c)?", 0..3)) {
            let mut headers = HeaderMap::new();
            for text in &texts {
                headers.append(COOKIE, HeaderValue::from_bytes(text.as_bytes()).unwrap());
            }
            let cookies = RequestCookies::new(&headers);
            for name in ["a", "ab"] {
                let expected: Vec<_> = cookies.iter().filter(|(known, _)| *known == name.as_bytes()).collect();
                let expected: Vec<_> = expected.into_iter().map(|(_, value)| value).collect();
                prop_assert_eq!(cookies.unchecked_values(name).collect::<Vec<_>>(), expected);
            }
        }
    }

    #[test]
    fn a_cookie_is_the_only_one_if_the_request_has_no_other() {
        let only = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(COOKIE, value.parse().unwrap());
            }
            RequestCookies::new(&headers).only("session").map(<[u8]>::to_vec)
        };
        assert_eq!(only(&["session=1.abc"]), Some(b"1.abc".to_vec()));
        assert_eq!(only(&["session=1.abc "]), Some(b"1.abc".to_vec()));
        for others in [
            &["session=1.abc; session.1=stale"][..],
            &["session=1.abc", "session.1=stale"],
            &["session.1=stale"],
            &["sessions=1.abc"],
            &["session"],
            &[],
        ] {
            assert_eq!(only(others), None, "{others:?}");
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
