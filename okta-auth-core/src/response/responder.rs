//! What the text of a response depends on.

use crate::bearer::Scheme;
use crate::config::Config;
use crate::events::CorrelationId;

/// Creates the library's own responses to one request. It is a page for a browser, and JSON for any other client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Responder<'a> {
    pub(crate) config: &'a Config,
    /// Whether a browser opens a page.
    pub(crate) is_navigation: bool,
    /// The scheme of challenges for access tokens.
    pub(crate) scheme: Scheme,
    /// The reference of the request in the log.
    pub(crate) reference: CorrelationId,
}
