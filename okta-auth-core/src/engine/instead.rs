//! What a browser is shown where a redirect would not do, and an API client gets JSON.

use http::header::{ALLOW, CONTENT_SECURITY_POLICY, REFERRER_POLICY, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use super::page::{Page, escape};
use super::reply::{self, Reply};
use super::visit::Visit;
use crate::bearer::WwwAuthenticate;

/// What a page with a form may do: as every page of the library, but for where the form
/// leads. Browsers hold the redirects that follow a form to `form-action` too, and these
/// go on to Okta. There is one form, and nothing on the page can add another.
pub(super) const WITH_FORM: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                                    form-action 'self' https: http:; frame-ancestors 'none'";

/// A page with a form.
pub(super) fn with_form(status: StatusCode, page: &Page<'_>, form: &str) -> Reply {
    let mut reply = reply::html(status, page.render_with(form));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(WITH_FORM));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    reply
}

impl Visit {
    /// 405 for a sign-out that was typed or linked: nobody is signed out by a link, and
    /// whoever means it has a button.
    pub(super) fn sign_out_by_link(&self) -> Reply {
        if !self.is_navigation() {
            return Self::method_not_allowed("POST");
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

    /// 401 for a form that came without a session: a redirect would lose what is in it,
    /// and not say so.
    pub(super) fn form_without_session(&self) -> Reply {
        let routes = self.auth().config().routes();
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("return_to", self.target().as_str())
            .finish();
        let again = routes.login().map(|login| routes.public(&format!("{login}?{query}")));
        let page = Page {
            title: "You are not signed in any more",
            sentences: vec!["What you entered was not sent on. Sign in, and enter it again."],
            links: again.iter().map(|again| ("Sign in", again.as_str())).collect(),
            code: None,
            reference: self.reference(),
        };
        let mut reply = reply::html(StatusCode::UNAUTHORIZED, page.render());
        reply.headers_mut().insert(WWW_AUTHENTICATE, WwwAuthenticate::bare().header());
        reply
    }
}
