//! Handles the return of a browser from the provider after logout.
//!
//! One redirect removes the `state` that the provider echoes from the URL. The application
//! can then confirm the logout, or the library shows a page
//! (`ConfigBuilder::signed_out_page`).

use http::StatusCode;

use super::context::RequestContext;
use super::page::Page;
use super::reply::{self, Reply};
use crate::logout::LogoutReturn;

impl RequestContext {
    /// Returns the redirect without the `state`, or the page.
    pub(super) fn after_sign_out(&self) -> Reply {
        let auth = &self.auth().0;
        let Some(LogoutReturn::Returns(target)) = &self.inner().logout_return else { return self.signed_out_page() };
        // The origin keeps a path that begins with two slashes from becoming a host.
        let mut reply = reply::see_other(&auth.config.public_url(target));
        let cookie = auth.logout_returns.begin(None, self.now()).ok().flatten();
        reply::add_cookies(reply.headers_mut(), cookie);
        reply
    }

    fn signed_out_page(&self) -> Reply {
        let routes = self.auth().config().routes();
        let home = routes.home();
        let sign_in = routes.login().map(|login| routes.public(login));
        let page = Page {
            title: "You are signed out",
            sentences: Vec::new(),
            links: sign_in.iter().map(|login| ("Sign in", login.as_str())).chain([("Home", home.as_str())]).collect(),
            code: None,
            reference: self.reference(),
        };
        let mut reply = reply::html(StatusCode::OK, page.render());
        reply::add_cookies(reply.headers_mut(), [self.auth().0.logout_returns.clear()]);
        reply
    }
}
