//! Replay protection for grants, with the marks of a session store, as for logout messages.
//!
//! A grant counts as used once it has passed every other check. A request that fails afterwards does not release it:
//! its client gets another grant without the user.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::jose::VerifiedIdJag;
use crate::secret::{random_bytes, sha256};
use crate::session::{SessionStore, StoreKey, with_store_timeout};

/// Distinguishes these marks from others in the same store.
const LABEL: &str = "okta-auth id-jag v1";

#[derive(Clone)]
pub(super) struct UsedGrants(Arc<dyn SessionStore>);

impl UsedGrants {
    pub(super) fn new(store: Arc<dyn SessionStore>) -> Self {
        Self(store)
    }

    /// Marks a grant as used, until it has expired on every replica.
    ///
    /// # Errors
    /// [`Code::TokenClaim`] if it already was; [`Code::StoreUnavailable`].
    pub(super) async fn consume(&self, grant: &VerifiedIdJag, audience: &str, now: Timestamp) -> Result<()> {
        // JSON separates the parts unambiguously.
        let name = serde_json::to_vec(&(LABEL, audience, grant.issuer(), grant.once().id()))
            .map_err(|error| Error::new(Code::Internal, "the name of a mark cannot be encoded").with_cause(error))?;
        let mark = StoreKey::from_bytes(sha256(&name));
        // Only this request owns the mark.
        let owner = u64::from_be_bytes(random_bytes()?);
        if with_store_timeout(self.0.try_lock(&mark, owner, grant.once().remember_for(now))).await? {
            return Ok(());
        }
        Err(Error::invalid_claim("jti", "was already used: the grant was replayed"))
    }
}
