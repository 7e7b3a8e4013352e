//! The cookies of a browser, for unit tests.

use std::collections::BTreeMap;

use http::HeaderValue;
use http::header::COOKIE;

use super::RequestCookies;

/// A browser's cookie jar: applies `Set-Cookie`, sends `Cookie`.
#[derive(Clone, Default)]
pub(crate) struct Jar(pub(crate) BTreeMap<String, String>);

impl Jar {
    /// The jar of a browser that has received these `Set-Cookie` values.
    pub(crate) fn with<'a>(set: impl IntoIterator<Item = &'a HeaderValue>) -> Self {
        let mut jar = Self::default();
        jar.take(set);
        jar
    }

    pub(crate) fn take<'a>(&mut self, set: impl IntoIterator<Item = &'a HeaderValue>) {
        for value in set {
            assert!(value.len() <= 4096, "a browser drops a cookie of {} bytes", value.len());
            let (pair, attributes) = value.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.0.remove(name);
            } else {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    pub(crate) fn cookies(&self) -> RequestCookies {
        sent(self.0.iter())
    }
}

/// The cookies of a request with these names and values. Values that no header can carry never reach the server.
pub(crate) fn sent<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> RequestCookies {
    let pairs = pairs.into_iter().map(|(name, value)| format!("{}={}", name.as_ref(), value.as_ref()));
    let header = HeaderValue::from_bytes(pairs.collect::<Vec<_>>().join("; ").as_bytes());
    RequestCookies::new(&header.into_iter().map(|value| (COOKIE, value)).collect::<http::HeaderMap>())
}
