//! Handles the return of a browser from the provider after logout.
//!
//! One redirect removes the `state` that the provider echoes from the URL. The application
//! can then confirm the logout, or the library shows a page
//! (`ConfigBuilder::signed_out_page`).

use std::sync::atomic::Ordering;

use http::StatusCode;

use super::context::{RequestContext, SessionState};
use super::page::Page;
use super::reply::{self, Reply};
use crate::logout::LogoutReturn;

impl RequestContext {
    /// Whether this browser has just returned from a logout. It is `true` for one page
    /// navigation, and only until a user signs in again.
    pub fn has_just_signed_out(&self) -> bool {
        self.mark_personal();
        let arrived = self.has_arrived();
        if arrived {
            self.inner().landing_shown.store(true, Ordering::Relaxed);
        }
        arrived
    }

    /// Whether the application has read that state, so that the cookie can be deleted.
    pub(super) fn is_sign_out_shown(&self) -> bool {
        self.inner().landing_shown.load(Ordering::Relaxed)
    }

    /// Whether the engine responds to this request itself, after a logout.
    pub(super) fn is_return_from_sign_out(&self) -> bool {
        match &self.inner().logout_return {
            Some(LogoutReturn::Returns(_)) => true,
            Some(LogoutReturn::Arrived) => {
                self.auth().config().options.signed_out_page && self.is_landing_page() && self.has_arrived()
            }
            None => false,
        }
    }

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

    fn is_landing_page(&self) -> bool {
        let config = self.auth().config();
        let path = self.inner().target.split('?').next().unwrap_or_default();
        config.routes().public(path) == config.post_logout_redirect_uri().path()
    }

    /// Whether the browser has returned from a logout and has no session.
    fn has_arrived(&self) -> bool {
        let is_anonymous = matches!(self.inner().session_state, SessionState::Anonymous);
        is_anonymous && self.inner().logout_return == Some(LogoutReturn::Arrived)
    }
}
