//! The address of a request at the API.
//!
//! A path is rejected unless every server reads it in the same way: two readings would let a request leave the prefix.

use percent_encoding::percent_decode_str;
use url::{Url, form_urlencoded};

use crate::error::{Code, Error, Result};
use crate::issuer::is_loopback;

/// The address of an API. Its path ends with a slash.
#[derive(Clone, Debug)]
pub(super) struct ApiAddress(Url);

impl ApiAddress {
    /// Parses an address: https, or http on this machine, without credentials, query and fragment.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| Error::new(Code::ConfigInvalid, format!("the address of the proxied API {why}"));
        let mut url = Url::parse(text).map_err(|_| wrong("is not a URL; write `https://` and a host"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("has a user name or a password; remove it"));
        }
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err(wrong("is not https, which is required except on this machine"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("has a query or a fragment; remove it"));
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        if !url.path().trim_end_matches('/').is_empty() {
            check_path(url.path().trim_end_matches('/')).map_err(|why| wrong(&format!("has a path that {why}")))?;
        }
        Ok(Self(url))
    }

    /// Returns scheme, host and port.
    pub(super) fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Returns the address of a request. `suffix` is the path after the prefix of the proxy, empty or with a leading
    /// slash, as the client sent it.
    pub(super) fn of_request(&self, suffix: &str, query: Option<&str>) -> Result<Url> {
        let refused = |why: &str| Error::new(Code::ProxyRefused, format!("the path of a proxied request {why}"));
        check_path(suffix).map_err(&refused)?;
        if query.is_some_and(names_token) {
            let message = "the query of a proxied request has an access token, which only the proxy attaches";
            return Err(Error::new(Code::ProxyRefused, message));
        }
        let path = format!("{}{suffix}", self.0.path().trim_end_matches('/'));
        let mut url = self.0.clone();
        url.set_path(if suffix.is_empty() { self.0.path() } else { &path });
        url.set_query(query);
        // The parser has changed nothing: it normalizes what `check_path` rejects.
        if suffix.is_empty() || url.path() == path {
            Ok(url)
        } else {
            Err(refused("has characters that a URL encodes"))
        }
    }

    /// Returns the path after the prefix of the proxy, query and fragment of a URL that `Location` names. `None` if it
    /// is outside of this address.
    pub(super) fn suffix_of(&self, requested: &Url, location: &str) -> Option<String> {
        let url = requested.join(location).ok()?;
        let is_same = url.origin() == self.0.origin() && url.username().is_empty() && url.password().is_none();
        let base = self.0.path().trim_end_matches('/');
        let suffix = url.path().strip_prefix(base).filter(|suffix| suffix.starts_with('/'))?;
        check_path(suffix).ok()?;
        let part = |sign: char, part: Option<&str>| part.map(|part| format!("{sign}{part}")).unwrap_or_default();
        is_same.then(|| format!("{suffix}{}{}", part('?', url.query()), part('#', url.fragment())))
    }
}

/// Whether a query has an access token (RFC 6750 §2.3), which an API may prefer to the header.
fn names_token(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
}

/// Checks a path that is empty or has a leading slash.
fn check_path(path: &str) -> std::result::Result<(), &'static str> {
    if path.is_empty() || path == "/" {
        return Ok(());
    }
    let Some(segments) = path.strip_prefix('/') else { return Err("does not begin with the prefix of the proxy") };
    let mut segments: Vec<&str> = segments.split('/').collect();
    // A trailing slash is no empty segment.
    if segments.last().is_some_and(|last| last.is_empty()) {
        segments.pop();
    }
    segments.into_iter().try_for_each(check_segment)
}

fn check_segment(segment: &str) -> std::result::Result<(), &'static str> {
    if segment.is_empty() {
        return Err("has an empty segment");
    }
    if !has_valid_escapes(segment.as_bytes()) {
        return Err("has an invalid percent-encoding");
    }
    let Ok(decoded) = percent_decode_str(segment).decode_utf8() else { return Err("is not UTF-8") };
    if decoded.contains(['/', '\\']) || decoded.chars().any(char::is_control) {
        return Err("has a slash, a backslash or a control character in a segment");
    }
    if is_encoded(&decoded) {
        return Err("is encoded twice");
    }
    // Some servers remove parameters after `;`, and dots and spaces at the end, before they resolve dot segments.
    let name = decoded.split(';').next().unwrap_or_default();
    if name.chars().all(|c| c == '.' || c == ' ') {
        return Err("has a dot segment");
    }
    Ok(())
}

