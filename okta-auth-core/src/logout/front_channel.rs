//! The request of a front-channel logout (OIDC Front-Channel Logout §2), which the provider's logout page loads in a
//! frame.
//!
//! Any page can load it, so the request proves nothing. Therefore these rules apply:
//!
//! 1. It only ends sessions. The response does not reveal whether there was a session.
//! 2. `iss` and `sid` are required. They end the session with both values. A `sid` is hard to guess, and it works when
//!    the browser sends no cookies from frames.
//! 3. The bare form, without both, is accepted only if `ConfigBuilder::front_channel_session_required` is off. It ends
//!    the session whose cookie came along, and only for the navigation of an `iframe` without a foreign `Origin`: an
//!    image, a script, a `fetch` or a link on another page ends nothing. A frame on the provider's page sends
//!    `Sec-Fetch-Site: cross-site` or `same-site`, so that header is not checked; a `SameSite=Lax` cookie reaches a
//!    same-site frame only.
//! 4. A message of another issuer is ignored, and answered like any other. Okta may name the org in place of one of its
//!    custom servers.

use http::HeaderMap;
use http::header::ORIGIN;
use http::request::Parts;
use url::Url;

use super::form::{FORM, is_media_type, malformed, parameters};
use crate::config::{Config, Issuer};
use crate::error::Result;
use crate::jose::is_sid;

/// The largest accepted query and the largest accepted body, in bytes.
const MAX_SIZE: usize = 8 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The session with this `sid` at the configured issuer, in any browser.
    Session { sid: String },
    /// The session of the browser that sent the request, if it sent the session's cookie.
    Browser,
}

/// Reads the query, and the form of a POST. The specification has only GET; Okta documents POST. Returns `None` for a
/// request that must be ignored: a message of another issuer, or the bare form outside a frame.
///
/// # Errors
/// [`Code::LogoutMalformed`](crate::error::Code::LogoutMalformed) if `iss` and `sid` are required and missing, or if
/// one of them comes alone, comes twice, or is empty or too large.
pub(crate) fn target(parts: &Parts, body: &[u8], config: &Config) -> Result<Option<Target>> {
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    if query.len() > MAX_SIZE || body.len() > MAX_SIZE {
        return Err(malformed("the front-channel logout is larger than 8 KiB"));
    }
    match parameters(&[query, form(&parts.headers, body)?], ["iss", "sid"])? {
        [None, None] if config.app.options.front_channel_session_required => Err(malformed(
            "the front-channel logout has no `iss` and `sid`; set frontchannel_logout_session_required for this \
             client at the provider",
        )),
        [None, None] => Ok(is_own_frame(&parts.headers, config).then_some(Target::Browser)),
        [Some(iss), Some(sid)] if is_sid(&sid) && !iss.is_empty() => {
            Ok(config.issuer.is_named_by(&iss).then_some(Target::Session { sid }))
        }
        [Some(_), Some(_)] => {
            Err(malformed("the `iss` or the `sid` of the front-channel logout is empty or too large"))
        }
        _ => Err(malformed("the front-channel logout has one of `iss` and `sid` without the other")),
    }
}

/// Whether a request is the navigation of an `iframe`, and names no other origin than the issuer's or the application's
/// own.
fn is_own_frame(headers: &HeaderMap, config: &Config) -> bool {
    let only = |name: &str, expected: &str| {
        let mut values = headers.get_all(name).iter();
        values.next().is_some_and(|value| value == expected) && values.next().is_none()
    };
    let (own, issuer) = (config.app.origin(), origin_of(&config.issuer));
    only("sec-fetch-mode", "navigate")
        && only("sec-fetch-dest", "iframe")
        && headers
            .get_all(ORIGIN)
            .iter()
            .all(|origin| *origin == own || Some(origin.as_bytes()) == issuer.as_deref().map(str::as_bytes))
}

/// The origin of an issuer, as browsers write it.
pub(crate) fn origin_of(issuer: &Issuer) -> Option<String> {
    Url::parse(issuer.as_str()).ok().map(|issuer| issuer.origin().ascii_serialization())
}

/// The body as a form. An empty body needs no media type.
fn form<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<&'a [u8]> {
    if body.is_empty() || is_media_type(headers, FORM) {
        return Ok(body);
    }
    Err(malformed("the body of a front-channel logout must be a form (application/x-www-form-urlencoded)"))
}
