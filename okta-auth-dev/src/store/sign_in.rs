//! The pages that wait for somebody: for a password, or for the code of the second
//! factor.
//!
//! Each page has a handle (Okta's `stateToken`) that stands for the request it was
//! shown for. Two tabs have two handles, so both can be completed.

use super::{Session, Store};
use crate::endpoint::AuthorizeRequest;
use crate::random;

/// How long a page waits for its form, in seconds.
const WAIT: i64 = 3600;

/// After so many wrong codes the request has failed.
const ATTEMPTS: u32 = 5;

/// A page that asks for the code of the second factor.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// What is answered when the code is right.
    pub(crate) request: AuthorizeRequest,
    /// The code that is shown, six digits.
    pub(crate) passcode: String,
    /// The session that the page belongs to, see [`Session::root`].
    root: String,
    /// How many wrong codes were entered.
    wrong: u32,
    /// In seconds.
    expires_at: i64,
}

/// What became of a code that somebody entered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// It was right. The handle is used up.
    Right,
    /// It was wrong. The page is shown again with this code.
    Wrong(String),
    /// It was wrong once too often. The handle is used up.
    Exhausted,
}

impl Store {
    /// Remembers what the sign-in page was shown for, and returns its handle.
    pub(crate) fn begin_sign_in(&mut self, request: AuthorizeRequest, now: i64) -> String {
        let handle = random::token();
        self.sign_ins.insert(handle.clone(), (request, now + WAIT));
        handle
    }

    /// What the sign-in page was shown for. The handle works again after a wrong
    /// password.
    pub(crate) fn sign_in(&self, handle: &str, now: i64) -> Option<AuthorizeRequest> {
        self.sign_ins.get(handle).filter(|(_, expires_at)| *expires_at > now).map(|(request, _)| request.clone())
    }

    /// Forgets a sign-in page that did its work.
    pub(crate) fn end_sign_in(&mut self, handle: &str) {
        self.sign_ins.remove(handle);
    }

    /// Remembers what the second step was shown for; returns its handle and its code.
    pub(crate) fn begin_step(&mut self, request: AuthorizeRequest, session: &Session, now: i64) -> (String, String) {
        let (handle, passcode) = (random::token(), random::passcode());
        let root = session.root.clone();
        let step = Step { request, passcode: passcode.clone(), root, wrong: 0, expires_at: now + WAIT };
        self.steps.insert(handle.clone(), step);
        (handle, passcode)
    }

    /// What the second step was shown for, if the browser still has the session that it
    /// was shown in: a handle alone is worth nothing elsewhere.
    pub(crate) fn step(&self, handle: &str, session: &Session, now: i64) -> Option<Step> {
        self.steps.get(handle).filter(|step| step.expires_at > now && step.root == session.root).cloned()
    }

    /// Compares a code with the one that is shown. Each code is good for one attempt.
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

    /// Forgets a second step that was cancelled.
    pub(crate) fn end_step(&mut self, handle: &str) {
        self.steps.remove(handle);
    }
}
