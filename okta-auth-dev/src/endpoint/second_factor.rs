//! The second step: a code after the password, when `acr_values` requires two factors.
//!
//! The form is tied to its request by a handle, like the password form, and also to the
//! Okta session of the browser. So a handle alone does not lead to a code for the app.

use super::authorize::{self, SESSION_COOKIE, session_cookie};
use super::page;
use crate::assurance;
use crate::journal::Recorded;
use crate::oauth_error::{OAuthError, wrong_method};
use crate::reply::Reply;
use crate::store::{Attempt, Session, Step};
use crate::sync::lock;
use crate::tenant::{Server, Tenant};

pub(super) const PATH: &str = "signin/verify";

struct Submission<'a> {
    tenant: &'a Tenant,
    server: &'a Server,
    step: Step,
    handle: String,
    /// The value of the session cookie.
    id: &'a str,
    session: Session,
}

/// Compares the code, then raises the session and completes the request.
///
/// A wrong code shows the page again, with status 401 and a new code.
pub(super) fn submit(tenant: &Tenant, request: &Recorded) -> Reply {
    if request.method != "POST" {
        return wrong_method();
    }
    let Some(submission) = find(tenant, request) else { return page::expired(tenant) };
    if request.form_field("action").as_deref() == Some("cancel") {
        lock(&tenant.store).end_step(&submission.handle);
        return submission.deny();
    }
    // Users may type a space in the middle.
    let entered = request.form_field("passcode").unwrap_or_default().replace(char::is_whitespace, "");
    let attempt = lock(&tenant.store).try_passcode(&submission.handle, &entered);
    match attempt {
        Attempt::Right => submission.complete(),
        Attempt::Wrong(passcode) => Reply::html(401, submission.page(&passcode)),
        Attempt::Exhausted => submission.deny(),
    }
}

pub(super) fn begin(tenant: &Tenant, request: &authorize::AuthorizeRequest, session: &Session) -> Reply {
    let (handle, passcode) = lock(&tenant.store).begin_step(request.clone(), session, tenant.clock.seconds());
    let page = page::Verify { tenant, login: &session.login, handle: &handle, passcode: &passcode, failed: false };
    Reply::html(200, page.html())
}

/// Finds the request and the session of a form; `None` if one of them has expired, or if
/// they do not belong together.
fn find<'a>(tenant: &'a Tenant, request: &'a Recorded) -> Option<Submission<'a>> {
    let (now, handle) = (tenant.clock.seconds(), request.form_field("stateToken")?);
    let id = request.cookie(SESSION_COOKIE)?;
    let mut store = lock(&tenant.store);
    let session = store.session(id, now)?;
    let step = store.step(&handle, &session, now)?;
    drop(store);
    let server = tenant.server(&step.request.server)?;
    Some(Submission { tenant, server, step, handle, id, session })
}

impl Submission<'_> {
    /// Raises the session for this request and for later ones, and completes the request.
    fn complete(self) -> Reply {
        let (amr, now) = (assurance::with_second_factor(&self.session.amr), self.tenant.clock.seconds());
        let raised = lock(&self.tenant.store).raise_session(self.id, amr, now);
        // The user may have signed out between the two locks.
        let Some((id, session)) = raised else { return page::expired(self.tenant) };
        authorize::settle(self.tenant, self.server, &self.step.request, &session)
            .cookie(session_cookie(self.tenant, &id))
    }

    /// Sends `access_denied` to the app: the user cancelled, or used up the attempts.
    fn deny(self) -> Reply {
        let error = OAuthError::bad("access_denied", "The resource owner or authorization server denied the request.");
        authorize::refuse(self.tenant, &self.step.request, &error)
    }

    fn page(&self, passcode: &str) -> String {
        let (tenant, login, handle) = (self.tenant, self.session.login.as_str(), self.handle.as_str());
        page::Verify { tenant, login, handle, passcode, failed: true }.html()
    }
}
