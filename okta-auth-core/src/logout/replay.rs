//! Replay protection for logout messages, with retries after temporary failures.
//!
//! # States
//!
//! | state of the message | another copy | when |
//! |---|---|---|
//! | new | is processed | the first copy, or the store failed before the work was done |
//! | claimed | may be retried later | another request processes it, or that request was aborted |
//! | used | is a replay | it was processed, or it can never be |
//!
//! If the message were marked as used before the work is done, a store failure in between would lose it: the sender
//! gets 503, sends it again, and the copy counts as a replay. If it were marked only afterwards, two concurrent copies
//! would both be processed, and the second could name another user (the token of Universal Logout does not cover the
//! body).
//!
//! Therefore a message is first claimed for [`CLAIM_LIFETIME`], and marked as used when its work is done. After a
//! temporary error the claim is released. If the release fails too, or the process ends, the claim expires: the message
//! is delayed, but not lost.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::SharedClock;
use crate::error::{Code, Error, Result};
use crate::jose::TokenId;
use crate::secret::random_bytes;
use crate::session::{IndexKind, SessionStore, Sessions, StoreKey, with_store_timeout};

/// Longer than any store operation, and short enough for a retry of the sender within the five-minute lifetime of a
/// token.
const CLAIM_LIFETIME: Duration = Duration::from_secs(20);

/// The mark of a used message. It is greater than the mark of any claim.
const USED: u64 = u64::MAX;

/// Processes each message once across all replicas.
pub(super) struct ReplayGuard {
    sessions: Arc<Sessions>,
    clock: SharedClock,
}

struct ReplayClaim<'a> {
    marks: &'a dyn SessionStore,
    mark: StoreKey,
    owner: u64,
}

impl ReplayGuard {
    pub(super) fn new(sessions: Arc<Sessions>, clock: SharedClock) -> Self {
        Self { sessions, clock }
    }

    /// Runs the work of a message, once across all replicas.
    ///
    /// The work is repeated after a temporary failure, so it must be idempotent: ending an ended session is a no-op.
    ///
    /// # Errors
    /// Those of the work; [`Code::TokenClaim`] for a replay; [`Code::LogoutInProgress`] for a copy of a message that is
    /// being processed; [`Code::LogoutUnsupported`] without storage for marks; [`Code::StoreUnavailable`], also if the
    /// work is done but could not be marked as used: a retry of the sender is then a no-op.
    pub(super) async fn run_once<T>(
        &self,
        issuer: &str,
        id: &TokenId,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let claim = self.claim(issuer, id).await?;
        match work.await {
            Err(error) if error.is_temporary() => {
                claim.release().await;
                Err(error)
            }
            outcome => {
                let lifetime = id.remember_for(self.clock.now());
                with_store_timeout(claim.marks.raise_watermark(&claim.mark, USED, lifetime)).await?;
                outcome
            }
        }
    }

    /// Claims a message that is neither claimed nor used.
    async fn claim(&self, issuer: &str, id: &TokenId) -> Result<ReplayClaim<'_>> {
        let Some(marks) = self.sessions.marks() else {
            let message = "replays cannot be detected without storage; set OKTA_REVOCATION_STORE";
            return Err(Error::new(Code::LogoutUnsupported, message));
        };
        let mark = self.sessions.index_keys().name(IndexKind::Message, format!("{issuer} {}", id.id()).as_bytes());
        // 63 random bits: unique to this request, and never `USED`.
        let owner = u64::from_be_bytes(random_bytes()?) >> 1;
        if with_store_timeout(marks.try_lock(&mark, owner, CLAIM_LIFETIME)).await? {
            return Ok(ReplayClaim { marks, mark, owner });
        }
        if with_store_timeout(marks.watermarks(&[mark])).await?.contains(&USED) {
            return Err(Error::invalid_claim("jti", "was already used: the message was replayed"));
        }
        let message = "another copy of the sign-out message is being processed, or its processing was aborted";
        Err(Error::new(Code::LogoutInProgress, message).with_retry_after(CLAIM_LIFETIME))
    }
}

impl ReplayClaim<'_> {
    /// Releases the claim, so that the message can be retried immediately. If this fails, the claim expires.
    async fn release(self) {
        if let Err(error) = with_store_timeout(self.marks.unlock(&self.mark, self.owner)).await {
            let seconds = CLAIM_LIFETIME.as_secs();
            tracing::debug!(target: "okta_auth", "a sign-out message stays claimed for {seconds} s: {error}");
        }
    }
}
