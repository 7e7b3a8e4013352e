//! The forms of the sign-in pages.
//!
//! A page is tied to its request by a random handle in the form, Okta's `stateToken`. Two tabs have two handles, so
//! both can be completed.
//!
//! A page without a request signs in at the org itself, for example after a sign-out without a post-logout redirect
//! URI.

use super::authorize;
use super::page;
use super::session_cookie::{SESSION_COOKIE, session_cookie};
use crate::authorize_request::AuthorizeRequest;
use crate::client::Client;
use crate::oauth_error::wrong_method;
use crate::org_state::{OrgState, Server};
use crate::reply::Reply;
use crate::request_log::Recorded;
use crate::sync::lock;
use crate::user::User;

struct Waiting<'a> {
    org: &'a OrgState,
    handle: String,
    asked: AuthorizeRequest,
    /// The app of the request; `None` for the org itself.
    app: Option<(&'a Server, Client)>,
}

/// Shows the page of the org itself, or checks the password of a form.
pub(super) fn answer(org: &OrgState, request: &Recorded) -> Reply {
    match request.method.as_str() {
        "GET" => own_page(org, "/"),
        "POST" => submit(org, request),
        _ => wrong_method(),
    }
}

/// The page of the org itself. `next` is the path at the org that follows the sign-in.
pub(super) fn own_page(org: &OrgState, next: &str) -> Reply {
    let asked = AuthorizeRequest { redirect_uri: next.to_owned(), ..AuthorizeRequest::default() };
    let handle = lock(&org.store).pages.begin_sign_in(asked.clone(), org.clock.seconds());
    Reply::html(200, authorize::sign_in_page(org, &org.name, &asked, &handle, None))
}

/// Takes the username and asks for the password. The form is the same for an unknown username.
pub(super) fn identify(org: &OrgState, request: &Recorded) -> Reply {
    if request.method != "POST" {
        return wrong_method();
    }
    let Some(waiting) = waiting(org, request) else { return page::expired(org) };
    Reply::html(200, waiting.password_page(&username(request), false))
}

/// Checks the password, then starts a session and completes the request.
///
/// A wrong password shows the page again, with status 401. The page does not say whether the username or the password
/// was wrong.
fn submit(org: &OrgState, request: &Recorded) -> Reply {
    let Some(waiting) = waiting(org, request) else { return page::expired(org) };
    let username = username(request);
    let password = request.form_field("password").or_else(|| request.form_field("credentials.passcode"));
    let Some(user) = authenticate(org, &username, &password.unwrap_or_default()) else {
        let page = Reply::html(401, waiting.failed_page(&username));
        return page.refused("sign-in failed", "the username is unknown, or the password is wrong");
    };
    let mut store = lock(&org.store);
    store.pages.end_sign_in(&waiting.handle);
    // The new session starts with the password only and inherits nothing from the
    // previous one.
    let old = request.cookie(SESSION_COOKIE);
    let (id, session) = store.sessions.open(&user, waiting.asked.idp.clone(), old, org.clock.seconds());
    drop(store);
    let reply = match waiting.app {
        Some((server, _)) => authorize::settle(org, server, &waiting.asked, &session),
        None => Reply::redirect(format!("{}{}", org.url, waiting.asked.redirect_uri)),
    };
    reply.cookie(session_cookie(org, &id))
}

/// Finds the request of the form; `None` if it has expired or the app was removed.
fn waiting<'a>(org: &'a OrgState, request: &Recorded) -> Option<Waiting<'a>> {
    let handle = request.form_field("stateToken").unwrap_or_default();
    let asked = lock(&org.store).pages.sign_in(&handle, org.clock.seconds())?;
    let app = match asked.client_id.as_str() {
        "" => None,
        id => Some((org.server(&asked.server)?, org.client(id)?)),
    };
    Some(Waiting { org, handle, asked, app })
}

/// The username, by either name of its field.
fn username(request: &Recorded) -> String {
    request.form_field("username").or_else(|| request.form_field("identifier")).unwrap_or_default()
}

fn authenticate(org: &OrgState, login: &str, password: &str) -> Option<User> {
    org.user(login.trim()).filter(|user| user.password == password)
}

impl Waiting<'_> {
    fn failed_page(&self, username: &str) -> String {
        if self.org.options.identifier_first {
            return self.password_page(username, true);
        }
        let app = self.app.as_ref().map_or(&self.org.name, |(_, client)| &client.name);
        authorize::sign_in_page(self.org, app, &self.asked, &self.handle, Some(username))
    }

    fn password_page(&self, username: &str, failed: bool) -> String {
        page::Password { org: self.org, handle: &self.handle, username, failed }.html()
    }
}
