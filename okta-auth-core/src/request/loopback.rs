//! Loopback aliases: `localhost`, `127.0.0.1` and `[::1]` are the same machine.
//!
//! A browser separates cookies by host name, and Okta redirects to the configured one. A sign-in that starts at another
//! name would not find its cookie in the callback. Therefore the browser is first redirected to the same page at the
//! configured name.
//!
//! Only the name may differ, not the port. A development server in front of the application has another port and may
//! forward its own name as `Host`, so a redirect would loop.

use std::net::IpAddr;

use http::uri::Authority;
use url::Url;

use crate::config::AppConfig;
use crate::issuer::is_loopback;

/// Whether `host`, as sent in a request, is another name for the loopback address in `base`.
pub(crate) fn is_alias(host: Option<&[u8]>, base: &Url) -> bool {
    if host == Some(base.authority().as_bytes()) || !is_loopback(base) {
        return false;
    }
    let text = host.and_then(|host| std::str::from_utf8(host).ok());
    let Some(authority) = text.and_then(|text| text.parse::<Authority>().ok()) else { return false };
    let default = if base.scheme() == "https" { 443 } else { 80 };
    let same_port = Some(authority.port_u16().unwrap_or(default)) == base.port_or_known_default();
    let same_name = base.host_str().is_some_and(|own| own.eq_ignore_ascii_case(authority.host()));
    same_port && !same_name && is_this_machine(authority.host())
}

/// Whether a host is this machine. `0.0.0.0` counts, because servers print it as their address.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match address.map(|address| address.to_canonical()) {
        Ok(address) => address.is_loopback() || address.is_unspecified(),
        Err(_) => {
            let name = host.to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

/// Returns the URL of a path and query at the configured address; `None` if the result would be at another origin.
pub(crate) fn configured_address(target: &str, config: &AppConfig) -> Option<String> {
    let url = Url::parse(&config.public_url(target)).ok()?;
    (target.starts_with('/') && url.origin() == config.base_url.origin()).then(|| url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_loopback_name_with_the_same_port_is_an_alias() {
        let alias = |host: &str, base: &str| is_alias(Some(host.as_bytes()), &base.parse().unwrap());
        for host in ["127.0.0.1:8080", "[::1]:8080", "127.0.0.2:8080", "0.0.0.0:8080", "app.localhost:8080"] {
            assert!(alias(host, "http://localhost:8080"), "{host}");
        }
        for host in ["localhost:8080", "LOCALHOST:8080", "127.0.0.1:5173", "127.0.0.1", "app.test:8080", "", "a b"] {
            assert!(!alias(host, "http://localhost:8080"), "{host}");
        }
        assert!(alias("localhost", "http://127.0.0.1") && alias("127.0.0.1", "https://localhost"));
        assert!(!alias("[::1]:8080", "http://[::1]:8080"));
        assert!(!alias("localhost:443", "https://app.example.com"), "a public application");
        assert!(!is_alias(None, &"http://localhost:8080".parse().unwrap()));
    }
}
