//! The headers of a request, independent of the framework.
//!
//! actix-web uses the types of `http` 0.2, and this crate those of `http` 1. A session cookie has kilobytes, and
//! converting it would copy and validate each byte again. The engine therefore reads headers through a trait, and keeps
//! the few that it needs in the framework's own type.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// The headers of a request in any framework.
pub trait Headers {
    /// The type of a header value.
    type Value: AsRef<[u8]>;

    /// Iterates over all headers, with names in lower case. Values of the same name are in the order of arrival.
    fn each(&self) -> impl Iterator<Item = (&str, &Self::Value)>;

    /// Keeps a value longer than the request lives. No bytes are copied if the framework shares them.
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

/// The head of a request in the framework's types.
pub struct Head<'a, H> {
    /// The method.
    pub method: &'a Method,
    /// The host of the request line, if present: in HTTP/2, or in a request to a proxy (RFC 9112 §3.2).
    pub authority: Option<&'a str>,
    /// Path and query as the client sent them, before a router strips a prefix.
    pub target: &'a str,
    /// The headers.
    pub headers: &'a H,
}

impl<H> Clone for Head<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for Head<'_, H> {}

impl<'a> Head<'a, HeaderMap> {
    /// Creates the head of a request in the types of `http`.
    pub fn of(parts: &'a Parts, target: &'a str) -> Self {
        let authority = parts.uri.authority().map(|authority| authority.as_str());
        Self { method: &parts.method, authority, target, headers: &parts.headers }
    }
}

impl<'a, H: Headers> Head<'a, H> {
    pub(crate) fn path(&self) -> &'a str {
        self.split().map_or(self.target, |(path, _)| path)
    }

    pub(crate) fn query(&self) -> Option<&'a str> {
        self.split().map(|(_, query)| query)
    }

    fn split(&self) -> Option<(&'a str, &'a str)> {
        let (path, rest) = self.target.split_at_checked(memchr::memchr(b'?', self.target.as_bytes())?)?;
        Some((path, rest.get(1..)?))
    }

    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.headers.each().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_ref())
    }

    /// Copies the head, so that it can outlive the request.
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

pub(crate) struct OwnedHead {
    method: Method,
    authority: Option<String>,
    target: String,
    headers: HeaderMap,
}

impl OwnedHead {
    pub(crate) fn head(&self) -> Head<'_, HeaderMap> {
        let (authority, target) = (self.authority.as_deref(), self.target.as_str());
        Head { method: &self.method, authority, target, headers: &self.headers }
    }
}

/// A header value that outlives its request. A client sent it, so it may contain any bytes.
#[derive(Clone)]
pub struct HeaderText(Kept);

#[derive(Clone)]
enum Kept {
    /// In this crate's version of `http`, which needs no extra pointer.
    Value(HeaderValue),
    /// In the type of another framework.
    Other(Arc<dyn AsRef<[u8]> + Send + Sync>),
}

impl HeaderText {
    /// Keeps a framework's value, such as its own type for header values.
    pub fn new(value: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self(Kept::Other(Arc::new(value)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kept::Value(value) => value.as_bytes(),
            Kept::Other(value) => value.as_ref().as_ref(),
        }
    }
}

impl<H> fmt::Debug for Head<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The query may contain a code or a token.
        f.debug_struct("Head").field("method", &self.method).finish_non_exhaustive()
    }
}

impl fmt::Debug for HeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The value may be a session or a token.
        f.write_str("HeaderText(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_values_are_unchanged_and_redacted() {
        let value = HeaderValue::from_bytes(b"a=\xff; secret").unwrap();
        for kept in
            [HeaderMap::keep(&value), HeaderText::new(value.clone()), HeaderText::new(b"a=\xff; secret".to_vec())]
        {
            assert_eq!(kept.clone().as_bytes(), value.as_bytes());
            assert!(!format!("{kept:?}").contains("secret"));
        }
    }
}
