//! Pending pages that ask for a password or for the code of the second factor.
//!
//! Each page has a handle (Okta's `stateToken`) that identifies its request. Two tabs have two handles, so both can be
//! completed.

use std::collections::HashMap;

use super::session::Session;
use crate::authorize_request::AuthorizeRequest;
use crate::random;

/// How long a page stays valid, in seconds.
const WAIT: i64 = 3600;

/// The number of wrong codes after which the request fails.
const ATTEMPTS: u32 = 5;

#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Completed after a correct code.
    pub(crate) request: AuthorizeRequest,
    /// The displayed code, six digits.
    pub(crate) passcode: String,
    /// The session of the page, see [`Session::root`].
    root: String,
    wrong: u32,
    expires_at: i64,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// Correct. The handle is consumed.
    Right,
    /// Wrong. The page is shown again with this code.
    Wrong(String),
    /// Wrong too many times. The handle is consumed.
    Exhausted,
}

#[derive(Debug, Default)]
pub(crate) struct PendingPages {
    /// The requests of sign-in pages with their expiry, by handle.
    sign_ins: HashMap<String, (AuthorizeRequest, i64)>,
    /// The second steps, by handle.
    steps: HashMap<String, Step>,
}

impl PendingPages {
    /// Stores the request of a sign-in page, and returns its handle.
    pub(crate) fn begin_sign_in(&mut self, request: AuthorizeRequest, now: i64) -> String {
        let handle = random::token();
        self.sign_ins.insert(handle.clone(), (request, now + WAIT));
        handle
    }

    /// Returns the request of a sign-in page. The handle stays valid after a wrong password.
    pub(crate) fn sign_in(&self, handle: &str, now: i64) -> Option<AuthorizeRequest> {
        self.sign_ins.get(handle).filter(|(_, expires_at)| *expires_at > now).map(|(request, _)| request.clone())
    }

    pub(crate) fn end_sign_in(&mut self, handle: &str) {
        self.sign_ins.remove(handle);
    }

    /// Stores the request of a second step, and returns its handle and its code.
    pub(crate) fn begin_step(&mut self, request: AuthorizeRequest, session: &Session, now: i64) -> (String, String) {
        let (handle, passcode) = (random::token(), random::passcode());
        let root = session.root.clone();
        let step = Step { request, passcode: passcode.clone(), root, wrong: 0, expires_at: now + WAIT };
        self.steps.insert(handle.clone(), step);
        (handle, passcode)
    }

    /// Returns the second step if the browser still has the same session, so that a handle is useless in another
    /// browser.
    pub(crate) fn step(&self, handle: &str, session: &Session, now: i64) -> Option<Step> {
        self.steps.get(handle).filter(|step| step.expires_at > now && step.root == session.root).cloned()
    }

    /// Compares an entered code with the displayed one. Each code allows one attempt.
    pub(crate) fn try_passcode(&mut self, handle: &str, entered: &str) -> Attempt {
        let Some(step) = self.steps.get_mut(handle) else { return Attempt::Exhausted };
        if step.passcode == entered {
            self.steps.remove(handle);
            return Attempt::Right;
        }
        step.wrong += 1;
        if step.wrong >= ATTEMPTS {
            self.steps.remove(handle);
            return Attempt::Exhausted;
        }
        step.passcode = random::passcode();
        Attempt::Wrong(step.passcode.clone())
    }

    pub(crate) fn end_step(&mut self, handle: &str) {
        self.steps.remove(handle);
    }
}
