//! Refresh tokens with their expiry and their rotation.
//!
//! A rotated token is kept, so that its reuse is detected: a use after the grace period means that the token was
//! copied, and the org cannot tell which of the two users is legitimate.

use super::grant::Grant;

#[derive(Clone, Debug)]
pub(crate) struct RefreshToken {
    pub(crate) grant: Grant,
    /// When it expires if it is unused, in seconds.
    pub(crate) expires_at: i64,
    /// The absolute expiry in seconds; successors inherit it.
    pub(crate) ends_at: Option<i64>,
    /// When it was rotated, in seconds.
    pub(crate) replaced_at: Option<i64>,
}

impl RefreshToken {
    /// Whether a rotated token is used after its grace period. Without a leeway every use counts as reuse. With a
    /// leeway of 0 s, a repetition within the same second is allowed, as at Okta.
    pub(crate) fn is_reused(&self, now: i64, leeway: Option<i64>) -> bool {
        self.replaced_at.is_some_and(|replaced_at| leeway.is_none_or(|leeway| now > replaced_at + leeway))
    }
}
