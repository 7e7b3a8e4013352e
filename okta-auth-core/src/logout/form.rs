//! Parses forms and media types of logout messages.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::error::{Code, Error, Result};
use crate::http::unique_params;

pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// An error for an unreadable message. `why` must not repeat any part of the message.
pub(super) fn malformed(why: &'static str) -> Error {
    Error::new(Code::LogoutMalformed, why)
}

/// Whether the body has this media type, with any parameters. Exactly one `Content-Type` header is required: with two
/// of them a proxy and this library could read different ones.
pub(super) fn is_media_type(headers: &HeaderMap, expected: &str) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let kind = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(expected.as_bytes())
}

/// Returns the named parameters of a query, a form or both, and ignores others.
///
/// # Errors
/// [`Code::LogoutMalformed`] for a parameter that comes twice.
pub(super) fn parameters<const N: usize>(encoded: &[&[u8]], names: [&str; N]) -> Result<[Option<String>; N]> {
    unique_params(encoded, names).ok_or_else(|| malformed("a parameter of the logout message comes twice"))
}
