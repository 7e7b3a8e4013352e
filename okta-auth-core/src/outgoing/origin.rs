//! The origins that may receive a token.

use url::Url;

use crate::error::{Code, Error, Result};
use crate::issuer::is_loopback;

/// Scheme, host and port, each compared exactly. A request is compared as its own type parses it, because that is where
/// it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

/// The address of a request, as its client connects to it.
#[derive(Clone, Copy, Debug)]
pub struct RequestOrigin<'a> {
    pub(super) scheme: &'a str,
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
    pub(super) has_userinfo: bool,
}

impl Origin {
    /// Parses an origin: https, or http on this machine, without credentials and path.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`], with the reason.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            let text = text.escape_default();
            Err(Error::new(Code::ConfigInvalid, format!("the target `{text}` {why}")))
        };
        let Ok(url) = Url::parse(text) else { return wrong("is not a URL; write `https://` and a host") };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::new(Code::ConfigInvalid, "a target must not contain a user name or a password"));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            _ => return wrong("is not https, which is required except on this machine"),
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return wrong("is not an origin; remove everything after the host and the port");
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return wrong("names no host");
        };
        Ok(Self { scheme: url.scheme().to_owned(), host: host.to_owned(), port })
    }

    pub(super) fn is_of(&self, request: &RequestOrigin<'_>) -> bool {
        let default = match request.scheme {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        };
        request.scheme == self.scheme
            && request.host.eq_ignore_ascii_case(&self.host)
            && request.port.or(default) == Some(self.port)
            && !request.has_userinfo
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str) -> bool {
        let uri: http::Uri = uri.parse().unwrap();
        let request = http::Request::get(uri).body(()).unwrap();
        let origin = Origin::parse("https://Orders.example.com").unwrap();
        super::super::request::OutgoingRequest::origin(&request).is_some_and(|request| origin.is_of(&request))
    }

    #[test]
    fn only_the_same_scheme_host_and_port_is_the_target() {
        for fine in ["https://orders.example.com/a?b", "https://ORDERS.example.com:443/", "https://orders.example.com"]
        {
            assert!(of(fine), "{fine}");
        }
        for other in [
            "http://orders.example.com/",
            "http://orders.example.com:443/",
            "https://orders.example.com:8443/",
            "https://orders.example.com.evil.example/",
            "https://evil.example/orders.example.com",
            "https://orders.example.com@evil.example/",
            "https://orders.example.com:443@evil.example/",
            "https://me@orders.example.com/",
            "https://xorders.example.com/",
            "https://orders.example.com./",
            "/orders",
            "orders.example.com:443",
        ] {
            assert!(!of(other), "{other}");
        }
    }

    #[test]
    fn a_target_is_an_origin_that_tokens_may_be_sent_to() {
        for fine in ["https://orders.example.com", "https://orders.example.com:8443/", "http://127.0.0.1:3000"] {
            Origin::parse(fine).unwrap();
        }
        for wrong in [
            "",
            "orders.example.com",
            "http://orders.example.com",
            "ftp://orders.example.com",
            "https://orders.example.com/v1",
            "https://orders.example.com?x",
            "https://me:secret@orders.example.com",
        ] {
            let error = Origin::parse(wrong).unwrap_err();
            assert!(error.is_config() && !error.to_string().contains("secret"), "{wrong}: {error}");
        }
    }
}
