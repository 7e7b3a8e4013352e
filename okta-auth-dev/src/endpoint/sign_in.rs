//! The form of the sign-in page.
//!
//! The page is tied to its request by a random handle in the form, Okta's `stateToken`.
//! Two tabs have two handles, so both can be completed.

use super::authorize::{self, SESSION_COOKIE, session_cookie};
use super::page;
use crate::journal::Recorded;
use crate::oauth_error::wrong_method;
use crate::reply::Reply;
use crate::sync::lock;
use crate::tenant::Tenant;
use crate::user::User;

/// Where the form is posted to.
pub(super) const PATH: &str = "signin";

/// Checks the password; then starts a session and answers the request that the page was
/// shown for.
///
/// A wrong password shows the page again, with status 401 and without saying which half
/// was wrong.
pub(super) fn submit(tenant: &Tenant, request: &Recorded) -> Reply {
    if request.method != "POST" {
        return wrong_method();
    }
    let now = tenant.clock.seconds();
    let handle = request.form_field("stateToken").unwrap_or_default();
    let waiting = lock(&tenant.store).sign_in(&handle, now);
    let found = waiting.and_then(|asked| {
        let (server, client) = (tenant.server(&asked.server)?, tenant.client(&asked.client_id)?);
        Some((asked, server, client))
    });
    let Some((asked, server, client)) = found else { return page::expired(tenant) };
    let username = request.form_field("username").unwrap_or_default();
    let password = request.form_field("password").unwrap_or_default();
    let Some(user) = authenticate(tenant, &username, &password) else {
        return Reply::html(401, authorize::sign_in_page(tenant, &client, &asked, &handle, Some(&username)));
    };
    let mut store = lock(&tenant.store);
    store.end_sign_in(&handle);
    // What the last session had does not count: it starts again with the password.
    let (id, session) = store.open_session(&user.login, &user.amr, request.cookie(SESSION_COOKIE), now);
    drop(store);
    authorize::settle(tenant, server, &asked, &session).cookie(session_cookie(&id))
}

/// The person with this login and this password.
fn authenticate(tenant: &Tenant, login: &str, password: &str) -> Option<User> {
    tenant.user(login.trim()).filter(|user| user.password == password)
}
