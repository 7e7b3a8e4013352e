//! Names and attributes of the library's cookies.

use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::HeaderValue;

use crate::error::{Code, Error, Result};

/// Attributes of cookies: `HttpOnly`, `Path=/`, no `Domain`; over TLS also `Secure` and the
/// `__Host-` prefix, so that another subdomain cannot plant one (RFC 6265bis §4.1.3.2).
#[derive(Clone, Debug)]
pub(crate) struct CookieSettings {
    secure: bool,
    same_site: SameSite,
}

impl CookieSettings {
    /// Uses `SameSite=Lax`: with `Strict` the browser would not send the cookie when Okta redirects
    /// it back.
    pub(crate) fn new(secure: bool) -> Self {
        Self { secure, same_site: SameSite::Lax }
    }

    /// Uses `SameSite=None` if `needed`, for a cookie that must come along with a cross-site POST.
    /// `SameSite=None` requires `Secure`, so on loopback http it stays `Lax`.
    pub(crate) fn cross_site(mut self, needed: bool) -> Self {
        if needed && self.secure {
            self.same_site = SameSite::None;
        }
        self
    }

    pub(crate) fn name(&self, name: &str) -> String {
        if self.secure { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// A `Set-Cookie` value. Without `max_age` the cookie lasts until the browser closes.
    pub(crate) fn set(&self, name: &str, value: &str, max_age: Option<Duration>) -> Result<HeaderValue> {
        let seconds = max_age.map(|age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
        let mut cookie = self.base(name, value);
        cookie.set_max_age(seconds.map(cookie::time::Duration::seconds));
        header(cookie.to_string().into_bytes())
    }

    /// The common attributes, in the form in which they follow a value.
    pub(super) fn attributes(&self) -> String {
        self.base("", "").to_string().trim_start_matches('=').to_owned()
    }

    /// The `Set-Cookie` value that deletes a cookie: same name, path and attributes, with an expiry
    /// in the past.
    pub(crate) fn remove(&self, name: &str) -> HeaderValue {
        let mut cookie = self.base(name, "");
        cookie.make_removal();
        // A name from the browser reaches this only with one of our own prefixes and as a cookie
        // that the browser accepted.
        HeaderValue::from_str(&cookie.to_string())
            .unwrap_or(HeaderValue::from_static("okta_session=; Max-Age=0; Path=/"))
    }

    fn base<'a>(&self, name: &'a str, value: &'a str) -> Cookie<'a> {
        let mut cookie = Cookie::new(name, value);
        cookie.set_path("/");
        cookie.set_http_only(true);
        cookie.set_same_site(self.same_site);
        cookie.set_secure(self.secure);
        cookie
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
