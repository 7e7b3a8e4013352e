//! The request of a back-channel logout (OIDC Back-Channel Logout §2.5): a form with
//! one token, sent by the provider and not by a browser.

use http::HeaderMap;

use super::form::{FORM, is_media_type, malformed, parameters};
use crate::error::Result;

/// The largest body that is read, in bytes: a token of the largest size, and room for
/// what else a provider may send.
const MAX_BODY: usize = 40 * 1024;

/// Reads the logout token, which nothing is known of yet.
///
/// # Errors
/// [`Code::LogoutMalformed`](crate::error::Code::LogoutMalformed) if it is no form, or
/// has not exactly one `logout_token`.
pub(crate) fn logout_token(headers: &HeaderMap, body: &[u8]) -> Result<String> {
    if !is_media_type(headers, FORM) {
        return Err(malformed("a back-channel logout is a form (application/x-www-form-urlencoded)"));
    }
    if body.len() > MAX_BODY {
        return Err(malformed("the back-channel logout is larger than 40 KiB"));
    }
    let [token] = parameters(&[body], ["logout_token"])?;
    token.filter(|token| !token.is_empty()).ok_or_else(|| malformed("the back-channel logout has no `logout_token`"))
}
