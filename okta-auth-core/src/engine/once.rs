//! Lets a sign-out message count once, and lets it come again if it could not be
//! carried out.
//!
//! # The mark
//!
//! | mark of the message | another copy | when |
//! |---|---|---|
//! | none | is carried out | it has not come, or the store failed before its work was done |
//! | somebody's | may come again later | it is being carried out, or whoever did so has gone away |
//! | used | is a replay | it has been carried out, or never can be |
//!
//! A mark that was final before the work was done would lose a message with the first
//! store that fails in between: its sender hears 503, sends it again as it should, and is
//! taken for a replay. One that was written only afterwards would let two copies at once
//! count twice, and the second could name another user (the token of Universal Logout
//! does not cover the body).
//!
//! So a message is held first, for [`HELD`], and marked as used when its work is done.
//! After an error that is temporary it is let go. If that fails too, or the process
//! ends, the mark goes by itself: the message is late then, and not lost.

use std::time::Duration;

use super::OktaAuth;
use crate::error::{Code, Error, Result};
use crate::jose::Once;
use crate::secret::random_bytes;
use crate::session::{Kind, SessionStore, StoreKey, bounded};

/// How long a message is held for whoever carries it out. It is much more than a store
/// may take, and little enough for a sender that tries again within the five minutes of
/// a token.
const HELD: Duration = Duration::from_secs(20);

/// The mark of a message that is used up: greater than the mark of anybody who holds one.
const USED: u64 = u64::MAX;

/// A message that is held by this request.
struct Held<'a> {
    marks: &'a dyn SessionStore,
    mark: StoreKey,
    owner: u64,
}

impl OktaAuth {
    /// Carries out the work of a message, once on all replicas.
    ///
    /// The work is done again if it failed for the time being, so it must bear that: to
    /// end what has ended already is nothing.
    ///
    /// # Errors
    /// Those of the work; [`Code::TokenClaim`] for a replay; [`Code::LogoutInProgress`]
    /// for a copy of a message that is being carried out; [`Code::LogoutUnsupported`]
    /// without a place for marks; [`Code::StoreUnavailable`], also if the work is done
    /// and cannot be marked so: a sender that comes again then finds nothing to do.
    pub(super) async fn once<T>(
        &self,
        issuer: &str,
        once: &Once,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let held = self.hold(issuer, once).await?;
        match work.await {
            Err(error) if error.is_temporary() => {
                held.let_go().await;
                Err(error)
            }
            outcome => {
                let remember_for = once.remember_for(self.0.clock.now());
                bounded(held.marks.raise(&held.mark, USED, remember_for)).await?;
                outcome
            }
        }
    }

    /// Takes the mark of a message that nobody holds and that is not used up.
    async fn hold(&self, issuer: &str, once: &Once) -> Result<Held<'_>> {
        let sessions = &self.0.sessions;
        let Some(marks) = sessions.marks() else {
            let message = "nothing here could remember that the message has come; set OKTA_REVOCATION_STORE";
            return Err(Error::new(Code::LogoutUnsupported, message));
        };
        let mark = sessions.naming().name(Kind::Message, format!("{issuer} {}", once.id()).as_bytes());
        // 63 random bits: nobody else's, and never `USED`.
        let owner = u64::from_be_bytes(random_bytes()?) >> 1;
        if bounded(marks.claim(&mark, owner, HELD)).await? {
            return Ok(Held { marks, mark, owner });
        }
        if bounded(marks.marks(&[mark])).await?.contains(&USED) {
            return Err(Error::invalid_claim("jti", "has been used before: the message was replayed"));
        }
        let message = "another copy of the sign-out message is being carried out, or was not carried out to its end";
        Err(Error::new(Code::LogoutInProgress, message).with_retry_after(HELD))
    }
}

impl Held<'_> {
    /// Lets the message come again at once. If this fails it may come when its mark has
    /// gone.
    async fn let_go(self) {
        if let Err(error) = bounded(self.marks.release(&self.mark, self.owner)).await {
            tracing::debug!(target: "okta_auth", "a sign-out message is held for {} s more: {error}", HELD.as_secs());
        }
    }
}
