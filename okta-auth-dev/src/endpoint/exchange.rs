//! A request to an endpoint of an authorization server.

use crate::org_state::{OrgState, Server};
use crate::reply::Reply;
use crate::request_log::Recorded;

/// The path prefix of redirects that faults send. A client that follows such a redirect gets the normal response, so
/// following it is its only mistake.
pub(super) const MOVED: &str = "/moved";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange<'a> {
    pub(crate) org: &'a OrgState,
    pub(crate) server: &'a Server,
    pub(crate) request: &'a Recorded,
    /// Whether the client has followed the redirect of a fault.
    pub(crate) moved: bool,
    /// The thumbprint of the key that the request proved to have (RFC 9449).
    pub(crate) jkt: Option<&'a str>,
}

impl Exchange<'_> {
    pub(crate) fn now(&self) -> i64 {
        self.org.clock.seconds()
    }

    pub(crate) fn is(&self, method: &str) -> bool {
        self.request.method == method
    }

    pub(crate) fn issuer(&self) -> String {
        self.server.settings.issuer(&self.org.url)
    }

    /// The URL of the called endpoint, the required audience of a client assertion.
    pub(crate) fn endpoint_url(&self) -> String {
        format!("{}{}", self.org.url, self.request.path)
    }

    /// A redirect to the same endpoint under [`MOVED`].
    pub(crate) fn moved_reply(&self, status: u16) -> Reply {
        let query = if self.request.query.is_empty() { String::new() } else { format!("?{}", self.request.query) };
        let location = format!("{}{MOVED}{}{query}", self.org.url, self.request.path);
        Reply { status, ..Reply::redirect(location) }
    }
}