fn has_valid_escapes(segment: &[u8]) -> bool {
    let mut parts = segment.split(|byte| *byte == b'%');
    parts.next();
    parts.all(|part| part.len() >= 2 && part.iter().take(2).all(u8::is_ascii_hexdigit))
}

/// Whether a decoded segment can be decoded again.
fn is_encoded(decoded: &str) -> bool {
    let digits = |part: &str| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    decoded.split('%').skip(1).any(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(suffix: &str) -> Option<String> {
        let api = ApiAddress::parse("https://api.example/v1/").unwrap();
        api.of_request(suffix, None).ok().map(String::from)
    }

    #[test]
    fn paths_below_the_address_are_forwarded_unchanged() {
        for suffix in
            ["/orders", "/orders/", "/a%20b/c;v=2", "/100%25", "/x:y@z", "/.well-known", "/a..b/...c", "/%C3%A4"]
        {
            assert_eq!(at(suffix).as_deref(), Some(&*format!("https://api.example/v1{suffix}")), "{suffix}");
        }
        assert_eq!(at("").as_deref(), Some("https://api.example/v1/"));
        assert_eq!(at("/").as_deref(), Some("https://api.example/v1/"));
    }

    #[test]
    fn no_path_leaves_the_address() {
        for suffix in [
            "/..",
            "/../x",
            "/a/../../x",
            "/.",
            "/./x",
            "/%2e%2e/x",
            "/%2E./x",
            "/.%2e",
            "/..;/x",
            "/..;a=b/x",
            "/%2e%2e;/x",
            "/..%20/x",
            "/.../x",
            "//evil.example/x",
            "/a//b",
            "/a%2fb",
            "/..%2Fx",
            "/%5c..%5cx",
            "/..\\x",
            "/\\evil.example",
            "/%252e%252e/x",
            "/a%252fb",
            "/%25%32%66",
            "/%00",
            "/a%0d%0ab",
            "/%7f",
            "/%",
            "/%2",
            "/%zz",
            "/%c0%ae%c0%ae/x",
            "/;/x",
            "x",
            "@evil.example",
            ".evil.example",
            ":8080/x",
        ] {
            assert_eq!(at(suffix), None, "{suffix}");
        }
    }

    #[test]
    fn a_location_is_mapped_back_only_below_the_address() {
        let api = ApiAddress::parse("https://api.example/v1").unwrap();
        let requested = api.of_request("/orders/7", None).unwrap();
        let suffix = |location: &str| api.suffix_of(&requested, location);
        for (location, expected) in [
            ("8", "/orders/8"),
            ("/v1/users?a=b#c", "/users?a=b#c"),
            ("https://api.example/v1/users", "/users"),
            ("https://api.example:443/v1/", "/"),
        ] {
            assert_eq!(suffix(location).as_deref(), Some(expected), "{location}");
        }
        for other in [
            "/",
            "/v2/users",
            "/v1users",
            "../../x",
            "https://evil.example/v1/x",
            "//evil.example/v1/x",
            "http://api.example/v1/x",
            "https://api.example:8443/v1/x",
            "https://a:b@api.example/v1/x",
            "javascript:alert(1)",
            "/v1/a%2f..%2fb",
            "/v1//x",
        ] {
            assert_eq!(suffix(other), None, "{other}");
        }
    }

    #[test]
    fn a_query_is_unchanged_and_has_no_token() {
        let api = ApiAddress::parse("http://127.0.0.1:3000").unwrap();
        assert_eq!(
            api.of_request("/a", Some("x=%20&&y=a+b")).unwrap().as_str(),
            "http://127.0.0.1:3000/a?x=%20&&y=a+b"
        );
        for query in ["access_token=x", "a=b&access_token=", "%61ccess_token=x"] {
            assert_eq!(api.of_request("/a", Some(query)).unwrap_err().code(), Code::ProxyRefused, "{query}");
        }
    }
}
