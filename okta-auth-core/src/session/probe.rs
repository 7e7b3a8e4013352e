//! Checks in the store, or in the list of ended sessions, whether a watched session is alive.

use std::sync::Arc;

use super::index_keys::IndexKeys;
use super::record::Session;
use super::revocations::Revocations;
use super::store::StoreKey;
use super::stored::StoredSessions;
use crate::clock::Timestamp;
use crate::error::Result;

#[derive(Clone)]
pub(super) enum Prober {
    /// In the store: the record is gone.
    Stored(StoredSessions),
    /// In the list of ended sessions, if there is one. Later uses of a session in a cookie are
    /// recorded only in the browser.
    Cookie { revocations: Option<Revocations>, index_keys: IndexKeys },
}

pub(super) enum Probed {
    Ended,
    /// It lives until this moment unless it is used.
    Lives {
        session: Arc<Session>,
        until: Timestamp,
    },
    /// It is not on the list. Its known end stays.
    NotEnded,
}

impl Prober {
    pub(super) async fn ask(&self, session: Arc<Session>, now: Timestamp) -> Result<Probed> {
        match self {
            Self::Stored(stored) => {
                let Some(entry) = stored.load(&session.id().0, now).await? else { return Ok(Probed::Ended) };
                let until = stored.limits().end(entry.session.lifeline());
                Ok(Probed::Lives { session: entry.session, until })
            }
            Self::Cookie { revocations: None, .. } => Ok(Probed::NotEnded),
            Self::Cookie { revocations: Some(revocations), index_keys } => {
                let names = session.names(index_keys).all();
                let ended = revocations.is_ended(&names, session.created_at()).await?;
                Ok(if ended { Probed::Ended } else { Probed::NotEnded })
            }
        }
    }

    pub(super) fn names(&self, session: &Session) -> Vec<StoreKey> {
        match self {
            Self::Stored(stored) => session.names(stored.index_keys()).all(),
            Self::Cookie { index_keys, .. } => session.names(index_keys).all(),
        }
    }
}
