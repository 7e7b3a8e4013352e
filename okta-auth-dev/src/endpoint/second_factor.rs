//! The second step: a code after the password, when `acr_values` requires two factors.
//!
//! The form is tied to its request by a handle, like the password form, and also to the Okta session of the browser. So
//! a handle alone does not lead to a code for the app.

use super::authorize;
use super::page;
use super::session_cookie::{SESSION_COOKIE, session_cookie};
use crate::acr;
use crate::oauth_error::{OAuthError, wrong_method};
use crate::org_state::{OrgState, Server};
use crate::reply::Reply;
use crate::request_log::Recorded;
use crate::store::{Attempt, Session, Step};
use crate::sync::lock;

struct Submission<'a> {
    org: &'a OrgState,
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
pub(super) fn submit(org: &OrgState, request: &Recorded) -> Reply {
    if request.method != "POST" {
        return wrong_method();
    }
    let Some(submission) = find(org, request) else { return page::expired(org) };
    if request.form_field("action").as_deref() == Some("cancel") {
        lock(&org.store).pages.end_step(&submission.handle);
        return submission.deny();
    }
    // Users may type a space in the middle.
    let entered = request.form_field("passcode").unwrap_or_default().replace(char::is_whitespace, "");
    let attempt = lock(&org.store).pages.try_passcode(&submission.handle, &entered);
    match attempt {
        Attempt::Right => submission.complete(),
        Attempt::Wrong(passcode) => Reply::html(401, submission.page(&passcode)),
        Attempt::Exhausted => submission.deny(),
    }
}

/// Finds the request and the session of a form; `None` if one of them has expired, or if they do not belong together.
fn find<'a>(org: &'a OrgState, request: &'a Recorded) -> Option<Submission<'a>> {
    let (now, handle) = (org.clock.seconds(), request.form_field("stateToken")?);
    let id = request.cookie(SESSION_COOKIE)?;
    let mut store = lock(&org.store);
    let session = store.sessions.find(id, now)?;
    let step = store.pages.step(&handle, &session, now)?;
    drop(store);
    let server = org.server(&step.request.server)?;
    Some(Submission { org, server, step, handle, id, session })
}

impl Submission<'_> {
    /// Raises the session for this request and for later ones, and completes the request.
    fn complete(self) -> Reply {
        let (amr, now) = (acr::with_second_factor(&self.session.amr), self.org.clock.seconds());
        let raised = lock(&self.org.store).sessions.raise(self.id, amr, now);
        // The user may have signed out between the two locks.
        let Some((id, session)) = raised else { return page::expired(self.org) };
        authorize::settle(self.org, self.server, &self.step.request, &session).cookie(session_cookie(self.org, &id))
    }

    /// Sends `access_denied` to the app: the user cancelled, or used up the attempts.
    fn deny(self) -> Reply {
        let error = OAuthError::bad("access_denied", "The resource owner or authorization server denied the request.");
        authorize::refuse(self.org, &self.step.request, &error)
    }

    fn page(&self, passcode: &str) -> String {
        let (org, login, handle) = (self.org, self.session.login.as_str(), self.handle.as_str());
        page::Verify { org, login, handle, passcode, failed: true }.html()
    }
}
