//! The end of a caller's session.

use std::future::pending;

use crate::engine::signed_in::SignedIn;
use crate::session::SessionEnded;

/// It never comes for a caller without a session, whom a policy may allow.
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
