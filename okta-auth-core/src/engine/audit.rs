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

use super::context::{Inner, RequestContext};
use super::{OktaAuth, SignedIn};
use crate::error::{Code, Error};
use crate::events::{CorrelationId, EndReason, Event, EventKind, EventSubject, StoreOperation};
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

impl Inner {
    /// The correlation id of this request in events and on error pages, created on first
    /// use.
    pub(super) fn reference(&self) -> CorrelationId {
        *self.reference.get_or_init(CorrelationId::random)
    }

    pub(super) fn emit(&self, kind: EventKind, about: EventSubject, error: Option<&Error>) {
        self.auth.0.events.emit(kind, self.reference(), about, error);
    }
}

impl RequestContext {
    /// Returns the correlation id of this request in [events](crate::events) and on error
    /// pages, for the application's own log and pages.
    pub fn reference(&self) -> CorrelationId {
        self.inner().reference()
    }

    pub(super) fn emit(&self, kind: EventKind, about: EventSubject, error: Option<&Error>) {
        self.inner().emit(kind, about, error);
    }

    pub(super) fn tell_failed(&self, about: EventSubject, error: &Error) {
        self.emit(EventKind::SignInFailed { code: error.code() }, about, Some(error));
    }

    pub(super) fn tell_ended(&self, session: &Session, why: EndReason) {
        self.emit(EventKind::SessionEnded { why }, EventSubject::session(session), None);
    }

    /// Reports that the store did not respond when a session was to end.
    pub(super) fn tell_not_ended(&self, session: &Session, error: &Error) {
        self.emit(
            EventKind::StoreUnavailable { during: StoreOperation::End },
            EventSubject::session(session),
            Some(error),
        );
    }

    pub(super) fn tell_step_up(&self, decision: &Decision, by_token: bool) {
        let policy = decision.policy().map(Into::into);
        self.emit(EventKind::StepUpAsked { policy }, self.about_caller(by_token), None);
    }

    pub(super) fn tell_denied(&self, decision: &Decision, by_token: bool) {
        let (policy, code) = (decision.policy().map(Into::into), decision.code());
        let hint = decision.lacks_groups().then(|| {
            let message = if by_token { TOKEN_WITHOUT_GROUPS } else { SIGN_IN_WITHOUT_GROUPS };
            Error::new(Code::AccessDenied, message)
        });
        self.emit(EventKind::AccessDenied { policy, code }, self.about_caller(by_token), hint.as_ref());
    }

    pub(super) fn tell_route_denied(&self, denial: Denial) {
        let kind = EventKind::AccessDenied { policy: None, code: denial.code() };
        self.emit(kind, self.about_caller(false), None);
    }

    /// Returns the caller of the request. For a token it is the user's id, because the
    /// subject is a login.
    fn about_caller(&self, by_token: bool) -> EventSubject {
        if !by_token {
            return self.known_session().map_or_else(EventSubject::default, |session| EventSubject::session(session));
        }
        let Some(token) = self.known_token() else { return EventSubject::default() };
        let (issuer, subject) = (token.claims().issuer().to_owned(), token.claims().user_id());
        EventSubject { issuer: Some(issuer), subject: subject.map(str::to_owned), session: None }
    }
}

impl<C> SignedIn<C> {
    pub(super) fn reference(&self) -> CorrelationId {
        self.context().reference()
    }
}

impl OktaAuth {
    pub(super) fn tell_ended(&self, about: EventSubject, why: EndReason, reference: CorrelationId) {
        self.0.session_admin.emit_ended(about, why, reference);
    }

    /// Reports the result of a refresh. It has a random reference, because many requests
    /// may share it.
    pub(super) fn emit_refresh(&self, kind: EventKind, session: &Session, error: Option<&Error>) {
        self.0.events.emit(kind, CorrelationId::random(), EventSubject::session(session), error);
    }
}
