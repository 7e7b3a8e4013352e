//! Another way to an issuer on this machine, for development.
//!
//! In a set of containers the browser reaches the issuer at `localhost`, and the
//! application reaches it by the name of a service. The issuer keeps the address that
//! the browser has: it is what tokens and metadata are compared with, and where browsers
//! are sent. Only the connections of the application go elsewhere, with the public
//! address in `Host`, so that a provider that answers by `Host` names itself as it does
//! to browsers.
//!
//! The configuration accepts it only while the issuer and the application's base URL are
//! on this machine, so it cannot be left on in production.

use ::http::HeaderValue;
use ::http::header::HOST;
use url::{Origin, Url};

/// Where requests to one origin go instead.
#[derive(Clone, Debug)]
pub(crate) struct Backchannel {
    public: Origin,
    inside: Url,
}

impl Backchannel {
    /// Sends what is for the origin of `issuer` to that of `inside`.
    pub(crate) fn new(issuer: &Url, inside: Url) -> Self {
        Self { public: issuer.origin(), inside }
    }

    /// Whether a URL is already one of the inside.
    pub(super) fn is_inside(&self, url: &Url) -> bool {
        url.origin() == self.inside.origin()
    }

    /// Leads a request for the issuer to the inside.
    pub(super) fn redirect(&self, request: &mut reqwest::Request) {
        if request.url().origin() != self.public {
            return;
        }
        let authority = request.url().authority().to_owned();
        let mut url = self.inside.clone();
        url.set_path(request.url().path());
        url.set_query(request.url().query());
        *request.url_mut() = url;
        if let Ok(host) = HeaderValue::from_str(&authority) {
            request.headers_mut().insert(HOST, host);
        }
    }
}
