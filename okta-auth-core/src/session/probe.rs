//! Checks whether a watched session is alive: in the store, or in the list of ended sessions.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::record::Session;
use super::store::StoreKey;
use crate::clock::Timestamp;
use crate::error::Result;

pub(super) type ProbeFuture<'a> = Pin<Box<dyn Future<Output = Result<Probed>> + Send + 'a>>;

pub(super) trait Probe: Send + Sync {
    fn probe(&self, session: Arc<Session>, now: Timestamp) -> ProbeFuture<'_>;

    /// Returns the index keys of a session.
    fn names(&self, session: &Session) -> Vec<StoreKey>;
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
