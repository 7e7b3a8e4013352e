//! The audit event.

use std::sync::Arc;

use super::correlation_id::CorrelationId;
use super::kind::EventKind;
use super::session_id::SessionId;
use crate::clock::Timestamp;

/// An audit event: what happened, when, to which user, and why.
///
/// `Debug` omits the subject, so an event may be printed anywhere.
#[derive(Clone)]
pub struct Event {
    pub(super) kind: EventKind,
    pub(super) time: Timestamp,
    pub(super) provider: Option<EventProvider>,
    pub(super) reference: CorrelationId,
    pub(super) about: EventSubject,
}

/// The configured issuer and client.
#[derive(Clone)]
pub(super) struct EventProvider {
    pub(super) issuer: Arc<str>,
    pub(super) client_id: Arc<str>,
}

/// The user and session of an event, as far as known.
#[derive(Clone, Default)]
pub(crate) struct EventSubject {
    /// The user's issuer, if it may differ from the configured one.
    pub(crate) issuer: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) session: Option<SessionId>,
    /// The subject of the actor that uses an access token for the user.
    pub(crate) actor: Option<String>,
}

impl EventSubject {
    /// The issuer is written as in its own tokens.
    pub(crate) fn user(issuer: &str, subject: &str) -> Self {
        Self { issuer: Some(issuer.to_owned()), subject: Some(subject.to_owned()), ..Self::default() }
    }
}

impl From<SessionId> for EventSubject {
    fn from(session: SessionId) -> Self {
        Self { session: Some(session), ..Self::default() }
    }
}

impl Event {
    /// Returns the kind of event, for a `match`.
    ///
    /// Future releases add kinds and reasons, so a `match` needs a default arm.
    pub fn kind(&self) -> &EventKind {
        &self.kind
    }

    /// Returns the name, as in the [table](super): stable, in snake case.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// Returns the reason code: stable, in snake case.
    pub fn reason(&self) -> &'static str {
        self.kind.reason()
    }

    /// Returns the time by the application's clock, in whole seconds. Events of the same second are emitted in the
    /// order in which they happened.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Returns the issuer of the user. If no user is known, it is the issuer that the application is configured with.
    /// `None` for a request that belongs to no tenant.
    pub fn issuer(&self) -> Option<&str> {
        self.about.issuer.as_deref().or_else(|| self.provider.as_ref().map(|provider| &*provider.issuer))
    }

    /// Returns the client id of the application. Together with the issuer it identifies the tenant. `None` for a
    /// request that belongs to no tenant.
    pub fn client_id(&self) -> Option<&str> {
        self.provider.as_ref().map(|provider| &*provider.client_id)
    }

    /// Returns the reference that links this event to others of the same request, and to the error page.
    pub fn reference(&self) -> CorrelationId {
        self.reference
    }

    /// Returns the user's `sub` at that issuer. It is personal data and not logged. `None` if no user is known, or the
    /// caller is a machine.
    pub fn subject(&self) -> Option<&str> {
        self.about.subject.as_deref()
    }

    /// Returns the party that used an access token for its user, such as an AI agent: the `sub` of the present actor
    /// (`act`, RFC 8693 §4.1), of at most 255 characters. `None` if the user or a machine used it directly, and for
    /// events that concern no access token.
    pub fn actor(&self) -> Option<&str> {
        self.about.actor.as_deref()
    }

    /// Returns the id of the session, if the event has one.
    pub fn session_id(&self) -> Option<SessionId> {
        self.about.session
    }
}

opaque_debug!(Event, |it| name: it.name(), reason: it.reason(), time: it.time, reference: it.reference);

opaque_debug!(EventSubject);
