//! Forms and media types of sign-out messages.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use url::form_urlencoded;

use crate::error::{Code, Error, Result};

/// The media type of a form.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// A message that cannot be read. `why` must not repeat any of it.
pub(super) fn malformed(why: &'static str) -> Error {
    Error::new(Code::LogoutMalformed, why)
}

/// Whether the body is of a media type, whatever its parameters. There must be one
/// `Content-Type` and not two: a proxy and this library could each believe another one.
pub(super) fn is_media_type(headers: &HeaderMap, expected: &str) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let kind = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(expected.as_bytes())
}

/// The named parameters of a query, a form or both; others are ignored.
///
/// # Errors
/// [`Code::LogoutMalformed`] for one that comes twice, even with the same value: which
/// of the two counts would be up to each reader (RFC 6749 §3.1).
pub(super) fn parameters<const N: usize>(encoded: &[&[u8]], names: [&str; N]) -> Result<[Option<String>; N]> {
    let mut values = [const { None }; N];
    for (name, value) in encoded.iter().flat_map(|part| form_urlencoded::parse(part)) {
        let slot = names.iter().position(|known| *known == name).and_then(|at| values.get_mut(at));
        if let Some(slot) = slot
            && slot.replace(value.into_owned()).is_some()
        {
            return Err(malformed("a parameter of the sign-out message comes twice"));
        }
    }
    Ok(values)
}
