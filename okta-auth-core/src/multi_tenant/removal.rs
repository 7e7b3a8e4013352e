//! Ends the sessions of removed tenants.
//!
//! If the store fails, the sessions would survive and become valid again if the tenant were added again. Therefore
//! ending them is retried until it succeeds.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::engine::OktaAuth;
use crate::error::{Error, Result};
use crate::retry::pauses;

const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The number of attempts: for an hour.
const MAX_ATTEMPTS: usize = 3600;

/// Ends all sessions of these tenants. The receiver completes after the first attempt.
pub(super) fn end_sessions(removed: Vec<OktaAuth>) -> oneshot::Receiver<()> {
    removed.iter().for_each(|auth| auth.session_admin().mark_removed());
    let (sender, receiver) = oneshot::channel();
    tokio::spawn(async move {
        let mut left = try_to_end(removed, true).await;
        // The waiting request may have been cancelled.
        let _ = sender.send(());
        for pause in pauses(RETRY_INTERVAL, RETRY_INTERVAL).take(MAX_ATTEMPTS) {
            if left.is_empty() {
                break;
            }
            tokio::time::sleep(pause).await;
            left = try_to_end(left, false).await;
        }
    });
    receiver
}

/// Removes a tenant and ends all its sessions. If the store does not respond, this is retried in the background.
///
/// # Errors
/// Those of the store; no session has ended yet then.
pub(super) async fn remove(auth: &OktaAuth) -> Result<()> {
    auth.session_admin().mark_removed();
    let outcome = auth.session_admin().end_all().await;
    if outcome.as_ref().is_err_and(Error::is_temporary) {
        drop(end_sessions(vec![auth.clone()]));
    }
    outcome
}

async fn try_to_end(removed: Vec<OktaAuth>, is_first: bool) -> Vec<OktaAuth> {
    let mut left = Vec::new();
    for auth in removed {
        let Err(error) = auth.session_admin().end_all().await else { continue };
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
