//! Names and attributes of the library's cookies.

use std::time::Duration;

use http::HeaderValue;

use crate::error::{Code, Error, Result};

/// Attributes of cookies: `HttpOnly`, `Path=/`, no `Domain`; over TLS also `Secure` and the `__Host-` prefix, so that
/// another subdomain cannot plant one (RFC 6265bis §4.1.3.2).
#[derive(Clone, Debug)]
pub(crate) struct CookieSettings {
    secure: bool,
    cross_site: bool,
}

impl CookieSettings {
    /// Uses `SameSite=Lax`: with `Strict` the browser would not send the cookie when Okta redirects it back.
    pub(crate) fn new(secure: bool) -> Self {
        Self { secure, cross_site: false }
    }

    /// Uses `SameSite=None` if `needed`, for a cookie that must come along with a cross-site POST. `SameSite=None`
    /// requires `Secure`, so on loopback http it stays `Lax`.
    pub(crate) fn cross_site(mut self, needed: bool) -> Self {
        self.cross_site |= needed && self.secure;
        self
    }

    pub(crate) fn name(&self, name: &str) -> String {
        if self.secure { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// A `Set-Cookie` value. Without `max_age` the cookie lasts until the browser closes.
    pub(crate) fn set(&self, name: &str, value: &str, max_age: Option<Duration>) -> Result<HeaderValue> {
        let max_age = max_age.map(|age| format!("; Max-Age={}", age.as_secs())).unwrap_or_default();
        header(format!("{name}={value}{}{max_age}", self.attributes()).into_bytes())
    }

    /// The common attributes, in the form in which they follow a value (RFC 6265bis §4.1.1).
    pub(super) fn attributes(&self) -> &'static str {
        match (self.secure, self.cross_site) {
            (true, true) => "; HttpOnly; SameSite=None; Secure; Path=/",
            (true, false) => "; HttpOnly; SameSite=Lax; Secure; Path=/",
            (false, _) => "; HttpOnly; SameSite=Lax; Path=/",
        }
    }

    /// The `Set-Cookie` value that deletes a cookie: same name, path and attributes, with an expiry in the past.
    pub(crate) fn remove(&self, name: &str) -> HeaderValue {
        let removal = format!("{name}={}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT", self.attributes());
        // A name from the browser reaches this only with one of our own prefixes and as a cookie
        // that the browser accepted.
        HeaderValue::from_str(&removal).unwrap_or(HeaderValue::from_static("okta_session=; Max-Age=0; Path=/"))
    }
}

pub(super) fn header(cookie: Vec<u8>) -> Result<HeaderValue> {
    HeaderValue::try_from(cookie)
        .map_err(|error| Error::new(Code::Internal, "a cookie is not a valid header value").with_cause(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(value: &HeaderValue) -> Vec<&str> {
        let mut attributes: Vec<&str> = value.to_str().unwrap().split("; ").collect();
        attributes.sort_unstable();
        attributes
    }

    #[test]
    fn over_tls_the_cookie_is_bound_to_the_host() {
        let settings = CookieSettings::new(true);
        let name = settings.name("s");
        let set = settings.set(&name, "v", Some(Duration::from_secs(60))).unwrap();
        assert_eq!(attributes(&set), ["HttpOnly", "Max-Age=60", "Path=/", "SameSite=Lax", "Secure", "__Host-s=v"]);
        let removed = settings.remove(&name);
        assert!(removed.to_str().unwrap().contains("Max-Age=0") && attributes(&removed).contains(&"Secure"));
    }

    #[test]
    fn on_loopback_http_cookies_have_no_prefix_and_no_secure() {
        let settings = CookieSettings::new(false).cross_site(true);
        let set = settings.set(&settings.name("s"), "v", None).unwrap();
        assert_eq!(attributes(&set), ["HttpOnly", "Path=/", "SameSite=Lax", "s=v"]);
    }

    #[test]
    fn a_form_post_needs_a_cross_site_cookie() {
        let settings = CookieSettings::new(true).cross_site(true);
        let set = settings.set("__Host-s", "v", None).unwrap();
        assert!(attributes(&set).contains(&"SameSite=None") && attributes(&set).contains(&"Secure"));
    }
}
