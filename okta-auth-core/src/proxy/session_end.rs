//! The end of a caller's session.

use std::future::pending;

use crate::engine::signed_in::SignedIn;
use crate::session::SessionEnded;

/// Of a caller without a session it never comes. A policy may allow such callers.
pub(super) struct SessionEnd(Option<SessionEnded>);

impl SessionEnd {
    pub(super) fn of(user: Option<&SignedIn>) -> Self {
        Self(user.map(SignedIn::session_ended))
    }

    pub(super) async fn wait(&mut self) {
        match &mut self.0 {
            Some(ended) => ended.await,
            None => pending().await,
        }
    }
}
