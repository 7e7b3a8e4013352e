//! Pages for browsers where a redirect is not suitable; API clients get JSON.

use http::header::{ALLOW, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use http::{HeaderValue, StatusCode};

use super::context::RequestContext;
use super::page::{Page, escape};
use super::reply::{self, Reply};

/// The content security policy of a page with a form. It differs from that of other pages
/// only in `form-action`, which browsers also apply to the redirects after the form, and
/// these lead to Okta. The page has one form, and its content cannot add another.
pub(super) const WITH_FORM: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                                    form-action 'self' https: http:; frame-ancestors 'none'";

pub(crate) fn with_form(status: StatusCode, page: &Page<'_>, form: &str) -> Reply {
    let mut reply = reply::html(status, page.render_with(form));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(WITH_FORM));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    reply
}

impl RequestContext {
    /// Responds with 405 to a logout by GET, so that a link cannot sign the user out. The
    /// page has a button for users who want to.
    pub(super) fn sign_out_by_link(&self) -> Reply {
        if !self.is_navigation() {
            return reply::method_not_allowed("POST");
        }
        let routes = self.auth().config().routes();
        let (action, home) = (escape(&routes.public(routes.logout().unwrap_or_default())), routes.home());
        let form = format!("<form method=\"post\" action=\"{action}\"><button>Sign out</button></form>");
        let page = Page {
            title: "Do you want to sign out?",
            sentences: Vec::new(),
            links: vec![("Home", &home)],
            code: None,
            reference: self.reference(),
        };
        let mut reply = with_form(StatusCode::METHOD_NOT_ALLOWED, &page, &form);
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        reply
    }
}
