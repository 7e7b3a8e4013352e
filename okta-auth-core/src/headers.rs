//! The headers of a request, whatever framework they come in.
//!
//! actix-web has the types of `http` 0.2 and this crate those of `http` 1. A session's
//! cookie has kilobytes: to make one of the other it would be copied, and each of its
//! bytes looked at once more. So the engine reads headers through a trait, and keeps
//! the few that it needs as the framework has them.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// The headers of a request, of any framework.
pub trait Headers {
    /// The value of one.
    type Value: AsRef<[u8]>;

    /// All of them with their names in lower case. Those of one name are in the order
    /// in which they came.
    fn each(&self) -> impl Iterator<Item = (&str, &Self::Value)>;

    /// A value for longer than the request's headers are there. Where the framework
    /// shares its bytes this copies none.
    fn keep(value: &Self::Value) -> HeaderText;
}

impl Headers for HeaderMap {
    type Value = HeaderValue;

    fn each(&self) -> impl Iterator<Item = (&str, &HeaderValue)> {
        self.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn keep(value: &HeaderValue) -> HeaderText {
        HeaderText(Kept::Value(value.clone()))
    }
}

/// A request as its framework has it.
pub struct Head<'a, H> {
    /// Its method.
    pub method: &'a Method,
    /// The host of the request line, if there is one: of HTTP/2, or of a request to a
    /// proxy (RFC 9112 §3.2).
    pub authority: Option<&'a str>,
    /// Path and query as the client sent them, before any router took a prefix away.
    pub target: &'a str,
    /// Its headers.
    pub headers: &'a H,
}

impl<H> Clone for Head<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for Head<'_, H> {}

impl<'a> Head<'a, HeaderMap> {
    /// Of a request in the types of `http`.
    pub fn of(parts: &'a Parts, target: &'a str) -> Self {
        let authority = parts.uri.authority().map(|authority| authority.as_str());
        Self { method: &parts.method, authority, target, headers: &parts.headers }
    }
}

impl<'a, H: Headers> Head<'a, H> {
    /// The path.
    pub(crate) fn path(&self) -> &'a str {
        self.split().map_or(self.target, |(path, _)| path)
    }

    /// The query, without the `?`.
    pub(crate) fn query(&self) -> Option<&'a str> {
        self.split().map(|(_, query)| query)
    }

    /// Path and query.
    fn split(&self) -> Option<(&'a str, &'a str)> {
        let (path, rest) = self.target.split_at_checked(memchr::memchr(b'?', self.target.as_bytes())?)?;
        Some((path, rest.get(1..)?))
    }

    /// The values of a header.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.headers.each().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_ref())
    }

    /// The same for longer than the request is there.
    pub(crate) fn to_owned(self) -> OwnedHead {
        let header = |(name, value): (&str, &H::Value)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value.as_ref()).ok()?))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers.each().filter_map(header) {
            headers.append(name, value);
        }
        let authority = self.authority.map(str::to_owned);
        OwnedHead { method: self.method.clone(), authority, target: self.target.to_owned(), headers }
    }
}

/// A [`Head`] that has been kept.
pub(crate) struct OwnedHead {
    method: Method,
    authority: Option<String>,
    target: String,
    headers: HeaderMap,
}

impl OwnedHead {
    /// What was kept.
    pub(crate) fn head(&self) -> Head<'_, HeaderMap> {
        let (authority, target) = (self.authority.as_deref(), self.target.as_str());
        Head { method: &self.method, authority, target, headers: &self.headers }
    }
}

/// The value of a header, kept. It is what a client sent and may be any bytes.
#[derive(Clone)]
pub struct HeaderText(Kept);

/// As it came.
#[derive(Clone)]
enum Kept {
    /// In our own version of `http`: no need for a pointer more.
    Value(HeaderValue),
    /// In any other type.
    Other(Arc<dyn AsRef<[u8]> + Send + Sync>),
}

impl HeaderText {
    /// Keeps what a framework has, such as its own type for the value of a header.
    pub fn new(value: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self(Kept::Other(Arc::new(value)))
    }

    /// What the client sent.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kept::Value(value) => value.as_bytes(),
            Kept::Other(value) => value.as_ref().as_ref(),
        }
    }
}

impl<H> fmt::Debug for Head<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A code or a token may be in the query.
        f.debug_struct("Head").field("method", &self.method).finish_non_exhaustive()
    }
}

impl fmt::Debug for HeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It may be a session or a token.
        f.write_str("HeaderText(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_came_and_is_not_shown() {
        let value = HeaderValue::from_bytes(b"a=\xff; secret").unwrap();
        for kept in
            [HeaderMap::keep(&value), HeaderText::new(value.clone()), HeaderText::new(b"a=\xff; secret".to_vec())]
        {
            assert_eq!(kept.clone().as_bytes(), value.as_bytes());
            assert!(!format!("{kept:?}").contains("secret"));
        }
    }
}
