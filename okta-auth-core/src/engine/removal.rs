//! Ends the sessions of tenants that are no more.
//!
//! A store that fails at that moment would keep them, and they would be good again if
//! the tenant came back. So it is tried until it works.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;

use super::OktaAuth;
use crate::error::{Code, Error, Result};
use crate::session::SessionId;

/// How long between two tries.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How often it is tried: for an hour.
const TRIES: usize = 3600;

/// Ends all sessions of these. The answer comes after the first try.
pub(super) fn end_sessions(gone: Vec<OktaAuth>) -> oneshot::Receiver<()> {
    gone.iter().for_each(OktaAuth::go);
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let mut left = try_to_end(gone, true).await;
        // Whoever waited may have given up.
        let _ = tell.send(());
        for _ in 1..TRIES {
            if left.is_empty() {
                break;
            }
            tokio::time::sleep(TRY_AGAIN).await;
            left = try_to_end(left, false).await;
        }
    });
    told
}

impl OktaAuth {
    /// Ends all sessions of this tenant, which goes. If the store does not answer it is
    /// tried again until it does.
    ///
    /// # Errors
    /// The store's: nothing has ended yet.
    pub(super) async fn remove_everybody(&self) -> Result<()> {
        self.go();
        let outcome = self.end_everybody().await;
        if outcome.as_ref().is_err_and(Error::is_temporary) {
            drop(end_sessions(vec![self.clone()]));
        }
        outcome
    }

    /// From now on nobody is signed in here.
    fn go(&self) {
        self.0.gone.store(true, Ordering::Release);
    }

    /// Whether the tenant of a new session is still there. Somebody may have been on the
    /// way back from Okta when it went: either that session was there when all were
    /// ended, or this finds out.
    ///
    /// # Errors
    /// [`Code::TenantUnknown`], and the session has ended.
    pub(super) async fn still_there(&self, id: SessionId) -> Result<()> {
        if !self.0.gone.load(Ordering::Acquire) {
            return Ok(());
        }
        self.end_session(id).await?;
        Err(Error::new(Code::TenantUnknown, "the tenant was removed while somebody signed in"))
    }
}

/// Returns those that are to be tried again.
async fn try_to_end(gone: Vec<OktaAuth>, is_first: bool) -> Vec<OktaAuth> {
    let mut left = Vec::new();
    for auth in gone {
        let Err(error) = auth.end_everybody().await else { continue };
        let again = error.is_temporary();
        if is_first || !again {
            let then = if again { "it is tried again" } else { "they last until their limits" };
            tracing::warn!(
                target: "okta_auth", code = %error.code(),
                "sessions of a removed tenant live on: {error:?}; {then}"
            );
        }
        if again {
            left.push(auth);
        }
    }
    left
}
