//! The settings of an application that do not concern its provider: its address, paths and pages.

use std::time::Duration;

use url::Url;

use super::{Options, Pages, Routes};
use crate::error::{Code, Error};

/// The checked settings of an application, without those of its provider. Requests that belong to no tenant have only
/// these.
#[derive(Debug)]
pub(crate) struct AppConfig {
    pub(crate) base_url: Url,
    /// On the origin of the base URL.
    pub(crate) redirect_uri: Url,
    pub(crate) post_logout_redirect_uri: Url,
    pub(crate) resource: String,
    pub(crate) api_only: bool,
    pub(crate) routes: Routes,
    pub(crate) health_path: Option<String>,
    pub(crate) options: Options,
    pub(crate) pages: Pages,
}

impl AppConfig {
    /// The URL of this API's metadata, formed from its identifier (RFC 9728 §3.1); `None` if it is not served.
    pub(crate) fn resource_metadata_url(&self) -> Option<String> {
        let path = self.routes.resource_metadata()?;
        let resource = Url::parse(&self.resource).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(resource) = resource.filter(|_| self.routes.prefix.is_empty()) else {
            return Some(self.public_url(path));
        };
        let query = resource.query().map_or(String::new(), |query| format!("?{query}"));
        Some(format!("{}{path}{query}", resource.origin().ascii_serialization()))
    }

    /// Whether browsers reach the application over TLS. This decides `Secure` and the `__Host-` prefix of cookies.
    pub(crate) fn is_secure(&self) -> bool {
        self.base_url.scheme() == "https"
    }

    /// The public origin as browsers send it in `Origin`: scheme, host and non-default port.
    pub(crate) fn origin(&self) -> String {
        self.base_url.origin().ascii_serialization()
    }

    pub(crate) fn public_url(&self, path: &str) -> String {
        format!("{}{path}", self.routes.public_at(&self.base_url))
    }

    /// The error for a request that did not come from the application's own origin.
    pub(crate) fn cross_origin(&self, what: &str) -> Error {
        let message = format!(
            "{what} came from another origin than OKTA_BASE_URL ({}) and was not carried out; set OKTA_BASE_URL to the \
             origin that the browser's address bar shows",
            self.origin()
        );
        Error::new(Code::CrossOrigin, message)
    }

    /// How long a pending sign-in waits for its callback.
    pub(crate) fn attempt_lifetime(&self) -> Duration {
        self.options.attempt_lifetime
    }
}
