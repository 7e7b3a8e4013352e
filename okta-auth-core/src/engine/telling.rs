//! Tells what happened: fills events in with what the engine knows of a request.
//!
//! | of | reference | user |
//! |---|---|---|
//! | a request | the request's own | that of its session, or of its token |
//! | a sign-in that is being completed | the request's own | who was verified, from then on |
//! | a message from outside | the request's own, also for the sessions that it ends | those of these sessions |
//! | a renewal | one of its own | that of the session |
//! | what the application ends | one of its own, or that of the request it is called in | that of the session |
//!
//! An event is told when what it tells of has happened and not before: a session that
//! the store could not remove has not ended. What an event tells of is not logged a
//! second time.

use super::visit::{Inner, Visit};
use super::{OktaAuth, SignedIn};
use crate::error::{Code, Error, Result};
use crate::events::{About, EndReason, Event, Happening, LogoutChannel, Reference, StoreUse};
use crate::logout::Channel;
use crate::policy::{Decision, Denial};
use crate::session::{Session, SessionId, StoreKey};

/// Why a policy that asks for a group refuses every caller.
const SIGN_IN_WITHOUT_GROUPS: &str = "the sign-in brought no claim with groups; let Okta send one: a groups claim of the custom server (Security > API > \
     the server > Claims), or the scope `groups` and the application's group claim filter at the org server";

/// The same of access tokens.
const TOKEN_WITHOUT_GROUPS: &str = "the access token has no claim with groups; add a groups claim for access tokens to the custom server (Security > \
     API > the server > Claims)";

impl Event {
    /// The session, where there is one.
    pub fn session_id(&self) -> Option<SessionId> {
        self.about.session.map(|id| SessionId(StoreKey::from_bytes(id)))
    }
}

impl About {
    /// A session of ours, and whose it is.
    pub(super) fn session(session: &Session) -> Self {
        Self {
            issuer: Some(session.issuer().to_owned()),
            subject: Some(session.subject().to_owned()),
            session: Some(*session.id().0.as_bytes()),
        }
    }

    /// A session of which only the id is known.
    pub(super) fn session_id(id: SessionId) -> Self {
        Self { session: Some(*id.0.as_bytes()), ..Self::default() }
    }

    /// A user of an issuer, as the issuer writes itself.
    pub(super) fn user(issuer: &str, subject: &str) -> Self {
        Self { issuer: Some(issuer.to_owned()), subject: Some(subject.to_owned()), session: None }
    }
}

impl Inner {
    /// What this request is called in events and on error pages; made when it is first
    /// needed.
    pub(super) fn reference(&self) -> Reference {
        *self.reference.get_or_init(Reference::random)
    }

    /// Something happened in this request.
    pub(super) fn tell(&self, happening: Happening, about: About, error: Option<&Error>) {
        self.auth.0.events.tell(happening, self.reference(), about, error);
    }
}

impl Visit {
    /// What this request is called in [events](crate::events) and on error pages, for
    /// an application's own log and pages.
    pub fn reference(&self) -> Reference {
        self.inner().reference()
    }

    /// Something happened in this request.
    pub(super) fn tell(&self, happening: Happening, about: About, error: Option<&Error>) {
        self.inner().tell(happening, about, error);
    }

    /// A sign-in failed.
    pub(super) fn tell_failed(&self, about: About, error: &Error) {
        self.tell(Happening::SignInFailed { code: error.code() }, about, Some(error));
    }

    /// A session ended.
    pub(super) fn tell_ended(&self, session: &Session, why: EndReason) {
        self.tell(Happening::SessionEnded { why }, About::session(session), None);
    }

    /// A session was to end, and the store did not answer.
    pub(super) fn tell_not_ended(&self, session: &Session, error: &Error) {
        self.tell(Happening::StoreUnavailable { during: StoreUse::End }, About::session(session), Some(error));
    }

    /// A policy asks for a better sign-in.
    pub(super) fn tell_step_up(&self, decision: &Decision, by_token: bool) {
        let policy = decision.policy().map(Into::into);
        self.tell(Happening::StepUpAsked { policy }, self.about_caller(by_token), None);
    }

    /// A policy refused the request.
    pub(super) fn tell_denied(&self, decision: &Decision, by_token: bool) {
        let (policy, code) = (decision.policy().map(Into::into), decision.code());
        let hint = decision.lacks_groups().then(|| {
            let message = if by_token { TOKEN_WITHOUT_GROUPS } else { SIGN_IN_WITHOUT_GROUPS };
            Error::new(Code::AccessDenied, message)
        });
        self.tell(Happening::AccessDenied { policy, code }, self.about_caller(by_token), hint.as_ref());
    }

    /// The route of the request is denied to every caller.
    pub(super) fn tell_route_denied(&self, denial: Denial) {
        let happening = Happening::AccessDenied { policy: None, code: denial.code() };
        self.tell(happening, self.about_caller(false), None);
    }

    /// A sign-out message came, and this became of it.
    pub(super) fn tell_logout(&self, channel: Channel, outcome: &Result<Option<usize>>) {
        let (refused, sessions) = match outcome {
            Ok(sessions) => (None, *sessions),
            Err(error) => (Some(error.code()), Some(0)),
        };
        let channel = match channel {
            Channel::Front => LogoutChannel::FrontChannel,
            Channel::Back => LogoutChannel::BackChannel,
            Channel::Universal => LogoutChannel::UniversalLogout,
        };
        let happening = Happening::LogoutReceived { channel, refused, sessions };
        self.tell(happening, About::default(), outcome.as_ref().err());
    }

    /// Who makes the request. Of a token it is the user's id, and not its subject,
    /// which is a login.
    fn about_caller(&self, by_token: bool) -> About {
        if !by_token {
            return self.known_session().map_or_else(About::default, |session| About::session(session));
        }
        let Some(token) = self.known_token() else { return About::default() };
        let (issuer, subject) = (token.claims().issuer().to_owned(), token.claims().user_id());
        About { issuer: Some(issuer), subject: subject.map(str::to_owned), session: None }
    }
}

impl<C> SignedIn<C> {
    /// What the request is called in events.
    pub(super) fn reference(&self) -> Reference {
        self.visit().reference()
    }
}

impl OktaAuth {
    /// A session ended, in a request or outside of one.
    pub(super) fn tell_ended(&self, about: About, why: EndReason, reference: Reference) {
        self.0.events.tell(Happening::SessionEnded { why }, reference, about, None);
    }

    /// A renewal is over. It is of no request, since many may wait for it.
    pub(super) fn tell_renewal(&self, happening: Happening, session: &Session, error: Option<&Error>) {
        self.0.events.tell(happening, Reference::random(), About::session(session), error);
    }
}
