//! An internal address for an issuer on this machine, for development.
//!
//! In a set of containers the browser reaches the issuer at `localhost`, and the application reaches it by a service
//! name. The issuer keeps the address that the browser uses: tokens and metadata are compared with it, and browsers are
//! redirected to it. Only the application's own connections go to the internal address. They carry the public address
//! in `Host`, so that a provider that derives its name from `Host` returns the same name as it does to browsers.
//!
//! The configuration accepts a backchannel only if the issuer and the application's base URL are on this machine, so it
//! cannot stay enabled in production.

use ::http::HeaderValue;
use ::http::header::HOST;
use url::{Origin, Url};

/// Redirects requests for one origin to another origin.
#[derive(Clone, Debug)]
pub(crate) struct Backchannel {
    public: Origin,
    inside: Url,
}

impl Backchannel {
    pub(crate) fn new(issuer: &Url, inside: Url) -> Self {
        Self { public: issuer.origin(), inside }
    }

    pub(super) fn is_inside(&self, url: &Url) -> bool {
        url.origin() == self.inside.origin()
    }

    /// Rewrites a request for the issuer to the internal address.
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
