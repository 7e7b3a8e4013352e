//! Refresh tokens with their expiry and their rotation.
//!
//! A rotated token is kept, so that its reuse is detected: a use after the grace period
//! means that the token was copied, and the org cannot tell which of the two users is
//! legitimate.

use super::{Grant, Store};
use crate::random;

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
    /// Whether a rotated token is used after its grace period. Without a leeway every use
    /// counts as reuse. With a leeway of 0 s, a repetition within the same second is
    /// allowed, as at Okta.
    pub(crate) fn is_reused(&self, now: i64, leeway: Option<i64>) -> bool {
        self.replaced_at.is_some_and(|replaced_at| leeway.is_none_or(|leeway| now > replaced_at + leeway))
    }
}

impl Store {
    pub(crate) fn issue_refresh_token(&mut self, grant: Grant, expires_at: i64, ends_at: Option<i64>) -> String {
        let value = random::token();
        let token = RefreshToken { grant, expires_at, ends_at, replaced_at: None };
        self.refresh_tokens.insert(value.clone(), token);
        value
    }

    /// Returns the refresh token unless it has expired or was revoked. Rotated tokens are
    /// returned as well; the caller checks the grace period.
    pub(crate) fn refresh_token(&self, value: &str, now: i64) -> Option<RefreshToken> {
        let token = self.refresh_tokens.get(value)?;
        let alive = token.expires_at > now && !self.revoked_grants.contains(&token.grant.id);
        alive.then(|| token.clone())
    }

    /// Sets the new expiry of a used refresh token, which restarts the idle period.
    pub(crate) fn extend_refresh_token(&mut self, value: &str, expires_at: i64) {
        if let Some(token) = self.refresh_tokens.get_mut(value) {
            token.expires_at = expires_at;
        }
    }

    /// Marks a refresh token as rotated. Only the first rotation sets the time, so
    /// repeated use does not extend the grace period.
    pub(crate) fn replace_refresh_token(&mut self, value: &str, now: i64) {
        if let Some(token) = self.refresh_tokens.get_mut(value) {
            token.replaced_at.get_or_insert(now);
        }
    }
}
