//! Where a browser goes after sign-in: a path of the application itself, or `/`.
//!
//! Many libraries were open redirectors because they checked one reading of a text and
//! let the browser follow another. Here the text is read once, by the `url` crate (the
//! WHATWG algorithm that browsers follow), and what is sent is that reading written out
//! again.

use serde::{Deserialize, Serialize};
use url::Url;

/// Longer targets are cut to `/`: they would not fit the cookie of the pending sign-in.
const MAX_BYTES: usize = 2048;

/// A local absolute path with its query: `/orders?page=2`.
///
/// ```
/// use okta_auth_core::login::ReturnTo;
///
/// let base = "https://app.example.com".parse().unwrap();
/// assert_eq!(ReturnTo::parse("/orders?page=2", &base).as_str(), "/orders?page=2");
/// for elsewhere in ["//evil.example", "/\\evil.example", "/.//evil.example", "https://evil.example"] {
///     assert_eq!(ReturnTo::parse(elsewhere, &base).as_str(), "/");
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// The root of the application.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// Takes a target from a request. Everything that is not a path on the origin of
    /// `base` becomes `/`.
    ///
    /// 1. It begins with a slash: `orders` would depend on where the browser is.
    /// 2. It has no backslash and no control character: browsers read the first as a
    ///    slash and drop the others.
    /// 3. Resolved against `base` and written out as a path, it is read as the same URL
    ///    again. `//evil.example` and `/.//evil.example` are not.
    /// 4. It is short enough for a cookie. A fragment is dropped: browsers do not send
    ///    it.
    pub fn parse(candidate: &str, base: &Url) -> Self {
        Self::checked(candidate, base).unwrap_or_else(Self::root)
    }

    /// The four rules; `None` for anything that breaks one.
    fn checked(candidate: &str, base: &Url) -> Option<Self> {
        let local = candidate.starts_with('/');
        let plain = !candidate.contains(|c: char| c == '\\' || c.is_control());
        if !local || !plain || candidate.len() > MAX_BYTES {
            return None;
        }
        let mut url = base.join(candidate).ok()?;
        url.set_fragment(None);
        let written = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        // `/.//host` is read as the path `//host`, which is a host to whoever reads it
        // next. A path that reads the same the second time is on our origin, because the
        // second reading began there.
        let again = base.join(&written).ok()?;
        (again == url && written.len() <= MAX_BYTES).then_some(Self(written))
    }

    /// The target, fit for a `Location` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without the query.
    pub(crate) fn path(&self) -> &str {
        self.0.split('?').next().unwrap_or("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(candidate: &str) -> String {
        ReturnTo::parse(candidate, &"https://app.example.com".parse().unwrap()).0
    }

    #[test]
    fn what_is_no_local_absolute_path_is_the_root() {
        for bad in ["orders", "?a=b", ".", "", "/a\\b", "/a\tb", "/a\nb", "//evil.example/a", "/.//evil.example", "///"]
        {
            assert_eq!(parse(bad), "/", "{bad:?}");
        }
    }

    #[test]
    fn local_paths_survive_without_their_fragment() {
        for fine in ["/", "/a/b?c=d&e=//f", "/a//b", "/a%2f%5cb", "/%C3%A9"] {
            assert_eq!(parse(fine), fine);
        }
        assert_eq!(parse("/a?b#c"), "/a?b");
        assert_eq!(parse("/a/../b c"), "/b%20c");
        assert_eq!(parse(&format!("/{}", "a".repeat(MAX_BYTES))), "/");
    }
}
