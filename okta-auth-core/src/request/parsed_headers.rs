//! Parses the headers of a request in one pass.

use super::navigation::{NavigationHints, RequestKind};
use crate::bearer::{Credentials, Presented};
use crate::cookie::RequestCookies;
use crate::headers::{Head, HeaderText, Headers};
use crate::session::Activity;

/// A header for the application's own scripts. With the value `none` the request does not count as activity of the
/// session.
///
/// Clients need no permission for it, because it can only make a session end sooner.
const PASSIVE_HEADER: &str = "x-session-activity";

/// The parsed headers of a request, from one pass over all headers.
pub(crate) struct ParsedHeaders<'a> {
    pub(crate) cookies: RequestCookies,
    /// Whether the request declares itself passive.
    pub(crate) activity: Activity,
    pub(crate) sender: Sender<'a>,
}

/// What the headers say about the sender of a request.
pub(crate) struct Sender<'a> {
    pub(crate) credentials: Credentials,
    pub(crate) kind: RequestKind,
    pub(crate) websocket: bool,
    /// Whether htmx sent the request.
    pub(crate) htmx: bool,
    /// The page that sent the request, according to the browser or htmx.
    pub(crate) page: Option<HeaderText>,
    /// The host of the request line or of the `Host` header.
    pub(crate) host: Option<&'a [u8]>,
}

impl<'a> ParsedHeaders<'a> {
    /// Reads all headers in one pass: most requests have few headers, and a lookup by name costs as much as the pass.
    pub(crate) fn read<H: Headers>(head: Head<'a, H>) -> Self {
        let (mut cookies, mut presented, mut signs, mut websocket) =
            (RequestCookies::default(), Presented::default(), NavigationHints::default(), false);
        let mut activity = Activity::Active;
        let (mut referer, mut current, mut host, mut htmx) = (None, None, head.authority.map(str::as_bytes), false);
        for (name, value) in head.headers.each() {
            match name {
                "cookie" => cookies.note(H::keep(value)),
                "authorization" => presented.note::<H>(value),
                "dpop" => presented.note_proof::<H>(value),
                "upgrade" => websocket |= names_websocket(value.as_ref()),
                PASSIVE_HEADER if is_passive(value.as_ref()) => activity = Activity::Passive,
                "host" => host = host.or(Some(value.as_ref())),
                "referer" => referer = Some(value),
                "hx-request" => htmx = value.as_ref() == b"true",
                "hx-current-url" => current = Some(value),
                _ => signs.note(name, value.as_ref()),
            }
        }
        let (credentials, kind) = (presented.with_query(head.query()), signs.kind());
        let page = if htmx { current } else { referer }.map(H::keep);
        Self { cookies, activity, sender: Sender { credentials, kind, websocket, htmx, page, host } }
    }
}

fn is_passive(value: &[u8]) -> bool {
    value.trim_ascii().eq_ignore_ascii_case(b"none")
}

/// Whether an `Upgrade` header lists WebSocket (RFC 9110 §7.8).
fn names_websocket(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
}
