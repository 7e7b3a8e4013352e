//! The requests that a token can be attached to.

use http::{HeaderMap, Method, Request};

use super::origin::RequestOrigin;

/// A request of an HTTP client: [`http::Request`], and with the feature `client` `reqwest::Request`.
///
/// Only this crate implements the trait, because an implementation with a wrong origin would send tokens to the wrong
/// host.
pub trait OutgoingRequest: sealed::Sealed {
    /// Where the request is sent to; `None` if its address has no host.
    fn origin(&self) -> Option<RequestOrigin<'_>>;

    /// The address without query and fragment, as a DPoP proof names it (RFC 9449 §4.2).
    fn target_uri(&self) -> Option<String>;

    /// The method.
    fn method(&self) -> &Method;

    /// The headers.
    fn headers_mut(&mut self) -> &mut HeaderMap;
}

pub(super) mod sealed {
    #[expect(unnameable_types, reason = "only this crate implements it")]
    pub trait Sealed {}
}

impl<B> sealed::Sealed for Request<B> {}

impl<B> OutgoingRequest for Request<B> {
    fn origin(&self) -> Option<RequestOrigin<'_>> {
        let (uri, authority) = (self.uri(), self.uri().authority()?);
        Some(RequestOrigin {
            scheme: uri.scheme_str()?,
            host: authority.host(),
            port: authority.port_u16(),
            has_userinfo: authority.as_str().contains('@'),
        })
    }

    fn target_uri(&self) -> Option<String> {
        let uri = self.uri();
        Some(format!("{}://{}{}", uri.scheme_str()?, uri.authority()?, uri.path()))
    }

    fn method(&self) -> &Method {
        Self::method(self)
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        Self::headers_mut(self)
    }
}
