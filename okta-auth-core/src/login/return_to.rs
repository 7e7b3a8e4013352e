//! The page that a browser goes to after sign-in: a path of the application itself, or `/`.
//!
//! Many libraries were open redirectors because they checked one reading of a text, and the browser followed another.
//! Here the `url` crate parses the text once (with the WHATWG algorithm that browsers follow), and the redirect uses
//! the serialized result.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::AppConfig;

/// The longest target, in bytes. A longer one loses its query and its fragment. It would not fit the cookie of a
/// pending login, and the limit bounds the work for a request.
const MAX_BYTES: usize = 8 * 1024;

/// A local absolute path with its query and fragment: `/orders?page=2#total`.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::login::ReturnTo;
///
/// let base = "https://app.example.com".parse().unwrap();
/// assert_eq!(ReturnTo::parse("/orders?page=2#total", &base).as_str(), "/orders?page=2#total");
/// for elsewhere in ["//evil.example", "/\\evil.example", "/.//evil.example", "https://evil.example"] {
///     assert_eq!(ReturnTo::parse(elsewhere, &base).as_str(), "/");
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// Returns the root of the application.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// Returns the start page of the application: the root of the origin, or of the public prefix.
    pub(crate) fn start_page(config: &AppConfig) -> Self {
        match config.routes.prefix.is_empty() {
            true => Self::root(),
            false => Self::parse(&config.routes.home(), &config.base_url),
        }
    }

    /// Parses a target as [`parse`](Self::parse) does. The root and the library's own paths become the [start
    /// page](Self::start_page): a return to `/login` would loop, and the root may belong to another application at this
    /// origin.
    pub(crate) fn within(target: &str, config: &AppConfig) -> Self {
        let (target, routes) = (Self::parse(target, &config.base_url), &config.routes);
        let served = routes.served(target.path());
        // A sign-in in a window ends on the library's page for it.
        let is_ours = routes.own().any(|own| Some(own) == served) && served != routes.popup();
        let is_ours = is_ours || target == Self::root();
        if is_ours { Self::start_page(config) } else { target }
    }

    /// Parses a target from a request. Everything that is not a path on the origin of `base` becomes `/`.
    ///
    /// 1. It begins with a slash: `orders` would depend on the browser's current page.
    /// 2. It has no backslash and no control character: browsers read the first as a slash and drop the others.
    /// 3. Resolved against `base` and serialized as a path, it parses to the same URL again. `//evil.example` and
    ///    `/.//evil.example` do not.
    /// 4. It has at most 8 KiB. A longer target is reduced to its path.
    ///
    /// If the target does not fit into the browser's cookies, a sign-in reduces it to its path, or else to `/`.
    pub fn parse(candidate: &str, base: &Url) -> Self {
        if candidate.len() > MAX_BYTES {
            tracing::info!(target: "okta_auth", "the target of a sign-in is longer than 8 KiB, so its query is dropped");
        }
        let short = if candidate.len() > MAX_BYTES { without_query(candidate) } else { candidate };
        Self::checked(short, base).unwrap_or_else(Self::root)
    }

    /// Applies the four rules; `None` if the target breaks one.
    fn checked(candidate: &str, base: &Url) -> Option<Self> {
        let local = candidate.starts_with('/');
        let plain = !candidate.contains(|c: char| c == '\\' || c.is_control());
        if !local || !plain || candidate.len() > MAX_BYTES {
            return None;
        }
        let url = base.join(candidate).ok()?;
        let mut written = url.path().to_owned();
        for (mark, part) in [('?', url.query()), ('#', url.fragment())] {
            if let Some(part) = part {
                written.push(mark);
                written.push_str(part);
            }
        }
        // `/.//host` is serialized as the path `//host`, which the next parser reads as a host. A path that parses to
        // the same URL the second time is on our origin, because the second parse began there.
        let again = base.join(&written).ok()?;
        let target = Self(written);
        // Percent-encoding may have made it longer.
        let short = if target.0.len() > MAX_BYTES { target.without_query() } else { target };
        (again == url && short.0.len() <= MAX_BYTES).then_some(short)
    }

    /// Returns the target, ready for a `Location` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn path(&self) -> &str {
        without_query(&self.0)
    }

    pub(crate) fn without_query(&self) -> Self {
        Self(self.path().to_owned())
    }
}

impl AsRef<str> for ReturnTo {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn without_query(target: &str) -> &str {
    target.split(['?', '#']).next().unwrap_or(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(candidate: &str) -> String {
        ReturnTo::parse(candidate, &"https://app.example.com".parse().unwrap()).0
    }

    #[test]
    fn targets_other_than_local_absolute_paths_become_the_root() {
        for bad in ["orders", "?a=b", ".", "", "/a\\b", "/a\tb", "/a\nb", "//evil.example/a", "/.//evil.example", "///"]
        {
            assert_eq!(parse(bad), "/", "{bad:?}");
        }
    }

    #[test]
    fn local_paths_survive_with_query_and_fragment() {
        for fine in ["/", "/a/b?c=d&e=//f", "/a//b", "/a%2f%5cb", "/%C3%A9", "/a?b#c", "/#/orders?page=2", "/a?#"] {
            assert_eq!(parse(fine), fine);
        }
        assert_eq!(parse("/a/../b c"), "/b%20c");
        assert_eq!(parse("/a#\u{e9} <"), "/a#%C3%A9%20%3C");
        assert_eq!(parse("/.//evil.example#x"), "/");
    }

    #[test]
    fn a_target_that_is_too_long_becomes_its_path_or_the_root() {
        let long = "a".repeat(MAX_BYTES);
        assert_eq!(parse(&format!("/b?{long}#c")), "/b");
        assert_eq!(parse(&format!("/b#{long}")), "/b");
        assert_eq!(parse(&format!("/{long}")), "/");
        assert_eq!(parse(&format!("//evil.example?{long}")), "/");
        // Each of these characters becomes nine.
        assert_eq!(parse(&format!("/b?{}", "\u{20ac}".repeat(MAX_BYTES / 6))), "/b");
    }
}
