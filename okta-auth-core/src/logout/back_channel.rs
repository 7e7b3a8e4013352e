//! The request of a back-channel logout (OIDC Back-Channel Logout §2.5): a form with one token that the provider sends
//! directly, without a browser.

use http::HeaderMap;

use super::form::{FORM, is_media_type, malformed, parameters};
use crate::error::Result;

/// The largest accepted body, in bytes: a token of the largest size, and some more parameters.
const MAX_BODY: usize = 40 * 1024;

/// Reads the logout token, without verifying it.
///
/// # Errors
/// [`Code::LogoutMalformed`](crate::error::Code::LogoutMalformed) if the body is not a form, or does not have exactly
/// one `logout_token`.
pub(crate) fn logout_token(headers: &HeaderMap, body: &[u8]) -> Result<String> {
    if !is_media_type(headers, FORM) {
        return Err(malformed("a back-channel logout must be a form (application/x-www-form-urlencoded)"));
    }
    if body.len() > MAX_BODY {
        return Err(malformed("the back-channel logout is larger than 40 KiB"));
    }
    let [token] = parameters(&[body], ["logout_token"])?;
    token.filter(|token| !token.is_empty()).ok_or_else(|| malformed("the back-channel logout has no `logout_token`"))
}
