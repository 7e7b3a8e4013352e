//! The session of a request, as its cookies and the store report it.

use std::sync::Arc;

use super::record::Session;
use super::store::StoreKey;
use super::stored::{PresentedKey, SessionEntry};

/// What the cookies say.
#[derive(Debug)]
pub(crate) enum SessionLookup {
    Known(LoadedSession),
    /// The store or Okta has to be asked first.
    Pending(PendingLookup),
}

/// A session that may have ended, or that needs refreshed tokens.
#[derive(Clone, Debug)]
pub(crate) enum PendingLookup {
    Cookie {
        entry: SessionEntry,
        needs_rewrite: bool,
    },
    /// The keys under which the store may have a record.
    Stored(Vec<PresentedKey>),
}

#[derive(Debug)]
pub(crate) enum LoadedSession {
    /// No cookie opens, or the store has no such session. The cookie stays: it may belong to another application on the
    /// host, and a slow request must not delete the cookie of a new sign-in that has overtaken it.
    None,
    /// A session that was revoked or has reached one of its limits. Its cookie should be cleared.
    Ended,
    /// A session that begins in the future.
    Early(Arc<Session>),
    /// A live session. `needs_rewrite` if its cookie should be written again, to record the use or to replace an old
    /// key.
    Live { entry: SessionEntry, needs_rewrite: bool },
}

impl SessionLookup {
    /// Whether the cookies prove that the request has no live session.
    pub(crate) fn is_without_session(&self) -> bool {
        matches!(self, Self::Known(LoadedSession::None | LoadedSession::Ended | LoadedSession::Early(_)))
    }
}

impl PendingLookup {
    /// The session, as far as known: two lookups with the same key stand for the same session.
    pub(crate) fn key(&self) -> Option<StoreKey> {
        match self {
            Self::Cookie { entry, .. } => Some(entry.session.key()),
            Self::Stored(keys) => keys.iter().find(|key| key.proven).or(keys.first()).map(|key| key.key),
        }
    }

    /// Whether the cookies alone prove that the session was issued here.
    pub(crate) fn is_proven(&self) -> bool {
        match self {
            Self::Cookie { .. } => true,
            Self::Stored(keys) => keys.iter().any(|key| key.proven),
        }
    }
}
