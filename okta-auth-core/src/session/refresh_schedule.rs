//! Decides when a session's tokens are due for refresh, and applies a refresh to the session.
//!
//! This file sends no requests. `engine/renewal.rs` decides which caller refreshes and how often.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::claims::log_wrong_types;
use super::record::{Record, Session, max_expires_at, text};
use super::tokens::Tokens;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::protocol::TokenSet;
use crate::secret::random_bytes;
use crate::tokens::refresh::RefreshedTokens;

/// The assumed lifetime of an access token if the response has no `expires_in` (RFC 6749 §5.1). It
/// is Okta's default.
const UNTOLD_LIFETIME: Duration = Duration::from_secs(3600);

/// A token is refreshed at most this long before it expires, so that a handler has time to use it.
const MARGIN: Duration = Duration::from_secs(60);

/// After a refresh that could not read all claims, the next refresh is due after this time.
const RETRY_CLAIMS: Duration = Duration::from_secs(60);

/// The times of an access token. The record stores them, so that every replica decides alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Schedule {
    /// From `expires_in` of the token response.
    pub(super) expires_at: Option<Timestamp>,
    /// When a refresh is due; `None` without a refresh token.
    pub(super) renew_at: Option<Timestamp>,
}

/// Whether a session needs a token refresh.
///
/// With `Soon` a request may continue with its current tokens while another caller refreshes. With
/// `Now` it has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefreshDue {
    /// Not yet, or the session has no refresh token.
    NotYet,
    Soon,
    Expired,
}

impl Schedule {
    /// Computes the schedule of tokens that have just been issued. Jitter of up to half a margin
    /// spreads the refreshes of sessions that began together.
    ///
    /// The margin is a minute, or a quarter of a shorter lifetime. Otherwise a token that lives
    /// less than a minute would be due as soon as it is issued.
    ///
    /// If the claims are incomplete, the refresh is due soon, so that they are read again.
    pub(super) fn new(tokens: &TokenSet, renewable: bool, complete: bool, now: Timestamp) -> Result<Self> {
        let expires_at = tokens.access_token_expires_at;
        let lifetime = expires_at.map_or(UNTOLD_LIFETIME, |end| end.since(now)).max(Duration::from_secs(1));
        let margin = MARGIN.min(lifetime / 4);
        let [random] = random_bytes()?;
        let jitter = margin * u32::from(random) / 512;
        let at = now.plus(lifetime.saturating_sub(margin).saturating_add(jitter));
        let renew_at = if complete { at } else { at.min(now.plus(RETRY_CLAIMS)) };
        Ok(Self { expires_at, renew_at: renewable.then_some(renew_at) })
    }
}

impl Session {
    /// Whether a refresh is due at `now`.
    ///
    /// Without a refresh token it is never due: such a session lives until its limits.
    pub(crate) fn due(&self, now: Timestamp) -> RefreshDue {
        let Schedule { expires_at, renew_at } = self.record.schedule;
        match renew_at {
            Some(at) if at <= now => {
                let expired = expires_at.unwrap_or(at) <= now;
                if expired { RefreshDue::Expired } else { RefreshDue::Soon }
            }
            _ => RefreshDue::NotYet,
        }
    }

    pub(crate) fn tokens_expire_at(&self) -> Option<Timestamp> {
        self.record.schedule.expires_at.or(self.record.schedule.renew_at)
    }

    /// Whether `other` has the same tokens as this session. A caller that waited for another
    /// process uses this to detect that process's refresh.
    pub(crate) fn has_tokens_of(&self, other: &Self) -> bool {
        self.record.schedule == other.record.schedule && self.tokens.same_as(&other.tokens)
    }

    /// Applies a refresh to the session. The id, the start and the application's own data stay, and
    /// so does everything that the response omits.
    ///
    /// A refresh is not a use of the session: the request that caused it counts as a use or not. So
    /// no limit moves. If userinfo failed, the next refresh is due soon, so that missing claims are
    /// read again.
    pub(crate) fn renewed(&self, refreshed: &RefreshedTokens, now: Timestamp) -> Result<Self> {
        let mut record = Record::clone(&self.record);
        let tokens = Tokens::renewed(&self.tokens, &refreshed.tokens)?;
        if let Some(claims) = &refreshed.claims {
            log_wrong_types(claims, &record.issuer);
            record.claims = Some(text(claims)?);
            // Okta may move the end. A response without `session_expiry` does not remove it.
            record.max_expires_at = max_expires_at(claims).or(record.max_expires_at);
            record.earlier = self.earlier_than(claims);
        }
        if let Some(scopes) = &refreshed.tokens.scopes {
            record.scopes.clone_from(scopes);
        }
        record.schedule = Schedule::new(&refreshed.tokens, true, refreshed.complete, now)?;
        let session = Self::assemble(Arc::new(record), self.times, tokens);
        Ok(session.without_double_claims())
    }

    /// Drops claims that equal those of the ID token. Storing them twice would waste space in
    /// cookies.
    fn without_double_claims(mut self) -> Self {
        let payload = self.tokens.id_token_payload();
        let same =
            payload.and_then(|payload| serde_json::from_slice(&payload).ok()).as_ref() == Some(self.all_claims());
        if same {
            Arc::make_mut(&mut self.record).claims = None;
        }
        self
    }
}
