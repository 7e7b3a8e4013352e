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
    /// 1. It begins with one slash; a second slash or a backslash after it would name a
    ///    host.
    /// 2. It has no backslash and no control character: browsers read the first as a
    ///    slash and drop the others.
    /// 3. Resolved against `base`, it stays on that origin.
    /// 4. So does the result when it is resolved again, as a browser will do.
    pub fn parse(candidate: &str, base: &Url) -> Self {
        Self::checked(candidate, base).unwrap_or_else(Self::root)
    }

    /// The four rules; `None` for anything that breaks one.
    fn checked(candidate: &str, base: &Url) -> Option<Self> {
        let local = candidate.starts_with('/') && !candidate.starts_with("//");
        let plain = !candidate.contains(|c: char| c == '\\' || c.is_control());
        if !local || !plain || candidate.len() > MAX_BYTES {
            return None;
        }
        let url = base.join(candidate).ok()?;
        let written = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        // `/.//host` is read as the path `//host`, which is a host to whoever reads it
        // next.
        let again = base.join(&written).ok()?;
        let stays = url.origin() == base.origin() && again.origin() == base.origin();
        let same = again.path() == url.path() && again.query() == url.query();
        (stays && same && !written.starts_with("//") && written.len() <= MAX_BYTES).then_some(Self(written))
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
