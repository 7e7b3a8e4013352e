//! Refresh tokens: how long they work, and what is known about those that another one
//! replaced.
//!
//! With rotation a replaced token is kept, so that its reuse is noticed: after the
//! leeway somebody has a copy, and nobody can tell who.

use super::{Grant, Store};
use crate::random;

/// A refresh token.
#[derive(Clone, Debug)]
pub(crate) struct RefreshToken {
    /// What it stands for.
    pub(crate) grant: Grant,
    /// When it expires unless it is used before, in seconds.
    pub(crate) expires_at: i64,
    /// When it expires however often it is used, in seconds; a successor inherits it.
    pub(crate) ends_at: Option<i64>,
    /// When another one took its place, in seconds.
    pub(crate) replaced_at: Option<i64>,
}

impl RefreshToken {
    /// Whether somebody uses it who should have its successor by now. Without a leeway
    /// that is everybody; with one of 0 s a repetition within the same second is still
    /// in order, as at Okta.
    pub(crate) fn is_reused(&self, now: i64, leeway: Option<i64>) -> bool {
        self.replaced_at.is_some_and(|replaced_at| leeway.is_none_or(|leeway| now > replaced_at + leeway))
    }
}

impl Store {
    /// Hands out a refresh token.
    pub(crate) fn issue_refresh_token(&mut self, grant: Grant, expires_at: i64, ends_at: Option<i64>) -> String {
        let value = random::token();
        let token = RefreshToken { grant, expires_at, ends_at, replaced_at: None };
        self.refresh_tokens.insert(value.clone(), token);
        value
    }

    /// The refresh token unless it expired or was revoked.
    ///
    /// A replaced one is still returned: the caller decides about the leeway.
    pub(crate) fn refresh_token(&self, value: &str, now: i64) -> Option<RefreshToken> {
        let token = self.refresh_tokens.get(value)?;
        let alive = token.expires_at > now && !self.revoked_grants.contains(&token.grant.id);
        alive.then(|| token.clone())
    }

    /// Moves the expiry of a refresh token that was used.
    ///
    /// The idle period starts again.
    pub(crate) fn extend_refresh_token(&mut self, value: &str, expires_at: i64) {
        if let Some(token) = self.refresh_tokens.get_mut(value) {
            token.expires_at = expires_at;
        }
    }

    /// Marks a refresh token as replaced. The first time counts: using it again within
    /// the leeway does not prolong it.
    pub(crate) fn replace_refresh_token(&mut self, value: &str, now: i64) {
        if let Some(token) = self.refresh_tokens.get_mut(value) {
            token.replaced_at.get_or_insert(now);
        }
    }
}
