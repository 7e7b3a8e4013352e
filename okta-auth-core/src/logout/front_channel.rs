//! The request of a front-channel logout (OIDC Front-Channel Logout §2): the provider's
//! sign-out page loads it in a frame.
//!
//! Nothing proves where it comes from, since any page can load it. That makes these the
//! rules:
//!
//! 1. It ends sessions and does nothing else. The answer must not tell whether there
//!    was one.
//! 2. With `iss` and `sid` it ends the session that is known by both. A `sid` is hard
//!    to guess, and it works when the browser keeps cookies out of frames.
//! 3. Without them it can mean no more than the session whose cookie came along. A
//!    cookie with `SameSite=Lax` does not come along in a frame of another site, so
//!    what this ends is at most what a link could end.
//! 4. Another issuer's message is ignored, and answered like any other. Okta may name the
//!    org in place of one of its custom servers.

use http::HeaderMap;
use http::request::Parts;

use super::form::{FORM, is_media_type, malformed, parameters};
use crate::config::Issuer;
use crate::error::Result;
use crate::jose::is_identifier;

/// The largest query and the largest body that are read, in bytes.
const MAX_SIZE: usize = 8 * 1024;

/// Whose session it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The session at the configured issuer, wherever it is.
    Session {
        /// The issuer's name for it.
        sid: String,
    },
    /// The session of the browser that sent this, if it sent its cookie.
    Browser,
}

/// Reads the query, and the form of a POST. The specification has GET alone; Okta
/// documents POST. `None` is a message of another issuer, to be ignored.
///
/// # Errors
/// [`Code::LogoutMalformed`](crate::error::Code::LogoutMalformed) if one of `iss` and
/// `sid` is there without the other, comes twice, or is empty or too large.
pub(crate) fn target(parts: &Parts, body: &[u8], issuer: &Issuer) -> Result<Option<Target>> {
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    if query.len() > MAX_SIZE || body.len() > MAX_SIZE {
        return Err(malformed("the front-channel logout is larger than 8 KiB"));
    }
    match parameters(&[query, form(&parts.headers, body)?], ["iss", "sid"])? {
        [None, None] => Ok(Some(Target::Browser)),
        [Some(iss), Some(sid)] if is_identifier(&sid) && !iss.is_empty() => {
            Ok(issuer.is_named_by(&iss).then_some(Target::Session { sid }))
        }
        [Some(_), Some(_)] => {
            Err(malformed("the `iss` or the `sid` of the front-channel logout is empty or too large"))
        }
        _ => Err(malformed("the front-channel logout has one of `iss` and `sid` without the other")),
    }
}

/// The body as a form; an empty one is of no media type.
fn form<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<&'a [u8]> {
    if body.is_empty() || is_media_type(headers, FORM) {
        return Ok(body);
    }
    Err(malformed("the body of a front-channel logout is a form (application/x-www-form-urlencoded)"))
}
