//! Checks that a request comes from the application's own pages.

use http::HeaderMap;
use http::header::ORIGIN;

use crate::config::AppConfig;
use crate::error::{Code, Error, Result};
use crate::request::is_own_origin;

/// The required header if `csrf_header` is not set.
const DEFAULT_HEADER: &str = "x-csrf";

/// Checks the origin of every request, also of one with a safe method: a GET of an API may return personal data or
/// change state, and an application does not know.
pub(super) fn check_own_page(config: &AppConfig, headers: &HeaderMap) -> Result<()> {
    let wanted = config.options.csrf_header.as_deref().unwrap_or(DEFAULT_HEADER);
    if !headers.contains_key(wanted) {
        let message =
            format!("a proxied request lacks the header `{wanted}`, which the application's scripts have to send");
        return Err(Error::new(Code::CrossOrigin, message));
    }
    check_origin(config, headers)
}

/// Checks the origin of a WebSocket, whose handshake can have no header of a script. Browsers state the origin in every
/// handshake (RFC 6455 §10.2), and neither CORS nor a preflight stops those of other origins.
pub(super) fn check_own_socket(config: &AppConfig, headers: &HeaderMap) -> Result<()> {
    let is_named = headers.get(ORIGIN).is_some_and(|origin| *origin == *config.origin());
    if is_named { check_origin(config, headers) } else { Err(config.cross_origin("the handshake of a WebSocket")) }
}

fn check_origin(config: &AppConfig, headers: &HeaderMap) -> Result<()> {
    if is_own_origin(config, headers) { Ok(()) } else { Err(config.cross_origin("a proxied request")) }
}
