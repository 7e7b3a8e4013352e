//! The cookies of a request: untrusted, bounded, never a reason to fail.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

/// What one browser can reasonably send; the rest is ignored.
const MAX_COOKIES: usize = 200;

/// The cookies of one request, in the order in which they came.
///
/// It keeps the headers and reads them when asked, so that large cookies are not copied.
#[derive(Debug, Default)]
pub(crate) struct RequestCookies(Vec<HeaderValue>);

impl RequestCookies {
    /// Takes every `Cookie` header (RFC 6265 §5.4; HTTP/2 may split it).
    pub(crate) fn new(headers: &HeaderMap) -> Self {
        Self(headers.get_all(COOKIE).iter().cloned().collect())
    }

    /// Names and values. Junk is skipped.
    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let texts = self.0.iter().filter_map(|value| value.to_str().ok());
        let cookies = texts.flat_map(cookie::Cookie::split_parse).filter_map(Result::ok);
        cookies.take(MAX_COOKIES).filter_map(|cookie| Some((cookie.name_raw()?, cookie.value_raw()?)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_headers_and_junk() {
        let mut headers = HeaderMap::new();
        for value in ["a=1; b=2", ";;;=; =x; c", "a=3;d=\"4\"", "e=5=6"] {
            headers.append(COOKIE, value.parse().unwrap());
        }
        headers.append(COOKIE, HeaderValue::from_bytes(b"f=\xff").unwrap());
        let cookies = RequestCookies::new(&headers);
        assert_eq!(cookies.value("a"), Some("1"));
        assert_eq!(cookies.value("b"), Some("2"));
        assert_eq!(cookies.value("e"), Some("5=6"));
        assert_eq!((cookies.value("c"), cookies.value("f"), cookies.value("")), (None, None, None));
    }

    #[test]
    fn the_number_is_bounded() {
        let value: String = (0..10_000).map(|n| format!("c{n}=1; ")).collect();
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, value.parse().unwrap());
        assert_eq!(RequestCookies::new(&headers).names_with_prefix("c").count(), MAX_COOKIES);
    }
}
