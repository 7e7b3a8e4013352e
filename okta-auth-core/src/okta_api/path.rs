//! Paths below `/api/v1` from segments that may be user input.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::error::{Code, Error, Result};

/// What every API of the org begins with.
pub(super) const PREFIX: &str = "/api/v1/";

/// Everything but the unreserved characters (RFC 3986 §2.3). Servers in Java treat a `;` in a path as the end of a
/// segment, so `..;` must not stay as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns the URL of a resource.
///
/// # Errors
/// [`Code::ConfigInvalid`] if a segment is empty, `.` or `..`, or contains a slash, a backslash or a control character.
/// A proxy may decode an escaped slash, and no id has one.
pub(super) fn resource<S: AsRef<str>>(base: &Url, segments: impl IntoIterator<Item = S>) -> Result<Url> {
    let mut path = PREFIX.trim_end_matches('/').to_owned();
    for segment in segments {
        let segment = segment.as_ref();
        let is_wrong = |c: char| matches!(c, '/' | '\\') || c.is_control();
        if matches!(segment, "" | "." | "..") || segment.contains(is_wrong) {
            let message = "a segment of a path of Okta's API is empty, `.` or `..`, or contains a slash or a control \
                           character; pass each segment as an item of its own, and find a user whose login has a slash \
                           by id";
            return Err(Error::new(Code::ConfigInvalid, message));
        }
        path.push('/');
        path.extend(utf8_percent_encode(segment, ESCAPED));
    }
    let mut url = base.clone();
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(segments: &[&str]) -> Result<String> {
        let base = Url::parse("https://acme.okta.com/api/v1/").unwrap();
        resource(&base, segments).map(|url| {
            assert_eq!(url.origin(), base.origin());
            url.path().to_owned()
        })
    }

    #[test]
    fn a_segment_is_data() {
        for (segment, escaped) in [
            ("00u1", "00u1"),
            ("ada@example.com", "ada%40example.com"),
            ("a b?c#d", "a%20b%3Fc%23d"),
            ("%2e%2e", "%252e%252e"),
            ("..%2f", "..%252f"),
            ("..;x", "..%3Bx"),
            ("...", "..."),
            (".x", ".x"),
            ("\u{ff0e}\u{ff0e}", "%EF%BC%8E%EF%BC%8E"),
            ("//evil.example".trim_start_matches('/'), "evil.example"),
            ("https:evil.example", "https%3Aevil.example"),
        ] {
            assert_eq!(path(&["users", segment, "groups"]).unwrap(), format!("/api/v1/users/{escaped}/groups"));
        }
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        for wrong in ["", ".", "..", "a/b", "../groups", "..\\groups", "/", "\\", "a\nb", "a\tb", "\0"] {
            let error = path(&["users", wrong]).unwrap_err();
            assert_eq!(error.code(), Code::ConfigInvalid, "{wrong:?}");
        }
    }
}
