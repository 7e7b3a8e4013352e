//! Who may do what. For now: signed in, or not.
//!
//! A decision is a value and not an action: the engine turns it into a redirect, a 401 or
//! the way on to the handler, so that a policy cannot get those wrong.

use crate::session::Session;

/// What a policy decides about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Go on.
    Allow,
    /// Somebody has to sign in first.
    Login,
}

/// The least that a protected page asks for: a session that is alive.
pub(crate) fn signed_in(session: Option<&Session>) -> Decision {
    if session.is_some() { Decision::Allow } else { Decision::Login }
}
