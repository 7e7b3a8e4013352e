//! The second step of a sign-in: a code, for requests whose `acr_values` need a second factor.
//!
//! The org has no telephone to send the code to, so the page itself shows it. Everything else is
//! as it would be: the code changes with every wrong try, five wrong ones end the request, and the
//! step belongs to one request and one session.

use super::authorize::{self, SESSION_COOKIE, refuse};
use super::page;
use crate::journal::Recorded;
use crate::oauth_error::{OAuthError, wrong_method};
use crate::random;
use crate::reply::Reply;
use crate::store::SecondFactor;
use crate::sync::lock;
use crate::tenant::{Server, Tenant};

/// Where the form is posted to, below that of the password.
pub(super) const PATH: &str = "verify";

/// How many wrong codes end the request.
const TRIES: u32 = 5;

/// Shows the step for a request of a session. The session has shown the password already, or it
/// would not be there.
pub(super) fn begin(tenant: &Tenant, request: &authorize::AuthorizeRequest, session: &str) -> Reply {
    let step = SecondFactor { request: request.clone(), session: session.to_owned(), passcode: passcode(), wrong: 0 };
    let passcode = step.passcode.clone();
    let handle = lock(&tenant.store).begin_second_factor(step, tenant.clock.seconds());
    Reply::html(200, page::second_factor(tenant, &handle, &passcode, false))
}

/// Checks the code; then the session has a second factor, and the request is answered.
///
/// The handle alone is not enough: the browser must have the cookie of the session that the step
/// belongs to. Otherwise whoever reads the page over a shoulder could complete it elsewhere.
pub(super) fn submit(tenant: &Tenant, request: &Recorded) -> Reply {
    if request.method != "POST" {
        return wrong_method();
    }
    let now = tenant.clock.seconds();
    let handle = request.form_field("stateToken").unwrap_or_default();
    let step = lock(&tenant.store).second_factor(&handle, now);
    let own = request.cookie(SESSION_COOKIE).map(str::to_owned);
    let step = step.filter(|step| own.as_ref() == Some(&step.session));
    let found = step.and_then(|step| Some((tenant.server(&step.request.server)?, step)));
    let Some((server, mut step)) = found else {
        return Reply::html(
            400,
            page::error(tenant, "login_required", "Request expired, please start over and try again."),
        );
    };
    let typed = request.form_field("passcode").unwrap_or_default();
    if request.form_field("action").as_deref() == Some("cancel") {
        return end(tenant, &handle, &step);
    }
    if typed.trim() == step.passcode {
        return complete(tenant, server, &handle, &step);
    }
    step.wrong += 1;
    if step.wrong >= TRIES {
        return end(tenant, &handle, &step);
    }
    step.passcode = passcode();
    let page = page::second_factor(tenant, &handle, &step.passcode, true);
    lock(&tenant.store).change_second_factor(&handle, step);
    Reply::html(401, page)
}

/// The code was right. `auth_time` moves, since the person has just authenticated, and `acr` of
/// the tokens is the level that was asked for.
fn complete(tenant: &Tenant, server: &Server, handle: &str, step: &SecondFactor) -> Reply {
    let now = tenant.clock.seconds();
    let session = {
        let mut store = lock(&tenant.store);
        store.end_second_factor(handle);
        store.add_second_factor(&step.session, now);
        store.session(&step.session, now)
    };
    match session {
        Some(session) => authorize::finish(tenant, server, &step.request, &step.session, &session),
        None => Reply::html(400, page::error(tenant, "login_required", "The session has ended.")),
    }
}

/// The person went away, or did not know the code. Okta says `access_denied` for both, and the
/// session lives on with what it had.
fn end(tenant: &Tenant, handle: &str, step: &SecondFactor) -> Reply {
    lock(&tenant.store).end_second_factor(handle);
    refuse(
        tenant,
        &step.request,
        &OAuthError::bad("access_denied", "The resource owner or authorization server denied the request."),
    )
}

/// Six random digits.
fn passcode() -> String {
    format!("{:06}", u32::from_be_bytes(random::bytes()) % 1_000_000)
}
