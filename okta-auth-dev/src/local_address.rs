//! Addresses of apps on this machine. The org is made for loopback, so it contacts no other machines.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use url::{Host, Url};

/// The address of a plain HTTP URL on this machine; `None` for any other URL.
pub(crate) fn local_address(url: &Url) -> Option<SocketAddr> {
    let ip = match url.host()? {
        Host::Ipv4(ip) => IpAddr::V4(ip),
        Host::Ipv6(ip) => IpAddr::V6(ip),
        Host::Domain(name) if name == "localhost" || name.ends_with(".localhost") => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Host::Domain(_) => return None,
    };
    (url.scheme() == "http" && ip.is_loopback()).then_some(SocketAddr::new(ip, url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_has_an_address() {
        let at = |url: &str| local_address(&Url::parse(url).unwrap()).map(|address| address.to_string());
        assert_eq!(at("http://localhost:8080/x").as_deref(), Some("127.0.0.1:8080"));
        assert_eq!(at("http://acme.localhost/x").as_deref(), Some("127.0.0.1:80"));
        assert_eq!(at("http://[::1]:1/").as_deref(), Some("[::1]:1"));
        for elsewhere in ["https://localhost/", "http://192.0.2.1/", "http://localhost.example/", "http://example/"] {
            assert_eq!(at(elsewhere), None, "{elsewhere}");
        }
    }
}
