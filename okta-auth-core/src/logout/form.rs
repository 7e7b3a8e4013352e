//! Parses forms and media types of logout messages.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use url::form_urlencoded;

use crate::error::{Code, Error, Result};

pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// An error for an unreadable message. `why` must not repeat any part of the message.
pub(super) fn malformed(why: &'static str) -> Error {
    Error::new(Code::LogoutMalformed, why)
}

/// Whether the body has this media type, with any parameters. Exactly one `Content-Type` header is
/// required: with two of them a proxy and this library could read different ones.
pub(super) fn is_media_type(headers: &HeaderMap, expected: &str) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let kind = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(expected.as_bytes())
}

/// Returns the named parameters of a query, a form or both, and ignores others.
///
/// # Errors
/// [`Code::LogoutMalformed`] for a parameter that comes twice, even with the same value: parsers
/// disagree on which one counts (RFC 6749 §3.1).
pub(super) fn parameters<const N: usize>(encoded: &[&[u8]], names: [&str; N]) -> Result<[Option<String>; N]> {
    let mut values = [const { None }; N];
    for (name, value) in encoded.iter().flat_map(|part| form_urlencoded::parse(part)) {
        let slot = names.iter().position(|known| *known == name).and_then(|at| values.get_mut(at));
        if let Some(slot) = slot
            && slot.replace(value.into_owned()).is_some()
        {
            return Err(malformed("a parameter of the logout message comes twice"));
        }
    }
    Ok(values)
}
