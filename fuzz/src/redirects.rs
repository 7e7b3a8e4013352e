//! The target of a redirect after sign-in.

use okta_auth_core::login::ReturnTo;
use url::Url;

const BASES: [&str; 3] = ["https://app.example.com", "https://app.example.com:8443/", "http://localhost:8080"];

/// An accepted target stays on the origin, even in a browser, which reads a backslash as a slash and skips tabs and
/// line breaks (WHATWG URL, 4.4).
pub fn redirects(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for base in BASES {
        let base = Url::parse(base).expect("a URL");
        let target = ReturnTo::parse(text, &base);
        let accepted = target.as_str();
        assert!(
            accepted.is_ascii() && http::HeaderValue::from_str(accepted).is_ok(),
            "{accepted:?} is not a header value"
        );
        let quirky: String = accepted.chars().filter(|c| !matches!(c, '\t' | '\r' | '\n')).collect();
        for seen in [accepted, quirky.trim(), &quirky.replace('\\', "/")] {
            assert!(seen.starts_with('/') && !seen.starts_with("//"), "{seen:?} is not a local path");
            let url = base.join(seen).expect("a local path is a URL");
            assert_eq!(url.origin(), base.origin(), "{seen:?} leaves the origin");
            assert!(url.username().is_empty() && url.password().is_none(), "{seen:?} contains user information");
        }
        assert_eq!(ReturnTo::parse(accepted, &base), target, "parsing is not idempotent");
    }
}
