//! Ends the sessions of removed tenants.
//!
//! If the store fails, the sessions would survive and become valid again if the tenant were
//! added again. Therefore ending them is retried until it succeeds.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;

use super::OktaAuth;
use crate::error::{Code, Error, Result};
use crate::session::SessionId;

const TRY_AGAIN: Duration = Duration::from_secs(1);
/// The number of attempts: for an hour.
const TRIES: usize = 3600;

/// Ends all sessions of these tenants. The receiver completes after the first attempt.
pub(super) fn end_sessions(gone: Vec<OktaAuth>) -> oneshot::Receiver<()> {
    gone.iter().for_each(OktaAuth::mark_removed);
    let (emit, told) = oneshot::channel();
    tokio::spawn(async move {
        let mut left = try_to_end(gone, true).await;
        // The waiting request may have been cancelled.
        let _ = emit.send(());
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
    /// Removes this tenant and ends all its sessions. If the store does not respond, this
    /// is retried in the background.
    ///
    /// # Errors
    /// Those of the store; no session has ended yet then.
    pub(super) async fn remove_tenant(&self) -> Result<()> {
        self.mark_removed();
        let outcome = self.end_all_sessions().await;
        if outcome.as_ref().is_err_and(Error::is_temporary) {
            drop(end_sessions(vec![self.clone()]));
        }
        outcome
    }

    /// Marks the tenant as removed, so that its sessions are invalid.
    fn mark_removed(&self) {
        self.0.gone.store(true, Ordering::Release);
    }

    /// Checks after creating a session that its tenant still exists. If the tenant was
    /// removed during the sign-in, either the removal found this session, or this check
    /// ends it.
    ///
    /// # Errors
    /// [`Code::TenantUnknown`] after the session was ended.
    pub(super) async fn ensure_tenant_exists(&self, id: SessionId) -> Result<()> {
        if !self.0.gone.load(Ordering::Acquire) {
            return Ok(());
        }
        self.end_session(id).await?;
        Err(Error::new(Code::TenantUnknown, "the tenant was removed during the sign-in"))
    }
}

async fn try_to_end(gone: Vec<OktaAuth>, is_first: bool) -> Vec<OktaAuth> {
    let mut left = Vec::new();
    for auth in gone {
        let Err(error) = auth.end_all_sessions().await else { continue };
        let again = error.is_temporary();
        if is_first || !again {
            let then = if again { "this is retried" } else { "they stay valid until their limits" };
            tracing::warn!(
                target: "okta_auth", code = %error.code(),
                "sessions of a removed tenant were not ended: {error:?}; {then}"
            );
        }
        if again {
            left.push(auth);
        }
    }
    left
}
