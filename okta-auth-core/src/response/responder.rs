//! What the text of a response depends on.

use std::borrow::Cow;

use http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY};
use http::{HeaderValue, StatusCode};

use super::page::Page;
use super::reply::{PAGE_POLICY, Reply, html};
use crate::bearer::Scheme;
use crate::config::{AppConfig, Pages};
use crate::events::CorrelationId;
use crate::language::{Language, Text};

/// The content security policy of a page with a form. It differs from that of other pages only in `form-action`, which
/// browsers also apply to the redirects after the form, and these lead to Okta. The page has one form, and its content
/// cannot add another.
const WITH_FORM: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                         form-action 'self' https: http:; frame-ancestors 'none'";

/// The part of a policy that allows the style sheet of the page.
const STYLES: &str = "style-src 'unsafe-inline'";

/// Creates the library's own responses to one request. It is a page for a browser, and JSON for any other client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Responder<'a> {
    pub(crate) config: &'a AppConfig,
    /// The language of pages. JSON is in English, because its texts are for developers.
    pub(crate) language: &'a Language,
    /// Whether a browser opens a page.
    pub(crate) is_navigation: bool,
    /// The scheme of challenges for access tokens.
    pub(crate) scheme: Scheme,
    /// The reference of the request in the log.
    pub(crate) reference: CorrelationId,
}

impl<'a> Responder<'a> {
    /// Returns a text in the language of the response.
    pub(crate) fn text(&self, text: Text) -> &'a str {
        self.language.text(text)
    }

    /// Creates a page.
    pub(crate) fn page(&self, status: StatusCode, page: &Page<'_>) -> Reply {
        self.page_with(status, page, ("", PAGE_POLICY))
    }

    /// Creates a page with a form. The caller has to escape the markup of the form.
    pub(crate) fn page_with_form(&self, status: StatusCode, page: &Page<'_>, form: &str) -> Reply {
        self.page_with_own_policy(status, page, form, WITH_FORM)
    }

    /// Creates a page with a form, and with a content security policy that allows its script.
    pub(crate) fn page_with_own_policy(
        &self,
        status: StatusCode,
        page: &Page<'_>,
        form: &str,
        policy: &'static str,
    ) -> Reply {
        let mut reply = self.page_with(status, page, (form, policy));
        reply.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        reply
    }

    fn page_with(&self, status: StatusCode, page: &Page<'_>, (form, policy): (&str, &'static str)) -> Reply {
        let pages = &self.config.pages;
        let mut reply = html(status, page.render(pages, self.language, form));
        let headers = reply.headers_mut();
        if let Ok(policy) = HeaderValue::from_str(&with_sources(policy, pages)) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        if let Ok(tag) = HeaderValue::from_str(self.language.tag()) {
            headers.insert(CONTENT_LANGUAGE, tag);
        }
        if pages.languages.is_choice() {
            headers.insert(VARY, HeaderValue::from_static("Accept-Language"));
        }
        reply
    }
}

/// Allows the logo, and what the application's template may load.
fn with_sources(policy: &'static str, pages: &Pages) -> Cow<'static, str> {
    let logo = pages.logo.as_ref().map_or("", |logo| logo.source.as_str());
    let sources = match (&pages.template, logo) {
        (None, "") => return Cow::Borrowed(policy),
        (None, logo) => format!("{STYLES}; img-src {logo}"),
        (Some(_), _) => format!("{STYLES} 'self'; img-src 'self' data:; font-src 'self'"),
    };
    Cow::Owned(policy.replacen(STYLES, &sources, 1))
}
