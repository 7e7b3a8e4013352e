//! Serves the script, and the page on which a sign-in in a window ends.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::browser_script::{SCRIPT, VERSION};
use crate::language::Text;
use crate::response::{Page, Reply, Responder, with_body};

pub(super) const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// How long a browser may keep the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScriptCaching {
    /// It asks each time whether the script has changed.
    Revalidate,
    /// The address changes with the script.
    Immutable,
}

impl ScriptCaching {
    const fn header(self) -> &'static str {
        match self {
            Self::Revalidate => "no-cache",
            Self::Immutable => "public, max-age=31536000, immutable",
        }
    }
}

/// Serves the script.
pub(crate) fn script(parts: &Parts, caching: ScriptCaching) -> Reply {
    let tag = format!("\"{}\"", *VERSION);
    let mut reply = with_body(StatusCode::OK, "text/javascript; charset=utf-8", SCRIPT);
    if is_current(parts, &tag) {
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        *reply.body_mut() = Bytes::new();
    }
    let headers = reply.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching.header()));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    // The tag has only hexadecimal digits.
    headers.extend(HeaderValue::try_from(tag).ok().map(|tag| (ETAG, tag)));
    reply
}

/// Whether the browser has the present script (RFC 9110 §13.1.2).
fn is_current(parts: &Parts, tag: &str) -> bool {
    let values = parts.headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// Tells the page that opened the window, and all tabs, that a user has signed in, and closes the window. The messages
/// carry nothing else, and reach only pages of this origin. The other tabs need the second one, and so does an opener
/// that a `Cross-Origin-Opener-Policy` has cut off.
///
/// The channel has the session address as its name, which is the address of this page without `/popup`.
const REPORT: &str = "{const m=\"okta-auth:signed-in\";\
new BroadcastChannel(\"okta-auth:\"+location.pathname.slice(0,-6)).postMessage(m);\
if(opener)opener.postMessage(m,location.origin);close()}";

/// The content security policy of the page with that script, which it allows by its hash (CSP §2.3.1).
const WITH_REPORT: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                           script-src 'sha256-LdKY0IJPNOQ0P2+7p0YJI7ukqKdnTw0TusVEhIpy0ms='; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'none'";

/// Creates the page on which a sign-in in a window ends.
pub(crate) fn popup_page(responder: &Responder<'_>) -> Reply {
    let home = responder.config.routes.home();
    let page = Page {
        title: responder.text(Text::BackToApplication),
        sentences: vec![responder.text(Text::WindowCloses)],
        choices: Vec::new(),
        links: vec![(responder.text(Text::Home), &home)],
        code: None,
        reference: responder.reference,
    };
    responder.page_with_own_policy(StatusCode::OK, &page, &format!("<script>{REPORT}</script>"), WITH_REPORT)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::secret::sha256;

    #[test]
    fn the_policy_of_the_page_allows_its_script() {
        let hash = STANDARD.encode(sha256(REPORT.as_bytes()));
        assert!(WITH_REPORT.contains(&format!("script-src 'sha256-{hash}'")), "{hash}");
    }
}
