//! One event.

use std::fmt;
use std::sync::Arc;

use super::happening::Happening;
use super::reference::Reference;
use crate::clock::Timestamp;

/// Something that happened: what, when, to whom, and why.
///
/// `Debug` leaves out the subject, so that an event may be printed anywhere.
#[derive(Clone)]
pub struct Event {
    pub(super) happening: Happening,
    pub(super) time: Timestamp,
    pub(super) issuer: Arc<str>,
    pub(super) client_id: Arc<str>,
    pub(super) reference: Reference,
    pub(crate) about: About,
}

/// Whom an event is about, as far as that is known.
#[derive(Clone, Default)]
pub(crate) struct About {
    /// Who vouches for the user, if that may be somebody else than the configured
    /// issuer.
    pub(crate) issuer: Option<String>,
    /// The user at that issuer.
    pub(crate) subject: Option<String>,
    /// The id of the session.
    pub(crate) session: Option<[u8; 32]>,
}

impl Event {
    /// What happened, to match on.
    ///
    /// There will be more kinds and more reasons: a `match` has to have a default.
    pub fn happening(&self) -> &Happening {
        &self.happening
    }

    /// The name, as in the [table](super): stable, in snake case.
    pub fn name(&self) -> &'static str {
        self.happening.name()
    }

    /// The code of why: stable, in snake case.
    pub fn reason(&self) -> &'static str {
        self.happening.reason()
    }

    /// When, by the application's clock, in whole seconds. Events of the same second
    /// are told in the order in which they happened.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The issuer of the user; where none is known, the one that the application signs
    /// in at.
    pub fn issuer(&self) -> &str {
        self.about.issuer.as_deref().unwrap_or(&self.issuer)
    }

    /// The client id of the application. Together with the issuer it says which tenant
    /// an event is of.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// What ties this event to others of the same request, and to what its user was
    /// shown.
    pub fn reference(&self) -> Reference {
        self.reference
    }

    /// The user, at that issuer: personal data, which the log does not get. `None` if
    /// no user is known, or the caller is a machine.
    pub fn subject(&self) -> Option<&str> {
        self.about.subject.as_deref()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.name())
            .field("reason", &self.reason())
            .field("time", &self.time)
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("About").finish_non_exhaustive()
    }
}
