//! Emits events, completed with the engine's knowledge of a request.
//!
//! | source | reference | user |
//! |---|---|---|
//! | a request | the request's own | of its session or token |
//! | the completion of a sign-in | the request's own | the verified user, once known |
//! | a logout message | the request's own, also for the sessions that it ends | of these sessions |
//! | a refresh | a random one | of the session |
//! | a call of the application | a random one, or that of its request | of the session |
//!
//! An event is emitted only after the action has succeeded: a session that the store could
//! not remove has not ended. An event is not logged a second time.

use super::context::RequestContext;
use crate::error::{Code, Error};
use crate::events::{EndReason, Event, EventKind, EventSubject, StoreOperation};
use crate::policy::{Decision, Denial};
use crate::session::{Session, SessionId, StoreKey};

/// Why a policy with a group denies every user.
const SIGN_IN_WITHOUT_GROUPS: &str = "the session has no claim with groups; configure one at Okta: a groups claim of the custom server (Security > API > \
     the server > Claims), or the scope `groups` and the application's group claim filter at the org server";

/// Why a policy with a group denies every access token.
const TOKEN_WITHOUT_GROUPS: &str = "the access token has no claim with groups; add a groups claim for access tokens to the custom server (Security > \
     API > the server > Claims)";

impl Event {
    /// Returns the id of the session, if the event has one.
    pub fn session_id(&self) -> Option<SessionId> {
        self.about.session.map(|id| SessionId(StoreKey::from_bytes(id)))
    }
}

impl EventSubject {
    pub(super) fn session(session: &Session) -> Self {
        session.event_subject()
    }

    pub(super) fn session_id(id: SessionId) -> Self {
        id.event_subject()
    }
}

pub(super) fn emit(context: &RequestContext, kind: EventKind, about: EventSubject, error: Option<&Error>) {
    context.inner().emit(kind, about, error);
}

/// Reports a failed sign-in.
pub(super) fn emit_failed(context: &RequestContext, about: EventSubject, error: &Error) {
    emit(context, EventKind::SignInFailed { code: error.code() }, about, Some(error));
}

/// Reports the end of a session.
pub(super) fn emit_ended(context: &RequestContext, session: &Session, why: EndReason) {
    emit(context, EventKind::SessionEnded { why }, EventSubject::session(session), None);
}

/// Reports that the store did not respond when a session was to end.
pub(super) fn emit_not_ended(context: &RequestContext, session: &Session, error: &Error) {
    let kind = EventKind::StoreUnavailable { during: StoreOperation::End };
    emit(context, kind, EventSubject::session(session), Some(error));
}

pub(super) fn emit_step_up(context: &RequestContext, decision: &Decision, by_token: bool) {
    let policy = decision.policy().map(Into::into);
    emit(context, EventKind::StepUpAsked { policy }, about_caller(context, by_token), None);
}

pub(super) fn emit_denied(context: &RequestContext, decision: &Decision, by_token: bool) {
    let (policy, code) = (decision.policy().map(Into::into), decision.code());
    let hint = decision.lacks_groups().then(|| {
        let message = if by_token { TOKEN_WITHOUT_GROUPS } else { SIGN_IN_WITHOUT_GROUPS };
        Error::new(Code::AccessDenied, message)
    });
    let kind = EventKind::AccessDenied { policy, code };
    emit(context, kind, about_caller(context, by_token), hint.as_ref());
}

pub(super) fn emit_route_denied(context: &RequestContext, denial: Denial) {
    let kind = EventKind::AccessDenied { policy: None, code: denial.code() };
    emit(context, kind, about_caller(context, false), None);
}

/// Returns the caller of the request. For a token it is the user's id, because the subject
/// is a login.
fn about_caller(context: &RequestContext, by_token: bool) -> EventSubject {
    if !by_token {
        return context.known_session().map_or_else(EventSubject::default, |session| EventSubject::session(session));
    }
    let Some(token) = context.inner().known_token() else { return EventSubject::default() };
    let (issuer, subject) = (token.claims().issuer().to_owned(), token.claims().user_id());
    EventSubject { issuer: Some(issuer), subject: subject.map(str::to_owned), session: None }
}
