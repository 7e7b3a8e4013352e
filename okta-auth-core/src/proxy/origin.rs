//! Checks that a request comes from the application's own pages.

use http::HeaderMap;

use crate::config::Config;
use crate::error::{Code, Error, Result};
use crate::request::is_own_origin;

/// The required header if `csrf_header` is not set.
const DEFAULT_HEADER: &str = "x-csrf";

/// Checks the origin of every request, also of one with a safe method: a GET of an API may return personal data or
/// change state, and an application does not know.
pub(super) fn check_own_page(config: &Config, headers: &HeaderMap) -> Result<()> {
    let wanted = config.options.csrf_header.as_deref().unwrap_or(DEFAULT_HEADER);
    if !headers.contains_key(wanted) {
        let message =
            format!("a proxied request lacks the header `{wanted}`, which the application's scripts have to send");
        return Err(Error::new(Code::CrossOrigin, message));
    }
    if !is_own_origin(config, headers) {
        return Err(config.cross_origin("a proxied request"));
    }
    Ok(())
}
