//! The forms of the sign-in pages.
//!
//! A page is tied to its request by a random handle in the form, Okta's `stateToken`. Two
//! tabs have two handles, so both can be completed.
//!
//! A page without a request signs in at the org itself, for example after a sign-out
//! without a post-logout redirect URI.

use super::authorize::{self, AuthorizeRequest, SESSION_COOKIE, session_cookie};
use super::page;
use crate::client::Client;
use crate::journal::Recorded;
use crate::oauth_error::wrong_method;
use crate::reply::Reply;
use crate::sync::lock;
use crate::tenant::{Server, Tenant};
use crate::user::User;

/// The path of the org's own page, and the target of the form.
pub(super) const PATH: &str = "signin";
/// The target of the form with the username only.
pub(super) const IDENTIFY_PATH: &str = "signin/identify";

struct Waiting<'a> {
    tenant: &'a Tenant,
    handle: String,
    asked: AuthorizeRequest,
    /// The app of the request; `None` for the org itself.
    app: Option<(&'a Server, Client)>,
}

/// Shows the page of the org itself, or checks the password of a form.
pub(super) fn answer(tenant: &Tenant, request: &Recorded) -> Reply {
    match request.method.as_str() {
        "GET" => own_page(tenant),
        "POST" => submit(tenant, request),
        _ => wrong_method(),
    }
}

pub(super) fn own_page(tenant: &Tenant) -> Reply {
    let asked = AuthorizeRequest::default();
    let handle = lock(&tenant.store).begin_sign_in(asked.clone(), tenant.clock.seconds());
    Reply::html(200, authorize::sign_in_page(tenant, &tenant.name, &asked, &handle, None))
}

/// Takes the username and asks for the password. The form is the same for an unknown
/// username.
pub(super) fn identify(tenant: &Tenant, request: &Recorded) -> Reply {
    if request.method != "POST" {
        return wrong_method();
    }
    let Some(waiting) = waiting(tenant, request) else { return page::expired(tenant) };
    Reply::html(200, waiting.password_page(&username(request), false))
}

/// Checks the password, then starts a session and completes the request.
///
/// A wrong password shows the page again, with status 401. The page does not say whether
/// the username or the password was wrong.
fn submit(tenant: &Tenant, request: &Recorded) -> Reply {
    let Some(waiting) = waiting(tenant, request) else { return page::expired(tenant) };
    let username = username(request);
    let password = request.form_field("password").or_else(|| request.form_field("credentials.passcode"));
    let Some(user) = authenticate(tenant, &username, &password.unwrap_or_default()) else {
        let page = Reply::html(401, waiting.failed_page(&username));
        return page.refused("sign-in failed", "the username is unknown, or the password is wrong");
    };
    let mut store = lock(&tenant.store);
    store.end_sign_in(&waiting.handle);
    // The new session starts with the password only and inherits nothing from the
    // previous one.
    let old = request.cookie(SESSION_COOKIE);
    let (id, session) = store.open_session(&user, waiting.asked.idp.clone(), old, tenant.clock.seconds());
    drop(store);
    let reply = match waiting.app {
        Some((server, _)) => authorize::settle(tenant, server, &waiting.asked, &session),
        None => Reply::redirect(format!("{}/", tenant.url)),
    };
    reply.cookie(session_cookie(tenant, &id))
}

/// Finds the request of the form; `None` if it has expired or the app was removed.
fn waiting<'a>(tenant: &'a Tenant, request: &Recorded) -> Option<Waiting<'a>> {
    let handle = request.form_field("stateToken").unwrap_or_default();
    let asked = lock(&tenant.store).sign_in(&handle, tenant.clock.seconds())?;
    let app = match asked.client_id.as_str() {
        "" => None,
        id => Some((tenant.server(&asked.server)?, tenant.client(id)?)),
    };
    Some(Waiting { tenant, handle, asked, app })
}

/// The username, by either name of its field.
fn username(request: &Recorded) -> String {
    request.form_field("username").or_else(|| request.form_field("identifier")).unwrap_or_default()
}

fn authenticate(tenant: &Tenant, login: &str, password: &str) -> Option<User> {
    tenant.user(login.trim()).filter(|user| user.password == password)
}

impl Waiting<'_> {
    fn failed_page(&self, username: &str) -> String {
        if self.tenant.options.identifier_first {
            return self.password_page(username, true);
        }
        let app = self.app.as_ref().map_or(&self.tenant.name, |(_, client)| &client.name);
        authorize::sign_in_page(self.tenant, app, &self.asked, &self.handle, Some(username))
    }

    fn password_page(&self, username: &str, failed: bool) -> String {
        page::Password { tenant: self.tenant, handle: &self.handle, username, failed }.html()
    }
}
