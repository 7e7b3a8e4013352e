//! The opening handshake of a WebSocket (RFC 6455 §4), as it is forwarded.
//!
//! The key, the subprotocols and the extensions pass unchanged, because the browser and the API agree on them, and the
//! proxy reads no frames. The response is checked as a client checks it (§4.1): an API that does not speak the protocol
//! must not get the bytes that follow, because it would read them as requests.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};

use crate::error::{Code, Error, Result};

/// Proves that the API has read the handshake (§1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A valid handshake of a browser.
pub(super) struct Handshake(HeaderMap);

/// Whether a request asks to become a WebSocket. Only [`Handshake::parse`] says whether it is a valid one.
pub(super) fn is_handshake(headers: &HeaderMap) -> bool {
    has_token(headers, &UPGRADE, "websocket")
}

impl Handshake {
    pub(super) fn parse(parts: &Parts) -> Result<Self> {
        let headers = &parts.headers;
        let is_valid = parts.method == Method::GET
            && parts.version == Version::HTTP_11
            && has_token(headers, &CONNECTION, "upgrade")
            && only(headers, &UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
            && only(headers, &SEC_WEBSOCKET_VERSION).is_some_and(|value| value == "13")
            && only(headers, &SEC_WEBSOCKET_KEY).is_some_and(is_key)
            && !headers.contains_key(CONTENT_LENGTH)
            && !headers.contains_key(TRANSFER_ENCODING);
        if !is_valid {
            return Err(Error::new(Code::ProxyRefused, "the handshake of a WebSocket is invalid"));
        }
        let names = [SEC_WEBSOCKET_VERSION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_EXTENSIONS];
        Ok(Self(switch(names, headers)))
    }

    /// Returns the headers of the handshake with the API.
    pub(super) fn headers(&self) -> HeaderMap {
        self.0.clone()
    }

    /// Checks the headers of the API's 101, and returns those for the browser.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Result<HeaderMap> {
        let is_valid = has_token(headers, &CONNECTION, "upgrade")
            && has_token(headers, &UPGRADE, "websocket")
            && only(headers, &SEC_WEBSOCKET_ACCEPT).is_some_and(|value| *value == *self.accept())
            && self.offers(headers, &SEC_WEBSOCKET_PROTOCOL)
            && self.offers(headers, &SEC_WEBSOCKET_EXTENSIONS);
        if !is_valid {
            let message = "the proxied API switched protocols without a valid response to the handshake of a WebSocket";
            return Err(Error::new(Code::ProxyUnavailable, message));
        }
        Ok(switch([SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_EXTENSIONS], headers))
    }

    fn accept(&self) -> String {
        let key = self.0.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
        STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key, GUID.as_bytes()].concat()))
    }

    /// Whether the browser offered everything that the API chose.
    fn offers(&self, chosen: &HeaderMap, name: &HeaderName) -> bool {
        tokens(chosen, name).all(|token| tokens(&self.0, name).any(|offered| offered == token))
    }
}

/// Returns the headers that switch the protocol, and those with these names.
fn switch(names: impl IntoIterator<Item = HeaderName>, from: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    for name in names {
        for value in from.get_all(&name) {
            headers.append(&name, value.clone());
        }
    }
    headers
}

/// Returns the value of a header that comes once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// Returns the members of a list, without their parameters. A value that is not ASCII is a member too.
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let members = headers.get_all(name).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    members.map(|member| member.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii())
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|known| known.eq_ignore_ascii_case(token.as_bytes()))
}

/// Whether this is the base64 of 16 bytes (RFC 6455 §4.1).
fn is_key(value: &HeaderValue) -> bool {
    STANDARD.decode(value.as_bytes()).is_ok_and(|nonce| nonce.len() == 16)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const HANDSHAKE: [(&str, &str); 6] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", "chat, superchat"),
        ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
    ];

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn parse(method: Method, headers: HeaderMap) -> Result<Handshake> {
        let mut request = Request::new(());
        (*request.method_mut(), *request.headers_mut()) = (method, headers);
        Handshake::parse(&request.into_parts().0)
    }

    #[test]
    fn only_a_handshake_of_this_version_is_forwarded() {
        let handshake = parse(Method::GET, headers(&HANDSHAKE)).unwrap();
        assert_eq!(handshake.headers().len(), 6);
        assert!(parse(Method::POST, headers(&HANDSHAKE)).is_err());
        for (name, value) in [
            ("connection", "close"),
            ("upgrade", "websocket, h2c"),
            ("sec-websocket-version", "8"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ"),
            ("sec-websocket-key", "c2hvcnQ="),
        ] {
            let mut changed = headers(&HANDSHAKE);
            changed.insert(name, HeaderValue::from_static(value));
            assert!(parse(Method::GET, changed).is_err(), "{name}: {value}");
        }
        for (name, value) in [
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("content-length", "5"),
            ("transfer-encoding", "chunked"),
        ] {
            let mut added = headers(&HANDSHAKE);
            added.append(name, HeaderValue::from_static(value));
            assert!(parse(Method::GET, added).is_err(), "{name}: {value}");
        }
        let mut request = Request::new(());
        (*request.version_mut(), *request.headers_mut()) = (Version::HTTP_10, headers(&HANDSHAKE));
        assert!(Handshake::parse(&request.into_parts().0).is_err());
    }

    #[test]
    fn only_an_api_that_has_read_the_handshake_switches() {
        let handshake = parse(Method::GET, headers(&HANDSHAKE)).unwrap();
        // The example of RFC 6455 §1.3.
        let switched = [
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ];
        let with = |more: &[(&'static str, &'static str)]| handshake.answer(&headers(&[&switched, more].concat()));
        let cookie = ("set-cookie", "a=b");
        assert_eq!(with(&[cookie, ("sec-websocket-protocol", "chat")]).unwrap().len(), 4);
        with(&[("sec-websocket-extensions", "permessage-deflate; server_no_context_takeover")]).unwrap();
        for more in [
            ("sec-websocket-protocol", "other"),
            ("sec-websocket-extensions", "permessage-bzip2"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ] {
            assert_eq!(with(&[more]).unwrap_err().code(), Code::ProxyUnavailable, "{more:?}");
        }
        for (name, value) in
            [("connection", "close"), ("upgrade", "h2c"), ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=")]
        {
            let mut changed = headers(&switched);
            changed.insert(name, HeaderValue::from_static(value));
            assert!(handshake.answer(&changed).is_err(), "{name}");
        }
    }
}
